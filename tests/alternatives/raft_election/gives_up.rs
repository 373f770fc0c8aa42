//! Built another way: a candidate follows again once a majority has refused, and a leader abdicates once no majority has
//! answered for an election timeout (Ongaro 2014, section 6.2). Refused requests are met with silence.

use splitbrain::exercises::raft_election::{Elector, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Peer {
    me: NodeId,
    size: usize,
    log: LogEnd,
    term: Term,
    vote: Option<NodeId>,
    role: Role,
    tally: BTreeMap<NodeId, bool>,
    heard: BTreeSet<NodeId>,
}

type Cx<'a> = Context<'a, RaftElection>;

impl Peer {
    fn arm(cx: &mut Cx<'_>) {
        let after = cx.random(150..=300);
        cx.set_timer(Timer::Election, millis(after));
    }

    fn becomes(&mut self, role: Role, cx: &mut Cx<'_>) {
        self.role = role;
        self.tally.clear();
        self.heard.clear();
        if role == Role::Leader {
            cx.broadcast(Message::AppendEntries { term: self.term });
            cx.set_timer(Timer::Heartbeat, millis(45));
            // From now on the election timer asks whether anybody is still there.
            cx.set_timer(Timer::Election, millis(300));
        } else {
            cx.cancel_timer(Timer::Heartbeat);
            Peer::arm(cx);
        }
    }

    fn remember(&mut self, term: Term, vote: Option<NodeId>, cx: &mut Cx<'_>) {
        (self.term, self.vote) = (term, vote);
        cx.save(Saved { term, voted_for: vote });
    }
}

impl Node<RaftElection> for Peer {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let Saved { term, voted_for: vote } = saved.unwrap_or_default();
        let (tally, heard) = (BTreeMap::new(), BTreeSet::new());
        Peer { me, size: peers.len() + 1, log: *log, term, vote, role: Role::Follower, tally, heard }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        Peer::arm(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (timer, self.role) {
            (Timer::Heartbeat, Role::Leader) => {
                cx.broadcast(Message::AppendEntries { term: self.term });
                cx.set_timer(Timer::Heartbeat, millis(45));
            }
            (Timer::Election, Role::Leader) => {
                if (self.heard.len() + 1) * 2 > self.size {
                    self.heard.clear();
                    cx.set_timer(Timer::Election, millis(300));
                } else {
                    self.becomes(Role::Follower, cx);
                }
            }
            (Timer::Election, _) => {
                self.remember(self.term + 1, Some(self.me), cx);
                self.becomes(Role::Candidate, cx);
                cx.broadcast(Message::RequestVote { term: self.term, log: self.log });
            }
            _ => {}
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        if message.term() < self.term {
            if matches!(message, Message::AppendEntries { .. }) {
                cx.send(from, Message::AppendEntriesReply { term: self.term });
            }
            return;
        }
        if message.term() > self.term {
            self.remember(message.term(), None, cx);
            self.becomes(Role::Follower, cx);
        }
        match message {
            Message::RequestVote { log, .. } => {
                let good = log.term > self.log.term || log.term == self.log.term && log.index >= self.log.index;
                if good && self.vote.is_none_or(|v| v == from) {
                    self.remember(self.term, Some(from), cx);
                    cx.send(from, Message::RequestVoteReply { term: self.term, granted: true });
                    Peer::arm(cx);
                }
            }
            Message::RequestVoteReply { granted, .. } if self.role == Role::Candidate => {
                self.tally.insert(from, granted);
                let yes = 1 + self.tally.values().filter(|granted| **granted).count();
                let no = self.tally.len() + 1 - yes;
                if yes * 2 > self.size {
                    self.becomes(Role::Leader, cx);
                } else if no * 2 > self.size {
                    self.becomes(Role::Follower, cx);
                }
            }
            Message::AppendEntries { .. } => {
                if self.role == Role::Candidate {
                    self.becomes(Role::Follower, cx);
                }
                Peer::arm(cx);
                cx.send(from, Message::AppendEntriesReply { term: self.term });
            }
            Message::AppendEntriesReply { .. } => drop(self.heard.insert(from)),
            Message::RequestVoteReply { .. } => {}
        }
    }
}

impl Elector for Peer {
    fn role(&self) -> Role {
        self.role
    }
    fn term(&self) -> Term {
        self.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Peer>)
}
