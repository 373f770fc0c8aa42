//! An outcome as one JSON object, with stable keys.

use crate::cli::runner::{COMPILES_TEST, Outcome, OwnFailure, OwnTests, PROCESS_TEST, REPORT_TEST};
use crate::cli::wrap::brief;
use crate::report::{Explored, Finding, Test};
use serde_json::{Value, json};

/// The outcome of one exercise.
#[must_use]
pub fn outcome(outcome: &Outcome) -> Value {
    json!({
        "exercise": outcome.report.exercise,
        "verdict": outcome.report.verdict.name(),
        "build_seconds": rounded(outcome.build.as_secs_f64()),
        "judge_seconds": rounded(outcome.judge.as_secs_f64()),
        "first": outcome.report.first.as_ref().map(|first| json!({ "unit": first.unit, "fine": first.fine, "gone": first.gone })),
        "tests": outcome.report.tests.iter().map(test).collect::<Vec<_>>(),
        "own_tests": outcome.own.as_ref().map(own),
    })
}

/// The learner's own tests; the verdict is that of the others.
fn own(own: &OwnTests) -> Value {
    let failed = |failure: &OwnFailure| {
        let at = failure.at.as_ref().map(|(file, line)| format!("{file}:{line}"));
        json!({ "name": failure.name, "at": at, "said": failure.said })
    };
    json!({
        "hold": own.hold(), "passed": own.passed, "ignored": own.ignored, "failed": own.failed.iter().map(failed).collect::<Vec<_>>(),
        "ended": own.why(),
    })
}

/// To the millisecond: what is finer is noise.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

fn test(test: &Test) -> Value {
    let finding = test.finding.as_ref();
    // What stands for the file or the process is in no layer of the judge.
    let layer = (![COMPILES_TEST, PROCESS_TEST, REPORT_TEST].contains(&test.name.as_str())).then(|| test.layer.name());
    json!({
        "name": test.name,
        "layer": layer,
        "verdict": test.verdict.name(),
        "runs": test.runs,
        "seen": finding.map(seen),
        "contrast": finding.map(|f| &f.contrast).filter(|contrast| !contrast.is_empty()),
        "case": finding.and_then(|f| f.case.as_ref()),
        "seed": finding.and_then(|f| f.seed),
        "steps": finding.map(Finding::steps).filter(|n| *n > 0),
        "raw_steps": finding.map(|f| f.raw_steps.max(f.steps())).filter(|n| *n > 0),
        "instead_of": finding.and_then(|f| f.instead_of.as_ref()).map(|i| json!({"layer": i.layer.name(), "unit": i.unit, "steps": i.steps})),
        "explored": test.explored.iter().map(explored).collect::<Vec<_>>(),
    })
}

fn explored(Explored { case, extent }: &Explored) -> Value {
    json!({"case": case, "states": extent.states, "depth": extent.depth, "complete": extent.complete})
}

fn seen(finding: &Finding) -> String {
    match &finding.at {
        Some((file, line)) => format!("{file}:{line}: {}", brief(&finding.seen)),
        None => brief(&finding.seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{First, Instead, Layer, Report, Verdict};
    use crate::trace::Extent;
    use std::time::Duration;

    #[test]
    fn the_keys() {
        let finding = Finding { seen: "x".into(), seed: Some(8812), raw_steps: 164, shown_steps: 7, ..Finding::default() };
        let extent = Extent { states: 113_320, depth: 19, complete: true };
        let explored = vec![Explored { case: "every order".into(), extent }];
        let instead = Instead { layer: Layer::Swarm, unit: "seed:8812".into(), steps: 7 };
        let shorter =
            Finding { instead_of: Some(instead), case: Some("every order".into()), seed: None, shown_steps: 5, ..finding.clone() };
        let test = |verdict, finding| {
            let (name, title, explored) = ("one_vote".into(), "t".into(), explored.clone());
            Test { name, title, layer: Layer::Swarm, verdict, runs: 1_000, explored, finding }
        };
        let report = Report {
            exercise: "raft_election".into(),
            verdict: Verdict::Failed,
            first_seed: 0,
            runs: 1_000,
            judge_micros: 1,
            first: Some(First { unit: "seed:8812".into(), fine: false, gone: None }),
            coverage: vec![],
            lessons: vec![],
            tests: vec![test(Verdict::Failed, Some(finding)), test(Verdict::Failed, Some(shorter)), test(Verdict::Passed, None)],
        };
        let ms = Duration::from_micros;
        let line = outcome(&Outcome { report, build: ms(200_400), judge: ms(300_000), errors: vec![], printed: 0, own: None }).to_string();
        let expected: Value = serde_json::from_str(
            r#"{"exercise":"raft_election","verdict":"failed","build_seconds":0.2,"judge_seconds":0.3,"first":{"unit":"seed:8812","fine":false,"gone":null},"tests":[
            {"name":"one_vote","layer":"swarm","verdict":"failed","runs":1000,"seen":"x","contrast":null,"case":null,"seed":8812,"steps":7,"raw_steps":164,
             "instead_of":null,"explored":[{"case":"every order","states":113320,"depth":19,"complete":true}]},
            {"name":"one_vote","layer":"swarm","verdict":"failed","runs":1000,"seen":"x","contrast":null,"case":"every order","seed":null,"steps":5,"raw_steps":164,
             "instead_of":{"layer":"swarm","unit":"seed:8812","steps":7},"explored":[{"case":"every order","states":113320,"depth":19,"complete":true}]},
            {"name":"one_vote","layer":"swarm","verdict":"passed","runs":1000,"seen":null,"contrast":null,"case":null,"seed":null,"steps":null,"raw_steps":null,
             "instead_of":null,"explored":[{"case":"every order","states":113320,"depth":19,"complete":true}]}],"own_tests":null}"#,
        )
        .unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(!line.contains('\n'));
    }
}
