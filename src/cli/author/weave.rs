//! Many implementations that differ from one in the bodies of functions alone, as one: every body stands in it once, and each function
//! hands over to that of the implementation under whose name the program was started. So the judge is compiled once for all of them
//! (mutant schemata: Untch, Offutt and Harrold 1993), and fully optimized. Texts alone: knows neither cargo nor what is judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use syn::spanned::Spanned;
use syn::{FnArg, ImplItem, Item, Pat, ReturnType, Signature};

type Bytes = Range<usize>;

/// What came of it.
pub struct Woven {
    /// One text for all that could be woven; none if there are fewer than two.
    pub text: Option<String>,
    /// The names that stand in it, in their order.
    pub names: Vec<String>,
    /// The others: each is built as it is.
    pub left: Vec<(String, String)>,
}

/// Weaves those that can be, each a name and a text, into the text that all of them are variants of.
#[must_use]
pub fn weave(base: &str, all: &[(String, String)]) -> Woven {
    let apart = || Woven { text: None, names: Vec::new(), left: all.to_vec() };
    let Some(frame) = Frame::of(base) else { return apart() };
    let (mut names, mut left) = (Vec::new(), Vec::new());
    // The numbers and bodies that a function has in place of its own.
    let mut others: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
    for (name, text) in all {
        match Frame::of(text).filter(|f| f.around(text) == frame.around(base)) {
            Some(variant) => {
                names.push(name.clone());
                for (f, (of, mine)) in frame.functions.iter().zip(&variant.functions).enumerate() {
                    if base[of.body.clone()] != text[mine.body.clone()] {
                        others.entry(f).or_default().push((names.len(), text[mine.body.clone()].to_owned()));
                    }
                }
            }
            None => left.push((name.clone(), text.clone())),
        }
    }
    if names.len() < 2 {
        return apart();
    }
    Woven { text: Some(frame.woven(base, &names, &others)), names, left }
}

/// The functions of a file but `main`, in the order in which they stand.
struct Frame {
    functions: Vec<Function>,
}

struct Function {
    /// Of which type it is a method.
    of: Option<String>,
    signature: Signature,
    body: Bytes,
}

impl Frame {
    /// Nothing for what is no Rust, and where a function cannot be called with what it was called with.
    fn of(text: &str) -> Option<Frame> {
        let file = syn::parse_file(text).ok()?;
        let mut functions = Vec::new();
        for item in &file.items {
            match item {
                Item::Fn(f) if f.sig.ident != "main" => {
                    functions.push(Function { of: None, signature: f.sig.clone(), body: bytes(&f.block) });
                }
                Item::Impl(of) => {
                    let methods = of.items.iter().filter_map(|item| if let ImplItem::Fn(f) = item { Some(f) } else { None });
                    let of = of.generics.params.is_empty().then(|| text[bytes(&of.self_ty)].to_owned());
                    for f in methods {
                        functions.push(Function { of: Some(of.clone()?), signature: f.sig.clone(), body: bytes(&f.block) });
                    }
                }
                _ => {}
            }
        }
        functions.iter().all(|f| f.arguments().is_some()).then_some(Frame { functions })
    }

    /// The text without the bodies: variants have the same.
    fn around(&self, text: &str) -> Vec<String> {
        let starts = std::iter::once(0).chain(self.functions.iter().map(|f| f.body.end));
        let ends = self.functions.iter().map(|f| f.body.start).chain(std::iter::once(text.len()));
        starts.zip(ends).map(|(start, end)| text[start..end].to_owned()).collect()
    }

    fn woven(&self, base: &str, names: &[String], others: &BTreeMap<usize, Vec<(usize, String)>>) -> String {
        let (mut out, mut copies, mut at) = (String::new(), String::new(), 0);
        for (f, function) in self.functions.iter().enumerate() {
            let Some(bodies) = others.get(&f) else { continue };
            let arms = bodies.iter().map(|(n, _)| format!("{n} => return {}", function.call(*n))).collect::<Vec<_>>().join(", ");
            if let Some((opaque, boxed)) = function.opaque(base) {
                out.push_str(&base[at..opaque.start]);
                out.push_str(&boxed);
                at = opaque.end;
            }
            out.push_str(&base[at..function.body.start]);
            let _ = write!(out, "{{ match which() {{ {arms}, _ => {{}} }} {} }}", function.wrapped(base, &base[function.body.clone()]));
            at = function.body.end;
            copies.extend(bodies.iter().map(|(n, body)| function.copy(base, *n, body)));
        }
        out.push_str(&base[at..]);
        format!("{out}\n{}{copies}", which(names))
    }
}

impl Function {
    /// The names of what it is called with, without `self`; nothing if something else than a name stands there.
    fn arguments(&self) -> Option<Vec<String>> {
        let typed = self.signature.inputs.iter().filter_map(|input| if let FnArg::Typed(typed) = input { Some(typed) } else { None });
        typed.map(|typed| if let Pat::Ident(name) = &*typed.pat { Some(name.ident.to_string()) } else { None }).collect()
    }

