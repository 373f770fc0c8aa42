//! Reads a topic file, and says everything that is wrong with it in one run.
//!
//! Parsing is by question, not with one tagged enum: with `#[serde(tag)]` every error points at the first question. The file
//! is parsed into spanned tables; each question's `kind` chooses a struct that refuses unknown fields; a field that does not
//! fit is reported, taken out, and the rest is read again, so that one typo does not hide the next. What is *said* in the
//! file is judged elsewhere, by the authors' linter.

mod convert;
mod raw;
mod scenario;
#[cfg(test)]
mod tests;

pub use scenario::lines_of;

use super::diagnostic::{Diagnostic, Lines, Place, Severity, is_hidden};
use super::model::{Body, Places, Question, Scenario, Topic};
use crate::cli::nearest::did_you_mean;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// The kinds of questions.
pub const KINDS: [&str; 7] = ["single", "multi", "true-false", "order", "short", "numeric", "open"];

/// The version of the format that this program reads.
const SCHEMA: i64 = 1;

/// What could be read of a file, and all that could not. A topic with errors is for the linter alone.
#[derive(Debug)]
pub struct Parsed {
    /// The questions that could be read.
    pub topic: Topic,
    /// The rest.
    pub errors: Vec<Diagnostic>,
}

/// Reads a topic file for asking: any error refuses it. `path` is only for messages.
pub fn load(path: &str, text: &str) -> Result<Topic, Vec<Diagnostic>> {
    let Parsed { topic, errors } = parse(path, text);
    if errors.is_empty() { Ok(topic) } else { Err(errors) }
}

/// Reads as much of a topic file as can be read.
#[must_use]
pub fn parse(path: &str, text: &str) -> Parsed {
    let mut reader = Reader { path, lines: Lines::new(text), errors: Vec::new() };
    let (root, broken) = DeTable::parse_recoverable(text);
    for error in &broken {
        reader.report(error.span().unwrap_or_default(), error.message().to_owned());
    }
    let topic = if broken.is_empty() { reader.topic(root) } else { reader.empty() };
    reader.errors.sort_by_key(|error| error.place);
    Parsed { topic, errors: reader.errors }
}

type Table<'i> = Spanned<DeValue<'i>>;

