//! `list`: the course, with the learner's marks.

use super::Desk;
use crate::cli::error::{Exit, Result};
use crate::cli::out::Out;
use crate::cli::progress::Entry;
use crate::report::Verdict;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let content = desk.workspace.content();
    let current = desk.progress.current(&desk.course);
    let mut text = String::new();
    for topic in &desk.course.topics {
        if topic.exercises.is_empty() {
            continue;
        }
        if !json {
            let _ = writeln!(text, "{}{}", if text.is_empty() { "" } else { "\n" }, out.style.strong(&topic.title));
        }
        for id in &topic.exercises {
            let about = content.about(id)?;
            let entry = desk.progress.of(id);
            if json {
                let line = serde_json::json!({
                    "exercise": id, "topic": topic.id, "title": about.title, "minutes": about.minutes,
                    "passed": entry.passed_at.is_some(), "attempts": entry.attempts, "hints": entry.hints,
                    "last_verdict": entry.last_verdict.map(Verdict::name), "current": current == Some(id),
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
    out.print(&text);
    Ok(Exit::Passed)
}
