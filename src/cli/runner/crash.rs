//! After a process has died without a report: which unit of work it was at (its crumbs), what killed it (exit status and
//! last words), and on which node, at which message (the guilty unit again, with a tape). The result is a finding like any
//! other.

use super::answer::Answer;
use super::process::{Captured, End, FILE, MEMORY, Output, Ran};
use super::{Context, Options, PROCESS_TEST};
use crate::cli::disk;
use crate::cli::error::Result;
use crate::cli::figures::seconds;
use crate::cli::sanitize::visible;
use crate::cli::wrap::clipped;
use crate::report::{Finding, LAST_PANIC, Layer, Report, Test, Verdict, decode_line};
use crate::trace::{Event, Trace, What};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// A unit of work, as a crumb names it: in the order in which they are judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// A case by its index, with its name if that was left too.
    Case(u64, Option<String>),
    /// A storm by its seed.
    Storm(u64),
    /// A seed.
    Seed(u64),
}

impl Unit {
    /// Reads `case:3 a late vote`, `case:3`, `seed:8812`.
    pub fn parse(line: &str) -> Option<Unit> {
        let (kind, rest) = line.trim_matches(|c: char| c.is_whitespace() || c == '\0').split_once(':')?;
        let (number, name) = rest.split_once(' ').map_or((rest, None), |(number, name)| (number, Some(name.to_owned())));
        let number = number.parse().ok()?;
        match kind {
            "case" => Some(Unit::Case(number, name)),
            "storm" => Some(Unit::Storm(number)),
            "seed" => Some(Unit::Seed(number)),
            _ => None,
        }
    }

    /// As the process is told of it that left the crumb.
    fn argument(&self) -> String {
        match self {
            Unit::Case(index, _) => format!("case:{index}"),
            Unit::Storm(seed) => format!("storm:{seed}"),
            Unit::Seed(seed) => format!("seed:{seed}"),
        }
    }

    /// The finding's unit is this one. What has no name is told by its index, which the process understands as well.
    fn put_into(&self, finding: &mut Finding) {
        match self {
            Unit::Case(index, name) => finding.case = Some(name.clone().unwrap_or_else(|| index.to_string())),
            Unit::Storm(seed) => finding.case = Some(format!("storm {seed}")),
            Unit::Seed(seed) => finding.seed = Some(*seed),
        }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unit::Case(_, Some(name)) => write!(f, "\u{201c}{name}\u{201d}"),
            Unit::Case(index, None) => write!(f, "case {index}"),
            Unit::Storm(seed) => write!(f, "storm {seed}"),
            Unit::Seed(seed) => write!(f, "seed {seed}"),
        }
    }
}

/// Units that may be guilty, from the crumbs: those that some worker was at, in the order in which they are judged.
pub fn guilty(crumbs: &Path) -> Vec<Unit> {
    let text = disk::read_bounded(crumbs, FILE).unwrap_or_default();
    let units: BTreeSet<Unit> = String::from_utf8_lossy(&text).lines().filter_map(Unit::parse).collect();
    units.into_iter().collect()
}

/// The guilty units of a judging with one thread: then the first that dies is the lowest, whatever the machine. What the
/// judging with many threads left is kept if that one ends in another way.
async fn guilty_in_order(context: &Context<'_>, options: &Options, units: &[Unit], until: Instant) -> Result<Vec<Unit>> {
    let left = until.saturating_duration_since(Instant::now());
    if units.len() < 2 || left < Duration::from_millis(50) {
        return Ok(units.to_vec());
    }
    let mut args = context.judge_args(options);
    args.extend(["--threads".to_owned(), "1".to_owned()]);
    // Not all that is left: the unit that is found must be run once more.
    let (ran, answer) = context.ask(&args, Output::Split, left / 2).await?;
    let found = guilty(&context.crumbs_path());
    let died = matches!((ran.end, answer), (End::Exited(_), Answer::Nothing)) && !found.is_empty();
    Ok(if died { found } else { units.to_vec() })
}

