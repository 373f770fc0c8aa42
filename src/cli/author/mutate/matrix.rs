//! Which mutants there are: those that are copies, those that leave a statement out, the matrix of guards, and the narrowings. What can
//! be asked of the values in scope the program itself has listed, as it knows their types.

use super::places::Form;
use super::program::{Piece, Program};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every operator, as rows of `equivalent.toml` name them.
pub const OPERATORS: [&str; 7] = ["delete", "condition", "comparison", "value", "argument", "guard", "narrow"];

/// One mutant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutant {
    pub operator: String,
    /// `Raft::follow`.
    pub function: String,
    pub line: usize,
    pub text: String,
    /// The statement that it belongs to, by the index of its place, and that statement; of a
    /// classical change what stands on its line.
    pub statement: Option<usize>,
    pub within: String,
    /// The name under which the program is this mutant.
    pub program: String,
    /// False if it did nothing else than the reference in the whole judging: nothing can refuse it.
    pub differs: bool,
}

/// What the program said of the places that were reached.
pub struct Listing {
    lines: BTreeMap<usize, Vec<Line>>,
}

struct Line {
    narrows: bool,
    code: String,
    held: bool,
    words: String,
}

impl Listing {
    /// Reads it: `g 17 self.term~~ge3 1 self.term >= 3`, with tabs between. Nothing if a line is none.
    pub fn parse(text: &str) -> Option<Listing> {
        let mut lines: BTreeMap<usize, Vec<Line>> = BTreeMap::new();
        for line in text.lines() {
            let [kind, site, code, held, words] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
            let line = Line { narrows: kind == "n", code: code.to_owned(), held: held == "1", words: words.to_owned() };
            lines.entry(site.parse::<usize>().ok()?.checked_sub(1)?).or_default().push(line);
        }
        Some(Listing { lines })
    }

    fn reached(&self, place: usize) -> bool {
        self.lines.contains_key(&place)
    }
}

impl Program<'_> {
    /// The mutants that need no other's verdict: deletions, classical changes, narrowings.
    pub fn first_mutants(&self, listing: &Listing) -> Vec<Mutant> {
        let mut all = Vec::new();
        for (i, place) in self.reference.places.iter().enumerate().filter(|(i, _)| self.has(Piece::Place(*i))) {
            if matches!(place.form, Form::Statement | Form::Last) {
                all.push(Mutant { differs: listing.reached(i), ..self.deletion(i) });
            }
            for line in listing.lines.get(&i).into_iter().flatten().filter(|line| line.narrows) {
                let text = format!("{}{}", place.text, line.words);
                all.push(self.mutant("narrow", i, text, format!("n~{}~{}", i + 1, line.code), line.held));
            }
        }
        for (c, (function, change)) in self.copies.iter().enumerate().filter(|(c, _)| self.has(Piece::Copy(*c))) {
            all.push(Mutant {
                operator: change.operator.to_owned(),
                function: self.reference.functions[*function].name.clone(),
                line: self.reference.line(change.at),
                text: change.text.clone(),
                statement: None,
                within: self.reference.line_text(change.at).to_owned(),
                program: format!("s~{}", c + 1),
                differs: true,
            });
        }
        all
    }

    /// A statement left out, always.
    pub fn deletion(&self, statement: usize) -> Mutant {
        let text = self.reference.places[statement].text.clone();
        self.mutant("delete", statement, text, format!("g~{}~~~always", statement + 1), true)
    }

    /// The matrix of guards of a statement.
    pub fn guards(&self, statement: usize, listing: &Listing) -> Vec<Mutant> {
        let text = &self.reference.places[statement].text;
        let lines = listing.lines.get(&statement).into_iter().flatten().filter(|line| !line.narrows);
        let guard = |line: &Line| {
            let (text, program) = (format!("{text} unless {}", line.words), format!("g~{}~{}", statement + 1, line.code));
            self.mutant("guard", statement, text, program, line.held)
        };
        lines.map(guard).collect()
    }

    fn mutant(&self, operator: &str, place: usize, text: String, program: String, differs: bool) -> Mutant {
        let at = &self.reference.places[place];
        let statement = if matches!(at.form, Form::Statement | Form::Last) { Some(place) } else { at.inside };
        Mutant {
            operator: operator.to_owned(),
            function: self.reference.functions[at.function].name.clone(),
            line: self.reference.line(at.at.start),
            text,
            statement,
            within: statement.map(|at| self.reference.places[at].text.clone()).unwrap_or_default(),
            program,
            differs,
        }
    }
}
