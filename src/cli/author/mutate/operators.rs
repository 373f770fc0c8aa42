//! The classical operators, each of which changes one expression of a function: conditions, comparisons, values and arguments. (What
//! leaves a statement out is decided while the program runs: see `places`.)

use super::places::on_one_line;
use crate::cli::author::functions::{Bytes, bytes};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Lit, Local, Pat};

/// One function with one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `condition`, `comparison`, `value` or `argument`.
    pub operator: &'static str,
    /// Where it is.
    pub at: usize,
    /// `a < b => a <= b`.
    pub text: String,
    /// What stands in the place of which bytes.
    pub edits: Vec<(Bytes, String)>,
}

/// Every change of a function's block.
pub fn changes(source: &str, block: &Block) -> Vec<Change> {
    let mut operators = Operators { source, found: Vec::new() };
    operators.visit_block(block);
    let mut seen = BTreeSet::from([applied(source, &bytes(block), &[])]);
    operators.found.retain(|change| seen.insert(applied(source, &bytes(block), &change.edits)));
    operators.found
}

/// The text of a part of the source with edits.
pub fn applied(source: &str, part: &Bytes, edits: &[(Bytes, String)]) -> String {
    let mut text = source[part.clone()].to_owned();
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    for (at, new) in edits {
        text.replace_range(at.start - part.start..at.end - part.start, new);
    }
    text
}

struct Operators<'a> {
    source: &'a str,
    found: Vec<Change>,
}

const COMPARISONS: [&str; 6] = ["<", "<=", ">", ">=", "==", "!="];

/// Methods that are taken for one another.
const METHODS: [(&str, &str); 13] = [
    ("is_some", "is_none"),
    ("is_none", "is_some"),
    ("is_some_and", "is_none_or"),
    ("is_none_or", "is_some_and"),
    ("min", "max"),
    ("max", "min"),
    ("first", "last"),
    ("last", "first"),
    ("next", "last"),
    ("any", "all"),
    ("all", "any"),
    ("insert", "contains"),
    ("remove", "get"),
];

impl Operators<'_> {
    fn text(&self, at: &Bytes) -> &str {
        &self.source[at.clone()]
    }

    /// Puts `new` in the place of `at`; `around` is shown.
    fn change(&mut self, operator: &'static str, around: &Bytes, at: Bytes, new: &str) {
        let edits = vec![(at, new.to_owned())];
        let text = format!("{} => {}", on_one_line(self.text(around)), on_one_line(&applied(self.source, around, &edits)));
        self.found.push(Change { operator, at: around.start, text, edits });
    }

    /// Something that is true or false.
    fn condition(&mut self, e: &Expr) {
        struct HasLet(bool);
        impl Visit<'_> for HasLet {
            fn visit_expr_let(&mut self, _: &syn::ExprLet) {
                self.0 = true;
            }
        }
        let mut has_let = HasLet(false);
        has_let.visit_expr(e);
        if has_let.0 {
            return;
        }
        let at = bytes(e);
        let negated = format!("!({})", self.text(&at));
        for new in ["true", "false", &negated] {
            self.change("condition", &at, at.clone(), new);
        }
    }

    /// A value that is counted with.
    fn off_by_one(&mut self, operator: &'static str, e: &Expr) {
        let at = bytes(e);
        for by in ["+ 1", "- 1"] {
            let new = format!("({} {by})", self.text(&at));
            self.change(operator, &at, at.clone(), &new);
        }
    }

    fn arguments<'e>(&mut self, around: &Bytes, args: impl Iterator<Item = &'e Expr>) {
        let args: Vec<&Expr> = args.collect();
        for arg in &args {
            if matches!(arg, Expr::Field(_) | Expr::Path(_) | Expr::Binary(_) | Expr::MethodCall(_) | Expr::Unary(_))
                && self.text(&bytes(*arg)) != "cx"
            {
                let (at, text) = (bytes(*arg), self.text(&bytes(*arg)).to_owned());
                for new in [format!("({text} + 1)"), "Default::default()".to_owned()] {
                    self.change("argument", around, at.clone(), &new);
                }
            }
        }
        for pair in args.windows(2) {
            let [a, b] = [bytes(pair[0]), bytes(pair[1])];
            let [x, y] = [&a, &b].map(|at| self.text(at).to_owned());
            let edits = vec![(a, y), (b, x)];
            let text = format!("{} => {}", on_one_line(self.text(around)), on_one_line(&applied(self.source, around, &edits)));
            self.found.push(Change { operator: "argument", at: around.start, text, edits });
        }
    }
}

