//! No time is ever read: timers end leases and rests, let waiting workers go and forget ids; after a restart all of them begin again. A worker that waits gets the job in the
//! moment in which it can be handed out.

use splitbrain::exercises::work_queue::{
    Config, Event, JobId, Key, Message, Receipt, Request, Response, Saved, Timer, WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

type Cx<'a> = Context<'a, WorkQueue>;

const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Free,
    Taken,
    Rests,
    Dead,
    Done,
}

#[derive(Clone, Debug, Hash)]
struct Job {
    key: Key,
    state: State,
    attempts: u32,
    receipt: Receipt,
}

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    /// In the order in which they were accepted.
    order: Vec<JobId>,
    jobs: BTreeMap<JobId, Job>,
    receipts: u64,
    waiting: VecDeque<Ticket>,
}

impl Broker {
    fn save(&self, cx: &mut Cx<'_>) {
        let mut events = Vec::new();
        for id in &self.order {
            let Some(job) = self.jobs.get(id) else {
                continue;
            };
            events.push(Event::Accepted(*id, job.key));
            for _ in 0..job.attempts {
                events.push(Event::Taken(*id, job.receipt, Time::ZERO));
            }
            match job.state {
                State::Taken => {}
                State::Free if job.attempts == 0 => {}
                // What has rested rests once more after a restart.
                State::Free | State::Rests => events.push(Event::Rests(*id, Time::ZERO)),
                State::Dead => events.push(Event::Died(*id)),
                State::Done => events.push(Event::Done(*id, job.receipt, Time::ZERO)),
            }
        }
        cx.save(Saved {
            events,
            counter: self.receipts,
            ..Saved::default()
        });
    }

    fn rest(&self, attempts: u32) -> Duration {
        let mut rest = self.config.pause.min(self.config.most);
        for _ in 1..attempts {
            rest = rest.saturating_mul(2).min(self.config.most);
        }
        rest
    }

    fn is_free(&self, id: &JobId) -> bool {
        let Some(job) = self.jobs.get(id).filter(|job| job.state == State::Free) else {
            return false;
        };
        let of_key = |other: &&JobId| {
            self.jobs.get(other).is_some_and(|other| {
                other.key == job.key && !matches!(other.state, State::Dead | State::Done)
            })
        };
        self.order.iter().find(of_key) == Some(id)
    }

    fn serve(&mut self, cx: &mut Cx<'_>) {
        while !self.waiting.is_empty() {
            let Some(id) = self.order.iter().find(|id| self.is_free(id)).copied() else {
                return;
            };
            let (Some(job), Some(ticket)) = (self.jobs.get_mut(&id), self.waiting.pop_front())
            else {
                return;
            };
            self.receipts += 1;
            job.state = State::Taken;
            job.attempts += 1;
            job.receipt = Receipt(self.receipts);
            let response = Response::Work {
                job: id,
                receipt: job.receipt,
                attempt: job.attempts,
            };
            self.save(cx);
            cx.cancel_timer(Timer::Waits(ticket));
            cx.set_timer(Timer::Of(id), self.config.lease);
            cx.reply(ticket, response);
        }
    }

