//! One timer, for whatever is due next: a calendar. The tag of a read is its lease, with a number that is drawn at each start before those that have none;
//! a delete bears the id of its write. A key that was deleted here since its lease came is not put in.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, LEASE, Lease, Message, Request, Response, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Cx<'a> = Context<'a, CacheAside>;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Ask(Key),
    Silent(Key),
    Read(Key),
    Fails(Ticket),
    Put(u64),
    PutEnds(u64),
}

#[derive(Clone, Debug, Default, Hash)]
struct Row {
    open: BTreeMap<Ticket, Time>,
    lease: Option<Lease>,
    came: Time,
    is_wanted: bool,
    tag: Option<u64>,
    was_deleted: bool,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    calendar: BTreeSet<(Time, Due)>,
    rows: BTreeMap<Key, Row>,
    wants: Vec<Key>,
    puts: BTreeMap<u64, (Ticket, Key, Option<Value>, bool)>,
    numbers: u64,
    of: BTreeMap<Ticket, Key>,
}

impl Server {
    fn enter(&mut self, after: u64, due: Due, cx: &Cx<'_>) {
        self.calendar.retain(|(_, other)| *other != due);
        self.calendar
            .insert((cx.now() + Duration::from_millis(after), due));
    }

    fn strike(&mut self, due: Due) {
        self.calendar.retain(|(_, other)| *other != due);
    }

    fn set(&self, cx: &mut Cx<'_>) {
        match self.calendar.first() {
            Some((at, _)) => cx.set_timer(Timer::Tick, at.since(cx.now())),
            None => cx.cancel_timer(Timer::Tick),
        }
    }

    fn ask(&mut self, key: Key, cx: &mut Cx<'_>) {
        cx.send(self.config.cache, Message::Get(key));
        self.enter(70, Due::Silent(key), cx);
        self.strike(Due::Ask(key));
    }

    fn want(&mut self, key: Key, lease: Option<Lease>, cx: &mut Cx<'_>) {
        self.strike(Due::Ask(key));
        self.strike(Due::Silent(key));
        let Some(row) = self.rows.get_mut(&key) else {
            return;
        };
        row.lease = lease.or(row.lease);
        row.came = cx.now();
        row.was_deleted = false;
        if !row.is_wanted {
            row.is_wanted = true;
            self.wants.push(key);
        }
        self.room(cx);
    }

    /// The key that came last goes first: whoever has waited long will not wait much longer.
    fn room(&mut self, cx: &mut Cx<'_>) {
        while self.rows.values().filter(|row| row.tag.is_some()).count() < self.config.loads {
            let Some(key) = self.wants.pop() else { return };
            let Some(row) = self
                .rows
                .get_mut(&key)
                .filter(|row| row.is_wanted && row.tag.is_none())
            else {
                continue;
            };
            // It is soon over, if it is not already: that is found when it would be used.
            if row.lease.is_some() && cx.now().since(row.came) >= LEASE * 9 / 10 {
                (row.lease, row.is_wanted) = (None, false);
                self.ask(key, cx);
                continue;
            }
            self.numbers += 1;
            let tag = row.lease.map_or(self.numbers, |lease| lease.0);
            row.tag = Some(tag);
            cx.send(self.config.database, Message::Read { key, tag });
            self.enter(75, Due::Read(key), cx);
        }
    }

    fn gone(&mut self, key: Key, cx: &mut Cx<'_>) -> Option<Row> {
        let row = self.rows.remove(&key);
        [Due::Ask(key), Due::Silent(key), Due::Read(key)]
            .into_iter()
            .for_each(|due| self.strike(due));
        self.room(cx);
        row
    }

    fn tell(&mut self, key: Key, value: Option<Value>, cx: &mut Cx<'_>) {
        let Some(row) = self.gone(key, cx) else {
            return;
        };
        for ticket in row.open.into_keys() {
            self.strike(Due::Fails(ticket));
            self.of.remove(&ticket);
            cx.reply(ticket, Response::Value(value));
        }
    }

