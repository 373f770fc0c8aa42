//! `reset ID`: puts the stub back in the place of the learner's file, which is kept; `--undo` brings it back. No text is ever
//! lost: what is replaced is kept first, in both directions.

use super::Desk;
use crate::cli::clock;
use crate::cli::disk::{self, write_atomically};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::layout;
use crate::cli::out::Out;
use crate::cli::prompter::{self, Leave};
use crate::cli::workspace::Workspace;
use std::fs;
use std::path::{Path, PathBuf};

pub fn run(id: Option<&str>, undo: bool, yes: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let id = desk.exercise_or_current(id)?;
    let question = if undo {
        format!("Restore your last version of {id}? (The current one is kept, too.)")
    } else {
        format!("Restore the stub of {id}? (Your file is kept: `splitbrain reset {id} --undo` brings it back.)")
    };
    if !yes {
        match prompter::for_this_process(out.ascii).confirm(&question, false) {
            Ok(true) => {}
            Ok(false) | Err(Leave::Quit | Leave::DontKnow | Leave::Back) => {
                out.tell("nothing was changed");
                return Ok(Exit::Passed);
            }
            Err(Leave::Ended(exit)) => return Ok(exit),
            Err(Leave::Broken(e)) => {
                return Err(Trouble::environment(format!("cannot read an answer: {e}; use `--yes` to skip the question")));
            }
        }
    }
    let done = if undo { bring_back(&desk.workspace, &id)? } else { put_back(&desk.workspace, &id)? };
    if json {
        let shown = |path: &PathBuf| desk.workspace.shown(path);
        out.json(&serde_json::json!({
            "exercise": id, "changed": done.changed, "kept": done.kept.as_ref().map(shown), "from": done.from.as_ref().map(shown),
        }));
    } else {
        out.print(&format!("{}\n", done.said(&desk.workspace, &id)));
    }
    Ok(Exit::Passed)
}

/// What was done.
pub(super) struct Done {
    /// The file is another one now.
    changed: bool,
    /// Where the text is kept that was there.
    kept: Option<PathBuf>,
    /// Which kept text is there now; `None` for the stub.
    from: Option<PathBuf>,
}

impl Done {
    /// In a sentence.
    pub(super) fn said(&self, workspace: &Workspace, id: &str) -> String {
        let kept = match &self.kept {
            Some(path) => format!("; your file is kept as {}", workspace.shown(path)),
            None => String::new(),
        };
        match &self.from {
            _ if !self.changed => format!("{} is the stub: nothing to do", workspace.shown(&workspace.stub(id))),
            Some(path) => format!("{} is {} again{kept}", workspace.shown(&workspace.stub(id)), workspace.shown(path)),
            None => format!("Restored the stub of {id}{kept}"),
        }
    }
}

/// Puts the stub back, and keeps what was there.
pub(super) fn put_back(workspace: &Workspace, id: &str) -> Result<Done> {
    let stub = layout::stub(workspace, id)?;
    let path = workspace.stub(id);
    if read(&path)?.as_deref() == Some(&stub) {
        return Ok(Done { changed: false, kept: None, from: None });
    }
    let kept = keep(workspace, id)?;
    write(&path, &stub)?;
    Ok(Done { changed: true, kept, from: None })
}

/// Brings back the text that was kept before the one that is there; if that one is not kept, the newest. So each call goes one
/// text further back, and the stub, which is never kept, is where one begins anew.
fn bring_back(workspace: &Workspace, id: &str) -> Result<Done> {
    let path = workspace.stub(id);
    let now = read(&path)?;
    let texts = kept(workspace, id)?;
    let at = now.as_ref().and_then(|now| texts.iter().position(|(_, text)| text == now));
    let (folder, file) = (workspace.shown(&folder(workspace, id)), workspace.shown(&path));
    let Some((from, text)) = texts[..at.unwrap_or(texts.len())].last() else {
        return Err(Trouble::usage(match at.map(|at| texts.len() - at - 1) {
            None | Some(0) => format!("there is no other version of {id} in {folder}"),
            Some(_) => format!(
                "{file} is the oldest version that is kept; newer ones are in {folder}: `splitbrain reset {id}`, then `--undo`, restores the newest"
            ),
        }));
    };
    // What is kept need not be kept again, and the stub can be had at any time.
    let is_stub = layout::stub(workspace, id).is_ok_and(|stub| now.as_ref() == Some(&stub));
    let kept = if at.is_some() || is_stub { None } else { keep(workspace, id)? };
    write(&path, text)?;
    Ok(Done { changed: true, kept, from: Some(from.clone()) })
}

/// The kept texts, the oldest first; one that was kept twice stands where it was kept last.
fn kept(workspace: &Workspace, id: &str) -> Result<Vec<(PathBuf, String)>> {
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    for path in backups(workspace, id)? {
        if let Some(text) = read(&path)? {
            texts.retain(|(_, other)| *other != text);
            texts.push((path, text));
        }
    }
    Ok(texts)
}

fn folder(workspace: &Workspace, id: &str) -> PathBuf {
    workspace.own().join("backups").join(id)
}

/// The kept texts, the oldest first: their names are times.
fn backups(workspace: &Workspace, id: &str) -> Result<Vec<PathBuf>> {
    let folder = folder(workspace, id);
    let mut paths: Vec<PathBuf> = match fs::read_dir(&folder) {
        Ok(entries) => entries.flatten().map(|e| e.path()).filter(|p| p.is_file() && p.extension().is_some_and(|e| e == "rs")).collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(Trouble::file("read", &folder, &e)),
    };
    paths.sort();
    Ok(paths)
}

/// Keeps what is there now, under a name that no other text has.
fn keep(workspace: &Workspace, id: &str) -> Result<Option<PathBuf>> {
    let Some(text) = read(&workspace.stub(id))? else { return Ok(None) };
    let folder = folder(workspace, id);
    fs::create_dir_all(&folder).map_err(|e| Trouble::file("make", &folder, &e))?;
    let time = clock::stamp().to_string().replace(':', "-");
    // Two within a second: a number behind it, which sorts after the name without.
    let free = (0..).map(|n| folder.join(if n == 0 { format!("{time}.rs") } else { format!("{time}_{n:03}.rs") })).find(|p| !p.exists());
    let path = free.unwrap_or_else(|| unreachable!("some number is free"));
    // What is kept already is the newest now.
    match kept(workspace, id)?.into_iter().find(|(_, other)| *other == text) {
        Some((same, _)) => fs::rename(&same, &path).map_err(|e| Trouble::file("rename", &same, &e))?,
        None => write(&path, &text)?,
    }
    Ok(Some(path))
}

fn read(path: &Path) -> Result<Option<String>> {
    match disk::read(path) {
        Ok(bytes) => Ok(Some(
            String::from_utf8(bytes).map_err(|_| Trouble::environment(format!("{} is not UTF-8: move it away by hand", path.display())))?,
        )),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Trouble::file("read", path, &e)),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|e| Trouble::file("make", parent, &e))?;
    write_atomically(path, text)
}
