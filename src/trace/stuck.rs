//! Stuck, not wrong: what a cluster was doing instead of progressing, in a few sentences.
//!
//! When something had to happen and never did, no single step is to blame, and four thousand events say nothing. This reads
//! the quiet phase of a run (after its last heal) and says of each node that the finding names what it waits for, what
//! became of what it sent, which timer it has set, and what it does over and over.

use super::story::{Kind, Moment, Parcel, Story};
use super::{Lane, Trace, What};
use crate::time::Time;
use std::collections::BTreeMap;

/// Of more nodes than these nothing is said: the first ones tell it.
const NODES_MAX: usize = 3;
/// Longer texts of messages are cut.
const TEXT_MAX: usize = 60;

/// What the nodes that `seen` names (`n2`) were doing at the end of the run; of all nodes, if it names none.
#[must_use]
pub fn story(trace: &Trace, seen: &str) -> String {
    let story = Story::of(trace);
    let Some(last) = story.moments.last() else { return String::new() };
    let heal = story.moments.iter().rposition(|m| m.events.iter().any(|e| e.what == What::Heals));
    let scene = Scene {
        since: heal.map_or(Time::ZERO, |h| story.moments[h].at),
        healed: heal.is_some(),
        end: last.at,
        nodes: nodes(&story),
        story: &story,
    };
    let named: Vec<Lane> = scene.nodes.iter().copied().filter(|n| names(seen, *n)).collect();
    let told = if named.is_empty() { &scene.nodes } else { &named };
    let parts: Vec<String> = told.iter().take(NODES_MAX).map(|lane| scene.node(*lane)).collect();
    parts.join("; ")
}

/// Whether the sentence names that node: `n1`, and not in `n12`.
fn names(seen: &str, lane: Lane) -> bool {
    let name = lane.to_string();
    seen.split(|c: char| !c.is_alphanumeric()).any(|word| word == name)
}

/// The nodes that run; in the place of any other stands the hidden test.
fn nodes(story: &Story<'_>) -> Vec<Lane> {
    let starts = |m: &&Moment<'_>| m.events.iter().any(|e| matches!(e.what, What::Starts { .. }));
    let all = story.dropped > 0;
    let mut nodes: Vec<Lane> =
        story.moments.iter().filter(|m| all || starts(m)).map(|m| m.lane).filter(|l| matches!(l, Lane::Node(_))).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// The end of a run.
struct Scene<'a> {
    story: &'a Story<'a>,
    nodes: Vec<Lane>,
    /// When the network healed for the last time, or the run began.
    since: Time,
    healed: bool,
    end: Time,
}

/// What became of the life of one node since it started last.
#[derive(Default)]
struct Life<'a> {
    /// The crash that it did not come back from.
    down: Option<Time>,
    restarted: Option<Time>,
    /// Whether its beginning was recorded: else there may be a timer that nobody saw being set.
    whole: bool,
    timers: BTreeMap<&'a str, Time>,
    /// Requests that it took and has not answered, with the moment.
    open: Vec<(u64, usize)>,
    /// How often each timer fired since the network healed.
    fired: BTreeMap<&'a str, u64>,
}

impl<'a> Scene<'a> {
    fn of_lane(&self, lane: Lane) -> impl Iterator<Item = (usize, &'a Moment<'a>)> {
        self.story.moments.iter().enumerate().filter(move |(_, m)| m.lane == lane)
    }

