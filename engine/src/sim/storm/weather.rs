//! The events of a storm, drawn before it begins.

use crate::rng::{Dice, Rng};

/// What can happen in a storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something comes in that the ghost draws.
    Tell,
    /// A message that came in before comes again.
    Repeat,
    /// Time passes until the next timer fires.
    Fire,
    /// Time passes.
    Wait,
    /// The node crashes between two calls; it is back before the next event.
    Crash,
    /// It crashes in its next call, between two effects.
    CrashAfter,
    /// It crashes in its next call that tells or answers others before it saves, in between: such a call may be rare.
    CrashUnsaved,
    /// It crashes, is back, and is asked what would betray its promises: what a shadow showed.
    Betray,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub kind: Kind,
    pub dice: Dice,
}

/// In so many storms, in millionths, the node crashes between what it says and the save that should have come first, if it ever does
/// one in this order; of a node that does not, nothing changes.
const UNSAVED: u32 = 300_000;

/// The events of a storm, and how often a promise gets a shadow, in millionths.
#[inline]
pub(super) fn weather(seed: u64) -> (Vec<Happening>, u32) {
    let mut rng = Rng::stream(seed, 6);
    let long = rng.below(25) == 0;
    let count = if long { 600 } else { 15 + rng.below(36) };
    let kinds = [Kind::Tell, Kind::Repeat, Kind::Fire, Kind::Wait, Kind::Crash, Kind::CrashAfter];
    let of = [[20, 40, 40, 10], [0, 0, 4, 10], [10, 20, 40, 3], [0, 5, 10, 20], [0, 2, 8, 16], [0, 0, 3, 8]];
    let mut weights = of.map(|choice: [u64; 4]| choice[rng.below(4) as usize]);
    if long {
        // One long life, in which what is counted grows: of what comes in, or of its own timers; or a steady stream that
        // waits for no timer, so that what each input puts off again never happens.
        (weights[4], weights[5]) = (0, 0);
        if rng.chance(300_000) {
            weights = [2, 0, 40, 0, 0, 0];
        } else if Rng::stream(seed, 9).chance(200_000) {
            weights = [40, 2, 0, 20, 0, 0];
        }
    }
    let all: u64 = weights.iter().sum();
    let mut draw = || {
        let mut left = rng.below(all);
        let kind = kinds
            .iter()
            .zip(weights)
            .find(|(_, w)| {
                left < *w || {
                    left -= w;
                    false
                }
            })
            .map_or(Kind::Tell, |(k, _)| *k);
        Happening { kind, dice: Dice::new(rng.next_u64()) }
    };
    let mut events: Vec<Happening> = (0..count).map(|_| draw()).collect();
    let mut rng = Rng::stream(seed, 10);
    if rng.chance(UNSAVED) {
        let at = rng.below(count / 2 + 1) as usize;
        events.insert(at, Happening { kind: Kind::CrashUnsaved, dice: Dice::new(rng.next_u64()) });
    }
    (events, if long { 20_000 } else { 400_000 })
}
