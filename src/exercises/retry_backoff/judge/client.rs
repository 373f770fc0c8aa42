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

    /// A line of the story, where the calls themselves are too many to be shown.
    pub fn tells(&self, story: impl FnOnce() -> String) {
        self.calls.call(story, || ());
    }

    pub fn begin(&mut self, call: CallId, request: Request) {
        let (it, now) = (&mut self.it, self.now);
        let text = || format!("begin({now}, {call:?}, {request:?})");
        made(&self.calls, self.is_quiet, text, || it.begin(now, call, request));
        self.ghost.begins(now, call, request);
    }

    pub fn succeeds(&mut self, call: CallId) {
        let (it, now) = (&mut self.it, self.now);
        let text = || format!("succeeded({now}, {call:?})");
        made(&self.calls, self.is_quiet, text, || it.succeeded(now, call));
        self.ghost.succeeds(now, call);
    }

    /// A try fails. Gives the decision, if it may be so.
    pub fn fails(&mut self, call: CallId, failure: Failure, rng: &mut Rng) -> Result<Decision, Broken> {
        let (it, now) = (&mut self.it, self.now);
        let text = || format!("failed({now}, {call:?}, {failure:?})");
        let ask = || it.failed(now, call, failure, &mut Dice(rng));
        let decision = if self.is_quiet { self.calls.ask_quietly(text, ask) } else { self.calls.ask(text, ask, shown) };
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
        self.succeed_in_turn(REST_CALLS + 2, step, self.free(1_000_000), Request { deadline: Time::ZERO, ..patient() });
    }

    /// The first id from there on of which no call is open.
    pub fn free(&self, from: u64) -> CallId {
        let mut all = (from..u64::MAX).chain(0..from).map(CallId);
        all.find(|id| !self.ghost.open.contains_key(id)).unwrap_or(CallId(u64::MAX))
    }

    /// So many calls begin and succeed, one after the other, all of one id; each has a deadline of a second.
    pub fn succeed_in_turn(&mut self, calls: u64, step: Duration, id: CallId, request: Request) {
        let (it, ghost, now) = (&mut self.it, &mut self.ghost, &mut self.now);
        let from = *now;
        let text = || {
            let each = format!("begin(…, {id:?}, idempotent: {}, key: {:?}) and succeeded", request.idempotent, request.key);
            format!("{calls} × {each}, one each {} from {from} on", span(step))
        };
        let all = || {
            for _ in 0..calls {
                *now = *now + step;
                let request = Request { deadline: *now + Duration::from_secs(1), ..request };
                it.begin(*now, id, request);
                ghost.begins(*now, id, request);
                let then = *now + Duration::from_micros(50);
                it.succeeded(then, id);
                ghost.succeeds(then, id);
            }
            *now = *now + Duration::from_micros(50);
        };
        made(&self.calls, self.is_quiet, text, all);
        self.calls.work(calls / 4);
    }
}

/// A call that changes something, on the tape or not.
fn made(calls: &Calls, is_quiet: bool, text: impl FnOnce() -> String, call: impl FnOnce()) {
    if is_quiet { calls.ask_quietly(text, call) } else { calls.call(text, call) }
}

/// A read that may be repeated, and whose caller waits for an hour of the clock.
pub(super) fn patient() -> Request {
    Request { idempotent: true, key: None, deadline: Time::from_millis(3_600_000) }
}

/// One whose caller waits for ever.
pub(super) fn endless() -> Request {
    Request { deadline: NEVER, ..patient() }
}

/// What must be a retry: how long it waits.
pub(super) fn wait_of(client: &Client, decision: Decision, rule: &'static str) -> Result<Duration, Broken> {
    match decision {
        Decision::Retry { at, .. } => Ok(at - client.now),
        Decision::GiveUp => Err(Broken::new(rule, format!("at {} a call was given up, but it had to be tried again", client.now))),
    }
}
