//! The simplest swarm: one ghost a node is all that watches, and the clients ask what a function of the judge's draws. What rules say of several
//! nodes together needs a [`Game`] of its own.

use super::play::{Game, Play};
use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Protocol, Setup, Spec, Step, Storm, World, trial};
use crate::suite::Swarm;
use crate::time::{Time, millis};
use std::time::Duration;

/// What such a swarm is made of.
pub(crate) struct Guarded<P: Protocol, S> {
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
    /// What a client asks next: see [`Game::next`].
    pub next: fn(Option<u32>, &mut Rng) -> Option<P::Request>,
}

struct Watch<P: Protocol, S> {
    ghosts: Ghosts<P, S>,
    next: fn(Option<u32>, &mut Rng) -> Option<P::Request>,
}

impl<P: Protocol, S: Spec<P>> Game<P> for Watch<P, S> {
    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<P::Request> {
        (self.next)(duty, rng)
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(50..=300))
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        self.ghosts.step(step, world)
    }
}

impl<P: Protocol, S: Storm<P>> Guarded<P, S> {
    /// The swarm, with every fault.
    pub fn swarm(self, factory: Factory<P>) -> Swarm {
        let (rules, must_meet) = (self.rules, self.must_meet);
        let run = move |seed, probe: &crate::trace::Probe| {
            let nodes = Rng::stream(seed, 10).pick(self.nodes).copied().unwrap_or(1);
            let quiet_at = Time::from_millis(self.faults_ms);
            let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(self.faults_ms / 5)), quiet_at);
            let all = || (0..nodes).map(NodeId::from_index);
            let configs = all().map(|n| (self.config)(n, nodes)).collect();
            let setup = Setup { plan, end: quiet_at + millis(self.quiet_ms), ..Setup::new(seed, configs) };
            // Where nodes pause, late is not wrong: deadlines are for the storms.
            let watch = || Watch { ghosts: Ghosts::new(all().map(|n| (self.ghost)(n, nodes))).patient(), next: self.next };
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
