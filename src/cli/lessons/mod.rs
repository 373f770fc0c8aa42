//! The lessons: one a topic, Markdown under `lessons/` with marks for the program. What they hold: text, runs to step through, what a right
//! implementation shows, questions between the parts; and which paragraphs answer which question. Runs are recorded from the simulator by
//! `dev lessons`, never made here. Knows neither screens nor people.

mod read;

pub use read::{RECORD, parse, recorded, recorded_trace, run_path, shown_path};

use super::content::Content;
use super::error::{Result, Trouble};
use super::toml_reader::lines_of;
use crate::trace::Trace;
use std::collections::BTreeMap;

/// Words a minute. Adults read English prose that is no story at 238 (Brysbaert 2019, "How many words do we read per minute?"); a
/// few less in a language that may not be one's own.
const WORDS_A_MINUTE: f64 = 230.0;
/// Minutes to step through a run.
const MINUTES_A_RUN: f64 = 1.0;
/// The parts that are read where a lesson is skimmed: what an interviewer waits for.
pub const SKIMMED: [&str; 3] = ["Traps", "What the interviewer asks next", "Numbers to know"];

/// One lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// For people.
    pub title: String,
    /// In order; what stands before the first heading is one, too.
    pub parts: Vec<Part>,
    /// By question, the blocks of Markdown that answer it, in order.
    pub answers: BTreeMap<String, Vec<String>>,
}

/// What stands under one heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Empty before the first one.
    pub heading: String,
    /// In order.
    pub pieces: Vec<Piece>,
    /// Words of its text.
    pub words: usize,
}

/// A piece of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Markdown.
    Text(String),
    /// A run to step through.
    Run(Run),
    /// What right implementations show once they pass; those that follow each other stand side by side where there is room.
    Shown(Vec<Shown>),
    /// A scenario of the topic's quiz, by its id.
    Scenario(String),
    /// Questions of the topic's quiz, by their ids.
    Ask(Vec<String>),
}

/// A worked run of the simulator.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The exercise and its wrong implementation: `raft_election/votes_twice_in_a_term`.
    pub name: String,
    /// By step, what there is to see in it.
    pub notes: Vec<(u64, String)>,
    /// As it was recorded; empty in a lesson that was parsed without its records.
    pub trace: Trace,
}

impl Run {
    /// What it is, for people: `raft_election: votes twice in a term`.
    #[must_use]
    pub fn title(&self) -> String {
        let (exercise, what) = self.name.split_once('/').unwrap_or((&self.name, ""));
        format!("{exercise}: {}", what.replace('_', " "))
    }
}

/// What the reference of an exercise shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The exercise.
    pub exercise: String,
    /// As it was recorded.
    pub text: String,
}

impl Lesson {
    /// Words of its text.
    #[must_use]
    pub fn words(&self) -> usize {
        self.parts.iter().map(|part| part.words).sum()
    }

    /// Minutes to read it and to step through its runs, without its questions.
    #[must_use]
    pub fn reading(&self) -> f64 {
        let runs = self.pieces().filter(|piece| matches!(piece, Piece::Run(_))).count();
        self.words() as f64 / WORDS_A_MINUTE + runs as f64 * MINUTES_A_RUN
    }

    /// The same in whole minutes, for people.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        (self.reading().ceil() as u32).max(1)
    }

    /// What is left of it where it is skimmed: its traps, what is asked next, the numbers to know, and one question.
    #[must_use]
    pub fn skimmed(&self) -> Lesson {
        let mut parts: Vec<Part> = self.parts.iter().filter(|part| SKIMMED.contains(&part.heading.as_str())).cloned().collect();
        parts.iter_mut().for_each(|part| part.pieces.retain(|piece| !matches!(piece, Piece::Ask(_))));
        if let Some(id) = self.asked().first() {
            parts.push(Part { pieces: vec![Piece::Ask(vec![(*id).to_owned()])], ..Part::default() });
        }
        Lesson { parts, ..self.clone() }
    }

    /// All its pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.parts.iter().flat_map(|part| &part.pieces)
    }

    /// The questions that it asks, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<&str> {
        let asks = self.pieces().filter_map(|piece| if let Piece::Ask(ids) = piece { Some(ids) } else { None });
        asks.flatten().map(String::as_str).collect()
    }
}

/// The file of a topic's lesson.
#[must_use]
pub fn path(topic: &str) -> String {
    format!("lessons/{topic}.md")
}

/// The recorded run of a wrong implementation (`exercise/name`).
///
/// # Errors
/// That there is none, or that it cannot be read.
pub fn run(content: &Content, name: &str) -> std::result::Result<Trace, String> {
    let path = run_path(name);
    let text = content.text(&path).map_err(|_| format!("the run of {name} is not recorded: `splitbrain dev lessons` records it"))?;
    recorded_trace(&text).map_err(|why| format!("{path}: {why}"))
}

/// The lesson of a topic without its records, as much of it as can be read; nothing if it has none.
#[must_use]
pub fn outline(content: &Content, topic: &str) -> Option<Lesson> {
    let path = path(topic);
    content.text(&path).ok().map(|text| parse(&path, &text).0)
}

/// The lesson of a topic, with its runs; nothing if it has none.
///
/// # Errors
/// Every mistake in its file, one a line; a record that is not there.
pub fn load(content: &Content, topic: &str) -> Result<Option<Lesson>> {
    let path = path(topic);
    let Ok(text) = content.text(&path) else { return Ok(None) };
    let mistakes = |lines: String| if *content == Content::Embedded { Trouble::bug(lines) } else { Trouble::environment(lines) };
    let (mut lesson, problems) = parse(&path, &text);
    if !problems.is_empty() {
        return Err(mistakes(lines_of(&problems)));
    }
    for piece in lesson.parts.iter_mut().flat_map(|part| &mut part.pieces) {
        match piece {
            Piece::Run(one) => one.trace = run(content, &one.name).map_err(mistakes)?,
            Piece::Shown(all) => {
                for shown in all {
                    let path = shown_path(&shown.exercise);
                    let text =
                        content.text(&path).map_err(|_| mistakes(format!("{path} is not there: `splitbrain dev lessons` records it")))?;
                    recorded(&text).1.clone_into(&mut shown.text);
                }
            }
            Piece::Text(_) | Piece::Scenario(_) | Piece::Ask(_) => {}
        }
    }
    Ok(Some(lesson))
}
