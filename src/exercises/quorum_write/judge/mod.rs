//! The hidden tests of `quorum_write`.

mod spec;
mod swarm;
mod watch;

use super::QuorumWrite;
use crate::exercises::kit::replica_clues;
use crate::rule::Rule;
use crate::sim::{Factory, Node};
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

const GIFFORD: &str = "Gifford 1979, Weighted voting for replicated data (read and write quorums, version numbers)";
const DYNAMO: &str = "DeCandia et al. 2007, Dynamo: Amazon's highly available key-value store, section 4.5 (N, R and W)";

pub(super) const KEEPS: &str = "keeps_the_newest";
pub(super) const SAVES: &str = "acknowledges_what_it_saved";
pub(super) const WRITTEN: &str = "written_means_w_saved_it";
pub(super) const FAILED: &str = "failed_means_never";
pub(super) const ANSWERS: &str = "answers_once_in_time";
pub(super) const ENOUGH: &str = "w_and_r_are_enough";
pub(super) const NEWEST: &str = "reads_the_newest_of_r";
pub(super) const GENUINE: &str = "reads_what_was_written";

const RULES: [Rule; 8] = [
    Rule {
        name: KEEPS,
        title: "a replica keeps the newest version, in whatever order versions arrive",
        why: "The network reorders: a write that was delayed arrives after its successor and undoes it; and if the order of arrival decides between equal numbers, two replicas that received the same two writes hold different values for ever.",
        look: "The replica's Store: compare the whole version, number first and writer second, and replace only what is older.",
        source: "Johnson & Thomas 1975, The maintenance of duplicate databases (RFC 677: timestamps, ties by site)",
        clues: &[
            Clue::Saved,
            Clue::Heard(2),
            replica_clues::STATE_OF_THE_START,
            replica_clues::NOTHING_OVER,
            Clue::Look(Evidence::Says("'s Fetch with"), "What a Fetch is answered with: exactly what is saved: number, writer and value."),
            Clue::Look(
                Evidence::Says("over"),
                "The replica's comparison where it saves: the whole version, number first and writer second, each in its full width; it replaces only what is older.",
            ),
        ],
    },
    Rule {
        name: SAVES,
        title: "a replica acknowledges only what it will still hold after a crash",
        why: "The acknowledgement is what the coordinator counts. If it is given from memory, a power cut takes back a write that a client was told is safe.",
        look: "The order of cx.save and cx.send(…, Stored): effects happen in the order in which you call them, and a crash can fall between any two. And what `new` does with what was saved.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Heard(1),
            Clue::Crash,
            replica_clues::STORED_BEFORE_SAVE,
            replica_clues::LOST_BY_NEW,
            replica_clues::STORED_SOMETHING_ELSE,
            Clue::Look(
                Evidence::All(&[Evidence::Says("told"), Evidence::LeftWithoutSave]),
                "The replica's Store where the rule breaks: Stored leaves, but nothing was saved. How does the replica decide that the version is not newer than its own? It must compare the whole version, number first and writer second, each in its full width.",
            ),
        ],
    },
    Rule {
        name: WRITTEN,
        title: "Written means that W different replicas have saved the write",
        why: "If fewer than W replicas hold the write, their crash loses it. What was sent may never arrive; a repeated acknowledgement is still from one replica; and the acknowledgement of an older version says nothing about this one.",
        look: "What is counted on the way to Written: a set of replicas that acknowledged this version or a newer one, including this node's own replica once it has saved, compared with W as configured.",
        source: GIFFORD,
        clues: &[
            Clue::Request,
            Clue::Heard(3),
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("was saved by nobody"), Evidence::LeftBeforeSave]),
                "The order of save and reply where this node counts itself: the answer leaves first, and a crash can fall between the two.",
            ),
        ],
    },
    Rule {
        name: FAILED,
        title: "Failed means that no replica has the write, and that none ever will",
        why: "A client that is told Failed tells its user so, and perhaps does something else instead. If the write then appears after all, money moves twice.",
        look: "The answer at the deadline: once a Store was sent or saved, a replica that is silent may have the write or still receive it, and only Unknown is honest. This node's own replica counts too: another node may have sent it the write.",
        source: "Waldo, Wyant, Wollrath & Kendall 1994, A note on distributed computing, section 4.3 (partial failure)",
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("had shown"),
                "What a Fetched shows while a write asks which replicas are up: a replica that shows this very write (or a newer one) has it, and Failed is not true.",
            ),
        ],
    },
    Rule {
        name: ANSWERS,
        title: "every request gets exactly one answer, by the deadline",
        why: "A client that hears nothing holds up its own callers, and so on to the user; a client that hears twice acts twice.",
        look: "A timer for every request, set when it arrives; and what is left of a request after its answer: late acknowledgements must find nothing to answer.",
        source: "Dean & Barroso 2013, The tail at scale (deadlines); Birrell & Nelson 1984, section 3",
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("a second time"),
                "What is left of a request after its answer: late acknowledgements and the deadline's timer must find nothing to answer.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::Fired]),
                "The timer of the deadline: every request has one of its own, and if it is still open when that fires, it is answered. Does anything remove the request before that?",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "The timer of the deadline: in the end none is set. Each request needs a timer of its own, set when it arrives.",
            ),
            Clue::Look(
                Evidence::Says("answered"),
                "Which answer each kind of request gets: Written, Failed or Unknown to a write; the value or Unavailable to a read.",
            ),
        ],
    },
    Rule {
        name: ENOUGH,
        title: "W replicas are enough for a write, and R for a read",
        why: "W and R below N are the price for a service that goes on when a replica is dead. A coordinator that waits for more gives that availability away: one replica does not answer, and nobody can write.",
        look: "The two thresholds: W for writes and R for reads as configured, not a majority, not all; what is counted: every replica that has answered, even if it had nothing to show; and a replica must answer every Store, also a repeated or superseded one.",
        source: DYNAMO,
        clues: &[
            Clue::Request,
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("within 20 ms"),
                "The replica's side: answer every Store and every Fetch at once, also if it is repeated or superseded, and under the number that it came with.",
            ),
            Clue::Look(
                Evidence::Says("may need longer"),
                "When a request is given up: not before its deadline as configured; and every replica is asked long before that.",
            ),
            Clue::Look(
                Evidence::Says("had asked"),
                "Whom a request asks, and how long it waits: it must ask all other replicas at once, and before the deadline it must not give up while their answers may still be on the way.",
            ),
        ],
    },
    Rule {
        name: NEWEST,
        title: "a read returns the newest of what R different replicas hold now",
        why: "With W + R > N, the R replicas that a read asks overlap with the W that saved the last write: that overlap is the whole guarantee. A read that takes the first or the most frequent answer, or counts an old answer, throws it away.",
        look: "How answers to a read are combined (the largest version), which replicas it counts (distinct ones), and which answers it takes: those to this read, not to an earlier one.",
        source: GIFFORD,
        clues: &[
            Clue::Request,
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("asks for a read under"),
                "The number of a read: one that no read of this node has had, in this life or an earlier one, in the full width of its type.",
            ),
            Clue::Look(
                Evidence::Says("for which only"),
                "How many replicas a read waits for: R different ones, as configured; each counts once, including this node itself.",
            ),
            Clue::Look(
                Evidence::Says("had shown it for this read"),
                "Which answers a read takes: only those under its own number, compared in full.",
            ),
        ],
    },
    Rule {
        name: GENUINE,
        title: "what is read or stored is what some client wrote, value and version together",
        why: "A value under another write's version is data that nobody wrote, and no later repair can detect it.",
        look: "Where a version and a value are kept apart, and whether anything but messages carries them between nodes.",
        source: "Lamport 1986, On interprocess communication, part II (regular registers)",
        clues: &[Clue::Request, Clue::Heard(1), Clue::Crash],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<QuorumWrite>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<QuorumWrite>) -> Suite {
    Suite::new("quorum_write", &RULES, swarm::swarm(factory)).with_storms(spec::storms(factory))
}
