//! Built another way: it saves in every handler, a candidate asks those who have not answered again every 50 ms, and the
//! election timer is not reset: when it fires it looks at a deadline, and sets itself for what is left.

use splitbrain::exercises::raft_election::{
    ELECTION_TIMEOUT_MS, Elector, HEARTBEAT_EVERY, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Raft {
    me: NodeId,
    log: LogEnd,
    term: Term,
    voted_for: Option<NodeId>,
    role: Role,
    answers: BTreeMap<NodeId, Option<bool>>,
    deadline: Option<Time>,
}

impl Raft {
    fn save(&self, cx: &mut Context<'_, RaftElection>) {
        cx.save(Saved { term: self.term, voted_for: self.voted_for });
    }
    fn postpone(&mut self, cx: &mut Context<'_, RaftElection>) {
        let wait = millis(cx.random(ELECTION_TIMEOUT_MS));
        let deadline = cx.now() + wait;
        // A timer that fires earlier than the new deadline is left alone: it looks again.
        if self.deadline.is_none_or(|old| deadline < old) {
            cx.set_timer(Timer::Election, wait);
        }
        self.deadline = Some(deadline);
    }
    fn ask(&mut self, cx: &mut Context<'_, RaftElection>) {
        for (peer, answer) in &self.answers {
            if answer.is_none() {
                cx.send(*peer, Message::RequestVote { term: self.term, log: self.log });
            }
        }
        cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
    }
    fn beat(&mut self, cx: &mut Context<'_, RaftElection>) {
        for peer in self.answers.keys() {
            cx.send(*peer, Message::AppendEntries { term: self.term });
        }
        cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
    }
}

impl Node<RaftElection> for Raft {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let Saved { term, voted_for } = saved.unwrap_or_default();
        let answers = peers.iter().map(|peer| (*peer, None)).collect();
        Raft { me, log: *log, term, voted_for, role: Role::Follower, answers, deadline: None }
    }
    fn on_start(&mut self, cx: &mut Context<'_, RaftElection>) {
        self.save(cx);
        self.postpone(cx);
    }
    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, RaftElection>) {
        let term = message.term();
        if term > self.term {
            if self.role == Role::Leader {
                self.deadline = None;
                self.postpone(cx);
            }
            (self.term, self.voted_for, self.role) = (term, None, Role::Follower);
        }
        let current = term == self.term;
        let mut answer = None;
        match message {
            Message::RequestVote { log, .. } => {
                let good = log.term > self.log.term || log.term == self.log.term && log.index >= self.log.index;
                let granted = current && good && self.voted_for.is_none_or(|to| to == from);
                if granted {
                    self.voted_for = Some(from);
                    self.postpone(cx);
                }
                answer = Some(Message::RequestVoteReply { term: self.term, granted });
            }
            Message::RequestVoteReply { granted, .. } if current && self.role == Role::Candidate => {
                let entry = self.answers.entry(from).or_default();
                *entry = Some(granted || *entry == Some(true));
            }
            Message::AppendEntries { .. } => {
                if current {
                    self.role = Role::Follower;
                    self.postpone(cx);
                }
                answer = Some(Message::AppendEntriesReply { term: self.term });
            }
            _ => {}
        }
        self.save(cx);
        if let Some(answer) = answer {
            cx.send(from, answer);
        }
        let yes = 1 + self.answers.values().filter(|a| **a == Some(true)).count();
        if self.role == Role::Candidate && yes > (self.answers.len() + 1) / 2 {
            self.role = Role::Leader;
            self.beat(cx);
        }
    }
    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, RaftElection>) {
        match timer {
            Timer::Heartbeat if self.role == Role::Leader => self.beat(cx),
            Timer::Heartbeat if self.role == Role::Candidate => self.ask(cx),
            Timer::Election if self.role != Role::Leader => {
                if let Some(left) = self.deadline.filter(|at| *at > cx.now()).map(|at| at - cx.now()) {
                    cx.set_timer(Timer::Election, left);
                    return;
                }
                self.term += 1;
                self.role = Role::Candidate;
                self.voted_for = Some(self.me);
                self.answers.values_mut().for_each(|answer| *answer = None);
                self.save(cx);
                self.deadline = None;
                self.postpone(cx);
                self.ask(cx);
            }
            _ => {}
        }
    }
}

impl Elector for Raft {
    fn role(&self) -> Role {
        self.role
    }
    fn term(&self) -> Term {
        self.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Raft>)
}
