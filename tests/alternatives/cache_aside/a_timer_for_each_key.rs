//! Tables for who waits, what was asked, what is read and what is written, and a timer for each key and each write that counts beats. A breaker reads at once
//! while the cache as a whole has left everything without an answer.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Of a key's timer. Ages are counted in beats of it, never read from the clock.
const BEAT: Duration = Duration::from_millis(10);
const POLL: u64 = 2;
const QUIET: u64 = 7;
const HELD: u64 = 20;
const GIVE_UP: u64 = 48;
/// Of a write's timer.
const PUT_BEAT: Duration = Duration::from_millis(60);
const PUT_GIVE_UP: u64 = 8;

/// What is asked of the cache for a key.
#[derive(Clone, Debug, Default, Hash)]
struct Ask {
    beat: u64,
    last: u64,
    unanswered: Option<u64>,
    /// How many answers the cache had given to anything when the oldest unanswered question was asked.
    heard: u64,
}

/// What is read, or shall be.
#[derive(Clone, Debug, Hash)]
struct Load {
    /// 0: it stands in the queue.
    tag: u64,
    lease: Option<Lease>,
    /// The beat of the lease, or of the last Read.
    at: u64,
    /// Tags of reads that this one has taken the place of: their rows are answers still.
    older: BTreeSet<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Put {
    ticket: Ticket,
    key: Key,
    value: Option<Value>,
    beats: u64,
    /// Of the delete, once the database has the write.
    tag: Option<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    tag: u64,
    waiting: BTreeMap<Key, Vec<(Ticket, u64)>>,
    asks: BTreeMap<Key, Ask>,
    loads: BTreeMap<Key, Load>,
    queue: VecDeque<Key>,
    puts: BTreeMap<u64, Put>,
    used: BTreeSet<Lease>,
    heard: u64,
    /// The cache has answered nothing at all for too long.
    dead: bool,
}

impl Server {
    fn tag(&mut self) -> u64 {
        self.tag += 1;
        self.tag
    }

    fn ask(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        if let Some(ask) = self.asks.get_mut(&key) {
            ask.last = ask.beat;
            if ask.unanswered.is_none() {
                ask.unanswered = Some(ask.beat);
                ask.heard = self.heard;
            }
            cx.send(self.config.cache, Message::Get(key));
        }
    }

    fn answered(&mut self, key: Key) {
        if let Some(ask) = self.asks.get_mut(&key) {
            ask.unanswered = None;
        }
    }

    /// Wants a read, and starts it if there is room.
    fn want(&mut self, key: Key, lease: Option<Lease>, cx: &mut Context<'_, CacheAside>) {
        let at = self.asks.get(&key).map_or(0, |ask| ask.beat);
        self.loads.insert(
            key,
            Load {
                tag: 0,
                lease,
                at,
                older: BTreeSet::new(),
            },
        );
        if !self.queue.contains(&key) {
            self.queue.push_back(key);
        }
        self.fill_room(cx);
    }

    fn read(&mut self, key: Key, lease: Option<Lease>, cx: &mut Context<'_, CacheAside>) {
        let tag = self.tag();
        let at = self.asks.get(&key).map_or(0, |ask| ask.beat);
        let mut older = BTreeSet::new();
        if let Some(load) = self.loads.remove(&key) {
            older = load.older;
            if load.tag != 0 {
                older.insert(load.tag);
            }
        }
        self.loads.insert(
            key,
            Load {
                tag,
                lease,
                at,
                older,
            },
        );
        cx.send(self.config.database, Message::Read { key, tag });
    }

    fn fill_room(&mut self, cx: &mut Context<'_, CacheAside>) {
        while self.loads.values().filter(|load| load.tag != 0).count() < self.config.loads {
            let Some(key) = self.queue.pop_front() else {
                break;
            };
            match self.loads.get(&key) {
                Some(load) if load.tag == 0 => {
                    let lease = load.lease;
                    self.read(key, lease, cx);
                }
                _ => {}
            }
        }
    }

    /// Nobody waits for this key any more.
    fn close(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        self.waiting.remove(&key);
        self.asks.remove(&key);
        self.loads.remove(&key);
        self.queue.retain(|&k| k != key);
        cx.cancel_timer(Timer::Key(key));
        if self.asks.is_empty() {
            self.dead = false;
        }
        self.fill_room(cx);
    }

    fn answer(&mut self, key: Key, value: Option<Value>, cx: &mut Context<'_, CacheAside>) {
        for (ticket, _) in self.waiting.remove(&key).unwrap_or_default() {
            cx.reply(ticket, Response::Value(value));
        }
        self.close(key, cx);
    }

    fn delete(&mut self, key: Key, tag: u64, cx: &mut Context<'_, CacheAside>) {
        cx.send(self.config.cache, Message::Delete { key, tag });
        let mut queued = false;
        if let Some(load) = self.loads.get_mut(&key) {
            if load.lease.take().is_some() {
                queued = load.tag == 0;
            }
        }
        if queued {
            self.loads.remove(&key);
            self.ask(key, cx);
        }
    }

