//! `progress`: what is done, topic by topic: exercises passed, questions answered.

use super::Desk;
use crate::cli::answers::Standing;
use crate::cli::course::Topic;
use crate::cli::error::{Exit, Result};
use crate::cli::out::Out;
use crate::cli::style::Style;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let standings = desk.standings(out)?;
    let mut text = String::new();
    for topic in desk.course.topics.iter().filter(|t| !t.exercises.is_empty() || t.quiz.is_some()) {
        let practice = Practice::of(topic, &desk);
        let theory = topic.quiz.as_ref().and_then(|name| standings.get(name)).copied();
        if json {
            let Standing { questions, answered, right } = theory.unwrap_or_default();
            let line = serde_json::json!({
                "topic": topic.id, "passed": practice.passed, "exercises": practice.of, "attempts": practice.attempts,
                "hints": practice.hints, "questions": questions, "answered": answered, "right": right,
            });
            let _ = writeln!(text, "{line}");
        } else {
            let parts: Vec<String> = practice.said(out.style).into_iter().chain(theory.map(said)).collect();
            let _ = writeln!(text, "{:<28} {}", topic.title, parts.join(" · "));
        }
    }
    if !json {
        let next = match desk.progress.current(&desk.course) {
            Some(id) => format!("\nNext: splitbrain show {id}\n"),
            None => "\nEvery exercise is passed.\n".to_owned(),
        };
        text.push_str(&next);
    }
    out.print(&text);
    Ok(Exit::Passed)
}

/// The exercises of a topic.
struct Practice {
    of: usize,
    passed: usize,
    attempts: u64,
    hints: u64,
}

impl Practice {
    fn of(topic: &Topic, desk: &Desk) -> Practice {
        let entries: Vec<_> = topic.exercises.iter().map(|id| desk.progress.of(id)).collect();
        Practice {
            of: entries.len(),
            passed: entries.iter().filter(|e| e.passed_at.is_some()).count(),
            attempts: entries.iter().map(|e| e.attempts).sum(),
            hints: entries.iter().map(|e| e.hints).sum(),
        }
    }

    fn said(&self, style: Style) -> Option<String> {
        let Practice { of, passed, attempts, hints } = self;
        let bar = style.good(&"■".repeat(*passed)) + &style.faint(&"□".repeat(of - passed));
        (*of > 0).then(|| format!("{bar} {passed} of {of} passed, {attempts} checks, {hints} hints"))
    }
}

/// `3 of 15 questions answered, 2 right`.
pub fn said(standing: Standing) -> String {
    let Standing { questions, answered, right } = standing;
    if answered == 0 {
        format!("none of {questions} questions answered")
    } else {
        format!("{answered} of {questions} questions answered, {right} right")
    }
}
