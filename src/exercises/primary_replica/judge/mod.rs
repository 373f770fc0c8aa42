//! The hidden tests of `primary_replica`: what one node may do is in `spec`, what shows only between nodes in `safety`, `swarm` and `exploration`;
//! here are examples, traps, and the old primary that does not know, which is shown. The arbiter is a service of ours.

mod arbiter;
mod exploration;
mod rules;
mod safety;
mod spec;
mod swarm;

use super::{BEAT, Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, TAKES};
use crate::exercises::kit::{N1, N2, N3, Script, crash_sweep};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Node, NodeId, Role, Service};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use arbiter::Arbiter;
use rules::{ACKED, BY_K, CATCHES, CLIENT, DIVERGED, LEADS, PREFIX, READS, RULES, SEALED, SHIPS, STOPS, TRUTH};

static SERVICES: [Service<PrimaryReplica>; 1] = [Service::of::<Arbiter>(Role::Arbiter)];

/// Behind so many nodes.
fn arbiter(nodes: usize) -> NodeId {
    NodeId::service(Role::Arbiter, nodes)
}

/// One for each node, and the arbiter's.
fn configs(nodes: usize, acks: usize) -> Vec<Config> {
    vec![Config { arbiter: arbiter(nodes), acks }; nodes + 1]
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<PrimaryReplica>>() -> Suite {
    suite(Factory::of::<N>().with(&SERVICES))
}

fn suite(f: Factory<PrimaryReplica>) -> Suite {
    let mut suite = Suite::new("primary_replica", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    exploration::add(&mut suite, f);
    suite
}
