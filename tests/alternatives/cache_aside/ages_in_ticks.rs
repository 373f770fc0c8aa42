//! All ages are counted in ticks of 5 ms, so that a clock that steps changes none of them. It remembers two thousand leases, polls the cache also while it reads, and
//! a newer lease begins a newer read; the rows of the older ones are answers, and no more.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// All ages are counted in ticks, so that a clock that steps changes none of them. Something that came between two ticks is up to one tick younger
/// than it looks.
const TICK: Duration = Duration::from_millis(5);
/// The cache is asked again.
const POLL: u64 = 6;
/// The cache is silent; or a read, a write, a delete is sent again: 55 to 60 ms.
const QUIET: u64 = 12;
/// A lease that has not been used for so long has ended.
const HELD: u64 = 40;
/// A client is told that it did not work: 475 to 480 ms.
const GIVE_UP: u64 = 96;
/// So many leases are remembered, to know the second copy of a Miss.
const REMEMBERED: usize = 2_000;

#[derive(Clone, Debug, Hash)]
struct Load {
    tag: u64,
    /// With which right the row is put in, if with any.
    lease: Option<Lease>,
    sent: u64,
}

#[derive(Clone, Debug, Hash)]
enum Want {
    Leased(Lease, u64),
    Bare,
}

#[derive(Clone, Debug, Default, Hash)]
struct Flight {
    waiters: Vec<(Ticket, u64)>,
    /// When the oldest question was asked that the cache has not answered.
    open: Option<u64>,
    asked: u64,
    /// A read that has no room yet.
    want: Option<Want>,
    load: Option<Load>,
    /// Tags of reads that another has taken the place of: their rows are answers, no more.
    former: BTreeSet<u64>,
}

#[derive(Clone, Debug, Hash)]
enum Phase {
    Writing,
    Deleting(u64),
}

#[derive(Clone, Debug, Hash)]
struct Write {
    ticket: Ticket,
    key: Key,
    value: Option<Value>,
    born: u64,
    sent: u64,
    phase: Phase,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    now: u64,
    ticking: bool,
    tag: u64,
    flights: BTreeMap<Key, Flight>,
    queue: VecDeque<Key>,
    writes: BTreeMap<u64, Write>,
    seen: BTreeSet<Lease>,
    seen_order: VecDeque<Lease>,
}

impl Server {
    fn next_tag(&mut self) -> u64 {
        self.tag += 1;
        self.tag
    }

