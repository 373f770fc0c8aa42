//! The linter of the question bank: what a reviewer would send back, as `file:line:column: what; how to mend it`.
//!
//! Of lessons everything is an error, of the one rule `lesson`. Errors (`E…`) fail the tests, warnings (`W…`) ask for a second look. Rules over one question stand in
//! `question`, those over words in `wording`, those that compare questions or weigh a whole topic in `bank`. A key that
//! can be computed is computed: `verify` by [`expr`](crate::cli::quiz::expr), a claim about a history by the checkers behind
//! [`prove`].
//!
//! | rule | what it refuses |
//! |---|---|
//! | E01 | an unknown topic, exercise, rule or scenario; a malformed tag; a file that is not named after its topic |
//! | E02 | an id that is taken, or retired |
//! | E03 | no explanation, no source, an option without its own `why` |
//! | E04 | the wrong number of options, or of right ones |
//! | E05 | equal options; "all of the above"; options or reasons that name a letter or a position |
//! | E06 | an option with a line break or over 110 characters; a prompt over 90 words; a scenario wider than the screen |
//! | E07 | accepted words that collide, stand in the prompt, or are also near misses |
//! | E08 | `verify` that cannot be read or does not give the answer; a near miss inside the tolerance |
//! | E09 | claims that the checker or the mutants' catalogue contradicts; a key that contradicts them; a client that does two things at once |
//! | E10 | an order with a circle, or an index out of range |
//! | E11 | a rubric of fewer than four points, or without a `must` |
//! | E12 | two prompts that are nearly the same |
//! | E13 | a mutant that is not there or cannot be shown; a line of code that is not there |
//! | E14 | a run that names its broken rule, is out of order, or is too long |
//! | E15 | variables that cannot be drawn, or whose draws are nearly all the same; whatever else is wrong with one of a hundred draws |
//! | E16 | a round whose stages have other names or another order, or whose minutes do not add up |
//! | E17 | the wrong number of points, musts, red flags, facts or follow-ups in a round or after a question |
//! | E18 | a `when` that names no point; a round in which nothing comes because a point was left out |
//! | E19 | a text of a round or a follow-up that is missing, too short or too long; a drawing wider than the screen |
//! | E20 | bare follow-up questions, without answers |
//! | W01 | the longest option is the key (per question, and as a share of the bank) |
//! | W02 | true-false answers that lean to one side |
//! | W03 | a negative stem without emphasis; absolutes in wrong options alone |
//! | W04 | a rare word of the prompt that only the key repeats |
//! | W05 | a topic with over 60 % recognition kinds, or one difficulty throughout |
//! | W06 | a claim that no checker has proved |

mod bank;
mod draws;
mod follow_ups;
pub mod lessons;
mod question;
mod round;
mod scenario;
#[cfg(test)]
mod tests;
mod verb;
mod wording;

pub use verb::run;

use super::prove::{self, Prover};
use crate::cli::quiz::excerpt::Mutants;
use crate::cli::quiz::format;
use crate::cli::quiz::model::Topic;
use crate::cli::toml_reader::{Place, Problem, Severity};

/// Whether a topic's lesson shows a scenario.
pub type InLessons<'a> = &'a dyn Fn(&str, &str) -> bool;

/// The names of an exercise's rules.
pub type HiddenTests<'a> = &'a dyn Fn(&str) -> Vec<String>;

/// What the linter measures a bank by.
pub struct Rules<'a> {
    /// Exercises that questions may name.
    pub exercises: &'a [&'a str],
    /// Topics that files may have.
    pub topics: &'a [&'a str],
    /// The checker for histories.
    pub prove: Prover<'a>,
    /// The catalogue of wrong implementations.
    pub mutants: Mutants<'a>,
    /// The rules of an exercise.
    pub hidden_tests: HiddenTests<'a>,
    /// Whether the lesson of a topic shows a scenario of that id.
    pub in_lessons: InLessons<'a>,
}

/// Lints all files of a bank, given as path and text: everything wrong with all of them, in the order of files and lines.
#[must_use]
pub fn lint_all(
    files: &[(&str, &str)],
    known_exercises: &[&str],
    known_topics: &[&str],
    mutants: Mutants<'_>,
    hidden_tests: HiddenTests<'_>,
    in_lessons: InLessons<'_>,
) -> Vec<Problem> {
    let prove = &prove::prove;
    let rules = Rules { exercises: known_exercises, topics: known_topics, prove, mutants, hidden_tests, in_lessons };
    lint_with(files, &rules)
}

/// The same with another checker.
#[must_use]
pub fn lint_with(files: &[(&str, &str)], rules: &Rules<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut topics: Vec<(&str, Topic)> = Vec::new();
    for (path, text) in files {
        let parsed = format::parse(path, text);
        found.extend(parsed.errors);
        // Of a file that is no TOML nothing is known, so nothing more is said.
        if !parsed.topic.id.is_empty() || parsed.topic.remembered().next().is_some() {
            topics.push((path, parsed.topic));
        }
    }
    for (path, topic) in &topics {
        let mut lint = Lint { path, found: &mut found };
        bank::head(&mut lint, topic, rules);
        for scenario in &topic.scenarios {
            scenario::scenario(&mut lint, scenario, topic, rules);
        }
        for question in &topic.questions {
            question::question(&mut lint, question, topic, rules);
            wording::question(&mut lint, question);
            round::after(&mut lint, question);
        }
        for one in &topic.rounds {
            round::round(&mut lint, one, topic, rules);
        }
        bank::topic(&mut lint, topic);
    }
    for (path, text) in files {
        found.extend(draws::lint(path, text, rules));
    }
    bank::across(&topics, &mut found);
    let order = |d: &Problem| (files.iter().position(|(path, _)| *path == d.path), d.place, d.severity, d.rule);
    found.sort_by_key(order);
    found
}

/// The findings of one file.
struct Lint<'a> {
    path: &'a str,
    found: &'a mut Vec<Problem>,
}

impl Lint<'_> {
    fn error(&mut self, rule: &'static str, place: Place, message: impl Into<String>) {
        self.push(Severity::Error, rule, place, message.into());
    }

    fn warning(&mut self, rule: &'static str, place: Place, message: impl Into<String>) {
        self.push(Severity::Warning, rule, place, message.into());
    }

    fn push(&mut self, severity: Severity, rule: &'static str, place: Place, message: String) {
        self.found.push(Problem { path: self.path.to_owned(), place, severity, rule, message });
    }
}
