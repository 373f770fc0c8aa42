//! The hidden tests of `circuit_breaker`: what must come out of the calls is in `spec`; here is what a learner should see first.

mod spec;

use super::CircuitBreaker;
use crate::exercises::kit::{Bench, rows};
use crate::rule::Rule;
use crate::suite::Suite;

pub(super) const SUM: &str = "adds_up";
pub(super) const COUNT: &str = "counts_each";

const RULES: [Rule; 2] = [
    Rule {
        name: SUM,
        title: "the sum is that of all numbers that were added",
        why: "Say what goes wrong, and for whom, when this rule is broken.",
        look: "Say where in the learner's code the cause is likely to be.",
        source: "Name the paper and its section.",
        clues: &[],
    },
    Rule {
        name: COUNT,
        title: "every number that was added is counted",
        why: "Say what goes wrong, and for whom, when this rule is broken.",
        look: "Say where in the learner's code the cause is likely to be.",
        source: "Name the paper and its section.",
        clues: &[],
    },
];

/// Examples: what is added, and what must come out.
const SUMS: [(&str, (&[u64], u64)); 3] = [("nothing was added", (&[], 0)), ("one number", (&[7], 7)), ("two numbers", (&[7, 9], 16))];

/// The learner's thing, whichever it is.
type Thing = Box<dyn CircuitBreaker>;

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<T: CircuitBreaker>() -> Suite {
    suite(|| Box::new(T::new()))
}

fn suite(make: fn() -> Thing) -> Suite {
    let mut suite = Suite::plain("circuit_breaker", &RULES, spec::storms(make));
    rows(&mut suite, SUM, SUMS, move |p, (numbers, sum)| {
        let mut it = Bench::new(make, p);
        numbers.iter().for_each(|n| it.call(|| format!("add({n})"), |it| it.add(*n)));
        it.gives(SUM, sum, "sum()", |it| it.sum())
    });
    suite
}
