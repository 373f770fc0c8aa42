//! `main` of every exercise's process: options → judge → report → exit code.
//!
//! A learner's code may panic, loop, recurse, exit, print or answer differently each time; each of these is a verdict of
//! its own. Panics are caught here; a handler that never returns is seen by the watch, and its unit is run again with a tape
//! to name node and message; what kills the process leaves crumbs for the program that started it (see [`options`]).
//!
//! The harness knows no exercise and no protocol: only a [`Suite`].

#![allow(clippy::disallowed_methods, reason = "it watches runs from outside: by the wall clock, and leaves when a handler never returns")]

mod by_exploration;
mod causes;
mod deadline;
mod early;
mod exit;
pub mod options;
mod pool;
mod replay;
mod results;
mod run;
mod summary;
#[cfg(test)]
mod tests;
mod verdicts;
mod watchdog;

use crate::report::{First, Report, Test};
use crate::rule::{DETERMINISTIC, Rule};
use crate::suite::Suite;
use crate::trace::{Event, Probe, Regression, Tape, Trace};
use deadline::Deadline;
use exit::{Exit, OUR_BUG, USAGE};
use options::{Options, Unit};
use pool::{Ledger, Work};
use results::{Failure, Results, Show};
use run::Outcome;
use std::fs::File;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use verdicts::{named, report, rules, test_of};
use watchdog::Board;

/// Runs the hidden tests of an exercise as the command line asks, and reports.
#[must_use]
pub fn main(judge: fn() -> Suite) -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => return exit::complain(USAGE, &message),
    };
    if let Some(text) = &options.echo {
        return match judge().echo {
            Some(echo) => {
                print!("{}", crate::echo::frame(&echo(text)));
                ExitCode::SUCCESS
            }
            None => exit::complain(USAGE, "--echo: this exercise has nothing to say to a second process"),
        };
    }
    let exit = match Exit::open(&options) {
        Ok(exit) => Arc::new(exit),
        Err(message) => return exit::complain(USAGE, &message),
    };
    let suite = judge();
    let asked = match Asked::of(&suite, &options) {
        Ok(asked) => asked,
        Err(message) => return exit.refuse(USAGE, &message),
    };
    run::install_panic_hook();
    match judged(suite, &asked, &options, &exit) {
        Ok(report) => exit.deliver(&report),
        Err(message) => exit.refuse(OUR_BUG, &format!("this is a bug of splitbrain, please report it: {message}")),
    }
}

/// What the options name, as this suite knows it.
struct Asked {
    one: Option<Unit>,
    first: Option<Unit>,
}

impl Asked {
    /// # Errors
    /// A rule or a unit that the suite does not have.
    fn of(suite: &Suite, options: &Options) -> Result<Asked, String> {
        let test = options.test.as_deref();
        if let Some(name) = test
            && rules(suite, options).next().is_none()
        {
            let all: Vec<&str> = suite.rules.iter().chain(suite.common).map(|rule| rule.name).collect();
            return Err(format!("{} has no hidden test `{name}`; there are {}", suite.exercise, all.join(", ")));
        }
        let one = options.one.as_ref().map(|named| named.of(suite, test).map_err(|e| format!("--one: {e}"))).transpose()?;
        // What is to be tried first was found by an earlier version perhaps: what is no longer there is passed over.
        let first = options.first.as_ref().and_then(|named| named.of(suite, test).ok());
        Ok(Asked { one, first })
    }
}

/// Judges, with a watch beside it.
fn judged(suite: Suite, asked: &Asked, options: &Options, exit: &Arc<Exit>) -> Result<Report, String> {
    let started = Instant::now();
    let suite = Arc::new(suite);
    let board = Arc::new(Board::new(options, &suite)?);
    let time = Deadline::of(options, started);
    let ledger = Arc::new(Ledger::new(time.clone()));
    {
        let (suite, board, ledger) = (Arc::clone(&suite), Arc::clone(&board), Arc::clone(&ledger));
        let (options, exit) = (options.clone(), Arc::clone(exit));
        std::thread::spawn(move || {
            let up = |waited| {
                time.waited(waited);
                time.is_up()
            };
            if let Some(alarm) = board.watch(options.handler_ms, up) {
                // The stuck thread cannot be stopped: the process reports and ends.
                exit.leave(&early::report(&suite, alarm, &options, &board, &ledger, started));
            }
        });
    }
    let result = match asked.one {
        Some(unit) => judge_one(&suite, unit, options, &board, started),
        None => judge_all(&suite, asked.first, options, &board, &ledger, started),
    };
    // The watch sees this at its next look, or ends with the process: nobody waits for it.
    board.finish();
    result
}

