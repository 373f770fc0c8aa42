//! One node in a world by hand, with its ghost: makes the events of a storm happen.

use super::weather::{Happening, Kind};
use crate::rng::{Rng, mix};
use crate::rule::{Check, Coverage};
use crate::sim::fault::Plan;
use crate::sim::ghosts::Ghosts;
use crate::sim::node::{Factory, NodeId, Protocol};
use crate::sim::spec::{Input, Setting, Storm};
use crate::sim::step::{Cause, Step};
use crate::sim::world::{Referee, Setup, World};
use crate::suite::Run;
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::cell::{RefCell, RefMut};
use std::rc::Rc;
use std::time::Duration;

/// So many promises of a storm have a shadow at least this often, in millionths, also in a long life: what goes wrong at the tenth or
/// the sixty-fourth of a thing is seen, where others are promised beside it.
const EARLY: (u64, u32) = (160, 150_000);

/// How many effects a call lets happen before it crashes, at most.
const CRASH_AFTER_MAX: u64 = 6;

type Shared<P, S> = Rc<RefCell<Ghosts<P, S>>>;

/// The world's referee: it only passes on what happens.
struct Watch<P: Protocol, S>(Shared<P, S>);

impl<P: Protocol, S: Storm<P>> Referee<P> for Watch<P, S> {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        self.0.borrow_mut().cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        self.0.borrow_mut().step(step, world)
    }
}

/// How time passes: see [`Setting`].
struct Passing {
    waits_ms: &'static [u64],
    whole: bool,
    waits_until: Time,
    steady_ms: u64,
    stalls_ms: u64,
}

impl Passing {
    fn of<P: Protocol>(setting: &Setting<P>) -> Self {
        let Setting { waits_ms, whole, waits_until_ms, steady_ms, stalls_ms, .. } = *setting;
        Passing { waits_ms, whole, waits_until: Time::from_millis(waits_until_ms), steady_ms, stalls_ms }
    }

    fn span(&self, rng: &mut Rng) -> Duration {
        let most = rng.pick(self.waits_ms).map_or(0, |ms| ms * 1_000);
        Duration::from_micros(if self.whole { most } else { rng.below(most + 1) })
    }
}

#[derive(Clone, Copy, Default)]
struct Counts {
    inputs: u64,
    repeats: u64,
    promises: u64,
    shadows: u64,
}

/// Which storm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed {
    pub seed: u64,
    /// Whether the numbers with which it begins are small ones in the place of wild ones.
    pub tame: bool,
}

pub(super) struct Rig<'r, P: Protocol, S: Storm<P>> {
    world: World<'r, P>,
    ghosts: Shared<P, S>,
    me: NodeId,
    passing: Passing,
    rest_ms: u64,
    heard: Vec<(NodeId, P::Message)>,
    counts: Counts,
}

