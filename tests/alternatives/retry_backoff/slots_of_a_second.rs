//! A window of eleven slots of one second, as in Finagle's budget, and jitter over the upper three quarters of the ceiling.

use splitbrain::exercises::retry_backoff::{
    CallId, Config, Decision, Dice, Failure, Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

const SLOTS: usize = 11;
/// Deposits and withdrawals in tenths of a retry.
const RESERVE: i64 = 100;

struct Policy {
    config: Config,
    open: BTreeMap<CallId, (Request, u32)>,
    second: u64,
    balance: [i64; SLOTS],
}

impl Policy {
    fn slot(&mut self, now: Time) -> &mut i64 {
        let second = now.as_millis() / 1_000;
        // Whatever lies more than a window back is nothing.
        for passed in (self.second + 1..=second).rev().take(SLOTS) {
            self.balance[passed as usize % SLOTS] = 0;
        }
        self.second = second;
        &mut self.balance[second as usize % SLOTS]
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            config,
            open: BTreeMap::new(),
            second: 0,
            balance: [0; SLOTS],
        }
    }

    fn begin(&mut self, now: Time, call: CallId, request: Request) {
        *self.slot(now) += 1;
        self.open.insert(call, (request, 0));
    }

    fn succeeded(&mut self, _: Time, call: CallId) {
        self.open.remove(&call);
    }

    fn failed(
        &mut self,
        now: Time,
        call: CallId,
        failure: Failure,
        dice: &mut Dice<'_>,
    ) -> Decision {
        let mut ceiling = self.config.base;
        let Some((request, failures)) = self.open.get_mut(&call) else {
            return Decision::GiveUp;
        };
        for _ in 0..*failures {
            ceiling = (ceiling * 2).min(self.config.cap);
            if ceiling == self.config.cap {
                break;
            }
        }
        *failures = failures.saturating_add(1);
        let request = *request;
        let harmless = match failure {
            Failure::Unavailable | Failure::Overloaded { .. } => true,
            Failure::Timeout | Failure::ServerError => request.key.is_some() || request.idempotent,
            Failure::CallerError => false,
        };
        let mut at = now + ceiling / 4 + dice.up_to(ceiling * 3 / 4);
        if let Failure::Overloaded {
            retry_after: Some(span),
        } = failure
        {
            at = at.max(now + span);
        }
        let rich = {
            self.slot(now);
            RESERVE + self.balance.iter().sum::<i64>() >= 10
        };
        if harmless && rich && at < request.deadline {
            *self.slot(now) -= 10;
            Decision::Retry {
                at,
                key: request.key,
            }
        } else {
            self.open.remove(&call);
            Decision::GiveUp
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
