//! Built another way: one tick drives everything that is asked again; a read answers at once when a majority shows the same
//! value (all of them have it); numbers of operations and of phases come from a saved counter; its own replica is asked and
//! told by messages to itself; the used numbers are remembered beside the value.

use splitbrain::exercises::quorum_register::{
    Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
enum Stage {
    Query { shown: Vec<(NodeId, Held)> },
    Store { held: Held, stored: Vec<NodeId> },
}

#[derive(Clone, Debug, Hash)]
struct Job {
    ticket: Ticket,
    write: Option<Value>,
    /// One number for each stage.
    id: OpId,
    stage: Stage,
    age: u32,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    all: Vec<NodeId>,
    saved: Saved,
    /// The largest number used by this life of the node.
    used: u64,
    jobs: Vec<Job>,
}

impl Replica {
    /// Numbers are taken from the disk a thousand at a time: a crash wastes some, and repeats none.
    fn next_id(&mut self, cx: &mut Context<'_, QuorumRegister>) -> OpId {
        self.used += 1;
        if self.used > self.saved.counter {
            self.saved.counter = self.used + 999;
            cx.save(self.saved.clone());
        }
        OpId(self.used)
    }

    fn ask(&self, job: &Job, cx: &mut Context<'_, QuorumRegister>) {
        for &to in &self.all {
            match &job.stage {
                Stage::Query { shown } if !shown.iter().any(|(n, _)| *n == to) => cx.send(to, Message::Query(job.id)),
                Stage::Store { held, stored } if !stored.contains(&to) => cx.send(to, Message::Store(job.id, *held)),
                _ => {}
            }
        }
    }

    /// The next stage of a job whose stage may be over; false once it is answered.
    fn advance(&mut self, job: &mut Job, cx: &mut Context<'_, QuorumRegister>) -> bool {
        let majority = self.all.len() / 2 + 1;
        match &job.stage {
            Stage::Query { shown } if shown.len() >= majority => {
                let newest = shown.iter().map(|(_, held)| *held).max_by_key(|held| held.at).unwrap_or_default();
                let held = match job.write {
                    Some(value) => {
                        let number = newest.at.number.max(self.saved.held.at.number) + 1;
                        let held = Held { at: Timestamp { number, writer: self.me }, value };
                        // On the own disk before anybody hears of it.
                        self.saved.held = held;
                        cx.save(self.saved.clone());
                        held
                    }
                    None if shown.iter().filter(|(_, held)| held.at == newest.at).count() >= majority => {
                        cx.reply(job.ticket, Response::Read(newest.value));
                        return false;
                    }
                    None => newest,
                };
                job.id = self.next_id(cx);
                job.stage = Stage::Store { held, stored: Vec::new() };
                job.age = 0;
                self.ask(job, cx);
                true
            }
            Stage::Store { held, stored } if stored.len() >= majority => {
                cx.reply(job.ticket, if job.write.is_some() { Response::Written } else { Response::Read(held.value) });
                false
            }
            _ => true,
        }
    }

    fn advance_all(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.retain_mut(|job| self.advance(job, cx));
        self.jobs = jobs;
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], (): &(), saved: Option<Saved>) -> Self {
        let mut all = peers.to_vec();
        all.push(me);
        let saved = saved.unwrap_or_default();
        Replica { me, all, used: saved.counter, saved, jobs: Vec::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        cx.set_timer(Timer::Tick, millis(25));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.saved.held)),
            Message::Store(id, held) => {
                if held.at > self.saved.held.at {
                    self.saved.held = held;
                    cx.save(self.saved.clone());
                }
                cx.send(from, Message::Stored(id));
            }
            Message::Answer(id, held) => {
                if let Some(Job { stage: Stage::Query { shown }, .. }) = self.jobs.iter_mut().find(|job| job.id == id)
                    && !shown.iter().any(|(n, _)| *n == from)
                {
                    shown.push((from, held));
                    self.advance_all(cx);
                }
            }
            Message::Stored(id) => {
                if let Some(Job { stage: Stage::Store { stored, .. }, .. }) = self.jobs.iter_mut().find(|job| job.id == id)
                    && !stored.contains(&from)
                {
                    stored.push(from);
                    self.advance_all(cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        cx.set_timer(timer, millis(25));
        let mut jobs = std::mem::take(&mut self.jobs);
        for job in &mut jobs {
            job.age += 1;
            // After 50 ms, then less and less often, but every 250 ms at least.
            if job.age == 2 || job.age == 5 || job.age % 10 == 0 {
                self.ask(job, cx);
            }
        }
        self.jobs = jobs;
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        let write = if let Request::Write(value) = request { Some(value) } else { None };
        let id = self.next_id(cx);
        let job = Job { ticket, write, id, stage: Stage::Query { shown: Vec::new() }, age: 0 };
        self.ask(&job, cx);
        self.jobs.push(job);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
