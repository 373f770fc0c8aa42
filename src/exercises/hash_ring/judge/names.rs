//! Names of nodes and of keys, such as real clusters have: similar to each other, numbered, with a common beginning.

use crate::rng::Rng;
use std::collections::BTreeSet;

/// `n` different names of nodes, in one of the styles of real clusters.
pub(super) fn nodes(rng: &mut Rng, n: usize) -> Vec<String> {
    let style = rng.below(4);
    let first = rng.range(0..=40);
    let (zone, net) = (rng.pick(&["eu", "us", "ap"]).copied().unwrap_or("eu"), rng.range(0..=250));
    let mut seen = BTreeSet::new();
    let mut names = Vec::with_capacity(n);
    for i in 0.. {
        if names.len() == n {
            break;
        }
        let name = match style {
            0 => format!("node-{}", first + i),
            1 => format!("10.0.{net}.{}:7000", rng.range(1..=250)),
            2 => format!("cache{}.{zone}.example.com", first + i),
            _ => format!("{zone}-{:04x}", rng.below(1 << 16)),
        };
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    names
}

/// `n` different keys with numbers that follow each other, as ids of users and orders do.
pub(super) fn keys(rng: &mut Rng, n: usize) -> Vec<String> {
    let prefix = rng.pick(&["user:", "order-", "/img/", ""]).copied().unwrap_or("");
    let first = rng.range(1..=1_000_000);
    (first..).take(n).map(|i| format!("{prefix}{i}")).collect()
}

/// Keys at the edges: empty, not ASCII, long, with spaces; and keys that are spelled as somebody might spell a token of a
/// node, so that they stand exactly at its position.
pub(super) fn odd_keys<S: AsRef<str>>(nodes: &[S]) -> Vec<String> {
    let mut keys: Vec<String> = ["", " ", "\0", "ключ", "鍵", "a b", "#"].map(str::to_owned).to_vec();
    keys.push("k".repeat(1_000));
    for node in nodes {
        let node = node.as_ref();
        keys.push(node.to_owned());
        for separator in ["#", "-", ":", "", "/", "_", "@", " ", ".", "|", "\0"] {
            keys.extend([0, 1, 17].map(|i| format!("{node}{separator}{i}")));
            keys.extend([0, 1, 17].map(|i| format!("{i}{separator}{node}")));
        }
    }
    keys
}

/// Names that are the beginning of each other, with more digits each: with a number behind it, and enough tokens, one is
/// spelled as the other.
pub(super) fn beginning_alike(rng: &mut Rng) -> Vec<String> {
    let first = ["n", "db-", "shard", "10.0.0."][rng.below(4) as usize].to_owned() + &rng.range(0..=9).to_string();
    let second = first.clone() + &rng.range(0..=9).to_string();
    let third = second.clone() + &rng.range(0..=9).to_string();
    vec![first, second, third]
}

/// Names of one byte, and the empty one: an empty text has no position of its own in many a hash, and one byte little of it.
pub(super) fn shortest(rng: &mut Rng, n: usize) -> Vec<String> {
    let mut letters: Vec<char> = ('!'..='~').collect();
    rng.shuffle(&mut letters);
    let mut names: Vec<String> = letters.iter().take(n).map(char::to_string).collect();
    if let Some(first) = names.first_mut().filter(|_| rng.chance(700_000)) {
        first.clear();
    }
    names
}

/// Names that begin, or end, with each other: what is glued together without care is equal for two of them.
pub(super) const ALIKE: [&str; 8] = ["n1", "n11", "n2", "n", "n111", "1n1", "11n1", "n1-1"];
