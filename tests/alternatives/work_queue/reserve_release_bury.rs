//! As beanstalkd does it: a job is ready, reserved, delayed or buried, in a list for each; what is reserved comes back at once when its time is over, and a
//! release comes with a delay, with jitter here. A timer for each job; receipts are drawn.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

type Cx<'a> = Context<'a, WorkQueue>;

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    /// Of each key, in order: those that are not over.
    lines: BTreeMap<Key, VecDeque<JobId>>,
    keys: BTreeMap<JobId, Key>,
    attempts: BTreeMap<JobId, u32>,
    receipts: BTreeMap<JobId, Receipt>,
    reserved: BTreeMap<JobId, Time>,
    delayed: BTreeMap<JobId, Time>,
    buried: BTreeSet<JobId>,
    /// Until when an id is remembered.
    done: BTreeMap<JobId, Time>,
}

impl Broker {
    fn save(&self, cx: &mut Cx<'_>) {
        let mut jobs = BTreeMap::new();
        let mut place = 0;
        let mut record = |job: &JobId, state: State, until: Time, place: u64| {
            let record = Record {
                key: self.keys.get(job).copied().unwrap_or(Key(0)),
                place,
                attempts: self.attempts.get(job).copied().unwrap_or(0),
                receipt: self.receipts.get(job).copied().unwrap_or(Receipt(0)),
                state,
                until,
            };
            jobs.insert(*job, record);
        };
        for job in self.lines.values().flatten() {
            place += 1;
            match (self.reserved.get(job), self.delayed.get(job)) {
                (Some(until), _) => record(job, State::Taken, *until, place),
                (_, Some(until)) => record(job, State::Waiting, *until, place),
                _ => record(job, State::Waiting, Time::ZERO, place),
            }
        }
        self.buried
            .iter()
            .for_each(|job| record(job, State::Dead, Time::ZERO, 0));
        self.done
            .iter()
            .for_each(|(job, until)| record(job, State::Done, *until, 0));
        cx.save(Saved {
            jobs,
            ..Saved::default()
        });
    }

    fn leaves_line(&mut self, job: JobId) {
        self.reserved.remove(&job);
        self.delayed.remove(&job);
        let Some(key) = self.keys.get(&job) else {
            return;
        };
        if let Some(line) = self.lines.get_mut(key) {
            line.retain(|other| *other != job);
            if line.is_empty() {
                self.lines.remove(key);
            }
        }
    }

    fn length(&self) -> usize {
        self.lines.values().map(VecDeque::len).sum()
    }

    /// An attempt was the last one.
    fn was_last(&self, job: JobId) -> bool {
        self.attempts.get(&job).copied().unwrap_or(0) >= self.config.attempts
    }

    fn bury(&mut self, job: JobId) {
        self.leaves_line(job);
        self.buried.insert(job);
    }

