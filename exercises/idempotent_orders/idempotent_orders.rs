//! idempotent_orders: an API server that takes an order once, however often it is asked. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::idempotent_orders`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

/// An API server. It has no disk: a crash forgets all of this.
#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    // The open runs: for whom, how far they are, and who waits for them.
}

impl Node<IdempotentOrders> for Server {
    /// Every start, the first and those after a crash. A server has nothing saved.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Disk>) -> Self {
        Server {
            config: config.clone(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        todo!("what must stand in the database before anything is done for this request?")
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Row {
                call,
                at,
                written,
                row,
                now,
            } => {
                todo!("is that key at its end, under way, or new? And does it have this body?")
            }
            Message::Found {
                call,
                order,
                charge,
            } => {
                todo!("is the order paid for?")
            }
            Message::Charged { call, key, outcome } => {
                todo!("paid, declined, or nothing at all?")
            }
            Message::Placed { call, id, order } => {
                todo!("the order stands: who must know of it before the client does?")
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        todo!("a call was not answered: make it again, or tell the client to try again")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
