//! The pictures of a run as they are seen (snapshots), and what holds of the pictures of all runs (random traces).

use splitbrain::report::Report;
use splitbrain::rng::Rng;
use splitbrain::time::Time;
use splitbrain::trace::diagram::{Options, draw};
use splitbrain::trace::stepper::Stepper;
use splitbrain::trace::{Event, Lane, Role, Trace, What};
use std::fmt::Write as _;
use std::path::Path;

/// Columns on a screen, of the characters that these tests use: an oracle of its own, beside the table in the library.
fn columns(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{2E80}'..='\u{FFEF}' | '\u{1F300}'..='\u{1FAFF}') { 2 } else { 1 }).sum()
}

const N1: Lane = Lane::Node(0);
const N2: Lane = Lane::Node(1);
const N3: Lane = Lane::Node(2);
const C1: Lane = Lane::Client(0);

fn event(step: u64, lane: Lane, what: What) -> Event {
    Event { step, at: Time::from_micros(step * 7_300), lane, what }
}

/// A run in which everything that can happen does.
pub fn everything() -> Trace {
    use What::*;
    let t = |s: &str| s.to_owned();
    let events = vec![
        event(1, N1, Starts { again: false, saved: t("nothing saved") }),
        event(1, N1, Sets { timer: t("Tick"), after_us: 100_000 }),
        event(2, N2, Starts { again: false, saved: t("nothing saved") }),
        event(3, N3, Starts { again: false, saved: t("nothing saved") }),
        event(3, N3, State { text: t("Node { role: Follower, seen: 0 }") }),
        event(4, C1, Asks { to: N1, id: 1, text: t("Write { key: 4, value: 17 }") }),
        event(5, N1, Takes { from: C1, id: 1, text: t("Write { key: 4, value: 17 }") }),
        event(5, N1, Saves { text: t("Saved { log: {4: 17} }") }),
        event(5, N1, Sends { to: N2, id: 1, text: t("Store { key: 4, value: 17 }") }),
        event(5, N1, Sends { to: N3, id: 2, text: t("Store { key: 4, value: 17 }") }),
        event(5, N1, Loses { to: N3, id: 2 }),
        event(5, N1, Repeats { to: N2, id: 1 }),
        event(6, N2, Receives { from: N1, id: 1, text: t("Store { key: 4, value: 17 }") }),
        event(6, N2, Saves { text: t("Saved { log: {4: 17} }") }),
        event(6, N2, Sends { to: N1, id: 3, text: t("Stored") }),
        event(7, Lane::Network, Splits { text: t("n1 n2 | n3") }),
        event(8, N1, Receives { from: N2, id: 3, text: t("Stored") }),
        event(8, N1, Answers { to: C1, id: 1, text: t("Done") }),
        event(9, N2, Receives { from: N1, id: 1, text: t("Store { key: 4, value: 17 }") }),
        event(9, N2, Notes { text: t("seen before") }),
        event(10, C1, Gets { from: N1, id: 1, text: t("Done") }),
        event(11, N2, Pauses { for_us: 20_000 }),
        event(12, N3, Fires { timer: t("Election") }),
        event(12, N3, Prints { text: t("let me lead\n") }),
        event(12, N3, State { text: t("Node { role: Candidate, seen: 3 }") }),
        event(13, Lane::Network, Heals),
        event(14, N1, Fires { timer: t("Tick") }),
        event(14, N1, Saves { text: t("Saved { log: {4: 17, 5: 1} }") }),
        event(14, N1, Crashes { done: 1, of: 4, for_good: false }),
        event(15, C1, Asks { to: N1, id: 2, text: t("Read { key: 4 }") }),
        event(15, C1, Loses { to: N1, id: 2 }),
        event(16, N1, Starts { again: true, saved: t("Saved { log: {4: 17, 5: 1} }") }),
        event(17, C1, GivesUp { id: 2, text: t("Read { key: 4 }") }),
        event(18, N3, Crashes { done: 0, of: 0, for_good: true }),
        event(19, C1, Asks { to: N2, id: 3, text: t("Read { key: 4 }") }),
        event(20, N2, Takes { from: C1, id: 3, text: t("Read { key: 4 }") }),
        event(20, N2, Answers { to: C1, id: 3, text: t("Value(None)") }),
        event(21, C1, Gets { from: N2, id: 3, text: t("Value(None)") }),
        event(21, C1, Breaks { rule: t("reads_see_writes"), seen: t("c1 read nothing") }),
    ];
    Trace { events, ..Trace::default() }
}

