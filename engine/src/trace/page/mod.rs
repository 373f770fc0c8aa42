//! A run as one self-contained HTML page: the picture, a slider over its steps, each node's state at the step.
//!
//! A pure function to text; the page loads nothing and sends nothing. All that comes from a learner's code passes
//! `markup::escape` on its way into markup, or `data::quote` on its way into the script's data: no payload can become either.

mod assets;
mod data;
mod film;
mod markup;
mod svg;

pub use film::{Caption, MOMENTS_MAX};

use super::Trace;
use super::story::Story;
use crate::words::counted;
use film::Film;
use markup::escape;

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
