//! The steps that a finding points at, each with what happened there: where to look in the run, beside where to look in the code.

use super::Scene;
use crate::cli::words::visible;
use crate::cli::wrap::wrap;
use crate::report::Finding;
use crate::trace::diagram;

/// What a step's line stands off the edge.
const INDENT: &str = "        ";

/// One paragraph a marked step, in their order; steps in which the same happened share one.
pub(super) fn told(finding: &Finding, scene: &Scene) -> String {
    let trace = &finding.trace;
    let mut steps: Vec<u64> = finding.marks.clone();
    steps.sort_unstable();
    steps.dedup();
    // The last step alone is the one that breaks the rule: the picture says it.
    if steps.iter().all(|step| *step == trace.last_step()) {
        return String::new();
    }
    // Of what did not happen, the step at which the waiting ended says nothing.
    steps.retain(|step| !finding.late || *step != trace.last_step());
    let mut said: Vec<(Vec<u64>, String)> = Vec::new();
    for step in steps {
        let Some(text) = diagram::told(trace, step) else { continue };
        match said.last_mut() {
            Some((steps, last)) if without_labels(last) == without_labels(&text) => steps.push(step),
            _ => said.push((vec![step], text)),
        }
    }
    let mut out = String::new();
    for (steps, text) in said {
        let numbers: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let head = format!("{} {}: ", if steps.len() == 1 { "step" } else { "steps" }, numbers.join(", "));
        let text = wrap(&format!("{head}{}", visible(&text, false)), INDENT, scene.width);
        out.push_str(&text.replacen(&head, &scene.style.strong(&head), 1));
    }
    out
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
    fn numbers_of_messages_do_not_tell_steps_apart() {
        assert_eq!(without_labels("n1 gets r2 from c1: View"), "n1 gets r from c1: View");
        assert_eq!(without_labels("n1 gets m7 from n2: Counts 3"), "n1 gets m from n2: Counts 3");
    }
}
