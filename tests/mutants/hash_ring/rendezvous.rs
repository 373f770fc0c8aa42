//! Wrong: highest random weight: right owners, but every node is looked at in every lookup.

use splitbrain::exercises::hash_ring::{HashRing, Token, judge};
use std::collections::BTreeMap;

#[derive(Default)]
struct Ring {
    nodes: BTreeMap<String, u32>,
}

impl Ring {
    fn ranked(&self, key: &str) -> Vec<(Token, &str)> {
        let best = |node: &str, weight: u32| (0..weight).map(|i| Token::at(mix(hash(node) ^ hash(key) ^ u64::from(i)))).max();
        let mut all: Vec<_> = self.nodes.iter().filter_map(|(node, weight)| Some((best(node, *weight)?, node.as_str()))).collect();
        all.sort();
        all.reverse();
        all
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.nodes.insert(node.to_owned(), weight);
    }

    fn remove(&mut self, node: &str) {
        self.nodes.remove(node);
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.ranked(key).first().map(|(_, node)| *node)
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        self.ranked(key).into_iter().take(k).map(|(_, node)| node).collect()
    }
}

fn hash(text: &str) -> u64 {
    let fnv = |h: u64, byte: u8| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    mix(text.bytes().fold(0xCBF2_9CE4_8422_2325, fnv))
}

fn mix(mut h: u64) -> u64 {
    h = (h ^ (h >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    h = (h ^ (h >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    h ^ (h >> 33)
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
