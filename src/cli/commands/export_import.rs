//! `export FILE` and `import FILE`: everything that is remembered, in one file that can be taken to another machine. Nothing is
//! ever sent anywhere.
//!
//! An import is all or nothing: what it brings is first written beside the state files, whole, and taken away when all of it is in
//! them. Whoever comes after an import that was cut short finds it there and finishes it ([`finish`]); twice is once.

use crate::cli::answers::QUIZ;
use crate::cli::appointment::PLAN;
use crate::cli::disk::{self, write_atomically};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::interview::history::INTERVIEWS;
use crate::cli::layout::LAYOUT;
use crate::cli::out::{Out, is_standard};
use crate::cli::progress::PROGRESS;
use crate::cli::records::{self, Read, line_of, text_of};
use crate::cli::state::{Kind, Merged, fits, whole};
use crate::cli::workspace::Workspace;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The files that are exported: the learner's own history. Findings and backups belong to the code beside them.
pub(super) const EXPORTED: [Kind; 4] = [PROGRESS, QUIZ, INTERVIEWS, PLAN];
/// The files in which git may leave a conflict, and an import of the file settles it.
const SETTLED: [Kind; 5] = [PROGRESS, QUIZ, INTERVIEWS, PLAN, LAYOUT];
const VERSION: i64 = 1;
/// What is being imported, until all of it is.
const PENDING: &str = "import.pending";

pub fn export(file: &Path, force: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    let to_stdout = is_standard(file, "/dev/stdout");
    if !to_stdout && fs::metadata(file).is_ok_and(|about| about.is_file()) && !force {
        return Err(Trouble::usage(format!("{} already exists: name another file, or use --force", file.display())));
    }
    let files = remembered(&workspace)?;
    let names: Vec<String> = files.keys().cloned().collect();
    let text = exported(files);
    let text = if out.ascii { strings_to_ascii(&text) } else { text };
    if !out.write_where_asked(file, &text)? {
        return Ok(Exit::Passed);
    }
    if json {
        out.json(&serde_json::json!({ "file": file.display().to_string(), "holds": names }));
    } else {
        let holds = if names.is_empty() { "nothing yet".to_owned() } else { names.join(", ") };
        out.print(&format!("Wrote {} ({holds}). In another folder: splitbrain import {}\n", file.display(), file.display()));
    }
    Ok(Exit::Passed)
}

/// All that is remembered here, by the names of the files.
fn remembered(workspace: &Workspace) -> Result<Table> {
    let mut files = Table::new();
    for kind in EXPORTED {
        let path = workspace.own().join(kind.name);
        if !path.exists() {
            continue;
        }
        let text = disk::read_text(&path).map_err(|e| Trouble::file("read", &path, &e))?;
        let table = whole(&text, kind).map_err(|why| Trouble::environment(format!("{}: {why}", path.display())))?;
        files.insert(kind.name.to_owned(), table.into());
    }
    Ok(files)
}

fn exported(files: Table) -> String {
    let mut all = Table::new();
    all.insert("splitbrain_export".to_owned(), VERSION.into());
    let head = text_of(&all);
    // Each file's records on lines of their own, as in the file.
    let body = files.iter().filter_map(|(name, table)| {
        let mut fields = String::new();
        for (key, value) in table.as_table()? {
            let one = Table::from_iter([(key.clone(), value.clone())]);
            fields.push_str(&match value {
                Value::Table(_) => format!("{key} = {}\n", records::inline(value)),
                _ => text_of(&one),
            });
        }
        Some(format!("[files.\"{name}\"]\n{fields}"))
    });
    format!("{head}{}", body.collect::<String>())
}

/// The text in ASCII, and an import reads the same: every string of ours has TOML's escapes.
fn strings_to_ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\U{:08x}", u32::from(c)) }).collect()
}

pub fn import(file: &Path, replace: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    let tables = brought(file)?;
    let mut kept = Vec::new();
    if replace {
        kept.push(keep_all(&workspace)?);
    }
    let merged = put(&workspace, &tables, replace)?;
    kept.extend(merged.iter().filter_map(|(_, merged)| merged.kept.clone()));
    let kept: Vec<String> = kept.iter().map(|path| workspace.shown(path)).collect();
    let news = News::of(&merged);
    if json {
        let names: Vec<&str> = merged.iter().map(|(kind, _)| kind.name).collect();
        out.json(&serde_json::json!({
            "holds": names, "kept": kept, "answers": news.answers, "passed": news.passed, "interviews": news.interviews, "plan": news.plan,
        }));
        return Ok(Exit::Passed);
    }
    let before = match (replace, kept.as_slice()) {
        (_, []) => String::new(),
        (true, [first, ..]) => format!("A backup of what was here is kept: `splitbrain import --replace {first}` brings it back.\n"),
        (false, kept) => format!("Backup of the state before: {}.\n", kept.join(", ")),
    };
    let what = if replace { "it replaced what was here".to_owned() } else { news.said() };
    out.print(&format!("Read {}: {what}.\n{before}", file.display()));
    Ok(Exit::Passed)
}

