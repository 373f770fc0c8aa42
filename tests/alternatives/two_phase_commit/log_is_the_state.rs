//! Nothing is kept beside the disk but whom to answer: every handler reads the log, writes it and sends what the log says. The votes that came are in the
//! record of the beginning: whoever has voted Yes leaves its set. After a restart it goes on with them.

use splitbrain::exercises::two_phase_commit::{
    Account, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Bank {
    config: Config,
    disk: Saved,
    asks: BTreeMap<TxId, (Ticket, BTreeSet<NodeId>)>,
}

impl Bank {
    fn put(&mut self, tx: TxId, record: Record, cx: &mut Context<'_, TwoPhaseCommit>) {
        self.disk.log.insert(tx, record);
        cx.save(self.disk.clone());
    }

    fn ended(&self, tx: TxId) -> Option<Outcome> {
        if let Some(Record::Ended(outcome, _)) = self.disk.log.get(&tx) { Some(*outcome) } else { None }
    }

    fn finish(&mut self, tx: TxId, outcome: Outcome, cx: &mut Context<'_, TwoPhaseCommit>) {
        self.put(tx, Record::Ended(outcome, BTreeSet::new()), cx);
        if let Some((ticket, everybody)) = self.asks.remove(&tx) {
            everybody.into_iter().for_each(|node| cx.send(node, Message::Decided(tx, outcome)));
            cx.reply(ticket, if outcome == Outcome::Commit { Response::Committed(tx) } else { Response::Aborted(tx) });
        }
    }

    fn state(&self, account: Account) -> Option<u64> {
        let free = self.disk.log.values().all(|r| !matches!(r, Record::Prepared(change, _) if change.account == account));
        free.then(|| self.disk.balances.get(&account).copied().unwrap_or(self.config.opening))
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Bank { config: config.clone(), disk: saved.unwrap_or_default(), asks: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        for (tx, record) in &self.disk.log {
            match record {
                Record::Prepared(..) => cx.set_timer(Timer::Doubt(*tx), Duration::ZERO),
                Record::Begun(_) => cx.set_timer(Timer::Votes(*tx), Duration::ZERO),
                Record::Ended(..) => {}
            }
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => {
                if !self.disk.log.contains_key(&tx) {
                    let can = self.state(change.account).is_some_and(|has| has.checked_add_signed(change.by).is_some());
                    self.put(tx, if can { Record::Prepared(change, participants) } else { Record::Ended(Outcome::Abort, BTreeSet::new()) }, cx);
                    cx.set_timer(Timer::Doubt(tx), Duration::from_millis(150));
                }
                let vote = if self.ended(tx) == Some(Outcome::Abort) { Vote::No } else { Vote::Yes };
                cx.send(self.config.coordinator, Message::Voted(tx, vote));
            }
            Message::Voted(tx, vote) => {
                let Some(Record::Begun(missing)) = self.disk.log.get(&tx) else { return };
                let mut missing = missing.clone();
                missing.remove(&from);
                if vote == Vote::No {
                    self.finish(tx, Outcome::Abort, cx);
                } else if missing.is_empty() {
                    self.finish(tx, Outcome::Commit, cx);
                } else {
                    self.put(tx, Record::Begun(missing), cx);
                }
            }
            Message::Decided(tx, outcome) => {
                if let Some(Record::Prepared(change, _)) = self.disk.log.get(&tx).cloned()
                    && outcome == Outcome::Commit
                {
                    let has = self.disk.balances.get(&change.account).copied().unwrap_or(self.config.opening);
                    self.disk.balances.insert(change.account, has.saturating_add_signed(change.by));
                }
                if self.ended(tx).is_none() {
                    self.put(tx, Record::Ended(outcome, BTreeSet::new()), cx);
                }
                cx.send(from, Message::Done(tx));
            }
            Message::Ask(tx) => {
                if let Some(outcome) = self.ended(tx) {
                    cx.send(from, Message::Decided(tx, outcome));
                }
            }
            Message::Done(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) if self.ended(tx).is_none() => self.finish(tx, Outcome::Abort, cx),
            Timer::Doubt(tx) if matches!(self.disk.log.get(&tx), Some(Record::Prepared(..))) => {
                cx.send(self.config.coordinator, Message::Ask(tx));
                cx.set_timer(timer, Duration::from_millis(150));
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => {
                self.disk.counter += 1;
                let tx = TxId(self.disk.counter);
                let everybody: BTreeSet<NodeId> = changes.keys().copied().collect();
                self.put(tx, Record::Begun(everybody.clone()), cx);
                for (node, change) in changes {
                    cx.send(node, Message::Prepare { tx, change, participants: everybody.clone() });
                }
                cx.set_timer(Timer::Votes(tx), Duration::from_millis(200));
                self.asks.insert(tx, (ticket, everybody));
            }
            Request::Read(account) => cx.reply(ticket, self.state(account).map_or(Response::Locked, Response::Balance)),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
