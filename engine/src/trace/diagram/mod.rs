//! A run as a picture in text: a lane for each node and client, time going down, messages as arrows.
//!
//! [`draw`] is a pure function of the trace. It chooses the steps that matter if there are more than fit (`select`), puts
//! into words what happened at each (`notes`), and sets them on a grid (`canvas`, `rows`, `arrows`). It knows no exercise and no
//! protocol: what messages and states say is the learner's `Debug` text, made shorter.

mod arrows;
mod canvas;
mod describe;
mod history;
mod lanes;
mod notes;
mod rows;
mod select;
pub(super) mod walls;

pub use describe::{change, describe, ending};
pub use history::history;

use super::columns::to_ascii;
use super::story::Story;
use super::{Plot, Trace};
use crate::words::counted;
use canvas::Glyphs;
use rows::{Body, Sheet};
use std::fmt::Write as _;

/// How a run is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the picture; taken as 60 if smaller and as 160 if larger.
    pub width: usize,
    /// Plain ASCII only.
    pub ascii: bool,
    /// Steps that led to the violation (a finding's `marks`). They are always shown.
    pub marks: Vec<u64>,
    /// The step at which the run went wrong. `None`: that of the trace's broken rule, if it has one.
    pub violation: Option<u64>,
    /// Lines of the whole picture. Only marked steps may need more.
    pub max_rows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { width: 80, ascii: false, marks: Vec::new(), violation: None, max_rows: 20 }
    }
}

/// The picture, lines ending in `\n`, without colours. Empty if nothing happened.
#[must_use]
pub fn draw(trace: &Trace, options: &Options) -> String {
    let story = Story::of(trace);
    let width = options.width.clamp(60, 160);
    let plot = select::Plot::of(&story, &options.marks, options.violation);
    if plot.visible.is_empty() {
        return String::new();
    }
    // The header and a legend of one or two lines belong to the picture.
    let mut room = options.max_rows.saturating_sub(3).max(3);
    loop {
        let shown = plot.choose(room);
        let lanes = lanes::order(&story, &shown, (width.saturating_sub(30) / 7).max(4), |moment| plot.is_important(moment));
        let sheet = Sheet::new(&story, &plot, &shown, &lanes, options.ascii);
        let of = |note_lines| finish(&best(&sheet, width, note_lines), width, options, &story);
        let terse = of(1);
        let over = terse.lines().count().saturating_sub(options.max_rows);
        if over == 0 {
            let generous = of(2);
            return if generous.lines().count() <= options.max_rows { generous } else { terse };
        }
        if room <= 1 {
            return terse;
        }
        room = room.saturating_sub(over).max(1);
    }
}

/// The rows at the lane distance that leaves most said.
fn best(sheet: &Sheet, width: usize, note_lines: usize) -> Body {
    let bodies = (3..=18).rev().filter_map(|gap| sheet.body(width, gap, note_lines));
    let mut best: Option<Body> = None;
    for body in bodies {
        if best.as_ref().is_none_or(|b| body.cost < b.cost) {
            best = Some(body);
        }
    }
    best.unwrap_or_else(|| sheet.narrow(width))
}

/// The header's warnings, the rows, the legend.
fn finish(body: &Body, width: usize, options: &Options, story: &Story) -> String {
    let glyphs = Glyphs::of(options.ascii);
    let mut out = String::new();
    if story.runs_before > 0 {
        let _ = writeln!(out, "({} of this case held)", counted(story.runs_before, "earlier run"));
    }
    if story.dropped > 0 {
        let _ =
            writeln!(out, "({} {} not recorded)", counted(story.dropped, "earlier event"), if story.dropped == 1 { "was" } else { "were" });
    }
    for line in &body.lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let plots = story.plots();
    for line in Plot::lines(&plots, width, &|unit| Plot::most(&plots, unit), options.ascii) {
        let _ = writeln!(out, "{line}");
    }
    for line in glyphs.legend(&body.used, width) {
        let _ = writeln!(out, "{line}");
    }
    if options.ascii { to_ascii(&out) } else { out }
}
