//! `learn TOPIC`: the page to read before the questions, laid out for the screen; then the questions, if somebody is there.
//! `learn start`: a first exercise, walked through with the program's own screens, which a test records. `learn`: what there is.

use super::quiz;
use super::sitting::{Hall, prompter_for};
use crate::cli::course::{self, Course};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::markdown::page;
use crate::cli::out::Out;
use crate::cli::prompter::{Leave, Prompter, Reply};
use crate::cli::quiz::Topic;
use crate::cli::terminal::size;
use crate::cli::wrap::wrap;
use std::io::IsTerminal as _;

/// The walk: Markdown, its screens written by `tests/it/first_hour.rs`.
const START: &str = include_str!("../start.md");

pub fn run(word: Option<&str>, out: &mut Out) -> Result<Exit> {
    match word {
        None => contents(out),
        Some("start") => walk(out),
        Some(word) => topic(word, out),
    }
}

/// Whether the walk is about an exercise of this course.
pub fn walks(course: &Course) -> bool {
    course.exercises().any(|id| id == "durable_note")
}

/// The pages that there are.
fn contents(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(None)?;
    if json {
        for topic in &topics {
            out.json(&serde_json::json!({ "topic": topic.id, "title": topic.title, "questions": topic.questions.len() }));
        }
        return Ok(Exit::Passed);
    }
    let mut rows = vec![("start", "a first exercise, walked through: begin here (ten minutes)".to_owned())];
    let about = |topic: &Topic| format!("{} ({})", topic.title, plural(topic.questions.len() as u64, "question", "questions"));
    rows.extend(topics.iter().map(|topic| (topic.id.as_str(), about(topic))));
    let wide = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    for (id, about) in rows {
        let row = wrap(&about, &format!("splitbrain learn {id:<wide$}  "), out.width());
        out.print(&row);
    }
    Ok(Exit::Passed)
}

/// The first exercise, walked through. It needs no folder.
pub fn walk(out: &mut Out) -> Result<Exit> {
    if out.wants_json()? {
        out.json(&serde_json::json!({ "topic": "start", "page": START }));
        return Ok(Exit::Passed);
    }
    let mut parts: Vec<String> = START.split("\n## ").map(|part| format!("## {}\n", part.trim_end())).collect();
    parts[0] = parts[0].trim_start_matches("## ").to_owned();
    let pages: Vec<String> = parts.iter().map(|part| page(part, out.width(), out.style)).collect();
    Ok(turned(&pages, out)?.unwrap_or(Exit::Passed))
}

fn topic(word: &str, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(Some(word))?;
    let Some(topic) = topics.first() else { return Err(Trouble::usage(format!("there is no topic `{word}`"))) };
    let primer = topic.primer.as_deref().unwrap_or_default().trim();
    if json {
        let exercises: Vec<&str> = hall.exercises(topic);
        out.json(&serde_json::json!({ "topic": topic.id, "title": topic.title, "primer": primer, "exercises": exercises }));
        return Ok(Exit::Passed);
    }
    let mut text = if primer.is_empty() {
        format!("{} has no page to read yet.\n", out.style.strong(&topic.title))
    } else {
        format!("{}\n\n{}\n", out.style.strong(&topic.title), page(primer, out.width(), out.style).trim_end())
    };
    let exercises = hall.exercises(topic);
    if !exercises.is_empty() {
        let names = exercises.iter().map(|id| format!("splitbrain show {id}")).collect::<Vec<_>>().join(", ");
        let line = wrap(&names, "Practise it: ", out.width());
        text.push_str(&format!("\n{}\n", out.style.faint(line.trim_end())));
    }
    if let Some(exit) = turned(&[text], out)? {
        return Ok(exit);
    }
    let count = plural(topic.questions.len() as u64, "question", "questions");
    if !somebody_reads() {
        out.print(&format!("\nThen: splitbrain quiz {word} ({count})\n"));
        return Ok(Exit::Passed);
    }
    out.print("\n");
    // Whoever sits at it is this process: it is let go before the quiz takes it.
    let question = match hall.broken_off(&quiz::place(&hall, topic), &topics, None, out) {
        Some(left) => format!("Go on with question {} of {} on it now", left.earlier.len() + 1, left.asks.len()),
        None => format!("The {count} on it now"),
    };
    let goes_on = answered(prompter_for(false, out.ascii).confirm(&question, true))?;
    match goes_on {
        Ok(true) => quiz::run(&quiz::Wanted { topic: Some(word), ..quiz::Wanted::default() }, out),
        Ok(false) => Ok(Exit::Passed),
        Err(exit) => Ok(exit),
    }
}

fn somebody_reads() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

/// Prints pages one after the other. On a terminal each begins when the one before is read, and what is longer than the screen is
/// turned over like a page. How the program ends, if somebody leaves before the end.
fn turned(pages: &[String], out: &mut Out) -> Result<Option<Exit>> {
    if !somebody_reads() {
        out.print(&pages.join("\n"));
        return Ok(None);
    }
    let mut prompter = prompter_for(false, out.ascii);
    let leaves: Vec<String> = pages.iter().flat_map(|page| leaves(page, size().1.saturating_sub(2))).collect();
    for (number, leaf) in (1..).zip(&leaves) {
        out.print(leaf);
        if number < leaves.len() {
            let more = Prompter::pause(prompter.as_mut(), &format!("Read on, {number} of {}", leaves.len()));
            if let Err(exit) = answered(more)? {
                return Ok(Some(exit));
            }
        }
    }
    Ok(None)
}

/// A page in pieces of so many rows at most, between paragraphs where that does not waste half a screen.
fn leaves(page: &str, rows: usize) -> Vec<String> {
    let rows = rows.max(5);
    let mut lines: Vec<&str> = page.trim_end().lines().collect();
    let mut leaves = Vec::new();
    while lines.len() > rows {
        let gap = (rows / 2..=rows).rev().find(|at| lines[*at].trim().is_empty());
        let rest = lines.split_off(gap.unwrap_or(rows));
        leaves.push(std::mem::replace(&mut lines, rest));
        lines.drain(..usize::from(gap.is_some()));
    }
    leaves.push(lines);
    leaves.into_iter().map(|lines| lines.join("\n") + "\n").collect()
}

/// An answer; or how the program ends, if somebody leaves.
fn answered<T>(reply: Reply<T>) -> Result<std::result::Result<T, Exit>> {
    match reply {
        Ok(value) => Ok(Ok(value)),
        Err(Leave::Quit) => Ok(Err(Exit::Passed)),
        Err(Leave::Ended(exit)) => Ok(Err(exit)),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("the terminal cannot be used: {e}"))),
    }
}

impl Hall {
    /// The exercises in which the course's topic that has this quiz is practised.
    fn exercises(&self, quiz: &Topic) -> Vec<&str> {
        let topics = self.course.topics.iter().filter(|topic| topic.quiz.as_deref() == Some(quiz.id.as_str()));
        topics.flat_map(course::Topic::practice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::leaves;

    #[test]
    fn a_long_page_is_turned_between_its_paragraphs() {
        let page = "a\nb\nc\n\nd\ne\nf\n\ng\n";
        assert_eq!(leaves(page, 6), ["a\nb\nc\n", "d\ne\nf\n\ng\n"]);
        assert_eq!(leaves("a\nb\n", 6), ["a\nb\n"]);
        let long: String = (0..23).map(|n| format!("{n}\n")).collect();
        let all = leaves(&long, 10);
        assert_eq!((all.len(), all.concat()), (3, long), "nothing is lost where there is no gap");
        assert!(all.iter().all(|leaf| leaf.lines().count() <= 10));
    }
}
