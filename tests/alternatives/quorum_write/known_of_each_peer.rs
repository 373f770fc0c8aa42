//! Built another way: no count is kept with a write. For each peer it is known which version it has surely saved, whoever asked
//! it, so a write is done as soon as W of these are as new. Reads that come together share one round, and a new round is
//! numbered by the clock. Everything is asked again every 30 ms, and all answers but Written wait for the deadline.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, Version, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Clone, Debug)]
struct Replica {
    me: NodeId,
    config: Config,
    held: Option<Held>,
    has: HashMap<NodeId, Version>,
    writes: BTreeMap<Ticket, Held>,
    /// Reads that wait for a round, and the rounds: number, who waits for it, who has shown what.
    waiting: BTreeSet<Ticket>,
    rounds: BTreeMap<u64, (BTreeSet<Ticket>, BTreeMap<NodeId, Option<Held>>)>,
    last: u64,
    ticking: bool,
}

impl std::hash::Hash for Replica {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.held, &self.writes, &self.waiting, &self.rounds, self.last, self.ticking).hash(state);
        let has: BTreeMap<_, _> = self.has.iter().collect();
        has.hash(state);
    }
}

impl Replica {
    fn tick(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, millis(30));
        }
    }

    fn keep(&mut self, held: Held, cx: &mut Context<'_, QuorumWrite>) {
        if self.held.is_some_and(|mine| mine.version >= held.version) {
            return;
        }
        self.held = Some(held);
        cx.save(Saved { held: self.held, counter: 0 });
        self.has.insert(self.me, held.version);
    }

    fn settle(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        let (has, w) = (&self.has, self.config.w);
        self.writes.retain(|ticket, held| {
            let done = has.values().filter(|v| **v >= held.version).count() >= w;
            if done {
                cx.reply(*ticket, Response::Written);
            }
            !done
        });
    }

    fn round(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        if self.waiting.is_empty() {
            return;
        }
        self.last = (self.last + 1).max(cx.now().as_micros());
        let reads = std::mem::take(&mut self.waiting);
        self.rounds.insert(self.last, (reads, [(self.me, self.held)].into()));
        cx.broadcast(Message::Fetch(ReadId(self.last)));
        self.look(self.last, cx);
    }

    fn look(&mut self, id: u64, cx: &mut Context<'_, QuorumWrite>) {
        let Some((reads, shown)) = self.rounds.get(&id).filter(|(_, shown)| shown.len() >= self.config.r) else { return };
        let newest = shown.values().flatten().max_by_key(|h| h.version).copied();
        for ticket in reads {
            cx.reply(*ticket, Response::Read(newest));
        }
        self.rounds.remove(&id);
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let held = saved.and_then(|saved| saved.held);
        let has = held.iter().map(|h| (me, h.version)).collect();
        let (writes, waiting, rounds) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Replica { me, config: config.clone(), held, has, writes, waiting, rounds, last: 0, ticking: false }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                self.keep(held, cx);
                if let Some(held) = self.held {
                    cx.send(from, Message::Stored(held.version));
                }
                self.settle(cx);
            }
            Message::Fetch(id) => cx.send(from, Message::Fetched(id, self.held)),
            Message::Stored(version) => {
                let known = self.has.entry(from).or_insert(version);
                *known = version.max(*known);
                self.settle(cx);
            }
            Message::Fetched(ReadId(id), held) => {
                if let Some((_, shown)) = self.rounds.get_mut(&id) {
                    shown.insert(from, held);
                    self.look(id, cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        match timer {
            Timer::Retry(_) => self.round(cx),
            Timer::Tick => {
                self.ticking = false;
                for (&id, (_, shown)) in &self.rounds {
                    for &peer in cx.peers().iter().filter(|p| !shown.contains_key(p)) {
                        cx.send(peer, Message::Fetch(ReadId(id)));
                    }
                }
                for held in self.writes.values() {
                    for &peer in cx.peers().iter().filter(|p| self.has.get(p).is_none_or(|v| *v < held.version)) {
                        cx.send(peer, Message::Store(*held));
                    }
                }
                if !self.rounds.is_empty() || !self.writes.is_empty() {
                    self.tick(cx);
                }
            }
            Timer::Deadline(ticket) => {
                if self.writes.remove(&ticket).is_some() {
                    cx.reply(ticket, Response::Unknown);
                } else if self.waiting.remove(&ticket) || self.rounds.values_mut().any(|(reads, _)| reads.remove(&ticket)) {
                    cx.reply(ticket, Response::Unavailable);
                }
                self.rounds.retain(|_, (reads, _)| !reads.is_empty());
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Deadline(ticket), self.config.deadline);
        self.tick(cx);
        match request {
            Request::Write(held) => {
                self.keep(held, cx);
                self.writes.insert(ticket, held);
                cx.broadcast(Message::Store(held));
                self.settle(cx);
            }
            Request::Read => {
                // Others may come within the next milliseconds, and are asked for with it.
                if self.waiting.is_empty() {
                    cx.set_timer(Timer::Retry(ticket), millis(4));
                }
                self.waiting.insert(ticket);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
