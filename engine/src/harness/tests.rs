//! The harness on suites of a few closures: no exercise, no network.

use super::deadline::Deadline;
use super::options::{Named, Options, Unit};
use super::pool::Ledger;
use super::watchdog::{Alarm, Board};
use super::{Asked, early, judge_all, judge_one};
use crate::report::{First, Instead, Layer, Report, Verdict};
use crate::rule::{Broken, COMMON_PLAIN, Check, Coverage, Rule};
use crate::suite::{Run, Suite, Swarm};
use crate::time::Time;
use crate::trace::{Event, Extent, Lane, Probe, What};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const RULES: [Rule; 2] = [rule("sums"), rule("orders")];

const fn rule(name: &'static str) -> Rule {
    Rule { name, title: "t", why: "w", look: "l", source: "s", clues: &[] }
}

fn breaks(rule: &'static str) -> Check {
    Err(Broken::new(rule, "seen"))
}

/// Three cases, the last of which breaks its rule, and no random runs.
fn cases_only() -> Suite {
    let mut suite = Suite {
        storms: None,
        exercise: "toy",
        rules: &RULES,
        common: &COMMON_PLAIN,
        explored: &[],
        cases: Vec::new(),
        swarm: None,
        echo: None,
    };
    suite.vector("sums", "one and one", |_: &Probe| Ok(()));
    suite.vector("orders", "two before three", |_: &Probe| Ok(()));
    suite.scenario("orders", "all at once", |_: &Probe| breaks("orders"));
    suite
}

/// Random runs of which only `broken` breaks a rule.
fn swarm(broken: u64) -> Suite {
    let run = move |seed: u64, _: &Probe| Run {
        check: if seed == broken { breaks("sums") } else { Ok(()) },
        coverage: Coverage::default(),
        lessons: Vec::new(),
        fingerprints: Vec::new(),
        shrunk: None,
    };
    let swarm = Swarm { rules: &["sums", "orders"], must_meet: &[], run: Box::new(run) };
    Suite { swarm: Some(swarm), ..cases_only() }
}

fn judged(suite: &Suite, line: &str) -> Result<Report, String> {
    let options = Options::parse(line.split('|').filter(|a| !a.is_empty()).map(str::to_owned))?;
    let asked = Asked::of(suite, &options)?;
    let board = Board::new(&options, suite)?;
    match asked.one {
        Some(unit) => judge_one(suite, unit, &options, &board, Instant::now()),
        None => judge_all(suite, asked.first, &options, &board, &Ledger::new(Deadline::of(&options, Instant::now())), Instant::now()),
    }
}

fn verdicts(report: &Report) -> Vec<(&str, Verdict, u64)> {
    report.tests.iter().map(|t| (t.name.as_str(), t.verdict, t.runs)).collect()
}

#[test]
fn without_random_runs_the_cases_decide_what_every_exercise_is_held_to() {
    use Verdict::{Failed, Passed};
    let report = judged(&cases_only(), "").unwrap();
    let expected = [("sums", Passed, 1), ("orders", Failed, 2), ("deterministic", Passed, 3), ("no_crash", Passed, 3)];
    assert_eq!(verdicts(&report), expected);
    assert_eq!(report.tests[3].layer, Layer::Scenario);
    assert_eq!(verdicts(&judged(&cases_only(), "--test=no_crash").unwrap()), [("no_crash", Passed, 3)]);
}

#[test]
fn a_case_that_is_different_each_time_is_found_without_random_runs() {
    let calls = AtomicU64::new(0);
    let mut suite = Suite { cases: Vec::new(), ..cases_only() };
    suite.vector(
        "sums",
        "by chance",
        move |_: &Probe| {
            if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { Ok(()) } else { breaks("sums") }
        },
    );
    let report = judged(&suite, "--threads=1").unwrap();
    let found = report.first_problem().unwrap();
    assert_eq!((found.name.as_str(), found.verdict), ("deterministic", Verdict::Failed));
    assert!(found.finding.as_ref().unwrap().seen.contains("once every rule held, once sums was broken"));
}

#[test]
fn an_unknown_rule_or_case_is_named_with_those_that_there_are() {
    let said = |line: &str| judged(&swarm(5), line).unwrap_err();
    assert_eq!(said("--test|sumz"), "toy has no hidden test `sumz`; there are sums, orders, deterministic, no_crash");
    assert_eq!(said("--one|case:two"), "--one: toy has no case:two; there are `one and one`, `two before three`, `all at once`");
    assert_eq!(said("--one|case:3"), "--one: toy has no case:3; there are `one and one`, `two before three`, `all at once`");
    assert_eq!(said("--one|case:1|--test|sums"), "--one: case:1 belongs to the rule orders, not to sums");
    assert_eq!(judged(&cases_only(), "--one|seed:1").unwrap_err(), "--one: toy has no random runs");
}

