//! Built another way: a state for each role, with its data in it. A higher term is saved only once it is voted in or spoken
//! of: one function sends everything, and saves before it does what is not on the disk yet.

use splitbrain::exercises::raft_election::{
    ELECTION_TIMEOUT_MS, Elector, HEARTBEAT_EVERY, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
enum State {
    Following,
    Asking { yes: BTreeSet<NodeId> },
    Leading,
}

#[derive(Clone, Debug, Hash)]
struct Raft {
    me: NodeId,
    cluster: usize,
    log: LogEnd,
    now: Saved,
    disk: Saved,
    state: State,
}

impl Raft {
    /// Nothing leaves before what it rests on is on the disk.
    fn say(&mut self, to: Option<NodeId>, message: Message, cx: &mut Context<'_, RaftElection>) {
        if self.disk != self.now {
            self.disk = self.now.clone();
            cx.save(self.disk.clone());
        }
        match to {
            Some(to) => cx.send(to, message),
            None => cx.broadcast(message),
        }
    }
    fn wait(&self, cx: &mut Context<'_, RaftElection>) {
        let after = cx.random(ELECTION_TIMEOUT_MS);
        cx.set_timer(Timer::Election, millis(after));
    }
    fn enter(&mut self, next: State, cx: &mut Context<'_, RaftElection>) {
        let was_leading = matches!(self.state, State::Leading);
        self.state = next;
        match &self.state {
            State::Following => {
                if was_leading {
                    cx.cancel_timer(Timer::Heartbeat);
                    self.wait(cx);
                }
            }
            State::Asking { .. } => {
                self.wait(cx);
                let message = Message::RequestVote { term: self.now.term, log: self.log };
                self.say(None, message, cx);
            }
            State::Leading => {
                cx.cancel_timer(Timer::Election);
                let message = Message::AppendEntries { term: self.now.term };
                self.say(None, message, cx);
                cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
            }
        }
    }
}

impl Node<RaftElection> for Raft {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Raft { me, cluster: peers.len() + 1, log: *log, now: saved.clone(), disk: saved, state: State::Following }
    }
    fn on_start(&mut self, cx: &mut Context<'_, RaftElection>) {
        self.wait(cx);
    }
    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, RaftElection>) {
        let term = message.term();
        if term > self.now.term {
            self.now = Saved { term, voted_for: None };
            self.enter(State::Following, cx);
        }
        let old = term < self.now.term;
        match message {
            Message::RequestVote { log, .. } if !old => {
                let fit = (log.term, log.index) >= (self.log.term, self.log.index);
                let granted = fit && *self.now.voted_for.get_or_insert(from) == from;
                if granted {
                    self.wait(cx);
                }
                self.say(Some(from), Message::RequestVoteReply { term: self.now.term, granted }, cx);
            }
            Message::RequestVote { .. } => {
                self.say(Some(from), Message::RequestVoteReply { term: self.now.term, granted: false }, cx);
            }
            Message::RequestVoteReply { granted: true, .. } if !old => {
                if let State::Asking { yes } = &mut self.state {
                    yes.insert(from);
                    if yes.len() > self.cluster / 2 {
                        self.enter(State::Leading, cx);
                    }
                }
            }
            Message::AppendEntries { .. } if !old => {
                self.enter(State::Following, cx);
                self.wait(cx);
            }
            // A leader of an old term is told so.
            Message::AppendEntries { .. } => {
                self.say(Some(from), Message::AppendEntriesReply { term: self.now.term }, cx);
            }
            _ => {}
        }
    }
    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, RaftElection>) {
        match (timer, &self.state) {
            (Timer::Election, State::Following | State::Asking { .. }) => {
                self.now = Saved { term: self.now.term + 1, voted_for: Some(self.me) };
                self.enter(State::Asking { yes: BTreeSet::from([self.me]) }, cx);
            }
            (Timer::Heartbeat, State::Leading) => {
                self.say(None, Message::AppendEntries { term: self.now.term }, cx);
                cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
            }
            _ => {}
        }
    }
}

impl Elector for Raft {
    fn role(&self) -> Role {
        match self.state {
            State::Following => Role::Follower,
            State::Asking { .. } => Role::Candidate,
            State::Leading => Role::Leader,
        }
    }
    fn term(&self) -> Term {
        self.now.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Raft>)
}
