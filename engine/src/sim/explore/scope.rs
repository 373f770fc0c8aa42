//! What is explored, and how far it went.

use crate::rule::Broken;
use crate::sim::decision::Decision;
use crate::sim::node::{ClientId, NodeId, Protocol};
use crate::trace::Extent;
use std::fmt;

/// As many firings of a node's timers as it likes: only for nodes that set no timer for ever.
pub const UNLIMITED: u8 = 15;
/// The most nodes of a scope.
pub const EXPLORED_NODES_MAX: usize = 8;
/// The most requests of a scope.
pub const REQUESTS_MAX: usize = 16;
/// How often a timer fires in a row while nobody can see it.
pub(super) const QUIET_MAX: usize = 100;

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
    /// How many crashes there may be, between two handler calls or two effects. Whoever is down may start again. Services are spared.
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
