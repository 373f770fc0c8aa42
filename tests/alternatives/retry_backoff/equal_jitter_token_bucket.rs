//! Equal jitter (half of the wait is certain), and a token bucket in tenths that every call fills.

use splitbrain::exercises::retry_backoff::{
    CallId, Config, Decision, Dice, Failure, Key, Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

/// A retry costs ten, a call brings one.
const COST: u32 = 10;
const FULL: u32 = 100;

struct Policy {
    base_us: u64,
    cap_us: u64,
    tokens: u32,
    calls: BTreeMap<CallId, State>,
}

struct State {
    key: Option<Key>,
    deadline: Time,
    is_safe: bool,
    /// The ceiling of the next wait.
    next_us: u64,
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            base_us: config.base.as_micros() as u64,
            cap_us: config.cap.as_micros() as u64,
            tokens: FULL,
            calls: BTreeMap::new(),
        }
    }

    fn begin(&mut self, _: Time, call: CallId, request: Request) {
        self.tokens = FULL.min(self.tokens + 1);
        let state = State {
            key: request.key,
            deadline: request.deadline,
            is_safe: request.idempotent || request.key.is_some(),
            next_us: self.base_us,
        };
        self.calls.insert(call, state);
    }

    fn succeeded(&mut self, _: Time, call: CallId) {
        self.calls.remove(&call);
    }

    fn failed(
        &mut self,
        now: Time,
        call: CallId,
        failure: Failure,
        dice: &mut Dice<'_>,
    ) -> Decision {
        let Some(state) = self.calls.get_mut(&call) else {
            return Decision::GiveUp;
        };
        let ceiling = state.next_us;
        state.next_us = (ceiling * 2).min(self.cap_us);
        let mut wait = Duration::from_micros(ceiling / 2 + dice.below(ceiling / 2 + 1));
        let again = match failure {
            Failure::Timeout | Failure::ServerError => state.is_safe,
            Failure::Unavailable => true,
            Failure::Overloaded { retry_after } => {
                // Whichever is longer.
                wait = wait.max(retry_after.unwrap_or_default());
                true
            }
            Failure::CallerError => false,
        };
        let at = now + wait;
        if !again || at >= state.deadline || self.tokens < COST {
            self.calls.remove(&call);
            return Decision::GiveUp;
        }
        self.tokens -= COST;
        Decision::Retry { at, key: state.key }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