/// The report on a process that did not write one.
///
/// # Errors
/// If the process cannot be started again.
pub async fn diagnose(context: &Context<'_>, options: &Options, ran: &Ran, units: &[Unit], until: Instant) -> Result<Report> {
    let status = match ran.end {
        End::Exited(status) => status,
        End::Deadline => return Ok(report(context, Verdict::TimedOut, deadline_finding(context, units), units.first())),
        End::Memory => return Ok(report(context, Verdict::Crashed, together_finding(units), units.first())),
    };
    let units = &guilty_in_order(context, options, units, until).await?;
    // Without a crumb it has not come to the first test, or has left the last.
    let when = if units.is_empty() { ", without a verdict: its tests were not running" } else { "" };
    let mut finding = Finding { seen: format!("{}{when}.", how(status, &ran.stderr)), ..Finding::default() };
    // What the guilty unit says when it runs alone; many threads speak over each other.
    let mut words = ran.stderr.clone();
    let mut unit = None;
    for candidate in units {
        let left = until.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(50) {
            break;
        }
        let tape = context.tape_path();
        let _ = fs::remove_file(&tape);
        let mut args = context.unit_args(&candidate.argument());
        args.extend(["--tape".to_owned(), tape.display().to_string()]);
        let (again, answer) = context.ask(&args, Output::Split, left).await?;
        let End::Exited(status) = again.end else { continue };
        if !matches!(answer, Answer::Nothing) {
            continue; // This one ended well: another was guilty.
        }
        let trace = read_tape(&tape);
        finding.seen = match trace.events.iter().rev().find(|e| is_cause(&e.what)) {
            Some(cause) => format!("{}, in the step `{} {}`.", how(status, &again.stderr), cause.lane, cause.what),
            None => format!("{}.", how(status, &again.stderr)),
        };
        finding.trace = trace;
        words = again.stderr;
        candidate.put_into(&mut finding);
        unit = Some(candidate);
        break;
    }
    if let Some((at, message)) = last_panic(&words) {
        finding.seen = format!("{} A destructor had panicked with `{message}` while another panic was under way.", finding.seen);
        finding.at = Some(at);
    }
    finding.look = look(&finding.seen, &words);
    if units.is_empty() && finding.look.is_empty() {
        "`main`: it gives back what `harness::main` gives, and does nothing else.".clone_into(&mut finding.look);
    }
    finding.why = "a replica that dies loses its unsaved state, and a message that kills every replica takes down the service.".to_owned();
    Ok(report(context, Verdict::Crashed, finding, unit.or(units.first())))
}

/// Where a destructor panicked in a panic, and its message.
fn last_panic(words: &Captured) -> Option<((String, u32), String)> {
    let text = words.text();
    let fields = text.lines().rev().map(decode_line).find(|fields| fields[0] == LAST_PANIC)?;
    Some(((fields.get(1)?.clone(), fields.get(2)?.parse().ok()?), fields.get(3)?.clone()))
}

fn is_cause(what: &What) -> bool {
    matches!(what, What::Receives { .. } | What::Fires { .. } | What::Takes { .. } | What::Starts { .. } | What::Calls { .. })
}

const STACK: &str = "The stack overflowed";
const OUT_OF_MEMORY: &str = "Memory ran out";

/// What ended the process, in a sentence without its full stop.
pub fn how(status: std::process::ExitStatus, stderr: &Captured) -> String {
    let said = stderr.last_lines(20).join("\n");
    let gib = MEMORY >> 30;
    if said.contains("has overflowed its stack") {
        return format!("{STACK} (endless recursion)");
    }
    if said.contains("memory allocation of") {
        return format!("{OUT_OF_MEMORY} (a process may use {gib} GiB)");
    }
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("Your code ended the process with exit code {code}"),
        (_, Some(6)) => "Your code aborted the process".to_owned(),
        // SIGXFSZ, the same number wherever Rust's Unix targets have it.
        (_, Some(25)) => format!("Your code wrote more than {} MiB into one file", FILE >> 20),
        (_, Some(9)) => "The system killed the process, probably because memory ran out".to_owned(),
        (_, Some(signal)) => format!("The process was killed by signal {signal}"),
        _ => "The process died".to_owned(),
    }
}

