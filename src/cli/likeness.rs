//! Whether two Rust sources say the same: comments, formatting, imports, and the names of local bindings aside. A source is printed
//! in one form with numbers in the place of its bindings; two are the same if the numbers of one can be given for those of the
//! other. Pure.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use similar::{DiffTag, TextDiff};
use std::collections::BTreeMap;
use syn::visit_mut::{self, VisitMut};
use syn::{Arm, Block, Expr, ExprClosure, FieldPat, FieldValue, File, Item, Pat, Stmt, Token};

/// Nobody writes so much by hand, and whatever nests in less fits on the stack below.
const MOST_BYTES: usize = 32 << 10;
const STACK_BYTES: usize = 512 << 20;

/// A line of a comparison, as its author named things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// In both.
    Same(String),
    /// In the first alone.
    First(String),
    /// In the second alone.
    Second(String),
}

/// Compares two sources line by line. `None` if one of them is not Rust.
#[must_use]
pub fn compare(first: &str, second: &str) -> Option<Vec<Row>> {
    let (first, second) = (Bare::of(first)?, Bare::of(second)?);
    let blank = |bare: &Bare| bare.lines.iter().map(|line| filled(line, |_| "_")).collect::<Vec<_>>();
    let (a, b) = (blank(&first), blank(&second));
    let [a, b] = [&a, &b].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    let mut rows = Vec::new();
    let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
    for op in TextDiff::from_slices(&a, &b).ops() {
        let (mine, theirs) = (op.old_range(), op.new_range());
        if op.tag() != DiffTag::Equal {
            rows.extend(mine.map(|i| Row::First(first.shown(i))));
            rows.extend(theirs.map(|i| Row::Second(second.shown(i))));
            continue;
        }
        for (i, j) in mine.zip(theirs) {
            let pairs: Vec<(usize, usize)> = numbers(&first.lines[i]).into_iter().zip(numbers(&second.lines[j])).collect();
            let fit = pairs.iter().all(|(x, y)| *there.entry(*x).or_insert(*y) == *y && *back.entry(*y).or_insert(*x) == *x);
            if fit {
                rows.push(Row::Same(first.shown(i)));
            } else {
                rows.extend([Row::First(first.shown(i)), Row::Second(second.shown(j))]);
            }
        }
    }
    Some(rows)
}

/// Whether two sources say the same.
#[must_use]
pub fn is_same(first: &str, second: &str) -> bool {
    first == second || compare(first, second).is_some_and(|rows| rows.iter().all(|row| matches!(row, Row::Same(_))))
}

/// A source in one form.
struct Bare {
    /// Its lines, a mark in the place of each binding.
    lines: Vec<String>,
    /// The name of each binding.
    names: Vec<String>,
}

impl Bare {
    fn of(source: &str) -> Option<Bare> {
        if source.len() > MOST_BYTES {
            return None;
        }
        let source = source.to_owned();
        let reader = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
            let tokens: TokenStream = source.parse().ok()?;
            let mut file: File = syn::parse2(without_docs(tokens)).ok()?;
            file.attrs.clear();
            file.items.retain(|item| !matches!(item, Item::Use(_)));
            let mut namer = Namer { scopes: vec![BTreeMap::new()], names: Vec::new(), unknown: false };
            namer.visit_file_mut(&mut file);
            let lines = || prettyplease::unparse(&file).lines().map(str::to_owned).collect();
            (!namer.unknown).then(|| Bare { lines: lines(), names: namer.names })
        });
        reader.ok()?.join().ok()?
    }

    /// A line as its author wrote it, but for the form.
    fn shown(&self, line: usize) -> String {
        filled(&self.lines[line], |number| self.names.get(number).map_or("_", String::as_str))
    }
}

/// What stands for the binding of that number.
fn mark(number: usize) -> String {
    format!("{MARK}{number:04}_")
}

const MARK: &str = "b__";

