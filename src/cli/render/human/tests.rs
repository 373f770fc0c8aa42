use super::*;
use crate::cli::render::picture::STEPS;
use crate::cli::style::Style;
use crate::report::Layer;
use crate::time::Time;
use crate::trace::Lane;
use crate::trace::What;
use std::time::Duration;

fn scene() -> Scene {
    let source = Some("fn main() {\n    todo!(\"count \u{1b}[31mit\")\n}\n".to_owned());
    Scene {
        style: Style::PLAIN,
        file: "exercises/g_counter/g_counter.rs".to_owned(),
        source,
        again: Again::Replay,
        width: 100,
        ascii: false,
        theory: crate::cli::theory::Theory::default(),
        detail: Detail::First { rest: "--verbose" },
    }
}

fn test(name: &str, verdict: Verdict, finding: Option<Finding>) -> Test {
    Test {
        name: name.into(),
        title: format!("the rule {name} holds"),
        layer: Layer::Swarm,
        verdict,
        runs: 1_000,
        explored: vec![],
        finding,
    }
}

fn an_outcome(tests: Vec<Test>) -> Outcome {
    let mut report = Report {
        exercise: "g_counter".into(),
        verdict: Verdict::Passed,
        first_seed: 0,
        runs: 1_000,
        judge_micros: 0,
        first: None,
        coverage: vec![],
        lessons: vec!["Reads were stale 3 times: N, W and R allow it.".into()],
        tests,
    };
    report.verdict = report.overall();
    let ms = Duration::from_millis;
    Outcome { report, build: ms(210), judge: ms(340), errors: vec![], printed: 0, own: None }
}

fn a_finding(events: u64) -> Finding {
    let mut finding = Finding {
        seen: "n2 shows 3, but knows of \u{1b}[2J2.".into(),
        why: "a counter that runs ahead is no counter.".into(),
        look: "what a merge does with a state that it has seen.".into(),
        source: "Shapiro et al. 2011, section 3.1".into(),
        seed: Some(8812),
        marks: vec![events - 1],
        raw_steps: 164,
        shown_steps: events,
        ..Finding::default()
    };
    for step in 1..=events {
        let what = What::Receives { from: Lane::Node(0), id: step, text: "State { slots: [1, 2] }".into() };
        finding.trace.push(Event { step, at: Time::from_micros(step * 1_500), lane: Lane::Node(1), what });
    }
    finding
}

#[test]
fn a_finding_names_the_questions_about_its_rule() {
    let finding = || Finding { seen: "n1 voted for n2 and n3 in term 4".into(), ..Finding::default() };
    let mut failed = an_outcome(vec![test("one_vote_per_term", Verdict::Failed, Some(finding()))]);
    failed.report.exercise = "raft_election".into();
    failed.report.verdict = Verdict::Failed;
    let theory = crate::cli::theory::Theory::of(crate::cli::content::Content::Embedded);
    let text = outcome(&failed, &Scene { theory, detail: Detail::Whole, ..scene() });
    assert!(text.contains("\n    Theory: splitbrain quiz --rule one_vote_per_term ("), "{text}");
    failed.report.tests[0].name = "no_crash".into();
    assert!(!outcome(&failed, &Scene { theory: scene().theory, ..scene() }).contains("Theory:"));
}

