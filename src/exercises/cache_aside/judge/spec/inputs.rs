//! What clients, cache and database could say to a server: in half of the storms the services run beside it, in the others all that they say is drawn here.

use super::{Ghost, OfKey};
use crate::exercises::cache_aside::{CacheAside, Config, Key, Lease, Message, Request, Value};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, Mail, NodeId, Role, Setting, Storm};
use crate::time::millis;
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// Of what the cache was asked, in any life.
    asked: BTreeSet<Key>,
    /// Which writes the database was sent.
    sent: Vec<u64>,
    /// Which leases there were, and which ids of writes.
    leases: BTreeSet<u64>,
    ids: BTreeSet<u64>,
    /// Whether the services run.
    they_run: bool,
    /// How many keys there are, and how often clients ask in place of what the services would say, in millionths.
    keys: u64,
    clients: u32,
}

type In = Option<Input<CacheAside>>;

impl Surroundings {
    pub fn asks(&mut self, key: Key) {
        self.asked.insert(key);
    }

    pub fn writes(&mut self, id: u64) {
        if !self.sent.contains(&id) {
            self.sent.push(id);
        }
    }
}

/// A number that was none of these before.
fn new(of: &mut BTreeSet<u64>, rng: &mut Rng) -> Option<u64> {
    let last = of.iter().next_back().copied().unwrap_or(0);
    let number = match rng.below(8) {
        0 => rng.wild(),
        1 => rng.below(300),
        _ => last.saturating_add(1 + rng.below(2)),
    };
    of.insert(number).then_some(number)
}

impl Ghost {
    fn value(rng: &mut Rng) -> Option<Value> {
        let value = if rng.chance(150_000) { rng.wild() } else { rng.below(4) };
        rng.chance(750_000).then_some(Value(value))
    }

    fn key(&self, rng: &mut Rng) -> Key {
        let key = rng.below(self.around.keys);
        // Keys that are equal in their lowest bits, and the largest ones.
        Key(match rng.below(12) {
            0 => key << 32 | 1,
            1 => u64::MAX - key,
            _ => key,
        })
    }

    fn client(&mut self, rng: &mut Rng) -> In {
        let client = ClientId::from_index(rng.below(3) as usize);
        let key = if rng.chance(400_000) { self.busy(rng).unwrap_or_else(|| self.key(rng)) } else { self.key(rng) };
        if rng.chance(650_000) {
            return Some(Input::Request(client, Request::Get(key)));
        }
        let id = new(&mut self.around.ids, rng)?;
        Some(Input::Request(client, Request::Put { id, key, value: Ghost::value(rng) }))
    }

    /// One for which somebody waits.
    fn busy(&self, rng: &mut Rng) -> Option<Key> {
        let keys: Vec<Key> =
            self.open.of.values().filter_map(|taken| if let Request::Get(key) = taken.request { Some(key) } else { None }).collect();
        rng.pick(&keys).copied()
    }

    fn cache(&mut self, rng: &mut Rng) -> In {
        let asked: Vec<Key> = self.around.asked.iter().copied().collect();
        let busy = self.busy(rng).filter(|key| self.around.asked.contains(key) && rng.chance(850_000));
        let key = busy.or_else(|| rng.pick(&asked).copied())?;
        let message = match rng.below(20) {
            0..=4 => Message::Hit { key, value: Ghost::value(rng) },
            5..=8 => Message::Wait(key),
            9 | 10 => self.again(rng).or_else(|| Some(Message::Miss { key, lease: Lease(new(&mut self.around.leases, rng)?) }))?,
            _ => Message::Miss { key, lease: Lease(new(&mut self.around.leases, rng)?) },
        };
        Some(Input::Message(self.config.cache, message))
    }

    /// A lease that somebody uses comes a second time.
    fn again(&self, rng: &mut Rng) -> Option<Message> {
        let is_read = |of: &OfKey| of.read.as_ref().is_some_and(|read| !read.has_come && !read.is_left);
        let used = |(key, of): (&Key, &OfKey)| of.used.iter().map(|lease| (*key, *lease)).collect::<Vec<_>>();
        let all: Vec<(Key, Lease)> = self.keys.iter().filter(|(_, of)| is_read(of)).flat_map(used).collect();
        rng.pick(&all).map(|(key, lease)| Message::Miss { key: *key, lease: *lease })
    }

