//! The hidden tests of `work_queue`: what one node may do is in `spec`; here are an example, a trap, and the swarm.

mod spec;

use super::{Request, Response, WorkQueue};
use crate::exercises::kit::{Guarded, N1, Script, crash_sweep};
use crate::rule::{Check, Rule};
use crate::sim::{Factory, Node};
use crate::suite::Suite;
use spec::Ghost;

pub(super) const RISE: &str = "numbers_rise";
pub(super) const ANSWERS: &str = "answers_once_in_time";

const RULES: [Rule; 2] = [
    Rule {
        name: RISE,
        title: "a node gives larger and larger numbers, also after a crash",
        why: "Say what goes wrong, and for whom, when this rule is broken.",
        look: "Say where in the learner's code the cause is likely to be.",
        source: "Name the paper and its section.",
        clues: &[],
    },
    Rule {
        name: ANSWERS,
        title: "every request is answered, once, within 100 ms",
        why: "Say what goes wrong, and for whom, when this rule is broken.",
        look: "Say where in the learner's code the cause is likely to be.",
        source: "Name the paper and its section.",
        clues: &[],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<WorkQueue>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<WorkQueue>) -> Suite {
    // Random runs of whole clusters, with every fault: each node is watched by its ghost.
    let swarm = Guarded {
        rules: &[RISE, ANSWERS],
        must_meet: &["crashes between two effects", "numbers given"],
        nodes: &[1, 2, 3],
        faults_ms: 1_000,
        quiet_ms: 1_000,
        config: |_, _| (),
        ghost: |node, _| Ghost::new(node, None),
        // While faults come as many as there is time for; when the network has healed three more.
        next: |_, duty, _| (duty < Some(3)).then_some(Request::Next),
        // What shows only between nodes: a kit::Between.
        between: |_| (),
    };
    let mut suite = Suite::new("work_queue", &RULES, swarm.swarm(f)).with_storms(spec::storms(f));
    // An example: the least that a learner should see first. Nothing is told by hand: the script knows what it did.
    suite.vector(RISE, "two numbers of one node", move |p| {
        let mut s = Script::up(f, p, vec![()])?;
        s.call(N1, Request::Next)?;
        s.call(N1, Request::Next)?;
        rises(&s)
    });
    // A trap: whatever falls between two effects, the numbers that were given stay given.
    suite.scenario(RISE, "a crash between any two effects of an answer", move |p| {
        for swept in crash_sweep(N1, || Script::up(f, p, vec![()]), |s| s.ask(N1, Request::Next)) {
            let (mut s, _) = swept?;
            s.call(N1, Request::Next)?;
            rises(&s)?;
        }
        Ok(())
    });
    suite
}

/// All numbers that were given, in order.
fn rises(s: &Script<'_, WorkQueue>) -> Check {
    let given: Vec<u64> = s.answers().iter().map(|(_, Response::Number(number), _)| *number).collect();
    s.expect(RISE, given.is_sorted_by(|a, b| a < b), || format!("so the numbers were {given:?}"))
}
