//! hash_ring: which server has which key. The problem is in README.md beside this file; the contract (go to definition) in
//! `splitbrain::exercises::hash_ring`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::hash_ring::{HashRing, TOKENS_PER_WEIGHT, Token, judge};
use std::collections::{BTreeMap, BTreeSet};

struct Ring {
    // Your state.
}

/// Where a key, or a token of a node, stands on the ring: `Token::at(hash(text))`.
fn hash(text: &str) -> u64 {
    todo!("your hash function: the same in every process, and even over the whole range of u64")
}

impl HashRing for Ring {
    fn new() -> Self {
        Ring {}
    }

    fn add(&mut self, node: &str, weight: u32) {
        todo!("put the node's tokens on the ring: TOKENS_PER_WEIGHT for each unit of weight")
    }

    fn remove(&mut self, node: &str) {
        todo!("take all of the node's tokens off the ring")
    }

    fn owner(&self, key: &str) -> Option<&str> {
        todo!("the node of the first token from the key's position onwards, round the ring")
    }

    fn replicas(&self, key: &str, k: usize) -> Vec<&str> {
        todo!("the first k different nodes from the key's position onwards, all if there are fewer")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ring>)
}
