//! splitbrain: theory and practice for distributed-systems interviews.
//!
//! # The map
//!
//! Two crates: `splitbrain-engine` (folder `engine/`), which every exercise is judged with, and this one, with the exercises and,
//! behind the feature `cli`, the program. This one re-exports the engine's modules, so that `splitbrain::sim` and the like are
//! theirs. The compiler proves that the engine knows no exercise.
//!
//! ```text
//!   learner's file ──compiles into──▶ an exercise's process                     the program (feature `cli`)
//!   exercises/<id>/<id>.rs            harness::main(judge::<MyNode>)            cli::commands::check
//!        │ implements                      │                                         ▲
//!        ▼                                 ▼                                         │
//!   exercises::<id>   ◀──judged by── exercises::<id>::judge ──▶ report::Report ──sealed text─▶ cli::render
//!   (contract: protocol, trait)       │ drives        │ asks
//!                                     ▼               ▼
//!                              sim (World, faults)   check (histories → verdicts)
//!                                     └─────▶ trace ◀─┘
//! ```
//!
//! | module | what it is for | what it must not know | it uses |
//! |---|---|---|---|
//! | in `engine/`: [`rng`], [`hash`], [`time`], [`words`] | seeded generator, fast hash, virtual time, numbers with their nouns | anything else | nothing |
//! | [`trace`] | what happened in one run: one notation, and its pictures | the simulator, the checkers | time, words |
//! | [`rule`] | a rule, with the clues to its cause, and how one is broken; what runs have met | how a run is made, how a finding is shown | trace |
//! | [`report`] | the verdict that leaves the process | how it was found, how it is shown | rule, time, trace |
//! | [`seal`] | how a report leaves the process, so that nobody else can write one | what a report is | nothing |
//! | [`suite`] | what a judge hands to the harness | the learner's type, the protocol | report, rule, trace |
//! | [`sim`] | the in-process network: nodes, links, faults, the event loop, shrinking | what an exercise asks for | hash, rng, rule, suite, time, trace, words |
//! | [`bench`](mod@bench) | exercises without a network: calls on the tape, storms of calls, shrunk | what an exercise asks for | rng, rule, sim, suite, time, trace |
//! | [`check`] | checkers over histories: linearizability … | the simulator | hash, rng, time, trace, words |
//! | `sources` | the engine's own files, for whoever lays them out | anything else | nothing |
//! | [`echo`] | asks a second process of the same program | what is asked, and what the answer means | nothing |
//! | [`harness`] | `main` of every exercise's process: options → judge → report | the program, the exercises | echo, report, rule, seal, sim, suite, time, trace, words |
//! | in `src/`: [`exercises`] | per exercise: the contract (public) and the hidden tests (private) | each other | bench, check, echo, hash, rng, rule, sim, suite, time, trace, words |
//! | [`prelude`] | what a learner imports | the exercises | sim, time |
//! | `cli` | the program: course, workspace, runner, quizzes, screens | the simulator, the judges | report, rng, rule, seal, time, trace, words; check through `cli::author::prove` alone |
//!
//! `tests/it/tidy.rs` holds the last column against the paths in the code, and `tests/it/circles.rs` that no two modules of the
//! engine, however deep, need each other, nor two rooms of the program, whose own map is in `src/cli/mod.rs`; tests may use whatever
//! they need.
//!
//! # Where a new thing goes
//!
//! CONTRIBUTING.md walks through each of these.
//!
//! * **An exercise**: `splitbrain dev new <id> --topic <topic>` writes `exercises/<id>/` (the learner's half),
//!   `src/exercises/<id>/` (ours: contract and judge), `solutions/<id>.rs` and `tests/mutants/<id>.toml`, and its lines in
//!   `exercises/course.toml` and `src/exercises/mod.rs`.
//! * **A rule** (a hidden test): a `Rule` among the constants of the exercise's `judge`, checked by its vectors, scenarios or
//!   swarm, and a mutant in `tests/mutants/<id>.toml` that it refuses. What an exercise shares with all others:
//!   `engine/src/rule.rs::COMMON`.
//! * **A fault** that happens at a moment: a variant of `engine/src/sim/fault.rs::Fault`, a switch in `engine/src/sim/fault.rs::Allowed`,
//!   drawn in `engine/src/sim/fault.rs::Plan::draw`, applied in `engine/src/sim/world/faults.rs::apply_fault`, counted in
//!   `engine/src/sim/world/counts.rs::Counts`. One that links have all along: a field of `engine/src/sim/engine.rs::LinkFaults`, drawn in the
//!   same place, applied in `engine/src/sim/engine.rs::route`.
//! * **A checker**: one file in `engine/src/check/`, a row in the table of `engine/src/check/mod.rs`; its input a history or plain data, its
//!   verdict three-valued if it can give up.
//! * **An event of the trace**: a variant of `engine/src/trace/mod.rs::What`, its two written forms in `engine/src/trace/text.rs`, its place
//!   in the pictures: words in `engine/src/trace/diagram/notes.rs` and `engine/src/trace/said.rs` (page, stepper), a sign in
//!   `engine/src/trace/diagram/rows.rs`, `engine/src/trace/page/lanes.rs` and `engine/src/trace/stepper/list.rs`.
//! * **A quiz question**: a table in `quizzes/<topic>.toml`; quizzes/README.md has the form. A new topic stands in
//!   `exercises/course.toml`.
//! * **A verb of the program**: a variant of `src/cli/args.rs::Verb`, one file in `src/cli/commands/`, a line in
//!   `src/cli/commands/mod.rs::run`. One for authors: a variant of `src/cli/args.rs::Dev`, one file in `src/cli/author/`.
//! * **Something to remember**: a `src/cli/state.rs::Kind`; what is the learner's own history belongs to
//!   `src/cli/commands/export_import.rs::EXPORTED`, too.
//! * **A rule for questions**: a row in the table of `src/cli/author/lint.rs`, its check in a file beside it.
//! * **Another form of output**: one file in `src/cli/render/`.
//!
//! # Errors and panics
//!
//! An error is what a user can cause, and says how to mend it. A panic of ours is a bug of ours. A learner's panic is a verdict.
//!
//! # Features
//!
//! Without features neither crate has **any dependency** but the other, so that an exercise builds offline in seconds; the engine is
//! built once for all exercises of a folder. `cli` (default) adds the program, and asks the engine for its pictures and its sources. One feature an exercise (`raft_election`, …) adds its judge, so that the first verdict takes no longer
//! when the course grows.

#![warn(missing_docs)]

pub mod exercises;
pub mod prelude;

pub use splitbrain_engine::{bench, check, echo, harness, hash, report, rng, rule, seal, sim, suite, time, trace, words};

#[cfg(feature = "cli")]
pub mod cli;
