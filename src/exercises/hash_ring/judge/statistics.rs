//! Shares of `hash_ring`: how even, how heavy, how much moves, and what a lookup costs.
//!
//! Memberships and keys are fixed, so that a ring which passes once passes always. The limits leave room for any fair hash.
//! With 128 tokens a node's share has a relative standard deviation of about 9 %, and 3,000 keys add a little; measured with
//! six fair hashes the median of fullest/mean is 1.15 to 1.17 (limit 1.25; 64 tokens give 1.20, 32 give 1.28, 16 give 1.44), and the median
//! parts that move or follow a weight lie within 6 % of what they should be (limits 40 % and 25 %). Keys are numbered on
//! purpose: real ids are. FNV-1a without a finalizer gives 2.7 then, CRC-32 1.4, the sum of bytes 10.

use super::bench::{Bench, Make, who};
use super::{BALANCE, COST, MOVES, WEIGHT, names, vectors};
use crate::check::balance::{load, median, movement};
use crate::exercises::hash_ring::{TOKENS_PER_WEIGHT, comparisons_in};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::trace::Probe;
use std::collections::BTreeMap;

const MEMBERSHIPS: u64 = 50;
const NODES: usize = 10;
const KEYS: usize = 3_000;
/// The largest median of fullest/mean.
const FULLEST: f64 = 1.25;
/// How far a share may be from what it should be, in the median.
const MOVED_WITHIN: f64 = 0.40;
const WEIGHT_WITHIN: f64 = 0.25;
/// The most that the fullest may have in a single membership of ten: six standard deviations.
const FULLEST_OF_ONE: f64 = 1.6;
/// Memberships whose median is taken for moved and for weighted shares.
const SAMPLES: u64 = 21;

pub(super) fn add(suite: &mut Suite, make: Make) {
    suite.scenario(BALANCE, "fifty memberships of ten nodes", move |p| balance(make, p));
    suite.scenario(BALANCE, "long names and keys, and names that differ little", move |p| hard_to_tell(make, p));
    suite.scenario(MOVES, "the part that moves, of 3 nodes", move |p| moved(make, p, 3));
    suite.scenario(MOVES, "the part that moves, of 10 nodes", move |p| moved(make, p, 10));
    suite.scenario(WEIGHT, "weights 1, 2, 4 and 8 together", move |p| weights(make, p));
    suite.scenario(WEIGHT, "weights 100 and 20", move |p| heavy(make, p));
    suite.scenario(COST, "lookups among 1,000 nodes", move |p| cost(make, p));
}

fn balance(make: Make, probe: &Probe) -> Check {
    let mut ratios = Vec::new();
    let mut worst: Option<(f64, String)> = None;
    for i in 0..MEMBERSHIPS {
        let rng = &mut Rng::stream(i, 10);
        let (nodes, keys) = (names::nodes(rng, NODES), names::keys(rng, KEYS));
        let ring = Bench::of(make, probe, "ring", &nodes).quiet();
        let owners: Vec<&str> = keys.iter().map(|key| ring.owner(key)).collect::<Result<_, _>>()?;
        let load = load(nodes.iter().map(String::as_str), owners);
        let (Some(ratio), Some((fullest, n)), Some((emptiest, m))) = (load.fullest_over_mean(), load.fullest(), load.emptiest()) else {
            continue;
        };
        if worst.as_ref().is_none_or(|(most, _)| ratio > *most) {
            let (first, last) = (&keys[0], &keys[keys.len() - 1]);
            let text = format!("{fullest:?} has {n} of the {} keys {first:?} to {last:?} and {emptiest:?} has {m}", keys.len());
            worst = Some((ratio, text));
        }
        ratios.push(ratio);
    }
    let median = median(ratios).unwrap_or(f64::INFINITY);
    if median <= FULLEST {
        return Ok(());
    }
    let (ratio, text) = worst.unwrap_or_default();
    let seen = format!(
        "over {MEMBERSHIPS} memberships of {NODES} nodes the fullest had {median:.2} times the mean in the median, and may have {FULLEST}; the worst was {ratio:.2}: {text}"
    );
    Err(Broken::new(BALANCE, seen))
}

