//! Built another way: the role is an enum that carries its own data, deadlines are points on the node's clock that one
//! timer polls, heartbeats come a little faster, every heartbeat is answered twice over, the timer is reset on any new
//! term, and a leader tells a straggling voter at once that it leads.

use splitbrain::exercises::raft_election::{Elector, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
enum Part {
    Waiting,
    Asking { votes: Vec<bool> },
    Leading { next_beat: Time },
}

#[derive(Clone, Debug, Hash)]
struct Server {
    me: NodeId,
    n: usize,
    log: (Term, u64),
    term: Term,
    vote: Option<NodeId>,
    part: Part,
    deadline: Time,
}

type Cx<'a> = Context<'a, RaftElection>;

impl Server {
    fn later(&mut self, cx: &mut Cx<'_>) {
        self.deadline = cx.now() + millis(cx.random(160..=290));
    }

    fn persist(&self, cx: &mut Cx<'_>) {
        cx.save(Saved { term: self.term, voted_for: self.vote });
    }

    fn enter(&mut self, term: Term, vote: Option<NodeId>, cx: &mut Cx<'_>) {
        self.term = term;
        self.vote = vote;
        self.persist(cx);
        self.later(cx);
    }

    fn beat(&mut self, cx: &mut Cx<'_>) {
        self.part = Part::Leading { next_beat: cx.now() + millis(40) };
        cx.broadcast(Message::AppendEntries { term: self.term });
    }
}

impl Node<RaftElection> for Server {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let (term, vote) = saved.map_or((0, None), |s| (s.term, s.voted_for));
        Server { me, n: peers.len() + 1, log: (log.term, log.index), term, vote, part: Part::Waiting, deadline: Time::ZERO }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.later(cx);
        cx.set_timer(Timer::Tick, millis(4));
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        cx.set_timer(timer, millis(4));
        match &self.part {
            Part::Leading { next_beat } => {
                if *next_beat <= cx.now() {
                    self.beat(cx);
                }
            }
            _ if self.deadline > cx.now() => {}
            _ => {
                let mut votes = vec![false; self.n];
                votes[self.me.index()] = true;
                self.part = Part::Asking { votes };
                self.enter(self.term + 1, Some(self.me), cx);
                cx.broadcast(Message::RequestVote { term: self.term, log: LogEnd { term: self.log.0, index: self.log.1 } });
            }
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let current = message.term() >= self.term;
        if message.term() > self.term {
            self.part = Part::Waiting;
            self.enter(message.term(), None, cx);
        }
        match message {
            Message::RequestVote { log, .. } => {
                let granted = current && self.vote.unwrap_or(from) == from && (log.term, log.index) >= self.log;
                if granted && self.vote.is_none() {
                    self.enter(self.term, Some(from), cx);
                }
                cx.send(from, Message::RequestVoteReply { term: self.term, granted });
            }
            Message::RequestVoteReply { granted, .. } if current => {
                if let Part::Asking { votes } = &mut self.part {
                    votes[from.index()] |= granted;
                    if votes.iter().filter(|v| **v).count() >= self.n / 2 + 1 {
                        self.beat(cx);
                    }
                } else if let Part::Leading { .. } = self.part {
                    cx.send(from, Message::AppendEntries { term: self.term });
                }
            }
            Message::AppendEntries { term } => {
                if current {
                    self.part = Part::Waiting;
                    self.later(cx);
                    cx.send(from, Message::AppendEntriesReply { term });
                }
                cx.send(from, Message::AppendEntriesReply { term: self.term });
            }
            _ => {}
        }
    }
}

impl Elector for Server {
    fn role(&self) -> Role {
        match self.part {
            Part::Waiting => Role::Follower,
            Part::Asking { .. } => Role::Candidate,
            Part::Leading { .. } => Role::Leader,
        }
    }
    fn term(&self) -> Term {
        self.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
