//! A run walked step by step: where one stands, and what one sees there.
//!
//! A pure state machine over a trace: `replay` turns keys into [`Stepper`] calls and prints [`Stepper::frame`]. It knows no
//! terminal; off one, [`Stepper::all`] says every step as text.

use super::columns::{columns, cut, to_ascii, width as char_width, wrap};
use super::debug_text::{Brief, Words, changes};
use super::diagram::{self, Options};
use super::story::Story;
use super::{Event, Lane, Trace, What};
use std::collections::BTreeMap;
use std::fmt::Write as _;

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
        let trace = Trace { events, dropped: trace.dropped };
        let mut stepper = Stepper { trace, marks: marks.to_vec(), violation, ascii, steps, at: 0 };
        stepper.to_violation();
        stepper
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

    /// One step on; stays at the end.
    pub fn forward(&mut self) {
        self.at = (self.at + 1).min(self.steps.len().saturating_sub(1));
    }

    /// One step back; stays at the start.
    pub fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// To the first step.
    pub fn to_start(&mut self) {
        self.at = 0;
    }

    /// To the last step.
    pub fn to_end(&mut self) {
        self.at = self.steps.len().saturating_sub(1);
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
        self.at = self.steps.partition_point(|(s, _)| *s <= step).saturating_sub(1);
    }

    /// To the next marked step (a cause, or the violation); stays if there is none.
    pub fn to_next_mark(&mut self) {
        let marked = |s: u64| self.marks.contains(&s) || self.violation == Some(s);
        if let Some(at) = (self.at + 1..self.steps.len()).find(|&i| marked(self.steps[i].0)) {
            self.at = at;
        }
    }

    /// To the marked step before; stays if there is none.
    pub fn to_previous_mark(&mut self) {
        let marked = |s: u64| self.marks.contains(&s) || self.violation == Some(s);
        if let Some(at) = (0..self.at).rev().find(|&i| marked(self.steps[i].0)) {
            self.at = at;
        }
    }

    /// The screen at this step: the picture around it, its events in full, each node's state with what changed marked `*`.
    /// At most `height` lines of at most `width` columns, each ending in `\n`.
    #[must_use]
    pub fn frame(&self, width: usize, height: usize) -> String {
        let (width, height) = (width.max(20), height.max(6));
        let mut lines = vec![self.title()];
        let events: Vec<String> = self.events().iter().flat_map(|e| folded(&e.to_string(), width)).collect();
        let states = self.states(width);
        // The state and the events first; the picture takes what is left, but a third at least.
        let picture_most = (height - 1).saturating_sub(events.len() + states.len() + 2).max(height / 3);
        let picture = self.picture(width, picture_most);
        let left = (height - 1).saturating_sub(picture.len());
        let for_states = states.len().min(left.saturating_sub(events.len() + 2).max(left / 2));
        lines.extend(picture);
        lines.push(String::new());
        lines.extend(shorten(events, (height.saturating_sub(lines.len() + 1)).saturating_sub(for_states)));
        lines.push(String::new());
        lines.extend(shorten(states, height.saturating_sub(lines.len())));
        lines.truncate(height);
        let mut out = String::new();
        for line in lines {
            let line = cut(line.trim_end(), width);
            let _ = writeln!(out, "{}", if self.ascii { to_ascii(&line) } else { line });
        }
        out
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
        let word = match self.mark(self.step()) {
            '!' => ", where the rule breaks",
            ' ' => "",
            _ => ", which led to it",
        };
        format!("step {} of {}{word}", self.step(), self.steps.last().map_or(0, |(s, _)| *s))
    }

    fn events(&self) -> &[Event] {
        self.steps.get(self.at).map_or(&[], |(_, range)| &self.trace.events[range.clone()])
    }

    /// The run up to this step, drawn with this step as the one that counts: what led to it is in the picture.
    fn picture(&self, width: usize, most: usize) -> Vec<String> {
        let end = self.steps.get(self.at).map_or(0, |(_, range)| range.end);
        let so_far = Trace { events: self.trace.events[..end].to_vec(), dropped: self.trace.dropped };
        let options = Options {
            width,
            ascii: self.ascii,
            marks: self.marks.iter().copied().filter(|m| *m < self.step()).collect(),
            violation: Some(self.step()),
            max_rows: most,
        };
        let here = Some(self.mark(self.step())).filter(|m| *m != ' ').unwrap_or('*');
        let lines = diagram::draw_at(&so_far, &options, here);
        let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        // Too little room for all marked steps: the head, and the end.
        if lines.len() > most && most > 0 {
            lines.drain(1.min(most - 1)..lines.len() - (most - 1));
        }
        lines
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
        let mut lines = Vec::new();
        for (lane, known) in &now {
            let old = before.get(lane).cloned().unwrap_or_default();
            if known.down {
                lines.push(format!("{}{lane} is down", if old.down { "  " } else { "* " }));
            }
            let texts = [("", &old.state, &known.state), (" saved", &old.saved, &known.saved)];
            for (word, old, new) in texts {
                let Some(new) = new else { continue };
                let words = Words::parse(new).brief(Brief::Named);
                let changed = old.as_ref().map(|old| changes(old, new)).unwrap_or_default();
                let star = if changed.is_empty() && old.is_some() { "  " } else { "* " };
                let tail = if changed.is_empty() { String::new() } else { format!("   ({})", changed.join(", ")) };
                lines.extend(folded(&format!("{star}{lane}{word}: {words}{tail}"), width));
            }
        }
        lines
    }
}

fn learn(known: &mut BTreeMap<Lane, Known>, events: &[Event]) {
    for event in events {
        if !matches!(event.lane, Lane::Node(_)) {
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

/// At most `most` lines; the last one says how many are missing.
fn shorten(lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines;
    }
    let missing = lines.len() - most.saturating_sub(1);
    let mut kept: Vec<String> = lines.into_iter().take(most.saturating_sub(1)).collect();
    if most > 0 {
        kept.push(format!("  … {missing} more lines"));
    }
    kept
}
