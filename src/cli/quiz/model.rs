//! What a topic file says, once it is read: plain values, no TOML and no screen.
//!
//! A question's `id` is the key of the learner's memory and never changes; [`Question::content`] tells whether what is asked
//! has changed since.

mod round;

pub use round::{Fact, Round, STAGES, Stage, id_of};

use super::draw::Draw;
use super::excerpt::{Excerpt, Mutants};
use super::history::History;
use super::rubric::{FollowUp, Point};
use crate::cli::toml_reader::{Place, Places};
use crate::trace::{Trace, What};
use std::collections::BTreeMap;

/// One file of questions.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The topic's id, `cap`; the name of its file too.
    pub id: String,
    /// For people.
    pub title: String,
    /// By question, the paragraphs of the topic's lesson that answer it; empty until the lesson is read.
    pub answers: BTreeMap<String, Vec<String>>,
    /// What questions stand on.
    pub scenarios: Vec<Scenario>,
    /// In the order of the file.
    pub questions: Vec<Question>,
    /// Design rounds, for interviews.
    pub rounds: Vec<Round>,
    /// Ids of removed questions, so that none comes back with another meaning.
    pub retired: Vec<String>,
    /// Where each part of the file's head stands, by the name of the field.
    pub places: Places,
}

impl Topic {
    /// All that can come back: the questions, then the stages of rounds.
    pub fn remembered(&self) -> impl Iterator<Item = &Question> {
        let stages = self.rounds.iter().flat_map(|round| round.stages.iter().map(|stage| &stage.question));
        self.questions.iter().chain(stages)
    }

    /// The scenario that a question stands on.
    #[must_use]
    pub fn scenario_of(&self, question: &Question) -> Option<&Scenario> {
        let id = question.scenario.as_deref()?;
        self.scenarios.iter().find(|s| s.id == id)
    }

    /// The exercise's rule that a question is about: as it says itself, or the one that the code it stands on breaks.
    #[must_use]
    pub fn rule_of<'a>(&'a self, question: &'a Question) -> Option<(&'a str, &'a str)> {
        if let (Some(exercise), Some(rule)) = (&question.exercise, &question.rule) {
            return Some((exercise, rule));
        }
        match &self.scenario_of(question)?.subject {
            Subject::Mutant(mutant) => Some((&mutant.exercise, mutant.breaks.as_deref()?)),
            _ => None,
        }
    }

    /// Fetches the recorded runs that scenarios show, without the rule that each breaks: it is what is asked. The error is the first that
    /// cannot be had, with the place that names it.
    pub fn look_up_runs(&mut self, runs: &dyn Fn(&str) -> Result<Trace, String>) -> Result<(), (Place, String)> {
        for scenario in &mut self.scenarios {
            if let (Some(run), Subject::Trace(trace)) = (&scenario.run, &mut scenario.subject) {
                let field = if scenario.pool.is_empty() { "run" } else { "pool" };
                *trace = runs(run).map_err(|why| (scenario.places.of(field), why))?;
                trace.events.retain(|event| !matches!(event.what, What::Breaks { .. }));
            }
        }
        Ok(())
    }

    /// Fetches the code that scenarios show. The error is the first that cannot be had, with the place that names it.
    pub fn look_up(&mut self, mutants: Mutants<'_>) -> Result<(), (Place, String)> {
        for scenario in &mut self.scenarios {
            if let Subject::Mutant(m) = &mut scenario.subject {
                m.code = mutants(&m.exercise, &m.name).map_err(|why| (scenario.places.of("mutant"), why))?.code;
            }
        }
        Ok(())
    }
}

/// What one or more questions stand on.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Named by questions.
    pub id: String,
    /// What the learner sees, line by line as it is; above code and pictures it may be empty.
    pub text: String,
    /// What the program itself makes of it.
    pub subject: Subject,
    /// The wrong implementation whose recorded run it shows, as exercise/name.
    pub run: Option<String>,
    /// All runs of which that one was drawn, each with the rule that it breaks.
    pub pool: Vec<(String, String)>,
    /// Where its fields stand.
    pub places: Places,
}

