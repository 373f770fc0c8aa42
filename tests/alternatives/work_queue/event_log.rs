//! A log of events is all that is on the disk; the state is made from it. Requests are collected and served together every 15 ms: one write for all of them (group
//! commit), and the answers after it.

use splitbrain::exercises::work_queue::{
    Config, Event, JobId, Key, Message, Receipt, Request, Response, Saved, Timer, WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, WorkQueue>;

const BATCH: Duration = Duration::from_millis(15);

#[derive(Clone, Debug, Hash)]
enum At {
    Ready,
    With(Receipt, Time),
    Rests(Receipt, Time),
    Dead,
    Done(Receipt, Time),
}

#[derive(Clone, Debug, Hash)]
struct Job {
    key: Key,
    place: usize,
    attempts: u32,
    at: At,
}

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    log: Vec<Event>,
    jobs: BTreeMap<JobId, Job>,
    batch: Vec<(Ticket, Request, Time)>,
}

impl Broker {
    fn apply(&mut self, event: Event) {
        let place = self.log.len();
        self.log.push(event);
        let attempts_before =
            |jobs: &BTreeMap<JobId, Job>, job: &JobId| jobs.get(job).map_or(0, |job| job.attempts);
        match event {
            Event::Accepted(job, key) => {
                let at = At::Ready;
                self.jobs.insert(
                    job,
                    Job {
                        key,
                        place,
                        attempts: 0,
                        at,
                    },
                );
            }
            Event::Taken(job, receipt, until) => {
                let attempts = attempts_before(&self.jobs, &job) + 1;
                if let Some(job) = self.jobs.get_mut(&job) {
                    (job.attempts, job.at) = (attempts, At::With(receipt, until));
                }
            }
            Event::Rests(job, until) => {
                if let Some(job) = self.jobs.get_mut(&job)
                    && let At::With(receipt, _) = job.at
                {
                    job.at = At::Rests(receipt, until);
                }
            }
            Event::Died(job) => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.at = At::Dead;
                }
            }
            Event::Done(job, receipt, at) => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.at = At::Done(receipt, at);
                }
            }
        }
    }

    fn rest(&self, attempts: u32) -> Duration {
        let times = 1u128.checked_shl(attempts - 1).unwrap_or(u128::MAX);
        let micros = self.config.pause.as_micros().saturating_mul(times);
        Duration::from_micros(micros.min(self.config.most.as_micros()) as u64)
    }

    fn ends_badly(&mut self, job: JobId, now: Time) {
        let Some(attempts) = self.jobs.get(&job).map(|job| job.attempts) else {
            return;
        };
        let rests = Event::Rests(job, now + self.rest(attempts));
        self.apply(if attempts >= self.config.attempts {
            Event::Died(job)
        } else {
            rests
        });
    }

    /// Leases that have ended. An Ack or a Fail in the same batch came before: it is served first.
    fn expire(&mut self, now: Time) {
        let over = |(id, job): (&JobId, &Job)| match job.at {
            At::With(_, until) if until <= now => Some((*id, until)),
            _ => None,
        };
        let over: Vec<(JobId, Time)> = self.jobs.iter().filter_map(over).collect();
        for (job, until) in over {
            self.ends_badly(job, until);
        }
        let remembers = self.config.remembers;
        self.jobs
            .retain(|_, job| !matches!(job.at, At::Done(_, at) if at + remembers <= now));
    }

    fn take(&mut self, now: Time) -> Response {
        let open = |job: &&Job| !matches!(job.at, At::Dead | At::Done(..));
        let mut firsts: BTreeMap<Key, usize> = BTreeMap::new();
        for job in self.jobs.values().filter(open) {
            let first = firsts.entry(job.key).or_insert(job.place);
            *first = job.place.min(*first);
        }
        let is_free = |job: &Job| match job.at {
            At::Ready => firsts.get(&job.key) == Some(&job.place),
            At::Rests(_, until) => until <= now && firsts.get(&job.key) == Some(&job.place),
            _ => false,
        };
        let Some(job) = self
            .jobs
            .iter()
            .find(|(_, job)| is_free(job))
            .map(|(id, _)| *id)
        else {
            return Response::Empty;
        };
        // Its place in the log, which no other event has.
        let receipt = Receipt(self.log.len() as u64);
        self.apply(Event::Taken(job, receipt, now + self.config.lease));
        let attempt = self.jobs.get(&job).map_or(0, |job| job.attempts);
        Response::Work {
            job,
            receipt,
            attempt,
        }
    }

    fn serve(&mut self, request: &Request, came: Time, now: Time) -> Response {
        match *request {
            Request::Enqueue { job, key } => {
                let open = self
                    .jobs
                    .values()
                    .filter(|job| !matches!(job.at, At::Dead | At::Done(..)))
                    .count();
                if self.jobs.contains_key(&job) {
                    return Response::Enqueued;
                }
                if open >= self.config.capacity {
                    return Response::Full;
                }
                self.apply(Event::Accepted(job, key));
                Response::Enqueued
            }
            Request::Take => self.take(now),
            Request::Ack { job, receipt } => match self.jobs.get(&job).map(|job| &job.at) {
                Some(At::With(held, until)) if *held == receipt && came < *until => {
                    self.apply(Event::Done(job, receipt, came));
                    Response::Done
                }
                Some(At::Done(held, _)) if *held == receipt => Response::Done,
                _ => Response::Stale,
            },
            Request::Fail { job, receipt } => match self.jobs.get(&job).map(|job| &job.at) {
                Some(At::With(held, until)) if *held == receipt && came < *until => {
                    self.ends_badly(job, now);
                    Response::Done
                }
                Some(At::Rests(held, _)) if *held == receipt => Response::Done,
                _ => Response::Stale,
            },
            Request::Dead => {
                let dead = self
                    .jobs
                    .iter()
                    .filter(|(_, job)| matches!(job.at, At::Dead));
                Response::Dead(dead.map(|(id, _)| *id).collect())
            }
        }
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut broker = Broker {
            config: config.clone(),
            log: Vec::new(),
            jobs: BTreeMap::new(),
            batch: Vec::new(),
        };
        for event in saved.unwrap_or_default().events {
            broker.apply(event);
        }
        broker
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if self.batch.is_empty() {
            cx.set_timer(Timer::Tick, BATCH);
        }
        self.batch.push((ticket, request, cx.now()));
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let now = cx.now();
        let (given_back, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.batch)
            .into_iter()
            .partition(|(_, request, _)| {
                matches!(request, Request::Ack { .. } | Request::Fail { .. })
            });
        let written = self.log.len();
        let mut answers = Vec::new();
        for (ticket, request, came) in given_back {
            answers.push((ticket, self.serve(&request, came, now)));
        }
        self.expire(now);
        for (ticket, request, came) in others {
            answers.push((ticket, self.serve(&request, came, now)));
        }
        if self.log.len() > written {
            cx.save(Saved {
                events: self.log.clone(),
                ..Saved::default()
            });
        }
        for (ticket, answer) in answers {
            cx.reply(ticket, answer);
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
