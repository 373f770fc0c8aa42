//! The run of a finding, drawn for a screen.

use super::Scene;
use crate::cli::sanitize::visible;
use crate::cli::wrap::fitted;
use crate::report::Finding;
use crate::trace::{Event, Trace, What, diagram};

/// Lines of the run that a finding shows.
pub(super) const STEPS: usize = 20;
/// Lines that it shows at least: with fewer a run of two lanes cannot be followed.
const LEAST: usize = 10;
/// What a finding's text stands off the edge.
pub(super) const INDENT: &str = "    ";

/// The run that a finding shows, drawn. (States are for `replay`: beside every step they would drown what happens.)
#[must_use]
pub fn picture(finding: &Finding, scene: &Scene) -> String {
    picture_in(finding, scene, STEPS)
}

/// The same in so many lines, within reason.
pub(super) fn picture_in(finding: &Finding, scene: &Scene, lines: usize) -> String {
    if is_heap_of_calls(finding) {
        return String::new();
    }
    // A run that ended in a crash or a hang breaks no rule at its end; what went wrong is its last step all the same.
    let breaks = finding.trace.events.iter().any(|e| matches!(e.what, What::Breaks { .. }));
    let options = diagram::Options {
        width: scene.width.saturating_sub(INDENT.len()),
        ascii: scene.ascii,
        marks: finding.marks.clone(),
        violation: (!breaks).then(|| finding.trace.last_step()),
        max_rows: lines.clamp(LEAST, STEPS),
    };
    let drawn = diagram::draw(&without_states(&finding.trace), &options);
    // A picture has its own least width. Where the screen is narrower its right side, the notes, is cut: what matters of them is told
    // below it, too, and a wrapped row would tear the lanes.
    let row = |line: &str| fitted(format!("{INDENT}{}", visible(line, false)).trim_end(), scene.width);
    drawn.lines().fold(String::new(), |out, line| out + &row(line) + "\n")
}

/// Hundreds of direct calls of which none is to blame, as where shares are measured: the last of them is no culprit either.
fn is_heap_of_calls(finding: &Finding) -> bool {
    let calls = |e: &Event| matches!(e.what, What::Calls { .. } | What::Gives { .. } | What::Folds { .. } | What::Breaks { .. });
    finding.marks.is_empty() && finding.steps() > STEPS as u64 && finding.trace.events.iter().all(calls)
}

fn without_states(trace: &Trace) -> Trace {
    let events = trace.events.iter().filter(|e| !matches!(e.what, What::State { .. })).cloned().collect();
    Trace { events, dropped: trace.dropped, lines: trace.lines.clone() }
}
