//! The functions of an implementation, and how one gets further bodies: each as a copy under a name of its own, to which the original
//! hands over (mutant schemata: Untch, Offutt and Harrold 1993). So one program is many implementations, and what they are judged by is
//! compiled once. Texts alone: knows neither cargo nor who chooses a body.

use std::ops::Range;
use syn::spanned::Spanned;
use syn::{Block, FnArg, ImplItem, Item, Pat, ReturnType, Signature};

/// Bytes of a source.
pub type Bytes = Range<usize>;

/// Where something stands.
pub fn bytes<T: Spanned>(of: &T) -> Bytes {
    of.span().byte_range()
}

/// One function.
pub struct Function {
    /// `Raft::follow`.
    pub name: String,
    /// Its type, if it is a method.
    pub of: Option<String>,
    /// What it is called with, and what it gives.
    pub signature: Signature,
    /// Its block.
    pub body: Bytes,
}

/// All functions of a file but `main`, in their order, each with its block.
pub fn functions<'f>(source: &str, file: &'f syn::File) -> Vec<(Function, &'f Block)> {
    let mut found = Vec::new();
    for item in &file.items {
        match item {
            Item::Fn(f) if f.sig.ident != "main" => found.push((Function::new(&f.sig, &f.block, None), &*f.block)),
            Item::Impl(i) => {
                let of = &source[bytes(&i.self_ty)];
                let methods = i.items.iter().filter_map(|item| if let ImplItem::Fn(f) = item { Some(f) } else { None });
                found.extend(methods.map(|f| (Function::new(&f.sig, &f.block, Some(of)), &f.block)));
            }
            _ => {}
        }
    }
    found
}

impl Function {
    fn new(signature: &Signature, block: &Block, of: Option<&str>) -> Function {
        let name = of.map_or_else(|| signature.ident.to_string(), |of| format!("{of}::{}", signature.ident));
        Function { name, of: of.map(str::to_owned), signature: signature.clone(), body: bytes(block) }
    }

    /// The call of a copy with what the function was called with; nothing where something else than a name takes an argument.
    pub fn call(&self, copy: &str) -> Option<String> {
        let typed = self.signature.inputs.iter().filter_map(|input| if let FnArg::Typed(typed) = input { Some(typed) } else { None });
        let names: Option<Vec<String>> =
            typed.map(|typed| if let Pat::Ident(name) = &*typed.pat { Some(name.ident.to_string()) } else { None }).collect();
        let at = match (&self.of, self.signature.receiver()) {
            (Some(_), Some(_)) => "self.",
            (Some(_), None) => "Self::",
            (None, _) => "",
        };
        Some(format!("{at}{copy}({})", names?.join(", ")))
    }

    /// The name of a copy.
    pub fn copy_name(&self, number: usize) -> String {
        format!("{}__{number}", self.signature.ident)
    }

    /// A copy with another body, which is a block.
    pub fn copy(&self, source: &str, number: usize, body: &str) -> String {
        let (whole, name) = (bytes(&self.signature), &self.signature.ident);
        let mut signature = source[whole.clone()].to_owned();
        if let Some((opaque, boxed)) = self.opaque(source) {
            signature.replace_range(opaque.start - whole.start..opaque.end - whole.start, &boxed);
        }
        let signature = signature.replacen(&format!("fn {name}"), &format!("fn {}", self.copy_name(number)), 1);
        let body = if self.opaque(source).is_some() { format!("{{ Box::new({body}) }}") } else { body.to_owned() };
        match &self.of {
            Some(of) => format!("impl {of} {{\n    #[inline(never)]\n    {signature} {body}\n}}\n"),
            None => format!("#[inline(never)]\n{signature} {body}\n"),
        }
    }

    /// `impl Iterator<…>` of what it gives, which is another type in every body, and the box in its place, which is the same for all.
    pub fn opaque(&self, source: &str) -> Option<(Bytes, String)> {
        let ReturnType::Type(_, of) = &self.signature.output else { return None };
        let at = bytes(of);
        let of = source[at.clone()].strip_prefix("impl ")?;
        Some((at, format!("Box<dyn {of} + '_>")))
    }
}
