//! What has been decided is written down 8 ms later, together with what else has been: until then the account is held, and nobody hears Done. A Yes
//! that comes when the round is over is taken for a question.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What the coordinator collects for.
#[derive(Clone, Debug, Hash)]
struct Round {
    changes: BTreeMap<NodeId, Change>,
    yes: BTreeSet<NodeId>,
    ticket: Ticket,
}

type Cx<'a> = Context<'a, TwoPhaseCommit>;

const PATIENCE: Duration = millis(80);
const ASK_EVERY: Duration = millis(100);

#[derive(Clone, Debug, Hash)]
struct Bank {
    me: NodeId,
    config: Config,
    saved: Saved,
    rounds: BTreeMap<TxId, Round>,
    refused: BTreeSet<TxId>,
    group: BTreeMap<TxId, Outcome>,
}

impl Bank {
    fn begin(&mut self, changes: BTreeMap<NodeId, Change>, ticket: Ticket, cx: &mut Cx<'_>) {
        self.saved.counter += 1;
        let tx = TxId(self.saved.counter);
        cx.save(self.saved.clone());
        let participants: BTreeSet<NodeId> = changes.keys().copied().collect();
        for (node, change) in &changes {
            cx.send(*node, Message::Prepare { tx, change: *change, participants: participants.clone() });
        }
        self.rounds.insert(tx, Round { changes, yes: BTreeSet::new(), ticket });
        cx.set_timer(Timer::Votes(tx), PATIENCE);
    }

    fn on_vote(&mut self, from: NodeId, tx: TxId, vote: Vote, cx: &mut Cx<'_>) {
        let Some(round) = self.rounds.get_mut(&tx) else {
            if vote == Vote::Yes {
                // It is in doubt, or will be soon: as good as a question.
                self.answer(from, tx, cx);
            }
            return;
        };
        match vote {
            Vote::No => self.abort(tx, Some(from), cx),
            Vote::Yes => {
                round.yes.insert(from);
                if round.yes.len() == round.changes.len() {
                    self.commit(tx, cx);
                }
            }
        }
    }

    fn commit(&mut self, tx: TxId, cx: &mut Cx<'_>) {
        let Some(round) = self.rounds.remove(&tx) else {
            return;
        };
        let participants: BTreeSet<NodeId> = round.changes.keys().copied().collect();
        self.saved.log.insert(tx, Record::Ended(Outcome::Commit, participants));
        cx.save(self.saved.clone());
        for node in round.changes.keys() {
            cx.send(*node, Message::Decided(tx, Outcome::Commit));
        }
        cx.reply(round.ticket, Response::Committed(tx));
        cx.cancel_timer(Timer::Votes(tx));
    }

    fn abort(&mut self, tx: TxId, no: Option<NodeId>, cx: &mut Cx<'_>) {
        let Some(round) = self.rounds.remove(&tx) else {
            return;
        };
        for node in round.changes.keys() {
            if Some(*node) != no {
                cx.send(*node, Message::Decided(tx, Outcome::Abort));
            }
        }
        cx.reply(round.ticket, Response::Aborted(tx));
        cx.cancel_timer(Timer::Votes(tx));
    }

    fn on_done(&mut self, from: NodeId, tx: TxId, cx: &mut Cx<'_>) {
        if let Some(Record::Ended(Outcome::Commit, missing)) = self.saved.log.get_mut(&tx) {
            missing.remove(&from);
            if missing.is_empty() {
                self.saved.log.remove(&tx);
                cx.save(self.saved.clone());
            }
        }
    }

    fn answer(&mut self, from: NodeId, tx: TxId, cx: &mut Cx<'_>) {
        if self.rounds.contains_key(&tx) {
            return;
        }
        let outcome = match self.saved.log.get(&tx) {
            Some(Record::Ended(outcome, _)) => *outcome,
            _ => Outcome::Abort,
        };
        cx.send(from, Message::Decided(tx, outcome));
    }

    fn balance(&self, account: Account) -> u64 {
        self.saved.balances.get(&account).copied().unwrap_or(self.config.opening)
    }

