//! What was missed in an interview, each with its reason, a good answer and where to read: in short for a screen, in full for paper. Pure.

use super::part::{Part, What};
use crate::cli::figures::percent;
use crate::cli::quiz::session::is_drawn;
use crate::cli::sanitize::visible;
use crate::cli::style::Style;
use crate::cli::wrap::{clipped, wrap};
use std::fmt::Write as _;

/// Columns of a reason or a good answer on a screen: what is clipped here, `--export` has in full.
const SHORT: usize = 150;

/// Whether there is something to learn from a part.
#[must_use]
pub fn is_missed(part: &Part) -> bool {
    !part.more.unjudged && part.what != What::ToCode && (!part.missed.is_empty() || !part.more.red_flags.is_empty() || part.score < 1.0)
}

/// What a part is called: its stage, or what was asked.
#[must_use]
pub fn name(part: &Part) -> String {
    match part.what {
        What::Stage => format!("The stage {}", part.more.stage),
        What::FollowUp => format!("And then: {}", part.asked),
        What::Quick | What::Open | What::Discussed | What::ToCode => part.asked.clone(),
    }
}

/// All that was missed but quick questions, for a screen. What is the reason of several is said once; so is the lesson of what follows
/// each other.
#[must_use]
pub fn in_short(parts: &[Part], style: Style, width: usize) -> String {
    let (mut text, mut said) = (String::new(), Vec::new());
    let missed: Vec<&Part> = parts.iter().filter(|part| is_missed(part) && part.what != What::Quick).collect();
    for (n, part) in missed.iter().enumerate() {
        let head = format!("{}: {}", clipped(&one_line(&name(part)), SHORT), percent(part.score));
        let _ = write!(text, "\n{}", wrap(&head, "  ", width));
        for (n, missed) in part.missed.iter().enumerate() {
            let why = reason(part, n, &mut said).map_or(String::new(), |why| format!(". {}", one_line(&why)));
            text.push_str(&wrap(&format!("{}{why}", one_line(missed)), "    ✗ ", width));
        }
        for flag in &part.more.red_flags {
            text.push_str(&wrap(&one_line(flag), "    ✗ Red flag: ", width));
        }
        let is_last = missed.get(n + 1).is_none_or(|next| next.topic != part.topic);
        text.push_str(&reasons(part, &mut said, is_last, style, width));
    }
    if text.is_empty() { text } else { format!("\n{}\n{}", style.strong("What was missed"), text.trim_start_matches('\n')) }
}

/// Why that point is wanted, if it is known and was not said yet.
#[must_use]
pub fn reason(part: &Part, missed: usize, said: &mut Vec<String>) -> Option<String> {
    let why = part.more.reasons.get(missed).filter(|why| !why.is_empty() && !said.contains(why))?;
    said.push(why.clone());
    Some(why.clone())
}

/// Why it is asked, unless that was said, a good answer, and if wanted the lesson, each on a line or two.
#[must_use]
pub fn reasons(part: &Part, said: &mut Vec<String>, lesson: bool, style: Style, width: usize) -> String {
    let mut text = String::new();
    let answer = short_answer(&part.more.answer);
    let why = if said.contains(&part.more.why) { "" } else { &part.more.why };
    for (label, said) in [("Why: ", why), ("A good answer: ", &answer)] {
        if !said.trim().is_empty() {
            text.push_str(&wrap(&clipped(&one_line(said), SHORT), &format!("      {label}"), width));
        }
    }
    said.push(part.more.why.clone());
    if lesson {
        let _ = writeln!(text, "      {}", style.faint(&format!("Read: splitbrain learn {}", part.topic)));
    }
    text
}

/// The first paragraph that is prose: of a drawing a line says nothing.
fn short_answer(answer: &str) -> String {
    let prose = answer.split("\n\n").find(|paragraph| !paragraph.trim().is_empty() && !is_drawn(paragraph));
    prose.unwrap_or_default().to_owned()
}

/// A text on one line, made harmless.
#[must_use]
pub fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "), false)
}