    /// The row of a read that was sent in any life: of one that is under way, mostly.
    fn row(&mut self, rng: &mut Rng) -> In {
        let under_way = |of: &OfKey| of.read.as_ref().filter(|read| !read.has_come).map(|read| read.tag);
        let now: Vec<(Key, u64)> = self.keys.iter().filter_map(|(key, of)| Some((*key, under_way(of)?))).collect();
        let now = rng.pick(&now).copied().filter(|_| rng.chance(800_000));
        let all: Vec<(Key, u64)> = self.reads.keys().copied().collect();
        let (key, tag) = now.or_else(|| rng.pick(&all).copied())?;
        Some(Input::Message(self.config.database, Message::Row { key, tag, value: Ghost::value(rng) }))
    }

    fn written(&mut self, rng: &mut Rng) -> In {
        let sent = &self.around.sent;
        let id = if rng.chance(600_000) { sent.last() } else { rng.pick(sent) };
        Some(Input::Message(self.config.database, Message::Written(*id?)))
    }

    fn deleted(&mut self, rng: &mut Rng) -> In {
        let all: Vec<(Key, u64)> = self.deletes.keys().copied().collect();
        let open = |(key, _): &&(Key, u64)| self.puts.values().any(|put| put.is_open && put.key == *key && put.written.is_some());
        let now: Vec<(Key, u64)> = all.iter().filter(open).copied().collect();
        let (key, tag) = rng.pick(&now).copied().filter(|_| rng.chance(800_000)).or_else(|| rng.pick(&all).copied())?;
        Some(Input::Message(self.config.cache, Message::Deleted { key, tag }))
    }
}

impl Storm<CacheAside> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<CacheAside>) {
        let nodes = 1 + rng.below(3) as usize;
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let service = |role, place| NodeId::service(role, nodes + place);
        let ttl = millis(if rng.chance(300_000) { 1_000 + rng.below(1 << 32) } else { [1_000, 2_000, 60_000][rng.below(3) as usize] });
        let tenth = ttl.as_micros() as u64 / 10;
        let brief = if rng.chance(300_000) { rng.range(20_000..=tenth) } else { tenth };
        let loads = match rng.below(10) {
            0 => 1 + (rng.wild() >> 1) as usize,
            1 => 40,
            few => 1 + few as usize % 3,
        };
        let config = Config {
            cache: service(Role::Cache, 0),
            database: service(Role::Database, 1),
            ttl,
            negative_ttl: Duration::from_micros(brief),
            loads,
        };
        let mut ghost = Ghost::new(me, config.clone());
        ghost.is_steady = true;
        ghost.around.they_run = rng.chance(300_000);
        ghost.around.keys = [1, 2, 4, 8, 300][rng.below(5) as usize];
        ghost.around.clients = [300_000, 500_000, 800_000][rng.below(3) as usize];
        let waits: [&'static [u64]; 3] = [&[1, 5, 20], &[2, 20, 60, 120], &[2, 60, 120, 500]];
        let setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            clock_ahead_us: rng.below(1 << 40),
            drift_ppm: rng.below(20_001) as i32 - 10_000,
            mail: if ghost.around.they_run { Mail::Faulty } else { Mail::Unread },
            rest_ms: 700,
            ..Setting::new(nodes, me, config)
        };
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> In {
        let clients = self.around.clients;
        if self.around.they_run || rng.chance(clients) {
            return self.client(rng);
        }
        let said = match rng.below(10) {
            0..=3 => self.cache(rng),
            4..=6 => self.row(rng),
            7 => self.written(rng),
            _ => self.deleted(rng),
        };
        said.or_else(|| self.client(rng))
    }

    fn tally(&self, coverage: &mut Coverage) {
        self.counts(coverage);
    }
}
