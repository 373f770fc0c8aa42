//! Checkers: from a history or from plain data to a verdict. None of them knows the simulator.
//!
//! One checker a file. What a checker needs is its argument, what it saw is its answer; how that becomes a finding is the
//! judge's business. Searches that can explode have a budget, and say [`Verdict::Unknown`] when it runs out: an honest
//! "do not know" is never merged with a pass or a failure.
//!
//! | file | question | input |
//! |---|---|---|
//! | [`linearizable`] | did every operation take effect at one point between its call and its return? | [`History`] |
//! | [`orders`] | the same of one register, asked at each answer | operations as they begin and end |
//! | [`sequential`] | is there *one* order that keeps each client's own order? | [`History`] |
//! | [`session`] | does a client see its own writes, and never go back in time? | [`History`] of a register |
//! | [`convergence`] | do all replicas say the same? | what each replica says |
//! | [`conservation`] | does a count stay between what is known and what is possible? | amounts |
//! | [`at_most_once`] | did a request that was sent again count once? | ids and effects |
//! | [`knowledge`] | what can a node know of at most? | sends and receipts |
//! | [`balance`] | how even is a ring, and how much moves when it changes? | owners of keys |
//!
//! [`register`] is the ready-made model for the first two, [`explain`] turns a register's violation into the two or three
//! operations that a person needs to see.

pub mod at_most_once;
pub mod balance;
pub mod conservation;
pub mod convergence;
pub mod explain;
pub mod history;
pub mod knowledge;
pub mod linearizable;
pub mod model;
#[cfg(test)]
mod oracle;
pub mod orders;
pub mod register;
mod search;
pub mod sequential;
pub mod session;
mod table;

pub use history::{History, OpId, Operation, Outcome};
pub use model::{Keyed, Model};
pub use register::{Register, RegisterOp, RegisterRet};

use std::fmt;

/// The answer of a search. Three values, never merged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict<E> {
    /// The property holds for this history.
    Holds,
    /// It does not, and here is what was seen.
    Violated(E),
    /// A limit of ours stopped the search first: neither of the two is known.
    Unknown(Limit),
}

impl<E> Verdict<E> {
    /// Whether the property was shown to hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self, Verdict::Holds)
    }

    /// What was seen, if the property was shown to be violated.
    #[must_use]
    pub fn violation(self) -> Option<E> {
        match self {
            Verdict::Violated(evidence) => Some(evidence),
            Verdict::Holds | Verdict::Unknown(_) => None,
        }
    }
}

/// The limit that made a verdict [`Verdict::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many steps of the search were allowed, and all were taken.
    Steps(u64),
    /// The checker needs values that are written once, and one was written twice.
    RepeatedValue,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Steps(n) => write!(f, "stopped after {n} steps of the search"),
            Limit::RepeatedValue => f.write_str("a value was written twice, so a read does not say which write it saw"),
        }
    }
}
