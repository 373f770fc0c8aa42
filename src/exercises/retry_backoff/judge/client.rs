//! A policy under test: its calls are on the tape, and each of its decisions is held to what the ghost knows.

use super::ghost::{Ghost, REST, REST_CALLS, span};
use crate::bench::Calls;
use crate::exercises::retry_backoff::{CallId, Config, Decision, Dice, Failure, Request, RetryPolicy};
use crate::rng::Rng;
use crate::rule::Broken;
use crate::time::{Time, millis};
use crate::words::shown;
use std::time::Duration;

/// Makes a learner's policy.
pub(super) type Make = fn(Config) -> Box<dyn RetryPolicy>;

/// An instant at which nobody is any more.
pub(super) const NEVER: Time = Time::from_micros(u64::MAX);

pub(super) struct Client {
    it: Box<dyn RetryPolicy>,
    pub calls: Calls,
    pub ghost: Ghost,
    pub now: Time,
    /// Of thousands of calls only what is wrong stays on the tape.
    pub is_quiet: bool,
}

impl Client {
    pub fn new(make: Make, config: Config, calls: Calls) -> Self {
        let text = || format!("new(Config {{ base: {}, cap: {} }})", span(config.base), span(config.cap));
        let it = calls.call(text, || make(config));
        Client { it, calls, ghost: Ghost::new(config), now: Time::ZERO, is_quiet: false }
    }

    /// One of a crowd.
    pub fn of_many(make: Make, config: Config, calls: &Calls) -> Self {
        let it = calls.ask_quietly(|| "new(…)".to_owned(), || make(config));
        Client { it, calls: calls.clone(), ghost: Ghost::new(config), now: Time::ZERO, is_quiet: true }
    }

    pub fn begin(&mut self, call: CallId, request: Request) {
        let (it, now) = (&mut self.it, self.now);
        let text = || format!("begin({now}, {call:?}, {request:?})");
        if self.is_quiet {
            self.calls.ask_quietly(text, || it.begin(now, call, request));
        } else {
            self.calls.call(text, || it.begin(now, call, request));
        }
        self.ghost.begins(now, call, request);
    }

    pub fn succeeds(&mut self, call: CallId) {
        let (it, now) = (&mut self.it, self.now);
        let text = || format!("succeeded({now}, {call:?})");
        if self.is_quiet {
            self.calls.ask_quietly(text, || it.succeeded(now, call));
        } else {
            self.calls.call(text, || it.succeeded(now, call));
        }
        self.ghost.succeeds(now, call);
    }

    /// A try fails. Gives the decision, if it may be so.
    pub fn fails(&mut self, call: CallId, failure: Failure, rng: &mut Rng) -> Result<Decision, Broken> {
        let (it, now) = (&mut self.it, self.now);
        let text = || format!("failed({now}, {call:?}, {failure:?})");
        let ask = || it.failed(now, call, failure, &mut Dice(rng));
        let decision =
            if self.is_quiet { self.calls.ask_quietly(text, ask) } else { self.calls.ask(text, ask, |decision| shown(decision)) };
        self.ghost.fails(now, call, failure, decision).map(|()| decision).inspect_err(|_| {
            if self.is_quiet {
                self.calls.caught(text, || shown(&decision));
            }
        })
    }

    /// A try of an open call fails, so long after it began.
    pub fn fails_after(&mut self, after: Duration, call: CallId, failure: Failure, rng: &mut Rng) -> Result<Decision, Broken> {
        self.comes_to(call, after);
        self.fails(call, failure, rng)
    }

    /// So long after the try of the call began, or now, if that is over already.
    pub fn comes_to(&mut self, call: CallId, after: Duration) {
        let ready = self.ghost.open.get(&call).map_or(self.now, |open| open.ready);
        self.now = self.now.max(ready + after);
    }

    /// Nothing fails for a while, and calls enough succeed: the least of the budget is there again.
    pub fn rests(&mut self) {
        let step = REST / REST_CALLS as u32 + millis(2);
        self.succeed_in_turn(REST_CALLS + 2, step);
    }

    /// So many calls begin and succeed, one after the other.
    pub fn succeed_in_turn(&mut self, calls: u64, step: Duration) {
        let (it, ghost, now) = (&mut self.it, &mut self.ghost, &mut self.now);
        let request = |now: Time| Request { idempotent: true, key: None, deadline: now + Duration::from_secs(1) };
        let free = (0..).map(|i| CallId(1_000_000 + i)).find(|id| !ghost.open.contains_key(id)).unwrap_or(CallId(u64::MAX));
        let from = *now;
        let text = || {
            format!("{calls} × begin and succeeded: a call begins each {} from {from} on, and succeeds 1 ms later, all {free:?}", span(step))
        };
        let all = || {
            for _ in 0..calls {
                *now = *now + step;
                it.begin(*now, free, request(*now));
                ghost.begins(*now, free, request(*now));
                let then = *now + millis(1);
                it.succeeded(then, free);
                ghost.succeeds(then, free);
            }
            *now = *now + millis(1);
        };
        if self.is_quiet {
            self.calls.ask_quietly(text, all);
        } else {
            self.calls.call(text, all);
        }
        self.calls.work(calls / 4);
    }
}

/// A read that may be repeated, and whose caller waits for ever.
pub(super) fn patient() -> Request {
    Request { idempotent: true, key: None, deadline: NEVER }
}

/// What must be a retry: how long it waits.
pub(super) fn wait_of(client: &Client, decision: Decision, rule: &'static str) -> Result<Duration, Broken> {
    match decision {
        Decision::Retry { at, .. } => Ok(at - client.now),
        Decision::GiveUp => Err(Broken::new(rule, format!("at {} a call was given up that had to be tried again", client.now))),
    }
}

