//! From what serde read to the model; reports what is missing or malformed on the way.

use super::super::draw::Draw;
use super::super::expr::within;
use super::super::model::{Body, Choice, Claims, Question, Source};
use super::super::rubric::FollowUp;
use super::raw::{RawCommon, RawNumber, RawNumeric, RawOpen, RawOption, RawOrder, RawShort, RawSource, RawTrueFalse};
use super::rubric::{follow_ups, points};
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
        drawn: None,
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

pub(super) fn choices(reader: &mut Reader<'_>, raw: Vec<RawOption>, places: &Places, draw: &Draw) -> Vec<Choice> {
    if raw.is_empty() {
        reader.missing(places, "", "option");
    }
    let choice = |(i, option): (usize, RawOption)| Choice {
        text: reader.required(option.text, places, &format!("option[{i}]"), "text"),
        // Of a run that was drawn, the option that names its rule is right.
        correct: option.rule.as_ref().map_or(option.correct, |rule| draw.words.get("breaks") == Some(rule)),
        why: option.why.unwrap_or_default(),
        misconception: option.misconception,
        claims: option.claims.map(Claims::from),
    };
    raw.into_iter().enumerate().map(choice).collect()
}

pub(super) fn true_false(reader: &mut Reader<'_>, raw: &mut RawTrueFalse, places: &Places, draw: &Draw) -> Body {
    let why = raw.why.take().unwrap_or_default();
    let drawn = draw.words.get("answer").map(|answer| answer == "true");
    let answer = reader.required(drawn.or(raw.answer), places, "", "answer");
    Body::TrueFalse { answer, why_true: why.yes, why_false: why.no, claims: raw.claims.map(Claims::from), verify: raw.verify.take() }
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

pub(super) fn numeric(reader: &mut Reader<'_>, raw: &mut RawNumeric, places: &Places, draw: &Draw) -> Body {
    let answer = reader.required(draw.numbers.get("answer").copied().or(raw.answer), places, "", "answer");
    let tolerance = raw.tolerance.take().map(|tolerance| number(reader, tolerance, places, "tolerance", draw));
    for (field, number) in [("answer", Some(answer)), ("tolerance", tolerance)] {
        if number.is_some_and(|n| !n.is_finite() || (field == "tolerance" && n < 0.0)) {
            reader.report_at(places.of(field), format!("'{field}' must be an ordinary number, and no tolerance is negative"));
        }
    }
    let mut near = Vec::new();
    for (i, n) in std::mem::take(&mut raw.near).into_iter().enumerate() {
        let field = format!("near[{i}]");
        match n.value {
            Some(value) => near.push((number(reader, value, places, &path(&field, "value"), draw), n.why.unwrap_or_default())),
            None => reader.missing(places, &field, "value"),
        }
    }
    let tolerance = tolerance.unwrap_or(0.0);
    if !draw.numbers.is_empty() {
        // With some values two mistakes come to one number, or to the key: then there is nothing to tell apart.
        let mut told = vec![answer];
        near.retain(|(value, _)| {
            let is_new = !told.iter().any(|other| within(*value, *other, tolerance));
            told.push(*value);
            is_new
        });
    }
    Body::Numeric { answer, tolerance, unit: raw.unit.take(), verify: raw.verify.take(), near }
}

/// A number, or what an expression of the variables comes to.
pub(super) fn number(reader: &mut Reader<'_>, raw: RawNumber, places: &Places, field: &str, draw: &Draw) -> f64 {
    match raw {
        RawNumber::Number(number) => number,
        RawNumber::Expression(expression) => draw.number(&expression).unwrap_or_else(|why| {
            reader.report_at(places.of(field), why);
            0.0
        }),
    }
}

pub(super) fn open(reader: &mut Reader<'_>, raw: &mut RawOpen, places: &Places) -> Body {
    // Bare questions come first: a file has them or tables, and the linter has its word on it.
    let bare = std::mem::take(&mut raw.follow_ups).into_iter().map(|ask| FollowUp { ask, ..FollowUp::default() });
    Body::Open {
        minutes: reader.required(raw.minutes, places, "", "minutes"),
        model_answer: reader.required(raw.model_answer.take(), places, "", "model_answer"),
        rubric: points(reader, std::mem::take(&mut raw.rubric), places, ""),
        red_flags: std::mem::take(&mut raw.red_flags),
        follow_ups: bare.chain(follow_ups(reader, std::mem::take(&mut raw.follow_up), places, "")).collect(),
    }
}
