//! `circuit_breaker`: say in one sentence what the learner writes.
//!
//! Name the source here. This page is the contract; the problem is told in the exercise's README. There is no network: the learner's
//! code is called directly.

mod judge;

pub use judge::judge;

/// What the learner writes.
pub trait CircuitBreaker: 'static {
    /// An empty one.
    fn new() -> Self
    where
        Self: Sized;

    /// Adds a number.
    fn add(&mut self, number: u64);

    /// The sum of all that was added.
    fn sum(&self) -> u64;

    /// How many were added.
    fn count(&self) -> u64;
}
