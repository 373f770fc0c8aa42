//! Every order of two writes and a failover between them.

use super::rules::{ACKED, PREFIX, TRUTH};
use super::safety::Safety;
use super::{arbiter, configs};
use crate::exercises::kit::{N1, N2};
use crate::exercises::primary_replica::{PrimaryReplica, Request};
use crate::sim::{ClientId, Factory, Scope, explored};
use crate::suite::Suite;
use crate::trace::Probe;

/// States of a scope in a thorough check: all that there are.
const ALL: usize = 1_000_000;

pub(super) fn add(suite: &mut Suite, f: Factory<PrimaryReplica>) {
    suite.explored = &[ACKED, PREFIX, TRUTH];
    let mut scope = |rule, name, nodes: usize, crashes, usual| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { ALL } else { usual };
            let client = ClientId::from_index;
            let requests = vec![
                (client(0), N2, Request::Write(7)),
                (client(1), arbiter(nodes), Request::FailOver),
                (client(2), N1, Request::Write(8)),
            ];
            let firings = vec![0; nodes + 1];
            let scope = Scope { firings, crashes, requests, dice_go_on: true, states_max, ..Scope::new(configs(nodes, 1)) };
            explored(f, &scope, &Safety::default(), p)
        });
    };
    // The first to its end, of the others a part.
    scope(ACKED, "every order of two writes and a failover, with two nodes", 2, 0, 13_000);
    scope(PREFIX, "every order of two writes and a failover, with three nodes", 3, 0, 2_000);
    scope(TRUTH, "every order of two writes and a failover, with two nodes and a crash", 2, 1, 4_000);
}
