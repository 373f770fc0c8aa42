//! One node in a world by hand, with its ghost: makes the events of a storm happen.

use super::weather::{Happening, Kind};
use crate::rng::{Dice, Rng, mix};
use crate::rule::{Broken, Check, Coverage};
use crate::sim::envelope::Envelope;
use crate::sim::fault::Plan;
use crate::sim::ghosts::Ghosts;
use crate::sim::node::{Factory, NodeId, Protocol};
use crate::sim::smaller::Notebook;
use crate::sim::spec::{Input, Mail, Setting, Storm};
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

/// No rule: the storm was not made to its end, as it has more steps than were asked for.
const TOO_LONG: &str = "too long";

/// How many effects a call lets happen before it crashes, at most.
const CRASH_AFTER_MAX: u64 = 6;

/// How long mail to and from services takes when the node is left in peace.
const LATENCY: Duration = millis(5);

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub seed: u64,
    /// Those of what it begins with.
    pub dice: Dice,
}

/// What is kept of a run, and when it is over at the latest.
pub(super) struct Kept<'a> {
    /// The events that happened.
    pub done: &'a mut Vec<Happening>,
    /// What was drawn and came in.
    pub book: &'a Notebook,
    pub most_steps: u64,
}

impl<'a> Kept<'a> {
    /// Of a whole run its events alone.
    pub fn events(done: &'a mut Vec<Happening>, book: &'a Notebook) -> Self {
        Kept { done, book, most_steps: u64::MAX }
    }
}

pub(super) struct Rig<'r, P: Protocol, S: Storm<P>> {
    world: World<'r, P>,
    ghosts: Shared<P, S>,
    me: NodeId,
    passing: Passing,
    crashes: bool,
    rest_ms: u64,
    mail: Mail,
    /// Mail between the node and the services that is under way.
    post: Vec<Envelope<P>>,
    heard: Vec<(NodeId, P::Message)>,
    counts: Counts,
    book: Notebook,
    most_steps: u64,
}

