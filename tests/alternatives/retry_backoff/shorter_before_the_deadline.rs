//! One log of what happened, calls and retries in one queue; and where the ceiling lies beyond the deadline, a draw from what is left.

use splitbrain::exercises::retry_backoff::{
    BUDGET_LEAST, BUDGET_WINDOW, CALLS_FOR_A_RETRY, CallId, Config, Decision, Dice, Failure,
    Request, RetryPolicy, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(PartialEq)]
enum Noted {
    Call,
    Retry,
}

struct Policy {
    config: Config,
    log: VecDeque<(Time, Noted)>,
    /// Of what is in the log.
    calls: u32,
    retries: u32,
    open: BTreeMap<CallId, (Request, u8)>,
}

impl Policy {
    fn note(&mut self, now: Time, what: Noted) {
        match what {
            Noted::Call => self.calls += 1,
            Noted::Retry => self.retries += 1,
        }
        self.log.push_back((now, what));
        self.clean(now);
    }

    fn clean(&mut self, now: Time) {
        while let Some((at, what)) = self.log.front() {
            if *at + BUDGET_WINDOW > now {
                break;
            }
            match what {
                Noted::Call => self.calls -= 1,
                Noted::Retry => self.retries -= 1,
            }
            self.log.pop_front();
        }
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        Policy {
            config,
            log: VecDeque::new(),
            calls: 0,
            retries: 0,
            open: BTreeMap::new(),
        }
    }

    fn begin(&mut self, now: Time, call: CallId, request: Request) {
        self.note(now, Noted::Call);
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
        self.clean(now);
        let Some((request, doublings)) = self.open.remove(&call) else {
            return Decision::GiveUp;
        };
        let twice_is_once = request.idempotent || request.key.is_some();
        let earliest = match failure {
            Failure::CallerError => return Decision::GiveUp,
            Failure::Timeout | Failure::ServerError if !twice_is_once => return Decision::GiveUp,
            Failure::Overloaded { retry_after } => now + retry_after.unwrap_or_default(),
            _ => now,
        };
        if earliest >= request.deadline {
            return Decision::GiveUp;
        }
        if self.retries >= BUDGET_LEAST + self.calls / CALLS_FOR_A_RETRY {
            return Decision::GiveUp;
        }
        self.note(now, Noted::Retry);
        let ceiling = (self.config.base * (1 << doublings)).min(self.config.cap);
        let left = (request.deadline - earliest) - Duration::from_micros(1);
        let at = earliest + dice.up_to(ceiling.min(left));
        // At the cap there is nothing left to double.
        let doublings = if ceiling == self.config.cap {
            doublings
        } else {
            doublings + 1
        };
        self.open.insert(call, (request, doublings));
        Decision::Retry {
            at,
            key: request.key,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
