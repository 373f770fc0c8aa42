//! A small, fast, unkeyed hasher for the tables of the searches: multiply and rotate, finished by a fold.
//!
//! The inputs are our own (bit sets, interned numbers, a model's states), so nobody can aim collisions at us, and the
//! standard library's keyed hasher costs several times as much on keys this short. Being unkeyed also keeps a search's
//! memory layout the same in every run.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

#[derive(Clone, Copy, Default)]
pub(super) struct Mixer(u64);

pub(super) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;
pub(super) type FastSet<K> = HashSet<K, BuildHasherDefault<Mixer>>;

/// Odd, with its bits spread evenly: 2⁶⁴ divided by the golden ratio.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Hasher for Mixer {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(FACTOR);
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    #[inline]
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    #[inline]
    fn write_i32(&mut self, n: i32) {
        self.write_u64(n as u64);
    }

    #[inline]
    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }

    #[inline]
    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }

    /// A product's high bits are its good ones, and the tables take their bucket from the low ones: so fold.
    #[inline]
    fn finish(&self) -> u64 {
        let wide = u128::from(self.0) * u128::from(FACTOR);
        (wide >> 64) as u64 ^ wide as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, BuildHasherDefault};

    #[test]
    fn short_keys_spread_over_the_low_bits() {
        let build = BuildHasherDefault::<Mixer>::default();
        let mut buckets = [0u32; 256];
        for mask in 0..64u64 {
            for rest in 0..256u64 {
                buckets[(build.hash_one((mask, rest << 32)) & 255) as usize] += 1;
            }
        }
        let fullest = buckets.iter().max();
        assert!(fullest < Some(&128), "64 on average, fullest {fullest:?}");
    }
}
