//! Every order of small elections of `raft_election`: three nodes of which two or three time out, and one crash.

use super::safety::Safety;
use super::{MAJORITY, ONE_LEADER, ONE_VOTE};
use crate::exercises::raft_election::{LogEnd, RaftElection};
use crate::sim::{Factory, Scope, explored};
use crate::suite::Suite;
use crate::trace::Probe;

/// States of one scope in the usual check, and in a thorough one.
const STATES: (usize, usize) = (30_000, 1_000_000);

pub(super) fn add(suite: &mut Suite, f: Factory<RaftElection>) {
    let mut scope = |rule, name, firings: [u8; 3], crashes, repeats| {
        suite.exploration(rule, name, move |p: &Probe| {
            let logs = vec![LogEnd { index: 5, term: 3 }; 3];
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
            let scope = Scope { firings: firings.to_vec(), crashes, repeats, states_max, ..Scope::new(logs.clone()) };
            explored(f, &scope, &Safety::new(logs), p)
        });
    };
    scope(MAJORITY, "every order of two elections at once", [1, 1, 0], 0, 1);
    scope(ONE_VOTE, "every order of two elections and a crash", [1, 1, 0], 1, 0);
    scope(ONE_LEADER, "every order of three elections", [2, 1, 0], 0, 0);
}
