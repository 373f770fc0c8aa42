//! Where a reference can be changed while it runs: its statements, and the values that it hands on. Walks the syntax tree alone, and
//! knows neither types nor how a program is made of it.

use crate::cli::author::functions::{Bytes, Function, bytes, functions};
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprClosure, ExprForLoop, ExprIf, ExprWhile, FnArg, Item, Local, Pat, ReturnType, Stmt};

/// How a place is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A statement, which may be left out.
    Statement,
    /// The last expression of a block: a statement if it is `()`, else a value, in whose place its default may come.
    Last,
    /// A value that may be narrowed on its way.
    Value,
    /// The same, where a field of the same name gets it: `Held { at }`.
    Field,
    /// `x += y`: what is narrowed is `x`, afterwards.
    Assigned,
}

/// One place.
pub struct Place {
    /// The function, by its index.
    pub function: usize,
    pub at: Bytes,
    pub form: Form,
    /// What is in scope, as it is written: `self.term`, `log`.
    pub scope: Vec<String>,
    /// The innermost statement around a value, by the index of its place.
    pub inside: Option<usize>,
    /// As people read it, on one line.
    pub text: String,
}

/// The functions of a reference, and the places in them.
pub struct Reference<'a> {
    pub source: &'a str,
    pub functions: Vec<Function>,
    pub places: Vec<Place>,
    /// The functions' bodies, for other operators.
    pub blocks: Vec<Block>,
}

impl<'a> Reference<'a> {
    /// Walks the file.
    pub fn of(source: &'a str, file: &syn::File) -> Reference<'a> {
        let mut reference = Reference { source, functions: Vec::new(), places: Vec::new(), blocks: Vec::new() };
        for (function, block) in functions(source, file) {
            let fields = function.of.as_deref().map(|of| fields(file, of)).unwrap_or_default();
            reference.function(function, block, &fields);
        }
        reference
    }

    fn function(&mut self, function: Function, block: &Block, fields: &[String]) {
        let mut scope: Vec<String> = Vec::new();
        for input in &function.signature.inputs {
            match input {
                FnArg::Receiver(_) => scope.extend(fields.iter().cloned()),
                FnArg::Typed(typed) => scope.extend(names(&typed.pat)),
            }
        }
        let gives = !matches!(function.signature.output, ReturnType::Default);
        self.functions.push(function);
        self.blocks.push(block.clone());
        let mut walk = Walk { function: self.functions.len() - 1, scope, inside: None, reference: self };
        if let (true, Some(Stmt::Expr(last, None))) = (gives, block.stmts.last()) {
            walk.value(last, Form::Value);
        }
        walk.visit_block(block);
    }

    /// The line of a byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.source[..at].matches('\n').count() + 1
    }

    /// What stands on that line.
    pub fn line_text(&self, at: usize) -> &'a str {
        self.source.lines().nth(self.line(at) - 1).unwrap_or_default().trim()
    }
}

/// `self.a`, … of a struct of the file, or `self`.
fn fields(file: &syn::File, of: &str) -> Vec<String> {
    let found = file.items.iter().find_map(|item| match item {
        Item::Struct(s) if s.ident == of => Some(s),
        _ => None,
    });
    match found {
        Some(s) => s.fields.iter().filter_map(|f| Some(format!("self.{}", f.ident.as_ref()?))).collect(),
        None => vec!["self".to_owned()],
    }
}

/// The names that a pattern binds. The context has nothing to look at.
fn names(pat: &Pat) -> Vec<String> {
    struct Names(Vec<String>);
    impl Visit<'_> for Names {
        fn visit_pat_ident(&mut self, pat: &syn::PatIdent) {
            let name = pat.ident.to_string();
            // `None` of a pattern looks like a name.
            if name != "cx" && name != "_cx" && name.starts_with(|c: char| c.is_lowercase() || c == '_') {
                self.0.push(name);
            }
            visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pat);
    names.0
}

/// The names that the `let`s of a condition bind.
fn bound_by(condition: &Expr) -> Vec<String> {
    struct Lets(Vec<String>);
    impl Visit<'_> for Lets {
        fn visit_expr_let(&mut self, e: &syn::ExprLet) {
            self.0.extend(names(&e.pat));
        }
        fn visit_expr_closure(&mut self, _: &ExprClosure) {}
    }
    let mut lets = Lets(Vec::new());
    lets.visit_expr(condition);
    lets.0
}

/// What of a scrutinee a pattern leaves nothing to ask of: it is that variant, and what it holds has names of its own.
fn told_by(source: &str, scrutinee: &Expr, pat: &Pat) -> Vec<String> {
    match (scrutinee, pat) {
        (Expr::Tuple(values), Pat::Tuple(pats)) => values.elems.iter().zip(&pats.elems).flat_map(|(e, p)| told_by(source, e, p)).collect(),
        (_, Pat::Or(_) | Pat::Wild(_) | Pat::Ident(_)) => Vec::new(),
        (e, Pat::Guard(guard)) => told_by(source, e, &guard.pat),
        (e, _) => vec![source[bytes(e)].to_owned()],
    }
}

