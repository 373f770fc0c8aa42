//! As late as it may be: it asks again after 95 ms, waits 95 ms for a silent cache, polls every 95 ms, gives up after 410 to 600 ms, lets 15 ms pass before it fills or
//! deletes, and does not fill what took longer than 100 ms.

use splitbrain::exercises::cache_aside::{
    CacheAside, Config, Key, Lease, Message, Request, Response, SILENT, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

type Cx<'a> = Context<'a, CacheAside>;

/// How soon to ask again a cache that said Wait: much sooner than a lease ends.
const LATE: Duration = Duration::from_millis(95);
const MOST: Duration = Duration::from_millis(410);

/// How far the search for one key has come.
#[derive(Clone, Debug, Hash)]
enum Stage {
    /// The cache is asked, and has not answered since then.
    Asked(Time),
    /// Somebody else loads it.
    Waits,
    /// It is to be read, as soon as there is room: with a lease, which came then, or because the cache is silent.
    Queued(Option<(Lease, Time)>),
    /// The database is asked, under this tag.
    Loads { lease: Option<Lease>, tag: u64 },
}

#[derive(Clone, Debug, Hash)]
struct Flight {
    stage: Stage,
    /// Who asks, and since when.
    open: Vec<(Ticket, Time)>,
    leased: Time,
}

#[derive(Clone, Debug, Hash)]
struct Put {
    ticket: Ticket,
    since: Time,
    key: Key,
    value: Option<Value>,
    /// Whether the database has confirmed it: then the cache has to forget the key.
    is_written: bool,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    flights: BTreeMap<Key, Flight>,
    /// In which order flights have come to [`Stage::Queued`].
    queue: VecDeque<Key>,
    puts: BTreeMap<u64, Put>,
    later: Vec<Message>,
}

impl Server {
    fn ask(&mut self, key: Key, cx: &mut Cx<'_>) {
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.stage = Stage::Asked(cx.now());
            cx.send(self.config.cache, Message::Get(key));
            cx.set_timer(Timer::Key(key), LATE);
        }
    }

    fn queue(&mut self, key: Key, lease: Option<Lease>, cx: &mut Cx<'_>) {
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.stage = Stage::Queued(lease.map(|lease| (lease, cx.now())));
            flight.leased = cx.now();
            self.queue.push_back(key);
            self.load(cx);
        }
    }

    /// Begins as many reads as there is room for.
    fn load(&mut self, cx: &mut Cx<'_>) {
        let loads = |flight: &&Flight| matches!(flight.stage, Stage::Loads { .. });
        let mut room = self.config.loads - self.flights.values().filter(loads).count();
        while room > 0 {
            let Some(key) = self.queue.pop_front() else {
                return;
            };
            let Some(flight) = self.flights.get_mut(&key) else {
                continue;
            };
            if let Stage::Queued(lease) = flight.stage {
                // A new one each time, in every life: no row of an older read can be taken for the answer.
                let tag = cx.random(0..=u64::MAX);
                let lease = lease.map(|(lease, _)| lease);
                flight.stage = Stage::Loads { lease, tag };
                cx.send(self.config.database, Message::Read { key, tag });
                cx.set_timer(Timer::Key(key), LATE);
                room -= 1;
            }
        }
    }

    /// It has landed: all who wait are told.
    fn land(&mut self, key: Key, value: Option<Value>, cx: &mut Cx<'_>) {
        if let Some(flight) = self.flights.remove(&key) {
            for (ticket, _) in flight.open {
                cx.reply(ticket, Response::Value(value));
            }
            cx.cancel_timer(Timer::Key(key));
            self.load(cx);
        }
    }

    /// Keys that are filled at the same time must not end at the same time.
    fn ttl(&self, value: Option<Value>, cx: &mut Cx<'_>) -> Duration {
        match value {
            None => self.config.negative_ttl,
            Some(_) => {
                let fifth = self.config.ttl.as_micros() as u64 / 5;
                self.config.ttl - Duration::from_micros(cx.random(0..=fifth))
            }
        }
    }

    fn row(&mut self, key: Key, of: u64, value: Option<Value>, cx: &mut Cx<'_>) {
        let Some(flight) = self.flights.get(&key) else {
            return;
        };
        match flight.stage {
            // The read under this tag began when the lease was there: a write that it has not seen deletes after it, and voids the lease.
            Stage::Loads { lease, tag } if tag == of => {
                if lease.is_some()
                    && cx.now().since(flight.leased) <= LATE + Duration::from_millis(5)
                {
                    let ttl = self.ttl(value, cx);
                    let set = Message::Set {
                        key,
                        lease,
                        value,
                        ttl,
                    };
                    if self.later.is_empty() {
                        cx.set_timer(Timer::Tick, Duration::from_millis(15));
                    }
                    self.later.push(set);
                }
                self.land(key, value, cx);
            }
            _ => {}
        }
    }

    /// Time has passed for a key: those who have waited too long are told so, and for the others it is asked again.
    fn goes_on(&mut self, key: Key, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        flight.open.retain(|(ticket, since)| {
            let is_over = now.since(*since) >= MOST;
            if is_over {
                cx.reply(*ticket, Response::Failed);
            }
            !is_over
        });
        if flight.open.is_empty() {
            self.flights.remove(&key);
            self.load(cx);
            return;
        }
        match flight.stage {
            // No word for so long: it is down, or cut off. Nobody waits for it.
            Stage::Asked(since) if now.since(since) >= SILENT => {
                cx.set_timer(Timer::Key(key), SILENT);
                self.queue(key, None, cx); // it has been 95 ms
            }
            Stage::Asked(_) => cx.set_timer(Timer::Key(key), SILENT),
            Stage::Waits => self.ask(key, cx),
            // The lease may end before there is room. The key keeps its place in the queue.
            Stage::Queued(Some((_, since))) if now.since(since) >= LATE => self.ask(key, cx),
            Stage::Queued(_) => cx.set_timer(Timer::Key(key), SILENT),
            // The same read once more, under the same tag.
            Stage::Loads { tag, .. } => {
                cx.send(self.config.database, Message::Read { key, tag });
                cx.set_timer(Timer::Key(key), LATE);
            }
        }
    }

    /// What is left to do of a write: it goes to the database first, and only then is the cache told to forget. The other way round a reader between
    /// the two would put the old value back.
    fn push(&self, id: u64, cx: &mut Cx<'_>) {
        let Some(put) = self.puts.get(&id) else {
            return;
        };
        let (key, value) = (put.key, put.value);
        if put.is_written {
            cx.send(self.config.cache, Message::Delete { key, tag: id });
        } else {
            cx.send(self.config.database, Message::Write { id, key, value });
        }
        cx.set_timer(Timer::Put(id), LATE);
    }

    fn put_ends(&mut self, id: u64, response: Response, cx: &mut Cx<'_>) {
        if let Some(put) = self.puts.remove(&id) {
            cx.reply(put.ticket, response);
            cx.cancel_timer(Timer::Put(id));
        }
    }
}

