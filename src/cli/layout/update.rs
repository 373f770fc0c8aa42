//! From what an older version laid out to what this one does. `layout.toml` remembers the hash of every file as it was laid out,
//! which tells a file that the learner has touched from one that they have not.

use super::{files, write};
use crate::cli::disk::{self, write_atomically};
use crate::cli::error::{Result, Trouble};
use crate::cli::figures::version;
use crate::cli::fingerprint::fnv;
use crate::cli::state::{Kind, Store};
use crate::cli::workspace::{OWN, Workspace};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// The file that remembers how a folder was laid out.
pub const LAYOUT: Kind = Kind {
    name: "layout.toml",
    version: 1,
    validate: |table| match (table.get("splitbrain"), table.get("files")) {
        (None | Some(Value::String(_)), None | Some(Value::Table(_))) => Ok(()),
        _ => Err("`splitbrain` or `files` has the wrong form".to_owned()),
    },
    // What a file was given as is not known where two say another thing: then it counts as touched, and is kept.
    merge: |ours, theirs| {
        let files = |table: &Table| table.get("files").and_then(Value::as_table).cloned().unwrap_or_default();
        let (mine, others) = (files(ours), files(theirs));
        let agreed = mine.into_iter().filter(|(path, hash)| others.get(path).is_none_or(|other| other == hash));
        ours.insert("files".to_owned(), Value::Table(agreed.collect()));
    },
};

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Added,
    /// It was as it had been laid out, or is ours.
    Replaced,
    /// The learner has touched it: kept, and the new text stands beside it, under this path.
    Beside(String),
    /// The course no longer has it: kept.
    Orphaned,
    /// It was part of the core, which no longer has it.
    Removed,
}

impl Change {
    /// For programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Replaced => "replaced",
            Change::Beside(_) => "kept",
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

/// Where the new text of a touched file goes: `exercises/a/a.rs` → `exercises/a/a.new.rs`; if another text stands there,
/// which may be the learner's, `a.new-2.rs`, and so on.
fn beside(root: &Path, path: &str, text: &str) -> String {
    let name = |n: u32| {
        let new = if n == 1 { "new".to_owned() } else { format!("new-{n}") };
        match path.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && !stem.ends_with('/') => format!("{stem}.{new}.{extension}"),
            _ => format!("{path}.{new}"),
        }
    };
    let is_free = |name: &String| match root.join(name).symlink_metadata() {
        Err(e) => e.kind() == std::io::ErrorKind::NotFound,
        Ok(about) => about.is_file() && disk::read(&root.join(name)).is_ok_and(|there| there == text.as_bytes()),
    };
    (1..).map(name).find(is_free).unwrap_or_else(|| unreachable!("some number is free"))
}

/// Refuses to write through a link that leads out of the folder: what is there is not ours.
fn stays_inside(root: &Path, path: &str) -> Result<()> {
    let inside = root.canonicalize().map_err(|e| Trouble::file("read", root, &e))?;
    let folders = Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    for folder in folders.map(|folder| root.join(folder)) {
        if !folder.is_symlink() {
            continue;
        }
        match folder.canonicalize() {
            Ok(to) if to.starts_with(&inside) => {}
            to => {
                let to = to.map_or("nowhere".to_owned(), |to| to.display().to_string());
                return Err(Trouble::environment(format!(
                    "{} is a link that leads out of the folder (to {to}): replace it with a folder; nothing was changed",
                    folder.display()
                )));
            }
        }
    }
    Ok(())
}

