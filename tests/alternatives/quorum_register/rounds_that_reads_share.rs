//! Built another way: requests of the same moment share their rounds: one Query for all that wait, then one Store: of what was
//! found if all were reads, or of the last write, above all, in which the other writes are overwritten at once. Rounds are
//! numbered by the clock; what was not answered is asked again after 100 ms, then 200, then every 250.

use splitbrain::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
struct Round {
    id: OpId,
    riders: Vec<(Ticket, Request)>,
    newest: Held,
    storing: bool,
    heard: BTreeSet<NodeId>,
    tries: u64,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    held: Held,
    waiting: Vec<(Ticket, Request)>,
    round: Option<Round>,
    last: u64,
}

impl Replica {
    fn keep(&mut self, held: Held, cx: &mut Context<'_, QuorumRegister>) {
        if self.held.at < held.at {
            self.held = held;
            cx.save(Saved { held, ..Saved::default() });
        }
    }

    fn fresh(&mut self, cx: &Context<'_, QuorumRegister>) -> OpId {
        self.last = (self.last + 1).max(cx.now().as_micros());
        OpId(self.last)
    }

    fn ask(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        let Some(round) = &mut self.round else { return };
        for peer in cx.peers().iter().filter(|p| !round.heard.contains(p)) {
            cx.send(*peer, if round.storing { Message::Store(round.id, round.newest) } else { Message::Query(round.id) });
        }
        round.tries += 1;
        cx.set_timer(Timer::Tick, millis([100, 200, 250][round.tries.min(3) as usize - 1]));
    }

    fn begin(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        if self.round.is_some() || self.waiting.is_empty() {
            return;
        }
        let riders = std::mem::take(&mut self.waiting);
        let id = self.fresh(cx);
        self.round = Some(Round { id, riders, newest: self.held, storing: false, heard: [self.me].into(), tries: 0 });
        self.ask(cx);
        self.look(cx);
    }

    fn look(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        let majority = (cx.peers().len() + 1) / 2 + 1;
        let (id, mine) = (self.fresh(cx), self.held);
        let Some(round) = self.round.as_mut().filter(|r| r.heard.len() >= majority) else { return };
        if round.storing {
            let Some(Round { riders, newest, .. }) = self.round.take() else { return };
            for (ticket, request) in riders {
                cx.reply(ticket, if request == Request::Read { Response::Read(newest.value) } else { Response::Written });
            }
            cx.cancel_timer(Timer::Tick);
            return self.begin(cx);
        }
        // Reads read what the last write stores with them.
        if let Some(value) = round.riders.iter().filter_map(|(_, r)| if let Request::Write(v) = r { Some(*v) } else { None }).next_back() {
            let number = round.newest.at.number.max(mine.at.number) + 1;
            round.newest = Held { at: Timestamp { number, writer: self.me }, value };
        }
        (round.storing, round.id, round.tries) = (true, id, 0);
        round.heard = [self.me].into();
        let held = round.newest;
        self.keep(held, cx);
        self.ask(cx);
        self.look(cx);
    }

    fn heard(&mut self, from: NodeId, id: OpId, found: Option<Held>, cx: &mut Context<'_, QuorumRegister>) {
        let Some(round) = self.round.as_mut().filter(|r| r.id == id && r.storing == found.is_none()) else { return };
        round.heard.insert(from);
        if let Some(held) = found.filter(|held| held.at > round.newest.at) {
            round.newest = held;
        }
        self.look(cx);
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, _: &[NodeId], (): &(), saved: Option<Saved>) -> Self {
        Replica { me, held: saved.unwrap_or_default().held, waiting: vec![], round: None, last: 0 }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.held)),
            Message::Store(id, held) => {
                self.keep(held, cx);
                cx.send(from, Message::Stored(id));
            }
            Message::Answer(id, held) => self.heard(from, id, Some(held), cx),
            Message::Stored(id) => self.heard(from, id, None, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        match timer {
            Timer::Retry(_) => self.begin(cx),
            Timer::Tick => self.ask(cx),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        self.waiting.push((ticket, request));
        // Whoever comes within the next milliseconds rides along.
        cx.set_timer(Timer::Retry(ticket), millis(5));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