impl Node<CacheAside> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<()>) -> Self {
        Server {
            config: config.clone(),
            flights: BTreeMap::new(),
            queue: VecDeque::new(),
            puts: BTreeMap::new(),
            later: Vec::new(),
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Hit { key, value } => self.land(key, value, cx),
            Message::Miss { key, lease } => {
                let stage = self.flights.get(&key).map(|flight| &flight.stage);
                if let Some(Stage::Asked(_) | Stage::Waits | Stage::Queued(None)) = stage {
                    self.queue(key, Some(lease), cx);
                }
            }
            Message::Wait(key) => {
                if let Some(flight) = self.flights.get_mut(&key) {
                    if let Stage::Asked(_) = flight.stage {
                        flight.stage = Stage::Waits;
                    }
                }
            }
            Message::Row { key, tag, value } => self.row(key, tag, value, cx),
            Message::Written(id) => {
                if let Some(put) = self.puts.get_mut(&id).filter(|put| !put.is_written) {
                    put.is_written = true;
                    self.push(id, cx);
                }
            }
            Message::Deleted { tag: id, .. } => {
                if self.puts.get(&id).is_some_and(|put| put.is_written) {
                    self.put_ends(id, Response::Written, cx);
                }
            }
            // What servers say to the cache and to the database.
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Key(key) => self.goes_on(key, cx),
            Timer::Put(id) => match self.puts.get(&id) {
                Some(put) if cx.now().since(put.since) >= MOST => {
                    let response = if put.is_written {
                        Response::Stale
                    } else {
                        Response::Unknown
                    };
                    self.put_ends(id, response, cx);
                }
                _ => self.push(id, cx),
            },
            Timer::Tick => {
                for set in std::mem::take(&mut self.later) {
                    cx.send(self.config.cache, set);
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let since = cx.now();
        match request {
            Request::Get(key) => match self.flights.get_mut(&key) {
                Some(flight) => flight.open.push((ticket, since)),
                None => {
                    let flight = Flight {
                        stage: Stage::Waits,
                        open: vec![(ticket, since)],
                        leased: since,
                    };
                    self.flights.insert(key, flight);
                    self.ask(key, cx);
                }
            },
            Request::Put { id, key, value } => {
                let put = Put {
                    ticket,
                    since,
                    key,
                    value,
                    is_written: false,
                };
                self.puts.insert(id, put);
                self.push(id, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
