//! The simulated network: nodes, links, faults, and a loop over virtual time. One seed gives one run, on any machine.
//!
//! * [`node`](Node): what a learner writes, and all that a learner must know;
//! * [`World`]: the event loop, and the levers by which a scripted test moves it by hand;
//! * [`explore`]: every order of what may happen in a small scope, instead of one order a seed;
//! * [`Plan`], [`Fault`]: the nemesis; [`LinkFaults`]: what links do to messages;
//! * [`Spec`], [`Storm`]: what one node may do, and random inputs against one node;
//! * [`Referee`]: what watches a run and plays the clients. Judges implement it; this module knows none of them.

mod calmer;
mod decision;
mod engine;
mod explore;
mod fault;
mod heap;
mod node;
mod numbers;
mod referee;
mod script;
mod shrink;
mod spec;
mod storm;
mod trial;
mod world;

pub use engine::{LinkFaults, NODES_MAX};
pub use explore::{Explored, Invariant, NoInvariant, Scope, UNLIMITED, When, explore, explored};
pub use fault::{Allowed, Cuts, Fault, Plan};
pub use node::{ClientId, Context, Effect, Factory, Node, NodeId, Observe, Payload, Protocol, State, Ticket, TooManyEffects};
pub use numbers::Numbers;
pub use referee::{Cause, Clients, NoReferee, Referee, Step};
pub use script::Letter;
pub use spec::{Ghosts, Input, Seen, Setting, Spec, Storm};
pub use storm::storm;
pub use trial::trial;
pub use world::{Setup, World};
