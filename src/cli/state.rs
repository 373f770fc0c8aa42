//! What is remembered between two runs of the program: small TOML files in `.splitbrain/`, each with a `version`, a record a line.
//!
//! One mechanism serves every such file ([`Kind`]): a lock on a file beside it (the rename swaps the file itself, so the lock
//! cannot sit on it), a temporary file, and a rename; so a reader sees the old text or the new one, and two writers never
//! lose each other's work. A file that cannot be read is set aside under a new name and said, never overwritten; one in
//! which git has marked a conflict is left where it is. Keys that this version does not know are kept. This module knows nothing of what the files mean.

use super::disk::{self, free_name, write_atomically};
use super::error::{Result, Trouble};
use super::records::{self, Read};
use std::fs::{self, File, TryLockError};
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use toml::{Table, Value};

/// One kind of state file.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The file's name in the state folder.
    pub name: &'static str,
    /// The version that this program writes, from 1. A file of a newer one is refused.
    pub version: i64,
    /// Says what is wrong with a table that parsed (a key of the wrong type); such a file is set aside like one that did not.
    pub validate: fn(&Table) -> std::result::Result<(), String>,
    /// Puts into a table what another one of this kind has and it has not. Both are valid; twice is once, and older never beats newer.
    pub merge: fn(&mut Table, &Table),
}

/// A file before and after something was put into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// What was there.
    pub before: Table,
    /// What is there now.
    pub after: Table,
    /// Where a file is kept that could not be taken as it was.
    pub kept: Option<PathBuf>,
}

/// The folder of the state files.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

/// What a call brought, with what the user must be told of (a file set aside).
#[derive(Clone, Debug, PartialEq)]
pub struct Told<T> {
    /// What was asked for.
    pub value: T,
    /// Sentences for the user; empty almost always.
    pub notices: Vec<String>,
}

