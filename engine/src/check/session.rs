//! Session guarantees of a register (Terry et al. 1994, "Session guarantees for weakly consistent replicated data"): what one client
//! may rely on when replicas lag. Knows histories of registers in which every value is written once.
//!
//! * **Read your writes**: a read returns nothing older than what its client wrote before.
//! * **Monotonic reads**: a read returns nothing older than what its client read before.
//!
//! "Older" is what the client itself can tell: the initial value is older than any other; of its own writes the earlier is older;
//! and what it read or wrote earlier is older than another value that it read later. That a client read *a* before it wrote *b*
//! makes *a* not older than *b*: another client may have written *a* at the same time, and replicas may order it after *b*.

use super::history::{History, OpId, Outcome};
use super::register::{RegisterOp as Op, RegisterRet as Ret, clause};
use super::{Limit, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which guarantee was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// Of a write of one's own.
    ReadYourWrites,
    /// Of an earlier read.
    MonotonicReads,
}

/// A read that went back in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which guarantee.
    pub guarantee: Guarantee,
    /// The read that returned something older …
    pub read: OpId,
    /// … than this operation of the same client wrote or read before.
    pub newer: OpId,
    /// Where that client had met the older value first; `None` if it is the initial one.
    pub older: Option<OpId>,
}

impl Broken {
    /// What was seen, in a sentence.
    #[must_use]
    pub fn sentence<V: fmt::Debug>(&self, history: &History<Op<V>, Ret<V>>) -> String {
        let of = |id: OpId| clause(history.get(id));
        let origin = match self.older {
            Some(older) => format!("a value from before: {}", of(older)),
            None => "the initial value".to_owned(),
        };
        format!("{}; then {}, {origin}", of(self.newer), of(self.read))
    }
}

/// What one client met, in its order: a value that it read, or wrote.
struct Met<'a, V> {
    id: OpId,
    value: &'a V,
    wrote: bool,
}

/// Whether every client's reads keep both guarantees. [`Limit::RepeatedValue`] if a value was written twice: then nobody can tell
/// which of its writes a read saw.
pub fn check<V: Ord>(history: &History<Op<V>, Ret<V>>, initial: &V) -> Verdict<Broken> {
    let mut written = BTreeSet::from([initial]);
    let mut clients: BTreeMap<u32, Vec<OpId>> = BTreeMap::new();
    for (id, operation) in history.iter().filter(|(_, operation)| !operation.failed()) {
        let writes = match &operation.op {
            Op::Write(value) => Some(value),
            Op::Cas { to, .. } if operation.ret() != Some(&Ret::NotSwapped) => Some(to),
            Op::Cas { .. } | Op::Read => None,
        };
        if writes.is_some_and(|value| !written.insert(value)) {
            return Verdict::Unknown(Limit::RepeatedValue);
        }
        clients.entry(operation.client).or_default().push(id);
    }
    for mut ids in clients.into_values() {
        ids.sort_by_key(|&id| (history.get(id).invoked, id));
        if let Some(broken) = check_client(history, &ids, initial) {
            return Verdict::Violated(broken);
        }
    }
    Verdict::Holds
}

fn check_client<V: PartialEq>(history: &History<Op<V>, Ret<V>>, ids: &[OpId], initial: &V) -> Option<Broken> {
    let mut met: Vec<Met<'_, V>> = Vec::new();
    for &id in ids {
        let operation = history.get(id);
        let Outcome::Ok { ret, .. } = &operation.outcome else { continue };
        let (read, wrote) = match (&operation.op, ret) {
            (Op::Write(value), _) => (None, Some(value)),
            (Op::Read, Ret::Value(value)) => (Some(value), None),
            (Op::Cas { from, to }, Ret::Swapped) => (Some(from), Some(to)),
            (Op::Read | Op::Cas { .. }, _) => (None, None),
        };
        if let Some(value) = read {
            if let Some(broken) = goes_back(&met, id, value, initial) {
                return Some(broken);
            }
            met.push(Met { id, value, wrote: false });
        }
        if let Some(value) = wrote {
            met.push(Met { id, value, wrote: true });
        }
    }
    None
}

