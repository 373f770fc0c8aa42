//! Stuck, not wrong: what a cluster was doing instead of progressing, in a few sentences.
//!
//! When something had to happen and never did, no single step is to blame, and four thousand events say nothing. This reads
//! the quiet phase of a run (after its last heal) and says of each node that the finding names what it waits for, what
//! became of what it sent, which timer it has set, and what it does over and over.

use super::squeezed::{may_answer, squeezed};
use super::story::{Kind, Moment, Parcel, Story};
use super::{Lane, Trace, What};
use crate::time::Time;
use crate::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Of more nodes than these nothing is said: the first ones tell it.
const NODES_MAX: usize = 3;

/// What the nodes that `seen` names (`n2`) were doing at the end of the run; of all nodes, if it names none. `unanswered`: what
/// never came was the answer to a request.
#[must_use]
pub fn story(trace: &Trace, seen: &str, unanswered: bool) -> String {
    let story = Story::of(trace);
    let Some(last) = story.moments.last() else { return String::new() };
    let heal = story.moments.iter().rposition(|m| m.events.iter().any(|e| e.what == What::Heals));
    let healed = heal.map(|h| (story.moments[h].at, h));
    let scene = Scene { healed, end: last.at, nodes: nodes(&story), story: &story };
    let named: Vec<Lane> = scene.nodes.iter().copied().filter(|n| names(seen, *n)).collect();
    let told = if named.is_empty() { &scene.nodes } else { &named };
    let parts: Vec<String> = told.iter().take(NODES_MAX).map(|lane| scene.node(*lane, unanswered)).collect();
    parts.join(". ")
}

/// The timers that a node has set at the end of the run, since when and for when; `None` of a node that is down, or whose beginning
/// was not recorded.
pub(super) fn armed<'a>(story: &'a Story<'a>, lane: Lane) -> Option<Vec<(&'a str, Time, Time)>> {
    let scene = Scene { healed: None, end: Time::ZERO, nodes: Vec::new(), story };
    let life = scene.life(lane);
    let known = life.down.is_none() && life.whole;
    known.then(|| life.timers.into_iter().map(|(timer, (set, due))| (timer, set, due)).collect())
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
    /// When the network healed for the last time.
    healed: Option<(Time, usize)>,
    end: Time,
}

/// What became of the life of one node since it started last.
#[derive(Default)]
struct Life<'a> {
    /// The crash that it did not come back from.
    down: Option<Time>,
    /// When it restarted, and in which moment: several moments may have one time.
    restarted: Option<(Time, usize)>,
    /// Whether its beginning was recorded: else there may be a timer that nobody saw being set.
    whole: bool,
    /// Which timers are set: since when, and for when.
    timers: BTreeMap<&'a str, (Time, Time)>,
    /// Requests that it took and has not answered, with the moment.
    open: Vec<(u64, usize)>,
    /// How often each timer fired since the network healed.
    fired: BTreeMap<&'a str, u64>,
    /// For how long each timer was set since then, in microseconds.
    waits: BTreeMap<&'a str, Vec<u64>>,
    /// Whether it ever set a timer, in whatever life: one that never does needs none.
    timed: bool,
}

