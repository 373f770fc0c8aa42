//! Built another way: every phase has a number drawn from all 64 bits, so nothing is saved for it; a job is who has not answered
//! yet; one tick of 25 ms looks at deadlines of 80 ms, and stands still while nothing waits; its own replica is told by mail.
use splitbrain::exercises::quorum_register::{
    Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
enum Stage {
    Asking { best: Held },
    Storing { what: Held },
}

#[derive(Clone, Debug, Hash)]
struct Job {
    id: OpId,
    ticket: Ticket,
    write: Option<Value>,
    stage: Stage,
    missing: Vec<NodeId>,
    again: Time,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    all: Vec<NodeId>,
    held: Held,
    issued: u64,
    jobs: Vec<Job>,
    ticking: bool,
}

impl Replica {
    fn fresh(&self, cx: &mut Context<'_, QuorumRegister>) -> OpId {
        OpId(cx.random(0..=u64::MAX))
    }

    fn speak(job: &Job, cx: &mut Context<'_, QuorumRegister>) {
        for &to in &job.missing {
            match job.stage {
                Stage::Asking { .. } => cx.send(to, Message::Query(job.id)),
                Stage::Storing { what } => cx.send(to, Message::Store(job.id, what)),
            }
        }
    }

    fn tick(&mut self, cx: &mut Context<'_, QuorumRegister>) {
        if !self.ticking && !self.jobs.is_empty() {
            self.ticking = true;
            cx.set_timer(Timer::Tick, millis(25));
        }
    }

    fn start(&mut self, write: Option<Value>, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        let job = Job {
            id: self.fresh(cx),
            ticket,
            write,
            stage: Stage::Asking { best: Held::INITIAL },
            missing: self.all.clone(),
            again: cx.now() + millis(80),
        };
        Self::speak(&job, cx);
        self.jobs.push(job);
        self.tick(cx);
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let mut all = peers.to_vec();
        all.push(me);
        let saved = saved.unwrap_or_default();
        Replica { me, all, held: saved.held, issued: saved.counter, jobs: Vec::new(), ticking: false }
    }

    fn on_start(&mut self, _: &mut Context<'_, QuorumRegister>) {}

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        let quorum_missing = self.all.len() - (self.all.len() / 2 + 1);
        match message {
            Message::Query(id) => cx.send(from, Message::Answer(id, self.held)),
            Message::Store(id, held) => {
                if held.at > self.held.at {
                    self.held = held;
                    cx.save(Saved { held, counter: self.issued });
                }
                cx.send(from, Message::Stored(id));
            }
            Message::Answer(id, held) => {
                let Some(i) = self.jobs.iter().position(|j| j.id == id) else { return };
                let next = self.fresh(cx);
                let job = &mut self.jobs[i];
                let Stage::Asking { best } = &mut job.stage else { return };
                if held.at > best.at {
                    *best = held;
                }
                let best = *best;
                job.missing.retain(|&p| p != from);
                if job.missing.len() > quorum_missing {
                    return;
                }
                let what = match job.write {
                    None => best,
                    Some(value) => {
                        self.issued = self.issued.max(best.at.number) + 1;
                        cx.save(Saved { held: self.held, counter: self.issued });
                        Held { at: Timestamp { number: self.issued, writer: self.me }, value }
                    }
                };
                job.id = next;
                job.stage = Stage::Storing { what };
                job.missing = self.all.clone();
                job.again = cx.now() + millis(80);
                Self::speak(job, cx);
            }
            Message::Stored(id) => {
                let Some(i) = self.jobs.iter().position(|j| j.id == id) else { return };
                let Stage::Storing { what } = self.jobs[i].stage else { return };
                self.jobs[i].missing.retain(|&p| p != from);
                if self.jobs[i].missing.len() <= quorum_missing {
                    let job = self.jobs.swap_remove(i);
                    cx.reply(job.ticket, if job.write.is_some() { Response::Written } else { Response::Read(what.value) });
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        let write = if let Request::Write(v) = request { Some(v) } else { None };
        self.start(write, ticket, cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, QuorumRegister>) {
        self.ticking = false;
        let now = cx.now();
        for job in &mut self.jobs {
            if now >= job.again {
                job.again = now + millis(80);
                Self::speak(job, cx);
            }
        }
        self.tick(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
