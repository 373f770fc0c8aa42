//! A run walked step by step: where one stands, and what one sees there.
//!
//! A pure state machine over a trace: `replay` turns keys into [`Stepper`] calls and prints [`Stepper::frame`]. It knows no
//! terminal; off one, [`Stepper::all`] says every step as text.

mod list;

use super::columns::{columns, cut, to_ascii, width as char_width, wrap};
use super::debug_text::{Brief, Words, changes, fields_of};
use super::short::short_numbers;
use super::story::{Story, plots};
use super::{Event, Lane, Plot, Trace, What};
use list::Row;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Steps that a screen of 24 rows shows; a higher one shows more.
const STEPS: usize = 10;
/// Where somebody tells the run, what is told of a step comes before more steps.
const STEPS_OF_A_TOLD_RUN: usize = 5;
/// Lines that one key scrolls.
const SCROLL: usize = 4;

/// A place in a run.
#[derive(Clone, Debug)]
pub struct Stepper {
    /// The told run: the last one of the trace, without events that were before it.
    trace: Trace,
    marks: Vec<u64>,
    violation: Option<u64>,
    ascii: bool,
    /// The steps, in order, and the events of each.
    steps: Vec<(u64, std::ops::Range<usize>)>,
    at: usize,
    rows: Vec<Row>,
    /// Lines of what is told of the step that are scrolled away.
    scrolled: usize,
    /// How many there were to scroll on the last frame.
    scroll_most: Cell<usize>,
    /// What the run is, where somebody tells it; then a mark says where there is something to see.
    told_as: Option<String>,
}

/// What a node is known to be at a step.
#[derive(Clone, Debug, Default)]
struct Known {
    state: Option<String>,
    saved: Option<String>,
    down: bool,
}

impl Stepper {
    /// Stands at the violation, or at the end of a run without one. `violation: None` takes the trace's broken rule.
    #[must_use]
    pub fn new(trace: &Trace, marks: &[u64], violation: Option<u64>, ascii: bool) -> Self {
        let story = Story::of(trace);
        let violation = violation.or_else(|| story.broken().map(|i| story.moments[i].step));
        let events: Vec<Event> = story.moments.iter().flat_map(|m| m.events.iter().cloned()).collect();
        let mut steps: Vec<(u64, std::ops::Range<usize>)> = Vec::new();
        for (index, event) in events.iter().enumerate() {
            match steps.last_mut() {
                Some((step, range)) if *step == event.step => range.end = index + 1,
                _ => steps.push((event.step, index..index + 1)),
            }
        }
        let rows = list::rows(&story);
        let trace = Trace { events, dropped: trace.dropped, lines: trace.lines.clone() };
        let (scrolled, scroll_most) = (0, Cell::new(0));
        let mut stepper =
            Stepper { trace, marks: marks.to_vec(), violation, ascii, steps, at: 0, rows, scrolled, scroll_most, told_as: None };
        stepper.to_violation();
        stepper
    }

    /// Somebody tells this run: it bears a title, its marks stand for what there is to see, and of a long number, as they are drawn for ids,
    /// there are both ends.
    #[must_use]
    pub fn told_as(mut self, title: &str) -> Self {
        self.told_as = Some(title.to_owned());
        for said in self.rows.iter_mut().flat_map(|row| &mut row.said) {
            said.text = short_numbers(&said.text);
        }
        self
    }

    /// What happened in a step, in a line without its number, whole; nothing of a step that is not there.
    #[must_use]
    pub fn said_of(&self, step: u64) -> String {
        let said = |row: &Row| {
            let parts: Vec<&str> = row.said.iter().filter(|s| !s.of_state).map(|s| s.text.as_str()).collect();
            let lane = if row.lane == Lane::Network { String::new() } else { format!("{} ", row.lane) };
            (!parts.is_empty()).then(|| format!("{lane}{}", tidy_keeping_indent(&parts.join("; "))))
        };
        let line = self.rows.iter().filter(|row| row.step == step).filter_map(said).collect::<Vec<_>>().join("; ");
        if self.ascii { to_ascii(&line) } else { line }
    }

