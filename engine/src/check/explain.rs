//! The two or three operations that show a person why a register's history is not linearizable. Knows histories of one register;
//! it argues from times and values, without any search, so what it says can be followed with a finger.
//!
//! The argument is that of Gibbons & Korach 1997 ("Testing shared memories", section 4): each value must be held from the
//! moment when somebody is known to have had it to the moment when somebody still reads it, and two values cannot be held at
//! once. Where every value is written once and nothing is swapped, there is an explanation for every violation (but for a
//! few that only ties within two clients at one instant show). Where values repeat, only what holds for *every* write that
//! a read may have seen is said, so there may be none.
//!
//! For a history over many keys take [`History::of_key`] with the key of the evidence first.

use super::history::{History, OpId, Outcome};
use super::linearizable::Evidence;
use super::register::{RegisterOp as Op, RegisterRet as Ret, clause};
use std::fmt;

/// Why no order explains a register's history. "Read" means also a swap that found what it expected, and "write" one that stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// A read returned what nobody had asked to write.
    NeverWritten {
        /// That read.
        read: OpId,
    },
    /// A read returned what only a write that failed would have written.
    FailedWrite {
        /// That read.
        read: OpId,
        /// The write that failed.
        write: OpId,
    },
    /// A read had returned a value before its first write began.
    FromTheFuture {
        /// That read.
        read: OpId,
        /// The write.
        write: OpId,
    },
    /// A read returned an old value although a newer write had ended before it began.
    MissedWrite {
        /// The read.
        read: OpId,
        /// The write that it missed.
        missed: OpId,
        /// Why its value is old.
        old: Old,
    },
    /// A read returned an old value although another read had returned a newer one before.
    NewOldInversion {
        /// The read that returned the newer value, and ended …
        newer: OpId,
        /// … before this one began, which returned the older.
        older: OpId,
        /// The write of the newer value.
        write: OpId,
        /// Why the other value is old.
        old: Old,
    },
    /// A value came back although it was written once and another had taken its place.
    BackAgain {
        /// The operation that had the value first,
        first: OpId,
        /// the one that had another value, and began after `first` had ended,
        between: OpId,
        /// the one by which that other value had arrived (often `between` itself), and that ended
        arrived: OpId,
        /// before this one began, which returned the value again.
        again: OpId,
    },
}

/// Why a value is older than a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// It is the initial value, and nobody wrote it again.
    Initial,
    /// Its (last) write had ended before the newer one began.
    WrittenBefore(OpId),
    /// It had been read before the newer write began, and was written only once.
    ReadBefore(OpId),
}

impl Explanation {
    /// The operations that it names, in the order of the sentence. Without repetition.
    #[must_use]
    pub fn operations(&self) -> Vec<OpId> {
        let mut named = match *self {
            Explanation::NeverWritten { read } => vec![read],
            Explanation::FailedWrite { read, write } | Explanation::FromTheFuture { read, write } => vec![read, write],
            Explanation::MissedWrite { read, missed, old } => [vec![read, missed], old.operation()].concat(),
            Explanation::NewOldInversion { newer, older, write, old } => [vec![newer, older, write], old.operation()].concat(),
            Explanation::BackAgain { first, between, arrived, again } => vec![first, between, arrived, again],
        };
        let mut seen = std::collections::BTreeSet::new();
        named.retain(|&id| seen.insert(id));
        named
    }

    /// How much it asks of its reader. The crossed form of [`Explanation::BackAgain`] is the hardest, though it may name fewer.
    fn length(&self) -> usize {
        match self {
            Explanation::BackAgain { between, arrived, .. } if between != arrived => 5,
            _ => self.operations().len(),
        }
    }

