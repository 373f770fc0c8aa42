//! The implementations of an exercise: which there are that must pass, and how many of them are built as modules of one program, so
//! that a hundred cost one build, and judged. Knows nothing of what they should come to.

use super::weave::{Woven, weave};
use crate::cli::error::{Result, Trouble};
use crate::cli::runner::{Builds, Extra, Options, build_modules};
use crate::cli::workspace::Workspace;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The exercises that are meant: all, if none is named.
///
/// # Errors
/// A name that is none.
pub fn exercises(workspace: &Workspace, wanted: &[String]) -> Result<Vec<String>> {
    let course = workspace.content().course()?;
    if let Some(id) = wanted.iter().find(|id| !course.exercises().any(|e| e == **id)) {
        let near = course.nearest(id).map_or("`splitbrain list` shows them all".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Trouble::usage(format!("there is no exercise `{id}`; {near}")));
    }
    Ok(if wanted.is_empty() { course.exercises().map(str::to_owned).collect() } else { wanted.to_vec() })
}

/// Every implementation of an exercise that must pass: the reference, and those built another way.
///
/// # Errors
/// A file or folder that cannot be read.
pub fn correct(root: &Path, id: &str) -> Result<Vec<(String, String)>> {
    let mut all = vec![("reference".to_owned(), read(root, &format!("solutions/{id}.rs"))?)];
    let folder = format!("tests/alternatives/{id}");
    // A new exercise has none yet.
    let entries = match fs::read_dir(root.join(&folder)) {
        Ok(entries) => Some(entries),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Trouble::environment(format!("cannot read {folder}: {e}"))),
    };
    let mut names: Vec<String> =
        entries.into_iter().flatten().filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|n| n.ends_with(".rs")).collect();
    names.sort();
    for name in names {
        all.push((name.trim_end_matches(".rs").to_owned(), read(root, &format!("{folder}/{name}"))?));
    }
    Ok(all)
}

/// Builds implementations of one exercise with one call of cargo; they are judged under their names. Those that are variants of `base`
/// are woven into one, so that the judge is compiled once for all of them.
///
/// # Errors
/// As any build; also if one of them does not compile, which is a mistake of its author.
pub async fn build(
    workspace: &Workspace,
    id: &str,
    kind: &str,
    thrown_away: Option<u8>,
    base: Option<&str>,
    all: &[(String, String)],
) -> Result<Builds> {
    let woven = base.map(|base| weave(base, all)).unwrap_or_else(|| Woven { text: None, names: Vec::new(), left: all.to_vec() });
    let one = |(name, text)| Extra { names: std::slice::from_ref(name), text };
    let extras: Vec<Extra<'_>> = woven
        .text
        .iter()
        .map(|text| Extra { names: &woven.names, text })
        .chain(woven.left.iter().map(|(name, text)| one((name, text))))
        .collect();
    build_modules(workspace, id, kind, thrown_away, &extras).await
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(|e| Trouble::environment(format!("cannot read {path}: {e}")))
}

/// How far it is worth optimizing wrong implementations: where they are called millions of times, directly or by an exploration, as
/// a learner's file is; where a thousand runs call them, building them faster is worth more.
#[must_use]
pub fn level(workspace: &Workspace, id: &str) -> u8 {
    let content = workspace.content();
    let is_called_directly = || content.text(&format!("src/exercises/{id}/mod.rs")).is_ok_and(|text| !text.contains("impl Protocol for "));
    let is_explored = content.text(&format!("src/exercises/{id}/judge/exploration.rs")).is_ok();
    if is_explored || is_called_directly() { 2 } else { 0 }
}

/// How long a judging may take of which nobody waits for the end.
pub const LONG: Duration = Duration::from_secs(600);

/// How one is judged.
#[must_use]
pub fn options(seed: Option<u64>, runs: Option<u64>, survey: Option<&str>) -> Options {
    let survey = survey.map(str::to_owned);
    Options { seed, runs, survey, ..Options::of(LONG) }
}
