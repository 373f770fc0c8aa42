//! How an outcome is shown: as text for people, as JSON lines, as `JUnit`'s XML. Pure functions from an outcome to text.

mod code;
pub mod compile_errors;
pub mod human;
pub mod json;
pub mod junit;
mod own;
pub mod picture;
mod steps;

/// What an outcome is shown with.
#[derive(Clone, Debug)]
pub struct Scene {
    /// How to dress it.
    pub style: super::style::Style,
    /// The learner's file, as shown.
    pub file: String,
    /// Its text, to quote a line of it.
    pub source: Option<String>,
    /// The command that shows this run again, given a finding's seed.
    pub again: Again,
    /// Columns of the screen.
    pub width: usize,
    /// Pictures in plain ASCII.
    pub ascii: bool,
    /// Which questions are about a rule.
    pub theory: super::theory::Theory,
    /// How much is shown.
    pub detail: Detail,
}

/// How much of a verdict is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What one works on: the first finding.
    First {
        /// How to see the rest: an option, a key.
        rest: &'static str,
    },
    /// Each rule, why it matters, its source, what to read and to try.
    Whole,
}

/// Which command shows a finding again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// `replay`: the finding was kept.
    Replay,
    /// None: this is it, and the whole run stands above.
    Now,
    /// `check` with these options: it was not.
    Check(String),
}