/// How long another program may hold the lock. A write takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// The store in that folder (`.splitbrain`), which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Store {
        Store { dir: dir.into() }
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The table in the file, empty if there is none.
    ///
    /// # Errors
    /// A newer version, or a file that can neither be read nor set aside.
    pub fn read(&self, kind: Kind) -> Result<Told<Table>> {
        let path = self.dir.join(kind.name);
        // Without a lock: a rename is atomic, so what is there is whole. Only setting aside needs the lock, below.
        match parse(&path, kind)? {
            Parsed::Table(table) => Ok(Told { value: table, notices: Vec::new() }),
            Parsed::Unreadable(_) => {
                let _lock = self.lock(kind)?;
                self.load(kind)
            }
            Parsed::Conflict(line, _) => Err(conflict(&path, line)),
        }
    }

    /// Reads a file as we write it, holding one record of its longest list at a time. `None`: [`Store::read`] says what there is.
    pub fn stream(&self, kind: Kind, list: &str, row: &mut dyn FnMut(&Value) -> Option<()>) -> Option<()> {
        let file = disk::open(&self.dir.join(kind.name), File::options().read(true)).ok()?;
        let rest = records::stream(BufReader::new(file), list, row)?;
        fits(kind, &rest).ok()
    }

    /// Changes the table in the file. Nobody else writes meanwhile.
    ///
    /// # Errors
    /// As [`Store::read`], and when the file cannot be written.
    pub fn update<T>(&self, kind: Kind, change: impl FnOnce(&mut Table) -> T) -> Result<Told<T>> {
        fs::create_dir_all(&self.dir).map_err(|e| Trouble::file("make the folder", &self.dir, &e))?;
        let _lock = self.lock(kind)?;
        // A program that was still dying when this one began has left its half by now.
        disk::remove_leftovers(&self.dir);
        let Told { value: mut table, notices } = self.load(kind)?;
        let value = change(&mut table);
        table.insert("version".to_owned(), Value::Integer(kind.version));
        write_atomically(&self.dir.join(kind.name), &records::text_of(&table))?;
        Ok(Told { value, notices })
    }

    /// Puts other tables into the file, or in its place. A conflict that git has marked is settled by it: both sides are put together.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn put(&self, kind: Kind, tables: &[Table], replace: bool) -> Result<Merged> {
        fs::create_dir_all(&self.dir).map_err(|e| Trouble::file("make the folder", &self.dir, &e))?;
        let _lock = self.lock(kind)?;
        let path = self.dir.join(kind.name);
        let (mut table, mut kept) = (Table::new(), None);
        match parse(&path, kind)? {
            Parsed::Table(there) => table = there,
            Parsed::Unreadable(_) => {
                let aside = free_name(&path, "unreadable");
                fs::rename(&path, &aside).map_err(|e| Trouble::file("set aside", &path, &e))?;
                kept = Some(aside);
            }
            Parsed::Conflict(line, sides) => {
                let sides = sides.iter().map(|side| whole(side, kind)).collect::<std::result::Result<Vec<_>, _>>();
                let sides = sides.map_err(|why| Trouble::environment(format!("{}: cannot read one side: {why}", conflict(&path, line))))?;
                let aside = free_name(&path, "conflict");
                fs::copy(&path, &aside).map_err(|e| Trouble::file("copy", &path, &e))?;
                kept = Some(aside);
                table = together(kind, sides);
            }
        }
        let before = table.clone();
        for other in tables {
            if replace || table.is_empty() { table.clone_from(other) } else { (kind.merge)(&mut table, other) }
        }
        if table != before || kept.is_some() {
            table.insert("version".to_owned(), Value::Integer(kind.version));
            write_atomically(&path, &records::text_of(&table))?;
        }
        Ok(Merged { before, after: table, kept })
    }

    /// Reads under the lock, and sets an unreadable file aside.
    fn load(&self, kind: Kind) -> Result<Told<Table>> {
        let path = self.dir.join(kind.name);
        match parse(&path, kind)? {
            Parsed::Table(table) => Ok(Told { value: table, notices: Vec::new() }),
            Parsed::Unreadable(why) => {
                let aside = free_name(&path, "unreadable");
                fs::rename(&path, &aside).map_err(|e| Trouble::file("set aside", &path, &e))?;
                let notice = format!(
                    "cannot read {} ({why}). It is kept as {}, and a new file is started.",
                    path.display(),
                    aside.file_name().unwrap_or_default().display()
                );
                Ok(Told { value: Table::new(), notices: vec![notice] })
            }
            Parsed::Conflict(line, _) => Err(conflict(&path, line)),
        }
    }

    fn lock(&self, kind: Kind) -> Result<File> {
        let path = self.dir.join(format!("{}.lock", kind.name));
        let mut options = File::options();
        let file = disk::open(&path, options.create(true).truncate(false).write(true)).map_err(|e| Trouble::file("open", &path, &e))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::WouldBlock) => {
                    return Err(Trouble::environment(format!(
                        "another splitbrain has locked {} for more than {} s; stop it and try again",
                        path.display(),
                        PATIENCE.as_secs()
                    )));
                }
                Err(TryLockError::Error(e)) => return Err(Trouble::file("lock", &path, &e)),
            }
        }
    }
}

enum Parsed {
    Table(Table),
    Unreadable(String),
    /// At which line git's marks begin, and the two sides.
    Conflict(usize, [String; 2]),
}

/// What is said of a file in which git has marked a conflict. Whoever reads it decides: it is left where it is.
fn conflict(path: &Path, line: usize) -> Trouble {
    let shown = path.display();
    Trouble::environment(format!("{shown}:{line}: there is a git conflict here; `splitbrain import '{shown}'` merges both sides"))
}

