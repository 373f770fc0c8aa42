//! The report of a judging that was stopped: at a handler that never returns, or because the time was up. What was decided
//! stands, and what was not is said to be undecided.

#![allow(clippy::disallowed_methods, reason = "a unit that hangs runs beside")]

use super::options::{Options, Unit};
use super::pool::{Ledger, Work};
use super::results::{Results, Show};
use super::run::run_unit;
use super::verdicts::{explain, layer_of, named, report as whole, rules, test_of};
use super::watchdog::{Alarm, Board, Queueing, hangs};
use crate::report::{Finding, Report, Test, Verdict};
use crate::rule::NO_CRASH;
use crate::suite::Suite;
use crate::trace::{Event, Probe, Tape, Trace, What};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Why a rule is not decided.
pub(super) fn time_was_up(work: &Work, results: &Results) -> String {
    format!("the time was up after {}", work.done(results))
}

/// The report of a judging that is being stopped.
pub(super) fn report(suite: &Arc<Suite>, alarm: Alarm, options: &Options, board: &Board, ledger: &Ledger, started: Instant) -> Report {
    let work = Work::of(suite, options);
    let units = board.units();
    let mut results = match alarm {
        // What comes before it is the same on every machine; what else was done beside it is not.
        Alarm::Hangs(unit) => work.index(unit).and_then(|index| index.checked_sub(1)).map_or_else(Results::default, |i| ledger.results(i)),
        Alarm::TimeIsUp => ledger.results(u64::MAX),
    };
    let why = match alarm {
        Alarm::Hangs(_) => "the judging stopped at a handler that did not return".to_owned(),
        Alarm::TimeIsUp => time_was_up(&work, &results),
    };
    results.left = Some(work.left(&results, why));
    let mut shown = std::mem::take(&mut *ledger.shown.lock().unwrap_or_else(PoisonError::into_inner));
    let mut tests = Vec::new();
    for rule in rules(suite, options) {
        let mut show = Show::default();
        if results.failures.contains_key(rule.name)
            && let Some((failure, made)) = shown.remove(rule.name)
        {
            results.failures.insert(rule.name, failure);
            show = made;
        }
        tests.push(test_of(suite, rule, &results, Some(show)));
    }
    match alarm {
        Alarm::Hangs(unit) => say_hanging(suite, &mut tests, unit, options, started),
        Alarm::TimeIsUp => say_late(suite, &mut tests, options, &units),
    }
    whole(suite, options, tests, &results, started)
}

/// Says at the rule that handlers return, or at the first that is not decided, that the time was up, and which units were at
/// work then.
pub(super) fn say_late(suite: &Suite, tests: &mut [Test], options: &Options, units: &[Unit]) {
    let undecided = |test: &Test| test.verdict == Verdict::Unknown;
    let at = tests.iter().position(|t| t.name == NO_CRASH && undecided(t)).or_else(|| tests.iter().position(undecided));
    let Some(test) = at.map(|at| &mut tests[at]) else { return };
    let seconds = options.deadline_ms.unwrap_or(0) as f64 / 1_000.0;
    let names: Vec<String> = units.iter().map(|unit| spoken(suite, *unit)).collect();
    let at = if names.is_empty() { String::new() } else { format!("; it was at {}", names.join(" and ")) };
    let finding = test.finding.get_or_insert_default();
    let done = finding.seen.strip_prefix("not decided: the time was up after ").map(|done| format!(", after {done}")).unwrap_or_default();
    finding.seen = format!("the {seconds} s for all tests together were not enough{done}{at}");
    finding.why = "code that takes too long keeps its replica from answering anyone.".to_owned();
    finding.look = "a loop whose end depends on something that no longer changes, and work that each call does anew; \
                    `--deadline SECONDS` gives more time."
        .to_owned();
    if let Some(unit) = units.first() {
        put_into(suite, *unit, finding);
    }
    test.verdict = Verdict::TimedOut;
}

/// Runs the unit once more with a tape, until it hangs again, and says so at the rule that it belongs to.
fn say_hanging(suite: &Arc<Suite>, tests: &mut [Test], unit: Unit, options: &Options, started: Instant) {
    let tape = Tape::new();
    let probe = Probe { tape: Some(tape.clone()), ..Probe::default() };
    let thread = Arc::new(OnceLock::new());
    let again = {
        let (suite, probe, thread) = (Arc::clone(suite), probe.clone(), Arc::clone(&thread));
        std::thread::spawn(move || {
            let _ = thread.set(Queueing::of_this_thread());
            run_unit(&suite, unit, &probe).map(|d| d.outcome)
        })
    };
    let hung = hangs(&probe, Duration::from_millis(options.handler_ms.min(1_000)), &thread, || again.is_finished());
    let name = match unit {
        Unit::Case(i) => suite.cases[i].rule,
        Unit::Seed(_) | Unit::Storm(_) => NO_CRASH,
    };
    let rule = rules(suite, options).find(|rule| rule.name == name);
    let Some((test, rule)) = tests.iter_mut().find(|t| t.name == name).zip(rule) else { return };
    let trace = tape.trace();
    let mut finding = explain(rule, &hang_text(&trace, hung, options));
    finding.trace = trace;
    finding.micros = started.elapsed().as_micros() as u64;
    put_into(suite, unit, &mut finding);
    (test.verdict, test.layer, test.finding) = (Verdict::TimedOut, layer_of(suite, unit), Some(finding));
}

fn hang_text(trace: &Trace, hung: bool, options: &Options) -> String {
    let (seconds, cause) = (options.handler_ms as f64 / 1_000.0, trace.events.iter().rev().find(|e| !e.what.is_effect()));
    match cause {
        Some(Event { what: What::Calls { text }, .. }) if hung => format!("this call did not return within {seconds} s: {text}"),
        Some(cause) if hung => format!("this handler did not return within {seconds} s: {} {}", cause.lane, cause.what),
        Some(_) => format!("a handler did not return within {seconds} s; when the run was made again, it did"),
        None => format!("your code did not return within {seconds} s"),
    }
}

fn put_into(suite: &Suite, unit: Unit, finding: &mut Finding) {
    match unit {
        Unit::Case(i) => finding.case = Some(suite.cases[i].name.to_owned()),
        Unit::Storm(seed) => finding.case = Some(format!("storm {seed}")),
        Unit::Seed(seed) => finding.seed = Some(seed),
    }
}

/// A case by its name, in quotation marks; `seed 17`.
fn spoken(suite: &Suite, unit: Unit) -> String {
    match unit {
        Unit::Case(_) => format!("\u{201c}{}\u{201d}", named(suite, unit).trim_start_matches("case:")),
        Unit::Storm(seed) => format!("storm {seed}"),
        Unit::Seed(seed) => format!("seed {seed}"),
    }
}
