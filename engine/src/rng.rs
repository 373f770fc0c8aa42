//! The seeded generator of every random choice in the core.
//!
//! Own code on purpose: a seed that a learner writes down must give the same run next year, and the general-purpose
//! crates promise no stable stream for their fast generators. **The stream never changes within a major version**;
//! a test pins its first values.
//!
//! Generator: xoshiro256++ (Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators", section 3),
//! its state filled by SplitMix64 (Steele, Lea & Flood 2014), as its authors advise.

#![warn(clippy::missing_inline_in_public_items)]

use std::ops::RangeInclusive;

/// A deterministic random generator. `Clone` copies the position in the stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rng {
    state: [u64; 4],
    /// What it has drawn, if that is noted.
    notes: Option<Box<Notes>>,
}

/// One draw: a number, and what it could have been at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Draw {
    /// What was drawn.
    pub value: u64,
    /// The largest that could have been.
    pub most: u64,
}

/// So many draws of one generator are noted: of more nobody reads the numbers.
const NOTED_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Notes {
    instead: Vec<(usize, u64)>,
    drawn: Vec<Draw>,
}

/// A seed, and draws that come to another number than that of the seed: with it a run is made again with other numbers in it, all else
/// being the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice {
    seed: u64,
    /// The number of the draw, and what comes in its place.
    instead: Vec<(usize, u64)>,
}

impl Dice {
    /// Those of a seed.
    #[must_use]
    #[inline]
    pub fn new(seed: u64) -> Self {
        Dice { seed, instead: Vec::new() }
    }

    /// Those of a stream of a seed: see [`Rng::stream`].
    #[must_use]
    #[inline]
    pub fn stream(seed: u64, stream: u64) -> Self {
        Dice::new(stream_seed(seed, stream))
    }

    /// The seed, whatever comes in the place of its draws.
    #[must_use]
    #[inline]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same, but for one draw.
    #[must_use]
    #[inline]
    pub fn with(&self, draw: usize, value: u64) -> Self {
        let mut instead = self.instead.clone();
        match instead.iter_mut().find(|(at, _)| *at == draw) {
            Some((_, held)) => *held = value,
            None => instead.push((draw, value)),
        }
        Dice { seed: self.seed, instead }
    }

    /// Their generator; `noting`: [`Rng::drawn`] tells what it drew.
    #[must_use]
    #[inline]
    pub fn rng(&self, noting: bool) -> Rng {
        let mut rng = Rng::new(self.seed);
        if noting || !self.instead.is_empty() {
            rng.notes = Some(Box::new(Notes { instead: self.instead.clone(), drawn: Vec::new() }));
        }
        rng
    }
}

#[inline]
const fn stream_seed(seed: u64, stream: u64) -> u64 {
    mix(seed) ^ mix(stream.wrapping_add(0x5EED))
}

/// One step of SplitMix64: also our mixer for deriving seeds from seeds.
#[must_use]
#[inline]
pub const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Notes {
    #[inline]
    fn noted(&mut self, value: u64, most: u64) -> u64 {
        let at = self.drawn.len();
        if at == NOTED_MAX {
            return value;
        }
        let value = self.instead.iter().find(|(draw, _)| *draw == at).map_or(value, |(_, value)| (*value).min(most));
        self.drawn.push(Draw { value, most });
        value
    }
}

impl Rng {
    /// A generator for `seed`. Every seed is good, zero too.
    #[must_use]
    #[inline]
    pub fn new(seed: u64) -> Self {
        let mut state = [0; 4];
        for (i, word) in (0u64..).zip(&mut state) {
            *word = mix(seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        }
        Rng { state, notes: None }
    }

    /// An independent stream of the same seed. Separate streams for latency, faults, nodes and clients keep a change in
    /// one of them from shifting the others.
    #[must_use]
    #[inline]
    pub fn stream(seed: u64, stream: u64) -> Self {
        Rng::new(stream_seed(seed, stream))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let bits = self.bits();
        self.noted(bits, u64::MAX)
    }

    /// What has been drawn, if it is noted: see [`Dice::rng`].
    #[must_use]
    #[inline]
    pub fn drawn(&self) -> &[Draw] {
        self.notes.as_ref().map_or(&[], |notes| &notes.drawn)
    }

    /// The number that was drawn, or what comes in its place.
    #[inline]
    fn noted(&mut self, value: u64, most: u64) -> u64 {
        match &mut self.notes {
            None => value,
            Some(notes) => notes.noted(value, most),
        }
    }

    #[inline]
    fn bits(&mut self) -> u64 {
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
        let value = self.unnoted(n);
        self.noted(value, n.saturating_sub(1))
    }

    #[inline]
    fn unnoted(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
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
        let comes = self.unnoted(1_000_000) < u64::from(ppm);
        self.noted(u64::from(comes), 1) != 0
    }

    /// A number in which implementations like to go wrong: 0, small, a power of two or next to one, the largest, or any.
    #[inline]
    pub fn wild(&mut self) -> u64 {
        // One number, however many draws it takes.
        let number = match self.unnoted(8) {
            0 => 0,
            1 => 1 + self.unnoted(9),
            2 => u64::MAX - self.unnoted(2),
            3 => self.bits(),
            _ => {
                let power = 1 << [7, 8, 15, 16, 24, 31, 32, 53, 63][self.unnoted(9) as usize];
                [power - 1, power, power + 1][self.unnoted(3) as usize]
            }
        };
        self.noted(number, u64::MAX)
    }

    /// A number that is easily taken for `x`: the same, its neighbours, or one that is equal in the lowest bits.
    #[inline]
    pub fn near(&mut self, x: u64) -> u64 {
        match self.below(8) {
            0..=2 => x,
            3 | 4 => x.saturating_add(1),
            5 => x.saturating_sub(1),
            _ => {
                let far = 1 << [8, 16, 32, 53, 63][self.below(5) as usize];
                x.wrapping_add(self.or_less(far))
            }
        }
    }

    /// The number itself, which costs no randomness. A run that is made smaller may have less in its place: for the large
    /// numbers of a table.
    #[inline]
    pub fn or_less(&mut self, number: u64) -> u64 {
        self.noted(number, number)
    }

    /// Whether to keep what was just drawn: yes, and it costs no randomness. A run that is made smaller may leave it out.
    #[inline]
    pub fn keeps(&mut self) -> bool {
        self.or_less(1) == 1
    }

    /// One of the items, or `None` of an empty slice.
    #[inline]
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }

    /// Shuffles in place (Fisher–Yates).
    #[inline]
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
    fn what_is_noted_is_the_same_but_for_what_comes_instead() {
        let draws = |rng: &mut Rng| {
            let (chance, wild, range) = (u64::from(rng.chance(500_000)), rng.wild(), rng.range(10..=19));
            (chance, wild, range, rng.near(100), rng.below(5), rng.next_u64())
        };
        for seed in 0..500 {
            let dice = Dice::new(seed);
            let mut noting = dice.rng(true);
            let plain = draws(&mut Rng::new(seed));
            assert_eq!(draws(&mut noting), plain);
            let most: Vec<u64> = noting.drawn().iter().map(|draw| draw.most).collect();
            assert_eq!((&most[..4], most.last()), (&[1, u64::MAX, 9, 7][..], Some(&u64::MAX)));
            let other = draws(&mut dice.with(1, 7).with(1, 77).with(2, 50).rng(false));
            assert_eq!(other, (plain.0, 77, 19, plain.3, plain.4, plain.5), "no draw gives more than it can");
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
