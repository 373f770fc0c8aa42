//! `dev …`: for authors of exercises; works in a clone.

use crate::cli::args::Dev;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::scaffold;
use crate::cli::state::write_atomically;
use crate::cli::sync;
use crate::cli::workspace::{Place, Workspace};
use std::path::PathBuf;

pub fn run(verb: &Dev, out: &mut Out) -> Result<Exit> {
    let root = clone()?;
    match verb {
        Dev::Sync { check } => sync(&root, *check, out),
        Dev::New { id, topic } => {
            for path in scaffold::write(&root, id, topic)? {
                out.print(&format!("{path} written\n"));
            }
            sync(&root, false, out)
        }
        Dev::Mutants(args) => super::mutants::mutants(&root, args, out),
        Dev::Soak(args) => super::mutants::soak(&root, args, out),
    }
}

fn clone() -> Result<PathBuf> {
    let workspace = Workspace::here()?;
    if workspace.place == Place::Clone {
        return Ok(workspace.root);
    }
    Err(Trouble::environment(format!("{} is a learner's folder: `dev` works in a clone of the repository", workspace.root.display())))
}

fn sync(root: &std::path::Path, check: bool, out: &mut Out) -> Result<Exit> {
    let stale: Vec<_> = sync::generated(root)?.into_iter().filter(|f| f.wanted != f.found).collect();
    let missing = sync::missing(root)?;
    for file in &stale {
        if check {
            out.print(&format!("{} is out of date: run `splitbrain dev sync`\n", file.path));
        } else {
            write_atomically(&root.join(file.path), &file.wanted)?;
            out.print(&format!("{} written\n", file.path));
        }
    }
    for problem in &missing {
        out.print(&format!("{problem}\n"));
    }
    if stale.is_empty() && missing.is_empty() {
        out.print("Nothing is out of date.\n");
    }
    let fine = missing.is_empty() && (stale.is_empty() || !check);
    Ok(if fine { Exit::Passed } else { Exit::NotPassing })
}