fn judge_all(
    suite: &Suite,
    first: Option<Unit>,
    options: &Options,
    board: &Board,
    ledger: &Ledger,
    started: Instant,
) -> Result<Report, String> {
    let first = first.map(|unit| try_first(suite, unit, options, board, started)).transpose()?;
    let work = Work::of(suite, options);
    let mut results = pool::run_all(suite, &work, options, board, ledger, started)?;
    if ledger.is_late() {
        results.left = Some(work.left(&results, early::time_was_up(&work, &results)));
    }
    // It may lie outside of what this judging runs; it counts all the same.
    if let Some(failure) = &first.as_ref().and_then(|(_, failure)| failure.clone())
        && let Some(rule) = failure.outcome.rule()
    {
        results.failures.entry(rule).or_insert(failure.clone());
    }
    // One rule alone, if that was looked for and is broken.
    let only = options.until.as_deref().filter(|rule| results.failures.contains_key(rule));
    let wanted = |rule: &str| !options.bare && only.is_none_or(|only| only == rule);
    let shown: Vec<Failure> = results.failures.iter().filter(|(rule, _)| wanted(rule)).map(|(_, failure)| failure.clone()).collect();
    let mut shows = std::collections::BTreeMap::new();
    for failure in shown {
        let Some(rule) = failure.outcome.rule() else { continue };
        let (mut show, differs) = replay::replay(suite, &failure, options, board)?;
        if differs.is_none() && failure.regression.is_none() {
            let begun = Instant::now();
            show = by_exploration::shorter(suite, &failure, show, &results.cases_broken, options, board)?;
            show.shrink_micros += begun.elapsed().as_micros() as u64;
        }
        if let Some((seen, step)) = differs {
            let broken = crate::rule::Broken::new(DETERMINISTIC, seen).at(step);
            let micros = started.elapsed().as_micros() as u64;
            shows.entry(DETERMINISTIC).or_insert(Show { broken: None, ..show.clone() });
            results.failures.entry(DETERMINISTIC).or_insert(Failure { outcome: Outcome::Broken(broken), micros, ..failure.clone() });
        }
        let (failure, show) = replay::shortest(suite, failure, show, results.others.get(rule).map_or(&[], Vec::as_slice), options, board)?;
        ledger.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(rule, (failure.clone(), show.clone()));
        results.failures.insert(rule, failure);
        shows.insert(rule, show);
    }
    vacuous(suite, options, &results)?;
    let mut tests: Vec<Test> = rules(suite, options).map(|rule| test_of(suite, rule, &results, shows.remove(rule.name))).collect();
    if results.left.is_some() {
        early::say_late(suite, &mut tests, options, &[]);
    }
    Ok(Report { first: first.map(|(first, _)| first), ..report(suite, options, tests, &results, started) })
}

/// Runs the unit that broke a rule last time: how it fared, and the failure if it still breaks one.
fn try_first(suite: &Suite, unit: Unit, options: &Options, board: &Board, started: Instant) -> Result<(First, Option<Failure>), String> {
    board.at(0, Some(unit));
    let regression = options.kept.as_ref().and_then(|path| run_kept_in(path, unit));
    let regression = regression.map(|trace| Arc::new(Regression::new(trace.events)));
    // What was kept is tried with the whole run; a run that breaks in itself needs no kept one to be shown.
    let whole = run::run_unit(suite, unit, &board.probe(0))?.outcome;
    let again = match &regression {
        Some(regression) => run::run_unit(suite, unit, &Probe { regression: Some(Arc::clone(regression)), ..board.probe(0) })?.outcome,
        None => Outcome::Fine,
    };
    let gone = regression.as_ref().and_then(|regression| regression.said()?.err());
    let outcome = if whole == Outcome::Fine { again } else { whole.clone() };
    board.at(0, None);
    let fine = outcome == Outcome::Fine;
    let regression = regression.filter(|regression| whole == Outcome::Fine && regression.said() == Some(Ok(())));
    let failure = Failure { index: 0, unit, outcome, micros: started.elapsed().as_micros() as u64, regression };
    Ok((First { unit: named(suite, unit), fine, gone }, (!fine).then_some(failure)))
}

