//! The lanes of one row: what lives, what is down, who is cut off, and the pieces of arrows that pass.
//!
//! A row knows neither its height nor its width: all is in parts of a hundred.

use super::film::{Film, Life, Promised};
use crate::trace::What;
use crate::trace::story::Moment;
use std::fmt::Write as _;

/// The signs that rows use, and the tips of arrows. None is text: no font can make two of them collide.
pub(super) const SIGNS: &str = r##"<svg id="signs" width="0" height="0" aria-hidden="true"><defs>
<marker id="tip" viewBox="0 0 8 8" refX="13" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>
<symbol id="dot" overflow="visible"><circle r="5"/></symbol>
<symbol id="big" overflow="visible"><circle r="8"/></symbol>
<symbol id="fires" overflow="visible"><circle class="face" r="6.5"/><path class="hand" d="M0-4V0L3 2"/></symbol>
<symbol id="gone" overflow="visible"><path class="cross" d="M-6-6 6 6M-6 6 6-6"/></symbol>
<symbol id="again" overflow="visible"><path d="M0-7 7 5H-7z"/></symbol>
<symbol id="lost" overflow="visible"><path class="cross" d="M-4-4 4 4M-4 4 4-4"/></symbol>
<symbol id="saved" overflow="visible"><rect x="7" y="3" width="6" height="6"/></symbol>
</defs></svg>
"##;

/// A piece of an arrow in one half of a row, across in parts of a hundred.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The parcel that travels.
    parcel: usize,
    class: &'static str,
    /// Above the row's sign, or below it.
    above: bool,
    from: f64,
    to: f64,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    GoesOn,
    Arrives,
    /// Not at its receiver: lost, or still under way when the run ends.
    Stops,
}

/// Where a lane stands.
pub(super) fn x(film: &Film, place: usize) -> f64 {
    (place as f64 + 0.5) * 100.0 / film.lanes.len() as f64
}

/// The pieces of all arrows, by row.
pub(super) fn pieces(film: &Film) -> Vec<Vec<Piece>> {
    let mut rows: Vec<Vec<Piece>> = vec![Vec::new(); film.moments().count()];
    for (number, parcel) in film.story.parcels.iter().enumerate() {
        let ends = film.place(parcel.from).zip(film.place(parcel.to));
        let (Some((from, to)), Some(sent)) = (ends, parcel.sent.and_then(|s| s.checked_sub(film.first))) else { continue };
        let (from, to) = (x(film, from), x(film, to));
        let piece = |class, above, from, to, end| Piece { parcel: number, class, above, from, to, end };
        if parcel.arrivals.is_empty() {
            let class = if parcel.lost { "lost" } else { "open" };
            rows[sent].push(piece(class, false, from, from + (to - from) * 0.4, End::Stops));
        }
        for (copy, arrival) in parcel.arrivals.iter().enumerate() {
            let class = if copy == 0 { "goes" } else { "copy" };
            // Nothing arrives in the moment in which it is sent.
            let arrives = arrival.saturating_sub(film.first).max(sent);
            let halves = ((arrives - sent) * 2) as f64;
            let across = |half: usize| from + (to - from) * half as f64 / halves;
            for (half, row) in (sent..arrives).flat_map(|row| [(2 * (row - sent), row), (2 * (row - sent) + 1, row + 1)]) {
                let end = if half + 1 == (arrives - sent) * 2 { End::Arrives } else { End::GoesOn };
                rows[row].push(piece(class, half % 2 == 1, across(half), across(half + 1), end));
            }
        }
    }
    rows
}

/// The drawing of one row: above its sign, and below it. The sign is as far from the top in every row; below it there is as much
/// as the words beside it need.
pub(super) fn draw(film: &Film, number: usize, moment: &Moment, pieces: &[Piece], out: &mut String) {
    let lanes = film.lanes.len();
    let after = &film.lives[number];
    let before = number.checked_sub(1).map_or(after, |n| &film.lives[n]);
    for (above, lives) in [(true, before), (false, after)] {
        let _ = write!(out, "<svg class=\"{}\" aria-hidden=\"true\">", if above { "above" } else { "below" });
        for (place, life) in lives.iter().enumerate() {
            lane(x(film, place), lanes, *life, above && number == 0, out);
        }
        for piece in pieces.iter().filter(|p| p.above == above) {
            arrow(piece, out);
        }
        if let Some(place) = film.place(moment.lane).filter(|_| !above) {
            acts(film, number, moment, x(film, place), out);
        }
        out.push_str("</svg>");
    }
}

fn arrow(piece: &Piece, out: &mut String) {
    let tip = if piece.end == End::Arrives { " marker-end=\"url(#tip)\"" } else { "" };
    let until = if piece.end == End::Stops { 80.0 } else { 100.0 };
    let (class, parcel) = (piece.class, piece.parcel);
    let _ = write!(
        out,
        "<line class=\"{class}\" data-m=\"{parcel}\" x1=\"{}\" y1=\"0\" x2=\"{}\" y2=\"{}\"{tip}/>",
        part(piece.from),
        part(piece.to),
        part(until)
    );
    if class == "lost" {
        sign("lost", piece.to, until, out);
    }
}

/// A lane, from the top to the bottom of what is drawn.
fn lane(x: f64, lanes: usize, life: Life, is_before_all: bool, out: &mut String) {
    let width = 100.0 / lanes as f64;
    if let Some(side) = life.side {
        let (x, width) = (part(x - width / 2.0), part(width));
        let _ = write!(out, "<rect class=\"side{}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"100%\"/>", side % 3);
    }
    let x = part(x);
    if let Some(Promised(promised)) = life.lease.filter(|_| !is_before_all) {
        let class = if promised { "lease promised" } else { "lease" };
        let _ = write!(
            out,
            "<svg x=\"{x}\" overflow=\"visible\"><rect class=\"{class}\" x=\"-6\" y=\"0\" width=\"12\" height=\"100%\"/></svg>"
        );
    }
    if life.down {
        let _ =
            write!(out, "<svg x=\"{x}\" overflow=\"visible\"><rect class=\"down\" x=\"-7\" y=\"0\" width=\"14\" height=\"100%\"/></svg>");
    } else if !is_before_all {
        let class = if life.paused { "lane paused" } else { "lane" };
        let _ = write!(out, "<line class=\"{class}\" x1=\"{x}\" y1=\"0\" x2=\"{x}\" y2=\"100%\"/>");
    }
}

/// The sign of what happens, on its lane.
fn acts(film: &Film, number: usize, moment: &Moment, x: f64, out: &mut String) {
    let any = |of: fn(&What) -> bool| moment.events.iter().any(|e| of(&e.what));
    let name = if any(|w| matches!(w, What::Crashes { .. })) {
        "gone"
    } else if any(|w| matches!(w, What::Starts { again: true, .. })) {
        "again"
    } else if film.violation == Some(number + film.first) {
        "big"
    } else if any(|w| matches!(w, What::Fires { .. })) {
        "fires"
    } else {
        "dot"
    };
    sign(name, x, 0.0, out);
    if any(|w| matches!(w, What::Saves { .. })) {
        sign("saved", x, 0.0, out);
    }
}

fn sign(name: &str, x: f64, y: f64, out: &mut String) {
    let _ = write!(out, "<use class=\"sign\" href=\"#{name}\" x=\"{}\" y=\"{}\"/>", part(x), part(y));
}

/// `12.5%`
fn part(of_a_hundred: f64) -> String {
    let text = format!("{of_a_hundred:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}
