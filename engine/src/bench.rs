//! The bench for exercises without a network: the learner's code is called directly, every call goes through [`Calls`], and
//! a [`storm`] of calls is made up, shrunk and shown as a storm on the network is.
//!
//! There is no ghost here that says what may come out: each exercise brings a [`Life`], which makes the calls and knows what
//! holds between their answers, be it a naive model or relations.

use crate::rng::{Dice, Rng};
use crate::rule::{Check, Coverage};
use crate::sim::shrink::{Target, fewest, goes_on, learner, said};
use crate::sim::smaller::{self, For, Notebook, Tried};
use crate::suite::{Run, Shrunk};
use crate::time::Time;
use crate::trace::{Event, Lane, Probe, What};
use std::cell::Cell;
use std::rc::Rc;

/// The most work of one shrinking, over all its attempts: see [`Calls::work`].
const WORK_MAX: u64 = 200_000;
/// The most of it on smaller numbers, and on one that is not broken.
const NUMBERS_MAX: u64 = 80_000;
const CONTRAST_MAX: u64 = 10_000;
/// How often the numbers are made smaller again, where fewer events did with them.
const ROUNDS: usize = 3;
/// What an attempt costs in any case, in work.
const AN_ATTEMPT: u64 = 10;
/// What a panic costs, in work.
const A_PANIC: u64 = 3_000;

/// How the learner's code is called: a panic, or a call that never returns, is seen as theirs, and the calls of the case that
/// is shown are on its tape.
#[derive(Clone)]
pub struct Calls {
    probe: Probe,
    made: Rc<Made>,
    book: Notebook,
}

#[derive(Default)]
struct Made {
    steps: Cell<u64>,
    work: Cell<u64>,
}

impl Calls {
    /// Calls on that tape, if it is one.
    #[must_use]
    pub fn new(probe: &Probe) -> Self {
        Calls { probe: probe.clone(), made: Rc::default(), book: Notebook::default() }
    }

    /// Whether this is the case that is shown: the one in which it is worth finding out more.
    #[must_use]
    pub fn are_shown(&self) -> bool {
        self.probe.tape.is_some()
    }

    /// A call that changes something; `text` says how it is written.
    pub fn call<T>(&self, text: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
        self.calls(text);
        self.during(call)
    }

    /// A question with its answer.
    pub fn ask<T>(&self, text: impl FnOnce() -> String, call: impl FnOnce() -> T, gives: impl FnOnce(&T) -> String) -> T {
        let answer = self.call(text, call);
        if let Some(tape) = &self.probe.tape {
            tape.push(event(tape.last_step(), What::Gives { text: gives(&answer) }));
        }
        answer
    }

    /// One question of thousands: it stays on the tape only if it never returns.
    pub fn ask_quietly<T>(&self, text: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
        let Some(tape) = &self.probe.tape else { return self.during(call) };
        tape.attempt(event(tape.last_step() + 1, What::Calls { text: text() }));
        let answer = self.during(call);
        tape.done();
        answer
    }

    /// The question of thousands that had an answer which may not be: it stays on the tape after all.
    pub fn caught(&self, text: impl FnOnce() -> String, gave: impl FnOnce() -> String) {
        self.calls(text);
        if let Some(tape) = &self.probe.tape {
            tape.push(event(tape.last_step(), What::Gives { text: gave() }));
        }
    }

    /// Adds to what this run has cost, beside one for each call: shrinking tries shorter ones as long as all of them together
    /// do not cost too much. It is a number and no time, so that one seed always gives one picture.
    pub fn work(&self, n: u64) {
        self.made.work.set(self.made.work.get() + n);
    }

    fn calls(&self, text: impl FnOnce() -> String) {
        self.made.steps.set(self.made.steps.get() + 1);
        if self.book.is_open() {
            let text = text();
            return self.book.note(|noted| {
                noted.steps += 1;
                noted.comes(&text);
            });
        }
        if let Some(tape) = &self.probe.tape {
            tape.push(event(tape.last_step() + 1, What::Calls { text: text() }));
        }
    }

    fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        self.work(1);
        self.probe.enter();
        let result = call();
        self.probe.leave();
        result
    }
}

fn event(step: u64, what: What) -> Event {
    Event { step, at: Time::ZERO, lane: Lane::Network, what }
}

/// What happens to the learner's code in one storm, and what is known of it.
pub trait Life {
    /// One event, drawn from dice of its own and read against what is known: so any can be left out, and the rest still means
    /// something.
    ///
    /// # Errors
    /// The rule that is broken.
    fn event(&mut self, rng: &mut Rng) -> Check;

    /// What has to hold after all of them.
    ///
    /// # Errors
    /// The rule that is broken.
    fn end(&mut self, rng: &mut Rng) -> Check;

    /// Adds what this storm has met.
    fn tally(&self, coverage: &mut Coverage);

    /// A fingerprint of each answer so far.
    fn fingerprints(&self) -> Vec<u64>;
}

/// Makes storm `seed`: so many events in a life that `begin` draws.
///
/// With `probe.shrink` it is made without a tape first, and if it breaks a rule, the tape gets the fewest events found that
/// break the same one. A panic of the learner's code is shrunk, too, and leaves this function as a panic.
pub fn storm<L: Life>(seed: u64, probe: &Probe, begin: impl Fn(&mut Rng, Calls) -> (L, u64)) -> Run {
    let storm = Storm { seed, begin };
    let untaped = Probe { tape: None, ..probe.clone() };
    let watched = if probe.shrink { &untaped } else { probe };
    let mut events = Vec::new();
    let calls = Calls::new(watched);
    let mut made = || storm.whole(&calls, &mut events);
    let run = match if probe.shrink { learner(&untaped, made) } else { Ok(made()) } {
        Ok(run) => run,
        Err(payload) => {
            let _ = storm.show(events, &Target::Panic(said(&*payload)), probe);
            goes_on(&untaped, payload)
        }
    };
    let Some(broken) = run.check.as_ref().err().filter(|_| probe.shrink) else { return run };
    let (shown, shown_steps, contrast) = storm.show(events, &Target::Rule(broken.rule), probe);
    let raw_steps = calls.made.steps.get();
    let shrunk = shown.err().map(|broken| Shrunk { broken, raw_steps, shown_steps, contrast });
    Run { shrunk, ..run }
}

