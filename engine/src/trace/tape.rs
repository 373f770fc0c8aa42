//! A tape records one run as it happens, so that something is left of it even if the run panics, hangs or kills the
//! process: events go to memory and, if asked, line by line to a file.

use super::{Event, Trace};
use std::fmt;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How an event is written as a line.
type Encode = fn(&Event) -> String;

/// A shared handle to a recording.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    trace: Trace,
    attempt: Option<Event>,
    file: Option<Written>,
    markers: bool,
    states: bool,
}

/// Bytes of the file: what a process may write into one is limited, and a run that reads its own end needs no more.
const FILE: u64 = 32 << 20;

struct Written {
    file: File,
    encode: Encode,
    bytes: u64,
}

impl Written {
    /// Appends an event. A file that has become too long begins anew: its end is what tells how a run died.
    fn write(&mut self, event: &Event) {
        let line = (self.encode)(event) + "\n";
        if self.bytes + line.len() as u64 > FILE {
            let _ = self.file.set_len(0);
            let _ = self.file.rewind();
            self.bytes = 0;
        }
        self.bytes += line.len() as u64;
        let _ = self.file.write_all(line.as_bytes());
    }
}

impl Tape {
    /// A tape in memory.
    #[must_use]
    pub fn new() -> Self {
        Tape::default()
    }

    /// Also appends every event to `file` at once, as the line that `encode` makes of it. Write errors are ignored: the
    /// run goes on, and the reader sees a shorter tape.
    #[must_use]
    pub fn with_file(self, file: File, encode: Encode) -> Self {
        self.lock().file = Some(Written { file, encode, bytes: 0 });
        self
    }

    /// Also prints a line with the byte 0x1E and the step's number on standard output before each step, so that what the
    /// learner's code prints can be put beside its step.
    #[must_use]
    pub fn with_markers(self) -> Self {
        self.lock().markers = true;
        self
    }

    /// Also records each node's state after each step.
    #[must_use]
    pub fn with_states(self) -> Self {
        self.lock().states = true;
        self
    }

    /// Whether node states are wanted.
    #[must_use]
    pub fn wants_states(&self) -> bool {
        self.lock().states
    }

    /// Records an event.
    pub fn push(&self, event: Event) {
        let mut inner = self.lock();
        if let Some(written) = &mut inner.file {
            written.write(&event);
        }
        // A case may make several runs, each with steps from 1.
        if inner.markers && !event.what.is_effect() && inner.trace.last_step() != event.step {
            println!("\u{1e}{}", event.step);
        }
        inner.trace.push(event);
    }

    /// Notes where in the learner's file the effects of a step stand.
    pub fn place(&self, step: u64, effects: Vec<u32>) {
        self.lock().trace.place(step, effects);
    }

    /// Records what is about to be tried, one of so many that only the last matters: in memory it stands until
    /// [`Tape::done`] takes it away, so that a call which panics or never returns is the last event; in a file it stays.
    pub fn attempt(&self, event: Event) {
        let mut inner = self.lock();
        if let Some(written) = &mut inner.file {
            written.write(&event);
        }
        inner.attempt = Some(event);
    }

    /// The attempt came to its end.
    pub fn done(&self) {
        self.lock().attempt = None;
    }

    /// Forgets what the last run on the tape did after a step.
    pub fn cut_after(&self, step: u64) {
        let events = &mut self.lock().trace.events;
        let last_run = events.windows(2).rposition(|pair| pair[1].step < pair[0].step).map_or(0, |at| at + 1);
        let keep = events[last_run..].iter().take_while(|e| e.step <= step).count();
        // A step that is not on the tape any more cannot be shown.
        if keep > 0 {
            events.truncate(last_run + keep);
        }
    }

    /// Number of the step that the tape has reached.
    #[must_use]
    pub fn last_step(&self) -> u64 {
        self.lock().trace.last_step()
    }

    /// A copy of what was recorded so far.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let inner = self.lock();
        let mut trace = inner.trace.clone();
        trace.events.extend(inner.attempt.clone());
        trace
    }

    /// A panic while the lock was held leaves a whole event behind at worst: the tape stays usable.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remarks of a judge about its own work, and what it counted; shared by the clones of a probe.
#[derive(Clone, Default)]
pub struct Remarks(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    remarks: Vec<String>,
    counts: Vec<(&'static str, u64)>,
    extents: Vec<Extent>,
}

/// How far an exhaustive exploration went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Different states.
    pub states: u64,
    /// Steps from the start to the farthest state.
    pub depth: u32,
    /// Whether every state within the scope was reached.
    pub complete: bool,
}

impl Extent {
    /// Of two explorations, how far they went together.
    #[must_use]
    pub fn and(self, other: Extent) -> Extent {
        let (states, depth) = (self.states + other.states, self.depth.max(other.depth));
        Extent { states, depth, complete: self.complete && other.complete }
    }
}

/// `113,320 states, complete`, `stopped at 2,000,000 states, depth 19, incomplete`.
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = grouped(self.states);
        if self.complete {
            write!(f, "{states} states, complete")
        } else {
            write!(f, "stopped at {states} states, depth {}, incomplete", self.depth)
        }
    }
}

