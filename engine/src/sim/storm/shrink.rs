//! The fewest events of a storm that still do the same: as each is read against the ghost when it happens, any may be left
//! out. Delta debugging (Zeller & Hildebrandt 2002), with a budget of steps, so that one seed always gives one picture. Then
//! smaller numbers, where the same is seen with them.

use super::rig::{Kept, Rig, Start};
use super::weather::{Happening, Kind};
use crate::rng::Dice;
use crate::sim::node::{Factory, Protocol};
use crate::sim::shrink::{self, Target, learner, said};
use crate::sim::smaller::{self, For, Notebook, Noted, Tried};
use crate::sim::spec::Storm;
use crate::trace::Probe;

/// The most steps that one shrinking makes, over all its attempts.
const STEPS_MAX: u64 = 300_000;
/// The most of them on smaller numbers, and on one that is not broken.
const NUMBERS_MAX: u64 = 80_000;
const CONTRAST_MAX: u64 = 10_000;
/// The most of them on other starts, for a run of more steps than these.
const STARTS_MAX: u64 = 20_000;
const MODEST: u64 = 4;
/// How often the numbers are made smaller again, where fewer events did with them.
const ROUNDS: usize = 3;
/// What an attempt costs in any case, in steps: a world is made for it.
const AN_ATTEMPT: u64 = 10;
/// What a panic costs, in steps.
const A_PANIC: u64 = 3_000;

struct Search<'a, P: Protocol> {
    factory: Factory<P>,
    start: Start,
    target: &'a Target,
    probe: &'a Probe,
    spent: u64,
}

/// How a storm starts, and its events; all of them if they do not do it without their shadows.
pub(super) fn fewest<P: Protocol, S: Storm<P>>(
    factory: Factory<P>,
    start: &Start,
    events: &[Happening],
    target: &Target,
    probe: &Probe,
) -> (Start, Vec<Happening>, Option<String>) {
    let mut search = Search { factory, start: start.clone(), target, probe, spent: 0 };
    if !search.still::<S>(events) {
        return (search.start, events.to_vec(), None);
    }
    let mut best = search.fewer::<S>(events);
    search.starts_otherwise::<S>(&mut best);
    search.weaken::<S>(&mut best);
    // Fewer may do with smaller numbers, and smaller ones with fewer.
    for _ in 0..ROUNDS {
        let (smaller, contrast) = search.smaller::<S>(&best);
        best = search.fewer::<S>(&smaller);
        if best.len() == smaller.len() {
            return (search.start, best, contrast);
        }
    }
    (search.start, best, None)
}

impl<P: Protocol> Search<'_, P> {
    fn fewer<S: Storm<P>>(&mut self, events: &[Happening]) -> Vec<Happening> {
        shrink::fewest(events, |shorter| (self.spent <= STEPS_MAX).then(|| self.still::<S>(shorter)))
    }

    fn still<S: Storm<P>>(&mut self, events: &[Happening]) -> bool {
        let start = self.start.clone();
        self.seen::<S>(&start, events, &Notebook::default(), u64::MAX).is_some_and(|seen| seen.is_some())
    }

    /// What is seen if these events still do it, but for the numbers. Nothing if something else is broken; or if nothing is, nothing of that.
    fn seen<S: Storm<P>>(&mut self, start: &Start, events: &[Happening], book: &Notebook, most_steps: u64) -> Option<Option<String>> {
        let kept = Kept { done: &mut Vec::new(), book, most_steps };
        let made = learner(self.probe, || Rig::<P, S>::run(self.factory, start, self.probe, events, 0, kept));
        self.spent += AN_ATTEMPT + events.len() as u64;
        match made {
            Ok((run, steps)) => {
                self.spent += steps;
                let Err(broken) = run.check else { return Some(None) };
                (Target::Rule(broken.rule) == *self.target).then(|| Some(smaller::gist(&broken.seen)))
            }
            Err(payload) => {
                self.spent += A_PANIC;
                (Target::Panic(said(&*payload)) == *self.target).then(|| Some(String::new()))
            }
        }
    }

    /// Another start, as with a disk that holds already what would have to come in: where fewer steps do it then.
    fn starts_otherwise<S: Storm<P>>(&mut self, best: &mut Vec<Happening>) {
        let before = self.spent;
        let Some(noted) = self.noted::<S>(best) else { return };
        let mut steps = noted.steps;
        for (at, other) in noted.choices() {
            if steps <= MODEST || self.spent - before > STARTS_MAX {
                return;
            }
            let start = Start { dice: self.start.dice.with(at, other), ..self.start.clone() };
            let held = std::mem::replace(&mut self.start, start);
            let fewer = if self.still::<S>(best) { self.fewer::<S>(best) } else { Vec::new() };
            match self.noted::<S>(&fewer).filter(|noted| noted.steps < steps) {
                Some(noted) => (*best, steps) = (fewer, noted.steps),
                None => self.start = held,
            }
        }
    }

    /// What is noted of a run of these events, if they still do it.
    fn noted<S: Storm<P>>(&mut self, events: &[Happening]) -> Option<Noted> {
        let (book, start) = (Notebook::new(), self.start.clone());
        self.seen::<S>(&start, events, &book, u64::MAX)??;
        Some(book.noted())
    }

    /// A plain crash in the place of one between two effects, where that does it too.
    fn weaken<S: Storm<P>>(&mut self, best: &mut Vec<Happening>) {
        for i in 0..best.len() {
            if matches!(best[i].kind, Kind::CrashAfter | Kind::CrashUnsaved) && self.spent <= STEPS_MAX {
                let mut weaker = best.clone();
                weaker[i].kind = Kind::Crash;
                if self.still::<S>(&weaker) {
                    *best = weaker;
                }
            }
        }
    }

    /// Smaller numbers in what it starts with, and in what comes in, where the same is seen then: small ones are easily equal, and
    /// what is broken may be another thing.
    fn smaller<S: Storm<P>>(&mut self, best: &[Happening]) -> (Vec<Happening>, Option<String>) {
        let (start, before) = (self.start.clone(), self.spent);
        let Some(Some(gist)) = self.seen::<S>(&start, best, &Notebook::default(), u64::MAX) else { return (best.to_vec(), None) };
        let dice: Vec<Dice> = [&start.dice].into_iter().chain(best.iter().map(|event| &event.dice)).cloned().collect();
        let kinds: Vec<Kind> = best.iter().map(|event| event.kind).collect();
        let with = |dice: &[Dice]| {
            let (first, dice) = dice.split_first()?;
            let events = kinds.iter().zip(dice).map(|(kind, dice)| Happening { kind: *kind, dice: dice.clone() });
            Some((Start { dice: first.clone(), ..start.clone() }, events.collect::<Vec<_>>()))
        };
        let (smallest, contrast) = smaller::smallest(&dice, &mut |dice, purpose| {
            let (most, most_steps) = match purpose {
                For::Numbers(steps) => (NUMBERS_MAX, steps),
                For::Contrast => (NUMBERS_MAX + CONTRAST_MAX, u64::MAX),
            };
            let (start, events) = with(dice).filter(|_| self.spent - before <= most)?;
            let book = Notebook::new();
            Some(match self.seen::<S>(&start, &events, &book, most_steps) {
                Some(Some(seen)) if seen == gist => Tried::Same(book.noted()),
                Some(None) => Tried::Fine(book.noted()),
                _ => Tried::Other,
            })
        });
        let Some((start, events)) = with(&smallest) else { return (best.to_vec(), None) };
        self.start = start;
        (events, contrast)
    }
}
