//! saga: the node that books a flight, a hotel and their payment, or nothing. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::saga`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Event, Key, Mark, Message, Record, Request, Response, Saga,
    Saved, Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

#[derive(Clone, Debug, Hash)]
struct Orchestrator {
    config: Config,
    // Your state.
}

impl Orchestrator {
    /// A service has answered a call: `Done`, `Refused` or `Cancelled`.
    fn answered(&mut self, call: Call, mark: Mark, cx: &mut Cx<'_>) {
        todo!("is it news? then write it down, and make the call that comes next: forward, or back")
    }
}

impl Node<Saga> for Orchestrator {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Orchestrator {
            config: config.clone(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        // Not only the first start: which bookings go on, and where?
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Done(call) => self.answered(call, Mark::Done, cx),
            Message::Refused(call) => self.answered(call, Mark::Refused, cx),
            Message::Cancelled(call) => self.answered(call, Mark::Cancelled, cx),
            // These are for services.
            Message::Do(_) | Message::Cancel(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        todo!(
            "call again what has not answered; when is a booking given up, and when can it not be?"
        )
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Book(booking) => {
                todo!("a new booking, one that is under way, or one that has ended")
            }
            // For services alone.
            Request::Refuse(_) => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Orchestrator>)
}