/// Code on one line, without what stands in braces of more than a few words.
pub fn on_one_line(code: &str) -> String {
    // A comment is no part of it.
    let code: Vec<&str> = code.lines().map(|l| l.split("// ").next().unwrap_or(l)).collect();
    let text = code.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace(", }", " }").replace(", )", ")").replace("( ", "(").replace(" .", ".").replace(" ?", "?").replace(" )", ")")
}

/// A statement as people read it: of one with a body, the head.
fn head(code: &str, e: &Expr) -> String {
    let body = match e {
        Expr::If(e) => Some(bytes(&e.then_branch)),
        Expr::While(e) => Some(bytes(&e.body)),
        Expr::ForLoop(e) => Some(bytes(&e.body)),
        Expr::Match(e) => Some(bytes(&e.expr).end..bytes(e).end),
        _ => None,
    };
    match body {
        Some(body) => format!("{} {{ … }}", on_one_line(&code[bytes(e).start..body.start])),
        None => on_one_line(&code[bytes(e)]),
    }
}

/// What says nothing: a literal, `None`, a variant.
fn is_fixed(e: &Expr) -> bool {
    match e {
        Expr::Lit(_) => true,
        Expr::Path(p) => p.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase)),
        _ => false,
    }
}

struct Walk<'r, 'a> {
    reference: &'r mut Reference<'a>,
    function: usize,
    scope: Vec<String>,
    inside: Option<usize>,
}

impl Walk<'_, '_> {
    fn place(&mut self, at: Bytes, form: Form, text: String) -> usize {
        let mut scope = self.scope.clone();
        // Of two with one name the inner one is meant.
        scope.sort();
        scope.dedup();
        let place = Place { function: self.function, at, form, scope, inside: self.inside, text };
        self.reference.places.push(place);
        self.reference.places.len() - 1
    }

    fn statement(&mut self, e: &Expr, at: Bytes, form: Form) {
        if is_fixed(e) || matches!(e, Expr::Match(m) if m.arms.is_empty()) {
            return self.visit_expr(e);
        }
        let text = head(self.reference.source, e);
        let index = self.place(at, form, text);
        let around = self.inside.replace(index);
        self.visit_expr(e);
        self.inside = around;
    }

    /// A value that is handed on.
    fn value(&mut self, e: &Expr, form: Form) {
        let simple = matches!(
            e,
            Expr::Binary(_) | Expr::MethodCall(_) | Expr::Field(_) | Expr::Path(_) | Expr::Unary(_) | Expr::Cast(_) | Expr::Paren(_)
        );
        // `Held { … }` and `Some(…)` have values of their own.
        let is_call = matches!(e, Expr::Call(c) if !c.args.is_empty() && matches!(&*c.func, Expr::Path(p) if p.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_lowercase))));
        let text = &self.reference.source[bytes(e)];
        if (simple || is_call) && !is_fixed(e) && !["cx", "self", "ticket"].contains(&text) {
            let text = on_one_line(text);
            self.place(bytes(e), form, text);
        }
    }

    /// Visits something with more names in scope.
    fn within(&mut self, more: Vec<String>, visit: impl FnOnce(&mut Self)) {
        let outer = self.scope.clone();
        self.scope.extend(more);
        visit(self);
        self.scope = outer;
    }
}

impl<'s> Visit<'s> for Walk<'_, '_> {
    fn visit_block(&mut self, block: &'s Block) {
        let outer = self.scope.clone();
        for (i, stmt) in block.stmts.iter().enumerate() {
            match stmt {
                Stmt::Expr(e, semi) => {
                    let form = if semi.is_some() || i + 1 < block.stmts.len() { Form::Statement } else { Form::Last };
                    self.statement(e, bytes(stmt), form);
                }
                Stmt::Local(local) => {
                    self.visit_local(local);
                    self.scope.extend(names(&local.pat));
                }
                other => self.visit_stmt(other),
            }
        }
        self.scope = outer;
    }

    fn visit_local(&mut self, local: &'s Local) {
        let Some(init) = &local.init else { return };
        if init.diverge.is_none() {
            self.value(&init.expr, Form::Value);
        }
        // What stands behind `else` has to leave.
        self.visit_expr(&init.expr);
    }

    fn visit_expr_match(&mut self, e: &'s syn::ExprMatch) {
        self.visit_expr(&e.expr);
        for arm in &e.arms {
            let outer = self.scope.clone();
            let known = told_by(self.reference.source, &e.expr, &arm.pat);
            self.scope.retain(|name| !known.contains(name));
            self.visit_arm(arm);
            self.scope = outer;
        }
    }

    fn visit_arm(&mut self, arm: &'s Arm) {
        self.within(names(&arm.pat), |walk| {
            if let Pat::Guard(pat) = &arm.pat {
                walk.visit_expr(&pat.guard);
            }
            match &*arm.body {
                Expr::Block(block) => walk.visit_block(&block.block),
                body => walk.statement(body, bytes(body), Form::Last),
            }
        });
    }

