//! Every order of two writes and a failover between them.

use super::rules::{ACKED, PREFIX, TRUTH};
use super::safety::Safety;
use super::{arbiter, configs};
use crate::exercises::kit::{N1, N2};
use crate::exercises::primary_replica::{PrimaryReplica, Request};
use crate::sim::{ClientId, Factory, Scope, explored};
use crate::suite::Suite;
use crate::trace::Probe;

/// States of one scope in the usual check, and in a thorough one.
const STATES: (usize, usize) = (8_000, 1_000_000);

pub(super) fn add(suite: &mut Suite, f: Factory<PrimaryReplica>) {
    suite.explored = &[ACKED, PREFIX, TRUTH];
    let mut scope = |rule, name, nodes: usize, crashes| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
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
    scope(ACKED, "every order of two writes and a failover, with two nodes", 2, 0);
    scope(TRUTH, "every order of two writes and a failover, with two nodes and a crash", 2, 1);
    scope(ACKED, "every order of two writes and a failover, with three nodes", 3, 0);
}
