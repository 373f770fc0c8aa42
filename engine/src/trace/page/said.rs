//! What happened in a moment, in words: what came in, then every effect in its order. Equal sends that follow each other are told
//! once; of a state and of what is saved only what changed.

use super::data::fields_of;
use super::film::Film;
use super::markup::escape;
use crate::trace::columns::cut;
use crate::trace::debug_text::{Brief, Words, changes};
use crate::trace::story::{Kind, Moment, Parcel, Story};
use crate::trace::{Event, Lane, What};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Columns of what one part of a row tells: the panel and the run in words have the rest.
const PART: usize = 160;
/// Columns of what stands over an arrow.
const LABEL: usize = 40;

/// The words of each moment that is shown, as markup.
pub(super) fn all(film: &Film) -> Vec<String> {
    let mut known = Known::new();
    let mut out = Vec::new();
    for (index, moment) in film.story.moments.iter().enumerate() {
        let text = moment_said(film, index, moment, &mut known);
        if index >= film.first {
            out.push(text);
        }
    }
    out
}

/// What the arrows that leave at this moment carry: each text once.
pub(super) fn label(story: &Story, index: usize) -> Option<String> {
    let mut texts: Vec<String> = Vec::new();
    for parcel in story.sends[index].iter().map(|p| &story.parcels[*p]) {
        let text = Words::parse(parcel.text).brief(Brief::Values);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.as_slice() {
        [] => None,
        [text] => Some(cut(text, LABEL)),
        several => {
            let each = several.iter().map(|t| cut(t, LABEL / several.len().min(3))).collect::<Vec<_>>();
            Some(cut(&each.join(" / "), LABEL))
        }
    }
}

type Known<'a> = BTreeMap<(Lane, bool), &'a str>;

fn moment_said<'a>(film: &Film<'a>, index: usize, moment: &Moment<'a>, known: &mut Known<'a>) -> String {
    let story = film.story;
    let mut parts: Vec<String> = Vec::new();
    let mut sends = Sends::default();
    let told = |id: u64, to: Lane| story.sends[index].iter().any(|p| story.parcels[*p].id == id && story.parcels[*p].to == to);
    let mut saved_now: Vec<(String, String)> = Vec::new();
    for event in moment.events {
        if let Some(parcel) = sent_by(story, index, event) {
            if let Some(text) = sends.add(parcel) {
                parts.push(text);
            }
            continue;
        }
        // What becomes of a message that leaves here stands beside its receiver.
        if matches!(event.what, What::Loses { to, id } | What::Repeats { to, id } if told(id, to)) {
            continue;
        }
        parts.extend(sends.end());
        match &event.what {
            What::State { text } => {
                let mut changed = known.insert((event.lane, false), text).map_or_else(Vec::new, |old| changes(old, text));
                // What was saved is told already.
                let same = fields_of(text).into_iter().filter(|field| saved_now.contains(field));
                let same: Vec<String> = same.map(|(name, _)| format!("{name} ")).collect();
                changed.retain(|change| !same.iter().any(|name| change.starts_with(name.as_str())));
                if !changed.is_empty() {
                    parts.push(part("state", "", &changed.join(", ")));
                }
            }
            What::Breaks { seen, .. } if *seen == film.seen => parts.push(part("breaks", "", "the rule breaks here")),
            What::Breaks { seen, .. } => parts.push(format!("<span class=\"breaks\">the rule breaks: <b>{}</b></span>", escape(seen))),
            What::Saves { text } => {
                let old = known.insert((event.lane, true), text);
                let said = match old {
                    Some(old) if old == text => "what was saved already".to_owned(),
                    Some(old) if kind(old) == kind(text) => changes(old, text).join(", "),
                    _ => Words::parse(text).fields(),
                };
                saved_now = fields_of(text);
                parts.push(part("saves", "saves ", &said));
            }
            _ => {
                if let What::Starts { saved, .. } = &event.what {
                    known.insert((event.lane, true), saved);
                }
                parts.push(one(event));
            }
        }
    }
    parts.extend(sends.end());
    parts.join("<s>; </s>")
}

