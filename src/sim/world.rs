//! The world: a discrete-event loop over virtual time. It holds the payloads, calls the handlers, lets their effects
//! happen, and applies the nemesis' plan. What is to come lies in the engine; what it means lies with the referee.
//!
//! Nothing is formatted here unless a tape is in: text is made only for the one run that is shown.

use super::engine::{Due, Engine, Fate, LinkFaults, NODES_MAX, Slab};
use super::fault::{Fault, Plan};
use super::node::{AnyNode, ClientId, Context, Effect, Factory, NodeId, Protocol, Ticket};
use super::referee::{Action, Cause, Clients, Counts, Referee, Step};
use super::script::Letter;
use crate::rng::Rng;
use crate::rule::{BOUNDED_WORK, Broken, Check, Coverage};
use crate::time::{Time, micros};
use crate::trace::{Event, Lane, Probe, What};
use std::time::Duration;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup<P: Protocol> {
    /// Seed of every random choice.
    pub seed: u64,
    /// Range of the delay of a message in fair weather, in microseconds, both ends included.
    pub delay_us: (u64, u64),
    /// One node for each.
    pub configs: Vec<P::Config>,
    /// What each node finds on its disk at the first start.
    pub saved: Vec<Option<P::Durable>>,
    /// The faults.
    pub plan: Plan,
    /// When the run ends at the latest.
    pub end: Time,
}

impl<P: Protocol> Setup<P> {
    /// Nodes with these configurations, empty disks, delays of 1 to 10 ms, fair weather, and no end.
    #[must_use]
    pub fn new(seed: u64, configs: Vec<P::Config>) -> Self {
        let n = configs.len();
        Setup { seed, delay_us: (1_000, 10_000), configs, saved: vec![None; n], plan: Plan::calm(n), end: Time::from_micros(u64::MAX) }
    }
}

/// One node's place in the world.
struct Slot<P: Protocol> {
    /// `None` while it is down or not started.
    node: Option<Box<dyn AnyNode<P>>>,
    config: P::Config,
    peers: Vec<NodeId>,
    saved: Option<P::Durable>,
    /// Timers that are set, each with the token of its latest setting.
    timers: Vec<(P::Timer, u32)>,
    next_token: u32,
    started: bool,
    gone_for_good: bool,
    /// A crash that waits for the next handler call: how long to stay down then.
    crash_armed: Option<Option<Duration>>,
    /// A crash after exactly so many effects of the next call, for scripted tests.
    crash_after: Option<usize>,
    paused: bool,
    epoch: u32,
    /// What came while it was paused.
    deferred: Vec<Due>,
    clock_ahead_us: u64,
    drift_ppm: i32,
    rng: Rng,
}

impl<P: Protocol> Slot<P> {
    /// The node's own clock.
    fn clock(&self, now: Time) -> Time {
        if self.drift_ppm == 0 {
            return Time::from_micros(now.as_micros() + self.clock_ahead_us);
        }
        let us = now.as_micros() as i64;
        Time::from_micros((us + us * i64::from(self.drift_ppm) / 1_000_000) as u64 + self.clock_ahead_us)
    }

    /// How long a span of the node's own clock takes in the world.
    fn true_us(&self, span_us: u64) -> u64 {
        if self.drift_ppm == 0 {
            return span_us;
        }
        (u128::from(span_us) * 1_000_000 / (1_000_000 + i128::from(self.drift_ppm)) as u128) as u64
    }
}

/// Why a handler is called, with what it is given.
pub(super) enum Incoming<P: Protocol> {
    Start,
    Message { from: NodeId, id: u64, message: P::Message },
    Timer(P::Timer),
    Request { ticket: Ticket, request: P::Request },
}

/// A cluster under way. See [`World::run`] for a whole run, and the module `script` for moving it by hand.
pub struct World<'r, P: Protocol> {
    pub(super) engine: Engine,
    factory: Factory<P>,
    slots: Vec<Slot<P>>,
    messages: Slab<Letter<P>>,
    requests: Slab<(NodeId, Ticket, P::Request)>,
    responses: Slab<(NodeId, Ticket, P::Response)>,
    effects: Vec<Effect<P>>,
    referee: Option<&'r mut dyn Referee<P>>,
    probe: Probe,
    plan: Plan,
    end: Time,
    counts: Counts,
    steps: u64,
    next_message: u64,
    next_ticket: u32,
    dice: Rng,
    client_dice: Rng,
    fingerprints: Vec<u64>,
    /// Messages that a script holds in its hands, instead of the network. `None` when the network runs by itself.
    pub(super) held: Option<Vec<Letter<P>>>,
    /// Answers to a script's requests.
    pub(super) answers: Vec<(Ticket, P::Response)>,
}

