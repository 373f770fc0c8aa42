//! Rounds: from what serde read to the model. Their stages become open questions that stand alone.

use super::super::model::{Body, Fact, Question, Round, Stage, id_of};
use super::raw::{RawRound, RawStage};
use super::rubric::{follow_ups, points};
use super::{KINDS, convert};
use crate::cli::toml_reader::{Places, Reader, Table};
use std::collections::BTreeMap;

/// The kind, as files name it: the last one.
const KIND: &str = KINDS[KINDS.len() - 1];

/// Whether a table of the file is a round.
pub(super) fn is_one(table: &Table<'_>) -> bool {
    table.get_ref().get("kind").and_then(|kind| kind.get_ref().as_str()) == Some(KIND)
}

/// Reads one.
pub(super) fn round(reader: &mut Reader<'_>, table: Table<'_>) -> Round {
    reader.refuse_control_characters(table.get_ref());
    let (mut raw, places) = reader.read::<RawRound>(table);
    let minutes = reader.required(raw.minutes, &places, "", "minutes");
    let body = Body::Open { minutes, model_answer: String::new(), rubric: vec![], red_flags: vec![], follow_ups: vec![] };
    let stages = std::mem::take(&mut raw.stage);
    let head = convert::question(reader, raw.common(), places, body);
    if stages.is_empty() {
        reader.missing(&head.places, "", "stage");
    }
    let mut round = Round { head, minutes, stages: Vec::new() };
    for (i, raw) in stages.into_iter().enumerate() {
        let stage = stage(reader, raw, &round, i);
        round.stages.push(stage);
    }
    round
}

fn stage(reader: &mut Reader<'_>, mut raw: RawStage, round: &Round, index: usize) -> Stage {
    let (head, table) = (&round.head, format!("stage[{index}]"));
    let name = reader.required(raw.name.take(), &head.places, &table, "name");
    let ask = reader.required(raw.ask.take(), &head.places, &table, "ask");
    let minutes = reader.required(raw.minutes, &head.places, &table, "minutes");
    let model_answer = reader.required(raw.answer.take(), &head.places, &table, "answer");
    let rubric = points(reader, std::mem::take(&mut raw.rubric), &head.places, &table);
    let follow_ups = follow_ups(reader, std::mem::take(&mut raw.follow_up), &head.places, &table);
    let mut facts = Vec::new();
    for (i, fact) in std::mem::take(&mut raw.facts).into_iter().enumerate() {
        let at = format!("{table}.facts[{i}]");
        let asked = reader.required(fact.asked, &head.places, &at, "asked");
        facts.push(Fact { asked, said: reader.required(fact.said, &head.places, &at, "said") });
    }
    // Whoever is asked for one stage alone, days later, knows what was known by then.
    let known: String = round.facts_before(index).map(|fact| format!("\n- {}", fact.shown())).collect();
    let prompt = format!("{}{known}\n{}", head.prompt.trim(), ask.trim());
    let body = Body::Open { minutes, model_answer, rubric, red_flags: raw.red_flags, follow_ups };
    let places = within(&head.places, &table);
    Stage { question: Question { id: id_of(&head.id, &name), prompt, body, places, ..head.clone() }, name, ask, facts }
}

/// The places of a table inside another one, by its own fields.
fn within(places: &Places, table: &str) -> Places {
    let own = |(path, place): (&String, &_)| Some((path.strip_prefix(table)?.strip_prefix('.')?.to_owned(), *place));
    Places { header: places.of(table), fields: places.fields.iter().filter_map(own).collect::<BTreeMap<_, _>>() }
}
