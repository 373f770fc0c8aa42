//! No verb: where you are, and what is next.

use super::plan::in_detail;
use super::progress::said;
use super::study::Study;
use crate::cli::agenda::command;
use crate::cli::answers::Standing;
use crate::cli::bank;
use crate::cli::dates::days_between;
use crate::cli::error::{Exit, Result};
use crate::cli::out::Out;
use crate::cli::words::plural;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let study = Study::open(out)?;
    let desk = &study.desk;
    let all = desk.course.exercises().count();
    let passed = desk.course.exercises().filter(|id| desk.progress.passed(id)).count();
    let current = desk.progress.current(&desk.course);
    let standings = study.standings();
    if json {
        let sum = |of: fn(&Standing) -> usize| standings.values().map(of).sum::<usize>();
        out.json(&serde_json::json!({
            "folder": desk.workspace.root.display().to_string(), "exercises": all, "passed": passed, "next": current,
            "questions": sum(|s| s.questions), "answered": sum(|s| s.answered), "right": sum(|s| s.right),
            "tonight": commands_of_tonight(&study),
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
    tonight(&mut text, &study, out);
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

/// The commands of tonight's part of the plan; `None` without a plan.
fn commands_of_tonight(study: &Study) -> Option<Vec<String>> {
    let appointment = study.appointment.as_ref()?;
    let evening = study.known().plan(appointment).evenings.into_iter().next().unwrap_or_default();
    Some(evening.iter().map(|(task, _)| command(task, appointment.minutes).0).collect())
}

/// Tonight's part of the plan, if there is one.
fn tonight(text: &mut String, study: &Study, out: &Out) {
    let Some(appointment) = &study.appointment else { return };
    let days = days_between(study.now.today(), appointment.on);
    let Ok(days) = u64::try_from(days) else { return };
    if days == 0 {
        text.push_str("\nThe interview is today. Good luck!\n");
        return;
    }
    let head = format!("Tonight, {} before the interview", plural(days, "day", "days"));
    let _ = writeln!(text, "\n{}", out.style.strong(&head));
    match study.known().plan(appointment).evenings.first() {
        Some(evening) if !evening.is_empty() => text.push_str(&in_detail(evening, appointment.minutes, out.style, out.width())),
        _ => text.push_str("  That is it for today.\n"),
    }
}