impl<'r, P: Protocol> World<'r, P> {
    /// The most steps of one run, and the most messages under way at once. A node that drives a run past either works
    /// without end, which breaks [`BOUNDED_WORK`]; no correct solution comes near.
    pub const STEPS_MAX: u64 = 400_000;
    /// See [`World::STEPS_MAX`].
    pub const IN_FLIGHT_MAX: usize = 20_000;

    /// A world in which nothing has started yet.
    ///
    /// # Panics
    /// With more than [`NODES_MAX`] nodes: a bug of the judge.
    #[must_use]
    pub fn new(factory: Factory<P>, setup: Setup<P>, probe: &Probe, referee: Option<&'r mut dyn Referee<P>>) -> Self {
        let n = setup.configs.len();
        assert!(n <= NODES_MAX, "a world has at most {NODES_MAX} nodes, not {n}");
        let slot = |(i, (config, saved)): (usize, (P::Config, Option<P::Durable>))| Slot {
            node: None,
            config,
            peers: (0..n).filter(|&p| p != i).map(NodeId::from_index).collect(),
            saved,
            timers: Vec::new(),
            next_token: 0,
            started: false,
            gone_for_good: false,
            crash_armed: None,
            crash_after: None,
            paused: false,
            epoch: 0,
            deferred: Vec::new(),
            clock_ahead_us: setup.plan.clocks.get(i).map_or(0, |c| c.0),
            drift_ppm: setup.plan.clocks.get(i).map_or(0, |c| c.1),
            rng: Rng::stream(setup.seed, 100 + i as u64),
        };
        let mut engine = Engine::new(setup.seed, setup.delay_us);
        engine.set_faults(setup.plan.links.clone());
        World {
            engine,
            factory,
            slots: setup.configs.into_iter().zip(setup.saved).enumerate().map(slot).collect(),
            messages: Slab::new(),
            requests: Slab::new(),
            responses: Slab::new(),
            effects: Vec::with_capacity(32),
            referee,
            probe: probe.clone(),
            plan: setup.plan,
            end: setup.end,
            counts: Counts::default(),
            steps: 0,
            next_message: 1,
            next_ticket: 1,
            dice: Rng::stream(setup.seed, 4),
            client_dice: Rng::stream(setup.seed, 5),
            fingerprints: Vec::new(),
            held: None,
            answers: Vec::new(),
        }
    }

    /// Runs from the start to the end: all nodes start, clients come, faults come and go, the quiet phase follows.
    ///
    /// # Errors
    /// The rule that the referee saw broken, or [`BOUNDED_WORK`].
    pub fn run(&mut self) -> Check {
        for (index, (at, _)) in (0..).zip(&self.plan.faults) {
            self.engine.schedule(*at, Due::Fault { index });
        }
        if self.plan.quiet_at > Time::ZERO {
            self.engine.schedule(self.plan.quiet_at, Due::Fault { index: u32::MAX });
        }
        for i in 0..self.slots.len() {
            self.start(NodeId::from_index(i))?;
        }
        self.with_clients(|referee, clients, _| {
            referee.begin(clients);
            Ok(())
        })?;
        while let Some(due) = self.engine.pop(self.end) {
            self.happen(due)?;
            if self.referee.as_ref().is_some_and(|r| r.done()) {
                break;
            }
        }
        self.with_referee(|referee, world| referee.end(world))
    }

    /// Lets everything happen that is due up to and including `until`; time then stands at `until`.
    pub(super) fn run_until(&mut self, until: Time) -> Check {
        while let Some(due) = self.engine.pop(until) {
            self.happen(due)?;
        }
        self.engine.now = self.engine.now.max(until);
        Ok(())
    }

