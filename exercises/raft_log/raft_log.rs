//! raft_log: one log on all nodes, and when an entry is committed. The problem is in README.md beside this file; the types
//! (go to definition) in `splitbrain::exercises::raft_log`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::raft_log::{
    Ballot, Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request,
    Response, Role, Saved, Term, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Raft {
    election: Election,
    /// Entry 1 is `log[0]`.
    log: Vec<Entry>,
    applied: Vec<u64>,
    // Your state.
}

impl Node<RaftLog> for Raft {
    /// The first start (`saved` is `None`) and every restart (what was saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &(), saved: Option<Saved>) -> Self {
        Raft {
            election: Election::new(me, peers, saved.as_ref()),
            log: saved.unwrap_or_default().log,
            applied: Vec::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, RaftLog>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, RaftLog>) {
        // First: afterwards the election is in the message's term, or in a later one.
        let role = self.election.on_message(from, &message, &self.log, cx);
        match role {
            Some(Role::Leader) => todo!("lead: tell the others at once"),
            Some(_) => todo!("lead no more"),
            None => {}
        }
        match message {
            Message::AppendEntries {
                term,
                prev,
                entries,
                commit,
            } => todo!("follower: take what fits; say Matches or Refused"),
            Message::Matches { term, index } => todo!("leader: does a majority have an entry?"),
            Message::Refused { term, prev, hint } => todo!("leader: go back"),
            // The election's.
            Message::RequestVote { .. } | Message::RequestVoteReply { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, RaftLog>) {
        match timer {
            Timer::Election => {
                let role = self.election.on_timer(&self.log, cx);
            }
            _ => todo!("leader: send every follower what it lacks"),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, RaftLog>) {
        let Request::Write(value) = request;
        todo!("leader: append it, save, and send it; others refuse")
    }
}

impl Replica for Raft {
    fn election(&self) -> &Election {
        &self.election
    }

    fn applied(&self) -> &[u64] {
        &self.applied
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Raft>)
}
