//! Two processes must agree on the owners: this one, and a second one of the same program.

use super::SAME;
use super::bench::{Bench, Make, named};
use crate::echo;
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::trace::Probe;
use std::sync::OnceLock;

const NODES: [&str; 7] = ["shard-1", "shard-2", "shard-3", "shard-4", "10.0.0.1:7000", "10.0.0.2:7000", "ключ"];
const KEYS: usize = 300;

fn keys() -> impl Iterator<Item = String> {
    (1..=KEYS).map(|i| format!("session:{i}"))
}

fn ring(make: Make, probe: &Probe) -> Bench {
    let mut ring = Bench::of(make, probe, "ring", &NODES).quiet();
    ring.add("heavy", 3);
    ring
}

/// What the second process says: the owner of each key, a line each, as a sentence needs it.
pub(super) fn answer(make: Make, _text: &str) -> String {
    let probe = Probe::default();
    let ring = ring(make, &probe);
    keys().map(|key| named(ring.asked(&key))).collect::<Vec<_>>().join("\n")
}

pub(super) fn add(suite: &mut Suite, make: Make) {
    // Asked once: a failing case is run again to be shown, and each new process may say something else.
    let answer = OnceLock::new();
    suite.vector(SAME, "two processes", move |probe| {
        // This one has heard of them before, in another order.
        let mut order = NODES;
        order.reverse();
        Bench::of(make, probe, "earlier", &order).owner("session:1")?;
        let ring = ring(make, probe);
        match answer.get_or_init(|| echo::ask("owners")) {
            Ok(answer) => compare(&ring, answer),
            // Not the learner's doing; the other cases of this rule still look.
            Err(why) => {
                probe.remark(format!("whether two processes agree was not tested: {why}"));
                Ok(())
            }
        }
    });
}

fn compare(ring: &Bench, answer: &str) -> Check {
    let theirs: Vec<&str> = answer.lines().collect();
    for (i, key) in keys().enumerate() {
        let mine = named(Some(ring.owner(&key)?));
        let other = theirs.get(i).copied().unwrap_or("nothing");
        if mine != other {
            let same = keys().zip(&theirs).filter(|(key, other)| named(ring.asked(key)) == **other).count();
            let seen = format!(
                "the same ring was built in two processes: owner({key:?}) is {mine} in this one and {other} in the other; they agree on {same} of {KEYS} keys"
            );
            return Err(Broken::new(SAME, seen));
        }
    }
    Ok(())
}
