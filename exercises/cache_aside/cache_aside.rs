//! cache_aside: say in one sentence what is to be written. The problem is in README.md beside this file; the words of the
//! protocol (go to definition) in `splitbrain::exercises::cache_aside`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::cache_aside::{
    CacheAside, Message, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Replica {
    // Your state.
}

impl Node<CacheAside> for Replica {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &(), saved: Option<Saved>) -> Self {
        Replica {}
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, CacheAside>) {
        todo!("what does another node tell?")
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        todo!("answer with cx.reply(ticket, …)")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
