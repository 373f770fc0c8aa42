//! The reference: a sorted set of tokens with their nodes, walked clockwise.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::{BTreeMap, BTreeSet};

struct Ring {
    /// The ring, cut open at position 0. The name belongs to the order: should two nodes ever meet at one position, both
    /// tokens are there, and which comes first does not depend on who joined first.
    tokens: BTreeSet<(Token, String)>,
    /// Who is there, with its weight: what a node has to take away when it leaves.
    weights: BTreeMap<String, u32>,
}

/// FNV-1a, mixed at the end. It has no random key, as `RandomState` has: that one differs from process to process.
fn hash(text: &str) -> u64 {
    let fnv = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    mix(text.bytes().fold(0xCBF2_9CE4_8422_2325, fnv))
}

/// The finalizer of MurmurHash3: every bit of `h` changes half of the bits. FNV alone hardly touches the upper bits with its
/// last bytes, and the upper bits are what the order on the ring is made of: `user:1` and `user:2` would be neighbours.
fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    h = (h ^ (h >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    h ^ (h >> 33)
}

/// The tokens of a node, from its name and their numbers alone.
fn tokens_of(node: &str, weight: u32) -> impl Iterator<Item = (Token, String)> {
    let seed = hash(node);
    (1..=weight * TOKENS_PER_WEIGHT)
        .map(move |i| (Token::at(mix(seed ^ u64::from(i))), node.to_owned()))
}

impl Ring {
    /// The nodes clockwise from the key: from its position to the end, and on from the start.
    fn walk(&self, key: &str) -> impl Iterator<Item = &str> {
        // The empty name comes before all others: a token exactly at the key's position counts as after it.
        let start = (Token::at(hash(key)), String::new());
        self.tokens
            .range(start..)
            .chain(&self.tokens)
            .map(|(_, node)| node.as_str())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring {
            tokens: BTreeSet::new(),
            weights: BTreeMap::new(),
        }
    }

    fn add(&mut self, node: &str, weight: u32) {
        // It may be there with another weight.
        self.remove(node);
        self.tokens.extend(tokens_of(node, weight));
        self.weights.insert(node.to_owned(), weight);
    }

    fn remove(&mut self, node: &str) {
        let Some(weight) = self.weights.remove(node) else {
            return;
        };
        for token in tokens_of(node, weight) {
            self.tokens.remove(&token);
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.walk(key).next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        // Neighbouring tokens may be of one node. And no walk can find more nodes than there are.
        let wanted = k.min(self.weights.len());
        let mut found = Vec::new();
        let mut walk = self.walk(key);
        while found.len() < wanted
            && let Some(node) = walk.next()
        {
            if !found.contains(&node) {
                found.push(node);
            }
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
