//! What is known of a policy from outside: the calls that are open, what the budget allows at most, and what it owes at least. Each decision
//! is held to that. Whatever the dice gave, this must hold; what only many decisions tell is in `crowd`.

use super::{BUDGET, DEADLINE, DOUBLES, KEY, NO_OVERFLOW, ONLY, RESETS, RETRY_AFTER};
use crate::exercises::retry_backoff::{BUDGET_LEAST, CALLS_FOR_A_RETRY, CallId, Config, Decision, Failure, Request};
use crate::rule::{Broken, Check};
use crate::time::Time;
use crate::words::counted;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The budget is judged with room for windows that move in steps, or do not move, and for buckets that time fills: at most so many retries
/// in this span...
const SPAN: Duration = Duration::from_secs(8);
const MOST: usize = 2 * BUDGET_LEAST as usize;
/// ...and one for so many calls that began or succeeded in this one.
const SPAN_OF_CALLS: Duration = Duration::from_secs(12);
/// What is longer may be understood as for ever.
const FOR_EVER: Duration = Duration::from_secs(1_000 * 365 * 24 * 3600);
/// After so long without a failure, with so many calls that began and succeeded meanwhile, the least is there again, in a window and in a bucket.
pub(super) const REST: Duration = Duration::from_secs(12);
pub(super) const REST_CALLS: u64 = 250;

/// From so many failures on what goes wrong has to do with their number.
pub(super) const MANY: u32 = 24;

/// A call that is open, or was.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub request: Request,
    begun: Time,
    pub failures: u32,
    /// When its try began, or begins.
    pub ready: Time,
}

pub(super) struct Ghost {
    pub config: Config,
    pub open: BTreeMap<CallId, Open>,
    /// The last call of that id that is over, with the failures of all before it.
    past: BTreeMap<CallId, Open>,
    /// So many retries are left of the least, even in a budget that counts failures.
    owed: u32,
    /// Since when nothing failed, and how many calls have begun and succeeded since.
    quiet: (Time, u64),
    /// Whether there was nothing left at some time.
    was_spent: bool,
    granted: VecDeque<Time>,
    begun: VecDeque<Time>,
    /// Successes, and when these calls had begun.
    succeeded: VecDeque<(Time, Time)>,
}

impl Ghost {
    pub fn new(config: Config) -> Self {
        let (open, past, owed, quiet) = (BTreeMap::new(), BTreeMap::new(), BUDGET_LEAST, (Time::ZERO, 0));
        let was_spent = false;
        Ghost { config, open, past, owed, quiet, was_spent, granted: VecDeque::new(), begun: VecDeque::new(), succeeded: VecDeque::new() }
    }

