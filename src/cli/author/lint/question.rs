//! Rules over one question or scenario: what must be there, and keys that can be proved.

use super::{Lint, Rules};
use crate::cli::nearest::did_you_mean;
use crate::cli::quiz::expr::{Value, evaluate_with, within};
use crate::cli::quiz::grade::fold;
use crate::cli::quiz::model::{Body, Choice, Claims, Question, Topic};
use crate::cli::quiz::rubric::Point;
use std::collections::BTreeMap;

const MAX_OPTION_CHARS: usize = 110;
const MAX_PROMPT_WORDS: usize = 90;

/// What holds for questions of every kind, and for rounds.
pub(super) fn shared(lint: &mut Lint<'_>, question: &Question, topic: &Topic, rules: &Rules<'_>) {
    names(lint, question, topic, rules);
    reasons(lint, question);
    super::scenario::lines_named(lint, question, topic, rules);
    let words = question.prompt.split_whitespace().count();
    if words > MAX_PROMPT_WORDS {
        let cure = "move what it stands on into a scenario";
        lint.error("E06", question.places.of("prompt"), format!("the prompt has {words} words, {MAX_PROMPT_WORDS} are enough; {cure}"));
    }
}

pub(super) fn question(lint: &mut Lint<'_>, question: &Question, topic: &Topic, rules: &Rules<'_>) {
    shared(lint, question, topic, rules);
    match &question.body {
        Body::Single(choices) => options(lint, question, choices, topic, true),
        Body::Multi(choices) => options(lint, question, choices, topic, false),
        Body::TrueFalse { answer, verify: Some(verify), .. } => match evaluate_with(verify, &names_of(question, 0.0)) {
            Ok(Value::Truth(truth)) if truth == *answer => {}
            Ok(value) => lint.error(
                "E08",
                question.places.of("verify"),
                format!("verify comes to {value:?}, the answer is {answer}; correct one of them"),
            ),
            Err(problem) => lint.error("E08", question.places.of("verify"), format!("verify cannot be read: {problem}")),
        },
        Body::TrueFalse { answer, claims: Some(claims), .. } => {
            if let Some(truth) = proved(question, topic)
                && claims.hold(&truth) != *answer
            {
                lint.error("E09", question.places.of("answer"), "the scenario's claims contradict this answer; correct one of them");
            }
        }
        Body::TrueFalse { .. } => {}
        Body::Order { items, before } => order(lint, question, items, before),
        Body::Short { accept, near } => short(lint, question, accept, near),
        Body::Numeric { answer, tolerance, verify, near, .. } => {
            numeric(lint, question, *answer, *tolerance, verify.as_deref(), near);
        }
        Body::Open { rubric, model_answer, .. } => open(lint, question, rubric, model_answer),
    }
}

fn names(lint: &mut Lint<'_>, question: &Question, topic: &Topic, rules: &Rules<'_>) {
    let places = &question.places;
    if let Some(id) = &question.scenario
        && topic.scenario_of(question).is_none()
    {
        let hint = did_you_mean(id, topic.scenarios.iter().map(|s| s.id.as_str()));
        let hint = if hint.is_empty() { "; write a [[scenario]] of that id".to_owned() } else { hint };
        lint.error("E01", places.of("scenario"), format!("no scenario '{id}' in this file{hint}"));
    }
    if let Some(id) = question.exercise.as_deref()
        && !rules.exercises.contains(&id)
    {
        let hint = did_you_mean(id, rules.exercises.iter().copied());
        lint.error("E01", places.of("exercise"), format!("no exercise '{id}'{hint}"));
    }
    rule(lint, question, rules);
    for (i, tag) in question.tags.iter().enumerate() {
        if tag.is_empty() || !tag.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            lint.error("E01", places.of(&format!("tags[{i}]")), format!("'{tag}' is no tag; write small letters, digits and '-'"));
        }
    }
}

