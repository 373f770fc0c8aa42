//! What is asked is done and saved at once, and answered 10 ms later, as a broker does that waits for a replica: between the two it may crash, and other requests come. A lease is
//! counted from the answer, and saved once more before it.

use splitbrain::exercises::work_queue::{
    Config, JobId, Message, Receipt, Record, Request, Response, Saved, State, Timer, WorkQueue,
    judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, WorkQueue>;

const LATER: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    saved: Saved,
    answers: BTreeMap<Ticket, Response>,
}

impl Broker {
    fn is_open(record: &Record) -> bool {
        matches!(record.state, State::Waiting | State::Taken)
    }

    fn ends(&self, record: Record, now: Time) -> Record {
        if record.attempts >= self.config.attempts {
            return Record {
                state: State::Dead,
                ..record
            };
        }
        let mut rest = self.config.pause;
        let mut doublings = record.attempts - 1;
        while doublings > 0 && rest < self.config.most {
            rest *= 2;
            doublings -= 1;
        }
        Record {
            state: State::Waiting,
            until: now + rest.min(self.config.most),
            ..record
        }
    }

    fn is_unsaid(&self, job: JobId, receipt: Receipt) -> bool {
        let says = |answer: &Response| matches!(answer, Response::Work { job: j, receipt: r, .. } if *j == job && *r == receipt);
        self.answers.values().any(says)
    }

    fn passes(&mut self, now: Time) {
        let jobs = std::mem::take(&mut self.saved.jobs);
        for (job, record) in jobs {
            let record = match record.state {
                State::Done if record.until <= now => continue,
                // Its worker has not heard of it yet: a pause of this node is no reason to take it away.
                State::Taken if self.is_unsaid(job, record.receipt) => record,
                State::Taken if record.until <= now => self.ends(record, record.until),
                _ => record,
            };
            self.saved.jobs.insert(job, record);
        }
    }

    fn first_of_its_key(&self, record: &Record) -> bool {
        let open = self
            .saved
            .jobs
            .values()
            .filter(|other| Broker::is_open(other) && other.key == record.key);
        open.map(|other| other.place).min() == Some(record.place)
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Broker {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            answers: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.passes(now);
        let answer = match request {
            Request::Enqueue { job, key } => {
                if self.saved.jobs.contains_key(&job) {
                    Response::Enqueued
                } else if self
                    .saved
                    .jobs
                    .values()
                    .filter(|record| Broker::is_open(record))
                    .count()
                    >= self.config.capacity
                {
                    Response::Full
                } else {
                    self.saved.counter += 1;
                    let place = self.saved.counter;
                    let (receipt, state) = (Receipt(u64::MAX), State::Waiting);
                    self.saved.jobs.insert(
                        job,
                        Record {
                            key,
                            place,
                            attempts: 0,
                            receipt,
                            state,
                            until: now,
                        },
                    );
                    Response::Enqueued
                }
            }
            Request::Take => {
                let is_free = |record: &Record| {
                    record.state == State::Waiting
                        && record.until <= now
                        && self.first_of_its_key(record)
                };
                // The largest id first: the order of keys is free.
                let free = self
                    .saved
                    .jobs
                    .iter()
                    .rev()
                    .find(|(_, record)| is_free(record))
                    .map(|(job, record)| (*job, *record));
                match free {
                    Some((job, record)) => {
                        self.saved.counter += 1;
                        let (receipt, attempts) =
                            (Receipt(self.saved.counter), record.attempts + 1);
                        let until = now + LATER + self.config.lease;
                        self.saved.jobs.insert(
                            job,
                            Record {
                                receipt,
                                attempts,
                                state: State::Taken,
                                until,
                                ..record
                            },
                        );
                        Response::Work {
                            job,
                            receipt,
                            attempt: attempts,
                        }
                    }
                    None => Response::Empty,
                }
            }
            Request::Ack { job, receipt } => match self
                .saved
                .jobs
                .get_mut(&job)
                .filter(|record| record.receipt == receipt)
            {
                Some(record) if record.state == State::Done => Response::Done,
                Some(record) if record.state == State::Taken => {
                    record.state = State::Done;
                    record.until = now + self.config.remembers + LATER;
                    Response::Done
                }
                _ => Response::Stale,
            },
            Request::Fail { job, receipt } => {
                match self
                    .saved
                    .jobs
                    .get(&job)
                    .copied()
                    .filter(|record| record.receipt == receipt && record.state == State::Taken)
                {
                    Some(record) => {
                        let record = self.ends(record, now);
                        self.saved.jobs.insert(job, record);
                        Response::Done
                    }
                    None => Response::Stale,
                }
            }
            Request::Dead => {
                let dead = self
                    .saved
                    .jobs
                    .iter()
                    .filter(|(_, record)| record.state == State::Dead);
                Response::Dead(dead.map(|(job, _)| *job).collect())
            }
        };
        cx.save(self.saved.clone());
        self.answers.insert(ticket, answer);
        cx.set_timer(Timer::Waits(ticket), LATER);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Waits(ticket) = timer else { return };
        let Some(answer) = self.answers.remove(&ticket) else {
            return;
        };
        if let Response::Work { job, .. } = answer
            && let Some(record) = self.saved.jobs.get_mut(&job)
        {
            record.until = cx.now() + self.config.lease;
            cx.save(self.saved.clone());
        }
        cx.reply(ticket, answer);
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
