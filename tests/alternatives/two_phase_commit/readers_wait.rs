//! A read of a locked account waits a little for the end before it is answered Locked; a No is given without a word in the log. Numbers are reserved
//! by the thousand, and the disk is written only by those who must.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Votes {
    ticket: Ticket,
    waiting: BTreeSet<NodeId>,
    all: BTreeSet<NodeId>,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    me: NodeId,
    config: Config,
    saved: Saved,
    next: u64,
    votes: BTreeMap<TxId, Votes>,
    refused: BTreeSet<TxId>,
    readers: Vec<(Ticket, Account)>,
}

impl Bank {
    fn end(&mut self, votes: Votes, tx: TxId, outcome: Outcome, cx: &mut Context<'_, TwoPhaseCommit>) {
        if outcome == Outcome::Commit {
            self.saved.log.insert(tx, Record::Ended(outcome, votes.all.clone()));
            cx.save(self.saved.clone());
        }
        cx.reply(votes.ticket, if outcome == Outcome::Commit { Response::Committed(tx) } else { Response::Aborted(tx) });
        votes.all.into_iter().for_each(|node| cx.send(node, Message::Decided(tx, outcome)));
    }

    fn read(&self, account: Account) -> Response {
        let held = |r: &Record| matches!(r, Record::Prepared(change, _) if change.account == account);
        if self.saved.log.values().any(held) {
            return Response::Locked;
        }
        Response::Balance(self.saved.balances.get(&account).copied().unwrap_or(self.config.opening))
    }

    fn serve(&mut self, at_last: bool, cx: &mut Context<'_, TwoPhaseCommit>) {
        for (ticket, account) in std::mem::take(&mut self.readers) {
            match self.read(account) {
                Response::Locked if !at_last => self.readers.push((ticket, account)),
                answer => cx.reply(ticket, answer),
            }
        }
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let next = saved.counter;
        let (votes, refused, readers) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Bank { me, config: config.clone(), saved, next, votes, refused, readers }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        for (tx, record) in &self.saved.log {
            if let Record::Prepared(..) = record {
                cx.send(self.config.coordinator, Message::Ask(*tx));
                cx.set_timer(Timer::Doubt(*tx), Duration::from_millis(80));
            }
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => {
                let known = self.saved.log.get(&tx);
                let can = match self.read(change.account) {
                    Response::Balance(balance) => balance.checked_add_signed(change.by).is_some(),
                    _ => false,
                };
                if matches!(known, Some(Record::Ended(..))) {
                    // It is over.
                } else if known.is_some() {
                    cx.send(from, Message::Voted(tx, Vote::Yes));
                } else if can && !self.refused.contains(&tx) {
                    self.saved.log.insert(tx, Record::Prepared(change, participants));
                    cx.save(self.saved.clone());
                    cx.send(from, Message::Voted(tx, Vote::Yes));
                    cx.set_timer(Timer::Doubt(tx), Duration::from_millis(80));
                } else {
                    self.refused.insert(tx);
                    cx.send(from, Message::Voted(tx, Vote::No));
                }
            }
            Message::Voted(tx, vote) => {
                let Some(mut votes) = self.votes.remove(&tx) else { return };
                if vote == Vote::No {
                    return self.end(votes, tx, Outcome::Abort, cx);
                }
                votes.waiting.remove(&from);
                if votes.waiting.is_empty() {
                    self.end(votes, tx, Outcome::Commit, cx);
                } else {
                    self.votes.insert(tx, votes);
                }
            }
            Message::Decided(tx, outcome) => {
                let prepared = match self.saved.log.get(&tx) {
                    Some(Record::Prepared(change, _)) => Some(*change),
                    Some(Record::Ended(..)) => return cx.send(from, Message::Done(tx)),
                    _ => None,
                };
                if let Some(Change { account, by }) = prepared.filter(|_| outcome == Outcome::Commit) {
                    let balance = self.saved.balances.get(&account).copied().unwrap_or(self.config.opening);
                    self.saved.balances.insert(account, balance.wrapping_add_signed(by));
                }
                self.saved.log.insert(tx, Record::Ended(outcome, BTreeSet::new()));
                cx.save(self.saved.clone());
                cx.send(from, Message::Done(tx));
                self.serve(false, cx);
            }
            Message::Ask(tx) if self.me == self.config.coordinator && !self.votes.contains_key(&tx) => {
                let commits = self.saved.log.contains_key(&tx);
                cx.send(from, Message::Decided(tx, if commits { Outcome::Commit } else { Outcome::Abort }));
            }
            Message::Done(_) | Message::Ask(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) => {
                if let Some(votes) = self.votes.remove(&tx) {
                    self.end(votes, tx, Outcome::Abort, cx);
                }
            }
            Timer::Doubt(tx) => {
                if matches!(self.saved.log.get(&tx), Some(Record::Prepared(..))) {
                    cx.send(self.config.coordinator, Message::Ask(tx));
                    cx.set_timer(Timer::Doubt(tx), Duration::from_millis(80));
                }
            }
            Timer::Tick => self.serve(true, cx),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => {
                self.next += 1;
                if self.next > self.saved.counter {
                    self.saved.counter += 1_000;
                    cx.save(self.saved.clone());
                }
                let tx = TxId(self.next);
                let all: BTreeSet<NodeId> = changes.keys().copied().collect();
                for (node, change) in changes {
                    cx.send(node, Message::Prepare { tx, change, participants: all.clone() });
                }
                cx.set_timer(Timer::Votes(tx), Duration::from_millis(60));
                self.votes.insert(tx, Votes { ticket, waiting: all.clone(), all });
            }
            Request::Read(account) => {
                if self.readers.is_empty() {
                    cx.set_timer(Timer::Tick, Duration::from_millis(15));
                }
                self.readers.push((ticket, account));
                self.serve(false, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