/// `1,234,567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What an exploration looks for, if not for the nearest rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// This rule, whatever else is broken on the way.
    pub rule: &'static str,
    /// In fewer steps than these.
    pub steps_below: u64,
    /// Among so many states at most.
    pub states_max: usize,
}

/// The run that broke last time, as it was kept.
#[derive(Debug, Default)]
pub struct Regression {
    /// The trace of the run that was shown.
    pub events: Vec<Event>,
    said: Mutex<Option<Result<(), String>>>,
}

impl Regression {
    /// A run that was kept.
    #[must_use]
    pub fn new(events: Vec<Event>) -> Self {
        Regression { events, said: Mutex::default() }
    }

    /// All of its steps happened again; or one of them could not, and why.
    pub fn say(&self, happened: Result<(), String>) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(happened);
    }

    /// What was said of it, if anything was.
    #[must_use]
    pub fn said(&self) -> Option<Result<(), String>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the harness gives to each unit of work: where to record, and a pulse by which it sees that handlers return.
#[derive(Clone, Default)]
pub struct Probe {
    /// Recording, only for the one run that is shown.
    pub tape: Option<Tape>,
    /// Whether to keep a fingerprint of every step (runs that are made twice and compared).
    pub fingerprint: bool,
    /// Whether a run that breaks a rule is to be shrunk before it goes on the tape.
    pub shrink: bool,
    /// The run that broke last time, to be made again before this one; and what to say of it.
    pub regression: Option<Arc<Regression>>,
    /// Whether there is time to look further than usual.
    pub thorough: bool,
    /// What explorations are to look for; whatever is nearest, if nothing is said.
    pub sought: Option<Sought>,
    /// Odd while the learner's code runs; see [`Probe::enter`].
    pub pulse: Arc<AtomicU64>,
    /// What was remarked; see [`Probe::remark`].
    pub remarks: Remarks,
}

impl Probe {
    /// Says that the learner's code is being called.
    #[inline]
    pub fn enter(&self) {
        self.pulse.store(self.pulse.load(Ordering::Relaxed) | 1, Ordering::Relaxed);
    }

    /// Says that it has returned.
    #[inline]
    pub fn leave(&self) {
        self.pulse.store((self.pulse.load(Ordering::Relaxed) | 1) + 1, Ordering::Relaxed);
    }

    /// A probe with a pulse of its own, and no tape.
    #[must_use]
    pub fn with_pulse(pulse: Arc<AtomicU64>) -> Self {
        Probe { pulse, ..Probe::default() }
    }

    /// Leaves a remark to be shown with the report: something that is no rule, as that a check could not be made here.
    pub fn remark(&self, text: impl Into<String>) {
        self.remarks.0.lock().unwrap_or_else(PoisonError::into_inner).remarks.push(text.into());
    }

    /// Takes the remarks that were left since the last time.
    #[must_use]
    pub fn take_remarks(&self) -> Vec<String> {
        std::mem::take(&mut self.remarks.0.lock().unwrap_or_else(PoisonError::into_inner).remarks)
    }

    /// Counts `n` more of `name` in what a case has covered.
    pub fn count(&self, name: &'static str, n: u64) {
        self.remarks.0.lock().unwrap_or_else(PoisonError::into_inner).counts.push((name, n));
    }

    /// Takes the counts since the last time.
    #[must_use]
    pub fn take_counts(&self) -> Vec<(&'static str, u64)> {
        std::mem::take(&mut self.remarks.0.lock().unwrap_or_else(PoisonError::into_inner).counts)
    }

    /// Says how far an exploration went.
    pub fn explored(&self, extent: Extent) {
        self.remarks.0.lock().unwrap_or_else(PoisonError::into_inner).extents.push(extent);
    }

    /// Takes what was said of explorations since the last time.
    #[must_use]
    pub fn take_extents(&self) -> Vec<Extent> {
        std::mem::take(&mut self.remarks.0.lock().unwrap_or_else(PoisonError::into_inner).extents)
    }

    /// Records an event if there is a tape; `event` is not even made without one.
    #[inline]
    pub fn record(&self, event: impl FnOnce() -> Event) {
        if let Some(tape) = &self.tape {
            tape.push(event());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lane, What};
    use super::*;
    use crate::time::Time;
    use std::io::Read as _;

    #[test]
    fn a_file_that_is_too_long_begins_anew_and_holds_the_end() {
        // Of the standard library alone: the engine has no crate for temporary files.
        let path = std::env::temp_dir().join(format!("tape-{}", std::process::id()));
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut again = file.try_clone().unwrap();
        let tape = Tape::new().with_file(file, |event| format!("{} {}", event.step, "x".repeat(1 << 20)));
        for step in 1..=40 {
            tape.push(Event { step, at: Time::ZERO, lane: Lane::Node(0), what: What::Notes { text: String::new() } });
        }
        let mut text = String::new();
        again.rewind().unwrap();
        again.read_to_string(&mut text).unwrap();
        assert!(text.len() as u64 <= FILE && text.lines().last().unwrap().starts_with("40 "), "{} bytes", text.len());
        assert!(text.lines().all(|line| line.len() > 1 << 20), "whole lines");
    }
}