/// The name of the type whose `Debug` this is.
fn kind(text: &str) -> &str {
    text.split([' ', '(', '{']).next().unwrap_or_default()
}

/// An event that is neither a send nor a state.
fn one(event: &Event) -> String {
    let short = |text: &str| Words::parse(text).brief(Brief::Named);
    match &event.what {
        What::Receives { from, text, .. } => {
            format!("{} from {}", part("gets", "gets ", &short(text)), escape(&from.to_string()))
        }
        What::Takes { from, text, id } => {
            format!("{} from {} <s>r{id}</s>", part("gets", "gets ", &short(text)), escape(&from.to_string()))
        }
        What::Gets { from, text, id } => {
            format!("{} from {} <s>r{id}</s>", part("gets", "hears ", &short(text)), escape(&from.to_string()))
        }
        What::GivesUp { id, text } => format!("{} <s>r{id}</s>", part("bad", "gives up on ", &short(text))),
        What::Fires { timer } => part("fires", "timer fires: ", &short(timer)),
        What::Sets { timer, after_us } => {
            part("timer", "sets ", &format!("{} in {}.{:03} ms", short(timer), after_us / 1_000, after_us % 1_000))
        }
        What::Cancels { timer } => part("timer", "cancels ", &short(timer)),
        What::Starts { again, saved } => part("", if *again { "restarts with " } else { "starts with " }, &short(saved)),
        What::Crashes { .. } | What::Pauses { .. } => part("bad", "", &event.what.to_string()),
        What::Splits { .. } | What::Heals => part("net", "", &event.what.to_string()),
        What::Loses { to, id } => part("bad", "", &format!("m{id} to {to} is lost")),
        What::Gives { text } => part("gives", "gives ", text),
        other => part("", "", &other.to_string()),
    }
}

/// One part of a row: how it begins, and what it tells.
fn part(class: &str, head: &str, text: &str) -> String {
    format!("<span class=\"{class}\">{head}<b>{}</b></span>", escape(&cut(text, PART)))
}

fn sent_by<'a, 's>(story: &'s Story<'a>, index: usize, event: &Event) -> Option<&'s Parcel<'a>> {
    let (kind, id, to) = match &event.what {
        What::Sends { id, to, .. } => (Kind::Message, *id, *to),
        What::Asks { id, to, .. } => (Kind::Request, *id, *to),
        What::Answers { id, to, .. } => (Kind::Answer, *id, *to),
        _ => return None,
    };
    let parcels = story.sends[index].iter().map(|p| &story.parcels[*p]);
    parcels.into_iter().find(|p| (p.kind, p.id, p.to, p.from) == (kind, id, to, event.lane))
}

/// Sends of one text, one after the other.
#[derive(Default)]
struct Sends<'s, 'a>(Vec<&'s Parcel<'a>>);

impl<'s, 'a> Sends<'s, 'a> {
    /// One more; if it is of another kind or text, those before it are told.
    fn add(&mut self, parcel: &'s Parcel<'a>) -> Option<String> {
        let same = self.0.last().is_none_or(|p| (p.kind, p.text) == (parcel.kind, parcel.text));
        let told = if same { None } else { self.end() };
        self.0.push(parcel);
        told
    }

    fn end(&mut self) -> Option<String> {
        let parcels = std::mem::take(&mut self.0);
        let first = parcels.first()?;
        let head = match first.kind {
            Kind::Message => "sends ",
            Kind::Request => "asks ",
            Kind::Answer => "answers ",
        };
        let mut out = format!("{} to ", part("sends", head, &Words::parse(first.text).brief(Brief::Named)));
        for (i, parcel) in parcels.iter().enumerate() {
            // What is under way at the end of the run is seen in the picture.
            let fate = match (parcel.lost, parcel.repeated) {
                (true, _) => " <span class=\"bad\">(lost)</span>",
                (false, true) => " (twice)",
                _ => "",
            };
            let number = if parcel.kind == Kind::Message { String::new() } else { format!(" <s>{}</s>", parcel.label()) };
            let comma = if i == 0 { "" } else { ", " };
            let _ = write!(out, "{comma}{}{number}{fate}", escape(&parcel.to.to_string()));
        }
        Some(out)
    }
}
