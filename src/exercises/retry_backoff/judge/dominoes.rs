//! What the callers got: all of them share the learner's policy, and call a dependency that queues. The dominoes, and a dependency that fails by chance.

use super::client::{Client, Make};
use super::ghost::span;
use super::{BUDGET, ONLY};
use crate::bench::Calls;
use crate::exercises::kit::queueing::{
    CAUSE, Call, DEPENDENCY, How, Ill, MS, Naive, Outcome, Policy, Record, SECOND, World, dominoes, run, side_by_side,
};
use crate::exercises::retry_backoff::{CallId, Config, Decision, Failure, Request};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::time::Duration;

const CONFIG: Config = Config { base: millis(200), cap: Duration::from_secs(10) };
/// The callers of the dominoes.
const ORDERS: usize = 0;
/// How soon after the cause has gone answers come in time again. Without any retry it takes 2 to 4 s, with a budget of 15 % up to 7 s.
const RECOVERS_WITHIN: u64 = 12 * SECOND;
/// Attempts for each hundred calls, at most: the 10 % of the budget over the minute, and what it has in any case.
const AMPLIFIED: u64 = 118;

pub(super) fn add(suite: &mut Suite, make: Make) {
    suite.scenario(ONLY, "one attempt in fifty fails", move |p| (0..2).try_for_each(|seed| by_chance(make, p, seed)));
    suite.scenario(BUDGET, "the dominoes", move |p| {
        (1..4).try_for_each(|seed| falls(make, p, seed).map(drop))?;
        let with = falls(make, p, 0)?;
        let (without, _) = run(&dominoes(0), &mut Naive { attempts: 3 });
        p.remark(lesson(&without, &with));
        Ok(())
    });
}

/// All callers with one policy of the learner's.
struct Callers {
    client: Client,
    dice: Rng,
    check: Check,
}

impl Callers {
    fn new(make: Make, p: &Probe, seed: u64) -> Self {
        let mut client = Client::new(make, CONFIG, Calls::new(p));
        client.is_quiet = true;
        Callers { client, dice: Rng::stream(seed, 18), check: Ok(()) }
    }
}

impl Policy for Callers {
    type Ticket = ();

    fn may(&mut self, now_us: u64, call: &Call) -> Option<()> {
        self.client.now = Time::from_micros(now_us);
        if call.attempts == 0 {
            let deadline = Time::from_micros(call.deadline_us);
            self.client.begin(CallId(call.number), Request { idempotent: true, key: None, deadline });
        }
        Some(())
    }

    fn came(&mut self, now_us: u64, call: &Call, (): (), outcome: Outcome, _: u64) {
        self.client.now = Time::from_micros(now_us);
        if outcome == Outcome::Success {
            self.client.succeeds(CallId(call.number));
        }
    }

    fn again(&mut self, now_us: u64, call: &Call, outcome: Outcome) -> Option<u64> {
        let failure = match outcome {
            Outcome::Failed => Failure::ServerError,
            Outcome::Refused { retry_after_us } => Failure::Overloaded { retry_after: retry_after_us.map(Duration::from_micros) },
            Outcome::TimedOut => Failure::Timeout,
            Outcome::Mistake | Outcome::Success | Outcome::Rejected => Failure::CallerError,
        };
        match self.client.fails(CallId(call.number), failure, &mut self.dice) {
            Ok(Decision::Retry { at, .. }) => Some(at.as_micros() - now_us),
            Ok(Decision::GiveUp) => None,
            Err(broken) => {
                self.check = Err(broken);
                None
            }
        }
    }

    fn check(&mut self) -> Check {
        std::mem::replace(&mut self.check, Ok(()))
    }
}

/// The dependency is slow for 20 s. When it is well again, so are its callers, soon.
fn falls(make: Make, p: &Probe, seed: u64) -> Result<Record, Broken> {
    let world = dominoes(seed);
    let record = ran(make, p, &world)?;
    let (calls, attempts, amplified) = (record.calls, record.attempts, record.amplification());
    let wrong = match record.recovery(ORDERS, CAUSE.end, world.until_us) {
        _ if amplified > AMPLIFIED => {
            Some(format!("of {calls} calls the policy made {attempts} attempts, {amplified} for each hundred, but {AMPLIFIED} are allowed"))
        }
        Some(took) if took <= RECOVERS_WITHIN => None,
        took => {
            let (good, offered) = record.good_of(ORDERS, CAUSE.end + RECOVERS_WITHIN, world.until_us);
            let what = took.map_or_else(
                || format!("its callers were not well again in the 30 s that were left: {good} of the last {offered} calls had an answer in time"),
                |took| format!("its callers had to wait {} more for that", span(Duration::from_micros(took))),
            );
            Some(format!("stock was slow for 20 s and has been well since second 30, but {what}"))
        }
    };
    match wrong {
        None => Ok(record),
        Some(seen) => {
            record.show(p, ORDERS, DEPENDENCY, Some(CAUSE.end));
            Err(Broken::new(BUDGET, seen))
        }
    }
}

/// One attempt in fifty fails, for no reason: what retries are for.
fn by_chance(make: Make, p: &Probe, seed: u64) -> Check {
    let mut world = dominoes(seed);
    world.servers[DEPENDENCY].ills = vec![Ill { from_us: 0, until_us: world.until_us, how: How::Fails { ppm: 20_000, after_us: 30 * MS } }];
    world.loads[ORDERS].until_us = 55 * SECOND;
    let record = ran(make, p, &world)?;
    if record.failed * 200 <= record.calls {
        return Ok(());
    }
    record.show(p, ORDERS, DEPENDENCY, None);
    let seen = format!("one attempt in fifty failed, but {} of {} calls were given up; one in 200 may be", record.failed, record.calls);
    Err(Broken::new(ONLY, seen))
}

fn ran(make: Make, p: &Probe, world: &World) -> Result<Record, Broken> {
    let mut callers = Callers::new(make, p, world.seed);
    let (record, check) = run(world, &mut callers);
    match check {
        Ok(()) => Ok(record),
        Err(broken) => {
            record.show(p, ORDERS, DEPENDENCY, Some(CAUSE.end));
            Err(broken)
        }
    }
}

/// The same minute without a policy and with the learner's.
fn lesson(without: &Record, with: &Record) -> String {
    let after = |record: &Record| {
        let (good, offered) = record.good_of(ORDERS, 40 * SECOND, 60 * SECOND);
        (good * 100 / offered.max(1)).min(100)
    };
    let plots = |record: &Record| record.plots(ORDERS, DEPENDENCY, Some(CAUSE.end));
    let plots = side_by_side(&[("three tries, at once", plots(without)), ("your policy", plots(with))]);
    format!(
        "The dominoes: the stock service is ten times slower from second 10 to 30, and well from then on. What your policy changes:{plots}\nFrom \
         second 40 on, with three tries each and no pause, {} % of calls have an answer in time: all that the service does is for callers that have left, \
         although nothing is wrong with it any more. With your policy it is {} %: {} attempts for a hundred calls instead of {}.",
        after(without),
        after(with),
        with.amplification(),
        without.amplification()
    )
}
