//! What the last check of each exercise found, kept as its report: `replay` shows it, and the next check tries first what broke.

use super::disk::{self, write_atomically};
use super::error::{Result, Trouble};
use super::runner;
use super::workspace::Workspace;
use crate::report::{Report, Verdict};
use crate::rule::DETERMINISTIC;
use std::fs;
use std::path::PathBuf;

/// Where the report of an exercise is kept.
#[must_use]
pub fn path(workspace: &Workspace, id: &str) -> PathBuf {
    workspace.own().join("findings").join(id)
}

/// The report of the last check that found something.
#[must_use]
pub fn read(workspace: &Workspace, id: &str) -> Option<Report> {
    Report::parse(&disk::read_text(&path(workspace, id)).ok()?).ok()
}

/// The unit in which something broke when the exercise was checked last: it is tried first. Code that was not written yet
/// broke nothing; and code that answers differently each time may be fine in one run without being mended.
#[must_use]
pub fn broke_last(workspace: &Workspace, id: &str) -> Option<String> {
    let report = read(workspace, id)?;
    let test = report.first_problem()?;
    let broke = matches!(test.verdict, Verdict::Failed | Verdict::Crashed | Verdict::TimedOut) && test.name != DETERMINISTIC;
    runner::unit_of(test.finding.as_ref().filter(|_| broke)?)
}

/// Keeps what a check found.
///
/// # Errors
/// A folder that cannot be written.
pub fn keep(workspace: &Workspace, report: &Report) -> Result<()> {
    let path = path(workspace, &report.exercise);
    let parent = path.parent().unwrap_or(&path);
    fs::create_dir_all(parent).map_err(|e| Trouble::file("make", parent, &e))?;
    write_atomically(&path, &report.to_text())
}

/// Forgets what an earlier check found.
pub fn forget(workspace: &Workspace, id: &str) {
    // It fails if there is none.
    let _ = fs::remove_file(path(workspace, id));
}