    fn happen(&mut self, due: Due) -> Check {
        match due {
            Due::Message { slot } => {
                let Some(Letter { from, to, id, message }) = self.arrives(slot, due) else { return Ok(()) };
                self.counts.delivered += 1;
                self.call(to, Incoming::Message { from, id, message })
            }
            Due::Timer { node, token } => {
                let slot = &mut self.slots[node as usize];
                if slot.paused {
                    slot.deferred.push(due);
                    return Ok(());
                }
                let Some(i) = slot.timers.iter().position(|(_, t)| *t == token) else { return Ok(()) };
                let (timer, _) = slot.timers.swap_remove(i);
                self.call(NodeId(node), Incoming::Timer(timer))
            }
            Due::Request { slot } => self.request_arrives(slot, due),
            Due::Response { slot } => {
                let Some((from, ticket, response)) = self.responses.take(slot) else { return Ok(()) };
                self.record_step(ticket.client.lane(), || What::Gets {
                    from: from.lane(),
                    id: ticket.number.into(),
                    text: format!("{response:?}"),
                });
                self.with_clients(|referee, clients, _| referee.response(from, ticket, &response, clients))
            }
            Due::Wake { client, tag } => self.with_clients(|referee, clients, world| referee.wake(ClientId(client), tag, clients, world)),
            Due::Fault { index: u32::MAX } => self.quiet(),
            Due::Fault { index } => self.apply_fault(index as usize),
            Due::Restart { node } => self.start(NodeId(node)),
            Due::Resume { node, epoch } => {
                if self.slots[node as usize].epoch == epoch {
                    self.resume(NodeId(node));
                }
                Ok(())
            }
        }
    }

    /// The letter of a payload slot, unless its receiver is down (it is lost then) or paused (it comes later then).
    #[inline]
    fn arrives(&mut self, slot: u32, due: Due) -> Option<Letter<P>> {
        let letter = self.messages.take(slot)?;
        let place = &mut self.slots[letter.to.index()];
        if place.node.is_none() {
            self.counts.lost += 1;
            let (to, id) = (letter.to.lane(), letter.id);
            self.record(letter.from.lane(), || What::Loses { to, id });
            return None;
        }
        if place.paused {
            let Due::Message { .. } = due else { return None };
            let again = Due::Message { slot: self.messages.put(letter) };
            place.deferred.push(again);
            return None;
        }
        Some(letter)
    }

    fn request_arrives(&mut self, slot: u32, due: Due) -> Check {
        let Some((to, ticket, request)) = self.requests.take(slot) else { return Ok(()) };
        let place = &mut self.slots[to.index()];
        if place.node.is_none() {
            return Ok(());
        }
        if place.paused {
            debug_assert!(matches!(due, Due::Request { .. }));
            let slot = self.requests.put((to, ticket, request));
            place.deferred.push(Due::Request { slot });
            return Ok(());
        }
        self.call(to, Incoming::Request { ticket, request })
    }

    /// Calls a handler and lets its effects happen: all of them, or those before a crash.
    #[inline]
    pub(super) fn call(&mut self, id: NodeId, incoming: Incoming<P>) -> Check {
        self.steps += 1;
        if self.steps > Self::STEPS_MAX || self.messages.len() > Self::IN_FLIGHT_MAX {
            return Err(self.without_end());
        }
        let again = self.slots[id.index()].started;
        self.announce(id, &incoming, again)?;
        let slot = &mut self.slots[id.index()];
        let now = slot.clock(self.engine.now);
        self.probe.enter();
        if matches!(incoming, Incoming::Start) {
            slot.node = Some((self.factory.make)(id, &slot.peers, &slot.config, slot.saved.clone()));
            slot.started = true;
        }
        let Some(node) = &mut slot.node else { return Ok(()) };
        let mut cx = Context { me: id, peers: &slot.peers, now, rng: &mut slot.rng, effects: &mut self.effects };
        match incoming {
            Incoming::Start => node.on_start(&mut cx),
            Incoming::Message { from, message, .. } => node.on_message(from, message, &mut cx),
            Incoming::Timer(timer) => node.on_timer(timer, &mut cx),
            Incoming::Request { ticket, request } => node.on_request(request, ticket, &mut cx),
        }
        self.probe.leave();
        let crash = self.falls_now(id);
        let done = crash.map_or(self.effects.len(), |(done, _)| done);
        self.finish(id, done, crash)
    }

