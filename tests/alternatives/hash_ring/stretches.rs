//! Built another way: neighbouring tokens of one node are one stretch, so that the ring is a list of stretches, each with where
//! it ends; made when it is first asked; 128 places of one node are half of the bits of one hash and a walk of another.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};

#[derive(Default)]
struct Ring {
    members: BTreeMap<String, u32>,
    stretches: OnceCell<Vec<(Token, String)>>,
}

/// SipHash twice, with something else before the text.
fn hash(text: &str) -> (u64, u64) {
    let sip = |first: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(first);
        hasher.write(text.as_bytes());
        hasher.finish()
    };
    (sip(1), sip(2))
}

fn fold(x: u64, y: u64) -> u64 {
    let product = u128::from(x ^ 0xA409_3822_299F_31D0) * u128::from(y);
    (product as u64) ^ (product >> 64) as u64
}

impl Ring {
    fn stretches(&self) -> &[(Token, String)] {
        self.stretches.get_or_init(|| {
            let mut tokens = Vec::new();
            for (name, weight) in &self.members {
                let (mut at, step) = hash(name);
                for _ in 0..weight * TOKENS_PER_WEIGHT {
                    at = at.wrapping_add(step | 1);
                    let mixed = fold(fold(at, 0xE703_7ED1_A0B4_28DB), 0x8EBC_6AF0_9C88_C6E3);
                    tokens.push((Token::at(mixed), name));
                }
            }
            tokens.sort();
            let mut stretches: Vec<(Token, String)> = Vec::new();
            for (token, name) in tokens {
                match stretches.last_mut() {
                    Some((end, owner)) if owner == name => *end = token,
                    _ => stretches.push((token, name.clone())),
                }
            }
            stretches
        })
    }

    fn from(&self, key: &str) -> impl Iterator<Item = &str> {
        let (a, b) = hash(key);
        let key = Token::at(fold(a, b | 1));
        let stretches = self.stretches();
        let first = match stretches.binary_search_by(|(end, _)| end.cmp(&key)) {
            Ok(at) | Err(at) => at,
        };
        stretches.iter().cycle().skip(first).take(stretches.len()).map(|(_, name)| name.as_str())
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        if self.members.insert(node.to_owned(), weight) != Some(weight) {
            self.stretches.take();
        }
    }

    fn remove(&mut self, node: &str) {
        if self.members.remove(node).is_some() {
            self.stretches.take();
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.from(key).next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut found = Vec::new();
        let mut nodes = self.from(key);
        while found.len() < k.min(self.members.len())
            && let Some(node) = nodes.find(|node| !found.contains(node))
        {
            found.push(node);
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
