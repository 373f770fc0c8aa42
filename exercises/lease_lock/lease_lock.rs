//! lease_lock: one lock, given out for a limited time, and the storage that it protects. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::lease_lock`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::lease_lock::{
    ANSWERS, ASKS, Config, Entry, Lease, LeaseLock, Message, Request, Response, Saved, TAKES,
    Timer, Token, WAITS, judge,
};
use splitbrain::prelude::*;

/// The lock server, the storage, or a worker: `config` says which nodes are the first two.
#[derive(Clone, Debug, Hash)]
struct Lock {
    config: Config,
    saved: Saved,
    // Your state. One struct for each role, and an enum of the three, reads well.
}

impl Node<LeaseLock> for Lock {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Lock {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
        }
    }

    /// After `new`, at the first start and at every restart: timers of the last life are gone.
    fn on_start(&mut self, cx: &mut Context<'_, LeaseLock>) {}

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, LeaseLock>) {
        match message {
            Message::Acquire { asked } => todo!("server: grant it, if it is free or theirs"),
            Message::Renew { token, asked } => todo!("server: grant it anew, if it still runs"),
            Message::Release(token) => todo!("server: is that the lease that runs?"),
            Message::Granted { token, asked } => todo!("worker: until when do you hold it?"),
            Message::Write(entry) => todo!("storage: is it later than the last one?"),
            Message::Wrote { token, number } => todo!("worker: tell the client"),
            Message::Refused { token, number } => todo!("worker: what does the client know now?"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, LeaseLock>) {
        match timer {
            Timer::Ask => todo!("worker: ask again, if somebody waits"),
            Timer::Renew => todo!("worker: ask for a longer lease"),
            Timer::Write(token, number) => todo!("worker: the storage has not answered"),
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LeaseLock>) {
        match request {
            Request::Lock => todo!("worker: get the lock"),
            Request::Write(entry) => todo!("worker: send it, if you hold this lease now"),
            Request::Unlock => todo!("worker: give it back"),
            Request::Read => todo!("storage: what was written last"),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Lock>)
}
