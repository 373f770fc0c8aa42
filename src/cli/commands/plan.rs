//! `plan`: what to do each evening until the interview. Kept is only its day and the minutes; all else is worked out anew.

use super::study::Study;
use super::told;
use crate::cli::agenda::command;
use crate::cli::appointment::Appointment;
use crate::cli::dates::{self, days_between, long, plus, short};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::plan::{Evening, PRIMER, Plan, Task};
use crate::cli::style::Style;
use crate::cli::words::plural;
use crate::cli::wrap::wrap;
use jiff::civil::Date;
use std::fmt::Write as _;

/// Farther away than this nobody plans evenings.
const FARTHEST_DAYS: i64 = 366;
/// Evenings that are listed; a long plan changes before its end anyway.
const LISTED: usize = 28;

pub fn run(on: Option<&str>, minutes: Option<u32>, drop: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let mut study = Study::open(out)?;
    let store = study.desk.workspace.store();
    if drop {
        let dropped = told(Appointment::forget(&store)?, out);
        if json {
            out.json(&serde_json::json!({ "dropped": dropped }));
        } else {
            out.print(if dropped { "The plan is forgotten; what you did is not.\n" } else { "There was no plan.\n" });
        }
        return Ok(Exit::Passed);
    }
    let today = study.now.today();
    if on.is_some() || minutes.is_some() {
        let made = appointment(on, minutes, study.appointment, today)?;
        told(made.keep(&store)?, out);
        study.appointment = Some(made);
    }
    let Some(appointment) = study.appointment else {
        let example = plus(today, 14);
        return Err(Trouble::usage(format!("there is no plan yet: splitbrain plan --on {example} --minutes 45")));
    };
    let known = study.known();
    let plan = known.plan(&appointment);
    let spent = known.spent_today();
    if json {
        out.json(&as_json(&plan, &appointment, today, spent));
        return Ok(Exit::Passed);
    }
    let enough = if plan.left_out.is_empty() { None } else { known.enough(&appointment) };
    let scene = Scene { plan: &plan, appointment: &appointment, today, spent, enough, style: out.style, width: out.width() };
    out.print(&shown(&scene));
    Ok(Exit::Passed)
}

/// What is asked for; what is not said is as it was.
fn appointment(on: Option<&str>, minutes: Option<u32>, before: Option<Appointment>, today: Date) -> Result<Appointment> {
    let example = plus(today, 14);
    let on = match (on, before) {
        (Some(text), _) => dates::read(text).ok_or_else(|| Trouble::usage(format!("`{text}` is no day; write it like {example}")))?,
        (None, Some(before)) => before.on,
        (None, None) => return Err(Trouble::usage(format!("say the day of the interview as well: --on {example}"))),
    };
    let days = days_between(today, on);
    if days < 0 {
        let ago = plural(days.unsigned_abs(), "day", "days");
        return Err(Trouble::usage(format!("{on} is past: it was {ago} ago (today is {today}); a day to come is written like {example}")));
    }
    if days > FARTHEST_DAYS {
        return Err(Trouble::usage(format!("{on} is {} days away; evenings are planned for a year at most, as for {example}", days)));
    }
    let same = before.filter(|before| before.on == on);
    let minutes = minutes.or(before.map(|b| b.minutes)).unwrap_or(45);
    Ok(Appointment { on, minutes, made_on: same.map_or(today, |same| same.made_on) })
}

/// What is shown.
struct Scene<'a> {
    plan: &'a Plan,
    appointment: &'a Appointment,
    today: Date,
    /// Minutes of today that are done.
    spent: u32,
    /// Minutes an evening that would do, if these do not.
    enough: Option<u32>,
    style: Style,
    width: usize,
}

fn shown(scene: &Scene<'_>) -> String {
    let Scene { plan, appointment, today, style, .. } = scene;
    let days = days_between(*today, appointment.on);
    let on = long(appointment.on);
    if days < 0 {
        return format!(
            "The interview was on {on}, {} ago. Good luck with the next one:\n\n  splitbrain plan --on {}\n  splitbrain plan --drop     forgets it\n",
            plural(days.unsigned_abs(), "day", "days"),
            plus(*today, 14)
        );
    }
    if days == 0 {
        return "The interview is today: there is no evening left to plan. What is due keeps you warm: splitbrain review\n".to_owned();
    }
    let head = format!("Interview on {on}, in {}; {} minutes an evening", plural(days.unsigned_abs(), "day", "days"), appointment.minutes);
    let mut text = format!("{}\n\n", style.strong(&head));
    tonight_section(&mut text, scene);
    let coming: Vec<(Date, &Evening)> = plan.evenings.iter().enumerate().skip(1).map(|(n, e)| (plus(*today, n as i64), e)).collect();
    let busy = coming.iter().rposition(|(_, evening)| !evening.is_empty()).map_or(0, |last| last + 1);
    if busy > 0 {
        let _ = writeln!(text, "\n{}", style.strong("Then"));
    }
    for (day, evening) in coming.iter().take(busy.min(LISTED)) {
        let minutes: u32 = evening.iter().map(|(_, m)| m).sum();
        let label = format!("  {}  {minutes:>3} min  ", short(*day));
        text.push_str(&wrap(&in_short(evening), &label, scene.width));
    }
    if busy > LISTED {
        let _ = writeln!(text, "  and {} more; `--format json` has them all", plural((busy - LISTED) as u64, "evening", "evenings"));
    } else if busy < coming.len() && plan.left_out.is_empty() {
        let _ = writeln!(text, "  From {} on there is only what falls due.", short(plus(*today, busy as i64 + 1)).trim());
    }
    left_out(&mut text, scene);
    text
}

