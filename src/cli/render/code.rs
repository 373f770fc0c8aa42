//! The lines of the learner's file that ran in the steps which decide: the handler, or its arm for what came in, and every line that
//! sent, saved, answered or set a timer, with the conditions that it stands under. What stands around them is quoted, too, where it is
//! short: the condition that was false and the assignment that is missing do nothing that is seen. From "where in the run" to "where in
//! the code".

use super::Scene;
use super::picture::INDENT;
use crate::cli::sanitize::visible;
use crate::cli::wrap::{clipped, columns};
use crate::report::Finding;
use crate::trace::{Event, Lane, What};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Lines of code that are quoted of one step: a handler that does more is read in the editor.
const LINES: usize = 6;
/// So many where they are the whole of what the step went through.
const WHOLE: usize = 9;
/// Steps of which code is quoted: what broke the rule, and what led to it.
const STEPS: usize = 2;

/// The excerpt, with a head that names the step; empty if the run has no step of the learner's, or the file's text is not known.
pub(super) fn excerpt(finding: &Finding, scene: &Scene) -> String {
    let Some(source) = scene.source.as_deref() else { return String::new() };
    let Ok(file) = syn::parse_file(source) else { return String::new() };
    let text: Vec<&str> = source.lines().collect();
    let places = Places::of(&file, &text);
    let mut quoted: Vec<(Vec<u64>, Vec<Line>)> = Vec::new();
    for cause in decisive(finding) {
        let lines = with_what_is_around(&ran(finding, cause, &file, &text), &places, &text);
        match quoted.iter_mut().find(|(_, known)| *known == lines) {
            Some((steps, _)) => steps.push(cause.step),
            None if !lines.is_empty() => quoted.push((vec![cause.step], lines)),
            None => {}
        }
    }
    let digits = quoted.iter().flat_map(|(_, lines)| lines).map(|line| line.number).max().map_or(1, |line| line.to_string().len());
    let (bar, arrow) = if scene.ascii { ('|', '>') } else { ('│', '▸') };
    let mut out = String::new();
    for (steps, lines) in quoted {
        let numbers: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let word = if steps.len() == 1 { "step" } else { "steps" };
        let around = lines.iter().any(|line| !line.ran);
        let most = if around { WHOLE } else { LINES };
        let more = match lines.len().saturating_sub(most) {
            0 => String::new(),
            1 => ", and 1 more line".to_owned(),
            more => format!(", and {more} more lines"),
        };
        let what = if around { format!("{arrow} ran") } else { "what ran".to_owned() };
        let _ = writeln!(out, "{INDENT}{} {what} in {word} {}{more}:", scene.style.strong("Your code:"), numbers.join(", "));
        for line in lines.into_iter().take(most) {
            let sign = if around && line.ran { arrow } else { bar };
            let head = format!("{INDENT}  {:>digits$} {sign} ", line.number);
            let room = scene.width.saturating_sub(columns(&head));
            let code = visible(text[line.number - 1], false);
            let _ = writeln!(out, "{head}{}{}", " ".repeat(line.indent), clipped(code.trim(), room.saturating_sub(line.indent)));
        }
    }
    out
}

/// The lines of one step, from 1, in the order in which they ran: the arm that took what came in, and of each effect the conditions that it
/// stands under and its own. A line of a loop is there once.
fn ran(finding: &Finding, cause: &Event, file: &syn::File, text: &[&str]) -> Vec<usize> {
    let effects = finding.trace.lines_of(cause.step).iter().filter_map(|line| usize::try_from(*line).ok());
    // The file may have been saved anew while it was judged, and be shorter now.
    let is_there = |line: &usize| line.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|code| !code.trim().is_empty());
    let effects: Vec<usize> = effects.filter(is_there).collect();
    let mut heads = Heads { of: effects.iter().map(|line| (*line, Vec::new())).collect() };
    heads.visit_file(file);
    let entry = Handler::of(&cause.what).and_then(|handler| handler.line_in(file));
    let mut lines: Vec<usize> = entry.into_iter().collect();
    for line in effects.into_iter().flat_map(|line| heads.of.get(&line).cloned().unwrap_or_default().into_iter().chain([line])) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// A line that is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// From 1.
    number: usize,
    /// Whether it is known to have run.
    ran: bool,
    /// How far it stands in from what is quoted with it.
    indent: usize,
}

