//! `circuit_breaker`: stop calling what fails, and find out with a few calls whether it is well again.
//!
//! The pattern is that of Nygard's *Release It!* and of the libraries after it (Hystrix, resilience4j, Polly, gobreaker). This page is the
//! contract; the problem is described in the exercise's README. There is no network: the hidden tests call a breaker directly and say what time it
//! is; then they put it between callers and servers that are simulated.

mod judge;

pub use judge::judge;

use crate::time::Time;
use std::time::Duration;

/// The numbers of a breaker, for all dependencies alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// For how long a result counts, from when it came. A multiple of ten microseconds.
    pub window: Duration,
    /// With fewer results than this in the window, it stays closed. At least 1.
    pub minimum: u32,
    /// It opens when this percentage of the results in the window, or more, are failures. From 1 to 100.
    pub failure_percent: u32,
    /// A success that took this long, or longer, is a failure.
    pub slow: Duration,
    /// How long it stays open.
    pub wait: Duration,
    /// How many calls go out when it is half-open, and must succeed to close it. At least 1.
    pub probes: u32,
    /// A probe without a result for this long is lost.
    pub lost_after: Duration,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was answered.
    Success,
    /// The dependency failed: an error, a refusal, no answer in time.
    Failure,
    /// The call was wrong (not found, not allowed, malformed): the dependency was right to refuse it.
    CallerError,
}

/// What a call that goes out takes along, and gives back with its result. You choose the number: it comes back as you gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A circuit breaker, with a circuit of its own for each dependency.
///
/// Time comes from outside, and never goes back from one call to the next. Each ticket is recorded at most once, with the dependency that it was
/// given for; some never are, because a caller can die.
pub trait CircuitBreaker: 'static {
    /// All circuits are closed.
    fn new(config: Config) -> Self
    where
        Self: Sized;

    /// May a call to this dependency go out now? Without a ticket it may not.
    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket>;

    /// The result of a call that went out has come now; `took` is how long it took.
    fn record(&mut self, now: Time, dependency: &str, ticket: Ticket, outcome: Outcome, took: Duration);
}
