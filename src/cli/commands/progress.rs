//! `progress`: what is done, topic by topic; how honest "sure" was; the last weeks; and the one thing to do next.

use super::study::Study;
use super::told;
use crate::cli::activity::Activity;
use crate::cli::answers::{Answers, Standing};
use crate::cli::course::Topic;
use crate::cli::error::{Exit, Result};
use crate::cli::figures::{percent, plural};
use crate::cli::interview::card::overall;
use crate::cli::out::Out;
use crate::cli::progress::Entry;
use crate::cli::quiz::grade::Confidence;
use crate::cli::style::Style;
use crate::cli::wrap::{clipped, padded, wrap};
use serde_json::json;
use std::fmt::Write as _;

/// Fewer answers that were called sure prove nothing.
const ENOUGH_TO_JUDGE: usize = 10;
/// From this share on "sure" pays: see [`Confidence::marks`].
const SURE_PAYS: f64 = 0.8;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let study = Study::open(out)?;
    let answers = told(Answers::read(&study.desk.workspace.store())?, out);
    let topics = study.desk.course.topics.iter().filter(|t| !t.exercises.is_empty() || t.quiz.is_some());
    let rows: Vec<Row<'_>> = topics.map(|t| Row::of(t, &study, &answers)).collect();
    let activity = Activity::of(&answers, &study.desk.progress, &study.now);
    let next = study.next_command();
    if json {
        for row in &rows {
            out.json(&row.as_json());
        }
        let sure = Sure::of(&answers, None);
        let days = activity.last_weeks().into_iter().filter(|(_, n)| *n > 0);
        out.json(&json!({
            "sure": sure.said, "sure_right": sure.right, "streak": activity.streak(), "longest_streak": activity.longest(),
            "today_done": activity.today_done(), "next": next.0,
            "days": days.map(|(day, n)| (day.to_string(), n.into())).collect::<serde_json::Map<_, _>>(),
        }));
        return Ok(Exit::Passed);
    }
    let mut text = String::new();
    table(&mut text, &rows, out.style);
    exercises(&mut text, &rows, out);
    calibration(&mut text, &answers, out.width());
    if let Some(held) = &study.interview
        && let Some(score) = overall(&held.parts)
    {
        let _ = writeln!(text, "\nThe last mock interview, {}: {} (splitbrain interview --last)", held.day, percent(score));
    }
    weeks(&mut text, &activity, out);
    let _ = writeln!(text, "\n{}  {}  {}", out.style.strong("Next:"), out.style.strong(&next.0), next.1);
    out.page(&text);
    Ok(Exit::Passed)
}

/// How often the learner was sure, and how often that was right.
#[derive(Clone, Copy, Default)]
struct Sure {
    said: usize,
    right: usize,
}

impl Sure {
    fn of(answers: &Answers, topic: Option<&str>) -> Sure {
        let sure = answers.all().iter().filter(|a| a.confidence == Some(Confidence::Sure) && topic.is_none_or(|t| t == a.topic));
        sure.fold(Sure::default(), |all, given| Sure { said: all.said + 1, right: all.right + usize::from(given.right) })
    }
}

/// One topic.
struct Row<'a> {
    topic: &'a Topic,
    theory: Option<Standing>,
    due: usize,
    sure: Sure,
    exercises: Vec<(&'a str, Entry)>,
}

