//! A trace read as a story: its moments, and which message of one is the arrival of another.
//!
//! What the pictures share (the text diagram, the page, the stepper). It knows events, and nothing of how they are drawn.

#[cfg(feature = "pictures")]
use super::Plot;
use super::{Event, Lane, Trace, What};
use crate::time::Time;
use std::collections::BTreeMap;

/// What happened at once on one lane: a cause, and the effects of the handler that it ran.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub step: u64,
    pub at: Time,
    pub lane: Lane,
    /// Never empty.
    pub events: &'a [Event],
}

#[cfg(feature = "pictures")]
impl Moment<'_> {
    /// What was measured in it.
    pub fn plots(&self) -> Vec<Plot> {
        self.events.iter().filter_map(|e| if let What::Plots(plot) = &e.what { Some(plot.clone()) } else { None }).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Message,
    Request,
    Answer,
}

/// One thing that travels between lanes.
#[derive(Clone, Debug)]
pub(super) struct Parcel<'a> {
    pub kind: Kind,
    pub id: u64,
    pub from: Lane,
    pub to: Lane,
    pub text: &'a str,
    /// The moment that sent it; `None` if that was before the recording.
    pub sent: Option<usize>,
    /// The moments at which it arrived: none, one, or two if the network repeated it.
    pub arrivals: Vec<usize>,
    pub lost: bool,
    pub repeated: bool,
}

impl Parcel<'_> {
    /// `m7`, or `r7` for a request and its answer, as in the textual notation.
    pub fn label(&self) -> String {
        let letter = if self.kind == Kind::Message { 'm' } else { 'r' };
        format!("{letter}{}", self.id)
    }
}

/// What stands before the part of the sentence that tells what nodes did instead of what they had to.
pub(crate) const INSTEAD: &str = ". What happened instead: ";

/// A whole run, by moments.
#[derive(Debug)]
pub(super) struct Story<'a> {
    pub moments: Vec<Moment<'a>>,
    pub parcels: Vec<Parcel<'a>>,
    /// The parcels that each moment sends, in order.
    pub sends: Vec<Vec<usize>>,
    /// The parcel that arrives at each moment.
    pub arrives: Vec<Option<usize>>,
    /// Runs that stand before this one in the trace (a case that tries several crash points): they are not told.
    #[cfg_attr(not(feature = "pictures"), allow(dead_code, reason = "only the pictures say it"))]
    pub runs_before: usize,
    /// Events of this run that were not recorded: its beginning is missing.
    pub dropped: u64,
}

impl<'a> Story<'a> {
    pub fn of(trace: &'a Trace) -> Self {
        let (events, runs_before) = last_run(&trace.events);
        let moments = moments(events);
        let mut story = Story {
            sends: vec![Vec::new(); moments.len()],
            arrives: vec![None; moments.len()],
            moments,
            parcels: Vec::new(),
            runs_before,
            dropped: 0,
        };
        story.dropped = if runs_before == 0 { trace.dropped } else { 0 };
        story.connect();
        story
    }

    /// The moment of a broken rule, if one is told.
    #[cfg(feature = "pictures")]
    pub fn broken(&self) -> Option<usize> {
        self.moments.iter().rposition(|m| m.events.iter().any(|e| matches!(e.what, What::Breaks { .. })))
    }

