//! Whom each caller asks before an attempt and after it.

use super::{Call, Outcome};
use crate::rule::Check;

/// What all callers share: one circuit breaker, one budget of retries.
pub(crate) trait Policy {
    /// What an attempt that goes out takes along, to be given back with its outcome.
    type Ticket;

    /// May an attempt of this call go out now? `None` holds it back.
    fn may(&mut self, now_us: u64, call: &Call) -> Option<Self::Ticket>;

    /// What became of an attempt that went out, so long after it did. Nothing is said of those whose caller died.
    fn came(&mut self, now_us: u64, call: &Call, ticket: Self::Ticket, outcome: Outcome, took_us: u64);

    /// In how many microseconds the call is tried again, after an attempt that was no success; `None` gives it up.
    fn again(&mut self, now_us: u64, call: &Call, outcome: Outcome) -> Option<u64>;

    /// Whether it is still right: asked after each event, and an error ends the run.
    fn check(&mut self) -> Check {
        Ok(())
    }
}

/// No policy at all: everything goes out, and what fails is tried again at once, so many times in all, until the deadline.
#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub attempts: u32,
}

impl Naive {
    /// When a caller that knows no better tries again.
    pub fn again(&self, now_us: u64, call: &Call, outcome: Outcome) -> Option<u64> {
        let tries = call.attempts < self.attempts && now_us < call.deadline_us;
        (tries && !matches!(outcome, Outcome::Mistake | Outcome::Rejected)).then_some(0)
    }
}

impl Policy for Naive {
    type Ticket = ();

    fn may(&mut self, _: u64, _: &Call) -> Option<()> {
        Some(())
    }

    fn came(&mut self, _: u64, _: &Call, (): (), _: Outcome, _: u64) {}

    fn again(&mut self, now_us: u64, call: &Call, outcome: Outcome) -> Option<u64> {
        Naive::again(self, now_us, call, outcome)
    }
}
