//! Storms: random inputs, waits and crashes against *one* node, watched by its [ghost](super::Spec), which also says what
//! could come in. Where the swarm needs a mistake to show between nodes, a storm needs one wrong reaction.
//!
//! An event is a kind and a seed, read against the ghost when it happens: so any of them can be left out and the rest still
//! means something. That is what shrinking works on. Each storm draws its own weights (swarm testing: Groce, Zhang, Eide,
//! Chen & Regehr 2012); 1 of 25 is long. It ends with rest, in which all that is owed falls due.
//!
//! A **shadow** is its sharpest aim: after a promise (a vote, an acknowledgement) a copy of the node restarts apart from the
//! run, from the disk of this moment, and is asked what would betray it. If it does, that becomes the storm's next event.

mod rig;
mod shrink;
#[cfg(test)]
mod tests;

use super::node::{Factory, Protocol};
use super::shrink::{Target, goes_on, learner, said};
use super::spec::Storm;
use crate::rng::Rng;
use crate::suite::{Run, Shrunk};
use crate::trace::Probe;
use rig::Rig;

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
    /// It crashes, is back, and is asked what would betray its promises: what a shadow showed.
    Betray,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub kind: Kind,
    pub seed: u64,
}

/// The events of a storm, and how often a promise gets a shadow, in millionths.
fn weather(seed: u64) -> (Vec<Happening>, u32) {
    let mut rng = Rng::stream(seed, 6);
    let long = rng.below(25) == 0;
    let count = if long { 600 } else { 15 + rng.below(36) };
    let kinds = [Kind::Tell, Kind::Repeat, Kind::Fire, Kind::Wait, Kind::Crash, Kind::CrashAfter];
    let of = [[20, 40, 40, 10], [0, 0, 4, 10], [10, 20, 40, 3], [0, 5, 10, 20], [0, 2, 8, 16], [0, 0, 3, 8]];
    let mut weights = of.map(|choice: [u64; 4]| choice[rng.below(4) as usize]);
    if long {
        // One long life, in which what is counted grows: of what comes in, or of its own timers.
        (weights[4], weights[5]) = (0, 0);
        if rng.chance(300_000) {
            weights = [2, 0, 40, 0, 0, 0];
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
        Happening { kind, seed: rng.next_u64() }
    };
    let events = (0..count).map(|_| draw()).collect();
    (events, if long { 20_000 } else { 400_000 })
}

/// Makes storm `seed` happen to one node.
///
/// With `probe.shrink` it is made without a tape first, and if it breaks a rule, the tape gets the fewest events found that
/// break the same one. A panic of the learner's code is shrunk, too, and leaves this function as a panic.
pub fn storm<P: Protocol, S: Storm<P>>(factory: Factory<P>, seed: u64, probe: &Probe) -> Run {
    let (events, shadows) = weather(seed);
    let untaped = Probe { tape: None, kept: None, ..probe.clone() };
    let watched = if probe.shrink { &untaped } else { probe };
    let mut done = Vec::new();
    let mut made = || Rig::<P, S>::run(factory, seed, watched, &events, shadows, &mut done);
    let (run, raw_steps) = match if probe.shrink { learner(&untaped, made) } else { Ok(made()) } {
        Ok(made) => made,
        Err(payload) => {
            let target = Target::Panic(said(&*payload));
            show::<P, S>(factory, seed, &done, &target, probe);
            goes_on(&untaped, payload)
        }
    };
    let Some(broken) = run.check.as_ref().err().filter(|_| probe.shrink) else { return run };
    let (shown, shown_steps) = show::<P, S>(factory, seed, &done, &Target::Rule(broken.rule), probe);
    let shrunk = shown.check.err().map(|broken| Shrunk { broken, raw_steps, shown_steps });
    Run { shrunk, ..run }
}

/// Makes the fewest of the events happen that still do it, on the tape.
fn show<P: Protocol, S: Storm<P>>(factory: Factory<P>, seed: u64, done: &[Happening], target: &Target, probe: &Probe) -> (Run, u64) {
    let untaped = Probe { tape: None, kept: None, shrink: false, fingerprint: false, ..probe.clone() };
    let fewest = shrink::fewest::<P, S>(factory, seed, done, target, &untaped);
    let taped = Probe { tape: probe.tape.clone(), ..untaped };
    Rig::<P, S>::run(factory, seed, &taped, &fewest, 0, &mut Vec::new())
}
