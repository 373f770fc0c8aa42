//! The election half of Figure 2, finished: given to whoever writes the log half. It knows of the log only where it ends, and what to save with
//! its own.

use super::{Ballot, ELECTION_TIMEOUT_MS, Entry, EntryId, Message, RaftLog, Role, Saved, Term, Timer};
use crate::sim::{Context, NodeId};
use crate::time::millis;
use std::collections::BTreeSet;

/// A node's part in elections. Ask it first, with every message and with [`Timer::Election`], and act on what it says then: it knows who leads, and in which
/// term. It sets its timer, saves (its ballot *and* the log that it is given) before it says anything, sends and answers RequestVote, and takes over a
/// higher term from any message.
#[derive(Clone, Debug, Hash)]
pub struct Election {
    me: NodeId,
    majority: usize,
    role: Role,
    ballot: Ballot,
    for_me: BTreeSet<NodeId>,
}

impl Election {
    /// For [`Node::new`](crate::sim::Node::new): a follower, of the term that is on the disk.
    #[must_use]
    pub fn new(me: NodeId, peers: &[NodeId], saved: Option<&Saved>) -> Self {
        let ballot = saved.map_or_else(Ballot::default, |saved| saved.ballot);
        Election { me, majority: peers.len().div_ceil(2) + 1, role: Role::Follower, ballot, for_me: BTreeSet::new() }
    }

    /// For [`Node::on_start`](crate::sim::Node::on_start): sets its timer.
    #[track_caller]
    pub fn on_start(&self, cx: &mut Context<'_, RaftLog>) {
        Self::waits(cx);
    }

    /// A message has arrived, of any kind; `log` is this node's log. Says what the node has become, if that changed: a leader begins to lead, one
    /// that was leader is none any more.
    #[track_caller]
    pub fn on_message(&mut self, from: NodeId, message: &Message, log: &[Entry], cx: &mut Context<'_, RaftLog>) -> Option<Role> {
        let before = self.role;
        if message.term() > self.ballot.term {
            self.adopts(Ballot { term: message.term(), voted_for: None }, log, cx);
            self.yields(cx);
        }
        let is_of_now = message.term() == self.ballot.term;
        match message {
            Message::RequestVote { last, .. } => {
                let granted = is_of_now && self.may_have_my_vote(from, *last, log);
                if granted {
                    self.adopts(Ballot { voted_for: Some(from), ..self.ballot }, log, cx);
                    Self::waits(cx);
                }
                cx.send(from, Message::RequestVoteReply { term: self.ballot.term, granted });
            }
            Message::RequestVoteReply { granted: true, .. } if is_of_now && self.role == Role::Candidate => {
                self.for_me.insert(from);
                if self.for_me.len() >= self.majority {
                    self.role = Role::Leader;
                    cx.cancel_timer(Timer::Election);
                }
            }
            Message::AppendEntries { .. } if is_of_now => {
                self.yields(cx);
                Self::waits(cx);
            }
            _ => {}
        }
        (self.role != before).then_some(self.role)
    }

    /// [`Timer::Election`] has fired. What it says is as of [`Election::on_message`].
    #[track_caller]
    pub fn on_timer(&mut self, log: &[Entry], cx: &mut Context<'_, RaftLog>) -> Option<Role> {
        let before = self.role;
        if before != Role::Leader {
            let term = self.ballot.term + 1;
            (self.role, self.for_me) = (Role::Candidate, BTreeSet::from([self.me]));
            self.adopts(Ballot { term, voted_for: Some(self.me) }, log, cx);
            cx.broadcast(Message::RequestVote { term, last: EntryId::last(log) });
            Self::waits(cx);
        }
        (self.role != before).then_some(self.role)
    }

    /// What this node is now.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its current term.
    #[must_use]
    pub fn term(&self) -> Term {
        self.ballot.term
    }

    /// Term and vote, for [`Saved`].
    #[must_use]
    pub fn ballot(&self) -> Ballot {
        self.ballot
    }

    #[track_caller]
    fn adopts(&mut self, ballot: Ballot, log: &[Entry], cx: &mut Context<'_, RaftLog>) {
        if ballot != self.ballot {
            self.ballot = ballot;
            cx.save(Saved { ballot, log: log.to_vec() });
        }
    }

    #[track_caller]
    fn yields(&mut self, cx: &mut Context<'_, RaftLog>) {
        if self.role != Role::Follower {
            self.role = Role::Follower;
            Self::waits(cx);
        }
    }

    #[track_caller]
    fn waits(cx: &mut Context<'_, RaftLog>) {
        let timeout = cx.random(ELECTION_TIMEOUT_MS);
        cx.set_timer(Timer::Election, millis(timeout));
    }

    fn may_have_my_vote(&self, candidate: NodeId, last: EntryId, log: &[Entry]) -> bool {
        let own = EntryId::last(log);
        let is_up_to_date = (last.term, last.index) >= (own.term, own.index);
        is_up_to_date && self.ballot.voted_for.is_none_or(|voted| voted == candidate)
    }
}