/// A line with something in the place of each mark.
fn filled<'a>(line: &str, with: impl Fn(usize) -> &'a str) -> String {
    let mut parts = line.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('_').and_then(|(number, rest)| Some((number.parse().ok()?, rest))) {
            Some((number, rest)) => out.extend([with(number), rest]),
            None => out.extend([MARK, part]),
        }
    }
    out
}

fn numbers(line: &str) -> Vec<usize> {
    let parts = line.split(MARK).skip(1);
    parts.filter_map(|part| part.split_once('_')?.0.parse().ok()).collect()
}

/// Tokens without documentation, which is an attribute to the compiler.
fn without_docs(tokens: TokenStream) -> TokenStream {
    let all: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |token: Option<&TokenTree>, c: char| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c);
    let is_doc = |token: Option<&TokenTree>| {
        let TokenTree::Group(group) = token? else { return None };
        let first = group.stream().into_iter().next();
        (group.delimiter() == Delimiter::Bracket && matches!(first, Some(TokenTree::Ident(word)) if word == "doc")).then_some(())
    };
    let (mut out, mut at) = (Vec::new(), 0);
    while at < all.len() {
        let inner = usize::from(is(all.get(at + 1), '!'));
        if is(all.get(at), '#') && is_doc(all.get(at + 1 + inner)).is_some() {
            at += 2 + inner;
            continue;
        }
        out.push(match &all[at] {
            TokenTree::Group(group) => TokenTree::Group(Group::new(group.delimiter(), without_docs(group.stream()))),
            other => other.clone(),
        });
        at += 1;
    }
    out.into_iter().collect()
}

/// Puts marks in the place of bindings, each for as long as its name means it, and into one form what the formatter may write in two.
struct Namer {
    scopes: Vec<BTreeMap<String, usize>>,
    names: Vec<String>,
    /// Something was met that has no name in the grammar, and cannot be printed.
    unknown: bool,
}

impl Namer {
    fn inside(&mut self, visit: impl FnOnce(&mut Namer)) {
        self.scopes.push(BTreeMap::new());
        visit(self);
        self.scopes.pop();
    }

    fn meant(&self, name: &str) -> Option<String> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).map(|number| mark(*number))
    }

    /// What a macro is given is no expression until the macro makes it one: names are what they are outside of it.
    fn in_macro(&self, tokens: TokenStream) -> TokenStream {
        let all: Vec<TokenTree> = tokens.into_iter().collect();
        let mut out: Vec<TokenTree> = Vec::new();
        for token in all {
            let is_field = matches!(out.last(), Some(TokenTree::Punct(p)) if p.as_char() == '.');
            out.push(match token {
                TokenTree::Group(group) => TokenTree::Group(Group::new(group.delimiter(), self.in_macro(group.stream()))),
                TokenTree::Ident(word) if !is_field => match self.meant(&word.to_string()) {
                    Some(mark) => TokenTree::Ident(Ident::new(&mark, Span::call_site())),
                    None => TokenTree::Ident(word),
                },
                TokenTree::Literal(literal) => self.in_format(&literal).map_or(TokenTree::Literal(literal), TokenTree::Literal),
                other => other,
            });
        }
        if matches!(out.last(), Some(TokenTree::Punct(p)) if p.as_char() == ',') {
            out.pop();
        }
        out.into_iter().collect()
    }

    /// `"{name}"` means the binding.
    fn in_format(&self, literal: &Literal) -> Option<Literal> {
        let text = literal.to_string();
        let inner = text.strip_prefix('"')?;
        let mut parts = inner.split('{');
        let mut out = format!("\"{}", parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
            let name = self.meant(&part[..end]);
            out.extend(["{", name.as_deref().unwrap_or(&part[..end]), &part[end..]]);
        }
        out.parse().ok()
    }
}

