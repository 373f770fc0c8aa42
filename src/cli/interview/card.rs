//! The scorecard: what came of an interview topic by topic and stage by stage, how that was the last time, what was missed, and the three
//! things to work on. Pure.

use super::history::Interview;
use super::marks::{self, StageMark, score, skills, stages, worth};
use super::missed::{self, in_short};
use super::part::{Part, What};
use crate::cli::figures::{percent, plural};
use crate::cli::quiz::rubric::Skill;
use crate::cli::sanitize::visible;
use crate::cli::style::Style;
use crate::cli::wrap::{clipped, padded, wrap};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Things to work on.
const THINGS: usize = 3;
/// From so much on a topic is good enough to be left alone.
const GOOD: f64 = 0.9;
/// Who has so much of a follow-up's marks has answered it well.
const WELL: f64 = 0.75;
/// Points that are named of what was missed in a topic.
const NAMED: usize = 2;

/// One topic's part of the card.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The quiz.
    pub topic: String,
    /// From 0 to 1.
    pub score: f64,
    /// The score in the last interview before this that asked for the topic.
    pub before: Option<f64>,
}

/// One thing to work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// The quiz.
    pub topic: String,
    /// What was missed.
    pub why: Vec<String>,
    /// What to do, each a command.
    pub commands: Vec<String>,
}

/// A scorecard.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    /// All in all, from 0 to 1; `None` if nothing was judged.
    pub score: Option<f64>,
    /// All in all in the interview before.
    pub before: Option<f64>,
    /// By topic, in the order in which they came.
    pub rows: Vec<Row>,
    /// The stages of the design round.
    pub stages: Vec<StageMark>,
    /// Of what interviewers look for in every stage: the points that were made, of how many.
    pub skills: Vec<(Skill, u32, u32)>,
    /// Answers that were given and not judged any more.
    pub unjudged: usize,
    /// What to work on, the worst first.
    pub things: Vec<Thing>,
    /// The exercise that is to be written now.
    pub to_code: Option<String>,
}

/// What is known of the course beside the interview.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Weight of each quiz.
    pub weights: BTreeMap<String, u32>,
    /// The next exercise of each quiz that is not passed.
    pub exercises: BTreeMap<String, String>,
}

impl Card {
    /// The card of an interview, compared with those before it, the oldest first.
    #[must_use]
    pub fn of(interview: &Interview, earlier: &[Interview], course: &Course) -> Card {
        let mut topics: Vec<&str> = Vec::new();
        for part in interview.parts.iter().filter(|part| part.weight() > 0.0) {
            if !topics.contains(&part.topic.as_str()) {
                topics.push(&part.topic);
            }
        }
        let row = |topic: &&str| {
            let score = score(&interview.parts, Some(topic))?;
            let before = earlier.iter().rev().find_map(|before| marks::score(&before.parts, Some(topic)));
            Some(Row { topic: (*topic).to_owned(), score, before })
        };
        let rows: Vec<Row> = topics.iter().filter_map(row).collect();
        let to_code = interview.parts.iter().find(|part| part.what == What::ToCode).map(|part| part.id.clone());
        Card {
            score: score(&interview.parts, None),
            before: earlier.iter().rev().find_map(|before| score(&before.parts, None)),
            things: things(interview, &rows, course),
            rows,
            stages: stages(&interview.parts),
            skills: skills(&interview.parts),
            unjudged: interview.parts.iter().filter(|part| part.more.unjudged).count(),
            to_code,
        }
    }
}

/// The weighted mean of all parts.
#[must_use]
pub fn overall(parts: &[Part]) -> Option<f64> {
    score(parts, None)
}

/// What to work on: where most was lost, by what the topic weighs.
fn things(interview: &Interview, rows: &[Row], course: &Course) -> Vec<Thing> {
    let lost = |topic: &str| {
        let parts = interview.parts.iter().filter(|part| part.topic == topic);
        let points: f64 = parts.map(|part| part.weight() * (1.0 - worth(&interview.parts, part))).sum();
        points * f64::from(course.weights.get(topic).copied().unwrap_or(1))
    };
    let mut weak: Vec<&Row> = rows.iter().filter(|row| row.score < GOOD).collect();
    weak.sort_by(|a, b| lost(&b.topic).total_cmp(&lost(&a.topic)));
    weak.into_iter().take(THINGS).map(|row| thing(interview, &row.topic, course)).collect()
}

fn thing(interview: &Interview, topic: &str, course: &Course) -> Thing {
    let parts: Vec<&Part> = interview.parts.iter().filter(|part| part.topic == topic).collect();
    let mut why = Vec::new();
    let quick: Vec<&&Part> = parts.iter().filter(|part| part.what == What::Quick && part.score < 1.0).collect();
    if !quick.is_empty() {
        let sure = quick.iter().filter(|part| part.sure_and_wrong).count();
        let how = if sure > 0 { format!(", {sure} of them sure") } else { String::new() };
        why.push(format!("{} wrong{how}", plural(quick.len() as u64, "quick question", "quick questions")));
    }
    let long = parts.iter().filter(|part| matches!(part.what, What::Open | What::Stage | What::Discussed));
    why.extend(long.flat_map(|part| &part.missed).take(NAMED).map(|point| format!("not said: {point}")));
    let weak = parts.iter().filter(|part| part.what == What::FollowUp && !part.more.unjudged && part.score < WELL).count();
    if weak > 0 {
        why.push(format!("{} not answered well", plural(weak as u64, "follow-up question", "follow-up questions")));
    }
    let mut commands = vec![format!("splitbrain learn {topic}"), format!("splitbrain quiz {topic} --limit 10")];
    commands.extend(course.exercises.get(topic).map(|id| format!("splitbrain show {id}")));
    Thing { topic: topic.to_owned(), why, commands }
}

