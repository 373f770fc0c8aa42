//! Built another way: a node is a replica to itself by mail alone, and gathers for 10 ms what it is told before it saves and
//! answers; one tick of 10 ms drives everything, and asks again after 60 ms. Numbers of phases are lives and counts; a number
//! that it chose is remembered beside the value, before anybody hears of it.

use splitbrain::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Work {
    ticket: Ticket,
    request: Request,
    id: OpId,
    storing: Option<Held>,
    said: BTreeMap<NodeId, Held>,
    asked: Time,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    all: Vec<NodeId>,
    disk: Saved,
    inbox: Vec<(NodeId, Message)>,
    work: Vec<Work>,
    count: u64,
}

impl Replica {
    fn ask(work: &mut Work, all: &[NodeId], cx: &mut Context<'_, QuorumRegister>) {
        work.asked = cx.now();
        for to in all.iter().filter(|to| !work.said.contains_key(to)) {
            cx.send(
                *to,
                match work.storing {
                    Some(held) => Message::Store(work.id, held),
                    None => Message::Query(work.id),
                },
            );
        }
    }

    fn number(&mut self) -> OpId {
        self.count += 1;
        OpId(self.disk.counter >> 40 << 40 | self.count)
    }

    fn goes_on(&mut self, mut work: Work, cx: &mut Context<'_, QuorumRegister>) -> Option<Work> {
        if work.said.len() * 2 <= self.all.len() {
            return Some(work);
        }
        if let Some(held) = work.storing {
            cx.reply(work.ticket, if work.request == Request::Read { Response::Read(held.value) } else { Response::Written });
            return None;
        }
        let newest = work.said.values().copied().max_by_key(|held| held.at).unwrap_or_default();
        let held = match work.request {
            Request::Read => newest,
            Request::Write(value) => {
                let number = newest.at.number.max(self.disk.held.at.number) + 1;
                let held = Held { at: Timestamp { number, writer: self.me }, value };
                self.disk.held = held;
                cx.save(self.disk.clone());
                held
            }
        };
        (work.storing, work.id) = (Some(held), self.number());
        work.said.clear();
        Self::ask(&mut work, &self.all, cx);
        Some(work)
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], (): &(), saved: Option<Saved>) -> Self {
        let all = peers.iter().copied().chain([me]).collect();
        Replica { me, all, disk: saved.unwrap_or_default(), inbox: vec![], work: vec![], count: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        self.disk.counter += 1 << 40;
        cx.save(self.disk.clone());
        cx.set_timer(Timer::Tick, millis(10));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        let (id, held) = match message {
            Message::Answer(id, held) => (id, held),
            Message::Stored(id) => (id, Held::INITIAL),
            other => return self.inbox.push((from, other)),
        };
        let work = std::mem::take(&mut self.work);
        for mut work in work {
            if work.id == id {
                work.said.insert(from, held);
                let next = self.goes_on(work, cx);
                self.work.extend(next);
            } else {
                self.work.push(work);
            }
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, QuorumRegister>) {
        cx.set_timer(Timer::Tick, millis(10));
        let inbox = std::mem::take(&mut self.inbox);
        let told = inbox.iter().filter_map(|(_, m)| if let Message::Store(_, held) = m { Some(*held) } else { None });
        let newest = told.chain([self.disk.held]).max_by_key(|held| held.at).unwrap_or_default();
        if newest.at > self.disk.held.at {
            self.disk.held = newest;
            cx.save(self.disk.clone());
        }
        for (to, message) in inbox {
            match message {
                Message::Query(id) => cx.send(to, Message::Answer(id, self.disk.held)),
                Message::Store(id, _) => cx.send(to, Message::Stored(id)),
                _ => {}
            }
        }
        let now = cx.now();
        for work in self.work.iter_mut().filter(|w| now.since(w.asked) >= millis(60)) {
            Self::ask(work, &self.all, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        let id = self.number();
        let mut work = Work { ticket, request, id, storing: None, said: BTreeMap::new(), asked: cx.now() };
        Self::ask(&mut work, &self.all, cx);
        self.work.push(work);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
