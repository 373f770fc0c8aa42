//! A specification: what one node may do, written as a ghost of it that is kept from what others can observe.
//!
//! A ghost knows what came in, what was saved, sent and answered, in which order, what a crash cut off, and what the node
//! lets be seen. For each step it says whether the reaction is allowed; for each moment, whether something is overdue. It
//! never looks at how the node is made, so every way of writing it right is allowed.
//!
//! The same ghost watches in a [storm](super::storm), where it also draws what comes in; in a script; and, one for each
//! node ([`Ghosts`](super::Ghosts)), in the swarm.

use super::node::{ClientId, Effect, NodeId, Protocol, Ticket};
use super::step::Cause;
use crate::rng::Rng;
use crate::rule::{Check, Coverage};
use crate::time::Time;
use std::time::Duration;

/// One step of a node, whole: what it was called for and what it did.
pub struct Seen<'a, P: Protocol> {
    /// Number of the step in the run, for marks.
    pub number: u64,
    /// What the node's own clock said.
    pub now: Time,
    /// Why its handler ran. A crash between two calls is no step of its own: the next one is a restart.
    pub cause: Cause<'a, P>,
    /// The effects that happened, in order: all, or if it crashed those before the crash.
    pub effects: &'a [Effect<P>],
    /// Whether it crashed after these effects.
    pub crashed: bool,
    /// What it lets be seen after the step; `None` if it crashed.
    pub view: Option<&'a P::View>,
}

