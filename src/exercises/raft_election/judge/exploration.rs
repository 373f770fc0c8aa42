//! Every order of small elections of `raft_election`: what a few timeouts, a crash and a repeated message can do.

use super::safety::Safety;
use super::{HIGHER, LOWER, MAJORITY, ONE_LEADER, ONE_VOTE, TERMS, UP_TO_DATE};
use crate::exercises::raft_election::{LogEnd, RaftElection};
use crate::sim::{Factory, Scope, explored};
use crate::suite::Suite;
use crate::trace::Probe;

/// States of one scope in the usual check, and in a thorough one: that is to the end of all four, for the reference.
const STATES: (usize, usize) = (20_000, 1_000_000);

const ALIKE: LogEnd = LogEnd { index: 5, term: 3 };
const SHORTER: LogEnd = LogEnd { index: 4, term: 3 };
const LONGER_BUT_OLDER: LogEnd = LogEnd { index: 7, term: 2 };

pub(super) fn add(suite: &mut Suite, f: Factory<RaftElection>) {
    suite.explored = &[UP_TO_DATE, ONE_VOTE, TERMS, MAJORITY, HIGHER, LOWER, ONE_LEADER];
    let mut scope = |rule, name, logs: &'static [LogEnd], firings: &'static [u8], repeats, crashes| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
            let scope = Scope { firings: firings.to_vec(), crashes, repeats, states_max, ..Scope::new(logs.to_vec()) };
            explored(f, &scope, &Safety::new(logs.to_vec()), p)
        });
    };
    scope(UP_TO_DATE, "every order of two elections, with logs that differ", &[ALIKE, LONGER_BUT_OLDER, SHORTER], &[1, 1, 0], 0, 0);
    // An even cluster, in which half is not enough; and votes of one term, or one voter, that must not be counted twice.
    scope(MAJORITY, "every order of two elections of one node among four", &[ALIKE; 4], &[2, 0, 0, 0], 1, 0);
    scope(ONE_VOTE, "every order of two elections and a crash", &[ALIKE; 3], &[1, 1, 0], 0, 1);
    scope(ONE_LEADER, "every order of three elections of two nodes", &[ALIKE; 3], &[2, 1, 0], 0, 0);
}