#[test]
fn a_case_keeps_its_index_and_its_name_whatever_is_left_out() {
    for line in ["--one|case:2", "--one|case:all at once", "--one|case:2|--test|orders", "--test|orders|--one|case:all at once"] {
        let report = judged(&swarm(5), line).unwrap();
        assert_eq!(verdicts(&report), [("orders", Verdict::Failed, 1)], "{line}");
        assert_eq!(report.tests[0].finding.as_ref().unwrap().case.as_deref(), Some("all at once"), "{line}");
    }
    assert_eq!(Named::parse("case:2"), Some(Named::Unit(Unit::Case(2))), "a number is an index");
}

#[test]
fn what_broke_last_time_is_tried_first_and_said() {
    let first = |suite: &Suite, unit: &str| judged(suite, &format!("--runs|10|--first|{unit}")).unwrap();
    let said = |unit: &str, fine| Some(First { unit: unit.to_owned(), fine, gone: None });
    assert_eq!(first(&swarm(5), "seed:7").first, said("seed:7", true));
    assert_eq!(first(&swarm(5), "case:all at once").first, said("case:all at once", false));
    assert_eq!(first(&swarm(5), "case:1").first, said("case:two before three", true));
    assert_eq!(first(&swarm(5), "case:of an older version").first, None);
    assert_eq!(judged(&swarm(5), "--runs|10").unwrap().first, None);
    // Outside of the ten runs that are made, and yet it counts.
    let report = first(&swarm(8_812), "seed:8812");
    assert_eq!(report.first, said("seed:8812", false));
    let found = report.tests[0].finding.as_ref().unwrap();
    assert_eq!((report.tests[0].verdict, found.seed, found.runs), (Verdict::Failed, Some(8_812), 1));
    // Inside of them, it is found in its turn: the lowest failing seed is the one that is shown.
    let found = first(&swarm(5), "seed:5").tests[0].finding.clone().unwrap();
    assert_eq!((found.seed, found.runs), (Some(5), 3 + 5 + 1));
}

/// Whoever asks until a rule is broken hears the same of it as who asks for all, and the rest is not judged any more.
#[test]
fn until_a_rule_is_broken() {
    let found = |line: &str, rule: &str| {
        let report = judged(&swarm(5), line).unwrap();
        let finding = report.tests.iter().find(|t| t.name == rule).unwrap().finding.clone();
        (finding.map(|f| (f.seed, f.case, f.runs)), report.runs)
    };
    let whole = found("--runs|50", "sums").0;
    assert_eq!(whole, Some((Some(5), None, 3 + 5 + 1)));
    assert_eq!(found("--runs|50|--until|sums", "sums"), (whole, 6), "five seeds passed before, and that one");
    assert_eq!(found("--runs|50|--until|orders", "orders"), (found("--runs|50", "orders").0, 0), "a case comes before the seeds");
    assert_eq!(found("--runs|50|--until|deterministic", "deterministic"), (None, 50), "what is not broken is looked for to the end");
}

/// Records a run of so many steps.
fn record(probe: &Probe, steps: u64) {
    for step in 1..=steps {
        let what = What::Notes { text: "x".to_owned() };
        probe.record(|| Event { step, at: Time::from_micros(step), lane: Lane::Node(0), what });
    }
}

/// A scenario of nine steps that breaks `orders`, and two explorations, of which the first has `nearest` broken after three
/// steps and `orders` after so many, if that is few enough; the second the same, one step later.
fn explored(nearest: &'static str, orders: u64) -> Suite {
    let mut suite = Suite { cases: Vec::new(), explored: &["orders"], ..swarm(u64::MAX) };
    suite.scenario("orders", "in nine steps", |p: &Probe| {
        record(p, 9);
        breaks("orders")
    });
    for (name, later) in [("every order", 0), ("every longer order", 1)] {
        suite.exploration("sums", name, move |p: &Probe| {
            let sought = p.sought.map(|s| (s.rule, s.steps_below));
            let (rule, steps) = if sought.is_none() { (nearest, 3) } else { ("orders", orders + later) };
            assert!(sought.is_none_or(|(rule, _)| rule == "orders"));
            p.explored(Extent { states: 100 + later, depth: 4, complete: later == 0 });
            if sought.is_some_and(|(_, below)| steps >= below) || rule.is_empty() {
                return Ok(());
            }
            record(p, steps);
            breaks(rule)
        });
    }
    suite
}

