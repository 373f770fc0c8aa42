//! The simplest swarm: one ghost a node watches, and the clients ask what a function of the judge's draws. What shows only between nodes is seen
//! by a [`Between`], if there is any; where clients must be cleverer, a judge has a [`Game`] of its own.

use super::play::{Game, Play};
use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Protocol, Setup, Spec, Step, Storm, World, trial};
use crate::suite::Swarm;
use crate::time::{Time, millis};
use std::time::Duration;

/// What shows only between nodes. `()` sees nothing.
pub(crate) trait Between<P: Protocol> {
    /// A node's handler is about to run.
    fn cause(&mut self, node: NodeId, cause: &Cause<'_, P>) {
        let _ = (node, cause);
    }

    /// It has run, and its ghost has nothing against that.
    fn step(&mut self, step: &Step<'_, P>) -> Check {
        let _ = step;
        Ok(())
    }
}

impl<P: Protocol> Between<P> for () {}

/// What such a swarm is made of.
pub(crate) struct Guarded<P: Protocol, S, B = ()> {
    /// The rules that the ghosts hold.
    pub rules: &'static [&'static str],
    /// What a thousand runs must have met; what the ghosts tally is among it.
    pub must_meet: &'static [&'static str],
    /// The sizes of which one is drawn.
    pub nodes: &'static [usize],
    /// How long faults come, and how long it is quiet after that at most, in milliseconds.
    pub faults_ms: u64,
    /// See [`Guarded::faults_ms`].
    pub quiet_ms: u64,
    /// What a node is told when it is made.
    pub config: fn(NodeId, usize) -> P::Config,
    /// Its ghost.
    pub ghost: fn(NodeId, usize) -> S,
    /// What a client of so many nodes asks next: see [`Game::next`].
    pub next: fn(usize, Option<u32>, &mut Rng) -> Option<P::Request>,
    /// What else watches a cluster of so many nodes.
    pub between: fn(usize) -> B,
}

struct Watch<P: Protocol, S, B> {
    ghosts: Ghosts<P, S>,
    nodes: usize,
    next: fn(usize, Option<u32>, &mut Rng) -> Option<P::Request>,
    between: B,
}

impl<P: Protocol, S: Spec<P>, B: Between<P>> Game<P> for Watch<P, S, B> {
    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<P::Request> {
        (self.next)(self.nodes, duty, rng)
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(50..=300))
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        self.between.cause(node, &cause);
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        self.ghosts.step(step, world)?;
        self.between.step(step)
    }
}

impl<P: Protocol, S: Storm<P>, B: Between<P> + 'static> Guarded<P, S, B> {
    /// The swarm, with every fault.
    pub fn swarm(self, factory: Factory<P>) -> Swarm {
        let all = Allowed::everything(millis(self.faults_ms / 5));
        self.swarm_in(factory, all)
    }

    /// The swarm, with these faults.
    pub fn swarm_in(self, factory: Factory<P>, allowed: Allowed) -> Swarm {
        let (rules, must_meet) = (self.rules, self.must_meet);
        let run = move |seed, probe: &crate::trace::Probe| {
            let nodes = Rng::stream(seed, 10).pick(self.nodes).copied().unwrap_or(1);
            let quiet_at = Time::from_millis(self.faults_ms);
            let places = nodes + factory.services();
            let allowed = Allowed { services: factory.services(), ..allowed.clone() };
            let plan = Plan::draw(seed, places, &allowed, quiet_at);
            let all = || (0..nodes).map(NodeId::from_index);
            let configs = (0..places).map(|place| (self.config)(NodeId::from_index(place), nodes)).collect();
            let setup = Setup { plan, end: quiet_at + millis(self.quiet_ms), ..Setup::new(seed, configs) };
            // Where nodes pause, late is not wrong: deadlines are for the storms.
            let ghosts = || Ghosts::new(all().map(|n| (self.ghost)(n, nodes))).patient();
            let watch = || Watch { ghosts: ghosts(), nodes, next: self.next, between: (self.between)(nodes) };
            trial(
                factory,
                &setup,
                probe,
                || Play::new(watch()),
                |play, run| {
                    all().for_each(|n| play.game.ghosts.seen(n).tally(&mut run.coverage));
                },
            )
        };
        Swarm { rules, must_meet, run: Box::new(run) }
    }
}
