//! What a finding says beyond what the judge saw: the steps that led to it, and what the nodes did instead of progressing.
//! Both are read from the run that is shown, so they cost nothing while a thousand others are judged.

use crate::rule::{Broken, DETERMINISTIC, Stuck};
use crate::suite::Suite;
use crate::trace::{Trace, clues, stuck};

/// More steps than these are no pointer any more.
const MARKS_MAX: usize = 6;

/// The broken rule with all that the run tells of it.
pub(super) fn explained(suite: &Suite, trace: &Trace, broken: &Broken) -> Broken {
    let mut broken = broken.clone();
    if broken.rule == DETERMINISTIC {
        return broken;
    }
    for step in clues::steps(trace, suite.clues_to(broken.rule), &broken.marks) {
        if broken.marks.len() < MARKS_MAX && !broken.marks.contains(&step) {
            broken.marks.push(step);
        }
    }
    broken.marks.sort_unstable();
    broken.marks.dedup();
    if let Some(stuck) = broken.stuck {
        let instead = stuck::story(trace, &broken.seen, stuck == Stuck::Unanswered);
        if !instead.is_empty() {
            broken.seen.push_str(&format!(". What happened instead: {instead}"));
        }
    }
    broken
}
