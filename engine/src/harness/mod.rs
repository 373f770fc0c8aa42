//! `main` of every exercise's process: options → judge → report → exit code.
//!
//! A learner's code may panic, loop, recurse, exit, print or answer differently each time; each of these is a verdict of
//! its own. Panics are caught here; a handler that never returns is seen by the watch, and its unit is run again with a tape
//! to name node and message; what kills the process leaves crumbs for the program that started it (see [`options`]).
//!
//! The harness knows no exercise and no protocol: only a [`Suite`].

#![allow(clippy::disallowed_methods, reason = "it watches runs from outside: by the wall clock, and leaves when a handler never returns")]

mod early;
mod exit;
mod explain;
pub mod options;
mod pool;
mod run;
mod shorter;
mod show;
mod summary;
#[cfg(test)]
mod tests;
mod watch;

use crate::report::{Explored, Finding, First, Instead, Layer, Report, Test, Verdict};
use crate::rule::{DETERMINISTIC, Rule};
use crate::suite::Suite;
use crate::trace::{Event, Kept, Probe, Tape, Trace, What};
use exit::Exit;
use options::{Options, Unit};
use pool::{Failure, Ledger, Results, Work};
use run::{Outcome, Panicked};
use show::Show;
use std::fs::File;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use watch::Board;

/// Exit code of a bad command line.
const USAGE: u8 = 2;
/// Exit code of a bug of ours.
const OUR_BUG: u8 = 4;

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
    let time = early::Time::of(options, started);
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
    let shown: Vec<Failure> = results.failures.values().cloned().collect();
    let mut shows = std::collections::BTreeMap::new();
    for failure in shown {
        let Some(rule) = failure.outcome.rule() else { continue };
        let (mut show, differs) = show::replay(suite, &failure, options, board)?;
        if differs.is_none() && failure.kept.is_none() {
            let begun = Instant::now();
            show = shorter::of(suite, &failure, show, &results.cases_broken, options, board)?;
            show.shrink_micros += begun.elapsed().as_micros() as u64;
        }
        if let Some((seen, step)) = differs {
            let broken = crate::rule::Broken::new(DETERMINISTIC, seen).at(step);
            let micros = started.elapsed().as_micros() as u64;
            shows.entry(DETERMINISTIC).or_insert(Show { broken: None, ..show.clone() });
            results.failures.entry(DETERMINISTIC).or_insert(Failure { outcome: Outcome::Broken(broken), micros, ..failure.clone() });
        }
        let (failure, show) = show::shorter(suite, failure, show, results.others.get(rule).map_or(&[], Vec::as_slice), options, board)?;
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
    let kept = options.kept.as_ref().and_then(|path| kept(path, unit));
    let kept = kept.map(|trace| Arc::new(Kept::new(trace.events)));
    // What was kept is tried with the whole run; a run that breaks in itself needs no kept one to be shown.
    let whole = run::run_unit(suite, unit, &board.probe(0))?.outcome;
    let again = match &kept {
        Some(kept) => run::run_unit(suite, unit, &Probe { kept: Some(Arc::clone(kept)), ..board.probe(0) })?.outcome,
        None => Outcome::Fine,
    };
    let gone = kept.as_ref().and_then(|kept| kept.said()?.err());
    let outcome = if whole == Outcome::Fine { again } else { whole.clone() };
    board.at(0, None);
    let fine = outcome == Outcome::Fine;
    let kept = kept.filter(|kept| whole == Outcome::Fine && kept.said() == Some(Ok(())));
    let failure = Failure { index: 0, unit, outcome, micros: started.elapsed().as_micros() as u64, kept };
    Ok((First { unit: named(suite, unit), fine, gone }, (!fine).then_some(failure)))
}

