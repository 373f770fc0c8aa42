//! The reference: presumed abort. A Yes and a commit are on the disk before anybody hears of them; an abort need not be: what the
//! coordinator knows nothing of has aborted.

use splitbrain::exercises::two_phase_commit::{
    Account, Change, Config, Message, Outcome, Record, Request, Response, Saved, Timer,
    TwoPhaseCommit, TxId, Vote, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, TwoPhaseCommit>;

/// Two messages of 10 ms, and the 20 ms that a participant may take, more than twice.
const VOTES: Duration = Duration::from_millis(120);
const DOUBT: Duration = Duration::from_millis(100);

/// A transaction whose votes are collected. A crash forgets it, and so it has aborted.
#[derive(Clone, Debug, Hash)]
struct Voting {
    ticket: Ticket,
    participants: BTreeSet<NodeId>,
    yes: BTreeSet<NodeId>,
}

#[derive(Clone, Debug, Hash, Default)]
struct Coordinator {
    /// The last number that was given.
    last: u64,
    voting: BTreeMap<TxId, Voting>,
    /// What has committed, and who may still ask for it.
    commits: BTreeMap<TxId, BTreeSet<NodeId>>,
}

impl Coordinator {
    fn save(&self, cx: &mut Cx<'_>) {
        let commits = self.commits.iter();
        let log =
            commits.map(|(tx, waiting)| (*tx, Record::Ended(Outcome::Commit, waiting.clone())));
        cx.save(Saved {
            log: log.collect(),
            counter: self.last,
            ..Saved::default()
        });
    }

    fn begin(&mut self, changes: BTreeMap<NodeId, Change>, ticket: Ticket, cx: &mut Cx<'_>) {
        // On the disk first: after a crash a number that is used again would find the votes of another transaction.
        self.last += 1;
        self.save(cx);
        let tx = TxId(self.last);
        let participants: BTreeSet<NodeId> = changes.keys().copied().collect();
        for (node, change) in changes {
            let participants = participants.clone();
            let prepare = Message::Prepare {
                tx,
                change,
                participants,
            };
            cx.send(node, prepare);
        }
        cx.set_timer(Timer::Votes(tx), VOTES);
        let yes = BTreeSet::new();
        let voting = Voting {
            ticket,
            participants,
            yes,
        };
        self.voting.insert(tx, voting);
    }

    fn vote(&mut self, from: NodeId, tx: TxId, vote: Vote, cx: &mut Cx<'_>) {
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

    fn decide(&mut self, tx: TxId, outcome: Outcome, cx: &mut Cx<'_>) {
        let Some(voting) = self.voting.remove(&tx) else {
            return;
        };
        if outcome == Outcome::Commit {
            self.commits.insert(tx, voting.participants.clone());
            self.save(cx);
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
        if let Some(waiting) = self.commits.get_mut(&tx) {
            waiting.remove(&from);
            if waiting.is_empty() {
                self.commits.remove(&tx);
            }
        }
    }

    /// Presumed abort: what is not known did not commit.
    fn asked(&self, from: NodeId, tx: TxId, cx: &mut Cx<'_>) {
        let outcome = if self.commits.contains_key(&tx) {
            Outcome::Commit
        } else if self.voting.contains_key(&tx) {
            return;
        } else {
            Outcome::Abort
        };
        cx.send(from, Message::Decided(tx, outcome));
    }
}

#[derive(Clone, Debug, Hash)]
struct Participant {
    coordinator: NodeId,
    opening: u64,
    log: BTreeMap<TxId, Record>,
    balances: BTreeMap<Account, u64>,
}

impl Participant {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(Saved {
            log: self.log.clone(),
            balances: self.balances.clone(),
            counter: 0,
        });
    }

    fn balance(&self, account: Account) -> u64 {
        let changed = self.balances.get(&account);
        changed.copied().unwrap_or(self.opening)
    }

    fn is_locked(&self, account: Account) -> bool {
        let holds =
            |r: &Record| matches!(r, Record::Prepared(change, _) if change.account == account);
        self.log.values().any(holds)
    }

    fn prepare(&mut self, tx: TxId, change: Change, all: BTreeSet<NodeId>, cx: &mut Cx<'_>) {
        let vote = match self.log.get(&tx) {
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
                    self.log.insert(tx, Record::Prepared(change, all));
                    self.save(cx);
                    cx.set_timer(Timer::Doubt(tx), DOUBT);
                    Vote::Yes
                }
            }
        };
        cx.send(self.coordinator, Message::Voted(tx, vote));
    }

    /// What has ended stays so, whatever comes later.
    fn end(&mut self, tx: TxId, outcome: Outcome, cx: &mut Cx<'_>) {
        let record = self.log.get(&tx);
        if matches!(record, Some(Record::Ended(..))) {
            return;
        }
        if let Some(Record::Prepared(change, _)) = record
            && outcome == Outcome::Commit
        {
            let account = change.account;
            let after = self.balance(account).saturating_add_signed(change.by);
            self.balances.insert(account, after);
        }
        self.log.insert(tx, Record::Ended(outcome, BTreeSet::new()));
        self.save(cx);
    }

    /// Whoever is in doubt asks, and asks again.
    fn doubts(&self, tx: TxId, cx: &mut Cx<'_>) {
        if let Some(Record::Prepared(..)) = self.log.get(&tx) {
            cx.send(self.coordinator, Message::Ask(tx));
            cx.set_timer(Timer::Doubt(tx), DOUBT);
        }
    }

    fn read(&self, account: Account) -> Response {
        if self.is_locked(account) {
            Response::Locked
        } else {
            Response::Balance(self.balance(account))
        }
    }
}

#[derive(Clone, Debug, Hash)]
enum Bank {
    Coordinator(Coordinator),
    Participant(Participant),
}

impl Node<TwoPhaseCommit> for Bank {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        if me == config.coordinator {
            let ended = saved.log.into_iter();
            let commit = |(tx, record)| match record {
                Record::Ended(Outcome::Commit, waiting) => Some((tx, waiting)),
                _ => None,
            };
            Bank::Coordinator(Coordinator {
                last: saved.counter,
                voting: BTreeMap::new(),
                commits: ended.filter_map(commit).collect(),
            })
        } else {
            Bank::Participant(Participant {
                coordinator: config.coordinator,
                opening: config.opening,
                log: saved.log,
                balances: saved.balances,
            })
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        if let Bank::Participant(it) = self {
            it.log.keys().for_each(|tx| it.doubts(*tx, cx));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match (self, message) {
            (Bank::Coordinator(it), Message::Voted(tx, vote)) => it.vote(from, tx, vote, cx),
            (Bank::Coordinator(it), Message::Done(tx)) => it.done(from, tx),
            (Bank::Coordinator(it), Message::Ask(tx)) => it.asked(from, tx, cx),
            (
                Bank::Participant(it),
                Message::Prepare {
                    tx,
                    change,
                    participants,
                },
            ) => {
                it.prepare(tx, change, participants, cx);
            }
            (Bank::Participant(it), Message::Decided(tx, outcome)) => {
                it.end(tx, outcome, cx);
                cx.send(from, Message::Done(tx));
            }
            // Participants need not tell each other.
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (self, timer) {
            (Bank::Coordinator(it), Timer::Votes(tx)) => it.decide(tx, Outcome::Abort, cx),
            (Bank::Participant(it), Timer::Doubt(tx)) => it.doubts(tx, cx),
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (self, request) {
            (Bank::Coordinator(it), Request::Transact(changes)) => it.begin(changes, ticket, cx),
            (Bank::Participant(it), Request::Read(account)) => cx.reply(ticket, it.read(account)),
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
