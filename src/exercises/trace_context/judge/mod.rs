//! The hidden tests of `trace_context`: what a node may do is in `spec`, what shows only between nodes in `swarm`; here are examples and traps, and in
//! `lesson` one request as a waterfall.

mod examples;
mod lesson;
mod rules;
mod spec;
mod swarm;

use super::{Config, TraceContext};
use crate::sim::{Factory, Node, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use rules::{RULES, TREE};

/// The shop of scripts and random runs: each service calls the next two and gives a job to the third; the last node is the collector.
fn shop(node: usize, nodes: usize) -> Config {
    let collector = nodes - 1;
    let next = |range: std::ops::Range<usize>| range.map(|n| node + n).filter(|n| *n < collector).map(NodeId::from_index).collect();
    Config {
        works: millis([3, 5, 8, 2, 4, 0][node]),
        calls: next(1..3),
        jobs: next(3..4),
        collector: NodeId::from_index(collector),
        one_in: 1,
    }
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<TraceContext>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<TraceContext>) -> Suite {
    let mut suite = Suite::new("trace_context", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    examples::add(&mut suite, f);
    suite.scenario(TREE, "a request through four services, as a waterfall", move |p| lesson::shown(f, p));
    suite
}
