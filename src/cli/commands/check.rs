//! `check`: build, run the hidden tests and the learner's own, say what was found, record it. The verdict is that of the hidden tests.

use super::Desk;
use super::study::Study;
use crate::cli::args::{CheckArgs, Format};
use crate::cli::ascii::markup_to_ascii;
use crate::cli::bounded_concurrency::{self, Job};
use crate::cli::checking::{self, Checked, Prepared, Step, Text};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::findings;
use crate::cli::layout;
use crate::cli::out::Out;
use crate::cli::patience::{PassingLine, patiently};
use crate::cli::progress::record_check;
use crate::cli::render::{Detail, Scene, human, json, junit};
use crate::cli::runner::{Options, Outcome, OwnTests, Source, Stage, present, unjudged};
use crate::cli::runtime::Runtime;
use crate::report::Verdict;
use std::cell::Cell;
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a check begins anew as the text changed meanwhile.
const TRIES: u32 = 3;

/// Random runs of a judging that counts as a pass.
const FULL_RUNS: u64 = 1_000;

pub fn run(args: &CheckArgs, out: &mut Out) -> Result<Exit> {
    let mut desk = Desk::open(out)?;
    let source = source(args)?;
    let all_ids = ids(args, &desk)?;
    let mut checks = Checks::default();
    if !args.pristine {
        desk.mend_core(out)?;
    }
    let ids = if source == Source::Own { checks.sift(&desk, &all_ids, out)? } else { all_ids.clone() };
    // Deleted when it goes out of scope, which is after all is judged.
    let _pristine = if args.pristine { Some(apart(&mut desk, &ids)?) } else { None };
    let options = Options {
        test: args.test.clone(),
        seed: args.seed,
        runs: args.runs,
        thorough: args.thorough,
        colours: out.format == Format::Human && out.style.colours(),
        ..Options::of(Duration::from_secs(args.deadline))
    };
    let runtime = Runtime::new()?;
    let alone = ids.len() == 1;
    let wanted = Wanted { source: &source, alone, all: args.all, verbose: args.verbose, recorded: !args.pristine && source == Source::Own };
    runtime.block_on(check(&desk, &ids, wanted, &options, out, &mut checks))?;
    drop(runtime);
    let Checks { mut outcomes, trouble } = checks;
    outcomes.sort_by_key(|outcome| all_ids.iter().position(|id| *id == outcome.report.exercise));
    if out.format == Format::Junit {
        let document = junit::document(&outcomes);
        out.print_raw(&if out.ascii { markup_to_ascii(&document) } else { document });
    }
    let passed = outcomes.iter().filter(|o| o.report.verdict == Verdict::Passed).count();
    if outcomes.len() > 1 && out.format == Format::Human {
        out.print(&format!("\n{passed} of {} exercises pass\n", outcomes.len()));
    }
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    let all_hold = passed == outcomes.len() && outcomes.iter().all(|o| o.own.as_ref().is_none_or(OwnTests::hold));
    if all_hold
        && !args.pristine
        && let ([id], Source::Own, Format::Human) = (ids.as_slice(), &source, out.format)
    {
        next(id, out)?;
    }
    Ok(if all_hold { Exit::Passed } else { Exit::NotPassing })
}

/// What came of several exercises.
#[derive(Default)]
struct Checks {
    outcomes: Vec<Outcome>,
    /// The first that kept one of them from being judged, though not through its code: said at the end, as the others stand.
    trouble: Option<Trouble>,
}

impl Checks {
    /// Takes what came of one, if it can stand beside others.
    fn take<T>(&mut self, desk: &Desk, id: &str, came: Result<T>, out: &mut Out) -> Result<Option<T>> {
        match came {
            Err(trouble) if matches!(trouble.exit, Exit::Bug | Exit::Environment) => {
                let outcome = unjudged(id, &trouble.message);
                let wanted = Wanted { source: &Source::Own, alone: false, all: false, verbose: false, recorded: false };
                show(desk, id, wanted, None, &outcome, out);
                self.outcomes.push(outcome);
                self.trouble.get_or_insert(trouble);
                Ok(None)
            }
            came => came.map(Some),
        }
    }

    /// Those of which there is a file to build. Of several, one that is not there keeps no other from its verdict.
    fn sift(&mut self, desk: &Desk, ids: &[String], out: &mut Out) -> Result<Vec<String>> {
        if let [id] = ids {
            present(&desk.workspace, id)?;
        }
        let mut there = Vec::new();
        for id in ids {
            there.extend(self.take(desk, id, present(&desk.workspace, id), out)?.map(|()| id.clone()));
        }
        Ok(there)
    }
}