    fn wake(&mut self, cx: &mut Context<'_, CacheAside>) {
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, TICK);
        }
    }

    fn ask(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        let now = self.now;
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.asked = now;
            flight.open.get_or_insert(now);
            cx.send(self.config.cache, Message::Get(key));
        }
    }

    /// A new read, with a tag of its own.
    fn load(&mut self, key: Key, lease: Option<Lease>, cx: &mut Context<'_, CacheAside>) {
        let tag = self.next_tag();
        let now = self.now;
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.want = None;
            if let Some(old) = flight.load.take() {
                flight.former.insert(old.tag);
            }
            flight.load = Some(Load {
                tag,
                lease,
                sent: now,
            });
            cx.send(self.config.database, Message::Read { key, tag });
        }
    }

    /// Starts what waits for room, the oldest first.
    fn pump(&mut self, cx: &mut Context<'_, CacheAside>) {
        let mut busy = self.flights.values().filter(|f| f.load.is_some()).count();
        while busy < self.config.loads {
            let Some(key) = self.queue.pop_front() else {
                return;
            };
            let Some(flight) = self.flights.get(&key) else {
                continue;
            };
            if flight.load.is_some() {
                continue;
            }
            match flight.want {
                Some(Want::Leased(lease, _)) => self.load(key, Some(lease), cx),
                Some(Want::Bare) => self.load(key, None, cx),
                None => continue,
            }
            busy += 1;
        }
    }

    fn enqueue(&mut self, key: Key) {
        if !self.queue.contains(&key) {
            self.queue.push_back(key);
        }
    }

    fn finish(&mut self, key: Key, value: Option<Value>, cx: &mut Context<'_, CacheAside>) {
        if let Some(flight) = self.flights.remove(&key) {
            for (ticket, _) in flight.waiters {
                cx.reply(ticket, Response::Value(value));
            }
        }
    }

    /// Between half of the time and all of it.
    fn time_to_live(&self, value: Option<Value>, cx: &mut Context<'_, CacheAside>) -> Duration {
        let most = match value {
            Some(_) => self.config.ttl,
            None => self.config.negative_ttl,
        };
        let most = most.as_micros() as u64;
        Duration::from_micros(cx.random(most.div_ceil(2)..=most))
    }

    /// Sends the delete of this write, and gives up the lease that we have ourselves.
    fn delete(&mut self, key: Key, tag: u64, cx: &mut Context<'_, CacheAside>) {
        cx.send(self.config.cache, Message::Delete { key, tag });
        let mut again = false;
        if let Some(flight) = self.flights.get_mut(&key) {
            if let Some(load) = &mut flight.load {
                load.lease = None;
            }
            if let Some(Want::Leased(..)) = flight.want {
                flight.want = None;
                again = true;
            }
        }
        if again {
            self.ask(key, cx);
        }
    }

    /// Whether this lease is a new one.
    fn is_new(&mut self, lease: Lease) -> bool {
        if !self.seen.insert(lease) {
            return false;
        }
        self.seen_order.push_back(lease);
        if self.seen_order.len() > REMEMBERED {
            if let Some(old) = self.seen_order.pop_front() {
                self.seen.remove(&old);
            }
        }
        true
    }

    fn tick_flight(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        let now = self.now;
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        flight.waiters.retain(|&(ticket, born)| {
            let go_on = now - born < GIVE_UP;
            if !go_on {
                cx.reply(ticket, Response::Failed);
            }
            go_on
        });
        if flight.waiters.is_empty() {
            self.flights.remove(&key);
            return;
        }
        if let Some(Want::Leased(_, since)) = flight.want {
            if now - since >= HELD {
                flight.want = None;
            }
        }
        let silent = flight.open.is_some_and(|open| now - open >= QUIET);
        let mut queue = false;
        if let Some(load) = &mut flight.load {
            if now - load.sent >= QUIET {
                load.sent = now;
                cx.send(self.config.database, Message::Read { key, tag: load.tag });
            }
        } else if silent && flight.want.is_none() {
            flight.want = Some(Want::Bare);
            queue = true;
        }
        let poll = now - flight.asked >= POLL;
        if queue {
            self.enqueue(key);
        }
        if poll {
            self.ask(key, cx);
        }
    }

    fn tick_write(&mut self, id: u64, cx: &mut Context<'_, CacheAside>) {
        let now = self.now;
        let Some(write) = self.writes.get_mut(&id) else {
            return;
        };
        if now - write.born >= GIVE_UP {
            let response = match write.phase {
                Phase::Writing => Response::Unknown,
                Phase::Deleting(_) => Response::Stale,
            };
            cx.reply(write.ticket, response);
            self.writes.remove(&id);
            return;
        }
        if now - write.sent < QUIET {
            return;
        }
        write.sent = now;
        let (key, value) = (write.key, write.value);
        match write.phase {
            Phase::Writing => cx.send(self.config.database, Message::Write { id, key, value }),
            Phase::Deleting(tag) => self.delete(key, tag, cx),
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            now: 0,
            ticking: false,
            tag: 0,
            flights: BTreeMap::new(),
            queue: VecDeque::new(),
            writes: BTreeMap::new(),
            seen: BTreeSet::new(),
            seen_order: VecDeque::new(),
        }
    }

    /// No life uses the tags of another.
    fn on_start(&mut self, cx: &mut Context<'_, CacheAside>) {
        self.tag = cx.random(0..=(1 << 40)) << 20;
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, CacheAside>) {
        match message {
            Message::Hit { key, value } => self.finish(key, value, cx),
            Message::Miss { key, lease } => {
                let new = self.is_new(lease);
                let now = self.now;
                let Some(flight) = self.flights.get_mut(&key) else {
                    return;
                };
                flight.open = None;
                if !new {
                    return;
                }
                if flight.load.is_some() {
                    // There is room: the key is counted already.
                    self.load(key, Some(lease), cx);
                } else {
                    flight.want = Some(Want::Leased(lease, now));
                    self.enqueue(key);
                }
            }
            Message::Wait(key) => {
                if let Some(flight) = self.flights.get_mut(&key) {
                    flight.open = None;
                    if let Some(Want::Bare) = flight.want {
                        flight.want = None;
                    }
                }
            }
            Message::Row { key, tag, value } => {
                let Some(flight) = self.flights.get(&key) else {
                    return;
                };
                let current = flight.load.as_ref().filter(|load| load.tag == tag);
                if current.is_none() && !flight.former.contains(&tag) {
                    return;
                }
                if let Some(lease) = current.and_then(|load| load.lease) {
                    let ttl = self.time_to_live(value, cx);
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
                self.finish(key, value, cx);
            }
            Message::Written(id) => {
                let tag = self.next_tag();
                let now = self.now;
                let Some(write) = self.writes.get_mut(&id) else {
                    return;
                };
                if let Phase::Writing = write.phase {
                    write.phase = Phase::Deleting(tag);
                    write.sent = now;
                    let key = write.key;
                    self.delete(key, tag, cx);
                }
            }
            Message::Deleted { key, tag } => {
                let done = self
                    .writes
                    .iter()
                    .find_map(|(&id, write)| match write.phase {
                        Phase::Deleting(t) if t == tag && write.key == key => Some(id),
                        _ => None,
                    });
                if let Some(write) = done.and_then(|id| self.writes.remove(&id)) {
                    cx.reply(write.ticket, Response::Written);
                }
            }
            _ => {}
        }
        self.pump(cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, CacheAside>) {
        self.now += 1;
        self.ticking = false;
        let keys: Vec<Key> = self.flights.keys().copied().collect();
        for key in keys {
            self.tick_flight(key, cx);
        }
        let ids: Vec<u64> = self.writes.keys().copied().collect();
        for id in ids {
            self.tick_write(id, cx);
        }
        self.pump(cx);
        if !self.flights.is_empty() || !self.writes.is_empty() {
            self.wake(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        let now = self.now;
        match request {
            Request::Get(key) => {
                let new = !self.flights.contains_key(&key);
                let flight = self.flights.entry(key).or_default();
                flight.waiters.push((ticket, now));
                if new || now - flight.asked >= 2 {
                    self.ask(key, cx);
                }
            }
            Request::Put { id, key, value } => {
                let write = Write {
                    ticket,
                    key,
                    value,
                    born: now,
                    sent: now,
                    phase: Phase::Writing,
                };
                self.writes.insert(id, write);
                cx.send(self.config.database, Message::Write { id, key, value });
            }
        }
        self.wake(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