    /// A timer may come late, after a pause: what its clock says counts.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let over: Vec<JobId> = self
            .reserved
            .iter()
            .filter(|(_, until)| **until <= now)
            .map(|(job, _)| *job)
            .collect();
        for job in &over {
            self.reserved.remove(job);
            if self.was_last(*job) {
                self.bury(*job);
            }
        }
        self.delayed.retain(|_, until| *until > now);
        self.done.retain(|_, until| *until > now);
        if !over.is_empty() {
            self.save(cx);
        }
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut broker = Broker {
            config: config.clone(),
            lines: BTreeMap::new(),
            keys: BTreeMap::new(),
            attempts: BTreeMap::new(),
            receipts: BTreeMap::new(),
            reserved: BTreeMap::new(),
            delayed: BTreeMap::new(),
            buried: BTreeSet::new(),
            done: BTreeMap::new(),
        };
        let mut jobs: Vec<(JobId, Record)> = saved.unwrap_or_default().jobs.into_iter().collect();
        jobs.sort_by_key(|(_, record)| record.place);
        for (job, record) in jobs {
            broker.keys.insert(job, record.key);
            broker.attempts.insert(job, record.attempts);
            if record.attempts > 0 {
                broker.receipts.insert(job, record.receipt);
            }
            match record.state {
                State::Dead => drop(broker.buried.insert(job)),
                State::Done => drop(broker.done.insert(job, record.until)),
                State::Taken => drop(broker.reserved.insert(job, record.until)),
                State::Waiting => drop(broker.delayed.insert(job, record.until)),
            }
            if matches!(record.state, State::Taken | State::Waiting) {
                broker.lines.entry(record.key).or_default().push_back(job);
            }
        }
        broker
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        for (job, until) in &self.reserved {
            cx.set_timer(Timer::Of(*job), until.since(now));
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.look(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        self.look(cx);
        let now = cx.now();
        match request {
            Request::Enqueue { job, key } => {
                let in_line = self.lines.get(&key).is_some_and(|line| line.contains(&job));
                if !in_line && !self.buried.contains(&job) && !self.done.contains_key(&job) {
                    if self.length() >= self.config.capacity {
                        return cx.reply(ticket, Response::Full);
                    }
                    self.keys.insert(job, key);
                    self.attempts.insert(job, 0);
                    self.receipts.remove(&job);
                    self.lines.entry(key).or_default().push_back(job);
                    self.save(cx);
                }
                cx.reply(ticket, Response::Enqueued);
            }
            Request::Take => {
                let is_ready = |job: &&JobId| {
                    !self.reserved.contains_key(job) && !self.delayed.contains_key(job)
                };
                // Of the last key first: in which order is nobody's business.
                let fronts = self.lines.values().rev().filter_map(VecDeque::front);
                let Some(job) = fronts.copied().find(|job| is_ready(&job)) else {
                    return cx.reply(ticket, Response::Empty);
                };
                let attempt = self.attempts.get(&job).copied().unwrap_or(0) + 1;
                let receipt = Receipt(cx.random(0..=u64::MAX));
                self.attempts.insert(job, attempt);
                self.receipts.insert(job, receipt);
                self.reserved.insert(job, now + self.config.lease);
                cx.set_timer(Timer::Of(job), self.config.lease);
                self.save(cx);
                cx.reply(
                    ticket,
                    Response::Work {
                        job,
                        receipt,
                        attempt,
                    },
                );
            }
            Request::Ack { job, receipt } => {
                let is_last = self.receipts.get(&job) == Some(&receipt);
                if is_last && self.done.contains_key(&job) {
                    return cx.reply(ticket, Response::Done);
                }
                // What is not reserved any more cannot be deleted.
                if !is_last || !self.reserved.contains_key(&job) {
                    return cx.reply(ticket, Response::Stale);
                }
                self.leaves_line(job);
                self.done.insert(job, now + self.config.remembers);
                cx.cancel_timer(Timer::Of(job));
                self.save(cx);
                cx.reply(ticket, Response::Done);
            }
            Request::Fail { job, receipt } => {
                if self.receipts.get(&job) != Some(&receipt) || self.reserved.remove(&job).is_none()
                {
                    return cx.reply(ticket, Response::Stale);
                }
                if self.was_last(job) {
                    self.bury(job);
                } else {
                    let attempts = self.attempts.get(&job).copied().unwrap_or(1);
                    let mut rest = self.config.pause;
                    for _ in 1..attempts {
                        rest = rest.saturating_mul(2).min(self.config.most);
                    }
                    let rest = rest.min(self.config.most);
                    let jitter = Duration::from_micros(cx.random(0..=rest.as_micros() as u64));
                    self.delayed.insert(job, now + rest + jitter);
                }
                cx.cancel_timer(Timer::Of(job));
                self.save(cx);
                cx.reply(ticket, Response::Done);
            }
            Request::Dead => cx.reply(
                ticket,
                Response::Dead(self.buried.iter().copied().collect()),
            ),
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
