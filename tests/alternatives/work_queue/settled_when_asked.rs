//! Without a timer: which leases have ended and which ids may go is worked out at each request. A late Ack or Fail is Stale, and a job whose lease has ended rests not at
//! all.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, WorkQueue>;

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    /// What is on the disk, but for what falls due with time: that is found again after a restart.
    saved: Saved,
}

impl Broker {
    /// How long a job rests after attempt `n`, from 1.
    fn rest(&self, n: u32) -> Duration {
        let factor = 1u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX);
        self.config
            .pause
            .saturating_mul(factor)
            .min(self.config.most)
    }

    /// What has come to pass by itself: leases have ended, and old ids may go.
    fn settle(&mut self, now: Time) {
        let last = self.config.attempts;
        for record in self.saved.jobs.values_mut() {
            if record.state == State::Taken && record.until <= now {
                record.state = if record.attempts >= last {
                    State::Dead
                } else {
                    State::Waiting
                };
            }
        }
        self.saved
            .jobs
            .retain(|_, record| record.state != State::Done || now <= record.until);
    }

    /// A number that was never used before.
    fn next(&mut self) -> u64 {
        self.saved.counter += 1;
        self.saved.counter
    }

    /// How many jobs are not over.
    fn open(&self) -> usize {
        let open = |record: &&Record| matches!(record.state, State::Waiting | State::Taken);
        self.saved.jobs.values().filter(open).count()
    }

    /// The first job of each key, by its place.
    fn heads(&self) -> BTreeMap<Key, (u64, JobId)> {
        let mut heads: BTreeMap<Key, (u64, JobId)> = BTreeMap::new();
        for (&job, record) in &self.saved.jobs {
            if matches!(record.state, State::Waiting | State::Taken) {
                let here = (record.place, job);
                let head = heads.entry(record.key).or_insert(here);
                *head = (*head).min(here);
            }
        }
        heads
    }

    /// A producer has a job, for the first time or again.
    fn enqueue(&mut self, job: JobId, key: Key, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.settle(now);
        if self.saved.jobs.contains_key(&job) {
            cx.reply(ticket, Response::Enqueued);
            return;
        }
        if self.open() >= self.config.capacity {
            cx.reply(ticket, Response::Full);
            return;
        }
        let place = self.next();
        let record = Record {
            key,
            place,
            attempts: 0,
            receipt: Receipt(0),
            state: State::Waiting,
            until: now,
        };
        self.saved.jobs.insert(job, record);
        cx.save(self.saved.clone());
        cx.reply(ticket, Response::Enqueued);
    }

    /// A worker wants a job.
    fn take(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.settle(now);
        let free = |&(_, job): &(u64, JobId)| {
            let record = &self.saved.jobs[&job];
            record.state == State::Waiting && record.until <= now
        };
        let Some((_, job)) = self.heads().into_values().filter(free).min() else {
            cx.reply(ticket, Response::Empty);
            return;
        };
        let receipt = Receipt(self.next());
        let until = now + self.config.lease;
        let Some(record) = self.saved.jobs.get_mut(&job) else {
            return;
        };
        record.attempts += 1;
        record.receipt = receipt;
        record.state = State::Taken;
        record.until = until;
        let attempt = record.attempts;
        cx.save(self.saved.clone());
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
        self.settle(now);
        let keep = now + self.config.remembers;
        let Some(record) = self.saved.jobs.get_mut(&job) else {
            cx.reply(ticket, Response::Stale);
            return;
        };
        if record.receipt != receipt {
            cx.reply(ticket, Response::Stale);
            return;
        }
        match record.state {
            State::Taken => {
                record.state = State::Done;
                record.until = keep;
                cx.save(self.saved.clone());
                cx.reply(ticket, Response::Done);
            }
            State::Done => cx.reply(ticket, Response::Done),
            State::Waiting | State::Dead => cx.reply(ticket, Response::Stale),
        }
    }

    /// A worker gives its job back.
    fn fail(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.settle(now);
        let attempts = match self.saved.jobs.get(&job) {
            Some(record) if record.state == State::Taken && record.receipt == receipt => {
                record.attempts
            }
            _ => {
                cx.reply(ticket, Response::Stale);
                return;
            }
        };
        let until = now + self.rest(attempts);
        let last = attempts >= self.config.attempts;
        if let Some(record) = self.saved.jobs.get_mut(&job) {
            record.state = if last { State::Dead } else { State::Waiting };
            record.until = until;
        }
        cx.save(self.saved.clone());
        cx.reply(ticket, Response::Done);
    }

    fn dead(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        self.settle(cx.now());
        let dead = |(&job, record): (&JobId, &Record)| (record.state == State::Dead).then_some(job);
        let jobs: Vec<JobId> = self.saved.jobs.iter().filter_map(dead).collect();
        cx.reply(ticket, Response::Dead(jobs));
    }
}

impl Node<WorkQueue> for Broker {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Broker {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
        }
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
