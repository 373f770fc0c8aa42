//! A run as one self-contained HTML page: a row a moment with lanes, arrows and words, and beside it the finding, and each node's
//! state at a step.
//!
//! A pure function to text; the page loads nothing and sends nothing, and is read without its script, too: what that adds is the
//! walk through the steps. Everything is placed in parts of a row's width and height, so that a row is as high as its words need
//! and the picture as wide as the window; an arrow is drawn row by row. All that comes from a learner's code passes
//! `markup::escape` on its way into markup, or `data::quote` on its way into the script's data: no payload can become either.

mod data;
mod film;
mod lanes;
mod markup;
mod plots;
mod row;
mod script;
mod style;

pub use film::{Caption, MOMENTS_MAX};

use super::Trace;
use super::story::Story;
use crate::words::counted;
use film::Film;
use markup::escape;
use std::fmt::Write as _;

/// The page of a run: HTML text, equal for equal arguments.
#[must_use]
pub fn page(trace: &Trace, caption: &Caption) -> String {
    let story = Story::of(trace);
    let film = Film::of(&story, caption);
    // "still": no script has been here, and what only moves with one is hidden.
    let mut out = String::from("<!doctype html>\n<html lang=\"en\" class=\"still\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Whatever slipped through could still load nothing.
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; ");
    out.push_str("script-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n");
    let title = if caption.title.is_empty() { "A run" } else { &caption.title };
    let _ = write!(out, "<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n", escape(title), style::CSS, style::of(&film));
    out.push_str(lanes::SIGNS);
    out.push_str("<main>\n<div id=\"side\">\n");
    finding(caption, &film, &mut out);
    out.push_str(PANEL);
    more(caption, &mut out);
    out.push_str("</div>\n<div id=\"run\">\n");
    row::picture(&film, &mut out);
    words(&film, &mut out);
    out.push_str("</div>\n</main>\n<script type=\"application/json\" id=\"data\">");
    data::write(&film, &mut out);
    let _ = write!(out, "</script>\n<script>\n{}</script>\n</body>\n</html>\n", script::SCRIPT);
    out
}

/// What a reader wants first: which rule, what was seen, where to look, and the steps that led to it.
fn finding(caption: &Caption, film: &Film, out: &mut String) {
    let _ = write!(out, "<header>\n<p class=\"rule\">{}</p>\n", escape(&caption.title));
    if !caption.seen.is_empty() {
        let _ = writeln!(out, "<h1>{}</h1>", escape(&caption.seen));
    }
    if !caption.look.is_empty() {
        let _ = writeln!(out, "<p><b>Look at</b> {}</p>", escape(&caption.look));
    }
    let mut steps: Vec<usize> = film.marked.iter().copied().chain(film.violation).filter(|i| *i >= film.first).collect();
    steps.sort_unstable();
    steps.dedup();
    if !steps.is_empty() {
        let links: Vec<String> = steps.iter().map(|i| row::link(film, *i)).collect();
        let _ = writeln!(out, "<p id=\"marks\"><b>{}</b> {}</p>", if steps.len() == 1 { "Step" } else { "Steps" }, links.join(" "));
    }
    out.push_str("</header>\n");
}

fn more(caption: &Caption, out: &mut String) {
    out.push_str("<footer>\n");
    for (heading, text) in &caption.paragraphs {
        let _ = writeln!(out, "<p><b>{}</b> {}</p>", escape(heading), escape(text));
    }
    out.push_str("</footer>\n");
}

/// The run in the notation of the terminal, whole: for searching, for copying, and for who has no script.
fn words(film: &Film, out: &mut String) {
    let count = film.moments().count();
    let _ = write!(out, "<details id=\"words\"><summary>The run in words: {}</summary>\n<pre>", counted(count, "step"));
    for event in film.moments().flat_map(|(_, moment)| moment.events) {
        // An event is a line, whatever its text holds.
        let _ = writeln!(out, "{}", escape(&event.to_string()).replace('\n', " "));
    }
    out.push_str("</pre></details>\n");
}

const PANEL: &str = r#"<section id="stepper">
<div id="bar">
<button id="back" title="one step back (←)">◀</button>
<input id="slider" type="range" min="0" value="0" aria-label="step">
<button id="forward" title="one step on (→)">▶</button>
<button id="wrong" title="to where the rule breaks (v)">!</button>
</div>
<h2 id="where"></h2>
<div id="states"></div>
<ul id="events"></ul>
<p class="quiet" id="keys">← → step · Home End first, last · n p the marked ones · v where the rule breaks</p>
</section>
"#;
