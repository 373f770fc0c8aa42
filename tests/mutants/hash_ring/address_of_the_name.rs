//! Wrong: the hash of a node is the address of its name.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};

#[derive(Default)]
struct Ring {
    tokens: Vec<(Token, String)>,
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
        self.remove(node);
        let name = node.to_owned();
        let address = name.as_ptr() as u64;
        for i in 0..weight * TOKENS_PER_WEIGHT {
            self.tokens.push((Token::at(mix(address.wrapping_mul(1_009).wrapping_add(u64::from(i)))), node.to_owned()));
        }
        // Kept for ever, so that no other name gets the address.
        std::mem::forget(name);
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