struct Storm<B> {
    seed: u64,
    begin: B,
}

impl<L: Life, B: Fn(&mut Rng, Calls) -> (L, u64)> Storm<B> {
    /// What it begins with is drawn from these.
    fn dice(&self) -> Dice {
        Dice::stream(self.seed, 10)
    }

    /// All events. `events` gets the dice of those that happened, the last of them even if it panics.
    fn whole(&self, calls: &Calls, events: &mut Vec<Dice>) -> Run {
        let (mut life, count) = (self.begin)(&mut self.dice().rng(false), calls.clone());
        let mut rng = Rng::stream(self.seed, 11);
        let mut all = (0..count).map(|_| Dice::new(rng.next_u64())).inspect(|dice| events.push(dice.clone()));
        let check = all.try_for_each(|dice| life.event(&mut dice.rng(false))).and_then(|()| life.end(&mut self.last()));
        let mut coverage = Coverage::default();
        life.tally(&mut coverage);
        Run { check, coverage, lessons: Vec::new(), fingerprints: life.fingerprints(), shrunk: None }
    }

    fn last(&self) -> Rng {
        Rng::stream(self.seed, 12)
    }

    /// A storm that begins with the first of the dice, and of these events alone.
    fn some(&self, calls: &Calls, dice: &[Dice]) -> Check {
        let Some((first, events)) = dice.split_first() else { return Ok(()) };
        let (mut life, _) = (self.begin)(&mut calls.book.cast(first), calls.clone());
        events.iter().try_for_each(|dice| life.event(&mut calls.book.cast(dice)))?;
        life.end(&mut self.last())
    }

    /// Makes the fewest of the events happen that still do it, with the smallest numbers, on the tape. Gives the calls shown, too,
    /// and with which numbers nothing is broken.
    fn show(&self, events: Vec<Dice>, target: &Target, probe: &Probe) -> (Check, u64, Option<String>) {
        let untaped = Probe { tape: None, shrink: false, fingerprint: false, ..probe.clone() };
        let mut shrinking = Shrinking { storm: self, target, probe: &untaped, spent: 0 };
        let mut best = shrinking.fewer([vec![self.dice()], events].concat());
        let mut contrast = None;
        // Fewer may do with smaller numbers, and smaller ones with fewer.
        for _ in 0..ROUNDS {
            let (events, seen) = (best.len(), shrinking.smaller(&mut best));
            best = shrinking.fewer(best);
            if best.len() == events {
                contrast = seen;
                break;
            }
        }
        let calls = Calls::new(&Probe { tape: probe.tape.clone(), ..untaped });
        let check = self.some(&calls, &best);
        (check, calls.made.steps.get(), contrast)
    }
}

struct Shrinking<'a, B> {
    storm: &'a Storm<B>,
    target: &'a Target,
    probe: &'a Probe,
    spent: u64,
}

impl<L: Life, B: Fn(&mut Rng, Calls) -> (L, u64)> Shrinking<'_, B> {
    /// What is seen, but for the numbers. Nothing if something else is broken; or if nothing is, nothing of that.
    fn seen(&mut self, dice: &[Dice], book: &Notebook) -> Option<Option<String>> {
        let calls = Calls { book: book.clone(), ..Calls::new(self.probe) };
        let made = learner(self.probe, || self.storm.some(&calls, dice));
        self.spent += AN_ATTEMPT + calls.made.work.get() + if made.is_err() { A_PANIC } else { 0 };
        match made {
            Ok(Ok(())) => Some(None),
            Ok(Err(broken)) => (Target::Rule(broken.rule) == *self.target).then(|| Some(smaller::gist(&broken.seen))),
            Err(payload) => {
                let same = Target::Panic(said(&*payload)) == *self.target;
                // Its destructor may panic as well.
                std::mem::forget(payload);
                same.then(|| Some(String::new()))
            }
        }
    }

    fn fewer(&mut self, dice: Vec<Dice>) -> Vec<Dice> {
        let Some((first, events)) = dice.split_first() else { return dice };
        let with = |events: &[Dice]| [std::slice::from_ref(first), events].concat();
        with(&fewest(events, |events| {
            (self.spent <= WORK_MAX).then(|| self.seen(&with(events), &Notebook::default()).is_some_and(|seen| seen.is_some()))
        }))
    }

    /// Smaller numbers where the same is seen with them. Gives with which nothing is broken, if that was seen.
    fn smaller(&mut self, best: &mut Vec<Dice>) -> Option<String> {
        let before = self.spent;
        let Some(Some(gist)) = self.seen(best, &Notebook::default()) else { return None };
        let (smallest, contrast) = smaller::smallest(best, &mut |dice, purpose| {
            let (book, most) = (Notebook::new(), NUMBERS_MAX + if purpose == For::Contrast { CONTRAST_MAX } else { 0 });
            Some(match (self.spent - before <= most).then(|| self.seen(dice, &book))? {
                Some(Some(seen)) if seen == gist => Tried::Same(book.noted()),
                Some(None) => Tried::Fine(book.noted()),
                _ => Tried::Other,
            })
        });
        *best = smallest;
        contrast
    }
}

#[cfg(test)]
mod tests;