    fn life(&self, lane: Lane) -> Life<'a> {
        let mut life = Life { whole: self.story.dropped == 0, ..Life::default() };
        for (index, moment) in self.of_lane(lane) {
            for event in moment.events {
                match &event.what {
                    What::Starts { again, .. } => {
                        life = Life { whole: true, restarted: again.then_some(event.at), ..Life::default() };
                    }
                    What::Crashes { .. } => life = Life { down: Some(event.at), whole: true, ..Life::default() },
                    What::Takes { id, .. } => life.open.push((*id, index)),
                    What::Answers { id, .. } => life.open.retain(|(open, _)| open != id),
                    What::Sets { timer, after_us } => {
                        life.timers.insert(timer, Time::from_micros(event.at.as_micros().saturating_add(*after_us)));
                    }
                    What::Cancels { timer } => drop(life.timers.remove(timer.as_str())),
                    What::Fires { timer } => {
                        life.timers.remove(timer.as_str());
                        *life.fired.entry(timer).or_default() += u64::from(event.at >= self.since);
                    }
                    _ => {}
                }
            }
        }
        life
    }

    fn node(&self, lane: Lane) -> String {
        let life = self.life(lane);
        if let Some(at) = life.down {
            return format!("{lane} is down since {}", seconds(at));
        }
        let timers = self.timers(&life);
        match life.open.first() {
            Some((id, taken)) => format!("{}{timers}", self.waits(lane, *id, *taken)),
            None => format!("{}{timers}", self.sends(lane, &life)),
        }
    }

    /// What became of what a node sent since it took a request that it has not answered.
    fn waits(&self, lane: Lane, id: u64, taken: usize) -> String {
        let mut last: BTreeMap<Lane, (usize, &Parcel<'_>)> = BTreeMap::new();
        let sent = self.story.parcels.iter().filter(|p| p.kind == Kind::Message && p.from == lane && p.to != lane);
        for parcel in sent.filter(|p| p.sent.is_some_and(|s| s >= taken)) {
            let times = last.get(&parcel.to).map_or(0, |(n, _)| *n) + 1;
            last.insert(parcel.to, (times, parcel));
        }
        if last.is_empty() {
            return format!("{lane} has sent nothing since it took r{id}");
        }
        let fates: Vec<String> = last.iter().map(|(to, (times, parcel))| self.fate(*to, *times, parcel)).collect();
        format!("since {lane} took r{id}, {}", fates.join(", "))
    }

    fn fate(&self, to: Lane, times: usize, parcel: &Parcel<'_>) -> String {
        let again = if times > 1 { format!("the last of {times} messages to {to}") } else { format!("its message to {to}") };
        let what = format!("{again} ({}, {})", parcel.label(), clipped(parcel.text));
        if !self.nodes.contains(&to) {
            let back = self.story.parcels.iter().rfind(|p| p.from == to && p.to == parcel.from && p.sent > parcel.sent);
            return match back {
                Some(back) => format!("{to} answered {what} with {} ({})", back.label(), clipped(back.text)),
                None => format!("nobody answered {what}"),
            };
        }
        let Some(&arrived) = parcel.arrivals.first() else {
            let down = self.life(to).down.is_some();
            return match (parcel.lost, down) {
                (_, true) => format!("{what} found {to} down"),
                (true, false) => format!("{what} was lost"),
                (false, false) => format!("{what} has not arrived"),
            };
        };
        let back =
            self.story.sends[arrived].iter().map(|p| &self.story.parcels[*p]).find(|p| p.kind == Kind::Message && p.to == parcel.from);
        match back {
            None => format!("{to} got {what} and sent nothing back"),
            Some(back) if !back.arrivals.is_empty() => format!("{to} answered {what} with {} ({})", back.label(), clipped(back.text)),
            Some(back) => format!("{to}'s answer {} to {what} was lost", back.label()),
        }
    }

    /// What a node that waits for nothing sends, and to whom not.
    fn sends(&self, lane: Lane, life: &Life<'_>) -> String {
        let all = || self.story.parcels.iter().filter(move |p| p.kind == Kind::Message && p.from == lane && p.to != lane);
        let at = |p: &Parcel<'_>| p.sent.map(|s| self.story.moments[s].at);
        let recent: Vec<&Parcel<'_>> = all().filter(|p| at(p).is_some_and(|t| t >= self.since)).collect();
        let Some(last) = recent.last() else {
            return match (life.restarted, all().filter_map(at).next_back()) {
                (Some(restart), sent) if sent.is_none_or(|t| t < restart) => {
                    format!("{lane} has sent nothing since its restart at {}", seconds(restart))
                }
                (_, Some(sent)) => format!("{lane} has sent nothing since {}", seconds(sent)),
                (_, None) => format!("{lane} never sent anything"),
            };
        };
        let others = self.nodes.iter().filter(|n| **n != lane);
        let counts: Vec<String> = others
            .map(|to| match recent.iter().filter(|p| p.to == *to).count() {
                0 => format!("nothing to {to}"),
                1 => format!("1 message to {to}"),
                n => format!("{n} messages to {to}"),
            })
            .collect();
        let alike = recent.len() > 1 && recent.iter().all(|p| p.text == last.text);
        let which = if alike { "all of them" } else { "the last" };
        let when = if self.healed { "since the network healed" } else { "in all" };
        format!("{when} {lane} sent {}, {which} {}", counts.join(" and "), clipped(last.text))
    }

    fn timers(&self, life: &Life<'_>) -> String {
        if life.timers.is_empty() {
            return if life.whole { "; it has no timer set".to_owned() } else { String::new() };
        }
        let often = life.fired.iter().filter(|(_, n)| **n > 0).max_by_key(|(_, n)| **n);
        match (often, life.timers.iter().next()) {
            (Some((timer, n)), _) => format!("; its timer {timer} fired {n} times since"),
            (None, Some((timer, at))) if *at > self.end => format!("; its timer {timer} is set for {}", seconds(*at)),
            _ => String::new(),
        }
    }
}

