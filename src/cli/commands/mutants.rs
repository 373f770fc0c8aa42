//! `dev mutants` and `dev soak`: the proof that the alarm rings, and that it does not ring falsely.

use crate::cli::args::{DEADLINE, Format, MutantsArgs, SoakArgs};
use crate::cli::content::Content;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::mutants::{self, Mutant};
use crate::cli::out::Out;
use crate::cli::quiz::format::lines_of;
use crate::cli::render::{Again, Scene, human};
use crate::cli::runner::{self, Builds, Options, Outcome};
use crate::cli::runtime::Runtime;
use crate::cli::verdicts::Verdicts;
use crate::cli::workspace::Workspace;
use crate::report::{Report, Test, Verdict};
use crate::trace::What;
use crate::words::counted;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// Seeds between two base seeds: more than any budget.
const BASE: u64 = 100_000;

/// The shown run has at most so many times the steps of the shortest known.
const STRETCH: f64 = 1.5;

/// A run of so many steps is read at a glance.
const HANDFUL: u64 = 3;

/// What became of one mutant on one base seed.
#[derive(Serialize, Deserialize)]
struct Row {
    base_seed: u64,
    refused: bool,
    by: String,
    layer: String,
    runs: u64,
    found_ms: f64,
    raw_steps: u64,
    shown_steps: u64,
    /// Of the shortest run known that breaks the rule, on any base seed; 0 if no run is shown (the code is called directly).
    shortest_steps: u64,
    shrink_ms: f64,
    /// Steps that the finding points at, and lines of its picture.
    marks: usize,
    picture_lines: usize,
    /// It was not judged now: nothing has changed since it was.
    #[serde(skip)]
    kept: bool,
}

impl Row {
    /// How much longer the shown run is than the shortest known. A handful of steps is as short as it need be.
    fn stretch(&self) -> f64 {
        if self.shortest_steps == 0 || self.shown_steps <= HANDFUL { 1.0 } else { self.shown_steps as f64 / self.shortest_steps as f64 }
    }
}

pub fn mutants(root: &std::path::Path, args: &MutantsArgs, out: &mut Out) -> Result<Exit> {
    let workspace = Workspace::here()?;
    let ids = exercises(&workspace, &args.ids)?;
    let runtime = Runtime::new()?;
    let (mut holes, mut count, mut all) = (0, 0, Vec::new());
    for id in &ids {
        let mutants = mutants::catalogue(&Content::Disk(root.to_owned()), id)?;
        let mutants: Vec<Mutant> = mutants.into_iter().filter(|m| args.only.as_ref().is_none_or(|only| *only == m.name)).collect();
        if mutants.is_empty() {
            continue;
        }
        // A screen is there to be looked at: it is made anew.
        let mut verdicts = Verdicts::open(&workspace, id, "mutants", args.anew || args.screen)?;
        let missing = |m: &&Mutant| (0..args.base_seeds).any(|seed| kept(&verdicts, m, seed, args.survey).is_none());
        let sources: Vec<_> = mutants.iter().filter(missing).map(|m| (m.name.clone(), m.text.clone())).collect();
        let builds = match sources.as_slice() {
            [] => None,
            all => {
                // What a learner sees names lines that only their own kind of build knows.
                let level = (!args.screen).then(|| level(&workspace, id));
                let building = mutants::build(&workspace, id, "mutants", level, all);
                Some(runtime.block_on(super::patiently(building, &format!("building {} of {id} …", counted(all.len(), "mutant"))))?)
            }
        };
        if out.format == Format::Human {
            out.print(&format!("{}\n", out.style.strong(id)));
        }
        for mutant in &mutants {
            let mut rows = Vec::new();
            for base_seed in 0..args.base_seeds {
                let row = match (kept(&verdicts, mutant, base_seed, args.survey), &builds) {
                    (Some(row), _) => row,
                    (None, Some(builds)) => judged(&workspace, &runtime, builds, mutant, base_seed, args, out)?,
                    (None, None) => return Err(Trouble::bug(format!("{} was not built", mutant.name))),
                };
                let name = kept_as(mutant, base_seed, args.survey);
                if !is_good(&row, mutant) {
                    verdicts.forget(&name);
                } else if !row.kept {
                    verdicts.put(&name, &hangs_on(mutant), &row);
                }
                rows.push(row);
            }
            let shortest = rows.iter().map(|r| r.shortest_steps).filter(|n| *n > 0).min().unwrap_or(0);
            rows.iter_mut().for_each(|r| r.shortest_steps = shortest);
            count += 1;
            holes += usize::from(rows.iter().any(|r| !is_good(r, mutant)));
            show(id, mutant, &rows, out);
            all.extend(rows);
        }
        verdicts.save();
    }
    if out.format == Format::Human {
        out.print(&summary(count, holes, args.base_seeds, &mut all));
    }
    if count == 0 {
        return Err(Trouble::usage("no mutant of that name; without --only all of them are tried"));
    }
    Ok(if holes == 0 { Exit::Passed } else { Exit::NotPassing })
}

