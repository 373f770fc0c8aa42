//! One random run, as every judge with a network makes it; and if it is to be shown, the shortest run that breaks the same
//! rule.

use super::fault::Plan;
use super::node::{Factory, Protocol};
use super::shrink::{Shrinker, Target, learner, said};
use super::weaken::weaken;
use super::world::{Again, Referee, Setup, World};
use crate::suite::{Run, Shrunk};
use crate::trace::{Probe, Regression};

#[cfg(test)]
mod tests;

/// Makes the run that `setup` describes. `referee` makes a fresh referee; `tally` adds what it met to the run.
///
/// With `probe.shrink` the run is made without a tape first, and if it breaks a rule, the tape gets the shortest run found
/// that breaks the same one. A panic of the learner's code is shrunk, too; it leaves this function as a panic, that of the
/// shortest run.
pub fn trial<P: Protocol, R: Referee<P>>(
    factory: Factory<P>,
    setup: &Setup<P>,
    probe: &Probe,
    referee: impl Fn() -> R,
    tally: impl Fn(&R, &mut Run),
) -> Run {
    let untaped = Probe { tape: None, regression: None, ..probe.clone() };
    if let Some(regression) = &probe.regression {
        return again(factory, setup, probe, regression, referee, tally);
    }
    let mut watch = referee();
    let mut world = World::new(factory, setup.clone(), if probe.shrink { &untaped } else { probe }, Some(&mut watch));
    if probe.shrink {
        world.log_decisions();
    }
    let check = match if probe.shrink { learner(&untaped, || world.run()) } else { Ok(world.run()) } {
        Ok(check) => check,
        Err(payload) => {
            let (decisions, steps) = (world.take_log(), world.steps());
            let target = Target::Panic(said(&*payload));
            Shrinker::new(factory, setup, target, &referee, &untaped).show(decisions, steps, probe);
            // No shorter one was found: the run as it was, on the tape.
            return trial(factory, setup, &Probe { shrink: false, ..probe.clone() }, referee, tally);
        }
    };
    let (coverage, fingerprints, steps) = (world.coverage(), world.fingerprints().to_vec(), world.steps());
    let decisions = world.take_log();
    drop(world);
    let mut run = Run { check, coverage, lessons: Vec::new(), fingerprints, shrunk: None };
    tally(&watch, &mut run);
    if let (true, Err(broken)) = (probe.shrink, &run.check) {
        if !broken.timed {
            run.shrunk = Shrinker::new(factory, setup, Target::Rule(broken.rule), &referee, &untaped).show(decisions, steps, probe);
        }
        if run.shrunk.is_none() {
            // Not to be had from its decisions alone (something took too long, or never came): a whole run, in the fairest
            // weather and with the fewest requests in which it still happens.
            let weaker = weaken(factory, setup, broken.rule, &referee, &untaped);
            let mut watch = referee();
            let mut world = weaker.world(factory, probe, &mut watch);
            let check = world.run();
            run.shrunk = check.err().map(|broken| Shrunk { broken, raw_steps: steps, shown_steps: world.steps(), contrast: None });
        }
    }
    run
}

/// The run that broke last time, made again from its steps if they all happen; else the whole run of the seed.
fn again<P: Protocol, R: Referee<P>>(
    factory: Factory<P>,
    setup: &Setup<P>,
    probe: &Probe,
    regression: &Regression,
    referee: impl Fn() -> R,
    tally: impl Fn(&R, &mut Run),
) -> Run {
    let mut watch = referee();
    let mut whole = World::new(factory, setup.clone(), &Probe { tape: None, ..probe.clone() }, Some(&mut watch));
    whole.log_decisions();
    // Only its requests are wanted: whether it breaks a rule is asked below, where it can be shown.
    let _ = whole.run();
    let asked = whole.take_log();
    drop(whole);
    let calm = Setup { plan: Plan::calm(setup.configs.len()), ..setup.clone() };
    let mut watch = referee();
    let mut world = World::by_decisions(factory, calm, probe, Some(&mut watch));
    match world.again(&regression.events, &asked) {
        Some(Again::Happened(check)) => {
            regression.say(Ok(()));
            let (coverage, fingerprints) = (world.coverage(), world.fingerprints().to_vec());
            drop(world);
            let mut run = Run { check, coverage, lessons: Vec::new(), fingerprints, shrunk: None };
            tally(&watch, &mut run);
            run
        }
        other => {
            if let Some(Again::Gone(why)) = other {
                regression.say(Err(why));
            }
            trial(factory, setup, &Probe { regression: None, ..probe.clone() }, referee, tally)
        }
    }
}
