//! `progress`: what is done, topic by topic.

use super::Desk;
use crate::cli::error::{Exit, Result};
use crate::cli::out::Out;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let mut text = String::new();
    for topic in desk.course.topics.iter().filter(|t| !t.exercises.is_empty()) {
        let entries: Vec<_> = topic.exercises.iter().map(|id| desk.progress.of(id)).collect();
        let passed = entries.iter().filter(|e| e.passed_at.is_some()).count();
        let (of, attempts, hints) =
            (entries.len(), entries.iter().map(|e| e.attempts).sum::<u64>(), entries.iter().map(|e| e.hints).sum::<u64>());
        if json {
            let line = serde_json::json!({ "topic": topic.id, "passed": passed, "exercises": of, "attempts": attempts, "hints": hints });
            let _ = writeln!(text, "{line}");
        } else {
            let bar = out.style.good(&"■".repeat(passed)) + &out.style.faint(&"□".repeat(of - passed));
            let _ = writeln!(text, "{:<28} {bar} {passed} of {of} passed, {attempts} checks, {hints} hints", topic.title);
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
