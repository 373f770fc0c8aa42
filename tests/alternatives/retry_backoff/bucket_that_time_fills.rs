//! A bucket of ten that time fills, one a second, and a tenth comes with each call that begins. Calls stand in a list; in 128 bits
//! nothing overflows that is capped in time.

use splitbrain::exercises::retry_backoff::{
    CallId, Config, Decision, Dice, Failure, Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;

const FULL_US: u64 = 10_000_000;

struct Policy {
    config: Config,
    /// A retry is a second of this.
    saved_us: u64,
    seen: Time,
    calls: Vec<Call>,
}

struct Call {
    id: CallId,
    request: Request,
    tries: u128,
}

impl Policy {
    fn fills(&mut self, now: Time) {
        self.saved_us = FULL_US.min(self.saved_us + (now - self.seen).as_micros() as u64);
        self.seen = now;
    }

    fn take_out(&mut self, id: CallId) -> Option<Call> {
        let at = self.calls.iter().position(|call| call.id == id)?;
        Some(self.calls.swap_remove(at))
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            config,
            saved_us: FULL_US,
            seen: Time::ZERO,
            calls: vec![],
        }
    }

    fn begin(&mut self, now: Time, id: CallId, request: Request) {
        self.fills(now);
        self.saved_us = FULL_US.min(self.saved_us + 100_000);
        let tries = 1;
        self.calls.push(Call { id, request, tries });
    }

    fn succeeded(&mut self, _: Time, id: CallId) {
        self.take_out(id);
    }

    fn failed(&mut self, now: Time, id: CallId, failure: Failure, dice: &mut Dice<'_>) -> Decision {
        self.fills(now);
        let Some(mut call) = self.take_out(id) else {
            return Decision::GiveUp;
        };
        let doubled = self.config.base.as_micros() << (call.tries - 1).min(64);
        let ceiling = doubled.min(self.config.cap.as_micros()) as u64;
        call.tries += 1;
        // The lower third is certain.
        let sure = ceiling / 3;
        let mut at = now + Duration::from_micros(sure + dice.below(ceiling - sure + 1));
        let nothing_was_done = match failure {
            Failure::CallerError => return Decision::GiveUp,
            Failure::Overloaded { retry_after } => {
                at = at.max(now + retry_after.unwrap_or_default());
                true
            }
            Failure::Unavailable => true,
            Failure::Timeout | Failure::ServerError => false,
        };
        let Request {
            idempotent,
            key,
            deadline,
        } = call.request;
        let may = nothing_was_done || idempotent || key.is_some();
        if may && at < deadline && self.saved_us >= 1_000_000 {
            self.saved_us -= 1_000_000;
            self.calls.push(call);
            Decision::Retry { at, key }
        } else {
            Decision::GiveUp
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