/// What the kind of a scenario adds to its text.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Nothing.
    Text,
    /// The same for a checker, with what the file claims about it.
    History(History, Claims),
    /// A wrong implementation of an exercise: "spot the bug".
    Mutant(Mutated),
    /// A run, which is drawn: "which rule does it break?"
    Trace(Trace),
}

/// A wrong implementation, named by a file.
#[derive(Clone, Debug)]
pub struct Mutated {
    /// The exercise.
    pub exercise: String,
    /// The name in its catalogue.
    pub name: String,
    /// The rule that the file says it breaks.
    pub breaks: Option<String>,
    /// What is shown of it: empty until [`Topic::look_up`].
    pub code: Excerpt,
}

impl Scenario {
    /// The history and what is claimed of it, if this is one.
    #[must_use]
    pub fn history(&self) -> Option<(&History, &Claims)> {
        match &self.subject {
            Subject::History(history, claims) => Some((history, claims)),
            _ => None,
        }
    }

    /// What is asked about, as one text: part of [`Question::content`].
    pub(super) fn content(&self) -> String {
        match &self.subject {
            Subject::Text | Subject::History(..) => self.text.clone(),
            Subject::Mutant(m) => format!("{}\n{}/{}", self.text, m.exercise, m.name),
            Subject::Trace(trace) => {
                let lines = trace.events.iter().map(|event| event.to_fields().join("\t"));
                lines.fold(self.text.clone(), |all, line| all + "\n" + &line)
            }
        }
    }
}

/// What a file says about a history. `None`: nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Whether it is linearizable.
    pub linearizable: Option<bool>,
    /// Whether it is sequentially consistent.
    pub sequential: Option<bool>,
}

/// One question.
#[derive(Clone, Debug)]
pub struct Question {
    /// Written by hand, never changed.
    pub id: String,
    /// Grows with an edit that changes what is asked.
    pub rev: u32,
    /// 1 (a definition) to 5 (a staff interview).
    pub difficulty: u8,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What is asked.
    pub prompt: String,
    /// What teaches, shown after every answer.
    pub explanation: String,
    /// Who says so.
    pub sources: Vec<Source>,
    /// The id of the scenario it stands on.
    pub scenario: Option<String>,
    /// The exercise that practises it.
    pub exercise: Option<String>,
    /// The rule of that exercise that the question is about.
    pub rule: Option<String>,
    /// The kind, with what only that kind has.
    pub body: Body,
    /// Where its fields stand: `prompt`, `option[2].why` …
    pub places: Places,
    /// What was drawn for it, if it has variables.
    pub drawn: Option<Drawn>,
}

/// What was drawn for a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// The values, its key among them.
    pub draw: Draw,
    /// A fingerprint of what it was drawn from.
    pub template: u64,
}

/// A book, a paper, a page.
#[derive(Clone, Debug)]
pub struct Source {
    /// The title.
    pub title: String,
    /// The chapter or section.
    pub loc: Option<String>,
    /// Where it can be read.
    pub url: Option<String>,
}

