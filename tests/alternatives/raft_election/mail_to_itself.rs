//! Built another way: a candidate is a voter like any other. It sends itself a request and counts the answer, and a leader
//! hears its own heartbeats.

use splitbrain::exercises::raft_election::{Elector, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
struct Member {
    everybody: Vec<NodeId>,
    me: NodeId,
    log: LogEnd,
    disk: Saved,
    role: Role,
    yes: BTreeSet<NodeId>,
}

type Cx<'a> = Context<'a, RaftElection>;

impl Member {
    fn tell_all(&self, message: &Message, cx: &mut Cx<'_>) {
        for member in &self.everybody {
            cx.send(*member, message.clone());
        }
    }

    fn write(&mut self, term: Term, voted_for: Option<NodeId>, cx: &mut Cx<'_>) {
        self.disk = Saved { term, voted_for };
        cx.save(self.disk.clone());
    }

    fn wait_for_a_leader(&self, cx: &mut Cx<'_>) {
        let timeout = cx.random(150..=300);
        cx.set_timer(Timer::Election, millis(timeout));
    }
}

impl Node<RaftElection> for Member {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let everybody = peers.iter().copied().chain([me]).collect();
        Member { everybody, me, log: *log, disk: saved.unwrap_or_default(), role: Role::Follower, yes: BTreeSet::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.wait_for_a_leader(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Election if self.role != Role::Leader => {
                self.role = Role::Candidate;
                self.yes.clear();
                // Its vote is its own from here on, though it counts it only when its own answer arrives.
                self.write(self.disk.term + 1, Some(self.me), cx);
                self.tell_all(&Message::RequestVote { term: self.disk.term, log: self.log }, cx);
                self.wait_for_a_leader(cx);
            }
            Timer::Heartbeat if self.role == Role::Leader => {
                self.tell_all(&Message::AppendEntries { term: self.disk.term }, cx);
                cx.set_timer(Timer::Heartbeat, millis(50));
            }
            _ => {}
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        if message.term() > self.disk.term {
            self.write(message.term(), None, cx);
            if self.role != Role::Follower {
                self.role = Role::Follower;
                self.wait_for_a_leader(cx);
            }
        }
        let term = self.disk.term;
        let current = message.term() == term;
        match message {
            Message::RequestVote { log, .. } => {
                let free = self.disk.voted_for.is_none_or(|v| v == from);
                let granted = current && free && (log.term, log.index) >= (self.log.term, self.log.index);
                if granted && from != self.me {
                    self.write(term, Some(from), cx);
                    self.wait_for_a_leader(cx);
                }
                cx.send(from, Message::RequestVoteReply { term, granted });
            }
            Message::RequestVoteReply { granted: true, .. } if current && self.role == Role::Candidate => {
                self.yes.insert(from);
                if self.yes.len() * 2 > self.everybody.len() {
                    self.role = Role::Leader;
                    cx.cancel_timer(Timer::Election);
                    self.tell_all(&Message::AppendEntries { term }, cx);
                    cx.set_timer(Timer::Heartbeat, millis(50));
                }
            }
            Message::AppendEntries { .. } if from != self.me => {
                if current {
                    self.role = Role::Follower;
                    self.wait_for_a_leader(cx);
                }
                cx.send(from, Message::AppendEntriesReply { term });
            }
            _ => {}
        }
    }
}

impl Elector for Member {
    fn role(&self) -> Role {
        self.role
    }
    fn term(&self) -> Term {
        self.disk.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Member>)
}
