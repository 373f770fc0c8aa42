//! A log of events (Gray & Reuter), replayed at a restart, and compacted at 200 lines. Rests are doubled step by step.

use splitbrain::exercises::work_queue::{
    Config, Event, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, WorkQueue>;

/// A log of events, and what follows from it (Gray & Reuter: the queue is a table, the log is the truth).
#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    saved: Saved,
    /// The state that the log leads to. Of a job that is done, `until` is when that was.
    jobs: BTreeMap<JobId, Record>,
    places: u64,
}

/// Whose line of the log it is.
fn whose(event: &Event) -> JobId {
    match *event {
        Event::Accepted(job, _)
        | Event::Taken(job, _, _)
        | Event::Rests(job, _)
        | Event::Died(job)
        | Event::Done(job, _, _) => job,
    }
}

fn is_open(record: &Record) -> bool {
    record.state == State::Waiting || record.state == State::Taken
}

impl Broker {
    /// One line of the log is read, or was just written.
    fn apply(&mut self, event: Event) {
        if let Event::Accepted(job, key) = event {
            self.places += 1;
            let record = Record {
                key,
                place: self.places,
                attempts: 0,
                receipt: Receipt(0),
                state: State::Waiting,
                until: Time::ZERO,
            };
            self.jobs.insert(job, record);
            return;
        }
        let Some(record) = self.jobs.get_mut(&whose(&event)) else {
            return;
        };
        match event {
            Event::Accepted(..) => {}
            Event::Taken(_, receipt, until) => {
                record.attempts += 1;
                record.receipt = receipt;
                record.state = State::Taken;
                record.until = until;
            }
            Event::Rests(_, until) => {
                record.state = State::Waiting;
                record.until = until;
            }
            Event::Died(_) => record.state = State::Dead,
            Event::Done(_, receipt, at) => {
                record.state = State::Done;
                record.receipt = receipt;
                record.until = at;
            }
        }
    }

    /// A new line, not yet on the disk.
    fn log(&mut self, event: Event) {
        self.saved.events.push(event);
        self.apply(event);
    }

    fn flush(&mut self, cx: &mut Cx<'_>) {
        if self.saved.events.len() >= 200 {
            let jobs = &self.jobs;
            self.saved
                .events
                .retain(|event| jobs.contains_key(&whose(event)));
        }
        cx.save(self.saved.clone());
    }

    /// Leases end, and ids are forgotten.
    fn pass(&mut self, now: Time) {
        let remembers = self.config.remembers;
        self.jobs
            .retain(|_, record| record.state != State::Done || record.until + remembers >= now);
        let ended: Vec<(JobId, Record)> = self
            .jobs
            .iter()
            .filter(|(_, record)| record.state == State::Taken && record.until <= now)
            .map(|(&job, &record)| (job, record))
            .collect();
        for (job, record) in ended {
            if record.attempts < self.config.attempts {
                self.log(Event::Rests(job, record.until));
            } else {
                self.log(Event::Died(job));
            }
        }
    }

    /// Doubled step by step, so nothing can overflow.
    fn rest(&self, n: u32) -> Duration {
        let mut rest = self.config.pause.min(self.config.most);
        for _ in 1..n {
            rest = rest.saturating_mul(2).min(self.config.most);
        }
        rest
    }

    /// A producer has a job, for the first time or again.
    fn enqueue(&mut self, job: JobId, key: Key, ticket: Ticket, cx: &mut Cx<'_>) {
        self.pass(cx.now());
        let response = if self.jobs.contains_key(&job) {
            Response::Enqueued
        } else if self.jobs.values().filter(|record| is_open(record)).count()
            >= self.config.capacity
        {
            Response::Full
        } else {
            self.log(Event::Accepted(job, key));
            self.flush(cx);
            Response::Enqueued
        };
        cx.reply(ticket, response);
    }

    /// A worker wants a job.
    fn take(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.pass(now);
        let mut queue: Vec<(JobId, Record)> = self
            .jobs
            .iter()
            .map(|(&job, &record)| (job, record))
            .filter(|(_, r)| is_open(r))
            .collect();
        queue.sort_by_key(|(_, record)| record.place);
        let mut seen: Vec<Key> = Vec::new();
        let mut found = None;
        for (job, record) in queue {
            if seen.contains(&record.key) {
                continue;
            }
            seen.push(record.key);
            if record.state == State::Waiting && record.until <= now {
                found = Some((job, record.attempts + 1));
                break;
            }
        }
        let Some((job, attempt)) = found else {
            cx.reply(ticket, Response::Empty);
            return;
        };
        self.saved.counter += 1;
        let receipt = Receipt(self.saved.counter);
        self.log(Event::Taken(job, receipt, now + self.config.lease));
        self.flush(cx);
        cx.reply(
            ticket,
            Response::Work {
                job,
                receipt,
                attempt,
            },
        );
    }

    /// A worker has done its job.
    fn ack(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.pass(now);
        let state = self
            .jobs
            .get(&job)
            .filter(|record| record.receipt == receipt)
            .map(|r| r.state);
        let response = match state {
            Some(State::Taken) => {
                self.log(Event::Done(job, receipt, now));
                self.flush(cx);
                Response::Done
            }
            Some(State::Done) => Response::Done,
            _ => Response::Stale,
        };
        cx.reply(ticket, response);
    }

    /// A worker gives its job back.
    fn fail(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.pass(now);
        let response = match self.jobs.get(&job).copied() {
            Some(record) if record.state == State::Taken && record.receipt == receipt => {
                if record.attempts < self.config.attempts {
                    self.log(Event::Rests(job, now + self.rest(record.attempts)));
                } else {
                    self.log(Event::Died(job));
                }
                self.flush(cx);
                Response::Done
            }
            _ => Response::Stale,
        };
        cx.reply(ticket, response);
    }

    fn dead(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        self.pass(cx.now());
        let mut dead = Vec::new();
        for (&job, record) in &self.jobs {
            if record.state == State::Dead {
                dead.push(job);
            }
        }
        cx.reply(ticket, Response::Dead(dead));
    }
}

impl Node<WorkQueue> for Broker {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let events = saved.events.clone();
        let mut broker = Broker {
            config: config.clone(),
            saved,
            jobs: BTreeMap::new(),
            places: 0,
        };
        for event in events {
            broker.apply(event);
        }
        broker
    }

    fn on_start(&mut self, _: &mut Cx<'_>) {}

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Enqueue { job, key } => self.enqueue(job, key, ticket, cx),
            Request::Take => self.take(ticket, cx),
            Request::Ack { job, receipt } => self.ack(job, receipt, ticket, cx),
            Request::Fail { job, receipt } => self.fail(job, receipt, ticket, cx),
            Request::Dead => self.dead(ticket, cx),
        }
    }

    fn on_timer(&mut self, _: Timer, _: &mut Cx<'_>) {}

    /// There are no other nodes, so no message ever comes.
    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
