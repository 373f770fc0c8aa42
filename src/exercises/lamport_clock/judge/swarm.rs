//! The random runs of `lamport_clock`: what happened before what is taken from who sent what to whom, never from the stamps.

use super::spec::Ghost;
use super::{ANSWERS, BEFORE, MINIMAL, RECEIVE, SURVIVES, TOTAL, UNIQUE};
use crate::check::knowledge::Knowledge;
use crate::exercises::kit::{Between, Guarded};
use crate::exercises::lamport_clock::{LamportClock, Request};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Factory, NodeId, Step};
use crate::suite::Swarm;

pub(super) fn swarm(factory: Factory<LamportClock>) -> Swarm {
    let swarm = Guarded {
        rules: &[RECEIVE, MINIMAL, BEFORE, UNIQUE, SURVIVES, TOTAL, ANSWERS],
        must_meet: &["crashes between two effects", "restarts", "messages repeated", "messages lost", "events", "receipts"],
        nodes: &[2, 3, 3, 4, 5],
        faults_ms: 1_000,
        quiet_ms: 1_000,
        config: |_, _| (),
        ghost: |node, nodes| Ghost::new(node, nodes, None),
        next: |nodes, duty, rng| {
            let send = Request::Send(NodeId::from_index(rng.below(nodes as u64) as usize));
            (duty < Some(4)).then(|| if rng.chance(300_000) { Request::Happen } else { send })
        },
        between: |nodes| Causes { past: Knowledge::new(nodes), events: vec![Vec::new(); nodes], has_event: false, came: None },
    };
    swarm.swarm(factory)
}

/// The causal past of each node, and the clock at each event that others can know of, with its step.
struct Causes {
    past: Knowledge,
    events: Vec<Vec<(u64, u64)>>,
    /// Whether the step that runs is an event.
    has_event: bool,
    /// The message that came.
    came: Option<u64>,
}

impl Between<LamportClock> for Causes {
    fn cause(&mut self, _: NodeId, cause: &Cause<'_, LamportClock>) {
        self.came = if let Cause::Message { id, .. } = cause { Some(*id) } else { None };
        self.has_event = matches!(cause, Cause::Message { .. } | Cause::Request { request: Request::Happen | Request::Send(_), .. });
    }

    fn step(&mut self, step: &Step<'_, LamportClock>) -> Check {
        let node = step.node;
        // If it crashed, its event happened if a message is out that says so.
        let clock = step.view.or_else(|| step.sent().next().map(|(_, _, message)| message.sent.time));
        if let Some(clock) = clock.filter(|_| self.has_event) {
            self.came.into_iter().for_each(|id| self.past.receives(node.index(), id));
            let latest = |origin: usize| self.events[origin].get(self.past.of(node.index(), origin).checked_sub(1)? as usize);
            let cause = (0..self.events.len()).filter_map(|origin| Some((latest(origin)?, NodeId::from_index(origin)))).max();
            if let Some(((time, when), at)) = cause.filter(|((time, _), _)| *time >= clock) {
                let seen = format!("{at} had an event at {time}, which happened before {node}'s event at {clock}");
                return Err(Broken::new(BEFORE, seen).at([*when, step.number]));
            }
            self.past.happens(node.index());
            self.events[node.index()].push((clock, step.number));
        }
        step.sent().for_each(|(id, ..)| self.past.sends(node.index(), id));
        Ok(())
    }
}
