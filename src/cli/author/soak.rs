//! `dev soak`: the proof that the alarm does not ring falsely.

use super::implementations::{self, exercises, options};
use super::kill_table;
use super::verdicts::Verdicts;
use crate::cli::args::{Format, MutantsArgs, SoakArgs};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::patience::patiently;
use crate::cli::runner::{self, Outcome};
use crate::cli::runtime::Runtime;
use crate::cli::workspace::Workspace;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// Judges everything that is right; with `--mutants` everything that is wrong, too.
///
/// # Errors
/// As any build and judging.
pub fn run(root: &Path, args: &SoakArgs, out: &mut Out) -> Result<Exit> {
    let workspace = Workspace::here()?;
    let ids = exercises(&workspace, &args.ids)?;
    let runtime = Runtime::new()?;
    let mut alarms = 0;
    for id in &ids {
        let sources = implementations::correct(root, id)?;
        let mut verdicts = Verdicts::open(&workspace, id, "correct", args.anew)?;
        let name_of = |name: &str| format!("{name}, {} runs from {}", args.runs, args.seed);
        let missing: Vec<_> =
            sources.iter().filter(|(name, text)| verdicts.get::<Sound>(&name_of(name), &[text]).is_none()).cloned().collect();
        let builds = match missing.as_slice() {
            [] => None,
            all => Some(runtime.block_on(patiently(implementations::build(&workspace, id, "correct", None, None, all), || {
                format!("building all that is right of {id}")
            }))?),
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
        let refused = kill_table::run(root, &all, out)?;
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
