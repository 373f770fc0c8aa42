//! What an exercise's process prints when it is run by hand, without the program: plain, short, no colours.

use crate::report::{Report, Verdict};
use std::fmt::Write as _;

/// How many events of the run are printed.
const EVENTS: usize = 20;

/// The report in a few lines.
pub(super) fn of(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", report.exercise, report.verdict.name());
    for test in &report.tests {
        let mark = if test.verdict == Verdict::Passed { "ok  " } else { "FAIL" };
        let _ = writeln!(out, "  {mark} {} ({})", test.title, test.verdict.name());
        for explored in &test.explored {
            let _ = writeln!(out, "         {}: {}", explored.case, explored.extent);
        }
    }
    if let Some((test, finding)) = report.first_problem().and_then(|t| Some((t, t.finding.as_ref()?))) {
        let _ = writeln!(out, "\n{}\n  {}", test.title, finding.seen);
        if let Some((file, line)) = &finding.at {
            let _ = writeln!(out, "  {file}:{line}");
        }
        let events = &finding.trace.events;
        for event in &events[events.len().saturating_sub(EVENTS)..] {
            let _ = writeln!(out, "  {event}");
        }
        let _ = writeln!(out, "  Why it matters: {}\n  Look at: {}\n  Source: {}", finding.why, finding.look, finding.source);
        match (finding.seed, &finding.case) {
            (_, Some(case)) => {
                let _ = writeln!(out, "  Again: --one 'case:{case}'");
            }
            (Some(seed), None) => {
                let _ = writeln!(out, "  Again: --one seed:{seed}");
            }
            (None, None) => {}
        }
    }
    out
}
