//! A panic is one finding, however many rules it broke: those that broke in it alone are counted, not told.

use super::{Scene, visible};
use crate::cli::figures::plural;
use crate::cli::wrap::wrap;
use crate::report::{Report, Test, Verdict};
use crate::rule::NO_CRASH;

/// What is told of the broken rules, and which of them broke by a panic that is told already.
pub(super) struct Told<'a> {
    pub tests: Vec<&'a Test>,
    by_panic: Vec<&'a Test>,
    /// The panic is the finding that stands above.
    is_finding: bool,
}

/// Of the other rules that are broken, those which need words of their own. Of the rules that one panic broke, that is at most one:
/// the rule against panics, if it is among them.
pub(super) fn told<'a>(works_on: &[&'a Test], broken: &[&'a Test]) -> Told<'a> {
    let shown = works_on.iter().copied().find(|t| t.verdict == Verdict::Crashed);
    let of_rule = || broken.iter().copied().filter(|t| t.verdict == Verdict::Crashed).min_by_key(|t| t.name != NO_CRASH);
    let Some(panic) = shown.or_else(of_rule) else { return Told { tests: broken.to_vec(), by_panic: Vec::new(), is_finding: false } };
    let same = |t: &Test| t.verdict == Verdict::Crashed && place(t) == place(panic) && t.name != panic.name;
    let (by_panic, tests): (Vec<&Test>, Vec<&Test>) = broken.iter().copied().partition(|t| same(t));
    // That a panic breaks the rule against panics is no further rule.
    let by_panic = by_panic.into_iter().filter(|t| t.name != NO_CRASH).collect();
    Told { tests, by_panic, is_finding: shown.is_some() }
}

/// The line of the learner's code; of a death without one, none.
fn place(test: &Test) -> Option<&(String, u32)> {
    test.finding.as_ref()?.at.as_ref()
}

impl Told<'_> {
    /// `The panic broke 5 further rules: …`
    pub fn line(&self, scene: &Scene) -> String {
        if self.by_panic.is_empty() {
            return String::new();
        }
        let names: Vec<String> = self.by_panic.iter().map(|t| visible(&t.name, false)).collect();
        let which = if self.is_finding { "The panic" } else { "That panic" };
        let rules = plural(self.by_panic.len() as u64, "further rule", "further rules");
        wrap(&format!("{which} broke {rules}: {}", names.join(", ")), "  ", scene.width)
    }
}

/// The title over a finding: of a death that of the rule against it, whichever rule was being tried.
pub(super) fn title<'a>(test: &'a Test, report: &'a Report) -> &'a str {
    let died = matches!(test.verdict, Verdict::Crashed | Verdict::TimedOut);
    let rule = report.tests.iter().find(|t| died && t.name == NO_CRASH);
    &rule.unwrap_or(test).title
}
