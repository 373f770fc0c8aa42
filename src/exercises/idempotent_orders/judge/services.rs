//! The two services: a database and a payment provider. Each keeps what it has acknowledged over a crash, and what it promises is said here, and
//! again in README. [`Database`] and [`Provider`] are the machines alone, which a storm runs by hand; [`Served`] makes nodes of them.
//!
//! The database: a write happens if the version that it expects stands there, at once and for all; what is to be kept for a while goes when that is over.
//! The provider: what comes again under a key that it remembers is answered as before, and an error if it is for something else; a key is forgotten
//! `forgets` after it was used last; a failure takes nothing and is not remembered; whatever was taken can be asked for by its order, for ever.

use crate::exercises::idempotent_orders::{
    Asked, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId, Outcome, Record, Row, Version,
};
use crate::sim::{Context, Node, NodeId};
use crate::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a service has on its disk.
#[derive(Clone, Debug, Hash)]
pub(in crate::exercises::idempotent_orders) enum Kept {
    Database(Database),
    Provider(Provider),
}

/// What the last message did. It is on the disk, too, so that whoever watches sees it in the save.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Did {
    Nothing,
    /// Wrote this record; whether nothing stood there before, and when it will go.
    Wrote {
        at: Asked,
        record: Record,
        first: bool,
        created: Time,
        now: Time,
        keep: Option<Duration>,
    },
    Placed(OrderId, Order),
    Took(Charge, ChargeKey),
    Declined(Charge),
}

#[derive(Clone, Debug, Hash)]
pub(in crate::exercises::idempotent_orders) struct Database {
    rows: BTreeMap<Asked, (Row, Option<Time>)>,
    orders: BTreeMap<OrderId, Order>,
    versions: u64,
    did: Did,
}

impl Default for Database {
    fn default() -> Self {
        Database { rows: BTreeMap::new(), orders: BTreeMap::new(), versions: 0, did: Did::Nothing }
    }
}

impl Database {
    fn row(&mut self, at: Asked, now: Time) -> Option<Row> {
        if self.rows.get(&at).is_some_and(|(_, goes)| goes.is_some_and(|goes| goes <= now)) {
            self.rows.remove(&at);
        }
        self.rows.get(&at).map(|(row, _)| *row)
    }

    fn writes(&mut self, at: Asked, record: Record, expects: Version, keep: Option<Duration>, now: Time) -> bool {
        let old = self.row(at, now);
        if old.map_or(Version(0), |row| row.version) != expects {
            return false;
        }
        self.versions += 1;
        let created = old.map_or(now, |row| row.created);
        let row = Row { record, version: Version(self.versions), created, written: now };
        self.rows.insert(at, (row, keep.map(|keep| now + keep)));
        self.did = Did::Wrote { at, record, first: old.is_none(), created, now, keep };
        true
    }

    /// How many orders stand.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }
}

#[derive(Clone, Debug, Hash)]
pub(in crate::exercises::idempotent_orders) struct Provider {
    forgets: Duration,
    keys: BTreeMap<ChargeKey, (Charge, Outcome, Time)>,
    taken: BTreeMap<OrderId, Charge>,
    /// How often a charge for each request was tried that no key stood for.
    tries: BTreeMap<Asked, u64>,
    /// How often it has taken money.
    pub(super) times: u64,
    did: Did,
}

impl Provider {
    pub fn new(forgets: Duration) -> Self {
        Provider { forgets, keys: BTreeMap::new(), taken: BTreeMap::new(), tries: BTreeMap::new(), times: 0, did: Did::Nothing }
    }

    /// What becomes of the nth try. Amounts say it, so that a script can choose: most are good; those of 1 modulo 8 are declined at first, of 2
    /// always; those of 3 fail at first, of 4 fail once and are declined after that.
    fn decides(amount: u64, tries: u64) -> Outcome {
        match (amount % 8, tries) {
            (1, 0) | (2, _) => Outcome::Declined,
            (3 | 4, 0) => Outcome::Failed,
            (4, 1) => Outcome::Declined,
            _ => Outcome::Paid,
        }
    }

