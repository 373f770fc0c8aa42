//! Presumed commit: the beginning is written down before the first Prepare, and aborts are kept until all are done; a commit is written down and
//! may be forgotten at once, as what is not known has committed. A participant keeps its undecided votes in one map and its ended ones in another.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Bank {
    leads: bool,
    config: Config,
    counter: u64,
    balances: BTreeMap<Account, u64>,
    doubt: BTreeMap<TxId, (Change, BTreeSet<NodeId>)>,
    over: BTreeMap<TxId, Outcome>,
    begun: BTreeMap<TxId, BTreeSet<NodeId>>,
    aborted: BTreeMap<TxId, BTreeSet<NodeId>>,
    yes: BTreeMap<TxId, BTreeSet<NodeId>>,
    tickets: BTreeMap<TxId, Ticket>,
}

impl Bank {
    fn disk(&self) -> Saved {
        let mut log = BTreeMap::new();
        log.extend(self.doubt.iter().map(|(tx, (change, all))| (*tx, Record::Prepared(*change, all.clone()))));
        log.extend(self.over.iter().map(|(tx, outcome)| (*tx, Record::Ended(*outcome, BTreeSet::new()))));
        log.extend(self.begun.iter().map(|(tx, all)| (*tx, Record::Begun(all.clone()))));
        log.extend(self.aborted.iter().map(|(tx, all)| (*tx, Record::Ended(Outcome::Abort, all.clone()))));
        Saved { log, balances: self.balances.clone(), counter: self.counter }
    }

    fn has(&self, account: Account) -> u64 {
        self.balances.get(&account).copied().unwrap_or(self.config.opening)
    }

    fn abort(&mut self, tx: TxId, cx: &mut Context<'_, TwoPhaseCommit>) {
        let Some(all) = self.begun.remove(&tx) else { return };
        self.aborted.insert(tx, all.clone());
        cx.save(self.disk());
        all.iter().for_each(|node| cx.send(*node, Message::Decided(tx, Outcome::Abort)));
        if let Some(ticket) = self.tickets.remove(&tx) {
            cx.reply(ticket, Response::Aborted(tx));
        }
    }

    fn commit(&mut self, tx: TxId, cx: &mut Context<'_, TwoPhaseCommit>) {
        let Some(all) = self.begun.remove(&tx) else { return };
        let mut disk = self.disk();
        disk.log.insert(tx, Record::Ended(Outcome::Commit, BTreeSet::new()));
        cx.save(disk);
        if let Some(ticket) = self.tickets.remove(&tx) {
            cx.reply(ticket, Response::Committed(tx));
        }
        all.iter().for_each(|node| cx.send(*node, Message::Decided(tx, Outcome::Commit)));
    }

    fn end(&mut self, tx: TxId, outcome: Outcome) {
        if self.over.contains_key(&tx) {
            return;
        }
        if let Some((Change { account, by }, _)) = self.doubt.remove(&tx)
            && outcome == Outcome::Commit
        {
            let has = self.has(account);
            self.balances.insert(account, has.wrapping_add(by as u64));
        }
        self.over.insert(tx, outcome);
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let leads = me == config.coordinator;
        let mut bank = Bank {
            leads,
            config: config.clone(),
            counter: saved.counter,
            balances: saved.balances,
            doubt: BTreeMap::new(),
            over: BTreeMap::new(),
            begun: BTreeMap::new(),
            aborted: BTreeMap::new(),
            yes: BTreeMap::new(),
            tickets: BTreeMap::new(),
        };
        for (tx, record) in saved.log {
            match record {
                Record::Begun(all) => drop(bank.begun.insert(tx, all)),
                Record::Prepared(change, all) => drop(bank.doubt.insert(tx, (change, all))),
                Record::Ended(Outcome::Abort, all) if leads => drop(bank.aborted.insert(tx, all)),
                Record::Ended(..) if leads => {}
                Record::Ended(outcome, _) => drop(bank.over.insert(tx, outcome)),
            }
        }
        bank
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        let begun: Vec<TxId> = self.begun.keys().copied().collect();
        begun.into_iter().for_each(|tx| self.abort(tx, cx));
        self.doubt.keys().for_each(|tx| cx.set_timer(Timer::Doubt(*tx), Duration::from_millis(1)));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => {
                let taken = self.doubt.iter().any(|(other, (held, _))| *other != tx && held.account == change.account);
                let vote = match self.over.get(&tx) {
                    Some(Outcome::Commit) => return,
                    Some(Outcome::Abort) => Vote::No,
                    None if self.doubt.contains_key(&tx) => Vote::Yes,
                    None if taken || self.has(change.account).checked_add_signed(change.by).is_none() => Vote::No,
                    None => Vote::Yes,
                };
                if vote == Vote::No {
                    self.end(tx, Outcome::Abort);
                } else {
                    self.doubt.insert(tx, (change, participants));
                    cx.set_timer(Timer::Doubt(tx), Duration::from_millis(120));
                }
                cx.save(self.disk());
                cx.send(from, Message::Voted(tx, vote));
            }
            Message::Voted(tx, vote) => {
                let Some(all) = self.begun.get(&tx) else { return };
                if vote == Vote::No {
                    return self.abort(tx, cx);
                }
                let yes = self.yes.entry(tx).or_default();
                yes.insert(from);
                if yes.is_superset(all) {
                    self.commit(tx, cx);
                }
            }
            Message::Decided(tx, outcome) => {
                self.end(tx, outcome);
                cx.save(self.disk());
                cx.send(from, Message::Done(tx));
            }
            Message::Done(tx) => {
                if let Some(waiting) = self.aborted.get_mut(&tx) {
                    waiting.remove(&from);
                    if waiting.is_empty() {
                        self.aborted.remove(&tx);
                    }
                }
            }
            Message::Ask(tx) => {
                if self.leads && !self.begun.contains_key(&tx) {
                    let outcome = if self.aborted.contains_key(&tx) { Outcome::Abort } else { Outcome::Commit };
                    cx.send(from, Message::Decided(tx, outcome));
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) => self.abort(tx, cx),
            Timer::Doubt(tx) if self.doubt.contains_key(&tx) => {
                cx.send(self.config.coordinator, Message::Ask(tx));
                cx.set_timer(Timer::Doubt(tx), Duration::from_millis(120));
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => {
                self.counter += 1;
                let tx = TxId(self.counter);
                let all: BTreeSet<NodeId> = changes.keys().copied().collect();
                self.begun.insert(tx, all.clone());
                self.tickets.insert(tx, ticket);
                cx.save(self.disk());
                changes.into_iter().for_each(|(node, change)| cx.send(node, Message::Prepare { tx, change, participants: all.clone() }));
                cx.set_timer(Timer::Votes(tx), Duration::from_millis(250));
            }
            Request::Read(account) => {
                let held = self.doubt.values().any(|(change, _)| change.account == account);
                cx.reply(ticket, if held { Response::Locked } else { Response::Balance(self.has(account)) });
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
