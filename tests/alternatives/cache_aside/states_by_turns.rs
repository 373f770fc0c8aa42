//! A state for each key: asking, waiting, ready, loading; who is ready is served by turns, and who has a lease does not poll. Tags count from a number that is
//! drawn at the start. (From the clock, as it was written first, they would not do: a restart may take no time.)

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(5);
/// Ages, in ticks.
const POLL: u64 = 7;
const QUIET: u64 = 12;
const LEASED: u64 = 40;
const PATIENT: u64 = 98;

/// Where the answer for a key is to come from.
#[derive(Clone, Debug, Hash)]
enum State {
    /// The cache has not answered since then.
    Asking { since: u64 },
    /// The cache has said that another loads.
    Waiting,
    /// We may read, and stand in the queue. Without a lease: since the cache is silent.
    Ready { lease: Option<Lease>, since: u64 },
    /// We read.
    Loading {
        tag: u64,
        lease: Option<Lease>,
        sent: u64,
    },
}

#[derive(Clone, Debug, Hash)]
struct Entry {
    state: State,
    asked: u64,
    clients: VecDeque<(Ticket, u64)>,
    /// All tags of this entry's reads.
    tags: Vec<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Put {
    ticket: Ticket,
    key: Key,
    value: Option<Value>,
    since: u64,
    sent: u64,
    deleting: Option<u64>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    tick: u64,
    armed: bool,
    last_tag: u64,
    entries: BTreeMap<Key, Entry>,
    /// Keys that are Ready by the number of their turn.
    turns: BTreeMap<u64, Key>,
    turn: u64,
    puts: BTreeMap<u64, Put>,
    known: BTreeSet<Lease>,
}

impl Server {
    fn fresh(&mut self) -> u64 {
        self.last_tag += 1;
        self.last_tag
    }

    fn arm(&mut self, cx: &mut Context<'_, CacheAside>) {
        if !self.armed {
            self.armed = true;
            cx.set_timer(Timer::Tick, TICK);
        }
    }

    fn to(&mut self, key: Key, state: State) {
        let ready = matches!(state, State::Ready { .. });
        if ready && !self.turns.values().any(|&k| k == key) {
            self.turn += 1;
            self.turns.insert(self.turn, key);
        }
        if !ready {
            self.turns.retain(|_, &mut k| k != key);
        }
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.state = state;
        }
    }

