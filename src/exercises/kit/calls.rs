//! The bench of an exercise without a network: the learner's thing, whose calls are on the tape, and storms of calls against a [`Model`], which
//! knows what they must give. What holds only between answers, in place of a model, may be kept in one as well.

use crate::bench::{Calls, Life, storm};
use crate::hash;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::suite::Storms;
use crate::trace::Probe;
use crate::words::shown;
use std::fmt::Debug;
use std::hash::Hash;

/// The learner's thing under test.
pub(crate) struct Bench<T> {
    it: T,
    calls: Calls,
    fingerprints: Vec<u64>,
    /// What was met.
    pub met: Coverage,
}

impl<T> Bench<T> {
    /// For an example: its calls are shown.
    pub fn new(make: impl FnOnce() -> T, probe: &Probe) -> Self {
        Bench::of(make, Calls::new(probe))
    }

    fn of(make: impl FnOnce() -> T, calls: Calls) -> Self {
        let it = calls.call(|| "new()".to_owned(), make);
        Bench { it, calls, fingerprints: Vec::new(), met: Coverage::default() }
    }

    /// A call that changes it; `text` is how it is written.
    pub fn call<A>(&mut self, text: impl FnOnce() -> String, call: impl FnOnce(&mut T) -> A) -> A {
        self.calls.call(text, || call(&mut self.it))
    }

    /// A call that gives an answer.
    pub fn ask<A: Debug + Hash>(&mut self, text: impl FnOnce() -> String, call: impl FnOnce(&mut T) -> A) -> A {
        let answer = self.calls.ask(text, || call(&mut self.it), |answer| shown(answer));
        self.fingerprints.push(hash::of(&answer));
        answer
    }

    /// A call that must give `expected`, or `rule` breaks.
    pub fn gives<A: Debug + Hash + PartialEq>(
        &mut self,
        rule: &'static str,
        expected: &A,
        text: &str,
        call: impl FnOnce(&mut T) -> A,
    ) -> Check {
        let answer = self.ask(|| text.to_owned(), call);
        if answer == *expected {
            Ok(())
        } else {
            Err(Broken::new(rule, format!("{text} must be {}, and is {}", shown(expected), shown(&answer))))
        }
    }
}

/// What must come out of the calls.
pub(crate) trait Model<T>: Sized {
    /// One event of a storm: one call or a few, drawn from dice of its own.
    fn event(&mut self, it: &mut Bench<T>, rng: &mut Rng) -> Check;

    /// What holds after all of them.
    fn end(&mut self, it: &mut Bench<T>) -> Check {
        let _ = it;
        Ok(())
    }
}

struct Tried<T, M> {
    bench: Bench<T>,
    model: M,
}

impl<T, M: Model<T>> Life for Tried<T, M> {
    fn event(&mut self, rng: &mut Rng) -> Check {
        self.model.event(&mut self.bench, rng)
    }

    fn end(&mut self, _: &mut Rng) -> Check {
        self.model.end(&mut self.bench)
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.bench.met);
    }

    fn fingerprints(&self) -> Vec<u64> {
        self.bench.fingerprints.clone()
    }
}

/// Storms of calls: `begin` draws a model, and of how many events the storm is. See [`Storms`] for the rest.
pub(crate) fn storms<T: 'static, M: Model<T> + 'static>(
    make: fn() -> T,
    rules: &'static [&'static str],
    must_meet: &'static [&'static str],
    count: u64,
    begin: fn(&mut Rng) -> (M, u64),
) -> Storms {
    let begin = move |rng: &mut Rng, calls: Calls| {
        let (model, events) = begin(rng);
        (Tried { bench: Bench::of(make, calls), model }, events)
    };
    Storms { rules, must_meet, count, run: Box::new(move |seed, probe| storm(seed, probe, begin)) }
}
