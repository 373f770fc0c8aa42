//! cache_aside: application servers between clients, a cache that forgets and a database that does not. The problem is in README.md beside this
//! file; the types (go to definition) in `splitbrain::exercises::cache_aside`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::cache_aside::{
    AGAIN, ANSWERS, CacheAside, Config, Key, LEASE, Lease, Message, PATIENCE, Request, Response,
    SILENT, TAKES, Timer, Value, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    // Your state.
}

impl Node<CacheAside> for Server {
    /// Every start: a server has no disk.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<()>) -> Self {
        Server {
            config: config.clone(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, CacheAside>) {
        match message {
            Message::Hit { key, value } => todo!("who waits for that?"),
            Message::Miss { key, lease } => todo!("you may load it, if there is room"),
            Message::Wait(key) => todo!("somebody else loads it"),
            Message::Row { key, tag, value } => {
                todo!("who waits for that? may it be put into the cache, and for how long?")
            }
            Message::Written(id) => todo!("the database has it: what must the cache do now?"),
            Message::Deleted { key, tag } => todo!("which write is done?"),
            _ => {} // what servers say to the cache and to the database
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, CacheAside>) {
        todo!("what has had no answer for so long, and what is to be done now?")
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        match request {
            Request::Get(key) => todo!("ask the cache, unless somebody has just done so"),
            Request::Put { id, key, value } => todo!("first the database"),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
