//! view_counter: servers that count views and flush them to one store. The problem is in README.md beside this file; the
//! types (go to definition) in `splitbrain::exercises::view_counter`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::view_counter::{
    Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// One type for both: its role is in the configuration.
#[derive(Clone, Debug, Hash)]
struct Part {
    role: Role,
    flush_every: Duration,
    // Your state.
}

impl Node<ViewCounter> for Part {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Part {
            role: config.role,
            flush_every: config.flush_every,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        // Timers are set here: cx.set_timer(Timer::Flush, self.flush_every).
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match message {
            Message::Flush { id, views } => {
                todo!("the store: count it once, make it safe, then acknowledge it")
            }
            Message::Flushed { id } => todo!("a server: these views are the store's now"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        todo!("a server: flush, and set the timer again")
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match request {
            Request::View => todo!("a server: one view more"),
            Request::Read => cx.reply(ticket, Response::Views(self.shown())),
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        todo!("the store: all views that it has counted")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
