//! retry_backoff: whether a call that failed is tried again, and when. The problem is in README.md beside this file; the contract (go to
//! definition) in `splitbrain::exercises::retry_backoff`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::retry_backoff::{
    BUDGET_LEAST, BUDGET_WINDOW, CALLS_FOR_A_RETRY, CallId, Config, Decision, Dice, Failure,
    Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

struct Policy {
    config: Config,
    // Your state.
}

/// Whether a repeat does no harm, and may help.
fn may_be_repeated(request: &Request, failure: Failure) -> bool {
    todo!("by what may have been done, and whether twice is like once")
}

impl Policy {
    /// The longest wait after this many failures.
    fn ceiling(&self, failures: u32) -> Duration {
        todo!("the base, doubled with each failure, up to the cap")
    }

    /// Takes a retry from the budget, if it has one.
    fn takes_from_budget(&mut self, now: Time) -> bool {
        todo!("BUDGET_LEAST in BUDGET_WINDOW, and one for each CALLS_FOR_A_RETRY calls")
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy { config }
    }

    fn begin(&mut self, now: Time, call: CallId, request: Request) {
        todo!("remember what is needed of it when it fails")
    }

    fn succeeded(&mut self, now: Time, call: CallId) {
        todo!("the call is over")
    }

    fn failed(
        &mut self,
        now: Time,
        call: CallId,
        failure: Failure,
        dice: &mut Dice<'_>,
    ) -> Decision {
        todo!("whether to try again, when, and with which key")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
