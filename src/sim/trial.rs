//! One random run, as every judge with a network makes it; and if it is to be shown, the shortest run that breaks the same
//! rule.
//!
//! Shrinking is delta debugging (Zeller & Hildebrandt 2002, "Simplifying and isolating failure-inducing input") over the
//! recorded decisions: leave out whole nodes and clients, then ever smaller stretches, then single decisions, as long as
//! *the same rule* still breaks; then simplify what is left. The budget is a number of steps and not of seconds, so that
//! the same seed always gives the same picture.

use super::decision::Decision;
use super::node::{Factory, NodeId, Protocol};
use super::referee::Referee;
use super::world::{Setup, World};
use crate::rule::Broken;
use crate::suite::{Run, Shrunk};
use crate::trace::Probe;

/// The most steps that one shrinking makes, over all its attempts: about 0.2 s.
const STEPS_MAX: u64 = 600_000;

/// Makes the run that `setup` describes. `referee` makes a fresh referee; `tally` adds what it met to the run.
///
/// With `probe.shrink` the run is made without a tape first, and if it breaks a rule, the tape gets the shortest run found
/// that breaks the same one.
pub fn trial<P: Protocol, R: Referee<P>>(
    factory: Factory<P>,
    setup: &Setup<P>,
    probe: &Probe,
    referee: impl Fn() -> R,
    tally: impl Fn(&R, &mut Run),
) -> Run {
    let untaped = Probe { tape: None, ..probe.clone() };
    let mut watch = referee();
    let mut world = World::new(factory, setup.clone(), if probe.shrink { &untaped } else { probe }, Some(&mut watch));
    if probe.shrink {
        world.log_decisions();
    }
    let check = world.run();
    let (coverage, fingerprints, steps) = (world.coverage(), world.fingerprints().to_vec(), world.steps());
    let decisions = world.take_log();
    drop(world);
    let mut run = Run { check, coverage, lessons: Vec::new(), fingerprints, shrunk: None };
    tally(&watch, &mut run);
    if let (true, Err(broken)) = (probe.shrink, &run.check) {
        if !broken.timed {
            let shrinker = Shrinker { factory, setup, rule: broken.rule, referee: &referee, probe: &untaped, spent: 0, retimed: false };
            run.shrunk = shrinker.show(decisions, steps, probe);
        }
        if run.shrunk.is_none() {
            // Not to be had from its decisions alone (something took too long, or never came): the run as it was.
            let mut watch = referee();
            let _ = World::new(factory, setup.clone(), probe, Some(&mut watch)).run();
        }
    }
    run
}

struct Shrinker<'a, P: Protocol, R: Referee<P>, F: Fn() -> R> {
    factory: Factory<P>,
    setup: &'a Setup<P>,
    rule: &'static str,
    referee: &'a F,
    probe: &'a Probe,
    spent: u64,
    /// Whether decisions follow each other by 1 ms, instead of at the times that were recorded.
    retimed: bool,
}

