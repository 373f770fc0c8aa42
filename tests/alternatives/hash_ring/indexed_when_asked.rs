//! Built another way: joins and leaves only change the membership; the ring is built at the next question, as a table of
//! buckets by the upper bits, each with its few tokens sorted, so that a lookup compares hardly any.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::cell::OnceCell;
use std::collections::HashMap;

#[derive(Default)]
struct Ring {
    members: HashMap<String, u32>,
    table: OnceCell<Table>,
}

struct Table {
    shift: u32,
    names: Vec<String>,
    buckets: Vec<Vec<(Token, usize)>>,
}

/// SplitMix64 over the bytes, eight at a time.
fn hash(text: &str) -> u64 {
    text.as_bytes().chunks(8).fold(text.len() as u64, |h, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        scramble(h ^ u64::from_le_bytes(word))
    })
}

fn scramble(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Table {
    fn of(members: &HashMap<String, u32>) -> Table {
        let mut names: Vec<String> = members.keys().cloned().collect();
        names.sort();
        let tokens: u32 = members.values().map(|w| w * TOKENS_PER_WEIGHT).sum();
        let bits = tokens.next_power_of_two().ilog2().max(1);
        let mut table = Table { shift: 64 - bits, buckets: vec![Vec::new(); 1 << bits], names };
        for (i, name) in table.names.iter().enumerate() {
            let mut position = scramble(hash(name));
            for _ in 0..members[name] * TOKENS_PER_WEIGHT {
                position = scramble(position);
                table.buckets[(position >> table.shift) as usize].push((Token::at(position), i));
            }
        }
        table.buckets.iter_mut().for_each(|bucket| bucket.sort());
        table
    }

    fn walk(&self, key: u64) -> impl Iterator<Item = &str> {
        let (bucket, token) = ((key >> self.shift) as usize, Token::at(key));
        let here = &self.buckets[bucket];
        let at = here.iter().position(|(t, _)| *t >= token).unwrap_or(here.len());
        let after = self.buckets[bucket + 1..].iter().flatten();
        let around = self.buckets[..=bucket].iter().flatten();
        here[at..].iter().chain(after).chain(around).map(|(_, i)| self.names[*i].as_str())
    }
}

impl Ring {
    fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::of(&self.members))
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.members.insert(node.to_owned(), weight);
        self.table = OnceCell::new();
    }

    fn remove(&mut self, node: &str) {
        if self.members.remove(node).is_some() {
            self.table = OnceCell::new();
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.table().walk(hash(key)).next()
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let wanted = k.min(self.members.len());
        for node in self.table().walk(hash(key)) {
            if found.len() == wanted {
                break;
            }
            if !found.contains(&node) {
                found.push(node);
            }
        }
        found
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
