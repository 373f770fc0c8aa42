//! A Take waits for a job as long as it may, and all that falls due is found by a tick, 40 ms late perhaps. Deadlines are not saved: after a restart
//! every lease and every rest begins again.

use splitbrain::exercises::work_queue::{
    Config, JobId, Message, Receipt, Record, Request, Response, Saved, State, Timer, WorkQueue,
    judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

type Cx<'a> = Context<'a, WorkQueue>;

const TICK: Duration = Duration::from_millis(40);
const PATIENCE: Duration = Duration::from_millis(150);

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    jobs: BTreeMap<JobId, Record>,
    counter: u64,
    /// When a lease or a rest ends, for this life.
    ends: BTreeMap<JobId, Time>,
    waiting: VecDeque<(Ticket, Time)>,
}

impl Broker {
    fn save(&self, cx: &mut Cx<'_>) {
        let jobs = self.jobs.clone();
        let counter = self.counter;
        cx.save(Saved {
            jobs,
            counter,
            ..Saved::default()
        });
    }

    fn rest(&self, attempts: u32) -> Duration {
        let mut rest = self.config.pause;
        for _ in 1..attempts {
            rest = (rest * 2).min(self.config.most);
        }
        rest.min(self.config.most)
    }

    /// Ends what has ended.
    fn tick(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let over: Vec<JobId> = self
            .ends
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(job, _)| *job)
            .collect();
        for job in &over {
            self.ends.remove(job);
            if self.jobs.get(job).map(|record| record.state) == Some(State::Taken) {
                self.ends_badly(*job, now);
            }
        }
        self.jobs
            .retain(|_, record| record.state != State::Done || record.until > now);
        if !over.is_empty() {
            self.save(cx);
        }
        self.serve(cx);
    }

    fn ends_badly(&mut self, job: JobId, now: Time) {
        let Some(mut record) = self.jobs.get(&job).copied() else {
            return;
        };
        if record.attempts >= self.config.attempts {
            record.state = State::Dead;
            self.ends.remove(&job);
        } else {
            record.state = State::Waiting;
            self.ends.insert(job, now + self.rest(record.attempts));
        }
        self.jobs.insert(job, record);
    }

    /// Hands out what can be handed out to those who wait, and sends those away who have waited for long.
    fn serve(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        while let Some((ticket, since)) = self.waiting.front().copied() {
            let free = self.jobs.iter().filter(|(job, record)| {
                let first = self.jobs.values().all(|other| {
                    other.key != record.key
                        || other.place >= record.place
                        || matches!(other.state, State::Dead | State::Done)
                });
                record.state == State::Waiting && first && !self.ends.contains_key(job)
            });
            let free = free
                .min_by_key(|(_, record)| record.place)
                .map(|(job, _)| *job);
            if let Some(job) = free {
                self.waiting.pop_front();
                self.counter += 1;
                let receipt = Receipt(self.counter);
                let Some(record) = self.jobs.get_mut(&job) else {
                    return;
                };
                record.state = State::Taken;
                record.attempts += 1;
                record.receipt = receipt;
                let attempt = record.attempts;
                self.ends.insert(job, now + self.config.lease);
                self.save(cx);
                cx.reply(
                    ticket,
                    Response::Work {
                        job,
                        receipt,
                        attempt,
                    },
                );
            } else if now >= since + PATIENCE {
                self.waiting.pop_front();
                cx.reply(ticket, Response::Empty);
            } else {
                return;
            }
        }
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Broker {
            config: config.clone(),
            jobs: saved.jobs,
            counter: saved.counter,
            ends: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        for (job, record) in &self.jobs {
            let span = match record.state {
                State::Taken => self.config.lease,
                State::Waiting if record.attempts > 0 => self.rest(record.attempts),
                _ => continue,
            };
            self.ends.insert(*job, cx.now() + span);
        }
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.tick(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Enqueue { job, key } => {
                let known = self
                    .jobs
                    .get(&job)
                    .is_some_and(|record| record.state != State::Done || record.until > cx.now());
                let open = |record: &&Record| matches!(record.state, State::Waiting | State::Taken);
                let full = self.jobs.values().filter(open).count() >= self.config.capacity;
                if !known && full {
                    return cx.reply(ticket, Response::Full);
                }
                if !known {
                    self.counter += 1;
                    let record = Record {
                        key,
                        place: self.counter,
                        attempts: 0,
                        receipt: Receipt(0),
                        state: State::Waiting,
                        until: Time::ZERO,
                    };
                    self.jobs.insert(job, record);
                    self.save(cx);
                }
                cx.reply(ticket, Response::Enqueued);
                self.serve(cx);
            }
            Request::Take => {
                self.waiting.push_back((ticket, cx.now()));
                self.serve(cx);
            }
            Request::Ack { job, receipt } => {
                let until = cx.now() + self.config.remembers;
                let record = self.jobs.get_mut(&job).filter(|r| r.receipt == receipt);
                match record {
                    Some(record) if record.state == State::Taken => {
                        record.state = State::Done;
                        record.until = until;
                        self.ends.remove(&job);
                        self.save(cx);
                        cx.reply(ticket, Response::Done);
                    }
                    Some(record) if record.state == State::Done => {
                        cx.reply(ticket, Response::Done);
                    }
                    _ => cx.reply(ticket, Response::Stale),
                }
                self.serve(cx);
            }
            Request::Fail { job, receipt } => {
                let record = self.jobs.get(&job).filter(|r| r.receipt == receipt);
                let is_mine = record.is_some_and(|record| record.state == State::Taken);
                if is_mine {
                    self.ends_badly(job, cx.now());
                    self.save(cx);
                }
                let answer = if is_mine {
                    Response::Done
                } else {
                    Response::Stale
                };
                cx.reply(ticket, answer);
                self.serve(cx);
            }
            Request::Dead => {
                let dead = self.jobs.iter().filter(|(_, r)| r.state == State::Dead);
                cx.reply(
                    ticket,
                    Response::Dead(dead.map(|(job, _)| *job).rev().collect()),
                );
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
