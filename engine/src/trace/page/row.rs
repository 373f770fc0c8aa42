//! The picture: its heads, and a row a moment with number, time, lanes and words.

use super::film::{Film, Life, Promised};
use super::lanes;
use super::markup::escape;
use super::plots;
use crate::trace::What;
use crate::trace::columns::columns;
use crate::trace::columns::cut;
use crate::trace::said::{self, Part, Tone};
use crate::trace::story::Moment;
use crate::words::counted;
use std::fmt::Write as _;

pub(super) fn picture(film: &Film, out: &mut String) {
    out.push_str("<section id=\"picture\">\n");
    if !film.lanes.is_empty() {
        out.push_str("<div id=\"heads\" class=\"row\"><span class=\"num\"></span><span class=\"time\"></span><div class=\"lanes\">");
        for (place, lane) in film.lanes.iter().enumerate() {
            let _ =
                write!(out, "<span class=\"head\" style=\"left:{}%\">{}</span>", short(lanes::x(film, place)), escape(&lane.to_string()));
        }
        out.push_str("</div></div>\n");
    }
    if film.left_out > 0 {
        let _ = writeln!(out, "<p class=\"quiet\">Left out at the beginning: {}.</p>", counted(film.left_out, "step"));
    }
    let pieces = lanes::pieces(film);
    let words = said::all(film.story, &film.seen);
    for (number, moment) in film.moments() {
        row(film, number, moment, &pieces[number], &words[number + film.first], out);
    }
    legend(film, out);
    out.push_str("</section>\n");
}

/// What the signs mean that this run has.
fn legend(film: &Film, out: &mut String) {
    let parcels = || film.story.parcels.iter().filter(|p| p.sent.is_some_and(|s| s >= film.first));
    let lives = |of: fn(&Life) -> bool| film.lives.iter().flatten().any(of);
    let any = |of: fn(&What) -> bool| film.moments().any(|(_, m)| m.events.iter().any(|e| of(&e.what)));
    let all = [
        (parcels().any(|p| p.lost), "a crossed arrow was lost"),
        (parcels().any(|p| !p.lost && p.arrivals.is_empty()), "a dotted arrow does not arrive in this run"),
        (parcels().any(|p| p.arrivals.len() > 1), "a dashed arrow is a second copy"),
        (any(|w| matches!(w, What::Fires { .. })), "a clock: a timer fires"),
        (any(|w| matches!(w, What::Saves { .. })), "a small square: it is saved"),
        (lives(|l| l.down), "a grey lane is down"),
        (lives(|l| l.paused), "a dashed lane pauses"),
        (lives(|l| l.lease == Some(Promised(true))), "a green bar: a lease that it has given runs, by its own clock"),
        (lives(|l| l.lease == Some(Promised(false))), "an orange bar: its lease runs, by its own clock"),
        (lives(|l| l.side.is_some()), "tinted lanes are the sides of a partition"),
    ];
    let said: Vec<&str> = all.iter().filter(|(is, _)| *is && !film.lanes.is_empty()).map(|(_, text)| *text).collect();
    if !said.is_empty() {
        let _ = writeln!(out, "<p id=\"legend\" class=\"quiet\">The signs: {}.</p>", said.join(" · "));
    }
}

fn row(film: &Film, number: usize, moment: &Moment, pieces: &[lanes::Piece], words: &[Part], out: &mut String) {
    let index = number + film.first;
    let (class, mark) = match (film.violation == Some(index), film.marked.contains(&index)) {
        (true, _) => ("row step violation", "!"),
        (false, true) => ("row step mark", "►"),
        (false, false) => ("row step", ""),
    };
    let folds = moment.events.iter().any(|e| matches!(e.what, What::Folds { .. }));
    let anchor = film.anchor(index);
    let sent: Vec<String> = film.story.sends[index].iter().map(ToString::to_string).collect();
    let arrives = film.story.arrives[index].map_or_else(String::new, |p| format!(" data-in=\"{p}\""));
    let _ = write!(
        out,
        "<div class=\"{class}{}\" id=\"{anchor}\" data-i=\"{number}\" data-out=\"{}\"{arrives}>\
         <a class=\"num\" href=\"#{anchor}\"><i>{mark}</i>{}</a><span class=\"time\">{}</span>",
        if folds { " folds" } else { "" },
        sent.join(" "),
        moment.step,
        if film.timeless { String::new() } else { escape(&moment.at.to_string()) }
    );
    if !film.lanes.is_empty() {
        out.push_str("<div class=\"lanes\">");
        lanes::draw(film, number, moment, pieces, out);
        label(film, index, moment, out);
        out.push_str("</div>");
    }
    let _ = writeln!(out, "<p class=\"said\">{}</p></div>", words.iter().map(part).collect::<Vec<_>>().join("<s>; </s>"));
    plots::draw(&moment.plots(), out);
}

/// Columns of what one part of a row tells: the panel and the run in words have the rest.
const PART: usize = 160;

fn part(part: &Part) -> String {
    let piece = |(tone, text): &(Tone, String)| {
        let text = escape(&if part.kind == "breaks" { text.clone() } else { cut(text, PART) });
        match tone {
            Tone::Plain => text,
            Tone::Faint => format!("<s>{text}</s>"),
            Tone::Strong => format!("<b>{text}</b>"),
            Tone::Bad => format!("<span class=\"bad\">{text}</span>"),
        }
    };
    let pieces: String = part.pieces.iter().map(piece).collect();
    format!("<span class=\"{}\">{}{pieces}</span>", part.kind, escape(&part.head))
}

/// What the arrows of a step carry, said once, where they begin.
fn label(film: &Film, index: usize, moment: &Moment, out: &mut String) {
    let Some((place, text)) = film.place(moment.lane).zip(said::label(film.story, index)) else { return };
    let x = lanes::x(film, place);
    // Where there is more room; but beside what comes in, if it is short enough.
    let comes_from = film.story.arrives[index].and_then(|p| film.place(film.story.parcels[p].from)).map(|from| lanes::x(film, from));
    let to_right = x <= 50.0;
    let other_side = comes_from.is_some_and(|from| if to_right { from > x } else { from < x });
    let fits = columns(&text) as f64 * 1.8 < if to_right { x } else { 100.0 - x };
    let to_left = to_right == (other_side && fits);
    let (side, from, room) = if to_left { ("right", 100.0 - x, x) } else { ("left", x, 100.0 - x) };
    let side = format!("{side}:{}%;max-width:calc({}% - 16px)", short(from), short(room));
    let _ = write!(out, "<span class=\"label\" style=\"{side}\">{}</span>", escape(&text));
}

/// A link to a moment's row, with the sign that it bears there.
pub(super) fn link(film: &Film, index: usize) -> String {
    let mark = if film.violation == Some(index) { "!" } else { "►" };
    format!("<a href=\"#{}\">{mark} {}</a>", film.anchor(index), film.story.moments[index].step)
}

fn short(number: f64) -> String {
    format!("{number:.2}")
}
