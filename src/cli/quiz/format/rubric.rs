//! Rubrics and follow-ups, of open questions and of stages: from what serde read to the model.

use super::super::rubric::{FollowUp, Point, Skill};
use super::raw::{RawFollowUp, RawPoint};
use crate::cli::toml_reader::{Places, Reader, path};

/// The points of a rubric that stands in that table of a question.
pub(super) fn points(reader: &mut Reader<'_>, raw: Vec<RawPoint>, places: &Places, inside: &str) -> Vec<Point> {
    let mut rubric = Vec::new();
    for (i, raw) in raw.into_iter().enumerate() {
        let table = path(inside, &format!("rubric[{i}]"));
        let point = reader.required(raw.point, places, &table, "point");
        let weight: u32 = reader.required(raw.weight, places, &table, "weight");
        if weight > 10 || raw.weight == Some(0) {
            reader.report_at(places.of(&path(&table, "weight")), "a weight is between 1 and 10".to_owned());
        }
        let of = raw.of.as_deref().and_then(Skill::of);
        if let (Some(word), None) = (&raw.of, of) {
            let known = Skill::ALL.map(|skill| format!("'{}'", skill.word())).join(", ");
            reader.report_at(places.of(&path(&table, "of")), format!("'{}' is none of {known}", word.escape_debug()));
        }
        rubric.push(Point { point, weight, must: raw.must, of });
    }
    rubric
}

/// What is asked next, written as tables.
pub(super) fn follow_ups(reader: &mut Reader<'_>, raw: Vec<RawFollowUp>, places: &Places, inside: &str) -> Vec<FollowUp> {
    let mut all = Vec::new();
    for (i, raw) in raw.into_iter().enumerate() {
        let table = path(inside, &format!("follow_up[{i}]"));
        if raw.when == Some(0) {
            reader.report_at(places.of(&path(&table, "when")), "points are counted from 1".to_owned());
        }
        all.push(FollowUp {
            ask: reader.required(raw.ask, places, &table, "ask"),
            when: raw.when.and_then(|number| usize::try_from(number).ok()?.checked_sub(1)),
            // That there is something in them is for the linter.
            why: raw.why.unwrap_or_default(),
            answer: raw.answer.unwrap_or_default(),
            rubric: points(reader, raw.rubric, places, &table),
        });
    }
    all
}