/// A rule is one of the exercise that stands beside it.
fn rule(lint: &mut Lint<'_>, question: &Question, rules: &Rules<'_>) {
    let Some(rule) = question.rule.as_deref() else { return };
    let place = question.places.of("rule");
    let Some(exercise) = question.exercise.as_deref() else {
        lint.error("E01", place, format!("whose rule is '{rule}'? name the exercise beside it: exercise = \"raft_election\""));
        return;
    };
    let known = (rules.hidden_tests)(exercise);
    if rules.exercises.contains(&exercise) && !known.iter().any(|name| name == rule) {
        let hint = did_you_mean(rule, known.iter().map(String::as_str));
        lint.error("E01", place, format!("no rule '{rule}' in exercises/{exercise}/README.md{hint}"));
    }
}

fn reasons(lint: &mut Lint<'_>, question: &Question) {
    let places = &question.places;
    if question.prompt.trim().is_empty() {
        lint.error("E03", places.of("prompt"), "the prompt is empty; ask something");
    }
    if question.explanation.trim().is_empty() {
        lint.error("E03", places.of("explanation"), "no explanation; say what the learner should take away");
    }
    if question.sources.is_empty() {
        lint.error("E03", places.of("sources"), "no source; name a book, paper or page that says so");
    }
    for (i, _) in question.sources.iter().enumerate().filter(|(_, s)| s.title.trim().is_empty()) {
        lint.error("E03", places.of(&format!("sources[{i}].title")), "a source without a title");
    }
    let near: Vec<(String, &str)> = match &question.body {
        Body::Short { near, .. } => near.iter().enumerate().map(|(i, (_, why))| (format!("near[{i}].why"), why.as_str())).collect(),
        Body::Numeric { near, .. } => near.iter().enumerate().map(|(i, (_, why))| (format!("near[{i}].why"), why.as_str())).collect(),
        Body::TrueFalse { why_true, why_false, .. } => [("why.true", why_true), ("why.false", why_false)]
            .map(|(field, why)| (field.to_owned(), why.as_deref().unwrap_or_default()))
            .to_vec(),
        body => body.choices().iter().enumerate().map(|(i, c)| (format!("option[{i}].why"), c.why.as_str())).collect(),
    };
    for (i, (field, why)) in near.iter().enumerate() {
        if why.trim().is_empty() {
            lint.error("E03", places.of(field), format!("no '{field}'; say why it is right or wrong"));
        } else if near[..i].iter().any(|(_, other)| fold(other) == fold(why)) {
            lint.error("E03", places.of(field), "the same reason twice; say what is wrong with this one");
        }
    }
}

fn options(lint: &mut Lint<'_>, question: &Question, choices: &[Choice], topic: &Topic, single: bool) {
    let places = &question.places;
    let (most, right) = (if single { 5 } else { 6 }, choices.iter().filter(|c| c.correct).count());
    if !(3..=most).contains(&choices.len()) && !choices.is_empty() {
        lint.error("E04", places.of("option"), format!("{} options; write 3 to {most}", choices.len()));
    }
    if single && right != 1 {
        lint.error("E04", places.of("option"), format!("{right} options are correct; a 'single' has exactly one"));
    }
    if !single && right == 0 {
        lint.error("E04", places.of("option"), "no option is correct; a 'multi' has at least one");
    }
    for (i, choice) in choices.iter().enumerate() {
        let place = places.of(&format!("option[{i}].text"));
        let chars = choice.text.chars().count();
        if chars > MAX_OPTION_CHARS || choice.text.contains('\n') {
            lint.error("E06", place, format!("an option is one line of up to {MAX_OPTION_CHARS} characters, this has {chars}; shorten it"));
        }
        if choices[..i].iter().any(|other| fold(&other.text) == fold(&choice.text)) {
            lint.error("E05", place, "the same option twice");
        }
        if let (Some(claims), Some(truth)) = (&choice.claims, proved(question, topic))
            && claims.hold(&truth) != choice.correct
        {
            let says = if choice.correct { "is marked correct, and contradicts" } else { "is marked wrong, and agrees with" };
            lint.error("E09", place, format!("this option {says} the scenario's claims; correct one of them"));
        }
    }
}

/// What is known about the history that a question stands on.
fn proved(question: &Question, topic: &Topic) -> Option<Claims> {
    topic.scenario_of(question)?.history().map(|(_, claims)| *claims)
}

impl Claims {
    /// Whether everything that is claimed here is so in `truth`.
    fn hold(&self, truth: &Claims) -> bool {
        let agrees = |claim: Option<bool>, truth: Option<bool>| claim.is_none() || claim == truth;
        agrees(self.linearizable, truth.linearizable) && agrees(self.sequential, truth.sequential)
    }
}