pub fn fixture(name: &str) -> (Trace, Vec<u64>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/pictures/{name}.report"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let report = Report::parse(&text).expect("a report");
    let finding = report.tests.into_iter().find_map(|t| t.finding).expect("a finding");
    (finding.trace, finding.marks)
}

pub fn snapshot(name: &str, picture: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("picture_{name}"), picture));
}

/// One picture at three widths and in ASCII.
fn at_all_widths(trace: &Trace, marks: &[u64], max_rows: usize) -> String {
    let all = [(60, false), (80, false), (120, false), (80, true)];
    let pictures = all.map(|(width, ascii)| {
        let options = Options { width, ascii, marks: marks.to_vec(), max_rows, ..Options::default() };
        format!("{width} columns{}\n{}", if ascii { ", ASCII" } else { "" }, draw(trace, &options))
    });
    pictures.join("\n")
}

#[test]
fn every_kind_of_event() {
    snapshot("everything", &at_all_widths(&everything(), &[5, 14], 40));
}

#[test]
fn a_long_run_is_folded_around_what_matters() {
    snapshot("folded", &at_all_widths(&everything(), &[5, 14], 12));
}

#[test]
fn real_findings() {
    for name in [
        "acknowledged_before_saved",
        "answer_before_save",
        "compares_with_the_last_only",
        "decrement_acknowledged_before_saved",
        "first_answer_wins",
        "grants_are_counted_not_voters",
        "one_slot_for_all",
        "own_replica_saves_after_it_counts",
        "removes_one_token",
        "vote_is_cleared_by_a_heartbeat",
        "votes_twice_in_a_term",
    ] {
        let (trace, marks) = fixture(name);
        snapshot(name, &at_all_widths(&trace, &marks, 20));
        for width in (60..=160).step_by(7) {
            let options = Options { width, marks: marks.clone(), ..Options::default() };
            let lines = draw(&trace, &options).lines().count();
            assert!(lines <= 20, "{name} at {width}: {lines} lines");
        }
    }
}

#[test]
fn nothing_gives_nothing() {
    assert_eq!(draw(&Trace::default(), &Options::default()), "");
}

#[test]
fn a_delayed_message_bears_its_number_at_both_ends() {
    let picture = draw(&everything(), &Options { marks: vec![5], max_rows: 40, ..Options::default() });
    let lines: Vec<&str> = picture.lines().filter(|l| l.contains("r3") || l.contains("m3")).collect();
    // m3 leaves at step 6; the network splits; it arrives at step 8.
    assert!(lines.len() >= 2 && lines[0].contains('◁') && lines[1].contains("╌"), "{picture}");
}

const ODD_TEXTS: [&str; 12] = [
    "Vote { term: 3, log: LogEnd { index: 5, term: 3 } }",
    "Done",
    "",
    "漢字 { キー: \"日本語、テスト\", n: 3 }",
    "{ broken",
    "emoji 🦀🦀🦀 e\u{301} \u{200d}\u{202e}",
    "</script><img src=x onerror=alert(1)>",
    "\u{1b}[31mred\u{1b}[0m\n\ttab",
    "AVeryLongNameOfAVariantThatDoesNotFitAnywhereAtAllNotEvenOnWideScreens(1, 2, 3)",
    "Counts({n1: 1, n2: 2, n3: 3, n4: 4, n5: 5, n6: 6})",
    "[[[[[[1]]]]]]",
    "  ",
];

