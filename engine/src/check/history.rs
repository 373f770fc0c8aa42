//! What clients did and saw, in Jepsen's terms. Knows time and nothing else: neither the simulator nor any checker.
//!
//! An operation is invoked by a client and ends in one of three ways: **ok** (it returned this, then), **fail** (it
//! definitely did not happen, and never will) or **info** (nobody knows: it may have happened, may happen later, or never).
//! A timeout is *info*, never *fail*: the request may still be on its way.
//!
//! # Why intervals are closed
//!
//! Operation *a* comes before *b* only if *a* returned at an **earlier** instant than *b* was invoked. At the same instant the
//! two are concurrent, because virtual time orders nothing within an instant: which event was recorded first says
//! how the queue was built, not what a client could know. Were ties ordered by the recording, this correct run
//! (both take effect at 5 ms, the write first) would be refused, or not, as the recorder happened to sort it:
//!
//! ```text
//!    1 ms  c1 invokes write 1
//!    5 ms  c2 invokes read          recorded here, and again as
//!    5 ms  c2's read returns 0      "c1's write returned, then c2 invoked": read 0 after write 1 had ended
//!    5 ms  c1's write returns
//! ```
//!
//! One thing does order a tie: **a client knows what it has done itself**. Of two operations of one client where the later
//! recorded is invoked at the instant at which the earlier returned, the earlier comes first; clients that ask again
//! at once do so at every operation, and taking their operations for concurrent would hide a stale read of one's own write.

use crate::time::Time;
use std::fmt;

/// An operation of a history: its number in the order of invocation as recorded, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u32);

impl OpId {
    /// As an index into [`History::operations`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<R> {
    /// It returned.
    Ok {
        /// What it returned.
        ret: R,
        /// When.
        at: Time,
    },
    /// It definitely did not happen, as the client learnt at this time.
    Fail {
        /// When the client learnt it.
        at: Time,
    },
    /// It never returned: it may have happened, at any time since it was invoked, or not at all.
    Info,
}

/// One operation of a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation<O, R> {
    /// Who, counted from 0 and shown from `c1`, as on a trace's lanes.
    pub client: u32,
    /// What.
    pub op: O,
    /// When it was invoked.
    pub invoked: Time,
    /// How it ended.
    pub outcome: Outcome<R>,
}

impl<O, R> Operation<O, R> {
    /// What it returned, if it did.
    #[must_use]
    pub fn ret(&self) -> Option<&R> {
        match &self.outcome {
            Outcome::Ok { ret, .. } => Some(ret),
            Outcome::Fail { .. } | Outcome::Info => None,
        }
    }

    /// When it returned, if it did (a failure counts as never: it never happened).
    #[must_use]
    pub fn returned(&self) -> Option<Time> {
        match self.outcome {
            Outcome::Ok { at, .. } => Some(at),
            Outcome::Fail { .. } | Outcome::Info => None,
        }
    }

    /// Whether it is known not to have happened.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.outcome, Outcome::Fail { .. })
    }

    /// The client as it is shown: `c1`, `c2`, …
    #[must_use]
    pub fn client_name(&self) -> String {
        format!("c{}", u64::from(self.client) + 1)
    }

    /// Its interval as it is shown: `[8.100 ms, 9.000 ms]`, or `[8.100 ms, …)` if it never returned.
    #[must_use]
    pub fn interval(&self) -> String {
        match &self.outcome {
            Outcome::Ok { at, .. } | Outcome::Fail { at } => format!("[{}, {at}]", self.invoked),
            Outcome::Info => format!("[{}, …)", self.invoked),
        }
    }
}

/// `c2 Read → Value(0) [8.100 ms, 9.000 ms]`: the form for histories whose operations have no words of their own.
impl<O: fmt::Debug, R: fmt::Debug> fmt::Display for Operation<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.client_name(), self.op)?;
        match &self.outcome {
            Outcome::Ok { ret, .. } => write!(f, " → {ret:?}")?,
            Outcome::Fail { .. } => write!(f, " → failed")?,
            Outcome::Info => write!(f, " → ?")?,
        }
        write!(f, " {}", self.interval())
    }
}

/// A history: `O` is what a client can ask, `R` what it can be answered.
///
/// ```
/// use splitbrain_engine::check::{History, RegisterOp, RegisterRet};
/// use splitbrain_engine::time::Time;
///
/// let mut history: History<RegisterOp<u8>, RegisterRet<u8>> = History::new();
/// let write = history.invoke(0, RegisterOp::Write(1), Time::from_millis(1));
/// history.ok(write, RegisterRet::Written, Time::from_millis(3));
/// let lost = history.invoke(1, RegisterOp::Write(2), Time::from_millis(2));
/// history.info(lost); // timed out: it may have happened
/// assert_eq!(history.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History<O, R> {
    operations: Vec<Operation<O, R>>,
}

impl<O, R> Default for History<O, R> {
    fn default() -> Self {
        History { operations: Vec::new() }
    }
}