    fn attempt_ends(&mut self, id: JobId, cx: &mut Cx<'_>) {
        let Some(attempts) = self.jobs.get(&id).map(|job| job.attempts) else {
            return;
        };
        let rest = self.rest(attempts);
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        if attempts >= self.config.attempts {
            job.state = State::Dead;
            cx.cancel_timer(Timer::Of(id));
        } else {
            job.state = State::Rests;
            cx.set_timer(Timer::Of(id), rest);
        }
        self.save(cx);
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let (mut order, mut jobs) = (Vec::new(), BTreeMap::new());
        for event in saved.events {
            match event {
                Event::Accepted(id, key) => {
                    order.push(id);
                    jobs.insert(
                        id,
                        Job {
                            key,
                            state: State::Free,
                            attempts: 0,
                            receipt: Receipt(0),
                        },
                    );
                }
                Event::Taken(id, receipt, _) => {
                    if let Some(job) = jobs.get_mut(&id) {
                        (job.state, job.attempts, job.receipt) =
                            (State::Taken, job.attempts + 1, receipt);
                    }
                }
                Event::Rests(id, _) => drop(jobs.get_mut(&id).map(|job| job.state = State::Rests)),
                Event::Died(id) => drop(jobs.get_mut(&id).map(|job| job.state = State::Dead)),
                Event::Done(id, ..) => drop(jobs.get_mut(&id).map(|job| job.state = State::Done)),
            }
        }
        Broker {
            config: config.clone(),
            order,
            jobs,
            receipts: saved.counter,
            waiting: VecDeque::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        for (id, job) in &self.jobs {
            match job.state {
                State::Taken => cx.set_timer(Timer::Of(*id), self.config.lease),
                State::Rests => cx.set_timer(Timer::Of(*id), self.rest(job.attempts)),
                State::Done => cx.set_timer(Timer::Of(*id), self.config.remembers),
                State::Free | State::Dead => {}
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Of(id) => {
                match self.jobs.get_mut(&id) {
                    Some(job) if job.state == State::Rests => job.state = State::Free,
                    Some(job) if job.state == State::Taken => self.attempt_ends(id, cx),
                    Some(job) if job.state == State::Done => {
                        self.jobs.remove(&id);
                        self.order.retain(|other| *other != id);
                    }
                    _ => {}
                }
                self.serve(cx);
            }
            Timer::Waits(ticket) => {
                self.waiting.retain(|other| *other != ticket);
                cx.reply(ticket, Response::Empty);
            }
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Enqueue { job: id, key } => {
                let over: BTreeSet<JobId> = self
                    .jobs
                    .iter()
                    .filter(|(_, job)| matches!(job.state, State::Dead | State::Done))
                    .map(|(id, _)| *id)
                    .collect();
                let is_known = self.jobs.contains_key(&id);
                if !is_known && self.jobs.len() - over.len() >= self.config.capacity {
                    return cx.reply(ticket, Response::Full);
                }
                if !is_known {
                    self.order.push(id);
                    self.jobs.insert(
                        id,
                        Job {
                            key,
                            state: State::Free,
                            attempts: 0,
                            receipt: Receipt(0),
                        },
                    );
                    self.save(cx);
                }
                cx.reply(ticket, Response::Enqueued);
                self.serve(cx);
            }
            Request::Take => {
                self.waiting.push_back(ticket);
                cx.set_timer(Timer::Waits(ticket), PATIENCE);
                self.serve(cx);
            }
            Request::Ack { job: id, receipt } => {
                let state = self
                    .jobs
                    .get(&id)
                    .filter(|job| job.receipt == receipt)
                    .map(|job| job.state);
                match state {
                    Some(State::Done) => cx.reply(ticket, Response::Done),
                    // It may rest, or be free again: nobody else has had it.
                    Some(State::Taken | State::Rests | State::Free) => {
                        drop(self.jobs.get_mut(&id).map(|job| job.state = State::Done));
                        cx.set_timer(Timer::Of(id), self.config.remembers);
                        self.save(cx);
                        cx.reply(ticket, Response::Done);
                        self.serve(cx);
                    }
                    _ => cx.reply(ticket, Response::Stale),
                }
            }
            Request::Fail { job: id, receipt } => {
                let state = self
                    .jobs
                    .get(&id)
                    .filter(|job| job.receipt == receipt)
                    .map(|job| job.state);
                match state {
                    Some(State::Taken) => {
                        self.attempt_ends(id, cx);
                        cx.reply(ticket, Response::Done);
                        self.serve(cx);
                    }
                    Some(State::Rests) => cx.reply(ticket, Response::Done),
                    _ => cx.reply(ticket, Response::Stale),
                }
            }
            Request::Dead => {
                let dead = self.order.iter().filter(|id| {
                    self.jobs
                        .get(id)
                        .is_some_and(|job| job.state == State::Dead)
                });
                cx.reply(ticket, Response::Dead(dead.copied().collect()));
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
