//! As SQS does it: a job has one number, until when it is invisible. Being taken, resting and waiting are the same thing. Receipts are drawn, a late acknowledgement is good as long
//! as nobody else has had the job, ids are never forgotten, and each answer is preceded by a save, needed or not.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, WorkQueue>;

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    places: u64,
    jobs: BTreeMap<JobId, Record>,
}

impl Broker {
    fn answer(&self, ticket: Ticket, response: Response, cx: &mut Cx<'_>) {
        let (jobs, counter) = (self.jobs.clone(), self.places);
        cx.save(Saved {
            jobs,
            counter,
            events: Vec::new(),
        });
        cx.reply(ticket, response);
    }

    /// All attempts are used up, and the last one is over.
    fn is_dead(&self, record: &Record, now: Time) -> bool {
        record.state != State::Done
            && record.attempts >= self.config.attempts
            && record.until <= now
    }

    fn is_open(&self, record: &Record, now: Time) -> bool {
        record.state != State::Done && !self.is_dead(record, now)
    }

    fn is_first(&self, record: &Record, now: Time) -> bool {
        let before = |other: &Record| other.key == record.key && other.place < record.place;
        !self
            .jobs
            .values()
            .any(|other| before(other) && self.is_open(other, now))
    }

    fn put(&mut self, job: JobId, key: Key, now: Time) -> Response {
        if self.jobs.contains_key(&job) {
            return Response::Enqueued;
        }
        if self
            .jobs
            .values()
            .filter(|record| self.is_open(record, now))
            .count()
            >= self.config.capacity
        {
            return Response::Full;
        }
        self.places += 1;
        let place = self.places;
        self.jobs.insert(
            job,
            Record {
                key,
                place,
                attempts: 0,
                receipt: Receipt(0),
                state: State::Waiting,
                until: Time::ZERO,
            },
        );
        Response::Enqueued
    }

    fn receive(&mut self, receipt: Receipt, now: Time) -> Response {
        let can = |record: &Record| {
            self.is_open(record, now) && record.until <= now && self.is_first(record, now)
        };
        // Who has had the fewest attempts, so that poison waits for the others.
        let free = self
            .jobs
            .iter()
            .filter(|(_, record)| can(record))
            .min_by_key(|(_, record)| record.attempts)
            .map(|(job, _)| *job);
        let Some((job, record)) = free.and_then(|job| Some((job, self.jobs.get_mut(&job)?))) else {
            return Response::Empty;
        };
        record.attempts += 1;
        record.receipt = receipt;
        record.state = State::Waiting;
        record.until = now + self.config.lease;
        Response::Work {
            job,
            receipt,
            attempt: record.attempts,
        }
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Broker {
            config: config.clone(),
            places: saved.counter,
            jobs: saved.jobs,
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        let drawn = Receipt(cx.random(1..=u64::MAX));
        let response = match request {
            Request::Enqueue { job, key } => self.put(job, key, now),
            Request::Take => self.receive(drawn, now),
            Request::Ack { job, receipt } => match self
                .jobs
                .get(&job)
                .copied()
                .filter(|record| record.receipt == receipt)
            {
                Some(record) if record.state == State::Done => Response::Done,
                Some(record) if !self.is_dead(&record, now) => {
                    self.jobs.insert(
                        job,
                        Record {
                            state: State::Done,
                            ..record
                        },
                    );
                    Response::Done
                }
                _ => Response::Stale,
            },
            // The visibility is changed. Once: the state says that it was.
            Request::Fail { job, receipt } => match self
                .jobs
                .get(&job)
                .copied()
                .filter(|record| record.receipt == receipt)
            {
                Some(record) if record.state == State::Taken => Response::Done,
                Some(record) if record.state == State::Waiting && !self.is_dead(&record, now) => {
                    let mut rest = self.config.pause.min(self.config.most);
                    for _ in 1..record.attempts {
                        rest = (rest + rest).min(self.config.most);
                    }
                    let is_last = record.attempts >= self.config.attempts;
                    let until = if is_last { now } else { now + rest + rest / 2 };
                    self.jobs.insert(
                        job,
                        Record {
                            state: State::Taken,
                            until,
                            ..record
                        },
                    );
                    Response::Done
                }
                _ => Response::Stale,
            },
            Request::Dead => Response::Dead(
                self.jobs
                    .iter()
                    .filter(|(_, record)| self.is_dead(record, now))
                    .map(|(job, _)| *job)
                    .collect(),
            ),
        };
        self.answer(ticket, response, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