impl VisitMut for Namer {
    fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
        let name = pat.ident.to_string();
        // A name that begins large is a constant or a variant.
        if name.starts_with(|c: char| c.is_lowercase() || c == '_') {
            let number = self.names.len();
            pat.ident = Ident::new(&mark(number), Span::call_site());
            self.names.push(name.clone());
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(name, number);
            }
        }
        if let Some((_, inner)) = &mut pat.subpat {
            self.visit_pat_mut(inner);
        }
    }

    fn visit_field_pat_mut(&mut self, field: &mut FieldPat) {
        field.colon_token.get_or_insert_with(<Token![:]>::default);
        self.visit_pat_mut(&mut field.pat);
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        field.colon_token.get_or_insert_with(<Token![:]>::default);
        self.visit_expr_mut(&mut field.expr);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Path(path) if path.qself.is_none() => {
                if let Some(mark) = path.path.get_ident().and_then(|name| self.meant(&name.to_string())) {
                    path.path = Ident::new(&mark, Span::call_site()).into();
                }
            }
            Expr::Verbatim(tokens) => self.unknown |= !tokens.is_empty(),
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        self.unknown |= matches!(item, Item::Verbatim(_));
        self.inside(|this| visit_mut::visit_item_mut(this, item));
    }

    fn visit_impl_item_mut(&mut self, item: &mut syn::ImplItem) {
        self.unknown |= matches!(item, syn::ImplItem::Verbatim(_));
        self.inside(|this| visit_mut::visit_impl_item_mut(this, item));
    }

    fn visit_trait_item_mut(&mut self, item: &mut syn::TraitItem) {
        self.unknown |= matches!(item, syn::TraitItem::Verbatim(_));
        self.inside(|this| visit_mut::visit_trait_item_mut(this, item));
    }

    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        self.unknown |= matches!(pat, Pat::Verbatim(_));
        visit_mut::visit_pat_mut(self, pat);
    }

    fn visit_type_mut(&mut self, kind: &mut syn::Type) {
        self.unknown |= matches!(kind, syn::Type::Verbatim(_));
        visit_mut::visit_type_mut(self, kind);
    }

    fn visit_macro_mut(&mut self, call: &mut syn::Macro) {
        call.tokens = self.in_macro(std::mem::take(&mut call.tokens));
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let last = block.stmts.len().saturating_sub(1);
        for (at, stmt) in block.stmts.iter_mut().enumerate() {
            if let Stmt::Expr(expr, end) = stmt
                && (at < last || end.is_some())
            {
                nothing_of(expr, end);
            }
        }
        // The formatter ends what leaves with a semicolon, where it has a line of its own.
        if let Some(Stmt::Expr(last, end @ None)) = block.stmts.last_mut()
            && leaves(last)
        {
            *end = Some(<Token![;]>::default());
        }
        self.inside(|this| visit_mut::visit_block_mut(this, block));
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        // What is bound is not known yet where its value is worked out.
        if let Some(init) = &mut local.init {
            self.visit_local_init_mut(init);
        }
        self.visit_pat_mut(&mut local.pat);
    }

    fn visit_expr_let_mut(&mut self, expr: &mut syn::ExprLet) {
        self.visit_expr_mut(&mut expr.expr);
        self.visit_pat_mut(&mut expr.pat);
    }

    fn visit_expr_if_mut(&mut self, expr: &mut syn::ExprIf) {
        if expr.else_branch.is_none() {
            for_nothing(&mut expr.then_branch);
        }
        self.inside(|this| visit_mut::visit_expr_if_mut(this, expr));
    }

    fn visit_item_fn_mut(&mut self, item: &mut syn::ItemFn) {
        if matches!(item.sig.output, syn::ReturnType::Default) {
            for_nothing(&mut item.block);
        }
        visit_mut::visit_item_fn_mut(self, item);
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        if matches!(item.sig.output, syn::ReturnType::Default) {
            for_nothing(&mut item.block);
        }
        visit_mut::visit_impl_item_fn_mut(self, item);
    }

    fn visit_expr_loop_mut(&mut self, expr: &mut syn::ExprLoop) {
        for_nothing(&mut expr.body);
        visit_mut::visit_expr_loop_mut(self, expr);
    }

    fn visit_expr_while_mut(&mut self, expr: &mut syn::ExprWhile) {
        for_nothing(&mut expr.body);
        self.inside(|this| visit_mut::visit_expr_while_mut(this, expr));
    }

    fn visit_expr_for_loop_mut(&mut self, expr: &mut syn::ExprForLoop) {
        self.visit_expr_mut(&mut expr.expr);
        for_nothing(&mut expr.body);
        self.inside(|this| {
            this.visit_pat_mut(&mut expr.pat);
            this.visit_block_mut(&mut expr.body);
        });
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        unwrap(&mut arm.body);
        arm.comma = None;
        self.inside(|this| visit_mut::visit_arm_mut(this, arm));
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        if matches!(closure.output, syn::ReturnType::Default) {
            unwrap(&mut closure.body);
        }
        self.inside(|this| visit_mut::visit_expr_closure_mut(this, closure));
    }
}

