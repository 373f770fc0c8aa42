//! The fewest events of a storm that still do the same: as each is read against the ghost when it happens, any may be left
//! out. Delta debugging (Zeller & Hildebrandt 2002), with a budget of steps, so that one seed always gives one picture. Then
//! small numbers in the place of wild ones, where it breaks with them, too.

use super::rig::{Rig, Seed};
use super::weather::{Happening, Kind};
use crate::sim::node::{Factory, Protocol};
use crate::sim::shrink::{self, Target, learner, said};
use crate::sim::spec::Storm;
use crate::trace::Probe;

/// The most steps that one shrinking makes, over all its attempts.
const STEPS_MAX: u64 = 300_000;
/// So many events at most are made tame one by one: of more nobody reads the numbers.
const TAMED_MAX: usize = 40;
/// What a panic costs, in steps.
const A_PANIC: u64 = 3_000;

struct Search<'a, P: Protocol> {
    factory: Factory<P>,
    seed: Seed,
    target: &'a Target,
    probe: &'a Probe,
    spent: u64,
}

/// Those events; all of them if they do not do it without their shadows.
pub(super) fn fewest<P: Protocol, S: Storm<P>>(
    factory: Factory<P>,
    seed: Seed,
    events: &[Happening],
    target: &Target,
    probe: &Probe,
) -> (Seed, Vec<Happening>) {
    let mut search = Search { factory, seed, target, probe, spent: 0 };
    if !search.still::<S>(events) {
        return (seed, events.to_vec());
    }
    let mut best = shrink::fewest(events, |shorter| (search.spent <= STEPS_MAX).then(|| search.still::<S>(shorter)));
    search.weaken::<S>(&mut best);
    search.tame::<S>(&mut best);
    (search.seed, best)
}

impl<P: Protocol> Search<'_, P> {
    fn still<S: Storm<P>>(&mut self, events: &[Happening]) -> bool {
        self.seen::<S>(events).is_some()
    }

    /// What is seen if these events still do it, without the numbers.
    fn seen<S: Storm<P>>(&mut self, events: &[Happening]) -> Option<String> {
        let made = learner(self.probe, || Rig::<P, S>::run(self.factory, self.seed, self.probe, events, 0, &mut Vec::new()));
        self.spent += events.len() as u64;
        match made {
            Ok((run, steps)) => {
                self.spent += steps;
                let broken = run.check.err().filter(|broken| Target::Rule(broken.rule) == *self.target)?;
                Some(said(&broken.seen))
            }
            Err(payload) => {
                self.spent += A_PANIC;
                (Target::Panic(said(&*payload)) == *self.target).then(String::new)
            }
        }
    }

    /// A plain crash in the place of one between two effects, where that does it too.
    fn weaken<S: Storm<P>>(&mut self, best: &mut Vec<Happening>) {
        for i in 0..best.len() {
            if matches!(best[i].kind, Kind::CrashAfter | Kind::CrashUnsaved) && self.spent <= STEPS_MAX {
                let mut weaker = best.clone();
                weaker[i].kind = Kind::Crash;
                if self.still::<S>(&weaker) {
                    *best = weaker;
                }
            }
        }
    }

    /// Small numbers in the place of wild ones: in all of it; else at its beginning, and in each event. Where the same is seen then, but
    /// for the numbers: small ones are easily equal, and what is broken may be another thing.
    fn tame<S: Storm<P>>(&mut self, best: &mut Vec<Happening>) {
        let wild = self.seed;
        let seen = self.seen::<S>(best);
        let all: Vec<Happening> = best.iter().map(|event| Happening { tame: true, ..*event }).collect();
        self.seed.tame = true;
        if self.seen::<S>(&all) == seen {
            *best = all;
            return;
        }
        if self.seen::<S>(best) != seen {
            self.seed = wild;
        }
        for i in 0..best.len().min(TAMED_MAX) {
            let mut tamer = best.clone();
            tamer[i].tame = true;
            if self.spent <= STEPS_MAX && self.seen::<S>(&tamer) == seen {
                *best = tamer;
            }
        }
    }
}