/// The lines that ran; where what they name was chosen (`let vote = if …`); and around them the functions and arms that they stand in, and
/// the functions which those call, each whole: as far as all of it is short, and something is decided there.
fn with_what_is_around(ran: &[usize], places: &Places, text: &[&str]) -> Vec<Line> {
    let mut base: Vec<usize> = Vec::new();
    let mut count = ran.len();
    for line in ran {
        for chosen in places.chosen(*line, text) {
            if count < WHOLE && !base.contains(&chosen) && !ran.contains(&chosen) {
                base.push(chosen);
                count += 1;
            }
        }
        base.push(*line);
    }
    let mut wanted: Vec<&Place> = Vec::new();
    let mut queue: Vec<&Place> = ran.iter().filter_map(|line| places.around(*line)).collect();
    let mut at = 0;
    while at < queue.len() {
        let place = queue[at];
        at += 1;
        if wanted.iter().any(|known| known.lines == place.lines) {
            continue;
        }
        let is_new = |line: &&usize| !base.contains(line) && !wanted.iter().any(|known| known.lines.contains(line));
        let new = place.lines.iter().filter(is_new).count();
        if count + new > WHOLE || !place.lines.iter().filter(is_new).any(|line| decides(text[line - 1])) {
            continue;
        }
        count += new;
        wanted.push(place);
        queue.extend(places.called(place, text));
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut push = |number: usize, outer: usize| {
        if !lines.iter().any(|line| line.number == number) {
            let indent = indent_of(text[number - 1]).saturating_sub(outer);
            lines.push(Line { number, ran: ran.contains(&number), indent });
        }
    };
    let mut whole = |place: &Place| {
        let outer = place.lines.iter().map(|line| indent_of(text[line - 1])).min().unwrap_or(0);
        place.lines.iter().for_each(|line| push(*line, outer));
    };
    for line in &base {
        match wanted.iter().find(|place| place.lines.contains(line)) {
            Some(place) => whole(place),
            None => whole(&Place { name: None, lines: vec![*line] }),
        }
    }
    wanted.into_iter().for_each(whole);
    lines
}

/// Whether something is chosen or changed in a line, so that it may be the wrong one.
fn decides(code: &str) -> bool {
    const SIGNS: [&str; 16] = [
        "if ", "match ", "while ", "for ", "return", " = ", "+= ", "-= ", "&& ", "|| ", ".insert(", ".remove(", ".push", ".filter",
        ".max(", ".min(",
    ];
    SIGNS.iter().any(|sign| code.contains(sign))
}

/// A function, or an arm of a `match`.
struct Place {
    /// The function's name; of an arm nothing.
    name: Option<String>,
    /// Its lines that say something: no comment, no lone bracket.
    lines: Vec<usize>,
}

/// The functions of a file and the arms in them, and each name that a `let` gives, with its line.
struct Places(Vec<Place>, Vec<(String, usize)>);

impl Places {
    fn of(file: &syn::File, text: &[&str]) -> Places {
        let mut places = Places(Vec::new(), Vec::new());
        let mut found = Found { text, places: &mut places };
        found.visit_file(file);
        places
    }

    /// The lines, in the same function and nearest above a line, in which what it names was chosen.
    fn chosen(&self, line: usize, text: &[&str]) -> Vec<usize> {
        let functions = self.0.iter().filter(|place| place.name.is_some() && place.lines.contains(&line));
        let Some(first) = functions.filter_map(|place| place.lines.first()).max() else { return Vec::new() };
        let code = text[line - 1];
        let names = |name: &str| code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
        let mut all: Vec<(&str, usize)> = Vec::new();
        for (name, at) in self.1.iter().filter(|(name, at)| (*first..line).contains(at) && names(name)) {
            all.retain(|(known, _)| known != name);
            all.push((name, *at));
        }
        all.into_iter().map(|(_, at)| at).filter(|at| decides(text[at - 1].split_once(" = ").map_or("", |(_, chosen)| chosen))).collect()
    }

    /// The smallest place that a line stands in.
    fn around(&self, line: usize) -> Option<&Place> {
        self.0.iter().filter(|place| place.lines.contains(&line)).min_by_key(|place| place.lines.len())
    }

    /// The functions of the file that it calls.
    fn called(&self, place: &Place, text: &[&str]) -> Vec<&Place> {
        let code: Vec<&str> = place.lines.iter().map(|line| text[line - 1]).collect();
        let code = code.join("\n");
        let calls = |name: &str| {
            code.match_indices(&format!("{name}(")).any(|(at, _)| {
                let before = &code[..at];
                let is_method = before.ends_with("self.") || before.ends_with("Self::");
                is_method || before.chars().next_back().is_some_and(|c| !(c.is_alphanumeric() || matches!(c, '_' | '.' | ':')))
            })
        };
        self.0.iter().filter(|other| other.name.as_deref().is_some_and(calls)).collect()
    }
}

/// Looks for places.
struct Found<'a> {
    text: &'a [&'a str],
    places: &'a mut Places,
}

