//! splitbrain: theory and practice for distributed-systems interviews.
//!
//! # The map
//!
//! ```text
//!   learner's file ──compiles into──▶ an exercise's process                     the program (feature `cli`)
//!   exercises/<id>/<id>.rs            harness::main(judge::<MyNode>)            cli::commands::check
//!        │ implements                      │                                         ▲
//!        ▼                                 ▼                                         │
//!   exercises::<id>   ◀──judged by── exercises::<id>::judge ──▶ report::Report ──text file──▶ cli::render
//!   (contract: protocol, trait)       │ drives        │ asks
//!                                     ▼               ▼
//!                              sim (World, faults)   check (histories → verdicts)
//!                                     └─────▶ trace ◀─┘
//! ```
//!
//! | module | what it is for | what it must not know |
//! |---|---|---|
//! | [`rng`], [`time`] | seeded generator, virtual time | anything else |
//! | [`trace`] | what happened in one run: one notation, and its pictures | the simulator, the checkers |
//! | [`sim`] | the in-process network: nodes, links, faults, the event loop | what an exercise asks for |
//! | [`check`] | checkers over histories: linearizability … | the simulator |
//! | [`report`] | the verdict that leaves the process | how it was found, how it is shown |
//! | [`exercises`] | per exercise: the contract (public) and the hidden tests (private) | each other |
//! | [`harness`] | `main` of every exercise's process: options → judge → report | the program |
//! | `cli` | the program: course, workspace, runner, quizzes, screens | the simulator, the judges |
//!
//! # Where a new thing goes
//!
//! * **An exercise**: `splitbrain dev new <id>` writes `exercises/<id>/` (the learner's half), `src/exercises/<id>/` (ours),
//!   `solutions/<id>.rs`, and the mutants; CONTRIBUTING.md walks through it.
//! * **A fault**: a variant of `sim::fault::Fault`, drawn in `sim::fault::plan`, applied in `sim::world`.
//! * **A checker**: one file in `check/`, its input a history or a trace, its verdict three-valued.
//! * **A kind of event**: a variant of `trace::What`, its two written forms in `trace::text`, its place in the pictures: words
//!   in `trace/diagram/notes.rs`, a sign in `trace/diagram/rows.rs` and `trace/page/svg.rs`.
//! * **A hidden test**: a rule in the exercise's `judge.rs`, with a mutant in `tests/mutants/<id>.toml` that only it refuses.
//! * **A verb of the program**: one file in `cli/commands/`.
//!
//! # Errors and panics
//!
//! An error is what a user can cause, and says how to mend it. A panic of ours is a bug of ours. A learner's panic is a verdict.
//!
//! # Features
//!
//! Without features the core has **no dependency at all**, so that an exercise builds offline in seconds. `cli` (default)
//! adds the program. One feature an exercise (`raft_election`, …) adds its judge, so that the first verdict takes no longer
//! when the course grows.

#![warn(missing_docs)]

pub mod check;
pub mod exercises;
pub mod harness;
pub mod hash;
pub mod prelude;
pub mod report;
pub mod rng;
pub mod rule;
pub mod sim;
pub mod suite;
pub mod time;
pub mod trace;

#[cfg(feature = "cli")]
pub mod cli;