impl<'a> Row<'a> {
    fn of(topic: &'a Topic, study: &Study, answers: &Answers) -> Row<'a> {
        let quiz = study.quiz_of(topic);
        let due = quiz.map_or(0, |quiz| study.memories.due_of(quiz));
        let sure = quiz.map_or(Sure::default(), |quiz| Sure::of(answers, Some(&quiz.id)));
        let exercises = topic.exercises.iter().map(|id| (id.as_str(), study.desk.progress.of(id))).collect();
        Row { topic, theory: quiz.map(|quiz| study.memories.standing_of(quiz)), due, sure, exercises }
    }

    fn passed(&self) -> usize {
        self.exercises.iter().filter(|(_, e)| e.passed_at.is_some()).count()
    }

    fn as_json(&self) -> serde_json::Value {
        let Standing { questions, answered, right } = self.theory.unwrap_or_default();
        let sum = |of: fn(&Entry) -> u64| self.exercises.iter().map(|(_, e)| of(e)).sum::<u64>();
        json!({
            "topic": self.topic.id, "passed": self.passed(), "exercises": self.exercises.len(), "attempts": sum(|e| e.attempts),
            "hints": sum(|e| e.hints), "give_ups": sum(|e| e.gave_up_at.is_some().into()),
            "questions": questions, "answered": answered, "right": right, "due": self.due,
            "sure": self.sure.said, "sure_right": self.sure.right,
        })
    }
}

/// A column stays empty where there is nothing to say: what is done stands out.
fn table(text: &mut String, rows: &[Row<'_>], style: Style) {
    let head = format!("{:<26} {:>9}  {:>5}  {:>3}  {:>10}  {:>9}", "", "answered", "right", "due", "sure", "exercises");
    let _ = writeln!(text, "{}", style.faint(&head));
    let figure = |n: usize| if n == 0 { String::new() } else { n.to_string() };
    for row in rows {
        let Standing { questions, answered, right } = row.theory.unwrap_or_default();
        let of = |n: usize, all: usize| if all == 0 { String::new() } else { format!("{n} of {all}") };
        let sure = if row.sure.said == 0 { String::new() } else { format!("{} of {}", row.sure.right, row.sure.said) };
        let shown_right = if answered == 0 { String::new() } else { right.to_string() };
        let line = format!(
            "{} {:>9}  {shown_right:>5}  {:>3}  {sure:>10}  {:>9}",
            padded(&clipped(&row.topic.title, 25), 26),
            of(answered, questions),
            figure(row.due),
            of(row.passed(), row.exercises.len()),
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn exercises(text: &mut String, rows: &[Row<'_>], out: &Out) {
    let all: Vec<&(&str, Entry)> = rows.iter().flat_map(|row| &row.exercises).collect();
    let begun: Vec<&&(&str, Entry)> = all.iter().filter(|(_, e)| *e != Entry::default()).collect();
    if all.is_empty() {
        return;
    }
    let passed = all.iter().filter(|(_, e)| e.passed_at.is_some()).count();
    let _ = writeln!(text, "\n{}", out.style.strong(&format!("{passed} of {} exercises passed", all.len())));
    for (id, entry) in begun {
        let mut parts = vec![plural(entry.attempts, "check", "checks")];
        if entry.hints > 0 {
            parts.push(plural(entry.hints, "hint", "hints"));
        }
        if entry.gave_up_at.is_some() {
            parts.push("solution seen before a pass".to_owned());
        }
        let mark = if entry.passed_at.is_some() { out.style.good("✓") } else { out.style.warn("…") };
        let _ = writeln!(text, "  {mark} {id:<24} {}", parts.join(", "));
    }
}

fn calibration(text: &mut String, answers: &Answers, width: usize) {
    let Sure { said, right } = Sure::of(answers, None);
    if said == 0 {
        return;
    }
    let share = right as f64 / said as f64;
    let advice = if said < ENOUGH_TO_JUDGE {
        ""
    } else if share < SURE_PAYS {
        " Say \"think\" where you would not bet: an interviewer asks more where you sound sure."
    } else {
        " Your \"sure\" can be trusted."
    };
    let said = plural(said as u64, "time", "times");
    text.push('\n');
    text.push_str(&wrap(&format!("You were sure {said} and right {right} ({}).{advice}", percent(share)), "", width));
}

fn weeks(text: &mut String, activity: &Activity, out: &Out) {
    let _ = write!(text, "\n{}", activity.calendar(out.ascii));
    let streak = match (activity.streak(), activity.today_done()) {
        (0, _) => "No streak yet: one answer or one check starts it".to_owned(),
        (n, true) => format!("{} in a row", plural(n, "day", "days")),
        (n, false) => format!("{} in a row; nothing done today yet", plural(n, "day", "days")),
    };
    let longest = activity.longest();
    let best = if longest > activity.streak() { format!(" (the longest: {longest})") } else { String::new() };
    let _ = writeln!(text, "  {streak}{best}.");
}
