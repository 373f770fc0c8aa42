//! The causal past of each node, as counts: how many of each origin's events a node can know of at most.
//!
//! Events of one origin are numbered in order, so a causal past is one number an origin (a version vector: Parker et al.
//! 1983; Fidge 1988, Mattern 1989). A message carries its sender's past of the moment it was sent. What a node counts
//! beyond its causal past it cannot know from any message: a variable shared behind the network's back.

use crate::hash::FastMap;

/// The causal pasts of a run.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    known: Vec<Vec<u64>>,
    /// What messages carry, one after the other: one list for all of them, as every message of a run has its place here.
    carried: Vec<u64>,
    /// Where in it each message's part begins.
    begins: FastMap<u64, usize>,
}

impl Knowledge {
    /// `nodes` nodes that know of nothing; each is also an origin.
    #[must_use]
    #[inline]
    pub fn new(nodes: usize) -> Self {
        Knowledge { known: vec![vec![0; nodes]; nodes], carried: Vec::new(), begins: FastMap::default() }
    }

    /// Something happens at `node`: one more event of that origin.
    #[inline]
    pub fn happens(&mut self, node: usize) {
        self.known[node][node] += 1;
    }

    /// `node` sends message `id`.
    #[inline]
    pub fn sends(&mut self, node: usize, id: u64) {
        self.begins.insert(id, self.carried.len());
        self.carried.extend_from_slice(&self.known[node]);
    }

    /// `node` receives message `id`. A message that nobody sent carries nothing.
    #[inline]
    pub fn receives(&mut self, node: usize, id: u64) {
        if let Some(begin) = self.begins.get(&id) {
            for (mine, theirs) in self.known[node].iter_mut().zip(&self.carried[*begin..]) {
                *mine = (*mine).max(*theirs);
            }
        }
    }

    /// How many events of `origin` are in the causal past of `node`.
    #[must_use]
    #[inline]
    pub fn of(&self, node: usize, origin: usize) -> u64 {
        self.known[node][origin]
    }

    /// How many events there are in the causal past of `node`.
    #[must_use]
    #[inline]
    pub fn total(&self, node: usize) -> u64 {
        self.known[node].iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knowledge_travels_with_messages_and_only_with_them() {
        let mut k = Knowledge::new(3);
        k.happens(0);
        k.sends(0, 7);
        k.happens(0);
        k.receives(1, 7);
        assert_eq!((k.of(1, 0), k.total(0), k.total(2)), (1, 2, 0));
        k.sends(1, 8);
        k.receives(2, 8);
        k.receives(2, 8);
        k.receives(2, 99);
        assert_eq!(k.total(2), 1, "through n2, once");
    }
}
