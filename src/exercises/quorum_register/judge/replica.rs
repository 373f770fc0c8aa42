//! Vectors of `quorum_register` for the replica's half: one node, exact messages in, what it holds and acknowledges.

use super::script::{held, holds_now, net, store};
use super::{ENDS, KEEPS};
use crate::exercises::kit::rows;
use crate::exercises::quorum_register::{Held, QuorumRegister};
use crate::sim::Factory;
use crate::suite::Suite;

/// The Stores that n1 receives one after the other, and which of them it must hold then.
const ORDERS: [(&str, (&[Held], usize)); 6] = [
    ("a newer value replaces an older one", (&[held(1, 2, 10), held(2, 2, 20)], 1)),
    ("an older value after a newer one", (&[held(2, 2, 20), held(1, 3, 10)], 0)),
    ("equal numbers: the larger writer, arriving last", (&[held(1, 1, 10), held(1, 2, 20)], 1)),
    ("equal numbers: the larger writer, arriving first", (&[held(1, 2, 20), held(1, 1, 10)], 0)),
    ("the number counts before the writer", (&[held(1, 3, 30), held(2, 1, 20), held(1, 3, 30)], 1)),
    ("the timestamp counts, not the value", (&[held(1, 2, 90), held(2, 2, 20), held(3, 1, 7)], 2)),
];

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(ENDS, "a replica acknowledges a Store and answers a Query", move |p| {
        let mut s = net(f, p, 3, 1)?;
        holds_now(&mut s, KEEPS, Held::INITIAL)?;
        store(&mut s, held(1, 2, 10))?;
        holds_now(&mut s, KEEPS, held(1, 2, 10))
    });
    rows(suite, KEEPS, ORDERS, move |p, (stores, newest)| {
        let mut s = net(f, p, 3, 1)?;
        stores.iter().try_for_each(|held| store(&mut s, *held))?;
        holds_now(&mut s, KEEPS, stores[*newest])
    });
    suite.vector(ENDS, "a superseded or repeated Store is acknowledged", move |p| {
        let mut s = net(f, p, 3, 1)?;
        [held(2, 2, 20), held(1, 3, 10), held(2, 2, 20)].into_iter().try_for_each(|held| store(&mut s, held))
    });
}
