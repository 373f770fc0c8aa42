//! Runs one unit of work and turns whatever happens in it, a panic included, into an outcome.

use super::options::Unit;
use crate::rule::{BOUNDED_WORK, Broken, Coverage, NO_CRASH};
use crate::sim::TooManyEffects;
use crate::suite::{Run, Shrunk, Suite};
use crate::trace::{Extent, Probe};
use crate::words::{counted, middle};
use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

/// Bytes of a panic's message that are kept, for `replay --full`; what is shown without being asked for is shorter.
const LONGEST: usize = 256 << 10;

/// How one unit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Fine,
    Broken(Broken),
    /// The learner's code panicked, or reached a `todo!()`.
    Panicked(Panicked),
}

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panicked {
    pub rule: &'static str,
    pub message: String,
    pub file: String,
    pub line: u32,
    pub todo: bool,
}

impl Outcome {
    /// The rule that did not hold, if one did not.
    pub fn rule(&self) -> Option<&'static str> {
        match self {
            Outcome::Fine => None,
            Outcome::Broken(b) => Some(b.rule),
            Outcome::Panicked(p) => Some(p.rule),
        }
    }
}

/// A unit's outcome with what it met.
pub(super) struct Done {
    pub outcome: Outcome,
    pub coverage: Coverage,
    pub lessons: Vec<String>,
    pub fingerprints: Vec<u64>,
    pub shrunk: Option<Shrunk>,
    /// How far it explored, if it did.
    pub extent: Option<Extent>,
}

