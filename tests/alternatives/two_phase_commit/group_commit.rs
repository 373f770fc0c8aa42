//! Group commit: what comes in is queued, and a tick works it off every 10 ms with one save, after which everything leaves. Votes, decisions, Done
//! and the answers to reads all come from there. Numbers are a life and a count.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer, TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Hash)]
enum Job {
    Message(NodeId, Message),
    Request(Ticket, Request),
}

#[derive(Clone, Debug, Hash)]
struct Voting {
    ticket: Ticket,
    participants: BTreeSet<NodeId>,
    yes: BTreeSet<NodeId>,
    no: bool,
    since: Time,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    config: Config,
    me: NodeId,
    saved: Saved,
    queue: Vec<Job>,
    voting: BTreeMap<TxId, Voting>,
    asked: BTreeMap<TxId, Time>,
    out: Vec<(NodeId, Message)>,
    replies: Vec<(Ticket, Response)>,
    dirty: bool,
    next: u64,
}

impl Bank {
    fn write(&mut self, tx: TxId, record: Record) {
        self.saved.log.insert(tx, record);
        self.dirty = true;
    }

    fn holder(&self, account: Account) -> Option<TxId> {
        self.saved.log.iter().find(|(_, r)| matches!(r, Record::Prepared(c, _) if c.account == account)).map(|(tx, _)| *tx)
    }

    fn balance(&self, account: Account) -> u64 {
        self.saved.balances.get(&account).copied().unwrap_or(self.config.opening)
    }

    fn vote(&mut self, tx: TxId, change: Change, participants: BTreeSet<NodeId>, now: Time) -> Vote {
        match self.saved.log.get(&tx) {
            Some(Record::Ended(Outcome::Abort, _)) => Vote::No,
            Some(_) => Vote::Yes,
            None => {
                let after = i128::from(self.balance(change.account)) + i128::from(change.by);
                if u64::try_from(after).is_err() || self.holder(change.account).is_some() {
                    self.write(tx, Record::Ended(Outcome::Abort, BTreeSet::new()));
                    return Vote::No;
                }
                self.write(tx, Record::Prepared(change, participants));
                self.asked.insert(tx, now);
                Vote::Yes
            }
        }
    }

    fn work(&mut self, job: Job, now: Time) {
        let coordinator = self.config.coordinator;
        match job {
            Job::Message(_, Message::Prepare { tx, change, participants }) => {
                let vote = self.vote(tx, change, participants, now);
                self.out.push((coordinator, Message::Voted(tx, vote)));
            }
            Job::Message(from, Message::Voted(tx, vote)) => {
                if let Some(voting) = self.voting.get_mut(&tx) {
                    voting.no |= vote == Vote::No;
                    voting.yes.insert(from);
                }
            }
            Job::Message(from, Message::Decided(tx, outcome)) => {
                match self.saved.log.get(&tx) {
                    Some(Record::Ended(..)) => {}
                    Some(Record::Prepared(change, _)) if outcome == Outcome::Commit => {
                        let change = *change;
                        let after = i128::from(self.balance(change.account)) + i128::from(change.by);
                        self.saved.balances.insert(change.account, after as u64);
                        self.write(tx, Record::Ended(outcome, BTreeSet::new()));
                    }
                    _ => self.write(tx, Record::Ended(outcome, BTreeSet::new())),
                }
                self.asked.remove(&tx);
                self.out.push((from, Message::Done(tx)));
            }
            Job::Message(from, Message::Done(tx)) => {
                if let Some(Record::Ended(_, waiting)) = self.saved.log.get_mut(&tx) {
                    waiting.remove(&from);
                }
            }
            Job::Message(from, Message::Ask(tx)) => {
                let outcome = match self.saved.log.get(&tx) {
                    Some(Record::Ended(outcome, _)) => Some(*outcome),
                    None if self.me == coordinator && !self.voting.contains_key(&tx) => Some(Outcome::Abort),
                    _ => None,
                };
                self.out.extend(outcome.map(|outcome| (from, Message::Decided(tx, outcome))));
            }
            Job::Request(ticket, Request::Transact(changes)) => {
                self.next += 1;
                let tx = TxId(self.saved.counter << 32 | self.next);
                let participants: BTreeSet<NodeId> = changes.keys().copied().collect();
                for (node, change) in changes {
                    self.out.push((node, Message::Prepare { tx, change, participants: participants.clone() }));
                }
                self.voting.insert(tx, Voting { ticket, participants, yes: BTreeSet::new(), no: false, since: now });
            }
            Job::Request(ticket, Request::Read(account)) => {
                let answer = if self.holder(account).is_some() { Response::Locked } else { Response::Balance(self.balance(account)) };
                self.replies.push((ticket, answer));
            }
        }
    }

    /// What the votes of this round have decided.
    fn decide(&mut self, now: Time) {
        let over = |v: &Voting| v.no || v.yes.len() == v.participants.len() || now > v.since + Duration::from_millis(150);
        let ready: Vec<TxId> = self.voting.iter().filter(|(_, v)| over(v)).map(|(tx, _)| *tx).collect();
        for tx in ready {
            let Some(voting) = self.voting.remove(&tx) else { continue };
            let commits = !voting.no && voting.yes.len() == voting.participants.len();
            let outcome = if commits { Outcome::Commit } else { Outcome::Abort };
            if commits {
                self.write(tx, Record::Ended(outcome, voting.participants.clone()));
            }
            for node in voting.participants {
                self.out.push((node, Message::Decided(tx, outcome)));
            }
            self.replies.push((voting.ticket, if commits { Response::Committed(tx) } else { Response::Aborted(tx) }));
        }
    }
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Bank {
            config: config.clone(),
            me,
            saved: saved.unwrap_or_default(),
            queue: Vec::new(),
            voting: BTreeMap::new(),
            asked: BTreeMap::new(),
            out: Vec::new(),
            replies: Vec::new(),
            dirty: false,
            next: 0,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoPhaseCommit>) {
        self.saved.counter += 1;
        cx.save(self.saved.clone());
        let prepared = self.saved.log.iter().filter(|(_, r)| matches!(r, Record::Prepared(..)));
        self.asked = prepared.map(|(tx, _)| (*tx, cx.now())).collect();
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, TwoPhaseCommit>) {
        self.queue.push(Job::Message(from, message));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, _: &mut Context<'_, TwoPhaseCommit>) {
        self.queue.push(Job::Request(ticket, request));
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, TwoPhaseCommit>) {
        cx.set_timer(Timer::Tick, TICK);
        let now = cx.now();
        for job in std::mem::take(&mut self.queue) {
            self.work(job, now);
        }
        self.decide(now);
        for (tx, asked) in &mut self.asked {
            if now >= *asked + Duration::from_millis(150) {
                *asked = now;
                self.out.push((self.config.coordinator, Message::Ask(*tx)));
            }
        }
        if std::mem::take(&mut self.dirty) {
            cx.save(self.saved.clone());
        }
        self.out.drain(..).for_each(|(to, message)| cx.send(to, message));
        self.replies.drain(..).for_each(|(ticket, response)| cx.reply(ticket, response));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
