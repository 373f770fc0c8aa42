//! What `dev mutate` wrote down still holds: nothing has changed that a score hangs on, and a few mutants, the same each time, fare as
//! it says. All of them are judged by `splitbrain dev mutate`, by whoever changes a judge.

use crate::bench::{ROOT, is_in_turn, splitbrain};
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

fn holds(id: &str) {
    let sampled = is_in_turn(id);
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
