//! The levers by which a scripted test moves a [`World`] by hand: nothing is delivered unless the script delivers it,
//! timers fire as the script lets time pass, and a peer that was never started is whoever the script says it is.

use super::envelope::Envelope;
use super::node::{ClientId, Factory, NodeId, Protocol, Ticket};
use super::world::{Incoming, Referee, Setup, World};
use crate::rule::{Broken, Check};
use crate::time::Time;
use crate::trace::{Probe, What};
use crate::words::shown;
use std::time::Duration;

impl<'r, P: Protocol> World<'r, P> {
    /// A world whose messages wait in the script's hands, but for those that a node sends to itself: these arrive at once. No node is started: see [`World::boot`].
    #[must_use]
    pub fn by_hand(factory: Factory<P>, setup: Setup<P>, probe: &Probe) -> World<'r, P> {
        World::by_hand_watched(factory, setup, probe, None)
    }

    /// The same with a referee that watches every step.
    #[must_use]
    pub fn by_hand_watched(factory: Factory<P>, setup: Setup<P>, probe: &Probe, referee: Option<&'r mut dyn Referee<P>>) -> World<'r, P> {
        let mut world = World::new(factory, setup, probe, referee);
        world.held = Some(Vec::new());
        world.own_mail = true;
        world
    }

    /// The same, for runs whose every delivery is a decision.
    pub(super) fn by_decisions(
        factory: Factory<P>,
        setup: Setup<P>,
        probe: &Probe,
        referee: Option<&'r mut dyn Referee<P>>,
    ) -> World<'r, P> {
        let mut world = World::by_hand_watched(factory, setup, probe, referee);
        world.own_mail = false;
        world
    }

    /// Starts a node, or starts it again after a crash.
    ///
    /// # Errors
    /// As every lever: a rule that the world itself saw broken.
    pub fn boot(&mut self, node: NodeId) -> Check {
        self.start(node)
    }

    /// Puts something on a node's disk before it starts.
    pub fn on_disk(&mut self, node: NodeId, durable: P::Durable) {
        self.plant(node, durable);
    }

    /// Takes the messages that were sent since the last time, in the order of their sending.
    pub fn take_sent(&mut self) -> Vec<Envelope<P>> {
        self.held.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Forgets all that was sent.
    pub(super) fn forget_sent(&mut self) {
        self.held.iter_mut().for_each(Vec::clear);
        self.sent_in.clear();
    }

    /// Takes the messages that were sent to `to` since the last time; the others stay.
    pub fn take_sent_to(&mut self, to: NodeId) -> Vec<Envelope<P>> {
        let (mine, others) = self.take_sent().into_iter().partition(|l| l.to == to);
        self.held = Some(others);
        mine
    }

    /// Delivers an envelope now, if its receiver is up; an envelope may be delivered more than once.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn deliver(&mut self, envelope: &Envelope<P>) -> Check {
        if !self.is_up(envelope.to) {
            return Ok(());
        }
        let Envelope { id, from, to, message } = envelope.clone();
        self.call(to, Incoming::Message { from, id, message })
    }

    /// Delivers a message that the script wrote in the name of `from`.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn tell(&mut self, from: NodeId, to: NodeId, message: P::Message) -> Check {
        let id = self.fresh_message();
        self.note_event(from.lane(), || What::Sends { to: to.lane(), id, text: shown(&message) });
        self.deliver(&Envelope { id, from, to, message })
    }

    /// A client's request arrives now. The answer, if it comes, is found by [`World::answer_to`].
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn request(&mut self, to: NodeId, request: P::Request) -> Result<Ticket, Broken> {
        self.request_of(ClientId::from_index(0), to, request)
    }

    /// As [`World::request`], of a client of the script's choice, where a finding names clients.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn request_of(&mut self, client: ClientId, to: NodeId, request: P::Request) -> Result<Ticket, Broken> {
        let ticket = self.ticket(client);
        self.note_event(ticket.client.lane(), || What::Asks { to: to.lane(), id: ticket.number.into(), text: shown(&request) });
        if self.is_up(to) {
            self.call(to, Incoming::Request { ticket, request })?;
        }
        Ok(ticket)
    }

    /// The first answer to a request so far.
    #[must_use]
    pub fn answer_to(&self, ticket: Ticket) -> Option<&P::Response> {
        self.answers.iter().find(|(t, ..)| *t == ticket).map(|(_, r, _)| r)
    }

    /// The step in which a request was answered: for the first time (0), for the second …
    #[must_use]
    pub fn answered_in(&self, ticket: Ticket, nth: usize) -> Option<u64> {
        self.answers.iter().filter(|(t, ..)| *t == ticket).map(|(.., step)| *step).nth(nth)
    }

    /// The step in which a message was sent, by its number.
    #[must_use]
    pub fn sent_in(&self, id: u64) -> Option<u64> {
        self.sent_in.binary_search_by_key(&id, |(id, _)| *id).ok().map(|i| self.sent_in[i].1)
    }

    /// Every answer to a request so far.
    #[must_use]
    pub fn answers_to(&self, ticket: Ticket) -> Vec<&P::Response> {
        self.answers.iter().filter(|(t, ..)| *t == ticket).map(|(_, r, _)| r).collect()
    }

    /// Every answer to any request so far, in order, each with its step.
    #[must_use]
    pub fn answers(&self) -> &[(Ticket, P::Response, u64)] {
        &self.answers
    }

    /// Lets time pass; timers fire when they are due.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn wait(&mut self, span: Duration) -> Check {
        self.run_until(self.now() + span)
    }

    /// Lets time pass until a request is answered, and no longer than `most`: what is shown of the run is then short.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn wait_for_answer(&mut self, ticket: Ticket, most: Duration) -> Check {
        let end = self.now() + most;
        while self.answer_to(ticket).is_none() && self.now() < end {
            self.wait_until((self.now() + Duration::from_millis(1)).min(end))?;
        }
        Ok(())
    }

    /// Lets time pass until `until`; timers fire when they are due.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn wait_until(&mut self, until: Time) -> Check {
        self.run_until(until)
    }

    /// Takes a node down now. What it did not save is gone.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn kill(&mut self, node: NodeId) -> Check {
        self.crash(node, None)
    }

    /// Takes a node down in the middle of its next handler call: after `effects` of its effects.
    pub fn kill_after(&mut self, node: NodeId, effects: usize) {
        self.arm_crash_after(node, effects);
    }

    /// Crashes a node if it is up, and starts it again from what it saved.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn reboot(&mut self, node: NodeId) -> Check {
        self.kill(node)?;
        self.boot(node)
    }

    /// Delivers everything that is sent, each message 1 ms after the last, for `span`: fair weather among all nodes that
    /// are up. Timers fire in between. `lose` says which envelopes to drop.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn let_run(&mut self, span: Duration, mut lose: impl FnMut(&Envelope<P>) -> bool) -> Check {
        let end = self.now() + span;
        let mut queue = std::collections::VecDeque::from(self.take_sent());
        while self.now() < end {
            self.run_until((self.now() + Duration::from_millis(1)).min(end))?;
            queue.extend(self.take_sent());
            // What is sent while this millisecond's envelopes are read waits for the next one.
            for _ in 0..queue.len() {
                let Some(envelope) = queue.pop_front() else { break };
                if lose(&envelope) {
                    self.note_event(envelope.from.lane(), || What::Loses { to: envelope.to.lane(), id: envelope.id });
                } else {
                    self.deliver(&envelope)?;
                }
            }
        }
        queue.extend(self.take_sent());
        self.held = Some(queue.into());
        Ok(())
    }

    /// Lets `span` pass while the script plays everybody who is not started: each envelope goes to `peer`, and what that says comes back from the envelope's receiver `lag` later.
    ///
    /// # Errors
    /// A rule that the world itself saw broken.
    pub fn play(
        &mut self,
        span: Duration,
        lag: impl Fn(NodeId) -> Duration,
        mut peer: impl FnMut(&Envelope<P>) -> Vec<P::Message>,
    ) -> Check {
        let end = self.now() + span;
        let mut coming: Vec<(Time, NodeId, NodeId, P::Message)> = Vec::new();
        loop {
            for envelope in self.take_sent() {
                let due = self.now() + lag(envelope.to);
                coming.extend(peer(&envelope).into_iter().map(|m| (due, envelope.to, envelope.from, m)));
            }
            let (due, later) = coming.into_iter().partition(|(at, ..)| *at <= self.now());
            coming = later;
            for (_, from, to, message) in due {
                self.tell(from, to, message)?;
            }
            if self.now() >= end {
                return Ok(());
            }
            self.wait(Duration::from_millis(1))?;
        }
    }
}
