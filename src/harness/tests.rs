//! The harness on suites of a few closures: no exercise, no network.

use super::options::{Named, Options, Unit};
use super::watch::Board;
use super::{Asked, judge_all, judge_one};
use crate::report::{First, Layer, Report, Verdict};
use crate::rule::{Broken, COMMON_PLAIN, Check, Coverage, Rule};
use crate::suite::{Run, Suite, Swarm};
use crate::trace::Probe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const RULES: [Rule; 2] = [rule("sums"), rule("orders")];

const fn rule(name: &'static str) -> Rule {
    Rule { name, title: "t", why: "w", look: "l", source: "s" }
}

fn breaks(rule: &'static str) -> Check {
    Err(Broken::new(rule, "seen"))
}

/// Three cases, the last of which breaks its rule, and no random runs.
fn cases_only() -> Suite {
    let mut suite = Suite { exercise: "toy", rules: &RULES, common: &COMMON_PLAIN, cases: Vec::new(), swarm: None, echo: None };
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
    let board = Board::new(&options)?;
    match asked.one {
        Some(unit) => judge_one(suite, unit, &options, &board, Instant::now()),
        None => judge_all(suite, asked.first, &options, &board, Instant::now()),
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