fn random_what(rng: &mut Rng, lanes: u64) -> What {
    use What::*;
    let lane = random_lane(rng, lanes);
    let id = rng.below(6);
    let text = (*rng.pick(&ODD_TEXTS).expect("there are some")).to_owned();
    let flag = rng.chance(500_000);
    match rng.below(23) {
        0 => Starts { again: flag, saved: text },
        1 | 2 => Receives { from: lane, id, text },
        3 => Fires { timer: text },
        4 => Asks { to: lane, id, text },
        5 => Takes { from: lane, id, text },
        6 | 7 => Sends { to: lane, id, text },
        8 => Answers { to: lane, id, text },
        9 => Gets { from: lane, id, text },
        10 => GivesUp { id, text },
        11 => Saves { text },
        12 => Sets { timer: text, after_us: id },
        13 => Cancels { timer: text },
        14 => Notes { text },
        15 => Prints { text },
        16 => State { text },
        17 => Loses { to: lane, id },
        18 => Repeats { to: lane, id },
        19 => Crashes { done: 1, of: 2, for_good: flag },
        20 => Pauses { for_us: u64::MAX - id },
        21 => Folds { steps: id, cycle: id % 3, times: 2 },
        _ if flag => Splits { text },
        _ => Breaks { rule: text.clone(), seen: text },
    }
}

fn random_lane(rng: &mut Rng, lanes: u64) -> Lane {
    match rng.below(10) {
        0 => Lane::Network,
        1..=3 => Lane::Client(rng.below(lanes) as u8),
        _ => Lane::Node(rng.below(lanes) as u8),
    }
}

pub fn random_trace(rng: &mut Rng) -> Trace {
    let most = if rng.chance(200_000) { 200 } else { 6 };
    let lanes = 1 + rng.below(most);
    let mut step = rng.below(3) + if rng.chance(50_000) { 9_999_999 } else { 0 };
    let events = (0..rng.below(90)).map(|_| {
        step += u64::from(rng.chance(600_000));
        event(step % 1_000_000_000, random_lane(rng, lanes), random_what(rng, lanes))
    });
    Trace { events: events.collect(), ..Trace::default() }
}

#[test]
fn every_picture_of_every_trace_keeps_its_width_and_its_marks() {
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let trace = random_trace(&mut rng);
        let steps: Vec<u64> = trace.events.iter().map(|e| e.step).collect();
        let marks: Vec<u64> = (0..rng.below(4)).filter_map(|_| rng.pick(&steps).copied()).collect();
        let options = Options {
            width: 50 + rng.below(130) as usize,
            ascii: rng.chance(300_000),
            marks,
            violation: if rng.chance(500_000) { rng.pick(&steps).copied() } else { None },
            max_rows: rng.below(30) as usize,
        };
        keeps_its_promises(&trace, &options, seed);
    }
}

fn keeps_its_promises(trace: &Trace, options: &Options, seed: u64) {
    let picture = draw(trace, options);
    assert_eq!(picture, draw(trace, options), "seed {seed}: drawn twice, it differs");
    let width = options.width.clamp(60, 160);
    for line in picture.lines() {
        let columns = columns(line);
        assert!(columns <= width, "seed {seed}: {columns} of {width} columns: {line}\n{picture}");
        assert!(!line.chars().any(char::is_control), "seed {seed}: {line:?}");
        assert!(!options.ascii || line.is_ascii(), "seed {seed}: {line}");
    }
    let numbers: Vec<&str> = picture.lines().filter_map(|l| l.get(l.chars().next()?.len_utf8()..)?.split_whitespace().next()).collect();
    for step in options.marks.iter().chain(&options.violation) {
        assert!(numbers.contains(&step.to_string().as_str()), "seed {seed}: step {step} is missing\n{picture}");
    }
    let forced = options.marks.len() + 4;
    // A marked step has up to four rows and a fold before it.
    let limit = options.max_rows.max(forced * 5 + 12);
    assert!(picture.lines().count() <= limit, "seed {seed}: {} lines\n{picture}", picture.lines().count());
}

#[test]
fn a_run_without_lanes_is_a_list() {
    let calls = |step, text: &str| event(step, Lane::Network, What::Calls { text: text.into() });
    let gives = |step, text: &str| event(step, Lane::Network, What::Gives { text: text.into() });
    let trace = Trace { events: vec![calls(1, "add(s1)"), calls(2, "owner(7)"), gives(2, "None")], dropped: 3, ..Trace::default() };
    let picture = draw(&trace, &Options { violation: Some(2), ..Options::default() });
    let lines: Vec<&str> = picture.lines().collect();
    assert_eq!(lines[0], "(3 earlier events were not recorded)");
    assert!(lines[1].trim_start().starts_with('1') && lines[1].ends_with("add(s1)"), "{picture}");
    assert!(lines[2].starts_with('!') && lines[2].ends_with("owner(7); gives None"), "{picture}");
}

