//! What a finding says beyond what the judge saw: the steps that led to it, and what the nodes did instead of progressing.
//! Both are read from the run that is shown, so they cost nothing while a thousand others are judged.

use crate::rule::{Broken, DETERMINISTIC, Stuck};
use crate::suite::Suite;
use crate::trace::{Event, INSTEAD, Tape, Trace, What, clues, late, stuck};

/// More steps than these are no pointer any more.
const MARKS_MAX: usize = 6;

/// Ends the run on the tape with the step that broke the rule, and the rule written beside it. The broken rule with all that
/// the run tells of it.
pub(super) fn ended(suite: &Suite, tape: &Tape, broken: &Broken) -> Broken {
    if let Some(step) = broken.step {
        tape.cut_after(step);
    }
    let mut broken = explained(suite, &tape.trace(), broken);
    if let Some(last) = tape.trace().events.last() {
        let what = What::Breaks { rule: broken.rule.to_owned(), seen: broken.seen.clone() };
        tape.push(Event { step: last.step, at: last.at, lane: last.lane, what });
    }
    broken.look = suite.rule(broken.rule).and_then(|rule| clues::look(&tape.trace(), rule.clues));
    broken
}

fn explained(suite: &Suite, trace: &Trace, broken: &Broken) -> Broken {
    let mut broken = broken.clone();
    if broken.rule == DETERMINISTIC {
        return broken;
    }
    if let Some(why) = broken.because.take() {
        broken.seen.push_str(&format!("; {}", why.0));
    }
    if let Some(stuck) = broken.stuck {
        let (what, told) = match stuck {
            Stuck::Late(since) => {
                let (told, shown_by) = late::story(trace, since);
                broken.marks.extend(shown_by);
                (". What held it up: ", told)
            }
            stuck => (INSTEAD, stuck::story(trace, &broken.seen, stuck == Stuck::Unanswered)),
        };
        if !told.is_empty() {
            broken.seen.push_str(&format!("{what}{told}"));
        }
    }
    let clues = suite.rule(broken.rule).map_or(&[][..], |rule| rule.clues);
    for step in clues::steps(trace, clues, &broken.marks) {
        if broken.marks.len() < MARKS_MAX && !broken.marks.contains(&step) {
            broken.marks.push(step);
        }
    }
    broken.marks.sort_unstable();
    broken.marks.dedup();
    broken
}
