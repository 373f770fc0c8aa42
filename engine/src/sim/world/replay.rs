//! Making a recorded list of decisions happen again, whole or with parts left out.

use super::{Incoming, World};
use crate::rule::Check;
use crate::sim::decision::{Choice, Decision};
use crate::sim::envelope::Envelope;
use crate::sim::node::{NodeId, Protocol, Ticket};
use crate::time::{Time, millis};
use crate::trace::What;
use crate::words::shown;

/// What is under way in a replayed run, and has not been forgotten though it arrived: it may arrive again.
pub(in crate::sim) struct UnderWay<P: Protocol> {
    envelopes: Vec<(u64, bool, Envelope<P>)>,
    requests: Vec<(Ticket, NodeId, Option<P::Request>)>,
    answered: usize,
}

impl<P: Protocol> UnderWay<P> {
    pub fn new() -> Self {
        UnderWay { envelopes: Vec::new(), requests: Vec::new(), answered: 0 }
    }

    /// These are under way now.
    pub fn sent(&mut self, envelopes: Vec<Envelope<P>>) {
        self.envelopes.extend(envelopes.into_iter().map(|l| (crate::hash::of(&l.message), false, l)));
    }

    /// The delivery of a message with this text: of one that has not arrived, rather than again of one that has.
    pub fn saying(&self, from: NodeId, to: NodeId, text: &str) -> Option<Choice<P>> {
        let same = |l: &Envelope<P>| l.from == from && l.to == to && shown(&l.message) == text;
        let fresh = self.envelopes.iter().find(|(_, arrived, l)| !arrived && same(l));
        let (payload, _, envelope) = fresh.or_else(|| self.envelopes.iter().find(|(.., l)| same(l)))?;
        Some(Choice::Deliver { from, to, payload: *payload, kind: std::mem::discriminant(&envelope.message) })
    }
}

impl<'r, P: Protocol> World<'r, P> {
    /// Turns the recording of decisions on.
    pub(in crate::sim) fn log_decisions(&mut self) {
        self.log = Some(Vec::new());
    }

    /// Gives each node the dice that it has in exploration. Unless they go on, they start anew at each decision.
    pub(in crate::sim) fn with_explored_dice(mut self, go_on: bool) -> Self {
        self.same_dice = !go_on;
        for slot in &mut self.slots {
            slot.rng = crate::sim::decision::dice(slot.id);
        }
        self
    }

    /// The decisions recorded so far.
    pub(in crate::sim) fn take_log(&mut self) -> Vec<Decision<P>> {
        self.log.take().unwrap_or_default()
    }

    pub(super) fn log(&mut self, choice: impl FnOnce(&Self) -> Choice<P>) {
        if self.log.is_some() {
            let choice = choice(self);
            let clock = choice.nodes().0.map_or(self.engine.now, |n| self.slots[n.index()].clock(self.engine.now));
            let decision = Decision { at: self.engine.now, clock, choice, crash_after: None };
            if let Some(log) = &mut self.log {
                log.push(decision);
            }
        }
    }

    /// The handler that was called last was cut short after so many effects.
    pub(super) fn log_crash_after(&mut self, effects: usize) {
        if let Some(last) = self.log.as_mut().and_then(|l| l.last_mut()) {
            last.crash_after = Some(effects);
        }
    }

