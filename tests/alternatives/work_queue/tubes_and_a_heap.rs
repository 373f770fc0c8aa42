//! Beanstalkd's way: tubes, and one heap of what is due; a Take waits up to 100 ms, and is served at every change.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

type Cx<'a> = Context<'a, WorkQueue>;

/// How long a `Take` waits for a job.
const PATIENCE: Duration = Duration::from_millis(100);

/// After beanstalkd: a tube for each key, one heap of all that falls due, and workers that wait.
#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    saved: Saved,
    /// The jobs of each key that are not over, by their place.
    tubes: BTreeMap<Key, BTreeSet<(u64, JobId)>>,
    /// What falls due: the end of a lease, or of a rest; or an id may be forgotten.
    due: BTreeSet<(Time, JobId)>,
    /// Workers that wait.
    waiting: VecDeque<Ticket>,
}

impl Broker {
    fn rest(&self, n: u32) -> Duration {
        let us = self.config.pause.as_micros() << (n - 1).min(64);
        let us = us.min(self.config.most.as_micros());
        Duration::from_micros(us as u64)
    }

    /// A job leaves its tube.
    fn over(&mut self, job: JobId) {
        let Some(record) = self.saved.jobs.get(&job) else {
            return;
        };
        if let Some(tube) = self.tubes.get_mut(&record.key) {
            tube.remove(&(record.place, job));
            if tube.is_empty() {
                self.tubes.remove(&record.key);
            }
        }
    }

    /// Puts a job into another state, and sees to it that its end is noticed.
    fn put(&mut self, job: JobId, state: State, until: Time) {
        let Some(record) = self.saved.jobs.get_mut(&job) else {
            return;
        };
        self.due.remove(&(record.until, job));
        record.state = state;
        record.until = until;
        if state == State::Dead || state == State::Done {
            self.over(job);
        }
        if state != State::Dead {
            self.due.insert((until, job));
        }
    }

    /// All that fell due by now.
    fn tick(&mut self, now: Time) {
        while let Some(&(until, job)) = self.due.first() {
            if until > now {
                break;
            }
            self.due.remove(&(until, job));
            let Some(&record) = self.saved.jobs.get(&job) else {
                continue;
            };
            match record.state {
                State::Taken if record.attempts >= self.config.attempts => {
                    self.put(job, State::Dead, until);
                }
                State::Taken => {
                    if let Some(record) = self.saved.jobs.get_mut(&job) {
                        record.state = State::Waiting;
                    }
                }
                State::Done => {
                    self.saved.jobs.remove(&job);
                }
                State::Waiting | State::Dead => {}
            }
        }
    }

    /// Of the tubes whose first job is ready, the one that waits longest.
    fn ready(&self, now: Time) -> Option<JobId> {
        let mut best: Option<(Time, u64, JobId)> = None;
        for tube in self.tubes.values() {
            let Some(&(place, job)) = tube.first() else {
                continue;
            };
            let Some(record) = self.saved.jobs.get(&job) else {
                continue;
            };
            if record.state == State::Waiting && record.until <= now {
                let this = (record.until, place, job);
                best = Some(best.map_or(this, |best| best.min(this)));
            }
        }
        best.map(|(_, _, job)| job)
    }

    /// Gives jobs to those who wait, as many as there are.
    fn serve(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.tick(now);
        let mut answers = Vec::new();
        while !self.waiting.is_empty() {
            let Some(job) = self.ready(now) else { break };
            let Some(ticket) = self.waiting.pop_front() else {
                break;
            };
            self.put(job, State::Taken, now + self.config.lease);
            self.saved.counter += 1;
            let receipt = Receipt(self.saved.counter);
            let Some(record) = self.saved.jobs.get_mut(&job) else {
                break;
            };
            record.receipt = receipt;
            record.attempts += 1;
            answers.push((
                ticket,
                Response::Work {
                    job,
                    receipt,
                    attempt: record.attempts,
                },
            ));
        }
        if !answers.is_empty() {
            cx.save(self.saved.clone());
        }
        for (ticket, response) in answers {
            cx.cancel_timer(Timer::Waits(ticket));
            cx.reply(ticket, response);
        }
        if let Some(&(until, _)) = self.due.first().filter(|_| !self.waiting.is_empty()) {
            cx.set_timer(Timer::Tick, until.since(now));
        }
    }

