//! Built another way: one tick of 50 ms that counts down. A leader speaks at each tick, a follower waits for three to six of
//! them. Everything that is durable is one value, saved whenever it differs from what was saved last.

use splitbrain::exercises::raft_election::{Elector, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Clockwork {
    id: NodeId,
    log: LogEnd,
    now: Saved,
    on_disk: Saved,
    role: Role,
    ticks_left: u64,
    /// One bit for each node that voted for this one.
    ballots: u32,
    quorum: u32,
}

type Cx<'a> = Context<'a, RaftElection>;

impl Clockwork {
    fn sync(&mut self, cx: &mut Cx<'_>) {
        if self.now != self.on_disk {
            self.on_disk = self.now.clone();
            cx.save(self.now.clone());
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) {
        self.ticks_left = cx.random(4..=6);
    }

    fn follow(&mut self, cx: &mut Cx<'_>) {
        self.role = Role::Follower;
        self.rewind(cx);
    }
}

impl Node<RaftElection> for Clockwork {
    fn new(id: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let now = saved.unwrap_or_default();
        let quorum = (peers.len() as u32 + 1) / 2 + 1;
        Clockwork { id, log: *log, on_disk: now.clone(), now, role: Role::Follower, ticks_left: 5, ballots: 0, quorum }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.rewind(cx);
        cx.set_timer(Timer::Tick, millis(50));
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, millis(50));
        if self.role == Role::Leader {
            cx.broadcast(Message::AppendEntries { term: self.now.term });
            return;
        }
        self.ticks_left = self.ticks_left.saturating_sub(1);
        if self.ticks_left == 0 {
            self.role = Role::Candidate;
            self.now = Saved { term: self.now.term + 1, voted_for: Some(self.id) };
            self.ballots = 1 << self.id.index();
            self.rewind(cx);
            self.sync(cx);
            cx.broadcast(Message::RequestVote { term: self.now.term, log: self.log });
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let term = message.term();
        if term > self.now.term {
            self.now = Saved { term, voted_for: None };
            self.follow(cx);
        }
        let answer = match message {
            Message::RequestVote { term, log } => {
                let granted = term == self.now.term
                    && [None, Some(from)].contains(&self.now.voted_for)
                    && (log.term, log.index) >= (self.log.term, self.log.index);
                if granted {
                    self.now.voted_for = Some(from);
                    self.rewind(cx);
                }
                Some(Message::RequestVoteReply { term: self.now.term, granted })
            }
            Message::RequestVoteReply { granted, .. } => {
                if granted && term == self.now.term && self.role == Role::Candidate {
                    self.ballots |= 1 << from.index();
                    if self.ballots.count_ones() >= self.quorum {
                        self.role = Role::Leader;
                        cx.broadcast(Message::AppendEntries { term });
                    }
                }
                None
            }
            Message::AppendEntries { .. } => {
                if term == self.now.term {
                    self.follow(cx);
                }
                (term < self.now.term).then_some(Message::AppendEntriesReply { term: self.now.term })
            }
            Message::AppendEntriesReply { .. } => None,
        };
        self.sync(cx);
        if let Some(answer) = answer {
            cx.send(from, answer);
        }
    }
}

impl Elector for Clockwork {
    fn role(&self) -> Role {
        self.role
    }
    fn term(&self) -> Term {
        self.now.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Clockwork>)
}
