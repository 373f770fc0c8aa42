//! What the page's script needs to know, as JSON that cannot end its `<script>` element.

use super::film::Film;
use crate::trace::debug_text::fields_of;
use crate::trace::{Lane, What};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `{"lanes":[…],"start":n,"moments":[{"step","lane","mark","events","changes"}]}`.
///
/// A change is `[lane, kind, fields]` with fields `[name, value, before]`, where `before` is `null` unless the value has
/// changed; kinds are `state`, `saved` and `down`.
pub(super) fn write(film: &Film, out: &mut String) {
    let lanes: Vec<String> = film.lanes.iter().map(|l| quote(&l.to_string())).collect();
    let start = film.violation.and_then(|v| v.checked_sub(film.first)).unwrap_or_else(|| film.moments().count().saturating_sub(1));
    let _ = write!(out, "{{\"lanes\":[{}],\"start\":{start},\"timeless\":{},\"moments\":[", lanes.join(","), film.timeless);
    let mut known: Known = BTreeMap::new();
    for (number, moment) in film.moments() {
        let events: Vec<String> =
            moment.events.iter().filter(|e| !matches!(e.what, What::State { .. } | What::Plots(_))).map(|e| said(film, e)).collect();
        let mut changes = Vec::new();
        for (nth, event) in moment.events.iter().enumerate() {
            let Some((lane, (kind, text))) = film.place(event.lane).zip(known_by(&event.what)) else { continue };
            // Of several saves in one step the last one counts, against what was there before the step.
            let later = &moment.events[nth + 1..];
            if later.iter().any(|e| e.lane == event.lane && known_by(&e.what).is_some_and(|(k, _)| k == kind)) {
                continue;
            }
            changes.push(format!("[{lane},\"{kind}\",[{}]]", fields(&mut known, event.lane, kind, text)));
        }
        let index = number + film.first;
        let mark = if film.violation == Some(index) { 2 } else { u8::from(film.marked.contains(&index)) };
        let comma = if number > 0 { "," } else { "" };
        let lane = film.place(moment.lane).map_or("null".to_owned(), |l| l.to_string());
        let _ = write!(
            out,
            "{comma}\n{{\"step\":{},\"at\":{},\"lane\":{lane},\"mark\":{mark},\"events\":[{}],\"changes\":[{}]}}",
            moment.step,
            quote(&moment.at.to_string()),
            events.join(","),
            changes.join(",")
        );
    }
    out.push_str("]}");
}

/// What an event tells of its node: its state, what it has saved, or that it is down.
fn known_by(what: &What) -> Option<(&'static str, &str)> {
    match what {
        What::State { text } => Some(("state", text)),
        What::Saves { text } => Some(("saved", text)),
        What::Starts { saved, again: true } => Some(("saved", saved)),
        What::Crashes { .. } => Some(("down", "")),
        _ => None,
    }
}

fn said(film: &Film, event: &crate::trace::Event) -> String {
    let who = if event.lane == Lane::Network { String::new() } else { format!("{} ", event.lane) };
    match &event.what {
        What::Breaks { rule, seen } if *seen == film.seen => quote(&format!("{who}breaks {rule}")),
        what => quote(&format!("{who}{what}")),
    }
}

type Known = BTreeMap<(Lane, &'static str), BTreeMap<String, String>>;

/// The fields of a state, and what those that changed were before.
fn fields(known: &mut Known, lane: Lane, kind: &'static str, text: &str) -> String {
    if kind == "down" {
        known.remove(&(lane, "state"));
        return String::new();
    }
    let now = fields_of(text);
    let before = known.insert((lane, kind), now.iter().cloned().collect());
    let parts = now.iter().map(|(name, value)| {
        let old = before.as_ref().map(|b| b.get(name).map_or("", String::as_str)).filter(|old| old != value);
        format!("[{},{},{}]", quote(name), quote(value), old.map_or("null".to_owned(), quote))
    });
    parts.collect::<Vec<_>>().join(",")
}

/// A JSON string. `<` and `&` are written as escapes, so that no text can be taken for markup.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\u{7f}'..='\u{9f}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_quoted_text_ends_no_script() {
        assert_eq!(super::quote("a\u{2028}</script>\n\"\\"), r#""a\u2028\u003c/script\u003e\u000a\"\\""#);
    }
}