    /// A producer has a job, for the first time or again.
    fn enqueue(&mut self, job: JobId, key: Key, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.tick(now);
        let full = self.tubes.values().map(BTreeSet::len).sum::<usize>() >= self.config.capacity;
        let known = self.saved.jobs.contains_key(&job);
        if full && !known {
            cx.reply(ticket, Response::Full);
            return;
        }
        if !known {
            self.saved.counter += 1;
            let place = self.saved.counter;
            let receipt = Receipt(0);
            let record = Record {
                key,
                place,
                attempts: 0,
                receipt,
                state: State::Waiting,
                until: now,
            };
            self.saved.jobs.insert(job, record);
            self.tubes.entry(key).or_default().insert((place, job));
            cx.save(self.saved.clone());
        }
        cx.reply(ticket, Response::Enqueued);
        self.serve(cx);
    }

    /// A worker wants a job.
    fn take(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        self.waiting.push_back(ticket);
        cx.set_timer(Timer::Waits(ticket), PATIENCE);
        self.serve(cx);
    }

    /// A worker has done its job.
    fn ack(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.tick(now);
        match self.saved.jobs.get(&job).copied() {
            Some(record) if record.receipt == receipt && record.state == State::Taken => {
                let forget = now + self.config.remembers + Duration::from_micros(1);
                self.put(job, State::Done, forget);
                cx.save(self.saved.clone());
                cx.reply(ticket, Response::Done);
                self.serve(cx);
            }
            Some(record) if record.receipt == receipt && record.state == State::Done => {
                cx.reply(ticket, Response::Done);
            }
            _ => cx.reply(ticket, Response::Stale),
        }
    }

    /// A worker gives its job back.
    fn fail(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.tick(now);
        match self.saved.jobs.get(&job).copied() {
            Some(record) if record.receipt == receipt && record.state == State::Taken => {
                if record.attempts >= self.config.attempts {
                    self.put(job, State::Dead, now);
                } else {
                    self.put(job, State::Waiting, now + self.rest(record.attempts));
                }
                cx.save(self.saved.clone());
                cx.reply(ticket, Response::Done);
                self.serve(cx);
            }
            _ => cx.reply(ticket, Response::Stale),
        }
    }

    fn dead(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        self.tick(cx.now());
        let jobs = self.saved.jobs.iter();
        let dead = jobs
            .filter(|(_, record)| record.state == State::Dead)
            .map(|(&job, _)| job);
        cx.reply(ticket, Response::Dead(dead.collect()));
    }
}

impl Node<WorkQueue> for Broker {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let mut tubes: BTreeMap<Key, BTreeSet<(u64, JobId)>> = BTreeMap::new();
        let mut due = BTreeSet::new();
        for (&job, record) in &saved.jobs {
            if matches!(record.state, State::Waiting | State::Taken) {
                tubes
                    .entry(record.key)
                    .or_default()
                    .insert((record.place, job));
            }
            if record.state != State::Dead {
                due.insert((record.until, job));
            }
        }
        Broker {
            config: config.clone(),
            saved,
            tubes,
            due,
            waiting: VecDeque::new(),
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

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        self.serve(cx);
        if let Timer::Waits(ticket) = timer {
            let before = self.waiting.len();
            self.waiting.retain(|&other| other != ticket);
            if self.waiting.len() < before {
                cx.reply(ticket, Response::Empty);
            }
        }
    }

    /// There are no other nodes, so no message ever comes.
    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