fn seconds(at: Time) -> String {
    format!("{:.3} s", at.as_micros() as f64 / 1_000_000.0)
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= TEXT_MAX { text.to_owned() } else { text.chars().take(TEXT_MAX).collect::<String>() + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Event;

    const N1: Lane = Lane::Node(0);
    const N2: Lane = Lane::Node(1);
    const N3: Lane = Lane::Node(2);
    const C1: Lane = Lane::Client(0);

    fn trace(all: Vec<(u64, Lane, What)>) -> Trace {
        let event = |(step, lane, what)| Event { step, at: Time::from_millis(step * 100), lane, what };
        Trace { events: all.into_iter().map(event).collect(), dropped: 0 }
    }

    fn starts(step: u64, lane: Lane) -> (u64, Lane, What) {
        (step, lane, What::Starts { again: step > 3, saved: "nothing saved".into() })
    }

    fn sends(step: u64, from: Lane, to: Lane, id: u64, text: &str) -> (u64, Lane, What) {
        (step, from, What::Sends { to, id, text: text.into() })
    }

    #[test]
    fn a_node_that_waits_says_for_what() {
        let trace = trace(vec![
            starts(1, N1),
            starts(2, N2),
            starts(3, N3),
            (4, Lane::Network, What::Heals),
            (5, N1, What::Takes { from: C1, id: 7, text: "Read".into() }),
            sends(5, N1, N2, 41, "Query(1)"),
            sends(5, N1, N3, 42, "Query(1)"),
            (5, N1, What::Loses { to: N3, id: 42 }),
            (6, N2, What::Receives { from: N1, id: 41, text: "Query(1)".into() }),
            sends(6, N2, N1, 43, "Answer(1)"),
            (7, N1, What::Receives { from: N2, id: 43, text: "Answer(1)".into() }),
        ]);
        assert_eq!(
            story(&trace, "n1 took request r7 and had not answered it"),
            "since n1 took r7, n2 answered its message to n2 (m41, Query(1)) with m43 (Answer(1)), its message to n3 (m42, Query(1)) was lost; it has no timer set"
        );
    }

    #[test]
    fn silence_since_a_restart() {
        let trace = trace(vec![
            starts(1, N1),
            starts(2, N2),
            sends(3, N1, N2, 1, "Counts(1)"),
            (4, N1, What::Crashes { done: 0, of: 0, for_good: false }),
            starts(5, N1),
            (6, Lane::Network, What::Heals),
            (7, N2, What::Fires { timer: "T".into() }),
            (7, N2, What::Sets { timer: "T".into(), after_us: 100_000 }),
            sends(7, N2, N1, 2, "Counts(2)"),
            (8, N2, What::Fires { timer: "T".into() }),
            (8, N2, What::Sets { timer: "T".into(), after_us: 100_000 }),
            sends(8, N2, N1, 3, "Counts(2)"),
        ]);
        assert_eq!(
            story(&trace, "n1's value is 1 and n2's is 2"),
            "n1 has sent nothing since its restart at 0.500 s; it has no timer set; since the network healed n2 sent 2 messages to n1, all of them Counts(2); its timer T fired 2 times since"
        );
    }

    #[test]
    fn who_is_down_is_said_and_only_who_is_named() {
        let trace = trace(vec![starts(1, N1), starts(2, N2), (3, N2, What::Crashes { done: 0, of: 0, for_good: true })]);
        assert_eq!(story(&trace, "n2 never answered, n12 did"), "n2 is down since 0.300 s");
        assert_eq!(story(&trace, "nobody").matches("n1 never sent anything").count(), 1);
        assert_eq!(story(&Trace::default(), "n1"), "");
    }
}
