//! two_banks: two servers with a copy of two accounts each, and what clients are told while the link between them is cut, under
//! either choice. The problem is in README.md beside this file; the types (go to definition) in
//! `splitbrain::exercises::two_banks`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::two_banks::{
    AGAIN, ANSWERS, Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId,
    Response, Server, TAKES, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, Hash)]
struct Bank {
    me: NodeId,
    other: NodeId,
    choice: Choice,
    balances: BTreeMap<Account, i64>,
    // What else you must know: your book, the other's entries, who waits for an answer.
}

impl Node<TwoBanks> for Bank {
    /// Made once: servers do not crash here, and `saved` is `None`.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<()>) -> Self {
        let opening = config.opening as i64;
        Bank {
            me,
            other: peers[0],
            choice: config.choice,
            balances: [(Account::Alice, opening), (Account::Bob, opening)].into(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let id = RequestId::of(ticket);
        match self.choice {
            Choice::Ap => todo!("answer at once, by what is known here, and tell the other server"),
            Choice::Cp if request.account().home() == self.me => {
                todo!(
                    "the home decides: one change after the other, and Done when the other has it"
                )
            }
            Choice::Cp => todo!("ask the home of the account"),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => todo!("it counts once, however often it comes"),
            Message::Have(id) => todo!("the other server has the entry of this request"),
            Message::Ask(id, request) => todo!("decide it for a client of the other server"),
            Message::Answer(id, response) => todo!("the home has decided"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        todo!("send again what was not answered; give up what has waited for PATIENCE")
    }
}

impl Server for Bank {
    fn copy(&self, account: Account) -> i64 {
        self.balances[&account]
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
