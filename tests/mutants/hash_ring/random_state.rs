//! Wrong: every ring has random hash keys of its own.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::hash::{BuildHasher, RandomState};

#[derive(Default)]
struct Ring {
    tokens: Vec<(Token, String)>,
    state: RandomState,
}

impl Ring {
    fn walk(&self, key: &str) -> impl Iterator<Item = &str> {
        let key = Token::at(self.state.hash_one(key));
        let at = self.tokens.partition_point(|(token, _)| *token < key);
        self.tokens[at..].iter().chain(&self.tokens).map(|(_, node)| node.as_str())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        let tokens: Vec<_> = (0..weight * TOKENS_PER_WEIGHT).map(|i| Token::at(self.state.hash_one((node, i)))).collect();
        self.tokens.extend(tokens.into_iter().map(|token| (token, node.to_owned())));
        self.tokens.sort();
    }

    fn remove(&mut self, node: &str) {
        self.tokens.retain(|(_, name)| name != node);
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.walk(key).next()
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

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
