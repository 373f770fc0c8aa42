//! How much time a judging has left. Knows the clock, and nothing of what is judged.

#![allow(clippy::disallowed_methods, reason = "the time that the program gives is the clock's")]

use super::options::Options;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a judging must come to its end, so that its report is out before the process is killed. What its threads wait for a
/// core does not count, up to twice the time: what is found does not hang on what else the machine does. (The program that
/// ends the process reckons in the same way.)
#[derive(Clone)]
pub(super) struct Deadline {
    started: Instant,
    given: Option<Duration>,
    waited_micros: Arc<AtomicU64>,
}

impl Deadline {
    pub fn of(options: &Options, started: Instant) -> Deadline {
        Deadline { started, given: options.deadline_ms.map(Duration::from_millis), waited_micros: Arc::default() }
    }

    /// Says how long the thread has waited that waited the longest.
    pub fn waited(&self, waited: Duration) {
        self.waited_micros.fetch_max(waited.as_micros() as u64, Ordering::Relaxed);
    }

    /// No unit is begun any more; the rest is for the runs that are shown.
    pub fn ends(&self) -> bool {
        self.has_left(3_000, 4)
    }

    /// What there is is reported.
    pub fn is_up(&self) -> bool {
        self.has_left(1_000, 8)
    }

    /// Whether no more is left than so much, or that part of all.
    fn has_left(&self, most_ms: u64, part: u32) -> bool {
        self.given.is_some_and(|all| {
            let waited = Duration::from_micros(self.waited_micros.load(Ordering::Relaxed)).min(2 * all);
            self.started.elapsed().saturating_sub(waited) + (all / part).min(Duration::from_millis(most_ms)) >= all
        })
    }
}
