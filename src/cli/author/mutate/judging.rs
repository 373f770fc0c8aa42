//! Builds the program of mutants, has it list what can be seen at its places, and judges mutants, a process each.

use super::matrix::{Listing, Mutant};
use super::program::{Piece, Program, RUNTIME};
use crate::cli::author::functions::Bytes;
use crate::cli::author::implementations::LONG;
use crate::cli::bounded_concurrency::{self, Job};
use crate::cli::disk;
use crate::cli::error::{Result, Trouble};
use crate::cli::runner::{self, Attempt, Builds, Options, build_program};
use crate::cli::workspace::Workspace;
use crate::report::Verdict;
use std::time::Duration;

/// How often the program is built at most until all of it compiles: each time something is left out.
const ROUNDS: usize = 40;

/// How long one mutant may take: a learner's check has no longer.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long a handler may take that tells at each place what can be seen there.
const LISTED: Duration = Duration::from_secs(60);

/// How many processes judge at once.
const AT_ONCE: usize = 2;

/// A mutant, and the rule that refuses it, if one does.
pub type Judged = (Mutant, Option<String>);

/// Builds the program. What does not compile in it is left out.
///
/// # Errors
/// As any build; an error that belongs to nothing that could be left out.
pub async fn build(workspace: &Workspace, id: &str, kind: &str, level: u8, program: &mut Program<'_>) -> Result<Builds> {
    for _ in 0..ROUNDS {
        let (text, pieces) = program.text();
        let errors = match build_program(workspace, id, kind, level, &[("main.rs", &text), ("z.rs", RUNTIME)]).await? {
            Attempt::Ready(builds) => return Ok(builds),
            Attempt::Refused(errors) => errors,
        };
        let mut left_out = 0;
        for error in &errors {
            let to_blame = blamed(&error.bytes, &pieces);
            left_out += to_blame.len();
            to_blame.into_iter().for_each(|piece| program.drop(piece));
        }
        if left_out == 0 {
            let said = errors.first().map(|e| e.rendered.clone()).unwrap_or_default();
            return Err(Trouble::bug(format!("the mutants of {id} cannot be built:\n{said}")));
        }
    }
    Err(Trouble::bug(format!("the mutants of {id} do not compile after {ROUNDS} rounds of leaving out what does not")))
}

/// The smallest piece around what is wrong, or around what it has to do with; else whatever is in it.
fn blamed(bytes: &[Bytes], pieces: &[(Bytes, Piece)]) -> Vec<Piece> {
    let around = |at: &Bytes| {
        let holding = pieces.iter().filter(|(piece, _)| piece.start <= at.start && at.end <= piece.end);
        holding.min_by_key(|(piece, _)| piece.len()).map(|(_, piece)| *piece)
    };
    let all: Vec<Piece> = bytes.iter().filter_map(around).collect();
    // Who only looks is in the way of who does something, wherever the compiler says it.
    if let Some(piece) = all.iter().find(|piece| matches!(piece, Piece::See(..))).or(all.first()) {
        return vec![*piece];
    }
    let inside =
        |at: &Bytes| pieces.iter().filter(|(piece, _)| at.start <= piece.start && piece.end <= at.end).map(|(_, piece)| *piece).collect();
    bytes.first().map(inside).unwrap_or_default()
}

/// Judges the reference, and has every place say what can be seen there.
///
/// # Errors
/// The reference does not pass.
pub async fn listing(workspace: &Workspace, id: &str, builds: &mut Builds) -> Result<Listing> {
    builds.named(["list"].into_iter())?;
    // What is seen at each place takes a handler many times its own time.
    let options = Options { threads: 1, handler: Some(LISTED), ..Options::of(LONG) };
    let outcome = runner::judge(workspace, builds, "list", &options).await?;
    if let Some(test) = outcome.report.first_problem() {
        let seen = test.finding.as_ref().map(|f| f.seen.clone()).unwrap_or_default();
        return Err(Trouble::environment(format!("the reference of {id} does not pass: {} is broken: {seen}", test.name)));
    }
    let path = builds.beside("list", "found").unwrap_or_default();
    let text = disk::read_text(&path).map_err(|e| Trouble::file("read", &path, &e))?;
    Listing::parse(&text).ok_or_else(|| Trouble::bug(format!("the listing of {id} cannot be read")))
}

/// Judges mutants; `progress` is told how many are done.
///
/// # Errors
/// A process that cannot be started.
pub async fn judge(workspace: &Workspace, builds: &mut Builds, mutants: Vec<Mutant>, progress: impl FnMut(usize)) -> Result<Vec<Judged>> {
    builds.named(mutants.iter().filter(|m| m.differs).map(|m| m.program.as_str()))?;
    let builds = &*builds;
    let jobs = mutants.iter().map(|mutant| -> Job<'_, Result<Option<String>>> { Box::pin(refusing(workspace, builds, mutant)) }).collect();
    let mut rules = Vec::new();
    let keep = |_: usize, rule: Result<Option<String>>| rule.map(|rule| rules.push(rule));
    bounded_concurrency::run(jobs, AT_ONCE, progress, keep).await?;
    Ok(mutants.into_iter().zip(rules).collect())
}

/// The first rule that a mutant breaks.
async fn refusing(workspace: &Workspace, builds: &Builds, mutant: &Mutant) -> Result<Option<String>> {
    // What does the same as the reference passes as it does.
    if !mutant.differs {
        return Ok(None);
    }
    let options = Options { threads: 1, bare: true, ..Options::of(DEADLINE) };
    let outcome = match runner::judge(workspace, builds, &mutant.program, &options).await {
        Ok(outcome) => outcome,
        // A judge that is at its wits' end with a wrong implementation has at least not let it pass.
        Err(trouble) if trouble.message.contains("the judge panicked") => return Ok(Some("the judge panicked".to_owned())),
        Err(trouble) => return Err(trouble),
    };
    let refusing = outcome.report.tests.iter().find(|test| !matches!(test.verdict, Verdict::Passed | Verdict::Unknown));
    Ok(refusing.map(|test| test.name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_piece_around_an_error_is_to_blame() {
        let pieces = [(0..100, Piece::Place(0)), (10..40, Piece::See(0, 0)), (50..60, Piece::Copy(3))];
        let of = |at: Bytes| blamed(std::slice::from_ref(&at), &pieces);
        assert_eq!(of(20..25), [Piece::See(0, 0)]);
        assert_eq!(of(45..55), [Piece::Place(0)]);
        assert_eq!(blamed(&[200..201, 52..53], &pieces), [Piece::Copy(3)], "what it has to do with");
        assert_eq!(blamed(&[52..53, 20..21], &pieces), [Piece::See(0, 0)], "who only looks is in the way");
        assert_eq!(of(5..120), [Piece::See(0, 0), Piece::Copy(3)], "whatever is in it");
        assert_eq!(blamed(&[], &pieces), []);
    }
}
