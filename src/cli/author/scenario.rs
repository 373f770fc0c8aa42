//! `dev scenario`: a wrong implementation as two scenarios for a quiz, ready to be pasted.

use super::implementations::{self, level, options};
use super::lessons::run_of;
use crate::cli::content::Content;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::mutants;
use crate::cli::out::Out;
use crate::cli::patience::patiently;
use crate::cli::quiz::format::lines_of;
use crate::cli::runner;
use crate::cli::runtime::Runtime;
use crate::cli::workspace::Workspace;
use crate::trace::What;
use std::path::Path;

/// The code around its edits, and the run that refuses it.
pub fn run(root: &Path, named: &str, out: &mut Out) -> Result<Exit> {
    let content = Content::Disk(root.to_owned());
    let Some((id, name)) = named.split_once('/') else {
        return Err(Trouble::usage("name an exercise and a mutant, as in `dev scenario raft_election/nothing_is_saved`"));
    };
    let wrong = mutants::shown(&content, id, name).map_err(Trouble::usage)?;
    let slug = name.replace('_', "-");
    let mut text = format!("[[scenario]]\nid = \"{slug}\"\nkind = \"mutant\"\nmutant = \"{named}\"\nbreaks = \"{}\"\n", wrong.breaks);
    for (number, line) in (1..).zip(&wrong.code.lines) {
        let sign = if wrong.code.changed.contains(&number) { '>' } else { ' ' };
        text.push_str(format!("#{sign}{number:>3}  {line}").trim_end());
        text.push('\n');
    }
    out.print(&text);
    let sources: Vec<_> = mutants::catalogue(&content, id)?.into_iter().filter(|m| m.name == name).map(|m| (m.name, m.text)).collect();
    let workspace = Workspace::here()?;
    let runtime = Runtime::new()?;
    let builds = runtime
        .block_on(patiently(implementations::build(&workspace, id, "mutants", Some(level(&workspace, id)), None, &sources), || {
            "building the mutant".to_owned()
        }))?;
    let report = runtime.block_on(runner::judge(&workspace, &builds, name, &options(None, None, None)))?.report;
    let mut trace = run_of(&report, &wrong.breaks).unwrap_or_default();
    // It is what the question asks for.
    trace.events.retain(|event| !matches!(event.what, What::Breaks { .. }));
    if trace.events.is_empty() {
        out.tell(&format!("{} is broken without a run that could be shown", wrong.breaks));
        return Ok(Exit::Passed);
    }
    let lines = lines_of(&trace);
    out.print(&format!("\n[[scenario]]\nid = \"run-{slug}\"\nkind = \"trace\"  # breaks {}\ntrace = '''\n{lines}'''\n", wrong.breaks));
    Ok(Exit::Passed)
}