    /// What was seen, in a sentence: `c2's read [8.100 ms, 9.000 ms] returned 0, but c1's write 1 had ended at 7.200 ms`.
    #[must_use]
    pub fn sentence<V: fmt::Debug>(&self, history: &History<Op<V>, Ret<V>>) -> String {
        let full = |id: OpId| clause(history.get(id));
        let name = |id: OpId| format!("{}'s {}", history.get(id).client_name(), history.get(id).op);
        let began = |id: OpId| history.get(id).invoked;
        let ended = |id: OpId| history.get(id).returned().map_or_else(String::new, |at| at.to_string());
        let why = |old: Old, than: OpId| match old {
            Old::Initial => String::new(),
            Old::WrittenBefore(write) => {
                format!("; {} had ended at {}, and {} began at {}", name(write), ended(write), name(than), began(than))
            }
            Old::ReadBefore(read) => format!("; {} before {} began at {}", full(read), name(than), began(than)),
        };
        match *self {
            Explanation::NeverWritten { read } => format!("{}, which nobody wrote", full(read)),
            Explanation::FailedWrite { read, write } => format!("{}, but {} had failed", full(read), name(write)),
            Explanation::FromTheFuture { read, write } => {
                format!("{}, but {} began only at {}", full(read), name(write), began(write))
            }
            Explanation::MissedWrite { read, missed, old } => {
                format!("{}, but {} had ended at {}{}", full(read), name(missed), ended(missed), why(old, missed))
            }
            Explanation::NewOldInversion { newer, older, write, old } => {
                format!("{}, and only then {}, which is older{}", full(newer), full(older), why(old, write))
            }
            Explanation::BackAgain { first, between, arrived, again } if between == arrived => {
                format!("{}, then {}, then {}: a value came back that was written once", full(first), full(between), full(again))
            }
            Explanation::BackAgain { first, between, arrived, again } => format!(
                "after {} came {}, and after {} came {}: each of two values would have to follow the other",
                full(first),
                full(between),
                full(arrived),
                full(again)
            ),
        }
    }
}

impl Old {
    fn operation(self) -> Vec<OpId> {
        match self {
            Old::Initial => Vec::new(),
            Old::WrittenBefore(id) | Old::ReadBefore(id) => vec![id],
        }
    }
}

/// The shortest explanation of why `history` is not linearizable as a register that held `initial` first; of equally short
/// ones, that which showed first. `None` if it is linearizable, or nothing short explains it.
#[must_use]
pub fn register<V: PartialEq>(history: &History<Op<V>, Ret<V>>, initial: &V) -> Option<Explanation> {
    let facts = Facts::new(history, initial);
    let mut best: Option<(usize, Explanation)> = None;
    // In the order of their returns, so that of equals the first is kept.
    for read in &facts.reads {
        if let Some(found) = facts.explain(read) {
            let length = found.length();
            if best.as_ref().is_none_or(|(shortest, _)| length < *shortest) {
                best = Some((length, found));
            }
        }
    }
    best.map(|(_, found)| found)
}

/// What was seen, in one sentence: the shortest explanation, or else what the search says.
#[must_use]
pub fn sentence<V: PartialEq + fmt::Debug>(history: &History<Op<V>, Ret<V>>, initial: &V, evidence: &Evidence) -> String {
    register(history, initial).map_or_else(|| evidence.sentence(history), |found| found.sentence(history))
}

/// An operation that had a value: read it, or wrote it.
struct Had<'a, V> {
    id: OpId,
    value: &'a V,
    /// The writes that it may have seen, if it is a read.
    sources: Vec<OpId>,
    /// Whether it may have seen the initial value.
    may_be_initial: bool,
}

struct Facts<'a, V> {
    history: &'a History<Op<V>, Ret<V>>,
    writes: Vec<(OpId, &'a V)>,
    /// By their returns.
    reads: Vec<Had<'a, V>>,
}

impl<'a, V: PartialEq> Facts<'a, V> {
    fn new(history: &'a History<Op<V>, Ret<V>>, initial: &V) -> Self {
        let mut writes = Vec::new();
        let mut reads = Vec::new();
        for (id, operation) in history.iter() {
            match (&operation.op, &operation.outcome) {
                (_, Outcome::Fail { .. }) => {}
                (Op::Write(value), _) => writes.push((id, value)),
                (Op::Read, Outcome::Ok { ret: Ret::Value(value), .. }) => reads.push((id, value)),
                (Op::Cas { from, to }, Outcome::Ok { ret: Ret::Swapped, .. }) => {
                    reads.push((id, from));
                    writes.push((id, to));
                }
                (Op::Cas { to, .. }, Outcome::Info) => writes.push((id, to)),
                (Op::Read | Op::Cas { .. }, _) => {}
            }
        }
        reads.sort_by_key(|&(id, _)| (history.get(id).returned(), id));
        let with_sources = |(id, value): (OpId, &'a V)| {
            let may_have_seen = |&&(write, written): &&(OpId, &V)| written == value && write != id && !history.precedes(id, write);
            let sources = writes.iter().filter(may_have_seen).map(|&(write, _)| write).collect();
            Had { id, value, sources, may_be_initial: value == initial }
        };
        let reads = reads.into_iter().map(with_sources).collect();
        Facts { history, writes, reads }
    }

