//! The hidden tests of `quorum_register`.

mod coordinator;
mod exploration;
mod replica;
mod scenarios;
mod script;
mod spec;
mod swarm;
mod watch;

use super::QuorumRegister;
use crate::exercises::kit::replica_clues;
use crate::rule::Rule;
use crate::sim::{Factory, Node};
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

const ABD: &str = "Attiya, Bar-Noy & Dolev 1995, Sharing memory robustly in message-passing systems";
const LYNCH: &str =
    "Lynch & Shvartsman 1997, Robust emulation of shared memory using dynamic quorum-acknowledged broadcasts (the query before the write)";

pub(super) const KEEPS: &str = "keeps_the_newest";
pub(super) const SAVES: &str = "acknowledged_survives";
pub(super) const MAJORITY: &str = "a_majority_answers_each_phase";
pub(super) const ABOVE: &str = "writes_go_on_top";
pub(super) const UNIQUE: &str = "timestamps_are_unique";
pub(super) const BACK: &str = "reads_write_back";
pub(super) const LINEAR: &str = "linearizable";
pub(super) const ENDS: &str = "ends_while_a_majority_is_up";
pub(super) const ONCE: &str = "answers_once";
pub(super) const BUDGET: &str = "message_budget";

/// Of an operation under a number that was another one's.
const USED_NUMBER: &str = "The operation's number (its OpId): one that this node has never used, neither in this life nor in an earlier one. Save it before the first Query, or draw it at random, and do not cut it to fewer bits.";

