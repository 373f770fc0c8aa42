//! raft_election: choose a leader, and only one per term. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::raft_election`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::raft_election::{
    ELECTION_TIMEOUT_MS, Elector, HEARTBEAT_EVERY, LogEnd, Message, RaftElection, Role, Saved,
    Term, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Raft {
    me: NodeId,
    log: LogEnd,
    term: Term,
    role: Role,
    // The rest of your state.
}

impl Node<RaftElection> for Raft {
    /// The first start (`saved` is `None`) and every restart (what you saved last). `log` is where this node's log ends.
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        Raft {
            me,
            log: *log,
            term: 0,
            role: Role::Follower,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, RaftElection>) {
        // let timeout = cx.random(ELECTION_TIMEOUT_MS);
        // cx.set_timer(Timer::Election, millis(timeout));
        todo!("wait for a leader")
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, RaftElection>) {
        match message {
            Message::RequestVote { term, log } => todo!("vote, or not"),
            Message::RequestVoteReply { term, granted } => todo!("count the votes"),
            Message::AppendEntries { term } => todo!("there is a leader"),
            Message::AppendEntriesReply { term } => todo!("what can a leader learn from this?"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, RaftElection>) {
        todo!("start an election, or send heartbeats")
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
