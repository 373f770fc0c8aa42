//! Strict: when a lease has ended its receipt is worth nothing, and neither is a second Fail. Keys are served in turn. Dead letters and ids of done jobs are kept apart from
//! the queue, the ids for twice as long as they must. A job that was not done in time rests as one that failed, the longest rest that is allowed.

use splitbrain::exercises::work_queue::{
    Config, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Cx<'a> = Context<'a, WorkQueue>;

#[derive(Clone, Copy, Debug, Hash)]
enum Phase {
    Free(Time),
    Held(Receipt, Time),
}

#[derive(Clone, Debug, Hash)]
struct Job {
    id: JobId,
    attempts: u32,
    phase: Phase,
}

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    lines: BTreeMap<Key, Vec<Job>>,
    dead: BTreeMap<JobId, Key>,
    done: BTreeMap<JobId, (Key, Receipt, Time)>,
    next_receipt: u64,
    /// The key that was served last.
    turn: Key,
}

impl Broker {
    fn save(&self, cx: &mut Cx<'_>) {
        let blank = |key, state| Record {
            key,
            place: 0,
            attempts: 0,
            receipt: Receipt(0),
            state,
            until: Time::ZERO,
        };
        let mut saved = Saved {
            counter: self.next_receipt,
            ..Saved::default()
        };
        for (key, line) in &self.lines {
            for (place, job) in (0..).zip(line) {
                let record = Record {
                    place,
                    attempts: job.attempts,
                    ..blank(*key, State::Waiting)
                };
                let record = match job.phase {
                    Phase::Free(until) => Record { until, ..record },
                    Phase::Held(receipt, until) => Record {
                        state: State::Taken,
                        receipt,
                        until,
                        ..record
                    },
                };
                saved.jobs.insert(job.id, record);
            }
        }
        for (job, key) in &self.dead {
            saved.jobs.insert(*job, blank(*key, State::Dead));
        }
        for (job, (key, receipt, until)) in &self.done {
            saved.jobs.insert(
                *job,
                Record {
                    receipt: *receipt,
                    until: *until,
                    ..blank(*key, State::Done)
                },
            );
        }
        cx.save(saved);
    }

    fn rest(&self, attempts: u32) -> Duration {
        let least = (1..attempts).fold(self.config.pause, |rest, _| {
            rest.saturating_add(rest).min(self.config.most)
        });
        least.min(self.config.most) * 2
    }

    fn key_of(&self, id: JobId) -> Option<Key> {
        self.lines
            .iter()
            .find(|(_, line)| line.iter().any(|job| job.id == id))
            .map(|(key, _)| *key)
    }

    /// The attempt is over since then.
    fn over(&mut self, key: Key, id: JobId, since: Time) {
        let (attempts, config) = (self.config.attempts, self.clone());
        let Some(line) = self.lines.get_mut(&key) else {
            return;
        };
        let Some(at) = line.iter().position(|job| job.id == id) else {
            return;
        };
        if line[at].attempts >= attempts {
            line.remove(at);
            self.dead.insert(id, key);
        } else {
            line[at].phase = Phase::Free(since + config.rest(line[at].attempts));
        }
        self.lines.retain(|_, line| !line.is_empty());
    }

    fn look(&mut self, now: Time) {
        self.done.retain(|_, (_, _, until)| now < *until);
        let held = |job: &Job| {
            if let Phase::Held(_, until) = job.phase {
                Some(until)
            } else {
                None
            }
        };
        let over = |job: &Job| {
            held(job)
                .filter(|until| *until <= now)
                .map(|until| (job.id, until))
        };
        let all: Vec<(Key, JobId, Time)> = self
            .lines
            .iter()
            .flat_map(|(key, line)| {
                line.iter()
                    .filter_map(over)
                    .map(|(id, until)| (*key, id, until))
            })
            .collect();
        for (key, id, until) in all {
            self.over(key, id, until);
        }
    }

