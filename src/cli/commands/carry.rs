//! `export FILE` and `import FILE`: everything that is remembered, in one file that can be carried to another machine. Nothing is
//! ever sent anywhere.

use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::state::write_atomically;
use crate::cli::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The files that are carried: the learner's own history. Findings and backups belong to the code beside them.
const CARRIED: [&str; 5] = ["progress.toml", "quiz.toml", "interviews.toml", "plan.toml", "review.toml"];
const VERSION: i64 = 1;

pub fn export(file: &Path, force: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here()?;
    if file.exists() && !force {
        return Err(Trouble::usage(format!("{} is there already: name another file, or say --force", file.display())));
    }
    let mut files = Table::new();
    for name in CARRIED {
        let path = workspace.own().join(name);
        if path.is_file() {
            let text = fs::read_to_string(&path).map_err(|e| cannot("read", &path, &e))?;
            files.insert(name.to_owned(), parsed(&path, &text)?.into());
        }
    }
    let names: Vec<String> = files.keys().cloned().collect();
    let mut all = Table::new();
    all.insert("splitbrain_export".to_owned(), VERSION.into());
    all.insert("files".to_owned(), Value::Table(files));
    let text = toml::to_string(&all).map_err(|e| Trouble::bug(format!("the export cannot be written as TOML: {e}")))?;
    write_atomically(file, &text)?;
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
    let text = fs::read_to_string(file).map_err(|e| cannot("read", file, &e))?;
    let all = parsed(file, &text)?;
    match all.get("splitbrain_export").and_then(Value::as_integer) {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => {
            return Err(Trouble::environment(format!("{} was written by a newer splitbrain: install that one", file.display())));
        }
        _ => return Err(Trouble::usage(format!("{} is no export of splitbrain (`splitbrain export FILE` writes one)", file.display()))),
    }
    let files = all.get("files").and_then(Value::as_table).cloned().unwrap_or_default();
    if let Some(strange) = files.keys().find(|name| !CARRIED.contains(&name.as_str())) {
        return Err(Trouble::usage(format!("{} holds `{strange}`, which this version does not know", file.display())));
    }
    fs::create_dir_all(workspace.own()).map_err(|e| cannot("make", &workspace.own(), &e))?;
    let mut kept = Vec::new();
    // What is there is set aside before anything is written: an import that stops half-way has lost nothing.
    for name in files.keys() {
        let path = workspace.own().join(name);
        if path.exists() {
            let aside = free(&path);
            fs::copy(&path, &aside).map_err(|e| cannot("copy", &path, &e))?;
            kept.push(workspace.shown(&aside));
        }
    }
    for (name, table) in &files {
        let text = toml::to_string(table).map_err(|e| Trouble::bug(format!("{name} cannot be written as TOML: {e}")))?;
        write_atomically(&workspace.own().join(name), &text)?;
    }
    let names: Vec<&String> = files.keys().collect();
    if json {
        out.json(&serde_json::json!({ "holds": names, "kept": kept }));
    } else {
        let before = if kept.is_empty() { String::new() } else { format!(" What was here before is kept: {}.", kept.join(", ")) };
        out.print(&format!("Read {} from {}.{before}\n", names.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", "), file.display()));
    }
    Ok(Exit::Passed)
}

fn parsed(path: &Path, text: &str) -> Result<Table> {
    text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map_or(1, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        Trouble::environment(format!("{}:{line}: {}", path.display(), e.message()))
    })
}

/// `progress.toml` → `progress.toml.before-import-1`, or the next number that is free.
fn free(path: &Path) -> PathBuf {
    let numbered = |n: u32| PathBuf::from(format!("{}.before-import-{n}", path.display()));
    (1..u32::MAX).map(numbered).find(|p| !p.exists()).unwrap_or_else(|| numbered(u32::MAX))
}

fn cannot(what: &str, path: &Path, e: &std::io::Error) -> Trouble {
    Trouble::environment(format!("cannot {what} {}: {e}", path.display()))
}
