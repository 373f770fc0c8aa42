//! The hidden tests of `work_queue`: what the broker may do is in `spec`, whole systems run in `swarm`; `scripts` has examples and traps, `lesson` what is shown
//! when all is well.

mod lesson;
mod rules;
mod scripts;
mod spec;
mod swarm;

use super::{Config, WorkQueue};
use crate::exercises::kit::N1;
use crate::sim::{Factory, Node};
use crate::suite::Suite;
use crate::time::millis;
use rules::RULES;

/// The numbers of examples.
fn config() -> Config {
    Config { lease: millis(300), attempts: 3, pause: millis(100), most: millis(400), capacity: 4, remembers: millis(5_000) }
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<WorkQueue>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<WorkQueue>) -> Suite {
    let mut suite = Suite::new("work_queue", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    scripts::add(&mut suite, f);
    lesson::add(&mut suite, f);
    suite
}
