//! A receipt is made of the number of this life and a number within it, so nothing but the life is counted on the disk for it. What has failed before comes first, leases that
//! ended are found by a tick, and what came back from a dead worker rests up to twice as long, by chance.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, WorkQueue>;

const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    life: u64,
    handed_out: u64,
    jobs: Vec<(JobId, Record)>,
}

impl Broker {
    fn save(&self, cx: &mut Cx<'_>) {
        let jobs: BTreeMap<JobId, Record> = self.jobs.iter().copied().collect();
        cx.save(Saved {
            jobs,
            counter: self.life,
            ..Saved::default()
        });
    }

    fn find(&mut self, job: JobId) -> Option<&mut Record> {
        self.jobs
            .iter_mut()
            .find(|(id, _)| *id == job)
            .map(|(_, record)| record)
    }

    fn open(&self) -> impl Iterator<Item = &(JobId, Record)> {
        self.jobs
            .iter()
            .filter(|(_, record)| matches!(record.state, State::Waiting | State::Taken))
    }

    fn back(&self, mut record: Record, since: Time, cx: &mut Cx<'_>) -> Record {
        record.state = if record.attempts < self.config.attempts {
            State::Waiting
        } else {
            State::Dead
        };
        let exponent = (record.attempts - 1).min(40);
        let pause = self.config.pause.as_micros() as u64;
        let least = pause
            .saturating_mul(1 << exponent)
            .min(self.config.most.as_micros() as u64);
        record.until = since + Duration::from_micros(cx.random(least..=least * 2));
        record
    }

    fn look(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let before = self.jobs.clone();
        self.jobs
            .retain(|(_, record)| record.state != State::Done || now < record.until);
        for i in 0..self.jobs.len() {
            let (job, record) = self.jobs[i];
            if record.state == State::Taken && now >= record.until {
                self.jobs[i] = (job, self.back(record, record.until, cx));
            }
        }
        if self.jobs != before {
            self.save(cx);
        }
    }

    fn blocked(&self, key: Key, place: u64) -> bool {
        self.open()
            .any(|(_, other)| other.key == key && other.place < place)
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let mut jobs: Vec<(JobId, Record)> = saved.jobs.into_iter().collect();
        jobs.sort_by_key(|(_, record)| record.place);
        Broker {
            config: config.clone(),
            life: saved.counter,
            handed_out: 0,
            jobs,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.life += 1;
        self.save(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.look(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        let response = match request {
            Request::Enqueue { job, key } => {
                // An id whose time is over, and which no tick has thrown away yet, is still known.
                if self.find(job).is_some() {
                    Response::Enqueued
                } else if self.open().count() >= self.config.capacity {
                    Response::Full
                } else {
                    let place = self
                        .jobs
                        .iter()
                        .map(|(_, record)| record.place + 1)
                        .max()
                        .unwrap_or(0);
                    let (receipt, state) = (Receipt(0), State::Waiting);
                    self.jobs.push((
                        job,
                        Record {
                            key,
                            place,
                            attempts: 0,
                            receipt,
                            state,
                            until: now,
                        },
                    ));
                    Response::Enqueued
                }
            }
            Request::Take => {
                let free = self
                    .open()
                    .filter(|(_, record)| record.state == State::Waiting && record.until <= now)
                    .filter(|(_, record)| !self.blocked(record.key, record.place))
                    .max_by_key(|(_, record)| record.attempts)
                    .map(|(job, _)| *job);
                self.handed_out += u64::from(free.is_some());
                let receipt = Receipt(self.life << 32 | self.handed_out);
                let until = now + self.config.lease;
                match free.and_then(|job| Some((job, self.find(job)?))) {
                    Some((job, record)) => {
                        (record.state, record.receipt, record.until) =
                            (State::Taken, receipt, until);
                        record.attempts += 1;
                        Response::Work {
                            job,
                            receipt,
                            attempt: record.attempts,
                        }
                    }
                    None => Response::Empty,
                }
            }
            Request::Ack { job, receipt } => {
                let remembered = now + self.config.remembers;
                match self.find(job).filter(|record| record.receipt == receipt) {
                    Some(record) if record.state == State::Taken => {
                        (record.state, record.until) = (State::Done, remembered);
                        Response::Done
                    }
                    Some(record) if record.state == State::Done => Response::Done,
                    _ => Response::Stale,
                }
            }
            Request::Fail { job, receipt } => {
                let mine = self
                    .find(job)
                    .copied()
                    .filter(|record| record.receipt == receipt && record.state == State::Taken);
                if let Some(record) = mine {
                    let record = self.back(record, now, cx);
                    self.find(job).into_iter().for_each(|old| *old = record);
                    Response::Done
                } else {
                    Response::Stale
                }
            }
            Request::Dead => Response::Dead(
                self.jobs
                    .iter()
                    .filter(|(_, record)| record.state == State::Dead)
                    .map(|(job, _)| *job)
                    .collect(),
            ),
        };
        if !matches!(
            response,
            Response::Empty | Response::Stale | Response::Full | Response::Dead(_)
        ) {
            self.save(cx);
        }
        cx.reply(ticket, response);
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
