//! Built another way: for each peer it is known what it has surely saved, whoever asked it, and a second phase stores only
//! where that is older; a read ends as soon as a majority is known to have what it found. Jobs are steps of a little
//! machine that one function drives.

use splitbrain::exercises::quorum_register::{
    Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Job {
    id: OpId,
    write: Option<Value>,
    shown: BTreeMap<NodeId, Timestamp>,
    newest: Held,
    storing: bool,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    nodes: usize,
    disk: Saved,
    /// By Stored alone: an Answer may show what is not saved yet.
    has: BTreeMap<NodeId, Timestamp>,
    told: BTreeMap<(NodeId, OpId), Timestamp>,
    jobs: BTreeMap<Ticket, Job>,
}

impl Replica {
    fn keep(&mut self, held: Held, cx: &mut Context<'_, QuorumRegister>) {
        if held.at > self.disk.held.at {
            self.disk.held = held;
            cx.save(self.disk.clone());
        }
    }

    fn ask(&mut self, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        let Some(job) = self.jobs.get(&ticket) else { return };
        for &peer in cx.peers() {
            if job.storing && self.has.get(&peer).is_none_or(|at| *at < job.newest.at) {
                self.told.insert((peer, job.id), job.newest.at);
                cx.send(peer, Message::Store(job.id, job.newest));
            } else if !job.storing && !job.shown.contains_key(&peer) {
                cx.send(peer, Message::Query(job.id));
            }
        }
        cx.set_timer(Timer::Retry(ticket), millis(280));
    }

    fn drive(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        let tickets: Vec<Ticket> = self.jobs.keys().copied().collect();
        for ticket in tickets {
            let Some(job) = self.jobs.get_mut(&ticket) else { continue };
            if !job.storing {
                if job.shown.len() * 2 <= self.nodes {
                    continue;
                }
                job.storing = true;
                if let Some(value) = job.write {
                    let number = job.newest.at.number.max(self.disk.held.at.number) + 1;
                    job.newest = Held { at: Timestamp { number, writer: self.me }, value };
                }
                let held = job.newest;
                self.keep(held, cx);
                self.ask(ticket, cx);
            }
            let Some(job) = self.jobs.get(&ticket) else { continue };
            let at = job.newest.at;
            let by = self.has.values().filter(|has| **has >= at).count() + usize::from(self.disk.held.at >= at);
            // Before the first write everybody has the value.
            if by * 2 > self.nodes || at == Held::INITIAL.at {
                cx.reply(ticket, if job.write.is_some() { Response::Written } else { Response::Read(job.newest.value) });
                cx.cancel_timer(Timer::Retry(ticket));
                self.jobs.remove(&ticket);
            }
        }
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], (): &(), saved: Option<Saved>) -> Self {
        let (has, told, jobs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Replica { me, nodes: peers.len() + 1, disk: saved.unwrap_or_default(), has, told, jobs }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.disk.held)),
            Message::Store(id, held) => {
                self.keep(held, cx);
                cx.send(from, Message::Stored(id));
            }
            Message::Answer(id, held) => {
                for job in self.jobs.values_mut().filter(|job| job.id == id && !job.storing) {
                    job.shown.insert(from, held.at);
                    if held.at > job.newest.at {
                        job.newest = held;
                    }
                }
            }
            Message::Stored(id) => {
                if let Some(at) = self.told.get(&(from, id)).copied() {
                    let has = self.has.entry(from).or_insert(at);
                    *has = at.max(*has);
                }
            }
        }
        self.drive(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        if let Timer::Retry(ticket) = timer {
            self.ask(ticket, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        self.disk.counter += 1;
        cx.save(self.disk.clone());
        let write = if let Request::Write(value) = request { Some(value) } else { None };
        let (id, newest) = (OpId(self.disk.counter), self.disk.held);
        let shown = [(self.me, newest.at)].into();
        self.jobs.insert(ticket, Job { id, write, shown, newest, storing: false });
        self.ask(ticket, cx);
        self.drive(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
