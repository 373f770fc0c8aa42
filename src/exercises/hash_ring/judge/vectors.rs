//! Vectors of `hash_ring`: owners, members, movement, and the same answers everywhere.

use super::bench::{Bench, Make, agree};
use super::{MEMBERS, MOVES, OWNED, SAME, names};
use crate::check::balance::movement;
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::trace::Probe;
use crate::words::counted;

/// Enough that a gap of one token in 1,280 is met.
const MANY: usize = 3_000;

fn numbered(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("node-{i}")).collect()
}

fn users(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("user:{i}")).collect()
}

/// Between two assignments of the keys only the node that changed may have got or given any.
pub(super) fn moved_only(keys: &[String], before: &[String], after: &[String], changed: &String, story: &str) -> Check {
    let movement = movement(before, after);
    let Some((i, from, to)) = movement.needless(changed) else { return Ok(()) };
    let needed = movement.moved.iter().filter(|(_, from, to)| from == changed || to == changed).count();
    let seen = format!(
        "{story}: key {:?} went from {from:?} to {to:?}, which were both there before and after; of {} keys {} changed hands, and only the {needed} that came from or went to {changed:?} had to",
        keys[*i],
        movement.keys,
        movement.moved.len(),
    );
    Err(Broken::new(MOVES, seen))
}