    /// The job of whoever shows this receipt.
    fn holder(&mut self, id: JobId, receipt: Receipt) -> Option<Key> {
        let key = self.key_of(id)?;
        let is_it = |job: &&Job| {
            job.id == id && matches!(job.phase, Phase::Held(held, _) if held == receipt)
        };
        self.lines.get(&key)?.iter().find(is_it).map(|_| key)
    }
}

impl Node<WorkQueue> for Broker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let mut broker = Broker {
            config: config.clone(),
            lines: BTreeMap::new(),
            dead: BTreeMap::new(),
            done: BTreeMap::new(),
            next_receipt: saved.counter,
            turn: Key(0),
        };
        let mut records: Vec<(JobId, Record)> = saved.jobs.into_iter().collect();
        records.sort_by_key(|(_, record)| record.place);
        for (id, record) in records {
            let phase = match record.state {
                State::Waiting => Phase::Free(record.until),
                State::Taken => Phase::Held(record.receipt, record.until),
                State::Dead => {
                    broker.dead.insert(id, record.key);
                    continue;
                }
                State::Done => {
                    broker
                        .done
                        .insert(id, (record.key, record.receipt, record.until));
                    continue;
                }
            };
            broker.lines.entry(record.key).or_default().push(Job {
                id,
                attempts: record.attempts,
                phase,
            });
        }
        broker
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = cx.now();
        self.look(now);
        let response = match request {
            Request::Enqueue { job, key } => {
                let known: BTreeSet<JobId> =
                    self.dead.keys().chain(self.done.keys()).copied().collect();
                if known.contains(&job) || self.key_of(job).is_some() {
                    return cx.reply(ticket, Response::Enqueued);
                }
                if self.lines.values().map(Vec::len).sum::<usize>() >= self.config.capacity {
                    return cx.reply(ticket, Response::Full);
                }
                let phase = Phase::Free(now);
                self.lines.entry(key).or_default().push(Job {
                    id: job,
                    attempts: 0,
                    phase,
                });
                Response::Enqueued
            }
            Request::Take => {
                let turn = self.turn;
                let ready = |line: &Vec<Job>| matches!(line.first().map(|job| job.phase), Some(Phase::Free(until)) if until <= now);
                let after = self.lines.iter().filter(|(key, _)| **key > turn);
                let mut in_turn = after.chain(self.lines.iter().filter(|(key, _)| **key <= turn));
                let Some(key) = in_turn.find(|(_, line)| ready(line)).map(|(key, _)| *key) else {
                    return cx.reply(ticket, Response::Empty);
                };
                self.turn = key;
                self.next_receipt += 1;
                let (receipt, until) = (Receipt(self.next_receipt), now + self.config.lease);
                let Some(job) = self.lines.get_mut(&key).and_then(|line| line.first_mut()) else {
                    return;
                };
                job.attempts += 1;
                job.phase = Phase::Held(receipt, until);
                Response::Work {
                    job: job.id,
                    receipt,
                    attempt: job.attempts,
                }
            }
            Request::Ack { job, receipt } => match self.holder(job, receipt) {
                Some(key) => {
                    if let Some(line) = self.lines.get_mut(&key) {
                        line.retain(|other| other.id != job);
                    }
                    self.lines.retain(|_, line| !line.is_empty());
                    self.done
                        .insert(job, (key, receipt, now + self.config.remembers * 2));
                    Response::Done
                }
                None if self
                    .done
                    .get(&job)
                    .is_some_and(|(_, held, _)| *held == receipt) =>
                {
                    Response::Done
                }
                None => Response::Stale,
            },
            Request::Fail { job, receipt } => match self.holder(job, receipt) {
                Some(key) => {
                    self.over(key, job, now);
                    Response::Done
                }
                None => Response::Stale,
            },
            Request::Dead => Response::Dead(self.dead.keys().copied().collect()),
        };
        self.save(cx);
        cx.reply(ticket, response);
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
