//! Reads TOML that people write, and reports every mistake of a file at once, as `file:line:col: what; how to mend`. There is one kind
//! of [`Problem`], and there are two ways to read: key by key, each with an example of what may stand there ([`Reader::string`] …),
//! and a whole table into a struct ([`Reader::read`]). Both walk the parsed table with its spans: a deserializer alone stops at its
//! first error, and points at the wrong table as soon as an enum is involved. It knows nothing of what the files mean.

mod fields;
mod problem;

pub use fields::{Table, path};
pub use problem::{Lines, Place, Places, Problem, Severity, is_hidden, lines_of};

use super::nearest::nearest;
use std::fmt::Display;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table with the place where it begins.
pub type At<'a, 'i> = (&'a DeTable<'i>, Range<usize>);

/// A text with the place where it stands.
pub type Text = (String, Range<usize>);

/// One file being read, with the mistakes found so far.
pub struct Reader<'i> {
    file: String,
    lines: Lines<'i>,
    /// The mistakes so far.
    pub problems: Vec<Problem>,
}

impl<'i> Reader<'i> {
    /// Parses the text; syntax errors are the first problems, and what could be read is returned all the same.
    pub fn parse(file: &str, text: &'i str) -> (Reader<'i>, Spanned<DeTable<'i>>) {
        Reader::parse_saying(file, text, "; see https://toml.io for the syntax")
    }

    /// The same, with other words behind what a syntax error is.
    pub fn parse_saying(file: &str, text: &'i str, more: &str) -> (Reader<'i>, Spanned<DeTable<'i>>) {
        let mut reader = Reader { file: file.to_owned(), lines: Lines::new(text), problems: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for e in errors {
            reader.report(e.span().unwrap_or(0..0), format!("{}{more}", e.message().replace('\n', ", ")));
        }
        (reader, table)
    }

    /// Notes a mistake at a place.
    pub fn problem(&mut self, span: Range<usize>, what: impl Display, mend: impl Display) {
        self.report(span, format!("{what}; {mend}"));
    }

    /// Notes a mistake, in one sentence with its mend.
    pub fn report(&mut self, span: Range<usize>, message: String) {
        self.report_at(self.lines.place(&span), message);
    }

    /// The same, of a place that was noted.
    pub fn report_at(&mut self, place: Place, message: String) {
        let path = self.file.clone();
        self.problems.push(Problem { path, place, severity: Severity::Error, rule: "format", message });
    }

    /// The mistakes, in the order of the file.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.place);
        self.problems
    }

    /// Refuses keys that are not among those.
    pub fn only(&mut self, (table, _): &At<'_, '_>, known: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let mend = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                self.problem(key.span(), format!("unknown key `{name}`"), mend);
            }
        }
    }

    /// The value of a key that must be there.
    fn needed<'a, 'd>(&mut self, (table, span): &At<'a, 'd>, key: &str, example: &str) -> Option<&'a Spanned<DeValue<'d>>> {
        let value = table.get(key);
        if value.is_none() {
            self.problem(span.clone(), format!("`{key}` is missing"), format!("add `{key} = {example}`"));
        }
        value
    }

    /// A text that must be there and say something.
    pub fn string(&mut self, at: &At<'_, '_>, key: &str, example: &str) -> Option<Text> {
        let value = self.needed(at, key, example)?;
        self.as_string(value, key, example)
    }

    /// A text that may be missing.
    pub fn optional_string(&mut self, at: &At<'_, '_>, key: &str, example: &str) -> Option<Text> {
        let value = at.0.get(key)?;
        self.as_string(value, key, example)
    }

    fn as_string(&mut self, value: &Spanned<DeValue<'_>>, key: &str, example: &str) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(s) if s.trim().is_empty() => {
                self.problem(value.span(), format!("`{key}` is empty"), format!("write one, like {example}"));
                None
            }
            DeValue::String(s) => Some((s.to_string(), value.span())),
            other => {
                self.problem(value.span(), format!("`{key}` is {}, not text", kind(other)), format!("write it like {example}"));
                None
            }
        }
    }

    /// A whole number above 0 that must be there.
    pub fn count(&mut self, at: &At<'_, '_>, key: &str, example: &str) -> Option<u32> {
        let value = self.needed(at, key, example)?;
        self.as_count(value, key, example)
    }

    /// A whole number above 0 that may be missing.
    pub fn optional_count(&mut self, at: &At<'_, '_>, key: &str, example: &str) -> Option<(u32, Range<usize>)> {
        let value = at.0.get(key)?;
        self.as_count(value, key, example).map(|number| (number, value.span()))
    }

    /// True or false, which may be missing.
    pub fn optional_truth(&mut self, at: &At<'_, '_>, key: &str) -> Option<bool> {
        let value = at.0.get(key)?;
        if let DeValue::Boolean(truth) = value.get_ref() {
            return Some(*truth);
        }
        self.problem(value.span(), format!("`{key}` is {}, not true or false", kind(value.get_ref())), format!("write `{key} = true`"));
        None
    }

    fn as_count(&mut self, value: &Spanned<DeValue<'_>>, key: &str, example: &str) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(i) => u32::from_str_radix(i.as_str(), i.radix()).ok().filter(|n| *n > 0),
            _ => None,
        };
        if number.is_none() {
            let what = format!("`{key}` is not a whole number above 0");
            self.problem(value.span(), what, format!("write it like `{key} = {example}`"));
        }
        number
    }

    /// A list of texts that must be there; what is no text is reported and left out.
    pub fn strings(&mut self, at: &At<'_, '_>, key: &str, example: &str) -> Option<(Vec<Text>, Range<usize>)> {
        let value = self.needed(at, key, example)?;
        let array = self.array(value, key, example)?;
        Some((array.iter().filter_map(|v| self.as_string(v, key, "\"…\"")).collect(), value.span()))
    }

    /// A list of tables that must be there; what is no table is reported and left out.
    pub fn tables<'a, 'd>(&mut self, at: &At<'a, 'd>, key: &str, example: &str) -> Vec<At<'a, 'd>> {
        let Some(value) = self.needed(at, key, example) else { return Vec::new() };
        let Some(array) = self.array(value, key, example) else { return Vec::new() };
        let mut tables = Vec::new();
        for item in array {
            match item.get_ref() {
                DeValue::Table(t) => tables.push((t, item.span())),
                other => self.problem(item.span(), format!("`{key}` holds {}", kind(other)), format!("write it like {example}")),
            }
        }
        tables
    }

    fn array<'a, 'd>(&mut self, value: &'a Spanned<DeValue<'d>>, key: &str, example: &str) -> Option<&'a toml::de::DeArray<'d>> {
        match value.get_ref() {
            DeValue::Array(a) => Some(a),
            other => {
                self.problem(value.span(), format!("`{key}` is {}, not a list", kind(other)), format!("write it like {example}"));
                None
            }
        }
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
