//! Variables of scenarios and questions, drawn before the rest of a table is read: their texts are filled, so all that comes after it sees a
//! question like any other.

use super::super::draw::{Draw, draw};
use super::super::expr::{Value, evaluate_with};
use super::super::model::Drawn;
use crate::cli::fingerprint::fnv;
use crate::cli::toml_reader::{Reader, Table};
use crate::rng::{Rng, mix};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The seed of a question, by its id: another one draws other values.
pub type Seeds<'a> = &'a dyn Fn(&str) -> u64;

/// Draws what a scenario has to draw: its variables, and one of its runs. The questions that stand on it decide the seed together.
pub(super) fn scenario(reader: &mut Reader<'_>, table: &mut Table<'_>, questions: &[Table<'_>], seeds: Seeds<'_>) -> Draw {
    let span = table.span();
    let DeValue::Table(fields) = table.get_mut() else { return Draw::default() };
    let id = text(fields, "id").unwrap_or_default().to_owned();
    let stands = |question: &&Table<'_>| field(question, "scenario") == Some(&id);
    let seed = questions.iter().filter(stands).filter_map(|question| field(question, "id")).fold(0, |all, id| mix(all ^ seeds(id)));
    let mut draw = drawn(reader, fields, &Draw::default(), seed).unwrap_or_default();
    if let Some(pool) = fields.get("pool").and_then(|pool| pool.get_ref().as_array())
        && !pool.is_empty()
    {
        let one = &pool[Rng::stream(seed, 18).below(pool.len() as u64) as usize];
        for (key, name) in [("run", "run"), ("breaks", "breaks"), ("why", "why")] {
            match one.get_ref().as_table().and_then(|one| text(one, key)) {
                Some(value) => drop(draw.words.insert(name.to_owned(), value.to_owned())),
                None => reader.report(one.span(), format!("a run of a pool has its '{key}'")),
            }
        }
    }
    if draw != Draw::default() {
        fill(reader, fields, &draw, span);
    }
    draw
}

/// Draws the variables of a question, beside those of its scenario, computes its key, and fills its texts. Nothing for one without.
pub(super) fn question(reader: &mut Reader<'_>, table: &mut Table<'_>, draws: &BTreeMap<String, Draw>, seeds: Seeds<'_>) -> Option<Drawn> {
    let span = table.span();
    let DeValue::Table(fields) = table.get_mut() else { return None };
    let base = text(fields, "scenario").and_then(|id| draws.get(id)).cloned().unwrap_or_default();
    let id = text(fields, "id").unwrap_or_default().to_owned();
    let of_id = id.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
    let own = drawn(reader, fields, &base, mix(seeds(&id) ^ of_id));
    if own.is_none() && base == Draw::default() {
        return None;
    }
    let mut draw = own.unwrap_or(base);
    let template = fnv(template(fields).as_bytes());
    // The key of a number, or of a statement, is what `verify` comes to.
    if let Some(verify) = fields.get("verify") {
        let span = verify.span();
        match text(fields, "verify").map(|verify| evaluate_with(verify, &draw.numbers)) {
            Some(Ok(Value::Number(answer))) => drop(draw.numbers.insert("answer".to_owned(), answer)),
            Some(Ok(Value::Truth(truth))) => drop(draw.words.insert("answer".to_owned(), truth.to_string())),
            Some(Err(why)) => reader.report(span, format!("'verify' cannot be computed: {why}")),
            None => {}
        }
        if let Some((key, _)) = fields.get_key_value("answer") {
            reader.report(key.span(), "a question with variables has no 'answer' of its own: 'verify' computes it; take it out".to_owned());
        }
    }
    fill(reader, fields, &draw, span);
    Some(Drawn { draw, template })
}

fn drawn(reader: &mut Reader<'_>, fields: &DeTable<'_>, base: &Draw, seed: u64) -> Option<Draw> {
    let vars = fields.get("vars")?;
    let list = vars.get_ref().as_array()?;
    let vars_of: Vec<String> = list.iter().filter_map(|var| var.get_ref().as_str().map(str::to_owned)).collect();
    match draw(base, &vars_of, text(fields, "where"), seed) {
        Ok(draw) => Some(draw),
        Err(why) => {
            reader.report(vars.span(), why);
            None
        }
    }
}

fn fill(reader: &mut Reader<'_>, fields: &mut DeTable<'_>, draw: &Draw, span: Range<usize>) {
    if let Err((at, why)) = draw.fill(fields) {
        reader.report(if at.is_empty() { span } else { at }, why);
    }
}

/// What is asked, whatever was drawn: a fingerprint of it tells whether the question has changed.
fn template(fields: &DeTable<'_>) -> String {
    let mut all = String::new();
    for key in ["kind", "prompt", "vars", "where", "verify", "option", "items", "accept", "scenario"] {
        if let Some(value) = fields.get(key) {
            texts(value.get_ref(), &mut all);
        }
    }
    all
}

fn texts(value: &DeValue<'_>, all: &mut String) {
    match value {
        DeValue::String(text) => {
            all.push_str(text);
            all.push('\u{1f}');
        }
        DeValue::Array(items) => items.iter().for_each(|item| texts(item.get_ref(), all)),
        DeValue::Table(table) => table.iter().filter(|(key, _)| key.get_ref() == "text").for_each(|(_, value)| texts(value.get_ref(), all)),
        _ => {}
    }
}

fn text<'a>(fields: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    fields.get(key)?.get_ref().as_str()
}

fn field<'a>(table: &'a Table<'_>, key: &str) -> Option<&'a str> {
    text(table.get_ref().as_table()?, key)
}
