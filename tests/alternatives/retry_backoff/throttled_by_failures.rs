//! Retry throttling as in gRPC: a failure takes a token, a success brings a tenth of one, and below half of the bucket nothing is tried again.
//! Doubling in steps, without a table or a power.

use splitbrain::exercises::retry_backoff::{
    CallId, Config, Decision, Dice, Failure, Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

const MOST: u32 = 220;

struct Call {
    request: Request,
    ceiling: Duration,
}

struct Policy {
    config: Config,
    /// In tenths.
    tokens: u32,
    calls: BTreeMap<CallId, Call>,
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        let calls = BTreeMap::new();
        Policy {
            config,
            tokens: MOST,
            calls,
        }
    }

    fn begin(&mut self, _: Time, call: CallId, request: Request) {
        let ceiling = self.config.base;
        self.calls.insert(call, Call { request, ceiling });
    }

    fn succeeded(&mut self, _: Time, call: CallId) {
        self.tokens = MOST.min(self.tokens + 1);
        self.calls.remove(&call);
    }

    fn failed(&mut self, now: Time, id: CallId, failure: Failure, dice: &mut Dice<'_>) -> Decision {
        let Some(call) = self.calls.remove(&id) else {
            return Decision::GiveUp;
        };
        let Call { request, ceiling } = call;
        if failure == Failure::CallerError {
            return Decision::GiveUp;
        }
        self.tokens = self.tokens.saturating_sub(10);
        let done_perhaps = matches!(failure, Failure::Timeout | Failure::ServerError);
        if done_perhaps && !request.idempotent && request.key.is_none() {
            return Decision::GiveUp;
        }
        if self.tokens <= MOST / 2 {
            return Decision::GiveUp;
        }
        let wait = match failure {
            // What the service says is what is done.
            Failure::Overloaded {
                retry_after: Some(span),
            } => span,
            _ => dice.up_to(ceiling),
        };
        let at = now + wait;
        if at >= request.deadline {
            return Decision::GiveUp;
        }
        let ceiling = ceiling.saturating_mul(2).min(self.config.cap);
        self.calls.insert(id, Call { request, ceiling });
        Decision::Retry {
            at,
            key: request.key,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
