//! Wrong: positions of 16 bits; where two tokens meet, the order of a HashMap decides.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
struct Ring {
    tokens: BTreeMap<Token, String>,
    weights: HashMap<String, u32>,
}

impl Ring {
    fn rebuild(&mut self) {
        self.tokens.clear();
        for (node, weight) in &self.weights {
            for i in 0..weight * TOKENS_PER_WEIGHT {
                self.tokens.insert(Token::at(mix(hash(node) ^ u64::from(i)) >> 48), node.clone());
            }
        }
    }

    fn walk(&self, key: &str) -> impl Iterator<Item = &str> {
        self.tokens.range(Token::at(hash(key) >> 48)..).chain(&self.tokens).map(|(_, node)| node.as_str())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.weights.insert(node.to_owned(), weight);
        // Enough to be wrong; a ring of a thousand nodes would take too long to be built anew each time.
        if self.weights.len() <= 20 || self.weights.len() % 1_000 == 0 {
            self.rebuild();
        }
    }

    fn remove(&mut self, node: &str) {
        self.weights.remove(node);
        self.rebuild();
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.walk(key).next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut found = Vec::new();
        for node in self.walk(key) {
            if found.len() == k.min(self.weights.len()) {
                break;
            }
            if !found.contains(&node) {
                found.push(node);
            }
        }
        found
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