    fn explain(&self, read: &Had<'_, V>) -> Option<Explanation> {
        if read.sources.is_empty() && !read.may_be_initial {
            return Some(self.no_source(read));
        }
        self.missed_write(read).or_else(|| self.inversion(read)).or_else(|| self.back_again(read))
    }

    fn no_source(&self, had: &Had<'_, V>) -> Explanation {
        let read = had.id;
        if let Some(&(write, _)) = self.writes.iter().find(|(write, value)| *value == had.value && *write != read) {
            return Explanation::FromTheFuture { read, write };
        }
        let failed = self.history.iter().find(|(_, operation)| match &operation.op {
            Op::Write(value) | Op::Cas { to: value, .. } => operation.failed() && value == had.value,
            Op::Read => false,
        });
        failed.map_or(Explanation::NeverWritten { read }, |(write, _)| Explanation::FailedWrite { read, write })
    }

    /// Why everything that `read` can have seen is older than `write`, if it is.
    fn older_than(&self, read: &Had<'_, V>, write: OpId) -> Option<Old> {
        let precedes = |&earlier: &OpId| self.history.precedes(earlier, write);
        if read.sources.iter().all(precedes) {
            let last = read.sources.iter().copied().max_by_key(|&source| self.history.get(source).returned());
            return Some(last.map_or(Old::Initial, Old::WrittenBefore));
        }
        if read.sources.len() == 1 && !read.may_be_initial {
            let same = |other: &&Had<'_, V>| other.value == read.value && other.sources == read.sources && precedes(&other.id);
            return self.reads.iter().find(same).map(|other| Old::ReadBefore(other.id));
        }
        None
    }

    /// A write of another value that ended before `read` began, and that is newer. The last such one is the plainest.
    fn missed_write(&self, read: &Had<'_, V>) -> Option<Explanation> {
        let ended_before = self.writes.iter().filter(|(write, value)| *value != read.value && self.history.precedes(*write, read.id));
        let newer = ended_before.filter_map(|&(missed, _)| Some((missed, self.older_than(read, missed)?)));
        let (missed, old) = newer.max_by_key(|&(missed, _)| self.history.get(missed).returned())?;
        Some(Explanation::MissedWrite { read: read.id, missed, old })
    }

    /// A read of a newer value that ended before `read` began.
    fn inversion(&self, read: &Had<'_, V>) -> Option<Explanation> {
        let before = self.reads.iter().filter(|other| other.value != read.value && self.history.precedes(other.id, read.id));
        let is_newer = |other: &Had<'_, V>| {
            let write = *other.sources.first()?;
            let all = !other.may_be_initial && other.sources.iter().all(|&source| self.older_than(read, source).is_some());
            all.then(|| self.older_than(read, write).map(|old| (write, old)))?
        };
        let (newer, (write, old)) = before.rev().find_map(|other| Some((other.id, is_newer(other)?)))?;
        Some(Explanation::NewOldInversion { newer, older: read.id, write, old })
    }

    /// Two values, each written once, each of which would have to replace the other.
    fn back_again(&self, again: &Had<'_, V>) -> Option<Explanation> {
        let precedes = |a: OpId, b: OpId| self.history.precedes(a, b);
        let one_write = |had: &Had<'_, V>| (had.sources.len() == 1 && !had.may_be_initial).then(|| had.sources[0]);
        let write = one_write(again)?;
        let same = |write: OpId| self.reads.iter().filter(move |r| r.sources == [write] && !r.may_be_initial).map(|r| r.id).chain([write]);
        let others = || self.reads.iter().filter(|other| other.value != again.value && one_write(other).is_some());
        let find = |itself: bool| {
            others().find_map(|between| {
                let first = same(write).find(|&first| precedes(first, between.id))?;
                let arrived = if itself {
                    precedes(between.id, again.id).then_some(between.id)
                } else {
                    same(one_write(between)?).find(|&arrived| precedes(arrived, again.id))
                }?;
                Some(Explanation::BackAgain { first, between: between.id, arrived, again: again.id })
            })
        };
        find(true).or_else(|| find(false))
    }
}

#[cfg(test)]
mod tests;
