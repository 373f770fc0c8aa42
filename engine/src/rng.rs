//! The seeded generator of every random choice in the core.
//!
//! Own code on purpose: a seed that a learner writes down must give the same run next year, and the general-purpose
//! crates promise no stable stream for their fast generators. **The stream never changes within a major version**;
//! a test pins its first values.
//!
//! Generator: xoshiro256++ (Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators", section 3),
//! its state filled by SplitMix64 (Steele, Lea & Flood 2014), as its authors advise.

use std::ops::RangeInclusive;

/// A deterministic random generator. `Clone` copies the position in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rng {
    state: [u64; 4],
    /// Whether what is wild comes out small: for a run that is shown.
    tame: bool,
}

/// The largest of the numbers in the place of wild ones.
const TAME_MAX: u64 = 97;

/// One step of SplitMix64: also our mixer for deriving seeds from seeds.
#[must_use]
pub const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// A generator for `seed`. Every seed is good, zero too.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut state = [0; 4];
        for (i, word) in (0u64..).zip(&mut state) {
            *word = mix(seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        }
        Rng { state, tame: false }
    }

    /// An independent stream of the same seed. Separate streams for latency, faults, nodes and clients keep a change in
    /// one of them from shifting the others.
    #[must_use]
    pub fn stream(seed: u64, stream: u64) -> Self {
        Rng::new(mix(seed) ^ mix(stream.wrapping_add(0x5EED)))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..n`, or 0 when `n` is 0. The bias of the multiply-shift is below 2⁻⁴⁰ for the sizes used here.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// A number in the range, both ends included. An empty range gives its start.
    #[inline]
    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True with a probability of `ppm` in a million; 0 never, 1,000,000 always.
    #[inline]
    pub fn chance(&mut self, ppm: u32) -> bool {
        self.below(1_000_000) < u64::from(ppm)
    }

    /// The same generator, except that [`Rng::wild`] gives small numbers, and [`Rng::near`] close ones.
    #[must_use]
    pub fn tamed(mut self, tame: bool) -> Self {
        self.tame = tame;
        self
    }

    /// A number in which implementations like to go wrong: 0, small, a power of two or next to one, the largest, or any.
    pub fn wild(&mut self) -> u64 {
        // Drawn in either case, so that what is drawn next is the same.
        let number = self.any_wild();
        if self.tame && number > TAME_MAX { 1 + number % TAME_MAX } else { number }
    }

    fn any_wild(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => 1 + self.below(9),
            2 => u64::MAX - self.below(2),
            3 => self.next_u64(),
            _ => {
                let power = 1 << [7, 8, 15, 16, 24, 31, 32, 53, 63][self.below(9) as usize];
                [power - 1, power, power + 1][self.below(3) as usize]
            }
        }
    }

    /// A number that is easily taken for `x`: the same, its neighbours, or one that is equal in the lowest bits.
    pub fn near(&mut self, x: u64) -> u64 {
        match self.below(8) {
            0..=2 => x,
            3 | 4 => x.saturating_add(1),
            5 => x.saturating_sub(1),
            _ => {
                let far = 1 << [8, 16, 32, 53, 63][self.below(5) as usize];
                x.wrapping_add(if self.tame { 2 } else { far })
            }
        }
    }

    /// One of the items, or `None` of an empty slice.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }

    /// Shuffles in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut rng = Rng::new(0);
        let first: Vec<u64> = (0..4).map(|_| rng.next_u64()).collect();
        assert_eq!(first, PINNED, "the stream of a seed never changes within a major version");
    }
    /// The first values of xoshiro256++ seeded with SplitMix64 from 0.
    const PINNED: [u64; 4] = [5987356902031041503, 7051070477665621255, 6633766593972829180, 211316841551650330];

    #[test]
    fn what_is_tame_is_small_and_what_follows_is_the_same() {
        for seed in 0..500 {
            let (mut wild, mut tame) = (Rng::new(seed), Rng::new(seed).tamed(true));
            for _ in 0..20 {
                let (any, small) = (wild.wild(), tame.wild());
                assert!(small <= TAME_MAX && (any > TAME_MAX || any == small), "{any} {small}");
                let (any, close) = (wild.near(100), tame.near(100));
                assert!((99..=102).contains(&close) && (!(99..=101).contains(&any) || any == close), "{any} {close}");
            }
            assert_eq!(wild.next_u64(), tame.next_u64());
        }
    }

    #[test]
    fn below_and_range_stay_inside_and_reach_the_ends() {
        let mut rng = Rng::new(7);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[rng.below(6) as usize] += 1;
            assert!((3..=5).contains(&rng.range(3..=5)));
        }
        assert!(seen.iter().all(|&n| (800..1_200).contains(&n)), "{seen:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.range(9..=9), 9);
    }

    #[test]
    fn a_chance_of_nothing_never_comes_and_of_a_million_always() {
        let mut rng = Rng::new(1);
        assert!((0..1_000).all(|_| !rng.chance(0) && rng.chance(1_000_000)));
    }

    #[test]
    fn a_shuffle_reaches_every_order_about_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        let mut rng = Rng::new(3);
        for _ in 0..6_000 {
            let mut items = [1, 2, 3];
            rng.shuffle(&mut items);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|&n| (850..1_150).contains(&n)), "{counts:?}");
    }

    #[test]
    fn streams_of_one_seed_differ() {
        assert_ne!(Rng::stream(5, 0).next_u64(), Rng::stream(5, 1).next_u64());
        assert_ne!(Rng::stream(5, 0).next_u64(), Rng::stream(6, 0).next_u64());
    }
}
