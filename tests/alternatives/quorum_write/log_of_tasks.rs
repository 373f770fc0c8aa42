//! Built another way: what comes in is only written down, and one function, called after every event, looks at all of it and
//! does what is due: save, acknowledge, ask, answer. Answers to reads wait until all have been heard or the time is nearly
//! over; each node's own version counts from what is on its disk; a write that was told to be older still asks all.

use splitbrain::exercises::quorum_write::{ClientId, Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, Version, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Entry {
    ticket: Ticket,
    request: Request,
    id: ReadId,
    asked: bool,
    last_call: bool,
    heard: Vec<(NodeId, Option<Held>)>,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    nodes: usize,
    config: Config,
    disk: Saved,
    entries: Vec<Entry>,
    acks: Vec<(NodeId, Version)>,
    letters: Vec<(NodeId, Message)>,
}

impl Replica {
    fn work(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        let mut best = self.disk.clone();
        let mut consider = |held: Held| {
            if best.held.is_none_or(|h| h.version < held.version) {
                best.held = Some(held);
            }
        };
        for (_, letter) in &self.letters {
            if let Message::Store(held) = letter {
                consider(*held);
            }
        }
        for entry in self.entries.iter_mut().filter(|e| !e.asked) {
            entry.asked = true;
            match entry.request {
                Request::Write(held) => {
                    consider(held);
                    cx.broadcast(Message::Store(held));
                }
                Request::Read => {
                    best.counter += 1;
                    entry.id = ReadId(best.counter);
                }
            }
        }
        if best != self.disk {
            cx.save(best.clone());
            self.disk = best;
        }
        for (to, letter) in std::mem::take(&mut self.letters) {
            match letter {
                Message::Store(_) => cx.send(to, Message::Stored(self.disk.held.map_or(Version { number: 0, writer: ClientId::from_index(0) }, |h| h.version))),
                Message::Fetch(id) => cx.send(to, Message::Fetched(id, self.disk.held)),
                _ => {}
            }
        }
        let (me, held) = (self.me, self.disk.held);
        for entry in self.entries.iter_mut().filter(|e| e.request == Request::Read && e.heard.is_empty()) {
            entry.heard.push((me, held));
            cx.broadcast(Message::Fetch(entry.id));
        }
        let (config, nodes, acks) = (self.config.clone(), self.nodes, &self.acks);
        self.entries.retain(|entry| {
            let answer = match entry.request {
                Request::Write(write) => {
                    let mut by: Vec<NodeId> = acks.iter().filter(|(_, v)| *v >= write.version).map(|(n, _)| *n).collect();
                    by.extend(held.filter(|h| h.version >= write.version).map(|_| me));
                    by.sort();
                    by.dedup();
                    if by.len() >= config.w { Some(Response::Written) } else { entry.last_call.then_some(Response::Unknown) }
                }
                Request::Read if entry.heard.len() == nodes || (entry.last_call && entry.heard.len() >= config.r) => {
                    Some(Response::Read(entry.heard.iter().filter_map(|(_, held)| *held).max_by_key(|h| h.version)))
                }
                Request::Read => entry.last_call.then_some(Response::Unavailable),
            };
            if let Some(answer) = answer {
                cx.reply(entry.ticket, answer);
                return false;
            }
            true
        });
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let disk = saved.unwrap_or_default();
        Replica { me, nodes: peers.len() + 1, config: config.clone(), disk, entries: vec![], acks: vec![], letters: vec![] }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Stored(version) => {
                self.acks.retain(|(n, v)| *n != from || *v > version);
                if !self.acks.iter().any(|(n, _)| *n == from) {
                    self.acks.push((from, version));
                }
            }
            Message::Fetched(id, held) => {
                let mine = self.entries.iter_mut().find(|e| e.id == id && e.request == Request::Read);
                if let Some(entry) = mine.filter(|e| e.heard.iter().all(|(n, _)| *n != from)) {
                    entry.heard.push((from, held));
                }
            }
            other => self.letters.push((from, other)),
        }
        self.work(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        if let Timer::Deadline(ticket) = timer {
            for entry in self.entries.iter_mut().filter(|e| e.ticket == ticket) {
                entry.last_call = true;
            }
        }
        self.work(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Deadline(ticket), self.config.deadline - millis(15));
        self.entries.push(Entry { ticket, request, id: ReadId(0), asked: false, last_call: false, heard: vec![] });
        self.work(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
