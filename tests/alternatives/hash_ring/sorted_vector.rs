//! Built another way: one sorted vector, searched by halving; SipHash with its fixed keys; nodes by number, names beside them;
//! a key that stands exactly on a token belongs to the next one.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

struct Ring {
    tokens: Vec<(Token, Rc<str>)>,
    nodes: usize,
}

fn position(what: &str, number: Option<u32>) -> Token {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    number.hash(&mut hasher);
    Token::at(hasher.finish())
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring { tokens: Vec::new(), nodes: 0 }
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        let name: Rc<str> = node.into();
        self.tokens.extend((0..weight * TOKENS_PER_WEIGHT).map(|i| (position(node, Some(i)), Rc::clone(&name))));
        self.tokens.sort();
        self.nodes += 1;
    }

    fn remove(&mut self, node: &str) {
        let before = self.tokens.len();
        self.tokens.retain(|(_, name)| &**name != node);
        if self.tokens.len() < before {
            self.nodes -= 1;
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        let key = position(key, None);
        let at = self.tokens.partition_point(|(token, _)| *token <= key);
        self.tokens.get(at).or(self.tokens.first()).map(|(_, name)| &**name)
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let key = position(key, None);
        let at = self.tokens.partition_point(|(token, _)| *token <= key);
        let mut found: Vec<&str> = Vec::new();
        for i in 0..self.tokens.len() {
            if found.len() >= k || found.len() == self.nodes {
                break;
            }
            let name: &str = &self.tokens[(at + i) % self.tokens.len()].1;
            if !found.iter().any(|f| *f == name) {
                found.push(name);
            }
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
