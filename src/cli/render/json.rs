//! An outcome as one JSON object, with stable keys.

use crate::cli::runner::{COMPILES_TEST, Outcome, PROCESS_TEST};
use crate::report::{Finding, Test};
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
    })
}

/// To the millisecond: what is finer is noise.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1_000.0).round() / 1_000.0
}

fn test(test: &Test) -> Value {
    let finding = test.finding.as_ref();
    // What stands for the file or the process is in no layer of the judge.
    let layer = (![COMPILES_TEST, PROCESS_TEST].contains(&test.name.as_str())).then(|| test.layer.name());
    json!({
        "name": test.name,
        "layer": layer,
        "verdict": test.verdict.name(),
        "runs": test.runs,
        "seen": finding.map(seen),
        "seed": finding.and_then(|f| f.seed),
        "steps": finding.map(Finding::steps).filter(|n| *n > 0),
        "raw_steps": finding.map(|f| f.raw_steps.max(f.steps())).filter(|n| *n > 0),
    })
}

fn seen(finding: &Finding) -> String {
    match &finding.at {
        Some((file, line)) => format!("{file}:{line}: {}", finding.seen),
        None => finding.seen.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{First, Layer, Report, Verdict};
    use std::time::Duration;

    #[test]
    fn the_keys() {
        let finding = Finding { seen: "x".into(), seed: Some(8812), raw_steps: 164, shown_steps: 7, ..Finding::default() };
        let test =
            |verdict, finding| Test { name: "one_vote".into(), title: "t".into(), layer: Layer::Swarm, verdict, runs: 1_000, finding };
        let report = Report {
            exercise: "raft_election".into(),
            verdict: Verdict::Failed,
            first_seed: 0,
            runs: 1_000,
            judge_micros: 1,
            first: Some(First { unit: "seed:8812".into(), fine: false, gone: None }),
            coverage: vec![],
            lessons: vec![],
            tests: vec![test(Verdict::Failed, Some(finding)), test(Verdict::Passed, None)],
        };
        let ms = Duration::from_micros;
        let line = outcome(&Outcome { report, build: ms(200_400), judge: ms(300_000), errors: vec![], printed: 0 }).to_string();
        let expected: Value = serde_json::from_str(
            r#"{"exercise":"raft_election","verdict":"failed","build_seconds":0.2,"judge_seconds":0.3,"first":{"unit":"seed:8812","fine":false,"gone":null},"tests":[
            {"name":"one_vote","layer":"swarm","verdict":"failed","runs":1000,"seen":"x","seed":8812,"steps":7,"raw_steps":164},
            {"name":"one_vote","layer":"swarm","verdict":"passed","runs":1000,"seen":null,"seed":null,"steps":null,"raw_steps":null}]}"#,
        )
        .unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(!line.contains('\n'));
    }
}
