//! What the program of mutants knows of types: how to look into those of the contract and of the reference, and a node around the
//! learner's that has a life which can be counted in. Texts alone, from syntax trees.

use crate::cli::author::functions::bytes;
use std::fmt::Write as _;
use syn::{Attribute, Fields, FnArg, ImplItem, Item, ItemImpl, ReturnType, Visibility};

/// A struct or an enum that can be looked into.
pub struct Type {
    /// As it is named in the program.
    pub path: String,
    pub variants: Vec<String>,
    pub fields: Vec<Part>,
}

/// One field: where it is found, and the pattern that binds it as `x`.
pub struct Part {
    pub path: Vec<String>,
    pub pattern: String,
}

/// The structs and enums of a file. Of somebody else's, what is public.
pub fn types(file: &syn::File, within: Option<&str>) -> Vec<Type> {
    let open = |v: &Visibility| within.is_none() || matches!(v, Visibility::Public(_));
    let named = |ident: &syn::Ident| within.map_or_else(|| ident.to_string(), |path| format!("{path}::{ident}"));
    let mut all = Vec::new();
    for item in &file.items {
        match item {
            Item::Struct(s) if open(&s.vis) && s.generics.params.is_empty() => {
                all.push(Type { path: named(&s.ident), variants: Vec::new(), fields: parts(&s.fields, None, &open) });
            }
            Item::Enum(e) if open(&e.vis) && e.generics.params.is_empty() => {
                let fields = e.variants.iter().flat_map(|v| parts(&v.fields, Some(&v.ident.to_string()), &|_| true));
                let variants = e.variants.iter().map(|v| v.ident.to_string()).collect();
                all.push(Type { path: named(&e.ident), variants, fields: fields.collect() });
            }
            _ => {}
        }
    }
    all
}

fn parts(fields: &Fields, variant: Option<&str>, open: &dyn Fn(&Visibility) -> bool) -> Vec<Part> {
    let head = variant.map_or_else(|| "Self".to_owned(), |v| format!("Self::{v}"));
    let path = |name: String| variant.map(str::to_owned).into_iter().chain([name]).collect();
    let mut all = Vec::new();
    for (i, field) in fields.iter().enumerate().filter(|(_, f)| open(&f.vis)) {
        all.push(match &field.ident {
            Some(name) => Part { path: path(name.to_string()), pattern: format!("{head} {{ {name}: x, .. }}") },
            None => Part { path: path(i.to_string()), pattern: format!("{head}({}x, ..)", "_, ".repeat(i)) },
        });
    }
    all
}

impl Type {
    /// `impl z::Look`, in pieces: a text, and the field that it belongs to. A piece may be left out if all of its field are.
    pub fn look(&self) -> Vec<(String, Option<usize>)> {
        let mut out =
            vec![(format!("impl z::Look for {} {{\n    fn schema(p: &[&'static str], out: &mut Vec<z::Entry>) {{\n", self.path), None)];
        let names = self.variants.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", ");
        out.push((format!("        z::variants(p, &[{names}], out);\n"), None));
        for (i, part) in self.fields.iter().enumerate() {
            let line = format!(
                "        z::{}(|s: &Self| match s {{ {} => Some(x), _ => None }}, p, &[{}], out);\n",
                if self.variants.is_empty() { "part" } else { "part_of_variant" },
                part.pattern,
                part.path.iter().map(|p| format!("{p:?}")).collect::<Vec<_>>().join(", ")
            );
            out.push((line, Some(i)));
        }
        out.push(("    }\n    fn at(&self, p: &[&str]) -> Option<i128> {\n".to_owned(), None));
        if self.variants.len() > 1 {
            let arms = self.variants.iter().enumerate().map(|(i, v)| format!("Self::{v} {{ .. }} => {i}, ")).collect::<String>();
            out.push((format!("        if p == [\"variant\"] {{ return Some(match self {{ {arms} }}); }}\n"), None));
        }
        for (verb, between) in
            [("return x.at(rest);", Some("    fn cut(&mut self, p: &[&str], to: z::Width) {\n")), ("x.cut(rest, to);", None)]
        {
            for (i, part) in self.fields.iter().enumerate() {
                let path = part.path.iter().map(|p| format!("{p:?}, ")).collect::<String>();
                out.push((format!("        if let ([{path}rest @ ..], {}) = (p, &mut *self) {{ {verb} }}\n", part.pattern), Some(i)));
            }
            if let Some(between) = between {
                // What is looked at is not changed.
                out.iter_mut().for_each(|(text, _)| *text = text.replace("(p, &mut *self)", "(p, self)"));
                out.push((format!("        None\n    }}\n{between}"), None));
            }
        }
        out.push(("    }\n}\n".to_owned(), None));
        out
    }
}