fn parse(path: &Path, kind: Kind) -> Result<Parsed> {
    let bytes = match disk::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Parsed::Table(Table::new())),
        Err(e) => return Err(Trouble::file("read", path, &e)),
    };
    let Ok(text) = String::from_utf8(bytes) else { return Ok(Parsed::Unreadable("it is not UTF-8".to_owned())) };
    let tables = match records::read(&text) {
        Read::Tables(tables) => tables,
        Read::Conflict(line, sides) => return Ok(Parsed::Conflict(line, sides)),
        Read::Broken(why) => return Ok(Parsed::Unreadable(why)),
    };
    let newest = tables.iter().filter_map(|table| table.get("version").and_then(Value::as_integer)).max();
    if let Some(v) = newest.filter(|v| *v > kind.version) {
        return Err(Trouble::environment(format!(
            "{} was written by a newer splitbrain (its version is {v}, this program knows {}): install that one again",
            path.display(),
            kind.version
        )));
    }
    let fits = tables.iter().try_for_each(|table| fits(kind, table));
    Ok(fits.map_or_else(Parsed::Unreadable, |()| Parsed::Table(together(kind, tables))))
}

/// The table of a text that holds no conflict.
///
/// # Errors
/// Why there is none.
pub fn whole(text: &str, kind: Kind) -> std::result::Result<Table, String> {
    let tables = match records::read(text) {
        Read::Tables(tables) => tables,
        Read::Conflict(line, _) => return Err(format!("line {line}: a git conflict")),
        Read::Broken(why) => return Err(why),
    };
    tables.iter().try_for_each(|table| fits(kind, table))?;
    Ok(together(kind, tables))
}

fn together(kind: Kind, tables: Vec<Table>) -> Table {
    let merged = tables.into_iter().reduce(|mut all, table| {
        (kind.merge)(&mut all, &table);
        all
    });
    merged.unwrap_or_default()
}

