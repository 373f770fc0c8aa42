//! What one node may do, from contract and README: the ghost of a server or of the store, whichever its configuration says.

mod server;
mod store;
mod surroundings;

pub(super) use server::{Batch, Server};
pub(super) use store::Store;

use super::{ADDS_UP, BUDGET, FRESH, KEPT, NO_MORE, NUMBERS, ONCE, SAFE};
use crate::exercises::view_counter::{FlushId, ViewCounter};
use crate::rule::Check;
use crate::sim::{Factory, Seen, Spec, storm};
use crate::suite::Storms;
use crate::time::Time;
use std::time::Duration;
use surroundings::Surroundings;

/// What counting ticks, or a timer that is a little late, is forgiven.
pub(super) const SLACK_MS: u64 = 60;
/// How long the store may take to acknowledge a flush, or to answer a read.
const ANSWER_MS: u64 = 200;
const GRACE_MS: u64 = 10;
/// By then what was held up must be through: so many intervals, and a second.
pub(super) const SETTLE_INTERVALS: u32 = 10;
pub(super) const SETTLE_MORE_MS: u64 = 1_000;

pub(super) fn storms(factory: Factory<ViewCounter>) -> Storms {
    Storms {
        rules: &[ADDS_UP, BUDGET, ONCE, KEPT, NUMBERS, SAFE, NO_MORE, FRESH],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "storm: views",
            "storm: flushes of servers",
            "storm: flushes of servers that were acknowledged",
            "storm: flushes after a restart of the server",
            "storm: flushes that reached the store",
            "storm: flushes that reached it again",
            "storm: reads",
            "storm: restarts of the store after it had acknowledged",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<ViewCounter, Surroundings>(factory, seed, probe)),
    }
}

/// By when what was held up at `since` must be through.
fn settled(since: Time, every: Duration) -> Time {
    since + every * SETTLE_INTERVALS + Duration::from_millis(SETTLE_MORE_MS)
}

fn name(id: FlushId) -> String {
    format!("incarnation {}, number {}", id.incarnation, id.number)
}

/// The ghost of a node.
#[derive(Clone)]
pub(super) enum Ghost {
    Server(Server),
    Store(Store),
}

impl Spec<ViewCounter> for Ghost {
    fn step(&mut self, seen: &Seen<'_, ViewCounter>) -> Check {
        match self {
            Ghost::Server(server) => server.step(seen),
            Ghost::Store(store) => store.step(seen),
        }
    }

    fn time(&mut self, now: Time) -> Check {
        match self {
            Ghost::Server(server) => server.time(now),
            Ghost::Store(store) => store.time(now),
        }
    }
}