impl<'a, P: Protocol> Seen<'a, P> {
    /// The messages sent, in order: to whom, what.
    pub fn sent(&self) -> impl Iterator<Item = (NodeId, &'a P::Message)> + use<'a, P> {
        self.effects.iter().filter_map(|e| if let Effect::Send { to, message } = e { Some((*to, message)) } else { None })
    }

    /// The answers given, in order.
    pub fn replies(&self) -> impl Iterator<Item = (Ticket, &'a P::Response)> + use<'a, P> {
        self.effects.iter().filter_map(|e| if let Effect::Reply { ticket, response } = e { Some((*ticket, response)) } else { None })
    }

    /// What was saved, in order.
    pub fn saves(&self) -> impl Iterator<Item = &'a P::Durable> + use<'a, P> {
        self.effects.iter().filter_map(|e| if let Effect::Save(durable) = e { Some(durable) } else { None })
    }

    /// Whether it is a start, the first or after a crash.
    #[must_use]
    pub fn is_start(&self) -> bool {
        matches!(self.cause, Cause::Start { .. })
    }

    /// The message that came in, and from whom.
    #[must_use]
    pub fn message(&self) -> Option<(NodeId, &'a P::Message)> {
        if let Cause::Message { from, message, .. } = self.cause { Some((from, message)) } else { None }
    }

    /// The request that came in.
    #[must_use]
    pub fn request(&self) -> Option<(Ticket, &'a P::Request)> {
        if let Cause::Request { ticket, request } = self.cause { Some((ticket, request)) } else { None }
    }
}

/// The ghost of one node: what it may do, and what it must have done by when.
pub trait Spec<P: Protocol>: Clone + 'static {
    /// The node made a step. Is that allowed, after all that was seen before?
    ///
    /// # Errors
    /// The rule that is broken.
    fn step(&mut self, seen: &Seen<'_, P>) -> Check;

    /// The node is up and its clock says `now`; nothing has come in since the last step. Is anything overdue? Deadlines of
    /// behaviour, never "a timer is set", and with the slack that counting ticks needs.
    ///
    /// # Errors
    /// The rule that is broken.
    fn time(&mut self, now: Time) -> Check {
        let _ = now;
        Ok(())
    }

    /// The node stood still for so long and runs on now; its timers of that time fire next. What fell due meanwhile it may do now, and
    /// what is due is due that much later, as nobody can count the ticks that it slept through. Asked where
    /// [`Setting::stalls_ms`] says so.
    fn resumes(&mut self, now: Time, after: Duration) {
        let _ = (now, after);
    }
}

/// What can come in from outside.
#[derive(Clone, Debug)]
pub enum Input<P: Protocol> {
    /// A message of a peer.
    Message(NodeId, P::Message),
    /// A client's request.
    Request(ClientId, P::Request),
}

/// What becomes of mail between the node of a storm and the services of its exercise, which run beside it, if they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    /// They do not run: the ghost says what they say.
    Unread,
    /// It arrives, at once or later, in any order.
    Sure,
    /// Some of it twice, some never. At the end, when the node is left in peace, all arrives.
    Faulty,
}

/// The node of a storm, and its surroundings.
#[derive(Clone, Debug)]
pub struct Setting<P: Protocol> {
    /// How many nodes there are, with the one that is tried. The others are whatever the ghost says they say.
    pub nodes: usize,
    /// Which one is tried.
    pub me: NodeId,
    /// What it is told when it is made.
    pub config: P::Config,
    /// What it finds on its disk at the first start: only what the protocol can leave there.
    pub saved: Option<P::Durable>,
    /// How far its clock is ahead, in microseconds.
    pub clock_ahead_us: u64,
    /// How much faster its clock runs, in millionths.
    pub drift_ppm: i32,
    /// Spans of which one is drawn to wait between inputs, each from nothing to the whole, in milliseconds.
    pub waits_ms: &'static [u64],
    /// Whether a wait lasts as long as was drawn, and no less.
    pub whole: bool,
    /// When the last wait ends at the latest, in milliseconds: a node that ticks every 10 ms has then made 90,000 steps.
    pub waits_until_ms: u64,
    /// How often something comes in while time passes, in milliseconds; 0 for never. What each input puts off never happens then.
    pub steady_ms: u64,
    /// How long the node stands still at most in place of a wait, in milliseconds; 0 for never. Its ghost says in [`Spec::resumes`] what that puts off.
    pub stalls_ms: u64,
    /// What becomes of mail between the node and the services.
    pub mail: Mail,
    /// Whether it crashes. Where nodes do not, a message comes in in the place of a crash.
    pub crashes: bool,
    /// How long it is left in peace at the end, so that all that is owed falls due, in milliseconds.
    pub rest_ms: u64,
}

impl<P: Protocol> Setting<P> {
    /// Node `me` of `nodes`, with an empty disk, a true clock, and spans for a protocol of a few hundred milliseconds.
    #[must_use]
    pub fn new(nodes: usize, me: NodeId, config: P::Config) -> Self {
        Setting {
            nodes,
            me,
            config,
            saved: None,
            clock_ahead_us: 0,
            drift_ppm: 0,
            waits_ms: &[2, 20, 60, 60, 200],
            whole: false,
            waits_until_ms: 900_000,
            steady_ms: 0,
            stalls_ms: 0,
            mail: Mail::Unread,
            crashes: true,
            rest_ms: 400,
        }
    }

    /// The other nodes.
    #[must_use]
    pub fn peers(&self) -> Vec<NodeId> {
        (0..self.nodes).map(NodeId::from_index).filter(|node| *node != self.me).collect()
    }
}

/// A ghost that also knows what its surroundings could say: what a storm is made of.
pub trait Storm<P: Protocol>: Spec<P> {
    /// A ghost for a new storm, and the node that it is the ghost of: small and wild.
    fn setting(rng: &mut Rng) -> (Self, Setting<P>);

    /// What correct peers and clients could say now, drawn near what the ghost knows, and wild in every field that the
    /// contract leaves to others. `None` if nothing of the kind that was drawn is possible.
    fn input(&mut self, rng: &mut Rng) -> Option<Input<P>>;

    /// Whether the last step promised something that a restart could betray (a vote, an acknowledgement, a token).
    fn promised(&self) -> bool {
        false
    }

    /// What a node would betray that has forgotten its promise, asked of one that has just restarted.
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<P>> {
        self.input(rng)
    }

    /// Whether it is to be left in peace at the end, because something is owed that may still come.
    fn owes(&self) -> bool {
        true
    }

    /// Adds what this storm has met.
    fn tally(&self, coverage: &mut Coverage) {
        let _ = coverage;
    }
}
