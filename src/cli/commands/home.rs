//! No verb: where you are, and what is next.

use super::Desk;
use super::progress::said;
use crate::cli::answers::Standing;
use crate::cli::bank;
use crate::cli::error::{Exit, Result};
use crate::cli::out::Out;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let all = desk.course.exercises().count();
    let passed = desk.course.exercises().filter(|id| desk.progress.passed(id)).count();
    let current = desk.progress.current(&desk.course);
    let standings = desk.standings(out)?;
    if json {
        let sum = |of: fn(&Standing) -> usize| standings.values().map(of).sum::<usize>();
        out.json(&serde_json::json!({
            "folder": desk.workspace.root.display().to_string(), "exercises": all, "passed": passed, "next": current,
            "questions": sum(|s| s.questions), "answered": sum(|s| s.answered), "right": sum(|s| s.right),
        }));
        return Ok(Exit::Passed);
    }
    let mut text = format!("{passed} of {all} exercises passed in {}\n", desk.workspace.root.display());
    match current {
        None => text.push_str("Every exercise is passed.\n"),
        Some(id) => {
            let about = desk.workspace.content().about(id)?;
            let file = desk.workspace.shown(&desk.workspace.stub(id));
            text.push_str(&format!(
                "\nNext: {}. {}\n\n  splitbrain show {id}     the problem (about {} minutes)\n  {file}\n  {}     hidden tests against your file\n  splitbrain hint {id}     if you are stuck\n",
                out.style.strong(&about.title),
                about.summary,
                about.minutes,
                out.style.strong(&format!("splitbrain check {id}")),
            ));
        }
    }
    if !standings.is_empty() {
        text.push_str(&format!("\nTheory: {}\n\n", out.style.strong("splitbrain quiz [TOPIC]")));
    }
    for name in bank::names(&desk.course) {
        if let Some(standing) = standings.get(name) {
            text.push_str(&format!("  {name:<20} {}\n", said(*standing)));
        }
    }
    out.print(&text);
    Ok(Exit::Passed)
}
