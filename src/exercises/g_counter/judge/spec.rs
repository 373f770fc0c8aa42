//! What one replica may do, in the words of `g_counter`.

use super::{ADDS_UP, BOUNDS, CONVERGES, MERGE_LAWS, READS, RETRY, SURVIVES};
use crate::exercises::g_counter::{GCounter, Message, OpId, Request, Response, Saved};
use crate::exercises::kit::counters::{self, Counts, Ghost, MUST_MEET, Words};
use crate::sim::{Factory, storm};
use crate::suite::{Storms, Swarm};
use std::collections::BTreeSet;

const ALL: [&str; 7] = [ADDS_UP, MERGE_LAWS, READS, RETRY, SURVIVES, BOUNDS, CONVERGES];

pub(super) fn swarm(factory: Factory<GCounter>) -> Swarm {
    let met = &[
        "crashes between two effects",
        "partitions",
        "messages repeated",
        "messages lost",
        "retries",
        "acknowledged increments",
        "reads during a partition",
    ];
    counters::swarm(factory, &ALL, met)
}

pub(super) fn storms(factory: Factory<GCounter>) -> Storms {
    Storms {
        rules: &ALL,
        must_meet: &MUST_MEET,
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<GCounter, Ghost<GCounter>>(factory, seed, probe)),
    }
}

impl Words for GCounter {
    const KINDS: &'static [&'static str] = &["increment"];
    const ADDS_UP: &'static str = ADDS_UP;
    const NEGATIVE: Option<&'static str> = None;

    fn carried(Message::Counts(counts): &Message) -> [Option<&Counts>; 2] {
        [Some(counts), None]
    }

    fn message([counts, _]: [Counts; 2]) -> Message {
        Message::Counts(counts)
    }

    fn asks(request: &Request) -> Option<(usize, u64)> {
        if let Request::Increment(op) = request { Some((0, op.0)) } else { None }
    }

    fn request(op: Option<(usize, u64)>) -> Request {
        op.map_or(Request::Read, |(_, id)| Request::Increment(OpId(id)))
    }

    fn answer(response: &Response) -> Option<i128> {
        if let Response::Value(value) = response { Some(i128::from(*value)) } else { None }
    }

    fn value(view: &u64) -> i128 {
        i128::from(*view)
    }

    fn disk([counts, _]: [Counts; 2], ids: BTreeSet<u64>) -> Saved {
        Saved { counts, ops: ids.into_iter().map(OpId).collect() }
    }
}
