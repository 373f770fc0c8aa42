//! Rules over a whole topic and over all of them.

use super::{Lint, Rules, wording};
use crate::cli::nearest::did_you_mean;
use crate::cli::quiz::grade::fold;
use crate::cli::quiz::model::{Body, Question, Topic};
use crate::cli::toml_reader::{Place, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// Two prompts with so much in common (trigrams shared, of those in either) are one question.
const NEAR_DUPLICATE: f64 = 0.8;

pub(super) fn head(lint: &mut Lint<'_>, topic: &Topic, rules: &Rules<'_>) {
    let place = topic.places.of("topic");
    if !topic.id.is_empty() && !rules.topics.contains(&topic.id.as_str()) {
        let hint = did_you_mean(&topic.id, rules.topics.iter().copied());
        lint.error("E01", place, format!("no topic '{}'{hint}", topic.id));
    }
    let stem = lint.path.rsplit(['/', '\\']).next().and_then(|name| name.strip_suffix(".toml")).unwrap_or(lint.path);
    if !topic.id.is_empty() && stem != topic.id {
        lint.error("E01", place, format!("the file is named '{stem}' and its topic '{}'; they are one name", topic.id));
    }
}

pub(super) fn topic(lint: &mut Lint<'_>, topic: &Topic) {
    let count = topic.questions.len();
    if count < 5 {
        return;
    }
    let place = topic.places.header;
    let recognition = topic.questions.iter().filter(|q| q.body.is_recognition()).count();
    if recognition * 10 > count * 6 {
        let cure = "ask for a number, a word, an order or a design";
        lint.warning("W05", place, format!("{recognition} of {count} questions are recognised, not produced (limit 60 %); {cure}"));
    }
    if topic.questions.iter().all(|q| matches!(q.body, Body::Single(_))) {
        lint.error("W05", place, "every question is a 'single'; use other kinds too");
    }
    let levels: BTreeSet<u8> = topic.questions.iter().map(|q| q.difficulty).collect();
    if levels.len() < 3 {
        lint.warning("W05", place, format!("difficulties are {levels:?} alone; a topic spans at least three"));
    }
    let statements: Vec<bool> =
        topic.questions.iter().filter_map(|q| if let Body::TrueFalse { answer, .. } = q.body { Some(answer) } else { None }).collect();
    let yes = statements.iter().filter(|&&answer| answer).count();
    if statements.len() >= 5 && !(2..=3).contains(&(yes * 5 / statements.len())) {
        lint.warning("W02", place, format!("{yes} of {} statements are true; keep it near half", statements.len()));
    }
}

/// Ids, near-equal prompts and the length of keys, over all files.
pub(super) fn across(topics: &[(&str, Topic)], found: &mut Vec<Problem>) {
    let mut all: Vec<(&str, &Question)> = Vec::new();
    for (path, topic) in topics {
        let rounds = topic.rounds.iter().map(|round| &round.head);
        all.extend(topic.questions.iter().chain(rounds).map(|question| (*path, question)));
    }
    let retired: BTreeMap<&str, &str> = topics.iter().flat_map(|(path, t)| t.retired.iter().map(|id| (id.as_str(), *path))).collect();
    let mut first: BTreeMap<&str, (&str, Place)> = BTreeMap::new();
    for (path, question) in &all {
        let place = question.places.of("id");
        let mut lint = Lint { path, found };
        if let Some((other, at)) = first.get(question.id.as_str()) {
            lint.error("E02", place, format!("'{}' is taken, at {other}:{}; ids are unique in the bank", question.id, at.line));
        } else if !question.id.is_empty() {
            first.insert(&question.id, (path, place));
        }
        if let Some(other) = retired.get(question.id.as_str()) {
            lint.error("E02", place, format!("'{}' was retired in {other}; a new question needs a new id", question.id));
        }
    }
    near_duplicates(&all, found);
    longest_keys(&all, found);
}

fn near_duplicates(all: &[(&str, &Question)], found: &mut Vec<Problem>) {
    let grams: Vec<BTreeSet<[char; 3]>> = all.iter().map(|(_, q)| trigrams(&fold(&q.prompt))).collect();
    for (i, (path, question)) in all.iter().enumerate() {
        for (j, (other_path, other)) in all[..i].iter().enumerate() {
            // "Which model does this history break?" may be asked of two histories.
            if question.scenario != other.scenario || grams[i].is_empty() {
                continue;
            }
            let shared = grams[i].intersection(&grams[j]).count() as f64;
            if shared / (grams[i].len() + grams[j].len()) as f64 >= NEAR_DUPLICATE / (1.0 + NEAR_DUPLICATE) {
                let line = other.places.of("prompt").line;
                let message = format!("nearly the prompt of '{}' at {other_path}:{line}; ask something else", other.id);
                Lint { path, found }.error("E12", question.places.of("prompt"), message);
            }
        }
    }
}

fn trigrams(text: &str) -> BTreeSet<[char; 3]> {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(3).map(|w| [w[0], w[1], w[2]]).collect()
}

fn longest_keys(all: &[(&str, &Question)], found: &mut Vec<Problem>) {
    let singles = all.iter().filter_map(|(path, q)| match &q.body {
        Body::Single(choices) => wording::is_longest(choices).map(|longest| (*path, longest)),
        _ => None,
    });
    let singles: Vec<(&str, bool)> = singles.collect();
    let longest = singles.iter().filter(|(_, longest)| *longest).count();
    if let Some((path, _)) = singles.first()
        && singles.len() >= 5
        && longest * 100 > singles.len() * 35
    {
        let message = format!("in {longest} of {} 'single' questions the key is the longest option (limit 35 %)", singles.len());
        Lint { path, found }.warning("W01", Place::START, message);
    }
}
