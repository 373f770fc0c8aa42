//! Wrong: the label of token 12 of n1 is that of token 2 of n11.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::BTreeMap;

#[derive(Default)]
struct Ring {
    tokens: BTreeMap<Token, String>,
    weights: BTreeMap<String, u32>,
}

fn tokens_of(node: &str, weight: u32) -> impl Iterator<Item = Token> {
    (0..weight * TOKENS_PER_WEIGHT).map(move |i| Token::at(hash(&format!("{node}{i}"))))
}

impl Ring {
    fn walk(&self, key: &str) -> impl Iterator<Item = &str> {
        self.tokens.range(Token::at(hash(key))..).chain(&self.tokens).map(|(_, node)| node.as_str())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        self.tokens.extend(tokens_of(node, weight).map(|token| (token, node.to_owned())));
        self.weights.insert(node.to_owned(), weight);
    }

    fn remove(&mut self, node: &str) {
        if let Some(weight) = self.weights.remove(node) {
            for token in tokens_of(node, weight) {
                self.tokens.remove(&token);
            }
        }
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
