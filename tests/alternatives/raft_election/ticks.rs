//! Built another way: one tick of 10 ms and counters instead of deadlines, silence where a refusal is also allowed, no
//! answers to heartbeats of the own term, and a candidate that asks the silent ones again in the same term.

use splitbrain::exercises::raft_election::{Elector, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, Hash)]
struct Ticker {
    me: NodeId,
    peers: Vec<NodeId>,
    log: LogEnd,
    disk: Saved,
    role: Role,
    elapsed: u64,
    limit: u64,
    answers: BTreeMap<NodeId, bool>,
}

type Cx<'a> = Context<'a, RaftElection>;

impl Ticker {
    fn rest(&mut self, cx: &mut Cx<'_>) {
        self.elapsed = 0;
        self.limit = cx.random(15..=29);
    }

    fn into_follower(&mut self, cx: &mut Cx<'_>) {
        self.role = Role::Follower;
        self.answers.clear();
        self.rest(cx);
    }

    fn ask_the_silent(&self, cx: &mut Cx<'_>) {
        for peer in &self.peers {
            if !self.answers.contains_key(peer) {
                cx.send(*peer, Message::RequestVote { term: self.disk.term, log: self.log });
            }
        }
    }

    fn won(&self) -> bool {
        let mine = 1 + self.answers.values().filter(|yes| **yes).count();
        2 * mine > self.peers.len() + 1
    }
}

impl Node<RaftElection> for Ticker {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let disk = saved.unwrap_or_default();
        Ticker { me, peers: peers.to_vec(), log: *log, disk, role: Role::Follower, elapsed: 0, limit: 0, answers: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.rest(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
        self.elapsed += 1;
        match self.role {
            Role::Leader if self.elapsed % 5 == 0 => cx.broadcast(Message::AppendEntries { term: self.disk.term }),
            Role::Leader => {}
            _ if self.elapsed >= self.limit => {
                self.role = Role::Candidate;
                self.disk = Saved { term: self.disk.term + 1, voted_for: Some(self.me) };
                cx.save(self.disk.clone());
                self.answers.clear();
                self.rest(cx);
                self.ask_the_silent(cx);
            }
            Role::Candidate if self.elapsed % 4 == 0 => self.ask_the_silent(cx),
            _ => {}
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        if message.term() < self.disk.term {
            // Silence would do; a deposed leader is told, so that it learns of its end.
            if let Message::AppendEntries { .. } = message {
                cx.send(from, Message::AppendEntriesReply { term: self.disk.term });
            }
            return;
        }
        if message.term() > self.disk.term {
            self.disk = Saved { term: message.term(), voted_for: None };
            cx.save(self.disk.clone());
            self.into_follower(cx);
        }
        match message {
            Message::RequestVote { log, .. } => {
                let worse = log.term < self.log.term || log.term == self.log.term && log.index < self.log.index;
                let taken = self.disk.voted_for.is_some_and(|v| v != from);
                if worse || taken || self.role == Role::Leader {
                    return;
                }
                if self.disk.voted_for.is_none() {
                    self.disk.voted_for = Some(from);
                    cx.save(self.disk.clone());
                }
                self.elapsed = 0;
                cx.send(from, Message::RequestVoteReply { term: self.disk.term, granted: true });
            }
            Message::RequestVoteReply { granted, .. } if self.role == Role::Candidate => {
                self.answers.insert(from, granted);
                if self.won() {
                    self.role = Role::Leader;
                    self.elapsed = 0;
                    cx.broadcast(Message::AppendEntries { term: self.disk.term });
                }
            }
            Message::AppendEntries { .. } => self.into_follower(cx),
            _ => {}
        }
    }
}

impl Elector for Ticker {
    fn role(&self) -> Role {
        self.role
    }
    fn term(&self) -> Term {
        self.disk.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ticker>)
}