#[test]
fn a_shorter_run_of_the_same_rule_is_shown_instead() {
    let shown = |suite: &Suite, line: &str| {
        let report = judged(suite, line).unwrap();
        let test = report.tests.iter().find(|t| t.name == "orders").unwrap();
        let finding = test.finding.clone().unwrap();
        (test.layer, finding.case.clone().unwrap(), finding.steps(), finding.trace.events.len(), finding.instead_of)
    };
    let instead = Some(Instead { layer: Layer::Scenario, unit: "case:in nine steps".to_owned(), steps: 9 });
    // The run, with the line that says what it breaks.
    let expected = (Layer::Exploration, "every order".to_owned(), 5, 6, instead);
    for line in ["", "--threads|1", "--threads|4", "--test|orders"] {
        assert_eq!(shown(&explored("sums", 5), line), expected, "{line}");
    }
    let scenario = (Layer::Scenario, "in nine steps".to_owned(), 9, 10, None);
    assert_eq!(shown(&explored("", 9), ""), scenario, "no shorter than that");
    let mut unwatched = explored("", 5);
    unwatched.explored = &[];
    assert_eq!(shown(&unwatched, ""), scenario, "nobody says that its explorations watch this rule");
}

#[test]
fn what_is_shown_first_does_not_depend_on_what_it_is_shown_by() {
    let mut suite = explored("", 5);
    suite.swarm = swarm(3).swarm;
    let report = judged(&suite, "--runs|10").unwrap();
    let failed: Vec<&str> = report.tests.iter().filter(|t| t.verdict == Verdict::Failed).map(|t| t.name.as_str()).collect();
    assert_eq!(failed, ["sums", "orders"]);
    assert_eq!(report.first_problem().unwrap().name, "orders", "a scenario found it, and scenarios come before random runs");
}

#[test]
fn how_far_explorations_went_is_always_said() {
    let said = |line: &str| {
        let report = judged(&explored("", 99), line).unwrap();
        let explored = report.tests.iter().flat_map(|t| &t.explored).map(|e| (e.case.clone(), e.extent.to_string()));
        explored.collect::<Vec<_>>()
    };
    let first = ("every order".to_owned(), "100 states, complete".to_owned());
    let second = ("every longer order".to_owned(), "stopped at 101 states, depth 4, incomplete".to_owned());
    assert_eq!(said(""), [first.clone(), second]);
    assert_eq!(said("--one|case:every order"), [first]);
}

#[test]
fn crumbs_name_the_case() {
    let path = std::env::temp_dir().join(format!("splitbrain-crumbs-{}", std::process::id()));
    let crumbs = path.clone();
    let mut suite = cases_only();
    suite.vector("sums", "new–old", move |_: &Probe| {
        let text = std::fs::read_to_string(&crumbs).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(lines.iter().all(|l| ["idle", "case:0 one and one", "case:3 new–old"].contains(l)), "{lines:?}");
        assert!(lines.contains(&"case:3 new–old"), "{lines:?}");
        Ok(())
    });
    // What a case of ours asserts is our bug: it would be an error here.
    let report = judged(&suite, &format!("--test|sums|--threads|2|--crumbs|{}", path.display()));
    let _ = std::fs::remove_file(path);
    assert_eq!(report.unwrap().tests[0].verdict, Verdict::Passed);
}

/// Nothing passes on what was not tried; what was found before stands, and comes first.
#[test]
fn what_was_decided_before_the_time_was_up_stands() {
    use Verdict::{Failed, TimedOut, Unknown};
    let report = judged(&swarm(u64::MAX), "--deadline-ms=0").unwrap();
    let expected = [("sums", Unknown, 0), ("orders", Unknown, 0), ("deterministic", Unknown, 0), ("no_crash", TimedOut, 0)];
    assert_eq!(verdicts(&report), expected);
    assert_eq!(report.verdict, TimedOut);
    let mut report = report;
    report.tests[1].verdict = Failed;
    assert_eq!(report.first_problem().map(|t| t.name.as_str()), Some("orders"), "what is broken comes before what took too long");
}

/// A judging that is stopped half way tells what it found, and not that it was stopped.
#[test]
fn what_was_found_is_told_before_what_took_too_long() {
    use Verdict::{Failed, TimedOut, Unknown};
    let suite = Arc::new(swarm(5));
    let options = |line: &str| Options::parse(line.split(' ').map(str::to_owned)).unwrap();
    let (few, all) = (options("--threads 1 --runs 10"), options("--deadline-ms 20000"));
    let board = Board::new(&few, &suite).unwrap();
    let started = Instant::now();
    let ledger = Ledger::new(Deadline::of(&few, started));
    judge_all(&suite, None, &few, &board, &ledger, started).unwrap();
    let report = early::report(&suite, Alarm::TimeIsUp, &all, &board, &ledger, started);
    let expected = [("sums", Failed, 11), ("orders", Failed, 12), ("deterministic", Unknown, 10), ("no_crash", TimedOut, 10)];
    assert_eq!(verdicts(&report), expected);
    let first = report.first_problem().unwrap();
    assert_eq!(first.name, "orders", "a scenario found it");
    let late = report.tests[3].finding.as_ref().unwrap();
    assert_eq!(late.seen, "the 20 s for all tests together were not enough, after 3 of 3 cases and 10 of 1000 random runs");
}
