//! Numbers under which a coordinator asks, so that it can tell the answers to one question from those to another.

use crate::time::{Time, micros};
use std::collections::BTreeMap;

/// Below this, a number that comes again was counted, not drawn.
const COUNTED: u64 = 1 << 20;
/// A clock may be the number, and a crash in a test may take no time at all.
const A_MOMENT_US: u64 = 2_000;

/// Which numbers a node has asked under, and when first in its present life.
#[derive(Clone, Default)]
pub struct Numbers {
    first: BTreeMap<u64, (u64, Time)>,
    again: u32,
}

impl Numbers {
    /// The node asks under this number in step `step`, and nobody who waits now was there before step `oldest`. If the number
    /// was used before that, and not by the luck of the draw: in which step. Random numbers may come again once in a storm.
    #[inline]
    pub fn uses(&mut self, number: u64, step: u64, now: Time, oldest: u64) -> Option<u64> {
        let (first, at) = *self.first.entry(number).or_insert((step, now));
        if first >= oldest {
            return None;
        }
        self.first.insert(number, (step, now));
        if number >= COUNTED && micros(now.since(at)) <= A_MOMENT_US {
            return None;
        }
        self.again += 1;
        (number < COUNTED || self.again > 1).then_some(first)
    }

    /// In which step this number was first used, for those who wait now.
    #[must_use]
    pub fn since(&self, number: u64) -> Option<u64> {
        self.first.get(&number).map(|(step, _)| *step)
    }
}
