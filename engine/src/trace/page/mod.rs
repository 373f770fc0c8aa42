//! A run as one self-contained HTML page: the picture, a slider over its steps, each node's state at the step.
//!
//! A pure function to text; the page loads nothing and sends nothing. All that comes from a learner's code passes
//! `escape` on its way into markup, or `data::quote` on its way into the script's data: no payload can become either.

mod assets;
mod data;
mod svg;

use super::story::Story;
use super::{Lane, Trace};
use crate::words::counted;

/// What stands around the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caption {
    /// The page's title: the exercise and the rule in one sentence.
    pub title: String,
    /// The finding's texts with their headings: what was seen, why it matters, where to look, the replay command.
    pub paragraphs: Vec<(String, String)>,
    /// Steps that led to the violation (a finding's `marks`).
    pub marks: Vec<u64>,
    /// The step at which the run went wrong. `None`: that of the trace's broken rule, if it has one.
    pub violation: Option<u64>,
}

/// The most moments on one page: a browser draws as many without delay. The last ones are kept.
pub const MOMENTS_MAX: usize = 2_000;

/// The page of a run: HTML text, equal for equal arguments.
#[must_use]
pub fn page(trace: &Trace, caption: &Caption) -> String {
    let story = Story::of(trace);
    let film = Film::of(&story, caption);
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Whatever slipped through could still load nothing.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ");
    out.push_str("script-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
    out.push_str(&format!("<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n", escape(&caption.title), assets::CSS));
    out.push_str(&format!("<header>\n<h1>{}</h1>\n", escape(&caption.title)));
    for (heading, text) in &caption.paragraphs {
        out.push_str(&format!("<p><b>{}</b> {}</p>\n", escape(heading), escape(text)));
    }
    out.push_str("</header>\n<main>\n<div id=\"picture\">\n");
    if film.left_out > 0 {
        out.push_str(&format!("<p class=\"quiet\">Left out at the beginning: {}.</p>\n", counted(film.left_out, "step")));
    }
    svg::draw(&film, &mut out);
    out.push_str("</div>\n");
    out.push_str(assets::PANEL);
    out.push_str("</main>\n<script type=\"application/json\" id=\"data\">");
    data::write(&film, &mut out);
    out.push_str(&format!("</script>\n<script>\n{}</script>\n</body>\n</html>\n", assets::SCRIPT));
    out
}

/// The moments of a page, and what is to be known of them.
struct Film<'a> {
    story: &'a Story<'a>,
    /// The moments shown are those from here on.
    first: usize,
    left_out: usize,
    lanes: Vec<Lane>,
    marked: Vec<usize>,
    violation: Option<usize>,
}

impl<'a> Film<'a> {
    fn of(story: &'a Story<'a>, caption: &Caption) -> Self {
        let at = |step: u64| story.moments.iter().rposition(|m| m.step == step);
        let first = story.moments.len().saturating_sub(MOMENTS_MAX);
        let mut lanes: Vec<Lane> = story.moments[first..].iter().map(|m| m.lane).filter(|l| *l != Lane::Network).collect();
        let sent = story.parcels.iter().filter(|p| p.sent.is_some_and(|s| s >= first));
        lanes.extend(sent.flat_map(|p| [p.from, p.to]).filter(|l| *l != Lane::Network));
        // Clients left of the nodes.
        lanes.sort_unstable_by_key(|l| (matches!(l, Lane::Node(_)), *l));
        lanes.dedup();
        Film {
            story,
            first,
            left_out: first,
            lanes,
            marked: caption.marks.iter().filter_map(|s| story.moments.iter().position(|m| m.step == *s)).collect(),
            violation: caption.violation.map_or_else(|| story.broken(), at),
        }
    }

    fn place(&self, lane: Lane) -> Option<usize> {
        self.lanes.iter().position(|l| *l == lane)
    }

    /// The moments with their number on the page, from 0.
    fn moments(&self) -> impl Iterator<Item = (usize, &super::story::Moment<'a>)> {
        self.story.moments[self.first..].iter().enumerate()
    }
}

/// Text as markup, in content and in attributes. Control characters, which HTML forbids, become spaces.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push('\n'),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
