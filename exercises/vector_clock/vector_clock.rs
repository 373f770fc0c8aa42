//! vector_clock: posts that each node shows only after what their authors had read, and clocks that tell what came before what. The
//! problem is in README.md beside this file; the types (go to definition) in `splitbrain::exercises::vector_clock`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::vector_clock::{
    Clock, Config, Member, Post, PostId, Relation, Request, Response, Timer, VectorClock, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// How `a` relates to `b`. A node without an entry counts 0.
fn compare(a: &Clock, b: &Clock) -> Relation {
    todo!("before, after, equal or concurrent?")
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    feed: Vec<PostId>,
    // What else you must know.
}

impl Node<VectorClock> for Process {
    /// Made once: nodes do not crash here, and `saved` is `None`.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<()>) -> Self {
        Process {
            me,
            feed: Vec::new(),
        }
    }

    /// A post has come, from its author or passed on by another node; early, late, or for the second time.
    fn on_message(&mut self, from: NodeId, post: Post, cx: &mut Context<'_, VectorClock>) {
        todo!("put it into the feed if it is time for it, and then what was waiting for it")
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Post => {
                todo!("a post with its clock: to the others, into the feed, and to the client")
            }
            Request::Compare(a, b) => {
                cx.reply(ticket, Response::Compared(compare(&a, &b)));
            }
        }
    }
}

impl Member for Process {
    fn feed(&self) -> &[PostId] {
        &self.feed
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
