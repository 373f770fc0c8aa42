//! The numbers that stand for nodes, messages, timers and what a handler does: every call of the learner's code is here.

use super::scope::{QUIET_MAX, Scope};
use super::seen::{PACKET, part};
use crate::hash::FastMap;
use crate::rng::Rng;
use crate::sim::decision::dice;
use crate::sim::node::{AnyNode, ClientId, Context, Effect, Factory, NodeId, Protocol, Ticket};
use crate::time::Time;
use crate::trace::{Event as Shown, Probe, What};
use crate::words::shown;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Start,
    Crash,
    /// A packet arrives.
    Deliver(u32),
    /// A timer fires.
    Fire(u32),
    /// A request arrives.
    Ask(u32),
}

/// What leads from one state to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub node: u8,
    /// A crash after so many effects of the last call; 0 for none.
    pub cut: u16,
    pub event: Event,
}

/// The ticket of the request at `index`.
pub(super) fn ticket(client: ClientId, index: u32) -> Ticket {
    Ticket { client, number: index + 1 }
}

/// A node with all that is its own.
struct Local<P: Protocol> {
    /// `None` while it is down.
    node: Option<Box<dyn AnyNode<P>>>,
    id: NodeId,
    started: bool,
    /// Timers that are set, by number, and when they are due; sorted.
    timers: Vec<(u32, Time)>,
    saved: Option<P::Durable>,
    clock: Time,
    /// Dice that go on; `None` where they start anew at each call.
    dice: Option<Rng>,
}

/// A message under way. Equal messages of one link are one packet.
pub(super) struct Packet<P: Protocol> {
    pub from: NodeId,
    pub to: NodeId,
    pub message: P::Message,
}

/// One call of a handler, with what happened of it.
pub(super) struct Call<P: Protocol> {
    pub effects: Vec<Effect<P>>,
    /// `None` if the node crashed in it.
    pub view: Option<P::View>,
    /// What the node's clock said.
    pub clock: Time,
}

/// What an event makes of a node.
pub(super) struct Transition<P: Protocol> {
    pub event: Event,
    pub node: NodeId,
    /// A restart, not the first start.
    pub again: bool,
    /// The node after it.
    pub to: u32,
    /// The calls that were made: none by a crash, several by a timer that fires unseen.
    pub calls: Vec<Call<P>>,
    /// The packets that it sends, sorted; and what they add to the fingerprint of a row.
    pub sends: Vec<u32>,
    pub sent: u64,
    /// The requests that it answers, as bits.
    pub answers: u32,
    /// After how many effects of the last call a crash would make a difference.
    pub cuts: Vec<u16>,
    /// Nothing changed and nothing was done.
    pub idle: bool,
}

/// What the learner's code panicked with.
pub(super) type Payload = Box<dyn Any + Send>;

pub(super) struct Space<'a, P: Protocol> {
    factory: Factory<P>,
    scope: &'a Scope<P>,
    probe: &'a Probe,
    peers: Vec<Vec<NodeId>>,
    dice: Vec<Rng>,
    locals: Vec<Local<P>>,
    local_ids: FastMap<u64, u32>,
    packets: Vec<Packet<P>>,
    packet_ids: FastMap<u64, u32>,
    timers: Vec<P::Timer>,
    transitions: Vec<Transition<P>>,
    known: FastMap<u64, u32>,
    /// Whether clocks are part of a node's state.
    clocks: bool,
    /// Whether a node has read its clock.
    looked: bool,
}

impl<'a, P: Protocol> Space<'a, P> {
    /// The most nodes' states, and the most packets: they are numbered in 24 bits, and kept.
    const NUMBERS_MAX: usize = 4_000_000;

    pub fn new(factory: Factory<P>, scope: &'a Scope<P>, probe: &'a Probe, clocks: bool) -> Self {
        let ids = factory.ids(scope.configs.len());
        let nodes = || ids.iter().copied();
        let unborn = |id: NodeId| {
            let saved = scope.saved.get(id.index()).cloned().flatten();
            Local { node: None, id, started: false, timers: Vec::new(), saved, clock: Time::ZERO, dice: scope.dice_go_on.then(|| dice(id)) }
        };
        Space {
            factory,
            scope,
            probe,
            peers: nodes().map(|id| nodes().filter(|p| *p != id && p.role().is_none()).collect()).collect(),
            dice: nodes().map(dice).collect(),
            locals: nodes().map(unborn).collect(),
            local_ids: FastMap::default(),
            packets: Vec::new(),
            packet_ids: FastMap::default(),
            timers: Vec::new(),
            transitions: Vec::new(),
            known: FastMap::default(),
            clocks,
            looked: false,
        }
    }

