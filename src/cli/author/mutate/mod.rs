//! `dev mutate`: what the hidden tests of an exercise see, without a list of mistakes. Every statement of its reference is left out,
//! always and on every condition that can be put in words there (the matrix of guards); every value is narrowed; and expressions are
//! changed in the classical ways. What passes is a hole, unless a row of `tests/mutants/<id>.equivalent.toml` says why it may.
//!
//! | file | what it is for |
//! |---|---|
//! | `places`, `operators` | what of a reference can be changed, and how |
//! | `types`, `program`, `runtime.rs.txt` | all mutants as one program |
//! | `judging`, `matrix` | builds it, has it list what can be asked, judges each mutant in a process of its own |
//! | `equivalent`, `score` | what may pass and why; what came of it, written down |

mod equivalent;
mod judging;
mod matrix;
mod operators;
mod places;
mod program;
mod sample;
mod score;
mod types;

use super::implementations::{exercises, level};
use super::verdicts::Verdicts;
use crate::cli::args::{Format, MutateArgs};
use crate::cli::disk;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::patience::patiently;
use crate::cli::runner::Builds;
use crate::cli::runtime::Runtime;
use crate::cli::toml_reader::lines_of;
use crate::cli::workspace::Workspace;
use crate::words::counted;
use judging::Judged;
use matrix::{Listing, Mutant};
use program::Program;
use score::rows_path;
pub use score::{Sentences, fingerprint};
use serde_json::json;
use std::path::Path;

pub use score::Score;

/// One exercise that is looked at.
struct Subject<'a> {
    root: &'a Path,
    workspace: &'a Workspace,
    runtime: &'a Runtime,
    id: &'a str,
    /// The reference, and the contract.
    source: String,
    contract: String,
}

/// Judges the mutants of every exercise that is meant.
///
/// # Errors
/// As any build and judging; a file of rows with mistakes.
pub fn run(root: &Path, args: &MutateArgs, out: &mut Out) -> Result<Exit> {
    let (workspace, runtime) = (Workspace::here()?, Runtime::new()?);
    let mut fine = true;
    for id in &exercises(&workspace, &args.ids)? {
        let read = |path: String| disk::read_text(&root.join(&path)).map_err(|e| Trouble::environment(format!("cannot read {path}: {e}")));
        let (source, contract) = (read(format!("solutions/{id}.rs"))?, read(format!("src/exercises/{id}/mod.rs"))?);
        let path = rows_path(id);
        let text = disk::read_text(&root.join(&path)).unwrap_or_default();
        let rows = equivalent::rows(&path, &text, &source).map_err(|problems| Trouble::environment(lines_of(&problems)))?;
        let subject = Subject { root, workspace: &workspace, runtime: &runtime, id, source, contract };
        if let Some(most) = args.sample {
            fine &= sample::run(&subject, most, &rows, out)?;
            continue;
        }
        let print = fingerprint(root, id, Sentences::Pass)?;
        let judged = subject.judged(args.anew, out)?;
        let score = Score::of(id, print, &judged, &rows);
        let wrong = equivalent::wrong_rows(&path, &text, &rows, &judged);
        show(&score, out);
        wrong.iter().for_each(|problem| out.tell(&problem.to_string()));
        score.write(root)?;
        fine &= wrong.is_empty() && score.holes.is_empty();
    }
    Ok(if fine { Exit::Passed } else { Exit::NotPassing })
}

impl Subject<'_> {
    /// Every mutant with what became of it. A value that a `let` takes stands in no statement that has a text: it is known by its line.
    fn judged(&self, anew: bool, out: &mut Out) -> Result<Vec<Judged>> {
        let mut all = self.verdicts(anew, out)?;
        let lines: Vec<&str> = self.source.lines().map(str::trim).collect();
        for (mutant, _) in all.iter_mut().filter(|(m, _)| m.operator == "narrow" && m.within.is_empty()) {
            mutant.within = mutant.line.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default().to_owned();
        }
        Ok(all)
    }

    /// From before, if nothing has changed.
    fn verdicts(&self, anew: bool, out: &mut Out) -> Result<Vec<Judged>> {
        let mut verdicts = Verdicts::open(self.workspace, self.id, "mutate", anew)?;
        if let Some(kept) = verdicts.get("all", &[&self.source]) {
            return Ok(kept);
        }
        let mut program = Program::of(self.id, &self.source, &self.contract)?;
        let (mut builds, listing) = self.built("mutate", &mut program)?;
        let mut all = self.judge(&mut builds, program.first_mutants(&listing), out)?;
        let is_needed = |(m, rule): &&Judged| m.operator == "delete" && rule.is_some();
        let statements: Vec<usize> = all.iter().filter(is_needed).filter_map(|(m, _)| m.statement).collect();
        let guards = statements.iter().flat_map(|statement| program.guards(*statement, &listing)).collect();
        all.extend(self.judge(&mut builds, guards, out)?);
        verdicts.put("all", &[&self.source], &all);
        verdicts.save();
        Ok(all)
    }

    /// The program, and what it says of itself.
    fn built(&self, kind: &str, program: &mut Program<'_>) -> Result<(Builds, Listing)> {
        let (workspace, id) = (self.workspace, self.id);
        let building = judging::build(workspace, id, kind, level(workspace, id), program);
        let mut builds = self.runtime.block_on(patiently(building, || format!("building the mutants of {id}")))?;
        let listing = judging::listing(workspace, id, &mut builds);
        let listing = self.runtime.block_on(patiently(listing, || format!("judging the reference of {id}, and looking at it")))?;
        Ok((builds, listing))
    }

    fn judge(&self, builds: &mut Builds, mutants: Vec<Mutant>, out: &mut Out) -> Result<Vec<Judged>> {
        let all = mutants.len();
        let progress = |done: usize| {
            if done == all || done.is_multiple_of(500) {
                out.tell(&format!("{}: {done} of {} judged", self.id, counted(all, "mutant")));
            }
        };
        self.runtime.block_on(judging::judge(self.workspace, builds, mutants, progress))
    }
}

fn show(score: &Score, out: &mut Out) {
    if out.format == Format::Json {
        out.json(&json!({
            "exercise": score.exercise, "statements": score.statements, "closed": score.closed, "mutants": score.mutants,
            "refused": score.refused, "equivalent": score.equivalent, "allowed": score.allowed, "unreached": score.unreached,
            "holes": score.holes,
        }));
        return;
    }
    let all = [
        (score.refused, "refused"),
        (score.equivalent, "equivalent"),
        (score.allowed, "allowed"),
        (score.unreached, "out of reach"),
        (score.holes.len(), if score.holes.len() == 1 { "hole" } else { "holes" }),
    ];
    let all: Vec<String> =
        all.iter().filter(|(n, what)| *n > 0 || what.starts_with("hole")).map(|(n, what)| format!("{n} {what}")).collect();
    let statements = counted(score.statements, "statement");
    let mut text = format!(
        "{:<16} {} of {statements} closed; {}: {}\n",
        score.exercise,
        score.closed,
        counted(score.mutants, "mutant"),
        all.join(", ")
    );
    for hole in &score.holes {
        let never = if hole.differs { "" } else { " (it never made a difference)" };
        let within = if hole.within.is_empty() { String::new() } else { format!(" within {}", hole.within) };
        text.push_str(&format!(
            "  {} {:<10} {}:{}  {}{within}{never}\n",
            out.style.bad("✗"),
            hole.operator,
            hole.function,
            hole.line,
            hole.text
        ));
    }
    out.print(&text);
}
