//! Exhaustive exploration: every order in which messages may be delivered and timers may fire, with the faults that a
//! small [`Scope`] allows, breadth-first, so that the first counterexample is a shortest one.
//!
//! What makes it fast: everything is interned. A node with its timers and its disk is a number, a message under way is a
//! number, and a handler is called *once* for each pair of a node's state and what comes in; whatever happens again is
//! looked up. A state of the cluster is then a short row of numbers, its fingerprint 64 bits of that row. So what is bought
//! with a learner's slow handler is paid once, not once a state. It rests on handlers being functions of state and input,
//! which is what [`Node`](super::Node) promises; whoever breaks that promise is told so by other rules, and no finding is
//! shown unless it happens again in a [`World`](super::World), with fresh nodes.
//!
//! What is left out, because safety does not need it:
//! * **losses**: a message that is never delivered is as good as lost, and everything that may happen after a loss may
//!   happen without it. The shortest counterexample has none;
//! * **deliveries that change nothing** (same state, no effect, nothing for the invariant): the message stays under way;
//! * **time**: a timer that is set may fire at any moment. A node's clock stands still but for its own timers: when one
//!   fires it is as late as the timer was due. Clocks are part of a state only if a node ever reads them;
//! * **dice**: [`Context::random`](super::Context::random) starts the same stream anew at each call of a handler. So all
//!   states that are found are real (some dice fall like that), not all real ones are found, and two orders that lead to
//!   the same state do not count as two because different numbers were drawn on the way. What random timeouts are for,
//!   their order, is explored anyway. Where nodes draw numbers that must differ, such dice would be loaded: there each
//!   node's stream goes on, and is a part of its state ([`Scope::dice_go_on`]).
//!
//! A timer whose firing nobody can see (nothing sent, saved or answered) fires again at once, up to [`QUIET_MAX`] times:
//! a node that counts ticks acts within a few of the scope's firings, as one does that sets a timer for the whole span.
//!
//! This module knows no exercise: what must hold is an [`Invariant`].

mod search;
mod seen;
mod show;
mod space;
#[cfg(test)]
mod tests;

use super::decision::Decision;
use super::node::{ClientId, Factory, NodeId, Protocol, Ticket};
use super::referee::{Cause, Step};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::time::Time;
use crate::trace::{Extent, Probe};
use std::fmt;
use std::hash::Hash;

/// As many firings of a node's timers as it likes: only for nodes that set no timer for ever.
pub const UNLIMITED: u8 = 15;
/// The most nodes of a scope.
pub const EXPLORED_NODES_MAX: usize = 8;
/// The most requests of a scope.
pub const REQUESTS_MAX: usize = 16;
/// How often a timer fires in a row while nobody can see it.
const QUIET_MAX: usize = 100;

/// How far an exploration goes.
#[derive(Clone, Debug)]
pub struct Scope<P: Protocol> {
    /// One node for each, at most `EXPLORED_NODES_MAX`. All are started at once, at the start.
    pub configs: Vec<P::Config>,
    /// What each node finds on its disk at the first start.
    pub saved: Vec<Option<P::Durable>>,
    /// How often each node's timers may fire, all of them together: at most 14, or [`UNLIMITED`].
    pub firings: Vec<u8>,
    /// How many messages may be delivered once more.
    pub repeats: u8,
    /// How many crashes there may be, between two handler calls or two effects. Whoever is down may start again.
    pub crashes: u8,
    /// What clients ask, of whom; at most `REQUESTS_MAX`. A request arrives as it is made and its answer as it is given,
    /// which leaves a history the least room; a client makes its next request once the last one was answered.
    pub requests: Vec<(ClientId, NodeId, P::Request)>,
    /// Whether a delivery that changes nothing but that the message is gone leads to a state of its own. Only for
    /// comparing with explorers that do not prune.
    pub keep_idle: bool,
    /// Whether a node's dice go on from call to call, instead of starting anew at each.
    pub dice_go_on: bool,
    /// The most states.
    pub states_max: usize,
    /// The most steps from the start.
    pub depth_max: u32,
}

impl<P: Protocol> Scope<P> {
    /// Nodes with these configurations and empty disks; no timer fires, nothing goes wrong, nobody asks.
    #[must_use]
    pub fn new(configs: Vec<P::Config>) -> Self {
        let n = configs.len();
        Scope {
            configs,
            saved: vec![None; n],
            firings: vec![0; n],
            repeats: 0,
            crashes: 0,
            requests: Vec::new(),
            keep_idle: false,
            dice_go_on: false,
            states_max: 1_000_000,
            depth_max: u32::MAX,
        }
    }
}

/// A moment of the run that is shown; the start of time while states are explored.
#[derive(Clone, Copy, Debug, Default)]
pub struct When {
    /// The time.
    pub at: Time,
    /// The number of the step.
    pub step: u64,
}

