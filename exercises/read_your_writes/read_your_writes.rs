//! read_your_writes: one primary, replicas that lag, and clients who carry a token. The problem is in README.md beside this file; the
//! types (go to definition) in `splitbrain::exercises::read_your_writes`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::read_your_writes::{
    Config, Key, Message, Position, ReadYourWrites, Request, Response, Saved, Timer, Value, Write,
    judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// The primary, or one of the replicas: `config.primary` says which node takes the writes.
#[derive(Clone, Debug, Hash)]
struct Store {
    config: Config,
    log: Vec<Write>,
    // Your state.
}

impl Node<ReadYourWrites> for Store {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Store {
            config: config.clone(),
            log: saved.unwrap_or_default().log,
        }
    }

    /// After `new`, at the first start and at every restart: timers of the last life are gone.
    fn on_start(&mut self, cx: &mut Context<'_, ReadYourWrites>) {}

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ReadYourWrites>) {
        match message {
            Message::Have(position) => todo!("primary: send what follows"),
            Message::Append { after, writes } => todo!("replica: take what follows your log"),
            Message::Ask { key, token } => todo!("primary: answer for a replica that lags"),
            Message::Tell { key, value, token } => {
                todo!("replica: the reads that this answers")
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ReadYourWrites>) {
        match timer {
            Timer::Wait(ticket) => {}
            Timer::GiveUp(ticket) => todo!("replica: this read has waited long enough"),
            Timer::Sync => todo!("replica: say what you have, again and again"),
            Timer::Tick => {}
        }
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, ReadYourWrites>,
    ) {
        match request {
            Request::Write(write) => todo!("primary: the log, the disk, the answer"),
            Request::Read { key, token } => todo!("answer, or wait until you can"),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Store>)
}
