//! A long run made short without a lie: what goes on again and again is shown once, and said how often; of what merely goes
//! on, a last stretch is shown. What is left out is said in its place ([`What::Folds`]).
//!
//! Two steps are the same if the same things happened on the same lanes, whatever numbers stand in them: terms rise and
//! times pass while a cluster turns in circles. What was saved and how the state changed belong to it: a step that takes an entry
//! out is not one that puts an entry in.

use super::{Event, Lane, Trace, What};
use std::collections::{BTreeMap, BTreeSet};

/// A run of so many steps fits a screen as it is.
const SHORT: usize = 20;
/// The longest cycle that is looked for, in steps.
const CYCLE_MAX: usize = 60;
/// A cycle is folded from so many rounds on.
const ROUNDS: usize = 3;

/// The longest last stretch, if nothing goes on in rounds.
const STRETCH_MAX: usize = 30;

/// A step, or a fold in its place.
#[derive(Clone)]
struct Unit {
    events: Vec<Event>,
    /// What happened, numbers aside; unlike anything else for a step that must stay.
    shape: u64,
    /// The same, whatever the lanes.
    kind: u64,
    must_stay: bool,
}

impl Unit {
    fn steps(&self) -> u64 {
        match self.events.first().map(|e| &e.what) {
            Some(What::Folds { steps, .. }) => *steps,
            _ => 1,
        }
    }

    fn is_fold(&self) -> bool {
        matches!(self.events.first(), Some(Event { what: What::Folds { .. }, .. }))
    }
}

impl Trace {
    /// How many steps a reader sees, of the last run if there are several: without those that were folded, nodes that start for
    /// the first time, and sending as a step of its own if what is sent arrives next (one arrow in a picture).
    #[must_use]
    pub fn shown_steps(&self) -> u64 {
        let steps: Vec<&[Event]> = last_run(&self.events).1.chunk_by(|a, b| a.step == b.step).collect();
        let next = |i: usize| steps.get(i + 1).map(|s| &s[0]);
        steps.iter().enumerate().filter(|(i, step)| !is_quiet(step) && !next(*i).is_some_and(|n| arrives_next(step, n))).count() as u64
    }

    /// The same run, folded if it is long. Marked steps and the last stay as they are. Of several runs only the last is
    /// shown to anyone; of the others remains that they were.
    #[must_use]
    pub fn folded(&self, marks: &[u64]) -> Trace {
        let (before, events) = last_run(&self.events);
        let mut units = units(events, marks);
        if units.len() <= SHORT {
            return self.clone();
        }
        // A cycle may hold cycles.
        loop {
            let count = units.len();
            units = without_rounds(units);
            if units.len() == count {
                break;
            }
        }
        // What is marked stands for itself; the last step alone marks nothing.
        if marks.iter().all(|m| Some(*m) == events.last().map(|e| e.step)) {
            units = last_stretch(units);
        }
        let events = before.iter().cloned().chain(units.into_iter().flat_map(|u| u.events)).collect();
        Trace { events, dropped: self.dropped, lines: self.lines.clone() }
    }
}

/// A step that no picture shows: a first start, timers that are set; and what stands in the place of steps.
fn is_quiet(step: &[Event]) -> bool {
    let folded = matches!(step[0].what, What::Folds { .. });
    folded
        || step.iter().all(|e| match e.what {
            What::Starts { again, .. } => !again,
            What::Sets { .. } | What::Cancels { .. } | What::Draws { .. } => true,
            What::State { .. } | What::Loses { .. } | What::Repeats { .. } => true,
            What::Holds { .. } | What::Ends { .. } => true,
            _ => false,
        })
}

/// Whether nothing but one sending happens in `step`, and `next` is its arrival.
fn arrives_next(step: &[Event], next: &Event) -> bool {
    let [only] = step else { return false };
    match (&only.what, &next.what) {
        (What::Sends { to, id, .. }, What::Receives { from, id: arrived, .. })
        | (What::Asks { to, id, .. }, What::Takes { from, id: arrived, .. }) => (*to, *id) == (next.lane, *arrived) && *from == only.lane,
        _ => false,
    }
}

/// The first and last event of each run but the last, and the last run.
fn last_run(events: &[Event]) -> (Vec<Event>, &[Event]) {
    let mut before = Vec::new();
    let mut start = 0;
    for i in 1..events.len() {
        if events[i].step < events[i - 1].step {
            before.extend([events[start].clone(), events[i - 1].clone()]);
            start = i;
        }
    }
    (before, &events[start..])
}

