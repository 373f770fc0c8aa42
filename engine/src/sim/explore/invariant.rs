//! What must hold in every state of an exploration.

use crate::rule::Check;
use crate::sim::node::{NodeId, Protocol, Ticket};
use crate::sim::step::{Cause, Step};
use crate::time::Time;
use std::hash::Hash;

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
