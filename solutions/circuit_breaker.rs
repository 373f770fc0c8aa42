//! The reference: say what the idea is.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, judge};

struct Mine {
    sum: u64,
    count: u64,
}

impl CircuitBreaker for Mine {
    fn new() -> Self {
        Mine { sum: 0, count: 0 }
    }

    fn add(&mut self, number: u64) {
        self.sum += number;
        self.count += 1;
    }

    fn sum(&self) -> u64 {
        self.sum
    }

    fn count(&self) -> u64 {
        self.count
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Mine>)
}
