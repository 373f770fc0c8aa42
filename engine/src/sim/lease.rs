//! Leases, as far as pictures show them: see [`super::Protocol::lease`].

use std::time::Duration;

/// What a message says of a lease: a right that ends by itself, when a node's own clock says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// A question with this number. Who asks counts a lease that the answer gives from when it first left.
    Asks(u64),
    /// An answer that gives one.
    Gives {
        /// How the lease is called.
        name: String,
        /// The number of the question.
        asked: u64,
        /// For how long who answers promises it, from when it answers.
        promised: Duration,
        /// For how long who asked may take it to be its own, from when it asked.
        counted: Duration,
    },
    /// It is given back: over for its holder as this leaves, for who promised it as this comes.
    Ends(String),
}
