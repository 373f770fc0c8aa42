//! Ticks of 15 ms that look through two tables, and are counted in the place of time. The cache is asked at every tick as long as a key is open; the read
//! of a key that has no row yet is sent anew with another tag, and the row of any of them counts. A lease that comes during a read begins a second one.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, CacheAside>;

const TICK: Duration = Duration::from_millis(15);

#[derive(Clone, Debug, Default, Hash)]
struct Line {
    open: Vec<(Ticket, u32)>,
    /// Ticks without a word of the cache about it.
    silent: u32,
    is_silent: bool,
    lease: Option<Lease>,
    /// For how many ticks it has waited for room.
    held: u32,
    /// The tags of reads, each with the lease that was there when it was sent.
    tags: Vec<(u64, Option<Lease>)>,
    /// Ticks since the last read was sent.
    read: Option<u32>,
    /// Whether a lease came that was not read for.
    wants: bool,
}

#[derive(Clone, Debug, Hash)]
struct Put {
    ticket: Ticket,
    key: Key,
    value: Option<Value>,
    ticks: u32,
    written: bool,
    tags: Vec<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    lines: BTreeMap<Key, Line>,
    puts: BTreeMap<u64, Put>,
}

impl Server {
    fn read(&mut self, cx: &mut Cx<'_>) {
        let mut room = self.config.loads
            - self
                .lines
                .values()
                .filter(|line| line.read.is_some())
                .count();
        for (key, line) in &mut self.lines {
            if !line.wants || line.read.is_none() && room == 0 {
                continue;
            }
            room -= usize::from(line.read.is_none());
            line.wants = false;
            line.read = Some(0);
            let tag = cx.random(0..=u64::MAX);
            line.tags.push((tag, line.lease));
            cx.send(self.config.database, Message::Read { key: *key, tag });
        }
    }

    fn close(&mut self, key: Key, value: Option<Value>, cx: &mut Cx<'_>) {
        if let Some(line) = self.lines.remove(&key) {
            line.open
                .iter()
                .for_each(|(ticket, _)| cx.reply(*ticket, Response::Value(value)));
        }
        self.read(cx);
    }

    fn delete(&mut self, id: u64, cx: &mut Cx<'_>) {
        if let Some(put) = self.puts.get_mut(&id) {
            let tag = cx.random(0..=u64::MAX);
            put.tags.push(tag);
            cx.send(self.config.cache, Message::Delete { key: put.key, tag });
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            lines: BTreeMap::new(),
            puts: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Hit { key, value } => self.close(key, value, cx),
            Message::Miss { key, lease } => {
                if let Some(line) = self.lines.get_mut(&key) {
                    line.silent = 0;
                    if line.lease.is_none() {
                        line.lease = Some(lease);
                        line.held = 0;
                        line.wants = true;
                    }
                }
                self.read(cx);
            }
            Message::Wait(key) => {
                if let Some(line) = self.lines.get_mut(&key) {
                    line.silent = 0;
                }
            }
            Message::Row { key, tag, value } => {
                let Some(line) = self.lines.get(&key) else {
                    return;
                };
                let Some((_, lease)) = line.tags.iter().find(|(of, _)| *of == tag).copied() else {
                    return;
                };
                if lease.is_some() {
                    let ttl = match value {
                        None => {
                            self.config.negative_ttl / 2
                                + Duration::from_micros(cx.random(0..=5_000))
                        }
                        Some(_) => self
                            .config
                            .ttl
                            .mul_f64(1.0 - cx.random(0..=150) as f64 / 1_000.0),
                    };
                    cx.send(
                        self.config.cache,
                        Message::Set {
                            key,
                            lease,
                            value,
                            ttl,
                        },
                    );
                }
                self.close(key, value, cx);
            }
            Message::Written(id) => {
                let is_new = self
                    .puts
                    .get_mut(&id)
                    .is_some_and(|put| !std::mem::replace(&mut put.written, true));
                if is_new {
                    self.delete(id, cx);
                }
            }
            Message::Deleted { tag, .. } => {
                let of = self
                    .puts
                    .iter()
                    .find(|(_, put)| put.tags.contains(&tag))
                    .map(|(id, _)| *id);
                if let Some(put) = of.and_then(|id| self.puts.remove(&id)) {
                    cx.reply(put.ticket, Response::Written);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
        for (key, line) in &mut self.lines {
            line.open.retain_mut(|(ticket, ticks)| {
                *ticks += 1;
                // 31 ticks are 450 to 465 ms.
                let is_over = *ticks > 31;
                if is_over {
                    cx.reply(*ticket, Response::Failed);
                }
                !is_over
            });
            if line.open.is_empty() {
                continue;
            }
            if let Some(ticks) = &mut line.read {
                *ticks += 1;
                if *ticks > 4 {
                    *ticks = 0;
                    let tag = cx.random(0..=u64::MAX);
                    line.tags.push((tag, line.lease));
                    cx.send(self.config.database, Message::Read { key: *key, tag });
                }
                continue;
            }
            cx.send(self.config.cache, Message::Get(*key));
            line.held += 1;
            if line.lease.is_some() && line.held > 8 {
                line.lease = None;
                line.wants = line.is_silent;
            }
            line.silent += 1;
            // The first question that has no answer was sent four whole ticks ago.
            if line.silent > 5 && !line.is_silent {
                line.is_silent = true;
                line.wants = true;
            }
        }
        self.lines.retain(|_, line| !line.open.is_empty());
        self.read(cx);
        let ids: Vec<u64> = self.puts.keys().copied().collect();
        for id in ids {
            let Some(put) = self.puts.get_mut(&id) else {
                continue;
            };
            put.ticks += 1;
            if put.ticks > 35 {
                cx.reply(
                    put.ticket,
                    if put.written {
                        Response::Stale
                    } else {
                        Response::Unknown
                    },
                );
                self.puts.remove(&id);
            } else if put.ticks % 6 == 0 {
                if put.written {
                    self.delete(id, cx);
                } else {
                    cx.send(
                        self.config.database,
                        Message::Write {
                            id,
                            key: put.key,
                            value: put.value,
                        },
                    );
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Get(key) => {
                let line = self.lines.entry(key).or_default();
                if line.open.is_empty() {
                    cx.send(self.config.cache, Message::Get(key));
                }
                line.open.push((ticket, 0));
            }
            Request::Put { id, key, value } => {
                self.puts.insert(
                    id,
                    Put {
                        ticket,
                        key,
                        value,
                        ticks: 0,
                        written: false,
                        tags: Vec::new(),
                    },
                );
                cx.send(self.config.database, Message::Write { id, key, value });
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