fn units(events: &[Event], marks: &[u64]) -> Vec<Unit> {
    let last = events.last().map_or(0, |e| e.step);
    let mut before = Before::default();
    let mut units = Vec::new();
    for (i, events) in events.chunk_by(|a, b| a.step == b.step).enumerate() {
        let must_stay = events[0].step == last || marks.contains(&events[0].step);
        let salt = if must_stay { i + 1 } else { 0 };
        let texts: Vec<String> = events.iter().map(|e| before.text(e)).collect();
        let (shape, kind) = (shape(events, &texts, true, salt), shape(events, &texts, false, 0));
        units.push(Unit { shape, kind, events: events.to_vec(), must_stay });
    }
    units
}

/// What each node had saved, and what its state was.
#[derive(Default)]
struct Before<'a> {
    saved: BTreeMap<Lane, &'a str>,
    state: BTreeMap<Lane, &'a str>,
}

impl<'a> Before<'a> {
    /// The text of an event, without its numbers: of what is saved and of a state, how it changed.
    fn text(&mut self, event: &'a Event) -> String {
        let (known, text) = match &event.what {
            What::Saves { text } => (&mut self.saved, text.as_str()),
            What::State { text } => (&mut self.state, text.as_str()),
            other => return without_numbers(words(other)),
        };
        match (known.insert(event.lane, text), &event.what) {
            // Of a state that is seen for the first time nobody knows what changed.
            (None, What::State { .. }) => String::new(),
            (before, _) => changed(before.unwrap_or_default(), text),
        }
    }
}

/// Which kinds of entries came and went: `+n#: #` and `-n#: #` are what a raised count is, `-OpId #` is one that was forgotten.
fn changed(before: &str, after: &str) -> String {
    let (old, new) = (pieces(before), pieces(after));
    let came = new.difference(&old).map(|piece| format!("+{}", without_numbers(piece)));
    let went = old.difference(&new).map(|piece| format!("-{}", without_numbers(piece)));
    came.chain(went).collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// The entries of a text, however deep.
fn pieces(text: &str) -> BTreeSet<&str> {
    text.split([',', '{', '}', '[', ']', '(', ')']).map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// The words of an event that its kind and lanes do not say.
fn words(what: &What) -> &str {
    match what {
        What::Receives { text, .. } | What::Asks { text, .. } | What::Takes { text, .. } | What::Sends { text, .. } => text,
        What::Answers { text, .. } | What::Gets { text, .. } | What::GivesUp { text, .. } | What::Notes { text } => text,
        What::Fires { timer } => timer,
        What::Splits { text } | What::Calls { text } | What::Gives { text } => text,
        _ => "",
    }
}

/// What happened in a step, by the kinds of its events and these texts of them.
fn shape(events: &[Event], texts: &[String], with_lanes: bool, salt: usize) -> u64 {
    let mut said: Vec<(Option<Lane>, Option<Lane>, u8, &str)> = Vec::new();
    for (event, text) in events.iter().zip(texts) {
        let (tag, other) = match &event.what {
            What::Prints { .. } | What::Sets { .. } | What::Cancels { .. } | What::Draws { .. } | What::Breaks { .. } => continue,
            // The message that says so is there.
            What::Holds { .. } | What::Ends { .. } | What::Plots(_) => continue,
            // That a node has a state is no news.
            What::State { .. } if text.is_empty() => continue,
            What::Starts { again, .. } => (u8::from(*again), None),
            What::Receives { from, .. } => (2, Some(*from)),
            What::Fires { .. } => (3, None),
            What::Asks { to, .. } => (4, Some(*to)),
            What::Takes { from, .. } => (5, Some(*from)),
            What::Sends { to, .. } => (6, Some(*to)),
            What::Answers { to, .. } => (7, Some(*to)),
            What::Gets { from, .. } => (8, Some(*from)),
            What::GivesUp { .. } => (9, None),
            What::Saves { .. } => (10, None),
            What::Notes { .. } => (11, None),
            What::Loses { to, .. } => (12, Some(*to)),
            What::Repeats { to, .. } => (13, Some(*to)),
            What::Crashes { .. } => (14, None),
            What::Pauses { .. } => (15, None),
            What::Splits { .. } => (16, None),
            What::Heals => (17, None),
            What::Calls { .. } => (18, None),
            What::Gives { .. } => (19, None),
            What::Folds { .. } => (20, None),
            What::State { .. } => (21, None),
        };
        let lanes = with_lanes.then_some((event.lane, other));
        said.push((lanes.map(|l| l.0), lanes.and_then(|l| l.1), tag, text));
    }
    if !with_lanes {
        // To how many, and in which order, is another matter.
        said.sort_unstable();
        said.dedup();
    }
    hash(&(said, salt))
}

/// `RequestVote { term: 17 }` and `RequestVote { term: 9 }` are the same, and so are `{1, 2}` and `{1, 2, 3}`.
fn without_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !masked.ends_with('#') {
            masked.push('#');
        }
    }
    let mut pieces: Vec<&str> = Vec::new();
    for piece in masked.split(", ") {
        let piece = piece.trim_matches(['{', '}', '[', ']', '(', ')', ' ']);
        if !pieces.contains(&piece) {
            pieces.push(piece);
        }
    }
    pieces.join(", ")
}