fn tonight_section(text: &mut String, scene: &Scene<'_>) {
    let Scene { plan, appointment, today, spent, style, .. } = scene;
    let done = if *spent > 0 { format!(": {spent} of {} minutes done", appointment.minutes) } else { String::new() };
    let _ = writeln!(text, "{}{done}", style.strong(&format!("Tonight, {}", long(*today))));
    match plan.evenings.first() {
        Some(evening) if !evening.is_empty() => text.push_str(&in_detail(evening, appointment.minutes, *style, scene.width)),
        _ if *spent > 0 => text.push_str("  That is it for today.\n"),
        _ => text.push_str("  Nothing is left to do, and nothing is due.\n"),
    }
}

/// An evening with its commands, a line each.
pub fn in_detail(evening: &Evening, minutes: u32, style: Style, width: usize) -> String {
    let mut text = String::new();
    let mut line = |minutes: u32, task: &Task, evening: u32| {
        let (command, about) = command(task, evening);
        let label = format!("  {minutes:>3} min  {command:<36}  ");
        let lines = wrap(&about, &label, width);
        text.push_str(&lines.replacen(&command, &style.strong(&command), 1));
    };
    for (task, of) in evening {
        match task {
            Task::Theory { topic, primer: true, questions } => {
                line(PRIMER.min(*of), task, minutes);
                line(of.saturating_sub(PRIMER), &Task::Theory { topic: topic.clone(), primer: false, questions: *questions }, minutes);
            }
            _ => line(*of, task, minutes),
        }
    }
    text
}

/// An evening in one line.
fn in_short(evening: &Evening) -> String {
    let part = |(task, _): &(Task, u32)| match task {
        Task::Review { questions } => format!("{questions} due"),
        Task::Theory { topic, primer, questions } => format!("{topic} {}{questions}", if *primer { "page + " } else { "" }),
        Task::Exercise { id, whole: true } => id.clone(),
        Task::Exercise { id, whole: false } => format!("{id}, a part"),
        Task::Mock => "mock interview".to_owned(),
    };
    if evening.is_empty() { "only what falls due".to_owned() } else { evening.iter().map(part).collect::<Vec<_>>().join(" · ") }
}

fn left_out(text: &mut String, scene: &Scene<'_>) {
    if scene.plan.left_out.is_empty() {
        return;
    }
    let part = |task: &Task| match task {
        Task::Theory { topic, questions, .. } => format!("{topic} ({questions})"),
        Task::Exercise { id, .. } => id.clone(),
        Task::Review { .. } | Task::Mock => in_short(&vec![(task.clone(), 0)]),
    };
    let parts: Vec<String> = scene.plan.left_out.iter().map(part).collect();
    let _ = writeln!(text, "\n{}", scene.style.warn("What does not fit"));
    text.push_str(&wrap(&format!("{}.", parts.join(", ")), "  ", scene.width));
    if let Some(minutes) = scene.enough {
        let _ = writeln!(text, "  With {minutes} minutes an evening all of it would: splitbrain plan --minutes {minutes}");
    }
}

fn as_json(plan: &Plan, appointment: &Appointment, today: Date, spent: u32) -> serde_json::Value {
    let task = |task: &Task, minutes: Option<u32>| {
        let (kind, about) = match task {
            Task::Review { questions } => ("review", serde_json::json!({ "questions": questions })),
            Task::Theory { topic, primer, questions } => {
                ("theory", serde_json::json!({ "topic": topic, "primer": primer, "questions": questions }))
            }
            Task::Exercise { id, whole } => ("exercise", serde_json::json!({ "exercise": id, "whole": whole })),
            Task::Mock => ("interview", serde_json::json!({})),
        };
        let mut line = serde_json::json!({ "task": kind });
        if let (Some(line), serde_json::Value::Object(about)) = (line.as_object_mut(), about) {
            line.extend(about);
            if let Some(minutes) = minutes {
                line.insert("minutes".to_owned(), minutes.into());
                line.insert("command".to_owned(), command(task, appointment.minutes).0.into());
            }
        }
        line
    };
    let evenings: Vec<_> = plan
        .evenings
        .iter()
        .enumerate()
        .map(|(n, evening)| {
            let tasks: Vec<_> = evening.iter().map(|(t, m)| task(t, Some(*m))).collect();
            serde_json::json!({ "day": plus(today, n as i64).to_string(), "tasks": tasks })
        })
        .collect();
    let left_out: Vec<_> = plan.left_out.iter().map(|t| task(t, None)).collect();
    serde_json::json!({
        "on": appointment.on.to_string(), "minutes": appointment.minutes, "days": days_between(today, appointment.on),
        "spent_today": spent, "evenings": evenings, "left_out": left_out,
    })
}
