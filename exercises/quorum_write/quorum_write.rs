//! quorum_write: W of N replicas for a write, R of N for a read. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::quorum_write`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::quorum_write::{
    Config, GRACE, Held, Message, QuorumWrite, REPLICA_TAKES, ReadId, Request, Response, Saved,
    Timer, Value, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    config: Config,
    // Your state.
}

impl Node<QuorumWrite> for Replica {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Replica {
            me,
            config: config.clone(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                todo!("hold it unless what you hold is newer, make it safe, acknowledge")
            }
            Message::Stored(version) => todo!("one more replica has saved this: is that W?"),
            Message::Fetch(id) => todo!("show what you hold"),
            Message::Fetched(id, held) => {
                todo!("one more replica has answered a read: is that R, and which is the newest?")
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        // Every request needs a timer: cx.set_timer(Timer::Deadline(ticket), self.config.deadline).
        match request {
            Request::Write(held) => {
                todo!("have the replicas store it; your own counts like the others")
            }
            Request::Read => todo!("ask the replicas; your own counts like the others"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        todo!("time is up: what can you honestly say?")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