/// What a file brings: an export; or a state file of ours, also one that was kept beside, or in which git has marked a conflict.
/// All of it is looked at before anything is written.
fn brought(file: &Path) -> Result<Vec<(Kind, Table)>> {
    let text = read(file).map_err(|e| Trouble::file("read", file, &e))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wrong = |why: String| Trouble::usage(format!("{}: {why}; nothing was imported", file.display()));
    let texts = match records::read(&text) {
        Read::Conflict(_, sides) => sides.to_vec(),
        _ => vec![text],
    };
    let kinds = if texts.len() > 1 { &SETTLED[..] } else { &EXPORTED };
    if let Some(kind) = kinds.iter().find(|kind| name.starts_with(kind.name)) {
        return texts.iter().map(|text| whole(text, *kind).map(|table| (*kind, table)).map_err(wrong)).collect();
    }
    Ok(texts.iter().map(|text| exported_in(file, text)).collect::<Result<Vec<_>>>()?.concat())
}

/// The text of a file, or of a pipe that ends: `splitbrain export - | ssh there splitbrain import -`.
fn read(file: &Path) -> std::io::Result<String> {
    if !is_standard(file, "/dev/stdin") {
        return disk::read_text(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

/// What an export holds.
fn exported_in(file: &Path, text: &str) -> Result<Vec<(Kind, Table)>> {
    let shown = file.display();
    let all: Table = text.parse().map_err(|e: toml::de::Error| {
        let line = line_of(text, &e);
        Trouble::usage(format!("{shown}:{line}: {}; it may have been cut off: export it again; nothing was imported", e.message()))
    })?;
    match all.get("splitbrain_export").and_then(Value::as_integer) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(Trouble::environment(format!("{shown} was written by a newer splitbrain: install that one")));
        }
        _ => return Err(Trouble::usage(format!("{shown} is not an export of splitbrain (`splitbrain export FILE` writes one)"))),
    }
    let files = all.get("files").and_then(Value::as_table).cloned().unwrap_or_default();
    let of = |(name, table): (&String, &Value)| fitting(&EXPORTED, name, table).map(|(kind, table)| (kind, table.clone()));
    files
        .iter()
        .map(of)
        .collect::<std::result::Result<_, _>>()
        .map_err(|why| Trouble::usage(format!("{shown}: {why}; nothing was imported")))
}

/// Keeps all that is here as one export. What is not there yet is kept as empty: so it comes back as it was.
fn keep_all(workspace: &Workspace) -> Result<PathBuf> {
    let mut files = remembered(workspace)?;
    for kind in EXPORTED {
        files.entry(kind.name).or_insert_with(|| Value::Table(Table::from_iter([("version".to_owned(), kind.version.into())])));
    }
    let own = workspace.own();
    let name = |n: u32| own.join(format!("before-import-{n}.toml"));
    let path = (1..).map(name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| unreachable!("some number is free"));
    write_atomically(&path, &exported(files))?;
    Ok(path)
}

/// Puts all of it into the state files, or nothing.
fn put(workspace: &Workspace, tables: &[(Kind, Table)], replace: bool) -> Result<Vec<(Kind, Merged)>> {
    let pending = workspace.own().join(PENDING);
    let row = |(kind, table): &(Kind, Table)| {
        Value::Table(Table::from_iter([("name".to_owned(), kind.name.into()), ("table".to_owned(), Value::Table(table.clone()))]))
    };
    let journal = [("replace".to_owned(), replace.into()), ("part".to_owned(), Value::Array(tables.iter().map(row).collect()))];
    fs::create_dir_all(workspace.own()).map_err(|e| Trouble::file("make the folder", &workspace.own(), &e))?;
    write_atomically(&pending, &text_of(&Table::from_iter(journal)))?;
    let merged = apply(workspace, tables, replace)?;
    // Another splitbrain may have finished it, and then it is gone.
    let _ = fs::remove_file(&pending);
    Ok(merged)
}

fn apply(workspace: &Workspace, tables: &[(Kind, Table)], replace: bool) -> Result<Vec<(Kind, Merged)>> {
    let store = workspace.store();
    let of_kind = |kind: Kind| tables.iter().filter(|(k, _)| k.name == kind.name).map(|(_, table)| table.clone()).collect::<Vec<_>>();
    let kinds = SETTLED.into_iter().map(|kind| (kind, of_kind(kind))).filter(|(_, tables)| !tables.is_empty());
    kinds.map(|(kind, tables)| Ok((kind, store.put(kind, &tables, replace)?))).collect()
}

/// Finishes an import that was cut short. True if there was one.
///
/// # Errors
/// If it cannot be finished.
pub fn finish(workspace: &Workspace) -> Result<bool> {
    let pending = workspace.own().join(PENDING);
    let text = match disk::read_text(&pending) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(Trouble::file("read", &pending, &e)),
    };
    let read = || -> Option<(bool, Vec<(Kind, Table)>)> {
        let all: Table = text.parse().ok()?;
        let part = |row: &Value| {
            let (kind, table) = fitting(&SETTLED, row.get("name")?.as_str()?, row.get("table")?).ok()?;
            Some((kind, table.clone()))
        };
        let tables = all.get("part").map_or(Some(Vec::new()), |parts| parts.as_array()?.iter().map(part).collect())?;
        Some((all.get("replace")?.as_bool()?, tables))
    };
    let (replace, tables) =
        read().ok_or_else(|| Trouble::environment(format!("cannot read {}: delete it, and import again", pending.display())))?;
    apply(workspace, &tables, replace)?;
    let _ = fs::remove_file(&pending);
    Ok(true)
}

