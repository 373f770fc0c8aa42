//! What is kept of a call of a handler for the one run that is shown.

/// Beside a call's effects: where they stand, and what was drawn. Nothing is judged by it.
#[derive(Default)]
pub(crate) struct Aside {
    /// The numbers that were drawn, each with the ends of its range.
    pub(crate) drawn: Vec<[u64; 3]>,
    /// The line of the learner's file where each effect was recorded, from 1.
    pub(crate) lines: Vec<u32>,
}
