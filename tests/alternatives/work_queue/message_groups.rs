//! After Amazon's FIFO queues: message groups, and a visibility timeout that nobody writes down, so that leases begin again after a restart, while rests count on. Jitter
//! up to twice the rest, after a lease's end as well; whoever is late and finds nobody else there is believed; which key is served is drawn.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, WorkQueue>;

/// After Amazon's FIFO queues: message groups, receipt handles, a visibility timeout that nobody writes down. After a restart
/// leases begin again; whoever is late and finds nobody else there is believed.
#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    saved: Saved,
    /// When the lease of each job that is in flight ends. Not on the disk.
    leases: BTreeMap<JobId, Time>,
}

impl Broker {
    /// Between once and twice as long as a job has to rest after attempt `n`.
    fn rest(&self, n: u32, cx: &mut Cx<'_>) -> Duration {
        let mut rest = self.config.pause;
        for _ in 1..n {
            if rest >= self.config.most {
                break;
            }
            rest *= 2;
        }
        let us = rest.min(self.config.most).as_micros() as u64;
        Duration::from_micros(us + cx.random(0..=us))
    }

    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(self.saved.clone());
    }

    /// Attempts are used up, or it rests.
    fn back(&mut self, job: JobId, since: Time, cx: &mut Cx<'_>) {
        self.leases.remove(&job);
        let Some(&record) = self.saved.jobs.get(&job) else {
            return;
        };
        let (state, until) = if record.attempts < self.config.attempts {
            (State::Waiting, since + self.rest(record.attempts, cx))
        } else {
            (State::Dead, since)
        };
        self.saved.jobs.insert(
            job,
            Record {
                state,
                until,
                ..record
            },
        );
    }

    /// Leases end; what that changes is written down.
    fn expire(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let ended: Vec<(JobId, Time)> = self
            .leases
            .iter()
            .filter(|&(_, &end)| end <= now)
            .map(|(&job, &end)| (job, end))
            .collect();
        for &(job, end) in &ended {
            self.back(job, end, cx);
        }
        if !ended.is_empty() {
            self.save(cx);
        }
    }

    /// A lease begins.
    fn lease(&mut self, job: JobId, cx: &mut Cx<'_>) {
        self.leases.insert(job, cx.now() + self.config.lease);
        cx.set_timer(Timer::Of(job), self.config.lease);
    }

    /// A producer has a job, for the first time or again.
    fn enqueue(&mut self, job: JobId, key: Key, ticket: Ticket, cx: &mut Cx<'_>) {
        self.expire(cx);
        let now = cx.now();
        let known = match self.saved.jobs.get(&job) {
            Some(record) => record.state != State::Done || now <= record.until,
            None => false,
        };
        if known {
            return cx.reply(ticket, Response::Enqueued);
        }
        let over = |record: &Record| record.state == State::Done || record.state == State::Dead;
        let held = self
            .saved
            .jobs
            .values()
            .filter(|record| !over(record))
            .count();
        if held >= self.config.capacity {
            return cx.reply(ticket, Response::Full);
        }
        self.saved.counter += 1;
        let record = Record {
            key,
            place: self.saved.counter,
            attempts: 0,
            receipt: Receipt(self.saved.counter),
            state: State::Waiting,
            until: now,
        };
        self.saved
            .jobs
            .retain(|_, old| old.state != State::Done || now <= old.until);
        self.saved.jobs.insert(job, record);
        self.save(cx);
        cx.reply(ticket, Response::Enqueued);
    }

    /// A worker wants a job.
    fn take(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        self.expire(cx);
        let now = cx.now();
        let mut groups: BTreeMap<Key, (u64, JobId, bool)> = BTreeMap::new();
        for (&job, record) in &self.saved.jobs {
            let free = match record.state {
                State::Waiting => record.until <= now,
                State::Taken => false,
                State::Dead | State::Done => continue,
            };
            let first = groups
                .get(&record.key)
                .is_none_or(|&(place, ..)| record.place < place);
            if first {
                groups.insert(record.key, (record.place, job, free));
            }
        }
        let free: Vec<JobId> = groups
            .values()
            .filter(|group| group.2)
            .map(|group| group.1)
            .collect();
        if free.is_empty() {
            return cx.reply(ticket, Response::Empty);
        }
        let job = free[cx.random(0..=free.len() as u64 - 1) as usize];
        self.saved.counter += 1;
        let receipt = Receipt(self.saved.counter);
        let mut attempt = 0;
        if let Some(record) = self.saved.jobs.get_mut(&job) {
            record.attempts += 1;
            record.receipt = receipt;
            record.state = State::Taken;
            record.until = Time::ZERO;
            attempt = record.attempts;
        }
        self.save(cx);
        self.lease(job, cx);
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
        self.expire(cx);
        let Some(&record) = self
            .saved
            .jobs
            .get(&job)
            .filter(|record| record.receipt == receipt)
        else {
            return cx.reply(ticket, Response::Stale);
        };
        match record.state {
            State::Dead => return cx.reply(ticket, Response::Stale),
            State::Done => {}
            State::Waiting | State::Taken => {
                self.leases.remove(&job);
                let until = cx.now() + self.config.remembers;
                self.saved.jobs.insert(
                    job,
                    Record {
                        state: State::Done,
                        until,
                        ..record
                    },
                );
                self.save(cx);
            }
        }
        cx.reply(ticket, Response::Done);
    }

    /// A worker gives its job back.
    fn fail(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        self.expire(cx);
        let mine = |record: &Record| record.receipt == receipt && record.state == State::Taken;
        if !self.saved.jobs.get(&job).is_some_and(mine) {
            return cx.reply(ticket, Response::Stale);
        }
        self.back(job, cx.now(), cx);
        self.save(cx);
        cx.reply(ticket, Response::Done);
    }

    fn dead(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        self.expire(cx);
        let mut letters = Vec::new();
        for (&job, record) in &self.saved.jobs {
            if record.state == State::Dead {
                letters.push(job);
            }
        }
        cx.reply(ticket, Response::Dead(letters));
    }
}

impl Node<WorkQueue> for Broker {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Broker {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            leases: BTreeMap::new(),
        }
    }

    /// Workers may have jobs: their leases begin again.
    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let jobs = self.saved.jobs.iter();
        let taken: Vec<JobId> = jobs
            .filter(|(_, record)| record.state == State::Taken)
            .map(|(&job, _)| job)
            .collect();
        for job in taken {
            self.lease(job, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Enqueue { job, key } => self.enqueue(job, key, ticket, cx),
            Request::Take => self.take(ticket, cx),
            Request::Ack { job, receipt } => self.ack(job, receipt, ticket, cx),
            Request::Fail { job, receipt } => self.fail(job, receipt, ticket, cx),
            Request::Dead => self.dead(ticket, cx),
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.expire(cx);
    }

    /// There are no other nodes, so no message ever comes.
    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
