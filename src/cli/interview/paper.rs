//! An interview as Markdown: the scorecard, then everything that was asked and said, to be read again or shown to somebody. Pure.

use super::card::{Card, compared, parts_of_mark};
use super::history::Interview;
use super::missed::{is_missed, one_line, reason};
use super::part::{Part, What};
use crate::cli::figures::percent;
use crate::cli::sanitize::visible;
use std::fmt::Write as _;

/// The page.
#[must_use]
pub fn page(interview: &Interview, card: &Card) -> String {
    let mut text = format!("# Mock interview of {}\n\n", interview.day);
    let end = if interview.finished { "" } else { ", broken off" };
    let score = card.score.map_or("nothing was judged".to_owned(), |score| format!("**{}**", percent(score)));
    let before = card.before.map_or(String::new(), |before| format!(" (the last time {})", percent(before)));
    let _ = writeln!(text, "{} minutes{end}: {score}{before}.", interview.minutes);
    if !card.rows.is_empty() {
        text.push_str("\n| topic | score |\n|---|---|\n");
    }
    for row in &card.rows {
        let _ = writeln!(text, "| {} | {} |", row.topic, compared(row));
    }
    round(&mut text, card);
    if !card.things.is_empty() {
        text.push_str("\n## Work on\n\n");
    }
    for (n, thing) in (1..).zip(&card.things) {
        let _ = writeln!(text, "{n}. **{}**: {}", thing.topic, one_line(&thing.why.join("; ")));
        for command in &thing.commands {
            let _ = writeln!(text, "   - `{command}`");
        }
    }
    if let Some(id) = &card.to_code {
        let _ = writeln!(text, "\nTo write now: `splitbrain show {id}`");
    }
    if !interview.parts.is_empty() {
        text.push_str("\n## What was asked\n");
    }
    let mut said = Vec::new();
    for part in &interview.parts {
        asked(&mut text, part, &mut said);
    }
    text
}

/// What the question stands on: facts as a list, a scenario as it is.
fn facts(text: &mut String, part: &Part) {
    let (long, short): (Vec<_>, Vec<_>) =
        part.more.facts.iter().map(|fact| visible(fact.trim(), true)).partition(|fact| fact.contains('\n'));
    if !short.is_empty() {
        let list: Vec<String> = short.iter().map(|fact| format!("- {fact}")).collect();
        let _ = writeln!(text, "\nThe interviewer answers to those who ask:\n\n{}", list.join("\n"));
    }
    for scenario in long {
        let _ = writeln!(text, "\n```text\n{scenario}\n```");
    }
}

fn round(text: &mut String, card: &Card) {
    if card.stages.is_empty() {
        return;
    }
    text.push_str("\n## The design round\n\n| stage | mark | took | had |\n|---|---|---|---|\n");
    for stage in &card.stages {
        let (took, had) = (format!("{}:{:02}", stage.took_s / 60, stage.took_s % 60), format!("{}:00", stage.minutes));
        let _ = writeln!(text, "| {} | {} | {took} | {had} |", one_line(&stage.name), percent(stage.score));
    }
    let _ = writeln!(text, "\nParts of the mark: {}.", parts_of_mark(card).join(", "));
}

/// One thing that was asked: what was said, what was made of it, and what is to be learnt from it.
/// `said` are the reasons that stand there already.
fn asked(text: &mut String, part: &Part, said: &mut Vec<String>) {
    let judged = match part.what {
        What::ToCode => "to be written".to_owned(),
        _ if part.more.unjudged => "not judged".to_owned(),
        _ => percent(part.score),
    };
    let kind = match part.what {
        What::Quick => "Quick".to_owned(),
        What::Open => "Open".to_owned(),
        What::Stage => format!("Stage: {}", one_line(&part.more.stage)),
        What::FollowUp => "And then".to_owned(),
        What::Discussed | What::ToCode => "Exercise".to_owned(),
    };
    let _ = writeln!(text, "\n### {kind}, {}: {judged}\n\n{}", part.topic, visible(part.asked.trim(), true));
    facts(text, part);
    if !part.said.trim().is_empty() {
        let words = visible(part.said.trim_matches('\n').trim_end(), true);
        // What is drawn keeps its columns.
        let drawn = words.lines().any(|line| line.starts_with("  ") || line.trim().contains("   "));
        let fence = drawn.then_some("```");
        let lines = fence.into_iter().chain(words.lines()).chain(fence);
        let quoted: Vec<String> = lines.map(|line| format!("> {line}").trim_end().to_owned()).collect();
        let _ = writeln!(text, "\n{}", quoted.join("\n"));
    }
    let mut list = String::new();
    for made in &part.more.made {
        let _ = writeln!(list, "- Said: {}", one_line(made));
    }
    let label = if part.what == What::Quick { "Right is" } else { "Not said" };
    for (n, missed) in part.missed.iter().enumerate() {
        let why = reason(part, n, said).map_or(String::new(), |why| format!(". {}", one_line(&why)));
        let _ = writeln!(list, "- {label}: {}{why}", one_line(missed));
    }
    for flag in &part.more.red_flags {
        let _ = writeln!(list, "- Red flag: {}", one_line(flag));
    }
    if !list.is_empty() {
        let _ = write!(text, "\n{list}");
    }
    if !part.more.why.is_empty() && !said.contains(&part.more.why) {
        said.push(part.more.why.clone());
        let _ = writeln!(text, "\nWhy: {}", one_line(&part.more.why));
    }
    if !part.more.answer.is_empty() {
        // As it is, drawings and all.
        let _ = writeln!(text, "\nA good answer:\n\n```text\n{}\n```", visible(part.more.answer.trim_matches('\n').trim_end(), true));
    }
    if is_missed(part) {
        let lesson = part.more.lesson.iter().map(|paragraph| visible(paragraph.trim(), true)).collect::<Vec<_>>().join("\n\n");
        let lesson = if lesson.is_empty() { lesson } else { format!(":\n\n{lesson}") };
        let _ = writeln!(text, "\nThe lesson, `splitbrain learn {}`{lesson}", part.topic);
    }
}
