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
mod weather;

use super::node::{Factory, Protocol};
use super::shrink::{Target, goes_on, learner, said};
use super::spec::Storm;
use crate::rng::Dice;
use crate::sim::smaller::Notebook;
use crate::suite::{Run, Shrunk};
use crate::trace::Probe;
use rig::{Kept, Rig, Start};
use weather::{Happening, weather};

/// Makes storm `seed` happen to one node.
///
/// With `probe.shrink` it is made without a tape first, and if it breaks a rule, the tape gets the fewest events found that
/// break the same one. A panic of the learner's code is shrunk, too, and leaves this function as a panic.
pub fn storm<P: Protocol, S: Storm<P>>(factory: Factory<P>, seed: u64, probe: &Probe) -> Run {
    let (events, shadows) = weather(seed);
    let start = Start { seed, dice: Dice::stream(seed, 7) };
    let untaped = Probe { tape: None, regression: None, ..probe.clone() };
    let watched = if probe.shrink { &untaped } else { probe };
    let mut done = Vec::new();
    let nothing = Notebook::default();
    let mut made = || Rig::<P, S>::run(factory, &start, watched, &events, shadows, Kept::events(&mut done, &nothing));
    let (run, raw_steps) = match if probe.shrink { learner(&untaped, made) } else { Ok(made()) } {
        Ok(made) => made,
        Err(payload) => {
            let target = Target::Panic(said(&*payload));
            show::<P, S>(factory, &start, &done, &target, probe);
            goes_on(&untaped, payload)
        }
    };
    let Some(broken) = run.check.as_ref().err().filter(|_| probe.shrink) else { return run };
    let (shown, shown_steps, contrast) = show::<P, S>(factory, &start, &done, &Target::Rule(broken.rule), probe);
    let shrunk = shown.check.err().map(|broken| Shrunk { broken, raw_steps, shown_steps, contrast });
    Run { shrunk, ..run }
}

/// Makes the fewest of the events happen that still do it, on the tape. Gives the steps, and with which numbers nothing is broken.
fn show<P: Protocol, S: Storm<P>>(
    factory: Factory<P>,
    start: &Start,
    done: &[Happening],
    target: &Target,
    probe: &Probe,
) -> (Run, u64, Option<String>) {
    let untaped = Probe { tape: None, regression: None, shrink: false, fingerprint: false, ..probe.clone() };
    let (start, fewest, contrast) = shrink::fewest::<P, S>(factory, start, done, target, &untaped);
    let taped = Probe { tape: probe.tape.clone(), ..untaped };
    let (run, steps) = Rig::<P, S>::run(factory, &start, &taped, &fewest, 0, Kept::events(&mut Vec::new(), &Notebook::default()));
    (run, steps, contrast)
}
