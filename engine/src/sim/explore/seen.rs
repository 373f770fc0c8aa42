//! Which states were seen: 64 bits of each. Knows nothing of what their words mean.

/// The place of all packets.
pub(super) const PACKET: u32 = u32::MAX;

/// What a word in its place adds to the fingerprint of a row: 64 well-mixed bits. The fingerprint is the sum of all of them, so
/// that what an event changes is taken out and put in, and the rest need not be looked at; packets, which are a multiset,
/// share one place.
#[inline]
pub(super) fn part(place: u32, word: u32) -> u64 {
    crate::rng::mix(u64::from(place) << 32 | u64::from(word))
}

/// A set of fingerprints: open addressing, at most half full. Nothing but a table of numbers, as it is most of the work.
pub(super) struct Seen {
    table: Vec<u64>,
    count: usize,
}

impl Seen {
    pub fn new() -> Self {
        Seen { table: vec![0; 1 << 12], count: 0 }
    }

    /// Whether it was not in it.
    #[inline]
    pub fn insert(&mut self, fingerprint: u64) -> bool {
        // Zero is an empty place.
        let key = fingerprint.max(1);
        let mask = self.table.len() - 1;
        let mut at = key as usize & mask;
        loop {
            match self.table[at] {
                0 => break,
                found if found == key => return false,
                _ => at = (at + 1) & mask,
            }
        }
        self.table[at] = key;
        self.count += 1;
        if self.count * 2 > self.table.len() {
            self.grow();
        }
        true
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![0; self.table.len() * 4];
        let mask = larger.len() - 1;
        let old = std::mem::replace(&mut self.table, larger);
        for key in old.into_iter().filter(|k| *k != 0) {
            let mut at = key as usize & mask;
            while self.table[at] != 0 {
                at = (at + 1) & mask;
            }
            self.table[at] = key;
        }
    }
}
