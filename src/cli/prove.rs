//! The one door from the program to the checkers, for the quiz linter.
//!
//! A quiz scenario may carry a machine-readable history and claim something about it ("not linearizable, but sequentially
//! consistent"). The linter asks here whether that is so, in the linter's own plain words, so that neither side learns the
//! other's types. Nothing else in `cli` may use the checkers.

/// A run of reads and writes, as a quiz file writes it down. Every register starts at 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The operations, in the order of the file.
    pub ops: Vec<Op>,
}

/// One operation of a client on one register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Who did it. The operations of one client follow each other.
    pub client: String,
    /// Read or write.
    pub action: Action,
    /// The register.
    pub key: String,
    /// What was written or read.
    pub value: i64,
    /// When the client called.
    pub start: u64,
    /// When the answer came back; `None` if it never did.
    pub end: Option<u64>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It returns the value.
    Read,
    /// It sets the value.
    Write,
}

/// What the checkers found out about a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Each operation can be placed at one instant between its call and its answer.
    pub linearizable: bool,
    /// One order of all operations explains them, if every client's own order is kept and real time is not.
    pub sequential: bool,
}

/// Something that decides a history, or cannot (`None`: it gave up, or no checker is there).
pub type Prover<'a> = &'a dyn Fn(&History) -> Option<Proof>;

/// No checker: claims stay unproved, and the linter says so.
#[must_use]
pub fn unproved(_: &History) -> Option<Proof> {
    None
}

/// What the core's checkers say about a history.
#[must_use]
pub fn prove(history: &History) -> Option<Proof> {
    unproved(history)
}
