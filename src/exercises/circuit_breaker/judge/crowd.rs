//! The breaker between callers and servers that are simulated: what it does for all of them together. No answer of it is judged here, but
//! what the callers got.

use super::desk::{Make, asked, new, told};
use super::{CALLER, DOMINOES, EACH};
use crate::bench::Calls;
use crate::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket};
use crate::exercises::kit::queueing::{self as q, CAUSE, Call, DEPENDENCY, Naive, Policy, Record, SECOND, World, dominoes};
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::time::Time;
use crate::trace::Probe;
use std::time::Duration;

const CONFIG: Config = Config {
    window: Duration::from_secs(10),
    minimum: 20,
    failure_percent: 50,
    slow: Duration::from_millis(400),
    wait: Duration::from_secs(5),
    probes: 5,
    lost_after: Duration::from_secs(2),
};
/// A caller tries so often, each time at once.
const TRIES: Naive = Naive { attempts: 3 };
/// How long after the cause the answers must be back, and how many attempts there may be for a hundred calls.
const BACK_US: u64 = 15 * SECOND;
const ATTEMPTS_MAX: u64 = 125;

/// The breaker, asked before each attempt.
struct Asked<'a> {
    it: Box<dyn CircuitBreaker>,
    calls: Calls,
    world: &'a World,
}

impl Policy for Asked<'_> {
    type Ticket = Ticket;

    fn may(&mut self, now_us: u64, call: &Call) -> Option<Ticket> {
        let (now, name, it) = (Time::from_micros(now_us), self.world.servers[call.server].name, &mut self.it);
        self.calls.ask_quietly(|| asked(now, name), || it.permit(now, name))
    }

    fn came(&mut self, now_us: u64, call: &Call, ticket: Ticket, outcome: q::Outcome, took_us: u64) {
        let (now, name, it) = (Time::from_micros(now_us), self.world.servers[call.server].name, &mut self.it);
        let outcome = match outcome {
            q::Outcome::Success => Outcome::Success,
            q::Outcome::Mistake => Outcome::CallerError,
            _ => Outcome::Failure,
        };
        let text = || told(now, name, ticket, outcome, took_us);
        self.calls.ask_quietly(text, || it.record(now, name, ticket, outcome, Duration::from_micros(took_us)));
    }

    fn again(&mut self, now_us: u64, call: &Call, outcome: q::Outcome) -> Option<u64> {
        TRIES.again(now_us, call, outcome)
    }
}

/// All is well; or what was seen, and the moment to look at.
type Seen = Result<(), (String, u64)>;

/// A world in a few words, its callers, and what they must get.
struct Case {
    rule: &'static str,
    called: &'static str,
    story: &'static str,
    world: fn() -> World,
    judge: fn(&World, &Record) -> Seen,
}

const CASES: [Case; 4] = [
    Case {
        rule: DOMINOES,
        called: "the dominoes: a dependency is slow for 20 s",
        story: "80 calls a second, each tried three times; the dependency is ten times as slow from 10 s to 30 s",
        world: || dominoes(1),
        judge: back,
    },
    Case {
        rule: DOMINOES,
        called: "an outage, in which some callers die",
        story: "80 calls a second, each tried three times; the dependency gives no answer from 10 s to 30 s, and of a hundred callers one dies",
        world: outage,
        judge: back,
    },
    Case {
        rule: EACH,
        called: "two dependencies, and one is slow",
        story: "80 calls a second to stock and 20 to price, each tried three times; stock is ten times as slow from 10 s to 30 s",
        world: two,
        judge: the_other,
    },
    Case {
        rule: CALLER,
        called: "callers who ask for what is not there",
        story: "80 calls a second; seven of ten ask for what is not there",
        world: mistakes,
        judge: nothing_held_back,
    },
];

pub(super) fn add(suite: &mut Suite, make: Make) {
    for case in CASES {
        suite.scenario(case.rule, case.called, move |probe| case.check(make, probe));
    }
}

