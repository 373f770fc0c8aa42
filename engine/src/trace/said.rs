//! What happened in a moment, in words: what came in, then every effect in its order. Equal sends that follow each other are told
//! once; of a state and of what is saved only what changed. How the words are dressed is the business of who shows them.

use super::columns::cut;
use super::debug_text::{Brief, Words, changes, fields_of};
use super::story::{Kind, Moment, Parcel, Story};
use super::{Event, Lane, What};
use std::collections::BTreeMap;

/// Columns of what stands over an arrow.
const LABEL: usize = 40;

/// How a piece of a part is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Names of nodes, words between.
    Plain,
    /// Numbers that only tell things apart.
    Faint,
    /// What it is about.
    Strong,
    /// What got lost.
    Bad,
}

/// A thing that happened: of which kind, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub kind: &'static str,
    /// The verb.
    pub head: String,
    pub pieces: Vec<(Tone, String)>,
}

impl Part {
    fn of(kind: &'static str, head: &str, text: impl Into<String>) -> Part {
        Part { kind, head: head.to_owned(), pieces: vec![(Tone::Strong, text.into())] }
    }

    fn and(mut self, tone: Tone, text: impl Into<String>) -> Part {
        self.pieces.push((tone, text.into()));
        self
    }

    /// The words alone.
    pub fn plain(&self) -> String {
        self.pieces.iter().fold(self.head.clone(), |out, (_, text)| out + text)
    }
}

/// The parts of each moment. Where a rule breaks with the words of the headline, they are not said again.
pub(super) fn all(story: &Story, headline: &str) -> Vec<Vec<Part>> {
    let mut known = Known::new();
    story.moments.iter().enumerate().map(|(index, moment)| moment_said(story, headline, index, moment, &mut known)).collect()
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

fn moment_said<'a>(story: &Story<'a>, headline: &str, index: usize, moment: &Moment<'a>, known: &mut Known<'a>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
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
            // Drawn, not said.
            What::Plots(_) => {}
            What::State { text } => {
                let mut changed = known.insert((event.lane, false), text).map_or_else(Vec::new, |old| changes(old, text));
                // What was saved is told already.
                let same = fields_of(text).into_iter().filter(|field| saved_now.contains(field));
                let same: Vec<String> = same.map(|(name, _)| format!("{name} ")).collect();
                changed.retain(|change| !same.iter().any(|name| change.starts_with(name.as_str())));
                if !changed.is_empty() {
                    parts.push(Part::of("state", "", changed.join(", ")));
                }
            }
            What::Breaks { seen, .. } if seen == headline => parts.push(Part::of("breaks", "", "the rule breaks here")),
            What::Breaks { seen, .. } => parts.push(Part::of("breaks", "the rule breaks: ", seen)),
            What::Saves { text } => {
                let old = known.insert((event.lane, true), text);
                let said = match old {
                    Some(old) if old == text => "what was saved already".to_owned(),
                    Some(old) if kind(old) == kind(text) => changes(old, text).join(", "),
                    _ => Words::parse(text).fields(),
                };
                saved_now = fields_of(text);
                parts.push(Part::of("saves", "saves ", said));
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
    parts
}

/// The name of the type whose `Debug` this is.
fn kind(text: &str) -> &str {
    text.split([' ', '(', '{']).next().unwrap_or_default()
}

/// An event that is neither a send nor a state.
fn one(event: &Event) -> Part {
    let short = |text: &str| Words::parse(text).brief(Brief::Named);
    let from = |part: Part, from: Lane| part.and(Tone::Plain, format!(" from {from}"));
    match &event.what {
        What::Receives { from: sender, text, .. } => from(Part::of("gets", "gets ", short(text)), *sender),
        What::Takes { from: client, text, id } => from(Part::of("gets", "gets ", short(text)), *client).and(Tone::Faint, format!(" r{id}")),
        What::Gets { from: node, text, id } => from(Part::of("gets", "hears ", short(text)), *node).and(Tone::Faint, format!(" r{id}")),
        What::GivesUp { id, text } => Part::of("bad", "gives up: ", short(text)).and(Tone::Faint, format!(" r{id}")),
        What::Fires { timer } => Part::of("fires", "timer fires: ", short(timer)),
        What::Sets { timer, after_us } => {
            Part::of("timer", "sets ", format!("{} in {}.{:03} ms", short(timer), after_us / 1_000, after_us % 1_000))
        }
        What::Cancels { timer } => Part::of("timer", "cancels ", short(timer)),
        What::Starts { again, saved } => Part::of("", if *again { "restarts with " } else { "starts with " }, short(saved)),
        What::Crashes { .. } | What::Pauses { .. } => Part::of("bad", "", event.what.to_string()),
        What::Splits { .. } | What::Heals => Part::of("net", "", event.what.to_string()),
        What::Loses { to, id } => Part::of("bad", "", format!("m{id} to {to} is lost")),
        What::Holds { .. } | What::Ends { .. } => Part::of("timer", "", event.what.to_string()),
        What::Gives { text } => Part::of("gives", "gives ", text),
        other => Part::of("", "", other.to_string()),
    }
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
    fn add(&mut self, parcel: &'s Parcel<'a>) -> Option<Part> {
        let same = self.0.last().is_none_or(|p| (p.kind, p.text) == (parcel.kind, parcel.text));
        let told = if same { None } else { self.end() };
        self.0.push(parcel);
        told
    }

    fn end(&mut self) -> Option<Part> {
        let parcels = std::mem::take(&mut self.0);
        let first = parcels.first()?;
        let head = match first.kind {
            Kind::Message => "sends ",
            Kind::Request => "asks ",
            Kind::Answer => "answers ",
        };
        let mut out = Part::of("sends", head, Words::parse(first.text).brief(Brief::Named))
            .and(Tone::Plain, if first.kind == Kind::Request { " of " } else { " to " });
        for (i, parcel) in parcels.iter().enumerate() {
            out = out.and(Tone::Plain, format!("{}{}", if i == 0 { "" } else { ", " }, parcel.to));
            if parcel.kind != Kind::Message {
                out = out.and(Tone::Faint, format!(" {}", parcel.label()));
            }
            // What is under way at the end of the run is seen in the picture.
            if parcel.lost {
                out = out.and(Tone::Bad, " (lost)");
            } else if parcel.repeated {
                out = out.and(Tone::Plain, " (twice)");
            }
        }
        Some(out)
    }
}