/// The run that was shown of the unit, as a report kept it. An unreadable report keeps nothing.
fn kept(path: &std::path::Path, unit: Unit) -> Option<Trace> {
    let report = Report::parse(&std::fs::read_to_string(path).ok()?).ok()?;
    let finding = report.first_problem()?.finding.as_ref()?;
    let same = matches!(unit, Unit::Seed(seed) if finding.seed == Some(seed));
    (same && finding.trace.dropped == 0).then(|| finding.trace.clone())
}

/// `seed:8812`, `case:a late vote`.
fn named(suite: &Suite, unit: Unit) -> String {
    match unit {
        Unit::Case(i) => format!("case:{}", suite.cases[i].name),
        Unit::Storm(seed) => format!("case:storm {seed}"),
        Unit::Seed(_) => unit.to_string(),
    }
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
    let sought = shorter::asked_of(suite, unit, options);
    let probe = Probe { tape: Some(tape.clone()), shrink: options.shrink, sought, ..board.probe(0) };
    board.works(0);
    board.at(0, Some(unit));
    let done = run::run_unit(suite, unit, &probe)?;
    let shown = done.shrunk.as_ref().map(|s| &s.broken).or(if let Outcome::Broken(b) = &done.outcome { Some(b) } else { None });
    let shown = shown.map(|broken| explain::ended(suite, &tape, broken));
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
        results.failures.insert(rule, Failure { index: 0, unit, outcome: done.outcome, micros, kept: None });
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

/// The rules that were asked for: the exercise's own, then the common ones.
fn rules<'a>(suite: &'a Suite, options: &'a Options) -> impl Iterator<Item = &'static Rule> + 'a {
    suite.rules.iter().chain(suite.common).filter(|r| options.test.as_deref().is_none_or(|t| t == r.name))
}

fn test_of(suite: &Suite, rule: &Rule, results: &Results, show: Option<Show>) -> Test {
    let common = suite.common.iter().any(|r| r.name == rule.name);
    // Without random runs, every case looks for what every exercise is held to.
    let by_all = common && suite.swarm.is_none() && suite.storms.is_none();
    let cases = || results.cases_done.iter().map(|i| &suite.cases[*i]).filter(|c| by_all || c.rule == rule.name);
    let in_swarm = suite.swarm.as_ref().is_some_and(|s| common || s.rules.contains(&rule.name));
    let in_storms = suite.storms.as_ref().is_some_and(|s| common || s.rules.contains(&rule.name));
    let random = if in_storms { results.storms_done } else { 0 } + if in_swarm { results.seeds_done } else { 0 };
    let runs = cases().count() as u64 + random;
    let layer = match (in_swarm, in_storms) {
        (true, _) => Layer::Swarm,
        (false, true) => Layer::Storm,
        (false, false) => cases().map(|c| c.layer).max().unwrap_or(Layer::Vector),
    };
    let (name, title) = (rule.name.to_owned(), rule.title.to_owned());
    let extents = results.extents.iter().filter(|(i, _)| suite.cases[**i].rule == rule.name);
    let explored = extents.map(|(i, extent)| Explored { case: suite.cases[*i].name.to_owned(), extent: *extent }).collect();
    let undecided = results.left.as_ref().filter(|left| {
        let asks = |i: &usize| by_all || suite.cases[*i].rule == rule.name || suite.explorations_of(rule.name).any(|e| e == *i);
        left.cases.iter().any(asks) || (in_swarm && left.seeds > 0) || (in_storms && left.storms > 0)
    });
    match results.failures.get(rule.name) {
        None if undecided.is_some() => {
            let why = undecided.map_or("", |left| left.why.as_str());
            let finding = Some(explain(rule, &format!("not decided: {why}")));
            Test { name, title, layer, verdict: Verdict::Unknown, runs, explored, finding }
        }
        None if runs == 0 => Test {
            name,
            title,
            layer,
            verdict: Verdict::Unknown,
            runs,
            explored,
            finding: Some(explain(rule, "no case and no run of this rule was made")),
        },
        None => Test { name, title, layer, verdict: Verdict::Passed, runs, explored, finding: None },
        Some(failure) => {
            let show = show.unwrap_or_default();
            let shown = show.instead.map_or(failure.unit, |(case, _)| Unit::Case(case));
            let (verdict, finding) = finding_of(suite, rule, failure, show);
            Test { name, title, layer: layer_of(suite, shown), verdict, runs, explored, finding: Some(finding) }
        }
    }
}