impl Case {
    fn check(&self, make: Make, probe: &Probe) -> Check {
        let (world, calls) = ((self.world)(), Calls::new(probe));
        let it = calls.call(|| new(CONFIG), || make(CONFIG));
        calls.call(|| self.story.to_owned(), || ());
        let mut policy = Asked { it, calls, world: &world };
        let (record, _) = q::run(&world, &mut policy);
        let watched = if self.rule == EACH { 1 } else { DEPENDENCY };
        match (self.judge)(&world, &record) {
            Ok(()) if self.called == CASES[0].called => lesson(probe, &world, &record),
            Ok(()) => {}
            Err((seen, mark)) => {
                record.show(probe, watched, watched, Some(mark));
                return Err(Broken::new(self.rule, seen));
            }
        }
        Ok(())
    }
}

/// Well before the cause; well again when it has gone; and not many attempts in all.
fn back(world: &World, record: &Record) -> Seen {
    let from = CAUSE.end + BACK_US;
    let (good, calls) = record.good_of(DEPENDENCY, from, world.until_us);
    let (before, of) = record.good_of(DEPENDENCY, 0, CAUSE.start);
    if before * 100 < of * 95 {
        return Err((format!("nothing is wrong until the tenth second, but only {before} of {of} calls had an answer in time"), 0));
    }
    if good * 100 < calls * 95 {
        let text = format!(
            "the cause ended at the thirtieth second; from the {}th on, when the dependency has long been well, only {good} of {calls} calls had an answer in time",
            from / SECOND
        );
        return Err((text, from));
    }
    if record.amplification() > ATTEMPTS_MAX {
        let sent = record.sent_of(DEPENDENCY, CAUSE.start, CAUSE.end);
        let text = format!(
            "for a hundred calls, {} attempts went out, but only {ATTEMPTS_MAX} are allowed: while the dependency could not answer, {sent} went out to it",
            record.amplification()
        );
        return Err((text, CAUSE.start));
    }
    Ok(())
}

fn the_other(world: &World, record: &Record) -> Seen {
    let (good, calls) = record.good_of(1, 0, world.until_us - SECOND);
    if good * 100 >= calls * 95 {
        return Ok(());
    }
    let text = format!(
        "nothing was wrong with price, but only {good} of {calls} calls to it had an answer in time: stock was slow, another dependency"
    );
    Err((text, CAUSE.start))
}

fn nothing_held_back(_: &World, record: &Record) -> Seen {
    if record.rejected == 0 {
        return Ok(());
    }
    let (held, calls) = (record.rejected, record.calls);
    Err((
        format!("the dependency was well, seven of ten callers asked for what is not there, but {held} of {calls} calls were held back"),
        0,
    ))
}

fn outage() -> World {
    let mut world = dominoes(2);
    world.servers[0].ills[0].how = q::How::Dark;
    world.loads[0].lost_ppm = 10_000;
    world
}

fn two() -> World {
    let mut world = dominoes(3);
    let mut well = world.servers[0].clone();
    (well.name, well.ills) = ("price", Vec::new());
    world.servers.push(well);
    let mut load = world.loads[0].clone();
    (load.class, load.server, load.per_second) = ("prices", 1, 20);
    world.loads.push(load);
    world
}

fn mistakes() -> World {
    let mut world = dominoes(4);
    world.servers[0].ills.clear();
    world.loads[0].mistakes_ppm = 700_000;
    world.loads[0].until_us = 20 * SECOND;
    world
}

/// The picture of this exercise: the same minute without the breaker and with it.
fn lesson(probe: &Probe, world: &World, with: &Record) {
    let (without, _) = q::run(world, &mut TRIES.clone());
    let plots = |record: &Record| record.plots(DEPENDENCY, DEPENDENCY, None);
    let runs = [("without a breaker:", plots(&without)), ("with yours:", plots(with))];
    let share = |record: &Record| record.good * 100 / record.calls.max(1);
    probe.remark(format!(
        "The dominoes. A dependency that can answer 133 calls a second gets 80; from 10 s to 30 s it is ten times as slow, and callers try three times.{}\n\
         Without a breaker, the cause ends at 30 s, but the collapse does not: 240 attempts a second keep the queue full, and each answer comes when nobody waits for it \
         any more. {} of a hundred calls had an answer in time, with yours {}: the queue was empty when the cause was gone.",
        q::side_by_side(&runs),
        share(&without),
        share(with)
    ));
}
