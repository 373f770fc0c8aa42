//! The reference: ask a majority, then store with a majority; a read stores what it has found before it answers.

use splitbrain::exercises::quorum_register::{
    Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Some times what a message takes, so that little is asked in vain.
const ASK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum Phase {
    Asking,
    Storing,
}

/// A request of one of this node's clients.
#[derive(Clone, Debug, Hash)]
struct Op {
    ticket: Ticket,
    /// What to write; a read has nothing of its own.
    write: Option<Value>,
    phase: Phase,
    /// Who has answered *this phase*: replicas, not messages.
    heard: BTreeSet<NodeId>,
    /// The newest that was found; while storing, what is stored.
    held: Held,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    held: Held,
    ops: BTreeMap<OpId, Op>,
}

impl Replica {
    /// Holds this unless something newer is held. When it returns, that is safe on disk.
    fn store(&mut self, held: Held, cx: &mut Context<'_, QuorumRegister>) {
        if held.at > self.held.at {
            self.held = held;
            cx.save(Saved { held, counter: 0 });
        }
    }

    /// Asks those that have not answered this phase of the operation yet.
    fn ask(&self, id: OpId, cx: &mut Context<'_, QuorumRegister>) {
        let Some(op) = self.ops.get(&id) else { return };
        let message = match op.phase {
            Phase::Asking => Message::Query(id),
            Phase::Storing => Message::Store(id, op.held),
        };
        for &peer in cx.peers() {
            if !op.heard.contains(&peer) {
                cx.send(peer, message.clone());
            }
        }
        cx.set_timer(Timer::Retry(op.ticket), ASK_AGAIN);
    }

    /// `from` has answered a phase of the operation, with something that it holds if the phase was the first.
    fn heard(
        &mut self,
        from: NodeId,
        id: OpId,
        phase: Phase,
        found: Option<Held>,
        cx: &mut Context<'_, QuorumRegister>,
    ) {
        // An operation that is over, or a late answer to its first phase: neither counts.
        let Some(op) = self.ops.get_mut(&id).filter(|op| op.phase == phase) else {
            return;
        };
        op.heard.insert(from);
        if let Some(found) = found.filter(|f| f.at > op.held.at) {
            op.held = found;
        }
        if op.heard.len() <= (cx.peers().len() + 1) / 2 {
            return;
        }
        match phase {
            Phase::Asking => self.store_everywhere(id, cx),
            Phase::Storing => {
                let response = if op.write.is_some() {
                    Response::Written
                } else {
                    Response::Read(op.held.value)
                };
                cx.reply(op.ticket, response);
                cx.cancel_timer(Timer::Retry(op.ticket));
                self.ops.remove(&id);
            }
        }
    }

    /// The second phase: a write stores above everything that was found, a read what was found. A read must, too: the
    /// replica that showed the newest value may be the only one that has it, and the next reader may not ask it.
    fn store_everywhere(&mut self, id: OpId, cx: &mut Context<'_, QuorumRegister>) {
        let Some(op) = self.ops.get_mut(&id) else {
            return;
        };
        if let Some(value) = op.write {
            // Above what this replica holds now as well: another write of this node may have come in between, and one from
            // before a crash may have reached nobody but this disk. Stored here first, so no number is ever used twice.
            let number = op.held.at.number.max(self.held.at.number) + 1;
            op.held = Held {
                at: Timestamp {
                    number,
                    writer: self.me,
                },
                value,
            };
        }
        op.phase = Phase::Storing;
        op.heard.clear();
        let held = op.held;
        self.store(held, cx);
        self.ask(id, cx);
        self.heard(self.me, id, Phase::Storing, None, cx);
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        Replica {
            me,
            held: saved.unwrap_or_default().held,
            ops: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.held)),
            Message::Store(id, held) => {
                self.store(held, cx);
                cx.send(from, Message::Stored(id));
            }
            Message::Answer(id, held) => self.heard(from, id, Phase::Asking, Some(held), cx),
            Message::Stored(id) => self.heard(from, id, Phase::Storing, None, cx),
        }
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, QuorumRegister>,
    ) {
        // Random, so that no answer from before a crash fits an operation after it.
        let id = OpId(cx.random(1..=1_000_000_000));
        let write = if let Request::Write(value) = request {
            Some(value)
        } else {
            None
        };
        let op = Op {
            ticket,
            write,
            phase: Phase::Asking,
            heard: BTreeSet::new(),
            held: self.held,
        };
        self.ops.insert(id, op);
        self.ask(id, cx);
        self.heard(self.me, id, Phase::Asking, None, cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        let Timer::Retry(ticket) = timer else { return };
        if let Some(id) = self
            .ops
            .iter()
            .find(|(_, op)| op.ticket == ticket)
            .map(|(id, _)| *id)
        {
            self.ask(id, cx);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
