//! The world: a discrete-event loop over virtual time. It holds the payloads, calls the handlers, lets their effects
//! happen, and applies the nemesis' plan. What is to come lies in the engine; what it means lies with the referee.
//!
//! Nothing is formatted here unless a tape is in: text is made only for the one run that is shown.

mod apart;
mod clients;
mod counts;
mod faults;
mod look;
mod record;
mod referee;
mod regression;
mod replay;

pub use referee::{Clients, NoReferee, Referee};
pub(super) use regression::Again;

use super::Aside;
use super::decision::{Asked, Choice, Decision};
use super::engine::{Due, Engine, Fate, NODES_MAX, Slab};
use super::envelope::Envelope;
use super::fault::Plan;
use super::node::{AnyNode, ClientId, Context, Effect, Factory, NodeId, Protocol, Ticket};
use super::step::{Cause, Step};
use crate::rng::Rng;
use crate::rule::{BOUNDED_WORK, Broken, Check};
use crate::time::Time;
use crate::trace::{Lane, Probe, What};
use crate::words::counted;
use crate::words::shown;
use counts::Counts;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup<P: Protocol> {
    /// Seed of every random choice.
    pub seed: u64,
    /// Range of the delay of a message in fair weather, in microseconds, both ends included.
    pub delay_us: (u64, u64),
    /// One place for each: the nodes', then the services'.
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

/// One node's place in the world, or a service's.
struct Slot<P: Protocol> {
    id: NodeId,
    /// `None` while it is down or not started.
    node: Option<Box<dyn AnyNode<P>>>,
    config: P::Config,
    peers: Vec<NodeId>,
    saved: Option<P::Durable>,
    /// Timers that are set, each with the token of its latest setting and when it is due.
    timers: Vec<(P::Timer, u32, Time)>,
    next_token: u32,
    started: bool,
    gone_for_good: bool,
    /// A crash that waits for the next handler call: how long to stay down then.
    crash_armed: Option<Option<Duration>>,
    /// A crash after exactly so many effects of the next call, for scripted tests.
    crash_after: Option<usize>,
    /// A crash in the next call that saves when it has said something already: before that save.
    crash_before_save: bool,
    /// The step in which something reached it last: not one of its own timers.
    reached_in: u64,
    paused: bool,
    epoch: u32,
    /// What came while it was paused.
    deferred: Vec<Due>,
    /// Wraps: a clock that is behind is far ahead.
    clock_ahead_us: u64,
    drift_ppm: i32,
    rng: Rng,
}

impl<P: Protocol> Slot<P> {
    /// The node's own clock.
    fn clock(&self, now: Time) -> Time {
        if self.drift_ppm == 0 {
            return Time::from_micros(now.as_micros().wrapping_add(self.clock_ahead_us));
        }
        let us = now.as_micros() as i64;
        Time::from_micros((us + us * i64::from(self.drift_ppm) / 1_000_000) as u64 + self.clock_ahead_us)
    }

    fn a_crash_waits(&self) -> bool {
        self.crash_after.is_some() || self.crash_armed.is_some() || self.crash_before_save
    }

    /// How long a span of the node's own clock takes in the world.
    fn true_us(&self, span_us: u64) -> u64 {
        if self.drift_ppm == 0 {
            return span_us;
        }
        let us = (u128::from(span_us) * 1_000_000 / (1_000_000 + i128::from(self.drift_ppm)) as u128) as u64;
        // A span that is not nothing takes time: a timer set for the last microsecond may not fire at once for ever.
        us.max(u64::from(span_us > 0))
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
    messages: Slab<Envelope<P>>,
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
    unlimited: bool,
    steps_max: u64,
    /// The decisions of this run, if they are wanted.
    log: Option<Vec<Decision<P>>>,
    fingerprints: Vec<u64>,
    /// Whether a node's dice start anew at each decision that is followed, as they do in exploration.
    same_dice: bool,
    /// The requests of this run, if they are not left to its clients.
    asked: Option<Vec<Asked<P>>>,
    /// Messages that a script holds in its hands, instead of the network. `None` when the network runs by itself.
    pub(super) held: Option<Vec<Envelope<P>>>,
    /// Whether what a node sends to itself arrives at once, right after the step, though the script holds all else. Not
    /// where each delivery is a decision.
    pub(super) own_mail: bool,
    /// How many such messages wait.
    own_waiting: usize,
    /// The steps in which such messages were sent, by their numbers.
    pub(super) sent_in: Vec<(u64, u64)>,
    /// Answers to a script's requests, with the steps in which they were given.
    pub(super) answers: Vec<(Ticket, P::Response, u64)>,
    /// When each question for a lease first left. Kept only for the tape.
    questions: BTreeMap<(NodeId, u64), Time>,
}

impl<'r, P: Protocol> World<'r, P> {
    /// The most steps of one run, and the most messages under way at once. A node that drives a run past either works
    /// without end, which breaks [`BOUNDED_WORK`]; no correct solution comes near.
    pub const STEPS_MAX: u64 = 100_000;
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
        let ids = factory.ids(n);
        let slot = |(i, (config, saved)): (usize, (P::Config, Option<P::Durable>))| Slot {
            id: ids[i],
            node: None,
            config,
            peers: ids.iter().copied().filter(|p| *p != ids[i] && p.role().is_none()).collect(),
            saved,
            timers: Vec::new(),
            next_token: 0,
            started: false,
            gone_for_good: false,
            crash_armed: None,
            crash_after: None,
            crash_before_save: false,
            reached_in: 0,
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
            unlimited: false,
            steps_max: Self::STEPS_MAX,
            log: None,
            fingerprints: Vec::new(),
            same_dice: false,
            asked: None,
            held: None,
            own_mail: false,
            own_waiting: 0,
            sent_in: Vec::new(),
            answers: Vec::new(),
            questions: BTreeMap::new(),
        }
    }

    /// Takes the limits on steps and messages away: for measuring, never for judging.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.unlimited = true;
        self
    }

    /// Allows so many steps, in a script that itself makes a run of that length: a life in which something is counted beyond 16 bits.
    pub fn allow_steps(&mut self, most: u64) {
        self.steps_max = most;
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
            self.start(self.slots[i].id)?;
        }
        self.begin()?;
        while let Some(due) = self.engine.pop(self.end) {
            self.happen(due)?;
            if self.referee.as_ref().is_some_and(|r| r.done()) {
                break;
            }
        }
        self.with_referee(|referee, world| referee.verdict(world).and_then(|()| referee.end(world)))
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
                let Some(Envelope { from, to, id, message }) = self.arrives(slot, due) else { return Ok(()) };
                self.counts.delivered += 1;
                self.log(|_| Choice::Deliver { from, to, payload: crate::hash::of(&message), kind: std::mem::discriminant(&message) });
                self.call(to, Incoming::Message { from, id, message })
            }
            Due::Timer { node, token } => {
                let slot = &mut self.slots[node as usize];
                if slot.paused {
                    slot.deferred.push(due);
                    return Ok(());
                }
                let Some(i) = slot.timers.iter().position(|(_, t, _)| *t == token) else { return Ok(()) };
                let (timer, ..) = slot.timers.swap_remove(i);
                let node = slot.id;
                self.log(|_| Choice::Fire { node, timer: timer.clone() });
                self.call(node, Incoming::Timer(timer))
            }
            Due::Request { slot } => self.request_arrives(slot, due),
            Due::Response { slot } => {
                let Some((from, ticket, response)) = self.responses.take(slot) else { return Ok(()) };
                self.log(|_| Choice::Answer(ticket));
                self.record_step(ticket.client.lane(), || What::Gets {
                    from: from.lane(),
                    id: ticket.number.into(),
                    text: shown(&response),
                });
                self.with_clients(|referee, clients, _| referee.response(from, ticket, &response, clients))
            }
            Due::Wake { client, tag } => self.wakes(ClientId(client), tag),
            Due::Fault { index: u32::MAX } => self.quiet(),
            Due::Fault { index } => self.apply_fault(index as usize),
            Due::Restart { node } => self.start(self.slots[node as usize].id),
            Due::Resume { node, epoch } => {
                let slot = &self.slots[node as usize];
                if slot.epoch == epoch {
                    self.resume(slot.id);
                }
                Ok(())
            }
        }
    }

    /// The envelope of a payload slot, unless its receiver is down (it is lost then) or paused (it comes later then).
    #[inline]
    fn arrives(&mut self, slot: u32, due: Due) -> Option<Envelope<P>> {
        let envelope = self.messages.take(slot)?;
        let place = &mut self.slots[envelope.to.index()];
        if place.node.is_none() {
            self.counts.lost += 1;
            let (to, id) = (envelope.to.lane(), envelope.id);
            self.record(envelope.from.lane(), || What::Loses { to, id });
            return None;
        }
        if place.paused {
            let Due::Message { .. } = due else { return None };
            let again = Due::Message { slot: self.messages.put(envelope) };
            place.deferred.push(again);
            return None;
        }
        Some(envelope)
    }

    /// Calls a handler and lets its effects happen: all of them, or those before a crash. In a script, also what the node
    /// then says to itself.
    #[inline]
    pub(super) fn call(&mut self, id: NodeId, incoming: Incoming<P>) -> Check {
        self.call_one(id, incoming)?;
        if self.own_waiting > 0 { self.deliver_own() } else { Ok(()) }
    }

    #[inline]
    fn call_one(&mut self, id: NodeId, incoming: Incoming<P>) -> Check {
        self.steps += 1;
        if (self.steps > self.steps_max || self.messages.len() > Self::IN_FLIGHT_MAX) && !self.unlimited {
            return Err(self.without_end());
        }
        let again = self.slots[id.index()].started;
        self.announce(id, &incoming, again)?;
        let slot = &mut self.slots[id.index()];
        let now = slot.clock(self.engine.now);
        if !matches!(incoming, Incoming::Timer(_)) {
            slot.reached_in = self.steps;
        }
        // What a service does is not the learner's doing.
        let theirs = id.role().is_none();
        if theirs {
            self.probe.enter();
        }
        if matches!(incoming, Incoming::Start) {
            slot.node = Some(self.factory.make(id, &slot.peers, &slot.config, slot.saved.clone()));
            slot.started = true;
        }
        let Some(node) = &mut slot.node else { return Ok(()) };
        let aside = self.probe.tape.is_some().then(Aside::default);
        let mut cx =
            Context { me: id, peers: &slot.peers, now, looked: Cell::new(false), rng: &mut slot.rng, aside, effects: &mut self.effects };
        match incoming {
            Incoming::Start => node.on_start(&mut cx),
            Incoming::Message { from, message, .. } => node.on_message(from, message, &mut cx),
            Incoming::Timer(timer) => node.on_timer(timer, &mut cx),
            Incoming::Request { ticket, request } => node.on_request(request, ticket, &mut cx),
        }
        let aside = cx.aside.take();
        let state = if self.probe.fingerprint { node.hash64() } else { 0 };
        if theirs {
            self.probe.leave();
        }
        let crash = if slot.a_crash_waits() { self.falls_now(id) } else { None };
        if let Some(aside) = aside {
            self.record_aside(id, aside);
        }
        self.finish(id, state, crash)
    }

    /// Delivers what nodes have sent to themselves, and what they send to themselves then.
    #[cold]
    fn deliver_own(&mut self) -> Check {
        let mut waiting = std::collections::VecDeque::new();
        loop {
            self.own_waiting = 0;
            if let Some(held) = &mut self.held {
                let (own, others) = std::mem::take(held).into_iter().partition(|envelope| envelope.to == envelope.from);
                *held = others;
                waiting.extend::<Vec<Envelope<P>>>(own);
            }
            let Some(Envelope { id, from, to, message }) = waiting.pop_front() else { return Ok(()) };
            if self.slots[to.index()].node.is_some() {
                self.call_one(to, Incoming::Message { from, id, message })?;
            }
        }
    }

    /// Lets happen what a handler recorded: all of it, or what came before a crash. `state` is the node's fingerprint, where
    /// fingerprints are kept.
    #[inline]
    fn finish(&mut self, id: NodeId, state: u64, crash: Option<(usize, Option<Duration>)>) -> Check {
        let mut effects = std::mem::take(&mut self.effects);
        let of = effects.len();
        if let Some((done, _)) = crash {
            effects.truncate(done);
        }
        if self.probe.fingerprint {
            self.fingerprints.push(crate::hash::of(&(self.engine.now, id, &effects, state)));
        }
        if self.probe.tape.is_some() {
            self.record_effects(id, &effects);
        }
        let verdict = self.judge_step(id, &effects, crash.is_some());
        if verdict.is_ok() {
            // The last one first, then popped: most often there is one, and nothing is left of it.
            effects.reverse();
            while let Some(effect) = effects.pop() {
                self.apply(id, effect);
            }
        }
        effects.clear();
        self.effects = effects;
        // Also of the step that breaks a rule: what it made of the node is what one wants to see.
        if crash.is_none() {
            self.record_state(id);
        }
        verdict?;
        if let Some((done, down)) = crash {
            self.counts.crashes_mid_handler += u64::from(done < of);
            self.goes_down(id, done, of, down);
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
        // What is done most often apart from the rest: the loop around it then has room in registers.
        if let Effect::Send { to, message } = effect { self.send(id, to, message) } else { self.apply_rest(id, effect) }
    }

    #[inline(never)]
    fn apply_rest(&mut self, id: NodeId, effect: Effect<P>) {
        match effect {
            Effect::Send { .. } | Effect::Note(_) => {}
            Effect::Reply { ticket, response } => self.answer(id, ticket, response),
            Effect::Save(durable) => self.slots[id.index()].saved = Some(durable),
            Effect::SetTimer { timer, after_us } => {
                let slot = &mut self.slots[id.index()];
                let token = slot.next_token;
                slot.next_token += 1;
                let at = self.engine.now + Duration::from_micros(slot.true_us(after_us));
                match slot.timers.iter_mut().find(|(t, ..)| *t == timer) {
                    Some(set) => (set.1, set.2) = (token, at),
                    None => slot.timers.push((timer, token, at)),
                }
                self.engine.schedule(at, Due::Timer { node: id.index() as u8, token });
            }
            Effect::CancelTimer(timer) => self.slots[id.index()].timers.retain(|(t, ..)| *t != timer),
        }
    }

    #[inline]
    fn send(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        let id = self.next_message;
        self.next_message += 1;
        self.counts.sent_by[from.index() % NODES_MAX] += 1;
        // Nobody has that address.
        if self.slots.get(to.index()).is_none_or(|slot| slot.id != to) {
            return;
        }
        let envelope = Envelope { id, from, to, message };
        if let Some(held) = &mut self.held {
            self.sent_in.push((id, self.steps));
            self.own_waiting += usize::from(self.own_mail && from == to);
            held.push(envelope);
            return;
        }
        match self.engine.route(from, to) {
            Fate::Lost => {
                self.counts.lost += 1;
                self.record(from.lane(), || What::Loses { to: to.lane(), id });
            }
            Fate::Once(at) => self.post(at, envelope),
            Fate::Twice(first, second) => {
                self.counts.repeated += 1;
                self.record(from.lane(), || What::Repeats { to: to.lane(), id });
                self.post(first, envelope.clone());
                self.post(second, envelope);
            }
        }
    }

    #[inline]
    fn post(&mut self, at: Time, envelope: Envelope<P>) {
        let slot = self.messages.put(envelope);
        self.engine.schedule_message(at, slot);
    }

    /// Starts a node, or starts it again after a crash. Nothing happens if it is up, or down for good.
    pub(super) fn start(&mut self, id: NodeId) -> Check {
        let slot = &mut self.slots[id.index()];
        if slot.node.is_some() || slot.gone_for_good {
            return Ok(());
        }
        self.counts.restarts += u64::from(slot.started);
        self.log(|_| Choice::Start(id));
        self.call(id, Incoming::Start)
    }

    fn without_end(&self) -> Broken {
        let loudest = (0..self.slots.len())
            .max_by_key(|&i| (self.counts.sent_by[i], usize::MAX - i))
            .map_or(NodeId::from_index(0), |i| self.slots[i].id);
        let sent: u64 = self.counts.sent_by.iter().sum();
        Broken::new(
            BOUNDED_WORK,
            format!(
                "by {} of virtual time the cluster had made {} and sent {} ({} of them by {loudest}), and {} were still under way",
                self.engine.now,
                counted(self.steps, "step"),
                counted(sent, "message"),
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

    pub(super) fn fresh_message(&mut self) -> u64 {
        self.next_message += 1;
        self.next_message - 1
    }
}

impl ClientId {
    /// The client's lane in a picture.
    #[must_use]
    pub fn lane(self) -> Lane {
        Lane::Client(self.0)
    }
}
