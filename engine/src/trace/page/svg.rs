//! The picture of a page: lanes going down, one row a moment, messages from where they were sent to where they arrived.

use super::film::Film;
use super::markup::escape;
use crate::trace::columns::{cut, tidy};
use crate::trace::debug_text::{Brief, Words};
use crate::trace::story::Parcel;
use crate::trace::{Lane, What};
use std::fmt::Write as _;

const LEFT: usize = 150;
const LANE: usize = 150;
const TOP: usize = 22;
const ROW: usize = 26;

fn x(place: usize) -> usize {
    LEFT + place * LANE
}

fn y(number: usize) -> usize {
    TOP + number * ROW
}

pub(super) fn draw(film: &Film, out: &mut String) {
    let count = film.moments().count();
    let width = x(film.lanes.len().saturating_sub(1)) + 110;
    let height = y(count) + 10;
    let _ = writeln!(out, "<svg id=\"heads\" width=\"{width}\" height=\"29\">");
    for (place, lane) in film.lanes.iter().enumerate() {
        let _ = writeln!(out, "<text class=\"head\" x=\"{}\" y=\"19\">{}</text>", x(place), escape(&lane.to_string()));
    }
    out.push_str("</svg>\n");
    let _ = writeln!(
        out,
        "<svg id=\"run\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"the run\">\n\
         <defs>\n<marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"10\" markerHeight=\"10\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
         <path d=\"M0 0 8 4 0 8z\"/></marker>\n</defs>\n\
         <rect id=\"now\" x=\"0\" y=\"{}\" width=\"{width}\" height=\"{ROW}\"/>",
        TOP - ROW / 2
    );
    walls(film, width, out);
    for (place, lane) in film.lanes.iter().enumerate() {
        life(film, place, *lane, count, out);
    }
    for parcel in &film.story.parcels {
        message(film, parcel, out);
    }
    for (number, moment) in film.moments() {
        step(film, number, moment, out);
    }
    out.push_str("</svg>\n");
}

/// The line of a lane: broken while the node is down, dashed while it is paused.
fn life(film: &Film, place: usize, lane: Lane, count: usize, out: &mut String) {
    let mut from = Some(0);
    let mut segments = Vec::new();
    let mut pauses = Vec::new();
    for (number, moment) in film.moments() {
        for event in moment.events.iter().filter(|e| e.lane == lane) {
            match event.what {
                What::Crashes { .. } => segments.extend(from.take().map(|f| (f, number))),
                What::Starts { .. } => from = Some(from.unwrap_or(number)),
                What::Pauses { for_us } => {
                    let until = moment.at.as_micros().saturating_add(for_us);
                    let end = film.moments().find(|(n, m)| *n > number && m.at.as_micros() >= until).map_or(count, |(n, _)| n);
                    pauses.push((number, end));
                }
                _ => {}
            }
        }
    }
    segments.extend(from.map(|f| (f, count)));
    let lines = segments.iter().map(|s| ("lane", s)).chain(pauses.iter().map(|s| ("pause", s)));
    for (class, (from, to)) in lines {
        let top = if *from == 0 { 0 } else { y(*from) };
        let _ = writeln!(out, "<line class=\"{class}\" x1=\"{0}\" y1=\"{top}\" x2=\"{0}\" y2=\"{1}\"/>", x(place), y(*to));
    }
}

/// Partitions: a band from the cut to the heal.
fn walls(film: &Film, width: usize, out: &mut String) {
    let mut open: Option<usize> = None;
    let count = film.moments().count();
    for (number, moment) in film.moments() {
        for event in moment.events {
            let from = match &event.what {
                What::Splits { .. } => open.replace(number),
                What::Heals => open.take(),
                _ => None,
            };
            band(from, number, width, out);
        }
    }
    band(open, count, width, out);
}

fn band(from: Option<usize>, to: usize, width: usize, out: &mut String) {
    if let Some(from) = from {
        let _ = writeln!(out, "<rect class=\"cut\" x=\"0\" y=\"{}\" width=\"{width}\" height=\"{}\"/>", y(from), y(to) - y(from));
    }
}

