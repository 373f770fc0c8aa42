//! The hidden tests of `pn_counter`.

mod spec;
mod vectors;

use super::Counter;
use crate::exercises::kit::counters::{self, clues};
use crate::rule::Rule;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::trace::clues::Clue;

const SHAPIRO: &str = "Shapiro, Preguiça, Baquero & Zawirski 2011, section 3.1.3 (PN-Counter)";
const SEMILATTICE: &str = "Shapiro, Preguiça, Baquero & Zawirski 2011, section 2.2.1 (join semilattice)";

pub(super) const ADDS_UP: &str = "operations_add_up";
pub(super) const NEGATIVE: &str = "value_may_be_negative";
pub(super) const MERGE_LAWS: &str = "merge_laws";
pub(super) const READS: &str = "reads_need_nobody";
pub(super) const RETRY: &str = "retry_counts_once";
pub(super) const SURVIVES: &str = "acknowledged_survives";
pub(super) const BOUNDS: &str = "value_in_bounds";
pub(super) const CONVERGES: &str = "converges";

const RULES: [Rule; 8] = [
    Rule {
        name: ADDS_UP,
        title: "increments and decrements of different replicas add up, also when they were made at the same time",
        why: "A like in Paris and a withdrawn like in Tokyo happen at the same time. If one overwrites the other, or a withdrawal is taken for an old state, the number is wrong for good.",
        look: "What the value is computed from: increments and decrements are two counters that only grow, each with one entry per replica that only its owner raises. And each must go into the field of the message that bears its name.",
        source: SHAPIRO,
        clues: clues::ADDS_UP,
    },
    Rule {
        name: NEGATIVE,
        title: "a decrement counts also when the value is zero or below, and a negative value is shown as it is",
        why: "A replica that refuses or hides values below zero cannot know that an increment elsewhere makes up for them: the replicas then differ for ever, or the number is wrong when that increment arrives.",
        look: "The type in which the difference is computed, and anything that compares the value with zero.",
        source: "Shapiro, Preguiça, Baquero & Zawirski 2011, section 3.1.4 (why a non-negative counter cannot be had this way)",
        clues: &[Clue::Inputs(3)],
    },
    Rule {
        name: MERGE_LAWS,
        title: "merging a state twice, late or in another order gives the same counter",
        why: "The network repeats and reorders. A merge that is not idempotent and commutative turns every repeated packet into likes that nobody gave, and every late packet into lost likes or withdrawals.",
        look: "How a received entry is combined with the one you have: the larger of the two, entry by entry, increments with increments and decrements with decrements.",
        source: SEMILATTICE,
        clues: clues::MERGE_LAWS,
    },
    Rule {
        name: READS,
        title: "a read is answered from what the replica knows, also when nobody else can be reached",
        why: "A replica that must ask others before it answers is unavailable whenever they are; a replica that answers from a stale total shows a number that it knows to be wrong.",
        look: "The answer to Read: all increments minus all decrements, computed now.",
        source: "Gilbert & Lynch 2002, section 2 (availability)",
        clues: clues::READS,
    },
    Rule {
        name: RETRY,
        title: "an operation that a client asks for twice counts once, and is answered each time",
        why: "The answer is what gets lost most often: the client cannot tell, asks again, and one withdrawal takes away two likes.",
        look: "Where an operation's id is looked up before counting, for increments and for decrements, and whether the table of ids is saved together with the counts: the retry may come after a crash.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3 (call identifiers)",
        clues: clues::RETRY,
    },
    Rule {
        name: SURVIVES,
        title: "an operation that was acknowledged is never lost, not even by a crash",
        why: "The client was told that the operation is counted. A replica that answers before it saves, or saves only a part, breaks that promise at its next crash.",
        look: "The order of save and reply, and what is saved: increments, decrements and ids, as they are after the operation, in one save.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: clues::SURVIVES,
    },
    Rule {
        name: BOUNDS,
        title: "a replica's value, and what it tells others, lies between what it knows and what has been done",
        why: "Known increments minus all decrements is the least that can be true, all increments minus known decrements the most. A counter outside these bounds has made something up or lost something, and cannot be trusted at all.",
        look: "Everything that changes the counts: each path may only raise an entry, and only to what its owner has really counted.",
        source: SHAPIRO,
        clues: clues::BOUNDS,
    },
    Rule {
        name: CONVERGES,
        title: "once the network heals, all replicas reach the same value, and the right one",
        why: "A state that is sent once and lost is lost for ever: two data centres then differ until the next like comes in, which for an old post is never.",
        look: "What makes a replica tell the others again: something periodic that carries increments and decrements, also those of other replicas (which may be down), and that starts again after a restart.",
        source: "Demers et al. 1987, Epidemic algorithms for replicated database maintenance, section 1.3 (anti-entropy)",
        clues: clues::CONVERGES,
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Counter>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<super::PnCounter>) -> Suite {
    let mut suite = Suite::new("pn_counter", &RULES, spec::swarm(factory)).with_storms(spec::storms(factory));
    counters::vectors(&mut suite, factory);
    vectors::add(&mut suite, factory);
    suite
}
