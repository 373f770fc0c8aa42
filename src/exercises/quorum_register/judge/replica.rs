//! Vectors of `quorum_register` for the replica's half: one node, exact messages in, what it holds and acknowledges.

use super::script::{held, holds_now, net, store, text};
use super::{ENDS, KEEPS};
use crate::exercises::quorum_register::{Held, QuorumRegister};
use crate::rule::Broken;
use crate::sim::Factory;
use crate::suite::Suite;

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(ENDS, "a replica acknowledges a Store and answers a Query", move |p| {
        let mut w = net(f, p, 3, 1)?;
        holds_now(&mut w, KEEPS, Held::INITIAL, "nothing was ever written")?;
        if !store(&mut w, held(1, 2, 10))? {
            return Err(Broken::new(ENDS, "n2 sent n1 Store(1.n2 = 10), and n1 did not answer Stored under that number within 20 ms"));
        }
        holds_now(&mut w, KEEPS, held(1, 2, 10), "n1 received Store(1.n2 = 10)")
    });
    // In each line the Stores that n1 receives one after the other, and which of them it must hold then.
    const ORDERS: [(&str, &[Held], usize); 6] = [
        ("a newer value replaces an older one", &[held(1, 2, 10), held(2, 2, 20)], 1),
        ("an older value after a newer one", &[held(2, 2, 20), held(1, 3, 10)], 0),
        ("equal numbers: the larger writer, arriving last", &[held(1, 1, 10), held(1, 2, 20)], 1),
        ("equal numbers: the larger writer, arriving first", &[held(1, 2, 20), held(1, 1, 10)], 0),
        ("the number counts before the writer", &[held(1, 3, 30), held(2, 1, 20), held(1, 3, 30)], 1),
        ("the timestamp counts, not the value", &[held(1, 2, 90), held(2, 2, 20), held(3, 1, 7)], 2),
    ];
    for (name, stores, newest) in ORDERS {
        suite.vector(KEEPS, name, move |p| {
            let mut w = net(f, p, 3, 1)?;
            let mut told = Vec::new();
            for held in stores {
                store(&mut w, *held)?;
                told.push(text(*held));
            }
            holds_now(&mut w, KEEPS, stores[newest], &format!("n1 received Stores of {}", told.join(", then ")))
        });
    }
    suite.vector(ENDS, "a superseded or repeated Store is acknowledged", move |p| {
        let mut w = net(f, p, 3, 1)?;
        store(&mut w, held(2, 2, 20))?;
        for (again, what) in [(held(1, 3, 10), "the older Store(1.n3 = 10)"), (held(2, 2, 20), "Store(2.n2 = 20) once more")] {
            if !store(&mut w, again)? {
                let seen = format!(
                    "n1 held 2.n2 = 20 and received {what}: it holds this or something newer, but did not answer Stored within 20 ms; \
                     a coordinator that needs it waits for ever"
                );
                return Err(Broken::new(ENDS, seen).at([w.steps()]));
            }
        }
        Ok(())
    });
}