/// Names and keys that a hash which looks at a part of them only, or a name that was tidied up, takes for one.
fn hard_to_tell(make: Make, probe: &Probe) -> Check {
    const KEYS: usize = 1_000;
    let numbered = |prefix: &str, n: usize| (1..=n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let (nodes, keys) = (numbered("node-", NODES), numbered("user:", KEYS));
    let [begin_alike, end_alike] = names::long(KEYS);
    even(make, probe, &nodes, &begin_alike, "keys that differ only behind a long common beginning")?;
    even(make, probe, &nodes, &end_alike, "keys that differ only before a long common end")?;
    let [begin_alike, end_alike] = names::long(NODES);
    even(make, probe, &begin_alike, &keys, "nodes whose names differ only behind a long common beginning")?;
    even(make, probe, &end_alike, &keys, "nodes whose names differ only before a long common end")?;
    let nodes = names::NEARLY_ONE.map(str::to_owned);
    even(make, probe, &nodes, &keys, "nodes whose names differ in case, in spaces or in an accent")
}

fn even(make: Make, probe: &Probe, nodes: &[String], keys: &[String], what: &str) -> Check {
    let ring = Bench::of(make, probe, "ring", nodes).quiet();
    let load = load(nodes.iter().cloned(), ring.owners(keys)?);
    let (Some(ratio), Some((fullest, most))) = (load.fullest_over_mean(), load.fullest()) else { return Ok(()) };
    if ratio <= FULLEST_OF_ONE {
        return Ok(());
    }
    let short = |name: &str| match name.char_indices().nth(40) {
        Some((i, _)) if name.len() > 80 => format!("{:?}… ({} bytes)", &name[..i], name.len()),
        _ => format!("{name:?}"),
    };
    let seen = format!(
        "{what}: of {} keys {} to {} node {} has {most}, which is {ratio:.2} times the mean of {} nodes, and may be {FULLEST_OF_ONE}",
        keys.len(),
        short(&keys[0]),
        short(&keys[keys.len() - 1]),
        short(fullest),
        nodes.len()
    );
    Err(Broken::new(BALANCE, seen))
}

fn moved(make: Make, probe: &Probe, n: usize) -> Check {
    let (mut came, mut went) = (Vec::new(), Vec::new());
    for i in 0..SAMPLES {
        let rng = &mut Rng::stream(i, 11);
        let (nodes, keys) = (names::nodes(rng, n + 1), names::keys(rng, 1_000));
        let (new, old) = (&nodes[n], &nodes[0]);
        let mut ring = Bench::of(make, probe, "ring", &nodes[..n]).quiet();
        let at_first = ring.owners(&keys)?;
        ring.add(new, 1);
        let more = ring.owners(&keys)?;
        vectors::moved_only(&keys, &at_first, &more, new, &format!("{new:?} joined {n} nodes"))?;
        ring.remove(old);
        let less = ring.owners(&keys)?;
        vectors::moved_only(&keys, &more, &less, old, &format!("{old:?} left {} nodes", n + 1))?;
        came.push(movement(&at_first, &more).share());
        went.push(movement(&more, &less).share());
    }
    let fair = 1.0 / (n as f64 + 1.0);
    for (what, shares) in [(format!("a node joins {n}"), came), (format!("a node leaves {}", n + 1), went)] {
        let share = median(shares).unwrap_or(0.0);
        if (share / fair - 1.0).abs() > MOVED_WITHIN {
            let seen = format!(
                "when {what}, {:.1} % of the keys change hands (median of {SAMPLES} memberships); its fair share is {:.1} %",
                share * 100.0,
                fair * 100.0
            );
            return Err(Broken::new(MOVES, seen));
        }
    }
    Ok(())
}

fn weights(make: Make, probe: &Probe) -> Check {
    const WEIGHTS: [u32; 8] = [1, 8, 1, 2, 4, 1, 2, 1];
    let total: u32 = WEIGHTS.iter().sum();
    let mut shares: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let mut example = String::new();
    for i in 0..SAMPLES {
        let rng = &mut Rng::stream(i, 12);
        let (nodes, keys) = (names::nodes(rng, WEIGHTS.len()), names::keys(rng, 2_000));
        let mut ring = Bench::new(make, probe, "ring").quiet();
        nodes.iter().zip(WEIGHTS).for_each(|(node, weight)| ring.add(node, weight));
        let owners = ring.owners(&keys)?;
        let load = load(nodes.iter().cloned(), owners);
        for (node, weight) in nodes.iter().zip(WEIGHTS) {
            shares.entry(weight).or_default().push(load.share(node).unwrap_or(0.0));
        }
        if example.is_empty() {
            let (few, many) = (load.counts[&nodes[0]], load.counts[&nodes[1]]);
            example = format!(
                "for example of {} keys {:?} has {few} and {:?} has {many}, among {}",
                keys.len(),
                nodes[0],
                nodes[1],
                who(ring.members())
            );
        }
    }
    // The heaviest first: there a wrong weight shows most.
    for (weight, shares) in shares.into_iter().rev() {
        let (share, fair) = (median(shares).unwrap_or(0.0), f64::from(weight) / f64::from(total));
        if (share / fair - 1.0).abs() > WEIGHT_WITHIN {
            let seen = format!(
                "a node of weight {weight} among weights of {total} together should have {:.1} % of the keys, and has {:.1} % (median of {SAMPLES} memberships); {example}",
                fair * 100.0,
                share * 100.0
            );
            return Err(Broken::new(WEIGHT, seen));
        }
    }
    Ok(())
}

/// Of thousands of tokens the shares lie so close to the weights that one membership is enough.
fn heavy(make: Make, probe: &Probe) -> Check {
    const WEIGHTS: [(&str, u32); 2] = [("old", 20), ("new", 100)];
    let mut ring = Bench::new(make, probe, "ring").quiet();
    WEIGHTS.iter().for_each(|(node, weight)| ring.add(node, *weight));
    let keys: Vec<String> = (1..=3_000).map(|i| format!("user:{i}")).collect();
    let load = load(WEIGHTS.map(|(node, _)| node.to_owned()), ring.owners(&keys)?);
    let total: u32 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    for (node, weight) in WEIGHTS {
        let (share, fair) = (load.share(&node.to_owned()).unwrap_or(0.0), f64::from(weight) / f64::from(total));
        if (share / fair - 1.0).abs() > WEIGHT_WITHIN {
            let seen = format!(
                "{node:?} of weight {weight} among weights of {total} together should have {:.1} % of {} keys, and has {:.1} %; the members are {}",
                fair * 100.0,
                keys.len(),
                share * 100.0,
                ring.who()
            );
            return Err(Broken::new(WEIGHT, seen));
        }
    }
    Ok(())
}

fn cost(make: Make, probe: &Probe) -> Check {
    const NODES: usize = 1_000;
    const LOOKUPS: usize = 200;
    let nodes: Vec<String> = (1..=NODES).map(|i| format!("node-{i}")).collect();
    let keys: Vec<String> = (1..=LOOKUPS).map(|i| format!("user:{i}")).collect();
    let ring = Bench::of(make, probe, "ring", &nodes).quiet();
    // The first lookup may sort what joined: that is the price of the joins, not of a lookup.
    ring.owner(&keys[0])?;
    let tokens = NODES as f64 * f64::from(TOKENS_PER_WEIGHT);
    let most = 4.0 * tokens.log2();
    let mut comparisons = 0;
    for (i, key) in keys.iter().enumerate() {
        let mut result = Ok(());
        comparisons += comparisons_in(|| result = ring.owner(key).map(drop));
        result?;
        // More than all lookups together may make: no need to scan on.
        if comparisons as f64 > most * LOOKUPS as f64 {
            let (n, each) = (i + 1, comparisons as f64 / (i + 1) as f64);
            let seen = format!(
                "among {NODES} nodes {comparisons} comparisons of tokens were made after {n} of {LOOKUPS} lookups, {each:.0} each; 4 × log2({tokens}) allows {most:.0} on average"
            );
            return Err(Broken::new(COST, seen));
        }
    }
    if comparisons == 0 {
        let seen = format!(
            "{LOOKUPS} lookups among {NODES} nodes compared no Token at all, so that nobody can say what they cost: keep positions as `Token`, and find by comparing them"
        );
        return Err(Broken::new(COST, seen));
    }
    Ok(())
}
