//! Reports that come through the trip, and those that do not.

use super::*;
use crate::rule::DETERMINISTIC;
use crate::time::Time;
use crate::trace::{Lane, Lines, What};

fn sample() -> Report {
    let event = Event { step: 1, at: Time::from_micros(5), lane: Lane::Node(0), what: What::Notes { text: "a\tb\\n\n\u{1b}[31m".into() } };
    let finding = Finding {
        late: true,
        seen: "n1 and n2 lead term 3\nboth".into(),
        why: "w".into(),
        look: "l".into(),
        contrast: "OpId(1) in the place of OpId(0)".into(),
        source: "s".into(),
        case: Some("split".into()),
        seed: Some(8812),
        instead_of: Some(Instead { layer: Layer::Scenario, unit: "case:old".into(), steps: 12 }),
        at: Some(("src/x.rs".into(), 17)),
        runs: 12,
        micros: 34,
        raw_steps: 164,
        shown_steps: 7,
        shortest_steps: 6,
        shrink_micros: 99,
        marks: vec![4, 9],
        trace: Trace { events: vec![event], dropped: 3, lines: vec![Lines { step: 7, effects: vec![61, 64] }] },
    };
    let extent = |complete| Extent { states: 113_320, depth: 19, complete };
    let explored: Vec<Explored> = [true, false].map(|c| Explored { case: "every order".into(), extent: extent(c) }).into();
    let test = |name: &str, layer, verdict, finding| {
        let (name, title, explored) = (name.into(), "t".into(), explored.clone());
        Test { name, title, layer, verdict, runs: 7, explored, finding }
    };
    Report {
        exercise: "raft_election".into(),
        verdict: Verdict::Failed,
        first_seed: 1,
        runs: 1_000,
        judge_micros: 5,
        first: Some(First { unit: "case:split\tvote".into(), fine: false, gone: Some("step 5 delivers …".into()) }),
        coverage: vec![("elections".into(), 9)],
        lessons: vec!["a stale read".into()],
        tests: vec![
            test("early", Layer::Vector, Verdict::Unfinished, Some(Finding::default())),
            test("late", Layer::Swarm, Verdict::Failed, Some(finding)),
            test("fine", Layer::Swarm, Verdict::Passed, None),
        ],
    }
}

#[test]
fn a_report_survives_the_trip() {
    let report = sample();
    assert_eq!(Report::parse(&report.to_text()), Ok(report));
}

#[test]
fn no_control_character_of_a_learner_leaves_raw() {
    assert!(!sample().to_text().chars().any(|c| c.is_control() && c != '\t' && c != '\n'));
}

#[test]
fn a_report_cut_short_is_no_report() {
    let text = sample().to_text();
    for end in (0..text.len() - 4).filter(|&i| text.is_char_boundary(i)) {
        assert!(Report::parse(&text[..end]).is_err(), "accepted the first {end} bytes");
    }
}

#[test]
fn what_is_broken_comes_before_what_is_not_written() {
    let report = sample();
    assert_eq!(report.first_problem().map(|t| t.name.as_str()), Some("late"));
    assert_eq!(report.overall(), Verdict::Failed);
}

#[test]
fn an_unreadable_line_is_named() {
    let text = format!("{HEADER}\nexercise\tx\nverdict\tgreat\nend\n");
    assert_eq!(Report::parse(&text), Err("line 3: cannot read `verdict\\tgreat`".to_owned()));
}

/// A failed test of that layer, whose run has so many steps.
fn failed(name: &str, layer: Layer, late: bool, shown_steps: u64) -> Test {
    let finding = Finding { late, shown_steps, ..Finding::default() };
    Test { name: name.into(), title: name.into(), layer, verdict: Verdict::Failed, runs: 1, explored: Vec::new(), finding: Some(finding) }
}

#[test]
fn what_is_nearest_to_the_cause_is_worked_on() {
    let first = |tests: &[&Test]| {
        let report = Report { tests: tests.iter().map(|t| (*t).clone()).collect(), ..sample() };
        report.first_problem().map(|t| t.name.clone()).unwrap_or_default()
    };
    let late = failed("never_answered", Layer::Scenario, true, 3);
    let wrong = failed("wrong", Layer::Swarm, false, 12);
    let wrong_soon = failed("wrong_soon", Layer::Exploration, false, 6);
    let vector = failed("vector", Layer::Vector, true, 2);
    let long_vector = failed("long_vector", Layer::Vector, true, 200);
    let chance = failed(DETERMINISTIC, Layer::Swarm, false, 300);
    assert_eq!(first(&[&late, &wrong]), "wrong", "what must not happen before what did not");
    assert_eq!(first(&[&wrong, &wrong_soon]), "wrong_soon", "the shorter run");
    assert_eq!(first(&[&wrong_soon, &vector]), "vector", "one node and one message");
    assert_eq!(first(&[&wrong, &long_vector]), "wrong", "a vector that waits for seconds is none");
    let last = Event { step: 601, at: Time::ZERO, lane: Lane::Node(0), what: What::Heals };
    let mut folded = failed("folded", Layer::Vector, false, 4);
    folded.finding.as_mut().unwrap().trace.events.push(last);
    let storm = failed("storm", Layer::Storm, false, 3);
    assert_eq!(first(&[&folded, &storm]), "storm", "of 601 steps four are shown");
    let very_long = failed("very_long", Layer::Scenario, false, 200);
    assert_eq!(first(&[&very_long, &late]), "never_answered", "three steps tell more than two hundred");
    assert_eq!(first(&[&vector, &chance]), DETERMINISTIC);
    // A step more or less is nothing: the order of the rules decides.
    let (one, other) = (failed("one", Layer::Vector, false, 3), failed("other", Layer::Vector, false, 1));
    assert_eq!(first(&[&one, &other]), "one");
}