/// What a question's kind adds.
#[derive(Clone, Debug)]
pub enum Body {
    /// One option is right.
    Single(Vec<Choice>),
    /// Any number of options is right; all of them, and no other, must be chosen.
    Multi(Vec<Choice>),
    /// A statement.
    TrueFalse {
        /// Whether it is true.
        answer: bool,
        /// What is to be said to who answers "true".
        why_true: Option<String>,
        /// What is to be said to who answers "false".
        why_false: Option<String>,
        /// What the statement claims about the scenario's history.
        claims: Option<Claims>,
        /// A condition that proves the answer: [`expr`](super::expr).
        verify: Option<String>,
    },
    /// Steps to put in order.
    Order {
        /// The steps, as written.
        items: Vec<String>,
        /// `(a, b)`: step a comes before step b. Any order that keeps these is right.
        before: Vec<(usize, usize)>,
    },
    /// A word or two.
    Short {
        /// What is right.
        accept: Vec<String>,
        /// What is near, and why it is not right.
        near: Vec<(String, String)>,
    },
    /// A number.
    Numeric {
        /// The right one.
        answer: f64,
        /// How far off is still right.
        tolerance: f64,
        /// What is counted.
        unit: Option<String>,
        /// An expression that proves the answer: [`expr`](super::expr).
        verify: Option<String>,
        /// Numbers that a known mistake leads to, with that mistake.
        near: Vec<(f64, String)>,
    },
    /// A design to write down.
    Open {
        /// How long an interviewer would give.
        minutes: u32,
        /// A good answer.
        model_answer: String,
        /// What is looked for.
        rubric: Vec<Point>,
        /// What makes an interviewer stop writing.
        red_flags: Vec<String>,
        /// What may come next.
        follow_ups: Vec<FollowUp>,
    },
}

/// One option of a question.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What the learner reads.
    pub text: String,
    /// Whether it belongs to the answer.
    pub correct: bool,
    /// Why it does, or does not.
    pub why: String,
    /// The mistake behind it, a short name.
    pub misconception: Option<String>,
    /// What it claims about the scenario's history, for the linter to prove.
    pub claims: Option<Claims>,
}

impl Body {
    /// The kind, as files name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Body::Single(_) => "single",
            Body::Multi(_) => "multi",
            Body::TrueFalse { .. } => "true-false",
            Body::Order { .. } => "order",
            Body::Short { .. } => "short",
            Body::Numeric { .. } => "numeric",
            Body::Open { .. } => "open",
        }
    }

    /// Whether the answer is recognised among options rather than produced.
    #[must_use]
    pub fn is_recognition(&self) -> bool {
        matches!(self, Body::Single(_) | Body::Multi(_) | Body::TrueFalse { .. })
    }

    /// Whether it takes minutes and is judged by the learner.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Body::Open { .. })
    }

    /// The options of `single` and `multi`.
    #[must_use]
    pub fn choices(&self) -> &[Choice] {
        match self {
            Body::Single(choices) | Body::Multi(choices) => choices,
            _ => &[],
        }
    }
}

impl Question {
    /// A fingerprint of what is asked and what is right, so that the program can say "changed since you last saw it". A
    /// better explanation or source does not change it. The function never changes within a schema version: it is stored.
    #[must_use]
    pub fn content(&self, scenario: Option<&Scenario>) -> u64 {
        if let Some(drawn) = &self.drawn {
            return drawn.template;
        }
        let mut hash = Fnv::default();
        hash.text(self.body.kind());
        hash.text(&self.prompt);
        hash.text(&scenario.map_or_else(String::new, Scenario::content));
        match &self.body {
            Body::Single(choices) | Body::Multi(choices) => {
                for choice in choices {
                    hash.text(&choice.text);
                    hash.text(if choice.correct { "+" } else { "-" });
                }
            }
            Body::TrueFalse { answer, .. } => hash.text(if *answer { "+" } else { "-" }),
            Body::Order { items, before } => {
                items.iter().for_each(|item| hash.text(item));
                before.iter().for_each(|(a, b)| hash.text(&format!("{a}<{b}")));
            }
            Body::Short { accept, .. } => accept.iter().for_each(|word| hash.text(word)),
            Body::Numeric { answer, tolerance, .. } => hash.text(&format!("{answer}~{tolerance}")),
            Body::Open { rubric, .. } => rubric.iter().for_each(|p| hash.text(&format!("{}:{}", p.weight, p.point))),
        }
        hash.0
    }
}

/// FNV-1a with 64 bits (Fowler, Noll & Vo): the fingerprint is stored, so it must be ours and stay.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds a text and an end mark, so that ("ab", "c") and ("a", "bc") differ.
    fn text(&mut self, text: &str) {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
