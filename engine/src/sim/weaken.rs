//! A fairer and quieter run that still breaks its rule. What rests on how long something took, or on what never came, is
//! not to be had from a list of decisions with some left out: with a timer gone, anything is late. But a whole run with
//! fewer faults is as honest as the one with all of them; and so is one in which clients ask for less, as time is kept:
//! every timer fires, and every message arrives.

use super::decision::Asked;
use super::engine::LinkFaults;
use super::fault::Plan;
use super::node::{Factory, Protocol};
use super::shrink::learner;
use super::world::{Referee, Setup, World};
use crate::time::Time;
use crate::trace::Probe;
use std::collections::BTreeSet;

/// The most steps of all attempts together: about 0.2 s.
const STEPS_MAX: u64 = 600_000;
/// A millisecond.
const MS_US: u64 = 1_000;

/// What a whole run is made of: the setup, and its requests, if they are not left to its clients.
pub(super) struct Weakened<P: Protocol> {
    pub setup: Setup<P>,
    pub asked: Option<Vec<Asked<P>>>,
}

impl<P: Protocol> Weakened<P> {
    /// The world of this run.
    pub fn world<'r>(&self, factory: Factory<P>, probe: &Probe, referee: &'r mut dyn Referee<P>) -> World<'r, P> {
        let world = World::new(factory, self.setup.clone(), probe, Some(referee));
        match &self.asked {
            Some(asked) => world.with_requests(asked.clone()),
            None => world,
        }
    }
}

/// A run with as few faults and requests as still break `rule`. The quiet phase begins when it did: rules know that moment.
pub(super) fn weaken<P: Protocol, R: Referee<P>>(
    factory: Factory<P>,
    setup: &Setup<P>,
    rule: &'static str,
    referee: &impl Fn() -> R,
    probe: &Probe,
) -> Weakened<P> {
    let mut search = Search { factory, rule, referee, probe, spent: 0, best: Weakened { setup: setup.clone(), asked: None } };
    search.fewer_faults();
    search.fewer_requests();
    search.best
}

struct Search<'a, P: Protocol, F> {
    factory: Factory<P>,
    rule: &'static str,
    referee: &'a F,
    probe: &'a Probe,
    spent: u64,
    best: Weakened<P>,
}

impl<P: Protocol, R: Referee<P>, F: Fn() -> R> Search<'_, P, F> {
    /// Takes a simpler run if it still breaks the rule.
    fn attempt(&mut self, simpler: Weakened<P>) -> bool {
        if self.spent > STEPS_MAX {
            return false;
        }
        let mut watch = (self.referee)();
        let mut world = simpler.world(self.factory, self.probe, &mut watch);
        let still = learner(self.probe, || world.run()).is_ok_and(|check| check.is_err_and(|b| b.rule == self.rule));
        self.spent += world.steps();
        drop(world);
        if still {
            self.best = simpler;
        }
        still
    }

    fn with_plan(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut setup = self.best.setup.clone();
        change(&mut setup.plan);
        setup.plan != self.best.setup.plan && self.attempt(Weakened { setup, asked: self.best.asked.clone() })
    }

    fn fewer_faults(&mut self) {
        self.with_plan(|plan| {
            *plan = Plan { quiet_at: plan.quiet_at, down_for_good: plan.down_for_good, ..Plan::calm(plan.clocks.len()) };
        });
        self.with_plan(|plan| plan.links = LinkFaults::none());
        self.with_plan(|plan| plan.clocks.iter_mut().for_each(|clock| *clock = (0, 0)));
        let mut size = self.best.setup.plan.faults.len();
        while size > 0 {
            let mut end = self.best.setup.plan.faults.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                self.with_plan(|plan| drop(plan.faults.drain(start..end.min(plan.faults.len()))));
                end = start;
            }
            size /= 2;
        }
        for simpler in LINKS {
            self.with_plan(|plan| simpler(&mut plan.links));
        }
    }

    /// The same requests at the same times, without asking the clients; then fewer of them, at simple times.
    fn fewer_requests(&mut self) {
        let mut watch = (self.referee)();
        let mut world = self.best.world(self.factory, self.probe, &mut watch);
        world.log_decisions();
        // Its check is known.
        let _ = learner(self.probe, || world.run());
        self.spent += world.steps();
        let asked = world.requests_made();
        drop(world);
        if asked.is_empty() || !self.with_requests(asked) {
            return;
        }
        let clients: BTreeSet<_> = self.asked().iter().map(|a| a.ticket.client).collect();
        for client in clients {
            self.only(|a| a.ticket.client != client);
        }
        let mut size = self.asked().len() / 2;
        while size > 0 {
            let mut end = self.asked().len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let out = self.asked()[start..end.min(self.asked().len())].iter().map(|a| a.ticket).collect::<Vec<_>>();
                self.only(|a| !out.contains(&a.ticket));
                end = start;
            }
            size /= 2;
        }
        let whole = |at: Time| Time::from_micros(at.as_micros() / MS_US * MS_US);
        let simple = self.asked().iter().map(|a| Asked { at: whole(a.at), ..a.clone() }).collect();
        let setup = Setup { delay_us: (MS_US, MS_US), ..self.best.setup.clone() };
        self.attempt(Weakened { setup, asked: Some(simple) });
    }

    fn asked(&self) -> &[Asked<P>] {
        self.best.asked.as_deref().unwrap_or_default()
    }

    fn with_requests(&mut self, asked: Vec<Asked<P>>) -> bool {
        self.attempt(Weakened { setup: self.best.setup.clone(), asked: Some(asked) })
    }

    fn only(&mut self, stays: impl Fn(&Asked<P>) -> bool) {
        let fewer: Vec<_> = self.asked().iter().filter(|a| stays(a)).cloned().collect();
        if fewer.len() < self.asked().len() {
            self.with_requests(fewer);
        }
    }
}

/// Each fault of links by itself.
const LINKS: [fn(&mut LinkFaults); 6] =
    [|l| l.loss_ppm = 0, |l| l.repeat_ppm = 0, |l| l.spike_ppm = 0, |l| l.reorder = true, |l| l.client_loss_ppm = 0, |l| l.slow = None];
