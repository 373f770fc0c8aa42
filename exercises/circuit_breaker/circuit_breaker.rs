//! circuit_breaker: stop calling what fails, and find out with a few calls whether it is well again. The problem is in README.md beside this
//! file; the contract (go to definition) in `splitbrain::exercises::circuit_breaker`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

struct Breaker {
    config: Config,
    // Your state, for each dependency.
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        todo!("all circuits are closed")
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        todo!(
            "closed: a ticket; open: none, until the wait is over; half-open: as many as there may be probes"
        )
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        todo!(
            "a failure, a success, or none of the two? Did its call begin in the state that is now?"
        )
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