/// Judges a mutant on one base seed.
fn judged(
    workspace: &Workspace,
    runtime: &Runtime,
    builds: &Builds,
    mutant: &Mutant,
    base_seed: u64,
    args: &MutantsArgs,
    out: &mut Out,
) -> Result<Row> {
    let survey = args.survey.then_some(mutant.breaks.as_str());
    // A learner's check has no longer, and a verdict of "it does not end" would be a wrong one.
    let deadline = if survey.is_some() { LONG } else { Duration::from_secs(DEADLINE) };
    let options = Options { deadline, ..options(Some(base_seed * BASE), None, survey) };
    let outcome = runtime.block_on(runner::judge(workspace, builds, &mutant.name, &options))?;
    let scene = scene(mutant, out);
    if args.screen && out.format == Format::Human {
        out.print(&human::outcome(&outcome, &scene));
    }
    Ok(row(base_seed, mutant, &outcome.report, &scene))
}

/// A mutant's row that was kept, if it says what it should: a hole is judged again each time.
fn kept(verdicts: &Verdicts, mutant: &Mutant, base_seed: u64, survey: bool) -> Option<Row> {
    let row: Row = verdicts.get(&kept_as(mutant, base_seed, survey), &hangs_on(mutant))?;
    (is_good(&row, mutant) && row.base_seed == base_seed).then_some(Row { kept: true, ..row })
}

fn kept_as(mutant: &Mutant, base_seed: u64, survey: bool) -> String {
    format!("{} on {base_seed}{}", mutant.name, if survey { ", surveyed" } else { "" })
}

/// What a mutant's verdict hangs on that is its own. Its text holds what it has of the reference.
fn hangs_on(mutant: &Mutant) -> [&str; 2] {
    [&mutant.text, &mutant.breaks]
}

/// How far it is worth optimizing wrong implementations: where they are called millions of times, directly or by an exploration, a
/// little; where a thousand runs call them, building them faster is worth more.
fn level(workspace: &Workspace, id: &str) -> u8 {
    let content = workspace.content();
    let is_called_directly = || content.text(&format!("src/exercises/{id}/mod.rs")).is_ok_and(|text| !text.contains("impl Protocol for "));
    let is_explored = content.text(&format!("src/exercises/{id}/judge/exploration.rs")).is_ok();
    u8::from(is_explored || is_called_directly())
}

/// Refused by the rule that names it.
fn is_good(row: &Row, mutant: &Mutant) -> bool {
    row.refused && row.by == mutant.breaks
}

