//! circuit_breaker: say in one sentence what is to be written. The problem is in README.md beside this file; the contract (go to definition)
//! in `splitbrain::exercises::circuit_breaker`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, judge};
use std::collections::{BTreeMap, BTreeSet};

struct Mine {
    // Your state.
}

impl CircuitBreaker for Mine {
    fn new() -> Self {
        todo!("an empty one")
    }

    fn add(&mut self, number: u64) {
        todo!("keep what is needed of it")
    }

    fn sum(&self) -> u64 {
        todo!("the sum")
    }

    fn count(&self) -> u64 {
        todo!("the number of calls")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Mine>)
}
