//! quorum_register: a linearizable register without a leader. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::quorum_register`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::quorum_register::{
    ASK_AGAIN_AFTER, ASK_AGAIN_WITHIN, Held, Message, OpId, QuorumRegister, Request, Response,
    Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    held: Held,
    // Your state.
}

impl Node<QuorumRegister> for Replica {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &(), saved: Option<Saved>) -> Self {
        Replica {
            me,
            held: Held::INITIAL,
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => todo!("show what you hold"),
            Message::Answer(id, held) => {
                todo!("one more answer to a first phase: is that a majority?")
            }
            Message::Store(id, held) => {
                todo!("hold it unless what you hold is newer, make it safe, acknowledge")
            }
            Message::Stored(id) => todo!("one more answer to a second phase: is that a majority?"),
        }
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, QuorumRegister>,
    ) {
        match request {
            Request::Write(value) => todo!("first ask what is there, then store above it"),
            Request::Read => todo!("first ask what is there, then …?"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        todo!("ask those again that have not answered")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
