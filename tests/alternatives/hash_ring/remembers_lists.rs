//! Built another way: nodes have numbers, which are given again; a position holds the numbers of all nodes that stand there,
//! in order of their names; and the last lists that were asked for are remembered until somebody joins or leaves.

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
struct Ring {
    nodes: Vec<Option<(String, u32)>>,
    there: HashMap<String, usize>,
    positions: BTreeMap<Token, Vec<usize>>,
    lists: RefCell<HashMap<String, Vec<usize>>>,
}

/// FNV-1a over the bytes, the length and a number, and a finalizer.
fn hash(text: &str, number: u64) -> Token {
    let ends = (text.len() as u64).to_le_bytes().into_iter().chain(number.to_le_bytes());
    let bytes = text.bytes().chain(ends);
    let h = bytes.fold(0xCBF2_9CE4_8422_2325, |h: u64, byte| (h ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    let h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let h = (h ^ (h >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    Token::at(h ^ (h >> 32))
}

impl Ring {
    fn list(&self, key: &str, k: usize) -> Vec<usize> {
        let wanted = k.min(self.there.len());
        if let Some(list) = self.lists.borrow().get(key).filter(|list| list.len() >= wanted) {
            return list[..wanted].to_vec();
        }
        let (start, mut list) = (hash(key, u64::MAX), Vec::new());
        let walk = self.positions.range(start..).chain(self.positions.range(..start));
        for number in walk.flat_map(|(_, numbers)| numbers) {
            if list.len() == wanted {
                break;
            }
            if !list.contains(number) {
                list.push(*number);
            }
        }
        let mut lists = self.lists.borrow_mut();
        if lists.len() >= 100 {
            lists.clear();
        }
        lists.insert(key.to_owned(), list.clone());
        list
    }

    fn name(&self, number: usize) -> &str {
        self.nodes[number].as_ref().map_or("", |(name, _)| name)
    }
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring::default()
    }

    fn add(&mut self, node: &str, weight: u32) {
        self.remove(node);
        self.lists.borrow_mut().clear();
        let number = self.nodes.iter().position(Option::is_none).unwrap_or(self.nodes.len());
        if number == self.nodes.len() {
            self.nodes.push(None);
        }
        self.nodes[number] = Some((node.to_owned(), weight));
        self.there.insert(node.to_owned(), number);
        for i in 0..weight * TOKENS_PER_WEIGHT {
            let here = self.positions.entry(hash(node, i.into())).or_default();
            here.push(number);
            here.sort_by_key(|number| self.nodes[*number].clone());
        }
    }

    fn remove(&mut self, node: &str) {
        let Some(number) = self.there.remove(node) else { return };
        self.lists.borrow_mut().clear();
        let (_, weight) = self.nodes[number].take().unwrap_or_default();
        for i in 0..weight * TOKENS_PER_WEIGHT {
            let at = hash(node, i.into());
            if let Some(here) = self.positions.get_mut(&at) {
                here.retain(|other| *other != number);
                if here.is_empty() {
                    self.positions.remove(&at);
                }
            }
        }
    }

    fn owner(&self, key: &str) -> Option<&str> {
        self.list(key, 1).first().map(|number| self.name(*number))
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        self.list(key, k).into_iter().map(|number| self.name(number)).collect()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
