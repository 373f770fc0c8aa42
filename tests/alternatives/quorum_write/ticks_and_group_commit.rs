//! Built another way: one tick of 12 ms drives everything. A replica gathers Stores and Fetches, saves once a tick and answers
//! then; a coordinator keeps its requests in one list with the moment of their end, and is a replica to itself by mail. Reads
//! are numbered by a saved count of lives and a count within each.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Pending {
    ticket: Ticket,
    end: Time,
    message: Message,
    ticks: u32,
    /// What each replica said: its version to a write, what it holds to a read.
    said: BTreeMap<NodeId, Option<Held>>,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    config: Config,
    disk: Saved,
    inbox: Vec<(NodeId, Message)>,
    pending: Vec<Pending>,
    reads: u64,
}

impl Replica {
    fn everybody(message: &Message, cx: &mut Context<'_, QuorumWrite>) {
        cx.send(cx.me(), message.clone());
        cx.broadcast(message.clone());
    }

    fn close(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        let Config { w, r, .. } = self.config;
        self.pending.retain(|p| match p.message {
            Message::Store(_) if p.said.len() >= w => {
                cx.reply(p.ticket, Response::Written);
                false
            }
            Message::Fetch(_) if p.said.len() >= r => {
                cx.reply(p.ticket, Response::Read(p.said.values().flatten().copied().max_by_key(|held| held.version)));
                false
            }
            _ => true,
        });
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Replica { config: config.clone(), disk: saved.unwrap_or_default(), inbox: Vec::new(), pending: Vec::new(), reads: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        self.disk.counter += 1;
        cx.save(self.disk.clone());
        cx.set_timer(Timer::Tick, millis(12));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(_) | Message::Fetch(_) => self.inbox.push((from, message)),
            Message::Stored(version) => {
                for p in &mut self.pending {
                    if matches!(p.message, Message::Store(held) if held.version <= version) {
                        p.said.insert(from, None);
                    }
                }
                self.close(cx);
            }
            Message::Fetched(id, held) => {
                for p in self.pending.iter_mut().filter(|p| p.message == Message::Fetch(id)) {
                    p.said.insert(from, held);
                }
                self.close(cx);
            }
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Tick, millis(12));
        let before = self.disk.held;
        let told = self.inbox.iter().filter_map(|(_, m)| if let Message::Store(held) = m { Some(*held) } else { None });
        self.disk.held = told.chain(before).max_by_key(|held| held.version);
        if self.disk.held != before {
            cx.save(self.disk.clone());
        }
        for (to, message) in std::mem::take(&mut self.inbox) {
            match message {
                Message::Store(held) => cx.send(to, Message::Stored(held.version)),
                Message::Fetch(id) => cx.send(to, Message::Fetched(id, self.disk.held)),
                _ => {}
            }
        }
        let now = cx.now();
        self.pending.retain(|p| {
            if p.end <= now {
                cx.reply(p.ticket, if matches!(p.message, Message::Store(_)) { Response::Unknown } else { Response::Unavailable });
            }
            p.end > now
        });
        for p in &mut self.pending {
            p.ticks += 1;
            // What it sent to itself may be lost like the rest.
            if p.ticks % 3 == 0 {
                Self::everybody(&p.message, cx);
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        let message = match request {
            Request::Write(held) => Message::Store(held),
            Request::Read => {
                self.reads += 1;
                Message::Fetch(ReadId(self.disk.counter << 32 | self.reads))
            }
        };
        Self::everybody(&message, cx);
        self.pending.push(Pending { ticket, end: cx.now() + self.config.deadline, message, ticks: 0, said: BTreeMap::new() });
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