    fn beat_of_key(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        let Some(ask) = self.asks.get_mut(&key) else {
            return;
        };
        ask.beat += 1;
        let ask = ask.clone();
        let waiting = self.waiting.entry(key).or_default();
        for &(ticket, born) in waiting.iter() {
            if ask.beat - born >= GIVE_UP {
                cx.reply(ticket, Response::Failed);
            }
        }
        waiting.retain(|&(_, born)| ask.beat - born < GIVE_UP);
        if waiting.is_empty() {
            self.close(key, cx);
            return;
        }
        cx.set_timer(Timer::Key(key), BEAT);
        let silent = ask
            .unanswered
            .is_some_and(|since| ask.beat - since >= QUIET);
        if silent && ask.heard == self.heard {
            self.dead = true;
        }
        if self
            .loads
            .get(&key)
            .is_some_and(|load| load.tag == 0 && load.lease.is_some() && ask.beat - load.at >= HELD)
        {
            self.loads.remove(&key);
        }
        match self.loads.get_mut(&key) {
            Some(load) if load.tag != 0 => {
                if ask.beat - load.at >= QUIET {
                    load.at = ask.beat;
                    cx.send(self.config.database, Message::Read { key, tag: load.tag });
                }
            }
            Some(_) => {}
            None if silent => self.want(key, None, cx),
            None => {}
        }
        if ask.beat - ask.last >= POLL {
            self.ask(key, cx);
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            tag: 0,
            waiting: BTreeMap::new(),
            asks: BTreeMap::new(),
            loads: BTreeMap::new(),
            queue: VecDeque::new(),
            puts: BTreeMap::new(),
            used: BTreeSet::new(),
            heard: 0,
            dead: false,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, CacheAside>) {
        self.tag = cx.random(1..=(1 << 62));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, CacheAside>) {
        if from == self.config.cache {
            self.heard += 1;
            self.dead = false;
        }
        match message {
            Message::Hit { key, value } => self.answer(key, value, cx),
            Message::Miss { key, lease } => {
                self.answered(key);
                if !self.used.insert(lease) || !self.asks.contains_key(&key) {
                    return;
                }
                match self.loads.get(&key) {
                    // A read that runs makes room for the one that may be put in.
                    Some(load) if load.tag != 0 => self.read(key, Some(lease), cx),
                    _ => self.want(key, Some(lease), cx),
                }
            }
            Message::Wait(key) => {
                self.answered(key);
                if self
                    .loads
                    .get(&key)
                    .is_some_and(|load| load.tag == 0 && load.lease.is_none())
                {
                    self.loads.remove(&key);
                }
            }
            Message::Row { key, tag, value } => {
                let Some(load) = self.loads.get(&key) else {
                    return;
                };
                if load.tag != tag && !load.older.contains(&tag) {
                    return;
                }
                if let Some(lease) = load.lease.filter(|_| load.tag == tag) {
                    let most = if value.is_some() {
                        self.config.ttl
                    } else {
                        self.config.negative_ttl
                    };
                    let most = most.as_micros() as u64;
                    let ttl = Duration::from_micros(most - cx.random(0..=most / 2));
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
                self.answer(key, value, cx);
            }
            Message::Written(id) => {
                let fresh = self.tag();
                if let Some(put) = self.puts.get_mut(&id) {
                    if put.tag.is_none() {
                        put.tag = Some(fresh);
                        let key = put.key;
                        self.delete(key, fresh, cx);
                    }
                }
            }
            Message::Deleted { key, tag } => {
                let id = self
                    .puts
                    .iter()
                    .find(|(_, put)| put.key == key && put.tag == Some(tag))
                    .map(|(&id, _)| id);
                if let Some(put) = id.and_then(|id| self.puts.remove(&id)) {
                    cx.reply(put.ticket, Response::Written);
                    cx.cancel_timer(Timer::Put(id.unwrap_or_default()));
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, CacheAside>) {
        match timer {
            Timer::Key(key) => self.beat_of_key(key, cx),
            Timer::Put(id) => {
                let Some(put) = self.puts.get_mut(&id) else {
                    return;
                };
                put.beats += 1;
                let put = put.clone();
                if put.beats >= PUT_GIVE_UP {
                    self.puts.remove(&id);
                    cx.reply(
                        put.ticket,
                        if put.tag.is_some() {
                            Response::Stale
                        } else {
                            Response::Unknown
                        },
                    );
                    return;
                }
                cx.set_timer(Timer::Put(id), PUT_BEAT);
                match put.tag {
                    Some(tag) => self.delete(put.key, tag, cx),
                    None => cx.send(
                        self.config.database,
                        Message::Write {
                            id,
                            key: put.key,
                            value: put.value,
                        },
                    ),
                }
            }
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        match request {
            Request::Get(key) => {
                let first = !self.asks.contains_key(&key);
                let beat = self.asks.entry(key).or_default().beat;
                self.waiting.entry(key).or_default().push((ticket, beat));
                if first {
                    cx.set_timer(Timer::Key(key), BEAT);
                }
                if first || self.asks.get(&key).is_some_and(|ask| ask.beat > ask.last) {
                    self.ask(key, cx);
                }
                if self.dead && !self.loads.contains_key(&key) {
                    self.want(key, None, cx);
                }
            }
            Request::Put { id, key, value } => {
                self.puts.insert(
                    id,
                    Put {
                        ticket,
                        key,
                        value,
                        beats: 0,
                        tag: None,
                    },
                );
                cx.send(self.config.database, Message::Write { id, key, value });
                cx.set_timer(Timer::Put(id), PUT_BEAT);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