    /// Makes decisions happen, in a world [`World::by_hand`] with a referee. A decision that does not apply (the message
    /// was never sent, the timer is not set, the node is down) is passed over; `used` gets one entry a decision: whether
    /// it applied. `retimed`: not at the recorded times but 1 ms after each other, timers when they are due.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(in crate::sim) fn follow(&mut self, decisions: &[Decision<P>], retimed: bool, used: &mut Vec<bool>) -> Check {
        let mut way = UnderWay::new();
        used.clear();
        for decision in decisions {
            let before = self.engine.now;
            self.engine.now = if retimed { self.retimed(decision) } else { before.max(decision.at) };
            used.push(true);
            let decision = if retimed { &Decision { clock: self.engine.now, ..decision.clone() } } else { decision };
            let applied = self.follow_one(decision, &mut way)?;
            if !applied {
                self.engine.now = before;
            }
            if let Some(last) = used.last_mut() {
                *last = applied;
            }
            way.sent(self.take_sent());
        }
        self.with_referee(|referee, world| referee.verdict(world))
    }

    /// 1 ms from now, or when the timer is due.
    fn retimed(&self, decision: &Decision<P>) -> Time {
        let soon = self.engine.now + millis(1);
        match &decision.choice {
            Choice::Fire { node, timer } => {
                let due = self.slots[node.index()].timers.iter().find(|(t, ..)| t == timer).map(|(_, _, due)| *due);
                soon.max(due.unwrap_or(soon))
            }
            _ => soon,
        }
    }

    pub(super) fn follow_one(&mut self, decision: &Decision<P>, way: &mut UnderWay<P>) -> Result<bool, crate::rule::Broken> {
        let up = |world: &Self, n: NodeId| world.slots[n.index()].node.is_some();
        match &decision.choice {
            Choice::Start(node) if !up(self, *node) => self.prepared(*node, decision).start(*node)?,
            Choice::Deliver { from, to, payload, kind } if up(self, *to) => {
                let envelopes = || way.envelopes.iter().enumerate().filter(|(_, (_, _, l))| l.from == *from && l.to == *to);
                let same = |(_, (p, _, _)): &(usize, &(u64, bool, Envelope<P>))| *p == *payload;
                let akin =
                    |(_, (_, arrived, l)): &(usize, &(u64, bool, Envelope<P>))| !arrived && std::mem::discriminant(&l.message) == *kind;
                let fresh = envelopes().find(|l| same(l) && !l.1.1);
                let Some((i, _)) = fresh.or_else(|| envelopes().find(akin)).or_else(|| envelopes().find(same)) else { return Ok(false) };
                let (_, arrived, envelope) = &mut way.envelopes[i];
                *arrived = true;
                let Envelope { id, from, to, message } = envelope.clone();
                self.prepared(to, decision).call(to, Incoming::Message { from, id, message })?;
            }
            Choice::Fire { node, timer } if up(self, *node) => {
                let slot = &mut self.slots[node.index()];
                let Some(i) = slot.timers.iter().position(|(t, ..)| t == timer) else { return Ok(false) };
                let (timer, ..) = slot.timers.swap_remove(i);
                self.prepared(*node, decision).call(*node, Incoming::Timer(timer))?;
            }
            Choice::Crash(node) if up(self, *node) => self.crash(*node, None)?,
            Choice::Ask { ticket, to, request } => {
                self.record_step(ticket.client.lane(), || What::Asks { to: to.lane(), id: ticket.number.into(), text: shown(&request) });
                way.requests.push((*ticket, *to, Some(request.clone())));
                let (ticket, to, request) = (*ticket, *to, request.clone());
                let (at, step) = (self.engine.now, self.steps);
                self.with_referee(|referee, _| {
                    referee.asked(at, step, to, ticket, &request);
                    Ok(())
                })?;
            }
            Choice::Take(ticket) => {
                let Some((_, to, request)) = way.requests.iter_mut().find(|(t, to, r)| t == ticket && r.is_some() && up(self, *to)) else {
                    return Ok(false);
                };
                let (to, Some(request)) = (*to, request.take()) else { return Ok(false) };
                self.prepared(to, decision).call(to, Incoming::Request { ticket: *ticket, request })?;
            }
            Choice::Answer(ticket) => {
                let Some(i) = self.answers.iter().position(|(t, ..)| t == ticket) else { return Ok(false) };
                let (ticket, response, _) = self.answers.remove(i);
                way.answered += 1;
                let Some(from) = way.requests.iter().find(|(t, ..)| *t == ticket).map(|(_, to, _)| *to) else { return Ok(false) };
                self.record_step(ticket.client.lane(), || What::Gets {
                    from: from.lane(),
                    id: ticket.number.into(),
                    text: shown(&response),
                });
                self.with_clients(|referee, clients, _| {
                    let check = referee.response(from, ticket, &response, clients);
                    // What a client would do next is in the list of decisions, or left out of it.
                    clients.actions.clear();
                    check
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sets a node's clock and its coming crash to what a decision says.
    fn prepared(&mut self, node: NodeId, decision: &Decision<P>) -> &mut Self {
        let slot = &mut self.slots[node.index()];
        slot.drift_ppm = 0;
        slot.clock_ahead_us = decision.clock.as_micros().wrapping_sub(self.engine.now.as_micros());
        if self.same_dice {
            slot.rng = crate::sim::decision::dice(node);
        }
        slot.crash_after = decision.crash_after;
        self
    }
}
