//! The reference: one record of each job, which is on the disk before anything is said that rests on it. Nothing happens by itself: whatever comes in,
//! the leases that have ended until then are settled first, so no timer is needed and a restart is nothing special.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, WorkQueue>;

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    jobs: BTreeMap<JobId, Record>,
    /// The last number that was given, as a place or as a receipt. It never goes back, so that a receipt of long ago is nobody's.
    counter: u64,
}

/// Whether it is in nobody's way any more.
fn is_over(record: &Record) -> bool {
    matches!(record.state, State::Dead | State::Done)
}

impl Broker {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(Saved {
            jobs: self.jobs.clone(),
            counter: self.counter,
            ..Saved::default()
        });
    }

    fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// How long a job rests that has failed so often: twice as long each time, up to the ceiling.
    fn rest(&self, attempts: u32) -> Duration {
        let doubled = 2u32.checked_pow(attempts - 1);
        let rest = doubled.and_then(|times| self.config.pause.checked_mul(times));
        rest.map_or(self.config.most, |rest| rest.min(self.config.most))
    }

    /// An attempt is over, and not well. The last one makes a dead letter, which counts no more and whose key goes on: in one
    /// change of one record, so that the job is never in neither place.
    fn end_attempt(&self, record: &mut Record, rests_from: Time) {
        if record.attempts >= self.config.attempts {
            record.state = State::Dead;
        } else {
            record.state = State::Waiting;
            record.until = rests_from + self.rest(record.attempts);
        }
    }

    /// What time has done until now. It follows from the records alone, so it need not be saved: after a restart it is found again.
    fn settle(&mut self, now: Time) {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.retain(|_, record| record.state != State::Done || now < record.until);
        for record in jobs.values_mut() {
            if record.state == State::Taken && record.until <= now {
                self.end_attempt(record, record.until);
            }
        }
        self.jobs = jobs;
    }

    /// Of each key the first job that is not over may run, if nobody has it and it has rested. Of these the one that was accepted first.
    fn free(&self, now: Time) -> Option<(JobId, Record)> {
        let mut open: Vec<(&JobId, &Record)> =
            self.jobs.iter().filter(|(_, r)| !is_over(r)).collect();
        open.sort_by_key(|(_, record)| record.place);
        let mut keys = BTreeSet::new();
        let is_free = |record: &Record| record.state == State::Waiting && record.until <= now;
        open.into_iter()
            .filter(|(_, record)| keys.insert(record.key))
            .find(|(_, record)| is_free(record))
            .map(|(job, record)| (*job, *record))
    }

    /// Whoever is known gets the same answer again, also when the queue is full: the job is in it.
    fn enqueue(&mut self, job: JobId, key: Key, ticket: Ticket, cx: &mut Cx<'_>) {
        if self.jobs.contains_key(&job) {
            return cx.reply(ticket, Response::Enqueued);
        }
        let open = self.jobs.values().filter(|record| !is_over(record)).count();
        if open >= self.config.capacity {
            return cx.reply(ticket, Response::Full);
        }
        let record = Record {
            key,
            place: self.next_number(),
            attempts: 0,
            receipt: Receipt(0),
            state: State::Waiting,
            until: cx.now(),
        };
        self.jobs.insert(job, record);
        self.save(cx);
        cx.reply(ticket, Response::Enqueued);
    }

    /// The attempt is on the disk before the worker hears of it: a job that is handed out and forgotten could be handed out for ever.
    fn take(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some((job, record)) = self.free(now) else {
            return cx.reply(ticket, Response::Empty);
        };
        let record = Record {
            attempts: record.attempts + 1,
            receipt: Receipt(self.next_number()),
            state: State::Taken,
            until: now + self.config.lease,
            ..record
        };
        self.jobs.insert(job, record);
        self.save(cx);
        let work = Response::Work {
            job,
            receipt: record.receipt,
            attempt: record.attempts,
        };
        cx.reply(ticket, work);
    }

    /// The job of this worker, as it was handed out to it and to nobody after it. In which state it is is another question.
    fn of(&mut self, job: JobId, receipt: Receipt) -> Option<&mut Record> {
        let is_newest = |record: &&mut Record| record.receipt == receipt;
        self.jobs.get_mut(&job).filter(is_newest)
    }

    /// Whoever comes late, when nobody else has had the job yet, has done it all the same: it need not be done twice.
    fn ack(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let until = cx.now() + self.config.remembers;
        match self.of(job, receipt) {
            Some(record) if record.state == State::Done => cx.reply(ticket, Response::Done),
            Some(record) if record.state != State::Dead => {
                record.state = State::Done;
                record.until = until;
                self.save(cx);
                cx.reply(ticket, Response::Done);
            }
            _ => cx.reply(ticket, Response::Stale),
        }
    }

    /// Only a job that is in this worker's hands can be given back: what comes again is no second failure.
    fn fail(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let in_hand = |record: &&mut Record| record.state == State::Taken;
        let Some(mut record) = self.of(job, receipt).filter(in_hand).copied() else {
            return cx.reply(ticket, Response::Stale);
        };
        self.end_attempt(&mut record, cx.now());
        self.jobs.insert(job, record);
        self.save(cx);
        cx.reply(ticket, Response::Done);
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Broker {
            config: config.clone(),
            jobs: saved.jobs,
            counter: saved.counter,
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        self.settle(cx.now());
        match request {
            Request::Enqueue { job, key } => self.enqueue(job, key, ticket, cx),
            Request::Take => self.take(ticket, cx),
            Request::Ack { job, receipt } => self.ack(job, receipt, ticket, cx),
            Request::Fail { job, receipt } => self.fail(job, receipt, ticket, cx),
            Request::Dead => {
                let dead = self
                    .jobs
                    .iter()
                    .filter(|(_, record)| record.state == State::Dead);
                let dead = dead.map(|(job, _)| *job).collect();
                cx.reply(ticket, Response::Dead(dead));
            }
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