#[test]
fn a_failed_outcome() {
    let mut second = a_finding(1);
    second.trace.events.clear();
    (second.raw_steps, second.shown_steps) = (0, 0);
    let tests = vec![
        test("one", Verdict::Passed, None),
        test("two", Verdict::Failed, Some(a_finding(24))),
        test("three", Verdict::Failed, Some(Finding { seed: Some(9_000), ..second })),
    ];
    insta::assert_snapshot!(outcome(&an_outcome(tests), &scene()), @r#"
    ✗ g_counter           1 of 3 hidden tests hold                      build 0.21 s · judge 0.34 s

      ✗ the rule two holds
        n2 shows 3, but knows of \u{1b}[2J2.

              n1                n2
               ⋮                 ⋮  … 20 steps …
          21   │╌╌╌╌╌╌╌m21╌╌╌╌╌╌▶│  State slots [1, 2]
          22   │╌╌╌╌╌╌╌m22╌╌╌╌╌╌▶│  State slots [1, 2]
        ► 23   │╌╌╌╌╌╌╌m23╌╌╌╌╌╌▶│  State slots [1, 2]
        ! 24   │╌╌╌╌╌╌╌m24╌╌╌╌╌╌▶│  State slots [1, 2]
          ► led to it   ! rule broken   ╌▶ was sent at ─▷

        Look at: what a merge does with a state that it has seen.
        Source: Shapiro et al. 2011, section 3.1
        Again (seed 8812, shrunk from 164 steps to 24): splitbrain replay g_counter --seed 8812

      Also broken, often by the same mistake (`check --test NAME` shows one of them):
      ✗ three  n2 shows 3, but knows of \u{1b}[2J2.
      1 other rule: no counterexample found. Which, and why it matters: --verbose
    "#);
}

/// Prose is set to the width; a table, which begins with two spaces, stays as it is, and nothing in it steers the terminal.
#[test]
fn a_lesson_may_have_a_table() {
    let mut passed = an_outcome(vec![test("one", Verdict::Passed, None)]);
    passed.report.lessons = vec![
        "What they were told:\n            CP       AP\n  withdraw  Unknown  Done\u{1b}[2J\nThat is the choice, and it is made once."
            .into(),
    ];
    let text = outcome(&passed, &Scene { width: 40, ..scene() });
    let lesson = text.split_once("Lesson:").map_or("", |(_, lesson)| lesson);
    insta::assert_snapshot!(lesson, @r"
     What they were told:
                  CP       AP
        withdraw  Unknown  Done\u{1b}[2J
      That is the choice, and it is made
      once.
    ");
}

#[test]
fn passed_unfinished_and_crashed() {
    let passed = outcome(&an_outcome(vec![test("one", Verdict::Passed, None), test("two", Verdict::Passed, None)]), &scene());
    let at = Some(("exercises/g_counter/g_counter.rs".to_owned(), 2));
    let todo = Finding { at: at.clone(), seen: "n1 reached it when a request came.".into(), ..Finding::default() };
    let todo = outcome(&an_outcome(vec![test("one", Verdict::Unfinished, Some(todo))]), &scene());
    let crash = Finding { at, seen: "n1 panicked: index out of bounds".into(), case: Some("merge".into()), ..Finding::default() };
    let crash = outcome(&an_outcome(vec![test("one", Verdict::Crashed, Some(crash)), test("two", Verdict::Passed, None)]), &scene());
    insta::assert_snapshot!([passed, todo, crash].join("---\n"), @r#"
    ✓ g_counter           all 2 hidden tests hold                       build 0.21 s · judge 0.34 s
      ✓ the rule one holds                                              1,000 runs
      ✓ the rule two holds                                              1,000 runs
      Lesson: Reads were stale 3 times: N, W and R allow it.
    ---
    … g_counter           not finished                                  build 0.21 s · judge 0.34 s
      exercises/g_counter/g_counter.rs:2: here is something to write
          2 │     todo!("count \u{1b}[31mit")
      n1 reached it when a request came.
      The problem: splitbrain show g_counter · stuck: splitbrain hint g_counter
    ---
    ✗ g_counter           crashes                                       build 0.21 s · judge 0.34 s

      ✗ the rule one holds
        n1 panicked: index out of bounds
        At exercises/g_counter/g_counter.rs:2: todo!("count \u{1b}[31mit")
        Look at: The last step of the run, and what your code assumes there.
        Again (merge): splitbrain replay g_counter

      1 other rule: no counterexample found before the panic. Which, and why it matters: --verbose
    "#);
}

#[test]
fn the_picture_fits_and_is_of_what_happened_not_of_states() {
    let mut finding = a_finding(30);
    let event = |step, what| Event { step, at: Time::from_micros(step), lane: Lane::Node(1), what };
    finding.trace.push(event(30, What::State { text: "Replica { me: n2 }".into() }));
    finding.trace.push(event(30, What::Breaks { rule: "two".into(), seen: "it ran ahead".into() }));
    let drawn = picture(&finding, &scene());
    assert!(drawn.lines().count() <= STEPS && !drawn.contains("Replica"), "{drawn}");
    assert!(drawn.lines().all(|l| l.starts_with(INDENT) && l.chars().count() <= 100), "{drawn}");
    assert!(drawn.lines().any(|l| l.trim_start().starts_with('!')), "{drawn}");
    // On a narrow screen no row is broken: what does not fit is cut, with a sign.
    for width in [40, 52, 63] {
        let narrow = picture(&finding, &Scene { width, ..scene() });
        assert!(narrow.lines().all(|l| columns(l) <= width) && narrow.contains('…'), "{width}: {narrow}");
    }
}

#[test]
fn the_run_that_broke_last_time() {
    let with = |first, verdict| {
        let mut it = an_outcome(vec![test("one", verdict, None)]);
        it.report.first = Some(first);
        outcome(&it, &scene()).lines().nth(1).unwrap_or_default().to_owned()
    };
    let first = |unit: &str, fine| First { unit: unit.into(), fine, gone: None };
    assert_eq!(with(first("seed:8812", true), Verdict::Passed), "  The run that broke last time (seed 8812) is fine now.");
    assert_eq!(with(first("case:a: b", false), Verdict::Failed), "  The run that broke last time (a: b) still breaks.");
    assert!(!with(first("seed:1", false), Verdict::Unfinished).contains("broke"));
}

#[test]
fn what_was_not_kept_is_checked_again() {
    let file = Again::Check("--file x.rs".into());
    assert_eq!(again(&a_finding(2), "a", "rule", &file), "splitbrain check a --file x.rs --seed 8812 --runs 1");
    assert_eq!(again(&Finding::default(), "a", "rule", &file), "splitbrain check a --file x.rs --test rule");
}

#[test]
fn a_source_is_a_short_line() {
    let brief = |source| short(source, 60);
    assert_eq!(brief("Ongaro & Ousterhout 2014, section 5.1; Figure 2 (rules for all servers)"), "Ongaro & Ousterhout 2014, section 5.1");
    assert_eq!(brief("Ongaro & Ousterhout 2014, Figure 3 (election safety)"), "Ongaro & Ousterhout 2014, Figure 3");
    assert_eq!(
        brief("Herlihy & Wing 1990, Linearizability: a correctness condition for concurrent objects, section 2"),
        "Herlihy & Wing 1990, section 2"
    );
    assert_eq!(brief("Attiya, Bar-Noy & Dolev 1995 (operations end)"), "Attiya, Bar-Noy & Dolev 1995");
    assert_eq!(brief("Saltzer, Reed & Clark 1984, End-to-end arguments in system design (its end)"), "Saltzer, Reed & Clark 1984");
    // No year: as much as fits.
    assert_eq!(short("Tanenbaum & Wetherall, Computer Networks, section 4.8 (broadcast storms)", 30), "Tanenbaum & Wetherall, …");
}

/// Lines of a verdict that are shown before somebody asks for more, however much is broken.
#[test]
fn a_verdict_fits_a_screen_and_the_rest_is_said_for_who_asks() {
    let name = |i: usize| format!("rule_{i}");
    let held = (0..12).map(|i| test(&name(i), Verdict::Passed, None));
    let broken = (12..17).map(|i| test(&name(i), Verdict::Failed, Some(a_finding(60))));
    let many = an_outcome(held.chain(broken).collect());
    let brief = outcome(&many, &scene());
    assert!(brief.lines().count() <= SCREEN && brief.lines().all(|l| columns(l) <= 100), "{brief}");
    // What one works on comes first, and what holds is a line below it.
    assert_eq!(brief.lines().nth(2).map(str::trim_start).and_then(|l| l.strip_prefix("✗ ")), Some("the rule rule_12 holds"), "{brief}");
    assert!(!brief.contains("✓") && !brief.contains("a counter that runs ahead"), "{brief}");
    let whole = outcome(&many, &Scene { detail: Detail::Whole, ..scene() });
    for said in ["✓ the rule rule_11 holds", "Why it matters: a counter that runs ahead", "1,000 runs", "✗ rule_16"] {
        assert!(whole.contains(said), "{said}: {whole}");
    }
}

#[test]
fn a_panic_is_the_finding_and_the_rules_that_it_broke_are_one_line() {
    let panicked = |name: &str, line: u32| {
        let at = Some(("toy.rs".to_owned(), line));
        test(name, Verdict::Crashed, Some(Finding { at, seen: format!("n1 panicked at {line}"), runs: 2, ..Finding::default() }))
    };
    let tests = vec![panicked("one", 7), panicked("two", 7), panicked("three", 7), panicked("no_crash", 7), panicked("other", 9)];
    let text = outcome(&an_outcome(tests), &scene());
    assert_eq!(text.matches("n1 panicked at 7").count(), 1, "{text}");
    assert!(text.contains("  The panic broke 2 further rules: two, three\n"), "{text}");
    assert!(text.contains("n1 panicked at 9"), "another panic is told: {text}");
    assert!(text.contains("the rule no_crash holds") && !text.contains("the rule one holds"), "{text}");
    // Where another rule is worked on, the panic is one row among the others.
    let wrong = test("first", Verdict::Failed, Some(Finding { seen: "7 is wrong".into(), runs: 1, ..Finding::default() }));
    let text = outcome(&an_outcome(vec![wrong, panicked("one", 7), panicked("two", 7), panicked("no_crash", 7)]), &scene());
    assert!(text.contains("the rule first holds") && text.contains("✗ no_crash  n1 panicked at 7"), "{text}");
    assert!(text.contains("  That panic broke 2 further rules: one, two\n"), "{text}");
    assert!(text.find("✗ no_crash") < text.find("That panic"), "{text}");
}

#[test]
fn where_something_is_to_be_written_fits_a_narrow_screen() {
    let at = Some(("exercises/g_counter/g_counter.rs".to_owned(), 2));
    let stub = || test("one", Verdict::Unfinished, Some(Finding { at: at.clone(), ..Finding::default() }));
    for width in [40, 50, 64, 65, 80] {
        let text = outcome(&an_outcome(vec![stub()]), &Scene { width, ..scene() });
        let place: Vec<&str> = text.lines().skip_while(|l| !l.contains("g_counter.rs:2:")).take(2).collect();
        assert!(place.iter().all(|l| columns(l) <= width), "{width}: {text}");
        assert!(place.join(" ").replace("    ", "").contains("g_counter.rs:2: here is something to write"), "{width}: {text}");
    }
}

#[test]
fn a_sentence_without_end_is_short_until_somebody_asks() {
    let long = || Finding { seen: "n1 said 1, 2, 3, 4, 5, 6, 7 and 8; ".repeat(28), ..a_finding(2) };
    let it = an_outcome(vec![test("one", Verdict::Failed, Some(long()))]);
    let in_watch = outcome(&it, &Scene { detail: Detail::First { rest: "press m" }, ..scene() });
    assert!(in_watch.contains("… (all of it: press m)\n") && in_watch.lines().count() <= SCREEN, "{in_watch}");
    let whole = outcome(&it, &Scene { detail: Detail::Whole, ..scene() });
    assert_eq!(whole.split_whitespace().collect::<Vec<_>>().join(" ").matches("n1 said 1, 2").count(), 28);
}

#[test]
fn the_lines_that_ran_are_quoted_in_their_order() {
    let mut finding = a_finding(4);
    let of = |step, what| Event { step, at: Time::ZERO, lane: Lane::Node(0), what };
    finding.trace.events = vec![
        of(1, What::Takes { from: Lane::Client(0), id: 1, text: "Write(7)".into() }),
        of(1, What::Saves { text: "7".into() }),
        of(1, What::Answers { to: Lane::Client(0), id: 1, text: "Written".into() }),
        of(2, What::Fires { timer: "Tick".into() }),
    ];
    finding.marks = vec![1, 2];
    finding.trace.place(1, vec![3, 3, 4]);
    // Too long to be quoted whole.
    let lines = (3..12).map(|line| format!("    cx.save({line}); // \u{1b}[2J")).collect::<Vec<_>>().join("\n");
    let source = format!(
        "impl Node for N {{ fn write(&mut self) {{\n\n{lines}\n}}\nfn on_request(&mut self, r: Request) {{ match r {{\n        Write(v) => self.write(v),\n}} }} }}\n"
    );
    let scene = Scene { source: Some(source), ascii: true, ..scene() };
    let said = |finding: &Finding| outcome(&an_outcome(vec![test("rises", Verdict::Failed, Some(finding.clone()))]), &scene);
    // Of the last marked step there is nothing but a timer that no arm names.
    finding.marks = vec![1];
    let text = said(&finding);
    let expected = "    Your code: what ran in step 1:\n      14 | Write(v) => self.write(v),\n       3 | cx.save(3); // \\u{1b}[2J\n       4 | cx.save(4); // \\u{1b}[2J\n";
    assert!(text.contains(expected), "{text}");
    finding.trace.lines.clear();
    // A line without text is none that ran.
    finding.trace.place(1, (3..9).chain([2]).collect());
    let text = said(&finding);
    assert!(text.contains("what ran in step 1, and 1 more line:\n") && text.contains("7 | cx.save(7)") && !text.contains("8 | "), "{text}");
    // It was saved anew, and is shorter now.
    finding.trace.place(1, vec![3, 99]);
    assert!(said(&finding).contains("14 | Write(v) => self.write(v),\n       3 | cx.save(3); // \\u{1b}[2J\n    Source"));
}