impl<P: Protocol, S: Storm<P>> Rig<'_, P, S> {
    /// Makes the events happen, and rest after them. `done` gets those that did, the last of them even if it panics.
    /// Gives the steps, too.
    pub fn run(
        factory: Factory<P>,
        storm: Seed,
        probe: &Probe,
        events: &[Happening],
        shadows: u32,
        done: &mut Vec<Happening>,
    ) -> (Run, u64) {
        let seed = storm.seed;
        let (ghost, setting) = S::setting(&mut Rng::stream(seed, 7).tamed(storm.tame));
        let me = setting.me;
        let ghosts = Rc::new(RefCell::new(Ghosts::of(me, ghost)));
        let mut watch = Watch(Rc::clone(&ghosts));
        let world = World::by_hand_watched(factory, setup(seed, &setting), probe, Some(&mut watch));
        let (passing, rest_ms) = (Passing::of(&setting), setting.rest_ms);
        let mut rig = Rig { world, ghosts, me, passing, rest_ms, heard: Vec::new(), counts: Counts::default() };
        let check = rig.all(events, shadows, done);
        let coverage = rig.coverage();
        let (fingerprints, steps) = (rig.world.fingerprints().to_vec(), rig.world.steps());
        (Run { check, coverage, lessons: Vec::new(), fingerprints, shrunk: None }, steps)
    }

    fn all(&mut self, events: &[Happening], shadows: u32, done: &mut Vec<Happening>) -> Check {
        for event in events {
            done.push(*event);
            self.happen(*event)?;
            // To whomever it was: the ghost has seen it.
            self.world.forget_sent();
            if self.world.is_up(self.me) && self.ghost().promised() {
                self.counts.promises += 1;
                let often = if shadows > 0 && self.counts.promises <= EARLY.0 { shadows.max(EARLY.1) } else { shadows };
                let mut dice = Rng::new(mix(event.seed));
                if dice.chance(often) {
                    let betrayal = Happening { kind: Kind::Betray, seed: dice.next_u64(), tame: false };
                    done.push(betrayal);
                    match self.shadow(betrayal.seed) {
                        Ok(()) => drop(done.pop()),
                        Err(_) => self.happen(betrayal)?,
                    }
                }
            }
        }
        self.world.disarm(self.me);
        self.up()?;
        let owes = self.ghost().owes();
        self.wait(millis(if owes { self.rest_ms } else { 0 }))
    }

    fn ghost(&self) -> RefMut<'_, S> {
        let me = self.me;
        RefMut::map(self.ghosts.borrow_mut(), |ghosts| ghosts.ghost(me))
    }

    fn happen(&mut self, Happening { kind, seed, tame }: Happening) -> Check {
        let mut rng = Rng::new(seed).tamed(tame);
        self.up()?;
        match kind {
            Kind::Tell => {
                let input = self.ghost().input(&mut rng);
                self.comes(input)
            }
            Kind::Repeat => self.repeat(&mut rng),
            Kind::Fire => match self.world.next_timer(self.me) {
                Some(due) => self.until(due),
                None => self.wait(millis(self.passing.waits_ms.iter().copied().min().unwrap_or(1))),
            },
            Kind::Wait if self.passing.stalls_ms > 0 && rng.chance(300_000) => self.stall(&mut rng),
            Kind::Wait => {
                let now = self.world.now();
                let until = (now + self.passing.span(&mut rng)).min(self.passing.waits_until.max(now));
                self.busy(until, &mut rng)?;
                self.until(until)
            }
            Kind::Crash => {
                self.world.kill(self.me)?;
                // Most restarts are quick; what a node promised for a while has run out after others.
                let down = if rng.chance(700_000) { 0 } else { rng.pick(self.passing.waits_ms).map_or(0, |ms| rng.below(ms * 3_000 + 1)) };
                self.world.wait(Duration::from_micros(down))
            }
            Kind::CrashAfter => {
                self.world.kill_after(self.me, rng.below(CRASH_AFTER_MAX) as usize);
                Ok(())
            }
            Kind::CrashUnsaved => {
                self.world.arm_crash_before_save(self.me);
                Ok(())
            }
            Kind::Betray => {
                self.world.disarm(self.me);
                self.world.reboot(self.me)?;
                let input = self.ghost().betray(&mut rng);
                self.comes(input)
            }
        }
    }

    /// What a restart from the disk of this moment would do, apart from the run.
    fn shadow(&mut self, seed: u64) -> Check {
        self.counts.shadows += 1;
        let mut ghost = self.ghost().clone();
        let mut rng = Rng::new(seed);
        self.world.apart(self.me, &mut ghost, |ghost| ghost.betray(&mut rng))
    }

    /// Starts the node, or starts it again, if it is down.
    fn up(&mut self) -> Check {
        if self.world.is_up(self.me) {
            return Ok(());
        }
        self.world.boot(self.me)
    }

    fn comes(&mut self, input: Option<Input<P>>) -> Check {
        match input {
            Some(Input::Message(from, message)) => {
                self.counts.inputs += 1;
                self.heard.push((from, message.clone()));
                self.world.tell(from, self.me, message)
            }
            Some(Input::Request(client, request)) => {
                self.counts.inputs += 1;
                self.world.request_of(client, self.me, request).map(drop)
            }
            None => Ok(()),
        }
    }

    /// One of the last three messages, or any.
    fn repeat(&mut self, rng: &mut Rng) -> Check {
        let n = self.heard.len() as u64;
        if n == 0 {
            return Ok(());
        }
        let back = if rng.chance(500_000) { rng.below(n.min(3)) } else { rng.below(n) };
        let (from, message) = self.heard[(n - 1 - back) as usize].clone();
        self.counts.repeats += 1;
        self.world.tell(from, self.me, message)
    }

    /// Something comes in again and again, until shortly before `until`.
    fn busy(&mut self, until: Time, rng: &mut Rng) -> Check {
        let every = millis(self.passing.steady_ms);
        while !every.is_zero() && self.world.now() + every < until {
            self.wait(every)?;
            self.up()?;
            let input = self.ghost().input(rng);
            self.comes(input)?;
        }
        Ok(())
    }

    /// The node stands still; then all happens that fell due.
    fn stall(&mut self, rng: &mut Rng) -> Check {
        let span = millis(1 + rng.below(self.passing.stalls_ms));
        self.world.pause(self.me, span);
        self.world.wait(span)?;
        self.ghosts.borrow_mut().resumes(self.me, span, &self.world);
        self.world.resume(self.me);
        self.wait(Duration::ZERO)
    }

    fn wait(&mut self, span: Duration) -> Check {
        self.until(self.world.now() + span)
    }

    /// Lets time pass, timer by timer, as each may send mail to its own node.
    fn until(&mut self, until: Time) -> Check {
        while let Some(due) = self.world.next_timer(self.me).filter(|due| *due <= until) {
            self.world.wait_until(due.max(self.world.now()))?;
            self.world.forget_sent();
        }
        self.world.wait_until(until)?;
        self.ghosts.borrow_mut().time(self.me, &self.world)
    }

    fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.add("storms", 1);
        coverage.add("storm inputs", self.counts.inputs);
        coverage.add("storm repeats", self.counts.repeats);
        coverage.add("storm shadows", self.counts.shadows);
        for (ours, theirs) in [
            ("storm crashes", "crashes"),
            ("storm crashes between two effects", "crashes between two effects"),
            ("storm restarts", "restarts"),
            ("storm pauses", "pauses"),
        ] {
            coverage.add(ours, self.world.coverage().0.get(theirs).copied().unwrap_or(0));
        }
        self.ghost().tally(&mut coverage);
        coverage
    }
}

fn setup<P: Protocol>(seed: u64, setting: &Setting<P>) -> Setup<P> {
    let mut plan = Plan::calm(setting.nodes);
    if let Some(clock) = plan.clocks.get_mut(setting.me.index()) {
        *clock = (setting.clock_ahead_us, setting.drift_ppm);
    }
    let mut saved = vec![None; setting.nodes];
    if let Some(disk) = saved.get_mut(setting.me.index()) {
        disk.clone_from(&setting.saved);
    }
    Setup { plan, saved, ..Setup::new(seed, vec![setting.config.clone(); setting.nodes]) }
}