/// What an import brought that was not here.
#[derive(Debug, Default, PartialEq)]
struct News {
    answers: usize,
    passed: Vec<String>,
    interviews: usize,
    plan: bool,
    /// Something else about exercises: checks, hints.
    tried: bool,
}

impl News {
    fn of(merged: &[(Kind, Merged)]) -> News {
        let mut news = News::default();
        let rows = |table: &Table, key: &str| table.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        let passed = |table: &Table| -> Vec<String> {
            let all = table.get("exercises").and_then(Value::as_table).into_iter().flatten();
            all.filter(|(_, entry)| entry.get("passed_at").is_some()).map(|(id, _)| id.clone()).collect()
        };
        for (kind, Merged { before, after, .. }) in merged {
            let more = |key: &str| rows(after, key).saturating_sub(rows(before, key));
            if kind.name == QUIZ.name {
                news.answers = more("answer");
            } else if kind.name == INTERVIEWS.name {
                news.interviews = more("interview");
            } else if kind.name == PLAN.name {
                news.plan = before.get("on") != after.get("on") || before.get("minutes") != after.get("minutes");
            } else if kind.name == PROGRESS.name {
                let old = passed(before);
                news.passed = passed(after).into_iter().filter(|id| !old.contains(id)).collect();
                news.tried = before.get("exercises") != after.get("exercises");
            }
        }
        news
    }

    /// `+2 answers, 1 exercise passed`.
    fn said(&self) -> String {
        let mut parts = Vec::new();
        if self.answers > 0 {
            parts.push(format!("+{}", plural(self.answers as u64, "answer", "answers")));
        }
        if !self.passed.is_empty() {
            parts.push(format!("{} passed", plural(self.passed.len() as u64, "exercise", "exercises")));
        } else if self.tried {
            parts.push("checks and hints".to_owned());
        }
        if self.interviews > 0 {
            parts.push(format!("+{}", plural(self.interviews as u64, "interview", "interviews")));
        }
        if self.plan {
            parts.push("a newer plan".to_owned());
        }
        if parts.is_empty() { "nothing new".to_owned() } else { parts.join(", ") }
    }
}

/// What an export holds under a name, as a file of ours.
fn fitting<'a>(kinds: &[Kind], name: &str, table: &'a Value) -> std::result::Result<(Kind, &'a Table), String> {
    let kind = kinds.iter().find(|kind| kind.name == name).ok_or(format!("it holds `{name}`, which this version does not know"))?;
    let table = table.as_table().ok_or(format!("`{name}` is not a table"))?;
    fits(*kind, table).map_err(|why| format!("its `{name}` does not fit: {why}"))?;
    Ok((*kind, table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The names of all state files, found in the source: a new one is exported, or stands here with the reason why not.
    #[test]
    fn every_kind_of_state_is_exported() {
        // What `init` laid out here is a matter of this folder, and so is what was broken off here.
        const LEFT: [&str; 2] = ["layout.toml", "sitting.toml"];
        let mut names = BTreeSet::new();
        let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/cli")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                    let kinds = code.split(": Kind = Kind {").skip(1);
                    names.extend(kinds.filter_map(|rest| Some(rest.split_once("name: \"")?.1.split_once('"')?.0.to_owned())));
                }
            }
        }
        let carried: BTreeSet<String> = EXPORTED.iter().map(|kind| kind.name.to_owned()).collect();
        assert!(names.len() >= 4, "this test does not find the kinds any more: {names:?}");
        assert_eq!(names.into_iter().filter(|name| !LEFT.contains(&name.as_str())).collect::<BTreeSet<_>>(), carried);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let why = |name: &str, text: &str| fitting(&EXPORTED, name, &Value::Table(text.parse().unwrap())).map(|_| ());
        assert_eq!(why("plan.toml", "version = 1\non = 2026-12-05\nminutes = 45\nmade_on = 2026-11-22"), Ok(()));
        assert_eq!(why("moods.toml", "version = 1"), Err("it holds `moods.toml`, which this version does not know".into()));
        assert_eq!(
            why("plan.toml", "version = 9"),
            Err("its `plan.toml` does not fit: its version 9 is newer than this program's, 1".into())
        );
        assert_eq!(why("quiz.toml", ""), Err("its `quiz.toml` does not fit: it has no `version`".into()));
        let broken = why("interviews.toml", "version = 1\ninterview = 3").unwrap_err();
        assert_eq!(broken, "its `interviews.toml` does not fit: `interview` is no list");
    }
}
