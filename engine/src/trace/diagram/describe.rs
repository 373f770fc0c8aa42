//! One step of a run in words: who, what came in, what came of it, and what it made of the node.

use super::super::columns::{columns, cut, wrap};
use super::super::debug_text::{Brief, Words, changes};
use super::super::story::{Moment, Story};
use super::super::{Lane, Trace, What, stuck};
use super::notes;
use crate::time::Time;
use std::collections::BTreeSet;

/// Columns of each of the two lines in which a step is told.
const COLUMNS: usize = 90;
/// Columns in which it is said how the state changed.
const STATE_COLUMNS: usize = 150;

/// What happened at a step of the run that `draw` shows, in a few lines: who, what came in, what came of it; and if the trace has
/// states, how the node's changed. `None` if there is no such step.
#[must_use]
pub fn describe(trace: &Trace, step: u64) -> Option<String> {
    let story = Story::of(trace);
    let at = |node: bool| story.moments.iter().position(|m| m.step == step && (!node || m.lane.is_place()));
    let index = at(true).or_else(|| at(false))?;
    let memory = notes::Memory::of(&story);
    let mut said = notes::of_moment(&story, &memory, index, true, &[]);
    if let Some(parcel) = story.arrives[index].map(|p| &story.parcels[p]) {
        let before = format!("gets {} from {}: ", parcel.label(), parcel.from);
        said.insert(0, notes::Note::of(1, &before, parcel.text, ""));
    }
    // The rule that breaks is what all of this is about; the state is told in words of its own.
    said.retain(|note| !note.is_state && !note.is_verdict());
    let lane = match story.moments[index].lane {
        Lane::Network => String::new(),
        lane => format!("{lane} "),
    };
    let (lines, _) = notes::fit(&said, COLUMNS, 2);
    let state = state(&story.moments[index], memory.state[index], memory.saved[index]);
    let parts: Vec<String> = [lines.join(" ")].into_iter().chain(state).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { None } else { Some(format!("{lane}{}", parts.join("; "))) }
}

/// How the node's state changed in this moment, beyond what the moment saved; that it did not, if something came in. Of a start from a
/// disk what it made of that.
fn state(moment: &Moment, before: Option<&str>, saved_before: Option<&str>) -> Option<String> {
    let now = moment.events.iter().find_map(|e| if let What::State { text } = &e.what { Some(text) } else { None })?;
    if moment.events.iter().any(|e| matches!(e.what, What::Crashes { .. })) {
        return None;
    }
    if let What::Starts { saved, .. } = &moment.events[0].what {
        return if saved == notes::NOTHING_SAVED { None } else { made_of(now, saved) };
    }
    let before = before?;
    let saved = moment.events.iter().rev().find_map(|e| if let What::Saves { text } = &e.what { Some(text.as_str()) } else { None });
    let fields = saved.map_or_else(Vec::new, |text| Words::parse(text).top_fields());
    let same: Vec<String> = Words::parse(now).top_fields().into_iter().filter(|f| fields.contains(f)).map(|(name, _)| name).collect();
    let said = saved.zip(saved_before).map_or_else(Vec::new, |(saved, before)| changes(before, saved));
    let of_saved = |change: &String| {
        let in_field = |name: &String| change.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(' '));
        said.contains(change) || same.iter().any(in_field)
    };
    let all = changes(before, now);
    let changed: Vec<String> = all.iter().filter(|change| !of_saved(change)).cloned().collect();
    match (all.is_empty(), changed.is_empty()) {
        (true, _) => came_in(moment).then(|| "its state stays as it was".to_owned()),
        (false, true) => None,
        (false, false) => Some(format!("its state: {}", cut(&wrap(&changed.join(", "), usize::MAX).join(" "), STATE_COLUMNS))),
    }
}

/// The state after a start, but for what is as it was on the disk, and what the node was given.
fn made_of(now: &str, disk: &str) -> Option<String> {
    let known = Words::parse(disk).top_fields();
    let as_it_was = |field: &(String, String)| known.contains(field) || field.1 == disk;
    let fields = Words::parse(now).top_fields().into_iter().filter(|field| !as_it_was(field) && !given(&field.1));
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name} {value}").trim().to_owned()).collect();
    if fields.is_empty() { None } else { Some(format!("its state: {}", cut(&fields.join(", "), STATE_COLUMNS))) }
}

/// Whether a value says who somebody is, or what a node was given.
fn given(value: &str) -> bool {
    let nodes = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(|word| Lane::parse(word).is_some());
    nodes && value.contains('n') || value.contains("Config")
}

