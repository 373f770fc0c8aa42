//! A token bucket as cloud SDKs have it: a retry costs ten, after a timeout twenty, and each success brings one. Whether a failure may be repeated
//! is decided by a table of classes.

use splitbrain::exercises::retry_backoff::{
    CallId, Config, Decision, Dice, Failure, Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Transient,
    Throttling(Option<Duration>),
    Ambiguous,
    Final,
}

fn class(failure: Failure) -> Class {
    match failure {
        Failure::Unavailable => Class::Transient,
        Failure::Overloaded { retry_after } => Class::Throttling(retry_after),
        Failure::Timeout | Failure::ServerError => Class::Ambiguous,
        Failure::CallerError => Class::Final,
    }
}

struct Bucket {
    capacity: u32,
    available: u32,
}

impl Bucket {
    fn take(&mut self, cost: u32) -> bool {
        let has = self.available >= cost;
        self.available -= if has { cost } else { 0 };
        has
    }

    fn give(&mut self, amount: u32) {
        self.available = (self.available + amount).min(self.capacity);
    }
}

struct Policy {
    base: Duration,
    max_backoff: Duration,
    bucket: Bucket,
    attempts: BTreeMap<CallId, (Request, u32)>,
}

impl Policy {
    fn backoff(&self, retry: u32, dice: &mut Dice<'_>) -> Duration {
        // From 2^31 on every ceiling is the longest: a day has less than 2^27 milliseconds.
        let factor = 1u32 << retry.min(31);
        let ceiling = self
            .base
            .checked_mul(factor)
            .map_or(self.max_backoff, |span| span.min(self.max_backoff));
        dice.up_to(ceiling)
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            base: config.base,
            max_backoff: config.cap,
            bucket: Bucket {
                capacity: 200,
                available: 200,
            },
            attempts: BTreeMap::new(),
        }
    }

    fn begin(&mut self, _: Time, call: CallId, request: Request) {
        self.attempts.insert(call, (request, 0));
    }

    fn succeeded(&mut self, _: Time, call: CallId) {
        if self.attempts.remove(&call).is_some() {
            self.bucket.give(1);
        }
    }

    fn failed(
        &mut self,
        now: Time,
        call: CallId,
        failure: Failure,
        dice: &mut Dice<'_>,
    ) -> Decision {
        let Some((request, retries)) = self.attempts.remove(&call) else {
            return Decision::GiveUp;
        };
        let class = class(failure);
        let may = match class {
            Class::Transient | Class::Throttling(_) => true,
            Class::Ambiguous => request.idempotent || request.key.is_some(),
            Class::Final => false,
        };
        if !may {
            return Decision::GiveUp;
        }
        let wait = self.backoff(retries, dice);
        let at = match class {
            Class::Throttling(Some(asked)) => now + asked.max(wait),
            _ => now + wait,
        };
        if request.deadline <= at {
            return Decision::GiveUp;
        }
        let cost = if failure == Failure::Timeout { 20 } else { 10 };
        if !self.bucket.take(cost) {
            return Decision::GiveUp;
        }
        self.attempts.insert(call, (request, retries + 1));
        Decision::Retry {
            at,
            key: request.key,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
