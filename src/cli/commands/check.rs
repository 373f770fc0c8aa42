//! `check`: build, run the hidden tests, say what was found, record it.

use super::{Desk, told};
use crate::cli::args::{CheckArgs, Format};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::progress::record_check;
use crate::cli::render::{Again, Scene, human, json, junit};
use crate::cli::runner::{self, Options, Outcome, Source};
use crate::report::Verdict;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Random runs of a judging that counts as a pass.
const FULL_RUNS: u64 = 1_000;

pub fn run(args: &CheckArgs, out: &mut Out) -> Result<Exit> {
    let desk = Desk::open(out)?;
    let source = source(args)?;
    let ids = ids(args, &desk)?;
    let options = Options {
        test: args.test.clone(),
        first: None,
        kept: None,
        seed: args.seed,
        runs: args.runs,
        thorough: args.thorough,
        survey: None,
        deadline: Duration::from_secs(args.deadline),
        colours: out.format == Format::Human && out.style.colours(),
    };
    let runtime = super::runtime()?;
    let outcomes = runtime.block_on(check(&desk, &ids, &source, args.all, &options, out));
    // A grandchild that left its group may still hold a pipe, and a thread of ours reading it: do not wait for it.
    runtime.shutdown_background();
    let outcomes = outcomes?;
    if out.format == Format::Junit {
        out.print(&junit::document(&outcomes));
    }
    let passed = outcomes.iter().filter(|o| o.report.verdict == Verdict::Passed).count();
    if outcomes.len() > 1 && out.format == Format::Human {
        out.print(&format!("\n{passed} of {} exercises pass\n", outcomes.len()));
    }
    if passed == outcomes.len()
        && let ([id], Source::Own, Format::Human) = (ids.as_slice(), &source, out.format)
    {
        next(id, out)?;
    }
    Ok(if passed == outcomes.len() { Exit::Passed } else { Exit::NotPassing })
}

async fn check(desk: &Desk, ids: &[String], source: &Source, all: bool, options: &Options, out: &mut Out) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    // All of them in one build; some of them each on its own: then the first verdict does not wait for the judges of others.
    let groups: Vec<&[String]> = if all { vec![ids] } else { ids.chunks(1).collect() };
    for group in groups {
        let building = runner::build_all(&desk.workspace, group, source, all, options.colours);
        let builds = super::patiently(building, "building; the first build takes a while …").await?;
        for id in group {
            let own = *source == Source::Own;
            let first = own.then(|| super::replay::broke_last(&desk.workspace, id)).flatten();
            let kept = first.is_some().then(|| super::replay::path(&desk.workspace, id));
            let mut outcome = runner::judge(&desk.workspace, &builds, id, &Options { first, kept, ..options.clone() }).await?;
            if all {
                // One build for all: its time is said once.
                outcome.build = if outcomes.is_empty() { builds.wall } else { Duration::ZERO };
            }
            show(desk, id, source, &outcome, out);
            if own {
                record(desk, id, &outcome, options, out)?;
            }
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

fn show(desk: &Desk, id: &str, source: &Source, outcome: &Outcome, out: &mut Out) {
    match out.format {
        Format::Human => {
            let text = human::outcome(outcome, &scene(desk, id, source, out));
            out.print(&text);
        }
        Format::Json => out.json(&json::outcome(outcome)),
        Format::Junit => {}
    }
}

/// What an outcome is shown with.
pub(super) fn scene(desk: &Desk, id: &str, source: &Source, out: &Out) -> Scene {
    let (path, again) = match source {
        Source::Own => (desk.workspace.stub(id), Again::Replay),
        Source::Solution => (desk.workspace.root.join(format!("solutions/{id}.rs")), Again::Check("--solution".to_owned())),
        Source::File(path) => (path.clone(), Again::Check(format!("--file {}", path.display()))),
    };
    Scene {
        style: out.style,
        file: desk.workspace.shown(&path),
        source: fs::read_to_string(&path).ok(),
        again,
        width: out.width(),
        ascii: out.ascii,
    }
}

fn record(desk: &Desk, id: &str, outcome: &Outcome, options: &Options, out: &mut Out) -> Result<()> {
    let report = &outcome.report;
    if report.verdict == Verdict::Passed {
        if options.test.is_none() {
            super::replay::forget(&desk.workspace, id);
        }
    } else if report.verdict != Verdict::DoesNotCompile {
        super::replay::keep(&desk.workspace, report)?;
    }
    if options.test.is_none() {
        let counts = options.runs.is_none_or(|n| n >= FULL_RUNS);
        told(record_check(&desk.workspace.store(), id, report.verdict, counts)?, out);
    }
    Ok(())
}

fn next(id: &str, out: &mut Out) -> Result<()> {
    let desk = Desk::open(out)?;
    match desk.progress.current(&desk.course) {
        Some(next) if next != id => out.print(&format!("  Next: splitbrain show {next}\n")),
        Some(_) => {}
        None => out.print("  That was the last one: every exercise is passed.\n"),
    }
    Ok(())
}

fn source(args: &CheckArgs) -> Result<Source> {
    match &args.file {
        None if args.solution => Ok(Source::Solution),
        None => Ok(Source::Own),
        Some(path) => absolute(path).map(Source::File),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let found = fs::canonicalize(path).map_err(|e| Trouble::usage(format!("{}: {e}", path.display())))?;
    if found.is_file() { Ok(found) } else { Err(Trouble::usage(format!("{} is no file", path.display()))) }
}

fn ids(args: &CheckArgs, desk: &Desk) -> Result<Vec<String>> {
    if args.all {
        let ids: Vec<String> = desk.course.exercises().map(str::to_owned).collect();
        return if ids.is_empty() { Err(Trouble::usage("the course has no exercises")) } else { Ok(ids) };
    }
    if args.ids.is_empty() {
        return Ok(vec![desk.exercise_or_current(None)?]);
    }
    if args.file.is_some() && args.ids.len() > 1 {
        return Err(Trouble::usage("`--file` is one implementation of one exercise: name one"));
    }
    let mut ids: Vec<String> = Vec::new();
    for id in &args.ids {
        let id = desk.exercise(id)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