    /// Too much was numbered to go on.
    pub fn is_full(&self) -> bool {
        self.locals.len() + self.packets.len() + self.transitions.len() > Self::NUMBERS_MAX
    }

    /// A node has read its clock, and clocks are not part of the states.
    pub fn must_start_again(&self) -> bool {
        self.looked && !self.clocks
    }

    /// Who stands at a place.
    pub fn id(&self, place: u8) -> NodeId {
        self.locals[usize::from(place)].id
    }

    pub fn is_up(&self, local: u32) -> bool {
        self.locals[local as usize].node.is_some()
    }

    pub fn timers_of(&self, local: u32) -> &[(u32, Time)] {
        &self.locals[local as usize].timers
    }

    pub fn packet(&self, number: u32) -> &Packet<P> {
        &self.packets[number as usize]
    }

    pub fn timer(&self, number: u32) -> &P::Timer {
        &self.timers[number as usize]
    }

    pub fn get(&self, transition: u32) -> &Transition<P> {
        &self.transitions[transition as usize]
    }

    /// What `event` makes of a node, cut short by a crash after `cut` effects of its last call if `cut` is not zero.
    #[inline]
    pub fn transition(&mut self, local: u32, event: Event, cut: u16) -> Result<u32, Payload> {
        let (kind, number) = match event {
            Event::Start => (0, 0),
            Event::Crash => (1, 0),
            Event::Deliver(n) => (2, n),
            Event::Fire(n) => (3, n),
            Event::Ask(n) => (4, n),
        };
        let key = u64::from(local) << 40 | u64::from(number) << 16 | u64::from(cut) << 3 | kind;
        match self.known.get(&key) {
            Some(t) => Ok(*t),
            None => {
                let transition = self.make(local, event, cut)?;
                let number = self.transitions.len() as u32;
                self.transitions.push(transition);
                self.known.insert(key, number);
                Ok(number)
            }
        }
    }

    fn make(&mut self, local: u32, event: Event, cut: u16) -> Result<Transition<P>, Payload> {
        let from = &self.locals[local as usize];
        let (id, again) = (from.id, from.started);
        let mut next = Local {
            node: from.node.as_ref().map(|n| n.boxed()),
            id,
            started: true,
            timers: from.timers.clone(),
            saved: from.saved.clone(),
            clock: from.clock,
            dice: from.dice.clone(),
        };
        let mut calls = Vec::new();
        if event != Event::Crash {
            loop {
                let call = self.call(&mut next, event)?;
                let seen = call.effects.iter().any(is_visible);
                let again = matches!(event, Event::Fire(t) if next.timers.iter().any(|(set, _)| *set == t));
                calls.push(call);
                if seen || !again || calls.len() == QUIET_MAX {
                    break;
                }
            }
        }
        // A crash right after an effect that leaves no trace outside the node is the same as one before it.
        let last = calls.last().map_or(&[][..], |c| &c.effects);
        let points = (1u16..8_000).zip(last).filter(|(_, e)| is_visible(e)).map(|(i, _)| i);
        let cuts = if self.scope.crashes == 0 || cut > 0 { Vec::new() } else { points.collect() };
        if event == Event::Crash || cut > 0 {
            if let Some(last) = calls.last_mut() {
                last.effects.truncate(cut.into());
                last.view = None;
            }
            next.node = None;
            next.timers.clear();
        }
        let effects = || calls.iter().flat_map(|c| &c.effects);
        if let Some(Effect::Save(durable)) = effects().rev().find(|e| matches!(e, Effect::Save(_))) {
            next.saved = Some(durable.clone());
        }
        let mut sends = Vec::new();
        let mut answers = 0;
        for effect in effects() {
            match effect {
                Effect::Send { to, message } if to.index() < self.peers.len() => {
                    let key = crate::hash::of(&(id, to, message));
                    let number = *self.packet_ids.entry(key).or_insert_with(|| {
                        self.packets.push(Packet { from: id, to: *to, message: message.clone() });
                        self.packets.len() as u32 - 1
                    });
                    sends.push(number);
                }
                // Tickets are numbered from 1, in the order of the scope's requests.
                Effect::Reply { ticket, .. } => answers |= 1 << (ticket.number - 1),
                _ => {}
            }
        }
        sends.sort_unstable();
        let to = self.number(next);
        let idle = to == local && !effects().any(is_visible);
        let sent = sends.iter().map(|p| part(PACKET, *p)).fold(0, u64::wrapping_add);
        Ok(Transition { event, node: id, again, to, calls, sends, sent, answers, cuts, idle })
    }

