//! Ends of a process that are no crash and no honest pass: a report that its hidden tests did not write, and a process that
//! went on after its tests had passed.

use super::crash::{alone, how, report};
use super::process::{End, MEMORY, Ran};
use super::{Context, Outcome};
use crate::cli::figures::seconds;
use crate::report::{Finding, Layer, Report, Test, Verdict};
use std::time::Duration;

/// Name of the test that stands for "the report comes from the hidden tests".
pub const REPORT_TEST: &str = "report_of_the_tests";
const REPORT_TITLE: &str = "the report is the one that the hidden tests wrote";

/// The verdict on a process whose report is not that of its tests.
pub fn forged(context: &Context<'_>, why: &str) -> Report {
    let finding = Finding {
        seen: format!("The hidden tests did not write the report of this run: {why}."),
        why: "a verdict counts only if it comes from the tests: this run is neither a pass nor a failure of your node."
            .to_owned(),
        look: "`main`, which gives back what `harness::main` gives for the judge of this exercise and does nothing else; and whatever else of \
               your code writes to file descriptor 0. If it is neither: `splitbrain update`, then check again."
            .to_owned(),
        ..Finding::default()
    };
    let mut report = report(context, Verdict::Failed, finding, None);
    for test in &mut report.tests {
        REPORT_TEST.clone_into(&mut test.name);
        REPORT_TITLE.clone_into(&mut test.title);
    }
    report
}

/// The verdict on a process that passed, and then did not leave with the exit code of a pass.
pub fn after_a_pass(context: &Context<'_>, ran: &Ran) -> Option<Report> {
    let (verdict, seen) = match ran.end {
        End::Exited(status) if status.success() => return None,
        End::Exited(status) => (Verdict::Crashed, format!("Every hidden test passed. After that: {}.", how(status, &ran.stderr))),
        End::Deadline => (
            Verdict::TimedOut,
            format!("Every hidden test passed. After that the process kept running until its {} were over.", seconds(context.deadline)),
        ),
        End::Memory => (
            Verdict::Crashed,
            format!(
                "Every hidden test passed. After that the process, with every process that it started, took more than {} GiB.",
                MEMORY >> 30
            ),
        ),
    };
    let finding = Finding {
        seen,
        why: "a server that cannot be stopped cleanly is killed, and loses what it had not written.".to_owned(),
        look: "what `main` does after `harness::main`, and destructors that run at the very end.".to_owned(),
        ..Finding::default()
    };
    Some(report(context, verdict, finding, None))
}

/// The outcome of an exercise that could not be judged, through no fault of the learner's: others stand.
#[must_use]
pub fn unjudged(id: &str, why: &str) -> Outcome {
    let finding = Finding { seen: format!("It could not be judged: {why}"), ..Finding::default() };
    let test = Test {
        name: REPORT_TEST.to_owned(),
        title: "it can be judged".to_owned(),
        layer: Layer::Vector,
        verdict: Verdict::Unknown,
        runs: 0,
        explored: Vec::new(),
        finding: Some(finding),
    };
    let report = alone(id, test);
    Outcome { report, build: Duration::ZERO, judge: Duration::ZERO, errors: Vec::new(), printed: 0, own: None }
}
