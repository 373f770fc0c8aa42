//! `raft_log`: how Raft's leader replicates one log to all nodes, and when an entry is committed.
//!
//! Figure 2 of Ongaro & Ousterhout 2014 ("In search of an understandable consensus algorithm"). The election half is given, finished:
//! [`Election`]. The log half is yours to write. This page is the contract; the problem is described in the exercise's README.

mod election;
mod judge;

pub use election::Election;
pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::fmt;
use std::time::Duration;

/// How long a node may take to answer an [`Message::AppendEntries`], to refuse a write or to take it into its log, and, once an entry is known to be
/// committed, to apply it and answer its client.
pub const TAKES: Duration = Duration::from_millis(20);
/// A leader sends every other node an [`Message::AppendEntries`] at least this often, and the first ones at once when it wins.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(50);
/// A follower that hears nothing for a time drawn from this range starts an election: [`Election`] does it.
pub const ELECTION_TIMEOUT_MS: std::ops::RangeInclusive<u64> = 150..=300;

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct RaftLog;

/// A term: Raft's logical clock. The first election is that of term 1.
pub type Term = u64;

/// One entry of the log. Shown as `7@3`: command 7, of term 3; one without a command as `-@3`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The term of the leader that put it into its log. It never changes.
    pub term: Term,
    /// What a client wants done. `None`: an entry of the leader's own, which does nothing; you need not have any.
    pub command: Option<u64>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.command {
            Some(command) => write!(f, "{command}@{}", self.term),
            None => write!(f, "-@{}", self.term),
        }
    }
}

/// Which entry: by index *and* term. Shown as `#5@3`: the entry at index 5, of term 3. `#0@0` is before the first.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EntryId {
    /// Its place in the log, counted from 1; 0 for before the first.
    pub index: usize,
    /// Its term, 0 for before the first.
    pub term: Term,
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}@{}", self.index, self.term)
    }
}

impl EntryId {
    /// The last entry of a log.
    #[must_use]
    pub fn last(log: &[Entry]) -> Self {
        EntryId { index: log.len(), term: log.last().map_or(0, |entry| entry.term) }
    }
}

/// Between nodes. Any of them may come late, twice, out of order or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A candidate asks for a vote. ([`Election`] sends and answers it.)
    RequestVote {
        /// The candidate's term.
        term: Term,
        /// The last entry of its log.
        last: EntryId,
    },
    /// The answer to a RequestVote.
    RequestVoteReply {
        /// The voter's term.
        term: Term,
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// The leader of a term sends what comes after `prev` in its log; without entries it is a heartbeat.
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// The entry that stands before these.
        prev: EntryId,
        /// The entries after that, in order.
        entries: Vec<Entry>,
        /// The highest index that the leader knows to be committed.
        commit: usize,
    },
    /// Follower to the leader of this term, on success: up to this index the log on my disk is the same as yours.
    Matches {
        /// The follower's term.
        term: Term,
        /// The last index that is known to be the same.
        index: usize,
    },
    /// Follower to leader: `prev` did not fit, or your term is over.
    Refused {
        /// The follower's term.
        term: Term,
        /// The index of the `prev` that is refused.
        prev: usize,
        /// Where to go on, if you want to say so: the term of your entry at that index, and the first index that you have of it; if your log ends
        /// before that index, term 0 and the index after your last entry.
        hint: Option<EntryId>,
    },
}

impl Message {
    /// The sender's term.
    #[must_use]
    pub fn term(&self) -> Term {
        match self {
            Message::RequestVote { term, .. }
            | Message::RequestVoteReply { term, .. }
            | Message::AppendEntries { term, .. }
            | Message::Matches { term, .. }
            | Message::Refused { term, .. } => *term,
        }
    }
}

/// Timers. Use them as you like, except [`Timer::Election`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Set by [`Election`]: hand it to [`Election::on_timer`] when it fires, and leave it alone otherwise.
    Election,
    /// Time for heartbeats.
    Heartbeat,
    /// Yours to use, perhaps one for each other node.
    Peer(NodeId),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Put this command into the log. Answer [`Response::Applied`] once it is applied, [`Response::NotLeader`] if it never will be.
    Write(u64),
}

/// To a client: at most one to each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is committed and applied here, as the entry at that index.
    Applied {
        /// Its index in the log.
        index: usize,
    },
    /// This node has not applied it, and it never will be applied.
    NotLeader,
}

/// The term and the vote of an [`Election`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ballot {
    /// The latest term that this node has seen.
    pub term: Term,
    /// Who got its vote in that term.
    pub voted_for: Option<NodeId>,
}

/// What survives a crash ("persistent state" of Figure 2): `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// As [`Election::ballot`] gives it.
    pub ballot: Ballot,
    /// The log.
    pub log: Vec<Entry>,
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Its role.
    pub role: Role,
    /// Its term and its vote.
    pub ballot: Ballot,
    /// The commands that it has applied since it started.
    pub applied: Vec<u64>,
}

impl Protocol for RaftLog {
    type Config = ();
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = View;
}

/// A node with an election and a log. Both methods are called after every step and must not change anything.
pub trait Replica: Node<RaftLog> {
    /// Its election.
    fn election(&self) -> &Election;
    /// The state machine: the commands that were applied since this node started, from the first entry of the log on, in order. (An entry without a
    /// command adds nothing.)
    fn applied(&self) -> &[u64];
}

impl<N: Replica> Observe<N> for RaftLog {
    fn view(node: &N) -> View {
        let election = node.election();
        View { role: election.role(), ballot: election.ballot(), applied: node.applied().to_vec() }
    }
}
