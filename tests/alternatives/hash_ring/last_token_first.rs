//! Built another way: one map by the token and the node's name, walked downwards; a node knows its own tokens; tokens are the
//! halves of 128 bits, two at a time; replicas are found by stepping from each found one to the next, and owner is the first of them.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Ring {
    ring: BTreeMap<(Token, String), ()>,
    own: BTreeMap<String, Vec<Token>>,
}

/// 128 bits: multiplied by a 128-bit prime byte after byte, and mixed.
fn wide(text: &str, number: u32) -> [u64; 2] {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    let bytes = number.to_be_bytes().into_iter().chain(text.bytes());
    let h = bytes.fold(0x6C62_272E_07BB_0142_62B8_2175_6295_C58D, |h: u128, byte| (h ^ u128::from(byte)).wrapping_mul(PRIME));
    let (high, low) = ((h >> 64) as u64, h as u64);
    let mix = |x: u64| {
        let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    };
    [mix(high ^ mix(low)), mix(low ^ mix(high.wrapping_add(1)))]
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        let tokens: Vec<Token> = (1..=weight * TOKENS_PER_WEIGHT / 2).flat_map(|i| wide(node, i)).map(Token::at).collect();
        self.ring.extend(tokens.iter().map(|token| ((*token, node.to_owned()), ())));
        self.own.insert(node.to_owned(), tokens);
    }

    fn remove(&mut self, node: &str) {
        for token in self.own.remove(node).into_iter().flatten() {
            self.ring.remove(&(token, node.to_owned()));
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.replicas(key, 1).into_iter().next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let start = (Token::at(wide(key, 0)[0]), String::new());
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        let down = self.ring.range(..start.clone()).rev().chain(self.ring.range(start..).rev());
        for ((_, node), ()) in down {
            if found.len() == k.min(self.own.len()) {
                break;
            }
            if seen.insert(node) {
                found.push(node.as_str());
            }
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
