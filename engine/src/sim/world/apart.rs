//! A shadow: a copy of a node that restarts apart from the run, from the disk of this moment.

use super::World;
use crate::rule::Check;
use crate::sim::node::{Context, Effect, NodeId, Protocol};
use crate::sim::spec::{Input, Seen, Spec};
use crate::sim::step::Cause;
use std::cell::Cell;
use std::collections::VecDeque;

/// What a shadow's handler is called for.
enum Call<P: Protocol> {
    Start,
    Input(Input<P>),
}

/// Calls of one shadow, its own mail included.
const CALLS_MAX: usize = 20;

impl<'r, P: Protocol> World<'r, P> {
    /// Restarts a copy of `id` from what is on its disk now and gives it what `next` says; `ghost` judges both steps.
    /// Nothing of the run is changed.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(in crate::sim) fn apart<S: Spec<P>>(&self, id: NodeId, ghost: &mut S, next: impl FnOnce(&mut S) -> Option<Input<P>>) -> Check {
        let slot = &self.slots[id.index()];
        let (mut rng, now) = (slot.rng.clone(), slot.clock(self.engine.now));
        self.probe.enter();
        let mut node = self.factory.make(id, &slot.peers, &slot.config, slot.saved.clone());
        self.probe.leave();
        let mut calls = VecDeque::from([Call::Start]);
        let mut next = Some(next);
        let mut effects = Vec::new();
        for _ in 0..CALLS_MAX {
            let call = match calls.pop_front() {
                Some(call) => call,
                None => match next.take().and_then(|next| next(ghost)) {
                    Some(input) => Call::Input(input),
                    None => return Ok(()),
                },
            };
            effects.clear();
            let mut cx =
                Context { me: id, peers: &slot.peers, now, looked: Cell::new(false), rng: &mut rng, aside: None, effects: &mut effects };
            let ticket = super::Ticket { client: super::ClientId(0), number: self.next_ticket };
            self.probe.enter();
            match &call {
                Call::Start => node.on_start(&mut cx),
                Call::Input(Input::Message(from, message)) => node.on_message(*from, message.clone(), &mut cx),
                Call::Input(Input::Request(_, request)) => node.on_request(request.clone(), ticket, &mut cx),
            }
            let view = node.view();
            self.probe.leave();
            let cause = match &call {
                Call::Start => Cause::Start { again: true },
                Call::Input(Input::Message(from, message)) => Cause::Message { from: *from, id: self.next_message, message },
                Call::Input(Input::Request(_, request)) => Cause::Request { ticket, request },
            };
            ghost.step(&Seen { number: self.steps, now, cause, effects: &effects, crashed: false, view: view.as_ref() })?;
            for effect in effects.drain(..) {
                if let Effect::Send { to, message } = effect
                    && to == id
                {
                    calls.push_back(Call::Input(Input::Message(id, message)));
                }
            }
        }
        Ok(())
    }

    /// When the node's next timer fires, if one is set and it is up.
    pub(in crate::sim) fn next_timer(&self, id: NodeId) -> Option<crate::time::Time> {
        let slot = &self.slots[id.index()];
        slot.timers.iter().map(|(.., due)| *due).min().filter(|_| slot.node.is_some())
    }

    /// No crash waits for this node any more.
    pub(in crate::sim) fn disarm(&mut self, id: NodeId) {
        let slot = &mut self.slots[id.index()];
        (slot.crash_after, slot.crash_before_save) = (None, false);
    }
}
