//! What happened in one run, in one notation.
//!
//! A [`Trace`] is a list of [`Event`]s with their payloads as text. It is made only for the one run that is shown: the
//! simulator replays the seed with recording on, so that the hot path never formats. [`Event`]'s `Display` is *the*
//! textual form, used by `replay`, findings, snapshots and docs alike. Its pictures are pure functions of it: `diagram`
//! for a terminal, `page` for a browser, `stepper` to walk through. This module knows time and nothing of the
//! simulator or the checkers.

// The pictures are for the program: an exercise's process draws none, and its build need not wait for them.
pub mod clues;
#[cfg(feature = "pictures")]
pub mod columns;
#[cfg(feature = "pictures")]
mod debug_text;
#[cfg(feature = "pictures")]
pub mod diagram;
pub mod evidence;
mod fold;
pub mod late;
#[cfg(feature = "pictures")]
mod leases;
#[cfg(feature = "pictures")]
pub mod page;
pub mod plot;
mod role;
#[cfg(feature = "pictures")]
mod said;
#[cfg(feature = "pictures")]
pub mod short;
mod squeezed;
#[cfg(feature = "pictures")]
pub mod stepper;
mod story;
pub mod stuck;
mod tape;
mod text;

pub use plot::Plot;
pub use role::Role;
pub(crate) use story::INSTEAD;
pub use tape::{Extent, Probe, Regression, Remarks, Sought, Tape};

use crate::time::Time;
use std::fmt;

/// Whose line of the picture an event stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// A node of the cluster, counted from 0 and shown from `n1`.
    Node(u8),
    /// A service of ours, shown by its name.
    Service(Role),
    /// A client, counted from 0 and shown from `c1`.
    Client(u8),
    /// The network itself: partitions.
    Network,
}

impl Lane {
    /// Whether handlers run there: a node of the learner's or a service.
    #[must_use]
    pub const fn is_place(self) -> bool {
        matches!(self, Lane::Node(_) | Lane::Service(_))
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lane::Node(i) => f.pad(&format!("n{}", u16::from(*i) + 1)),
            Lane::Service(role) => f.pad(role.name()),
            Lane::Client(i) => f.pad(&format!("c{}", u16::from(*i) + 1)),
            Lane::Network => f.pad("net"),
        }
    }
}

/// One thing that happened. Events that share a `step` belong to one handler call: its cause first, then its effects in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Number of the step in the run, from 1.
    pub step: u64,
    /// When, in virtual time (the world's, not a node's clock).
    pub at: Time,
    /// On whose lane.
    pub lane: Lane,
    /// What.
    pub what: What,
}

/// The kinds of event; each variant's words name its fields. `text` fields are `Debug` renderings of the exercise's own types.
#[allow(missing_docs)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A node starts for the first time, or (`again`) after a crash, from what it had saved.
    Starts { again: bool, saved: String },
    /// A message arrives. `id` is the number that its `Sends` bears; a repeated message arrives twice under one id.
    Receives { from: Lane, id: u64, text: String },
    /// A timer fires.
    Fires { timer: String },
    /// A client asks a node. `id` numbers the request.
    Asks { to: Lane, id: u64, text: String },
    /// A client's request arrives at its node.
    Takes { from: Lane, id: u64, text: String },
    /// A message leaves.
    Sends { to: Lane, id: u64, text: String },
    /// A node answers a client's request `id`.
    Answers { to: Lane, id: u64, text: String },
    /// The answer to request `id` arrives at the client.
    Gets { from: Lane, id: u64, text: String },
    /// A client stops waiting for the answer to request `id`.
    GivesUp { id: u64, text: String },
    /// State goes to durable storage.
    Saves { text: String },
    /// A timer is set to fire `after_us` microseconds from now, by the node's own clock.
    Sets { timer: String, after_us: u64 },
    /// A timer is cancelled.
    Cancels { timer: String },
    /// The node drew a number from its dice (`cx.random`), between these two or one of them. It stands before the effects of its step.
    Draws { number: u64, from: u64, to: u64 },
    /// The node's author left a note (`cx.note`).
    Notes { text: String },
    /// What the node printed while it handled this step.
    Prints { text: String },
    /// Here a lease begins for this node, or runs on: what it has promised to another, or what it may take to be its own. Its end is where the
    /// node's own clock has it, given in the world's time.
    Holds { name: String, promised: bool, from_us: u64, until_us: u64 },
    /// A lease was given back: it is over for this node.
    Ends { name: String },
    /// The node's state after the step.
    State { text: String },
    /// Message `id` to `to` is lost on its way.
    Loses { to: Lane, id: u64 },
    /// Message `id` to `to` will arrive twice.
    Repeats { to: Lane, id: u64 },
    /// A node crashes. If it crashed in the middle of a handler: `done` of its `of` effects had happened.
    Crashes { done: u32, of: u32, for_good: bool },
    /// A node stops running for a while (a long garbage collection), its memory intact.
    Pauses { for_us: u64 },
    /// Some links are cut; the text names the groups.
    Splits { text: String },
    /// All links are whole again.
    Heals,
    /// The hidden tests call the learner's code directly: an exercise without a network.
    Calls { text: String },
    /// What that call gave.
    Gives { text: String },
    /// How much of something there was over time, as the hidden tests measured it.
    Plots(Plot),
    /// Steps that are not shown here: the `cycle` steps before this once more, and that `times` times; or if `cycle` is 0,
    /// steps that lead up to what follows.
    Folds { steps: u64, cycle: u64, times: u64 },
    /// A rule is broken here.
    Breaks { rule: String, seen: String },
}

/// A recorded run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The events, in the order in which they happened.
    pub events: Vec<Event>,
    /// How many events were left out because the recording was full. The newest are kept.
    pub dropped: u64,
    /// Where the effects of the learner's nodes stand in their file.
    pub lines: Vec<Lines>,
}

/// Where in a learner's file the effects of one step stand: sends, answers, saves, timers, notes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lines {
    /// Number of the step.
    pub step: u64,
    /// The line of each effect, from 1, in the order in which they were recorded.
    pub effects: Vec<u32>,
}

impl Trace {
    /// The most events that one recording keeps.
    pub const LIMIT: usize = 20_000;

    /// Adds an event; over [`Trace::LIMIT`] the oldest half is dropped and counted.
    pub fn push(&mut self, event: Event) {
        if self.events.len() >= Self::LIMIT {
            self.events.drain(..Self::LIMIT / 2);
            self.dropped += (Self::LIMIT / 2) as u64;
        }
        self.events.push(event);
    }

    /// Where the effects of a step stand in the learner's file, in their order: of the last of several runs.
    #[must_use]
    pub fn lines_of(&self, step: u64) -> &[u32] {
        self.lines.iter().rfind(|lines| lines.step == step).map_or(&[], |lines| &lines.effects)
    }

    /// Notes where the effects of a step stand; of as many steps as there may be events.
    pub fn place(&mut self, step: u64, effects: Vec<u32>) {
        if self.lines.len() >= Self::LIMIT {
            self.lines.drain(..Self::LIMIT / 2);
        }
        self.lines.push(Lines { step, effects });
    }

    /// Number of the last step, 0 of an empty trace.
    #[must_use]
    pub fn last_step(&self) -> u64 {
        self.events.last().map_or(0, |e| e.step)
    }
}