impl<'s> Visit<'s> for Operators<'_> {
    fn visit_expr_if(&mut self, e: &'s syn::ExprIf) {
        self.condition(&e.cond);
        visit::visit_expr_if(self, e);
    }

    fn visit_arm(&mut self, arm: &'s syn::Arm) {
        if let Pat::Guard(pat) = &arm.pat {
            self.condition(&pat.guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_local(&mut self, local: &'s Local) {
        if let Some(init) = &local.init
            && (matches!(&*init.expr, Expr::Binary(_)) || matches!(&*init.expr, Expr::MethodCall(m) if is_asking(&m.method.to_string())))
        {
            self.condition(&init.expr);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_closure(&mut self, e: &'s syn::ExprClosure) {
        if matches!(&*e.body, Expr::Binary(_)) {
            self.condition(&e.body);
        }
        visit::visit_expr_closure(self, e);
    }

    fn visit_expr_binary(&mut self, e: &'s syn::ExprBinary) {
        let (whole, op) = (bytes(e), bytes(&e.op));
        let [left, right] = [&e.left, &e.right].map(|side| self.text(&bytes(side)).to_owned());
        let name = self.text(&op).to_owned();
        match name.as_str() {
            "&&" | "||" => {
                for side in [&left, &right] {
                    self.change("condition", &whole, whole.clone(), side);
                }
                self.change("condition", &whole, op, if name == "&&" { "||" } else { "&&" });
            }
            "+" | "-" | "*" | "/" | "%" => {
                for other in ["+", "-", "*", "/"].into_iter().filter(|other| *other != name) {
                    self.change("value", &whole, op.clone(), other);
                }
                for side in [&left, &right] {
                    self.change("value", &whole, whole.clone(), side);
                }
            }
            "+=" | "-=" => {
                for other in ["=", if name == "+=" { "-=" } else { "+=" }] {
                    self.change("value", &whole, op.clone(), other);
                }
            }
            _ if COMPARISONS.contains(&name.as_str()) => {
                for other in COMPARISONS.into_iter().filter(|other| *other != name) {
                    self.change("comparison", &whole, op.clone(), other);
                }
            }
            _ => {}
        }
        visit::visit_expr_binary(self, e);
    }

    fn visit_expr_assign(&mut self, e: &'s syn::ExprAssign) {
        let (whole, left, right) = (bytes(e), self.text(&bytes(&e.left)).to_owned(), self.text(&bytes(&e.right)).to_owned());
        for new in ["max", "min"] {
            self.change("value", &whole, bytes(&e.right), &format!("std::cmp::{new}({left}, {right})"));
        }
        self.change("value", &whole, bytes(&e.right), "Default::default()");
        visit::visit_expr_assign(self, e);
    }

    fn visit_expr_lit(&mut self, e: &'s syn::ExprLit) {
        let at = bytes(e);
        match &e.lit {
            Lit::Int(_) => self.off_by_one("value", &Expr::Lit(e.clone())),
            Lit::Bool(b) => self.change("value", &at, at.clone(), if b.value { "false" } else { "true" }),
            _ => {}
        }
    }

    fn visit_expr_struct(&mut self, e: &'s syn::ExprStruct) {
        let whole = bytes(e);
        for field in &e.fields {
            let at = bytes(field);
            let name = self.text(&bytes(&field.member)).to_owned();
            let value = self.text(&bytes(&field.expr)).to_owned();
            for new in ["Default::default()".to_owned(), format!("{value} + 1")] {
                self.change("value", &whole, at.clone(), &format!("{name}: {new}"));
            }
            // A name alone is no expression that could be changed.
            if field.colon_token.is_some() {
                self.visit_expr(&field.expr);
            }
        }
    }

    fn visit_expr_call(&mut self, e: &'s syn::ExprCall) {
        let whole = bytes(e);
        if self.text(&bytes(&e.func)) == "Some" {
            self.change("value", &whole, whole.clone(), "None");
        }
        self.arguments(&whole, e.args.iter());
        visit::visit_expr_call(self, e);
    }

    fn visit_expr_method_call(&mut self, e: &'s syn::ExprMethodCall) {
        let (whole, name) = (bytes(e), e.method.to_string());
        for (_, other) in METHODS.iter().filter(|(from, _)| *from == name) {
            self.change("value", &whole, bytes(&e.method), other);
        }
        if matches!(name.as_str(), "len" | "sum" | "count") {
            self.off_by_one("value", &Expr::MethodCall(e.clone()));
        }
        self.arguments(&whole, e.args.iter());
        visit::visit_expr_method_call(self, e);
    }
}

/// Methods that answer yes or no.
fn is_asking(method: &str) -> bool {
    method.starts_with("is_") || matches!(method, "any" | "all" | "contains" | "contains_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each operator makes of a body.
    fn made(body: &str) -> Vec<String> {
        let source = format!("fn f() {{ {body} }}");
        let file = syn::parse_file(&source).unwrap();
        let syn::Item::Fn(f) = &file.items[0] else { panic!("a function") };
        changes(&source, &f.block).iter().map(|change| format!("{}: {}", change.operator, change.text)).collect()
    }

    #[test]
    fn conditions() {
        assert_eq!(
            made("if a && b { c(); }"),
            [
                "condition: a && b => true",
                "condition: a && b => false",
                "condition: a && b => !(a && b)",
                "condition: a && b => a",
                "condition: a && b => b",
                "condition: a && b => a || b",
            ]
        );
        assert_eq!(
            made("match m { M::A if ok => {} _ => {} }"),
            ["condition: ok => true", "condition: ok => false", "condition: ok => !(ok)"]
        );
        assert_eq!(
            made("let w = x.is_some();"),
            [
                "condition: x.is_some() => true",
                "condition: x.is_some() => false",
                "condition: x.is_some() => !(x.is_some())",
                "value: x.is_some() => x.is_none()"
            ]
        );
        assert_eq!(made("if let Some(x) = y { g(); }"), [""; 0], "what binds a name has no negation");
    }

    #[test]
    fn comparisons() {
        assert_eq!(
            made("v.retain(|w| w < x);")[..8],
            [
                "condition: w < x => true",
                "condition: w < x => false",
                "condition: w < x => !(w < x)",
                "comparison: w < x => w <= x",
                "comparison: w < x => w > x",
                "comparison: w < x => w >= x",
                "comparison: w < x => w == x",
                "comparison: w < x => w != x",
            ]
        );
    }

    #[test]
    fn values() {
        assert_eq!(
            made("x = y;"),
            [
                "value: x = y => x = std::cmp::max(x, y)",
                "value: x = y => x = std::cmp::min(x, y)",
                "value: x = y => x = Default::default()"
            ]
        );
        assert_eq!(made("x += y;"), ["value: x += y => x = y", "value: x += y => x -= y"]);
        assert_eq!(
            made("return a + b;"),
            ["value: a + b => a - b", "value: a + b => a * b", "value: a + b => a / b", "value: a + b => a", "value: a + b => b"]
        );
        assert_eq!(made("return 3;"), ["value: 3 => (3 + 1)", "value: 3 => (3 - 1)"]);
        assert_eq!(made("return true;"), ["value: true => false"]);
        assert_eq!(
            made("return S { a, b: c };"),
            [
                "value: S { a, b: c } => S { a: Default::default(), b: c }",
                "value: S { a, b: c } => S { a: a + 1, b: c }",
                "value: S { a, b: c } => S { a, b: Default::default() }",
                "value: S { a, b: c } => S { a, b: c + 1 }",
            ]
        );
        assert_eq!(made("return v.len();"), ["value: v.len() => (v.len() + 1)", "value: v.len() => (v.len() - 1)"]);
        assert_eq!(made("return v.first();"), ["value: v.first() => v.last()"]);
        assert_eq!(made("return Some(1);")[0], "value: Some(1) => None");
    }

    #[test]
    fn arguments() {
        assert_eq!(
            made("g(a, b, cx);"),
            [
                "argument: g(a, b, cx) => g((a + 1), b, cx)",
                "argument: g(a, b, cx) => g(Default::default(), b, cx)",
                "argument: g(a, b, cx) => g(a, (b + 1), cx)",
                "argument: g(a, b, cx) => g(a, Default::default(), cx)",
                "argument: g(a, b, cx) => g(b, a, cx)",
                "argument: g(a, b, cx) => g(a, cx, b)",
            ]
        );
    }

    /// Two ways to the same text are one mutant, and what changes nothing is none.
    #[test]
    fn nothing_is_made_twice() {
        assert_eq!(made("if x == x { g(); }").iter().filter(|text| text.ends_with("=> true")).count(), 1);
        assert_eq!(
            made("g(a, a);"),
            [
                "argument: g(a, a) => g((a + 1), a)",
                "argument: g(a, a) => g(Default::default(), a)",
                "argument: g(a, a) => g(a, (a + 1))",
                "argument: g(a, a) => g(a, Default::default())"
            ]
        );
    }
}