impl<P: Protocol, R: Referee<P>, F: Fn() -> R> Shrinker<'_, P, R, F> {
    /// Shrinks, and makes the shortest run happen on the tape.
    fn show(mut self, decisions: Vec<Decision<P>>, raw_steps: u64, probe: &Probe) -> Option<Shrunk> {
        let shortest = self.shrink(decisions)?;
        let taped = Probe { shrink: false, fingerprint: false, ..probe.clone() };
        let (broken, steps, _) = self.follow(&shortest, &taped);
        broken.filter(|b| b.rule == self.rule).map(|broken| Shrunk { broken, raw_steps, shown_steps: steps })
    }

    fn follow(&mut self, decisions: &[Decision<P>], probe: &Probe) -> (Option<Broken>, u64, Vec<bool>) {
        let mut watch = (self.referee)();
        let setup = Setup { plan: super::Plan::calm(self.setup.configs.len()), ..self.setup.clone() };
        let mut world = World::by_hand_watched(self.factory, setup, probe, Some(&mut watch));
        let mut used = Vec::with_capacity(decisions.len());
        let check = world.follow(decisions, self.retimed, &mut used);
        let steps = world.steps();
        self.spent += steps + decisions.len() as u64 / 8;
        (check.err(), steps, used)
    }

    /// The decisions up to the breaking of the rule that really applied; `None` if the rule holds.
    fn still_broken(&mut self, decisions: &[Decision<P>]) -> Option<Vec<Decision<P>>> {
        let probe = self.probe;
        let (broken, _, used) = self.follow(decisions, probe);
        broken.filter(|b| b.rule == self.rule)?;
        Some(decisions.iter().zip(used).filter(|(_, used)| *used).map(|(d, _)| d.clone()).collect())
    }

    fn shrink(&mut self, decisions: Vec<Decision<P>>) -> Option<Vec<Decision<P>>> {
        let mut best = self.still_broken(&decisions)?;
        self.retime(&mut best);
        self.without_whole_lanes(&mut best);
        loop {
            let before = best.len();
            let mut size = (best.len() / 2).max(1);
            loop {
                self.without_stretches(&mut best, size);
                if size == 1 {
                    break;
                }
                size /= 2;
            }
            self.without_pairs(&mut best);
            if best.len() == before || self.spent > STEPS_MAX {
                break;
            }
        }
        self.simplify(&mut best);
        Some(best)
    }

    /// Takes a shorter list if it still breaks the rule.
    fn attempt(&mut self, best: &mut Vec<Decision<P>>, shorter: &[Decision<P>]) -> bool {
        if self.spent > STEPS_MAX {
            return false;
        }
        match self.still_broken(shorter) {
            Some(found) => {
                *best = found;
                true
            }
            None => false,
        }
    }

    /// Leaves out all that a node, or a client, has part in.
    fn without_whole_lanes(&mut self, best: &mut Vec<Decision<P>>) {
        for client in 0..16 {
            let shorter: Vec<_> = best.iter().filter(|d| d.choice.client() != Some(client)).cloned().collect();
            if shorter.len() < best.len() {
                self.attempt(best, &shorter);
            }
        }
        for node in (0..self.setup.configs.len()).map(NodeId::from_index) {
            let touches = |d: &&Decision<P>| d.choice.nodes().0 == Some(node) || d.choice.nodes().1 == Some(node);
            let shorter: Vec<_> = best.iter().filter(|d| !touches(d)).cloned().collect();
            if shorter.len() < best.len() {
                self.attempt(best, &shorter);
            }
        }
    }

    /// Leaves out each stretch of `size` decisions in turn, the latest first.
    fn without_stretches(&mut self, best: &mut Vec<Decision<P>>, size: usize) {
        let mut end = best.len();
        while end > 0 && self.spent <= STEPS_MAX {
            let start = end.saturating_sub(size);
            let shorter: Vec<_> = best[..start].iter().chain(&best[end.min(best.len())..]).cloned().collect();
            self.attempt(best, &shorter);
            end = start.min(best.len());
        }
    }

    /// Leaves out two decisions at once that only make sense together: a crash and its restart, a request and its answer.
    fn without_pairs(&mut self, best: &mut Vec<Decision<P>>) {
        if best.len() > 60 {
            return;
        }
        let mut i = 0;
        while i < best.len() {
            let mut found = false;
            for j in i + 1..best.len() {
                let shorter: Vec<_> = best.iter().enumerate().filter(|(k, _)| *k != i && *k != j).map(|(_, d)| d.clone()).collect();
                if self.attempt(best, &shorter) {
                    found = true;
                    break;
                }
            }
            i += usize::from(!found);
        }
    }

    /// Simple times from here on, if the rule breaks with them too.
    fn retime(&mut self, best: &mut Vec<Decision<P>>) {
        if !self.retimed {
            self.retimed = true;
            let same = best.clone();
            self.retimed = self.attempt(best, &same);
        }
    }

    /// No crash that is not needed, and simple times.
    fn simplify(&mut self, best: &mut Vec<Decision<P>>) {
        let mut i = 0;
        while i < best.len() {
            // What an attempt takes can be shorter than what was asked for.
            if best[i].crash_after.is_some() {
                let mut simpler = best.clone();
                simpler[i].crash_after = None;
                self.attempt(best, &simpler);
            }
            i += 1;
        }
        self.retime(best);
    }
}
