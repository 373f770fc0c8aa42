//! Built another way: operations wait for the next round, every 250 ms; only then they are counted, saved together, and
//! answered. All is told to one other replica after the other, every second.

use splitbrain::exercises::pn_counter::{Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    state: Saved,
    waiting: Vec<(Ticket, OpId, bool)>,
    rounds: usize,
}

fn raise(mine: &mut BTreeMap<NodeId, u64>, theirs: Counts) {
    for (who, n) in theirs {
        mine.entry(who).and_modify(|known| *known = n.max(*known)).or_insert(n);
    }
}

impl Node<PnCounter> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Replica { me, peers: peers.to_vec(), state: saved.unwrap_or_default(), waiting: Vec::new(), rounds: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        cx.set_timer(Timer::Other(0), millis(250));
    }

    fn on_message(&mut self, _: NodeId, Message::Counts { increments, decrements }: Message, _: &mut Context<'_, PnCounter>) {
        raise(&mut self.state.increments, increments);
        raise(&mut self.state.decrements, decrements);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        cx.set_timer(timer, millis(250));
        let round = std::mem::take(&mut self.waiting);
        for (_, id, up) in &round {
            if self.state.ops.insert(*id) {
                let counts = if *up { &mut self.state.increments } else { &mut self.state.decrements };
                *counts.entry(self.me).or_insert(0) += 1;
            }
        }
        if !round.is_empty() {
            cx.save(self.state.clone());
        }
        for (ticket, ..) in round {
            cx.reply(ticket, Response::Done);
        }
        self.rounds += 1;
        if self.rounds % 4 == 0 && !self.peers.is_empty() {
            let to = self.peers[self.rounds / 4 % self.peers.len()];
            let Saved { increments, decrements, .. } = self.state.clone();
            cx.send(to, Message::Counts { increments, decrements });
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        match request {
            Request::Increment(id) => self.waiting.push((ticket, id, true)),
            Request::Decrement(id) => self.waiting.push((ticket, id, false)),
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        let sum = |counts: &Counts| counts.values().fold(0_i64, |sum, n| sum.wrapping_add_unsigned(*n));
        sum(&self.state.increments) - sum(&self.state.decrements)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
