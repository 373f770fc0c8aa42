//! `two_phase_commit`: a transfer that changes an account at each of several nodes, or at none of them.
//!
//! One node coordinates, all the others are participants and keep accounts: Gray 1978 ("Notes on data base operating systems"), Bernstein,
//! Hadzilacos & Goodman 1987, chapter 7. This page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// How long a participant may take for a vote, for [`Message::Done`] and for an answer to [`Request::Read`], and the coordinator to send what it has
/// to send: room to save several things at once.
pub const TAKES: Duration = Duration::from_millis(20);
/// How long the coordinator waits for a vote before it may give up, counted from when it sent [`Message::Prepare`].
pub const WAITS: Duration = Duration::from_millis(60);
/// Within this time after a transaction was requested, its client must be answered.
pub const ANSWERS: Duration = Duration::from_millis(300);
/// A participant in doubt asks the coordinator at the latest this long after it has voted, asked or started.
pub const ASKS: Duration = Duration::from_millis(200);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct TwoPhaseCommit;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// Which node coordinates. All the others are participants.
    pub coordinator: NodeId,
    /// What is in each account of each participant before the first change: any number.
    pub opening: u64,
}

/// The number of a transaction, chosen by the coordinator: no two share one, even across restarts. `t7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub u64);

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// An account of a participant. `a7` when shown; the `a7` of another participant is another account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(pub u64);

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}", self.0)
    }
}

/// What a transaction does at one participant. `a7 -30` when shown. A balance may not fall below 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// Which account.
    pub account: Account,
    /// What is added to the balance; below 0 if money is taken out.
    pub by: i64,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:+}", self.account, self.by)
    }
}

/// What a participant says to [`Message::Prepare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vote {
    /// I can commit it, whatever happens here; I wait for the decision, however long that takes.
    Yes,
    /// I cannot: here it has ended, with Abort.
    No,
}

/// How a transaction ends: the same way everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Every change is made.
    Commit,
    /// No change is made.
    Abort,
}

/// Between nodes. Any message may be sent again, even after it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Coordinator to participant: can you make this change? Answer [`Message::Voted`].
    Prepare {
        /// In which transaction.
        tx: TxId,
        /// Your part of it.
        change: Change,
        /// All nodes that have a part in it, including you.
        participants: BTreeSet<NodeId>,
    },
    /// Participant to coordinator.
    Voted(TxId, Vote),
    /// Coordinator to participant, or a participant to another one that has asked: this is the outcome. Answer the coordinator with
    /// [`Message::Done`].
    Decided(TxId, Outcome),
    /// Participant to coordinator: I have *saved* how it ended, and need not be told again.
    Done(TxId),
    /// Participant in doubt to the coordinator, or to another participant: how did it end? Answer [`Message::Decided`] if you know. A
    /// coordinator that still collects votes is silent.
    Ask(TxId),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Votes of this transaction are missing.
    Votes(TxId),
    /// Time to ask about this transaction.
    Doubt(TxId),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// To the coordinator: make these changes, one at each of these participants (one or more), or none of them. Answer
    /// [`Response::Committed`] or [`Response::Aborted`]. The same request again is another transaction.
    Transact(BTreeMap<NodeId, Change>),
    /// To a participant: what is in this account? Answer [`Response::Balance`] or [`Response::Locked`].
    Read(Account),
}

/// To a client: exactly one to each request, in time, unless the node crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It has committed, under this number.
    Committed(TxId),
    /// It has aborted, and none of its changes is or will be made.
    Aborted(TxId),
    /// This much is in the account.
    Balance(u64),
    /// A transaction that has not ended here changes it: neither the old nor the new balance is true.
    Locked,
}

/// What a node has recorded about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// Coordinator: these are asked for their votes. Optional: for a coordinator that wants to know it after a restart.
    Begun(BTreeSet<NodeId>),
    /// Participant: voted Yes to this change, and does not know how it ended. The set is that of [`Message::Prepare`].
    Prepared(Change, BTreeSet<NodeId>),
    /// It has ended, with this outcome. The set is yours: for example the nodes that must still hear of it.
    Ended(Outcome, BTreeSet<NodeId>),
}

/// What survives a crash: `None` at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// The log: the latest record of each transaction.
    pub log: BTreeMap<TxId, Record>,
    /// Participant: the balances of the accounts that were ever changed, by committed transactions only.
    pub balances: BTreeMap<Account, u64>,
    /// A number of yours, if you need one that survives. At a coordinator's first start it may already be large (below 2⁶²), with an empty log.
    pub counter: u64,
}

impl Protocol for TwoPhaseCommit {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages, answers and what is saved.
impl<N: Node<TwoPhaseCommit>> Observe<N> for TwoPhaseCommit {
    fn view(_: &N) {}
}
