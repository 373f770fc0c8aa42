//! Shrinking is delta debugging (Zeller & Hildebrandt 2002, "Simplifying and isolating failure-inducing input") over the
//! recorded decisions: leave out whole nodes and clients, then ever smaller stretches, then single decisions, as long as
//! *the same rule* still breaks; then simplify what is left. The budget is a number of steps and not of seconds, so that
//! the same seed always gives the same picture.

use super::decision::Decision;
use super::fault::Plan;
use super::node::{Factory, Protocol};
use super::world::{Referee, Setup, World};
use crate::rule::Broken;
use crate::suite::Shrunk;
use crate::trace::Probe;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;

/// The most steps that one shrinking makes, over all its attempts: about 0.2 s.
const STEPS_MAX: u64 = 600_000;
/// A run of more decisions than these is shown as it was: each attempt would be as long, and no few of them find a short one.
const LONGEST: usize = 20_000;
/// What a panic costs, in steps: whoever notes it may look for the learner's line in the stack.
const A_PANIC: u64 = 3_000;

/// What a shorter run must still do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Break this rule.
    Rule(&'static str),
    /// Make the learner's code panic with this message, whatever numbers stand in it.
    Panic(String),
}

/// How a shorter run ended.
enum End {
    Fine,
    Broken(Broken),
    Panicked(Box<dyn Any + Send>),
}

/// What a panic says, without numbers: `index out of bounds: the len is # but the index is #`.
pub(crate) fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let parts: Vec<&str> = text.unwrap_or_default().split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    parts.join("#")
}

/// Lets the learner's code run; its panic is given back, one of ours goes on.
pub(crate) fn learner<T>(probe: &Probe, run: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|payload| {
        if probe.pulse.load(Ordering::Relaxed) & 1 == 0 {
            resume_unwind(payload);
        }
        probe.leave();
        payload
    })
}

/// Lets the learner's panic go on to whoever catches it, as if its code were running still.
pub(crate) fn goes_on(probe: &Probe, payload: Box<dyn Any + Send>) -> ! {
    probe.enter();
    resume_unwind(payload)
}

/// The fewest of the events for which `still` holds, by delta debugging (Zeller & Hildebrandt 2002); all of them if it does not
/// hold for all. `still` gives nothing when the budget is spent.
pub(crate) fn fewest<E: Clone>(events: &[E], mut still: impl FnMut(&[E]) -> Option<bool>) -> Vec<E> {
    let mut best = events.to_vec();
    let mut size = best.len().max(1);
    loop {
        let before = best.len();
        let mut end = best.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            let mut shorter = best.clone();
            shorter.drain(start..end);
            match still(&shorter) {
                Some(true) => best = shorter,
                Some(false) => {}
                None => return best,
            }
            end = start;
        }
        if size == 1 && best.len() == before {
            return best;
        }
        size = size.div_ceil(2);
    }
}

pub(super) struct Shrinker<'a, P: Protocol, R: Referee<P>, F: Fn() -> R> {
    factory: Factory<P>,
    setup: &'a Setup<P>,
    target: Target,
    referee: &'a F,
    probe: &'a Probe,
    spent: u64,
    /// Whether decisions follow each other by 1 ms, instead of at the times that were recorded.
    retimed: bool,
}

impl<'a, P: Protocol, R: Referee<P>, F: Fn() -> R> Shrinker<'a, P, R, F> {
    pub fn new(factory: Factory<P>, setup: &'a Setup<P>, target: Target, referee: &'a F, probe: &'a Probe) -> Self {
        Shrinker { factory, setup, target, referee, probe, spent: 0, retimed: false }
    }

    /// Shrinks, and makes the shortest run happen on the tape.
    pub fn show(mut self, decisions: Vec<Decision<P>>, raw_steps: u64, probe: &Probe) -> Option<Shrunk> {
        let shortest = if decisions.len() <= LONGEST { self.shrink(decisions)? } else { return None };
        let taped = Probe { shrink: false, fingerprint: false, ..probe.clone() };
        let (end, shown_steps, _) = self.follow(&shortest, &taped);
        match end {
            End::Broken(broken) if Target::Rule(broken.rule) == self.target => {
                Some(Shrunk { broken, raw_steps, shown_steps, contrast: None })
            }
            // It goes on to whoever catches the learner's panics.
            End::Panicked(payload) if Target::Panic(said(&*payload)) == self.target => goes_on(probe, payload),
            _ => None,
        }
    }

    fn follow(&mut self, decisions: &[Decision<P>], probe: &Probe) -> (End, u64, Vec<bool>) {
        let mut watch = (self.referee)();
        let setup = Setup { plan: Plan::calm(self.setup.configs.len()), ..self.setup.clone() };
        let mut world = World::by_decisions(self.factory, setup, probe, Some(&mut watch));
        let mut used = Vec::with_capacity(decisions.len());
        let check = learner(probe, || world.follow(decisions, self.retimed, &mut used));
        let steps = world.steps();
        self.spent += steps + decisions.len() as u64 / 8 + if check.is_err() { A_PANIC } else { 0 };
        let end = match check {
            Ok(Ok(())) => End::Fine,
            Ok(Err(broken)) => End::Broken(broken),
            Err(payload) => End::Panicked(payload),
        };
        (end, steps, used)
    }

    /// The decisions up to the breaking of the rule that really applied; `None` if the rule holds.
    fn still_broken(&mut self, decisions: &[Decision<P>]) -> Option<Vec<Decision<P>>> {
        let probe = self.probe;
        let (end, _, used) = self.follow(decisions, probe);
        let reached = match end {
            End::Fine => return None,
            End::Broken(broken) => Target::Rule(broken.rule),
            End::Panicked(payload) => Target::Panic(said(&*payload)),
        };
        if reached != self.target {
            return None;
        }
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
        for node in self.factory.ids(self.setup.configs.len()) {
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
