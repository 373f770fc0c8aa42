//! Built another way: a write first asks who is there, and stores nothing until W replicas have answered: so it can say
//! Failed in good conscience, unless it holds the write or has stored it for an earlier request. Deadlines by a tick and the clock, its own replica by messages to itself, numbers of reads from
//! a saved counter, acknowledgements batched, and what it asks is asked again.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, Version, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Job {
    ticket: Ticket,
    id: ReadId,
    write: Option<Held>,
    storing: bool,
    answered: Vec<(NodeId, Option<Held>)>,
    stored: Vec<NodeId>,
    until: Time,
    asked: Time,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    all: Vec<NodeId>,
    config: Config,
    saved: Saved,
    held: Option<Held>,
    unsaid: Vec<(NodeId, Message)>,
    jobs: Vec<Job>,
    /// Versions that it has sent Stores of.
    tried: Vec<Version>,
}

impl Replica {
    fn ask(&self, job: &Job, cx: &mut Context<'_, QuorumWrite>) {
        for &to in &self.all {
            match job.write {
                Some(held) if job.storing => {
                    if !job.stored.contains(&to) {
                        cx.send(to, Message::Store(held));
                    }
                }
                _ => {
                    if !job.answered.iter().any(|(n, _)| *n == to) {
                        cx.send(to, Message::Fetch(job.id));
                    }
                }
            }
        }
    }

    /// Goes on with a job that may have what it waits for; says whether it is over.
    fn goes_on(&mut self, job: &mut Job, cx: &mut Context<'_, QuorumWrite>) -> bool {
        let Some(write) = job.write else {
            if job.answered.len() < self.config.r {
                return false;
            }
            let newest = job.answered.iter().filter_map(|(_, held)| *held).max_by_key(|held| held.version);
            cx.reply(job.ticket, Response::Read(newest));
            return true;
        };
        if job.storing && job.stored.len() >= self.config.w {
            cx.reply(job.ticket, Response::Written);
            return true;
        }
        if !job.storing && job.answered.len() >= self.config.w {
            job.storing = true;
            self.tried.push(write.version);
            job.asked = cx.now();
            self.ask(job, cx);
        }
        false
    }

    fn sweep(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.retain_mut(|job| !self.goes_on(job, cx));
        self.jobs = jobs;
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut all = peers.to_vec();
        all.push(me);
        let saved = saved.unwrap_or_default();
        Replica { all, config: config.clone(), held: saved.held, saved, unsaid: Vec::new(), jobs: Vec::new(), tried: Vec::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Tick, millis(5));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                if self.held.is_none_or(|mine| mine.version < held.version) {
                    self.held = Some(held);
                }
                // Said at the next tick, when it is saved.
                self.unsaid.push((from, Message::Stored(held.version)));
            }
            Message::Fetch(id) => cx.send(from, Message::Fetched(id, self.held)),
            Message::Stored(version) => {
                for job in self.jobs.iter_mut().filter(|j| j.storing && j.write.is_some_and(|h| h.version <= version)) {
                    if !job.stored.contains(&from) {
                        job.stored.push(from);
                    }
                }
                self.sweep(cx);
            }
            Message::Fetched(id, held) => {
                if let Some(job) = self.jobs.iter_mut().find(|j| j.id == id)
                    && !job.answered.iter().any(|(n, _)| *n == from)
                {
                    job.answered.push((from, held));
                }
                self.sweep(cx);
            }
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Tick, millis(5));
        if self.held != self.saved.held {
            self.saved.held = self.held;
            cx.save(self.saved.clone());
        }
        for (to, message) in std::mem::take(&mut self.unsaid) {
            cx.send(to, message);
        }
        let now = cx.now();
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.retain(|job| {
            if now < job.until {
                return true;
            }
            cx.reply(
                job.ticket,
                match job.write {
                    None => Response::Unavailable,
                    Some(held) if job.storing || self.tried.contains(&held.version) || self.held == Some(held) => Response::Unknown,
                    Some(held) if job.answered.iter().any(|(_, shown)| *shown == Some(held)) => Response::Unknown,
                    Some(_) => Response::Failed,
                },
            );
            false
        });
        for job in jobs.iter_mut().filter(|job| now.since(job.asked) >= millis(35)) {
            job.asked = now;
            self.ask(job, cx);
        }
        self.jobs = jobs;
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        self.saved.counter += 1;
        cx.save(self.saved.clone());
        let write = if let Request::Write(held) = request { Some(held) } else { None };
        let job = Job {
            ticket,
            id: ReadId(self.saved.counter),
            write,
            storing: false,
            answered: Vec::new(),
            stored: Vec::new(),
            until: cx.now() + self.config.deadline,
            asked: cx.now(),
        };
        self.ask(&job, cx);
        self.jobs.push(job);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