/// Where to look: the usual cause where there is one, else what the process said last.
fn look(seen: &str, words: &Captured) -> String {
    if seen.starts_with(STACK) {
        return "a function that calls itself, and the condition that should end the recursion.".to_owned();
    }
    if seen.starts_with(OUT_OF_MEMORY) {
        return "what grows in a loop, or with every message, and is never removed.".to_owned();
    }
    let mut lines = words.last_lines(4);
    lines.retain(|l| !l.contains("RUST_BACKTRACE") && !l.starts_with(LAST_PANIC));
    let lines: Vec<String> = lines.iter().map(|l| clipped(&visible(l, false), 200)).collect();
    if lines.is_empty() { String::new() } else { format!("its last output: {}", lines.join(" / ")) }
}

fn together_finding(units: &[Unit]) -> Finding {
    let seen = format!("{OUT_OF_MEMORY} (a process may use {} GiB, together with every process that it starts).", MEMORY >> 30);
    let mut finding = Finding {
        look: "the processes that your code starts, and the memory that each of them keeps.".to_owned(),
        seen,
        ..Finding::default()
    };
    if let Some(unit) = units.first() {
        unit.put_into(&mut finding);
    }
    finding
}

fn deadline_finding(context: &Context<'_>, units: &[Unit]) -> Finding {
    let at = match units {
        [] => String::new(),
        units => format!("; it was at {}", units.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")),
    };
    let mut finding = Finding {
        seen: format!("It was still running after {}{at}.", seconds(context.deadline)),
        why: "while a handler does not return, its replica answers nobody.".to_owned(),
        look: "loops that wait for something that no longer changes; `--deadline SECONDS` gives more time.".to_owned(),
        ..Finding::default()
    };
    if let Some(unit) = units.first() {
        unit.put_into(&mut finding);
    }
    finding
}

pub fn report(context: &Context<'_>, verdict: Verdict, finding: Finding, unit: Option<&Unit>) -> Report {
    let layer = match unit {
        Some(Unit::Case(..)) => Layer::Vector,
        Some(Unit::Storm(_)) => Layer::Storm,
        Some(Unit::Seed(_)) | None => Layer::Swarm,
    };
    let title = "every handler returns, and leaves the process running".to_owned();
    alone(context.id, Test { name: PROCESS_TEST.to_owned(), title, layer, verdict, runs: 1, explored: Vec::new(), finding: Some(finding) })
}

/// The report of which one test is all that there is to say.
pub fn alone(id: &str, test: Test) -> Report {
    Report {
        exercise: id.to_owned(),
        verdict: test.verdict,
        first_seed: 0,
        runs: 0,
        judge_micros: 0,
        first: None,
        coverage: Vec::new(),
        lessons: Vec::new(),
        tests: vec![test],
    }
}

/// The run on a tape, as far as it went.
pub fn read_tape(path: &Path) -> Trace {
    let mut trace = Trace::default();
    let bytes = disk::read_bounded(path, FILE).unwrap_or_default();
    // The last line may be cut off by the death.
    for line in String::from_utf8_lossy(&bytes).lines() {
        let fields = decode_line(line);
        if let Some(event) = fields.split_first().filter(|(key, _)| *key == "event").and_then(|(_, rest)| Event::from_fields(rest)) {
            trace.push(event);
        }
    }
    trace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbs_name_the_units() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("crumbs");
        let crumbs = "seed:8812        \nidle             \ncase:11  \ncase:3 new–old, at once  \nseed:8812        \n\0\0\0\n";
        fs::write(&path, crumbs).unwrap();
        let units = guilty(&path);
        assert_eq!(units, [Unit::Case(3, Some("new–old, at once".to_owned())), Unit::Case(11, None), Unit::Seed(8812)]);
        let told: Vec<String> = units.iter().map(Unit::argument).collect();
        assert_eq!(told, ["case:3", "case:11", "seed:8812"]);
        assert!(guilty(&dir.path().join("none")).is_empty());
        // Whatever has been written into them, they are not read beyond what a process may write.
        fs::File::create(&path).unwrap().set_len(FILE + 1).unwrap();
        assert!(guilty(&path).is_empty() && read_tape(&path).events.is_empty());
    }

    #[test]
    fn a_tape_may_end_in_the_middle_of_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tape");
        fs::write(&path, "event\t1\t0\tn1\tstarts\tfalse\tNone\nevent\t2\t50\tn2\trecei").unwrap();
        assert_eq!(read_tape(&path).events.len(), 1);
    }
}
