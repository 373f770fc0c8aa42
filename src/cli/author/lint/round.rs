//! Rules over design rounds and over what is asked next: stages and their minutes, points and musts, what is asked when, and how long
//! all of it may be.

use super::{Lint, Rules};
use crate::cli::figures::plural;
use crate::cli::quiz::model::{Body, Question, Round, STAGES, Stage, Topic};
use crate::cli::quiz::rubric::{FollowUp, Point};
use crate::cli::quiz::session::is_drawn;
use crate::cli::toml_reader::{Places, path};
use crate::cli::wrap::columns;
use std::ops::RangeInclusive;

/// A stage may be so many minutes longer or shorter than usual.
const SHIFT: u32 = 3;
/// The minutes of a round.
const MINUTES: u32 = 45;
/// The stage whose facts are asked for.
const SCOPE: &str = "scope";
/// The stage whose answer is a drawing.
const DRAWING: &str = "drawing";
/// Columns of a drawing.
const DRAWN: usize = 72;

const FACTS: RangeInclusive<usize> = 4..=8;
const POINTS: RangeInclusive<usize> = 3..=5;
const RED_FLAGS: RangeInclusive<usize> = 1..=3;
const FOLLOW_UPS: RangeInclusive<usize> = 1..=3;
const FOLLOW_UP_POINTS: RangeInclusive<usize> = 2..=4;

/// Words of each text.
const PROMPT: RangeInclusive<usize> = 1..=60;
const EXPLANATION: RangeInclusive<usize> = 1..=90;
const ASK: RangeInclusive<usize> = 1..=50;
const ANSWER: RangeInclusive<usize> = 80..=220;
const NEXT_ASK: RangeInclusive<usize> = 1..=60;
const NEXT_ANSWER: RangeInclusive<usize> = 60..=140;
/// One sentence.
pub(super) const WHY: RangeInclusive<usize> = 4..=40;

pub(super) fn round(lint: &mut Lint<'_>, round: &Round, topic: &Topic, rules: &Rules<'_>) {
    let places = &round.head.places;
    super::question::shared(lint, &round.head, topic, rules);
    words(lint, places, "prompt", &round.head.prompt, &PROMPT);
    words(lint, places, "explanation", &round.head.explanation, &EXPLANATION);
    stages(lint, round);
    let names: Vec<&str> = round.stages.iter().map(|stage| stage.name.as_str()).collect();
    for (stage, name) in round.stages.iter().zip(&names) {
        self::stage(lint, stage, *name == SCOPE);
    }
    let all = || round.stages.iter().filter_map(|stage| open(&stage.question));
    if !all().any(|body| body.rubric.iter().any(|point| point.must)) {
        lint.error("E17", places.header, "no stage has a must; mark what a design cannot do without");
    }
}

/// Names and order, and that the minutes add up.
fn stages(lint: &mut Lint<'_>, round: &Round) {
    let places = &round.head.places;
    let names: Vec<&str> = round.stages.iter().map(|stage| stage.name.as_str()).collect();
    let wanted = STAGES.map(|(name, _)| name);
    if names != wanted {
        lint.error("E16", places.of("stage"), format!("the stages are {}; write {}, in this order", names.join(", "), wanted.join(", ")));
    }
    let minutes = |stage: &Stage| open(&stage.question).map_or(0, |body| body.minutes);
    for (n, stage) in round.stages.iter().enumerate() {
        let usual = STAGES.iter().find(|(name, _)| *name == stage.name).map(|(_, usual)| *usual);
        if let Some(usual) = usual.filter(|usual| usual.abs_diff(minutes(stage)) > SHIFT) {
            let place = places.of(&format!("stage[{n}].minutes"));
            lint.error("E16", place, format!("'{}' has {} minutes; about {usual} are usual", stage.name, minutes(stage)));
        }
    }
    let sum: u32 = round.stages.iter().map(minutes).sum();
    if round.minutes != MINUTES || sum != round.minutes {
        let cure = format!("a round has {MINUTES}, and they add up to it");
        lint.error("E16", places.of("minutes"), format!("'minutes' is {}, and those of the stages add up to {sum}; {cure}", round.minutes));
    }
}

fn stage(lint: &mut Lint<'_>, stage: &Stage, is_scope: bool) {
    let places = &stage.question.places;
    let Some(body) = open(&stage.question) else { return };
    words(lint, places, "ask", &stage.ask, &ASK);
    words(lint, places, "answer", body.model_answer, &ANSWER);
    if stage.name == DRAWING {
        drawing(lint, places, body.model_answer);
    }
    number(lint, "E17", places, "rubric", body.rubric.len(), &POINTS, ("point", "points"));
    number(lint, "E17", places, "red_flags", body.red_flags.len(), &RED_FLAGS, ("red flag", "red flags"));
    number(lint, "E17", places, "follow_up", body.follow_ups.len(), &FOLLOW_UPS, ("follow-up", "follow-ups"));
    if is_scope {
        number(lint, "E17", places, "facts", stage.facts.len(), &FACTS, ("fact", "facts"));
    } else if !stage.facts.is_empty() {
        lint.error("E17", places.of("facts"), format!("facts belong to the stage '{SCOPE}': they are asked for before anything is built"));
    }
    follow_ups(lint, places, body.follow_ups, body.rubric, true);
}

