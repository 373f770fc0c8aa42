//! What the world puts on the tape. Only here is anything of a run formatted.

use super::{Incoming, World};
use crate::sim::node::{Effect, NodeId, Protocol};
use crate::sim::{Aside, Lease};
use crate::time::{Time, micros};
use crate::trace::{Event, Lane, Tape, What};
use crate::words::shown;

impl<'r, P: Protocol> World<'r, P> {
    pub(super) fn record_cause(&mut self, id: NodeId, incoming: &Incoming<P>, again: bool) {
        let what = match incoming {
            Incoming::Start => {
                let saved = self.slots[id.index()].saved.as_ref().map_or_else(|| "nothing saved".to_owned(), shown);
                What::Starts { again, saved }
            }
            Incoming::Message { from, id, message } => What::Receives { from: from.lane(), id: *id, text: shown(message) },
            Incoming::Timer(timer) => What::Fires { timer: shown(timer) },
            Incoming::Request { ticket, request } => {
                What::Takes { from: ticket.client.lane(), id: ticket.number.into(), text: shown(request) }
            }
        };
        self.record(id.lane(), || what);
        if let Incoming::Message { message, .. } = incoming {
            match P::lease(&self.slots[id.index()].config, message) {
                Some(Lease::Gives { name, asked, counted, .. }) => {
                    // An answer to what this node never asked is nothing that it could count from.
                    if let Some(from) = self.questions.get(&(id, asked)) {
                        self.record_lease(id, name, false, *from, micros(counted));
                    }
                }
                Some(Lease::Ends(name)) => self.record(id.lane(), || What::Ends { name }),
                Some(Lease::Asks(_)) | None => {}
            }
        }
    }

    /// What leaves, as far as it is about a lease.
    fn record_lease_in(&mut self, id: NodeId, message: &P::Message) {
        let now = self.engine.now;
        match P::lease(&self.slots[id.index()].config, message) {
            Some(Lease::Asks(number)) => drop(self.questions.entry((id, number)).or_insert(now)),
            Some(Lease::Gives { name, promised, .. }) => self.record_lease(id, name, true, now, micros(promised)),
            Some(Lease::Ends(name)) => self.record(id.lane(), || What::Ends { name }),
            None => {}
        }
    }

    /// A lease of so much time by the node's own clock, as long as that is in the world's.
    fn record_lease(&self, id: NodeId, name: String, promised: bool, from: Time, span_us: u64) {
        let until_us = from.as_micros().saturating_add(self.slots[id.index()].true_us(span_us));
        self.record(id.lane(), || What::Holds { name, promised, from_us: from.as_micros(), until_us });
    }

    pub(super) fn record_effects(&mut self, id: NodeId, effects: &[Effect<P>]) {
        let mut message = self.next_message;
        for effect in effects {
            let what = match effect {
                Effect::Send { to, message: m } => {
                    message += 1;
                    What::Sends { to: to.lane(), id: message - 1, text: shown(m) }
                }
                Effect::Reply { ticket, response } => {
                    What::Answers { to: ticket.client.lane(), id: ticket.number.into(), text: shown(response) }
                }
                Effect::Save(durable) => What::Saves { text: shown(durable) },
                Effect::SetTimer { timer, after_us } => What::Sets { timer: shown(timer), after_us: *after_us },
                Effect::CancelTimer(timer) => What::Cancels { timer: shown(timer) },
                Effect::Note(text) => What::Notes { text: text.clone() },
            };
            self.record(id.lane(), || what);
            if let Effect::Send { message, .. } = effect {
                self.record_lease_in(id, message);
            }
        }
    }

    /// What the handler drew, and where in the learner's file its effects stand.
    #[cold]
    pub(super) fn record_aside(&self, id: NodeId, aside: Aside) {
        for [number, from, to] in aside.drawn {
            self.record(id.lane(), || What::Draws { number, from, to });
        }
        // What a service does stands in our files.
        if let Some(tape) = self.probe.tape.as_ref().filter(|_| id.role().is_none() && !aside.lines.is_empty()) {
            tape.place(self.steps, aside.lines);
        }
    }

    /// What the node is after its handler has run, if the tape wants to know.
    pub(super) fn record_state(&self, id: NodeId) {
        if self.probe.tape.as_ref().is_some_and(Tape::wants_states)
            && let Some(node) = &self.slots[id.index()].node
        {
            let text = node.text();
            self.record(id.lane(), || What::State { text });
        }
    }

    /// Counts a step in which no handler runs. Fingerprints are one a step, so that the number of one is that of the other.
    pub(super) fn count_step(&mut self) {
        self.steps += 1;
        if self.probe.fingerprint {
            self.fingerprints.push(self.steps);
        }
    }

    /// Counts a step and puts it on the tape, if there is one.
    pub(super) fn record_step(&mut self, lane: Lane, what: impl FnOnce() -> What) {
        self.count_step();
        self.record(lane, what);
    }

    /// Puts an event of the current step on the tape, if there is one.
    pub(super) fn record(&self, lane: Lane, what: impl FnOnce() -> What) {
        self.probe.record(|| Event { step: self.steps, at: self.engine.now, lane, what: what() });
    }

    pub(in crate::sim) fn note_event(&mut self, lane: Lane, what: impl FnOnce() -> What) {
        self.record_step(lane, what);
    }
}