    fn visit_expr_if(&mut self, e: &'s ExprIf) {
        self.visit_expr(&e.cond);
        let outer = self.scope.clone();
        if let Expr::Let(condition) = &*e.cond {
            let known = told_by(self.reference.source, &condition.expr, &condition.pat);
            self.scope.retain(|name| !known.contains(name));
        }
        self.within(bound_by(&e.cond), |walk| walk.visit_block(&e.then_branch));
        self.scope = outer;
        if let Some((_, other)) = &e.else_branch {
            self.visit_expr(other);
        }
    }

    fn visit_expr_while(&mut self, e: &'s ExprWhile) {
        self.visit_expr(&e.cond);
        self.within(bound_by(&e.cond), |walk| walk.visit_block(&e.body));
    }

    fn visit_expr_for_loop(&mut self, e: &'s ExprForLoop) {
        self.visit_expr(&e.expr);
        self.within(names(&e.pat), |walk| walk.visit_block(&e.body));
    }

    fn visit_expr_closure(&mut self, e: &'s ExprClosure) {
        self.within(e.inputs.iter().flat_map(names).collect(), |walk| walk.visit_expr(&e.body));
    }

    fn visit_expr_struct(&mut self, e: &'s syn::ExprStruct) {
        for field in &e.fields {
            self.value(&field.expr, if field.colon_token.is_some() { Form::Value } else { Form::Field });
        }
        visit::visit_expr_struct(self, e);
    }

    fn visit_expr_call(&mut self, e: &'s syn::ExprCall) {
        e.args.iter().for_each(|arg| self.value(arg, Form::Value));
        visit::visit_expr_call(self, e);
    }

    fn visit_expr_method_call(&mut self, e: &'s syn::ExprMethodCall) {
        e.args.iter().for_each(|arg| self.value(arg, Form::Value));
        visit::visit_expr_method_call(self, e);
    }

    fn visit_expr_assign(&mut self, e: &'s syn::ExprAssign) {
        self.value(&e.right, Form::Value);
        visit::visit_expr_assign(self, e);
    }

    fn visit_expr_binary(&mut self, e: &'s syn::ExprBinary) {
        let op = &self.reference.source[bytes(&e.op)];
        if op.ends_with('=') && !["==", "!=", "<=", ">="].contains(&op) {
            let text = on_one_line(&self.reference.source[bytes(e)]);
            self.place(bytes(e), Form::Assigned, text);
        }
        visit::visit_expr_binary(self, e);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(source: &str, wanted: &[Form]) -> Vec<String> {
        let file = syn::parse_file(source).unwrap();
        let reference = Reference::of(source, &file);
        let shown = |place: &Place| format!("{} | {}", place.text, place.scope.join(" "));
        reference.places.iter().filter(|place| wanted.contains(&place.form)).map(shown).collect()
    }

    const NODE: &str = "struct Node { term: u64, votes: Set }\n\
        impl Node {\n\
            fn on(&mut self, from: Id, message: Message, cx: &mut Cx) {\n\
                let old = self.term + 1;\n\
                match message {\n\
                    Message::Vote { term } => self.count(from, term, cx),\n\
                    _ => {}\n\
                }\n\
                if let Some(v) = self.votes.get(from) {\n\
                    // Why.\n\
                    self.term += v;\n\
                }\n\
            }\n\
        }\n\
        fn main() { judge(); }\n";

    #[test]
    fn statements_with_what_is_in_scope() {
        assert_eq!(
            places(NODE, &[Form::Statement, Form::Last]),
            [
                "match message { … } | from message old self.term self.votes",
                "self.count(from, term, cx) | from old self.term self.votes term",
                "if let Some(v) = self.votes.get(from) { … } | from message old self.term self.votes",
                "self.term += v | from message old self.term self.votes v",
            ]
        );
    }

    #[test]
    fn values_that_are_handed_on() {
        let texts = places(NODE, &[Form::Value, Form::Field, Form::Assigned]);
        let texts: Vec<&str> = texts.iter().map(|text| text.split(" | ").next().unwrap()).collect();
        assert_eq!(texts, ["self.term + 1", "from", "term", "from", "self.term += v"]);
    }

    #[test]
    fn a_pattern_tells_what_need_not_be_asked() {
        let source = "fn f(timer: T, role: R) { match (timer, role) { (T::Tick, R::A | R::B) => g(), _ => h() } }\n";
        assert_eq!(places(source, &[Form::Last])[1..], ["g() | role", "h() | role timer"]);
    }

    #[test]
    fn code_on_one_line() {
        assert_eq!(on_one_line("cx.send(\n    to, // the leader\n    M {\n        a,\n        b,\n    },\n);"), "cx.send(to, M { a, b });");
        assert_eq!(on_one_line("self\n    .ops\n    .iter()"), "self.ops.iter()");
    }
}
