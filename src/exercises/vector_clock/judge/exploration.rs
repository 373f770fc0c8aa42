//! Every order in which a few posts can arrive.

use super::spec::Ghost;
use super::{ALL, ANSWERS, CAUSALLY, CLOCKS, HELD, ONCE, OWN};
use crate::exercises::vector_clock::{Config, Request, VectorClock};
use crate::rule::Check;
use crate::sim::{Cause, ClientId, Factory, Ghosts, Invariant, NodeId, Scope, Step, explored};
use crate::suite::Suite;
use crate::time::Time;
use crate::trace::Probe;
use std::hash::{Hash, Hasher};

/// Each client asks its own node for so many posts.
type Posts = &'static [usize];

pub(super) fn add(suite: &mut Suite, f: Factory<VectorClock>) {
    suite.explored = &[CLOCKS, CAUSALLY, ONCE, ALL, HELD, OWN, ANSWERS];
    let mut scope = |rule, name, posts: Posts, repeats, states_max| {
        suite.exploration(rule, name, move |p: &Probe| {
            let of = |(i, n): (usize, &usize)| vec![(ClientId::from_index(i), NodeId::from_index(i), Request::Post); *n];
            let requests = posts.iter().enumerate().flat_map(of).collect();
            let states_max = if p.thorough { 1_000_000 } else { states_max };
            let scope = Scope { requests, repeats, states_max, ..Scope::new(vec![Config::default(); posts.len()]) };
            explored(f, &scope, &Feeds::new(posts.len()), p)
        });
    };
    scope(CAUSALLY, "every order of three posts of three nodes", &[1, 1, 1], 0, 20_000);
    scope(ONCE, "every order of two posts of one node and one of another, one of which arrives twice", &[2, 1, 0], 1, 20_000);
}

/// The feeds of all nodes, each watched by its ghost.
#[derive(Clone)]
struct Feeds {
    ghosts: Ghosts<VectorClock, Ghost>,
    nodes: usize,
}

impl Feeds {
    fn new(nodes: usize) -> Self {
        let ghosts = Ghosts::new((0..nodes).map(|i| Ghost::new(NodeId::from_index(i), vec![0; nodes])));
        Feeds { ghosts, nodes }
    }
}

impl Hash for Feeds {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (0..self.nodes).for_each(|i| self.ghosts.seen(NodeId::from_index(i)).hash(state));
    }
}

impl Invariant<VectorClock> for Feeds {
    fn cause(&mut self, node: NodeId, cause: Cause<'_, VectorClock>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, VectorClock>) -> Check {
        self.ghosts.step_at(step, Time::ZERO)
    }
}