/// Whether `value`, read now, is older than something that the client met before. The latest such thing is named.
fn goes_back<V: PartialEq>(met: &[Met<'_, V>], read: OpId, value: &V, initial: &V) -> Option<Broken> {
    met.iter().enumerate().rev().filter(|(_, newer)| newer.value != value).find_map(|(n, newer)| {
        // A write is known to be newer than the client's own earlier writes; a read, than all that the client met before.
        let older = met[..n].iter().find(|m| m.value == value && (m.wrote || !newer.wrote));
        let guarantee = if newer.wrote { Guarantee::ReadYourWrites } else { Guarantee::MonotonicReads };
        (older.is_some() || value == initial).then_some(Broken { guarantee, read, newer: newer.id, older: older.map(|m| m.id) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    /// One operation after the other: `(client, 'w' or 'r', value)`.
    fn history(lines: &[(u32, char, u8)]) -> History<Op<u8>, Ret<u8>> {
        let mut h = History::new();
        for (at, &(client, kind, value)) in (0..).zip(lines) {
            let (op, ret) = if kind == 'w' { (Op::Write(value), Ret::Written) } else { (Op::Read, Ret::Value(value)) };
            let id = h.invoke(client, op, Time::from_millis(at));
            h.ok(id, ret, Time::from_millis(at));
        }
        h
    }

    fn broken(lines: &[(u32, char, u8)]) -> Option<(Guarantee, u32, u32, Option<u32>)> {
        match check(&history(lines), &0) {
            Verdict::Violated(b) => Some((b.guarantee, b.newer.0, b.read.0, b.older.map(|id| id.0))),
            Verdict::Holds => None,
            Verdict::Unknown(limit) => panic!("{limit}"),
        }
    }

    #[test]
    fn a_client_sees_its_own_writes() {
        use Guarantee::ReadYourWrites;
        assert_eq!(broken(&[(0, 'w', 1), (0, 'r', 0)]), Some((ReadYourWrites, 0, 1, None)));
        assert_eq!(broken(&[(0, 'w', 1), (0, 'w', 2), (0, 'r', 1)]), Some((ReadYourWrites, 1, 2, Some(0))));
        assert_eq!(broken(&[(0, 'w', 1), (1, 'r', 0)]), None, "another client may lag");
        assert_eq!(broken(&[(0, 'w', 1), (1, 'w', 2), (0, 'r', 2)]), None, "somebody else's write may be newer");
    }

    #[test]
    fn reads_do_not_go_back() {
        use Guarantee::MonotonicReads;
        assert_eq!(broken(&[(0, 'w', 1), (1, 'r', 1), (1, 'r', 0)]), Some((MonotonicReads, 1, 2, None)));
        let flip = [(0, 'w', 1), (1, 'w', 2), (2, 'r', 1), (2, 'r', 2), (2, 'r', 1)];
        assert_eq!(broken(&flip), Some((MonotonicReads, 3, 4, Some(2))));
        assert_eq!(broken(&flip[..4]), None);
        let overtaken = [(0, 'w', 1), (1, 'w', 2), (0, 'r', 2), (0, 'r', 1)];
        assert_eq!(broken(&overtaken), Some((MonotonicReads, 2, 3, Some(0))), "2 was newer than its own 1");
    }

    #[test]
    fn what_was_read_before_a_write_may_be_newer_than_it() {
        assert_eq!(broken(&[(1, 'w', 1), (0, 'r', 1), (0, 'w', 2), (0, 'r', 1)]), None);
        assert_eq!(
            broken(&[(1, 'w', 1), (0, 'r', 1), (0, 'w', 2), (0, 'r', 2), (0, 'r', 1)]),
            Some((Guarantee::MonotonicReads, 3, 4, Some(1)))
        );
    }

    #[test]
    fn the_sentence_names_both_operations() {
        let h = history(&[(0, 'w', 1), (0, 'r', 0)]);
        let broken = check(&h, &0).violation().expect("broken");
        assert_eq!(
            broken.sentence(&h),
            "c1's write 1 [0.000 ms, 0.000 ms] ended; then c1's read [1.000 ms, 1.000 ms] returned 0, the initial value"
        );
    }

    #[test]
    fn a_value_written_twice_makes_it_unknown() {
        let repeated = Verdict::Unknown(Limit::RepeatedValue);
        assert_eq!(check(&history(&[(0, 'w', 1), (1, 'w', 1)]), &0), repeated);
        assert_eq!(check(&history(&[(0, 'w', 0)]), &0), repeated, "the initial value counts as written");
    }
}
