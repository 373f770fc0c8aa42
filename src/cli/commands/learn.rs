//! `learn TOPIC`: the lesson of a topic; then its questions, if somebody is there.
//! `learn start`: a first exercise, walked through with the program's own screens, which a test records. `learn`: what there is.

use super::lesson::{self, Paper, answered};
use super::quiz;
use super::sitting::{Hall, is_read, prompter_for};
use crate::cli::course::{self, Course};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::lessons::{self, Lesson};
use crate::cli::markdown::page;
use crate::cli::out::Out;
use crate::cli::pager::leaves;
use crate::cli::prompter::Prompter;
use crate::cli::quiz::Topic;
use crate::cli::style::Style;
use crate::cli::terminal::size;
use crate::cli::wrap::wrap;

/// The walk: Markdown, its screens written by `tests/it/first_hour.rs`.
const START: &str = include_str!("../start.md");

pub fn run(word: Option<&str>, skim: bool, out: &mut Out) -> Result<Exit> {
    match word {
        None => contents(out),
        Some("start") => walk(out),
        Some(word) => topic(word, skim, out),
    }
}

/// Whether the walk is about an exercise of this course.
pub fn walks(course: &Course) -> bool {
    course.exercises().any(|id| id == "durable_note")
}

/// The lessons that there are.
fn contents(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(None)?;
    let minutes: Vec<Option<u32>> =
        topics.iter().map(|topic| lessons::outline(&hall.content, &topic.id).map(|lesson| lesson.minutes())).collect();
    if json {
        for (topic, minutes) in topics.iter().zip(minutes) {
            let questions = topic.questions.len();
            out.json(&serde_json::json!({ "topic": topic.id, "title": topic.title, "minutes": minutes, "questions": questions }));
        }
        return Ok(Exit::Passed);
    }
    let mut rows = vec![("start", "a guided first exercise: start here (ten minutes)".to_owned())];
    let about = |topic: &Topic, minutes: Option<u32>| {
        let minutes = minutes.map_or("no lesson yet".to_owned(), |minutes| plural(minutes.into(), "minute", "minutes"));
        format!("{} ({minutes}, {})", topic.title, plural(topic.questions.len() as u64, "question", "questions"))
    };
    rows.extend(topics.iter().zip(minutes).map(|(topic, minutes)| (topic.id.as_str(), about(topic, minutes))));
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

fn topic(word: &str, skim: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(Some(word))?;
    let Some(topic) = topics.first() else { return Err(Trouble::usage(format!("there is no topic `{word}`"))) };
    let found = lessons::load(&hall.content, &topic.id)?.map(|lesson| if skim { lesson.skimmed() } else { lesson });
    let exercises = hall.exercises(topic);
    if json {
        let text = found.as_ref().map(|lesson| lesson::whole(lesson, topic, Paper { style: Style::PLAIN, ..Paper::of(out) }));
        let minutes = found.as_ref().map(Lesson::minutes);
        out.json(&serde_json::json!({
            "topic": topic.id, "title": topic.title, "minutes": minutes, "lesson": text, "exercises": exercises,
        }));
        return Ok(Exit::Passed);
    }
    let mut practise = String::new();
    if !exercises.is_empty() {
        let names = exercises.iter().map(|id| format!("splitbrain show {id}")).collect::<Vec<_>>().join(", ");
        practise = format!("\n{}\n", out.style.faint(wrap(&names, "Practise it: ", out.width()).trim_end()));
    }
    let count = plural(topic.questions.len() as u64, "question", "questions");
    let Some(lesson) = found else {
        out.print(&format!("{} has no lesson yet.\n{practise}\nThen: splitbrain quiz {word} ({count})\n", out.style.strong(&topic.title)));
        return Ok(Exit::Passed);
    };
    if !is_read() {
        let text = lesson::whole(&lesson, topic, Paper::of(out));
        out.print(&format!("{text}{practise}\nThen: splitbrain quiz {word} ({count})\n"));
        return Ok(Exit::Passed);
    }
    if hall.store.is_none() {
        out.tell("this is not a splitbrain folder, so your answers are not saved: `splitbrain init NAME` makes one");
    }
    if let Some(exit) = lesson::read(&lesson, topic, &hall, out)? {
        return Ok(exit);
    }
    out.print(&format!("{practise}\n"));
    // Whoever sits at it is this process: it is let go before the quiz takes it.
    let question = match hall.broken_off(&quiz::place(&hall, topic), &topics, None, out) {
        Some(left) => format!("Go on with question {} of {} on it now", left.earlier.len() + 1, left.asks.len()),
        None => format!("The {count} on it now"),
    };
    match answered(prompter_for(false, out.ascii).confirm(&question, true))? {
        Ok(true) => quiz::run(&quiz::Wanted { topic: Some(word), ..quiz::Wanted::default() }, out),
        Ok(false) => Ok(Exit::Passed),
        Err(exit) => Ok(exit),
    }
}

/// Prints pages one after the other. On a terminal each begins when the one before is read, and what is longer than the screen is
/// turned over like a page. How the program ends, if somebody leaves before the end.
fn turned(pages: &[String], out: &mut Out) -> Result<Option<Exit>> {
    if !is_read() {
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

impl Hall {
    /// The exercises in which the course's topic that has this quiz is practised.
    fn exercises(&self, quiz: &Topic) -> Vec<&str> {
        let topics = self.course.topics.iter().filter(|topic| topic.quiz.as_deref() == Some(quiz.id.as_str()));
        topics.flat_map(course::Topic::practice).collect()
    }
}
