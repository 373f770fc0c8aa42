//! All mutants of a reference as one program. The reference runs in it as it is, and asks at every place whether it is the one that is
//! changed; each classical change is a copy of its function, to which the original hands over. What does not compile is left out.

use super::operators::{Change, applied, changes};
use super::places::{Form, Place, Reference};
use super::types::{Type, types, wrapper};
use crate::cli::author::functions::{Bytes, bytes};
use crate::cli::error::{Result, Trouble};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What the program runs with.
pub const RUNTIME: &str = include_str!("runtime.rs.txt");

/// A part of the program that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// What is asked at a place.
    Place(usize),
    /// A name of a place's scope.
    See(usize, usize),
    /// A mutated copy of a function.
    Copy(usize),
    /// A field of a type that is looked into.
    Field(usize, usize),
}

/// The program, and what of it does not compile.
pub struct Program<'a> {
    pub reference: Reference<'a>,
    /// Every classical change, with its function.
    pub copies: Vec<(usize, Change)>,
    types: Vec<Type>,
    file: syn::File,
    /// The type that is judged.
    judged: String,
    main: Bytes,
    left_out: BTreeSet<Piece>,
    /// Last expressions that are values.
    values: BTreeSet<usize>,
}

impl<'a> Program<'a> {
    /// Reads the reference and its contract.
    ///
    /// # Errors
    /// A file that cannot be parsed; a reference without `fn main` that names what is judged.
    pub fn of(id: &str, source: &'a str, contract: &str) -> Result<Program<'a>> {
        let parsed = |path: String, text: &str| {
            syn::parse_file(text).map_err(|e| Trouble::environment(format!("{path}:{}: {e}", e.span().start().line)))
        };
        let file = parsed(format!("solutions/{id}.rs"), source)?;
        let contract = parsed(format!("src/exercises/{id}/mod.rs"), contract)?;
        let main = file.items.iter().find_map(|item| match item {
            syn::Item::Fn(f) if f.sig.ident == "main" => Some(bytes(&f.block)),
            _ => None,
        });
        let judged = main.as_ref().and_then(|main| Some(source[main.clone()].split_once("judge::<")?.1.split_once('>')?.0.to_owned()));
        let (Some(main), Some(judged)) = (main, judged) else {
            return Err(Trouble::environment(format!(
                "solutions/{id}.rs has no `fn main` with `judge::<…>`: put back the one of the stub"
            )));
        };
        let reference = Reference::of(source, &file);
        let copies = reference.blocks.iter().enumerate().flat_map(|(f, block)| changes(source, block).into_iter().map(move |c| (f, c)));
        let copies = copies.collect();
        let mut types = self::types(&file, None);
        let own: BTreeSet<String> = types.iter().map(|t| t.path.clone()).collect();
        types.extend(self::types(&contract, Some(&format!("splitbrain::exercises::{id}"))).into_iter().filter(|t| !own.contains(&t.path)));
        Ok(Program { reference, copies, types, file, judged, main, left_out: BTreeSet::new(), values: BTreeSet::new() })
    }

    /// Keeps only those places and copies: a sample.
    pub fn keep(&mut self, places: &BTreeSet<usize>, copies: &BTreeSet<usize>) {
        self.left_out.extend((0..self.reference.places.len()).filter(|i| !places.contains(i)).map(Piece::Place));
        self.left_out.extend((0..self.copies.len()).filter(|i| !copies.contains(i)).map(Piece::Copy));
    }

    /// Leaves a piece out, or gives it another form.
    pub fn drop(&mut self, piece: Piece) {
        match piece {
            Piece::Place(i) if self.reference.places[i].form == Form::Last && self.values.insert(i) => {}
            _ => {
                self.left_out.insert(piece);
            }
        }
    }

    /// Whether a piece is there.
    pub fn has(&self, piece: Piece) -> bool {
        !self.left_out.contains(&piece)
    }

    /// The text of the program, and where its pieces stand in it.
    pub fn text(&self) -> (String, Vec<(Bytes, Piece)>) {
        let mut out = Text { text: "#![allow(warnings, arithmetic_overflow, unconditional_panic)]\n".to_owned(), pieces: Vec::new() };
        self.instrumented(&mut out);
        let _ = write!(out.text, "\nmod z;\n\n{}", wrapper(self.reference.source, &self.file, &self.judged));
        for (t, of) in self.types.iter().enumerate() {
            for (text, field) in of.look() {
                match field {
                    Some(f) => out.piece(Piece::Field(t, f), &text, self),
                    None => out.text.push_str(&text),
                }
            }
        }
        for (c, (f, change)) in self.copies.iter().enumerate() {
            let function = &self.reference.functions[*f];
            let text = function.copy(self.reference.source, c + 1, &applied(self.reference.source, &function.body, &change.edits));
            out.piece(Piece::Copy(c), &text, self);
        }
        (out.text, out.pieces)
    }

    /// The reference with what is asked at every place.
    fn instrumented(&self, out: &mut Text) {
        let source = self.reference.source;
        let mut events: Vec<Event> = Vec::new();
        for (i, place) in self.reference.places.iter().enumerate().filter(|(i, _)| self.has(Piece::Place(*i))) {
            let depth = (place.at.len(), matches!(place.form, Form::Statement | Form::Last));
            events.push(Event { at: place.at.start, order: (2, -(depth.0 as i64), u8::from(!depth.1)), what: What::Open(i) });
            events.push(Event { at: place.at.end, order: (0, depth.0 as i64, u8::from(depth.1)), what: What::Close(i) });
        }
        for (f, function) in self.reference.functions.iter().enumerate() {
            events.push(Event { at: function.body.start + 1, order: (1, 0, 0), what: What::Prologue(f) });
            if let Some((opaque, boxed)) = function.opaque(source) {
                events.push(Event { at: opaque.start, order: (1, 0, 0), what: What::Replace(opaque.end, boxed) });
                events.push(Event {
                    at: function.body.end - 1,
                    order: (3, 0, 0),
                    what: What::Replace(function.body.end - 1, "})".to_owned()),
                });
            }
        }
        let main = source[self.main.clone()].replace(&format!("judge::<{}>", self.judged), "judge::<Mutated>");
        let main = format!("{{\n    z::start();\n    let code = {main};\n    z::finish();\n    code\n}}");
        events.push(Event { at: self.main.start, order: (1, 0, 0), what: What::Replace(self.main.end, main) });
        events.sort_by_key(|e| (e.at, e.order));
        let (mut at, mut open) = (0, Vec::new());
        for event in events {
            out.text.push_str(&source[at..event.at]);
            at = event.at;
            match event.what {
                What::Open(i) => {
                    open.push(out.text.len());
                    self.opened(i, out);
                }
                What::Close(i) => {
                    let closing = self.closing(i);
                    out.text.push_str(&closing);
                    let start = open.pop().unwrap_or(0);
                    out.pieces.push((start..out.text.len(), Piece::Place(i)));
                }
                What::Prologue(f) => self.prologue(f, out),
                What::Replace(end, text) => {
                    out.text.push_str(&text);
                    at = end;
                }
            }
        }
        out.text.push_str(&source[at..]);
    }

    fn opened(&self, i: usize, out: &mut Text) {
        let place @ Place { form, .. } = &self.reference.places[i];
        let id = i + 1;
        match form {
            Form::Value => {
                let _ = write!(out.text, "z::cut({id}, ");
            }
            Form::Field => {
                let _ = write!(out.text, "{}: z::cut({id}, ", place.text);
            }
            Form::Assigned => out.text.push_str("{ "),
            Form::Statement | Form::Last => {
                let _ = write!(out.text, "{{ if z::begin({id}) {{ ");
                for (k, name) in place.scope.iter().enumerate() {
                    out.piece(Piece::See(i, k), &format!("z::see({id}, {name:?}, &{name}); "), self);
                }
                let _ = write!(out.text, "}} if z::runs({id}) {{ ");
            }
        }
    }

    fn closing(&self, i: usize) -> String {
        let place = &self.reference.places[i];
        match place.form {
            Form::Value | Form::Field => ")".to_owned(),
            Form::Assigned => {
                let text = &self.reference.source[place.at.clone()];
                let left = text.find('=').map_or(text, |at| text[..at - 1].trim_end());
                format!("; z::cut_at({}, &mut ({left})); }}", i + 1)
            }
            Form::Last if self.values.contains(&i) => " } else { Default::default() } }".to_owned(),
            Form::Statement | Form::Last => " } }".to_owned(),
        }
    }

    fn prologue(&self, f: usize, out: &mut Text) {
        let function = &self.reference.functions[f];
        out.text.push_str(" match z::copy() { ");
        for (c, _) in self.copies.iter().enumerate().filter(|(_, (of, _))| *of == f) {
            let Some(call) = function.call(&function.copy_name(c + 1)) else { continue };
            out.piece(Piece::Copy(c), &format!("{} => return {call}, ", c + 1), self);
        }
        out.text.push_str("_ => {} } ");
        if function.opaque(self.reference.source).is_some() {
            out.text.push_str("Box::new({ ");
        }
    }
}

struct Text {
    text: String,
    pieces: Vec<(Bytes, Piece)>,
}

impl Text {
    fn piece(&mut self, piece: Piece, text: &str, program: &Program<'_>) {
        if program.has(piece) {
            let start = self.text.len();
            self.text.push_str(text);
            self.pieces.push((start..self.text.len(), piece));
        }
    }
}

/// Something that is written at a byte of the reference.
struct Event {
    at: usize,
    order: (u8, i64, u8),
    what: What,
}

enum What {
    Open(usize),
    Close(usize),
    Prologue(usize),
    /// Up to there stands that.
    Replace(usize, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "struct Node { n: u64 }\n\
        impl Node {\n    fn add(&mut self, by: u64) {\n        self.n += by;\n    }\n}\n\
        fn main() -> std::process::ExitCode {\n    splitbrain::harness::main(judge::<Node>)\n}\n";

    fn program() -> Program<'static> {
        Program::of("x", SOURCE, "pub struct Other { pub a: u64, b: u64 }").unwrap()
    }

