//! Wrong: a sorted list for each node, and a search in every one of them.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::BTreeMap;

#[derive(Default)]
struct Ring {
    nodes: BTreeMap<String, Vec<Token>>,
}

impl Ring {
    /// Every node with its first token from the key onwards; those that had to wrap come later.
    fn firsts(&self, key: &str) -> Vec<(bool, Token, &str)> {
        let key = Token::at(hash(key));
        let first = |tokens: &Vec<Token>| {
            let at = tokens.partition_point(|token| *token < key);
            tokens.get(at).map(|token| (false, *token)).unwrap_or((true, tokens[0]))
        };
        self.nodes
            .iter()
            .map(|(node, tokens)| (first(tokens), node))
            .map(|((wrapped, token), node)| (wrapped, token, node.as_str()))
            .collect()
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        let mut tokens: Vec<Token> = (0..weight * TOKENS_PER_WEIGHT).map(|i| Token::at(mix(hash(node) ^ u64::from(i)))).collect();
        tokens.sort();
        self.nodes.insert(node.to_owned(), tokens);
    }

    fn remove(&mut self, node: &str) {
        self.nodes.remove(node);
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.firsts(key).into_iter().min().map(|(_, _, node)| node)
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut firsts = self.firsts(key);
        firsts.sort();
        firsts.into_iter().take(k).map(|(_, _, node)| node).collect()
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
