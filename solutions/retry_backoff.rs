//! The reference: full jitter under a ceiling that doubles, and a budget that looks back over one window.

use splitbrain::exercises::retry_backoff::{
    BUDGET_LEAST, BUDGET_WINDOW, CALLS_FOR_A_RETRY, CallId, Config, Decision, Dice, Failure,
    Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

struct Policy {
    config: Config,
    calls: BTreeMap<CallId, Call>,
    /// When calls began and retries were granted, of the last window. The budget is the client's, not a call's: a thousand calls
    /// with three tries each are a retry storm, though each of them is modest.
    begun: VecDeque<Time>,
    granted: VecDeque<Time>,
}

struct Call {
    request: Request,
    failures: u32,
}

/// Whether to do it again does no harm, and may help.
fn may_be_repeated(request: &Request, failure: Failure) -> bool {
    match failure {
        // It may have been done: twice must be like once.
        Failure::Timeout | Failure::ServerError => request.idempotent || request.key.is_some(),
        // Nothing was done.
        Failure::Unavailable | Failure::Overloaded { .. } => true,
        Failure::CallerError => false,
    }
}

impl Policy {
    /// The longest wait after so many failures: doubled each time, without an overflow, until the cap holds it.
    fn ceiling(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures - 1);
        self.config
            .base
            .saturating_mul(doubled)
            .min(self.config.cap)
    }

    /// What is older than the window does not count any more.
    fn forgets(&mut self, now: Time) {
        for times in [&mut self.begun, &mut self.granted] {
            while times
                .front()
                .is_some_and(|time| now - *time >= BUDGET_WINDOW)
            {
                times.pop_front();
            }
        }
    }

    /// Takes a retry from the budget, if it has one.
    fn takes_from_budget(&mut self, now: Time) -> bool {
        self.forgets(now);
        let earned = self.begun.len() / CALLS_FOR_A_RETRY as usize;
        let is_left = self.granted.len() < BUDGET_LEAST as usize + earned;
        if is_left {
            self.granted.push_back(now);
        }
        is_left
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            config,
            calls: BTreeMap::new(),
            begun: VecDeque::new(),
            granted: VecDeque::new(),
        }
    }

    fn begin(&mut self, now: Time, call: CallId, request: Request) {
        self.forgets(now);
        self.begun.push_back(now);
        let failures = 0;
        self.calls.insert(call, Call { request, failures });
    }

    fn succeeded(&mut self, _: Time, call: CallId) {
        self.calls.remove(&call);
    }

    fn failed(&mut self, now: Time, id: CallId, failure: Failure, dice: &mut Dice<'_>) -> Decision {
        let Some(mut call) = self.calls.remove(&id) else {
            return Decision::GiveUp;
        };
        call.failures += 1;
        let request = call.request;
        let not_before = match failure {
            Failure::Overloaded { retry_after } => now + retry_after.unwrap_or_default(),
            _ => now,
        };
        // Chance comes on top of what the service asks for: else all that it turned away come back in one instant.
        let at = not_before + dice.up_to(self.ceiling(call.failures));
        // The budget comes last, as a retry that is not made must not cost one.
        let again = may_be_repeated(&request, failure)
            && at < request.deadline
            && self.takes_from_budget(now);
        if !again {
            return Decision::GiveUp;
        }
        self.calls.insert(id, call);
        Decision::Retry {
            at,
            key: request.key,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