    fn push(&mut self, id: u64, cx: &mut Cx<'_>) {
        let Some((_, key, value, is_written)) = self.puts.get(&id).copied() else {
            return;
        };
        if is_written {
            cx.send(self.config.cache, Message::Delete { key, tag: id });
            if let Some(row) = self.rows.get_mut(&key) {
                row.was_deleted = true;
            }
        } else {
            cx.send(self.config.database, Message::Write { id, key, value });
        }
        self.enter(90, Due::Put(id), cx);
    }

    fn put_ends(&mut self, id: u64, response: Response, cx: &mut Cx<'_>) {
        if let Some((ticket, ..)) = self.puts.remove(&id) {
            cx.reply(ticket, response);
        }
        self.strike(Due::Put(id));
        self.strike(Due::PutEnds(id));
    }

    fn falls_due(&mut self, due: Due, cx: &mut Cx<'_>) {
        match due {
            Due::Ask(key) => self.ask(key, cx),
            Due::Silent(key) => self.want(key, None, cx),
            Due::Read(key) => {
                if let Some(tag) = self.rows.get(&key).and_then(|row| row.tag) {
                    cx.send(self.config.database, Message::Read { key, tag });
                    self.enter(75, Due::Read(key), cx);
                }
            }
            Due::Fails(ticket) => {
                cx.reply(ticket, Response::Failed);
                let Some(key) = self.of.remove(&ticket) else {
                    return;
                };
                let Some(row) = self.rows.get_mut(&key) else {
                    return;
                };
                row.open.remove(&ticket);
                if row.open.is_empty() {
                    self.gone(key, cx);
                }
            }
            Due::Put(id) => self.push(id, cx),
            Due::PutEnds(id) => {
                let is_written = self
                    .puts
                    .get(&id)
                    .is_some_and(|(.., is_written)| *is_written);
                self.put_ends(
                    id,
                    if is_written {
                        Response::Stale
                    } else {
                        Response::Unknown
                    },
                    cx,
                );
            }
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        let (calendar, rows, puts, of) = (
            BTreeSet::new(),
            BTreeMap::new(),
            BTreeMap::new(),
            BTreeMap::new(),
        );
        Server {
            config: config.clone(),
            calendar,
            rows,
            wants: Vec::new(),
            puts,
            numbers: 0,
            of,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.numbers = 1 << 63 | cx.random(0..=u64::MAX) >> 2;
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Hit { key, value } => self.tell(key, value, cx),
            Message::Miss { key, lease } => {
                if self.rows.get(&key).is_some_and(|row| row.tag.is_none()) {
                    self.want(key, Some(lease), cx);
                }
            }
            Message::Wait(key) => {
                if self.rows.get(&key).is_some_and(|row| !row.is_wanted) {
                    self.strike(Due::Silent(key));
                    self.enter(30, Due::Ask(key), cx);
                }
            }
            Message::Row { key, tag, value } => {
                if let Some(row) = self.rows.get(&key).filter(|row| row.tag == Some(tag)) {
                    if let Some(lease) =
                        row.lease.filter(|lease| !row.was_deleted && lease.0 == tag)
                    {
                        let whole = if value.is_some() {
                            self.config.ttl
                        } else {
                            self.config.negative_ttl
                        };
                        let us = whole.as_micros() as u64;
                        let ttl = Duration::from_micros(cx.random(us - us / 2..=us));
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
            }
            Message::Written(id) => {
                if let Some(put) = self.puts.get_mut(&id).filter(|put| !put.3) {
                    put.3 = true;
                    self.push(id, cx);
                }
            }
            Message::Deleted { tag, .. } => self.put_ends(tag, Response::Written, cx),
            _ => {}
        }
        self.set(cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        while let Some((at, due)) = self.calendar.first().copied() {
            if at > cx.now() {
                break;
            }
            self.calendar.pop_first();
            self.falls_due(due, cx);
        }
        self.set(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Get(key) => {
                let is_new = !self.rows.contains_key(&key);
                self.rows
                    .entry(key)
                    .or_default()
                    .open
                    .insert(ticket, cx.now());
                self.of.insert(ticket, key);
                self.enter(550, Due::Fails(ticket), cx);
                if is_new {
                    self.ask(key, cx);
                }
            }
            Request::Put { id, key, value } => {
                self.puts.insert(id, (ticket, key, value, false));
                self.enter(450, Due::PutEnds(id), cx);
                self.push(id, cx);
            }
        }
        self.set(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
