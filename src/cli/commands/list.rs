//! `list`: the course, with the learner's marks: exercises passed, and how the questions of each topic stand.

use super::{Desk, told};
use crate::cli::answers::Standing;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::course::Topic;
use crate::cli::dates::Now;
use crate::cli::digest;
use crate::cli::error::{Exit, Result};
use crate::cli::memory::Memories;
use crate::cli::out::Out;
use crate::cli::progress::Entry;
use crate::cli::words::plural;
use crate::cli::wrap::padded;
use crate::report::Verdict;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let memories = told(digest::memories(&desk.workspace.store(), &Now::here())?, out);
    let content = desk.workspace.content();
    let current = desk.progress.current(&desk.course);
    let mut text = String::new();
    let mut before_was_bare = false;
    for topic in &desk.course.topics {
        let theory = Theory::of(topic, &content, &memories);
        if !json && (theory.is_some() || !topic.exercises.is_empty()) {
            // A topic with exercises stands apart; those without are lines of their own.
            let gap = if text.is_empty() || topic.exercises.is_empty() && before_was_bare { "" } else { "\n" };
            let said = theory.as_ref().map_or(String::new(), Theory::said);
            let title = out.style.strong(&padded(&topic.title, 26));
            let _ = writeln!(text, "{gap}{}", format!("{title} {}", out.style.faint(&said)).trim_end());
            before_was_bare = topic.exercises.is_empty();
        }
        for id in &topic.exercises {
            let about = content.about(id)?;
            let entry = desk.progress.of(id);
            if json {
                let Theory { standing: Standing { questions, answered, right }, due } = theory.unwrap_or_default();
                let line = serde_json::json!({
                    "exercise": id, "topic": topic.id, "title": about.title, "minutes": about.minutes,
                    "passed": entry.passed_at.is_some(), "attempts": entry.attempts, "hints": entry.hints,
                    "last_verdict": entry.last_verdict.map(Verdict::name), "current": current == Some(id),
                    "questions": questions, "answered": answered, "right": right, "due": due,
                });
                let _ = writeln!(text, "{line}");
                continue;
            }
            let mark = match &entry {
                Entry { passed_at: Some(_), .. } => out.style.good("✓"),
                Entry { attempts: 0, .. } => out.style.faint("·"),
                _ => out.style.warn("…"),
            };
            let next = if current == Some(id) { out.style.strong("  ← next") } else { String::new() };
            let _ = writeln!(text, "  {mark} {id:<18} {:>3} min  {}{next}", about.minutes, about.title);
        }
    }
    if json {
        out.print_raw(&text)
    } else {
        out.print(&text)
    }
    Ok(Exit::Passed)
}

/// How the questions of a topic stand.
#[derive(Clone, Copy, Default)]
struct Theory {
    standing: Standing,
    due: usize,
}

impl Theory {
    fn of(topic: &Topic, content: &Content, memories: &Memories) -> Option<Theory> {
        let quiz = topic.quiz.as_deref()?;
        let questions = bank::sketch(content, quiz).ok()?;
        let is_due = |(id, rev): &&(String, u32)| memories.is_due(quiz, id, *rev);
        Some(Theory { standing: memories.standing_of(quiz, &questions), due: questions.iter().filter(is_due).count() })
    }

    /// `12 of 19 answered, 9 right, 3 due`.
    fn said(&self) -> String {
        let Standing { questions, answered, right } = self.standing;
        let due = if self.due > 0 { format!(", {} due", self.due) } else { String::new() };
        match answered {
            0 => plural(questions as u64, "question", "questions"),
            _ => format!("{answered} of {questions} answered, {right} right{due}"),
        }
    }
}
