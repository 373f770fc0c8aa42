//! A job for each request, which asks and polls the cache for itself; the newest goes first. Deletes leave before the write as well and count only after it, jitter is
//! a hash of the key, and a write goes on after Stale or Unknown.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(10);
/// In ticks.
const AGAIN_CACHE: u64 = 2;
const UNANSWERED: u64 = 7;
const LEASE_OVER: u64 = 20;
const ENOUGH: u64 = 49;
/// A write is gone on with for so long, whatever its client has been told.
const FOR_GOOD: u64 = 150;

/// One Get.
#[derive(Clone, Debug, Hash)]
struct Job {
    ticket: Ticket,
    key: Key,
    came: u64,
    asked: u64,
    open: Option<u64>,
}

/// One key's way to the database.
#[derive(Clone, Debug, Hash)]
struct Loader {
    lease: Option<Lease>,
    since: u64,
    /// `None`: on the stack.
    tag: Option<u64>,
    earlier: Vec<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Put {
    /// `None`: the client has its answer.
    client: Option<Ticket>,
    key: Key,
    value: Option<Value>,
    came: u64,
    sent: u64,
    /// The database has it; the delete's tag.
    written: Option<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    ticks: u64,
    set: bool,
    tags: u64,
    jobs: BTreeMap<u32, Job>,
    loaders: BTreeMap<Key, Loader>,
    stack: Vec<Key>,
    puts: BTreeMap<u64, Put>,
    leases: BTreeSet<Lease>,
}

fn mixed(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Server {
    fn new_tag(&mut self) -> u64 {
        self.tags = self.tags.wrapping_add(1);
        self.tags
    }

    fn keep_time(&mut self, cx: &mut Context<'_, CacheAside>) {
        if !self.set {
            self.set = true;
            cx.set_timer(Timer::Tick, TICK);
        }
    }

    /// The cache has said something about this key.
    fn cache_spoke(&mut self, key: Key) {
        for job in self.jobs.values_mut().filter(|job| job.key == key) {
            job.open = None;
        }
    }

    fn wanted(&self, key: Key) -> bool {
        self.jobs.values().any(|job| job.key == key)
    }

    fn push(&mut self, key: Key, lease: Option<Lease>) {
        let since = self.ticks;
        self.loaders.insert(
            key,
            Loader {
                lease,
                since,
                tag: None,
                earlier: Vec::new(),
            },
        );
        self.stack.retain(|&k| k != key);
        self.stack.push(key);
    }

    fn start(&mut self, key: Key, lease: Option<Lease>, cx: &mut Context<'_, CacheAside>) {
        let tag = self.new_tag();
        let since = self.ticks;
        let earlier = match self.loaders.remove(&key) {
            Some(old) => old.earlier.into_iter().chain(old.tag).collect(),
            None => Vec::new(),
        };
        self.loaders.insert(
            key,
            Loader {
                lease,
                since,
                tag: Some(tag),
                earlier,
            },
        );
        cx.send(self.config.database, Message::Read { key, tag });
    }

    /// Forgets what nobody waits for, and takes from the stack what there is room for.
    fn settle(&mut self, cx: &mut Context<'_, CacheAside>) {
        let wanted: BTreeSet<Key> = self.jobs.values().map(|job| job.key).collect();
        self.loaders.retain(|key, _| wanted.contains(key));
        let mut running = self
            .loaders
            .values()
            .filter(|loader| loader.tag.is_some())
            .count();
        while running < self.config.loads {
            let Some(key) = self.stack.pop() else { return };
            if let Some(&Loader {
                lease, tag: None, ..
            }) = self.loaders.get(&key)
            {
                self.start(key, lease, cx);
                running += 1;
            }
        }
    }

    fn give(&mut self, key: Key, value: Option<Value>, cx: &mut Context<'_, CacheAside>) {
        self.jobs.retain(|_, job| {
            if job.key == key {
                cx.reply(job.ticket, Response::Value(value));
            }
            job.key != key
        });
    }

    fn erase(&mut self, key: Key, tag: u64, cx: &mut Context<'_, CacheAside>) {
        cx.send(self.config.cache, Message::Delete { key, tag });
        let Some(loader) = self.loaders.get_mut(&key) else {
            return;
        };
        if loader.lease.take().is_none() || loader.tag.is_some() {
            return;
        }
        // Its lease is void before there was room.
        self.loaders.remove(&key);
        let ticks = self.ticks;
        if let Some(job) = self.jobs.values_mut().find(|job| job.key == key) {
            job.asked = ticks;
            job.open.get_or_insert(ticks);
            cx.send(self.config.cache, Message::Get(key));
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            ticks: 0,
            set: false,
            tags: 0,
            jobs: BTreeMap::new(),
            loaders: BTreeMap::new(),
            stack: Vec::new(),
            puts: BTreeMap::new(),
            leases: BTreeSet::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, CacheAside>) {
        self.tags = cx.random(0..=u64::MAX / 2);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, CacheAside>) {
        match message {
            Message::Hit { key, value } => self.give(key, value, cx),
            Message::Miss { key, lease } => {
                self.cache_spoke(key);
                if self.leases.insert(lease) && self.wanted(key) {
                    if self
                        .loaders
                        .get(&key)
                        .is_some_and(|loader| loader.tag.is_some())
                    {
                        self.start(key, Some(lease), cx);
                    } else {
                        self.push(key, Some(lease));
                    }
                }
            }
            Message::Wait(key) => {
                self.cache_spoke(key);
                self.loaders.retain(|&k, loader| {
                    k != key || loader.tag.is_some() || loader.lease.is_some()
                });
            }
            Message::Row { key, tag, value } => {
                let Some(loader) = self.loaders.get(&key) else {
                    return;
                };
                let current = loader.tag == Some(tag);
                if !current && !loader.earlier.contains(&tag) {
                    return;
                }
                if let (true, Some(lease)) = (current, loader.lease) {
                    let most = if value.is_some() {
                        self.config.ttl
                    } else {
                        self.config.negative_ttl
                    };
                    let most = most.as_micros() as u64;
                    let ttl = Duration::from_micros(most - mixed(key.0) % (most / 2));
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
                self.give(key, value, cx);
            }
            Message::Written(id) => {
                let tag = self.new_tag();
                let ticks = self.ticks;
                if let Some(put) = self.puts.get_mut(&id).filter(|put| put.written.is_none()) {
                    put.written = Some(tag);
                    put.sent = ticks;
                    let key = put.key;
                    self.erase(key, tag, cx);
                }
            }
            Message::Deleted { key, tag } => self.puts.retain(|_, put| {
                let done = put.written == Some(tag) && put.key == key;
                if let (true, Some(client)) = (done, put.client) {
                    cx.reply(client, Response::Written);
                }
                !done
            }),
            _ => {}
        }
        self.settle(cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, CacheAside>) {
        self.set = false;
        self.ticks += 1;
        let ticks = self.ticks;
        let (cache, database) = (self.config.cache, self.config.database);
        let mut silent = BTreeSet::new();
        self.jobs.retain(|_, job| {
            if ticks - job.came >= ENOUGH {
                cx.reply(job.ticket, Response::Failed);
                return false;
            }
            if job.open.is_some_and(|open| ticks - open >= UNANSWERED) {
                silent.insert(job.key);
            }
            if ticks - job.asked >= AGAIN_CACHE {
                job.asked = ticks;
                job.open.get_or_insert(ticks);
                cx.send(cache, Message::Get(job.key));
            }
            true
        });
        self.loaders.retain(|_, loader| {
            loader.tag.is_some() || loader.lease.is_none() || ticks - loader.since < LEASE_OVER
        });
        for (&key, loader) in &mut self.loaders {
            if let Some(tag) = loader.tag.filter(|_| ticks - loader.since >= UNANSWERED) {
                if self.jobs.values().any(|job| job.key == key) {
                    loader.since = ticks;
                    cx.send(database, Message::Read { key, tag });
                }
            }
        }
        for key in silent {
            if !self.loaders.contains_key(&key) {
                self.push(key, None);
            }
        }
        for id in self.puts.keys().copied().collect::<Vec<u64>>() {
            let Some(put) = self.puts.get_mut(&id) else {
                continue;
            };
            let age = ticks - put.came;
            if age >= ENOUGH {
                if let Some(client) = put.client.take() {
                    cx.reply(
                        client,
                        if put.written.is_some() {
                            Response::Stale
                        } else {
                            Response::Unknown
                        },
                    );
                }
            }
            if age >= FOR_GOOD {
                self.puts.remove(&id);
            } else if ticks - put.sent >= UNANSWERED {
                put.sent = ticks;
                let (key, value, written) = (put.key, put.value, put.written);
                match written {
                    Some(tag) => self.erase(key, tag, cx),
                    None => cx.send(database, Message::Write { id, key, value }),
                }
            }
        }
        self.settle(cx);
        if !self.jobs.is_empty() || !self.puts.is_empty() {
            self.keep_time(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        let ticks = self.ticks;
        match request {
            Request::Get(key) => {
                self.jobs.insert(
                    ticket.number(),
                    Job {
                        ticket,
                        key,
                        came: ticks,
                        asked: ticks,
                        open: Some(ticks),
                    },
                );
                cx.send(self.config.cache, Message::Get(key));
            }
            Request::Put { id, key, value } => {
                let tag = self.new_tag();
                self.erase(key, tag, cx);
                self.puts.insert(
                    id,
                    Put {
                        client: Some(ticket),
                        key,
                        value,
                        came: ticks,
                        sent: ticks,
                        written: None,
                    },
                );
                cx.send(self.config.database, Message::Write { id, key, value });
            }
        }
        self.keep_time(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
