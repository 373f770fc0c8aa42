//! Asks one participant after the other, the next one when the last has said Yes, and asks again while it waits; a No ends it before the rest has
//! heard of it. Coordinator and participant are two types.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, TwoPhaseCommit>;

#[derive(Clone, Debug, Hash)]
struct Round {
    ticket: Ticket,
    all: BTreeSet<NodeId>,
    todo: Vec<(NodeId, Change)>,
    asked: Vec<NodeId>,
    tries: u32,
}

#[derive(Clone, Debug, Hash, Default)]
struct Coordinator {
    saved: Saved,
    rounds: BTreeMap<TxId, Round>,
}

impl Coordinator {
    fn ask(&mut self, tx: TxId, cx: &mut Cx<'_>) {
        let Some(round) = self.rounds.get_mut(&tx) else { return };
        let Some((node, change)) = round.todo.last().copied() else {
            let record = Record::Ended(Outcome::Commit, round.all.clone());
            self.saved.log.insert(tx, record);
            cx.save(self.saved.clone());
            return self.finish(tx, Outcome::Commit, cx);
        };
        if !round.asked.contains(&node) {
            round.asked.push(node);
        }
        cx.send(node, Message::Prepare { tx, change, participants: round.all.clone() });
        cx.set_timer(Timer::Votes(tx), Duration::from_millis(33));
    }

    fn finish(&mut self, tx: TxId, outcome: Outcome, cx: &mut Cx<'_>) {
        let Some(round) = self.rounds.remove(&tx) else { return };
        round.asked.iter().for_each(|node| cx.send(*node, Message::Decided(tx, outcome)));
        cx.reply(round.ticket, if outcome == Outcome::Commit { Response::Committed(tx) } else { Response::Aborted(tx) });
        cx.cancel_timer(Timer::Votes(tx));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Voted(tx, Vote::No) => self.finish(tx, Outcome::Abort, cx),
            Message::Voted(tx, Vote::Yes) => {
                let Some(round) = self.rounds.get_mut(&tx) else { return };
                if round.todo.last().is_some_and(|(node, _)| *node == from) {
                    round.todo.pop();
                    round.tries = 0;
                    self.ask(tx, cx);
                }
            }
            Message::Ask(tx) if !self.rounds.contains_key(&tx) => {
                let known = self.saved.log.get(&tx);
                cx.send(from, Message::Decided(tx, if known.is_some() { Outcome::Commit } else { Outcome::Abort }));
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, tx: TxId, cx: &mut Cx<'_>) {
        let Some(round) = self.rounds.get_mut(&tx) else { return };
        round.tries += 1;
        if round.tries >= 2 { self.finish(tx, Outcome::Abort, cx) } else { self.ask(tx, cx) }
    }

    fn begin(&mut self, changes: BTreeMap<NodeId, Change>, ticket: Ticket, cx: &mut Cx<'_>) {
        self.saved.counter = self.saved.counter.wrapping_add(3);
        cx.save(self.saved.clone());
        let tx = TxId(u64::MAX - self.saved.counter);
        let all = changes.keys().copied().collect();
        self.rounds.insert(tx, Round { ticket, all, todo: changes.into_iter().collect(), asked: Vec::new(), tries: 0 });
        self.ask(tx, cx);
    }
}

#[derive(Clone, Debug, Hash)]
struct Participant {
    coordinator: NodeId,
    opening: u64,
    saved: Saved,
}

impl Participant {
    fn locked(&self, account: Account) -> bool {
        let mut changes = self.saved.log.values().filter_map(|r| if let Record::Prepared(change, _) = r { Some(change) } else { None });
        changes.any(|change| change.account == account)
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Prepare { tx, change, .. } => {
                let known = self.saved.log.get(&tx);
                if matches!(known, Some(Record::Ended(..))) {
                    return;
                }
                if known.is_none() {
                    let has = *self.saved.balances.get(&change.account).unwrap_or(&self.opening);
                    if self.locked(change.account) || has.checked_add_signed(change.by).is_none() {
                        self.saved.log.insert(tx, Record::Ended(Outcome::Abort, BTreeSet::new()));
                        cx.save(self.saved.clone());
                        return cx.send(self.coordinator, Message::Voted(tx, Vote::No));
                    }
                    self.saved.log.insert(tx, Record::Prepared(change, BTreeSet::new()));
                    cx.save(self.saved.clone());
                    cx.set_timer(Timer::Doubt(tx), Duration::from_millis(199));
                }
                cx.send(self.coordinator, Message::Voted(tx, Vote::Yes));
            }
            Message::Decided(tx, outcome) => {
                let before = self.saved.log.get(&tx).cloned();
                if !matches!(before, Some(Record::Ended(..))) {
                    if let (Some(Record::Prepared(change, _)), Outcome::Commit) = (before, outcome) {
                        let balance = self.saved.balances.entry(change.account).or_insert(self.opening);
                        *balance = balance.saturating_add_signed(change.by);
                    }
                    self.saved.log.insert(tx, Record::Ended(outcome, BTreeSet::new()));
                    cx.save(self.saved.clone());
                }
                cx.send(from, Message::Done(tx));
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, tx: TxId, cx: &mut Cx<'_>) {
        if matches!(self.saved.log.get(&tx), Some(Record::Prepared(..))) {
            cx.send(self.coordinator, Message::Ask(tx));
            cx.set_timer(Timer::Doubt(tx), Duration::from_millis(199));
        }
    }
}

#[derive(Clone, Debug, Hash)]
enum Bank {
    Coordinator(Coordinator),
    Participant(Participant),
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        if me == config.coordinator {
            Bank::Coordinator(Coordinator { saved, ..Coordinator::default() })
        } else {
            Bank::Participant(Participant { coordinator: config.coordinator, opening: config.opening, saved })
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Bank::Participant(it) = self {
            let txs: Vec<TxId> = it.saved.log.keys().copied().collect();
            txs.into_iter().for_each(|tx| it.on_timer(tx, cx));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match self {
            Bank::Coordinator(it) => it.on_message(from, message, cx),
            Bank::Participant(it) => it.on_message(from, message, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (self, timer) {
            (Bank::Coordinator(it), Timer::Votes(tx)) => it.on_timer(tx, cx),
            (Bank::Participant(it), Timer::Doubt(tx)) => it.on_timer(tx, cx),
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (self, request) {
            (Bank::Coordinator(it), Request::Transact(changes)) => it.begin(changes, ticket, cx),
            (Bank::Participant(it), Request::Read(account)) => {
                let balance = *it.saved.balances.get(&account).unwrap_or(&it.opening);
                cx.reply(ticket, if it.locked(account) { Response::Locked } else { Response::Balance(balance) });
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
