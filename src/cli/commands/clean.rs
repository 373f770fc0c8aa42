//! `clean`: takes away what was built. Nothing of it is the learner's: it is built again when it is needed.

use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::thousands;
use crate::cli::out::Out;
use crate::cli::workspace::{Place, Workspace};
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    let mut bytes = 0;
    for folder in built(&workspace) {
        bytes += size(&folder);
        fs::remove_dir_all(&folder).map_err(|e| {
            Trouble::environment(format!(
                "cannot remove {}: {e}; stop what still uses it (a check, an editor) and try again",
                folder.display()
            ))
        })?;
    }
    if json {
        out.json(&serde_json::json!({ "folder": workspace.root.display().to_string(), "freed_bytes": bytes }));
    } else {
        out.print(&format!("Freed {} MB. The next check rebuilds.\n", thousands(bytes / 1_000_000)));
    }
    Ok(Exit::Passed)
}

/// The folders of what was built for exercises. In a clone, cargo's other folders belong to who develops the program.
pub(super) fn built(workspace: &Workspace) -> Vec<PathBuf> {
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        // Shared with other projects, so not ours to take away.
        Some(_) => None,
        None if workspace.place == Place::Learner => Some(workspace.root.join("target")),
        None => Some(workspace.root.join("target/judge")),
    };
    let ours = [target, Some(workspace.own().join("other"))];
    ours.into_iter().flatten().filter(|folder| folder.is_dir()).collect()
}

/// Bytes in the files of a folder; links are not followed, and what cannot be read counts nothing.
pub(super) fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}