/// A mutant as two scenarios for a quiz, ready to be pasted: the code around its edits, and the run that refuses it.
pub fn scenario(root: &std::path::Path, named: &str, out: &mut Out) -> Result<Exit> {
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
    let builds = runtime.block_on(super::patiently(
        mutants::build(&workspace, id, "mutants", Some(level(&workspace, id)), &sources),
        "building the mutant …",
    ))?;
    let report = runtime.block_on(runner::judge(&workspace, &builds, name, &options(None, None, None)))?.report;
    let finding = report.tests.iter().find(|t| t.name == wrong.breaks).and_then(|t| t.finding.as_ref());
    let mut trace = finding.map(|f| f.trace.clone()).unwrap_or_default();
    // Of a case that was tried with several crashes, the last run is the one that broke.
    let last = trace.events.windows(2).rposition(|pair| pair[1].step < pair[0].step).map_or(0, |at| at + 1);
    trace.events.drain(..last);
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

fn exercises(workspace: &Workspace, wanted: &[String]) -> Result<Vec<String>> {
    let course = workspace.content().course()?;
    if let Some(id) = wanted.iter().find(|id| !course.exercises().any(|e| e == **id)) {
        let near = course.nearest(id).map_or("`splitbrain list` shows them all".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Trouble::usage(format!("there is no exercise `{id}`; {near}")));
    }
    Ok(if wanted.is_empty() { course.exercises().map(str::to_owned).collect() } else { wanted.to_vec() })
}

/// How long a judging may take of which nobody waits for the end.
const LONG: Duration = Duration::from_secs(600);

fn options(seed: Option<u64>, runs: Option<u64>, survey: Option<&str>) -> Options {
    let survey = survey.map(str::to_owned);
    Options { test: None, first: None, kept: None, seed, runs, survey, thorough: false, deadline: LONG, colours: false, threads: 0 }
}

/// What the mutant's finding is shown with.
fn scene(mutant: &Mutant, out: &Out) -> Scene {
    let file = format!("{}.rs", mutant.name);
    let again = Again::Check(format!("--file {file}"));
    Scene {
        style: out.style,
        file,
        source: Some(mutant.text.clone()),
        again,
        width: out.width(),
        ascii: out.ascii,
        theory: crate::cli::theory::Theory::default(),
    }
}

/// The rule that names the mutant, if it is among those that refuse it; else the one that is shown first.
fn row(base_seed: u64, mutant: &Mutant, report: &Report, scene: &Scene) -> Row {
    let fails = |t: &&Test| !matches!(t.verdict, Verdict::Passed | Verdict::Unknown);
    let by = report.tests.iter().filter(fails).find(|t| t.name == mutant.breaks).or_else(|| report.first_problem().filter(fails));
    let finding = by.and_then(|t| t.finding.as_ref());
    let ms = |us: u64| us as f64 / 1_000.0;
    Row {
        base_seed,
        refused: by.is_some(),
        by: by.map(|t| t.name.clone()).unwrap_or_default(),
        layer: by.map_or("", |t| t.layer.name()).to_owned(),
        runs: finding.map_or(0, |f| f.runs),
        found_ms: finding.map_or(0.0, |f| ms(f.micros)),
        raw_steps: finding.map_or(0, |f| f.raw_steps),
        shown_steps: finding.map_or(0, |f| f.shown_steps),
        shortest_steps: finding.map_or(0, |f| f.shortest_steps),
        shrink_ms: finding.map_or(0.0, |f| ms(f.shrink_micros)),
        marks: finding.map_or(0, |f| f.marks.len()),
        picture_lines: finding.map_or(0, |f| human::picture(f, scene).lines().count()),
        kept: false,
    }
}

fn show(id: &str, mutant: &Mutant, rows: &[Row], out: &mut Out) {
    if out.format == Format::Json {
        for r in rows {
            out.json(&json!({
                "exercise": id, "mutant": mutant.name, "refused": r.refused, "by": r.by, "expected": mutant.breaks, "layer": r.layer,
                "runs": r.runs, "ms": r.found_ms, "base_seed": r.base_seed,
                "raw_steps": r.raw_steps, "shown_steps": r.shown_steps,
                "shortest_steps": r.shortest_steps, "too_long": r.stretch() > STRETCH, "shrink_ms": r.shrink_ms,
                "marks": r.marks, "picture_lines": r.picture_lines, "kept": r.kept,
            }));
        }
        return;
    }
    let text = match rows.iter().find(|r| !is_good(r, mutant)) {
        None => {
            let slowest = rows.iter().max_by(|a, b| a.found_ms.total_cmp(&b.found_ms));
            let (layer, runs, ms) = slowest.map_or(("", 0, 0.0), |r| (r.layer.as_str(), r.runs, r.found_ms));
            let longest = rows.iter().max_by(|a, b| a.stretch().total_cmp(&b.stretch()));
            let (steps, shortest) = longest.map_or((0, 0), |r| (r.shown_steps, r.shortest_steps));
            let too_long = if longest.is_some_and(|r| r.stretch() > STRETCH) { " too long" } else { "" };
            format!(
                "  {} {:<46} {:<28} {layer:<11} {runs:>5} runs {ms:>8.1} ms {steps:>5} of {shortest} steps{too_long}\n",
                out.style.good("✓"),
                mutant.name,
                mutant.breaks
            )
        }
        Some(r) if r.refused => {
            let line = format!("{} is refused by {}, not by {} (base seed {})", mutant.name, r.by, mutant.breaks, r.base_seed);
            format!("  {} {line}\n", out.style.bad("✗"))
        }
        Some(r) => {
            format!("  {} {} passes on base seed {}; {} should refuse it\n", out.style.bad("✗"), mutant.name, r.base_seed, mutant.breaks)
        }
    };
    out.print(&text);
}

fn summary(count: usize, holes: usize, base_seeds: u64, rows: &mut [Row]) -> String {
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let ms = median(&mut rows.iter().map(|r| r.found_ms).collect());
    let shrink = median(&mut rows.iter().map(|r| r.shrink_ms).collect());
    let stretch = median(&mut rows.iter().map(Row::stretch).collect());
    let longest = rows.iter().map(Row::stretch).fold(0.0, f64::max);
    let too_long = rows.iter().filter(|r| r.stretch() > STRETCH).count();
    let worst = rows.iter().map(|r| r.found_ms).fold(0.0, f64::max);
    let refused = rows.iter().filter(|r| r.refused).count();
    let kept = match rows.iter().filter(|r| r.kept).count() {
        0 => String::new(),
        n => format!("{} kept from before, as nothing has changed since; `--anew` judges all again.\n", counted(n, "verdict")),
    };
    let layers: Vec<String> = ["vector", "scenario", "storm", "swarm", "exploration"]
        .iter()
        .map(|l| (l, rows.iter().filter(|r| r.layer == *l).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(l, n)| format!("{n} by {l}"))
        .collect();
    format!(
        "\n{} on {}: {refused} of {} refused ({}); {}.\n\
         Median {ms:.1} ms of judging until found, {worst:.1} ms at worst; median {shrink:.1} ms to the shown run.\n\
         The shown run has {stretch:.2} × the steps of the shortest known (median), {longest:.2} × at most; {too_long} above {STRETCH} ×.\n{kept}",
        counted(count, "mutant"),
        counted(base_seeds, "base seed"),
        rows.len(),
        layers.join(", "),
        counted(holes, "hole")
    )
}

pub fn soak(root: &std::path::Path, args: &SoakArgs, out: &mut Out) -> Result<Exit> {
    let workspace = Workspace::here()?;
    let ids = exercises(&workspace, &args.ids)?;
    let runtime = Runtime::new()?;
    let mut alarms = 0;
    for id in &ids {
        let sources = mutants::correct(root, id)?;
        let mut verdicts = Verdicts::open(&workspace, id, "correct", args.anew)?;
        let name_of = |name: &str| format!("{name}, {} runs from {}", args.runs, args.seed);
        let missing: Vec<_> =
            sources.iter().filter(|(name, text)| verdicts.get::<Sound>(&name_of(name), &[text]).is_none()).cloned().collect();
        let builds = match missing.as_slice() {
            [] => None,
            all => Some(runtime.block_on(super::patiently(mutants::build(&workspace, id, "correct", None, all), "building …"))?),
        };
        for (name, text) in &sources {
            let (kept, found) = match (verdicts.get::<Sound>(&name_of(name), &[text]), &builds) {
                (Some(sound), _) => (true, Ok(sound)),
                (None, Some(builds)) => {
                    let options = options(Some(args.seed), Some(args.runs), None);
                    (false, sound(&runtime.block_on(runner::judge(&workspace, builds, name, &options))?))
                }
                (None, None) => return Err(Trouble::bug(format!("{name} was not built"))),
            };
            match &found {
                Ok(sound) if !kept => verdicts.put(&name_of(name), &[text], sound),
                Ok(_) => {}
                Err(_) => verdicts.forget(&name_of(name)),
            }
            alarms += usize::from(found.is_err());
            tell(id, name, kept, &found, out);
        }
        verdicts.save();
    }
    if args.mutants {
        let all = MutantsArgs { ids, base_seeds: 20, only: None, screen: false, survey: false, anew: args.anew };
        let refused = mutants(root, &all, out)?;
        return Ok(if alarms == 0 { refused } else { Exit::NotPassing });
    }
    Ok(if alarms == 0 { Exit::Passed } else { Exit::NotPassing })
}

/// A judging in which no rule was broken.
#[derive(Serialize, Deserialize)]
struct Sound {
    runs: u64,
    seconds: f64,
}

/// A false alarm: by which rule, and what it saw.
struct Alarm {
    by: String,
    seen: String,
    ran: Sound,
}

fn sound(outcome: &Outcome) -> std::result::Result<Sound, Alarm> {
    let ran = Sound { runs: outcome.report.runs, seconds: outcome.judge.as_secs_f64() };
    match outcome.report.first_problem() {
        None => Ok(ran),
        Some(test) => Err(Alarm { by: test.name.clone(), seen: test.finding.as_ref().map(|f| f.seen.clone()).unwrap_or_default(), ran }),
    }
}

fn tell(id: &str, name: &str, kept: bool, found: &std::result::Result<Sound, Alarm>, out: &mut Out) {
    if out.format == Format::Json {
        let (by, seen) = found.as_ref().err().map_or(("", ""), |alarm| (&alarm.by, &alarm.seen));
        let (Ok(ran) | Err(Alarm { ran, .. })) = found;
        out.json(&json!({
            "exercise": id, "implementation": name, "passed": found.is_ok(), "by": by, "seen": seen,
            "runs": ran.runs, "seconds": ran.seconds, "kept": kept,
        }));
        return;
    }
    let line = match found {
        Ok(Sound { runs, seconds }) => {
            let kept = if kept { " (kept from before)" } else { "" };
            format!("  {} {id:<16} {name:<28} {runs} runs in {seconds:.1} s{kept}\n", out.style.good("✓"))
        }
        Err(Alarm { by, seen, .. }) => format!("  {} {id:<16} {name:<28} refused by {by}: {seen}\n", out.style.bad("✗")),
    };
    out.print(&line);
}
