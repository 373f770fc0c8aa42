//! `raft_election`: how Raft chooses a leader, and only one per term.
//!
//! The election part of Figure 2 of Ongaro & Ousterhout 2014 ("In search of an understandable consensus algorithm"), which
//! is the contract: no pre-vote, no lease that ignores a higher term. The log is given and does not change; a heartbeat is
//! an AppendEntries without entries. This page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::time::Duration;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct RaftElection;

/// A term: Raft's logical clock. The first election is that of term 1.
pub type Term = u64;

/// A follower that hears nothing for a time drawn from this range starts an election.
pub const ELECTION_TIMEOUT_MS: std::ops::RangeInclusive<u64> = 150..=300;

/// How often a leader sends heartbeats; the first ones leave at once when it wins.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(50);

/// Where a log ends: given to each node, and the same for all its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogEnd {
    /// Index of the last entry, 0 for an empty log.
    pub index: u64,
    /// Term of the last entry, 0 for an empty log.
    pub term: Term,
}

/// Between nodes. The sender is the candidate, the voter or the leader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A candidate asks for a vote.
    RequestVote {
        /// The candidate's term.
        term: Term,
        /// Where its log ends.
        log: LogEnd,
    },
    /// The answer to a RequestVote. A request of a lower term may be refused or ignored.
    RequestVoteReply {
        /// The voter's term.
        term: Term,
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// The leader is there (a heartbeat).
    AppendEntries {
        /// The leader's term.
        term: Term,
    },
    /// The answer to an AppendEntries, if you send one.
    AppendEntriesReply {
        /// The follower's term.
        term: Term,
    },
}

impl Message {
    /// The sender's term.
    #[must_use]
    pub fn term(&self) -> Term {
        match self {
            Message::RequestVote { term, .. }
            | Message::RequestVoteReply { term, .. }
            | Message::AppendEntries { term }
            | Message::AppendEntriesReply { term } => *term,
        }
    }
}

/// Timers. Use them as you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Nothing was heard for too long.
    Election,
    /// Time for a heartbeat.
    Heartbeat,
    /// For those who count ticks.
    Tick,
}

/// What survives a crash ("persistent state" of Figure 2): `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// The latest term that this node has seen.
    pub term: Term,
    /// Who got its vote in that term.
    pub voted_for: Option<NodeId>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Leads its term.
    Leader,
}

/// What the hidden tests see of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Its role.
    pub role: Role,
    /// Its current term.
    pub term: Term,
}

impl Protocol for RaftElection {
    type Config = LogEnd;
    type Message = Message;
    type Timer = Timer;
    type Request = std::convert::Infallible;
    type Response = std::convert::Infallible;
    type Durable = Saved;
    type View = View;
}

/// A node that takes part in elections. Both methods are called after every step and must not change anything; what
/// they return is compared with the messages that the node sends.
pub trait Elector: Node<RaftElection> {
    /// What this node is now.
    fn role(&self) -> Role;
    /// Its current term.
    fn term(&self) -> Term;
}

impl<N: Elector> Observe<N> for RaftElection {
    fn view(node: &N) -> View {
        View { role: node.role(), term: node.term() }
    }
}