    /// If a crash waits for this node: after how many effects it falls, and how long the node stays down.
    #[inline]
    fn falls_now(&mut self, id: NodeId) -> Option<(usize, Option<Duration>)> {
        let slot = &mut self.slots[id.index()];
        if let Some(done) = slot.crash_after.take() {
            slot.gone_for_good = false;
            return Some((done.min(self.effects.len()), None));
        }
        // A handler that does nothing has no between; the crash waits for the next one.
        if slot.crash_armed.is_none() || self.effects.is_empty() {
            return None;
        }
        let down = slot.crash_armed.take()?;
        slot.gone_for_good = down.is_none();
        Some((self.dice.below(self.effects.len() as u64 + 1) as usize, down))
    }

    fn finish(&mut self, id: NodeId, done: usize, crash: Option<(usize, Option<Duration>)>) -> Check {
        let mut effects = std::mem::take(&mut self.effects);
        let of = effects.len();
        effects.truncate(done);
        if self.probe.fingerprint {
            self.probe.enter();
            let state = self.slots[id.index()].node.as_ref().map(|n| n.hash64());
            self.probe.leave();
            self.fingerprints.push(crate::hash::of(&(self.engine.now, id, &effects, state)));
        }
        if self.probe.tape.is_some() {
            self.record_effects(id, &effects);
        }
        let verdict = self.judge_step(id, &effects, crash.is_some());
        if verdict.is_ok() {
            for effect in effects.drain(..) {
                self.apply(id, effect);
            }
        }
        effects.clear();
        self.effects = effects;
        verdict?;
        if let Some((done, down)) = crash {
            self.counts.crashes_mid_handler += u64::from(done < of);
            self.goes_down(id, done, of, down);
        } else if self.probe.tape.as_ref().is_some_and(crate::trace::Tape::wants_states)
            && let Some(node) = &self.slots[id.index()].node
        {
            let text = node.text();
            self.record(id.lane(), || What::State { text });
        }
        Ok(())
    }

    fn judge_step(&mut self, id: NodeId, effects: &[Effect<P>], crashed: bool) -> Check {
        if self.referee.is_none() {
            return Ok(());
        }
        let view = if crashed { None } else { self.view(id) };
        let step = Step { number: self.steps, at: self.engine.now, node: id, effects, first_message: self.next_message, crashed, view };
        self.with_referee(|referee, world| referee.step(&step, world))
    }

    #[inline]
    fn apply(&mut self, id: NodeId, effect: Effect<P>) {
        match effect {
            Effect::Send { to, message } => self.send(id, to, message),
            Effect::Reply { ticket, response } => self.answer(id, ticket, response),
            Effect::Save(durable) => self.slots[id.index()].saved = Some(durable),
            Effect::SetTimer { timer, after_us } => {
                let slot = &mut self.slots[id.index()];
                let token = slot.next_token;
                slot.next_token += 1;
                match slot.timers.iter_mut().find(|(t, _)| *t == timer) {
                    Some(set) => set.1 = token,
                    None => slot.timers.push((timer, token)),
                }
                let at = self.engine.now + Duration::from_micros(slot.true_us(after_us));
                self.engine.schedule(at, Due::Timer { node: id.0, token });
            }
            Effect::CancelTimer(timer) => self.slots[id.index()].timers.retain(|(t, _)| *t != timer),
            Effect::Note(_) => {}
        }
    }

    #[inline]
    fn send(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        let id = self.next_message;
        self.next_message += 1;
        self.counts.sent_by[from.index() % NODES_MAX] += 1;
        if to.index() >= self.slots.len() {
            return;
        }
        let letter = Letter { id, from, to, message };
        if let Some(held) = &mut self.held {
            held.push(letter);
            return;
        }
        match self.engine.route(from, to) {
            Fate::Lost => {
                self.counts.lost += 1;
                self.record(from.lane(), || What::Loses { to: to.lane(), id });
            }
            Fate::Once(at) => self.post(at, letter),
            Fate::Twice(first, second) => {
                self.counts.repeated += 1;
                self.record(from.lane(), || What::Repeats { to: to.lane(), id });
                self.post(first, letter.clone());
                self.post(second, letter);
            }
        }
    }

