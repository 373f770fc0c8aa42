//! two_phase_commit: transfers between accounts of several nodes, made everywhere or nowhere. The problem is in README.md beside this
//! file; the types (go to definition) in `splitbrain::exercises::two_phase_commit`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer,
    TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The coordinator, or one of the participants: `config.coordinator` says which node coordinates.
#[derive(Clone, Debug, Hash)]
struct Bank {
    config: Config,
    saved: Saved,
    // Your state.
}

impl Node<TwoPhaseCommit> for Bank {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Bank {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
        }
    }

    /// After `new`, at the first start and at every restart: timers of the last life are gone.
    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {}

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare {
                tx,
                change,
                participants,
            } => todo!("participant: vote, and write a Yes down first"),
            Message::Voted(tx, vote) => todo!("coordinator: count voters, and decide"),
            Message::Decided(tx, outcome) => todo!("participant: end it, once, and say Done"),
            Message::Done(tx) => {} // coordinator: what all are done with may be forgotten
            Message::Ask(tx) => todo!("coordinator: say how it ended"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) => todo!("coordinator: votes are missing"),
            Timer::Doubt(tx) => todo!("participant: ask how it ended"),
            Timer::Tick => {}
        }
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, TwoPhaseCommit>,
    ) {
        match request {
            Request::Transact(changes) => todo!("coordinator: ask every participant to prepare"),
            Request::Read(account) => todo!("participant: the balance, or Locked"),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
