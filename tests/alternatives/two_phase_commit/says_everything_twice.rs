//! Distrusts the network: what it sends it sends twice, votes are asked for every 40 ms and decisions told every 60 ms until they are done with,
//! and everything is saved on every occasion. Votes are looked at by a timer alone.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Open {
    ticket: Ticket,
    changes: BTreeMap<NodeId, Change>,
    votes: BTreeMap<NodeId, Vote>,
    looks: u32,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    coordinator: NodeId,
    opening: u64,
    saved: Saved,
    open: BTreeMap<TxId, Open>,
    untold: BTreeMap<TxId, (Outcome, BTreeSet<NodeId>, u32)>,
    rounds: u32,
}

impl Bank {
    fn say(to: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        cx.send(to, message.clone());
        cx.send(to, message);
    }

    fn ask_for_votes(&self, tx: TxId, cx: &mut Context<'_, TwoPhaseCommit>) {
        let Some(open) = self.open.get(&tx) else { return };
        for (node, change) in &open.changes {
            if !open.votes.contains_key(node) {
                let participants = open.changes.keys().copied().collect();
                Self::say(*node, Message::Prepare { tx, change: *change, participants }, cx);
            }
        }
    }

    fn look(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        for tx in self.open.keys().copied().collect::<Vec<_>>() {
            let Some(open) = self.open.get_mut(&tx) else { continue };
            open.looks += 1;
            let refused = open.votes.values().any(|vote| *vote == Vote::No);
            let outcome = if refused || open.looks > 12 {
                Outcome::Abort
            } else if open.votes.len() == open.changes.len() {
                Outcome::Commit
            } else {
                if open.looks % 2 == 0 {
                    self.ask_for_votes(tx, cx);
                }
                continue;
            };
            let Some(open) = self.open.remove(&tx) else { continue };
            let everybody: BTreeSet<NodeId> = open.changes.keys().copied().collect();
            self.saved.log.insert(tx, Record::Ended(outcome, everybody.clone()));
            cx.save(self.saved.clone());
            cx.save(self.saved.clone());
            everybody.iter().for_each(|node| Self::say(*node, Message::Decided(tx, outcome), cx));
            self.untold.insert(tx, (outcome, everybody, 0));
            cx.note("decided");
            cx.reply(open.ticket, if outcome == Outcome::Commit { Response::Committed(tx) } else { Response::Aborted(tx) });
        }
    }

    fn end(&mut self, tx: TxId, outcome: Outcome) {
        let entry = self.saved.log.entry(tx).or_insert(Record::Ended(outcome, BTreeSet::new()));
        if let Record::Prepared(change, _) = *entry {
            *entry = Record::Ended(outcome, BTreeSet::new());
            let balance = self.saved.balances.entry(change.account).or_insert(self.opening);
            if outcome == Outcome::Commit {
                *balance = if change.by < 0 { *balance - change.by.unsigned_abs() } else { *balance + change.by as u64 };
            }
        }
    }

    fn is_held(&self, account: Account) -> bool {
        self.saved.log.values().any(|r| matches!(r, Record::Prepared(Change { account: held, .. }, _) if *held == account))
    }

    fn balance(&self, account: Account) -> u64 {
        self.saved.balances.get(&account).map_or(self.opening, |balance| *balance)
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Bank { coordinator: config.coordinator, opening: config.opening, saved, open: BTreeMap::new(), untold: BTreeMap::new(), rounds: 0 }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        if cx.me() == self.coordinator {
            for (tx, record) in &self.saved.log {
                if let Record::Ended(outcome, waiting) = record {
                    self.untold.insert(*tx, (*outcome, waiting.clone(), 0));
                }
            }
        }
        cx.save(self.saved.clone());
        cx.set_timer(Timer::Tick, Duration::from_millis(20));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => {
                let covered = self.balance(change.account).checked_add_signed(change.by).is_some();
                let vote = match self.saved.log.get(&tx) {
                    Some(Record::Ended(Outcome::Abort, _)) => Vote::No,
                    Some(_) => Vote::Yes,
                    None if self.is_held(change.account) || !covered => {
                        self.end(tx, Outcome::Abort);
                        Vote::No
                    }
                    None => {
                        self.saved.log.insert(tx, Record::Prepared(change, participants));
                        Vote::Yes
                    }
                };
                cx.save(self.saved.clone());
                Self::say(from, Message::Voted(tx, vote), cx);
            }
            Message::Voted(tx, vote) => {
                if let Some(open) = self.open.get_mut(&tx) {
                    open.votes.entry(from).or_insert(vote);
                }
            }
            Message::Decided(tx, outcome) => {
                self.end(tx, outcome);
                cx.save(self.saved.clone());
                Self::say(from, Message::Done(tx), cx);
            }
            Message::Done(tx) => {
                if let Some((_, waiting, _)) = self.untold.get_mut(&tx) {
                    waiting.remove(&from);
                }
            }
            Message::Ask(tx) => match self.saved.log.get(&tx) {
                Some(Record::Ended(outcome, _)) => Self::say(from, Message::Decided(tx, *outcome), cx),
                None if cx.me() == self.coordinator && !self.open.contains_key(&tx) => {
                    self.saved.log.insert(tx, Record::Ended(Outcome::Abort, BTreeSet::new()));
                    cx.save(self.saved.clone());
                    Self::say(from, Message::Decided(tx, Outcome::Abort), cx);
                }
                _ => {}
            },
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        cx.set_timer(Timer::Tick, Duration::from_millis(20));
        self.rounds += 1;
        self.look(cx);
        for (tx, (outcome, waiting, times)) in &mut self.untold {
            *times += 1;
            if *times % 3 == 0 {
                waiting.iter().for_each(|node| Self::say(*node, Message::Decided(*tx, *outcome), cx));
            }
        }
        if self.rounds % 5 == 0 {
            for (tx, record) in &self.saved.log {
                if matches!(record, Record::Prepared(..)) {
                    Self::say(self.coordinator, Message::Ask(*tx), cx);
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => {
                self.saved.counter += 1;
                cx.save(self.saved.clone());
                let tx = TxId(self.saved.counter);
                self.open.insert(tx, Open { ticket, changes, votes: BTreeMap::new(), looks: 0 });
                self.ask_for_votes(tx, cx);
            }
            Request::Read(account) => {
                let answer = if self.is_held(account) { Response::Locked } else { Response::Balance(self.balance(account)) };
                cx.reply(ticket, answer);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
