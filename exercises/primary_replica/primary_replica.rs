//! primary_replica: a log that a primary ships to replicas, and a failover that loses nothing. The problem is in README.md beside this
//! file; the types (go to definition) in `splitbrain::exercises::primary_replica`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::primary_replica::{
    BEAT, Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, TAKES, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Replica {
    config: Config,
    saved: Saved,
    // Your state.
}

impl Node<PrimaryReplica> for Replica {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Replica {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, PrimaryReplica>) {
        match message {
            Message::Seal(epoch) => {
                todo!("from now on nothing older counts: save that, and report")
            }
            Message::Lead(epoch) => todo!("if it is the epoch that you have sealed, lead"),
            Message::Append {
                epoch,
                from: position,
                entries,
                committed,
            } => todo!("replica: take it, if it fits; then say how much you have"),
            Message::Have { epoch, length } => todo!("primary: do enough replicas have a write?"),
            Message::Report { .. } => {} // what you say to the arbiter
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, PrimaryReplica>) {
        todo!("primary: send every replica what it may lack")
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, PrimaryReplica>,
    ) {
        match request {
            Request::Write(value) => todo!("primary: append it, save, and ship it; others refuse"),
            Request::Read => todo!("what is known here to be acknowledged"),
            Request::FailOver => {} // asked of the arbiter alone
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