/// What `verify` may name: the key, and what was drawn.
fn names_of(question: &Question, answer: f64) -> BTreeMap<String, f64> {
    let drawn = question.drawn.as_ref().map(|drawn| drawn.draw.numbers.clone()).unwrap_or_default();
    drawn.into_iter().chain([("answer".to_owned(), answer)]).collect()
}

fn numeric(lint: &mut Lint<'_>, question: &Question, answer: f64, tolerance: f64, verify: Option<&str>, near: &[(f64, String)]) {
    let places = &question.places;
    match verify.map(|verify| evaluate_with(verify, &names_of(question, answer))) {
        None | Some(Ok(Value::Truth(true))) => {}
        Some(Ok(Value::Number(value))) if within(value, answer, tolerance) => {}
        Some(Ok(Value::Number(value))) => {
            lint.error("E08", places.of("verify"), format!("verify gives {value}, the answer is {answer}; correct one of them"));
        }
        Some(Ok(Value::Truth(false))) => {
            lint.error("E08", places.of("verify"), format!("verify does not hold for the answer {answer}; correct one of them"));
        }
        Some(Err(problem)) => lint.error("E08", places.of("verify"), format!("verify cannot be read: {problem}")),
    }
    for (i, (value, _)) in near.iter().enumerate() {
        if within(*value, answer, tolerance) {
            lint.error("E08", places.of(&format!("near[{i}]")), format!("{value} is within the tolerance, so it is right; take it out"));
        }
    }
}

fn short(lint: &mut Lint<'_>, question: &Question, accept: &[String], near: &[(String, String)]) {
    let places = &question.places;
    let prompt = format!(" {} ", fold(&question.prompt));
    for (i, word) in accept.iter().enumerate() {
        let (place, folded) = (places.of(&format!("accept[{i}]")), fold(word));
        if folded.is_empty() || prompt.contains(&format!(" {folded} ")) {
            lint.error("E07", place, format!("'{word}' stands in the prompt; ask without it"));
        }
        if accept[..i].iter().any(|other| fold(other) == folded) {
            lint.error("E07", place, format!("'{word}' is accepted twice; case, punctuation and articles do not count"));
        }
        if near.iter().any(|(other, _)| fold(other) == folded) {
            lint.error("E07", place, format!("'{word}' is accepted and a near miss; choose"));
        }
    }
}

fn order(lint: &mut Lint<'_>, question: &Question, items: &[String], before: &[(usize, usize)]) {
    let places = &question.places;
    if items.len() < 3 || items.len() > 8 {
        lint.error("E10", places.of("items"), format!("{} items; write 3 to 8", items.len()));
    }
    for (i, &(a, b)) in before.iter().enumerate() {
        if a.max(b) >= items.len() {
            let last = items.len().saturating_sub(1);
            lint.error("E10", places.of(&format!("before[{i}]")), format!("[{a}, {b}] names no item; they count from 0 to {last}"));
        }
    }
    // Take away what nothing comes before, until nothing is left or nothing can be taken.
    let mut rest: Vec<usize> = (0..items.len()).collect();
    while let Some(free) = rest.iter().position(|&b| before.iter().all(|&(a, x)| x != b || !rest.contains(&a))) {
        rest.remove(free);
    }
    if !rest.is_empty() {
        lint.error("E10", places.of("before"), format!("the items {rest:?} wait for each other in a circle; take a pair out"));
    }
    if before.is_empty() {
        lint.error("E10", places.of("before"), "every order is right; say what comes before what");
    }
}

fn open(lint: &mut Lint<'_>, question: &Question, rubric: &[Point], model_answer: &str) {
    let places = &question.places;
    if rubric.len() < 4 {
        lint.error("E11", places.of("rubric"), format!("{} of at least 4 points; say what else an interviewer looks for", rubric.len()));
    }
    if !rubric.iter().any(|p| p.must) {
        lint.error("E11", places.of("rubric"), "no point is a must; mark what an answer cannot do without");
    }
    if model_answer.split_whitespace().count() < 20 {
        lint.error("E11", places.of("model_answer"), "the model answer is too short to learn from");
    }
}
