//! The lines of the learner's file that ran in the step which decides: the handler, or its arm for what came in, and every line that
//! sent, saved, answered or set a timer. From "where in the run" to "where in the code".

use super::Scene;
use super::picture::INDENT;
use crate::cli::sanitize::visible;
use crate::cli::wrap::{clipped, columns};
use crate::report::Finding;
use crate::trace::{Event, Lane, What};
use std::fmt::Write as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Lines of code that are quoted: a handler that does more is read in the editor.
const LINES: usize = 6;

/// The excerpt, with a head that names the step; empty if the run has no step of the learner's, or the file's text is not known.
pub(super) fn excerpt(finding: &Finding, scene: &Scene) -> String {
    let Some(source) = scene.source.as_deref() else { return String::new() };
    let Some(cause) = decisive(finding) else { return String::new() };
    let entry = Handler::of(&cause.what).and_then(|handler| handler.line_in(source));
    // In the order in which they ran; a loop's line once.
    let mut lines: Vec<usize> = entry.into_iter().collect();
    for line in finding.trace.lines_of(cause.step).iter().filter_map(|line| usize::try_from(*line).ok()) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let text: Vec<&str> = source.lines().collect();
    // The file may have been saved anew while it was judged: its lines are others then.
    let there: Option<Vec<&str>> = lines.iter().map(|line| text.get(line.checked_sub(1)?).copied()).collect();
    let Some(there) = there.filter(|there| !there.is_empty()) else { return String::new() };
    let chosen: Vec<(usize, String)> = lines.iter().copied().zip(there.into_iter().map(|code| visible(code, false))).take(LINES).collect();
    let digits = chosen.iter().map(|(line, _)| line.to_string().len()).max().unwrap_or(1);
    let more = match lines.len().saturating_sub(LINES) {
        0 => String::new(),
        more => format!(", and {more} more {}", if more == 1 { "line" } else { "lines" }),
    };
    let mut out = format!("{INDENT}{} what ran in step {}{more}:\n", scene.style.strong("Your code:"), cause.step);
    let bar = if scene.ascii { '|' } else { '│' };
    for (line, code) in chosen {
        let head = format!("{INDENT}  {line:>digits$} {bar} ");
        let room = scene.width.saturating_sub(columns(&head));
        let _ = writeln!(out, "{head}{}", clipped(code.trim(), room));
    }
    out
}

/// What came in at the step that decides: the last marked one in which code of the learner's ran, or the last of the run.
fn decisive(finding: &Finding) -> Option<&Event> {
    let trace = &finding.trace;
    let is_theirs = |e: &Event| matches!(e.lane, Lane::Node(_)) && Handler::of(&e.what).is_some();
    let ran = |step: u64| trace.events.iter().rfind(|e| e.step == step && is_theirs(e));
    let last = || ran(trace.last_step()).filter(|_| !finding.late);
    finding.marks.iter().rev().find_map(|step| ran(*step)).or_else(last)
}

/// A handler of the learner's, and the variant that it was given.
struct Handler<'a> {
    method: &'a str,
    variant: &'a str,
}

impl<'a> Handler<'a> {
    fn of(what: &'a What) -> Option<Self> {
        let (method, text) = match what {
            What::Starts { .. } => ("new", ""),
            What::Receives { text, .. } => ("on_message", text.as_str()),
            What::Fires { timer } => ("on_timer", timer.as_str()),
            What::Takes { text, .. } => ("on_request", text.as_str()),
            _ => return None,
        };
        Some(Handler { method, variant: name(text) })
    }

    /// The line of the arm that takes the variant; where there is none, that of the method.
    fn line_in(&self, source: &str) -> Option<usize> {
        let file = syn::parse_file(source).ok()?;
        let methods = file.items.iter().filter_map(|item| if let syn::Item::Impl(i) = item { Some(i) } else { None });
        // The contract's method rather than one of the same name that the learner gave to a type of theirs.
        let mut all: Vec<(bool, &syn::ImplItemFn)> = Vec::new();
        for of in methods {
            let found = of.items.iter().filter_map(|item| if let syn::ImplItem::Fn(f) = item { Some(f) } else { None });
            all.extend(found.filter(|f| f.sig.ident == self.method).map(|f| (of.trait_.is_none(), f)));
        }
        let (_, method) = all.into_iter().min_by_key(|(own, _)| *own)?;
        let mut arms = Arms { variant: self.variant, line: None };
        arms.visit_block(&method.block);
        Some(arms.line.unwrap_or_else(|| method.sig.fn_token.span().start().line))
    }
}

/// The name that a value's text begins with: `Write` of `Write(7)`.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// Looks for the first pattern that names a variant, in an arm, an `if let` or a `let … else`.
struct Arms<'a> {
    variant: &'a str,
    line: Option<usize>,
}

impl<'ast> Visit<'ast> for Arms<'_> {
    fn visit_pat(&mut self, pat: &'ast syn::Pat) {
        let path = match pat {
            syn::Pat::Path(p) => Some(&p.path),
            syn::Pat::Struct(p) => Some(&p.path),
            syn::Pat::TupleStruct(p) => Some(&p.path),
            _ => None,
        };
        if path.and_then(|p| p.segments.last()).is_some_and(|last| last.ident == self.variant) {
            self.line.get_or_insert(pat.span().start().line);
        }
        visit::visit_pat(self, pat);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "struct N;\nimpl N {\n    fn on_request(&self) {}\n}\nimpl Node<P> for N {\n    fn on_request(&mut self, request: Request) {\n        match request {\n            Request::Read => self.read(),\n            Request::Write(value) if value > 0 => {\n                cx.save(value);\n            }\n            Request::Write(_) => {}\n        }\n    }\n    fn on_timer(&mut self, _: Tick) {}\n}\n";

    #[test]
    fn the_arm_that_takes_what_came_in() {
        let line = |what: &What| Handler::of(what).and_then(|handler| handler.line_in(SOURCE));
        let takes = |text: &str| What::Takes { from: Lane::Client(0), id: 1, text: text.into() };
        assert_eq!(line(&takes("Read")), Some(8));
        assert_eq!(line(&takes("Write(0)")), Some(9), "the first of two");
        assert_eq!(line(&takes("Add")), Some(6), "no arm names it: the method of the contract, not that of the type");
        assert_eq!(line(&What::Fires { timer: "Tick".into() }), Some(15));
        assert_eq!(line(&What::Starts { again: true, saved: String::new() }), None, "there is no `new`");
        assert_eq!(line(&What::Heals), None);
    }

    #[test]
    fn names() {
        assert_eq!(
            [name("Write(7)"), name("Tick"), name("Query { term: 1 }"), name("add(\"a\")"), name("(1, 2)"), name("")],
            ["Write", "Tick", "Query", "add", "", ""]
        );
    }
}
