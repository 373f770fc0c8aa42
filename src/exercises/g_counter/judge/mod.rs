//! The hidden tests of `g_counter`.

mod spec;

use super::Counter;
use crate::exercises::kit::counters;
use crate::rule::Rule;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

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
        why: "Two data centres count a view each in the same millisecond; if their states share one number, one of the two views is gone for good.",
        look: "What the value is computed from, and which entry an increment changes: each replica may only ever raise its own.",
        source: SHAPIRO,
        clues: &[
            Clue::Inputs(4),
            Clue::Look(Evidence::All(&[Evidence::AtRequest("Increment"), Evidence::LeftWithoutSave]), TAKEN_FOR_KNOWN),
        ],
    },
    Rule {
        name: MERGE_LAWS,
        title: "a state merged twice, late or in another order leaves the same counter",
        why: "The network repeats and reorders. A merge that is not idempotent and commutative turns every repeated packet into views that nobody made, and every late one into views that are lost.",
        look: "How a received entry is combined with the one you have: the larger of the two, entry by entry.",
        source: SEMILATTICE,
        clues: &[Clue::Heard(3)],
    },
    Rule {
        name: READS,
        title: "a read is answered from what the replica knows, with nobody else reachable",
        why: "A replica that must ask others before it answers is unavailable whenever they are; one that answers from a stale total shows a number below what it knows.",
        look: "The answer to Read: the sum over all entries, computed now.",
        source: "Gilbert & Lynch 2002, section 2 (availability); Shapiro et al. 2011, op. 6 (query)",
        clues: &[Clue::Request, Clue::Inputs(1)],
    },
    Rule {
        name: RETRY,
        title: "an increment that a client asks for twice counts once",
        why: "The answer is what gets lost most often: the client cannot tell, asks again, and is counted twice: billing by views is wrong from then on.",
        look: "Where an operation's id is looked up before counting, and whether the table of ids is saved together with the count: after a crash the retry still comes.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3 (call identifiers)",
        clues: &[
            Clue::Twice,
            Clue::Crash,
            Clue::Look(Evidence::Says("a second time"), "What is left of a request after its answer: a ticket is answered once."),
            Clue::Look(Evidence::Says("did not answer"), NO_ANSWER),
            Clue::Look(
                Evidence::Says("it had told others"),
                "The order of save and send: a count leaves before it is saved, and after a crash the same operation counts again.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("asked for again"), Evidence::Restarted]),
                "Where the ids are saved, and what `new` makes of them: together with the count, all of them, for as long as a retry may come.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("asked for again"), Evidence::NeverRestarted]),
                "Where an operation's id is looked up before it counts: every id, whatever its size, and for how long it is remembered.",
            ),
        ],
    },
    Rule {
        name: SURVIVES,
        title: "an increment that was acknowledged is never lost, not even by a crash",
        why: "The client was told that the increment is counted. A replica that answers before it saves breaks that promise at its next crash.",
        look: "Whether an increment is saved at all, what of it, and that this comes before the reply: effects happen in the order in which you call them, and a crash may fall between any two.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Unsaved,
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of save and reply: the answer leaves first. A crash may fall between any two effects.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "Where the operation of the marked step is handled: it was answered and nothing was saved.",
            ),
            Clue::Look(Evidence::AtStart, "What is saved, and what `new` makes of it: every count in its full width, and the ids."),
        ],
    },
    Rule {
        name: BOUNDS,
        title: "a replica's value is never below what it was told of, nor above what was done",
        why: "A counter that shows less than it has heard of, or more than ever happened, cannot be trusted for anything.",
        look: "Everything that changes the counts: each path may only raise an entry to what its owner has really counted.",
        source: SHAPIRO,
        clues: &[
            Clue::Inputs(2),
            Clue::Saved,
            Clue::Look(
                Evidence::All(&[Evidence::Says("when it had heard"), Evidence::AtMessage("")]),
                "What is made of a state that comes in: entry by entry the larger of the two, of every replica; and in which type the value is summed up.",
            ),
            Clue::Look(
                Evidence::Says(" told "),
                "What a replica tells: of itself what it has counted, of others what it has heard, each in its own entry.",
            ),
        ],
    },
    Rule {
        name: CONVERGES,
        title: "once the network heals, all replicas come to the same value",
        why: "A state that is sent once and lost is lost for ever: two data centres then differ until the next increment comes in, which for an old post is never.",
        look: "What makes a replica tell the others again: something periodic, which a restart sets going again, and which tells all that the replica knows, also when nothing has changed.",
        source: "Demers et al. 1987, Epidemic algorithms for replicated database maintenance, section 1.3 (anti-entropy)",
        clues: &[
            Clue::Lost,
            Clue::Crash,
            Clue::Look(
                Evidence::PutOff,
                "What sets the timer anew although it has not fired yet: no request and no message may put off what is due.",
            ),
            Clue::Look(
                Evidence::NoTimer,
                "The timer that makes a replica tell the others: in the end none is set. It is to be set when it starts, also after a restart, and each time it fires.",
            ),
            Clue::Look(
                Evidence::Fired,
                "What the timer does when it fires: each time it tells every other replica all that this one knows, also when nothing has changed.",
            ),
        ],
    },
];

/// Of an operation that was answered and left no trace.
const TAKEN_FOR_KNOWN: &str = "Where an operation's id is looked up before it counts: this one had never been asked for, was answered, and nothing was counted or saved, as if its id were known. Ids have 64 bits, and every one of them is an id.";
/// Of a request without an answer.
const NO_ANSWER: &str = "The handler of this request: it returned, and cx.reply was not called. On what does it depend whether it is: the id, the value, what was saved before? An answer needs nobody else, and a retry gets one, too, at once.";

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
