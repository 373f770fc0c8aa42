//! Reads a topic file, and says everything that is wrong with it in one run.
//!
//! Parsing is by question, not with one tagged enum: with `#[serde(tag)]` every error points at the first question. The file
//! is parsed into spanned tables; each question's `kind` chooses a struct that refuses unknown fields; a field that does not
//! fit is reported, taken out, and the rest is read again, so that one typo does not hide the next. What is *said* in the
//! file is judged elsewhere, by the authors' linter.

mod convert;
mod drawn;
mod raw;
mod round;
mod rubric;
mod scenario;
#[cfg(test)]
mod tests;

pub use drawn::Seeds;
pub use scenario::{event_of, lines_of};

use super::draw::Draw;
use super::model::{Body, Drawn, Question, Scenario, Topic};
use crate::cli::nearest::did_you_mean;
use crate::cli::toml_reader::{Place, Places, Problem, Reader, Table};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The kinds of questions.
pub const KINDS: [&str; 8] = ["single", "multi", "true-false", "order", "short", "numeric", "open", "round"];

/// The version of the format that this program reads.
const SCHEMA: i64 = 1;

/// What could be read of a file, and all that could not. A topic with errors is for the linter alone.
#[derive(Debug)]
pub struct Parsed {
    /// The questions that could be read.
    pub topic: Topic,
    /// The rest.
    pub errors: Vec<Problem>,
}

/// Reads a topic file for asking: any error refuses it. `path` is only for messages. Variables have the values of an example.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &str, text: &str) -> Result<Topic, Vec<Problem>> {
    load_drawn(path, text, &|_| 0)
}

/// The same, with variables drawn by the seed of each question.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_drawn(path: &str, text: &str, seeds: Seeds<'_>) -> Result<Topic, Vec<Problem>> {
    let Parsed { topic, errors } = parse_drawn(path, text, seeds);
    if errors.is_empty() { Ok(topic) } else { Err(errors) }
}

/// Reads as much of a topic file as can be read.
#[must_use]
pub fn parse(path: &str, text: &str) -> Parsed {
    parse_drawn(path, text, &|_| 0)
}

/// The same, with variables drawn by the seed of each question.
#[must_use]
pub fn parse_drawn(path: &str, text: &str, seeds: Seeds<'_>) -> Parsed {
    let (mut reader, root) = Reader::parse_saying(path, text, "");
    let topic = if reader.problems.is_empty() { topic(&mut reader, root, seeds) } else { empty() };
    Parsed { topic, errors: reader.sorted() }
}

fn empty() -> Topic {
    let places = Places { header: Place::START, fields: BTreeMap::new() };
    let (id, title) = (String::new(), String::new());
    Topic { id, title, answers: BTreeMap::new(), scenarios: vec![], questions: vec![], rounds: vec![], retired: vec![], places }
}

fn topic(reader: &mut Reader<'_>, root: Spanned<DeTable<'_>>, seeds: Seeds<'_>) -> Topic {
    let span = root.span();
    let mut root = root.into_inner();
    let scenarios = reader.take_tables(&mut root, "scenario");
    let (rounds, questions): (Vec<_>, Vec<_>) = reader.take_tables(&mut root, "question").into_iter().partition(round::is_one);
    reader.refuse_control_characters(&DeValue::Table(root.clone()));
    let (head, places) = reader.read::<raw::RawHead>(Spanned::new(span, DeValue::Table(root)));
    match head.schema {
        Some(SCHEMA) => {}
        Some(other) => reader.report_at(places.of("schema"), format!("schema {other} is not known here; this program reads {SCHEMA}")),
        None => reader.missing(&places, "", "schema"),
    }
    let id = reader.required(head.topic, &places, "", "topic");
    let title = reader.required(head.title, &places, "", "title");
    let mut draws = BTreeMap::new();
    let scenarios = scenarios
        .into_iter()
        .map(|mut table| {
            let draw = drawn::scenario(reader, &mut table, &questions, seeds);
            let scenario = scenario(reader, table, &draw);
            draws.insert(scenario.id.clone(), draw);
            scenario
        })
        .collect();
    let questions = questions.into_iter().filter_map(|table| question(reader, table, &draws, seeds)).collect();
    let rounds = rounds.into_iter().map(|table| round::round(reader, table)).collect();
    Topic { id, title, answers: BTreeMap::new(), scenarios, questions, rounds, retired: head.retired, places }
}

fn scenario(reader: &mut Reader<'_>, table: Table<'_>, draw: &Draw) -> Scenario {
    reader.refuse_control_characters(table.get_ref());
    let (raw, places) = reader.read::<raw::RawScenario>(table);
    scenario::scenario(reader, raw, places, draw)
}

fn question(reader: &mut Reader<'_>, mut table: Table<'_>, draws: &BTreeMap<String, Draw>, seeds: Seeds<'_>) -> Option<Question> {
    reader.refuse_control_characters(table.get_ref());
    let drawn = drawn::question(reader, &mut table, draws, seeds);
    let mut question = shaped(reader, table, &drawn)?;
    question.drawn = drawn;
    Some(question)
}

fn shaped(reader: &mut Reader<'_>, table: Table<'_>, drawn: &Option<Drawn>) -> Option<Question> {
    let draw = &drawn.as_ref().map(|drawn| drawn.draw.clone()).unwrap_or_default();
    let span = table.span();
    let Some(kind) = table.get_ref().get("kind") else {
        reader.report(span, format!("missing field 'kind'; it may be {}", KINDS.join(", ")));
        return None;
    };
    let (kind_span, kind) = (kind.span(), kind.get_ref().as_str().unwrap_or_default().to_owned());
    Some(match kind.as_str() {
        "single" | "multi" => {
            let (mut raw, places) = reader.read::<raw::RawChoices>(table);
            let choices = convert::choices(reader, std::mem::take(&mut raw.option), &places, draw);
            let body = if kind == "single" { Body::Single(choices) } else { Body::Multi(choices) };
            convert::question(reader, raw.common(), places, body)
        }
        "true-false" => {
            let (mut raw, places) = reader.read::<raw::RawTrueFalse>(table);
            let body = convert::true_false(reader, &mut raw, &places, draw);
            convert::question(reader, raw.common(), places, body)
        }
        "order" => {
            let (mut raw, places) = reader.read::<raw::RawOrder>(table);
            let body = convert::order(reader, &mut raw, &places);
            convert::question(reader, raw.common(), places, body)
        }
        "short" => {
            let (mut raw, places) = reader.read::<raw::RawShort>(table);
            let body = convert::short(reader, &mut raw, &places);
            convert::question(reader, raw.common(), places, body)
        }
        "numeric" => {
            let (mut raw, places) = reader.read::<raw::RawNumeric>(table);
            let body = convert::numeric(reader, &mut raw, &places, draw);
            convert::question(reader, raw.common(), places, body)
        }
        "open" => {
            let (mut raw, places) = reader.read::<raw::RawOpen>(table);
            let body = convert::open(reader, &mut raw, &places);
            convert::question(reader, raw.common(), places, body)
        }
        other => {
            reader.report(kind_span, format!("unknown kind '{}'{}", other.escape_debug(), did_you_mean(other, KINDS)));
            return None;
        }
    })
}
