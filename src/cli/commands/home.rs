//! No verb: where you are, and what is next.

use super::plan::in_detail;
use super::study::Study;
use super::{learn, menu};
use crate::cli::agenda::command;
use crate::cli::answers::Standing;
use crate::cli::dates::days_between;
use crate::cli::error::{Exit, Result};
use crate::cli::figures::plural;
use crate::cli::out::Out;
use crate::cli::plan::Task;
use crate::cli::wrap::wrap;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let study = Study::open(out)?;
    let desk = &study.desk;
    let all = desk.course.exercises().count();
    let passed = desk.course.exercises().filter(|id| desk.progress.passed(id)).count();
    let next = study.next();
    let standings = study.standings();
    if json {
        let sum = |of: fn(&Standing) -> usize| standings.values().map(of).sum::<usize>();
        out.json(&serde_json::json!({
            "folder": desk.workspace.root.display().to_string(), "exercises": all, "passed": passed, "next": study.next_command().0,
            "questions": sum(|s| s.questions), "answered": sum(|s| s.answered), "right": sum(|s| s.right),
            "tonight": commands_of_tonight(&study),
        }));
        return Ok(Exit::Passed);
    }
    let due = study.quizzes.iter().map(|quiz| study.memories.due_of(quiz)).sum::<usize>();
    let sum = |of: fn(&Standing) -> usize| standings.values().map(of).sum::<usize>();
    let (asked, answered) = (sum(|s| s.questions), sum(|s| s.answered));
    let mut text = format!("{passed} of {all} exercises passed");
    if asked > 0 {
        let _ = write!(text, " · {answered} of {asked} questions answered, {} right", sum(|s| s.right));
    }
    text.push_str(&if due > 0 { format!(" · {}\n", out.style.warn(&format!("{due} due"))) } else { "\n".to_owned() });
    let _ = writeln!(text, "{}", out.style.faint(&desk.workspace.root.display().to_string()));
    let fresh = answered == 0 && desk.course.exercises().all(|id| desk.progress.of(id).attempts == 0);
    if desk.progress.current(&desk.course).is_none() {
        text.push_str("\nYou have passed every exercise.\n");
    }
    match &next {
        None | Some(Task::Review { .. } | Task::Lesson { .. } | Task::Questions { .. } | Task::Mock { .. }) => {
            let (command, about) = study.next_command();
            let _ = writeln!(text, "\nNext: {}  {}", out.style.strong(&command), out.style.faint(&about));
        }
        Some(Task::Exercise { id, .. }) => {
            let about = desk.workspace.content().about(id)?;
            let head = if fresh { "Begin here" } else { "Next" };
            let _ = writeln!(text, "\n{head}: {} ({})", out.style.strong(&about.title), plural(about.minutes.into(), "minute", "minutes"));
            text.push_str(&wrap(&about.summary, "  ", out.width()));
            let file = desk.workspace.shown(&desk.workspace.stub(id));
            let mut steps = vec![
                (format!("splitbrain show {id}"), "the problem"),
                (file, "your file: open it in your editor"),
                (format!("splitbrain watch {id}"), "the hidden tests, each time you save"),
                (format!("splitbrain hint {id}"), "if you are stuck"),
            ];
            if fresh && learn::walks(&desk.course) {
                steps.insert(0, ("splitbrain learn start".to_owned(), "new here? a guided tour of this exercise"));
            }
            let wide = steps.iter().map(|(step, _)| step.len()).max().unwrap_or(0);
            for (step, what) in steps {
                let line = wrap(what, &format!("  {step:<wide$}  "), out.width());
                text.push_str(&line.replacen(&step, &out.style.strong(&step), 1));
            }
        }
    }
    tonight(&mut text, &study, out);
    if asked > 0 && !menu::offered() {
        let _ = writeln!(text, "\nTheory: splitbrain {}", out.style.strong(if due > 0 { "review" } else { "quiz [TOPIC]" }));
    }
    out.print(&text);
    if !menu::offered() {
        return Ok(Exit::Passed);
    }
    // What the plan works at; the course's order, where tonight it works at none.
    let planned = study.exercise_of_tonight();
    let work = planned.or_else(|| desk.progress.current(&desk.course).map(str::to_owned));
    let walks = fresh && learn::walks(&desk.course);
    menu::ask(&menu::Scene { next, work, fresh, walks, due, interview: study.mock_minutes() }, out)
}

/// The commands of tonight's part of the plan; `None` without a plan.
fn commands_of_tonight(study: &Study) -> Option<Vec<String>> {
    let appointment = study.appointment.as_ref()?;
    let evening = study.known().plan(appointment).evenings.into_iter().next().unwrap_or_default();
    Some(evening.iter().map(|(task, _)| command(task).0).collect())
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
        Some(evening) if !evening.is_empty() => text.push_str(&in_detail(evening, out.style, out.width())),
        _ => text.push_str("  That is all for today.\n"),
    }
}
