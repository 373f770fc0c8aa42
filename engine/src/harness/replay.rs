//! The run to show for a failure: made again with a tape, shrunk, folded; and of several that break the same rule, the
//! short one.

#![allow(clippy::disallowed_methods, reason = "it says how long shrinking took")]

use super::causes::ended;
use super::options::{Options, Unit};
use super::results::{Failure, Show};
use super::run::{self, Difference, Outcome};
use super::watchdog::Board;
use crate::rule::{Broken, DETERMINISTIC};
use crate::suite::Suite;
use crate::trace::{Event, Probe, Tape, Trace, What};
use std::time::Instant;

/// Runs a failed unit twice more, recorded and shrunk: the run to show, and whether the three agree.
pub(super) fn replay(suite: &Suite, failure: &Failure, options: &Options, board: &Board) -> Result<(Show, Option<Difference>), String> {
    let started = Instant::now();
    let tape = Tape::new();
    let tape = if options.states { tape.with_states() } else { tape };
    board.at(0, Some(failure.unit));
    let probe =
        Probe { fingerprint: true, sought: options.sought(suite, failure.unit), regression: failure.regression.clone(), ..board.probe(0) };
    // Of two runs that differ, neither breaks a rule that a shorter one could break too. What died is shrunk by itself
    // (`shrunk_panic`), as its message may have other numbers then.
    let shrink = matches!(&failure.outcome, Outcome::Broken(broken) if broken.rule != DETERMINISTIC && failure.regression.is_none());
    let second = run::run_unit(suite, failure.unit, &Probe { tape: Some(tape.clone()), shrink, ..probe.clone() })?;
    let shown = second.shrunk.as_ref().map(|s| &s.broken).or(if let Outcome::Broken(b) = &second.outcome { Some(b) } else { None });
    let show = match &failure.outcome {
        Outcome::Broken(parted) if parted.rule == DETERMINISTIC => Show::of(&up_to_parting(tape.trace(), parted), None, &parted.marks),
        _ => {
            let shown = shown.map(|broken| ended(suite, &tape, broken));
            let show = Show::of(&tape.trace(), second.shrunk.as_ref(), shown.as_ref().map_or(&[], |b| &b.marks));
            Show { broken: shown.filter(|b| failure.outcome.rule() == Some(b.rule)), ..show }
        }
    };
    let show = match &second.outcome {
        Outcome::Panicked(panicked) if !panicked.todo && failure.outcome == second.outcome => {
            shrunk_panic(suite, failure, show, options, board)?
        }
        _ => show,
    };
    let show = Show { shrink_micros: started.elapsed().as_micros() as u64, ..show };
    let third = run::run_unit(suite, failure.unit, &probe)?;
    board.at(0, None);
    let differs = run::parted(&second.fingerprints, &third.fingerprints, &second.outcome, &third.outcome);
    let same_failure = failure.outcome.rule() == Some(DETERMINISTIC) || failure.outcome == second.outcome;
    let differs = differs.or_else(|| run::parted(&[], &[], &failure.outcome, &second.outcome).filter(|_| !same_failure));
    Ok((show, differs))
}

/// A shorter run that panics at the same line, if there is one.
fn shrunk_panic(suite: &Suite, failure: &Failure, whole: Show, options: &Options, board: &Board) -> Result<Show, String> {
    let (Unit::Seed(_) | Unit::Storm(_), Outcome::Panicked(first)) = (failure.unit, &failure.outcome) else { return Ok(whole) };
    let tape = if options.states { Tape::new().with_states() } else { Tape::new() };
    let again = run::run_unit(suite, failure.unit, &Probe { tape: Some(tape.clone()), shrink: true, ..board.probe(0) })?;
    let show = Show::of(&tape.trace(), None, &[]);
    match again.outcome {
        Outcome::Panicked(panicked) if (&panicked.file, panicked.line) == (&first.file, first.line) => {
            Ok(Show { panicked: Some(panicked), raw_steps: whole.raw_steps, ..show })
        }
        _ => Ok(whole),
    }
}

/// A run of so many steps is read at once: nobody looks for a shorter one.
const MODEST: u64 = 3;
/// How many seeds are shrunk to find a shorter run than the first.
const SEEDS: usize = 8;

/// The run of another unit that breaks the same rule, if that is much shorter: in less than two thirds of the steps. A case
/// says what it sees in words of its own, so a few steps less are no gain.
pub(super) fn shortest(
    suite: &Suite,
    failure: Failure,
    show: Show,
    others: &[Failure],
    options: &Options,
    board: &Board,
) -> Result<(Failure, Show), String> {
    let Outcome::Broken(Broken { rule, .. }) = failure.outcome else { return Ok((failure, show)) };
    let (first, mut spent) = (show.trace.shown_steps(), show.shrink_micros);
    // Cases of direct calls stand in their order for a reason: the plain one says more than one with fewer calls.
    let plain_case = suite.is_plain() && matches!(failure.unit, Unit::Case(_));
    if rule == DETERMINISTIC || first == 0 || plain_case {
        return Ok((failure, show));
    }
    let (mut best, mut best_steps) = ((failure, show), first);
    let mut shortest = first;
    for (i, other) in others.iter().enumerate() {
        let seeds = others[..i].iter().filter(|f| !matches!(f.unit, Unit::Case(_))).count();
        let looked_at = best_steps > MODEST && seeds < SEEDS;
        let surveyed = options.survey.as_deref() == Some(rule);
        if !matches!(other.outcome, Outcome::Broken(_)) || !(looked_at || surveyed) {
            continue;
        }
        let (made, differs) = replay(suite, other, options, board)?;
        let steps = made.trace.shown_steps();
        if differs.is_some() || steps == 0 {
            continue;
        }
        shortest = shortest.min(steps);
        spent += if looked_at { made.shrink_micros } else { 0 };
        if looked_at && steps < best_steps && steps * 3 < first * 2 {
            // Found when the first was.
            let failure = Failure { index: best.0.index, micros: best.0.micros, ..other.clone() };
            (best, best_steps) = ((failure, made), steps);
        }
    }
    let (failure, show) = best;
    Ok((failure, Show { shortest_steps: if options.survey.is_some() { shortest } else { 0 }, shrink_micros: spent, ..show }))
}

/// One of two runs that differ, up to the step at which they part.
fn up_to_parting(mut trace: Trace, parted: &Broken) -> Trace {
    if let Some(step) = parted.marks.first() {
        trace.events.retain(|e| e.step <= *step);
    }
    if let Some(last) = trace.events.last() {
        let what = What::Breaks { rule: parted.rule.to_owned(), seen: parted.seen.clone() };
        let event = Event { step: last.step, at: last.at, lane: last.lane, what };
        trace.push(event);
    }
    trace
}
