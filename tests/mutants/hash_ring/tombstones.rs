//! Wrong: a node that left is marked, and replicas does not look at the marks.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::BTreeSet;

#[derive(Default)]
struct Ring {
    tokens: Vec<(Token, String)>,
    gone: BTreeSet<String>,
}

impl Ring {
    fn walk(&self, key: &str) -> impl Iterator<Item = &str> {
        let key = Token::at(hash(key));
        let at = self.tokens.partition_point(|(token, _)| *token < key);
        self.tokens[at..].iter().chain(&self.tokens).map(|(_, node)| node.as_str())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.gone.remove(node);
        self.tokens.retain(|(_, name)| name != node);
        let tokens = (0..weight * TOKENS_PER_WEIGHT).map(|i| Token::at(mix(hash(node) ^ u64::from(i))));
        self.tokens.extend(tokens.map(|token| (token, node.to_owned())));
        self.tokens.sort();
    }

    fn remove(&mut self, node: &str) {
        self.gone.insert(node.to_owned());
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.walk(key).take(self.tokens.len()).filter(|node| !self.gone.contains(*node)).next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut found = Vec::new();
        for node in self.walk(key).take(self.tokens.len()) {
            if found.len() < k && !found.contains(&node) {
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
