//! `dev proofs`: whatever is wrong is refused by the rule that names it, whatever is right passes; and what that was tried with is put on
//! record. A test of the project asks the record, and judges anew what it does not cover, and some of what it does: so a further exercise
//! costs a test run from nothing a third of its judging.

use super::implementations::{correct, exercises};
use super::kill_table;
use super::mutate::{Sentences, fingerprint};
use super::soak;
use super::verdicts::Print;
use crate::cli::args::{Format, MutantsArgs, ProofsArgs, SoakArgs};
use crate::cli::content::Content;
use crate::cli::disk;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::mutants;
use crate::cli::out::Out;
use crate::cli::workspace::Workspace;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// On how many base seeds each wrong implementation is judged, and what each right one runs.
const BASE_SEEDS: u64 = 2;
const RUNS: u64 = 1_000;
const FROM: u64 = 7_000_000;

/// What was judged, and came out as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    exercise: String,
    /// Of all that a score hangs on, and of every implementation that was judged.
    fingerprint: String,
    wrong: usize,
    right: usize,
}

impl Proof {
    /// What would be judged now.
    fn now(root: &Path, id: &str) -> Result<Proof> {
        let wrong = mutants::catalogue(&Content::Disk(root.to_owned()), id)?;
        let right = correct(root, id)?;
        let mut print = Print::EMPTY.and(fingerprint(root, id, Sentences::Pass)?.as_bytes());
        for mutant in &wrong {
            print = print.and(mutant.name.as_bytes()).and(mutant.breaks.as_bytes()).and(mutant.text.as_bytes());
        }
        for (name, text) in &right {
            print = print.and(name.as_bytes()).and(text.as_bytes());
        }
        Ok(Proof { exercise: id.to_owned(), fingerprint: print.shown(), wrong: wrong.len(), right: right.len() })
    }

    /// What is on record; nothing if there is none, or one of another form.
    fn recorded(root: &Path, id: &str) -> Option<Proof> {
        toml::from_str(&disk::read_text(&root.join(path(id))).ok()?).ok()
    }

    fn write(&self, root: &Path) -> Result<()> {
        let body = toml::to_string(self).map_err(|e| Trouble::bug(format!("the record cannot be written: {e}")))?;
        let text = format!(
            "# What the hidden tests were tried with, and all of it came out as it should. Written by `splitbrain dev proofs`.\n{body}"
        );
        disk::write_atomically(&root.join(path(&self.exercise)), &text)
    }
}

fn path(id: &str) -> String {
    format!("tests/mutants/{id}.proof.toml")
}

/// Judges what is wrong and what is right of the exercises, and records it where all is as it should be; with `--recorded` says of each whether
/// the record is one of now, and judges nothing.
///
/// # Errors
/// As any build and judging; a record that cannot be written.
pub fn run(root: &Path, args: &ProofsArgs, out: &mut Out) -> Result<Exit> {
    let ids = exercises(&Workspace::here()?, &args.ids)?;
    let mut exit = Exit::Passed;
    for id in ids {
        let now = Proof::now(root, &id)?;
        if args.recorded {
            let holds = Proof::recorded(root, &id).as_ref() == Some(&now);
            exit = if holds { exit } else { Exit::NotPassing };
            tell(&now, holds, out);
            continue;
        }
        let one = || vec![id.clone()];
        let wrong = MutantsArgs { ids: one(), base_seeds: BASE_SEEDS, only: None, screen: false, survey: false, anew: args.anew };
        let right = SoakArgs { ids: one(), runs: RUNS, seed: FROM, mutants: false, anew: args.anew };
        let came_out = [kill_table::run(root, &wrong, out)?, soak::run(root, &right, out)?];
        // What changed while it was judged is not what was judged.
        if came_out == [Exit::Passed; 2] && Proof::now(root, &id)? == now {
            now.write(root)?;
        } else {
            exit = Exit::NotPassing;
        }
    }
    Ok(exit)
}

fn tell(now: &Proof, holds: bool, out: &mut Out) {
    let Proof { exercise, wrong, right, .. } = now;
    if out.format == Format::Json {
        return out.json(&json!({ "exercise": exercise, "recorded": holds, "wrong": wrong, "right": right }));
    }
    let (mark, said) = match holds {
        true => (out.style.good("✓"), "on record"),
        false => (out.style.bad("✗"), "not on record as they are now: `splitbrain dev proofs` judges them"),
    };
    out.print(&format!("  {mark} {exercise:<20} {wrong} wrong and {right} right ones {said}\n"));
}
