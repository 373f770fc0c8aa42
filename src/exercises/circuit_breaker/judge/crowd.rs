//! The breaker between callers and servers that are simulated: what it does for all of them together.

use super::desk::{Desk, Make, Out};
use super::{DOMINOES, EACH, HALF};
use crate::bench::Calls;
use crate::exercises::circuit_breaker::{Config, Outcome};
use crate::exercises::kit::queueing::{self as q, CAUSE, Call, DEPENDENCY, MS, Naive, Policy, Record, SECOND, World, dominoes};
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::trace::Probe;
use std::time::Duration;

/// The breaker of the dominoes.
const CONFIG: Config = Config {
    window: Duration::from_secs(10),
    minimum: 20,
    failure_percent: 50,
    slow: Duration::from_millis(400),
    wait: Duration::from_secs(5),
    probes: 5,
    lost_after: Duration::from_secs(2),
};
/// How often a caller tries.
const TRIES: Naive = Naive { attempts: 3 };
/// How long after the cause the answers must be back, and how many attempts there may be for a hundred calls.
const BACK_US: u64 = 15 * SECOND;
const ATTEMPTS_MAX: u64 = 125;

/// The breaker, asked before each attempt of a crowd of callers that try again at once.
struct Asked {
    desk: Desk,
    check: Check,
    /// Whether its answers are judged one by one.
    strict: bool,
}

impl Asked {
    fn new(make: Make, world: &World, probe: &Probe, strict: bool) -> Self {
        let names: Vec<&'static str> = world.servers.iter().map(|server| server.name).collect();
        Asked { desk: Desk::new(make, CONFIG, &names, &Calls::new(probe)).quiet(), check: Ok(()), strict }
    }
}

impl Policy for Asked {
    type Ticket = Out;

    fn may(&mut self, now_us: u64, call: &Call) -> Option<Out> {
        self.desk.now = now_us;
        match self.desk.permit(call.server) {
            Ok(out) => out,
            Err(broken) => {
                let out = self.desk.out.last().copied().filter(|out| out.begun == now_us);
                self.check = Err(broken);
                out
            }
        }
    }

    fn came(&mut self, now_us: u64, _: &Call, out: Out, outcome: q::Outcome, _: u64) {
        self.desk.now = now_us;
        let outcome = match outcome {
            q::Outcome::Success => Outcome::Success,
            q::Outcome::Mistake => Outcome::CallerError,
            _ => Outcome::Failure,
        };
        // A ghost says of a permit what is wrong with it, never of a result.
        let _ = self.desk.record(out, outcome);
    }

    fn again(&mut self, now_us: u64, call: &Call, outcome: q::Outcome) -> Option<u64> {
        TRIES.again(now_us, call, outcome)
    }

    fn check(&mut self) -> Check {
        if self.strict { self.check.clone() } else { Ok(()) }
    }
}

pub(super) fn add(suite: &mut Suite, make: Make) {
    suite.scenario(DOMINOES, "the dominoes: a dependency is slow for 20 s", move |probe| the_dominoes(make, probe, 1, true));
    suite.scenario(DOMINOES, "the dominoes once more, and some callers die", move |probe| the_dominoes(make, probe, 2, false));
    suite.scenario(HALF, "a crowd of callers, an outage, and fast failures", move |probe| watched(make, probe, &outage(3)));
    suite.scenario(EACH, "two dependencies, and one is slow", move |probe| watched(make, probe, &two(4)));
}

/// What callers get in the dominoes.
fn the_dominoes(make: Make, probe: &Probe, seed: u64, tell: bool) -> Check {
    let mut world = dominoes(seed);
    world.loads[0].lost_ppm = if tell { 0 } else { 2_000 };
    let mut asked = Asked::new(make, &world, probe, false);
    let (record, _) = q::run(&world, &mut asked);
    let end = world.until_us;
    let (good, calls) = record.good_of(DEPENDENCY, CAUSE.end + BACK_US, end);
    let (before, of) = record.good_of(DEPENDENCY, 0, CAUSE.start);
    let seen = if before * 100 < of * 97 {
        let text = format!("nothing is wrong until the tenth second, and only {before} of {of} calls had an answer in time");
        Some((text, 5 * SECOND))
    } else if good * 100 < calls * 97 {
        let text = format!(
            "the dependency is slow from the tenth second to the thirtieth; from the {}th on, when it has long been well, {good} of {calls} calls had an answer in time",
            (CAUSE.end + BACK_US) / SECOND
        );
        Some((text, CAUSE.end + BACK_US))
    } else if record.amplification() > ATTEMPTS_MAX {
        let sent = record.sent_of(DEPENDENCY, CAUSE.start, CAUSE.end);
        let text = format!(
            "for a hundred calls {} attempts went out, and there may be {ATTEMPTS_MAX}: {sent} while the dependency was slow",
            record.amplification()
        );
        Some((text, CAUSE.start))
    } else {
        None
    };
    match seen {
        Some((seen, mark)) => {
            record.show(probe, DEPENDENCY, DEPENDENCY, Some(mark));
            Err(Broken::new(DOMINOES, seen))
        }
        None => {
            if tell {
                lesson(probe, &world, &record);
            }
            Ok(())
        }
    }
}

/// The picture of this exercise: the same minute without the breaker and with it.
fn lesson(probe: &Probe, world: &World, with: &Record) {
    let (without, _) = q::run(world, &mut TRIES.clone());
    let plots = |record: &Record| record.plots(DEPENDENCY, DEPENDENCY, None);
    let runs = [("without a breaker:", plots(&without)), ("with yours:", plots(with))];
    let share = |record: &Record| record.good * 100 / record.calls.max(1);
    probe.remark(format!(
        "The dominoes. A dependency that can answer 133 calls a second gets 80; from 10 s to 30 s it is ten times as slow, and callers try three times.{}\n\
         Without a breaker the cause ends at 30 s and the collapse does not: 240 attempts a second keep the queue full, and each answer comes when nobody waits for it \
         any more. {} of a hundred calls had an answer in time, with yours {}; the queue was empty when the cause had gone.",
        q::side_by_side(&runs),
        share(&without),
        share(with)
    ));
}

/// Each answer is judged, as in the storms.
fn watched(make: Make, probe: &Probe, world: &World) -> Check {
    let mut asked = Asked::new(make, world, probe, true);
    let (record, check) = q::run(world, &mut asked);
    if check.is_err() {
        record.show(probe, DEPENDENCY, DEPENDENCY, Some(asked.desk.now));
    }
    check
}

/// Nothing is heard for a while; then half of the calls fail fast; some are the caller's own mistake, and some callers die.
fn outage(seed: u64) -> World {
    let mut world = dominoes(seed);
    let ill = |from: u64, until: u64, how| q::Ill { from_us: from * SECOND, until_us: until * SECOND, how };
    world.servers[0].ills = vec![ill(5, 12, q::How::Dark), ill(25, 40, q::How::Fails { ppm: 600_000, after_us: 2 * MS })];
    let load = &mut world.loads[0];
    (load.per_second, load.mistakes_ppm, load.lost_ppm) = (40, 200_000, 10_000);
    load.bursts = vec![(3 * SECOND, 200)];
    world
}

/// The other one is well all along.
fn two(seed: u64) -> World {
    let mut world = dominoes(seed);
    let mut well = world.servers[0].clone();
    (well.name, well.ills) = ("price", Vec::new());
    world.servers.push(well);
    let mut load = world.loads[0].clone();
    (load.class, load.server, load.per_second) = ("prices", 1, 20);
    world.loads.push(load);
    world
}