fn hash(value: &impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Leaves out all rounds but the first of what goes on in rounds, from left to right, the longest stretch first.
fn without_rounds(units: Vec<Unit>) -> Vec<Unit> {
    let n = units.len();
    // How far the units from `i` on equal those `period` later.
    let mut same = vec![vec![0u32; n + 1]; CYCLE_MAX.min(n / ROUNDS) + 1];
    for period in 1..same.len() {
        for i in (0..n - period).rev() {
            same[period][i] = if units[i].shape == units[i + period].shape { same[period][i + 1] + 1 } else { 0 };
        }
    }
    let mut out = Vec::new();
    let mut i = 0;
    while i < n {
        let rounds = |period: usize| same[period][i] as usize / period + 1;
        // The shorter of two cycles that cover as much.
        let best = (1..same.len()).filter(|&p| rounds(p) >= ROUNDS).max_by_key(|&p| (rounds(p) * p, std::cmp::Reverse(p)));
        let folded = best.filter(|&p| !(p == 1 && units[i].is_fold()));
        let Some(period) = folded else {
            out.push(units[i].clone());
            i += 1;
            continue;
        };
        let times = rounds(period) - 1;
        let (first, rest) = (&units[i..i + period], &units[i + period..i + period * (times + 1)]);
        out.extend_from_slice(first);
        out.push(fold(rest, first.iter().filter(|u| !u.is_fold()).count() as u64, times as u64));
        i += period * (times + 1);
    }
    out
}

/// One line in the place of all these.
fn fold(units: &[Unit], cycle: u64, times: u64) -> Unit {
    let steps = units.iter().map(Unit::steps).sum();
    let shape = hash(&(units.iter().map(|u| u.shape).collect::<BTreeSet<u64>>(), "fold"));
    let Event { step, at, .. } = units[0].events[0];
    let event = Event { step, at, lane: Lane::Network, what: What::Folds { steps, cycle, times } };
    let events = [event].into_iter().chain(known_after(units).map(|known| Event { step, ..known })).collect();
    Unit { events, shape, kind: shape, must_stay: false }
}

/// What each node had saved last in these steps, and what its state was: without it, what comes after would seem to change all that
/// changed in between.
fn known_after(units: &[Unit]) -> impl Iterator<Item = Event> {
    let mut last: BTreeMap<(Lane, bool), &Event> = BTreeMap::new();
    for event in units.iter().flat_map(|u| &u.events) {
        match event.what {
            What::Saves { .. } => drop(last.insert((event.lane, false), event)),
            What::State { .. } => drop(last.insert((event.lane, true), event)),
            _ => {}
        }
    }
    last.into_values().cloned().collect::<Vec<_>>().into_iter()
}

/// If it is still long: the shortest end of the run that has every kind of step which happens often; before it, what
/// happens rarely. If that is long too, the end alone.
fn last_stretch(units: Vec<Unit>) -> Vec<Unit> {
    if units.len() <= SHORT {
        return units;
    }
    let mut count: BTreeMap<u64, usize> = BTreeMap::new();
    units.iter().for_each(|u| *count.entry(u.kind).or_default() += 1);
    let often = |u: &Unit| !u.must_stay && (u.is_fold() || count[&u.kind] >= ROUNDS);
    let mut missing: BTreeSet<u64> = units.iter().filter(|u| often(u) && !u.is_fold()).map(|u| u.kind).collect();
    let mut start = units.len();
    while start > 0 && !missing.is_empty() {
        start -= 1;
        missing.remove(&units[start].kind);
    }
    let too_long = units.iter().enumerate().filter(|(i, u)| *i >= start || !often(u)).count() > STRETCH_MAX;
    let start = if too_long { units.len() - STRETCH_MAX } else { start };
    let mut out: Vec<Unit> = Vec::new();
    let mut left_out: Vec<Unit> = Vec::new();
    for (i, unit) in units.into_iter().enumerate() {
        if i < start && !unit.must_stay && (too_long || often(&unit)) {
            left_out.push(unit);
            continue;
        }
        out.extend((!left_out.is_empty()).then(|| fold(&std::mem::take(&mut left_out), 0, 0)));
        out.push(unit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn trace(timers: &[&str]) -> Trace {
        let event = |(i, timer): (usize, &&str)| {
            let (step, at) = (i as u64 + 1, Time::from_micros(i as u64));
            let lane = Lane::Node(u8::from(timer.starts_with('b')));
            Event { step, at, lane, what: What::Fires { timer: format!("{timer} {i}") } }
        };
        Trace { events: timers.iter().enumerate().map(event).collect(), ..Trace::default() }
    }

    fn said(trace: &Trace) -> Vec<String> {
        let word = |e: &Event| match &e.what {
            What::Fires { timer } => timer.split(' ').next().unwrap_or_default().to_owned(),
            other => other.to_string(),
        };
        trace.events.iter().map(word).collect()
    }

    #[test]
    fn rounds_are_told_once_and_counted() {
        let all: Vec<&str> = ["x"].into_iter().chain(["a", "b", "c"].into_iter().cycle().take(36)).chain(["y"]).collect();
        let folded = trace(&all).folded(&[]);
        assert_eq!(said(&folded), ["x", "a", "b", "c", "the same 3 steps 11 times more", "y"]);
        assert_eq!((folded.shown_steps(), trace(&all).shown_steps()), (5, 38));
    }

    #[test]
    fn a_marked_step_is_never_folded() {
        let all: Vec<&str> = ["a"].into_iter().cycle().take(30).collect();
        let folded = trace(&all).folded(&[11]);
        assert!(folded.events.iter().any(|e| e.step == 11 && !matches!(e.what, What::Folds { .. })), "{:?}", said(&folded));
        assert_eq!(said(&folded), ["a", "the same step 9 times more", "a", "a", "the same step 17 times more", "a"]);
    }

    #[test]
    fn cycles_of_cycles_are_folded() {
        let round = || ["a"].into_iter().cycle().take(5).chain(["b"]).chain(["c"].into_iter().cycle().take(4));
        let all: Vec<&str> = (0..6).flat_map(|_| round()).collect();
        let folded = trace(&all).folded(&[]);
        assert!(folded.shown_steps() <= 8, "{:?}", said(&folded));
    }

    #[test]
    fn without_rounds_the_last_stretch_with_every_kind_is_shown() {
        let mut rng = crate::rng::Rng::new(3);
        let all: Vec<&str> =
            ["start"].into_iter().chain((0..200).map(|_| *rng.pick(&["a", "b", "c", "d"]).expect("one of four"))).collect();
        let folded = trace(&all).folded(&[]);
        let kinds: BTreeSet<String> = said(&folded).into_iter().collect();
        assert!(["start", "a", "b", "c", "d"].iter().all(|k| kinds.contains(*k)), "{kinds:?}");
        assert!(folded.shown_steps() < 30, "{:?}", said(&folded));
        let left_out: u64 = folded.events.iter().map(|e| if let What::Folds { steps, .. } = e.what { steps } else { 0 }).sum();
        assert_eq!(left_out + folded.shown_steps(), 201);
    }

    #[test]
    fn what_takes_an_entry_out_is_another_step() {
        let mut events = Vec::new();
        for i in 1..=30 {
            let event = |what| Event { step: i, at: Time::ZERO, lane: Lane::Node(0), what };
            // The table loses an entry at step 17, and has one more at any other.
            let held: Vec<String> = (1..=i).filter(|n| i < 17 || *n != 3).map(|n| format!("OpId({n})")).collect();
            events.push(event(What::Fires { timer: "T".into() }));
            events.push(event(What::Saves { text: format!("Saved {{ ops: {{{}}} }}", held.join(", ")) }));
        }
        let folded = Trace { events, ..Trace::default() }.folded(&[]);
        let shown: Vec<u64> = folded.events.iter().filter(|e| matches!(e.what, What::Fires { .. })).map(|e| e.step).collect();
        assert!(shown.contains(&17), "{shown:?}");
        assert!(shown.len() < 10, "{shown:?}");
    }

    #[test]
    fn what_was_saved_in_steps_left_out_is_known_after_them() {
        let mut events = Vec::new();
        for i in 1..=30 {
            let event = |what| Event { step: i, at: Time::ZERO, lane: Lane::Node(0), what };
            events.push(event(What::Fires { timer: "T".into() }));
            events.push(event(What::Saves { text: format!("Saved {{ count: {i} }}") }));
        }
        let folded = Trace { events, ..Trace::default() }.folded(&[]);
        let saved: Vec<String> =
            folded.events.iter().filter_map(|e| if let What::Saves { text } = &e.what { Some(text.clone()) } else { None }).collect();
        assert!(saved.contains(&"Saved { count: 29 }".to_owned()), "{saved:?}");
        assert!(folded.shown_steps() < 5, "{folded:?}");
    }

    #[test]
    fn what_is_short_stays_as_it_is() {
        let t = trace(&["a"; 20]);
        assert_eq!(t.folded(&[]), t);
    }
}