/// How the state of the node changed in a step, which no picture shows: `n1's state: note 3→7`. `None` if it did not, beyond what it
/// saved.
#[must_use]
pub fn change(trace: &Trace, step: u64) -> Option<String> {
    let story = Story::of(trace);
    let index = story.moments.iter().position(|m| m.step == step && m.lane.is_place())?;
    let memory = notes::Memory::of(&story);
    let said = state(&story.moments[index], memory.state[index], memory.saved[index])?;
    Some(said.replacen("its state", &format!("{}'s state", story.moments[index].lane), 1))
}

/// Of a longer state at the end only the fields are told that ever changed.
const LONG_STATE: usize = 80;
/// Of more nodes than these nothing is said at the end: the first ones tell it.
const NODES_MAX: usize = 3;

/// Where something did not happen: what the nodes that the sentence names are at the end of the run, since which step, and which
/// timers they have set.
#[must_use]
pub fn ending(trace: &Trace) -> Vec<String> {
    let story = Story::of(trace);
    let Some(end) = story.moments.last().map(|m| m.at) else { return Vec::new() };
    let named = story.named().into_iter().filter(|lane| matches!(lane, Lane::Node(_)) && story.ran(*lane));
    named.filter_map(|lane| at_the_end(&story, lane, end)).take(NODES_MAX).collect()
}

fn at_the_end(story: &Story, lane: Lane, end: Time) -> Option<String> {
    let of_lane = || story.moments.iter().filter(move |m| m.lane == lane);
    let (mut last, mut changed): (Option<(&str, u64)>, BTreeSet<String>) = (None, BTreeSet::new());
    for (step, text) in of_lane().flat_map(|m| m.events.iter().map(move |e| (m.step, &e.what))).filter_map(|(step, what)| match what {
        What::State { text } => Some((step, text.as_str())),
        _ => None,
    }) {
        let Some((before, _)) = last else {
            last = Some((text, step));
            continue;
        };
        if before != text {
            let known = Words::parse(before).top_fields();
            changed.extend(Words::parse(text).top_fields().into_iter().filter(|field| !known.contains(field)).map(|(name, _)| name));
            last = Some((text, step));
        }
    }
    of_lane().flat_map(|m| m.events).find(|e| matches!(e.what, What::Starts { .. } | What::State { .. }))?;
    let down = stuck::armed(story, lane).is_none();
    // Which timers were set in steps that are folded is not known.
    let folded = story.moments.iter().any(|m| matches!(m.events[0].what, What::Folds { .. }));
    let timers = stuck::armed(story, lane).filter(|_| !folded);
    let clock = |at: Time| if end.as_millis() < 10_000 { format!("{} ms", at.as_millis()) } else { seconds(at) };
    let due = |(timer, _, due): &(&str, Time, Time)| format!("{} due at {}", Words::parse(timer).brief(Brief::Values), clock(*due));
    let armed = timers.map(|timers| match timers.iter().map(due).collect::<Vec<_>>() {
        none if none.is_empty() => "no timer set".to_owned(),
        set => format!("timer {}", set.join(", ")),
    });
    let state = last.map_or_else(String::new, |(text, step)| format!("{} (since step {step})", telling(text, &changed)));
    let said: Vec<String> = [Some(state).filter(|s| !s.is_empty() && !down), armed].into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("{lane} at the end, {}: {}", clock(end), said.join("; ")))
}

/// The fields of a state that may tell something: not who the node is, nor what it was given; of a long one those that ever changed.
fn telling(text: &str, changed: &BTreeSet<String>) -> String {
    let words = Words::parse(text);
    let fields = words.top_fields();
    let said = |keep: &dyn Fn(&(String, String)) -> bool| {
        let fields = fields.iter().filter(|field| keep(field)).map(|(name, value)| format!("{name} {value}").trim().to_owned());
        fields.collect::<Vec<_>>().join(", ")
    };
    let all = said(&|(name, value)| changed.contains(name) || !given(value));
    let all = if columns(&all) > LONG_STATE && !changed.is_empty() { said(&|(name, _)| changed.contains(name)) } else { all };
    cut(&all, STATE_COLUMNS)
}

fn seconds(at: Time) -> String {
    format!("{:.1} s", at.as_micros() as f64 / 1_000_000.0)
}