    #[inline]
    fn post(&mut self, at: Time, letter: Letter<P>) {
        let slot = self.messages.put(letter);
        self.engine.schedule(at, Due::Message { slot });
    }

    fn answer(&mut self, from: NodeId, ticket: Ticket, response: P::Response) {
        if self.held.is_some() {
            self.answers.push((ticket, response));
        } else if let Some(at) = self.engine.client_arrival() {
            let slot = self.responses.put((from, ticket, response));
            self.engine.schedule(at, Due::Response { slot });
        } else {
            self.record(from.lane(), || What::Loses { to: ticket.client.lane(), id: ticket.number.into() });
        }
    }

    /// Starts a node, or starts it again after a crash. Nothing happens if it is up, or down for good.
    pub(super) fn start(&mut self, id: NodeId) -> Check {
        let slot = &mut self.slots[id.index()];
        if slot.node.is_some() || slot.gone_for_good {
            return Ok(());
        }
        self.counts.restarts += u64::from(slot.started);
        self.call(id, Incoming::Start)
    }

    /// Takes a node down between two handler calls.
    pub(super) fn crash(&mut self, id: NodeId, down: Option<Duration>) -> Check {
        if self.slots[id.index()].node.is_none() {
            return Ok(());
        }
        self.steps += 1;
        let at = self.engine.now;
        self.with_referee(|referee, _| referee.cause(at, id, Cause::Crash))?;
        self.goes_down(id, 0, 0, down);
        Ok(())
    }

    fn goes_down(&mut self, id: NodeId, done: usize, of: usize, down: Option<Duration>) {
        self.counts.crashes += 1;
        let slot = &mut self.slots[id.index()];
        slot.node = None;
        slot.timers.clear();
        slot.crash_armed = None;
        slot.paused = false;
        slot.epoch += 1;
        let for_good = slot.gone_for_good;
        for due in std::mem::take(&mut slot.deferred) {
            match due {
                Due::Message { slot } => drop(self.messages.take(slot)),
                Due::Request { slot } => drop(self.requests.take(slot)),
                _ => {}
            }
        }
        self.record(id.lane(), || What::Crashes { done: done as u32, of: of as u32, for_good });
        if let Some(down) = down {
            self.engine.schedule(self.engine.now + down, Due::Restart { node: id.0 });
        }
    }

    fn apply_fault(&mut self, index: usize) -> Check {
        let Some((_, fault)) = self.plan.faults.get(index).cloned() else { return Ok(()) };
        match fault {
            Fault::Cut(cuts) => {
                self.counts.partitions += 1;
                self.engine.set_cuts(cuts.rows);
                self.record_step(Lane::Network, || What::Splits { text: cuts.text });
            }
            Fault::Heal => {
                self.engine.set_cuts([0; NODES_MAX]);
                self.record_step(Lane::Network, || What::Heals);
            }
            Fault::Crash { node, mid_handler, down } => {
                let slot = &mut self.slots[node.index()];
                if slot.node.is_none() {
                    slot.gone_for_good |= down.is_none();
                } else if mid_handler {
                    slot.crash_armed = Some(down);
                } else {
                    slot.gone_for_good |= down.is_none();
                    return self.crash(node, down);
                }
            }
            Fault::Pause { node, span } => {
                let slot = &mut self.slots[node.index()];
                if slot.node.is_some() && !slot.paused {
                    self.counts.pauses += 1;
                    slot.paused = true;
                    let epoch = slot.epoch;
                    self.engine.schedule(self.engine.now + span, Due::Resume { node: node.0, epoch });
                    self.record_step(node.lane(), || What::Pauses { for_us: micros(span) });
                }
            }
            Fault::ClockStep { node, by } => {
                self.counts.clock_steps += 1;
                self.slots[node.index()].clock_ahead_us += micros(by);
            }
        }
        Ok(())
    }

    fn resume(&mut self, id: NodeId) {
        let slot = &mut self.slots[id.index()];
        slot.paused = false;
        slot.epoch += 1;
        for due in std::mem::take(&mut slot.deferred) {
            self.engine.schedule(self.engine.now, due);
        }
    }