impl<P: Protocol, S: Storm<P>> Rig<'_, P, S> {
    /// Makes the events happen, and rest after them. `done` gets those that did, the last of them even if it panics, and `book`
    /// what came in. Gives the steps, too; after `most_steps` it is over.
    pub fn run(factory: Factory<P>, start: &Start, probe: &Probe, events: &[Happening], shadows: u32, kept: Kept<'_>) -> (Run, u64) {
        let Kept { done, book, most_steps } = kept;
        let (ghost, setting) = S::setting(&mut book.cast(&start.dice));
        book.note(|noted| {
            // Each node is a column of the picture.
            noted.comes(&vec![(); setting.nodes]);
            noted.comes(&(setting.me, &setting.config, &setting.saved, setting.clock_ahead_us, setting.drift_ppm));
        });
        let me = setting.me;
        let ghosts = Rc::new(RefCell::new(Ghosts::of(me, ghost)));
        let mut watch = Watch(Rc::clone(&ghosts));
        let world = World::by_hand_watched(factory, setup(start.seed, &setting, factory.services()), probe, Some(&mut watch));
        let (passing, crashes, rest_ms) = (Passing::of(&setting), setting.crashes, setting.rest_ms);
        let mail = if factory.services() > 0 { setting.mail } else { Mail::Unread };
        let (heard, counts, post) = (Vec::new(), Counts::default(), Vec::new());
        let mut rig = Rig { world, ghosts, me, passing, crashes, rest_ms, mail, post, heard, counts, book: book.clone(), most_steps };
        let check = rig.all(events, shadows, done);
        book.note(|noted| (noted.steps, noted.micros) = (rig.world.steps(), rig.world.now().as_micros()));
        let coverage = rig.coverage();
        let (fingerprints, steps) = (rig.world.fingerprints().to_vec(), rig.world.steps());
        (Run { check, coverage, lessons: Vec::new(), fingerprints, shrunk: None }, steps)
    }

    fn all(&mut self, events: &[Happening], shadows: u32, done: &mut Vec<Happening>) -> Check {
        for event in events {
            done.push(event.clone());
            self.happen(event)?;
            self.not_too_long()?;
            self.collect();
            if self.crashes && self.world.is_up(self.me) && self.ghost().promised() {
                self.counts.promises += 1;
                let often = if shadows > 0 && self.counts.promises <= EARLY.0 { shadows.max(EARLY.1) } else { shadows };
                let mut dice = Rng::new(mix(event.dice.seed()));
                if dice.chance(often) {
                    let betrayal = Happening { kind: Kind::Betray, dice: Dice::new(dice.next_u64()) };
                    done.push(betrayal.clone());
                    match self.shadow(&betrayal.dice) {
                        Ok(()) => drop(done.pop()),
                        Err(_) => self.happen(&betrayal)?,
                    }
                }
            }
        }
        self.world.disarm(self.me);
        self.up()?;
        let owes = self.ghost().owes();
        if !owes || self.mail == Mail::Unread {
            return self.wait(millis(if owes { self.rest_ms } else { 0 }));
        }
        let end = self.world.now() + millis(self.rest_ms);
        while self.world.now() < end {
            self.collect();
            for envelope in std::mem::take(&mut self.post) {
                self.world.deliver(&envelope)?;
            }
            self.wait(LATENCY.min(end - self.world.now()))?;
        }
        Ok(())
    }

    /// Takes what was sent: mail between the node and the services, if they run, is under way; to whomever else it was, the ghost has seen it.
    fn collect(&mut self) {
        if self.mail != Mail::Unread {
            let read = |envelope: &Envelope<P>| envelope.to.role().is_some() || envelope.from.role().is_some();
            self.post.extend(self.world.take_sent().into_iter().filter(read));
        }
        self.world.forget_sent();
    }

    /// Some of the mail that is under way arrives.
    fn carry(&mut self, rng: &mut Rng) -> Check {
        if self.mail == Mail::Unread {
            return Ok(());
        }
        let services: Vec<NodeId> = self.world.services().filter(|service| !self.world.is_up(*service)).collect();
        services.into_iter().try_for_each(|service| self.world.boot(service))?;
        let mut post = std::mem::take(&mut self.post);
        rng.shuffle(&mut post);
        for envelope in post {
            let fate = rng.below(100);
            let faulty = self.mail == Mail::Faulty;
            // Later, or again later.
            if fate < 30 || faulty && fate < 40 {
                self.post.push(envelope.clone());
            }
            if fate >= 30 && !(faulty && fate >= 90) {
                self.world.deliver(&envelope)?;
            }
        }
        self.collect();
        Ok(())
    }

    fn ghost(&self) -> RefMut<'_, S> {
        let me = self.me;
        RefMut::map(self.ghosts.borrow_mut(), |ghosts| ghosts.ghost(me))
    }

    fn happen(&mut self, Happening { kind, dice }: &Happening) -> Check {
        let mut rng = self.book.clone().cast(dice);
        self.up()?;
        self.carry(&mut rng)?;
        let is_crash = matches!(kind, Kind::Crash | Kind::CrashAfter | Kind::CrashUnsaved);
        match if is_crash && !self.crashes { &Kind::Tell } else { kind } {
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
    fn shadow(&mut self, dice: &Dice) -> Check {
        self.counts.shadows += 1;
        let mut ghost = self.ghost().clone();
        let mut rng = dice.rng(false);
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
        self.book.note(|noted| noted.comes(&input));
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
            self.collect();
            self.not_too_long()?;
        }
        self.world.wait_until(until)?;
        self.ghosts.borrow_mut().time(self.me, &self.world)
    }

    fn not_too_long(&self) -> Check {
        if self.world.steps() > self.most_steps { Err(Broken::new(TOO_LONG, "")) } else { Ok(()) }
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

fn setup<P: Protocol>(seed: u64, setting: &Setting<P>, services: usize) -> Setup<P> {
    let places = setting.nodes + services;
    let mut plan = Plan::calm(places);
    if let Some(clock) = plan.clocks.get_mut(setting.me.index()) {
        *clock = (setting.clock_ahead_us, setting.drift_ppm);
    }
    let mut saved = vec![None; places];
    if let Some(disk) = saved.get_mut(setting.me.index()) {
        disk.clone_from(&setting.saved);
    }
    Setup { plan, saved, ..Setup::new(seed, vec![setting.config.clone(); places]) }
}
