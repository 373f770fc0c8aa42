//! The reference: leader election as in Figure 2 of the Raft paper.

use splitbrain::exercises::raft_election::{
    ELECTION_TIMEOUT_MS, Elector, HEARTBEAT_EVERY, LogEnd, Message, RaftElection, Role, Saved,
    Term, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash)]
struct Raft {
    me: NodeId,
    cluster: usize,
    log: LogEnd,
    // Persistent (Figure 2): saved before anybody can learn of a change.
    term: Term,
    voted_for: Option<NodeId>,
    // Volatile.
    role: Role,
    /// Who voted for this candidate: a set, as a repeated answer is still one vote.
    votes: BTreeSet<NodeId>,
}

impl Raft {
    fn save(&self, cx: &mut Context<'_, RaftElection>) {
        cx.save(Saved {
            term: self.term,
            voted_for: self.voted_for,
        });
    }

    fn reset_election_timer(&self, cx: &mut Context<'_, RaftElection>) {
        let timeout = cx.random(ELECTION_TIMEOUT_MS);
        cx.set_timer(Timer::Election, millis(timeout));
    }

    /// All servers: a higher term in any message, request or answer, makes a follower of its receiver.
    fn notice(&mut self, term: Term, cx: &mut Context<'_, RaftElection>) {
        if term > self.term {
            self.term = term;
            self.voted_for = None;
            self.save(cx);
            self.follow(cx);
        }
    }

    fn follow(&mut self, cx: &mut Context<'_, RaftElection>) {
        // A leader has no election timer running; a candidate that steps down waits anew.
        if self.role != Role::Follower {
            self.role = Role::Follower;
            cx.cancel_timer(Timer::Heartbeat);
            self.reset_election_timer(cx);
        }
    }

    fn campaign(&mut self, cx: &mut Context<'_, RaftElection>) {
        self.term += 1;
        self.role = Role::Candidate;
        self.voted_for = Some(self.me);
        self.votes = BTreeSet::from([self.me]);
        // Before anybody hears of this candidacy: after a crash this node must remember that its vote is spent.
        self.save(cx);
        cx.broadcast(Message::RequestVote {
            term: self.term,
            log: self.log,
        });
        // A new random time, so that a split vote does not repeat itself for ever.
        self.reset_election_timer(cx);
    }

    fn heartbeat(&self, cx: &mut Context<'_, RaftElection>) {
        cx.broadcast(Message::AppendEntries { term: self.term });
        cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
    }

    fn count(&mut self, voter: NodeId, cx: &mut Context<'_, RaftElection>) {
        self.votes.insert(voter);
        // A majority of the whole cluster, whoever can be reached.
        if self.role == Role::Candidate && self.votes.len() > self.cluster / 2 {
            self.role = Role::Leader;
            cx.cancel_timer(Timer::Election);
            // At once: it ends the other candidacies of this term.
            self.heartbeat(cx);
        }
    }

    fn answer_vote_request(
        &mut self,
        candidate: NodeId,
        term: Term,
        log: LogEnd,
        cx: &mut Context<'_, RaftElection>,
    ) {
        // Section 5.4.1: the later term wins; with equal terms the longer log.
        let up_to_date = (log.term, log.index) >= (self.log.term, self.log.index);
        let free = self.voted_for.is_none_or(|v| v == candidate);
        let granted = term == self.term && free && up_to_date;
        if granted {
            self.voted_for = Some(candidate);
            self.save(cx);
            self.reset_election_timer(cx);
        }
        cx.send(
            candidate,
            Message::RequestVoteReply {
                term: self.term,
                granted,
            },
        );
    }
}

impl Node<RaftElection> for Raft {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let Saved { term, voted_for } = saved.unwrap_or_default();
        Raft {
            me,
            cluster: peers.len() + 1,
            log: *log,
            term,
            voted_for,
            role: Role::Follower,
            votes: BTreeSet::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, RaftElection>) {
        self.reset_election_timer(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, RaftElection>) {
        self.notice(message.term(), cx);
        match message {
            Message::RequestVote { term, log } => self.answer_vote_request(from, term, log, cx),
            Message::RequestVoteReply { term, granted } => {
                if granted && term == self.term {
                    self.count(from, cx);
                }
            }
            Message::AppendEntries { term } => {
                if term == self.term {
                    // The leader of this term exists: a candidate of the same term has lost.
                    self.follow(cx);
                    self.reset_election_timer(cx);
                }
                cx.send(from, Message::AppendEntriesReply { term: self.term });
            }
            // Its term was all it had to say.
            Message::AppendEntriesReply { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, RaftElection>) {
        match (timer, self.role) {
            (Timer::Election, Role::Follower | Role::Candidate) => self.campaign(cx),
            (Timer::Heartbeat, Role::Leader) => self.heartbeat(cx),
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