/// The run that was shown of the unit, as a report kept it. An unreadable report keeps nothing.
fn run_kept_in(path: &std::path::Path, unit: Unit) -> Option<Trace> {
    let report = Report::parse(&std::fs::read_to_string(path).ok()?).ok()?;
    let finding = report.first_problem()?.finding.as_ref()?;
    let same = matches!(unit, Unit::Seed(seed) if finding.seed == Some(seed));
    (same && finding.trace.dropped == 0).then(|| finding.trace.clone())
}

/// A judging that passes must have met what it claims to test.
fn vacuous(suite: &Suite, options: &Options, results: &Results) -> Result<(), String> {
    if !results.failures.is_empty() || options.until_first || results.left.is_some() {
        return Ok(());
    }
    let met = |name: &&&'static str| results.coverage.0.contains_key(**name);
    if let Some(swarm) = suite.swarm.as_ref().filter(|_| results.seeds_done >= 1_000)
        && let Some(name) = swarm.must_meet.iter().find(|name| !met(name))
    {
        return Err(format!("in {} runs of {} there were no {name}, which its tests claim to try", results.seeds_done, suite.exercise));
    }
    if let Some(storms) = suite.storms.as_ref().filter(|storms| results.storms_done >= storms.count)
        && let Some(name) = storms.must_meet.iter().find(|name| !met(name))
    {
        return Err(format!("in {} storms of {} there were no {name}, which they claim to try", results.storms_done, suite.exercise));
    }
    Ok(())
}

fn judge_one(suite: &Suite, unit: Unit, options: &Options, board: &Board, started: Instant) -> Result<Report, String> {
    let tape = tape(options)?;
    let sought = options.sought(suite, unit);
    let probe = Probe { tape: Some(tape.clone()), shrink: options.shrink, sought, ..board.probe(0) };
    board.works(0);
    board.at(0, Some(unit));
    let done = run::run_unit(suite, unit, &probe)?;
    let shown = done.shrunk.as_ref().map(|s| &s.broken).or(if let Outcome::Broken(b) = &done.outcome { Some(b) } else { None });
    let shown = shown.map(|broken| causes::ended(suite, &tape, broken));
    let show = Show::of(&tape.trace(), done.shrunk.as_ref(), shown.as_ref().map_or(&[], |b| &b.marks));
    let show = Show { broken: shown, ..show };
    let show = || show.clone();
    let mut results = Results { coverage: done.coverage, lessons: done.lessons, ..Results::default() };
    match unit {
        Unit::Case(i) => {
            results.cases_done.extend([i]);
            results.extents.extend(done.extent.map(|extent| (i, extent)));
        }
        Unit::Storm(_) => results.storms_done = 1,
        Unit::Seed(_) => results.seeds_done = 1,
    }
    let micros = started.elapsed().as_micros() as u64;
    if let Some(rule) = done.outcome.rule() {
        results.failures.insert(rule, Failure { index: 0, unit, outcome: done.outcome, micros, regression: None });
    }
    let ran = |rule: &&'static Rule| match unit {
        Unit::Case(i) => suite.cases[i].rule == rule.name || results.failures.contains_key(rule.name),
        Unit::Storm(_) => suite.storms.as_ref().is_some_and(|s| s.rules.contains(&rule.name)) || results.failures.contains_key(rule.name),
        Unit::Seed(_) => suite.swarm.as_ref().is_some_and(|s| s.rules.contains(&rule.name)) || results.failures.contains_key(rule.name),
    };
    let tests = rules(suite, options).filter(ran).map(|rule| test_of(suite, rule, &results, Some(show()))).collect();
    Ok(report(suite, options, tests, &results, started))
}

fn tape(options: &Options) -> Result<Tape, String> {
    let mut tape = Tape::new();
    if let Some(path) = &options.tape {
        let file = File::create(path).map_err(|e| format!("--tape {}: {e}", path.display()))?;
        tape = tape.with_file(file, |event: &Event| crate::report::encode_line("event", &event.to_fields()));
    }
    if options.markers {
        tape = tape.with_markers();
    }
    if options.states {
        tape = tape.with_states();
    }
    Ok(tape)
}
