//! Seconds in floating point, where two to any power overflows to infinity and is capped; and a bucket of tokens that successes fill.

use splitbrain::exercises::retry_backoff::{
    CallId, Config, Decision, Dice, Failure, Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

struct Policy {
    base: f64,
    cap: f64,
    tokens: f64,
    calls: BTreeMap<CallId, (Request, i32)>,
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            base: config.base.as_secs_f64(),
            cap: config.cap.as_secs_f64(),
            tokens: 10.0,
            calls: BTreeMap::new(),
        }
    }

    fn begin(&mut self, _: Time, call: CallId, request: Request) {
        self.calls.insert(call, (request, 0));
    }

    fn succeeded(&mut self, _: Time, call: CallId) {
        self.tokens = (self.tokens + 0.1).min(10.0);
        self.calls.remove(&call);
    }

    fn failed(
        &mut self,
        now: Time,
        call: CallId,
        failure: Failure,
        dice: &mut Dice<'_>,
    ) -> Decision {
        let Some((request, failures)) = self.calls.get_mut(&call) else {
            return Decision::GiveUp;
        };
        let ceiling = (self.base * 2f64.powi(*failures)).min(self.cap);
        *failures += 1;
        let (request, random) = (*request, dice.below(1 << 30) as f64 / (1u64 << 30) as f64);
        // Rounded down, so that no wait is longer than the ceiling.
        let wait = Duration::from_micros((ceiling * random * 1e6) as u64);
        let (may, asked) = match failure {
            Failure::Timeout | Failure::ServerError => {
                (request.idempotent || request.key.is_some(), None)
            }
            Failure::Unavailable => (true, None),
            Failure::Overloaded { retry_after } => (true, retry_after),
            Failure::CallerError => (false, None),
        };
        let at = now + asked.unwrap_or_default() + wait;
        // Ten times a tenth is a little less than one.
        if may && at < request.deadline && self.tokens > 0.999 {
            self.tokens -= 1.0;
            return Decision::Retry {
                at,
                key: request.key,
            };
        }
        self.calls.remove(&call);
        Decision::GiveUp
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
