//! The hidden tests of `raft_log`: what one node may do is in `spec`, what shows only between nodes in `safety` and `swarm`; here are examples and
//! traps, and Figure 8 of the paper, which is shown.

mod figure8;
mod long;
mod rules;
mod safety;
mod scenarios;
mod spec;
mod swarm;

use super::{RaftLog, Replica};
use crate::sim::Factory;
use crate::suite::Suite;
use rules::{OWN, RULES};

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Replica>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<RaftLog>) -> Suite {
    let mut suite = Suite::new("raft_log", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    scenarios::add(&mut suite, f);
    long::add(&mut suite, f);
    suite.scenario(OWN, "Figure 8 of the paper, with five nodes", move |p| figure8::shown(f, p));
    suite
}
