//! Vectors of `hash_ring` about lists of replicas.

use super::bench::{Bench, Make};
use super::{REPLICAS, TAKEOVER, names};
use crate::rule::{Broken, Check};
use crate::suite::Suite;

const NODES: [&str; 6] = ["db-1", "db-2", "db-3", "db-4", "db-5", "db-6"];

fn keys(n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("cart:{i}")).collect()
}

pub(super) fn add(suite: &mut Suite, make: Make) {
    suite.vector(REPLICAS, "an empty ring has no replicas", move |p| {
        let ring = Bench::new(make, p, "ring");
        [0, 1, 3].iter().try_for_each(|k| ring.replicas("cart:1", *k).map(drop))
    });
    suite.vector(REPLICAS, "the only node is the only replica", move |p| {
        let ring = Bench::of(make, p, "ring", &["db-1"]);
        [1, 0, 2].iter().try_for_each(|k| ring.replicas("cart:1", *k).map(drop))
    });
    suite.vector(REPLICAS, "three replicas of three nodes", move |p| {
        let ring = Bench::of(make, p, "ring", &NODES[..3]).quiet();
        keys(500).iter().try_for_each(|key| ring.replicas(key, 3).map(drop))
    });
    suite.vector(REPLICAS, "three replicas of six nodes", move |p| {
        let ring = Bench::of(make, p, "ring", &NODES).quiet();
        keys(3_000).iter().try_for_each(|key| ring.replicas(key, 3).map(drop))
    });
    suite.vector(REPLICAS, "owner and replicas agree, all round the ring", move |p| {
        // Two nodes, as a thousand keys then meet the few places round the end where owner and replicas may part.
        (1..=10).try_for_each(|i| {
            let ring = Bench::of(make, p, "ring", &[format!("left-{i}"), format!("right-{i}")]).quiet();
            keys(1_000).iter().try_for_each(|key| ring.replicas(key, 2).map(drop))
        })
    });
    suite.vector(REPLICAS, "a stranger leaves, and replicas are as many as before", move |p| {
        let mut ring = Bench::of(make, p, "ring", &NODES[..3]);
        ring.remove("db-9");
        ring.remove("db-9");
        keys(5).iter().try_for_each(|key| ring.replicas(key, 3).map(drop))
    });
    suite.vector(REPLICAS, "none, one, or all asked for", move |p| {
        let ring = Bench::of(make, p, "ring", &NODES).quiet();
        keys(100).iter().try_for_each(|key| [0, 1, 5, 6].iter().try_for_each(|k| ring.replicas(key, *k).map(drop)))
    });
    suite.vector(REPLICAS, "more asked for than there are", move |p| {
        let ring = Bench::of(make, p, "ring", &NODES).quiet();
        keys(50).iter().try_for_each(|key| [7, 8, 1_000].iter().try_for_each(|k| ring.replicas(key, *k).map(drop)))
    });
    suite.vector(REPLICAS, "a heavy node is one replica", move |p| {
        let mut ring = Bench::of(make, p, "ring", &NODES[..3]).quiet();
        ring.add("big", 8);
        keys(300).iter().try_for_each(|key| [2, 4, 5].iter().try_for_each(|k| ring.replicas(key, *k).map(drop)))
    });
    suite.vector(REPLICAS, "odd keys", move |p| {
        let ring = Bench::of(make, p, "ring", &NODES).quiet();
        names::odd_keys(&NODES).iter().try_for_each(|key| [1, 2, 6].iter().try_for_each(|k| ring.replicas(key, *k).map(drop)))
    });
    suite.vector(TAKEOVER, "the owner leaves", move |p| {
        let keys = keys(400);
        take_over(&mut Bench::of(make, p, "ring", &NODES).quiet(), &keys, 2)?;
        take_over(&mut Bench::of(make, p, "ring", &NODES).quiet(), &keys, 4)
    });
    suite.vector(TAKEOVER, "owners leave one after the other", move |p| {
        let mut ring = Bench::of(make, p, "ring", &NODES);
        while ring.members().len() > 1 {
            let heirs: Vec<String> = ring.replicas("cart:7", 2)?.into_iter().map(str::to_owned).collect();
            ring.remove(&heirs[0]);
            inherits(&ring, "cart:7", 2, &heirs)?;
        }
        Ok(())
    });
    suite.vector(TAKEOVER, "a heavy owner leaves", move |p| {
        let mut ring = Bench::of(make, p, "ring", &NODES[..4]).quiet();
        ring.add("big", 4);
        take_over(&mut ring, &keys(300), 3)
    });
}

/// For last, when weights are known to be followed: a ring that puts too many tokens there takes seconds over this one.
pub(super) fn add_heavy(suite: &mut Suite, make: Make) {
    suite.scenario(REPLICAS, "a light node beside one of weight 100", move |p| {
        // Hundreds of tokens of the heavy node may lie between a key and the next token of the light one.
        let mut ring = Bench::of(make, p, "ring", &NODES[..1]).quiet();
        ring.add("big", 100);
        keys(200).iter().try_for_each(|key| ring.replicas(key, 2).map(drop))
    });
}

/// For each node: it leaves, and every key that it had goes to its second replica; then it comes back.
fn take_over(ring: &mut Bench, keys: &[String], k: usize) -> Check {
    let mut lists = Vec::with_capacity(keys.len());
    for key in keys {
        lists.push(ring.replicas(key, k)?.into_iter().map(str::to_owned).collect::<Vec<_>>());
    }
    for (node, weight) in (**ring.members()).clone() {
        ring.remove(&node);
        let mut of_node = keys.iter().zip(&lists).filter(|(_, list)| list[0] == node);
        of_node.try_for_each(|(key, list)| inherits(ring, key, k, list))?;
        ring.add(&node, weight);
    }
    Ok(())
}

/// The first of `list` has left; the second must own the key now.
fn inherits(ring: &Bench, key: &str, k: usize, list: &[String]) -> Check {
    let owner = ring.owner(key)?;
    if owner == list[1] {
        return Ok(());
    }
    let seen =
        format!("replicas({key:?}, {k}) was {list:?}; then {:?} left, and owner({key:?}) is {owner:?} instead of {:?}", list[0], list[1]);
    Err(Broken::new(TAKEOVER, seen))
}
