//! `learn TOPIC`: the page to read before the questions, laid out for the screen; then the questions, if somebody is there.

use super::quiz;
use super::sitting::{Hall, prompter_for};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::prompter::Leave;
use crate::cli::quiz::Topic;
use crate::cli::words::plural;
use crate::cli::wrap::{page, wrap};
use std::io::IsTerminal as _;

pub fn run(word: &str, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(Some(word))?;
    let Some(topic) = topics.first() else { return Err(Trouble::usage(format!("there is no topic `{word}`"))) };
    let primer = topic.primer.as_deref().unwrap_or_default().trim();
    if json {
        let exercises: Vec<&str> = hall.exercises(topic);
        out.json(&serde_json::json!({ "topic": topic.id, "title": topic.title, "primer": primer, "exercises": exercises }));
        return Ok(Exit::Passed);
    }
    if primer.is_empty() {
        out.print(&format!("{} has no page to read yet.\n", out.style.strong(&topic.title)));
    } else {
        let text = format!("{}\n\n{}\n", out.style.strong(&topic.title), page(primer, out.width(), out.style).trim_end());
        out.print(&text);
    }
    let exercises = hall.exercises(topic);
    if !exercises.is_empty() {
        let names = exercises.iter().map(|id| format!("splitbrain show {id}")).collect::<Vec<_>>().join(", ");
        let line = wrap(&names, "Practise it: ", out.width());
        out.print(&format!("\n{}", out.style.faint(line.trim_end())));
        out.print("\n");
    }
    let count = plural(topic.questions.len() as u64, "question", "questions");
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        out.print(&format!("\nThen: splitbrain quiz {word} ({count})\n"));
        return Ok(Exit::Passed);
    }
    out.print("\n");
    // Whoever sits at it is this process: it is let go before the quiz takes it.
    let question = match hall.broken_off(&quiz::place(&hall, topic), &topics, None, out) {
        Some(left) => format!("Go on with question {} of {} on it now", left.earlier.len() + 1, left.asks.len()),
        None => format!("The {count} on it now"),
    };
    match prompter_for(false, out.ascii).confirm(&question, true) {
        Ok(true) => quiz::run(&quiz::Wanted { topic: Some(word), ..quiz::Wanted::default() }, out),
        Ok(false) | Err(Leave::Quit) => Ok(Exit::Passed),
        Err(Leave::Ended(exit)) => Ok(exit),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("the terminal cannot be used: {e}"))),
    }
}

impl Hall {
    /// The exercises of the course's topic that has this quiz.
    fn exercises(&self, quiz: &Topic) -> Vec<&str> {
        let topics = self.course.topics.iter().filter(|topic| topic.quiz.as_deref() == Some(quiz.id.as_str()));
        topics.flat_map(|topic| topic.exercises.iter().map(String::as_str)).collect()
    }
}
