//! From what an older version laid out to what this one does. `layout.toml` remembers the hash of every file as it was laid out,
//! which tells a file that the learner has touched from one that they have not.

use super::{files, write};
use crate::cli::error::{Result, Trouble};
use crate::cli::state::{Kind, Store, write_atomically};
use crate::cli::words::{fnv, version};
use crate::cli::workspace::{OWN, Workspace};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use toml::{Table, Value};

const LAYOUT: Kind = Kind {
    name: "layout.toml",
    version: 1,
    validate: |table| match (table.get("splitbrain"), table.get("files")) {
        (None | Some(Value::String(_)), None | Some(Value::Table(_))) => Ok(()),
        _ => Err("`splitbrain` or `files` is not what it should be".to_owned()),
    },
};

/// What became of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added,
    /// It was as it had been laid out, or is ours.
    Replaced,
    /// The learner has touched it: kept, and the new text stands beside it.
    Beside,
    /// The course no longer has it: kept.
    Orphaned,
    /// It was part of the core, which no longer has it.
    Removed,
}

impl Change {
    /// For programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Replaced => "replaced",
            Change::Beside => "kept",
            Change::Orphaned => "orphaned",
            Change::Removed => "removed",
        }
    }
}

/// True for what belongs to the program, and is the learner's to read only.
#[must_use]
pub fn is_core(path: &str) -> bool {
    path.strip_prefix(OWN).is_some_and(|rest| rest.starts_with("/core/"))
}

/// Where the new text of a touched file goes: `exercises/a/a.rs` → `exercises/a/a.new.rs`.
#[must_use]
pub fn beside(path: &str) -> String {
    match path.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !stem.ends_with('/') => format!("{stem}.new.{extension}"),
        _ => format!("{path}.new"),
    }
}

/// Which version laid a folder out, if it says so.
#[must_use]
pub fn laid_out_by(workspace: &Workspace) -> Option<String> {
    let table = workspace.store().read(LAYOUT).ok()?.value;
    table.get("splitbrain").and_then(Value::as_str).map(str::to_owned)
}

/// Remembers how files are laid out.
pub(super) fn remember(store: &Store, files: &[(String, String)]) -> Result<()> {
    let table: Table = files.iter().filter(|(path, _)| !is_core(path)).map(|(path, text)| (path.clone(), hash(text).into())).collect();
    store.update(LAYOUT, |all| {
        all.insert("splitbrain".to_owned(), env!("CARGO_PKG_VERSION").into());
        all.insert("files".to_owned(), table.into());
    })?;
    Ok(())
}

fn hash(text: &str) -> String {
    format!("{:016x}", fnv(text.as_bytes()))
}

/// Brings a learner's folder up to this version, and says what became of each file that is not as it was.
///
/// # Errors
/// If a newer version laid it out, or something cannot be read or written.
pub fn update(workspace: &Workspace) -> Result<Vec<(String, Change)>> {
    let store = workspace.store();
    let table = store.read(LAYOUT)?.value;
    if let Some(by) = table.get("splitbrain").and_then(Value::as_str)
        && version(by) > version(env!("CARGO_PKG_VERSION"))
    {
        return Err(Trouble::environment(format!(
            "{} was laid out by splitbrain {by}, and this is {}: install the newer one",
            workspace.root.display(),
            env!("CARGO_PKG_VERSION")
        )));
    }
    let before: BTreeMap<String, String> = table.get("files").and_then(Value::as_table).map_or_else(BTreeMap::new, |files| {
        files.iter().filter_map(|(path, hash)| Some((path.clone(), hash.as_str()?.to_owned()))).collect()
    });
    let files = files()?;
    let mut changes = Vec::new();
    for (path, text) in &files {
        let on_disk = workspace.root.join(path);
        let change = match fs::read(&on_disk) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Some(Change::Added),
            Err(e) => return Err(Trouble::file("read", &on_disk, &e)),
            Ok(there) => of_present(path, &there, text, before.get(path)),
        };
        match change {
            None => continue,
            Some(Change::Beside) => write(&workspace.root.join(beside(path)), text)?,
            // Never half of it: what is neither the old text nor the new one would pass for the learner's.
            Some(Change::Replaced) if !is_core(path) => write_atomically(&on_disk, text)?,
            Some(_) => write(&on_disk, text)?,
        }
        changes.extend(change.map(|change| (path.clone(), change)));
    }
    let has = |path: &str| files.iter().any(|(p, _)| p == path);
    changes.extend(before.keys().filter(|p| !has(p) && workspace.root.join(p).exists()).map(|p| (p.clone(), Change::Orphaned)));
    for path in core_files(&workspace.root) {
        if !has(&path) {
            let on_disk = workspace.root.join(&path);
            fs::remove_file(&on_disk).map_err(|e| Trouble::file("remove", &on_disk, &e))?;
            changes.push((path, Change::Removed));
        }
    }
    remember(&store, &files)?;
    Ok(changes)
}

