//! Writes everything down: the beginning before the first Prepare, and aborts too; tells the end again and again until all are done, and
//! aborts what had begun when it starts again. Counts ticks in the place of deadlines.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(25);

#[derive(Clone, Debug, Hash)]
struct Begun {
    ticket: Ticket,
    changes: BTreeMap<NodeId, Change>,
    votes: BTreeMap<NodeId, Vote>,
    ticks: u32,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    config: Config,
    saved: Saved,
    begun: BTreeMap<TxId, Begun>,
    ticks: u32,
    me: NodeId,
}

impl Bank {
    fn coordinates(&self) -> bool {
        self.me == self.config.coordinator
    }

    fn write(&mut self, tx: TxId, record: Record, cx: &mut Context<'_, TwoPhaseCommit>) {
        self.saved.log.insert(tx, record);
        cx.save(self.saved.clone());
    }

    fn decide(&mut self, tx: TxId, outcome: Outcome, cx: &mut Context<'_, TwoPhaseCommit>) {
        let Some(begun) = self.begun.remove(&tx) else { return };
        self.write(tx, Record::Ended(outcome, begun.changes.keys().copied().collect()), cx);
        cx.reply(begun.ticket, if outcome == Outcome::Commit { Response::Committed(tx) } else { Response::Aborted(tx) });
        self.tell(tx, cx);
    }

    /// Those who are not done hear it (again).
    fn tell(&self, tx: TxId, cx: &mut Context<'_, TwoPhaseCommit>) {
        if let Some(Record::Ended(outcome, waiting)) = self.saved.log.get(&tx) {
            waiting.iter().for_each(|node| cx.send(*node, Message::Decided(tx, *outcome)));
        }
    }

    fn locked(&self, account: Account) -> bool {
        self.saved.log.values().any(|r| if let Record::Prepared(change, _) = r { change.account == account } else { false })
    }

    fn has(&self, account: Account) -> u64 {
        *self.saved.balances.get(&account).unwrap_or(&self.config.opening)
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Bank { config: config.clone(), saved: saved.unwrap_or_default(), begun: BTreeMap::new(), ticks: 0, me }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        cx.set_timer(Timer::Tick, TICK);
        let mut aborted = false;
        for record in self.saved.log.values_mut() {
            if let Record::Begun(participants) = record {
                *record = Record::Ended(Outcome::Abort, participants.clone());
                aborted = true;
            }
        }
        if aborted {
            cx.save(self.saved.clone());
        }
        if self.coordinates() {
            self.saved.log.keys().for_each(|tx| self.tell(*tx, cx));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => match self.saved.log.get(&tx) {
                Some(Record::Ended(Outcome::Abort, _)) => cx.send(from, Message::Voted(tx, Vote::No)),
                Some(_) => cx.send(from, Message::Voted(tx, Vote::Yes)),
                None if !self.locked(change.account) && self.has(change.account).checked_add_signed(change.by).is_some() => {
                    self.write(tx, Record::Prepared(change, participants), cx);
                    cx.send(from, Message::Voted(tx, Vote::Yes));
                }
                None => {
                    self.write(tx, Record::Ended(Outcome::Abort, BTreeSet::new()), cx);
                    cx.send(from, Message::Voted(tx, Vote::No));
                }
            },
            Message::Voted(tx, vote) => {
                let Some(begun) = self.begun.get_mut(&tx) else { return };
                begun.votes.insert(from, vote);
                if begun.votes.len() == begun.changes.len() {
                    let all = begun.votes.values().all(|vote| *vote == Vote::Yes);
                    self.decide(tx, if all { Outcome::Commit } else { Outcome::Abort }, cx);
                }
            }
            Message::Decided(tx, outcome) => {
                match self.saved.log.get(&tx) {
                    Some(Record::Ended(..)) => {}
                    Some(Record::Prepared(change, _)) if outcome == Outcome::Commit => {
                        let (account, by) = (change.account, change.by);
                        let balance = self.has(account).checked_add_signed(by).unwrap_or(0);
                        self.saved.balances.insert(account, balance);
                        self.write(tx, Record::Ended(outcome, BTreeSet::new()), cx);
                    }
                    _ => self.write(tx, Record::Ended(outcome, BTreeSet::new()), cx),
                }
                cx.send(from, Message::Done(tx));
            }
            Message::Done(tx) => {
                if let Some(Record::Ended(_, waiting)) = self.saved.log.get_mut(&tx) {
                    waiting.remove(&from);
                }
            }
            Message::Ask(tx) => {
                if let Some(Record::Ended(outcome, _)) = self.saved.log.get(&tx)
                    && self.coordinates()
                {
                    cx.send(from, Message::Decided(tx, *outcome));
                }
            }
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        cx.set_timer(Timer::Tick, TICK);
        self.ticks += 1;
        self.begun.values_mut().for_each(|begun| begun.ticks += 1);
        let late: Vec<TxId> = self.begun.iter().filter(|(_, begun)| begun.ticks > 6).map(|(tx, _)| *tx).collect();
        late.into_iter().for_each(|tx| self.decide(tx, Outcome::Abort, cx));
        if self.ticks.is_multiple_of(4) {
            for (tx, record) in &self.saved.log {
                match record {
                    Record::Prepared(..) => cx.send(self.config.coordinator, Message::Ask(*tx)),
                    Record::Ended(..) if self.coordinates() => self.tell(*tx, cx),
                    _ => {}
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => {
                self.saved.counter += 1;
                let tx = TxId(self.saved.counter);
                let participants: BTreeSet<NodeId> = changes.keys().copied().collect();
                self.write(tx, Record::Begun(participants.clone()), cx);
                for (node, change) in &changes {
                    cx.send(*node, Message::Prepare { tx, change: *change, participants: participants.clone() });
                }
                self.begun.insert(tx, Begun { ticket, changes, votes: BTreeMap::new(), ticks: 0 });
            }
            Request::Read(account) if self.locked(account) => cx.reply(ticket, Response::Locked),
            Request::Read(account) => cx.reply(ticket, Response::Balance(self.has(account))),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
