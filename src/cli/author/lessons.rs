//! `dev lessons`: records what lessons, and questions that draw a run, show of the simulator: the run in which a wrong implementation is refused, and what the reference shows
//! once it passes. A record bears a fingerprint of all that it follows from, so only what has changed is judged again.

use super::implementations::{build, level, options};
use super::mutate::{Sentences, fingerprint};
use super::verdicts::Print;
use crate::cli::args::LessonsArgs;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::disk;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::lessons::{self, Piece, RECORD, parse, recorded, run_path, shown_path};
use crate::cli::mutants;
use crate::cli::out::Out;
use crate::cli::patience::patiently;
use crate::cli::quiz::format::lines_of as lines_of_run;
use crate::cli::runner;
use crate::cli::runtime::Runtime;
use crate::cli::toml_reader::lines_of;
use crate::cli::workspace::Workspace;
use crate::report::Report;
use crate::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The name under which the reference is built.
const REFERENCE: &str = "reference";

/// What is recorded: of a mutant its run, of the reference what it shows.
struct Record {
    path: String,
    /// Under which it is judged: that of the mutant, or [`REFERENCE`].
    name: String,
    source: String,
    /// The rule that refuses it.
    breaks: Option<String>,
    fingerprint: String,
}

/// Records what is not recorded as it is now, of the exercises that are named or of all; with `check` only says what would be another.
///
/// # Errors
/// A lesson that cannot be read, or that names what is not there; as any build and judging.
pub fn run(root: &Path, args: &LessonsArgs, out: &mut Out) -> Result<Exit> {
    let content = Content::Disk(root.to_owned());
    let mut exit = Exit::Passed;
    let mut wanted: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for (id, name) in shown(&content)? {
        if args.ids.is_empty() || args.ids.contains(&id) {
            let record = record(&content, root, &id, &name)?;
            wanted.entry(id).or_default().push(record);
        }
    }
    for (id, records) in wanted {
        let is_now = |record: &Record| recorded(&disk::read_text(&root.join(&record.path)).unwrap_or_default()).0 == record.fingerprint;
        let left: Vec<Record> = records.into_iter().filter(|record| args.anew || !is_now(record)).collect();
        if left.is_empty() {
            continue;
        }
        for (record, body) in judged(&id, left, out)? {
            let path = root.join(&record.path);
            let text = format!("{RECORD}{}\n{body}", record.fingerprint);
            if args.check {
                let there = disk::read_text(&path).unwrap_or_default();
                if recorded(&there).1 != body {
                    out.print(&format!("{} is not what the simulator does now: run `splitbrain dev lessons`\n", record.path));
                    exit = Exit::NotPassing;
                }
            } else if disk::read_text(&path).ok().as_ref() != Some(&text) {
                path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|e| Trouble::file("make the folder of", &path, &e))?;
                disk::write_atomically(&path, &text)?;
                out.print(&format!("{} written\n", record.path));
            }
        }
    }
    if exit == Exit::Passed && args.check {
        out.print("Nothing is out of date.\n");
    }
    Ok(exit)
}

/// What is shown, as exercise and mutant, or the reference.
fn shown(content: &Content) -> Result<BTreeSet<(String, String)>> {
    let course = content.course()?;
    let mut all = BTreeSet::new();
    for topic in bank::names(&course) {
        // Questions draw from them, too.
        let quiz = bank::outline(content, topic)?;
        let runs = quiz.scenarios.iter().flat_map(|scenario| scenario.run.iter().chain(scenario.pool.iter().map(|(run, _)| run)));
        all.extend(runs.filter_map(|run| run.split_once('/')).map(|(id, name)| (id.to_owned(), name.to_owned())));
        let path = lessons::path(topic);
        let Ok(text) = content.text(&path) else { continue };
        let (lesson, problems) = parse(&path, &text);
        if !problems.is_empty() {
            return Err(Trouble::environment(lines_of(&problems)));
        }
        for piece in lesson.pieces() {
            match piece {
                Piece::Run(run) => all.extend(run.name.split_once('/').map(|(id, name)| (id.to_owned(), name.to_owned()))),
                Piece::Shown(shown) => all.extend(shown.iter().map(|shown| (shown.exercise.clone(), REFERENCE.to_owned()))),
                Piece::Text(_) | Piece::Scenario(_) | Piece::Ask(_) => {}
            }
        }
    }
    Ok(all)
}

fn record(content: &Content, root: &Path, id: &str, name: &str) -> Result<Record> {
    let (path, source, breaks) = if name == REFERENCE {
        (shown_path(id), content.text(&format!("solutions/{id}.rs"))?.into_owned(), None)
    } else {
        let named = format!("{id}/{name}");
        let mutant = mutants::catalogue(content, id)?.into_iter().find(|mutant| mutant.name == name);
        let Some(mutant) = mutant else {
            return Err(Trouble::environment(format!("a lesson shows {named}, and tests/mutants/{id}.toml has no such mutant")));
        };
        (run_path(&named), mutant.text, Some(mutant.breaks))
    };
    let print = Print::EMPTY
        .and(fingerprint(root, id, Sentences::Count)?.as_bytes())
        .and(source.as_bytes())
        .and(breaks.clone().unwrap_or_default().as_bytes());
    Ok(Record { path, name: name.to_owned(), source, breaks, fingerprint: print.shown() })
}

/// Each of them with what it shows now, built and judged in one go.
fn judged(id: &str, records: Vec<Record>, out: &mut Out) -> Result<Vec<(Record, String)>> {
    let workspace = Workspace::here()?;
    let runtime = Runtime::new()?;
    let sources: Vec<(String, String)> = records.iter().map(|record| (record.name.clone(), record.source.clone())).collect();
    let building = build(&workspace, id, "lessons", Some(level(&workspace, id)), None, &sources);
    let builds = runtime.block_on(patiently(building, || format!("building {id}")))?;
    let mut all = Vec::new();
    for record in records {
        let report = runtime.block_on(runner::judge(&workspace, &builds, &record.name, &options(None, None, None)))?.report;
        let body = match &record.breaks {
            Some(rule) => run_of(&report, rule).map(|trace| lines_of_run(&trace)),
            None => (!report.lessons.is_empty()).then(|| report.lessons.join("\n") + "\n"),
        };
        let Some(body) = body.filter(|body| !body.is_empty()) else {
            return Err(Trouble::environment(format!("{id}: {} shows nothing that could be recorded", record.name)));
        };
        out.tell(&format!("{id}: {} judged", record.name));
        all.push((record, body));
    }
    Ok(all)
}

/// The run in which a rule is broken.
pub fn run_of(report: &Report, rule: &str) -> Option<Trace> {
    let finding = report.tests.iter().find(|test| test.name == rule)?.finding.as_ref()?;
    let mut trace = finding.trace.clone();
    // Of a case that was tried with several crashes, the last run is the one that broke.
    let last = trace.events.windows(2).rposition(|pair| pair[1].step < pair[0].step).map_or(0, |at| at + 1);
    trace.events.drain(..last);
    Some(trace)
}
