//! A run of reads and writes, as a quiz scenario writes it down so that the linter can have it proved. Plain values: no checker.

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