const RULES: [Rule; 10] = [
    Rule {
        name: KEEPS,
        title: "a replica keeps the newest value, in whatever order values arrive",
        why: "A delayed Store arrives after a newer one. If it wins, a write that everybody has seen is undone.",
        look: "How the replica handles Store: compare the whole timestamp, number first and writer second, and replace only what is older.",
        source: ABD,
        clues: &[
            Clue::Saved,
            Clue::Heard(2),
            replica_clues::STATE_OF_THE_START,
            replica_clues::NOTHING_OVER,
            Clue::Look(Evidence::Says("'s Query with"), "The answer to a Query: what is saved, timestamp and value together."),
            Clue::Look(
                Evidence::All(&[Evidence::Says("saved"), Evidence::AtRequest("")]),
                "What is saved when a request begins: the counter, together with what the replica holds now. A Write is stored only when its timestamp is known.",
            ),
            Clue::Look(
                Evidence::Says("saved"),
                "The comparison before the replica saves: the whole timestamp, number first and writer second, each in its full width. It replaces only what is older.",
            ),
        ],
    },
    Rule {
        name: SAVES,
        title: "an acknowledged write survives the crash of any minority and restarts of all",
        why: "Two majorities may share only one replica. If that one acknowledged from memory and then restarted, the next majority has never heard of the write.",
        look: "The order of cx.save and cx.send(…, Stored), for this node's own replica too; and what `new` does with what was saved.",
        source: "Attiya, Bar-Noy & Dolev 1995; Gray & Reuter 1993, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Promise,
            Clue::Crash,
            replica_clues::STORED_BEFORE_SAVE,
            replica_clues::LOST_BY_NEW,
            replica_clues::STORED_SOMETHING_ELSE,
            Clue::Look(
                Evidence::All(&[Evidence::Says("told"), Evidence::LeftWithoutSave]),
                "How the replica handles Store in the step where the rule breaks: Stored leaves, but nothing was saved. How does it decide that the timestamp is not newer than its own? It must compare the whole timestamp, number first and writer second, each in its full width.",
            ),
        ],
    },
    Rule {
        name: MAJORITY,
        title: "each phase waits for answers to that phase, from a majority of different replicas",
        why: "The proof is one sentence: any two majorities share a replica. If you count a repeated answer, or an answer to an earlier phase or operation, or take half of an even number for a majority, they may share none.",
        look: "What is counted: a set of replicas for the current phase, empty when it begins; more than half of all; only answers with this operation's number. And the number: one that no operation of this node has had before, not even before a crash. Save it before the first Query, or draw it at random.",
        source: ABD,
        clues: &[
            Clue::Request,
            Clue::Heard(4),
            Clue::Look(
                Evidence::Says("saved by nobody"),
                "This node's own replica: the write is saved there too, timestamp and value, before Written. And which other replicas have sent it Stored.",
            ),
            Clue::Look(Evidence::Says("under which it had asked"), USED_NUMBER),
            Clue::Look(Evidence::Says("asks under"), USED_NUMBER),
            Clue::Look(
                Evidence::Says("answered"),
                "What is counted: a set of replicas for the current phase, empty when it begins; more than half of all; only answers of the right kind, with this operation's number. A request that joins another operation may use only answers to messages sent after the request came.",
            ),
            Clue::Look(
                Evidence::Says("stores"),
                "When the first phase ends: more than half of all replicas have answered this operation's Query, each counted once.",
            ),
        ],
    },
    Rule {
        name: ABOVE,
        title: "a write's timestamp is above that of every write that completed before it began",
        why: "A writer that does not ask first can number its write below one that is already there: the write is acknowledged, and nobody ever sees it.",
        look: "Where a write's number comes from: one more than the largest that a majority showed (including this node's own replica).",
        source: LYNCH,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: UNIQUE,
        title: "a timestamp belongs to one write, and a write has one timestamp",
        why: "If two values have the same timestamp, replicas that hold different values believe that they agree: two readers see two values for ever. And a write that is numbered a second time comes back after it was overwritten.",
        look: "How a write chooses its number: above every number that this node has used, even for a write that is still open or that a crash interrupted. So the number must be on its disk before a Store leaves.",
        source: LYNCH,
        clues: &[
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::Says("has the timestamp"),
                "Where a write chooses its number: only once. When the node asks again, or goes on after a late answer, it stores with the number that was chosen.",
            ),
            Clue::Look(
                Evidence::NeverRestarted,
                "How a write chooses its number: above every number that this node has used, even for a write that is still open.",
            ),
        ],
    },
    Rule {
        name: BACK,
        title: "before a read answers, a majority has saved what it returns",
        why: "One reader tells another that the payment went through. The second asks a majority without the one replica that has it, and sees it undone: the new–old inversion.",
        look: "What a read does between its last Answer and cx.reply: it stores what it found with a majority, and answers that, not what its replica holds by now. (It may skip the store if more than half of all replicas, including its own, have shown it this same timestamp.)",
        source: ABD,
        clues: &[Clue::Request, Clue::Heard(4)],
    },
    Rule {
        name: LINEAR,
        title: "all reads and writes are linearizable",
        why: "Clients must not be able to tell the register from one on a single machine: once a client has seen a value, no later read by any client may return an older one.",
        look: "The operations named above, in order: which replicas did each of them hear from and store to, and which one do they share? A read stores and returns the newest of all answers to its first phase.",
        source: "Herlihy & Wing 1990, Linearizability: a correctness condition for concurrent objects, section 2",
        clues: &[
            Clue::Request,
            Clue::Heard(4),
            Clue::Look(
                Evidence::Says("had shown it for this read"),
                "What a read returns: one of the answers to its own first phase, timestamp and value together.",
            ),
            Clue::Look(
                Evidence::Says("although"),
                "Which of the answers a read takes: the newest by the whole timestamp, including this node's own.",
            ),
        ],
    },
    Rule {
        name: ENDS,
        title: "every operation ends while a majority is up",
        why: "The majorities are there to tolerate the crash of a minority. One lost message, or one dead replica, must not leave a client waiting for ever.",
        look: "Whom a phase waits for (a majority, never all), and what happens when a message is lost: in both phases, a timer must ask again those replicas that have not answered. And a replica must acknowledge every Store, even a superseded or repeated one.",
        source: "Attiya, Bar-Noy & Dolev 1995 (operations end while fewer than half of the nodes have crashed)",
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("sent nothing when it took"),
                "What happens to a request that comes while others are open: it starts at once, like any other. None is dropped, merged or put aside for ever.",
            ),
            Clue::Look(
                Evidence::Says("within 20 ms"),
                "The replica's side: every Query and every Store is answered at once, even a repeated or superseded one, with the number that it came with.",
            ),
            Clue::Look(
                Evidence::Says("and it does not go on"),
                "What happens when the deciding answer comes in: how those that have answered are counted (this node itself among them), and compared with more than half of all.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("again"), Evidence::NoTimer]),
                "The timer that asks again: in the end none is set. Set it each time, also when it fires, until the phase is over.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("300 ms"), Evidence::NoTimer]),
                "The timer that asks again: in the end none is set. Set it when an operation begins and each time it fires, in both phases.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("again"), Evidence::Fired]),
                "What the timer does when it fires: every time, in both phases, it asks again each replica that has not answered in this phase.",
            ),
        ],
    },
    Rule {
        name: ONCE,
        title: "every request gets exactly one answer, of its own kind",
        why: "A client that gets two answers takes the second for the answer to its next request.",
        look: "What is left of an operation after its answer: late answers and timers must find nothing.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3",
        clues: &[
            Clue::Request,
            Clue::Look(Evidence::Says("answered a"), "Which answer each kind of request gets: Written to a write, the value to a read."),
        ],
    },
    Rule {
        name: BUDGET,
        title: "an operation sends at most twice the messages of two round trips to all, and asks a replica again at most every 20 ms",
        why: "Replicas that forward messages to each other, or coordinators that ask again at every answer, work with three nodes on a desk and take the network down with thirty.",
        look: "What is sent per operation: each phase once to each replica, and again only by a timer, to those that have not answered, until the phase is over.",
        source: "Attiya, Bar-Noy & Dolev 1995 (messages linear in the number of nodes)",
        clues: &[Clue::Sent],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<QuorumRegister>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<QuorumRegister>) -> Suite {
    let mut suite = Suite::new("quorum_register", &RULES, swarm::swarm(factory)).with_storms(spec::storms(factory));
    replica::add(&mut suite, factory);
    coordinator::add(&mut suite, factory);
    scenarios::add(&mut suite, factory);
    exploration::add(&mut suite, factory);
    suite
}