    /// The number of the step where one stands; 0 of an empty run.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.steps.get(self.at).map_or(0, |(step, _)| *step)
    }

    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// True of a run in which nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn go(&mut self, at: usize) {
        (self.at, self.scrolled) = (at, 0);
    }

    /// Further lines of what is told of the step, if there are some.
    pub fn scroll_down(&mut self) {
        self.scrolled = (self.scrolled + SCROLL).min(self.scroll_most.get());
    }

    /// Lines that were scrolled away.
    pub fn scroll_up(&mut self) {
        self.scrolled = self.scrolled.min(self.scroll_most.get()).saturating_sub(SCROLL);
    }

    /// One step on; stays at the end.
    pub fn forward(&mut self) {
        self.go((self.at + 1).min(self.steps.len().saturating_sub(1)));
    }

    /// One step back; stays at the start.
    pub fn back(&mut self) {
        self.go(self.at.saturating_sub(1));
    }

    /// To the first step.
    pub fn to_start(&mut self) {
        self.go(0);
    }

    /// To the last step.
    pub fn to_end(&mut self) {
        self.go(self.steps.len().saturating_sub(1));
    }

    /// To the step at which the run went wrong; of a run that did not, to the end.
    pub fn to_violation(&mut self) {
        match self.violation {
            Some(step) => self.to_step(step),
            None => self.to_end(),
        }
    }

    /// To the step with this number, or the last one before it.
    pub fn to_step(&mut self, step: u64) {
        self.go(self.steps.partition_point(|(s, _)| *s <= step).saturating_sub(1));
    }

    /// To the next marked step (a cause, or the violation); stays, and says so, if there is none.
    pub fn to_next_mark(&mut self) -> bool {
        let marked = |s: u64| self.marks.contains(&s) || self.violation == Some(s);
        let found = (self.at + 1..self.steps.len()).find(|&i| marked(self.steps[i].0));
        found.inspect(|at| self.go(*at)).is_some()
    }

    /// To the marked step before; stays, and says so, if there is none.
    pub fn to_previous_mark(&mut self) -> bool {
        let marked = |s: u64| self.marks.contains(&s) || self.violation == Some(s);
        let found = (0..self.at).rev().find(|&i| marked(self.steps[i].0));
        found.inspect(|at| self.go(*at)).is_some()
    }

    /// The screen at this step: the steps around it, a line each; then what happened in it, whole, and each node's state once, with
    /// what changed marked `*`. At most `height` lines of at most `width` columns, each ending in `\n`.
    #[must_use]
    pub fn frame(&self, width: usize, height: usize) -> String {
        let (width, height) = (width.max(20), height.max(6));
        let lanes = list::lanes(&self.rows, width);
        let mut lines = vec![self.title()];
        if !lanes.is_empty() {
            lines.push(list::heads(&self.rows, &lanes));
        }
        let told = self.told(width);
        let least = if self.told_as.is_some() { STEPS_OF_A_TOLD_RUN } else { STEPS };
        // The steps take what is left by what is told of this one, but ten of them, or on a low screen some, are always there.
        let room = height.saturating_sub(lines.len() + 1);
        let most = room.saturating_sub(told.len()).max(least.min(room * 3 / 5)).min(self.rows.len());
        lines.extend(self.window(most).map(|at| self.line(at, &lanes, width)));
        lines.push(String::new());
        let room = height.saturating_sub(lines.len());
        lines.extend(self.scrolled_to(told, room));
        lines.truncate(height);
        let mut out = String::new();
        for line in lines {
            let line = cut(line.trim_end(), width);
            let _ = writeln!(out, "{}", if self.ascii { to_ascii(&line) } else { line });
        }
        out
    }

    fn line(&self, at: usize, lanes: &[Lane], width: usize) -> String {
        let here = match (self.rows[at].step == self.step(), self.ascii) {
            (false, _) => ' ',
            (true, true) => '=',
            (true, false) => '▌',
        };
        list::line(&self.rows, at, lanes, (self.sign(at), here), width, self.ascii)
    }

    /// So many rows around where one stands: rather those before it.
    fn window(&self, most: usize) -> std::ops::Range<usize> {
        let step = self.step();
        let here = self.rows.iter().position(|r| r.step == step).unwrap_or(0);
        let start = here.saturating_sub(most * 2 / 3).min(self.rows.len().saturating_sub(most));
        start..(start + most).min(self.rows.len())
    }

    /// What stands before a row: why it matters.
    fn sign(&self, at: usize) -> char {
        let is_first = at == 0 || self.rows[at - 1].step != self.rows[at].step;
        if is_first { self.mark(self.rows[at].step) } else { ' ' }
    }

    /// Where in the file that was judged what this step did was written, in the order in which it did it.
    fn code(&self) -> Option<String> {
        let mut numbers: Vec<u32> = Vec::new();
        for line in self.trace.lines_of(self.step()) {
            if !numbers.contains(line) {
                numbers.push(*line);
            }
        }
        let text: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let word = if text.len() == 1 { "line" } else { "lines" };
        (!text.is_empty()).then(|| format!("  in your file, as it was judged: {word} {}", text.join(", ")))
    }

    /// As many of the lines as there is room for, and how many there are before and after.
    fn scrolled_to(&self, lines: Vec<String>, room: usize) -> Vec<String> {
        self.scroll_most.set((lines.len() + usize::from(lines.len() > room)).saturating_sub(room));
        let from = self.scrolled.min(self.scroll_most.get());
        let mut rest: Vec<String> = lines.into_iter().skip(from).collect();
        if rest.len() > room && room > 0 {
            let more = rest.len() - (room - 1);
            rest.truncate(room - 1);
            rest.push(format!("  … {more} more lines: PgDn"));
        }
        rest
    }

    /// Every step as text in the one notation, with the states that changed; for pipes and files.
    #[must_use]
    pub fn all(&self) -> String {
        let mut out = String::new();
        for event in &self.trace.events {
            let mark = self.mark(event.step);
            let _ = writeln!(out, "{mark}{}", tidy_keeping_indent(&event.to_string()));
        }
        out
    }

    fn mark(&self, step: u64) -> char {
        match (self.violation == Some(step), self.marks.contains(&step), self.ascii) {
            (true, ..) => '!',
            (false, true, false) => '►',
            (false, true, true) => '>',
            _ => ' ',
        }
    }

    fn title(&self) -> String {
        let word = match (self.mark(self.step()), &self.told_as) {
            ('!', _) => ", where the rule breaks",
            (' ', _) | (_, Some(_)) => "",
            _ => ", which led to it",
        };
        let title = self.told_as.as_ref().map_or_else(String::new, |title| format!("{title} · "));
        let at = self.steps.get(self.at).map(|(_, range)| self.trace.events[range.start].at);
        let at = at.filter(|_| self.trace.events.iter().any(|e| e.at.as_micros() > 0)).map_or_else(String::new, |at| format!(" · {at}"));
        format!("{title}step {} of {}{at}{word}", self.step(), self.steps.last().map_or(0, |(s, _)| *s))
    }

    /// What is told of this step: what happened in it, and how it left the nodes.
    fn told(&self, width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for row in self.rows.iter().filter(|r| r.step == self.step()) {
            // What became of the state stands below.
            for (i, said) in row.said.iter().filter(|s| !s.of_state).map(|s| &s.text).enumerate() {
                let who = if row.lane == Lane::Network { String::new() } else { format!("{} ", row.lane) };
                let lead = if i == 0 { who } else { "  ".to_owned() };
                lines.extend(folded(&format!("{lead}{said}"), width));
            }
        }
        let plots = self.plots();
        lines.extend(Plot::lines(&plots, width, &|unit| Plot::most(&plots, unit), self.ascii));
        lines.extend(self.code());
        let states = self.states(width);
        if !states.is_empty() {
            lines.push(String::new());
        }
        lines.extend(states);
        lines
    }

    /// What was measured in this step.
    fn plots(&self) -> Vec<Plot> {
        let events = self.steps.get(self.at).map_or(&[][..], |(_, range)| &self.trace.events[range.clone()]);
        plots(events)
    }

    /// What is known of each node before and at this step.
    fn known(&self) -> (BTreeMap<Lane, Known>, BTreeMap<Lane, Known>) {
        let (start, end) = self.steps.get(self.at).map_or((0, 0), |(_, r)| (r.start, r.end));
        let mut known: BTreeMap<Lane, Known> = BTreeMap::new();
        learn(&mut known, &self.trace.events[..start]);
        let before = known.clone();
        learn(&mut known, &self.trace.events[start..end]);
        (before, known)
    }

    fn states(&self, width: usize) -> Vec<String> {
        let (before, now) = self.known();
        let brief = |known: Known| match self.told_as {
            Some(_) => Known { state: known.state.map(|s| short_numbers(&s)), saved: known.saved.map(|s| short_numbers(&s)), ..known },
            None => known,
        };
        let mut lines = Vec::new();
        for (lane, known) in &now {
            let (old, known) = (brief(before.get(lane).cloned().unwrap_or_default()), brief(known.clone()));
            if known.down {
                lines.push(format!("{}{lane} is down", if old.down { "  " } else { "* " }));
            }
            if let Some(state) = &known.state {
                lines.extend(paragraph(&lane.to_string(), old.state.as_deref(), state, width));
            }
            if let Some(saved) = &known.saved {
                let held = known.state.as_deref().map(fields_of).unwrap_or_default();
                let (same, others): (Vec<_>, Vec<_>) = fields_of(saved).into_iter().partition(|field| held.contains(field));
                let names: Vec<&str> = same.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty()).collect();
                // One copy of the state: of what is saved as it stands there, the names are enough.
                if others.is_empty() && !names.is_empty() {
                    let star = if old.saved.as_ref() == Some(saved) { "  " } else { "* " };
                    lines.extend(folded(&format!("{star}{lane} saved so: {}", names.join(", ")), width));
                } else {
                    lines.extend(paragraph(&format!("{lane} saved"), old.saved.as_deref(), saved, width));
                }
            }
        }
        lines
    }
}

