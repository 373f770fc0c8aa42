//! Built another way: a coordinator runs one operation at a time and keeps the others in line; it asks a bare majority
//! first, and everybody once that was slow; replicas gather what they are told and save it once in a while, and
//! acknowledge then; the last number used is saved on its own, so that the own replica may fall behind its own writes.

use splitbrain::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug, Hash)]
struct Current {
    ticket: Ticket,
    request: Request,
    id: OpId,
    answers: BTreeMap<NodeId, Held>,
    storing: Option<Held>,
    acks: u16,
    tries: u32,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    ring: Vec<NodeId>,
    disk: Saved,
    /// Told and not saved yet; shown to nobody.
    told: Held,
    unsaid: Vec<(NodeId, OpId)>,
    current: Option<Current>,
    line: VecDeque<(Ticket, Request)>,
}

impl Replica {
    fn majority(&self) -> usize {
        (self.ring.len() + 1) / 2 + 1
    }

    fn next(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        if self.current.is_some() {
            return;
        }
        let Some((ticket, request)) = self.line.pop_front() else { return };
        let id = OpId(cx.now().as_micros() << 12 | cx.random(0..=4095));
        let answers = [(self.me, self.disk.held)].into();
        self.current = Some(Current { ticket, request, id, answers, storing: None, acks: 0, tries: 0 });
        self.ask(cx);
        self.look(cx);
    }

    fn ask(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        let few = self.majority() - 1;
        let Some(current) = &mut self.current else { return };
        let to = if current.tries == 0 { &self.ring[..few] } else { &self.ring[..] };
        current.tries += 1;
        let after = 40 + cx.random(0..=60);
        for &peer in to {
            match current.storing {
                None if !current.answers.contains_key(&peer) => cx.send(peer, Message::Query(current.id)),
                Some(held) if current.acks >> peer.index() & 1 == 0 => cx.send(peer, Message::Store(current.id, held)),
                _ => {}
            }
        }
        cx.set_timer(Timer::Retry(current.ticket), millis(after));
    }

    fn look(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        let majority = self.majority();
        let Some(current) = &mut self.current else { return };
        match current.storing {
            None if current.answers.len() >= majority => {
                let newest = current.answers.values().copied().max_by_key(|h| h.at).unwrap_or_default();
                let held = match current.request {
                    Request::Read => newest,
                    Request::Write(value) => {
                        self.disk.counter = self.disk.counter.max(newest.at.number) + 1;
                        cx.save(self.disk.clone());
                        Held { at: Timestamp { number: self.disk.counter, writer: self.me }, value }
                    }
                };
                current.storing = Some(held);
                current.tries = 0;
                let id = current.id;
                // The own replica is told like any other, and acknowledges when it has saved.
                if held.at > self.told.at {
                    self.told = held;
                }
                self.unsaid.push((self.me, id));
                cx.set_timer(Timer::Tick, millis(8));
                self.ask(cx);
            }
            Some(held) if current.acks.count_ones() as usize >= majority => {
                let response = if current.request == Request::Read { Response::Read(held.value) } else { Response::Written };
                cx.reply(current.ticket, response);
                cx.cancel_timer(Timer::Retry(current.ticket));
                self.current = None;
                self.next(cx);
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, from: NodeId, id: OpId, cx: &mut Context<'_, QuorumRegister>) {
        if let Some(current) = self.current.as_mut().filter(|c| c.id == id && c.storing.is_some()) {
            current.acks |= 1 << from.index();
            self.look(cx);
        }
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], (): &(), saved: Option<Saved>) -> Self {
        let mut ring = peers.to_vec();
        ring.sort_by_key(|p| (p.index() + 16 - me.index()) % 16);
        let disk = saved.unwrap_or_default();
        Replica { me, ring, told: disk.held, disk, unsaid: Vec::new(), current: None, line: VecDeque::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.disk.held)),
            Message::Store(id, held) => {
                if held.at > self.told.at {
                    self.told = held;
                }
                if self.unsaid.is_empty() {
                    cx.set_timer(Timer::Tick, millis(8));
                }
                self.unsaid.push((from, id));
            }
            Message::Answer(id, held) => {
                if let Some(current) = self.current.as_mut().filter(|c| c.id == id && c.storing.is_none()) {
                    current.answers.insert(from, held);
                    self.look(cx);
                }
            }
            Message::Stored(id) => self.acknowledged(from, id, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        match timer {
            Timer::Retry(_) => self.ask(cx),
            Timer::Tick => {
                if self.told.at > self.disk.held.at {
                    self.disk.held = self.told;
                    cx.save(self.disk.clone());
                }
                for (to, id) in std::mem::take(&mut self.unsaid) {
                    if to == self.me {
                        self.acknowledged(to, id, cx);
                    } else {
                        cx.send(to, Message::Stored(id));
                    }
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        self.line.push_back((ticket, request));
        self.next(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