/// What is to become of a file that is there.
fn of_present(path: &str, there: &[u8], text: &str, before: Option<&String>) -> Option<Change> {
    if there == text.as_bytes() {
        return None;
    }
    let untouched = before.is_some_and(|before| std::str::from_utf8(there).is_ok_and(|there| hash(there) == *before));
    if is_core(path) || untouched {
        return Some(Change::Replaced);
    }
    // What is new to the learner is what differs from what they were given; not from what they made of it.
    (before != Some(&hash(text))).then_some(Change::Beside)
}

/// The files of the core that are there, as paths from the root with `/`.
fn core_files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![format!("{OWN}/core/src"), format!("{OWN}/core/engine/src")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries.flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                _ => found.push(path),
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::super::lay_out;
    use super::*;
    use crate::cli::workspace::Place;

    const STUB: &str = "exercises/g_counter/g_counter.rs";

    fn folder() -> (tempfile::TempDir, Workspace) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("prep");
        lay_out(&root).unwrap();
        (dir, Workspace { root, place: Place::Learner })
    }

    /// As if an older version had laid out this text.
    fn older(workspace: &Workspace, path: &str, text: &str) {
        write(&workspace.root.join(path), text).unwrap();
        let told = workspace.store().update(LAYOUT, |all| {
            all.insert("splitbrain".to_owned(), "0.0.9".into());
            all["files"].as_table_mut().unwrap().insert(path.to_owned(), hash(text).into());
        });
        assert!(told.unwrap().notices.is_empty());
    }

    #[test]
    fn a_fresh_folder_has_nothing_to_update() {
        let (_dir, workspace) = folder();
        assert_eq!(laid_out_by(&workspace).as_deref(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(update(&workspace).unwrap(), []);
    }

    #[test]
    fn untouched_stubs_are_replaced_and_touched_ones_kept() {
        let (_dir, workspace) = folder();
        let now = fs::read_to_string(workspace.root.join(STUB)).unwrap();
        older(&workspace, STUB, "fn old_stub() {}\n");
        older(&workspace, "exercises/pn_counter/pn_counter.rs", "fn old_stub() {}\n");
        fs::write(workspace.root.join("exercises/pn_counter/pn_counter.rs"), "fn my_work() {}\n").unwrap();
        fs::write(workspace.root.join("exercises/hash_ring/hash_ring.rs"), "fn my_ring() {}\n").unwrap();
        fs::remove_file(workspace.root.join("exercises/hash_ring/README.md")).unwrap();
        let changes = update(&workspace).unwrap();
        let expected = [
            (STUB, Change::Replaced),
            ("exercises/pn_counter/pn_counter.rs", Change::Beside),
            ("exercises/hash_ring/README.md", Change::Added),
        ];
        let expected: Vec<_> = expected.map(|(p, c)| (p.to_owned(), c)).into();
        assert_eq!(changes, expected, "the ring's stub is touched, but no newer than what was given");
        let text = |path: &str| fs::read_to_string(workspace.root.join(path)).unwrap();
        assert_eq!(text(STUB), now);
        assert_eq!(text("exercises/pn_counter/pn_counter.rs"), "fn my_work() {}\n");
        assert!(text("exercises/pn_counter/pn_counter.new.rs").contains("todo!"));
        assert_eq!(text("exercises/hash_ring/hash_ring.rs"), "fn my_ring() {}\n");
        assert_eq!(update(&workspace).unwrap(), [], "and once is enough");
    }

    #[test]
    fn the_core_is_ours_and_what_the_course_drops_is_kept() {
        let (_dir, workspace) = folder();
        fs::write(workspace.root.join(".splitbrain/core/src/lib.rs"), "// edited").unwrap();
        fs::write(workspace.root.join(".splitbrain/core/src/gone.rs"), "").unwrap();
        older(&workspace, "exercises/paxos/paxos.rs", "fn old() {}\n");
        let changes = update(&workspace).unwrap();
        let expected = [
            (".splitbrain/core/src/lib.rs", Change::Replaced),
            ("exercises/paxos/paxos.rs", Change::Orphaned),
            (".splitbrain/core/src/gone.rs", Change::Removed),
        ];
        assert_eq!(changes, expected.map(|(p, c)| (p.to_owned(), c)));
        assert!(workspace.root.join("exercises/paxos/paxos.rs").exists());
    }

    #[test]
    fn a_folder_of_before_the_list_and_one_of_a_newer_version() {
        let (_dir, workspace) = folder();
        fs::remove_file(workspace.root.join(".splitbrain/layout.toml")).unwrap();
        fs::write(workspace.root.join(STUB), "fn mine() {}\n").unwrap();
        assert_eq!(update(&workspace).unwrap(), [(STUB.to_owned(), Change::Beside)], "nobody knows: so it is kept");
        workspace.store().update(LAYOUT, |all| all.insert("splitbrain".to_owned(), "99.0.0".into())).unwrap();
        assert!(update(&workspace).unwrap_err().message.contains("install the newer one"));
    }

    #[test]
    fn names_of_what_stands_beside() {
        assert_eq!(beside("exercises/a/a.rs"), "exercises/a/a.new.rs");
        assert_eq!(beside("Cargo.toml"), "Cargo.new.toml");
        assert_eq!(beside(".gitignore"), ".gitignore.new");
    }
}