impl<'a> Scene<'a> {
    fn life(&self, lane: Lane) -> Life<'a> {
        let mut life = Life { whole: self.story.dropped == 0, ..Life::default() };
        for (index, moment) in self.story.moments.iter().enumerate().filter(|(_, m)| m.lane == lane) {
            for event in moment.events {
                let timed = life.timed;
                match &event.what {
                    What::Starts { again, .. } => {
                        life = Life { whole: true, restarted: again.then_some((event.at, index)), timed, ..Life::default() };
                    }
                    What::Crashes { .. } => life = Life { down: Some(event.at), whole: true, timed, ..Life::default() },
                    What::Takes { id, .. } => life.open.push((*id, index)),
                    What::Answers { id, .. } => life.open.retain(|(open, _)| open != id),
                    What::Sets { timer, after_us } => {
                        life.timed = true;
                        let due = Time::from_micros(event.at.as_micros().saturating_add(*after_us));
                        life.timers.insert(timer, (event.at, due));
                        if self.healed.is_none_or(|(_, healed)| index >= healed) {
                            life.waits.entry(timer).or_default().push(*after_us);
                        }
                    }
                    What::Cancels { timer } => drop(life.timers.remove(timer.as_str())),
                    What::Fires { timer } => {
                        life.timers.remove(timer.as_str());
                        *life.fired.entry(timer).or_default() += u64::from(self.healed.is_none_or(|(_, healed)| index >= healed));
                    }
                    _ => {}
                }
            }
        }
        life
    }

    fn node(&self, lane: Lane, unanswered: bool) -> String {
        let life = self.life(lane);
        if let Some(at) = life.down {
            return format!("{lane} is down since {}", seconds(at));
        }
        let did = match life.open.first().filter(|_| unanswered) {
            Some((id, taken)) => self.waits(lane, *id, *taken),
            None => match self.answered_late(lane).filter(|_| unanswered) {
                Some(said) => return said,
                None => self.sends(lane, &life),
            },
        };
        did + &self.timers(&life)
    }

    /// What is answered where the run ends came too late.
    fn answered_late(&self, lane: Lane) -> Option<String> {
        let last = self.story.moments.iter().rfind(|m| m.lane == lane)?;
        let ids = last.events.iter().filter_map(|e| if let What::Answers { id, .. } = e.what { Some(id) } else { None });
        let took = |id| {
            self.story
                .moments
                .iter()
                .find(|m| m.events.iter().any(|e| e.lane == lane && matches!(e.what, What::Takes { id: taken, .. } if taken == id)))
        };
        let (id, taken) = ids.filter_map(|id| Some((id, took(id)?))).min_by_key(|(_, m)| m.step)?;
        let by = match &last.events[0].what {
            What::Fires { timer } => format!(", when its timer {timer} fired"),
            _ => String::new(),
        };
        Some(format!("{lane} took r{id} at {}, and answered it at {}{by}", seconds(taken.at), seconds(last.at)))
    }

    /// What became of what a node sent since it took a request that it has not answered. If it has taken others since, only of what
    /// it said first, when it took this one: the rest may be theirs.
    fn waits(&self, lane: Lane, id: u64, taken: usize) -> String {
        let mut last: BTreeMap<Lane, (usize, &Parcel<'_>)> = BTreeMap::new();
        let sent = || self.story.parcels.iter().filter(|p| p.kind == Kind::Message && p.from == lane && p.to != lane);
        let first: BTreeSet<&str> = sent().filter(|p| p.sent == Some(taken)).map(|p| p.text).collect();
        let takes = |m: &Moment<'_>| m.lane == lane && m.events.iter().any(|e| matches!(e.what, What::Takes { .. }));
        let others = self.story.moments[taken + 1..].iter().any(takes);
        // Whatever was sent later is then another's.
        let busy = self.story.moments[..taken].iter().any(takes);
        if first.is_empty() && (busy || others) {
            return format!("{lane} sent nothing when it took r{id}, and has other requests");
        }
        let of_this = |p: &&Parcel<'_>| !others || first.is_empty() || first.contains(p.text);
        for parcel in sent().filter(|p| p.sent.is_some_and(|s| s >= taken)).filter(of_this) {
            let times = last.get(&parcel.to).map_or(0, |(n, _)| *n) + 1;
            last.insert(parcel.to, (times, parcel));
        }
        if last.is_empty() {
            return format!("{lane} has sent nothing since it took r{id}");
        }
        let fates: Vec<String> = last.iter().map(|(to, (times, parcel))| self.fate(*to, *times, parcel)).collect();
        // What a timer sends in any case may be no question at all.
        if first.is_empty() && fates.iter().all(|f| f.starts_with("nobody answered")) {
            let (_, parcel) = last.into_values().next_back().expect("something was sent");
            return format!(
                "{lane} sent nothing when it took r{id}; what its timers sent since was not answered ({})",
                squeezed(parcel.text)
            );
        }
        // Where the hidden test plays the others and is silent, one sentence says it of all.
        let alike = last.values().all(|(_, p)| last.values().next().is_some_and(|(_, first)| first.text == p.text));
        if last.len() > 1 && alike && fates.iter().all(|f| f.starts_with("nobody answered")) {
            let (_, parcel) = last.values().next_back().map_or((0, None), |(n, p)| (*n, Some(p)));
            let to: Vec<String> = last.keys().map(ToString::to_string).collect();
            return format!(
                "{lane} still waits with r{id}: nobody answered {} to {}",
                parcel.map_or_else(String::new, |p| squeezed(p.text)),
                to.join(" ")
            );
        }
        format!("{lane} still waits with r{id}: {}", fates.join(", "))
    }

    fn fate(&self, to: Lane, times: usize, parcel: &Parcel<'_>) -> String {
        let which = if times > 1 { format!("the last of {} to {to}", counted(times, "message")) } else { format!("its message to {to}") };
        let what = format!("{which} ({}, {})", parcel.label(), squeezed(parcel.text));
        if !self.nodes.contains(&to) {
            let is_back = |p: &&Parcel<'_>| p.from == to && p.to == parcel.from && p.sent > parcel.sent && may_answer(p.text, parcel.text);
            let back = self.story.parcels.iter().rfind(is_back);
            return match back {
                Some(back) => format!("{to} answered {what} with {} ({})", back.label(), squeezed(back.text)),
                None => format!("nobody answered {what}"),
            };
        }
        let Some(&arrived) = parcel.arrivals.first() else {
            return match (parcel.lost, self.life(to).down.is_some()) {
                (_, true) => format!("{what} found {to} down"),
                (true, false) => format!("{what} was lost"),
                (false, false) => format!("{what} has not arrived"),
            };
        };
        let back =
            self.story.sends[arrived].iter().map(|p| &self.story.parcels[*p]).find(|p| p.kind == Kind::Message && p.to == parcel.from);
        match back {
            None => format!("{to} got {what} and sent nothing back"),
            Some(back) if !back.arrivals.is_empty() => format!("{to} answered {what} with {} ({})", back.label(), squeezed(back.text)),
            Some(back) => format!("{to}'s answer {} to {what} was lost", back.label()),
        }
    }

    /// What a node that waits for nothing sends, and to whom not.
    fn sends(&self, lane: Lane, life: &Life<'_>) -> String {
        let all = || self.story.parcels.iter().filter(move |p| p.kind == Kind::Message && p.from == lane && p.to != lane);
        let at = |p: &Parcel<'_>| p.sent.map(|s| self.story.moments[s].at);
        let since = self.healed.max(life.restarted);
        let in_time = |p: &&Parcel<'_>| p.sent.is_some_and(|moment| since.is_none_or(|(_, from)| moment >= from));
        let recent: Vec<&Parcel<'_>> = all().filter(in_time).collect();
        let Some(last) = recent.last() else {
            let last = all().rfind(|p| p.sent.is_some());
            return match (life.restarted, last.and_then(at)) {
                (Some((restart, from)), _) if last.and_then(|p| p.sent).is_none_or(|moment| moment < from) => {
                    format!("{lane} has sent nothing since its restart at {}", seconds(restart))
                }
                (_, Some(sent)) => format!("{lane} has sent nothing since {}", seconds(sent)),
                (_, None) => format!("{lane} never sent anything"),
            };
        };
        let others: BTreeSet<Lane> = self.nodes.iter().copied().chain(recent.iter().map(|p| p.to)).filter(|n| *n != lane).collect();
        let counts: Vec<String> = others.into_iter().map(|to| count(&recent, to)).collect();
        let alike = recent.len() > 1 && recent.iter().all(|p| p.text == last.text);
        let which = if alike { "each of them" } else { "the last of them" };
        let when = match (since, life.restarted) {
            (None, _) => String::new(),
            (since, restart) if since == restart => {
                format!(" since its restart at {}", restart.map_or_else(String::new, |(t, _)| seconds(t)))
            }
            (Some((healed, _)), _) => format!(" since the network healed at {}", seconds(healed)),
        };
        let heard = self.heard(lane, last).map_or_else(String::new, |heard| format!("; it {heard}"));
        format!("{lane} sent {}{when}, {which} {}{heard}", counts.join(" and "), squeezed(last.text))
    }

    /// What came in that answers the question which a node asked last, by what it says: `got Vote(7, true) from n2 n3`. `None` if
    /// that was no question.
    fn heard(&self, lane: Lane, asked: &Parcel<'_>) -> Option<String> {
        let head = |text: &str| text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
        let first = self.story.parcels.iter().find(|p| p.from == lane && p.text == asked.text).and_then(|p| p.sent);
        let mut said: Vec<(String, BTreeSet<Lane>)> = Vec::new();
        let back = |p: &&Parcel<'_>| p.kind == Kind::Message && p.to == lane && p.from != lane && head(p.text) != head(asked.text);
        let later = |p: &&Parcel<'_>| p.arrivals.iter().any(|a| Some(*a) > first);
        for parcel in self.story.parcels.iter().filter(back).filter(later).filter(|p| may_answer(p.text, asked.text)) {
            let text = squeezed(parcel.text);
            match said.iter_mut().find(|(known, _)| *known == text) {
                Some((_, from)) => drop(from.insert(parcel.from)),
                None => said.push((text, [parcel.from].into())),
            }
        }
        let names = |from: &BTreeSet<Lane>| from.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let parts: Vec<String> = said.iter().take(NODES_MAX).map(|(text, from)| format!("{text} from {}", names(from))).collect();
        (!parts.is_empty()).then(|| format!("got {}", parts.join(", ")))
    }

    fn timers(&self, life: &Life<'_>) -> String {
        if life.timers.is_empty() {
            return if life.whole && life.timed { ", and it has no timer set".to_owned() } else { String::new() };
        }
        let often = life.fired.iter().filter(|(_, n)| **n > 1).max_by_key(|(_, n)| **n);
        match (often, life.timers.iter().next()) {
            (Some((timer, n)), _) => {
                let slower = life.waits.get(timer).map_or_else(String::new, |waits| slower_and_slower(waits));
                format!(", and its timer {timer} fired {}{slower}", counted(n, "time"))
            }
            (None, Some((timer, (set, due)))) if *due > self.end => {
                format!(", and its timer {timer}, set at {}, is due at {}", seconds(*set), seconds(*due))
            }
            _ => String::new(),
        }
    }
}