fn leaves(expr: &Expr) -> bool {
    matches!(expr, Expr::Return(_) | Expr::Break(_) | Expr::Continue(_))
}

/// A block whose value nobody wants: whether its last statement ends with a semicolon says nothing.
fn for_nothing(block: &mut Block) {
    if let Some(Stmt::Expr(last, end)) = block.stmts.last_mut() {
        nothing_of(last, end);
    }
}

/// The same of a statement: what has braces has no semicolon, all else has one, as most write it. The only expression of an arm has none.
fn nothing_of(expr: &mut Expr, end: &mut Option<Token![;]>) {
    *end = None;
    match expr {
        Expr::If(branch) => {
            for_nothing(&mut branch.then_branch);
            if let Some((_, other)) = &mut branch.else_branch {
                nothing_of(other, &mut None);
            }
        }
        Expr::Block(block) => for_nothing(&mut block.block),
        Expr::Match(choice) => choice.arms.iter_mut().for_each(|arm| match &mut *arm.body {
            Expr::Block(body) => {
                let only = body.block.stmts.len() == 1;
                for_nothing(&mut body.block);
                if let (true, Some(Stmt::Expr(_, end))) = (only, body.block.stmts.last_mut()) {
                    *end = None;
                }
            }
            other => nothing_of(other, &mut None),
        }),
        Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) | Expr::Unsafe(_) => {}
        _ => *end = Some(<Token![;]>::default()),
    }
}