/// What must hold in every state, with the history it needs to know: a part of the state. Two histories that say the same
/// about the rest of every run should have the same hash; the less it tells apart, the fewer states there are. Numbers of
/// steps and messages mean nothing in it: they are those of the run that is shown in the end.
pub trait Invariant<P: Protocol>: Clone + Hash {
    /// Only this rule is looked for, before the start. States in which another one is broken are not looked beyond, so an
    /// invariant that need not watch others for this one should leave them out.
    fn seek(&mut self, rule: &'static str) {
        let _ = rule;
    }

    /// A client's request leaves, and arrives.
    fn asked(&mut self, when: When, to: NodeId, ticket: Ticket, request: &P::Request) {
        let _ = (when, to, ticket, request);
    }

    /// A node's handler is about to run.
    ///
    /// # Errors
    /// The rule that is broken.
    fn cause(&mut self, node: NodeId, cause: Cause<'_, P>) -> Check {
        let _ = (node, cause);
        Ok(())
    }

    /// It has run.
    ///
    /// # Errors
    /// The rule that is broken.
    fn step(&mut self, step: &Step<'_, P>) -> Check {
        let _ = step;
        Ok(())
    }

    /// An answer was given, and has reached its client.
    ///
    /// # Errors
    /// The rule that is broken.
    fn response(&mut self, when: When, from: NodeId, ticket: Ticket, response: &P::Response) -> Check {
        let _ = (when, from, ticket, response);
        Ok(())
    }
}

/// Holds always.
#[derive(Clone, Debug, Hash)]
pub struct NoInvariant;
impl<P: Protocol> Invariant<P> for NoInvariant {}

/// What an exploration has covered, and found.
#[derive(Clone, Debug)]
pub struct Explored<P: Protocol> {
    /// Different states.
    pub states: u64,
    /// States that were reached, each as often as it was.
    pub generated: u64,
    /// Steps from the start to the farthest state.
    pub depth: u32,
    /// Whether every state within the scope was reached.
    pub complete: bool,
    /// The rule that is broken in fewest steps.
    pub broken: Option<Broken>,
    /// Those steps.
    pub(crate) path: Vec<Decision<P>>,
}

impl<P: Protocol> Explored<P> {
    /// How many decisions lead to the broken rule.
    #[must_use]
    pub fn path_length(&self) -> usize {
        self.path.len()
    }

    /// How far it went.
    #[must_use]
    pub fn extent(&self) -> Extent {
        Extent { states: self.states, depth: self.depth, complete: self.complete }
    }
}

impl<P: Protocol> fmt::Display for Explored<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.broken {
            Some(broken) => write!(f, "{} is broken after {} steps, {} states", broken.rule, self.depth, self.states),
            None => self.extent().fmt(f),
        }
    }
}

/// A node's dice, as they lie at the start of each call of a handler.
pub(in crate::sim) fn dice(node: NodeId) -> Rng {
    Rng::stream(0, 100 + node.index() as u64)
}

/// Explores a scope, as far as its limits let it.
///
/// # Panics
/// If the learner's code panics: in the run that leads there, so that it stands on the probe's tape. Also if the scope has
/// more nodes or requests than it may.
#[must_use]
pub fn explore<P: Protocol, G: Invariant<P>>(factory: Factory<P>, scope: &Scope<P>, invariant: &G, probe: &Probe) -> Explored<P> {
    search::explore(factory, scope, invariant, probe)
}

/// Explores a scope for a judge: tells the probe what was covered, and makes what was found happen in a world, on the tape
/// if there is one. Looks for what the probe seeks alone, if it seeks something.
///
/// # Errors
/// The rule that is broken.
pub fn explored<P: Protocol, G: Invariant<P>>(factory: Factory<P>, scope: &Scope<P>, invariant: &G, probe: &Probe) -> Check {
    let (mut scope, mut invariant) = (scope.clone(), invariant.clone());
    if let Some(sought) = probe.sought {
        invariant.seek(sought.rule);
        // Every move is a step at least.
        scope.depth_max = scope.depth_max.min(u32::try_from(sought.steps_below.saturating_sub(1)).unwrap_or(u32::MAX));
        scope.states_max = scope.states_max.min(sought.states_max);
    }
    let (scope, invariant) = (&scope, &invariant);
    let explored = explore(factory, scope, invariant, probe);
    probe.explored(explored.extent());
    probe.count("states explored", explored.states);
    probe.count(if explored.complete { "scopes explored to the end" } else { "scopes explored in part" }, 1);
    match &explored.broken {
        None => Ok(()),
        Some(broken) => show::happens(factory, scope, invariant, &explored.path, broken.rule, probe),
    }
}