    fn call(&self, n: usize) -> String {
        let (name, arguments) = (&self.signature.ident, self.arguments().unwrap_or_default().join(", "));
        match (&self.of, self.signature.receiver()) {
            (Some(_), Some(_)) => format!("self.{name}_of_{n}({arguments})"),
            (Some(_), None) => format!("Self::{name}_of_{n}({arguments})"),
            (None, _) => format!("{name}_of_{n}({arguments})"),
        }
    }

    /// The function with another body, under a name of its own.
    fn copy(&self, base: &str, n: usize, body: &str) -> String {
        let (whole, name) = (bytes(&self.signature), &self.signature.ident);
        let mut signature = base[whole.clone()].to_owned();
        if let Some((opaque, boxed)) = self.opaque(base) {
            signature.replace_range(opaque.start - whole.start..opaque.end - whole.start, &boxed);
        }
        let signature = signature.replacen(&format!("fn {name}"), &format!("fn {name}_of_{n}"), 1);
        let body = self.wrapped(base, body);
        match &self.of {
            Some(of) => format!("impl {of} {{ {signature} {{ {body} }} }}\n"),
            None => format!("{signature} {{ {body} }}\n"),
        }
    }

    /// `impl Iterator<…>` is another type in every body: a box is the same for all.
    fn opaque(&self, base: &str) -> Option<(Bytes, String)> {
        let ReturnType::Type(_, of) = &self.signature.output else { return None };
        let at = bytes(of);
        let of = base[at.clone()].strip_prefix("impl ")?;
        Some((at, format!("Box<dyn {of} + '_>")))
    }

    fn wrapped(&self, base: &str, body: &str) -> String {
        if self.opaque(base).is_some() { format!("Box::new({body})") } else { body.to_owned() }
    }
}

/// The number of the implementation that runs: that of the name under which the program was started.
fn which(names: &[String]) -> String {
    let arms: String = names.iter().enumerate().map(|(n, name)| format!("Some(\"{name}\") => {}, ", n + 1)).collect();
    format!(
        "fn which() -> usize {{ static WHICH: std::sync::OnceLock<usize> = std::sync::OnceLock::new(); *WHICH.get_or_init(|| {{ \
         let name = std::env::args_os().next().map(std::path::PathBuf::from); \
         match name.as_ref().and_then(|n| n.file_name()).and_then(|n| n.to_str()) {{ {arms}_ => 0 }} }}) }}\n"
    )
}

fn bytes<T: Spanned>(of: &T) -> Bytes {
    of.span().byte_range()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "struct N;\nimpl N {\n    fn a(&self, n: u64) -> u64 { n }\n    fn b() {}\n}\nfn all() -> impl Iterator<Item = u64> { 0..3 }\nfn main() {}\n";

    fn woven(variants: &[(&str, &str, &str)]) -> Woven {
        let all: Vec<_> = variants.iter().map(|(name, from, to)| ((*name).to_owned(), BASE.replacen(from, to, 1))).collect();
        weave(BASE, &all)
    }

    #[test]
    fn bodies_stand_side_by_side() {
        let got = woven(&[("more", "{ n }", "{ n + 1 }"), ("rest", "{ 0..3 }", "{ 1..3 }"), ("idle", "{}\n}", "{ ; }\n}")]);
        assert_eq!((got.names.join(" "), got.left.len()), ("more rest idle".to_owned(), 0));
        let text = got.text.unwrap();
        for part in [
            "fn a(&self, n: u64) -> u64 { match which() { 1 => return self.a_of_1(n), _ => {} } { n } }",
            "impl N { fn a_of_1(&self, n: u64) -> u64 { { n + 1 } } }",
            "fn b() { match which() { 3 => return Self::b_of_3(), _ => {} } {} }",
            "fn all() -> Box<dyn Iterator<Item = u64> + '_> { match which() { 2 => return all_of_2(), _ => {} } Box::new({ 0..3 }) }",
            "fn all_of_2() -> Box<dyn Iterator<Item = u64> + '_> { Box::new({ 1..3 }) }",
            "Some(\"more\") => 1, Some(\"rest\") => 2, Some(\"idle\") => 3, _ => 0",
            "\nfn main() {}\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(syn::parse_file(&text).is_ok(), "{text}");
    }

    #[test]
    fn what_differs_elsewhere_is_left_as_it_is() {
        let got = woven(&[
            ("a", "{ n }", "{ 1 }"),
            ("field", "struct N;", "struct N { n: u8 }"),
            ("sig", "n: u64", "n: u32"),
            ("b", "{ n }", "{ 2 }"),
        ]);
        assert_eq!(got.names, ["a", "b"]);
        assert_eq!(got.left.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["field", "sig"]);
        assert!(woven(&[("a", "{ n }", "{ 1 }")]).text.is_none(), "one alone is built as it is");
        assert_eq!(weave("fn (", &[("a".to_owned(), "fn (".to_owned())]).left.len(), 1);
    }
}