    /// Calls a handler. Its saves and messages are left in the call; timers are set.
    fn call(&mut self, next: &mut Local<P>, event: Event) -> Result<Call<P>, Payload> {
        let id = next.id;
        if let Event::Fire(timer) = event
            && let Some(i) = next.timers.iter().position(|(t, _)| *t == timer)
        {
            let (_, due) = next.timers.remove(i);
            next.clock = next.clock.max(due);
        }
        self.announce(next, event);
        let mut effects = Vec::new();
        let mut rng = next.dice.take().unwrap_or_else(|| self.dice[id.index()].clone());
        let peers = &self.peers[id.index()];
        let mut cx =
            Context { me: id, peers, now: next.clock, looked: Cell::new(false), rng: &mut rng, aside: None, effects: &mut effects };
        let node = &mut next.node;
        let theirs = id.role().is_none();
        if theirs {
            self.probe.enter();
        }
        let called = catch_unwind(AssertUnwindSafe(|| {
            if event == Event::Start {
                *node = Some(self.factory.make(id, peers, &self.scope.configs[id.index()], next.saved.clone()));
            }
            let node = node.as_mut()?;
            match event {
                Event::Start => node.on_start(&mut cx),
                Event::Crash => {}
                Event::Deliver(n) => {
                    let Packet { from, message, .. } = &self.packets[n as usize];
                    node.on_message(*from, message.clone(), &mut cx);
                }
                Event::Fire(n) => node.on_timer(self.timers[n as usize].clone(), &mut cx),
                Event::Ask(n) => {
                    let (client, _, request) = &self.scope.requests[n as usize];
                    let ticket = ticket(*client, n);
                    node.on_request(request.clone(), ticket, &mut cx);
                }
            }
            node.view()
        }));
        if theirs {
            self.probe.leave();
        }
        self.looked |= cx.looked.get();
        next.dice = self.scope.dice_go_on.then_some(rng);
        if let Some(tape) = &self.probe.tape {
            tape.done();
        }
        let view = called?;
        for effect in &effects {
            self.time(next, effect);
        }
        next.timers.sort_unstable();
        Ok(Call { effects, view, clock: next.clock })
    }

    fn time(&mut self, next: &mut Local<P>, effect: &Effect<P>) {
        let (timer, due) = match effect {
            Effect::SetTimer { timer, after_us } => (timer, Some(next.clock + Duration::from_micros(*after_us))),
            Effect::CancelTimer(timer) => (timer, None),
            _ => return,
        };
        let number = self.timers.iter().position(|t| t == timer).unwrap_or_else(|| {
            self.timers.push(timer.clone());
            self.timers.len() - 1
        }) as u32;
        next.timers.retain(|(t, _)| *t != number);
        next.timers.extend(due.map(|due| (number, due)));
    }

    /// Numbers a node's state. When it is due is part of it only where clocks are.
    fn number(&mut self, next: Local<P>) -> u32 {
        self.probe.enter();
        let state = next.node.as_ref().map(|n| n.hash64());
        self.probe.leave();
        let mut key = crate::hash::of(&(next.id, state, next.started));
        for (timer, due) in &next.timers {
            key = crate::hash::of(&(key, timer, self.clocks.then_some(due)));
        }
        if self.clocks {
            key = crate::hash::of(&(key, next.clock));
        }
        if let Some(dice) = &next.dice {
            key = crate::hash::of(&(key, dice));
        }
        if self.scope.crashes > 0 {
            key = crate::hash::of(&(key, &next.saved));
        }
        *self.local_ids.entry(key).or_insert_with(|| {
            self.locals.push(next);
            self.locals.len() as u32 - 1
        })
    }

    /// What is about to be tried, for a call that kills the process or never returns.
    fn announce(&self, next: &Local<P>, event: Event) {
        let Some(tape) = &self.probe.tape else { return };
        let what = match event {
            Event::Crash => return,
            Event::Start => What::Starts { again: next.started, saved: shown(&next.saved) },
            Event::Deliver(n) => {
                let Packet { from, message, .. } = &self.packets[n as usize];
                What::Receives { from: from.lane(), id: 0, text: shown(message) }
            }
            Event::Fire(n) => What::Fires { timer: shown(&self.timers[n as usize]) },
            Event::Ask(n) => {
                let (client, _, request) = &self.scope.requests[n as usize];
                What::Takes { from: client.lane(), id: u64::from(n) + 1, text: shown(request) }
            }
        };
        tape.attempt(Shown { step: 1, at: next.clock, lane: next.id.lane(), what });
    }
}

/// Whether others, or the node itself after a crash, can ever know of it.
fn is_visible<P: Protocol>(effect: &Effect<P>) -> bool {
    matches!(effect, Effect::Send { .. } | Effect::Reply { .. } | Effect::Save(_))
}
