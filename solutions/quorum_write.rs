//! The reference: broadcast at once, count distinct replicas, answer at the quorum or at the deadline.

use splitbrain::exercises::quorum_write::{
    Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A write of one of this node's clients.
#[derive(Clone, Debug, Hash)]
struct Write {
    version: Version,
    /// Replicas, not messages: the network repeats acknowledgements.
    saved_by: BTreeSet<NodeId>,
}

/// A read of one of this node's clients.
#[derive(Clone, Debug, Hash)]
struct Read {
    id: ReadId,
    heard: BTreeSet<NodeId>,
    newest: Option<Held>,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    config: Config,
    held: Option<Held>,
    /// Requests that are not answered yet.
    writes: BTreeMap<Ticket, Write>,
    reads: BTreeMap<Ticket, Read>,
}

/// The newer of the two. Versions are never equal unless the writes are the same.
fn newer(a: Option<Held>, b: Option<Held>) -> Option<Held> {
    if b.map(|h| h.version) > a.map(|h| h.version) {
        b
    } else {
        a
    }
}

impl Replica {
    /// Holds this unless something newer is held. When it returns, that is safe on disk.
    fn store(&mut self, held: Held, cx: &mut Context<'_, QuorumWrite>) {
        let newest = newer(self.held, Some(held));
        if newest != self.held {
            self.held = newest;
            cx.save(Saved {
                held: newest,
                counter: 0,
            });
        }
    }

    /// `from` has saved `version` or something newer, and so every older version that waits here.
    fn stored(&mut self, from: NodeId, version: Version, cx: &mut Context<'_, QuorumWrite>) {
        for write in self.writes.values_mut().filter(|w| w.version <= version) {
            write.saved_by.insert(from);
        }
        let w = self.config.w;
        self.writes.retain(|ticket, write| {
            let waits = write.saved_by.len() < w;
            if !waits {
                cx.cancel_timer(Timer::Deadline(*ticket));
                cx.reply(*ticket, Response::Written);
            }
            waits
        });
    }

    fn fetched(
        &mut self,
        from: NodeId,
        id: ReadId,
        held: Option<Held>,
        cx: &mut Context<'_, QuorumWrite>,
    ) {
        let Some((&ticket, read)) = self.reads.iter_mut().find(|(_, read)| read.id == id) else {
            return;
        };
        read.heard.insert(from);
        read.newest = newer(read.newest, held);
        if read.heard.len() >= self.config.r {
            cx.cancel_timer(Timer::Deadline(ticket));
            cx.reply(ticket, Response::Read(read.newest));
            self.reads.remove(&ticket);
        }
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let held = saved.unwrap_or_default().held;
        Replica {
            me,
            config: config.clone(),
            held,
            writes: BTreeMap::new(),
            reads: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                self.store(held, cx);
                // Also if something newer was held: the write is then done, and overwritten.
                cx.send(from, Message::Stored(held.version));
            }
            Message::Stored(version) => self.stored(from, version, cx),
            Message::Fetch(id) => cx.send(from, Message::Fetched(id, self.held)),
            Message::Fetched(id, held) => self.fetched(from, id, held, cx),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Deadline(ticket), self.config.deadline);
        match request {
            Request::Write(held) => {
                self.writes.insert(
                    ticket,
                    Write {
                        version: held.version,
                        saved_by: BTreeSet::new(),
                    },
                );
                cx.broadcast(Message::Store(held));
                self.store(held, cx);
                self.stored(self.me, held.version, cx);
            }
            Request::Read => {
                // Random, so that no answer to a read from before a crash is taken for an answer to this one.
                let id = ReadId(cx.random(1..=1_000_000_000));
                self.reads.insert(
                    ticket,
                    Read {
                        id,
                        heard: BTreeSet::new(),
                        newest: None,
                    },
                );
                cx.broadcast(Message::Fetch(id));
                self.fetched(self.me, id, self.held, cx);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        let Timer::Deadline(ticket) = timer else {
            return;
        };
        if self.writes.remove(&ticket).is_some() {
            // Not Failed: this node has saved the write, and a replica that is silent may have it or still get it.
            cx.reply(ticket, Response::Unknown);
        }
        if self.reads.remove(&ticket).is_some() {
            cx.reply(ticket, Response::Unavailable);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