    fn charges(&mut self, key: ChargeKey, charge: Charge, now: Time) -> Outcome {
        let forgets = self.forgets;
        if let Some((before, outcome, used)) = self.keys.get_mut(&key).filter(|(.., used)| now < *used + forgets) {
            // From when it was used last: else a charge that was declined could be taken by a repeat that is under way while a twin is told of it.
            *used = now;
            return if *before == charge { *outcome } else { Outcome::KeyReused };
        }
        let tries = self.tries.entry(charge.by).or_default();
        let outcome = Provider::decides(charge.amount, *tries);
        *tries += 1;
        match outcome {
            Outcome::Paid => {
                self.taken.entry(charge.order).or_insert(charge);
                self.times += 1;
                self.did = Did::Took(charge, key);
            }
            Outcome::Declined => self.did = Did::Declined(charge),
            _ => return outcome,
        }
        self.keys.insert(key, (charge, outcome, now));
        outcome
    }
}

/// A machine that answers each message, and says whether its disk must be written first.
pub(super) trait Machine: Clone + std::fmt::Debug + std::hash::Hash + 'static {
    fn made(config: &Config, saved: Option<Disk>) -> Self;
    fn kept(&self) -> Kept;
    fn handle(&mut self, message: &Message, now: Time) -> Option<Message>;
    fn did(&self) -> Did;
}

impl Machine for Database {
    fn made(_: &Config, saved: Option<Disk>) -> Self {
        match saved {
            Some(Disk(Kept::Database(kept))) => kept,
            _ => Database::default(),
        }
    }

    fn kept(&self) -> Kept {
        Kept::Database(self.clone())
    }

    fn handle(&mut self, message: &Message, now: Time) -> Option<Message> {
        self.did = Did::Nothing;
        Some(match *message {
            Message::Read { call, at } => Message::Row { call, at, written: false, row: self.row(at, now), now },
            Message::Write { call, at, record, expects, keep } => {
                let written = self.writes(at, record, expects, keep, now);
                Message::Row { call, at, written, row: self.row(at, now), now }
            }
            Message::Place { call, id, order } => {
                if !self.orders.contains_key(&id) {
                    self.did = Did::Placed(id, order);
                }
                Message::Placed { call, id, order: *self.orders.entry(id).or_insert(order) }
            }
            _ => return None,
        })
    }

    fn did(&self) -> Did {
        self.did
    }
}

impl Machine for Provider {
    fn made(config: &Config, saved: Option<Disk>) -> Self {
        match saved {
            Some(Disk(Kept::Provider(kept))) => kept,
            _ => Provider::new(config.forgets),
        }
    }

    fn kept(&self) -> Kept {
        Kept::Provider(self.clone())
    }

    fn handle(&mut self, message: &Message, now: Time) -> Option<Message> {
        self.did = Did::Nothing;
        Some(match *message {
            Message::Charge { call, key, charge } => Message::Charged { call, key, outcome: self.charges(key, charge, now) },
            Message::Find { call, order } => Message::Found { call, order, charge: self.taken.get(&order).copied() },
            _ => return None,
        })
    }

    fn did(&self) -> Did {
        self.did
    }
}

/// Such a machine as a node: it saves before it answers.
#[derive(Clone, Debug, Hash)]
pub(super) struct Served<M>(M);

impl<M: Machine> Node<IdempotentOrders> for Served<M> {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Disk>) -> Self {
        Served(M::made(config, saved))
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, IdempotentOrders>) {
        let Some(answer) = self.0.handle(&message, cx.now()) else { return };
        if self.0.did() != Did::Nothing || matches!(answer, Message::Charged { .. }) {
            cx.save(Disk(self.0.kept()));
        }
        cx.send(from, answer);
    }
}
