//! The simulated network: nodes, links, faults, and a loop over virtual time. One seed gives one run, on any machine.
//!
//! * [`node`](Node): what a learner writes, and all that a learner must know;
//! * [`World`]: the event loop, and the levers by which a scripted test moves it by hand;
//! * [`explore`]: every order of what may happen in a small scope, instead of one order a seed;
//! * [`Plan`], [`Fault`]: the nemesis; [`LinkFaults`]: what links do to messages;
//! * [`Spec`], [`Storm`]: what one node may do, and random inputs against one node;
//! * [`Referee`]: what watches a run and plays the clients. Judges implement it; this module knows none of them.
//!
//! Three things watch, each for what the others cannot have: a [`Spec`] sees one node and its clock, and can be copied for a
//! shadow; an [`Invariant`] sees all nodes and no clock, and is hashed, as a part of each explored state; a [`Referee`] sees the
//! world and acts in it. A referee is where the other two are asked in random runs.

mod aside;
mod decision;
mod engine;
mod envelope;
mod explore;
mod fault;
mod ghosts;
mod heap;
mod lease;
mod node;
mod numbers;
mod script;
pub(crate) mod shrink;
pub(crate) mod smaller;
mod spec;
mod step;
mod storm;
#[cfg(test)]
mod tests;
mod trial;
mod weaken;
mod world;

pub use crate::trace::Role;
pub(crate) use aside::Aside;
pub use engine::{LinkFaults, NODES_MAX};
pub use envelope::Envelope;
pub use explore::{Explored, Invariant, NoInvariant, Scope, UNLIMITED, When, explore, explored};
pub use fault::{Allowed, Cuts, Fault, Plan};
pub use ghosts::Ghosts;
pub use lease::Lease;
pub use node::{ClientId, Context, Effect, Factory, Node, NodeId, Observe, Payload, Protocol, Service, State, Ticket, TooManyEffects};
pub use numbers::Numbers;
pub use spec::{Input, Mail, Seen, Setting, Spec, Storm};
pub use step::{Cause, Step};
pub use storm::storm;
pub use trial::trial;
pub use world::{Clients, NoReferee, Referee, Setup, World};