thread_local! {
    /// What the panic hook saw last on this thread.
    static LAST_PANIC: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// Panics of the learner's code are verdicts: they are noted, not printed.
pub(super) fn install_panic_hook() {
    // It may be installed again; this is the same each time.
    let _ = crate::words::LAST_PANIC.set(|| {
        let last = LAST_PANIC.with(|last| last.borrow_mut().take())?;
        Some(format!("`{}` at {}:{}", last.message, last.file, last.line))
    });
    std::panic::set_hook(Box::new(|info| {
        let seen = describe(info);
        // A second panic while the first unwinds: the process is about to be aborted. Its last words name the line.
        if seen.message == "panic in a destructor during cleanup" {
            if let Some(Panicked { message, file, line, .. }) = LAST_PANIC.with(|last| last.borrow_mut().take()) {
                eprintln!("{}", crate::report::encode_line(crate::report::LAST_PANIC, &[file, line.to_string(), message]));
            }
            return;
        }
        LAST_PANIC.with(|last| *last.borrow_mut() = Some(seen));
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> Panicked {
    // An `assert_eq!` of two long lists says both whole.
    let message = middle(&text_of(info.payload()), LONGEST);
    let (mut file, mut line) = info.location().map_or_else(|| (String::new(), 0), |l| (l.file().to_owned(), l.line()));
    // A panic inside the standard library names the library's line; the learner wants the own one.
    if is_foreign(&file)
        && let Some((own_file, own_line)) = own_frame(&Backtrace::force_capture().to_string())
    {
        (file, line) = (own_file, own_line);
    }
    Panicked { rule: NO_CRASH, todo: is_todo(&message), message, file, line }
}

fn is_foreign(file: &str) -> bool {
    file.starts_with("/rustc/") || file.contains("/library/")
}

/// True for a function of ours: of the engine, or of a judge. What a learner implements is named `… as splitbrain_engine::…`.
fn is_ours(symbol: &str) -> bool {
    ["splitbrain::", "splitbrain_engine::"].iter().any(|name| symbol.contains(name) && !symbol.contains(&format!(" as {name}")))
}

/// The innermost frame of a written backtrace that lies in neither the standard library nor our own crates.
fn own_frame(backtrace: &str) -> Option<(String, u32)> {
    let mut lines = backtrace.lines().map(str::trim).peekable();
    while let Some(symbol) = lines.next() {
        let Some(place) = lines.peek().and_then(|l| l.strip_prefix("at ")) else { continue };
        let mut parts = place.rsplitn(3, ':');
        let (_column, line, file) = (parts.next()?, parts.next(), parts.next());
        if let (Some(line), Some(file)) = (line, file)
            && !is_foreign(file)
            && !is_ours(symbol)
            && file.ends_with(".rs")
            && let Ok(line) = line.parse()
        {
            return Some((file.trim_start_matches("./").to_owned(), line));
        }
    }
    None
}

pub(super) fn text_of(payload: &(dyn Any + Send)) -> String {
    payload.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| {
        if payload.is::<TooManyEffects>() { "too many effects".to_owned() } else { "a panic without a message".to_owned() }
    })
}

/// Runs a unit.
///
/// # Errors
/// The message of a panic that is a bug of ours: one in code where the learner's was not running.
pub(super) fn run_unit(suite: &Suite, unit: Unit, probe: &Probe) -> Result<Done, String> {
    LAST_PANIC.with(|last| *last.borrow_mut() = None);
    let result = catch_unwind(AssertUnwindSafe(|| match unit {
        Unit::Case(i) => suite.cases.get(i).map(|case| {
            let check = (case.run)(probe);
            let mut coverage = Coverage::default();
            probe.take_counts().into_iter().for_each(|(name, n)| coverage.add(name, n));
            Run { check, coverage, lessons: probe.take_remarks(), fingerprints: Vec::new(), shrunk: None }
        }),
        Unit::Storm(seed) => suite.storms.as_ref().map(|storms| (storms.run)(seed, probe)),
        Unit::Seed(seed) => suite.swarm.as_ref().map(|swarm| (swarm.run)(seed, probe)),
    }));
    match result {
        Ok(Some(run)) => {
            let outcome = run.check.err().map_or(Outcome::Fine, Outcome::Broken);
            let Run { coverage, lessons, fingerprints, shrunk, .. } = run;
            Ok(Done { outcome, coverage, lessons, fingerprints, shrunk, extent: probe.take_extents().into_iter().reduce(Extent::and) })
        }
        Ok(None) => Err(format!("there is no {unit} in this exercise")),
        Err(payload) => Ok(Done {
            outcome: of_panic(suite, unit, probe, payload)?,
            coverage: Coverage::default(),
            lessons: Vec::new(),
            fingerprints: Vec::new(),
            shrunk: None,
            extent: None,
        }),
    }
}

fn of_panic(suite: &Suite, unit: Unit, probe: &Probe, payload: Box<dyn Any + Send>) -> Result<Outcome, String> {
    let in_learners_code = probe.pulse.load(std::sync::atomic::Ordering::Relaxed) & 1 == 1;
    probe.leave();
    let (message, too_many) = (text_of(&*payload), payload.is::<TooManyEffects>());
    // A learner may panic with any value, and its destructor may panic again: here, where nobody catches it.
    std::mem::forget(payload);
    if too_many {
        let seen = "one call of a handler recorded more than 10,000 effects: it loops, sending, saving or setting timers".to_owned();
        return Ok(Outcome::Broken(Broken::new(BOUNDED_WORK, seen)));
    }
    let mut seen = LAST_PANIC.with(|last| last.borrow_mut().take()).unwrap_or_else(|| {
        // Their code has put a hook of its own in the place of ours. The next time the line is known again.
        install_panic_hook();
        Panicked { rule: NO_CRASH, todo: is_todo(&message), message, file: String::new(), line: 0 }
    });
    // Destructors, and what is derived or written for `Debug`, `Clone`, `Hash` and `PartialEq`, run wherever values are used.
    if !in_learners_code && is_our_file(&seen.file) {
        return Err(format!("the judge panicked in {unit}: {} ({}:{})", seen.message, seen.file, seen.line));
    }
    if let Unit::Case(i) = unit {
        seen.rule = suite.cases[i].rule;
    }
    Ok(Outcome::Panicked(seen))
}

/// Whether a file belongs to the engine or to the judges beside it, or to the standard library, where nobody else was found to
/// have called it.
fn is_our_file(file: &str) -> bool {
    let root = file!().trim_end_matches("engine/src/harness/run.rs");
    is_foreign(file) || file.strip_prefix(root).is_some_and(|path| path.starts_with("engine/src/") || path.starts_with("src/"))
}

fn is_todo(message: &str) -> bool {
    message.starts_with("not yet implemented") || message.starts_with("not implemented")
}

/// What two runs of one seed disagree in: a sentence, and the step at which they part.
pub(super) type Difference = (String, Option<u64>);

/// Whether two runs of one seed differ: what to say, and the step at which they part.
pub(super) fn parted(a: &[u64], b: &[u64], first: &Outcome, second: &Outcome) -> Option<Difference> {
    if let Some(step) = a.iter().zip(b).position(|(x, y)| x != y) {
        let seen = format!("the same seed was run twice, and the two runs part at step {} of {}", step + 1, a.len());
        return Some((seen, Some(step as u64 + 1)));
    }
    if a.len() != b.len() {
        return Some((format!("the same seed was run twice: once it took {}, once {}", counted(a.len(), "step"), b.len()), None));
    }
    let text = |o: &Outcome| match o {
        Outcome::Fine => "every rule held".to_owned(),
        Outcome::Broken(b) => format!("{} was broken ({})", b.rule, b.seen),
        Outcome::Panicked(p) => format!("it panicked with `{}`", p.message),
    };
    // The cause is looked for in the run that is shown alone.
    let bare = |o: &Outcome| match o {
        Outcome::Broken(b) => Outcome::Broken(b.clone().because(None)),
        other => other.clone(),
    };
    (bare(first) != bare(second)).then(|| (format!("the same seed was run twice: once {}, once {}", text(first), text(second)), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learners_frame_is_found_below_those_of_the_library() {
        let text = "
   0: std::panicking::begin_panic
             at /rustc/abc/library/std/src/panicking.rs:1:2
   1: core::option::Option<T>::unwrap
             at /rustc/abc/library/core/src/option.rs:972:15
   2: <counter::Replica as splitbrain_engine::sim::node::Node<P>>::on_message
             at ./exercises/g_counter/g_counter.rs:41:9
   3: splitbrain_engine::sim::world::World<P>::call
             at ./src/sim/world.rs:1:1";
        assert_eq!(own_frame(text), Some(("exercises/g_counter/g_counter.rs".to_owned(), 41)));
    }
}