    /// The quiet phase: links are whole and lose nothing, everybody who is not down for good is back.
    fn quiet(&mut self) -> Check {
        self.engine.set_faults(LinkFaults::none());
        self.engine.set_cuts([0; NODES_MAX]);
        self.record_step(Lane::Network, || What::Heals);
        for i in 0..self.slots.len() {
            let id = NodeId::from_index(i);
            if self.slots[i].paused {
                self.resume(id);
            }
            if self.slots[i].crash_armed.take() == Some(None) {
                self.slots[i].gone_for_good = true;
                self.crash(id, None)?;
            }
            self.start(id)?;
        }
        self.with_referee(|referee, world| referee.quiet(world))
    }

    fn without_end(&self) -> Broken {
        let loudest = (0..self.slots.len()).max_by_key(|&i| (self.counts.sent_by[i], usize::MAX - i)).map_or(NodeId(0), NodeId::from_index);
        let sent: u64 = self.counts.sent_by.iter().sum();
        Broken::new(
            BOUNDED_WORK,
            format!(
                "by {} of virtual time the cluster had made {} steps and sent {sent} messages ({} of them by {loudest}), and {} were still under way",
                self.engine.now,
                self.steps,
                self.counts.sent_by[loudest.index()],
                self.messages.len()
            ),
        )
    }

    fn with_referee(&mut self, f: impl FnOnce(&mut dyn Referee<P>, &World<'r, P>) -> Check) -> Check {
        let Some(referee) = self.referee.take() else { return Ok(()) };
        let check = f(referee, self);
        self.referee = Some(referee);
        check
    }

    fn with_clients(&mut self, f: impl FnOnce(&mut dyn Referee<P>, &mut Clients<'_, P>, &World<'r, P>) -> Check) -> Check {
        let Some(referee) = self.referee.take() else { return Ok(()) };
        let (mut rng, mut next_ticket) = (self.client_dice.clone(), self.next_ticket);
        let mut clients =
            Clients { now: self.engine.now, step: self.steps, rng: &mut rng, next_ticket: &mut next_ticket, actions: Vec::new() };
        let check = f(referee, &mut clients, self);
        let actions = clients.actions;
        (self.client_dice, self.next_ticket) = (rng, next_ticket);
        self.referee = Some(referee);
        for action in actions {
            self.act(action);
        }
        check
    }

    fn act(&mut self, action: Action<P>) {
        match action {
            Action::Ask { to, ticket, request } => {
                let (lane, id) = (ticket.client.lane(), u64::from(ticket.number));
                self.record_step(lane, || What::Asks { to: to.lane(), id, text: format!("{request:?}") });
                if let Some(at) = self.engine.client_arrival() {
                    let slot = self.requests.put((to, ticket, request));
                    self.engine.schedule(at, Due::Request { slot });
                } else {
                    self.record(lane, || What::Loses { to: to.lane(), id });
                }
            }
            Action::Wake { client, after, tag } => self.engine.schedule(self.engine.now + after, Due::Wake { client: client.0, tag }),
            Action::GiveUp { ticket, text } => {
                self.record_step(ticket.client.lane(), || What::GivesUp { id: ticket.number.into(), text: text.to_owned() });
            }
        }
    }

    /// Tells the referee and the tape why a handler is about to run.
    #[inline]
    fn announce(&mut self, id: NodeId, incoming: &Incoming<P>, again: bool) -> Check {
        if self.probe.tape.is_some() {
            self.record_cause(id, incoming, again);
        }
        let Some(referee) = self.referee.take() else { return Ok(()) };
        let cause = match incoming {
            Incoming::Start => Cause::Start { again },
            Incoming::Message { from, id, message } => Cause::Message { from: *from, id: *id, message },
            Incoming::Timer(timer) => Cause::Timer(timer),
            Incoming::Request { ticket, request } => Cause::Request { ticket: *ticket, request },
        };
        let check = referee.cause(self.engine.now, id, cause);
        self.referee = Some(referee);
        check
    }

    fn record_cause(&self, id: NodeId, incoming: &Incoming<P>, again: bool) {
        let what = match incoming {
            Incoming::Start => {
                let saved = self.slots[id.index()].saved.as_ref().map_or_else(|| "nothing saved".to_owned(), |s| format!("{s:?}"));
                What::Starts { again, saved }
            }
            Incoming::Message { from, id, message } => What::Receives { from: from.lane(), id: *id, text: format!("{message:?}") },
            Incoming::Timer(timer) => What::Fires { timer: format!("{timer:?}") },
            Incoming::Request { ticket, request } => {
                What::Takes { from: ticket.client.lane(), id: ticket.number.into(), text: format!("{request:?}") }
            }
        };
        self.record(id.lane(), || what);
    }

    fn record_effects(&self, id: NodeId, effects: &[Effect<P>]) {
        let mut message = self.next_message;
        for effect in effects {
            let what = match effect {
                Effect::Send { to, message: m } => {
                    message += 1;
                    What::Sends { to: to.lane(), id: message - 1, text: format!("{m:?}") }
                }
                Effect::Reply { ticket, response } => {
                    What::Answers { to: ticket.client.lane(), id: ticket.number.into(), text: format!("{response:?}") }
                }
                Effect::Save(durable) => What::Saves { text: format!("{durable:?}") },
                Effect::SetTimer { timer, after_us } => What::Sets { timer: format!("{timer:?}"), after_us: *after_us },
                Effect::CancelTimer(timer) => What::Cancels { timer: format!("{timer:?}") },
                Effect::Note(text) => What::Notes { text: text.clone() },
            };
            self.record(id.lane(), || what);
        }
    }

    /// Counts a step and puts it on the tape, if there is one.
    fn record_step(&mut self, lane: Lane, what: impl FnOnce() -> What) {
        self.steps += 1;
        self.record(lane, what);
    }

    /// Puts an event of the current step on the tape, if there is one.
    fn record(&self, lane: Lane, what: impl FnOnce() -> What) {
        self.probe.record(|| Event { step: self.steps, at: self.engine.now, lane, what: what() });
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.engine.now
    }

    /// Number of the last step.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many nodes there are, up or down.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.slots.len()
    }

