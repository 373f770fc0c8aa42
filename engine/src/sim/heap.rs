//! A queue of numbers, smallest first: what is to come lies in it as one number each. Knows nothing of what they mean.
//!
//! A heap with four children a place instead of two: half as many levels, and the four lie side by side in memory. Numbers
//! that differ come out in the same order of any heap; here no two are equal, as each has a sequence number in it.

/// Numbers, the smallest first.
pub(super) struct Heap {
    places: Vec<u128>,
}

const CHILDREN: usize = 4;

impl Heap {
    #[inline]
    pub fn with_capacity(capacity: usize) -> Self {
        Heap { places: Vec::with_capacity(capacity) }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub fn push(&mut self, key: u128) {
        self.places.push(key);
        let last = self.places.len() - 1;
        self.rise(last, key);
    }

    /// Puts `key` where it belongs, at the place `at` or above it.
    #[inline]
    fn rise(&mut self, mut at: usize, key: u128) {
        let places = self.places.as_mut_slice();
        while at > 0 {
            let parent = (at - 1) / CHILDREN;
            if places[parent] <= key {
                break;
            }
            places[at] = places[parent];
            at = parent;
        }
        if let Some(place) = places.get_mut(at) {
            *place = key;
        }
    }

    /// The smallest, if it is at most `limit`.
    #[inline]
    pub fn pop_up_to(&mut self, limit: u128) -> Option<u128> {
        let first = *self.places.first()?;
        if first > limit {
            return None;
        }
        let last = self.places.pop()?;
        self.refill(last);
        Some(first)
    }

    /// The first place is free now, and `key`, which was the last one, has none.
    #[inline]
    fn refill(&mut self, key: u128) {
        let places = self.places.as_mut_slice();
        let mut at = 0;
        // What was last belongs far down as a rule. So smaller children move up all the way without a look at it.
        while let Some(four) = places.get(CHILDREN * at + 1..CHILDREN * at + 1 + CHILDREN).and_then(|s| s.first_chunk::<CHILDREN>()) {
            let (a, x) = if four[1] < four[0] { (1, four[1]) } else { (0, four[0]) };
            let (b, y) = if four[3] < four[2] { (3, four[3]) } else { (2, four[2]) };
            let (child, least) = if y < x { (b, y) } else { (a, x) };
            places[at] = least;
            at = CHILDREN * at + 1 + child;
        }
        let rest = CHILDREN * at + 1;
        if let Some(child) = (rest..places.len()).min_by_key(|i| places[*i]) {
            places[at] = places[child];
            at = child;
        }
        self.rise(at, key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use std::collections::BTreeSet;

    /// Pushes and pops by chance, beside a sorted set.
    #[test]
    fn the_smallest_comes_first() {
        let mut popped = 0;
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let (mut heap, mut sorted) = (Heap::with_capacity(4), BTreeSet::new());
            for number in 0..1_000u128 {
                // It grows in the first half, and shrinks in the second.
                if rng.chance(if number < 500 { 700_000 } else { 300_000 }) {
                    let key = u128::from(rng.below(50)) << 64 | number;
                    heap.push(key);
                    sorted.insert(key);
                } else {
                    let limit = u128::from(rng.below(60)) << 64;
                    let least = sorted.first().copied().filter(|k| *k <= limit);
                    assert_eq!(heap.pop_up_to(limit), least, "seed {seed}");
                    popped += usize::from(least.is_some_and(|k| sorted.remove(&k)));
                }
                assert_eq!(heap.len(), sorted.len());
            }
            let rest: Vec<u128> = std::iter::from_fn(|| heap.pop_up_to(u128::MAX)).collect();
            assert!(rest.is_sorted() && rest.len() == sorted.len() && heap.pop_up_to(u128::MAX).is_none());
        }
        assert!(popped > 50_000, "{popped}");
    }
}
