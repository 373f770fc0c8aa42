//! lamport_clock: stamps for events, so that an event that may have caused another has the smaller one. The problem is in README.md
//! beside this file; the types (go to definition) in `splitbrain::exercises::lamport_clock`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::lamport_clock::{
    Clock, LamportClock, Message, Request, Response, Saved, Stamp, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    // Your state.
}

impl Node<LamportClock> for Process {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &(), saved: Option<Saved>) -> Self {
        Process { me }
    }

    /// A message arrives: an event of this node.
    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        todo!("move the clock past what this node knew, and past what came")
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        match request {
            Request::Happen => todo!("give the event a stamp, and answer Response::Stamped"),
            Request::Send(to) => todo!("the same, and send a Message with that stamp"),
            Request::Order(stamps) => todo!("answer Response::Ordered, the earliest first"),
        }
    }
}

impl Clock for Process {
    fn clock(&self) -> u64 {
        todo!("the time of this node's last event")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
