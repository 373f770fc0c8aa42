//! What the learner printed, beside the steps of the run that is shown: the unit is run once more, with a marker before each
//! step, both outputs in one pipe, and what stands after a marker becomes `Prints` events of that step.

use crate::cli::sanitize::visible;
use crate::cli::wrap::clipped;
use crate::trace::{Event, Trace, What};
use std::collections::VecDeque;

/// Lines kept of one step, and of all.
const LINES: usize = 4;
const ALL_LINES: usize = 200;
const WIDTH: usize = 200;

/// Puts what was printed beside its steps.
pub fn place(trace: &mut Trace, printed: &str) {
    let mut steps: VecDeque<(u64, Vec<String>)> = split(printed).into();
    if steps.is_empty() {
        return;
    }
    let mut events = Vec::with_capacity(trace.events.len());
    for (i, event) in trace.events.iter().enumerate() {
        events.push(event.clone());
        // Behind the step's first event, which is why the handler ran: on the lane of the node that printed.
        if (i == 0 || trace.events[i - 1].step != event.step) && !matches!(event.what, What::Folds { .. }) {
            // In order: a case may make several runs, each with steps from 1.
            let found = steps.iter().position(|(step, _)| *step == event.step);
            let lines = found.and_then(|i| steps.drain(..=i).next_back()).map(|(_, lines)| lines).unwrap_or_default();
            events.extend(lines.into_iter().map(|text| Event { what: What::Prints { text }, ..event.clone() }));
        }
    }
    trace.events = events;
}

/// The steps that were marked, in order, each with what was printed in it.
fn split(printed: &str) -> Vec<(u64, Vec<String>)> {
    let mut steps: Vec<(u64, Vec<String>)> = Vec::new();
    let mut kept = 0;
    for line in printed.lines() {
        // A marker follows what was printed without an end of line, too.
        let (text, marker) = match line.split_once('\u{1e}') {
            Some((text, number)) => (text, number.trim().parse::<u64>().ok()),
            None => (line, None),
        };
        if let (Some((_, lines)), false) = (steps.last_mut(), text.trim().is_empty()) {
            if lines.len() < LINES && kept < ALL_LINES {
                lines.push(clipped(&visible(text, false), WIDTH));
                kept += 1;
            } else if lines.last().is_some_and(|l| l != "…") {
                lines.push("…".to_owned());
            }
        }
        steps.extend(marker.map(|step| (step, Vec::new())));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::trace::Lane;

    #[test]
    fn beside_the_steps() {
        let event = |step, what| Event { step, at: Time::from_micros(step), lane: Lane::Node(1), what };
        let sends = || What::Sends { to: Lane::Node(0), id: 1, text: "x".into() };
        let mut trace = Trace {
            events: vec![event(1, What::Heals), event(2, What::Heals), event(2, sends()), event(3, What::Heals)],
            ..Trace::default()
        };
        place(&mut trace, "before\n\u{1e}1\n\u{1e}2\none\n\x1b[2Jtwo\n\nthree\u{1e}3\nlast\n");
        let lines: Vec<String> = trace.events.iter().map(|e| format!("{} {}", e.step, e.what)).collect();
        assert_eq!(
            lines,
            [
                "1 the network heals",
                "2 the network heals",
                "2 prints: one",
                "2 prints: \\u{1b}[2Jtwo",
                "2 prints: three",
                "2 sends m1 to n1: x",
                "3 the network heals",
                "3 prints: last"
            ]
        );
    }

    #[test]
    fn two_runs_with_the_same_steps() {
        let event = |step| Event { step, at: Time::from_micros(step), lane: Lane::Node(1), what: What::Heals };
        let mut trace = Trace { events: [1, 2, 1, 2].map(event).to_vec(), ..Trace::default() };
        place(&mut trace, "\u{1e}1\na\n\u{1e}2\n\u{1e}1\n\u{1e}2\nb\n");
        let lines: Vec<String> = trace.events.iter().map(|e| format!("{} {}", e.step, e.what)).collect();
        let heals = |step| format!("{step} the network heals");
        assert_eq!(lines, [heals(1), "1 prints: a".into(), heals(2), heals(1), heals(2), "2 prints: b".into()]);
    }

    #[test]
    fn a_flood_is_bounded() {
        let flood: String = (0..10_000).map(|i| format!("\u{1e}{}\n{}", i / 100, "line\n".repeat(20))).collect();
        let kept: usize = split(&flood).iter().map(|(_, lines)| lines.len()).sum();
        assert!(kept <= ALL_LINES + 100, "{kept}");
    }
}
