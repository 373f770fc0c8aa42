//! From a path through the states to a run of a [`World`], which is shown like any other run.

use super::invariant::{Invariant, When};
use super::scope::{QUIET_MAX, Scope};
use super::space::{Event, Move, Space, ticket};
use crate::rule::{Broken, Check};
use crate::sim::decision::{Choice, Decision};
use crate::sim::node::{Effect, Factory, NodeId, Protocol, Ticket};
use crate::sim::step::{Cause, Step};
use crate::sim::world::{Clients, Referee, Setup, World};
use crate::time::Time;
use crate::trace::Probe;

/// The answers among effects.
pub(super) fn replies<P: Protocol>(effects: &[Effect<P>]) -> impl Iterator<Item = (Ticket, &P::Response)> {
    effects.iter().filter_map(|e| if let Effect::Reply { ticket, response } = e { Some((*ticket, response)) } else { None })
}

/// The decisions of a path from the very start. If the last move is one whose call panics, it is there as often as it may
/// be tried.
pub(super) fn decisions<P: Protocol>(space: &mut Space<'_, P>, scope: &Scope<P>, moves: &[Move]) -> Vec<Decision<P>> {
    let mut locals: Vec<u32> = (0..scope.configs.len() as u32).collect();
    let mut path: Vec<Decision<P>> = Vec::new();
    for step in moves {
        let node = space.id(step.node);
        let choice = match step.event {
            Event::Start => Choice::Start(node),
            Event::Crash => Choice::Crash(node),
            Event::Deliver(n) => {
                let packet = space.packet(n);
                let (payload, kind) = (crate::hash::of(&packet.message), std::mem::discriminant(&packet.message));
                Choice::Deliver { from: packet.from, to: node, payload, kind }
            }
            Event::Fire(n) => Choice::Fire { node, timer: space.timer(n).clone() },
            Event::Ask(n) => {
                let (client, to, request) = &scope.requests[n as usize];
                let ticket = ticket(*client, n);
                push(&mut path, Time::ZERO, Choice::Ask { ticket, to: *to, request: request.clone() }, None);
                Choice::Take(ticket)
            }
        };
        let Ok(t) = space.transition(locals[node.index()], step.event, step.cut) else {
            let times = if matches!(step.event, Event::Fire(_)) { QUIET_MAX } else { 1 };
            let clock = path.last().map_or(Time::ZERO, |d| d.clock);
            (0..times).for_each(|_| push(&mut path, clock, choice.clone(), None));
            return path;
        };
        let transition = space.get(t);
        locals[node.index()] = transition.to;
        if step.event == Event::Crash {
            push(&mut path, Time::ZERO, choice, None);
            continue;
        }
        for (i, call) in transition.calls.iter().enumerate() {
            let cut = (step.cut > 0 && i + 1 == transition.calls.len()).then_some(step.cut.into());
            push(&mut path, call.clock, choice.clone(), cut);
            for (ticket, _) in replies(&call.effects) {
                push(&mut path, Time::ZERO, Choice::Answer(ticket), None);
            }
        }
    }
    path
}

/// A millisecond after the last one.
fn push<P: Protocol>(path: &mut Vec<Decision<P>>, clock: Time, choice: Choice<P>, crash_after: Option<usize>) {
    let at = Time::from_millis(path.len() as u64);
    path.push(Decision { at, clock, choice, crash_after });
}

/// An invariant that watches a world.
struct Watching<G>(G);

impl<P: Protocol, G: Invariant<P>> Referee<P> for Watching<G> {
    fn asked(&mut self, at: Time, step: u64, to: NodeId, ticket: Ticket, request: &P::Request) {
        self.0.asked(When { at, step }, to, ticket, request);
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        self.0.cause(node, cause)
    }

    fn step(&mut self, step: &Step<'_, P>, _: &World<'_, P>) -> Check {
        self.0.step(step)
    }

    fn response(&mut self, from: NodeId, ticket: Ticket, response: &P::Response, clients: &mut Clients<'_, P>) -> Check {
        self.0.response(When { at: clients.now, step: clients.step }, from, ticket, response)
    }
}

/// Makes a path happen in a world. `retimed`: with the times that shrunk runs have, instead of those of the exploration.
pub(super) fn follow<P: Protocol, G: Invariant<P>>(
    factory: Factory<P>,
    scope: &Scope<P>,
    invariant: &G,
    path: &[Decision<P>],
    retimed: bool,
    probe: &Probe,
) -> Check {
    let mut watching = Watching(invariant.clone());
    let setup = Setup { saved: scope.saved.clone(), ..Setup::new(0, scope.configs.clone()) };
    let mut world = World::by_decisions(factory, setup, probe, Some(&mut watching)).with_explored_dice(scope.dice_go_on);
    world.follow(path, retimed, &mut Vec::new())
}

/// Makes a path happen, on the tape if there is one. What does not happen again in a world is no finding.
pub(super) fn happens<P: Protocol, G: Invariant<P>>(
    factory: Factory<P>,
    scope: &Scope<P>,
    invariant: &G,
    path: &[Decision<P>],
    rule: &'static str,
    probe: &Probe,
) -> Check {
    let untaped = Probe { tape: None, ..probe.clone() };
    let breaks = |check: &Check| matches!(check, Err(Broken { rule: found, .. }) if *found == rule);
    for retimed in [true, false] {
        let check = follow(factory, scope, invariant, path, retimed, &untaped);
        if breaks(&check) {
            return if probe.tape.is_some() { follow(factory, scope, invariant, path, retimed, probe) } else { check };
        }
    }
    Ok(())
}
