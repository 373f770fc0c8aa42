//! Reads the tables of a file into structs. Where a field does not fit, it is reported and taken out, and the rest is read again, so that
//! one typo does not hide the next.

use super::{Place, Places, Reader, is_hidden};
use crate::cli::nearest::did_you_mean;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A table that is taken apart.
pub type Table<'i> = Spanned<DeValue<'i>>;

impl Reader<'_> {
    /// Says that a field is missing, at the table that should have it. A field of the wrong type has been reported already.
    pub fn missing(&mut self, places: &Places, table: &str, field: &str) {
        if places.fields.contains_key(&path(table, field)) {
            return;
        }
        self.report_at(places.of(table), format!("missing field '{field}'"));
    }

    /// Takes an array of tables out of the file.
    pub fn take_tables<'i>(&mut self, root: &mut DeTable<'i>, name: &str) -> Vec<Table<'i>> {
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

    /// Reads one table. What does not fit is reported and taken out, until the rest fits.
    pub fn read<T: DeserializeOwned + Default>(&mut self, mut table: Table<'_>) -> (T, Places) {
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
    pub fn refuse_control_characters(&mut self, value: &DeValue<'_>) {
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
    pub fn required<V: Default>(&mut self, value: Option<V>, places: &Places, table: &str, field: &str) -> V {
        if value.is_none() {
            self.missing(places, table, field);
        }
        value.unwrap_or_default()
    }
}

/// The path of a field.
#[must_use]
pub fn path(table: &str, field: &str) -> String {
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
