//! The cache and the database: services beside the learner's servers. Their mail meets the network's faults like any other.

use crate::exercises::cache_aside::{CacheAside, Config, Key, LEASE, Lease, Message, Value};
use crate::sim::{Context, Node, NodeId};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

type Cx<'a> = Context<'a, CacheAside>;

/// What it promises, and README repeats: a key is there until it is deleted, set anew, or its time is over. Of a key that is not there one at a time has
/// the lease, for [`LEASE`]; whoever asks meanwhile is told to wait. A delete ends the lease of the key, whether the key is there or not. A set is kept if
/// it comes under the lease that runs, and ends that; or if it comes under none. No lease has a number twice. It restarts empty.
#[derive(Clone, Debug, Hash)]
pub(super) struct Cache {
    kept: BTreeMap<Key, (Option<Value>, Time)>,
    leases: BTreeMap<Key, (Lease, Time)>,
    last: u64,
}

impl Node<CacheAside> for Cache {
    fn new(_: NodeId, _: &[NodeId], _: &Config, _: Option<()>) -> Self {
        Cache { kept: BTreeMap::new(), leases: BTreeMap::new(), last: 0 }
    }

    /// It remembers nothing, but its clock does not go back: it has not given a thousand leases in a millisecond.
    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.last = cx.now().as_millis() * 1_000;
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let now = cx.now();
        match message {
            Message::Get(key) => {
                let kept = self.kept.get(&key).filter(|(_, until)| now < *until);
                let lease = self.leases.get(&key).filter(|(_, until)| now < *until);
                let answer = match (kept, lease) {
                    (Some((value, _)), _) => Message::Hit { key, value: *value },
                    (None, Some(_)) => Message::Wait(key),
                    (None, None) => {
                        self.last += 1;
                        self.leases.insert(key, (Lease(self.last), now + LEASE));
                        Message::Miss { key, lease: Lease(self.last) }
                    }
                };
                cx.send(from, answer);
            }
            Message::Set { key, lease, value, ttl } => {
                let runs = self.leases.get(&key).filter(|(_, until)| now < *until).map(|(lease, _)| *lease);
                if lease.is_none() || lease == runs {
                    self.leases.remove(&key);
                    self.kept.insert(key, (value, now + ttl));
                }
            }
            Message::Delete { key, tag } => {
                self.kept.remove(&key);
                self.leases.remove(&key);
                cx.send(from, Message::Deleted { key, tag });
            }
            _ => {}
        }
    }
}

/// What it promises, and README repeats: each row has what was written last, in the order in which writes came here; a write that comes again is
/// confirmed again, and not done again. It never crashes.
#[derive(Clone, Debug, Hash)]
pub(super) struct Database {
    rows: BTreeMap<Key, Value>,
    done: BTreeSet<u64>,
}

impl Node<CacheAside> for Database {
    fn new(_: NodeId, _: &[NodeId], _: &Config, _: Option<()>) -> Self {
        Database { rows: BTreeMap::new(), done: BTreeSet::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Read { key, tag } => cx.send(from, Message::Row { key, tag, value: self.rows.get(&key).copied() }),
            Message::Write { id, key, value } => {
                if self.done.insert(id) {
                    match value {
                        Some(value) => drop(self.rows.insert(key, value)),
                        None => drop(self.rows.remove(&key)),
                    }
                }
                cx.send(from, Message::Written(id));
            }
            _ => {}
        }
    }
}
