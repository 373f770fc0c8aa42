//! Every order of one transfer between two participants, with crashes of each of the three nodes.

use super::safety::Safety;
use super::{ATOMIC, CHANGES, NEEDS, ONCE, SAVED, YES, config, transfer};
use crate::exercises::kit::N1;
use crate::exercises::two_phase_commit::TwoPhaseCommit;
use crate::sim::{ClientId, Factory, Scope, explored};
use crate::suite::Suite;
use crate::trace::Probe;

/// States of one scope in the usual check, and in a thorough one.
const STATES: (usize, usize) = (8_000, 1_000_000);

pub(super) fn add(suite: &mut Suite, f: Factory<TwoPhaseCommit>) {
    suite.explored = &[ATOMIC, NEEDS, YES, SAVED, CHANGES, ONCE];
    let mut scope = |rule, name, firings: &'static [u8], repeats, crashes| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { STATES.1 } else { STATES.0 };
            let requests = vec![(ClientId::from_index(0), N1, transfer())];
            let new = Scope::new(vec![config(); 3]);
            let scope = Scope { firings: firings.to_vec(), repeats, crashes, requests, dice_go_on: true, states_max, ..new };
            explored(f, &scope, &Safety::new(N1, config().opening), p)
        });
    };
    scope(ATOMIC, "every order of a transfer, with one crash of each node", &[1, 1, 1], 0, 3);
    scope(ONCE, "every order of a transfer, with a crash and a message that comes twice", &[1, 1, 1], 1, 1);
}
