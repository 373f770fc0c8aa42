//! `list`: the course, with the learner's marks: exercises passed, and how the questions of each topic stand.

use super::study::Study;
use crate::cli::answers::Standing;
use crate::cli::course::Topic;
use crate::cli::error::{Exit, Result};
use crate::cli::figures::plural;
use crate::cli::out::Out;
use crate::cli::plan::Task;
use crate::cli::progress::Entry;
use crate::cli::wrap::padded;
use crate::report::Verdict;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let study = Study::open(out)?;
    let desk = &study.desk;
    let next = study.next();
    // Where nothing of the list is next, it is said below it.
    let mut pointed = false;
    let mut arrow = |here: bool| {
        pointed |= here;
        if here { out.style.strong("  ← next") } else { String::new() }
    };
    let content = desk.workspace.content();
    let current = desk.progress.current(&desk.course);
    let mut text = String::new();
    let mut before_was_bare = false;
    for topic in &desk.course.topics {
        let theory = Theory::of(topic, &study);
        if !json && (theory.is_some() || !topic.exercises.is_empty()) {
            // A topic with exercises stands apart; those without are lines of their own.
            let gap = if text.is_empty() || topic.exercises.is_empty() && before_was_bare { "" } else { "\n" };
            let said = theory.as_ref().map_or(String::new(), Theory::said);
            let title = out.style.strong(&padded(&topic.title, 26));
            let here = matches!(&next, Some(Task::Lesson { topic: quiz, .. } | Task::Questions { topic: quiz, .. }) if Some(quiz) == topic.quiz.as_ref());
            let _ = writeln!(text, "{gap}{}{}", format!("{title} {}", out.style.faint(&said)).trim_end(), arrow(here));
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
            let arrow = arrow(matches!(&next, Some(Task::Exercise { id: work, .. }) if work == id));
            let _ = writeln!(text, "  {mark} {id:<18} {:>3} min  {}{arrow}", about.minutes, about.title);
        }
    }
    if !json && !pointed {
        let (command, about) = study.next_command();
        let _ = writeln!(text, "\nNext: {}  {}", out.style.strong(&command), out.style.faint(&about));
    }
    if json {
        out.print_raw(&text)
    } else {
        out.page(&text)
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
    fn of(topic: &Topic, study: &Study) -> Option<Theory> {
        let quiz = study.quiz_of(topic)?;
        Some(Theory { standing: study.memories.standing_of(quiz), due: study.memories.due_of(quiz) })
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
