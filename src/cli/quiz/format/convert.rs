//! From what serde read to the model; reports what is missing or malformed on the way.

use super::super::model::{Body, Choice, Claims, Point, Question, Source};
use super::raw::{RawCommon, RawNumeric, RawOpen, RawOption, RawOrder, RawShort, RawSource, RawTrueFalse};
use crate::cli::toml_reader::{Places, Reader, path};

pub(super) fn question(reader: &mut Reader<'_>, raw: RawCommon, places: Places, body: Body) -> Question {
    let id = reader.required(raw.id, &places, "", "id");
    check_id(reader, &id, &places);
    let rev = reader.required(raw.rev, &places, "", "rev");
    let difficulty = reader.required(raw.difficulty, &places, "", "difficulty");
    if raw.difficulty.is_some() && !(1..=5).contains(&difficulty) {
        reader.report_at(places.of("difficulty"), format!("difficulty {difficulty} is not between 1 and 5"));
    }
    let prompt = reader.required(raw.prompt, &places, "", "prompt");
    let sources = raw.sources.into_iter().enumerate().map(|(i, s)| source(reader, s, &places, i)).collect();
    Question {
        id,
        rev,
        difficulty,
        tags: raw.tags,
        prompt,
        // That these are there is for the linter: a draft may be parsed without.
        explanation: raw.explanation.unwrap_or_default(),
        sources,
        scenario: raw.scenario,
        exercise: raw.exercise,
        rule: raw.rule,
        body,
        places,
    }
}

/// Ids are words of small letters and digits, joined by `-`: they are keys in files and arguments in shells.
pub(super) fn check_id(reader: &mut Reader<'_>, id: &str, places: &Places) {
    let fine = id.split('-').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    if !id.is_empty() && !fine {
        reader.report_at(places.of("id"), format!("'{id}' is no id; write small letters, digits and '-': 'quorum-of-five'"));
    }
}

fn source(reader: &mut Reader<'_>, raw: RawSource, places: &Places, index: usize) -> Source {
    let title = reader.required(raw.title, places, &format!("sources[{index}]"), "title");
    Source { title, loc: raw.loc, url: raw.url }
}

pub(super) fn choices(reader: &mut Reader<'_>, raw: Vec<RawOption>, places: &Places) -> Vec<Choice> {
    if raw.is_empty() {
        reader.missing(places, "", "option");
    }
    let choice = |(i, option): (usize, RawOption)| Choice {
        text: reader.required(option.text, places, &format!("option[{i}]"), "text"),
        correct: option.correct,
        why: option.why.unwrap_or_default(),
        misconception: option.misconception,
        claims: option.claims.map(Claims::from),
    };
    raw.into_iter().enumerate().map(choice).collect()
}

pub(super) fn true_false(reader: &mut Reader<'_>, raw: &mut RawTrueFalse, places: &Places) -> Body {
    let why = raw.why.take().unwrap_or_default();
    let answer = reader.required(raw.answer, places, "", "answer");
    Body::TrueFalse { answer, why_true: why.yes, why_false: why.no, claims: raw.claims.map(Claims::from) }
}

pub(super) fn order(reader: &mut Reader<'_>, raw: &mut RawOrder, places: &Places) -> Body {
    if raw.items.is_empty() {
        reader.missing(places, "", "items");
    }
    Body::Order { items: std::mem::take(&mut raw.items), before: reader.required(raw.before.take(), places, "", "before") }
}

pub(super) fn short(reader: &mut Reader<'_>, raw: &mut RawShort, places: &Places) -> Body {
    if raw.accept.is_empty() {
        reader.missing(places, "", "accept");
    }
    let mut near = Vec::new();
    for (i, n) in std::mem::take(&mut raw.near).into_iter().enumerate() {
        let text = reader.required(n.text, places, &format!("near[{i}]"), "text");
        near.push((text, n.why.unwrap_or_default()));
    }
    Body::Short { accept: std::mem::take(&mut raw.accept), near }
}

pub(super) fn numeric(reader: &mut Reader<'_>, raw: &mut RawNumeric, places: &Places) -> Body {
    let answer = reader.required(raw.answer, places, "", "answer");
    for (field, number) in [("answer", Some(answer)), ("tolerance", raw.tolerance)] {
        if number.is_some_and(|n| !n.is_finite() || (field == "tolerance" && n < 0.0)) {
            reader.report_at(places.of(field), format!("'{field}' must be an ordinary number, and no tolerance is negative"));
        }
    }
    let mut near = Vec::new();
    for (i, n) in std::mem::take(&mut raw.near).into_iter().enumerate() {
        let value = reader.required(n.value, places, &format!("near[{i}]"), "value");
        near.push((value, n.why.unwrap_or_default()));
    }
    Body::Numeric { answer, tolerance: raw.tolerance.unwrap_or(0.0), unit: raw.unit.take(), verify: raw.verify.take(), near }
}

pub(super) fn open(reader: &mut Reader<'_>, raw: &mut RawOpen, places: &Places) -> Body {
    let mut rubric = Vec::new();
    for (i, p) in std::mem::take(&mut raw.rubric).into_iter().enumerate() {
        let table = format!("rubric[{i}]");
        let point = reader.required(p.point, places, &table, "point");
        let weight: u32 = reader.required(p.weight, places, &table, "weight");
        if weight > 10 || p.weight == Some(0) {
            reader.report_at(places.of(&path(&table, "weight")), "a weight is between 1 and 10".to_owned());
        }
        rubric.push(Point { point, weight, must: p.must });
    }
    Body::Open {
        minutes: reader.required(raw.minutes, places, "", "minutes"),
        model_answer: reader.required(raw.model_answer.take(), places, "", "model_answer"),
        rubric,
        red_flags: std::mem::take(&mut raw.red_flags),
        follow_ups: std::mem::take(&mut raw.follow_ups),
    }
}
