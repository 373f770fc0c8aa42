//! `dev mutate --sample N`: whether a score still holds. Its fingerprint is compared, and a few mutants of a few places, the same each
//! time, are judged anew.

use super::Subject;
use super::equivalent::Row;
use super::judging::{self, Judged};
use super::matrix::Mutant;
use super::places::Form;
use super::program::Program;
use super::score::{Hole, Score, Sentences, fingerprint};
use crate::cli::args::Format;
use crate::cli::author::verdicts::Verdicts;
use crate::cli::error::{Result, Trouble};
use crate::cli::fingerprint::fnv;
use crate::cli::out::Out;
use serde_json::json;
use std::collections::BTreeSet;

/// How many statements the sample is of.
const STATEMENTS: usize = 2;
/// And how many classical changes.
const COPIES: usize = 3;

/// Of those the few whose names have the smallest hashes: as good as any, and the same each time.
fn few<T>(all: impl Iterator<Item = T>, most: usize, name: impl Fn(&T) -> String) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by_key(|one| fnv(name(one).as_bytes()));
    all.truncate(most);
    all
}

/// Judges the sample of an exercise. True if the score is fresh and the sample agrees with it.
///
/// # Errors
/// No score; as any build and judging.
pub(super) fn run(subject: &Subject<'_>, most: usize, rows: &[Row], out: &mut Out) -> Result<bool> {
    let id = subject.id;
    let missing = || Trouble::environment(format!("{id} has no score: `splitbrain dev mutate {id}` judges its mutants, and writes it"));
    let score = Score::read(subject.root, id)?.ok_or_else(missing)?;
    let fresh = score.fingerprint == fingerprint(subject.root, id, Sentences::Pass)?;
    let may_pass = |m: &Mutant| {
        let is = |hole: &Hole| (&hole.operator, &hole.function, &hole.text) == (&m.operator, &m.function, &m.text);
        rows.iter().any(|row| row.covers(m)) || score.holes.iter().any(is)
    };
    let mut verdicts = Verdicts::open(subject.workspace, id, "mutate-sample", false)?;
    let name = format!("{most} of them");
    let judged: Vec<Judged> = match verdicts.get(&name, &[&subject.source]) {
        Some(kept) => kept,
        // Whether the score is fresh is all that is asked.
        None if most == 0 => Vec::new(),
        None => {
            let judged = judged(subject, most, &may_pass)?;
            verdicts.put(&name, &[&subject.source], &judged);
            verdicts.save();
            judged
        }
    };
    let others: Vec<&Judged> = judged.iter().filter(|(m, rule)| rule.is_none() != may_pass(m)).collect();
    tell(id, fresh, judged.len(), &others, out);
    Ok(fresh && others.is_empty())
}

fn tell(id: &str, fresh: bool, all: usize, others: &[&Judged], out: &mut Out) {
    let agree = all - others.len();
    if out.format == Format::Json {
        let said = |(m, rule): &&Judged| json!({ "operator": m.operator, "function": m.function, "line": m.line, "text": m.text, "refused": rule });
        let others: Vec<_> = others.iter().map(said).collect();
        out.json(&json!({ "exercise": id, "fresh": fresh, "sample": all, "agree": agree, "others": others }));
        return;
    }
    let bad = out.style.bad("✗");
    let mut text = format!("{id}: {agree} of {all} as its score says\n");
    for (m, rule) in others {
        let what = rule.as_ref().map_or_else(|| "passes".to_owned(), |rule| format!("is refused by {rule}"));
        text.push_str(&format!("  {bad} {} {}:{}  {}: it {what}, and its score says otherwise\n", m.operator, m.function, m.line, m.text));
    }
    if !fresh {
        let why = "something has changed that its score hangs on (engine, judge, reference, rows or operators)";
        text.push_str(&format!("  {bad} {why}: run `splitbrain dev mutate {id}`\n"));
    }
    out.print(&text);
}

fn judged(subject: &Subject<'_>, most: usize, may_pass: &dyn Fn(&Mutant) -> bool) -> Result<Vec<Judged>> {
    let mut program = Program::of(subject.id, &subject.source, &subject.contract)?;
    let places = program.reference.places.iter().enumerate();
    // Only what cannot be left out always has a matrix.
    let statements = places.filter(|(i, place)| place.form == Form::Statement && !may_pass(&program.deletion(*i)));
    let kept: BTreeSet<usize> = few(statements, STATEMENTS, |(i, place)| format!("{i} {}", place.text)).iter().map(|(i, _)| *i).collect();
    let copies = few(program.copies.iter().enumerate(), COPIES, |(i, (_, change))| format!("{i} {}", change.text));
    let copies = copies.iter().map(|(i, _)| *i).collect();
    program.keep(&kept, &copies);
    let (mut builds, listing) = subject.built("mutate-sample", &mut program)?;
    let guards = kept.iter().flat_map(|statement| program.guards(*statement, &listing));
    let all = few(program.first_mutants(&listing).into_iter().chain(guards).filter(|m| m.differs), most, |m| m.text.clone());
    subject.runtime.block_on(judging::judge(subject.workspace, &mut builds, all, |_| {}))
}