    /// Whether the node is up (a paused one is).
    #[must_use]
    pub fn is_up(&self, id: NodeId) -> bool {
        self.slots[id.index()].node.is_some()
    }

    /// Whether the node is down and will not come back.
    #[must_use]
    pub fn is_down_for_good(&self, id: NodeId) -> bool {
        let slot = &self.slots[id.index()];
        slot.gone_for_good && slot.node.is_none()
    }

    /// What the node lets be seen; `None` while it is down.
    #[must_use]
    pub fn view(&self, id: NodeId) -> Option<P::View> {
        let node = self.slots[id.index()].node.as_ref()?;
        self.probe.enter();
        let view = node.view();
        self.probe.leave();
        Some(view)
    }

    /// What the node saved last, or was given.
    #[must_use]
    pub fn saved(&self, id: NodeId) -> Option<&P::Durable> {
        self.slots[id.index()].saved.as_ref()
    }

    /// Whether messages from one node to the other are cut off now.
    #[must_use]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.engine.is_cut(from, to)
    }

    /// How many messages, answers, timers and faults are still to come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.engine.pending()
    }

    /// What happened so far, in numbers.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.counts.coverage()
    }

    /// One fingerprint a step, if the probe asked for them.
    #[must_use]
    pub fn fingerprints(&self) -> &[u64] {
        &self.fingerprints
    }

    pub(super) fn arm_crash_after(&mut self, id: NodeId, effects: usize) {
        self.slots[id.index()].crash_after = Some(effects);
    }

    pub(super) fn ticket(&mut self, client: ClientId) -> Ticket {
        self.next_ticket += 1;
        Ticket { client, number: self.next_ticket - 1 }
    }

    pub(super) fn fresh_message(&mut self) -> u64 {
        self.next_message += 1;
        self.next_message - 1
    }

    pub(super) fn plant(&mut self, id: NodeId, durable: P::Durable) {
        self.slots[id.index()].saved = Some(durable);
    }

    pub(super) fn note_event(&mut self, lane: Lane, what: What) {
        self.record_step(lane, || what);
    }
}

impl NodeId {
    /// The node's lane in a picture.
    #[must_use]
    pub fn lane(self) -> Lane {
        Lane::Node(self.0)
    }
}

impl ClientId {
    /// The client's lane in a picture.
    #[must_use]
    pub fn lane(self) -> Lane {
        Lane::Client(self.0)
    }
}
