//! A finding with very much in it: what is printed of it is bounded, and `--full` has all. The report is written by hand: what
//! judging would need minutes for stands in it at once.

use crate::bench::{splitbrain, toy};
use splitbrain::report::{Finding, Layer, Report, Test, Verdict};
use splitbrain::time::Time;
use splitbrain::trace::{Event, Lane, What};
use std::fs;

/// A finding with so many steps, each with a state of that many bytes.
fn finding(steps: u64, bytes: usize) -> Finding {
    let mut finding = Finding { seen: format!("left: {} right", "1, ".repeat(100_000)), seed: Some(3), ..Finding::default() };
    for step in 1..=steps {
        let event = |what| Event { step, at: Time::from_millis(step), lane: Lane::Node(0), what };
        finding.trace.push(event(What::Fires { timer: format!("Tick{step}") }));
        finding.trace.push(event(What::State { text: format!("Node {{ {}, end: {step} }}", "x".repeat(bytes)) }));
    }
    finding
}

fn report(finding: Finding) -> Report {
    let test = Test {
        name: "gives_back".to_owned(),
        title: "what comes in goes out".to_owned(),
        layer: Layer::Swarm,
        verdict: Verdict::Failed,
        runs: 5,
        explored: Vec::new(),
        finding: Some(finding),
    };
    Report {
        exercise: "toy".to_owned(),
        verdict: Verdict::Failed,
        first_seed: 0,
        runs: 5,
        judge_micros: 7,
        first: None,
        coverage: Vec::new(),
        lessons: Vec::new(),
        tests: vec![test],
    }
}

#[test]
fn a_replay_is_bounded_unless_it_is_to_be_full() {
    let dir = toy();
    let dir = dir.path();
    let page = dir.join("run.html");
    let html = page.display().to_string();
    let folder = dir.join(".splitbrain/findings");
    fs::create_dir_all(&folder).unwrap();
    // Many steps, and long ones.
    for (steps, bytes, cut) in [(1_500, 4_000, true), (4, 100, false)] {
        fs::write(folder.join("toy"), report(finding(steps, bytes)).to_text()).unwrap();
        let size = |args: &[&str]| {
            let said = splitbrain(dir, &[&["replay", "toy"], args].concat());
            assert_eq!(said.code, Some(0), "{args:?}: {:.2000}", said.shown());
            (said, fs::metadata(&page).map_or(0, |about| about.len()))
        };
        let whole = steps as usize * bytes;
        let text = size(&[]).0;
        assert!(text.out.len() < 64 << 10 && text.out.contains(&format!("Tick{steps}")), "{} bytes", text.out.len());
        assert!(text.out.contains("bytes left out") && text.out.contains("`replay --full` has them") == cut, "{:.3000}", text.out);
        let full = size(&["--full"]).0.out;
        assert!(full.len() > whole + 300_000 && !full.contains("left out"), "{} bytes", full.len());
        let json = size(&["--format", "json"]).0;
        assert!(json.out.len() < 3 << 20 && json.err.contains("are left out: `--full` includes them") == cut, "{} bytes", json.out.len());
        assert!(json.out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        assert!(json.out.contains("Tick1 ") || json.out.contains("Tick1\""), "{:.500}", json.out);
        let json = size(&["--format", "json", "--full"]).0.out;
        assert!(json.len() > whole && json.lines().count() == 2 * steps as usize, "{} bytes", json.len());
        let (said, brief) = size(&["--html", &html]);
        assert!(brief < 6 << 20 && said.err.contains("the page leaves out") == cut, "{brief} bytes: {}", said.err);
        let (_, full) = size(&["--html", &html, "--full"]);
        assert!(full as usize > whole, "{full} bytes");
    }
}