    /// What was seen where the rule broke, in the judge's words.
    pub fn seen(&self) -> Option<&'a str> {
        self.moments.iter().rev().flat_map(|m| m.events).find_map(|e| match &e.what {
            What::Breaks { seen, .. } => Some(seen.as_str()),
            _ => None,
        })
    }

    /// The plots of the last moment that has any.
    #[cfg(feature = "pictures")]
    pub fn plots(&self) -> Vec<Plot> {
        self.moments.iter().rev().map(Moment::plots).find(|plots| !plots.is_empty()).unwrap_or_default()
    }

    /// Whether the sentence of what was seen speaks of times: `12.500 ms`, `after 2 s`.
    #[cfg(feature = "pictures")]
    pub fn is_about_time(&self) -> bool {
        let words: Vec<&str> = self.seen().unwrap_or_default().split_whitespace().collect();
        let unit = |word: &str| ["ms", "s", "second", "seconds", "us", "µs"].contains(&word.trim_end_matches([',', ';', '.', ':', ')']));
        words.windows(2).any(|w| w[0].starts_with(|c: char| c.is_ascii_digit()) && unit(w[1]))
    }

    /// Whether a node ever ran, as far as is known. In the place of any other stands the hidden test.
    pub fn ran(&self, lane: Lane) -> bool {
        let starts = |m: &Moment<'_>| m.lane == lane && m.events.iter().any(|e| matches!(e.what, What::Starts { .. }));
        self.dropped > 0 || self.moments.iter().any(starts)
    }

    /// The lanes that the sentence of what was seen names, in its order.
    pub fn named(&self) -> Vec<Lane> {
        let seen = self.seen().unwrap_or_default();
        // What happened instead is told of these, and names whom they told what.
        let seen = seen.split_once(INSTEAD).map_or(seen, |(seen, _)| seen);
        let mut lanes: Vec<Lane> = Vec::new();
        for lane in seen.split(|c: char| !c.is_alphanumeric()).filter_map(Lane::parse).filter(|lane| *lane != Lane::Network) {
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        lanes
    }

    fn connect(&mut self) {
        let mut open: BTreeMap<(Kind, Lane, Lane, u64), usize> = BTreeMap::new();
        for (index, moment) in self.moments.iter().enumerate() {
            for event in moment.events {
                let here = event.lane;
                match &event.what {
                    What::Sends { to, id, text } => {
                        self.parcels.push(departs(Kind::Message, *id, here, *to, text, index));
                        self.sends[index].push(self.parcels.len() - 1);
                        open.insert((Kind::Message, here, *to, *id), self.parcels.len() - 1);
                    }
                    What::Asks { to, id, text } => {
                        self.parcels.push(departs(Kind::Request, *id, here, *to, text, index));
                        self.sends[index].push(self.parcels.len() - 1);
                        open.insert((Kind::Request, here, *to, *id), self.parcels.len() - 1);
                    }
                    What::Answers { to, id, text } => {
                        self.parcels.push(departs(Kind::Answer, *id, here, *to, text, index));
                        self.sends[index].push(self.parcels.len() - 1);
                        open.insert((Kind::Answer, here, *to, *id), self.parcels.len() - 1);
                    }
                    What::Loses { to, id } => {
                        if let Some(at) = travelling(&open, here, *to, *id) {
                            // One copy of a repeated message may be lost after the other has arrived.
                            self.parcels[at].lost = self.parcels[at].arrivals.is_empty();
                        }
                    }
                    What::Repeats { to, id } => {
                        if let Some(at) = travelling(&open, here, *to, *id) {
                            self.parcels[at].repeated = true;
                        }
                    }
                    What::Receives { from, id, text } => {
                        arrive(&mut self.parcels, &open, Kind::Message, *id, (*from, here), text, index, &mut self.arrives);
                    }
                    What::Takes { from, id, text } => {
                        arrive(&mut self.parcels, &open, Kind::Request, *id, (*from, here), text, index, &mut self.arrives);
                    }
                    What::Gets { from, id, text } => {
                        arrive(&mut self.parcels, &open, Kind::Answer, *id, (*from, here), text, index, &mut self.arrives);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn departs(kind: Kind, id: u64, from: Lane, to: Lane, text: &str, sent: usize) -> Parcel<'_> {
    Parcel { kind, id, from, to, text, sent: Some(sent), arrivals: Vec::new(), lost: false, repeated: false }
}

/// Which parcel a loss or a repetition speaks of: between a client and a node it is the request or the answer.
fn travelling(open: &BTreeMap<(Kind, Lane, Lane, u64), usize>, from: Lane, to: Lane, id: u64) -> Option<usize> {
    let kind = match (from, to) {
        (Lane::Client(_), _) => Kind::Request,
        (_, Lane::Client(_)) => Kind::Answer,
        _ => Kind::Message,
    };
    open.get(&(kind, from, to, id)).copied()
}

#[allow(clippy::too_many_arguments)]
fn arrive<'a>(
    parcels: &mut Vec<Parcel<'a>>,
    open: &BTreeMap<(Kind, Lane, Lane, u64), usize>,
    kind: Kind,
    id: u64,
    (from, to): (Lane, Lane),
    text: &'a str,
    index: usize,
    arrives: &mut [Option<usize>],
) {
    let at = open.get(&(kind, from, to, id)).copied().unwrap_or_else(|| {
        parcels.push(Parcel { sent: None, ..departs(kind, id, from, to, text, 0) });
        parcels.len() - 1
    });
    // What arrives was not lost: a repeated message may lose one copy to a node that is down.
    parcels[at].lost = false;
    parcels[at].arrivals.push(index);
    arrives[index] = Some(at);
}

/// The last of several runs that were recorded one after the other, and how many stand before it.
fn last_run(events: &[Event]) -> (&[Event], usize) {
    let starts: Vec<usize> = events.windows(2).enumerate().filter(|(_, w)| w[1].step < w[0].step).map(|(i, _)| i + 1).collect();
    (&events[starts.last().copied().unwrap_or(0)..], starts.len())
}

fn moments(events: &[Event]) -> Vec<Moment<'_>> {
    let mut moments = Vec::new();
    let mut start = 0;
    for i in 1..=events.len() {
        if i == events.len() || begins(&events[i], &events[start]) {
            let first = &events[start];
            moments.push(Moment { step: first.step, at: first.at, lane: first.lane, events: &events[start..i] });
            start = i;
        }
    }
    moments
}

/// Whether `event` begins a moment of its own after one that began with `first`.
fn begins(event: &Event, first: &Event) -> bool {
    let belongs = event.what.is_effect() || matches!(event.what, What::Breaks { .. });
    let its_crash = matches!(event.what, What::Crashes { .. }) && event.lane == first.lane;
    event.step != first.step || !(belongs || its_crash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(step: u64, lane: Lane, what: What) -> Event {
        Event { step, at: Time::ZERO, lane, what }
    }

    #[test]
    fn a_request_and_a_message_may_share_a_number() {
        let (n1, n2, c1) = (Lane::Node(0), Lane::Node(1), Lane::Client(0));
        let text = || "x".to_owned();
        let trace = Trace {
            events: vec![
                event(1, c1, What::Asks { to: n1, id: 1, text: text() }),
                event(2, n1, What::Takes { from: c1, id: 1, text: text() }),
                event(2, n1, What::Sends { to: n2, id: 1, text: text() }),
                event(2, n1, What::Answers { to: c1, id: 1, text: text() }),
                event(2, n1, What::Loses { to: c1, id: 1 }),
                event(3, n2, What::Receives { from: n1, id: 1, text: text() }),
                event(4, n2, What::Receives { from: n1, id: 1, text: text() }),
            ],
            ..Trace::default()
        };
        let story = Story::of(&trace);
        assert_eq!(story.moments.len(), 4);
        let facts: Vec<_> = story.parcels.iter().map(|p| (p.kind, p.sent, p.arrivals.clone(), p.lost)).collect();
        assert_eq!(
            facts,
            [(Kind::Request, Some(0), vec![1], false), (Kind::Message, Some(1), vec![2, 3], false), (Kind::Answer, Some(1), vec![], true),]
        );
    }

    #[test]
    fn only_the_last_of_several_runs_is_told() {
        let fires = |step| event(step, Lane::Node(0), What::Fires { timer: "T".into() });
        let trace = Trace { events: vec![fires(1), fires(2), fires(1), fires(2), fires(3)], ..Trace::default() };
        let story = Story::of(&trace);
        assert_eq!((story.moments.len(), story.runs_before), (3, 1));
    }

    #[test]
    fn a_crash_elsewhere_is_a_moment_of_its_own() {
        let crash = || What::Crashes { done: 0, of: 0, for_good: false };
        let fires = event(1, Lane::Node(0), What::Fires { timer: "T".into() });
        let events = vec![fires, event(1, Lane::Node(0), crash()), event(1, Lane::Node(1), crash())];
        assert_eq!(Story::of(&Trace { events, ..Trace::default() }).moments.len(), 2);
    }
}