    /// The longest wait after so many failures of a call.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let mut ceiling = self.config.base;
        for _ in 1..failures {
            if ceiling >= self.config.cap {
                break;
            }
            ceiling = ceiling.saturating_mul(2);
        }
        ceiling.min(self.config.cap)
    }

    /// Whether an earlier call had that id.
    pub fn was(&self, call: CallId) -> bool {
        self.past.contains_key(&call)
    }

    /// How many retries are owed at least.
    pub fn owed(&self) -> u32 {
        self.owed
    }

    pub fn begins(&mut self, now: Time, call: CallId, request: Request) {
        self.begun.push_back(now);
        self.open.insert(call, Open { request, begun: now, failures: 0, ready: now });
    }

    pub fn succeeds(&mut self, now: Time, call: CallId) {
        let Some(open) = self.open.remove(&call) else { return };
        self.succeeded.push_back((now, open.begun));
        self.is_over(call, open);
        self.quiet.1 += u64::from(open.begun > self.quiet.0);
        if self.quiet.1 >= REST_CALLS && now - self.quiet.0 >= REST {
            self.owed = BUDGET_LEAST;
        }
    }

    fn is_over(&mut self, call: CallId, open: Open) {
        let failures = self.past.get(&call).map_or(0, |past| past.failures) + open.failures;
        self.past.insert(call, Open { failures, ..open });
    }

    /// A try failed, and this was decided.
    pub fn fails(&mut self, now: Time, call: CallId, failure: Failure, decision: Decision) -> Check {
        let Some(mut open) = self.open.remove(&call) else { return Ok(()) };
        open.failures += 1;
        let owed = self.owed;
        self.owed -= u32::from(owed > 0 && failure != Failure::CallerError);
        self.was_spent |= self.owed == 0;
        self.quiet = (now, 0);
        let past = self.past.get(&call).copied();
        match decision {
            Decision::GiveUp => {
                self.is_over(call, open);
                self.gives_up(now, call, failure, open, owed, past)
            }
            Decision::Retry { at, key } => {
                open.ready = at;
                self.retries(now, call, failure, open, at, past)?;
                if key != open.request.key {
                    let (sent, given) = (keyed(key), keyed(open.request.key));
                    return Err(Broken::new(KEY, format!("{call:?} is tried again with {sent}, but its caller had given it {given}")));
                }
                self.open.insert(call, open);
                self.within_budget(now)
            }
        }
    }

    fn retries(&self, now: Time, call: CallId, failure: Failure, open: Open, at: Time, past: Option<Open>) -> Check {
        let request = open.request;
        if !may_be_repeated(&request, failure) {
            let why = if failure == Failure::CallerError {
                "the same request is wrong again".to_owned()
            } else {
                format!("after {failure:?} it may have been done, is not idempotent, and has no key: it may be done twice")
            };
            return Err(Broken::new(ONLY, format!("{call:?} is tried again, but {why}")));
        }
        if at < now {
            return Err(Broken::new(DOUBLES, format!("{call:?} failed at {now}, but is to be tried again before that, at {at}")));
        }
        let asked = retry_after(failure);
        if at < now + asked {
            let seen = format!(
                "the service wants {call:?} again no sooner than {} after {now}, but it is tried again at {at}, {} too soon",
                span(asked),
                span((now + asked) - at)
            );
            return Err(Broken::new(RETRY_AFTER, seen));
        }
        if at >= request.deadline {
            let seen = format!("{call:?} is to be tried again at {at}, but its deadline is {}: nobody waits for it then", request.deadline);
            return Err(Broken::new(DEADLINE, seen));
        }
        let (ceiling, wait) = (self.ceiling(open.failures), at - (now + asked));
        if wait <= ceiling {
            return Ok(());
        }
        let beyond = if asked.is_zero() { String::new() } else { format!(" beyond the {} that the service wants", span(asked)) };
        let seen = format!(
            "{} of {call:?}: it may wait {} at most{beyond}, but is to wait {}",
            nth_failure(open.failures),
            span(ceiling),
            span(wait)
        );
        match past.filter(|past| wait <= self.ceiling(open.failures + past.failures)) {
            Some(past) => {
                let earlier = counted(past.failures, "failure");
                Err(Broken::new(RESETS, format!("{seen}, as if the {earlier} of earlier calls of that id still counted")))
            }
            None => Err(Broken::new(if open.failures >= MANY { NO_OVERFLOW } else { DOUBLES }, seen)),
        }
    }

    /// It may give up where a wait could end too late, where the budget may be spent, and where it must.
    fn gives_up(&self, now: Time, call: CallId, failure: Failure, open: Open, owed: u32, past: Option<Open>) -> Check {
        let latest = |failures| now + retry_after(failure) + self.ceiling(failures);
        // Who is told to stay away for a thousand years may take it that the service means for ever.
        if retry_after(failure) > FOR_EVER {
            return Ok(());
        }
        if !may_be_repeated(&open.request, failure) || owed == 0 || latest(open.failures) >= open.request.deadline {
            return Ok(());
        }
        let why = format!(
            "{call:?} was given up at its {}, {failure:?}: it may be repeated, the longest wait ends at {}, its deadline is {}, and of the {BUDGET_LEAST} retries that there are in any case, {owed} must be left in the budget",
            nth_failure(open.failures),
            latest(open.failures),
            open.request.deadline
        );
        let of_the_past = |past: Open| {
            latest(open.failures + past.failures) >= open.request.deadline
                || past.request.deadline < open.request.deadline && latest(open.failures) >= past.request.deadline
                || !may_be_repeated(&past.request, failure)
        };
        // What explains it: a budget that may seem to be spent, or what is left of earlier calls.
        let rule = match past {
            _ if open.failures >= MANY => NO_OVERFLOW,
            _ if self.was_spent || owed <= 2 => BUDGET,
            Some(past) if of_the_past(past) => RESETS,
            _ if open.failures == 1 && owed < BUDGET_LEAST => BUDGET,
            _ => ONLY,
        };
        Err(Broken::new(rule, why))
    }

    fn within_budget(&mut self, now: Time) -> Check {
        self.granted.push_back(now);
        drop_old(&mut self.granted, |time| now - *time >= SPAN);
        drop_old(&mut self.begun, |time| now - *time >= SPAN_OF_CALLS);
        drop_old(&mut self.succeeded, |(time, _)| now - *time >= SPAN_OF_CALLS);
        let earlier = self.succeeded.iter().filter(|(_, begun)| now - *begun >= SPAN_OF_CALLS).count();
        let (retries, calls) = (self.granted.len(), self.begun.len() + earlier);
        let most = MOST + calls / CALLS_FOR_A_RETRY as usize;
        if retries <= most {
            return Ok(());
        }
        let seen = format!(
            "in the {} up to {now} the policy granted {}; {} began or succeeded in {}, so {most} are allowed: {MOST}, plus one for each {CALLS_FOR_A_RETRY} calls",
            span(SPAN),
            counted(retries, "retry"),
            counted(calls, "call"),
            span(SPAN_OF_CALLS)
        );
        Err(Broken::new(BUDGET, seen))
    }
}

