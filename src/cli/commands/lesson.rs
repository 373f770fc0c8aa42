//! A lesson, read: on a terminal leaf by leaf, its runs stepped through, its questions asked between the parts; elsewhere as one text.

use super::sitting::{Hall, prompter_for};
use super::step_through::{Guide, guided};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::lessons::{Lesson, Part, Piece, Run, Shown};
use crate::cli::markdown;
use crate::cli::out::Out;
use crate::cli::pager::leaves;
use crate::cli::prompter::{Leave, Reply};
use crate::cli::quiz::Topic;
use crate::cli::quiz::session::{Ask, Ended, ground};
use crate::cli::style::Style;
use crate::cli::terminal::size;
use crate::cli::wrap::{clipped, columns, padded, wrap};
use crate::trace::diagram::{self, Options};
use crate::trace::stepper::Stepper;

/// Between two pictures that stand side by side.
const GAP: &str = "   ";

/// Where a reader stops.
enum Stop<'a> {
    /// Something to read, laid out.
    Page(String),
    /// Something to step through.
    Run(&'a Run),
    /// Questions of the topic, by their ids.
    Ask(&'a [String]),
}

/// What a lesson is laid out for.
#[derive(Clone, Copy)]
pub struct Paper {
    /// Its columns.
    pub width: usize,
    pub style: Style,
    /// Pictures in plain ASCII.
    pub ascii: bool,
}

impl Paper {
    pub fn of(out: &Out) -> Paper {
        Paper { width: out.width(), style: out.style, ascii: out.ascii }
    }
}

/// The lesson as one text, without its questions: for a pipe, a file, a printer.
pub fn whole(lesson: &Lesson, topic: &Topic, paper: Paper) -> String {
    let mut text = format!("{}\n", paper.style.strong(&lesson.title));
    for stop in stops(lesson, topic, paper) {
        match stop {
            Stop::Page(page) => text.push_str(&format!("\n{page}")),
            Stop::Run(run) => text.push_str(&format!("\n{}", drawn(run, paper))),
            Stop::Ask(_) => {}
        }
    }
    text
}

/// Reads it with a person. How the program ends, if they leave before its end.
pub fn read(lesson: &Lesson, topic: &Topic, hall: &Hall, out: &mut Out) -> Result<Option<Exit>> {
    let title = format!("{} · about {}\n", out.style.strong(&lesson.title), plural(lesson.minutes().into(), "minute", "minutes"));
    let paper = Paper::of(out);
    let stops = recalled(stops(lesson, topic, paper), paper);
    // A leaf leaves room for the prompt below it.
    let leaves_of = |page: &str| leaves(page, size().1.saturating_sub(2));
    let all: usize = stops.iter().map(|stop| if let Stop::Page(page) = stop { leaves_of(page).len() } else { 0 }).sum();
    let mut number = 0;
    for (at, stop) in stops.iter().enumerate() {
        let left = match stop {
            Stop::Page(page) => {
                let page = if at == 0 { format!("{title}\n{page}") } else { page.clone() };
                let next = match stops.get(at + 1) {
                    Some(Stop::Run(_)) => "Then a run, step by step",
                    Some(Stop::Ask(_)) => "Then questions on it",
                    _ => "Read on",
                };
                let mut left = None;
                let mut here = leaves_of(&page).into_iter().peekable();
                while let (None, Some(leaf)) = (left, here.next()) {
                    out.print(&format!("\n{leaf}"));
                    number += 1;
                    let then = if here.peek().is_some() { "Read on" } else { next };
                    if here.peek().is_some() || at + 1 < stops.len() {
                        let more = format!("{then}, {number} of {}", all.max(number));
                        left = answered(prompter_for(false, out.ascii).pause(&more))?.err();
                    }
                }
                left
            }
            Stop::Run(run) => {
                stepped(run, out)?;
                None
            }
            Stop::Ask(ids) => ask(ids, topic, hall, out)?,
        };
        if left.is_some() {
            return Ok(left);
        }
    }
    Ok(None)
}

/// The pieces of a lesson as a reader comes to them.
fn stops<'a>(lesson: &'a Lesson, topic: &Topic, paper: Paper) -> Vec<Stop<'a>> {
    let mut stops = Vec::new();
    for Part { heading, pieces, .. } in &lesson.parts {
        let mut page = if heading.is_empty() { String::new() } else { format!("{}\n\n", paper.style.strong(heading)) };
        for piece in pieces {
            let stop = match piece {
                Piece::Text(text) => {
                    paragraph(&mut page, &markdown::page(text, paper.width, paper.style));
                    continue;
                }
                Piece::Shown(all) => {
                    paragraph(&mut page, &side_by_side(all, paper));
                    continue;
                }
                Piece::Scenario(id) => {
                    if let Some(scenario) = topic.scenarios.iter().find(|scenario| scenario.id == *id) {
                        paragraph(&mut page, &ground(scenario, paper.width, paper.ascii));
                    }
                    continue;
                }
                Piece::Run(run) => Stop::Run(run),
                Piece::Ask(ids) => Stop::Ask(ids),
            };
            push(&mut stops, &mut page);
            stops.push(stop);
        }
        push(&mut stops, &mut page);
    }
    stops
}

