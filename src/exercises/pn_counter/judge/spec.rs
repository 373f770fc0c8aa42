//! What one replica may do, in the words of `pn_counter`.

use super::{ADDS_UP, BOUNDS, CONVERGES, MERGE_LAWS, NEGATIVE, READS, RETRY, SURVIVES};
use crate::exercises::kit::counters::{self, Counts, Ghost, MUST_MEET, Words};
use crate::exercises::pn_counter::{Message, OpId, PnCounter, Request, Response, Saved};
use crate::sim::{Factory, storm};
use crate::suite::{Storms, Swarm};
use std::collections::BTreeSet;

const ALL: [&str; 8] = [ADDS_UP, NEGATIVE, MERGE_LAWS, READS, RETRY, SURVIVES, BOUNDS, CONVERGES];

pub(super) fn swarm(factory: Factory<PnCounter>) -> Swarm {
    let met = &[
        "crashes between two effects",
        "partitions",
        "messages repeated",
        "messages lost",
        "retries",
        "acknowledged increments",
        "acknowledged decrements",
        "reads during a partition",
        "values below zero",
    ];
    counters::swarm(factory, &ALL, met)
}

pub(super) fn storms(factory: Factory<PnCounter>) -> Storms {
    Storms {
        rules: &ALL,
        must_meet: &MUST_MEET,
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<PnCounter, Ghost<PnCounter>>(factory, seed, probe)),
    }
}

impl Words for PnCounter {
    const KINDS: &'static [&'static str] = &["increment", "decrement"];
    const ADDS_UP: &'static str = ADDS_UP;
    const NEGATIVE: Option<&'static str> = Some(NEGATIVE);

    fn carried(Message::Counts { increments, decrements }: &Message) -> [Option<&Counts>; 2] {
        [Some(increments), Some(decrements)]
    }

    fn message([increments, decrements]: [Counts; 2]) -> Message {
        Message::Counts { increments, decrements }
    }

    fn asks(request: &Request) -> Option<(usize, u64)> {
        match request {
            Request::Increment(op) => Some((0, op.0)),
            Request::Decrement(op) => Some((1, op.0)),
            Request::Read => None,
        }
    }

    fn request(op: Option<(usize, u64)>) -> Request {
        match op {
            Some((0, id)) => Request::Increment(OpId(id)),
            Some((_, id)) => Request::Decrement(OpId(id)),
            None => Request::Read,
        }
    }

    fn answer(response: &Response) -> Option<i128> {
        if let Response::Value(value) = response { Some(i128::from(*value)) } else { None }
    }

    fn value(view: &i64) -> i128 {
        i128::from(*view)
    }

    fn disk([increments, decrements]: [Counts; 2], ids: BTreeSet<u64>) -> Saved {
        Saved { increments, decrements, ops: ids.into_iter().map(OpId).collect() }
    }
}