fn stepper() -> Stepper {
    Stepper::new(&everything(), &[5, 14], None, false)
}

#[test]
fn one_stands_at_the_violation_and_walks_from_there() {
    let mut s = stepper();
    assert_eq!((s.step(), s.len(), s.is_empty()), (21, 21, false));
    s.forward();
    assert_eq!(s.step(), 21);
    s.back();
    assert_eq!(s.step(), 20);
    s.to_previous_mark();
    assert_eq!(s.step(), 14);
    s.to_previous_mark();
    s.to_previous_mark();
    assert_eq!(s.step(), 5);
    s.to_start();
    s.back();
    assert_eq!(s.step(), 1);
    s.to_next_mark();
    assert_eq!(s.step(), 5);
    s.to_step(1_000);
    assert_eq!(s.step(), 21);
    s.to_start();
    s.to_violation();
    assert_eq!(s.step(), 21);
}

#[test]
fn frames_as_they_are_seen() {
    let mut s = stepper();
    let mut seen = String::new();
    for step in [5, 12, 14, 16, 21] {
        s.to_step(step);
        let _ = writeln!(seen, "{}----", s.frame(90, 24));
    }
    let (trace, marks) = fixture("vote_is_cleared_by_a_heartbeat");
    let s = Stepper::new(&trace, &marks, None, true);
    let _ = writeln!(seen, "{}----", s.frame(80, 24));
    snapshot("frames", &seen);
}

#[test]
fn what_changed_is_marked_and_the_state_is_there_once() {
    let mut s = stepper();
    s.to_step(12);
    let frame = s.frame(100, 40);
    assert!(frame.contains("* n3: Node role Candidate, seen 3   (role Follower→Candidate, seen 0→3)"), "{frame}");
    assert!(frame.contains("  n1 saved: Saved log {4: 17}\n"), "{frame}");
    s.to_step(14);
    assert!(s.frame(100, 40).contains("* n1 is down"));
    let saves = |step, what| event(step, Lane::Node(0), what);
    let state = |term: u64| What::State { text: format!("Voter {{ term: {term}, role: Follower }}") };
    let saved = |term: u64| What::Saves { text: format!("Saved {{ term: {term} }}") };
    let fires = || What::Fires { timer: "Election".into() };
    let events = vec![saves(1, fires()), saves(1, saved(1)), saves(1, state(1)), saves(2, fires()), saves(2, state(2))];
    let mut s = Stepper::new(&Trace { events, ..Trace::default() }, &[], None, false);
    s.to_step(1);
    assert!(s.frame(80, 24).contains("* n1 saved so: term\n"), "{}", s.frame(80, 24));
    s.to_step(2);
    assert!(s.frame(80, 24).contains("  n1 saved: Saved term 1\n"), "another term is in memory: {}", s.frame(80, 24));
}

#[test]
fn a_step_names_its_lines_in_the_order_in_which_they_ran() {
    let of = |what| event(1, Lane::Node(0), what);
    let mut trace = Trace { events: vec![of(What::Fires { timer: "T".into() }), of(What::Saves { text: "1".into() })], ..Trace::default() };
    trace.place(1, vec![64, 61, 61, 64]);
    assert!(Stepper::new(&trace, &[], None, false).frame(80, 24).contains("  in your file, as it was judged: lines 64, 61\n"));
    trace.lines.clear();
    assert!(!Stepper::new(&trace, &[], None, false).frame(80, 24).contains("your file"));
}

