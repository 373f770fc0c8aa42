//! No flights: each request is a job of its own that asks the cache itself. Only reads of the database are shared: a job that finds one of its key under way
//! leans on it. A tick of 10 ms looks through all jobs.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::time::Duration;

type Cx<'a> = Context<'a, CacheAside>;

const TICK: Duration = Duration::from_millis(10);

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[derive(Clone, Debug, Hash, PartialEq)]
enum Does {
    /// Asked the cache at that time; has had no answer since the first of these.
    Asks {
        last: Time,
        first: Time,
    },
    /// Was told to wait at that time.
    Waits(Time),
    /// Wants the database, and was given a lease then, or none.
    Wants(Option<(Lease, Time)>),
    /// Has asked it.
    Reads {
        tag: u64,
        last: Time,
        lease: Option<Lease>,
    },
    Writes {
        id: u64,
        value: Option<Value>,
        last: Time,
    },
    Deletes {
        tag: u64,
        last: Time,
    },
    Done,
}

#[derive(Clone, Debug, Hash)]
struct Job {
    ticket: Ticket,
    key: Key,
    since: Time,
    does: Does,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    jobs: Vec<Job>,
    seed: u64,
}

impl Server {
    fn tag(&mut self) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.seed
    }

    fn reads(&self, key: Key) -> bool {
        self.jobs
            .iter()
            .any(|job| job.key == key && matches!(job.does, Does::Reads { .. }))
    }

    /// Whoever wants the database and may.
    fn admit(&mut self, cx: &mut Cx<'_>) {
        for i in 0..self.jobs.len() {
            let key = self.jobs[i].key;
            let Does::Wants(lease) = self.jobs[i].does else {
                continue;
            };
            let mut keys: Vec<Key> = self
                .jobs
                .iter()
                .filter(|job| matches!(job.does, Does::Reads { .. }))
                .map(|job| job.key)
                .collect();
            keys.sort_unstable();
            keys.dedup();
            if self.reads(key) || keys.len() >= self.config.loads {
                continue;
            }
            let tag = self.tag();
            self.jobs[i].does = Does::Reads {
                tag,
                last: cx.now(),
                lease: lease.map(|(lease, _)| lease),
            };
            cx.send(self.config.database, Message::Read { key, tag });
        }
    }

    fn tell(&mut self, key: Key, value: Option<Value>, cx: &mut Cx<'_>) {
        for job in self.jobs.iter_mut().filter(|job| job.key == key) {
            if matches!(
                job.does,
                Does::Asks { .. } | Does::Waits(_) | Does::Wants(_) | Does::Reads { .. }
            ) {
                cx.reply(job.ticket, Response::Value(value));
                job.does = Does::Done;
            }
        }
        self.clean(cx);
    }

    fn clean(&mut self, cx: &mut Cx<'_>) {
        self.jobs.retain(|job| job.does != Does::Done);
        self.admit(cx);
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            jobs: Vec::new(),
            seed: 0,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.seed = cx.random(0..=u64::MAX);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let now = cx.now();
        match message {
            Message::Hit { key, value } => self.tell(key, value, cx),
            Message::Miss { key, lease } => {
                // One job takes it; the others of the key are told to wait.
                let mut given = false;
                for job in self.jobs.iter_mut().filter(|job| job.key == key) {
                    match job.does {
                        Does::Asks { .. } | Does::Waits(_) | Does::Wants(None) if !given => {
                            job.does = Does::Wants(Some((lease, now)));
                            given = true;
                        }
                        Does::Asks { .. } => job.does = Does::Waits(now),
                        _ => {}
                    }
                }
                self.admit(cx);
            }
            Message::Wait(key) => {
                for job in self.jobs.iter_mut().filter(|job| job.key == key) {
                    if matches!(job.does, Does::Asks { .. }) {
                        job.does = Does::Waits(now);
                    }
                }
            }
            Message::Row { key, tag, value } => {
                let Some(job) = self
                    .jobs
                    .iter()
                    .find(|job| matches!(job.does, Does::Reads { tag: of, .. } if of == tag))
                else {
                    return;
                };
                if let Does::Reads {
                    lease: Some(lease), ..
                } = job.does
                {
                    let whole = if value.is_some() {
                        self.config.ttl
                    } else {
                        self.config.negative_ttl
                    };
                    let ttl = whole - whole * cx.random(0..=400) as u32 / 1_000;
                    cx.send(
                        self.config.cache,
                        Message::Set {
                            key,
                            lease: Some(lease),
                            value,
                            ttl,
                        },
                    );
                }
                self.tell(key, value, cx);
            }
            Message::Written(id) => {
                let tag = self.tag();
                for job in &mut self.jobs {
                    if matches!(job.does, Does::Writes { id: of, .. } if of == id) {
                        job.does = Does::Deletes { tag, last: now };
                        cx.send(self.config.cache, Message::Delete { key: job.key, tag });
                    }
                }
            }
            Message::Deleted { tag, .. } => {
                for job in &mut self.jobs {
                    if matches!(job.does, Does::Deletes { tag: of, .. } if of == tag) {
                        cx.reply(job.ticket, Response::Written);
                        job.does = Does::Done;
                    }
                }
                self.clean(cx);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let (now, cache, database) = (cx.now(), self.config.cache, self.config.database);
        let mut left: Vec<(Key, Does)> = Vec::new();
        for job in &mut self.jobs {
            let key = job.key;
            let is_over = now.since(job.since) >= ms(500);
            match &mut job.does {
                Does::Writes { .. } if is_over => {
                    cx.reply(job.ticket, Response::Unknown);
                    job.does = Does::Done;
                }
                Does::Deletes { .. } if is_over => {
                    cx.reply(job.ticket, Response::Stale);
                    job.does = Does::Done;
                }
                Does::Writes { id, value, last } if now.since(*last) >= ms(60) => {
                    *last = now;
                    cx.send(
                        database,
                        Message::Write {
                            id: *id,
                            key,
                            value: *value,
                        },
                    );
                }
                Does::Deletes { tag, last } if now.since(*last) >= ms(60) => {
                    *last = now;
                    cx.send(cache, Message::Delete { key, tag: *tag });
                }
                Does::Writes { .. } | Does::Deletes { .. } | Does::Done => {}
                _ if is_over => {
                    cx.reply(job.ticket, Response::Failed);
                    left.push((key, std::mem::replace(&mut job.does, Does::Done)));
                }
                Does::Wants(Some((_, since))) if now.since(*since) >= ms(150) => {
                    job.does = Does::Asks {
                        last: now,
                        first: now,
                    };
                    cx.send(cache, Message::Get(key));
                }
                Does::Waits(since) if now.since(*since) >= ms(25) => {
                    job.does = Does::Asks {
                        last: now,
                        first: now,
                    };
                    cx.send(cache, Message::Get(key));
                }
                Does::Asks { first, .. } if now.since(*first) >= ms(60) => {
                    job.does = Does::Wants(None)
                }
                Does::Asks { last, .. } if now.since(*last) >= ms(20) => {
                    *last = now;
                    cx.send(cache, Message::Get(key));
                }
                Does::Reads { tag, last, .. } if now.since(*last) >= ms(60) => {
                    *last = now;
                    cx.send(database, Message::Read { key, tag: *tag });
                }
                _ => {}
            }
        }
        // Its read goes on, or its lease, for who else asks for the key.
        for (key, does) in left
            .into_iter()
            .filter(|(_, does)| matches!(does, Does::Reads { .. } | Does::Wants(Some(_))))
        {
            let asks = |job: &&mut Job| {
                job.key == key
                    && matches!(
                        job.does,
                        Does::Asks { .. } | Does::Waits(_) | Does::Wants(_)
                    )
            };
            if let Some(heir) = self.jobs.iter_mut().find(asks) {
                heir.does = does;
                if let Does::Reads { tag, last, .. } = &mut heir.does {
                    if now.since(*last) >= ms(50) {
                        *last = now;
                        cx.send(database, Message::Read { key, tag: *tag });
                    }
                }
            }
        }
        self.clean(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let since = cx.now();
        let (key, does) = match request {
            Request::Get(key) => {
                cx.send(self.config.cache, Message::Get(key));
                (
                    key,
                    Does::Asks {
                        last: since,
                        first: since,
                    },
                )
            }
            Request::Put { id, key, value } => {
                cx.send(self.config.database, Message::Write { id, key, value });
                (
                    key,
                    Does::Writes {
                        id,
                        value,
                        last: since,
                    },
                )
            }
        };
        self.jobs.push(Job {
            ticket,
            key,
            since,
            does,
        });
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