/// What is read behind a run begins with its steps that have a note, since the text speaks of them and the run is gone from the screen.
fn recalled(mut stops: Vec<Stop<'_>>, paper: Paper) -> Vec<Stop<'_>> {
    for at in 1..stops.len() {
        let (before, here) = stops.split_at_mut(at);
        if let (Some(Stop::Run(run)), Some(Stop::Page(page))) = (before.last(), here.first_mut()) {
            page.insert_str(0, &format!("{}\n", in_short(run, paper)));
        }
    }
    stops
}

/// The steps of a run that have a note, a line each.
fn in_short(run: &Run, paper: Paper) -> String {
    let stepper = Stepper::new(&run.trace, &[], None, paper.ascii).told_as("");
    let room = paper.width.saturating_sub(12);
    let line = |step: u64| format!("  step {step:>2}  {}\n", clipped(&stepper.said_of(step), room));
    let lines: String = run.notes.iter().map(|(step, _)| line(*step)).collect();
    let head = wrap(&format!("The run in short ({}):", run.title()), "", paper.width);
    format!("{}\n", paper.style.faint(format!("{head}{lines}").trim_end()))
}

fn push(stops: &mut Vec<Stop<'_>>, page: &mut String) {
    if !page.trim().is_empty() {
        stops.push(Stop::Page(std::mem::take(page)));
    }
}

/// Adds a paragraph, an empty line before it.
fn paragraph(page: &mut String, text: &str) {
    if !page.is_empty() && !page.ends_with("\n\n") {
        page.push('\n');
    }
    page.push_str(text.trim_end());
    page.push('\n');
}

/// What right implementations show: a figure each, beside the one before where the screen is wide enough.
fn side_by_side(all: &[Shown], paper: Paper) -> String {
    let figure = |shown: &Shown| {
        let head = format!("A right {} shows:", shown.exercise);
        let rows = shown.text.lines().flat_map(|line| match line.starts_with("  ") {
            true => vec![line.to_owned()],
            false => wrap(line, "", FIGURE.min(paper.width)).lines().map(str::to_owned).collect(),
        });
        std::iter::once(head).chain(rows).collect::<Vec<String>>()
    };
    let figures: Vec<Vec<String>> = all.iter().map(figure).collect();
    let widths: Vec<usize> = figures.iter().map(|rows| rows.iter().map(|row| columns(row)).max().unwrap_or(0)).collect();
    if widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1) > paper.width {
        return figures.iter().map(|rows| rows.join("\n") + "\n").collect::<Vec<_>>().join("\n");
    }
    let rows = figures.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| {
        let cells = figures.iter().zip(&widths).map(|(rows, width)| padded(rows.get(at).map_or("", String::as_str), *width));
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned() + "\n"
    };
    (0..rows).map(row).collect()
}

/// Prose of a figure is set so wide.
const FIGURE: usize = 76;

/// A run as a picture, its notes below it.
fn drawn(run: &Run, paper: Paper) -> String {
    let marks = run.notes.iter().map(|(step, _)| *step).collect();
    let picture =
        diagram::draw(&run.trace, &Options { width: paper.width, ascii: paper.ascii, marks, max_rows: usize::MAX, ..Options::default() });
    let notes: String = run.notes.iter().map(|(step, note)| wrap(note, &format!("  step {step:>2}  "), paper.width)).collect();
    format!("{picture}\n{notes}")
}

fn stepped(run: &Run, out: &mut Out) -> Result<()> {
    if std::env::var_os("TERM").is_none_or(|term| term == "dumb") {
        out.print(&format!("\n{}", drawn(run, Paper::of(out))));
        return Ok(());
    }
    guided(&run.trace, &Guide { title: &run.title(), notes: &run.notes, ascii: out.ascii })
}

/// Asks what stands between two parts. How the program ends, if somebody leaves.
fn ask(ids: &[String], topic: &Topic, hall: &Hall, out: &mut Out) -> Result<Option<Exit>> {
    let of = |id: &String| topic.questions.iter().find(|question| question.id == *id);
    let asks: Vec<Ask<'_>> = ids.iter().filter_map(of).map(|question| Ask { topic, question }).collect();
    match hall.sit_between(asks, out)? {
        Ended::Left => Ok(Some(Exit::Passed)),
        Ended::Asked(exit) => Ok(Some(exit)),
        // The lesson would push the last reasons off the screen.
        Ended::Done => Ok(answered(prompter_for(false, out.ascii).pause("Back to the lesson"))?.err()),
    }
}

/// An answer; or how the program ends, if somebody leaves.
pub fn answered<T>(reply: Reply<T>) -> Result<std::result::Result<T, Exit>> {
    match reply {
        Ok(value) => Ok(Ok(value)),
        Err(Leave::Quit | Leave::DontKnow | Leave::Back) => Ok(Err(Exit::Passed)),
        Err(Leave::Ended(exit)) => Ok(Err(exit)),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("cannot use the terminal: {e}"))),
    }
}
