//! Built another way: positions of 32 bits, so that two tokens may meet, and a position holds all its nodes in order of their
//! names; an xxHash-like hash; counter-clockwise (the ring is walked from the key downwards); the nodes' names are kept in a
//! HashSet, whose order reaches nothing; replicas search anew for each next position.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Default)]
struct Ring {
    positions: BTreeMap<Token, BTreeSet<String>>,
    nodes: HashMap<String, Vec<Token>>,
}

const P1: u32 = 0x9E37_79B1;
const P2: u32 = 0x85EB_CA77;
const P3: u32 = 0xC2B2_AE3D;
const P4: u32 = 0x27D4_EB2F;
const P5: u32 = 0x1656_67B1;

fn short(text: &str) -> Token {
    let mut h = P5.wrapping_add(text.len() as u32);
    for chunk in text.as_bytes().chunks(4) {
        if let Ok(four) = <[u8; 4]>::try_from(chunk) {
            h = h.wrapping_add(u32::from_le_bytes(four).wrapping_mul(P3)).rotate_left(17).wrapping_mul(P4);
        } else {
            for byte in chunk {
                h = h.wrapping_add(u32::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
            }
        }
    }
    h = (h ^ (h >> 15)).wrapping_mul(P2);
    h = (h ^ (h >> 13)).wrapping_mul(P3);
    Token::at(u64::from(h ^ (h >> 16)))
}

impl Ring {
    /// The next position below, and the last one below the first.
    fn next(&self, from: Token, including: bool) -> Option<(&Token, &BTreeSet<String>)> {
        let below = if including { self.positions.range(..=from).next_back() } else { self.positions.range(..from).next_back() };
        below.or_else(|| self.positions.last_key_value())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        let tokens: Vec<Token> = (0..weight * TOKENS_PER_WEIGHT).map(|i| short(&format!("{i}/{node}"))).collect();
        for token in &tokens {
            self.positions.entry(*token).or_default().insert(node.to_owned());
        }
        self.nodes.insert(node.to_owned(), tokens);
    }

    fn remove(&mut self, node: &str) {
        for token in self.nodes.remove(node).unwrap_or_default() {
            if let Some(here) = self.positions.get_mut(&token) {
                here.remove(node);
                if here.is_empty() {
                    self.positions.remove(&token);
                }
            }
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.next(short(key), true)?.1.first().map(String::as_str)
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let mut at = self.next(short(key), true);
        while let Some((token, nodes)) = at {
            for node in nodes {
                if found.len() < k && !found.contains(&node.as_str()) {
                    found.push(node);
                }
            }
            if found.len() >= k || found.len() == self.nodes.len() {
                break;
            }
            at = self.next(*token, false);
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