/// Whether a table can be this program's file of that kind. The error says what is wrong with it.
///
/// # Errors
/// No version or a newer one, or what the kind itself refuses.
pub fn fits(kind: Kind, table: &Table) -> std::result::Result<(), String> {
    match table.get("version") {
        Some(Value::Integer(v)) if *v > kind.version => Err(format!("its version {v} is newer than this program's, {}", kind.version)),
        Some(Value::Integer(v)) if *v >= 1 => (kind.validate)(table),
        _ => Err("it has no `version`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Exit;

    const NOTES: Kind = Kind {
        name: "notes.toml",
        version: 2,
        validate: |t| match t.get("count") {
            None | Some(Value::Integer(_)) => Ok(()),
            Some(_) => Err("`count` is not a number".to_owned()),
        },
        merge: |ours, theirs| {
            let count = [&*ours, theirs].iter().filter_map(|t| t.get("count")?.as_integer()).max();
            ours.extend(count.map(|n| ("count".to_owned(), n.into())));
        },
    };

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join(".splitbrain"));
        (dir, store)
    }

    fn add_one(table: &mut Table) -> i64 {
        let n = table.get("count").and_then(Value::as_integer).unwrap_or(0) + 1;
        table.insert("count".into(), n.into());
        n
    }

    #[test]
    fn what_is_written_is_read_and_unknown_keys_stay() {
        let (_dir, store) = store();
        assert_eq!(store.read(NOTES).unwrap().value, Table::new());
        store.update(NOTES, add_one).unwrap();
        let path = store.dir().join("notes.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}colour = \"red\"\n[later]\nx = [1]\n")).unwrap();
        assert_eq!(store.update(NOTES, add_one).unwrap(), Told { value: 2, notices: vec![] });
        let table = store.read(NOTES).unwrap().value;
        assert_eq!(table["colour"].as_str(), Some("red"));
        assert_eq!(table["later"]["x"][0].as_integer(), Some(1));
        assert_eq!(table["version"].as_integer(), Some(2));
    }

    #[test]
    fn a_write_takes_away_what_a_killed_one_left() {
        let (_dir, store) = store();
        store.update(NOTES, add_one).unwrap();
        fs::write(store.dir().join(".new-notes.toml-dead"), "half").unwrap();
        store.update(NOTES, add_one).unwrap();
        let names: Vec<_> = fs::read_dir(store.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the file and its lock: {names:?}");
    }

    #[test]
    fn an_unreadable_file_is_set_aside_and_said() {
        let broken: [&[u8]; 5] = [b"version = 2\ncount = [", b"\xff\xfe", b"count = 1", b"version = 2\ncount = 'x'", b"version = 0"];
        for (n, bytes) in (1..).zip(broken) {
            let (_dir, store) = store();
            fs::create_dir_all(store.dir()).unwrap();
            fs::write(store.dir().join("notes.toml"), bytes).unwrap();
            fs::write(store.dir().join("notes.toml.unreadable-1"), "older").unwrap();
            let told = if n % 2 == 0 { store.update(NOTES, |_| ()).unwrap().notices } else { store.read(NOTES).unwrap().notices };
            assert_eq!(told.len(), 1, "{n}");
            assert!(told[0].contains("notes.toml.unreadable-2"), "{told:?}");
            assert_eq!(fs::read(store.dir().join("notes.toml.unreadable-2")).unwrap(), bytes);
            assert_eq!(fs::read(store.dir().join("notes.toml.unreadable-1")).unwrap(), b"older");
        }
    }

    #[test]
    fn a_conflict_of_git_is_left_alone_and_can_be_settled() {
        let (_dir, store) = store();
        fs::create_dir_all(store.dir()).unwrap();
        let (path, text) = (store.dir().join("notes.toml"), "<<<<<<< HEAD\ncount = 1\n=======\ncount = 2\n>>>>>>> b\nversion = 2\n");
        fs::write(&path, text).unwrap();
        for trouble in [store.read(NOTES).unwrap_err(), store.update(NOTES, |_| ()).unwrap_err()] {
            assert!(trouble.message.contains("notes.toml:1: there is a git conflict here; `splitbrain import"), "{trouble}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        let merged = store.put(NOTES, &[], false).unwrap();
        assert_eq!(merged.after["count"].as_integer(), Some(2));
        assert_eq!(fs::read_to_string(merged.kept.unwrap()).unwrap(), text);
        assert_eq!(store.read(NOTES).unwrap().value["count"].as_integer(), Some(2));
        // What a union merge leaves is read as it is.
        fs::write(&path, "count = 7\ncount = 5\nversion = 2\n").unwrap();
        assert_eq!(store.update(NOTES, add_one).unwrap(), Told { value: 8, notices: vec![] });
    }

    #[test]
    fn what_is_no_file_is_said_and_nothing_waits() {
        for name in ["notes.toml", "notes.toml.lock"] {
            let (_dir, store) = store();
            fs::create_dir_all(store.dir()).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(store.dir().join(name)).status().unwrap().success());
            let trouble = store.update(NOTES, add_one).unwrap_err();
            assert!(trouble.exit == Exit::Environment && trouble.message.contains("a named pipe"), "{trouble}");
        }
    }

    #[test]
    fn a_newer_version_is_refused_and_left_alone() {
        let (_dir, store) = store();
        fs::create_dir_all(store.dir()).unwrap();
        let path = store.dir().join("notes.toml");
        fs::write(&path, "version = 3\n").unwrap();
        for trouble in [store.read(NOTES).unwrap_err(), store.update(NOTES, |_| ()).unwrap_err()] {
            assert_eq!(trouble.exit, Exit::Environment);
            assert!(trouble.message.contains("newer splitbrain"), "{trouble}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "version = 3\n");
    }

    #[test]
    fn concurrent_writers_lose_nothing() {
        let (_dir, store) = store();
        std::thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| (0..20).for_each(|_| assert!(store.update(NOTES, add_one).unwrap().notices.is_empty())));
            }
        });
        assert_eq!(store.read(NOTES).unwrap().value["count"].as_integer(), Some(160));
    }
}