impl<O, R> History<O, R> {
    /// An empty history.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A client invokes an operation. Until it is told otherwise, the history takes it for one that never returned.
    pub fn invoke(&mut self, client: u32, op: O, at: Time) -> OpId {
        let id = OpId(u32::try_from(self.operations.len()).expect("fewer than 2^32 operations"));
        self.operations.push(Operation { client, op, invoked: at, outcome: Outcome::Info });
        id
    }

    /// The operation returned. After [`History::info`] too: a late answer is an answer.
    ///
    /// # Panics
    /// If it has already ended, or would return before it was invoked: a mistake of the recorder.
    pub fn ok(&mut self, id: OpId, ret: R, at: Time) {
        self.end(id, Outcome::Ok { ret, at }, at);
    }

    /// The operation definitely did not happen and never will. (A timeout is [`History::info`].)
    ///
    /// # Panics
    /// As [`History::ok`].
    pub fn fail(&mut self, id: OpId, at: Time) {
        self.end(id, Outcome::Fail { at }, at);
    }

    /// The client stopped waiting: the operation may have happened, may yet happen, or never.
    ///
    /// # Panics
    /// If it has already ended.
    pub fn info(&mut self, id: OpId) {
        let operation = &self.operations[id.index()];
        assert!(operation.outcome_is_open(), "operation {} has already ended", id.0);
    }

    fn end(&mut self, id: OpId, outcome: Outcome<R>, at: Time) {
        let operation = &mut self.operations[id.index()];
        assert!(operation.outcome_is_open(), "operation {} has already ended", id.0);
        assert!(at >= operation.invoked, "operation {} was invoked at {} and cannot end at {at}", id.0, operation.invoked);
        operation.outcome = outcome;
    }

    /// All operations, by [`OpId`].
    #[must_use]
    pub fn operations(&self) -> &[Operation<O, R>] {
        &self.operations
    }

    /// One operation.
    #[must_use]
    pub fn get(&self, id: OpId) -> &Operation<O, R> {
        &self.operations[id.index()]
    }

    /// All operations with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (OpId, &Operation<O, R>)> {
        (0..).map(OpId).zip(&self.operations)
    }

    /// How many operations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Whether `a` had returned before `b` was invoked, as the module's introduction defines it.
    #[must_use]
    pub fn precedes(&self, a: OpId, b: OpId) -> bool {
        let (first, second) = (self.get(a), self.get(b));
        first.returned().is_some_and(|end| end < second.invoked || (end == second.invoked && first.client == second.client && a < b))
    }
}

impl<O: Clone, R: Clone> History<(u64, O), R> {
    /// The operations of one key as a history of their own, and the number that each has in this one.
    #[must_use]
    pub fn of_key(&self, key: u64) -> (History<O, R>, Vec<OpId>) {
        let ids: Vec<OpId> = self.iter().filter(|(_, operation)| operation.op.0 == key).map(|(id, _)| id).collect();
        let one = |&id: &OpId| {
            let Operation { client, op, invoked, outcome } = self.get(id);
            Operation { client: *client, op: op.1.clone(), invoked: *invoked, outcome: outcome.clone() }
        };
        (History { operations: ids.iter().map(one).collect() }, ids)
    }
}

impl<O, R> Operation<O, R> {
    fn outcome_is_open(&self) -> bool {
        matches!(self.outcome, Outcome::Info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Time {
        Time::from_millis(n)
    }

    #[test]
    fn an_operation_is_open_until_it_ends_and_a_late_answer_counts() {
        let mut h: History<&str, u8> = History::new();
        let a = h.invoke(0, "a", ms(1));
        assert_eq!(h.get(a).returned(), None);
        h.info(a);
        h.ok(a, 7, ms(9));
        assert_eq!(h.get(a).ret(), Some(&7));
        assert_eq!(h.get(a).to_string(), "c1 \"a\" → 7 [1.000 ms, 9.000 ms]");
    }

    #[test]
    #[should_panic(expected = "has already ended")]
    fn nothing_ends_twice() {
        let mut h: History<&str, u8> = History::new();
        let a = h.invoke(0, "a", ms(1));
        h.fail(a, ms(2));
        h.ok(a, 7, ms(3));
    }

    #[test]
    #[should_panic(expected = "cannot end at")]
    fn nothing_ends_before_it_begins() {
        let mut h: History<&str, u8> = History::new();
        let a = h.invoke(0, "a", ms(5));
        h.ok(a, 7, ms(4));
    }

    #[test]
    fn a_tie_is_concurrent_between_clients_and_ordered_within_one() {
        let mut h: History<&str, u8> = History::new();
        let a = h.invoke(0, "a", ms(1));
        h.ok(a, 0, ms(5));
        let same = h.invoke(0, "b", ms(5));
        let other = h.invoke(1, "c", ms(5));
        let later = h.invoke(1, "d", ms(6));
        assert!(h.precedes(a, same) && !h.precedes(same, a));
        assert!(!h.precedes(a, other) && !h.precedes(other, a));
        assert!(h.precedes(a, later) && !h.precedes(same, later), "what never returned precedes nothing");
    }
}