    #[test]
    fn the_reference_asks_at_every_place() {
        let (text, pieces) = program().text();
        let line = text.lines().find(|line| line.contains("fn add(")).unwrap();
        let body = text.split(line).nth(1).unwrap().lines().nth(1).unwrap();
        assert_eq!(
            body.trim(),
            "{ if z::begin(1) { z::see(1, \"by\", &by); z::see(1, \"self.n\", &self.n); } if z::runs(1) { { self.n += by; z::cut_at(2, &mut (self.n)); }; } }"
        );
        for (at, piece) in &pieces {
            assert!(!text[at.clone()].is_empty(), "{piece:?}");
        }
        assert!(line.ends_with("match z::copy() { 1 => return self.add__1(by), 2 => return self.add__2(by), _ => {} } "), "{line}");
        assert!(text.contains("fn add__1(&mut self, by: u64) {\n        self.n = by;"), "{text}");
        assert!(text.contains("splitbrain::harness::main(judge::<Mutated>)") && text.contains("impl z::Look for Node"));
        assert!(
            text.contains("impl z::Look for splitbrain::exercises::x::Other") && !text.contains("b: x"),
            "what is private is not looked at"
        );
        syn::parse_file(&text).unwrap();
    }

    #[test]
    fn what_does_not_compile_is_left_out() {
        let mut program = program();
        let see = program.text().1.iter().find(|(_, piece)| matches!(piece, Piece::See(..))).unwrap().1;
        for piece in [see, Piece::Copy(0)] {
            program.drop(piece);
        }
        let (text, pieces) = program.text();
        assert!(
            !text.contains("z::see(1, \"by\"")
                && text.contains("z::see(1, \"self.n\"")
                && !text.contains("add__1")
                && text.contains("add__2")
        );
        assert!(pieces.iter().all(|(_, piece)| *piece != see));
    }

    #[test]
    fn a_file_that_is_none_is_said() {
        let said = |source: &str| Program::of("x", source, "").err().map(|trouble| trouble.message).unwrap_or_default();
        assert!(said("fn f( {}").starts_with("solutions/x.rs:1: "), "{}", said("fn f( {}"));
        assert!(said("fn main() {}").contains("has no `fn main` with `judge::<…>`"));
    }
}
