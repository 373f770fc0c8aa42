//! pn_counter: a counter that goes up and down, on several replicas. The problem is in README.md beside this file; the
//! types (go to definition) in `splitbrain::exercises::pn_counter`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::pn_counter::{
    Counter, Counts, Message, OpId, PnCounter, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    // Your state.
}

impl Node<PnCounter> for Replica {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &(), saved: Option<Saved>) -> Self {
        Replica { me }
    }

    fn on_start(&mut self, cx: &mut Context<'_, PnCounter>) {
        // Timers are set here: cx.set_timer(Timer::Gossip, millis(100)).
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, PnCounter>) {
        let Message::Counts {
            increments,
            decrements,
        } = message;
        todo!("merge what another replica knows into what you know")
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PnCounter>) {
        todo!("tell the others what you know, and set the timer again")
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, PnCounter>) {
        match request {
            Request::Increment(op) => {
                todo!("count it once, make it safe, then cx.reply(ticket, Response::Done)")
            }
            Request::Decrement(op) => todo!("the same, the other way"),
            Request::Read => cx.reply(ticket, Response::Value(self.value())),
        }
    }
}

impl Counter for Replica {
    fn value(&self) -> i64 {
        todo!("increments less decrements, of all replicas, as far as this one knows")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
