//! The hidden tests of `g_counter`.

mod spec;

use super::Counter;
use crate::exercises::kit::counters::{self, clues};
use crate::rule::Rule;
use crate::sim::Factory;
use crate::suite::Suite;

const SHAPIRO: &str = "Shapiro, Preguiça, Baquero & Zawirski 2011, section 3.1.1 (op. 6, state-based G-Counter)";
const SEMILATTICE: &str = "Shapiro, Preguiça, Baquero & Zawirski 2011, section 2.2.1 (join semilattice)";

pub(super) const ADDS_UP: &str = "increments_add_up";
pub(super) const MERGE_LAWS: &str = "merge_laws";
pub(super) const READS: &str = "reads_need_nobody";
pub(super) const RETRY: &str = "retry_counts_once";
pub(super) const SURVIVES: &str = "acknowledged_survives";
pub(super) const BOUNDS: &str = "value_in_bounds";
pub(super) const CONVERGES: &str = "converges";

const RULES: [Rule; 7] = [
    Rule {
        name: ADDS_UP,
        title: "increments of different replicas add up, also when they were made at the same time",
        why: "Two data centres each count a view in the same millisecond; if their states share one number, one of the two views is lost for good.",
        look: "What the value is computed from, and which entry an increment changes: each replica may raise only its own.",
        source: SHAPIRO,
        clues: clues::ADDS_UP,
    },
    Rule {
        name: MERGE_LAWS,
        title: "merging a state twice, late or in another order gives the same counter",
        why: "The network repeats and reorders. A merge that is not idempotent and commutative turns every repeated packet into views that never happened, and every late packet into lost views.",
        look: "How a received entry is combined with the one you have: the larger of the two, entry by entry.",
        source: SEMILATTICE,
        clues: clues::MERGE_LAWS,
    },
    Rule {
        name: READS,
        title: "a read is answered from what the replica knows, also when nobody else can be reached",
        why: "A replica that must ask others before it answers is unavailable whenever they are; a replica that answers from a stale total shows less than it knows.",
        look: "The answer to Read: the sum over all entries, computed now.",
        source: "Gilbert & Lynch 2002, section 2 (availability); Shapiro et al. 2011, op. 6 (query)",
        clues: clues::READS,
    },
    Rule {
        name: RETRY,
        title: "an increment that a client asks for twice counts once",
        why: "The answer is what gets lost most often: the client cannot tell, asks again, and is counted twice. From then on, billing by views is wrong.",
        look: "Where an operation's id is looked up before counting, and whether the table of ids is saved together with the count: the retry may come after a crash.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3 (call identifiers)",
        clues: clues::RETRY,
    },
    Rule {
        name: SURVIVES,
        title: "an increment that was acknowledged is never lost, not even by a crash",
        why: "The client was told that the increment is counted. A replica that answers before it saves breaks that promise at its next crash.",
        look: "Whether an increment is saved at all, what is saved of it, and whether that comes before the reply: effects happen in the order in which you call them, and a crash can fall between any two.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: clues::SURVIVES,
    },
    Rule {
        name: BOUNDS,
        title: "a replica's value is never below what it has been told of, nor above what has been done",
        why: "A counter that shows less than it has heard of, or more than ever happened, cannot be trusted at all.",
        look: "Everything that changes the counts: each path may only raise an entry, and only to what its owner has really counted.",
        source: SHAPIRO,
        clues: clues::BOUNDS,
    },
    Rule {
        name: CONVERGES,
        title: "once the network heals, all replicas reach the same value",
        why: "A state that is sent once and lost is lost for ever: two data centres then differ until the next increment comes in, which for an old post is never.",
        look: "What makes a replica tell the others again: something periodic that starts again after a restart, and tells all that the replica knows, also when nothing has changed.",
        source: "Demers et al. 1987, Epidemic algorithms for replicated database maintenance, section 1.3 (anti-entropy)",
        clues: clues::CONVERGES,
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Counter>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<super::GCounter>) -> Suite {
    let mut suite = Suite::new("g_counter", &RULES, spec::swarm(factory)).with_storms(spec::storms(factory));
    counters::vectors(&mut suite, factory);
    suite
}