    fn holder(&self, account: Account) -> Option<TxId> {
        self.saved.log.iter().find_map(|(tx, record)| match record {
            Record::Prepared(change, _) if change.account == account => Some(*tx),
            _ => None,
        })
    }

    fn can(&self, change: Change) -> bool {
        self.holder(change.account).is_none() && self.balance(change.account).checked_add_signed(change.by).is_some()
    }

    fn prepare(&mut self, tx: TxId, change: Change, participants: BTreeSet<NodeId>, cx: &mut Cx<'_>) {
        let to = self.config.coordinator;
        match self.saved.log.get(&tx) {
            Some(Record::Prepared(..)) => cx.send(to, Message::Voted(tx, Vote::Yes)),
            Some(_) => {}
            None if self.refused.contains(&tx) => cx.send(to, Message::Voted(tx, Vote::No)),
            None if self.can(change) => {
                self.saved.log.insert(tx, Record::Prepared(change, participants));
                cx.save(self.saved.clone());
                cx.send(to, Message::Voted(tx, Vote::Yes));
                cx.set_timer(Timer::Doubt(tx), ASK_EVERY);
            }
            None => {
                self.refused.insert(tx);
                cx.send(to, Message::Voted(tx, Vote::No));
            }
        }
    }

    fn end(&mut self, tx: TxId, outcome: Outcome, cx: &mut Cx<'_>) {
        match self.saved.log.get(&tx) {
            Some(Record::Ended(..)) => {}
            Some(Record::Prepared(..)) => {
                // Once: a timer that every repeat sets anew may never fire.
                if self.group.is_empty() {
                    cx.set_timer(Timer::Tick, millis(8));
                }
                self.group.insert(tx, outcome);
                return;
            }
            _ => {
                self.saved.log.insert(tx, Record::Ended(outcome, BTreeSet::new()));
                cx.save(self.saved.clone());
            }
        }
        cx.send(self.config.coordinator, Message::Done(tx));
    }

    fn ask(&mut self, tx: TxId, cx: &mut Cx<'_>) {
        if let Some(Record::Prepared(..)) = self.saved.log.get(&tx) {
            cx.send(self.config.coordinator, Message::Ask(tx));
            cx.set_timer(Timer::Doubt(tx), ASK_EVERY);
        }
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Bank {
            me,
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            rounds: BTreeMap::new(),
            refused: BTreeSet::new(),
            group: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        let all: Vec<TxId> = self.saved.log.keys().copied().collect();
        for tx in all {
            self.ask(tx, cx);
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => self.prepare(tx, change, participants, cx),
            Message::Voted(tx, vote) => self.on_vote(from, tx, vote, cx),
            Message::Decided(tx, outcome) => self.end(tx, outcome, cx),
            Message::Done(tx) => self.on_done(from, tx, cx),
            Message::Ask(tx) if self.me == self.config.coordinator => self.answer(from, tx, cx),
            Message::Ask(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        match timer {
            Timer::Votes(tx) => self.abort(tx, None, cx),
            Timer::Doubt(tx) => self.ask(tx, cx),
            Timer::Tick => {
                for (tx, outcome) in std::mem::take(&mut self.group) {
                    if let Some(Record::Prepared(change, _)) = self.saved.log.get(&tx).cloned() {
                        if outcome == Outcome::Commit {
                            let balance = self.balance(change.account).wrapping_add_signed(change.by);
                            self.saved.balances.insert(change.account, balance);
                        }
                        self.saved.log.insert(tx, Record::Ended(outcome, BTreeSet::new()));
                        cx.save(self.saved.clone());
                        cx.send(self.config.coordinator, Message::Done(tx));
                    }
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoPhaseCommit>) {
        match request {
            Request::Transact(changes) => self.begin(changes, ticket, cx),
            Request::Read(account) => {
                let answer = match self.holder(account) {
                    Some(_) => Response::Locked,
                    None => Response::Balance(self.balance(account)),
                };
                cx.reply(ticket, answer);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
