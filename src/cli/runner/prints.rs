//! What the learner printed, beside the steps of the run that is shown: the unit is run once more, with a marker before each
//! step, both outputs in one pipe, and what stands after a marker becomes `Prints` events of that step.

use crate::cli::words::{clipped, visible};
use crate::trace::{Event, Trace, What};
use std::collections::BTreeMap;

/// Lines kept of one step, and of all.
const LINES: usize = 4;
const ALL_LINES: usize = 200;
const WIDTH: usize = 200;

/// Puts what was printed beside its steps.
pub fn place(trace: &mut Trace, printed: &str) {
    let by_step = split(printed);
    if by_step.is_empty() {
        return;
    }
    let mut events = Vec::with_capacity(trace.events.len());
    for (i, event) in trace.events.iter().enumerate() {
        events.push(event.clone());
        // Behind the step's first event, which is why the handler ran: on the lane of the node that printed.
        if i == 0 || trace.events[i - 1].step != event.step {
            let lines = by_step.get(&event.step).into_iter().flatten();
            events.extend(lines.map(|text| Event { what: What::Prints { text: text.clone() }, ..event.clone() }));
        }
    }
    trace.events = events;
}

fn split(printed: &str) -> BTreeMap<u64, Vec<String>> {
    let mut by_step: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let (mut step, mut kept) = (None, 0);
    for line in printed.lines() {
        // A marker follows what was printed without an end of line, too.
        let (text, marker) = match line.split_once('\u{1e}') {
            Some((text, number)) => (text, number.trim().parse::<u64>().ok()),
            None => (line, None),
        };
        if let (Some(step), false) = (step, text.trim().is_empty()) {
            let lines = by_step.entry(step).or_default();
            if lines.len() < LINES && kept < ALL_LINES {
                lines.push(clipped(&visible(text, false), WIDTH));
                kept += 1;
            } else if lines.last().is_some_and(|l| l != "…") {
                lines.push("…".to_owned());
            }
        }
        step = marker.or(step);
    }
    by_step
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
        let mut trace =
            Trace { events: vec![event(1, What::Heals), event(2, What::Heals), event(2, sends()), event(3, What::Heals)], dropped: 0 };
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
    fn a_flood_is_bounded() {
        let flood: String = (0..10_000).map(|i| format!("\u{1e}{}\n{}", i / 100, "line\n".repeat(20))).collect();
        let kept: usize = split(&flood).values().map(Vec::len).sum();
        assert!(kept <= ALL_LINES + 100, "{kept}");
    }
}
