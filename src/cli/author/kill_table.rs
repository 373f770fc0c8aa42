//! `dev mutants`: the proof that the alarm rings. Which rule refuses each wrong implementation, and how soon.

use super::implementations::{self, LONG, exercises, level, options};
use super::verdicts::Verdicts;
use crate::cli::args::{DEADLINE, Format, MutantsArgs};
use crate::cli::content::Content;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::mutants::{self, Mutant};
use crate::cli::out::Out;
use crate::cli::patience::patiently;
use crate::cli::render::{Again, Detail, Scene, human, picture};
use crate::cli::runner::{self, Builds, Options};
use crate::cli::runtime::Runtime;
use crate::cli::workspace::Workspace;
use crate::report::{Report, Test, Verdict};
use crate::words::counted;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
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

/// Judges every wrong implementation on every base seed.
///
/// # Errors
/// As any build and judging; no mutant of that name.
pub fn run(root: &Path, args: &MutantsArgs, out: &mut Out) -> Result<Exit> {
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
                let reference = level.map(|_| workspace.content().text(&format!("solutions/{id}.rs"))).transpose()?;
                let building = implementations::build(&workspace, id, "mutants", level, reference.as_deref(), all);
                Some(runtime.block_on(patiently(building, || format!("building {} of {id}", counted(all.len(), "mutant"))))?)
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
    // What a learner is shown is made of the whole judging; whether the alarm rings is known at the first stroke.
    let until = (survey.is_none() && !args.screen).then(|| mutant.breaks.clone());
    let options = Options { deadline, until, ..options(Some(base_seed * BASE), None, survey) };
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

/// Refused by the rule that names it.
fn is_good(row: &Row, mutant: &Mutant) -> bool {
    row.refused && row.by == mutant.breaks
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
        detail: Detail::First { rest: "--verbose" },
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
        picture_lines: finding.map_or(0, |f| picture::picture(f, scene).lines().count()),
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
