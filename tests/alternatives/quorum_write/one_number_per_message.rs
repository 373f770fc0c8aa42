//! Built another way: each Fetch has a number of its own, drawn from all 64 bits, and a table says to which read it belongs; a
//! replica keeps what it is told for 15 ms before it saves and answers, but shows only what is saved; when a request has not
//! found its quorum after 45 ms, and again after 90, all are asked again.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
enum Task {
    Write(Held, BTreeSet<NodeId>),
    Read(BTreeMap<NodeId, Option<Held>>),
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    config: Config,
    held: Option<Held>,
    /// Told, not saved, not acknowledged.
    soon: Vec<(NodeId, Held)>,
    tasks: BTreeMap<Ticket, (Time, Task)>,
    questions: BTreeMap<ReadId, (NodeId, Ticket)>,
}

impl Replica {
    fn told(&mut self, from: NodeId, held: Held, cx: &mut Context<'_, QuorumWrite>) {
        if self.soon.is_empty() {
            cx.set_timer(Timer::Tick, millis(15));
        }
        self.soon.push((from, held));
    }

    fn ask(&mut self, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        let Some((_, task)) = self.tasks.get(&ticket) else { return };
        for &peer in cx.peers() {
            match task {
                Task::Write(held, by) if !by.contains(&peer) => cx.send(peer, Message::Store(*held)),
                Task::Read(by) if !by.contains_key(&peer) => {
                    let id = ReadId(cx.random(0..=u64::MAX));
                    self.questions.insert(id, (peer, ticket));
                    cx.send(peer, Message::Fetch(id));
                }
                _ => {}
            }
        }
        cx.set_timer(Timer::Retry(ticket), millis(45));
    }

    fn end(&mut self, ticket: Ticket, response: Response, cx: &mut Context<'_, QuorumWrite>) {
        cx.cancel_timer(Timer::Retry(ticket));
        cx.cancel_timer(Timer::Deadline(ticket));
        self.tasks.remove(&ticket);
        self.questions.retain(|_, (_, of)| *of != ticket);
        cx.reply(ticket, response);
    }

    fn acknowledged(&mut self, from: NodeId, version: splitbrain::exercises::quorum_write::Version, cx: &mut Context<'_, QuorumWrite>) {
        let mut done = Vec::new();
        for (ticket, (_, task)) in &mut self.tasks {
            if let Task::Write(held, by) = task
                && version >= held.version
            {
                by.insert(from);
                if by.len() >= self.config.w {
                    done.push(*ticket);
                }
            }
        }
        for ticket in done {
            self.end(ticket, Response::Written, cx);
        }
    }

    fn look(&mut self, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        let Some((_, Task::Read(by))) = self.tasks.get(&ticket) else { return };
        if by.len() >= self.config.r {
            let mut newest: Option<Held> = None;
            for held in by.values().flatten() {
                if newest.is_none_or(|n| n.version < held.version) {
                    newest = Some(*held);
                }
            }
            self.end(ticket, Response::Read(newest), cx);
        }
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let held = saved.map(|s| s.held).unwrap_or_default();
        Replica { me, config: config.clone(), held, soon: Vec::new(), tasks: BTreeMap::new(), questions: BTreeMap::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => self.told(from, held, cx),
            Message::Fetch(id) => cx.send(from, Message::Fetched(id, self.held)),
            Message::Stored(version) => self.acknowledged(from, version, cx),
            Message::Fetched(id, held) => {
                if let Some((peer, ticket)) = self.questions.remove(&id)
                    && let Some((_, Task::Read(by))) = self.tasks.get_mut(&ticket)
                {
                    by.insert(peer, held);
                    self.look(ticket, cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        match timer {
            Timer::Retry(ticket) => self.ask(ticket, cx),
            Timer::Deadline(ticket) => match self.tasks.get(&ticket) {
                Some((_, Task::Write(..))) => self.end(ticket, Response::Unknown, cx),
                Some((_, Task::Read(_))) => self.end(ticket, Response::Unavailable, cx),
                None => {}
            },
            Timer::Tick => {
                let soon = std::mem::take(&mut self.soon);
                let newest = soon.iter().map(|(_, held)| *held).chain(self.held).max_by_key(|h| h.version);
                if newest != self.held {
                    self.held = newest;
                    cx.save(Saved { held: newest, counter: 0 });
                }
                for (to, held) in soon {
                    if to == self.me {
                        self.acknowledged(to, held.version, cx);
                    } else {
                        cx.send(to, Message::Stored(held.version));
                    }
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Deadline(ticket), self.config.deadline + millis(10));
        let task = match request {
            Request::Write(held) => {
                self.told(self.me, held, cx);
                Task::Write(held, BTreeSet::new())
            }
            Request::Read => Task::Read([(self.me, self.held)].into()),
        };
        self.tasks.insert(ticket, (cx.now(), task));
        self.ask(ticket, cx);
        self.look(ticket, cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
