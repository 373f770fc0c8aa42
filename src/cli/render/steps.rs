//! The steps that a finding points at, each with what happened there: where to look in the run, beside where to look in the code.

use super::Scene;
use crate::cli::sanitize::visible;
use crate::cli::wrap::{brief, fitted, wrap};
use crate::report::Finding;
use crate::trace::{Event, Trace, What, diagram};

/// What a step's line stands off the edge.
const INDENT: &str = "      ";

/// Of the marked steps, and of the one in which the rule broke, what the picture does not show: how the state changed; and all of a
/// step whose row had to be cut. If something did not happen, what the nodes are at the end.
pub(super) fn describe(finding: &Finding, picture: &str, scene: &Scene) -> String {
    let trace = &finding.trace;
    let mut steps: Vec<u64> = finding.marks.clone();
    // Without a picture there are only the steps that were marked.
    steps.extend((!picture.is_empty()).then(|| trace.last_step()));
    // Of a short run each step is read.
    if trace.shown_steps() <= SHORT && !picture.is_empty() {
        let starts = |event: &Event| matches!(event.what, What::Starts { .. });
        let told = |event: &&Event| diagram::change(trace, event.step).is_some_and(|text| starts(event) || text.contains('→'));
        steps.extend(trace.events.iter().filter(told).map(|e| e.step));
    }
    steps.sort_unstable();
    steps.dedup();
    // The step at which one looked whether something had happened says nothing.
    if is_idle(trace, finding.late) {
        steps.retain(|step| *step != trace.last_step());
    }
    let mut said: Vec<(Vec<u64>, String)> = Vec::new();
    for step in steps {
        // Without a picture, all there is to tell.
        let whole = picture.is_empty() || is_cut(picture, step, scene.ascii);
        let Some(text) = (if whole { diagram::describe(trace, step) } else { diagram::change(trace, step) }) else { continue };
        match said.last_mut() {
            Some((steps, last)) if without_labels(last) == without_labels(&text) => steps.push(step),
            _ => said.push((vec![step], text)),
        }
    }
    let mut out = String::new();
    for (steps, text) in said {
        let numbers: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let head = format!("{} {}: ", if steps.len() == 1 { "step" } else { "steps" }, numbers.join(", "));
        let text = wrap(&format!("{head}{}", visible(&brief(&text), false)), INDENT, scene.width);
        out.push_str(&text.replacen(&head, &scene.style.strong(&head), 1));
    }
    let bars = diagram::history(trace, scene.width.saturating_sub(INDENT.len()), scene.ascii);
    if !bars.is_empty() {
        out.push_str(&format!("{INDENT}{}\n", scene.style.strong("what the clients saw (where bars overlap, neither came first):")));
        bars.iter().for_each(|bar| out.push_str(&format!("{}\n", fitted(&format!("{INDENT}{}", visible(bar, false)), scene.width))));
    }
    // What came too late has come.
    if finding.late && finding.seen.contains("What happened instead") {
        for text in diagram::ending(trace) {
            out.push_str(&wrap(&visible(&brief(&text), false), INDENT, scene.width));
        }
    }
    out
}

/// Whether the picture's row of a step had to be cut, or is not there.
fn is_cut(picture: &str, step: u64, ascii: bool) -> bool {
    let number = |line: &str| {
        let line = line.trim_start().trim_start_matches(['►', '!', '>']).trim_start();
        line.split(' ').next().and_then(|word| word.parse::<u64>().ok())
    };
    let mut rows = picture.lines().skip_while(|line| number(line) != Some(step)).peekable();
    let there = rows.peek().is_some();
    let mut row = rows.enumerate().take_while(|(i, line)| *i == 0 || number(line).is_none());
    // Where a note was clipped; not where steps or items are left out (`… 3 steps …`, `… 7 more …`).
    let more = if ascii { '~' } else { '…' };
    let clipped = |line: &str| {
        let alone = line.trim_end().ends_with(more) && line.matches(more).count() == 1;
        alone || line.contains(&format!("{more};"))
    };
    !there || row.any(|(_, line)| clipped(line))
}

/// A run of so few steps is short.
const SHORT: u64 = 6;

/// So many steps are looked through for one like the last.
const BEFORE: u64 = 40;

/// Whether only the look at the outcome fell on the last step: a timer that did nothing but what the same timer had done before, or
/// nothing at all; and if something was awaited, whatever came in. (A timer that did nothing then may be the one that had to.)
fn is_idle(trace: &Trace, late: bool) -> bool {
    let last = trace.last_step();
    let Some(Event { what: What::Fires { .. }, lane, .. }) = trace.events.iter().find(|e| e.step == last) else { return late };
    let Some(said) = diagram::describe(trace, last).map(|t| without_labels(&t)) else { return false };
    let fires = |step: u64| trace.events.iter().any(|e| e.step == step && e.lane == *lane && matches!(e.what, What::Fires { .. }));
    let before = || (last.saturating_sub(BEFORE)..last).filter(|step| fires(*step));
    !late && !said.contains(';') || before().any(|step| diagram::describe(trace, step).is_some_and(|t| without_labels(&t) == said))
}

/// The text without the numbers of its messages and requests: `gets m7 from n1` is `gets m from n1`.
fn without_labels(text: &str) -> String {
    let mut words = text.split(' ').map(|word| {
        let number = word.strip_prefix(['m', 'r']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if number { &word[..1] } else { word }
    });
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| text + " " + word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_clipped_is_told_whole() {
        let picture = "          n1\n       3   ●  its disk: ids {1, 2, … 7 more\n           │  …, 10}\n           ⋮  … 3 steps …\n    ► 14   ■  saved key a long va…; breaks\n    ! 15   ■  prints it all…\n      ! rule broken\n";
        let cut: Vec<bool> = [3, 14, 15, 99].iter().map(|step| is_cut(picture, *step, false)).collect();
        assert_eq!(cut, [false, true, true, true]);
    }

    #[test]
    fn numbers_of_messages_do_not_tell_steps_apart() {
        assert_eq!(without_labels("n1 gets r2 from c1: View"), "n1 gets r from c1: View");
        assert_eq!(without_labels("n1 gets m7 from n2: Counts 3"), "n1 gets m from n2: Counts 3");
    }
}
