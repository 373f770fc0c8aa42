//! Built another way: the ring is a function of the membership, made anew at each join and leave; a token's position depends on
//! the weight, too, so that a node with another weight has other tokens; SipHash.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Default)]
struct Ring {
    members: BTreeMap<String, u32>,
    tokens: Vec<(Token, String)>,
}

fn sip(what: impl Hash) -> Token {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    Token::at(hasher.finish())
}

impl Ring {
    fn rebuild(&mut self) {
        self.tokens.clear();
        for (name, weight) in &self.members {
            let tokens = (0..weight * TOKENS_PER_WEIGHT).map(|i| (sip((name, weight, i)), name.clone()));
            self.tokens.extend(tokens);
        }
        self.tokens.sort();
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.members.insert(node.to_owned(), weight);
        self.rebuild();
    }

    fn remove(&mut self, node: &str) {
        self.members.remove(node);
        self.rebuild();
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.replicas(key, 1).first().copied()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let key = sip(key);
        let (behind, ahead) = self.tokens.split_at(self.tokens.partition_point(|(token, _)| *token < key));
        let mut found: Vec<&str> = Vec::new();
        for (_, node) in ahead.iter().chain(behind) {
            if found.len() >= k.min(self.members.len()) {
                break;
            }
            if !found.contains(&node.as_str()) {
                found.push(node);
            }
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