fn drop_old<T>(times: &mut VecDeque<T>, is_old: impl Fn(&T) -> bool) {
    while times.front().is_some_and(&is_old) {
        times.pop_front();
    }
}

/// Whether this failure of this request may be tried again.
pub(super) fn may_be_repeated(request: &Request, failure: Failure) -> bool {
    match failure {
        Failure::Timeout | Failure::ServerError => request.idempotent || request.key.is_some(),
        Failure::Unavailable | Failure::Overloaded { .. } => true,
        Failure::CallerError => false,
    }
}

pub(super) fn retry_after(failure: Failure) -> Duration {
    if let Failure::Overloaded { retry_after: Some(span) } = failure { span } else { Duration::ZERO }
}

fn keyed(key: Option<crate::exercises::retry_backoff::Key>) -> String {
    key.map_or_else(|| "no key".to_owned(), |key| format!("{key:?}"))
}

/// `1st failure`, `12th failure`.
pub(super) fn nth_failure(n: u32) -> String {
    let end = match (n % 10, n % 100 / 10) {
        (1, tens) if tens != 1 => "st",
        (2, tens) if tens != 1 => "nd",
        (3, tens) if tens != 1 => "rd",
        _ => "th",
    };
    format!("{n}{end} failure")
}

/// A span as a sentence needs it: `400 ms`, `0.250 ms`, `8 s`.
pub(super) fn span(span: Duration) -> String {
    let us = crate::time::micros(span);
    match us {
        u64::MAX => "an endless time".to_owned(),
        0 => "0 ms".to_owned(),
        _ if us.is_multiple_of(1_000_000) => format!("{} s", us / 1_000_000),
        _ if us.is_multiple_of(1_000) => format!("{} ms", us / 1_000),
        _ => format!("{}.{:03} ms", us / 1_000, us % 1_000),
    }
}
