//! Many implementations that differ from one in the bodies of functions alone, as one: every body stands in it once, and each function
//! hands over to that of the implementation under whose name the program was started. So the judge is compiled once for all of them.
//! Texts alone: knows neither cargo nor what is judged.

use super::functions::{Function, functions};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use syn::Item;

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
                for (f, (of, mine)) in frame.0.iter().zip(&variant.0).enumerate() {
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
struct Frame(Vec<Function>);

impl Frame {
    /// Nothing for what is no Rust, and where a copy of a function could not be called or stand.
    fn of(text: &str) -> Option<Frame> {
        let file = syn::parse_file(text).ok()?;
        let generic = |item: &Item| matches!(item, Item::Impl(i) if !i.generics.params.is_empty());
        let functions: Vec<Function> = functions(text, &file).into_iter().map(|(function, _)| function).collect();
        let can_be_called = functions.iter().all(|f| f.call("").is_some());
        (can_be_called && !file.items.iter().any(generic)).then_some(Frame(functions))
    }

    /// The text without the bodies: variants have the same.
    fn around(&self, text: &str) -> Vec<String> {
        let starts = std::iter::once(0).chain(self.0.iter().map(|f| f.body.end));
        let ends = self.0.iter().map(|f| f.body.start).chain(std::iter::once(text.len()));
        starts.zip(ends).map(|(start, end)| text[start..end].to_owned()).collect()
    }

    fn woven(&self, base: &str, names: &[String], others: &BTreeMap<usize, Vec<(usize, String)>>) -> String {
        let (mut out, mut copies, mut at) = (String::new(), String::new(), 0);
        for (f, function) in self.0.iter().enumerate() {
            let Some(bodies) = others.get(&f) else { continue };
            let arm = |n: usize| Some(format!("{n} => return {}", function.call(&function.copy_name(n))?));
            let arms = bodies.iter().filter_map(|(n, _)| arm(*n)).collect::<Vec<_>>().join(", ");
            let mut body = base[function.body.clone()].to_owned();
            if let Some((opaque, boxed)) = function.opaque(base) {
                out.push_str(&base[at..opaque.start]);
                out.push_str(&boxed);
                at = opaque.end;
                body = format!("Box::new({body})");
            }
            out.push_str(&base[at..function.body.start]);
            let _ = write!(out, "{{ match which() {{ {arms}, _ => {{}} }} {body} }}");
            at = function.body.end;
            copies.extend(bodies.iter().map(|(n, body)| function.copy(base, *n, body)));
        }
        out.push_str(&base[at..]);
        format!("{out}\n{}{copies}", which(names))
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
            "fn a(&self, n: u64) -> u64 { match which() { 1 => return self.a__1(n), _ => {} } { n } }",
            "fn a__1(&self, n: u64) -> u64 { n + 1 }",
            "fn b() { match which() { 3 => return Self::b__3(), _ => {} } {} }",
            "fn all() -> Box<dyn Iterator<Item = u64> + '_> { match which() { 2 => return all__2(), _ => {} } Box::new({ 0..3 }) }",
            "fn all__2() -> Box<dyn Iterator<Item = u64> + '_> { Box::new({ 1..3 }) }",
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
