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

mod counterexample;
mod invariant;
mod scope;
mod search;
mod seen;
mod space;
#[cfg(test)]
mod tests;

pub use invariant::{Invariant, NoInvariant, When};
pub use scope::{Explored, Scope, UNLIMITED};

use super::node::{Factory, Protocol};
use crate::rule::Check;
use crate::trace::Probe;

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
        Some(broken) => counterexample::happens(factory, scope, invariant, &explored.path, broken.rule, probe),
    }
}
