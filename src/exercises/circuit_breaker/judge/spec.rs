//! What must come out of the calls of `circuit_breaker`, and storms of calls. Where the learner has a choice, keep what holds between
//! answers in the place of what they must be.

use super::{COUNT, SUM, Thing};
use crate::exercises::kit::{Bench, Model, calls};
use crate::rng::Rng;
use crate::rule::Check;
use crate::suite::Storms;

pub(super) fn storms(make: fn() -> Thing) -> Storms {
    // Most are short; some are long enough for what is counted in a byte.
    calls::storms(make, &[SUM, COUNT], &["large numbers"], 10_000, |rng| (Naive::default(), if rng.below(25) == 0 { 300 } else { 12 }))
}

/// The naive one.
#[derive(Default)]
struct Naive {
    all: Vec<u64>,
}

impl Model<Thing> for Naive {
    fn event(&mut self, it: &mut Bench<Thing>, rng: &mut Rng) -> Check {
        let sum: u64 = self.all.iter().sum();
        match rng.below(4) {
            0 => it.gives(SUM, &sum, "sum()", |it| it.sum()),
            1 => it.gives(COUNT, &(self.all.len() as u64), "count()", |it| it.count()),
            _ => {
                // Small, equal, and wild: as long as there is room.
                let n = if rng.chance(700_000) { rng.below(4) } else { rng.wild() };
                if sum.checked_add(n).is_some() {
                    it.met.add("large numbers", u64::from(n > u64::from(u32::MAX)));
                    it.call(|| format!("add({n})"), |it| it.add(n));
                    self.all.push(n);
                }
                Ok(())
            }
        }
    }
}
