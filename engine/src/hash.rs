//! A fast hash for our own tables and fingerprints: one multiply and one rotation a word (the scheme of Firefox's "Fx"
//! hash), in two lanes that take turns, so that a word need not wait for the multiplication of the one before it; finished by
//! a mixer so that its low bits are good too. Not for untrusted keys, and the same on every platform
//! with 64-bit words; nothing that is kept between versions rests on its values.

use std::hash::{BuildHasherDefault, Hash, Hasher};

/// The hasher. [`FastMap`] and [`FastSet`] use it.
#[derive(Clone, Copy)]
pub struct FastHasher {
    /// The lane of the next word, and the other one.
    next: u64,
    other: u64,
}

/// Neither lane begins at zero, where it would stay however many zeros it is given.
impl Default for FastHasher {
    #[inline]
    fn default() -> Self {
        FastHasher { next: 0x9E37_79B9_7F4A_7C15, other: 0x2545_F491_4F6C_DD1D }
    }
}

impl Hasher for FastHasher {
    #[inline]
    fn finish(&self) -> u64 {
        let both = self.next.rotate_left(5) ^ self.other;
        let x = (both ^ (both >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        x ^ (x >> 32)
    }
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    #[inline]
    fn write_u8(&mut self, x: u8) {
        self.write_u64(u64::from(x));
    }
    #[inline]
    fn write_u16(&mut self, x: u16) {
        self.write_u64(u64::from(x));
    }
    #[inline]
    fn write_u32(&mut self, x: u32) {
        self.write_u64(u64::from(x));
    }
    #[inline]
    fn write_u64(&mut self, x: u64) {
        let word = (self.next.rotate_left(5) ^ x).wrapping_mul(0x517C_C1B7_2722_0A95);
        self.next = self.other;
        self.other = word;
    }
    #[inline]
    fn write_i32(&mut self, x: i32) {
        self.write_u64(x as u64);
    }
    #[inline]
    fn write_i64(&mut self, x: i64) {
        self.write_u64(x as u64);
    }
    #[inline]
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
}

#[allow(clippy::disallowed_types, reason = "without random keys, and for look-up alone")]
/// A hash map for pure keyed look-up: its order must never reach an output.
pub type FastMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<FastHasher>>;
#[allow(clippy::disallowed_types, reason = "without random keys, and for membership alone")]
/// A hash set for pure membership: its order must never reach an output.
pub type FastSet<K> = std::collections::HashSet<K, BuildHasherDefault<FastHasher>>;

/// The fingerprint of a value.
#[inline]
pub fn of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = FastHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_values_spread_over_the_low_bits() {
        let mut buckets = [0; 64];
        for i in 0..64_000u64 {
            buckets[(of(&i) % 64) as usize] += 1;
        }
        assert!(buckets.iter().all(|n| (700..1_300).contains(n)), "{buckets:?}");
        assert_ne!(of("ab"), of("ba"));
    }

    /// All short lists of a few words that differ in few bits, the highest ones too, and in how many zeros they have.
    #[test]
    fn near_lists_have_different_fingerprints() {
        let words = [0, 1, 2, 1 << 32, 1 << 62, 1 << 63, u64::MAX];
        let (mut seen, mut lists) = (FastSet::default(), vec![Vec::new()]);
        let mut count = 0;
        for _ in 0..=5 {
            for list in &lists {
                let mut hasher = FastHasher::default();
                list.iter().for_each(|x| hasher.write_u64(*x));
                seen.insert(hasher.finish());
                count += 1;
            }
            lists = lists.iter().flat_map(|l: &Vec<u64>| words.map(|w| [l.as_slice(), &[w]].concat())).collect();
        }
        assert_eq!((seen.len(), count), (19_608, 19_608));
    }
}
