//! What a learner should see first: a few calls each, watched by the same ghosts as the storms.

use super::desk::{Desk, Make, Out};
use super::{CALLER, CLOSES, EACH, HALF, LATE, OPEN, OPENS, REOPENS, SLOW};
use crate::bench::Calls;
use crate::exercises::circuit_breaker::{Config, Outcome};
use crate::rule::Check;
use crate::suite::Suite;
use Outcome::{CallerError, Failure, Success};
use Step::{After, Asks, Calls as Call, Hears, Other};
use std::time::Duration;

/// Two of four results open it, from the fourth on.
const CONFIG: Config = Config {
    window: Duration::from_secs(10),
    minimum: 4,
    failure_percent: 50,
    slow: Duration::from_secs(1),
    wait: Duration::from_secs(5),
    probes: 2,
    lost_after: Duration::from_secs(3),
};

/// A line of an example.
#[derive(Clone, Copy)]
enum Step {
    /// So many milliseconds later.
    After(u64),
    /// So many calls to "stock" with this result, at once.
    Calls(usize, Outcome),
    /// Whether a call to "stock" may go out; if so, it stays out.
    Asks,
    /// What became of the call that has been out so long: from the first one, from 0.
    Hears(usize, Outcome),
    /// So many calls to "price".
    Other(usize, Outcome),
}

const OPENED: [Step; 2] = [Call(2, Success), Call(2, Failure)];

type Row = (&'static str, &'static str, &'static [Step]);

const ROWS: [Row; 20] = [
    (OPENS, "two of four results are failures", &[Call(2, Success), Call(2, Failure), Asks]),
    (OPENS, "three failures are too few", &[Call(3, Failure), Asks]),
    (OPENS, "two of five are not half", &[Call(3, Success), Call(1, Failure), Call(1, Success), Call(1, Failure), Asks]),
    (OPENS, "what came eleven seconds ago has left the window", &[Call(3, Failure), After(11_000), Call(1, Failure), Asks]),
    (OPENS, "what came nine seconds ago has not", &[Call(3, Failure), After(9_000), Call(1, Failure), Asks]),
    (OPEN, "no call goes out before the wait is over", &[Call(4, Failure), Asks, After(4_999), Asks]),
    (HALF, "the first call after the wait goes out", &[Call(4, Failure), Asks, After(5_000), Asks]),
    (HALF, "two probes, and no third", &[Call(4, Failure), After(5_000), Asks, Asks, Asks]),
    (HALF, "a lost probe leaves its place", &[Call(4, Failure), After(5_000), Asks, Asks, After(3_000), Asks, Asks, Asks]),
    (CLOSES, "two probes succeed", &[Call(4, Failure), After(5_000), Call(2, Success), Asks, Asks, Asks]),
    (CLOSES, "it begins anew when it has closed", &[Call(4, Failure), After(5_000), Call(2, Success), Call(3, Failure), Asks]),
    (REOPENS, "a probe fails", &[Call(4, Failure), After(5_000), Call(1, Failure), Asks]),
    (REOPENS, "it waits as long the second time", &[Call(4, Failure), After(6_000), Call(1, Failure), After(4_999), Asks, After(1), Asks]),
    (
        LATE,
        "a result of the time before comes while it is half-open",
        &[Asks, Call(4, Failure), After(5_000), Asks, Hears(0, Failure), Asks],
    ),
    (
        LATE,
        "a failure of the time before comes when it has closed",
        &[
            Asks,
            Asks,
            Asks,
            Asks,
            Call(4, Failure),
            After(5_000),
            Call(2, Success),
            Hears(0, Failure),
            Hears(0, Failure),
            Hears(0, Failure),
            Hears(0, Failure),
            Asks,
        ],
    ),
    (
        LATE,
        "a lost probe succeeds after all",
        &[Call(4, Failure), After(5_000), Asks, Asks, After(3_000), Hears(0, Success), Hears(0, Success), Asks, Asks, Asks],
    ),
    (
        SLOW,
        "successes that take a second",
        &[Asks, Asks, Asks, Asks, After(1_000), Hears(0, Success), Hears(0, Success), Hears(0, Success), Hears(0, Success), Asks],
    ),
    (CALLER, "a caller's errors open nothing", &[Call(8, CallerError), Asks]),
    (CALLER, "a caller's error is no success of a probe", &[Call(4, Failure), After(5_000), Call(2, CallerError), Asks, Asks, Asks]),
    (EACH, "one is down, the other is well", &[OPENED[0], OPENED[1], Other(1, Success), Asks]),
];

pub(super) fn add(suite: &mut Suite, make: Make) {
    for (rule, name, steps) in ROWS {
        suite.vector(rule, name, move |probe| {
            let mut desk = Desk::new(make, CONFIG, &["stock", "price"], &Calls::new(probe));
            let mut out: Vec<Out> = Vec::new();
            steps.iter().try_for_each(|step| taken(*step, &mut desk, &mut out))
        });
    }
}

fn taken(step: Step, desk: &mut Desk, out: &mut Vec<Out>) -> Check {
    match step {
        After(ms) => desk.now += ms * 1_000,
        Call(calls, outcome) => (0..calls).try_for_each(|_| desk.call(0, outcome))?,
        Other(calls, outcome) => (0..calls).try_for_each(|_| desk.call(1, outcome))?,
        Asks => out.extend(desk.permit(0)?),
        Hears(nth, outcome) => {
            let heard = out.remove(nth);
            desk.record(heard, outcome)?;
        }
    }
    Ok(())
}
