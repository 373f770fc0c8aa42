//! What only authors of exercises and questions use, and learners never: `dev …`, which works in a clone.
//!
//! | room | what it is for |
//! |---|---|
//! | `lint` | the linter of the questions; [`prove`] has a claim proved by the checkers |
//! | `kill_table` | `dev mutants`: which rule refuses each wrong implementation, and how soon |
//! | `mutate` | `dev mutate`: what the hidden tests see of mistakes that nobody listed |
//! | `soak` | `dev soak`: nothing that is right is refused |
//! | `scenario` | `dev scenario`: a wrong implementation as scenarios for a quiz |
//! | `lessons` | `dev lessons`: what lessons show of the simulator, recorded |
//! | `implementations`, `weave`, `verdicts` | the implementations of an exercise, built in one go; many as one text; what need not be judged again |
//! | `functions` | the functions of an implementation, and further bodies for them |
//! | `scaffold` | `dev new`: a new exercise from templates |
//! | `sync` | `dev sync`: what is generated from the curriculum |
//!
//! Nothing outside may use it but the verb.

mod functions;
mod implementations;
mod kill_table;
mod lessons;
pub mod lint;
mod mutate;
mod proofs;
pub mod prove;
mod scaffold;
mod scenario;
mod soak;
pub mod sync;
mod verdicts;
mod weave;

use crate::cli::args::Dev;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::workspace::{Place, Workspace};
use std::path::PathBuf;

/// Runs a verb of authors.
///
/// # Errors
/// Outside of a clone; and as the verbs say.
pub fn run(verb: &Dev, out: &mut Out) -> Result<Exit> {
    let root = clone()?;
    match verb {
        Dev::Sync { check } => sync::run(&root, *check, out),
        Dev::Lint => lint::run(&root, out),
        Dev::New { id, topic, plain } => {
            for path in scaffold::write(&root, id, topic, *plain)? {
                out.print(&format!("{path} written\n"));
            }
            sync::run(&root, false, out)
        }
        Dev::Lessons(args) => lessons::run(&root, args, out),
        Dev::Scenario { mutant } => scenario::run(&root, mutant, out),
        Dev::Mutants(args) => kill_table::run(&root, args, out),
        Dev::Mutate(args) => mutate::run(&root, args, out),
        Dev::Soak(args) => soak::run(&root, args, out),
        Dev::Proofs(args) => proofs::run(&root, args, out),
    }
}

fn clone() -> Result<PathBuf> {
    let workspace = Workspace::here()?;
    if workspace.place == Place::Clone {
        return Ok(workspace.root);
    }
    Err(Trouble::environment(format!("{} is a learner's folder: `dev` works in a clone of the repository", workspace.root.display())))
}