/// `{ x }` → `x`: the formatter puts the braces there when a line is full.
fn unwrap(body: &mut Expr) {
    while let Expr::Block(block) = body
        && block.attrs.is_empty()
        && block.label.is_none()
        && let [Stmt::Expr(inner, end)] = block.block.stmts.as_mut_slice()
        && (end.is_none() || leaves(inner))
    {
        *body = std::mem::replace(inner, Expr::Verbatim(TokenStream::new()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::content::Content;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    const OWN: &str = "use a::B;\n//! x\nfn f(key: u8, all: &[u8]) -> S {\n    // why\n    let S { n, m } = g(key);\n    if let Some(key) = all.first() { say!(\"{key} {}\", n,); }\n    \
                       match n { 0 => { m } _ => all.iter().map(|x| { x + n }).sum() };\n    S { n, m }\n}\n";
    const RENAMED: &str = "fn f(k: u8, items: &[u8]) -> S { let S { n: count, m: most } = g(k); if let Some(first) = items.first() { \
                           say!(\"{first} {}\", count); } match count { 0 => most, _ => items.iter().map(|y| y + count).sum() }; S { n: count, m: most } }";

    #[test]
    fn names_comments_and_form_make_no_difference_and_all_else_does() {
        assert!(is_same(OWN, RENAMED), "{:#?}", compare(OWN, RENAMED));
        let others = [
            ("g(k)", "g(count)"),
            ("y + count", "y - count"),
            ("S { n: count, m: most }", "S { n: most, m: count }"),
            ("0 => most", "0 => count"),
            ("{first} {}", "{count} {}"),
            ("items.first()", "items.last()"),
        ];
        for (from, to) in others {
            assert!(RENAMED.contains(from) && !is_same(OWN, &RENAMED.replace(from, to)), "{from} → {to}");
        }
        assert_eq!(compare("fn f() { }", "fn f( { }"), None);
        assert_eq!(compare(&"!".repeat(MOST_BYTES + 1), ""), None);
        // Whatever nests, nothing overflows.
        let deep = format!("fn f() -> bool {{ {}true }}", "!".repeat(MOST_BYTES - 100));
        assert!(compare(&deep, "fn f() {}").is_some());
    }

    #[test]
    fn a_semicolon_that_says_nothing_makes_no_difference() {
        let with = "fn f(&mut self) { match a { 1 => { g(); } 2 => { h(); g(); } _ => return }; for x in y { g(x) } if b { c(); d(); } else { self.n += 1; } }";
        let without = "fn f(&mut self) { match a { 1 => g(), 2 => { h(); g() } _ => return } for x in y { g(x); } if b { c(); d() } else { self.n += 1 } }";
        assert!(is_same(with, without), "{:#?}", compare(with, without));
        assert!(!is_same("fn f() -> u8 { let a = { b; c }; a }", "fn f() -> u8 { let a = { b; c; }; a }"), "this one does");
    }

    #[test]
    fn a_difference_is_shown_in_the_names_of_each() {
        let rows =
            compare("fn f(a: u8) -> u8 {\n    let b = a;\n    b + 1\n}", "fn f(x: u8) -> u8 {\n    let y = x;\n    y + 2\n}").unwrap();
        let same = |text: &str| Row::Same(text.into());
        let expected = [
            same("fn f(a: u8) -> u8 {"),
            same("    let b = a;"),
            Row::First("    b + 1".into()),
            Row::Second("    y + 2".into()),
            same("}"),
        ];
        assert_eq!(rows, expected);
    }

    /// As `rustfmt` writes it in lines of that width.
    fn formatted(source: &str, width: usize) -> String {
        let config = format!("max_width={width},use_small_heuristics=Max");
        let mut command = Command::new("rustfmt");
        command.args(["--edition", "2024", "--config", &config]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Without one, it is the other form at least that makes no difference.
        let Ok(mut child) = command.spawn() else { return source.to_owned() };
        child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn every_reference_and_stub_is_itself_at_any_width() {
        let course = Content::Embedded.course().unwrap();
        for id in course.exercises() {
            for path in [format!("solutions/{id}.rs"), format!("exercises/{id}/{id}.rs")] {
                let text = Content::Embedded.text(&path).unwrap();
                let bare = Bare::of(&text).unwrap();
                let names: Vec<String> = (0..bare.names.len()).map(|n| format!("other_{n}")).collect();
                let renamed = bare.lines.iter().map(|line| filled(line, |n| &names[n]) + "\n").collect::<String>();
                for width in [60, 140] {
                    let other = formatted(&renamed, width);
                    assert!(!other.is_empty() && other != text, "{path}");
                    let rows = compare(&text, &other).unwrap();
                    let differ: Vec<&Row> = rows.iter().filter(|row| !matches!(row, Row::Same(_))).collect();
                    assert!(differ.is_empty(), "{path} at {width}: {differ:#?}");
                }
            }
            let [stub, reference] =
                [format!("exercises/{id}/{id}.rs"), format!("solutions/{id}.rs")].map(|path| Content::Embedded.text(&path).unwrap());
            assert!(!is_same(&stub, &reference), "{id}");
        }
    }
}
