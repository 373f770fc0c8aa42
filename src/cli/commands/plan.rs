//! `plan`: what to do each evening until the interview. Kept is only its day and the minutes; all else is worked out anew.

use super::study::Study;
use super::told;
use crate::cli::agenda::{AN_EVENING, command};
use crate::cli::appointment::Appointment;
use crate::cli::dates::{self, days_between, long, plus, short};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::out::Out;
use crate::cli::plan::{Evening, PRIMER, Plan, Task};
use crate::cli::style::Style;
use crate::cli::wrap::{columns, padded, wrap};
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
        let evening = study.known().an_evening();
        if json {
            let plan = Plan { evenings: vec![evening], left_out: Vec::new() };
            out.json(&as_json(&plan, None, today, study.known().spent_today()));
        } else {
            out.page(&without_a_day(&evening, today, out.style, out.width()));
        }
        return Ok(Exit::Passed);
    };
    let known = study.known();
    let plan = known.plan(&appointment);
    let spent = known.spent_today();
    if json {
        out.json(&as_json(&plan, Some(&appointment), today, spent));
        return Ok(Exit::Passed);
    }
    let enough = if plan.left_out.is_empty() { None } else { known.enough(&appointment) };
    let scene = Scene { plan: &plan, appointment: &appointment, today, spent, enough, style: out.style, width: out.width() };
    out.page(&shown(&scene));
    Ok(Exit::Passed)
}

/// What is shown where no interview is known of: how to say its day, and an evening all the same.
fn without_a_day(evening: &Evening, today: Date, style: Style, width: usize) -> String {
    let example = plus(today, 14);
    let say = "No plan is made yet. Say on which day the interview is, and how many minutes an evening has; it can be changed at any time:";
    let mut text = wrap(say, "", width);
    let _ = writeln!(text, "\n  {}\n", style.strong(&format!("splitbrain plan --on {example} --minutes 45")));
    let _ = writeln!(text, "{}", style.strong(&format!("An evening of {AN_EVENING} minutes without one")));
    match evening.is_empty() {
        true => text.push_str("  Nothing is left to do, and nothing is due.\n"),
        false => text.push_str(&in_detail(evening, AN_EVENING, style, width)),
    }
    text
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
    let mut lines: Vec<(u32, String, String)> = Vec::new();
    let mut line = |of: u32, task: &Task| {
        let (command, about) = command(task, minutes);
        lines.push((of, command, about));
    };
    for (task, of) in evening {
        match task {
            Task::Theory { topic, primer: true, questions } => {
                line(PRIMER.min(*of), task);
                line(of.saturating_sub(PRIMER), &Task::Theory { topic: topic.clone(), primer: false, questions: *questions });
            }
            _ => line(*of, task),
        }
    }
    let widest = lines.iter().map(|(_, command, _)| columns(command)).max().unwrap_or(0);
    let shown = |(minutes, command, about): &(u32, String, String)| {
        let label = format!("  {minutes:>3} min  {}  ", padded(command, widest));
        wrap(about, &label, width).replacen(command, &style.strong(command), 1)
    };
    lines.iter().map(shown).collect()
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

/// Without an appointment its day, and how far away it is, are null.
fn as_json(plan: &Plan, appointment: Option<&Appointment>, today: Date, spent: u32) -> serde_json::Value {
    let minutes = appointment.map_or(AN_EVENING, |appointment| appointment.minutes);
    let task = |task: &Task, of: Option<u32>| {
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
            if let Some(of) = of {
                line.insert("minutes".to_owned(), of.into());
                line.insert("command".to_owned(), command(task, minutes).0.into());
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
        "on": appointment.map(|a| a.on.to_string()), "minutes": minutes, "days": appointment.map(|a| days_between(today, a.on)),
        "spent_today": spent, "evenings": evenings, "left_out": left_out,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        dates::read(text).unwrap()
    }

    fn said(plan: &Plan, on: &str, spent: u32) -> String {
        let appointment = Appointment { on: day(on), minutes: 45, made_on: day("2026-11-20") };
        let today = day("2026-11-22");
        shown(&Scene { plan, appointment: &appointment, today, spent, enough: Some(60), style: Style::PLAIN, width: 80 })
    }

    fn a_plan() -> Plan {
        let theory = |topic: &str, primer, questions| Task::Theory { topic: topic.into(), primer, questions };
        let exercise = |whole| Task::Exercise { id: "raft_election".into(), whole };
        Plan {
            evenings: vec![
                vec![(Task::Review { questions: 1 }, 1), (theory("cascading_failures", true, 9), 15), (exercise(false), 20)],
                vec![(Task::Review { questions: 12 }, 8), (exercise(true), 30), (theory("cap", false, 5), 6)],
                vec![(Task::Mock, 45)],
                vec![],
            ],
            left_out: vec![theory("queues", true, 17), exercise(true)],
        }
    }

    #[test]
    fn evenings_on_a_screen_of_80_columns() {
        let text = said(&a_plan(), "2026-11-26", 9);
        insta::assert_snapshot!(text, @r"
        Interview on Thursday 26 November, in 4 days; 45 minutes an evening

        Tonight, Sunday 22 November: 9 of 45 minutes done
            1 min  splitbrain review --limit 1                   1 question due
            4 min  splitbrain learn cascading_failures           read its page first
           11 min  splitbrain quiz cascading_failures --limit 9  9 questions
           20 min  splitbrain show raft_election                 begin it

        Then
          Mon 23 Nov   44 min  12 due · raft_election · cap 5
          Tue 24 Nov   45 min  mock interview

        What does not fit
          queues (17), raft_election.
          With 60 minutes an evening all of it would: splitbrain plan --minutes 60
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn today_and_a_day_that_is_over() {
        assert!(said(&Plan::default(), "2026-11-22", 0).contains("is today"));
        assert!(said(&Plan::default(), "2026-11-21", 0).contains("was on Saturday 21 November, 1 day ago"));
        let done = said(&Plan { evenings: vec![vec![]], left_out: vec![] }, "2026-11-23", 45);
        assert!(done.contains("Tonight, Sunday 22 November: 45 of 45 minutes done\n  That is it for today."), "{done}");
    }

    #[test]
    fn what_is_asked_for_is_checked() {
        let today = day("2026-11-22");
        let made = |on, minutes, before| appointment(on, minutes, before, today);
        let first = made(Some("2026-12-05"), None, None).unwrap();
        assert_eq!((first.minutes, first.made_on), (45, today));
        let older = Appointment { made_on: day("2026-11-01"), minutes: 30, ..first };
        assert_eq!(made(None, Some(60), Some(older)), Ok(Appointment { minutes: 60, ..older }), "the same interview: the same plan");
        assert_eq!(made(Some("2026-12-09"), None, Some(older)).unwrap().made_on, today, "another interview: a new one");
        assert!(made(None, Some(60), None).unwrap_err().message.contains("--on 2026-12-06"));
        assert!(made(Some("2026-02-30"), None, None).unwrap_err().message.contains("is no day; write it like 2026-12-06"));
    }
}
