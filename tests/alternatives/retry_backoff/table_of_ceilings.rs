//! All ceilings computed beforehand, whole milliseconds, and a budget in six slots of two seconds.

use splitbrain::exercises::retry_backoff::{
    BUDGET_LEAST, CALLS_FOR_A_RETRY, CallId, Config, Decision, Dice, Failure, Request, RetryPolicy,
    judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

struct Policy {
    /// In milliseconds; the last one is for all that come after it.
    ceilings: Vec<u64>,
    open: BTreeMap<CallId, (Request, usize)>,
    /// The number of a slot, and the calls and retries in it; the newest last.
    slots: Vec<(u64, u32, u32)>,
}

impl Policy {
    fn slot(&mut self, now: Time) -> &mut (u64, u32, u32) {
        let number = now.as_millis() / 2_000;
        self.slots.retain(|slot| slot.0 + 5 >= number);
        if self.slots.last().is_none_or(|slot| slot.0 != number) {
            self.slots.push((number, 0, 0));
        }
        self.slots.last_mut().expect("was pushed")
    }
}

impl RetryPolicy for Policy {
    fn new(config: Config) -> Self {
        let cap = config.cap.as_millis() as u64;
        let mut ceilings = vec![(config.base.as_millis() as u64).min(cap)];
        while ceilings[ceilings.len() - 1] < cap {
            let longest = ceilings[ceilings.len() - 1];
            ceilings.push((longest * 2).min(cap));
        }
        Policy {
            ceilings,
            open: BTreeMap::new(),
            slots: Vec::new(),
        }
    }

    fn begin(&mut self, now: Time, call: CallId, request: Request) {
        self.slot(now).1 += 1;
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
        let Some((request, failures)) = self.open.remove(&call) else {
            return Decision::GiveUp;
        };
        let safe = request.idempotent || request.key.is_some();
        let (may, asked) = match failure {
            Failure::CallerError => (false, Duration::ZERO),
            Failure::Timeout | Failure::ServerError => (safe, Duration::ZERO),
            Failure::Unavailable => (true, Duration::ZERO),
            Failure::Overloaded { retry_after } => (true, retry_after.unwrap_or(Duration::ZERO)),
        };
        let ceiling = self.ceilings[failures.min(self.ceilings.len() - 1)];
        let at = now + asked + millis(dice.below(ceiling + 1));
        self.slot(now);
        let calls: u32 = self.slots.iter().map(|slot| slot.1).sum();
        let retries: u32 = self.slots.iter().map(|slot| slot.2).sum();
        let most = BUDGET_LEAST + calls / CALLS_FOR_A_RETRY;
        if may && at < request.deadline && retries < most {
            self.slot(now).2 += 1;
            self.open.insert(call, (request, failures + 1));
            let key = request.key;
            return Decision::Retry { at, key };
        }
        Decision::GiveUp
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Policy>)
}
