//! An interview as Markdown: the scorecard, then everything that was asked and said, to be read again or shown to somebody. Pure.

use super::card::{Card, compared};
use super::history::{Interview, What};
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
    for part in &interview.parts {
        let judged = if part.what == What::ToCode { "to be written".to_owned() } else { percent(part.score) };
        let kind = match part.what {
            What::Quick => "Quick",
            What::Open => "Open",
            What::FollowUp => "And then",
            What::Discussed => "Exercise",
            What::ToCode => "Exercise",
        };
        let _ = writeln!(text, "\n### {kind}, {}: {judged}\n\n{}", part.topic, visible(part.asked.trim(), true));
        if !part.said.trim().is_empty() {
            let said = visible(part.said.trim(), true);
            let quoted: Vec<String> = said.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
            let _ = writeln!(text, "\n{}", quoted.join("\n"));
        }
        let label = if part.what == What::Quick { "Right is" } else { "Not said" };
        for (n, missed) in part.missed.iter().enumerate() {
            let _ = writeln!(text, "{}- {label}: {}", if n == 0 { "\n" } else { "" }, one_line(missed));
        }
    }
    text
}

fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "), false)
}
