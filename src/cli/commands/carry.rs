//! `export FILE` and `import FILE`: everything that is remembered, in one file that can be carried to another machine. Nothing is
//! ever sent anywhere.

use crate::cli::answers::QUIZ;
use crate::cli::appointment::PLAN;
use crate::cli::disk::{self, write_where_asked};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::interview::history::INTERVIEWS;
use crate::cli::out::Out;
use crate::cli::progress::PROGRESS;
use crate::cli::state::{Kind, fits, line_of};
use crate::cli::workspace::Workspace;
use std::path::Path;
use toml::{Table, Value};

/// The files that are carried: the learner's own history. Findings and backups belong to the code beside them.
pub(super) const CARRIED: [Kind; 4] = [PROGRESS, QUIZ, INTERVIEWS, PLAN];
const VERSION: i64 = 1;

pub fn export(file: &Path, force: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    if file.exists() && !force {
        return Err(Trouble::usage(format!("{} is there already: name another file, or say --force", file.display())));
    }
    let mut files = Table::new();
    for Kind { name, .. } in CARRIED {
        let path = workspace.own().join(name);
        if path.is_file() {
            let text = disk::read_text(&path).map_err(|e| Trouble::file("read", &path, &e))?;
            files.insert(name.to_owned(), parsed(&path, &text)?.into());
        }
    }
    let names: Vec<String> = files.keys().cloned().collect();
    let mut all = Table::new();
    all.insert("splitbrain_export".to_owned(), VERSION.into());
    all.insert("files".to_owned(), Value::Table(files));
    let text = toml::to_string(&all).map_err(|e| Trouble::bug(format!("the export cannot be written as TOML: {e}")))?;
    write_where_asked(file, &text)?;
    if json {
        out.json(&serde_json::json!({ "file": file.display().to_string(), "holds": names }));
    } else {
        let holds = if names.is_empty() { "nothing yet".to_owned() } else { names.join(", ") };
        out.print(&format!("Wrote {} ({holds}). In another folder: splitbrain import {}\n", file.display(), file.display()));
    }
    Ok(Exit::Passed)
}

pub fn import(file: &Path, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    let text = disk::read_text(file).map_err(|e| Trouble::file("read", file, &e))?;
    let all = parsed(file, &text)?;
    match all.get("splitbrain_export").and_then(Value::as_integer) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(Trouble::environment(format!("{} was written by a newer splitbrain: install that one", file.display())));
        }
        _ => return Err(Trouble::usage(format!("{} is no export of splitbrain (`splitbrain export FILE` writes one)", file.display()))),
    }
    let files = all.get("files").and_then(Value::as_table).cloned().unwrap_or_default();
    // All of it is looked at before anything is written.
    let files = files.iter().map(|(name, table)| fitting(name, table)).collect::<std::result::Result<Vec<_>, String>>();
    let files = files.map_err(|why| Trouble::usage(format!("{}: {why}; nothing was imported", file.display())))?;
    let store = workspace.store();
    let mut kept = Vec::new();
    for (kind, table) in &files {
        kept.extend(store.replace(*kind, table)?.map(|path| workspace.shown(&path)));
    }
    let names: Vec<&str> = files.iter().map(|(kind, _)| kind.name).collect();
    if json {
        out.json(&serde_json::json!({ "holds": names, "kept": kept }));
    } else {
        let before = if kept.is_empty() { String::new() } else { format!(" What was here before is kept: {}.", kept.join(", ")) };
        out.print(&format!("Read {} from {}.{before}\n", names.join(", "), file.display()));
    }
    Ok(Exit::Passed)
}

/// What an export holds under a name, as a file of ours.
fn fitting<'a>(name: &str, table: &'a Value) -> std::result::Result<(Kind, &'a Table), String> {
    let kind = CARRIED.iter().find(|kind| kind.name == name).ok_or(format!("it holds `{name}`, which this version does not know"))?;
    let table = table.as_table().ok_or(format!("`{name}` is no table"))?;
    fits(*kind, table).map_err(|why| format!("its `{name}` does not fit: {why}"))?;
    Ok((*kind, table))
}

fn parsed(path: &Path, text: &str) -> Result<Table> {
    text.parse().map_err(|e: toml::de::Error| Trouble::environment(format!("{}:{}: {}", path.display(), line_of(text, &e), e.message())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    /// The names of all state files, found in the source: a new one is carried, or stands here with the reason why not.
    #[test]
    fn every_kind_of_state_is_carried() {
        // What `init` laid out here is a matter of this folder.
        const LEFT: [&str; 1] = ["layout.toml"];
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
        let carried: BTreeSet<String> = CARRIED.iter().map(|kind| kind.name.to_owned()).collect();
        assert!(names.len() >= 4, "this test does not find the kinds any more: {names:?}");
        assert_eq!(names.into_iter().filter(|name| !LEFT.contains(&name.as_str())).collect::<BTreeSet<_>>(), carried);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let why = |name: &str, text: &str| fitting(name, &Value::Table(text.parse().unwrap())).map(|_| ());
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