/// Whether something came in that might have changed the node: not a request that was answered at once, as a read is.
fn came_in(moment: &Moment) -> bool {
    let answers = moment.events.iter().any(|e| matches!(e.what, What::Answers { .. }));
    matches!(moment.events[0].what, What::Receives { .. }) || matches!(moment.events[0].what, What::Takes { .. }) && !answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::trace::Event;

    fn run(all: &[(u64, What)]) -> Trace {
        let event = |(step, what): &(u64, What)| Event { step: *step, at: Time::ZERO, lane: Lane::Node(0), what: what.clone() };
        Trace { events: all.iter().map(event).collect(), ..Trace::default() }
    }

    fn state(step: u64, text: &str) -> (u64, What) {
        (step, What::State { text: text.into() })
    }

    #[test]
    fn a_start_from_a_disk_tells_what_it_made_of_it() {
        let started = |again, saved: &str, now: &str| {
            let trace = run(&[(1, What::Starts { again, saved: saved.into() }), state(1, now)]);
            change(&trace, 1)
        };
        let made = started(true, "Saved { counts: {n1: 300}, ops: {} }", "Node { counts: {n1: 44}, ops: {}, peers: [n2, n3] }");
        assert_eq!(made.as_deref(), Some("n1's state: counts {n1: 44}"));
        assert_eq!(started(false, "65535", "Node { note: None }").as_deref(), Some("n1's state: note None"));
        // As it was on the disk; a disk that was empty.
        assert_eq!(started(false, "7", "Node { note: 7 }"), None);
        assert_eq!(started(false, "nothing saved", "Node { note: 0 }"), None);
    }

    #[test]
    fn a_step_tells_how_the_state_changed() {
        let receives = |id, text: &str| What::Receives { from: Lane::Node(1), id, text: text.into() };
        let trace = run(&[
            (1, What::Starts { again: false, saved: "nothing saved".into() }),
            state(1, "S { counts: {}, seen: 0 }"),
            (2, receives(1, "Counts(1)")),
            (2, What::Saves { text: "Saved { counts: {n2: 1} }".into() }),
            state(2, "S { counts: {n2: 1}, seen: 1 }"),
            (3, receives(2, "Counts(2)")),
            state(3, "S { counts: {n2: 1}, seen: 1 }"),
        ]);
        assert_eq!(describe(&trace, 2).unwrap(), "n1 gets m1 from n2: Counts 1; saved counts {n2: 1}; its state: seen 0→1");
        assert_eq!(describe(&trace, 3).unwrap(), "n1 gets m2 from n2: Counts 2; its state stays as it was");
        assert_eq!(describe(&trace, 4), None);
    }

    #[test]
    fn what_never_happened_has_an_end() {
        let starts = What::Starts { again: false, saved: "nothing saved".into() };
        let sets = What::Sets { timer: "Election".into(), after_us: 300_000 };
        let seen = |seen: &str| What::Breaks { rule: "r".into(), seen: seen.into() };
        let mut trace = run(&[
            (1, starts),
            state(1, "S { me: n1, peers: [n2, n3], role: Follower, votes: {} }"),
            (2, What::Fires { timer: "Election".into() }),
            state(2, "S { me: n1, peers: [n2, n3], role: Candidate, votes: {n1} }"),
            (3, What::Fires { timer: "Tick".into() }),
            (3, sets),
            state(3, "S { me: n1, peers: [n2, n3], role: Candidate, votes: {n1} }"),
            (3, seen("n1 does not lead. What happened instead: n1 sent 2 messages to n2")),
        ]);
        assert_eq!(ending(&trace), ["n1 at the end, 0 ms: role Candidate, votes {n1} (since step 2); timer Election due at 300 ms"]);
        trace.events.remove(5);
        assert_eq!(ending(&trace), ["n1 at the end, 0 ms: role Candidate, votes {n1} (since step 2); no timer set"]);
        trace.events.pop();
        trace.events.push(Event { step: 3, at: Time::ZERO, lane: Lane::Node(0), what: seen("n2 does not lead") });
        assert!(ending(&trace).is_empty(), "n2 did not run");
    }

    #[test]
    fn a_change_is_told_alone() {
        let receives = |id, text: &str| What::Receives { from: Lane::Node(1), id, text: text.into() };
        let trace = run(&[(1, receives(1, "A")), state(1, "S { n: 1 }"), (2, receives(2, "B")), state(2, "S { n: 2 }")]);
        assert_eq!(change(&trace, 1), None, "what it was before nobody knows");
        assert_eq!(change(&trace, 2).unwrap(), "n1's state: n 1→2");
    }

    #[test]
    fn effects_are_told_in_their_order() {
        let trace = run(&[
            (1, What::Starts { again: true, saved: "nothing saved".into() }),
            (1, What::Sends { to: Lane::Node(1), id: 1, text: "Hello".into() }),
            (1, What::Saves { text: "Saved { life: 2 }".into() }),
            (1, What::Sends { to: Lane::Node(2), id: 2, text: "Hello".into() }),
            (1, What::Saves { text: "Saved { life: 3 }".into() }),
            (1, What::Saves { text: "Saved { life: 4 }".into() }),
        ]);
        assert_eq!(describe(&trace, 1).unwrap(), "n1 restarts, nothing saved; sends Hello to n2 n3; saved life 2; saved life 2→4");
    }
}
