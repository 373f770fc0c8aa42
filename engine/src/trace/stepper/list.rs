//! The steps around the one where one stands: a row a moment, with a lane for each node and client, and what happened in one line.

use super::super::columns::{columns, cut, tidy};
use super::super::said;
use super::super::story::{Moment, Story};
use super::super::{Lane, What};
use std::collections::BTreeSet;

/// Columns of a lane with a short name; one with a long name has room for it.
const GAP: usize = 4;
/// Lanes take this part of the width at most; those with least to do are left out.
const PART: usize = 2;

/// A moment of the run.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub step: u64,
    pub lane: Lane,
    /// Who sent what comes in.
    from: Option<Lane>,
    sign: Sign,
    /// Who is down after it.
    down: BTreeSet<Lane>,
    /// What happened, whole.
    pub said: Vec<Said>,
}

#[derive(Clone, Debug)]
pub(super) struct Said {
    pub text: String,
    /// It tells how the state changed.
    pub of_state: bool,
}

/// What stands on the lane of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Does,
    Saves,
    Fires,
    Crashes,
    Restarts,
}

impl Sign {
    fn of(moment: &Moment) -> Sign {
        let any = |of: fn(&What) -> bool| moment.events.iter().any(|e| of(&e.what));
        if any(|w| matches!(w, What::Crashes { .. })) {
            Sign::Crashes
        } else if any(|w| matches!(w, What::Starts { again: true, .. })) {
            Sign::Restarts
        } else if any(|w| matches!(w, What::Saves { .. })) {
            Sign::Saves
        } else if any(|w| matches!(w, What::Fires { .. })) {
            Sign::Fires
        } else {
            Sign::Does
        }
    }

    fn char(self, ascii: bool) -> char {
        let (plain, drawn) = match self {
            Sign::Does => ('o', '●'),
            Sign::Saves => ('#', '■'),
            Sign::Fires => ('@', '◷'),
            Sign::Crashes => ('X', '✗'),
            Sign::Restarts => ('^', '▲'),
        };
        if ascii { plain } else { drawn }
    }
}

/// All rows of a run.
pub(super) fn rows(story: &Story) -> Vec<Row> {
    let mut down = BTreeSet::new();
    let parts = said::all(story, "");
    let row = |(index, moment): (usize, &Moment)| {
        for event in moment.events {
            match event.what {
                What::Crashes { .. } => _ = down.insert(event.lane),
                What::Starts { .. } => _ = down.remove(&event.lane),
                _ => {}
            }
        }
        let from = story.arrives[index].map(|p| story.parcels[p].from);
        let said = parts[index].iter().map(|part| Said { text: part.plain(), of_state: part.kind == "state" }).collect();
        Row { step: moment.step, lane: moment.lane, from, sign: Sign::of(moment), down: down.clone(), said }
    };
    story.moments.iter().enumerate().map(row).collect()
}

/// The lanes that are drawn, clients first.
pub(super) fn lanes(rows: &[Row], width: usize) -> Vec<Lane> {
    let mut all: Vec<(usize, Lane)> = Vec::new();
    for lane in rows.iter().flat_map(|r| [Some(r.lane), r.from]).flatten().filter(|l| *l != Lane::Network) {
        match all.iter_mut().find(|(_, l)| *l == lane) {
            Some((count, _)) => *count += 1,
            None => all.push((1, lane)),
        }
    }
    all.sort_by_key(|(count, lane)| (std::cmp::Reverse(*count), *lane));
    let mut used = 0;
    let fits = |(_, lane): &&(usize, Lane)| {
        used += room(*lane);
        used <= width / PART
    };
    let fitting = all.iter().take_while(fits).count();
    all.truncate(fitting.max(1));
    let mut lanes: Vec<Lane> = all.into_iter().map(|(_, lane)| lane).collect();
    lanes.sort_unstable_by_key(|l| (l.is_place(), *l));
    lanes
}

/// Columns that a lane takes.
fn room(lane: Lane) -> usize {
    GAP.max(columns(&lane.to_string()) + 1)
}

/// Columns that stand before the lanes: the mark and the number.
fn gutter(rows: &[Row]) -> usize {
    2 + rows.last().map_or(1, |r| r.step.to_string().len()) + 2
}

/// The names of the lanes over their columns.
pub(super) fn heads(rows: &[Row], lanes: &[Lane]) -> String {
    let names: String = lanes.iter().map(|lane| format!("{:<1$}", lane.to_string(), room(*lane))).collect();
    format!("{}{names}", " ".repeat(gutter(rows)))
}

/// One row: its mark, its number and whether one stands there (if it is the first moment of its step), the lanes, and what fits of what was said.
pub(super) fn line(rows: &[Row], at: usize, lanes: &[Lane], (mark, here): (char, char), width: usize, ascii: bool) -> String {
    let row = &rows[at];
    let is_first = at == 0 || rows[at - 1].step != row.step;
    let digits = gutter(rows) - 4;
    let number = if is_first { row.step.to_string() } else { String::new() };
    let lane = if lanes.contains(&row.lane) || row.lane == Lane::Network { String::new() } else { format!("{} ", row.lane) };
    let head = format!("{mark} {number:>digits$} {here}{}", drawn(row, lanes, ascii));
    let said: Vec<&str> = row.said.iter().map(|s| s.text.as_str()).collect();
    cut(&format!("{head}{lane}{}", tidy(&said.join("; "))), width.max(columns(&head) + 1))
}

/// The lanes at a moment, with the arrow of what comes in.
fn drawn(row: &Row, lanes: &[Lane], ascii: bool) -> String {
    let (line, gone, across) = if ascii { ('|', ':', '-') } else { ('│', '┊', '─') };
    let start = |at: usize| lanes[..at].iter().map(|lane| room(*lane)).sum::<usize>();
    let mut cells = vec![' '; start(lanes.len())];
    let place = |lane: Lane| lanes.iter().position(|l| *l == lane).map(start);
    for (i, lane) in lanes.iter().enumerate() {
        cells[start(i)] = if row.down.contains(lane) { gone } else { line };
    }
    let Some(here) = place(row.lane) else { return cells.into_iter().collect() };
    if let Some(from) = row.from.and_then(place).filter(|from| *from != here) {
        let (left, right) = (from.min(here), from.max(here));
        cells[left + 1..right].fill(across);
        let tip = if from < here { here - 1 } else { here + 1 };
        cells[tip] = match (ascii, from < here) {
            (false, true) => '▶',
            (false, false) => '◀',
            (true, true) => '>',
            (true, false) => '<',
        };
    }
    cells[here] = row.sign.char(ascii);
    cells.into_iter().collect()
}
