//! Fairer weather in which a run still breaks its rule. What rests on how long something took, or on what never came, is
//! not to be had from a list of decisions with some left out: with a timer gone, anything is late. But a whole run with
//! fewer faults is as honest as the one with all of them.

use super::engine::LinkFaults;
use super::fault::Plan;
use super::node::{Factory, Protocol};
use super::referee::Referee;
use super::shrink::learner;
use super::world::{Setup, World};
use crate::trace::Probe;

/// The most steps of all attempts together: about 0.2 s.
const STEPS_MAX: u64 = 600_000;

/// The setup with as few faults as still break `rule`. The quiet phase begins when it did: rules know that moment.
pub(super) fn calmer<P: Protocol, R: Referee<P>>(
    factory: Factory<P>,
    setup: &Setup<P>,
    rule: &'static str,
    referee: &impl Fn() -> R,
    probe: &Probe,
) -> Setup<P> {
    let mut spent = 0;
    let mut best = setup.clone();
    let mut attempt = |best: &mut Setup<P>, change: &dyn Fn(&mut Plan)| {
        let mut simpler = best.clone();
        change(&mut simpler.plan);
        if spent > STEPS_MAX || simpler.plan == best.plan {
            return false;
        }
        let mut watch = referee();
        let mut world = World::new(factory, simpler.clone(), probe, Some(&mut watch));
        let still = learner(probe, || world.run()).is_ok_and(|check| check.is_err_and(|b| b.rule == rule));
        spent += world.steps();
        if still {
            *best = simpler;
        }
        still
    };
    attempt(&mut best, &|plan| {
        *plan = Plan { quiet_at: plan.quiet_at, down_for_good: plan.down_for_good, ..Plan::calm(plan.clocks.len()) }
    });
    attempt(&mut best, &|plan| plan.links = LinkFaults::none());
    attempt(&mut best, &|plan| plan.clocks.iter_mut().for_each(|clock| *clock = (0, 0)));
    let mut size = best.plan.faults.len();
    while size > 0 {
        let mut end = best.plan.faults.len();
        while end > 0 {
            let start = end.saturating_sub(size);
            attempt(&mut best, &|plan| drop(plan.faults.drain(start..end.min(plan.faults.len()))));
            end = start;
        }
        size /= 2;
    }
    for simpler in LINKS {
        attempt(&mut best, &|plan| simpler(&mut plan.links));
    }
    best
}

/// Each fault of links by itself.
const LINKS: [fn(&mut LinkFaults); 6] =
    [|l| l.loss_ppm = 0, |l| l.repeat_ppm = 0, |l| l.spike_ppm = 0, |l| l.reorder = true, |l| l.client_loss_ppm = 0, |l| l.slow = None];