/// What is judged, and whether it is remembered.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// It is the only one: what is said of it may go through a pager.
    alone: bool,
    source: &'a Source,
    all: bool,
    /// All is said.
    verbose: bool,
    recorded: bool,
}

/// Only the learner's files, with everything else as this version has it, in a folder that is gone afterwards.
fn apart(desk: &mut Desk, ids: &[String]) -> Result<tempfile::TempDir> {
    let made = tempfile::Builder::new().prefix("splitbrain-pristine-").tempdir();
    let dir = made.map_err(|e| Trouble::environment(format!("cannot make a temporary folder: {e}")))?;
    desk.workspace = layout::pristine(&desk.workspace, ids, dir.path())?;
    Ok(dir)
}

async fn check(desk: &Desk, ids: &[String], wanted: Wanted<'_>, options: &Options, out: &mut Out, checks: &mut Checks) -> Result<()> {
    let Wanted { source, all, .. } = wanted;
    // All of them in one build; some of them each on its own: then the first verdict does not wait for the judges of others.
    let groups: Vec<&[String]> = if all { ids.chunks(ids.len().max(1)).collect() } else { ids.chunks(1).collect() };
    for group in groups {
        let prepared = build(desk, group, source, all, options.colours).await?;
        judge(desk, group, wanted, &prepared, options, out, checks).await?;
    }
    Ok(())
}

/// Judges what was built, side by side if it is much, and shows and records each in the order of the course.
async fn judge(
    desk: &Desk,
    ids: &[String],
    wanted: Wanted<'_>,
    prepared: &Prepared,
    options: &Options,
    out: &mut Out,
    checks: &mut Checks,
) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = cores.min(ids.len());
    // One process alone takes all cores; several share them. (How many threads there are changes no verdict.)
    let threads = if ids.len() > 1 { (cores / at_once).max(1) } else { 0 };
    let (source, own) = (wanted.source, wanted.recorded);
    let first = |id: &str| own.then(|| findings::broke_last(&desk.workspace, id)).flatten();
    let kept = |id: &str| own.then(|| findings::path(&desk.workspace, id));
    let each: Vec<Options> = ids.iter().map(|id| Options { first: first(id), kept: kept(id), threads, ..options.clone() }).collect();
    let jobs = ids
        .iter()
        .zip(&each)
        .map(|(id, options)| -> Job<'_, Result<Checked>> { Box::pin(prepared.judge_and_test(&desk.workspace, id, source, options)) });
    let bar = Bar { of: ids.len(), line: PassingLine(out.format == Format::Human && ids.len() > 1 && std::io::stderr().is_terminal()) };
    bar.draw(0);
    let mut outdated = Vec::new();
    bounded_concurrency::run(
        jobs.collect(),
        at_once,
        |done| bar.draw(done),
        |at, checked| {
            bar.line.clear();
            match checks.take(desk, &ids[at], checked, out)? {
                None => {}
                Some(Checked::Of(mut outcome, text)) => {
                    // One build for all: its time is said once.
                    outcome.build = if at == 0 { outcome.build } else { Duration::ZERO };
                    checks.outcomes.push(tell(desk, &ids[at], wanted, &each[at], *outcome, &text, out));
                }
                Some(Checked::Outdated(..)) => outdated.push(at),
            }
            Ok(())
        },
    )
    .await?;
    for at in outdated {
        let (id, options) = (&ids[at], &each[at]);
        let mut tries = 0;
        let (outcome, text) = loop {
            tries += 1;
            out.tell(&format!("{} changed while it was checked: checking the new text", source_shown(desk, id, source)));
            let prepared = build(desk, std::slice::from_ref(id), source, false, options.colours).await?;
            match prepared.judge_and_test(&desk.workspace, id, source, options).await? {
                Checked::Of(outcome, text) => break (*outcome, text),
                // Something saves it at each build: a formatter, a sync.
                Checked::Outdated(Some(outcome), text) if tries >= TRIES => {
                    let file = source_shown(desk, id, source);
                    out.tell(&format!("{file}, or a file beside it, keeps changing: this verdict is for the text that was built last"));
                    break (*outcome, text);
                }
                Checked::Outdated(..) if tries >= 2 * TRIES => {
                    let file = source_shown(desk, id, source);
                    return Err(Trouble::environment(format!(
                        "{file} changed during every build: stop the program that saves it, and check again"
                    )));
                }
                Checked::Outdated(..) => {}
            }
        };
        checks.outcomes.push(tell(desk, id, wanted, options, outcome, &text, out));
    }
    Ok(())
}