/// What is said of a timer that was set for longer each time, and in the end for much longer: it has not stopped, it only looks so.
fn slower_and_slower(waits: &[u64]) -> String {
    match (waits.first(), waits.last()) {
        (Some(first), Some(last)) if *last >= first.saturating_mul(4) && waits.is_sorted() => {
            format!(", set for {} at first and for {} at last", seconds(Time::from_micros(*first)), seconds(Time::from_micros(*last)))
        }
        _ => String::new(),
    }
}

/// `nothing to n1`, `3 messages to n2 (1 lost)`.
fn count(sent: &[&Parcel<'_>], to: Lane) -> String {
    let (all, lost) = sent.iter().filter(|p| p.to == to).fold((0, 0), |(all, lost), p| (all + 1, lost + u32::from(p.lost)));
    let lost = match lost {
        0 => String::new(),
        n if n == all => " (lost)".to_owned(),
        n => format!(" ({n} lost)"),
    };
    match all {
        0 => format!("nothing to {to}"),
        n => format!("{} to {to}{lost}", counted(n, "message")),
    }
}

fn seconds(at: Time) -> String {
    format!("{:.3} s", at.as_micros() as f64 / 1_000_000.0)
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
        Trace { events: all.into_iter().map(event).collect(), ..Trace::default() }
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
            story(&trace, "n1 took request r7 and had not answered it", true),
            "n1 still waits with r7: n2 answered its message to n2 (m41, Query(1)) with m43 (Answer(1)), its message to n3 (m42, Query(1)) was lost"
        );
    }

    #[test]
    fn of_several_requests_each_has_its_own_messages() {
        let takes = |id| What::Takes { from: C1, id, text: "Read".into() };
        let trace = trace(vec![
            starts(1, N1),
            starts(2, N2),
            (4, N1, takes(1)),
            sends(4, N1, N2, 41, "Query(1)"),
            (4, N1, What::Loses { to: N2, id: 41 }),
            (5, N1, takes(2)),
            sends(5, N1, N2, 42, "Query(2)"),
            (6, N2, What::Receives { from: N1, id: 42, text: "Query(2)".into() }),
            sends(6, N2, N1, 43, "Answer(2)"),
            (7, N1, What::Receives { from: N2, id: 43, text: "Answer(2)".into() }),
            (7, N1, What::Answers { to: C1, id: 2, text: "Value".into() }),
            (8, N1, What::Sets { timer: "T".into(), after_us: 300_000 }),
        ]);
        assert_eq!(
            story(&trace, "n1 did not answer r1", true),
            "n1 still waits with r1: its message to n2 (m41, Query(1)) was lost, and its timer T, set at 0.800 s, is due at 1.100 s"
        );
    }

    #[test]
    fn what_was_sent_for_others_is_not_told_of_a_request_that_was_dropped() {
        let takes = |id| What::Takes { from: C1, id, text: "Read".into() };
        let all =
            vec![starts(1, N1), (2, N1, takes(1)), sends(2, N1, N2, 1, "Query(1)"), (3, N1, takes(2)), sends(4, N1, N2, 2, "Query(1)")];
        let dropped = trace(all.iter().cloned().chain([(5, N1, What::Answers { to: C1, id: 1, text: "Value".into() })]).collect());
        assert_eq!(story(&dropped, "n1 has not answered r2", true), "n1 sent nothing when it took r2, and has other requests");
        let open = story(&trace(all), "n1 has not answered r1", true);
        assert!(open.starts_with("n1 still waits with r1: nobody answered the last of 2 messages to n2"), "{open}");
    }

    #[test]
    fn a_timer_that_waits_longer_each_time() {
        let mut all = vec![starts(1, N1)];
        for (step, ms) in [(2, 100), (4, 200), (8, 400), (16, 800)] {
            all.push((step, N1, What::Fires { timer: "T".into() }));
            all.push((step, N1, What::Sets { timer: "T".into(), after_us: ms * 1_000 }));
        }
        let said = story(&trace(all), "n1", false);
        assert!(said.ends_with("its timer T fired 4 times, set for 0.100 s at first and for 0.800 s at last"), "{said}");
    }

    #[test]
    fn what_was_sent_in_the_instant_before_a_restart_is_not_since() {
        // Message, crash and restart at one time, as a shrunk run often has them.
        let at = |what, lane| Event { step: 1, at: Time::from_millis(500), lane, what };
        let starts = |again| What::Starts { again, saved: "nothing saved".into() };
        let events = vec![
            at(starts(false), N1),
            at(starts(false), N2),
            at(What::Fires { timer: "T".into() }, N1),
            at(What::Sends { to: N2, id: 1, text: "Counts(1)".into() }, N1),
            at(What::Crashes { done: 0, of: 0, for_good: false }, N1),
            at(starts(true), N1),
        ];
        let said = story(&Trace { events, ..Trace::default() }, "n1's value is 1", false);
        assert!(said.starts_with("n1 has sent nothing since its restart"), "{said}");
    }

    #[test]
    fn what_answered_the_last_question_is_told() {
        let receives = |step, from, id, text: &str| (step, N1, What::Receives { from, id, text: text.into() });
        let all = vec![
            starts(1, N1),
            sends(2, N1, N2, 1, "RequestVote { term: 91 }"),
            sends(2, N1, N3, 2, "RequestVote { term: 91 }"),
            receives(3, N2, 7, "Vote { term: 91, granted: true }"),
            receives(4, N3, 8, "Vote { term: 91, granted: true }"),
            receives(5, N3, 9, "Vote { term: 4, granted: true }"),
        ];
        let said = story(&trace(all), "n1 does not lead", false);
        assert!(said.ends_with("each of them RequestVote(91); it got Vote(91, true) from n2 n3"), "{said}");
    }

    #[test]
    fn what_is_answered_at_the_end_came_too_late() {
        let all = vec![
            starts(1, N1),
            (2, N1, What::Takes { from: C1, id: 7, text: "Write(1)".into() }),
            (3, N1, What::Fires { timer: "Tick".into() }),
            (3, N1, What::Answers { to: C1, id: 7, text: "Done".into() }),
        ];
        let said = story(&trace(all), "n1 did not answer", true);
        assert_eq!(said, "n1 took r7 at 0.200 s, and answered it at 0.300 s, when its timer Tick fired");
    }

    #[test]
    fn silence_since_a_restart() {
        let trace = trace(vec![
            starts(1, N1),
            starts(2, N2),
            (3, N1, What::Sets { timer: "T".into(), after_us: 900_000 }),
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
            story(&trace, "n1's value is 1 and n2's is 2", false),
            "n1 has sent nothing since its restart at 0.500 s, and it has no timer set. n2 sent 2 messages to n1 since the network healed at 0.600 s, each of them Counts(2), and its timer T fired 2 times"
        );
    }

    #[test]
    fn who_is_down_is_said_and_only_who_is_named() {
        let trace = trace(vec![starts(1, N1), starts(2, N2), (3, N2, What::Crashes { done: 0, of: 0, for_good: true })]);
        assert_eq!(story(&trace, "n2 never answered, n12 did", true), "n2 is down since 0.300 s");
        assert_eq!(story(&trace, "nobody", false).matches("n1 never sent anything").count(), 1);
        assert_eq!(story(&Trace::default(), "n1", false), "");
    }
}