#[test]
fn who_tells_a_run_gives_it_a_title_and_room() {
    let mut trace = everything();
    trace.events.push(event(22, Lane::Node(0), What::Calls { text: "read(11768203551045111504, 98765)".into() }));
    trace.events.push(event(22, Lane::Node(0), What::Saves { text: "Saved { tag: 11768203551045111504 }".into() }));
    let mut alone = Stepper::new(&trace, &[5], None, false);
    let mut told = alone.clone().told_as("a toy: it forgets");
    for stepper in [&mut alone, &mut told] {
        stepper.to_step(5);
    }
    assert!(alone.frame(80, 24).starts_with("step 5 of 22") && alone.frame(80, 24).lines().next().unwrap().ends_with(", which led to it"));
    let first = told.frame(80, 24).lines().next().unwrap().to_owned();
    assert!(first.starts_with("a toy: it forgets · step 5 of 22") && !first.contains("led to it"), "{first}");
    // Of what was drawn both ends are enough, in the steps and in the state.
    alone.to_step(22);
    told.to_step(22);
    assert!(alone.frame(80, 24).contains("11768203551045111504"));
    let frame = told.frame(80, 24);
    assert!(frame.contains("read(117…504, 98765)") && frame.contains("tag 117…504") && !frame.contains("11768203"), "{frame}");
    assert_eq!((told.said_of(22).as_str(), told.said_of(99).as_str()), ("n1 read(117…504, 98765); saves +tag: 117…504, -log", ""));
}

#[test]
fn lanes_with_long_names_stand_apart() {
    let mut events = vec![event(1, Lane::Client(0), What::Calls { text: "get(k1)".into() })];
    events.push(event(2, Lane::Node(0), What::Calls { text: "a".into() }));
    for (step, role) in [(3, Role::Database), (4, Role::Payments)] {
        events.push(event(step, Lane::Service(role), What::Calls { text: "b".into() }));
    }
    let frame = Stepper::new(&Trace { events, ..Trace::default() }, &[], None, false).frame(80, 24);
    assert_eq!(frame.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>(), ["c1", "n1", "database", "payments"], "{frame}");
}

#[test]
fn ten_steps_are_shown_and_what_does_not_fit_is_scrolled_to() {
    let text = |step: u64| format!("Saved {{ {} }}", (0..40).map(|i| format!("field_{i}: {step}")).collect::<Vec<_>>().join(", "));
    let events = |step: u64| {
        let of = |what| event(step, Lane::Node(0), what);
        [of(What::Fires { timer: "T".into() }), of(What::Saves { text: text(step) })]
    };
    let mut s = Stepper::new(&Trace { events: (1..=50).flat_map(events).collect(), ..Trace::default() }, &[], None, false);
    s.to_step(30);
    let first = s.frame(80, 23);
    let rows = |frame: &str| frame.lines().filter(|l| l.contains("timer fires: T;")).count();
    assert!(rows(&first) == 10 && first.contains("30 ▌"), "{first}");
    assert!(first.contains("more lines: PgDn") && !first.contains("field_39 30"), "{first}");
    // To the end and no further, and back.
    (0..50).for_each(|_| s.scroll_down());
    let end = s.frame(80, 23);
    assert!(rows(&end) == 10 && end.contains("field_39 29→30)") && !end.contains("PgDn"), "{end}");
    s.scroll_up();
    assert_ne!(s.frame(80, 23), end);
    s.forward();
    assert!(s.frame(80, 23).contains("n1 timer fires: T\n"), "another step begins at its start");
}

#[test]
fn all_steps_as_text_hold_every_event() {
    let text = stepper().all();
    assert_eq!(text.lines().count(), everything().events.len());
    assert!(text.lines().any(|l| l.starts_with('!')) && text.lines().any(|l| l.starts_with('►')));
}

#[test]
fn every_frame_of_every_trace_fits() {
    for seed in 0..120 {
        let mut rng = Rng::new(seed);
        let trace = random_trace(&mut rng);
        let (mark, ascii) = (rng.below(40), rng.chance(500_000));
        let mut s = Stepper::new(&trace, &[mark], None, ascii);
        for _ in 0..3 {
            s.to_step(rng.below(60));
            let (width, height) = (60 + rng.below(100) as usize, 6 + rng.below(40) as usize);
            let frame = s.frame(width, height);
            assert!(frame.lines().count() <= height, "seed {seed}: {} lines of {height}", frame.lines().count());
            assert!(frame.lines().all(|l| columns(l) <= width && !l.chars().any(char::is_control)), "seed {seed}\n{frame}");
            assert!(!ascii || frame.is_ascii(), "seed {seed}\n{frame}");
        }
    }
}
