//! Wrong: the owner is the node at hash mod N of the sorted names.

use splitbrain::exercises::hash_ring::{HashRing, judge};

#[derive(Default)]
struct Ring {
    nodes: Vec<String>,
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        for _ in 0..weight {
            self.nodes.push(node.to_owned());
        }
        self.nodes.sort();
    }

    fn remove(&mut self, node: &str) {
        self.nodes.retain(|n| n != node);
    }

    fn owner(&self, key: &str) -> Option<&str> {
        let n = self.nodes.len() as u64;
        if n == 0 { None } else { Some(&self.nodes[(hash(key) % n) as usize]) }
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let n = self.nodes.len();
        (0..k.min(n)).map(|i| self.nodes[(hash(key) as usize % n + i) % n].as_str()).collect()
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