struct Reader<'a> {
    path: &'a str,
    lines: Lines<'a>,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(&mut self, span: Range<usize>, message: String) {
        self.report_at(self.lines.place(&span), message);
    }

    fn report_at(&mut self, place: Place, message: String) {
        let path = self.path.to_owned();
        self.errors.push(Diagnostic { path, place, severity: Severity::Error, rule: "format", message });
    }

    /// Says that a field is missing, at the table that should have it. A field of the wrong type has been reported already.
    fn missing(&mut self, places: &Places, table: &str, field: &str) {
        if places.fields.contains_key(&path(table, field)) {
            return;
        }
        self.report_at(places.of(table), format!("missing field '{field}'"));
    }

    fn empty(&self) -> Topic {
        let places = Places { header: Place::START, fields: BTreeMap::new() };
        let (id, title) = (String::new(), String::new());
        Topic { id, title, primer: None, scenarios: vec![], questions: vec![], retired: vec![], places }
    }

    fn topic(&mut self, root: Spanned<DeTable<'_>>) -> Topic {
        let span = root.span();
        let mut root = root.into_inner();
        let scenarios = self.tables(&mut root, "scenario");
        let questions = self.tables(&mut root, "question");
        self.refuse_control_characters(&DeValue::Table(root.clone()));
        let (head, places) = self.read::<raw::RawHead>(Spanned::new(span, DeValue::Table(root)));
        match head.schema {
            Some(SCHEMA) => {}
            Some(other) => self.report_at(places.of("schema"), format!("schema {other} is not known here; this program reads {SCHEMA}")),
            None => self.missing(&places, "", "schema"),
        }
        let id = self.required(head.topic, &places, "", "topic");
        let title = self.required(head.title, &places, "", "title");
        let scenarios = scenarios.into_iter().map(|table| self.scenario(table)).collect();
        let questions = questions.into_iter().filter_map(|table| self.question(table)).collect();
        Topic { id, title, primer: head.primer, scenarios, questions, retired: head.retired, places }
    }

    /// Takes an array of tables out of the file.
    fn tables<'i>(&mut self, root: &mut DeTable<'i>, name: &str) -> Vec<Table<'i>> {
        let Some(value) = root.remove(name) else { return Vec::new() };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(items) => {
                let (tables, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.get_ref().is_table());
                others.iter().for_each(|other| self.report(other.span(), format!("a table belongs here: [[{name}]]")));
                tables
            }
            _ => {
                self.report(span, format!("'{name}' must be a list of tables: [[{name}]]"));
                Vec::new()
            }
        }
    }

    fn scenario(&mut self, table: Table<'_>) -> Scenario {
        self.refuse_control_characters(table.get_ref());
        let (raw, places) = self.read::<raw::RawScenario>(table);
        scenario::scenario(self, raw, places)
    }

    fn question(&mut self, table: Table<'_>) -> Option<Question> {
        self.refuse_control_characters(table.get_ref());
        let span = table.span();
        let Some(kind) = table.get_ref().get("kind") else {
            self.report(span, format!("missing field 'kind'; it may be {}", KINDS.join(", ")));
            return None;
        };
        let (kind_span, kind) = (kind.span(), kind.get_ref().as_str().unwrap_or_default().to_owned());
        Some(match kind.as_str() {
            "single" | "multi" => {
                let (mut raw, places) = self.read::<raw::RawChoices>(table);
                let choices = convert::choices(self, std::mem::take(&mut raw.option), &places);
                let body = if kind == "single" { Body::Single(choices) } else { Body::Multi(choices) };
                convert::question(self, raw.common(), places, body)
            }
            "true-false" => {
                let (mut raw, places) = self.read::<raw::RawTrueFalse>(table);
                let body = convert::true_false(self, &mut raw, &places);
                convert::question(self, raw.common(), places, body)
            }
            "order" => {
                let (mut raw, places) = self.read::<raw::RawOrder>(table);
                let body = convert::order(self, &mut raw, &places);
                convert::question(self, raw.common(), places, body)
            }
            "short" => {
                let (mut raw, places) = self.read::<raw::RawShort>(table);
                let body = convert::short(self, &mut raw, &places);
                convert::question(self, raw.common(), places, body)
            }
            "numeric" => {
                let (mut raw, places) = self.read::<raw::RawNumeric>(table);
                let body = convert::numeric(self, &mut raw, &places);
                convert::question(self, raw.common(), places, body)
            }
            "open" => {
                let (mut raw, places) = self.read::<raw::RawOpen>(table);
                let body = convert::open(self, &mut raw, &places);
                convert::question(self, raw.common(), places, body)
            }
            other => {
                self.report(kind_span, format!("unknown kind '{}'{}", other.escape_debug(), did_you_mean(other, KINDS)));
                return None;
            }
        })
    }

    /// Reads one table. What does not fit is reported and taken out, until the rest fits.
    fn read<T: DeserializeOwned + Default>(&mut self, mut table: Table<'_>) -> (T, Places) {
        let mut places = Places { header: self.lines.place(&table.span()), fields: BTreeMap::new() };
        self.note_places(table.get_ref(), "", &mut places.fields);
        loop {
            match T::deserialize(ValueDeserializer::from(table.clone())) {
                Ok(value) => return (value, places),
                Err(error) => {
                    let span = error.span().unwrap_or(table.span());
                    self.report(span.clone(), in_our_words(error.message()));
                    let DeValue::Table(fields) = table.get_mut() else { return (T::default(), places) };
                    if !take_out(fields, &span) {
                        return (T::default(), places);
                    }
                }
            }
        }
    }

    fn note_places(&self, value: &DeValue<'_>, path: &str, places: &mut BTreeMap<String, Place>) {
        match value {
            DeValue::Table(table) => {
                for (key, value) in table {
                    let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
                    places.insert(path.clone(), self.lines.place(&key.span()));
                    self.note_places(value.get_ref(), &path, places);
                }
            }
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    places.insert(path.clone(), self.lines.place(&item.span()));
                    self.note_places(item.get_ref(), &path, places);
                }
            }
            _ => {}
        }
    }

    /// Text from a file reaches the screen: no escape sequence and no character that reorders or hides text may be in it.
    fn refuse_control_characters(&mut self, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.refuse_in(key.get_ref(), key.span());
                    self.refuse_value(value);
                }
            }
            DeValue::Array(items) => items.iter().for_each(|item| self.refuse_value(item)),
            _ => {}
        }
    }

    fn refuse_value(&mut self, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::String(text) => self.refuse_in(text, value.span()),
            other => self.refuse_control_characters(other),
        }
    }

    fn refuse_in(&mut self, text: &str, span: Range<usize>) {
        if let Some(bad) = text.chars().find(|&c| is_hidden(c)) {
            self.report(span, format!("the character {} may not stand in a text; take it out", bad.escape_unicode()));
        }
    }

    /// The value, or nothing and an error.
    fn required<V: Default>(&mut self, value: Option<V>, places: &Places, table: &str, field: &str) -> V {
        if value.is_none() {
            self.missing(places, table, field);
        }
        value.unwrap_or_default()
    }
}

fn path(table: &str, field: &str) -> String {
    if table.is_empty() { field.to_owned() } else { format!("{table}.{field}") }
}

/// Takes the innermost field out that a span lies in. False if there is none.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let inside = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    for (_, value) in table.iter_mut() {
        if inside(value.span()) && take_out_inside(value.get_mut(), span) {
            return true;
        }
    }
    let found = table.iter().find(|(key, value)| inside(key.span()) || inside(value.span()));
    let found = found.map(|(key, _)| key.get_ref().to_string());
    found.is_some_and(|key| table.remove(key.as_str()).is_some())
}

fn take_out_inside(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => take_out(table, span),
        DeValue::Array(items) => items.iter_mut().any(|item| {
            let outer = item.span();
            outer.start <= span.start && span.end <= outer.end && take_out_inside(item.get_mut(), span)
        }),
        _ => false,
    }
}

/// Serde's sentences, without the types of this program in them.
fn in_our_words(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown field"), quoted.next()) {
        (true, Some(field)) => {
            let known: Vec<&str> = quoted.collect();
            format!("unknown field '{}'{}", field.escape_debug(), did_you_mean(field, known))
        }
        _ => {
            let message = message.replace('`', "'");
            let types = [("u8", "a small whole number"), ("u32", "a whole number"), ("u64", "a whole number"), ("i64", "a whole number")];
            let more =
                [("f64", "a number"), ("a sequence", "a list"), ("a boolean", "true or false"), ("a tuple of size 2", "two numbers")];
            let known = types.iter().chain(&more).find(|(rust, _)| message.ends_with(&format!("expected {rust}")));
            match (known, message.split_once("expected struct ")) {
                (Some((rust, plain)), _) => format!("{}{plain}", &message[..message.len() - rust.len()]),
                (None, Some((before, _))) => format!("{before}expected a table"),
                (None, None) => message,
            }
        }
    }
}
