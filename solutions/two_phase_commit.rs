//! The reference: presumed abort. A Yes and a commit are on the disk before anybody hears of them; an abort need not be: what the
//! coordinator knows nothing of has aborted.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer,
    TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Two messages of 10 ms, and the 20 ms that a participant may take, more than twice.
const VOTES: Duration = Duration::from_millis(120);
const DOUBT: Duration = Duration::from_millis(100);

/// A transaction whose votes the coordinator collects. A crash forgets it, and so it has aborted.
#[derive(Clone, Debug, Hash)]
struct Voting {
    ticket: Ticket,
    participants: BTreeSet<NodeId>,
    yes: BTreeSet<NodeId>,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    config: Config,
    saved: Saved,
    voting: BTreeMap<TxId, Voting>,
}

// The coordinator.
impl Bank {
    fn begin(
        &mut self,
        changes: BTreeMap<NodeId, Change>,
        ticket: Ticket,
        cx: &mut Context<'_, TwoPhaseCommit>,
    ) {
        // On the disk first: after a crash a number that is used again would find the votes of another transaction.
        self.saved.counter += 1;
        cx.save(self.saved.clone());
        let tx = TxId(self.saved.counter);
        let participants: BTreeSet<NodeId> = changes.keys().copied().collect();
        for (node, change) in changes {
            cx.send(
                node,
                Message::Prepare {
                    tx,
                    change,
                    participants: participants.clone(),
                },
            );
        }
        cx.set_timer(Timer::Votes(tx), VOTES);
        let yes = BTreeSet::new();
        self.voting.insert(
            tx,
            Voting {
                ticket,
                participants,
                yes,
            },
        );
    }

    fn vote(
        &mut self,
        from: NodeId,
        tx: TxId,
        vote: Vote,
        cx: &mut Context<'_, TwoPhaseCommit>,
    ) {
        let Some(voting) = self.voting.get_mut(&tx) else {
            return;
        };
        if vote == Vote::No {
            return self.decide(tx, Outcome::Abort, cx);
        }
        // Voters, not votes: one may come twice.
        voting.yes.insert(from);
        if voting.yes == voting.participants {
            self.decide(tx, Outcome::Commit, cx);
        }
    }

    fn decide(&mut self, tx: TxId, outcome: Outcome, cx: &mut Context<'_, TwoPhaseCommit>) {
        let Some(voting) = self.voting.remove(&tx) else {
            return;
        };
        cx.cancel_timer(Timer::Votes(tx));
        if outcome == Outcome::Commit {
            let record = Record::Ended(outcome, voting.participants.clone());
            self.saved.log.insert(tx, record);
            cx.save(self.saved.clone());
        }
        for node in voting.participants {
            cx.send(node, Message::Decided(tx, outcome));
        }
        let answer = match outcome {
            Outcome::Commit => Response::Committed(tx),
            Outcome::Abort => Response::Aborted(tx),
        };
        cx.reply(voting.ticket, answer);
    }

    /// A commit is forgotten when nobody can ask for it any more. The next save will do.
    fn done(&mut self, from: NodeId, tx: TxId) {
        if let Some(Record::Ended(_, waiting)) = self.saved.log.get_mut(&tx) {
            waiting.remove(&from);
            if waiting.is_empty() {
                self.saved.log.remove(&tx);
            }
        }
    }

    /// Presumed abort: what the coordinator knows nothing of did not commit. Whoever else is asked says what it knows.
    fn asked(&self, from: NodeId, tx: TxId, cx: &mut Context<'_, TwoPhaseCommit>) {
        let presumes = cx.me() == self.config.coordinator && !self.voting.contains_key(&tx);
        let outcome = match self.saved.log.get(&tx) {
            Some(Record::Ended(outcome, _)) => *outcome,
            None if presumes => Outcome::Abort,
            _ => return,
        };
        cx.send(from, Message::Decided(tx, outcome));
    }
}

// A participant.
impl Bank {
    fn balance(&self, account: Account) -> u64 {
        let changed = self.saved.balances.get(&account);
        changed.copied().unwrap_or(self.config.opening)
    }

    fn is_locked(&self, account: Account) -> bool {
        let mut log = self.saved.log.values();
        log.any(|r| matches!(r, Record::Prepared(change, _) if change.account == account))
    }

    fn prepare(
        &mut self,
        tx: TxId,
        change: Change,
        participants: BTreeSet<NodeId>,
        cx: &mut Context<'_, TwoPhaseCommit>,
    ) {
        let vote = match self.saved.log.get(&tx) {
            Some(Record::Ended(Outcome::Commit, _)) => return,
            // It comes late: what has ended here locks nothing again.
            Some(Record::Ended(Outcome::Abort, _)) => Vote::No,
            Some(_) => Vote::Yes,
            None => {
                let after = self.balance(change.account).checked_add_signed(change.by);
                if self.is_locked(change.account) || after.is_none() {
                    self.end(tx, Outcome::Abort, cx);
                    Vote::No
                } else {
                    let record = Record::Prepared(change, participants);
                    self.saved.log.insert(tx, record);
                    cx.save(self.saved.clone());
                    cx.set_timer(Timer::Doubt(tx), DOUBT);
                    Vote::Yes
                }
            }
        };
        cx.send(self.config.coordinator, Message::Voted(tx, vote));
    }

    /// What has ended stays so, whatever comes later.
    fn end(&mut self, tx: TxId, outcome: Outcome, cx: &mut Context<'_, TwoPhaseCommit>) {
        let record = self.saved.log.get(&tx);
        if matches!(record, Some(Record::Ended(..))) {
            return;
        }
        if let Some(Record::Prepared(change, _)) = record
            && outcome == Outcome::Commit
        {
            let after = self.balance(change.account).saturating_add_signed(change.by);
            self.saved.balances.insert(change.account, after);
        }
        let record = Record::Ended(outcome, BTreeSet::new());
        self.saved.log.insert(tx, record);
        cx.save(self.saved.clone());
        cx.cancel_timer(Timer::Doubt(tx));
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Bank {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            voting: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        for (tx, record) in &self.saved.log {
            if matches!(record, Record::Prepared(..)) {
                cx.set_timer(Timer::Doubt(*tx), DOUBT);
            }
        }
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, TwoPhaseCommit>,
    ) {
        match message {
            Message::Prepare {
                tx,
                change,
                participants,
            } => self.prepare(tx, change, participants, cx),
            Message::Voted(tx, vote) => self.vote(from, tx, vote, cx),
            Message::Decided(tx, outcome) => {
                self.end(tx, outcome, cx);
                cx.send(from, Message::Done(tx));
            }
            Message::Done(tx) => self.done(from, tx),
            Message::Ask(tx) => self.asked(from, tx, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) => self.decide(tx, Outcome::Abort, cx),
            Timer::Doubt(tx) => {
                cx.send(self.config.coordinator, Message::Ask(tx));
                cx.set_timer(Timer::Doubt(tx), DOUBT);
            }
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
            Request::Transact(changes) => self.begin(changes, ticket, cx),
            Request::Read(account) if self.is_locked(account) => cx.reply(ticket, Response::Locked),
            Request::Read(account) => {
                cx.reply(ticket, Response::Balance(self.balance(account)));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
