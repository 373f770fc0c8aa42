//! The rules of `read_your_writes`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const YOURS: &str = "read_your_writes";
pub(super) const MONOTONIC: &str = "monotonic_reads";
pub(super) const TOKEN: &str = "token_rises_on_reads_too";
pub(super) const CAUGHT_UP: &str = "caught_up_replica_answers";
pub(super) const BOUNDED: &str = "bounded_wait";
pub(super) const BEHIND: &str = "behind_means_behind";
pub(super) const ORDER: &str = "applies_in_order";
pub(super) const SAVED: &str = "saved_before_shown";
pub(super) const LAG: &str = "lag_ends";
pub(super) const NEWEST: &str = "reads_what_it_has";

const TERRY_READS: &str = "Terry et al. 1994, Session guarantees for weakly consistent replicated data (Read Your Writes, Monotonic Reads)";
const DRIVERS: &str = "MongoDB, Causal consistency specification for drivers, sections Server Command Responses and Causally consistent read and write commands";
const TYULENEV: &str = "Tyulenev et al. 2019, Implementation of cluster-wide logical clock and causal consistency in MongoDB, abstract";

pub(super) const RULES: [Rule; 10] = [
    Rule {
        name: YOURS,
        title: "a read shows everything that the client's token covers, above all its own writes",
        why: "A user saves an address, sees \"saved\", loads the page again, and the old address is there: so the user types it again, or the order goes to the old one. And the database is healthy; it only lags.",
        look: "Where a read is answered: compare the client's token with how much of the log this node has; a node that has less waits or asks. Equal is enough; one less is not.",
        source: TERRY_READS,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtTimer]),
                "The timer at which a read has waited long enough: what it lacks has not come, so the answer is Behind, not the value that is here.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtMessage("Append")]),
                "Which waiting reads are answered after an Append: only those whose token is now covered, each judged by its own token.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtMessage("Tell")]),
                "Which waiting reads a Tell answers: only those of its key whose token is no higher than that of the Tell.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtRequest("Read")]),
                "on_request, Read: before it answers, the node must compare the token with how much of the log is here. With less than the token asks for, there is no answer yet.",
            ),
        ],
    },
    Rule {
        name: MONOTONIC,
        title: "a client never sees an older value than it has seen before",
        why: "A page shows five comments, is loaded again from another replica, and shows three. Nothing was deleted: time went back, and a reader who wants to answer the fifth cannot find it.",
        look: "The token of an answer to a read: it covers what was shown, so that the next node, which may lag more, knows what it must have.",
        source: TERRY_READS,
        clues: &[Clue::Request, Clue::Heard(2), Clue::Crash],
    },
    Rule {
        name: TOKEN,
        title: "the token of an answer covers what was asked for and what was shown, and no more than the node has",
        why: "The token is all that the next node learns of this client. If it covers too little, that node may go back in time; if it covers what nobody has, the client waits at every node, for nothing.",
        look: "The token that goes into the answer: the length of the log from which the value was read, which is at least the token that the client came with.",
        source: DRIVERS,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(Evidence::Says("told"), "Where a Tell answers a read: value and token are passed on together, as they came."),
            Clue::Look(
                Evidence::Says("Written"),
                "The token of Written: the position of this very write in the log, or a later one that is on the disk.",
            ),
            Clue::Look(
                Evidence::Says("would go back"),
                "The token of the answer is lower than the client's own: it should be the length of the log here, which is at least what the client came with.",
            ),
        ],
    },
    Rule {
        name: CAUGHT_UP,
        title: "a replica that has what the token asks for answers by itself, at once",
        why: "Replicas are there to take reads off the primary. If they pass on reads that they could answer, the primary serves every read again, and when it is down, nobody can read at all.",
        look: "on_request, Read: if token <= what is here, no message is needed. And the waiting reads: answer them when an Append brings what they lack.",
        source: TYULENEV,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("is open here"),
                "Where Ask is sent: only for a read that still waits. A read that was answered needs no Ask.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::Says("the log up to")]),
                "What happens to waiting reads when an Append comes, and to a read whose token is already covered when it comes: equal is covered.",
            ),
        ],
    },
    Rule {
        name: BOUNDED,
        title: "every request is answered, once and in time, whatever happens to the primary",
        why: "A read that waits for a primary behind a cut waits as long as the cut lasts, and so do the page and the thread that serves it. With the answer \"not here yet\", the client can go elsewhere.",
        look: "A timer for every read that waits, set when the read comes; if the read is still open when it fires, it is answered with Behind. And the primary answers each Ask.",
        source: TYULENEV,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("a second time"),
                "What is left of a read after its answer: a later Append, Tell or timer must find nothing to answer.",
            ),
            Clue::Look(
                Evidence::Says("was told by"),
                "What a Tell answers: every open read of its key whose token is no higher than that of the Tell.",
            ),
            Clue::Look(Evidence::Says("got no Tell"), "on_message, Ask: the primary has everything, and answers each time it is asked."),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "The timer of a read that waits: in the end none is set. Each read needs a timer of its own, set when it comes.",
            ),
        ],
    },
    Rule {
        name: BEHIND,
        title: "only a replica that lags says Behind, after it has waited for a while",
        why: "A lag is mostly a few milliseconds long. A replica that refuses at once sends every second click to the primary; one that refuses although it has the answer sends clients there for nothing.",
        look: "When Behind is said: not sooner than 60 ms after the read came, and only if neither the log nor a Tell has brought what it lacks.",
        source: TYULENEV,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("has told it"),
                "Which waiting reads a Tell answers: every read of its key whose token is no higher than that of the Tell; equal or lower is covered.",
            ),
            Clue::Look(
                Evidence::Says("has the log up to"),
                "What happens to waiting reads when an Append comes: those that it covers are answered and removed, so that the timer finds nothing.",
            ),
        ],
    },
    Rule {
        name: ORDER,
        title: "every log is a prefix of the primary's: without a gap, nothing twice, nothing lost",
        why: "A position stands for everything before it. If one write is missing, or is there twice, every token from there on stands for something else on this node, and old values come back that nobody wrote again.",
        look: "on_message, Append: `after` says what it follows. Skip the writes that are here already, one by one; an Append that begins beyond the end of the log is of no use yet. At the primary, one write is one entry.",
        source: "Ongaro & Ousterhout 2014, In search of an understandable consensus algorithm, section 5.3 (the consistency check of AppendEntries)",
        clues: &[
            Clue::Heard(2),
            Clue::Request,
            Clue::Saved,
            Clue::Crash,
            Clue::Look(Evidence::AtStart, "What `new` does with what was saved: the whole log goes on from there."),
            Clue::Look(
                Evidence::Says("no client waits"),
                "on_request, Write: each request adds exactly one entry to the end of the log, as it was asked for.",
            ),
            Clue::Look(
                Evidence::AtMessage("Have"),
                "on_message, Have: the writes in an Append must be those that follow the position in its `after`.",
            ),
        ],
    },
    Rule {
        name: SAVED,
        title: "what a client or a replica is told is on the disk first",
        why: "A primary that tells others of a write and forgets it in a crash gives its position to another write. Tokens that clients hold now stand for the wrong write, replicas hold what the primary does not have, and nobody ever notices.",
        look: "The order of cx.save and of what leaves: Written, Append, Tell and the answer to a read at the primary, Have at a replica. Effects happen in the order in which you call them, and a crash can fall between any two.",
        source: "Gray & Reuter 1993, Transaction Processing (durability before acknowledgement)",
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and of what leaves in the marked step: it leaves before the save, and a crash can fall between the two.",
            ),
            Clue::Look(Evidence::LeftWithoutSave, "The marked step: something left, but nothing was saved before it."),
        ],
    },
    Rule {
        name: LAG,
        title: "a lag ends: a replica says again and again what it has, gets the rest and saves it",
        why: "A message is lost, or a replica was down for a minute. If it does not ask again, it stays behind for ever, and each of its reads is refused or goes to the primary, without a single error in any log.",
        look: "A replica's timer for Have, set in on_start and again each time it fires; at the primary, what a Have is answered with: everything that follows.",
        source: TERRY_READS,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not told"), Evidence::NoTimer]),
                "The timer for Have: in the end none is set. Set it in on_start, and again each time it fires.",
            ),
            Clue::Look(
                Evidence::Says("has not told"),
                "The timer for Have: set it in on_start and again each time it fires, and send Have to the primary each time.",
            ),
            Clue::Look(Evidence::Says("did not send"), "on_message, Have: answer with an Append of everything that follows."),
            Clue::Look(Evidence::Says("told"), "The position in Have: everything that is on the disk now, no less."),
            Clue::Look(
                Evidence::Says("had not saved"),
                "on_message, Append: add what follows the log and save it, even if part of the Append is here already.",
            ),
        ],
    },
    Rule {
        name: NEWEST,
        title: "a read shows the newest value that this node has for its key",
        why: "The token is only the least that must be shown. A node that shows no more than that shows the state of last year to a client without a token.",
        look: "Where the value of a key is kept and read: the last write of that key in the log, in its full width; `None` if there is none.",
        source: TERRY_READS,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(Evidence::Says("told it"), "Where a Tell answers a read: value and token are passed on together, as they came."),
        ],
    },
];
