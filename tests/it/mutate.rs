//! What `dev mutate` wrote down still holds: nothing has changed that a score hangs on, and a few mutants, the same each time, fare as
//! it says. All of them are judged by `splitbrain dev mutate`, by whoever changes a judge.

use crate::bench::{EXERCISES, ROOT, splitbrain};
use serde_json::Value;
use std::path::Path;

/// How many mutants of each exercise are judged anew, once something has changed.
const SAMPLE: &str = "8";

macro_rules! scores {
    ($($id:ident)*) => {
        $(#[test]
        fn $id() {
            super::holds(stringify!($id));
        })*
    };
}

mod the_score_is_fresh_and_a_sample_agrees {
    crate::exercises::each!(scores);
}

/// Where nothing is kept from before (`CI`), one exercise in three is sampled. Which ones hangs on all scores together, so each change of
/// any of them draws anew; whether a score is fresh is asked of every exercise.
const IN_TURN: usize = 3;

fn is_sampled(id: &str) -> bool {
    if std::env::var_os("CI").is_none_or(|ci| ci.is_empty()) {
        return true;
    }
    let scores = EXERCISES.iter().map(|id| std::fs::read_to_string(format!("{ROOT}/tests/mutants/{id}.score.toml")).unwrap());
    let turn = scores.flat_map(String::into_bytes).fold(0, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
    EXERCISES.iter().position(|one| *one == id).is_some_and(|at| at % IN_TURN == (turn >> 8) % IN_TURN)
}

fn holds(id: &str) {
    let sampled = is_sampled(id);
    let said = splitbrain(Path::new(ROOT), &["dev", "mutate", id, "--sample", if sampled { SAMPLE } else { "0" }, "--format", "json"]);
    let row: Value = said.out.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("{}", said.shown()));
    assert_eq!(row["exercise"], id);
    assert!(row["sample"].as_u64().is_some_and(|n| (n > 0) == sampled), "nothing was judged: {}", said.shown());
    assert_eq!(
        row["others"].as_array().map(Vec::len),
        Some(0),
        "the hidden tests of {id} have become other ones than its score says: run `splitbrain dev mutate {id}`, and look at the holes: {row}"
    );
    assert_eq!(
        row["fresh"], true,
        "something has changed that the score of {id} hangs on (engine, judge, reference, rows or operators): run `splitbrain dev mutate {id}` \
         (`splitbrain dev mutate` for all), then `splitbrain dev sync`, and commit tests/mutants/{id}.score.toml and README.md"
    );
    assert_eq!(said.code, Some(0), "{}", said.shown());
}

#[test]
fn a_mistake_is_answered() {
    let said = splitbrain(Path::new(ROOT), &["dev", "mutate", "raft_elections"]);
    assert!(said.code == Some(2) && said.err.contains("did you mean `raft_election`?"), "{}", said.shown());
}