/// It is there, and fits the screen.
fn drawing(lint: &mut Lint<'_>, places: &Places, answer: &str) {
    let drawn: Vec<&str> = answer.split("\n\n").filter(|paragraph| is_drawn(paragraph)).flat_map(str::lines).collect();
    if drawn.is_empty() {
        lint.error("E19", places.of("answer"), format!("no drawing; draw it in signs of a keyboard, up to {DRAWN} columns wide"));
    }
    if let Some(line) = drawn.iter().find(|line| columns(line) > DRAWN) {
        let message = format!(
            "a drawn line of {} columns, up to {DRAWN} fit: '{}'; break it, or end the drawing with an empty line",
            columns(line),
            line.trim()
        );
        lint.error("E19", places.of("answer"), message);
    }
}

/// What is asked after an open question.
pub(super) fn after(lint: &mut Lint<'_>, question: &Question) {
    let Some(body) = open(question) else { return };
    let places = &question.places;
    if body.follow_ups.iter().any(|next| next.rubric.is_empty()) && places.fields.contains_key("follow_ups") {
        let cure = "write [[question.follow_up]] tables, each with its answer, its rubric and why it is asked";
        lint.error("E20", places.of("follow_ups"), format!("bare follow-up questions; {cure}"));
    }
    // Bare ones come first, and have no place of their own.
    let bare = body.follow_ups.iter().filter(|next| is_bare(next)).count();
    follow_ups(lint, places, &body.follow_ups[bare..], body.rubric, bare == 0);
}

fn is_bare(next: &FollowUp) -> bool {
    next.rubric.is_empty() && next.answer.is_empty() && next.why.is_empty() && next.when.is_none()
}

/// `each_must`: each must of what is `before` them has one that asks for it.
fn follow_ups(lint: &mut Lint<'_>, places: &Places, all: &[FollowUp], before: &[Point], each_must: bool) {
    let unasked = |at: usize| each_must && all.iter().all(|next| next.when != Some(at));
    for (at, point) in before.iter().enumerate().filter(|(at, point)| point.must && unasked(*at)) {
        let message = format!("no follow-up asks for the must \"{}\"; give one `when = {}`", point.point, at + 1);
        lint.error("E18", places.of("rubric"), message);
    }
    for (n, next) in all.iter().enumerate() {
        let table = format!("follow_up[{n}]");
        let field = |name: &str| path(&table, name);
        if next.when.is_some_and(|at| at >= before.len()) {
            let number = next.when.map_or(0, |at| at + 1);
            let message = format!("`when` names point {number} of {}; they count from 1", before.len());
            lint.error("E18", places.of(&field("when")), message);
        }
        words(lint, places, &field("ask"), &next.ask, &NEXT_ASK);
        words(lint, places, &field("answer"), &next.answer, &NEXT_ANSWER);
        words(lint, places, &field("why"), &next.why, &WHY);
        number(lint, "E17", places, &field("rubric"), next.rubric.len(), &FOLLOW_UP_POINTS, ("point", "points"));
        if !next.rubric.is_empty() && !next.rubric.iter().any(|point| point.must) {
            lint.error("E17", places.of(&field("rubric")), "no point is a must; mark what an answer cannot do without");
        }
    }
}

/// What an open question has.
struct Open<'q> {
    minutes: u32,
    model_answer: &'q str,
    rubric: &'q [Point],
    red_flags: &'q [String],
    follow_ups: &'q [FollowUp],
}

fn open(question: &Question) -> Option<Open<'_>> {
    let Body::Open { minutes, model_answer, rubric, red_flags, follow_ups } = &question.body else { return None };
    Some(Open { minutes: *minutes, model_answer, rubric, red_flags, follow_ups })
}

fn words(lint: &mut Lint<'_>, places: &Places, field: &str, text: &str, wanted: &RangeInclusive<usize>) {
    // The strokes of a drawing are no words.
    let count = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    let name = field.rsplit('.').next().unwrap_or(field);
    let (least, most) = (wanted.start(), wanted.end());
    if count == 0 {
        lint.error("E19", places.of(field), format!("no '{name}'; write {least} to {most} words"));
    } else if !wanted.contains(&count) {
        let have = plural(count as u64, "word", "words");
        lint.error("E19", places.of(field), format!("'{name}' has {have}; write {least} to {most}"));
    }
}

fn number(
    lint: &mut Lint<'_>,
    rule: &'static str,
    places: &Places,
    field: &str,
    count: usize,
    wanted: &RangeInclusive<usize>,
    (one, many): (&str, &str),
) {
    if !wanted.contains(&count) {
        let message = format!("{}; write {} to {}", plural(count as u64, one, many), wanted.start(), wanted.end());
        lint.error(rule, places.of(field), message);
    }
}