fn layer_of(suite: &Suite, unit: Unit) -> Layer {
    match unit {
        Unit::Case(i) => suite.cases[i].layer,
        Unit::Storm(_) => Layer::Storm,
        Unit::Seed(_) => Layer::Swarm,
    }
}

fn explain(rule: &Rule, seen: &str) -> Finding {
    Finding {
        seen: seen.to_owned(),
        why: rule.why.to_owned(),
        look: rule.look.to_owned(),
        source: rule.source.to_owned(),
        ..Finding::default()
    }
}

fn finding_of(suite: &Suite, rule: &Rule, failure: &Failure, show: Show) -> (Verdict, Finding) {
    let shown_steps = show.trace.shown_steps();
    let mut finding = Finding { runs: failure.index + 1, micros: failure.micros, trace: show.trace, ..explain(rule, "") };
    (finding.raw_steps, finding.shown_steps, finding.shrink_micros) = (show.raw_steps, shown_steps, show.shrink_micros);
    finding.shortest_steps = show.shortest_steps;
    match (show.instead, failure.unit) {
        (Some((case, steps)), unit) => {
            finding.case = Some(suite.cases[case].name.to_owned());
            finding.instead_of = Some(Instead { layer: layer_of(suite, unit), unit: named(suite, unit), steps });
        }
        (None, Unit::Case(i)) => finding.case = Some(suite.cases[i].name.to_owned()),
        (None, Unit::Storm(seed)) => finding.case = Some(format!("storm {seed}")),
        (None, Unit::Seed(seed)) => finding.seed = Some(seed),
    }
    let verdict = match &failure.outcome {
        Outcome::Fine => Verdict::Passed,
        Outcome::Broken(broken) => {
            let broken = show.broken.as_ref().unwrap_or(broken);
            finding.seen.clone_from(&broken.seen);
            finding.marks.clone_from(&broken.marks);
            finding.late = broken.timed || broken.stuck.is_some();
            Verdict::Failed
        }
        Outcome::Panicked(panicked) => {
            let panicked = show.panicked.as_ref().unwrap_or(panicked);
            finding.at = Some((panicked.file.clone(), panicked.line)).filter(|(file, _)| !file.is_empty());
            finding.seen = panic_text(panicked, &finding.trace);
            if panicked.todo { Verdict::Unfinished } else { Verdict::Crashed }
        }
    };
    (verdict, finding)
}

/// `n2 panicked while it handled “receives m7 from n1: Vote { … }”: index out of bounds`.
fn panic_text(panicked: &Panicked, trace: &Trace) -> String {
    let message = panicked.message.trim_end();
    match trace.events.iter().rev().find(|e| !e.what.is_effect()) {
        Some(Event { what: What::Calls { text }, .. }) if !panicked.todo => format!("this call panicked with `{message}`: {text}"),
        _ if panicked.todo => format!("a todo!() was reached: {message}"),
        Some(cause) => format!("{} panicked with `{message}` at this step: {} {}", cause.lane, cause.lane, cause.what),
        None => format!("your code panicked with `{message}`"),
    }
}

fn report(suite: &Suite, options: &Options, tests: Vec<Test>, results: &Results, started: Instant) -> Report {
    let coverage = results.coverage.0.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    let mut report = Report {
        exercise: suite.exercise.to_owned(),
        verdict: Verdict::Unknown,
        first_seed: options.seed,
        runs: results.seeds_done,
        judge_micros: started.elapsed().as_micros() as u64,
        first: None,
        coverage,
        lessons: results.lessons.clone(),
        tests,
    };
    report.verdict = report.overall();
    report
}
