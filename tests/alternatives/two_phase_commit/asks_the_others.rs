//! Cooperative termination: whoever is in doubt asks everybody who has a part in it, and whoever has not voted yet aborts when it is asked.
//! Numbers are drawn; a coordinator that has heard a No tells nobody who cannot hold a lock.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(90);

#[derive(Clone, Debug, Hash)]
enum State {
    Voting { ticket: Ticket, missing: BTreeSet<NodeId>, all: BTreeSet<NodeId> },
}

#[derive(Clone, Debug, Hash)]
struct Node2pc {
    me: NodeId,
    config: Config,
    disk: Saved,
    open: BTreeMap<TxId, State>,
    locks: BTreeMap<Account, TxId>,
}

impl Node2pc {
    fn close(&mut self, tx: TxId, outcome: Outcome, refused: Option<NodeId>, cx: &mut Context<'_, TwoPhaseCommit>) {
        let Some(State::Voting { ticket, all, .. }) = self.open.remove(&tx) else { return };
        if outcome == Outcome::Commit {
            self.disk.log.insert(tx, Record::Ended(Outcome::Commit, BTreeSet::new()));
            cx.save(self.disk.clone());
            cx.reply(ticket, Response::Committed(tx));
        } else {
            cx.reply(ticket, Response::Aborted(tx));
        }
        for node in all {
            if Some(node) != refused {
                cx.send(node, Message::Decided(tx, outcome));
            }
        }
    }

    fn settle(&mut self, tx: TxId, outcome: Outcome, cx: &mut Context<'_, TwoPhaseCommit>) {
        let change = match self.disk.log.get(&tx) {
            Some(Record::Ended(..)) => return,
            Some(Record::Prepared(change, _)) => Some(*change),
            _ => None,
        };
        if let Some(change) = change {
            self.locks.remove(&change.account);
            if outcome == Outcome::Commit {
                let balance = self.disk.balances.entry(change.account).or_insert(self.config.opening);
                *balance = balance.wrapping_add_signed(change.by);
            }
        }
        self.disk.log.insert(tx, Record::Ended(outcome, BTreeSet::new()));
        cx.save(self.disk.clone());
        cx.cancel_timer(Timer::Doubt(tx));
    }

    fn ask(&self, tx: TxId, cx: &mut Context<'_, TwoPhaseCommit>) {
        if let Some(Record::Prepared(_, participants)) = self.disk.log.get(&tx) {
            cx.send(self.config.coordinator, Message::Ask(tx));
            for node in participants {
                if *node != self.me {
                    cx.send(*node, Message::Ask(tx));
                }
            }
            cx.set_timer(Timer::Doubt(tx), PATIENCE);
        }
    }
}

impl Node<TwoPhaseCommit> for Node2pc {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let disk = saved.unwrap_or_default();
        let held = disk.log.iter().filter_map(|(tx, r)| if let Record::Prepared(change, _) = r { Some((change.account, *tx)) } else { None });
        let locks = held.collect();
        Node2pc { me, config: config.clone(), disk, open: BTreeMap::new(), locks }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        let held: Vec<TxId> = self.locks.values().copied().collect();
        held.into_iter().for_each(|tx| self.ask(tx, cx));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => {
                let known = self.disk.log.get(&tx).cloned();
                let can = self.disk.balances.get(&change.account).unwrap_or(&self.config.opening).checked_add_signed(change.by).is_some();
                let vote = match known {
                    Some(Record::Ended(..)) => return,
                    Some(_) => Vote::Yes,
                    None if can && !self.locks.contains_key(&change.account) => {
                        self.locks.insert(change.account, tx);
                        self.disk.log.insert(tx, Record::Prepared(change, participants));
                        cx.save(self.disk.clone());
                        Vote::Yes
                    }
                    None => {
                        self.settle(tx, Outcome::Abort, cx);
                        Vote::No
                    }
                };
                cx.send(from, Message::Voted(tx, vote));
                if vote == Vote::Yes {
                    cx.set_timer(Timer::Doubt(tx), PATIENCE);
                }
            }
            Message::Voted(tx, Vote::No) => self.close(tx, Outcome::Abort, Some(from), cx),
            Message::Voted(tx, Vote::Yes) => {
                if let Some(State::Voting { missing, .. }) = self.open.get_mut(&tx) {
                    missing.remove(&from);
                    if missing.is_empty() {
                        self.close(tx, Outcome::Commit, None, cx);
                    }
                }
            }
            Message::Decided(tx, outcome) => {
                self.settle(tx, outcome, cx);
                if from == self.config.coordinator {
                    cx.send(from, Message::Done(tx));
                }
            }
            Message::Done(_) => {}
            Message::Ask(tx) if self.me == self.config.coordinator => {
                if !self.open.contains_key(&tx) {
                    let outcome = if self.disk.log.contains_key(&tx) { Outcome::Commit } else { Outcome::Abort };
                    cx.send(from, Message::Decided(tx, outcome));
                }
            }
            Message::Ask(tx) => {
                if !self.disk.log.contains_key(&tx) {
                    self.settle(tx, Outcome::Abort, cx);
                }
                if let Some(Record::Ended(outcome, _)) = self.disk.log.get(&tx) {
                    cx.send(from, Message::Decided(tx, *outcome));
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) => self.close(tx, Outcome::Abort, None, cx),
            Timer::Doubt(tx) => self.ask(tx, cx),
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => {
                let tx = TxId(cx.random(0..=u64::MAX));
                let all: BTreeSet<NodeId> = changes.keys().copied().collect();
                for (node, change) in changes.into_iter().rev() {
                    cx.send(node, Message::Prepare { tx, change, participants: all.clone() });
                }
                cx.set_timer(Timer::Votes(tx), PATIENCE);
                self.open.insert(tx, State::Voting { ticket, missing: all.clone(), all });
            }
            Request::Read(account) if self.locks.contains_key(&account) => cx.reply(ticket, Response::Locked),
            Request::Read(account) => {
                let balance = self.disk.balances.get(&account).copied().unwrap_or(self.config.opening);
                cx.reply(ticket, Response::Balance(balance));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Node2pc>)
}
