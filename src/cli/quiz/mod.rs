//! The theory half: topic files, and the session that asks them.
//!
//! ```text
//!   quizzes/<topic>.toml ──format──▶ model::Topic ──session──▶ Answer ──Record──▶ the program's state
//!                                       │    ▲ asks through cli::prompter
//!         cli::author::lint ◀───────────┘    └ grade: what an answer is worth
//! ```
//!
//! Nothing here knows where answers are kept, how the command line is read, or what colour the screen is: a session takes a
//! [`Prompter`](super::prompter::Prompter), a [`Record`] and a writer.

pub mod draw;
pub mod excerpt;
pub mod expr;
pub mod format;
pub mod grade;
pub mod history;
pub mod model;
pub mod quote;
pub mod rubric;
pub mod session;

pub use model::Topic;
pub use session::{Answer, Record, run};