    fn ask(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        let tick = self.tick;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.asked = tick;
            if let State::Waiting = entry.state {
                entry.state = State::Asking { since: tick };
            }
            cx.send(self.config.cache, Message::Get(key));
        }
    }

    fn load(&mut self, key: Key, lease: Option<Lease>, cx: &mut Context<'_, CacheAside>) {
        let tag = self.fresh();
        let sent = self.tick;
        self.to(key, State::Loading { tag, lease, sent });
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.tags.push(tag);
        }
        cx.send(self.config.database, Message::Read { key, tag });
    }

    fn room(&self) -> bool {
        let busy = self
            .entries
            .values()
            .filter(|entry| matches!(entry.state, State::Loading { .. }));
        busy.count() < self.config.loads
    }

    fn next(&mut self, cx: &mut Context<'_, CacheAside>) {
        while self.room() {
            let Some((_, key)) = self.turns.pop_first() else {
                return;
            };
            let lease = match self.entries.get(&key).map(|entry| &entry.state) {
                Some(&State::Ready { lease, .. }) => lease,
                _ => continue,
            };
            self.load(key, lease, cx);
        }
    }

    fn leave(&mut self, key: Key) -> Option<Entry> {
        self.turns.retain(|_, &mut k| k != key);
        self.entries.remove(&key)
    }

    fn tell(&mut self, key: Key, value: Option<Value>, cx: &mut Context<'_, CacheAside>) {
        if let Some(entry) = self.leave(key) {
            for (ticket, _) in entry.clients {
                cx.reply(ticket, Response::Value(value));
            }
        }
    }

    fn forget(&mut self, key: Key, tag: u64, cx: &mut Context<'_, CacheAside>) {
        cx.send(self.config.cache, Message::Delete { key, tag });
        match self.entries.get_mut(&key).map(|entry| &mut entry.state) {
            Some(State::Loading { lease, .. }) => *lease = None,
            Some(State::Ready { lease: Some(_), .. }) => {
                self.to(key, State::Waiting);
                self.ask(key, cx);
            }
            _ => {}
        }
    }

    fn look_at_key(&mut self, key: Key, cx: &mut Context<'_, CacheAside>) {
        let tick = self.tick;
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        // The first has waited longest.
        while entry
            .clients
            .front()
            .is_some_and(|&(_, since)| tick - since >= PATIENT)
        {
            if let Some((ticket, _)) = entry.clients.pop_front() {
                cx.reply(ticket, Response::Failed);
            }
        }
        if entry.clients.is_empty() {
            self.leave(key);
            return;
        }
        let poll = tick - entry.asked >= POLL;
        match &mut entry.state {
            State::Asking { since } if tick - *since >= QUIET => {
                self.to(
                    key,
                    State::Ready {
                        lease: None,
                        since: tick,
                    },
                );
            }
            State::Ready {
                lease: Some(_),
                since,
            } if tick - *since >= LEASED => self.to(key, State::Waiting),
            State::Loading { tag, sent, .. } if tick - *sent >= QUIET => {
                *sent = tick;
                cx.send(self.config.database, Message::Read { key, tag: *tag });
            }
            _ => {}
        }
        let held = match self.entries.get(&key).map(|entry| &entry.state) {
            Some(State::Loading { lease, .. } | State::Ready { lease, .. }) => lease.is_some(),
            _ => false,
        };
        // Who has a lease is told to wait: it is no use to ask.
        if poll && !held {
            self.ask(key, cx);
        }
    }

    fn look_at_put(&mut self, id: u64, cx: &mut Context<'_, CacheAside>) {
        let tick = self.tick;
        let Some(put) = self.puts.get_mut(&id) else {
            return;
        };
        if tick - put.since >= PATIENT {
            cx.reply(
                put.ticket,
                if put.deleting.is_none() {
                    Response::Unknown
                } else {
                    Response::Stale
                },
            );
            self.puts.remove(&id);
        } else if tick - put.sent >= QUIET {
            put.sent = tick;
            let (key, value, deleting) = (put.key, put.value, put.deleting);
            match deleting {
                None => cx.send(self.config.database, Message::Write { id, key, value }),
                Some(tag) => self.forget(key, tag, cx),
            }
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Server {
            config: config.clone(),
            tick: 0,
            armed: false,
            last_tag: 0,
            entries: BTreeMap::new(),
            turns: BTreeMap::new(),
            turn: 0,
            puts: BTreeMap::new(),
            known: BTreeSet::new(),
        }
    }

    /// No life uses the tags of another.
    fn on_start(&mut self, cx: &mut Context<'_, CacheAside>) {
        self.last_tag = cx.random(0..=u64::MAX / 2);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, CacheAside>) {
        match message {
            Message::Hit { key, value } => self.tell(key, value, cx),
            Message::Miss { key, lease } => {
                let new = self.known.insert(lease);
                let since = self.tick;
                match self.entries.get(&key).map(|entry| &entry.state) {
                    None => {}
                    Some(State::Asking { .. }) if !new => self.to(key, State::Waiting),
                    Some(_) if !new => {}
                    Some(State::Loading { .. }) => self.load(key, Some(lease), cx),
                    Some(_) => self.to(
                        key,
                        State::Ready {
                            lease: Some(lease),
                            since,
                        },
                    ),
                }
            }
            Message::Wait(key) => {
                if let Some(State::Asking { .. } | State::Ready { lease: None, .. }) =
                    self.entries.get(&key).map(|entry| &entry.state)
                {
                    self.to(key, State::Waiting);
                }
            }
            Message::Row { key, tag, value } => {
                let Some(entry) = self.entries.get(&key) else {
                    return;
                };
                if !entry.tags.contains(&tag) {
                    return;
                }
                match entry.state {
                    State::Loading {
                        tag: t,
                        lease: Some(lease),
                        ..
                    } if t == tag => {
                        let most = value.map_or(self.config.negative_ttl, |_| self.config.ttl);
                        let most = most.as_micros() as u64;
                        // From 60 % to 100 %.
                        let ttl = Duration::from_micros(cx.random(most - most * 2 / 5..=most));
                        let set = Message::Set {
                            key,
                            lease: Some(lease),
                            value,
                            ttl,
                        };
                        cx.send(self.config.cache, set);
                    }
                    _ => {}
                }
                self.tell(key, value, cx);
            }
            Message::Written(id) => {
                let tag = self.fresh();
                let tick = self.tick;
                match self.puts.get_mut(&id) {
                    Some(put) if put.deleting.is_none() => {
                        put.deleting = Some(tag);
                        put.sent = tick;
                        let key = put.key;
                        self.forget(key, tag, cx);
                    }
                    _ => {}
                }
            }
            Message::Deleted { tag, .. } => {
                let done: Vec<u64> = self
                    .puts
                    .iter()
                    .filter(|(_, put)| put.deleting == Some(tag))
                    .map(|(&id, _)| id)
                    .collect();
                for id in done {
                    if let Some(put) = self.puts.remove(&id) {
                        cx.reply(put.ticket, Response::Written);
                    }
                }
            }
            Message::Get(_)
            | Message::Set { .. }
            | Message::Delete { .. }
            | Message::Read { .. }
            | Message::Write { .. } => {}
        }
        self.next(cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, CacheAside>) {
        self.armed = false;
        self.tick += 1;
        for key in self.entries.keys().copied().collect::<Vec<_>>() {
            self.look_at_key(key, cx);
        }
        for id in self.puts.keys().copied().collect::<Vec<_>>() {
            self.look_at_put(id, cx);
        }
        self.next(cx);
        if !(self.entries.is_empty() && self.puts.is_empty()) {
            self.arm(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        let tick = self.tick;
        match request {
            Request::Get(key) => {
                let client = (ticket, tick);
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.clients.push_back(client);
                    if tick - entry.asked >= 2 {
                        self.ask(key, cx);
                    }
                } else {
                    let state = State::Asking { since: tick };
                    self.entries.insert(
                        key,
                        Entry {
                            state,
                            asked: tick,
                            clients: VecDeque::from([client]),
                            tags: Vec::new(),
                        },
                    );
                    cx.send(self.config.cache, Message::Get(key));
                }
            }
            Request::Put { id, key, value } => {
                self.puts.insert(
                    id,
                    Put {
                        ticket,
                        key,
                        value,
                        since: tick,
                        sent: tick,
                        deleting: None,
                    },
                );
                cx.send(self.config.database, Message::Write { id, key, value });
            }
        }
        self.arm(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
