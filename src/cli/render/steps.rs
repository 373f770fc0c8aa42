//! The steps that a finding points at, each with what happened there: where to look in the run, beside where to look in the code.

use super::Scene;
use crate::cli::words::visible;
use crate::cli::wrap::wrap;
use crate::report::Finding;
use crate::trace::diagram;

/// What a step's line stands off the edge.
const INDENT: &str = "        ";

/// One paragraph a marked step, in their order.
pub(super) fn told(finding: &Finding, scene: &Scene) -> String {
    let trace = super::human::without_states(&finding.trace);
    let mut steps: Vec<u64> = finding.marks.clone();
    steps.sort_unstable();
    steps.dedup();
    let mut out = String::new();
    // The last step alone is the one that breaks the rule: the picture says it.
    if steps.iter().all(|step| *step == trace.last_step()) {
        return out;
    }
    for step in steps {
        if let Some(said) = diagram::told(&trace, step) {
            let head = format!("step {step}: ");
            let text = wrap(&format!("{head}{}", visible(&said, false)), INDENT, scene.width);
            out.push_str(&text.replacen(&head, &scene.style.strong(&head), 1));
        }
    }
    out
}
