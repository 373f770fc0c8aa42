//! The register: one value, written, read, or compared and swapped. Models what clients see, not how replicas do it.

use super::history::{Operation, Outcome};
use super::model::Model;
use std::fmt;
use std::hash::Hash;

/// The model of a register that holds `initial` until the first write. For "nothing yet" use an `Option<T>` as `V`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register<V> {
    /// What a read returns before the first write.
    pub initial: V,
}

/// What can be asked of a register.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterOp<V> {
    /// Hold this value from now on.
    Write(V),
    /// What do you hold?
    Read,
    /// If you hold `from`, hold `to`.
    Cas {
        /// The value that is expected.
        from: V,
        /// The value to hold instead.
        to: V,
    },
}

/// What a register can answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterRet<V> {
    /// To a write.
    Written,
    /// To a read.
    Value(V),
    /// To a compare-and-swap that found what it expected.
    Swapped,
    /// To one that did not, and so changed nothing.
    NotSwapped,
}

impl<V: Clone + Eq + Hash> Model for Register<V> {
    type State = V;
    type Op = RegisterOp<V>;
    type Ret = RegisterRet<V>;

    fn initial(&self) -> V {
        self.initial.clone()
    }

    fn step(&self, state: &V, op: &RegisterOp<V>, ret: Option<&RegisterRet<V>>) -> Option<V> {
        use {RegisterOp as Op, RegisterRet as Ret};
        match (op, ret) {
            (Op::Write(value), None | Some(Ret::Written)) => Some(value.clone()),
            (Op::Read, None) => Some(state.clone()),
            (Op::Read, Some(Ret::Value(value))) => (value == state).then(|| state.clone()),
            (Op::Cas { from, to }, None) => Some(if state == from { to.clone() } else { state.clone() }),
            (Op::Cas { from, to }, Some(Ret::Swapped)) => (state == from).then(|| to.clone()),
            (Op::Cas { from, .. }, Some(Ret::NotSwapped)) => (state != from).then(|| state.clone()),
            // An answer to another question: no register gives it.
            (Op::Write(_) | Op::Read | Op::Cas { .. }, Some(_)) => None,
        }
    }

    fn only_reads(&self, op: &RegisterOp<V>, ret: Option<&RegisterRet<V>>) -> bool {
        matches!(op, RegisterOp::Read) || matches!((op, ret), (RegisterOp::Cas { .. }, Some(RegisterRet::NotSwapped)))
    }
}

/// `write 1`, `read`, `cas 1 to 2`.
impl<V: fmt::Debug> fmt::Display for RegisterOp<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegisterOp::Write(value) => write!(f, "write {value:?}"),
            RegisterOp::Read => write!(f, "read"),
            RegisterOp::Cas { from, to } => write!(f, "cas {from:?} to {to:?}"),
        }
    }
}

/// `c2's read [8.100 ms, 9.000 ms] returned 0`: an operation as the subject of a sentence.
#[must_use]
pub fn clause<V: fmt::Debug>(operation: &Operation<RegisterOp<V>, RegisterRet<V>>) -> String {
    let subject = format!("{}'s {} {}", operation.client_name(), operation.op, operation.interval());
    match &operation.outcome {
        Outcome::Ok { ret: RegisterRet::Written, .. } => format!("{subject} ended"),
        Outcome::Ok { ret: RegisterRet::Value(value), .. } => format!("{subject} returned {value:?}"),
        Outcome::Ok { ret: RegisterRet::Swapped, .. } => format!("{subject} swapped"),
        Outcome::Ok { ret: RegisterRet::NotSwapped, .. } => format!("{subject} did not swap"),
        Outcome::Fail { .. } => format!("{subject} failed"),
        Outcome::Info => format!("{subject} never returned"),
    }
}
