//! Built another way: a write takes the lowest number above all that this operation was shown which this node has not used yet, so
//! that of two writes under way the one that began first may have the lower number.
use splitbrain::exercises::quorum_register::{
    Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Cx<'a> = Context<'a, QuorumRegister>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Ask,
    Store,
}

#[derive(Clone, Debug, Hash)]
struct Op {
    ticket: Ticket,
    write: Option<Value>,
    phase: Phase,
    best: Held,
    from: BTreeSet<NodeId>,

}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    held: Held,
    counter: u64,
    ops: BTreeMap<u64, Op>,
    used: BTreeSet<u64>,
}

impl Replica {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(Saved { held: self.held, counter: self.counter });
    }

    fn majority(&self) -> usize {
        (self.peers.len() + 1) / 2 + 1
    }

    fn newer(a: Held, b: Held) -> bool {
        a.at > b.at
    }

    fn take(&mut self, held: Held, cx: &mut Cx<'_>) {
        if Self::newer(held, self.held) {
            self.held = held;
            self.save(cx);
        }
    }

    fn ask(&self, id: u64, cx: &mut Cx<'_>) {
        let op = &self.ops[&id];
        for &p in &self.peers {
            if !op.from.contains(&p) {
                let m = match op.phase {
                    Phase::Ask => Message::Query(OpId(id)),
                    Phase::Store => Message::Store(OpId(id), op.best),
                };
                cx.send(p, m);
            }
        }
        cx.set_timer(Timer::Retry(op.ticket), millis(50));
    }

    fn better(op: &mut Op, held: Held) {
        if held.at > op.best.at {
            op.best = held;
        }
    }

    fn answered(&mut self, id: u64, from: NodeId, held: Held, cx: &mut Cx<'_>) {
        let majority = self.majority();
        let Some(op) = self.ops.get_mut(&id) else { return };
        if op.phase != Phase::Ask {
            return;
        }
        Self::better(op, held);
        op.from.insert(from);
        if op.from.len() >= majority {
            self.second(id, cx);
        }
    }

    fn second(&mut self, id: u64, cx: &mut Cx<'_>) {
        let me = self.me;
        let used = &mut self.used;
        let op = self.ops.get_mut(&id).unwrap();
        if let Some(value) = op.write {
            let mut number = op.best.at.number + 1;
            while !used.insert(number) { number += 1; }
            let at = Timestamp { number, writer: me };
            op.best = Held { at, value };
        }
        op.phase = Phase::Store;
        op.from.clear();
        let best = op.best;
        self.take(best, cx);
        self.ask(id, cx);
        self.stored(id, me, cx);
    }

    fn stored(&mut self, id: u64, from: NodeId, cx: &mut Cx<'_>) {
        let majority = self.majority();
        let Some(op) = self.ops.get_mut(&id) else { return };
        if op.phase != Phase::Store {
            return;
        }
        op.from.insert(from);
        if op.from.len() >= majority {
            self.finish(id, cx);
        }
    }

    fn finish(&mut self, id: u64, cx: &mut Cx<'_>) {
        let op = self.ops.remove(&id).unwrap();
        cx.cancel_timer(Timer::Retry(op.ticket));
        let answer = match op.write {
            Some(_) => Response::Written,
            None => Response::Read(op.best.value),
        };
        cx.reply(op.ticket, answer);
    }

    fn next_id(&mut self, cx: &mut Cx<'_>) -> u64 {
        let id = self.counter;
        self.counter += 1;
        self.save(cx);
        id
    }

    fn begin(&mut self, ticket: Ticket, write: Option<Value>, cx: &mut Cx<'_>) {
        let id = self.next_id(cx);
        let op = Op { ticket, write, phase: Phase::Ask, best: Held::INITIAL, from: BTreeSet::new(),  };
        self.ops.insert(id, op);
        self.ask(id, cx);
        self.answered(id, self.me, self.held, cx);
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or(Saved { held: Held::INITIAL, counter: 0 });
        Replica { me, peers: peers.to_vec(), held: saved.held, counter: saved.counter, ops: BTreeMap::new(), used: BTreeSet::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.held)),
            Message::Answer(id, held) => self.answered(id.0, from, held, cx),
            Message::Store(id, held) => {
                self.take(held, cx);
                cx.send(from, Message::Stored(id));
            }
            Message::Stored(id) => self.stored(id.0, from, cx),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(value) => self.begin(ticket, Some(value), cx),
            Request::Read => self.begin(ticket, None, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if let Timer::Retry(ticket) = timer {
            let found = self.ops.iter().find(|(_, op)| op.ticket == ticket).map(|(&id, _)| id);
            if let Some(id) = found {
                self.ask(id, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
