//! A finding may be shown by another run than the one that found it: where explorations watch its rule, the shortest run
//! that breaks it is within their reach, and reads better than what is left of a random one after shrinking. Nothing of
//! this is paid when all passes.

use super::causes::ended;
use super::options::{Options, Unit};
use super::results::{Failure, Show};
use super::run::{self, Outcome};
use super::watchdog::Board;
use crate::report::Layer;
use crate::rule::DETERMINISTIC;
use crate::suite::Suite;
use crate::trace::{Probe, Sought, Tape};
use std::collections::BTreeSet;

/// States of one exploration in which a shorter run is looked for: about 0.03 s, and what is shorter is near.
const STATES_MAX: usize = 40_000;
/// How many first starts there are at most in an explored run.
const STARTS: u64 = 5;

/// The run to show for a failure, after `show` was made of the one that found it: that one, or a shorter one that breaks the
/// same rule. Of vectors there is none: they say more than any run, and in fewer steps.
///
/// # Errors
/// A panic of ours.
pub(super) fn shorter(
    suite: &Suite,
    failure: &Failure,
    mut show: Show,
    broken_cases: &BTreeSet<usize>,
    options: &Options,
    board: &Board,
) -> Result<Show, String> {
    let Outcome::Broken(broken) = &failure.outcome else { return Ok(show) };
    let vector = matches!(failure.unit, Unit::Case(i) if suite.cases[i].layer == Layer::Vector);
    if vector || broken.rule == DETERMINISTIC {
        return Ok(show);
    }
    let found_steps = show.trace.shown_steps();
    // Where nothing at all was broken, this rule was not.
    for case in suite.explorations_of(broken.rule).filter(|case| broken_cases.contains(case)) {
        let unit = Unit::Case(case);
        let tape = Tape::new();
        let tape = if options.states { tape.with_states() } else { tape };
        // Nodes that start are steps of an exploration, but none that is shown.
        let steps_below = show.trace.shown_steps().saturating_add(STARTS);
        let sought = Sought { rule: broken.rule, steps_below, states_max: STATES_MAX };
        board.at(0, Some(unit));
        let probe = Probe { tape: Some(tape.clone()), sought: Some(sought), ..board.probe(0) };
        let done = run::run_unit(suite, unit, &probe)?;
        board.at(0, None);
        let Outcome::Broken(shorter) = done.outcome else { continue };
        let steps = tape.trace().shown_steps();
        if shorter.rule == broken.rule && steps < show.trace.shown_steps() {
            let shorter = ended(suite, &tape, &shorter);
            show = Show { trace: tape.trace(), broken: Some(shorter), instead: Some((case, found_steps)), ..show };
        }
    }
    Ok(show)
}