impl Found<'_> {
    fn add(&mut self, name: Option<String>, from: usize, to: usize) {
        let says = |line: &usize| {
            let code = self.text.get(line - 1).map_or("", |code| code.trim());
            code.chars().any(char::is_alphanumeric) && !code.starts_with("//")
        };
        self.places.0.push(Place { name, lines: (from..=to).filter(says).collect() });
    }
}

impl<'ast> Visit<'ast> for Found<'_> {
    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        self.add(Some(f.sig.ident.to_string()), f.sig.fn_token.span().start().line, f.block.span().end().line);
        visit::visit_impl_item_fn(self, f);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let mut pat = &local.pat;
        if let syn::Pat::Type(typed) = pat {
            pat = &typed.pat;
        }
        if let syn::Pat::Ident(name) = pat {
            self.places.1.push((name.ident.to_string(), local.let_token.span().start().line));
        }
        visit::visit_local(self, local);
    }

    fn visit_item_fn(&mut self, f: &'ast syn::ItemFn) {
        self.add(Some(f.sig.ident.to_string()), f.sig.fn_token.span().start().line, f.block.span().end().line);
        visit::visit_item_fn(self, f);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.add(None, arm.pat.span().start().line, arm.body.span().end().line);
        visit::visit_arm(self, arm);
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The steps that decide: of those that are marked, and of the one in which the rule broke, the last in which code of the learner's ran. Of more
/// than are quoted a start is left out first: what a crash took away was not kept by the steps before it.
fn decisive(finding: &Finding) -> Vec<&Event> {
    let trace = &finding.trace;
    let is_theirs = |e: &Event| matches!(e.lane, Lane::Node(_)) && Handler::of(&e.what).is_some();
    let ran = |step: u64| trace.events.iter().rfind(|e| e.step == step && is_theirs(e));
    let mut steps: Vec<u64> = finding.marks.clone();
    // Where something was awaited, whatever came last may have had nothing to do with it; a timer is what it was awaited from.
    let last = ran(trace.last_step()).filter(|e| !finding.late || matches!(e.what, What::Fires { .. }));
    steps.extend(last.map(|e| e.step));
    steps.sort_unstable();
    steps.dedup();
    let mut all: Vec<&Event> = steps.into_iter().filter_map(ran).collect();
    while all.len() > STEPS
        && let Some(start) = all.iter().position(|e| matches!(e.what, What::Starts { .. }))
    {
        all.remove(start);
    }
    all[all.len().saturating_sub(STEPS)..].to_vec()
}

/// Looks for the conditions that lines stand under: the heads of `if`, `match` arms and loops, from the outermost on.
struct Heads {
    of: BTreeMap<usize, Vec<usize>>,
}

impl Heads {
    fn head(&mut self, head: impl syn::spanned::Spanned, body: impl syn::spanned::Spanned) {
        let (line, body) = (head.span().start().line, body.span());
        for (at, heads) in &mut self.of {
            if (body.start().line..=body.end().line).contains(at) && *at != line {
                heads.push(line);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Heads {
    fn visit_expr_if(&mut self, e: &'ast syn::ExprIf) {
        self.head(e.if_token, &e.then_branch);
        visit::visit_expr_if(self, e);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.head(&arm.pat, &arm.body);
        visit::visit_arm(self, arm);
    }

    fn visit_expr_while(&mut self, e: &'ast syn::ExprWhile) {
        self.head(e.while_token, &e.body);
        visit::visit_expr_while(self, e);
    }

    fn visit_expr_for_loop(&mut self, e: &'ast syn::ExprForLoop) {
        self.head(e.for_token, &e.body);
        visit::visit_expr_for_loop(self, e);
    }
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
    fn line_in(&self, file: &syn::File) -> Option<usize> {
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
        let file = syn::parse_file(SOURCE).unwrap();
        let line = |what: &What| Handler::of(what).and_then(|handler| handler.line_in(&file));
        let takes = |text: &str| What::Takes { from: Lane::Client(0), id: 1, text: text.into() };
        assert_eq!(line(&takes("Read")), Some(8));
        assert_eq!(line(&takes("Write(0)")), Some(9), "the first of two");
        assert_eq!(line(&takes("Add")), Some(6), "no arm names it: the method of the contract, not that of the type");
        assert_eq!(line(&What::Fires { timer: "Tick".into() }), Some(15));
        assert_eq!(line(&What::Starts { again: true, saved: String::new() }), None, "there is no `new`");
        assert_eq!(line(&What::Heals), None);
    }

    #[test]
    fn the_conditions_that_a_line_stands_under() {
        let source = "fn f() {\n  if a {\n    for b in c {\n      cx.send(b);\n    }\n  } else {\n    cx.reply(1);\n  }\n  match d {\n    X => if e { cx.save(2) },\n    Y => cx.note(3),\n  }\n}\n";
        let mut heads = Heads { of: [4, 7, 10, 11].map(|line| (line, Vec::new())).into() };
        heads.visit_file(&syn::parse_file(source).unwrap());
        assert_eq!(heads.of.into_iter().collect::<Vec<_>>(), [(4, vec![2, 3]), (7, vec![]), (10, vec![]), (11, vec![])]);
    }

    #[test]
    fn the_write_is_quoted_rather_than_the_restart_after_it() {
        let event = |step, what| Event { step, at: crate::time::Time::ZERO, lane: Lane::Node(0), what };
        let takes = |text: &str| What::Takes { from: Lane::Client(0), id: 1, text: text.into() };
        let start = || What::Starts { again: true, saved: String::new() };
        let mut finding = Finding { marks: vec![3, 4], ..Finding::default() };
        finding.trace.events = vec![event(3, takes("Write(7)")), event(4, start()), event(6, takes("Read"))];
        let steps = |finding: &Finding| decisive(finding).iter().map(|e| e.step).collect::<Vec<_>>();
        assert_eq!(steps(&finding), [3, 6]);
        finding.trace.events.remove(0);
        assert_eq!(steps(&finding), [4, 6], "there is room for it");
        // What was awaited did not come: the last step is any, but for a timer.
        finding.late = true;
        assert_eq!(steps(&finding), [4]);
        finding.trace.events.push(event(7, What::Fires { timer: "Again".into() }));
        assert_eq!(steps(&finding), [4, 7]);
    }

    #[test]
    fn what_stands_around_is_quoted_where_it_is_short() {
        let source = "impl N {\n    fn on_message(&mut self, m: M) {\n        match m {\n            M::A(n) => {\n                if n > 3 {\n                    self.up(n);\n                }\n                // Said.\n                cx.send(n);\n            }\n            M::B => self.long(),\n        }\n    }\n\n    fn up(&mut self, n: u8) {\n        self.n = n;\n    }\n\n    fn long(&mut self) {\n        cx.save(1);\n        a();\n        b();\n        c();\n        d();\n        e();\n        f();\n        g();\n        h();\n    }\n}\n";
        let (file, text) = (syn::parse_file(source).unwrap(), source.lines().collect::<Vec<_>>());
        let places = Places::of(&file, &text);
        let quoted = |ran: &[usize]| {
            let lines = with_what_is_around(ran, &places, &text);
            lines.iter().map(|line| if line.ran { -(line.number as i32) } else { line.number as i32 }).collect::<Vec<_>>()
        };
        // The condition that was false, and what stands under it; the function that is called there.
        assert_eq!(quoted(&[4, 9]), [-4, 5, 6, -9, 15, 16]);
        assert_eq!(quoted(&[11, 20]), [-11, -20], "what is long is read in the editor");
        let source = "impl N {\n    fn vote(&self) {\n        let vote = if self.locked() { No } else { Yes };\n        let to = self.to;\n        a();\n        b();\n        c();\n        d();\n        e();\n        f();\n        cx.send(to, vote);\n    }\n}\n";
        let (file, text) = (syn::parse_file(source).unwrap(), source.lines().collect::<Vec<_>>());
        let lines = with_what_is_around(&[11], &Places::of(&file, &text), &text);
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [3, 11], "where the vote was chosen");
    }

    #[test]
    fn names() {
        assert_eq!(
            [name("Write(7)"), name("Tick"), name("Query { term: 1 }"), name("add(\"a\")"), name("(1, 2)"), name("")],
            ["Write", "Tick", "Query", "add", "", ""]
        );
    }
}