/// A message: one arrow for each arrival, or a broken one if it was lost or never arrives.
fn message(film: &Film, parcel: &Parcel, out: &mut String) {
    let ends = film.place(parcel.from).zip(film.place(parcel.to));
    let (Some((from, to)), Some(sent)) = (ends, parcel.sent.and_then(|s| s.checked_sub(film.first))) else { return };
    let label = Words::parse(parcel.text);
    let label = cut(&label.brief(Brief::Values), 34);
    let title = tidy(&format!("{} {} to {}: {}", parcel.label(), parcel.from, parcel.to, parcel.text));
    let important = |i: usize| film.marked.contains(&i) || film.violation == Some(i);
    for (copy, arrival) in parcel.arrivals.iter().enumerate() {
        let class = match (copy > 0, important(*arrival)) {
            (false, false) => "msg",
            (false, true) => "msg key",
            (true, false) => "msg copy",
            (true, true) => "msg copy key",
        };
        let arrives = arrival - film.first;
        arrow(class, sent, arrives, (x(from), y(sent)), (x(to), y(arrives)), &label, &title, out);
    }
    if parcel.arrivals.is_empty() {
        // A third of the way, and no farther.
        let across = (x(to) as f64 - x(from) as f64) / 3.0;
        let end = ((x(from) as f64 + across) as usize, y(sent) + ROW / 3);
        let class = match (parcel.lost, important(parcel.sent.unwrap_or(usize::MAX))) {
            (true, false) => "msg lost",
            (true, true) => "msg lost key",
            (false, false) => "msg open",
            (false, true) => "msg open key",
        };
        arrow(class, sent, sent, (x(from), y(sent)), end, &label, &title, out);
    }
}

#[allow(clippy::too_many_arguments)]
fn arrow(class: &str, sent: usize, arrives: usize, a: (usize, usize), b: (usize, usize), label: &str, title: &str, out: &mut String) {
    let lost = class.contains("lost");
    let end = if lost { String::new() } else { " marker-end=\"url(#tip)\"".to_owned() };
    let _ = write!(
        out,
        "<g class=\"{class}\" data-a=\"{sent}\" data-b=\"{arrives}\"><title>{}</title><line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{end}/>",
        escape(title),
        a.0,
        a.1,
        b.0,
        b.1
    );
    if lost {
        let _ = write!(out, "<text class=\"sign\" x=\"{}\" y=\"{}\">✗</text>", b.0, b.1 + 5);
    }
    let _ = writeln!(out, "<text class=\"label\" x=\"{}\" y=\"{}\">{}</text></g>", (a.0 + b.0) / 2, (a.1 + b.1) / 2 - 5, escape(label));
}

/// The row of a moment: its number and time, and its sign on its lane.
fn step(film: &Film, number: usize, moment: &crate::trace::story::Moment, out: &mut String) {
    let index = number + film.first;
    let class = match (film.violation == Some(index), film.marked.contains(&index)) {
        (true, _) => "step violation",
        (false, true) => "step mark",
        (false, false) => "step",
    };
    let id = if film.violation == Some(index) { " id=\"violation\"" } else { "" };
    let at = y(number);
    let _ = write!(
        out,
        "<g class=\"{class}\"{id} data-i=\"{number}\"><rect class=\"hit\" x=\"0\" y=\"{}\" width=\"120\" height=\"{ROW}\"/>",
        at - ROW / 2
    );
    let mark = match class {
        "step violation" => "!",
        "step mark" => "►",
        _ => "",
    };
    let _ = write!(
        out,
        "<text class=\"number\" x=\"48\" y=\"{0}\">{mark} {1}</text><text class=\"time\" x=\"118\" y=\"{0}\">{2}</text>",
        at + 4,
        moment.step,
        escape(&moment.at.to_string())
    );
    match film.place(moment.lane) {
        Some(place) => {
            let _ = write!(out, "<circle cx=\"{}\" cy=\"{at}\" r=\"{}\"/>", x(place), if id.is_empty() { 5 } else { 9 });
            let mut signs: Vec<char> = moment.events.iter().filter_map(|e| sign(&e.what)).collect();
            signs.dedup();
            let signs: String = signs.into_iter().collect();
            if !signs.is_empty() {
                let _ = write!(out, "<text class=\"sign\" x=\"{}\" y=\"{}\">{signs}</text>", x(place) + 16, at + 5);
            }
        }
        None => {
            let text = moment.events.iter().map(|e| tidy(&e.what.to_string())).next().unwrap_or_default();
            let wall = if moment.events.iter().any(|e| matches!(e.what, What::Splits { .. } | What::Heals)) { "wall" } else { "call" };
            let _ = write!(out, "<text class=\"{wall}\" x=\"{}\" y=\"{}\">{}</text>", LEFT + 20, at + 4, escape(&text));
        }
    }
    out.push_str("</g>\n");
}

fn sign(what: &What) -> Option<char> {
    match what {
        What::Crashes { .. } => Some('✗'),
        What::Starts { again: true, .. } => Some('▲'),
        What::Saves { .. } => Some('■'),
        What::Fires { .. } => Some('◷'),
        What::Pauses { .. } => Some('‖'),
        _ => None,
    }
}