/// Shows and records one outcome, and gives it back.
fn tell(desk: &Desk, id: &str, wanted: Wanted<'_>, options: &Options, outcome: Outcome, text: &Text, out: &mut Out) -> Outcome {
    show(desk, id, wanted, text.source(), &outcome, out);
    if wanted.recorded {
        tell_recorded(record(desk, id, &outcome, text, options), out);
    }
    outcome
}

/// How far a judging of many is: one line on a terminal's standard error, gone before anything else is written.
struct Bar {
    of: usize,
    line: PassingLine,
}

impl Bar {
    fn draw(&self, done: usize) {
        if done < self.of {
            let (full, empty) = ("■".repeat(done), "□".repeat(self.of - done));
            self.line.show(&format!("judging {full}{empty} {done} of {}", self.of));
        }
    }
}

async fn build(desk: &Desk, ids: &[String], source: &Source, all: bool, colours: bool) -> Result<Prepared> {
    let at = Cell::new(Stage::default());
    let mut on = |step| {
        if let Step::Building(stage) = step {
            at.set(stage);
        }
    };
    let building = checking::build(&desk.workspace, ids, source, all, colours, &mut on);
    patiently(building, || at.get().sentence().to_owned()).await
}

fn source_shown(desk: &Desk, id: &str, source: &Source) -> String {
    desk.workspace.shown(&source.file(&desk.workspace, id))
}

fn show(desk: &Desk, id: &str, wanted: Wanted<'_>, text: Option<String>, outcome: &Outcome, out: &mut Out) {
    match out.format {
        Format::Human => {
            let scene = desk.scene(id, wanted.source, out);
            let detail = if wanted.verbose { Detail::Whole } else { scene.detail };
            let scene = Scene { source: text, detail, ..scene };
            let text = human::outcome(outcome, &scene);
            if wanted.alone { out.page(&text) } else { out.print(&text) }
        }
        Format::Json => out.json(&json::outcome(outcome)),
        Format::Junit => {}
    }
}

/// Records an outcome of the learner's file, and returns what is to be told. Whoever looks what an untouched stub says has tried nothing yet.
pub(super) fn record(desk: &Desk, id: &str, outcome: &Outcome, text: &Text, options: &Options) -> Result<Vec<String>> {
    let report = &outcome.report;
    if report.verdict == Verdict::Passed {
        if options.test.is_none() {
            findings::forget(&desk.workspace, id);
        }
    } else if report.verdict != Verdict::DoesNotCompile {
        findings::keep(&desk.workspace, report)?;
    }
    let untouched = || text.source().is_some_and(|own| layout::is_untouched_stub(&desk.workspace, id, &own));
    if options.test.is_some() || report.verdict == Verdict::Unfinished && untouched() {
        return Ok(Vec::new());
    }
    let counts = options.runs.is_none_or(|n| n >= FULL_RUNS);
    Ok(record_check(&desk.workspace.store(), id, report.verdict, counts)?.notices)
}

/// Says what recording brought. What cannot be recorded changes no verdict, and hides none.
pub(super) fn tell_recorded(recorded: Result<Vec<String>>, out: &mut Out) {
    match recorded {
        Ok(notices) => notices.iter().for_each(|notice| out.tell(notice)),
        Err(trouble) => out.tell(&format!("not recorded: {trouble}")),
    }
}

fn next(id: &str, out: &mut Out) -> Result<()> {
    let study = Study::open(out)?;
    let desk = &study.desk;
    out.print(&format!("  What an interviewer asks next, with answers: splitbrain solution {id}\n"));
    if desk.progress.current(&desk.course).is_none() {
        out.print("  That was the last one: you have passed every exercise.\n");
    }
    let (command, about) = study.next_command();
    out.print(&format!("  Next: {command}  {about}\n"));
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
    let found = fs::canonicalize(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Trouble::usage(format!("there is no file {}", path.display())),
        _ => Trouble::usage(format!("{}: {e}", path.display())),
    })?;
    if found.is_file() { Ok(found) } else { Err(Trouble::usage(format!("{} is not a file", path.display()))) }
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
        return Err(Trouble::usage("`--file` checks one exercise: name exactly one"));
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
