//! The random runs of `byzantine_generals`: three nodes of the learner's and the traitor, several battles, some of them at once. The network is as
//! synchronous as the contract says; all that goes wrong is the traitor.

use super::rules::{AGREE, APART, LATE, MAJORITY, MISSING, OBEY, RELAYS, ROUNDS, SENDERS, TELLS};
use super::safety::Safety;
use super::spec::{AGAIN, CLAIMED, DECIDED, Ghost, LATE_WORDS, NO_MAJORITY};
use super::{configs, generals};
use crate::exercises::byzantine_generals::{ByzantineGenerals, Order, Request, UNDER_WAY};
use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::{Cause, ClientId, Clients, Factory, Ghosts, LinkFaults, NodeId, Plan, Referee, Setup, Step, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, micros, millis};
use crate::trace::Probe;

const LOYAL: usize = 3;
/// What is met: decisions in battles in which all was as promised.
const JUDGED: &str = "decisions that were compared";
/// Battles begin until then.
const BEGIN_MS: u64 = 500;
const END: Time = Time::from_millis(1_000);
/// How long a message takes at least; a request of the herald's exactly.
const LEAST_US: u64 = 1_000;

pub(super) fn swarm(factory: Factory<ByzantineGenerals>) -> Swarm {
    Swarm {
        rules: &[AGREE, OBEY, TELLS, RELAYS, MAJORITY, MISSING, LATE, SENDERS, ROUNDS, APART],
        must_meet: &[DECIDED, NO_MAJORITY, LATE_WORDS, AGAIN, CLAIMED, "battles of the traitor", "battles of a loyal commander", JUDGED],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<ByzantineGenerals>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let mut order_of = generals();
    rng.shuffle(&mut order_of);
    let spike_us = (0, micros(UNDER_WAY) - LEAST_US - 1_000);
    let spike_ppm = [0, 300_000, 1_000_000][rng.below(3) as usize];
    let links = LinkFaults { spike_ppm, spike_us, ..LinkFaults::none() };
    let clocks = (0..=LOYAL).map(|_| (rng.below(10_000_000), 0)).collect();
    let plan = Plan { links, clocks, quiet_at: END, ..Plan::calm(LOYAL + 1) };
    let setup = Setup { plan, delay_us: (LEAST_US, LEAST_US), end: END, ..Setup::new(seed, configs(order_of)) };
    let all = || (0..LOYAL).map(NodeId::from_index);
    let battles = 1 + rng.below(4) as usize;
    let watch = || Watch { ghosts: Ghosts::new(all().map(|me| Ghost::new(me, order_of))), safety: Safety::new(all().collect()), battles };
    trial(factory, &setup, probe, watch, |watch, run| {
        all().for_each(|node| watch.ghosts.seen(node).counts(&mut run.coverage));
        let (traitor, loyal) = watch.safety.commanded();
        run.coverage.add("battles of the traitor", traitor);
        run.coverage.add("battles of a loyal commander", loyal);
        run.coverage.add(JUDGED, watch.safety.judged);
    })
}

struct Watch {
    ghosts: Ghosts<ByzantineGenerals, Ghost>,
    safety: Safety,
    battles: usize,
}

impl Watch {
    fn overdue(&mut self, world: &World<'_, ByzantineGenerals>) -> Check {
        (0..LOYAL).map(NodeId::from_index).try_for_each(|node| self.ghosts.time(node, world))
    }
}

impl Referee<ByzantineGenerals> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, ByzantineGenerals>) {
        for battle in 1..=self.battles as u64 {
            let after = millis(clients.rng.range(1..=BEGIN_MS));
            clients.wake(ClientId::from_index(0), after, battle);
        }
    }

    /// The herald tells all four.
    fn wake(
        &mut self,
        herald: ClientId,
        number: u64,
        clients: &mut Clients<'_, ByzantineGenerals>,
        _: &World<'_, ByzantineGenerals>,
    ) -> Check {
        let commander = generals()[clients.rng.below(4) as usize];
        let order = match clients.rng.below(3) {
            0 => Order::Retreat,
            hour => Order::Attack(hour as u8),
        };
        for to in generals() {
            clients.ask(herald, to, Request::Battle { number, commander, order: (to == commander).then_some(order) });
        }
        Ok(())
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, ByzantineGenerals>) -> Check {
        self.safety.comes(at, node, &cause);
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, ByzantineGenerals>, world: &World<'_, ByzantineGenerals>) -> Check {
        // What shows between nodes first: it is what somebody would notice.
        if let Some((number, contradiction)) = self.safety.watches(step) {
            return Err(contradiction.broken("", |node| {
                let book = &self.ghosts.seen(node).book;
                book.battles.get(&number).map(|battle| book.story(battle))
            }));
        }
        self.ghosts.step(step, world)
    }

    fn done(&self) -> bool {
        self.safety.over() == self.battles
    }

    fn end(&mut self, world: &World<'_, ByzantineGenerals>) -> Check {
        self.overdue(world)
    }
}
