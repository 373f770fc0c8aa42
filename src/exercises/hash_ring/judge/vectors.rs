//! What storms would say less plainly, or by another rule's name: an empty ring, a ring of one, the same question again, and
//! nodes whose names begin alike.

use super::bench::{Bench, Make, agree};
use super::statistics::moved_only;
use super::{MEMBERS, MOVES, OWNED, REPLICAS, SAME, names};
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::trace::Probe;

fn users(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("user:{i}")).collect()
}

pub(super) fn add(suite: &mut Suite, make: Make) {
    suite.vector(OWNED, "an empty ring", move |p| {
        let ring = Bench::new(make, p, "ring");
        match ring.asked("user:1") {
            None => Ok(()),
            Some(node) => Err(Broken::new(OWNED, format!("a new ring: owner(\"user:1\") should be None, but is {node:?}"))),
        }
    });
    suite.vector(OWNED, "one node owns every key", move |p| {
        let ring = Bench::of(make, p, "ring", &["alone"]).quiet();
        ring.owners(&users(3_000)).map(drop)
    });
    suite.vector(SAME, "the same question three times", move |p| {
        // A prime number of keys, so that no cycle of answers hides in it.
        let (ring, keys) = (Bench::of(make, p, "ring", &names::ALIKE[..5]), users(31));
        let first = ring.owners(&keys)?;
        for _ in 0..2 {
            let again = ring.owners(&keys)?;
            if let Some(i) = (0..keys.len()).find(|i| first[*i] != again[*i]) {
                let (key, one, other) = (&keys[i], &first[i], &again[i]);
                let seen = format!("owner({key:?}) was asked again, with no change between: first {one:?}, then {other:?}");
                return Err(Broken::new(SAME, seen));
            }
        }
        Ok(())
    });
    suite.vector(SAME, "others came and went", move |p| {
        let fresh = Bench::of(make, p, "fresh", &names::ALIKE[..5]).quiet();
        let mut old = Bench::of(make, p, "old", &["node-9", "n", "node-8", "n111"]).quiet();
        ["node-8", "n", "node-9", "node-7"].iter().for_each(|node| old.remove(node));
        ["n11", "n1", "n2", "n", "n11"].iter().zip([2, 1, 1, 1, 1]).for_each(|(node, weight)| old.add(node, weight));
        agree(&fresh, &old, &users(1_000), "`fresh` got its members at once, `old` after joins, leaves and changed weights")
    });
    suite.vector(SAME, "weights that changed among forty nodes", move |p| {
        let named: Vec<String> =
            (1..=39).map(|i| format!("n{i}")).chain(["a-node-whose-name-is-longer-than-most-are".to_owned()]).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        let (fresh, mut old) = (Bench::of(make, p, "fresh", &named).quiet(), Bench::of(make, p, "old", &named).quiet());
        for node in ["n7", "n39", named[39]] {
            old.add(node, 4);
            old.add(node, 1);
        }
        agree(&fresh, &old, &users(500), "in `old`, three of forty nodes had weight 4 for a while, and have 1 again")
    });
    suite.vector(MEMBERS, "a node leaves that was never there", move |p| {
        let mut ring = Bench::of(make, p, "ring", &["n1", "n2"]);
        ring.remove("n3");
        users(20).iter().try_for_each(|key| ring.owner(key).map(drop))
    });
    suite.vector(MOVES, "nodes leave whose names begin alike", move |p| leave_in_turn(make, p));
    suite.vector(REPLICAS, "an empty ring has no replicas", move |p| {
        let ring = Bench::new(make, p, "ring");
        [0, 1, 3].iter().try_for_each(|k| ring.replicas("user:1", *k).map(drop))
    });
}

/// For last, when weights are known to be followed: a ring that puts too many tokens there takes seconds over this one.
pub(super) fn add_heavy(suite: &mut Suite, make: Make) {
    suite.scenario(REPLICAS, "a light node beside one of weight 100", move |p| {
        // Hundreds of tokens of the heavy node may lie between a key and the next token of the light one.
        let mut ring = Bench::of(make, p, "ring", &["light"]).quiet();
        ring.add("big", 100);
        users(200).iter().try_for_each(|key| ring.replicas(key, 2).map(drop))
    });
}

/// Each node leaves a ring of all of them, and comes back.
fn leave_in_turn(make: Make, probe: &Probe) -> Check {
    let (mut ring, keys) = (Bench::of(make, probe, "ring", &names::ALIKE).quiet(), users(500));
    let whole = ring.owners(&keys)?;
    for node in names::ALIKE {
        ring.remove(node);
        let without = ring.owners(&keys)?;
        moved_only(&ring, &keys, &whole, &without, node, &format!("{node:?} left a ring of 8 nodes"))?;
        ring.add(node, 1);
        let again = ring.owners(&keys)?;
        moved_only(&ring, &keys, &without, &again, node, &format!("{node:?} came back to 7 nodes"))?;
        if let Some(i) = (0..keys.len()).find(|i| whole[*i] != again[*i]) {
            let (key, was, is) = (&keys[i], &whole[i], &again[i]);
            let seen = format!("{node:?} left and came back: {key:?} was {was:?}'s and is now {is:?}'s, with the same members as before");
            return Err(Broken::new(SAME, seen));
        }
    }
    Ok(())
}