/// The card for a screen.
#[must_use]
pub fn shown(interview: &Interview, card: &Card, style: Style, width: usize) -> String {
    let mut text = format!("\n{}\n", style.faint("── Scorecard ──"));
    let end = if interview.finished { "" } else { ", broken off" };
    let Some(score) = card.score else {
        let given = plural(card.unjudged as u64, "answer was given, but none is judged", "answers were given, but none is judged");
        text.push_str(&match card.unjudged {
            0 => "Nothing was answered, so there is nothing to judge.\n".to_owned(),
            _ => wrap(&format!("{given}: `--export` has them, with a good answer to each."), "", width),
        });
        to_code(&mut text, card, style);
        return text;
    };
    let before = card.before.map_or(String::new(), |before| format!(", the last time {}", percent(before)));
    let head = format!("{}{before} · {} minutes on {}{end}", percent(score), interview.minutes, interview.day);
    let _ = writeln!(text, "{}\n", style.strong(&head));
    for row in &card.rows {
        let _ = writeln!(text, "  {} {}  {}", padded(&clipped(&row.topic, 21), 22), bar(row.score, style), compared(row));
    }
    round(&mut text, card, style, width);
    if card.unjudged > 0 {
        let given = plural(card.unjudged as u64, "answer was given and not judged", "answers were given and not judged");
        text.push_str(&format!("\n{}", wrap(&format!("{given} any more: it does not count, and `--export` has it."), "", width)));
    }
    if !card.things.is_empty() {
        let _ = writeln!(text, "\n{}", style.strong("Work on"));
    }
    for (n, thing) in (1..).zip(&card.things) {
        text.push_str(&wrap(&format!("{}: {}", thing.topic, thing.why.join("; ")), &format!("  {n}. "), width));
        for command in &thing.commands {
            let _ = writeln!(text, "     {}", style.strong(command));
        }
    }
    to_code(&mut text, card, style);
    // Long, and to be read at leisure: behind what is to be done.
    text.push_str(&in_short(&interview.parts, style, width));
    wrong(&mut text, interview, style, width);
    if interview.parts.iter().any(|part| part.what != What::ToCode && missed::is_missed(part)) {
        let text_of_all = "What was missed comes back within three days, in `splitbrain review`. `splitbrain interview --last --export FILE` has every answer in full.";
        text.push_str(&format!("\n{}", style.faint(&wrap(text_of_all, "", width))));
    }
    text
}

/// Ten boxes.
fn bar(score: f64, style: Style) -> String {
    let full = (score * 10.0).round() as usize;
    format!("{}{}", style.good(&"■".repeat(full)), style.faint(&"□".repeat(10usize.saturating_sub(full))))
}

/// The stages of a design round, and what is looked for in all of them.
fn round(text: &mut String, card: &Card, style: Style, width: usize) {
    if card.stages.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", style.strong("The design round, stage by stage"));
    for stage in &card.stages {
        let took = format!("{} of {}", stage.took_s.div_ceil(60), plural(stage.minutes.into(), "minute", "minutes"));
        let over = if stage.in_time() { "" } else { ", over the time" };
        let score = padded(&percent(stage.score), 6);
        let _ = writeln!(text, "  {} {}  {score} {took}{over}", padded(&clipped(&stage.name, 21), 22), bar(stage.score, style));
    }
    text.push_str(&wrap(&parts_of_mark(card).join(" · "), "  ", width));
}

/// `scope asked 2 of 3`, and so on; the time kept is the last.
#[must_use]
pub fn parts_of_mark(card: &Card) -> Vec<String> {
    let mut parts: Vec<String> = card.skills.iter().map(|(skill, made, all)| format!("{} {made} of {all}", skill.shown())).collect();
    if !card.stages.is_empty() {
        let in_time = card.stages.iter().filter(|stage| stage.in_time()).count();
        parts.push(format!("time kept {in_time} of {}", card.stages.len()));
    }
    parts
}

fn to_code(text: &mut String, card: &Card, style: Style) {
    if let Some(id) = &card.to_code {
        let _ = writeln!(text, "\nTo write now: {}", style.strong(&format!("splitbrain show {id}")));
    }
}

/// The quick questions that were wrong, with what is right.
fn wrong(text: &mut String, interview: &Interview, style: Style, width: usize) {
    let wrong: Vec<&Part> = interview.parts.iter().filter(|part| part.what == What::Quick && part.score < 1.0).collect();
    if !wrong.is_empty() {
        let _ = writeln!(text, "\n{}", style.strong("Wrong answers to quick questions"));
    }
    let mut said = Vec::new();
    for (n, part) in wrong.iter().enumerate() {
        text.push_str(&wrap(&visible(&part.asked, true), "  ✗ ", width));
        text.push_str(&wrap(&part.missed.join("; "), "      Right is: ", width));
        let is_last = wrong.get(n + 1).is_none_or(|next| next.topic != part.topic);
        text.push_str(&missed::reasons(part, &mut said, is_last, style, width));
    }
}

/// `40 % → 70 %`, or `70 %` for what was not asked before.
#[must_use]
pub fn compared(row: &Row) -> String {
    row.before.map_or(String::new(), |before| format!("{} → ", percent(before))) + &percent(row.score)
}