/// Which version laid a folder out, if it says so.
///
/// # Errors
/// What it says cannot be read.
pub fn laid_out_by(workspace: &Workspace) -> Result<Option<String>> {
    let table = workspace.store().read(LAYOUT)?.value;
    Ok(table.get("splitbrain").and_then(Value::as_str).map(str::to_owned))
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

/// Whether a file of that path was laid out with that text.
pub(super) fn is_as_laid_out(store: &Store, path: &str, text: &str) -> bool {
    store.read(LAYOUT).is_ok_and(|told| hashes(&told.value).get(path) == Some(&hash(text)))
}

/// The hash of each file as it was laid out.
fn hashes(table: &Table) -> BTreeMap<String, String> {
    let files = table.get("files").and_then(Value::as_table).into_iter().flatten();
    files.filter_map(|(path, hash)| Some((path.clone(), hash.as_str()?.to_owned()))).collect()
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
            "{} was laid out by splitbrain {by}, and this is {}: install the newer version",
            workspace.root.display(),
            env!("CARGO_PKG_VERSION")
        )));
    }
    let before = hashes(&table);
    let files = files()?;
    files.iter().try_for_each(|(path, _)| stays_inside(&workspace.root, path))?;
    let mut changes = Vec::new();
    for (path, text) in &files {
        let on_disk = workspace.root.join(path);
        let change = match disk::read(&on_disk) {
            // A link to nothing is somebody's, and writing would go through it.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !on_disk.is_symlink() => Some(Change::Added),
            // In the place of a file of the course stands a link: the learner keeps their text elsewhere.
            read if on_disk.is_symlink() && !is_core(path) => {
                let same = read.is_ok_and(|there| there == text.as_bytes()) || before.get(path) == Some(&hash(text));
                (!same).then(|| Change::Beside(beside(&workspace.root, path, text)))
            }
            Err(_) if is_core(path) && on_disk.is_symlink() => Some(Change::Replaced),
            Err(e) => return Err(Trouble::file("read", &on_disk, &e)),
            Ok(there) => of_present(&workspace.root, path, &there, text, before.get(path)),
        };
        match &change {
            None => continue,
            Some(Change::Beside(path)) => write_atomically(&workspace.root.join(path), text)?,
            // Never half of it: what is neither the old text nor the new one would pass for the learner's. And a link is replaced.
            Some(Change::Replaced) if !is_core(path) || on_disk.is_symlink() => write_atomically(&on_disk, text)?,
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
fn of_present(root: &Path, path: &str, there: &[u8], text: &str, before: Option<&String>) -> Option<Change> {
    if there == text.as_bytes() {
        return None;
    }
    let untouched = before.is_some_and(|before| std::str::from_utf8(there).is_ok_and(|there| hash(there) == *before));
    if is_core(path) || untouched {
        return Some(Change::Replaced);
    }
    // What is new to the learner is what differs from what they were given; not from what they made of it.
    (before != Some(&hash(text))).then(|| Change::Beside(beside(root, path, text)))
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
        assert_eq!(laid_out_by(&workspace).unwrap().as_deref(), Some(env!("CARGO_PKG_VERSION")));
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
            ("exercises/pn_counter/pn_counter.rs", Change::Beside("exercises/pn_counter/pn_counter.new.rs".into())),
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
        assert_eq!(
            update(&workspace).unwrap(),
            [(STUB.to_owned(), Change::Beside(STUB.replace(".rs", ".new.rs")))],
            "nobody knows: so it is kept"
        );
        workspace.store().update(LAYOUT, |all| all.insert("splitbrain".to_owned(), "99.0.0".into())).unwrap();
        assert!(update(&workspace).unwrap_err().message.contains("install the newer version"));
    }

    #[test]
    fn names_of_what_stands_beside() {
        let dir = tempfile::tempdir().unwrap();
        let named = |path| beside(dir.path(), path, "new");
        assert_eq!(["a.rs", ".gitignore"].map(named), ["a.new.rs", ".gitignore.new"]);
        fs::write(dir.path().join("a.new.rs"), "mine").unwrap();
        assert_eq!(named("a.rs"), "a.new-2.rs", "it may be the learner's");
        fs::write(dir.path().join("a.new-2.rs"), "new").unwrap();
        assert_eq!(named("a.rs"), "a.new-2.rs", "it stands there already");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let (dir, workspace) = folder();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        let link = |from: &str, to: &Path| {
            let _ = fs::remove_file(workspace.root.join(from));
            std::os::unix::fs::symlink(to, workspace.root.join(from)).unwrap();
        };
        // A stub that is kept elsewhere, as it was given by an older version; one that leads nowhere; a file of the core.
        older(&workspace, STUB, "fn old_stub() {}\n");
        fs::rename(workspace.root.join(STUB), outside.join("mine.rs")).unwrap();
        link(STUB, &outside.join("mine.rs"));
        link("exercises/hash_ring/hash_ring.rs", &outside.join("nowhere.rs"));
        fs::write(outside.join("lib.rs"), "theirs").unwrap();
        link(".splitbrain/core/src/lib.rs", &outside.join("lib.rs"));
        let changes = update(&workspace).unwrap();
        assert_eq!(changes.len(), 2, "{changes:?}");
        let text = |name: &str| fs::read_to_string(outside.join(name)).unwrap();
        assert_eq!((text("mine.rs").as_str(), text("lib.rs").as_str()), ("fn old_stub() {}\n", "theirs"));
        assert!(!outside.join("nowhere.rs").exists() && workspace.root.join(STUB).is_symlink());
        assert!(!workspace.root.join(".splitbrain/core/src/lib.rs").is_symlink());
        // A whole folder.
        fs::rename(workspace.root.join("exercises/g_counter"), outside.join("g")).unwrap();
        link("exercises/g_counter", &outside.join("g"));
        let refused = update(&workspace).unwrap_err().message;
        assert!(refused.contains("exercises/g_counter is a link that leads out of the folder"), "{refused}");
    }

    #[test]
    fn what_was_cut_short_is_finished() {
        let (_dir, workspace) = folder();
        let root = &workspace.root;
        let already = |root: &Path| lay_out(root).is_err_and(|e| e.message.contains("is a splitbrain folder already"));
        assert!(already(root));
        fs::remove_file(root.join(".splitbrain/layout.toml")).unwrap();
        fs::remove_dir_all(root.join(".splitbrain/core")).unwrap();
        fs::write(root.join(STUB), "//!").unwrap();
        assert!(Workspace::find(root).is_err(), "half a folder is none");
        lay_out(root).unwrap();
        assert_eq!(update(&workspace).unwrap(), []);
        assert!(already(root));
        // Whoever has worked in it has a whole one.
        fs::remove_file(root.join(".splitbrain/layout.toml")).unwrap();
        fs::write(root.join(STUB), "fn mine() {}").unwrap();
        assert!(already(root));
        assert_eq!(fs::read_to_string(root.join(STUB)).unwrap(), "fn mine() {}");
    }
}
