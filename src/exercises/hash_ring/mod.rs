//! `hash_ring`: which server has which key, so that a server that joins or leaves moves only its own share.
//!
//! Consistent hashing (Karger et al. 1997, "Consistent hashing and random trees", section 4) with virtual nodes, weights and
//! preference lists (DeCandia et al. 2007, "Dynamo: Amazon's highly available key-value store", sections 4.2 and 4.3). There
//! is no network here: the hidden tests call a ring directly, and the faults are nodes that join and leave in any order.
//! This page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// How many tokens a node has for each unit of its weight.
pub const TOKENS_PER_WEIGHT: u32 = 128;

/// A position on the ring: that of a node's token, or that of a key.
///
/// Positions go round: after the largest comes the smallest. *Your* hash function decides which position a name or a
/// key has. A token can only be copied and compared; the hidden tests count the comparisons (`==`, `<`, `cmp`, …), and
/// so see what a lookup costs. Keep positions as tokens, and search by comparing them.
#[derive(Clone, Copy, Debug)]
pub struct Token(u64);

impl Token {
    /// The token at that position.
    #[must_use]
    #[inline]
    pub const fn at(position: u64) -> Self {
        Token(position)
    }
}

impl PartialEq for Token {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        count();
        self.0 == other.0
    }
}

impl Eq for Token {}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialOrd for Token {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Token {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        count();
        self.0.cmp(&other.0)
    }
}

thread_local! {
    /// How many comparisons of tokens this thread has made. A judge's thread runs one case at a time.
    static COMPARISONS: Cell<u64> = const { Cell::new(0) };
}

#[inline]
fn count() {
    COMPARISONS.with(|n| n.set(n.get() + 1));
}

/// How many comparisons of tokens `call` makes.
fn comparisons_in(call: impl FnOnce()) -> u64 {
    let before = COMPARISONS.with(Cell::get);
    call();
    COMPARISONS.with(Cell::get) - before
}

/// A consistent-hashing ring.
///
/// Owners depend only on the membership: on the names and weights of the nodes that are there, and on nothing else.
/// Every server of the cluster holds a ring of its own, fed with the same members in whatever order it heard of them, and
/// all must route a key to the same place. Names and keys are taken as they are, byte by byte: `N1` is not `n1`.
pub trait HashRing: 'static {
    /// A ring without nodes.
    fn new() -> Self
    where
        Self: Sized;

    /// A node joins, with [`TOKENS_PER_WEIGHT`] tokens for each unit of its weight. The weight is at least 1 (the hidden tests go up to 100). If the node
    /// is there already, it gets the new weight, as if it had left and come back.
    fn add(&mut self, node: &str, weight: u32);

    /// A node leaves, with everything it had. If it is not there, nothing happens.
    fn remove(&mut self, node: &str);

    /// Who owns the key: the node of the first token from the key's position onwards, round the ring. `None` if there is
    /// no node.
    fn owner(&self, key: &str) -> Option<&str>;

    /// The first `k` different nodes from the key's position onwards: its owner, then the one that takes over if the owner
    /// leaves, and so on. All nodes if there are fewer than `k`.
    fn replicas(&self, key: &str, k: usize) -> Vec<&str>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_compare_is_counted() {
        let (a, b) = (Token::at(1), Token::at(2));
        let ways: [fn(Token, Token) -> bool; 5] =
            [|a, b| a == b, |a, b| a < b, |a, b| a >= b, |a, b| a.cmp(&b).is_eq(), |a, b| a.max(b) == a];
        let counts = ways.map(|way| {
            comparisons_in(|| {
                std::hint::black_box(way(a, b));
            })
        });
        assert_eq!(counts, [1, 1, 1, 1, 2]);
    }
}
