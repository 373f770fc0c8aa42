//! `plan`: what to do each evening until the interview. Kept is only its day and the minutes; all else is worked out anew.

use super::study::Study;
use super::told;
use crate::cli::agenda::{AN_EVENING, command};
use crate::cli::appointment::Appointment;
use crate::cli::dates::{self, days_between, long, plus, short};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::out::Out;
use crate::cli::plan::{Evening, Plan, Task};
use crate::cli::style::Style;
use crate::cli::wrap::{columns, padded, wrap};
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Farther away than this nobody plans evenings.
const FARTHEST_DAYS: i64 = 366;
/// Of what does not fit so many are named of a kind; `--format json` has them all.
const NAMED: usize = 6;
/// Evenings that are listed one by one; those after them by the week, as a long plan changes before its end anyway.
const LISTED: usize = 14;
const WEEK: usize = 7;

pub fn run(on: Option<&str>, minutes: Option<u32>, drop: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let mut study = Study::open(out)?;
    let store = study.desk.workspace.store();
    if drop {
        let dropped = told(Appointment::forget(&store)?, out);
        if json {
            out.json(&serde_json::json!({ "dropped": dropped }));
        } else {
            out.print(if dropped { "The plan is deleted; your progress is kept.\n" } else { "There was no plan.\n" });
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
    let say = "You have no plan yet. Give the day of the interview and the minutes per evening; you can change both at any time:";
    let mut text = wrap(say, "", width);
    let _ = writeln!(text, "\n  {}\n", style.strong(&format!("splitbrain plan --on {example} --minutes 45")));
    let _ = writeln!(text, "{}", style.strong(&format!("An evening of {AN_EVENING} minutes without one")));
    match evening.is_empty() {
        true => text.push_str("  Nothing is left to do, and nothing is due.\n"),
        false => text.push_str(&in_detail(evening, style, width)),
    }
    text
}

/// What is asked for; what is not said is as it was.
fn appointment(on: Option<&str>, minutes: Option<u32>, before: Option<Appointment>, today: Date) -> Result<Appointment> {
    let example = plus(today, 14);
    let on = match (on, before) {
        (Some(text), _) => dates::read(text).ok_or_else(|| Trouble::usage(format!("`{text}` is not a date; write it like {example}")))?,
        (None, Some(before)) => before.on,
        (None, None) => return Err(Trouble::usage(format!("also give the day of the interview: --on {example}"))),
    };
    let days = days_between(today, on);
    if days < 0 {
        let ago = plural(days.unsigned_abs(), "day", "days");
        return Err(Trouble::usage(format!("{on} is past: it was {ago} ago (today is {today}); give a future day, like {example}")));
    }
    if days > FARTHEST_DAYS {
        return Err(Trouble::usage(format!("{on} is {} days away; a plan covers at most a year: give a day like {example}", days)));
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
            "The interview was on {on}, {} ago. Good luck with the next one:\n\n  splitbrain plan --on {}\n  splitbrain plan --drop     deletes the plan\n",
            plural(days.unsigned_abs(), "day", "days"),
            plus(*today, 14)
        );
    }
    if days == 0 {
        return "The interview is today: there is no evening left to plan. To warm up, answer what is due: splitbrain review\n".to_owned();
    }
    let head = format!("Interview on {on}, in {}; {} minutes an evening", plural(days.unsigned_abs(), "day", "days"), appointment.minutes);
    let mut text = format!("{}\n{}\n", style.strong(&head), in_sum(plan, *today, scene.width));
    tonight_section(&mut text, scene);
    let coming: Vec<(Date, &Evening)> = plan.evenings.iter().enumerate().skip(1).map(|(n, e)| (plus(*today, n as i64), e)).collect();
    let busy = coming.iter().rposition(|(_, evening)| !evening.is_empty()).map_or(0, |last| last + 1);
    if busy > 0 {
        let _ = writeln!(text, "\n{}", style.strong("Then"));
    }
    for (day, evening) in coming.iter().take(busy.min(LISTED)) {
        text.push_str(&an_evening(*day, evening, scene.width));
    }
    for week in coming[..busy].get(LISTED..).unwrap_or_default().chunks(WEEK) {
        text.push_str(&a_week(week, scene.width));
    }
    if busy < coming.len() && plan.left_out.is_empty() {
        let _ = writeln!(text, "  From {} on there are only reviews.", short(plus(*today, busy as i64 + 1)).trim());
    }
    left_out(&mut text, scene);
    text
}

fn tonight_section(text: &mut String, scene: &Scene<'_>) {
    let Scene { plan, appointment, today, spent, style, .. } = scene;
    let done = if *spent > 0 { format!(": {spent} of {} minutes done", appointment.minutes) } else { String::new() };
    let _ = writeln!(text, "{}{done}", style.strong(&format!("Tonight, {}", long(*today))));
    match plan.evenings.first() {
        Some(evening) if !evening.is_empty() => text.push_str(&in_detail(evening, *style, scene.width)),
        _ if *spent > 0 => text.push_str("  That is all for today.\n"),
        _ => text.push_str("  Nothing is left to do, and nothing is due.\n"),
    }
}

/// An evening with its commands, a line each.
pub fn in_detail(evening: &Evening, style: Style, width: usize) -> String {
    let lines: Vec<(u32, (String, String))> = evening.iter().map(|(task, minutes)| (*minutes, command(task))).collect();
    let widest = lines.iter().map(|(_, (command, _))| columns(command)).max().unwrap_or(0);
    let shown = |(minutes, (command, about)): &(u32, (String, String))| {
        let label = format!("  {minutes:>3} min  {}  ", padded(command, widest));
        wrap(about, &label, width).replacen(command, &style.strong(command), 1)
    };
    lines.iter().map(shown).collect()
}

fn an_evening(day: Date, evening: &Evening, width: usize) -> String {
    let minutes: u32 = evening.iter().map(|(_, m)| m).sum();
    wrap(&in_short(evening), &format!("  {}  {minutes:>3} min  ", short(day)), width)
}

/// An evening in one line, tasks of a kind together.
fn in_short(evening: &Evening) -> String {
    let mut parts: Vec<(&str, Vec<String>)> = Vec::new();
    for (task, _) in evening {
        let (kind, name) = match task {
            Task::Review { questions, due } if questions < due => ("", format!("{questions} of {due} due")),
            Task::Review { questions, .. } => ("", format!("{questions} due")),
            Task::Lesson { topic, skim: false, .. } => ("read ", topic.clone()),
            Task::Lesson { topic, skim: true, .. } => ("skim ", topic.clone()),
            Task::Questions { topic, questions } => ("", format!("{topic} {questions}")),
            Task::Exercise { id, begun: false, whole: true } => ("write ", id.clone()),
            Task::Exercise { id, begun: false, whole: false } => ("begin ", id.clone()),
            Task::Exercise { id, begun: true, whole: false } => ("go on with ", id.clone()),
            Task::Exercise { id, begun: true, whole: true } => ("finish ", id.clone()),
            Task::Mock { minutes } => ("", format!("{minutes}-minute mock interview")),
        };
        match parts.last_mut().filter(|(last, _)| *last == kind && !kind.is_empty()) {
            Some((_, names)) => names.push(name),
            None => parts.push((kind, vec![name])),
        }
    }
    let said: Vec<String> = parts.into_iter().map(|(kind, names)| format!("{kind}{}", names.join(", "))).collect();
    if said.is_empty() { "only what falls due".to_owned() } else { said.join(" · ") }
}

/// A few evenings in one line: what is read, written and tried out in them, and how much is asked.
fn a_week(evenings: &[(Date, &Evening)], width: usize) -> String {
    let (last, evenings) = match evenings {
        [] => return String::new(),
        [(day, evening)] => return an_evening(*day, evening, width),
        [.., (last, _)] => (last, evenings),
    };
    let (mut minutes, mut due, mut asked, mut topics, mut said) = (0, 0, 0, BTreeSet::new(), Vec::new());
    let (mut lessons, mut exercises) = (Vec::new(), Vec::new());
    for (day, (task, of)) in evenings.iter().flat_map(|(day, evening)| evening.iter().map(move |task| (day, task))) {
        minutes += of;
        match task {
            Task::Review { questions, .. } => due += questions,
            Task::Lesson { topic, .. } => lessons.push(topic.as_str()),
            Task::Questions { topic, questions } => {
                asked += questions;
                topics.insert(topic);
            }
            // One that takes longer is named in the week in which it is done.
            Task::Exercise { id, whole, .. } => exercises.extend(whole.then_some(id.as_str())),
            Task::Mock { minutes } => said.push(format!("{minutes}-minute mock interview on {}", short(*day))),
        }
    }
    let mut part = |some: bool, text: String| said.extend(some.then_some(text));
    part(due > 0, format!("{due} due"));
    part(!lessons.is_empty(), format!("read {}", lessons.join(", ")));
    part(asked > 0, format!("{} on {}", plural(asked as u64, "question", "questions"), plural(topics.len() as u64, "topic", "topics")));
    part(!exercises.is_empty(), format!("write {}", exercises.join(", ")));
    let text = if said.is_empty() { "only what falls due".to_owned() } else { said.join(" · ") };
    wrap(&text, &format!("  to  {}  {minutes:>3} min  ", last.strftime("%e %b")), width)
}

/// What the evenings come to, in a few lines: when every topic was met, what is written, when it is tried out.
fn in_sum(plan: &Plan, today: Date, width: usize) -> String {
    let nights = || plan.evenings.iter().enumerate().flat_map(|(night, evening)| evening.iter().map(move |(task, _)| (night, task)));
    let day = |night: usize| short(plus(today, night as i64)).trim().to_owned();
    let mut said = Vec::new();
    let lessons: Vec<(usize, bool)> =
        nights().filter_map(|(night, task)| if let Task::Lesson { skim, .. } = task { Some((night, *skim)) } else { None }).collect();
    let unread = plan.left_out.iter().any(|task| matches!(task, Task::Lesson { .. }));
    if let Some((last, _)) = lessons.last().filter(|_| !unread) {
        let skimmed = lessons.iter().filter(|(_, skim)| *skim).count();
        let (done, how) = match lessons.len() - skimmed {
            0 => ("skimmed", String::new()),
            _ if skimmed == 0 => ("read", String::new()),
            whole => ("read", format!(", {whole} whole and {skimmed} skimmed")),
        };
        said.push(format!("every lesson {done} by {}{how}", day(*last)));
    }
    let questions: usize = nights()
        .map(|(_, task)| if let Task::Lesson { questions, .. } | Task::Questions { questions, .. } = task { *questions } else { 0 })
        .sum();
    if questions > 0 {
        said.push(plural(questions as u64, "new question", "new questions"));
    }
    let exercises = nights().filter(|(_, task)| matches!(task, Task::Exercise { whole: true, .. })).count();
    if exercises > 0 {
        said.push(plural(exercises as u64, "exercise", "exercises"));
    }
    let mocks: Vec<String> = nights().filter(|(_, task)| matches!(task, Task::Mock { .. })).map(|(night, _)| day(night)).collect();
    match mocks.as_slice() {
        [] => {}
        [one] => said.push(format!("a mock interview on {one}")),
        more => said.push(format!("mock interviews on {}", more.join(" and "))),
    }
    if said.is_empty() { String::new() } else { wrap(&format!("{}.", said.join("; ")), "In all: ", width) }
}

fn left_out(text: &mut String, scene: &Scene<'_>) {
    let all = &scene.plan.left_out;
    if all.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", scene.style.warn("What does not fit, most important first"));
    let mut line = |number: usize, one: &str, many: &str, names: Vec<String>| {
        if number > 0 {
            let more = match names.len().saturating_sub(NAMED) {
                0 | 1 => names.len(),
                _ => NAMED,
            };
            let others = if more < names.len() { format!(" and {} more", names.len() - more) } else { String::new() };
            let label = format!("  {}: ", plural(number as u64, one, many));
            text.push_str(&wrap(&format!("{}{others}.", names[..more].join(", ")), &label, scene.width));
        }
    };
    let (mut lessons, mut questions, mut number, mut exercises, mut mocks) = (Vec::new(), Vec::new(), 0, Vec::new(), Vec::new());
    for task in all {
        match task {
            Task::Lesson { topic, .. } => lessons.push(topic.clone()),
            Task::Questions { topic, questions: n } => {
                questions.push(format!("{topic} {n}"));
                number += n;
            }
            Task::Exercise { id, .. } => exercises.push(id.clone()),
            Task::Mock { minutes } => mocks.push(format!("{minutes} minutes")),
            Task::Review { .. } => {}
        }
    }
    line(lessons.len(), "lesson", "lessons", lessons);
    line(number, "question", "questions", questions);
    line(exercises.len(), "exercise", "exercises", exercises);
    line(mocks.len(), "mock interview", "mock interviews", mocks);
    if let Some(minutes) = scene.enough {
        let _ = writeln!(text, "  With {minutes} minutes an evening everything fits: splitbrain plan --minutes {minutes}");
    }
}

/// Without an appointment its day, and how far away it is, are null.
fn as_json(plan: &Plan, appointment: Option<&Appointment>, today: Date, spent: u32) -> serde_json::Value {
    let minutes = appointment.map_or(AN_EVENING, |appointment| appointment.minutes);
    let task = |task: &Task, of: Option<u32>| {
        let (kind, about) = match task {
            Task::Review { questions, due } => ("review", serde_json::json!({ "questions": questions, "due": due })),
            Task::Lesson { topic, skim, questions } => {
                ("theory", serde_json::json!({ "topic": topic, "lesson": true, "skim": skim, "questions": questions }))
            }
            Task::Questions { topic, questions } => {
                ("theory", serde_json::json!({ "topic": topic, "lesson": false, "skim": false, "questions": questions }))
            }
            Task::Exercise { id, begun, whole } => ("exercise", serde_json::json!({ "exercise": id, "begun": begun, "whole": whole })),
            Task::Mock { .. } => ("interview", serde_json::json!({})),
        };
        let mut line = serde_json::json!({ "task": kind });
        if let (Some(line), serde_json::Value::Object(about)) = (line.as_object_mut(), about) {
            line.extend(about);
            if let Some(of) = of {
                line.insert("minutes".to_owned(), of.into());
                line.insert("command".to_owned(), command(task).0.into());
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
        let lesson = |topic: &str, skim| (Task::Lesson { topic: topic.into(), skim, questions: 6 }, if skim { 4 } else { 10 });
        let questions = |topic: &str, questions| Task::Questions { topic: topic.into(), questions };
        let exercise = |begun, whole| Task::Exercise { id: "raft_election".into(), begun, whole };
        let review = |questions, due| Task::Review { questions, due };
        Plan {
            evenings: vec![
                vec![(review(36, 68), 22), lesson("cascading_failures", false), lesson("queues", true), (exercise(false, false), 20)],
                vec![(review(12, 12), 8), (questions("cap", 5), 6), (exercise(true, true), 30)],
                vec![(Task::Mock { minutes: 45 }, 45)],
                vec![],
            ],
            left_out: vec![questions("queues", 17), questions("cap", 3), exercise(false, true)],
        }
    }

    #[test]
    fn evenings_on_a_screen_of_80_columns() {
        let text = said(&a_plan(), "2026-11-26", 9);
        insta::assert_snapshot!(text, @r"
        Interview on Thursday 26 November, in 4 days; 45 minutes an evening
        In all: every lesson read by Sun 22 Nov, 1 whole and 1 skimmed; 17 new
                questions; 1 exercise; a mock interview on Tue 24 Nov.

        Tonight, Sunday 22 November: 9 of 45 minutes done
           22 min  splitbrain review --limit 36         36 of 68 questions due
           10 min  splitbrain learn cascading_failures  the lesson, 6 questions
            4 min  splitbrain learn queues --skim       its traps and numbers
           20 min  splitbrain show raft_election        begin it

        Then
          Mon 23 Nov   44 min  12 due · cap 5 · finish raft_election
          Tue 24 Nov   45 min  45-minute mock interview

        What does not fit, most important first
          20 questions: queues 17, cap 3.
          1 exercise: raft_election.
          With 60 minutes an evening everything fits: splitbrain plan --minutes 60
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn what_is_far_away_is_said_by_the_week_and_what_is_much_is_not_listed() {
        let questions = |n: usize| (Task::Questions { topic: format!("t{}", n % 3), questions: 2 }, 3);
        let mut evenings: Vec<Evening> = (0..23).map(|n| vec![(Task::Review { questions: 4, due: 9 }, 3), questions(n)]).collect();
        evenings[17] = vec![(Task::Mock { minutes: 20 }, 20)];
        evenings[18] = vec![(Task::Exercise { id: "saga".into(), begun: true, whole: true }, 30)];
        let left_out = (0..9).map(|n| Task::Questions { topic: format!("t{n}"), questions: 1 }).collect();
        let text = said(&Plan { evenings, left_out }, "2026-12-15", 0);
        let from = text.find("  Sun  6 Dec").unwrap();
        insta::assert_snapshot!(format!("|{}", &text[from..]), @r"
        |  Sun  6 Dec    6 min  4 of 9 due · t2 2
          to  13 Dec   80 min  20-minute mock interview on Wed 9 Dec · 20 due · 10
                               questions on 3 topics · write saga
          Mon 14 Dec    6 min  4 of 9 due · t1 2

        What does not fit, most important first
          9 questions: t0 1, t1 1, t2 1, t3 1, t4 1, t5 1 and 3 more.
          With 60 minutes an evening everything fits: splitbrain plan --minutes 60
        ");
    }

    #[test]
    fn today_and_a_day_that_is_over() {
        assert!(said(&Plan::default(), "2026-11-22", 0).contains("is today"));
        assert!(said(&Plan::default(), "2026-11-21", 0).contains("was on Saturday 21 November, 1 day ago"));
        let done = said(&Plan { evenings: vec![vec![]], left_out: vec![] }, "2026-11-23", 45);
        assert!(done.contains("Tonight, Sunday 22 November: 45 of 45 minutes done\n  That is all for today."), "{done}");
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
        assert!(made(Some("2026-02-30"), None, None).unwrap_err().message.contains("is not a date; write it like 2026-12-06"));
    }
}