/// `Mutated`: the learner's type with a life. Each trait of the file is handed through.
pub fn wrapper(source: &str, file: &syn::File, of: &str) -> String {
    let mut out = String::new();
    let derives = file.items.iter().find_map(|item| match item {
        Item::Struct(s) if s.ident == of => Some(derived(&s.attrs)),
        Item::Enum(e) if e.ident == of => Some(derived(&e.attrs)),
        _ => None,
    });
    let derives = derives.unwrap_or_default();
    if derives.contains("Clone") {
        out.push_str("#[derive(Clone)]\n");
    }
    let _ = writeln!(out, "struct Mutated {{\n    inner: {of},\n    life: z::Life,\n}}\n");
    if derives.contains("Debug") {
        out.push_str(
            "impl std::fmt::Debug for Mutated {\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n        \
             std::fmt::Debug::fmt(&self.inner, f)\n    }\n}\n\n",
        );
    }
    if derives.contains("Hash") {
        out.push_str(
            "impl std::hash::Hash for Mutated {\n    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {\n        \
             self.inner.hash(state);\n        self.life.hash(state);\n    }\n}\n\n",
        );
    }
    for item in &file.items {
        if let Item::Impl(i) = item
            && i.trait_.is_some()
            && &source[bytes(&i.self_ty)] == of
        {
            out.push_str(&handed_through(source, i, of));
        }
    }
    out
}

fn derived(attrs: &[Attribute]) -> String {
    let all = attrs.iter().filter(|a| a.path().is_ident("derive")).filter_map(|a| a.meta.require_list().ok());
    all.map(|list| list.tokens.to_string()).collect()
}

fn handed_through(source: &str, i: &ItemImpl, of: &str) -> String {
    let Some(trait_path) = i.trait_.as_ref().map(|t| source[bytes(&t.0)].to_owned()) else { return String::new() };
    let mut out = format!("impl {trait_path} for Mutated {{\n");
    for item in &i.items {
        let ImplItem::Fn(f) = item else { continue };
        let (mut inputs, mut args, mut has_self) = (Vec::new(), Vec::new(), false);
        let (mut me, mut peers, mut saved) = ("None".to_owned(), "None".to_owned(), "false".to_owned());
        for (n, input) in f.sig.inputs.iter().enumerate() {
            match input {
                FnArg::Receiver(r) => {
                    has_self = true;
                    let text = &source[bytes(r)];
                    inputs.push(text.to_owned());
                    args.push(if text.contains("mut ") { "&mut self.inner".to_owned() } else { "&self.inner".to_owned() });
                }
                FnArg::Typed(typed) => {
                    let of = source[bytes(&typed.ty)].to_owned();
                    match of.replace(' ', "").as_str() {
                        "NodeId" => me = format!("Some(a{n})"),
                        "&[NodeId]" => peers = format!("Some(a{n})"),
                        text if text.starts_with("Option<") => saved = format!("a{n}.is_some()"),
                        _ => {}
                    }
                    inputs.push(format!("a{n}: {of}"));
                    args.push(format!("a{n}"));
                }
            }
        }
        let name = &f.sig.ident;
        let output = if let ReturnType::Type(_, of) = &f.sig.output { format!(" -> {}", &source[bytes(of)]) } else { String::new() };
        let call = format!("<{of} as {trait_path}>::{name}({})", args.join(", "));
        let body = if has_self {
            format!("let _in = z::enter(&self.life);\n        {call}")
        } else if output == " -> Self" {
            format!(
                "let life = z::Life::born({me}, {peers}, {saved});\n        let inner = {{\n            let _in = z::enter(&life);\n            {call}\n        }};\n        \
                 Mutated {{ inner, life }}"
            )
        } else {
            call
        };
        let _ = writeln!(out, "    fn {name}({}){output} {{\n        {body}\n    }}", inputs.join(", "));
    }
    out.push_str("}\n\n");
    out
}
