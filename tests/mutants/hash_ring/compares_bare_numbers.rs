//! Wrong: a scan over bare numbers, hidden from whoever counts comparisons of tokens.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, judge};

#[derive(Default)]
struct Ring {
    tokens: Vec<(u64, String)>,
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        self.tokens.extend((0..weight * TOKENS_PER_WEIGHT).map(|i| (mix(hash(node) ^ u64::from(i)), node.to_owned())));
    }

    fn remove(&mut self, node: &str) {
        self.tokens.retain(|(_, name)| name != node);
    }

    fn owner(&self, key: &str) -> Option<&str> {
        let key = hash(key);
        self.tokens.iter().min_by_key(|(position, _)| position.wrapping_sub(key)).map(|(_, name)| name.as_str())
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let key = hash(key);
        let mut all: Vec<_> = self.tokens.iter().collect();
        all.sort_by_key(|(position, _)| position.wrapping_sub(key));
        let mut found: Vec<&str> = Vec::new();
        for (_, name) in all {
            if found.len() < k && !found.contains(&name.as_str()) {
                found.push(name);
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