pub(super) fn add(suite: &mut Suite, make: Make) {
    ownership(suite, make);
    suite.vector(SAME, "the same question three times", move |p| {
        // A prime number of keys, so that no cycle of answers hides in it.
        let (ring, keys) = (Bench::of(make, p, "ring", &numbered(5)), users(31));
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
    movements(suite, make);
    leaving(suite, make);
    sameness(suite, make);
}

fn ownership(suite: &mut Suite, make: Make) {
    suite.vector(OWNED, "an empty ring", move |p| {
        let ring = Bench::new(make, p, "ring");
        match ring.asked("user:1") {
            None => Ok(()),
            Some(node) => Err(Broken::new(OWNED, format!("a new ring: owner(\"user:1\") should be no node's, and is {node:?}"))),
        }
    });
    suite.vector(OWNED, "one node owns every key", move |p| {
        let ring = Bench::of(make, p, "ring", &["alone"]).quiet();
        ring.owners(&users(MANY))?;
        ring.owners(&names::odd_keys(&["alone"])).map(drop)
    });
    suite.vector(OWNED, "ten nodes own every key", move |p| {
        let nodes = numbered(10);
        let ring = Bench::of(make, p, "ring", &nodes).quiet();
        ring.owners(&users(MANY))?;
        ring.owners(&names::odd_keys(&nodes)).map(drop)
    });
    suite.vector(OWNED, "the last node leaves, and one comes back", move |p| {
        let mut ring = Bench::of(make, p, "ring", &["a", "b"]);
        ring.remove("a");
        ring.remove("b");
        if let Some(node) = ring.asked("user:1") {
            return Err(Broken::new(MEMBERS, format!("both nodes have left, and owner(\"user:1\") is {node:?}")));
        }
        ring.add("b", 1);
        ring.owners(&users(20)).map(drop)
    });
}

fn movements(suite: &mut Suite, make: Make) {
    suite.vector(MOVES, "an eleventh node joins ten", move |p| joins(make, p, &numbered(11), 1));
    suite.vector(MOVES, "a node of weight 3 joins four", move |p| joins(make, p, &numbered(5), 3));
    suite.vector(MOVES, "a second node joins the first", move |p| joins(make, p, &numbered(2), 1));
    suite.vector(MOVES, "each of ten leaves in turn", move |p| leave_in_turn(make, p, &numbered(10)));
    suite.vector(MOVES, "nodes leave whose names begin alike", move |p| leave_in_turn(make, p, &names::ALIKE.map(str::to_owned)));
    suite.vector(MOVES, "a node's weight grows and shrinks", move |p| {
        let nodes = numbered(6);
        let (mut ring, keys) = (Bench::of(make, p, "ring", &nodes).quiet(), users(MANY));
        let mut before = ring.owners(&keys)?;
        for (from, to) in [(1, 3), (3, 2)] {
            ring.add(&nodes[2], to);
            let after = ring.owners(&keys)?;
            moved_only(&keys, &before, &after, &nodes[2], &format!("the weight of {:?} went from {from} to {to}", nodes[2]))?;
            before = after;
        }
        Ok(())
    });
}

/// The last of the nodes joins the others, with that weight.
fn joins(make: Make, probe: &Probe, nodes: &[String], weight: u32) -> Check {
    let Some((new, old)) = nodes.split_last() else { return Ok(()) };
    let (mut ring, keys) = (Bench::of(make, probe, "ring", old).quiet(), users(MANY));
    let before = ring.owners(&keys)?;
    ring.add(new, weight);
    moved_only(&keys, &before, &ring.owners(&keys)?, new, &format!("{new:?} joined {}", counted(old.len(), "node")))
}

/// Each node leaves a ring of all of them, and comes back.
fn leave_in_turn(make: Make, probe: &Probe, nodes: &[String]) -> Check {
    let (mut ring, keys) = (Bench::of(make, probe, "ring", nodes).quiet(), users(1_000));
    let whole = ring.owners(&keys)?;
    for node in nodes {
        ring.remove(node);
        let without = ring.owners(&keys)?;
        moved_only(&keys, &whole, &without, node, &format!("{node:?} left a ring of {}", counted(nodes.len(), "node")))?;
        ring.add(node, 1);
        let again = ring.owners(&keys)?;
        moved_only(&keys, &without, &again, node, &format!("{node:?} came back to {}", counted(nodes.len() - 1, "node")))?;
        if let Some(i) = (0..keys.len()).find(|i| whole[*i] != again[*i]) {
            let (key, was, is) = (&keys[i], &whole[i], &again[i]);
            let seen = format!("{node:?} left and came back: {key:?} was {was:?}'s and is now {is:?}'s, with the same members as before");
            return Err(Broken::new(SAME, seen));
        }
    }
    Ok(())
}

fn leaving(suite: &mut Suite, make: Make) {
    suite.vector(MEMBERS, "a node that left owns nothing", move |p| gone(make, p, |ring| ring.remove("node-2")));
    suite.vector(MEMBERS, "a node leaves that was never there", move |p| gone(make, p, |ring| ring.remove("node-7")));
    suite.vector(MEMBERS, "a node of weight 3 leaves", move |p| {
        gone(make, p, |ring| {
            ring.add("node-6", 3);
            ring.remove("node-6");
        })
    });
    suite.vector(MEMBERS, "a node that was added twice leaves once", move |p| {
        gone(make, p, |ring| {
            ring.add("node-3", 1);
            ring.remove("node-3");
        })
    });
    suite.vector(MEMBERS, "a node whose weight had shrunk leaves", move |p| {
        gone(make, p, |ring| {
            ring.add("node-4", 4);
            ring.add("node-4", 1);
            ring.remove("node-4");
        })
    });
    suite.vector(MEMBERS, "a node whose name begins like another's leaves", move |p| {
        gone(make, p, |ring| {
            ring.add("node-11", 1);
            ring.remove("node-1");
        })
    });
    suite.vector(MEMBERS, "names that differ in case, in spaces or in an accent", move |p| nearly_one(make, p));
}

/// Each joins, and leaves again while the others are there.
fn nearly_one(make: Make, probe: &Probe) -> Check {
    let (mut ring, keys) = (Bench::new(make, probe, "ring").quiet(), users(60));
    for node in names::NEARLY_ONE {
        ring.add(node, 1);
        keys.iter().try_for_each(|key| ring.owner(key).map(drop))?;
    }
    for node in &names::NEARLY_ONE[1..] {
        ring.remove(node);
        let k = ring.members().len();
        keys.iter().try_for_each(|key| ring.owner(key).map(drop))?;
        keys[..5].iter().try_for_each(|key| ring.replicas(key, k).map(drop))?;
    }
    Ok(())
}

/// After `change`, owners and replicas are members all the same.
fn gone(make: Make, probe: &Probe, change: impl FnOnce(&mut Bench)) -> Check {
    let mut ring = Bench::of(make, probe, "ring", &numbered(5)).quiet();
    change(&mut ring);
    for key in users(MANY) {
        ring.owner(&key)?;
    }
    let k = ring.members().len();
    for key in users(100) {
        if let Some(ghost) = ring.asked_replicas(&key, k).into_iter().find(|node| !ring.members().contains_key(*node)) {
            let seen = format!("replicas({key:?}, {k}) has {ghost:?}, which is not there; the members are {}", ring.who());
            return Err(Broken::new(MEMBERS, seen));
        }
    }
    Ok(())
}

fn sameness(suite: &mut Suite, make: Make) {
    suite.vector(SAME, "two rings built alike", move |p| {
        let nodes = numbered(10);
        let (a, b) = (Bench::of(make, p, "first", &nodes).quiet(), Bench::of(make, p, "second", &nodes).quiet());
        agree(&a, &b, &users(500), "two rings were built by the same calls")
    });
    suite.vector(SAME, "another order of joining", move |p| other_orders(make, p, &numbered(10), 1_000));
    suite.vector(SAME, "another order of joining, names that begin alike", move |p| {
        other_orders(make, p, &names::ALIKE.map(str::to_owned), 1_000)
    });
    suite.vector(SAME, "others came and went", move |p| {
        let nodes = numbered(5);
        let fresh = Bench::of(make, p, "fresh", &nodes).quiet();
        let mut old = Bench::of(make, p, "old", &["node-9", "node-4", "node-8", "node-5"]).quiet();
        old.remove("node-8");
        for node in ["node-2", "node-1"] {
            old.add(node, 2);
        }
        old.remove("node-4");
        old.remove("node-9");
        for node in ["node-1", "node-3", "node-4", "node-2"] {
            old.add(node, 1);
        }
        old.remove("node-7");
        agree(&fresh, &old, &users(1_000), "`fresh` got its members at once, `old` after joins, leaves and changed weights")
    });
    suite.vector(SAME, "weights that changed", move |p| {
        let weights = [("a", 1), ("b", 3), ("c", 2), ("d", 1)];
        let mut fresh = Bench::new(make, p, "fresh").quiet();
        weights.iter().for_each(|(node, weight)| fresh.add(node, *weight));
        let mut old = Bench::of(make, p, "old", &["d", "c", "b", "a"]).quiet();
        for (node, weight) in [("a", 4), ("b", 2), ("c", 2), ("b", 3), ("a", 1)] {
            old.add(node, weight);
        }
        agree(&fresh, &old, &users(1_000), "`old` came to the same weights by several changes")
    });
}

/// Rings of the same nodes, joined in other orders, agree.
fn other_orders(make: Make, probe: &Probe, nodes: &[String], n: usize) -> Check {
    let (ring, keys) = (Bench::of(make, probe, "ring", nodes).quiet(), users(n));
    let mut order = nodes.to_vec();
    order.reverse();
    let mut rng = Rng::new(7);
    for _ in 0..3 {
        let other = Bench::of(make, probe, "other", &order).quiet();
        agree(&ring, &other, &keys, &format!("the same nodes joined `ring` in the order {nodes:?} and `other` in the order {order:?}"))?;
        rng.shuffle(&mut order);
    }
    Ok(())
}