/// A state in one paragraph, with what changed in this step.
fn paragraph(who: &str, old: Option<&str>, new: &str, width: usize) -> Vec<String> {
    let words = Words::parse(new).brief(Brief::Named);
    let changed = old.map(|old| changes(old, new)).unwrap_or_default();
    let star = if changed.is_empty() && old.is_some() { "  " } else { "* " };
    let tail = if changed.is_empty() { String::new() } else { format!("   ({})", changed.join(", ")) };
    folded(&format!("{star}{who}: {words}{tail}"), width)
}

fn learn(known: &mut BTreeMap<Lane, Known>, events: &[Event]) {
    for event in events {
        if !event.lane.is_place() {
            continue;
        }
        let node = known.entry(event.lane).or_default();
        match &event.what {
            What::State { text } => node.state = Some(text.clone()),
            What::Saves { text } => node.saved = Some(text.clone()),
            What::Crashes { .. } => (node.down, node.state) = (true, None),
            What::Starts { .. } => node.down = false,
            _ => {}
        }
    }
    known.retain(|_, k| k.down || k.state.is_some() || k.saved.is_some());
}

/// A line that is too long goes on, indented.
fn folded(line: &str, width: usize) -> Vec<String> {
    let line = tidy_keeping_indent(line);
    if columns(&line) <= width {
        return vec![line];
    }
    let indent = line.len() - line.trim_start().len();
    let deep = (indent + 4).min(width / 2);
    let wrapped = wrap(line.trim_start(), width - deep);
    wrapped.into_iter().enumerate().map(|(i, l)| format!("{}{l}", " ".repeat(if i == 0 { indent.min(deep) } else { deep }))).collect()
}

fn tidy_keeping_indent(line: &str) -> String {
    let body = line.trim_start_matches(' ');
    // The notation's own columns (step, time) are spaces too.
    let out: String = body.chars().map(|c| if c.is_control() || char_width(c) == 0 { ' ' } else { c }).collect();
    format!("{}{out}", " ".repeat(line.len() - body.len()))
}
