//! `update`: brings a folder that an older version laid out up to this one. What the learner has not touched is replaced; what
//! they have is kept, with the new text beside it. What was done is said.

use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::layout::{self, Change};
use crate::cli::out::Out;
use crate::cli::workspace::{Place, Workspace};
use crate::cli::wrap::wrap;
use std::fmt::Write as _;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    if workspace.place == Place::Clone {
        return Err(Trouble::usage("this is a clone of the repository: `git pull` updates it"));
    }
    let changes = layout::update(&workspace)?;
    if json {
        for (path, change) in &changes {
            out.json(&serde_json::json!({ "path": path, "change": change.name() }));
        }
        return Ok(Exit::Passed);
    }
    let mut text = String::new();
    let of = |wanted: Change| changes.iter().filter(move |(_, c)| *c == wanted).map(|(path, _)| path);
    let beside = changes.iter().filter_map(|(path, change)| if let Change::Beside(new) = change { Some((path, new)) } else { None });
    // The core is ours: one line for all of it.
    let core = changes.iter().filter(|(path, _)| layout::is_core(path)).count() as u64;
    if core > 0 {
        let _ = writeln!(text, "  core      {} of the library that exercises are built against", plural(core, "file", "files"));
    }
    for (word, wanted) in [("new", Change::Added), ("replaced", Change::Replaced)] {
        for path in of(wanted).filter(|path| !layout::is_core(path)) {
            let _ = writeln!(text, "  {word:<9} {path}");
        }
    }
    for (path, new) in beside {
        let _ = writeln!(text, "  {:<9} {path}; the new version is in {new}", "kept");
    }
    for path in of(Change::Orphaned) {
        let _ = writeln!(text, "  {:<9} {path}; the course no longer has it", "kept");
    }
    let version = env!("CARGO_PKG_VERSION");
    if text.is_empty() {
        let all = format!("Already up to date with splitbrain {version}; your own work is untouched.");
        out.print(&wrap(&all, "", out.width()));
    } else {
        out.print(&format!("Updated to splitbrain {version}; your own work is untouched:\n\n{text}"));
    }
    Ok(Exit::Passed)
}
