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
        title: "a read shows all that the client's token stands for, its own writes first of all",
        why: "Somebody saves an address, sees \"saved\", turns the page, and the old address is there: so it is typed again, or the order goes to the old one. And the database is healthy, it only lags.",
        look: "Where a read is answered: the client's token is compared with how much of the log this node has, and who has less waits or asks. Equal is enough; one less is not.",
        source: TERRY_READS,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtTimer]),
                "The timer at which a read has waited long enough: what it lacks has not come, so Behind is the answer, and not what is here.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtMessage("Append")]),
                "Which waiting reads an Append lets be answered: those whose token is now covered, each by its own token, and no others.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtMessage("Tell")]),
                "Which waiting reads a Tell answers: those of its key whose token is no higher than that of the Tell.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("alone"), Evidence::AtRequest("Read")]),
                "on_request, Read: before anything is answered, the token is compared with how much of the log is here. With less than the token asks for there is no answer yet.",
            ),
        ],
    },
    Rule {
        name: MONOTONIC,
        title: "a client never sees an older value than it has seen",
        why: "A page shows five comments, is loaded again from another replica, and shows three. Nothing was deleted: time went back, and whoever counted on the fifth is left without it.",
        look: "The token of an answer to a read: it stands for what was shown, so that the next node, which may lag more, knows what it must have.",
        source: TERRY_READS,
        clues: &[Clue::Request, Clue::Heard(2), Clue::Crash],
    },
    Rule {
        name: TOKEN,
        title: "the token of an answer covers what was asked for and what was shown, and no more than there is",
        why: "The token is all that the next node learns of this client. If it stands for less, that node may go back in time; if it stands for what nobody has, the client waits everywhere, for nothing.",
        look: "The token that goes into the answer: so much of the log as the value was read from, which is at least what the client came with.",
        source: DRIVERS,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(Evidence::Says("told"), "Where a Tell answers a read: value and token go on together, as they came."),
            Clue::Look(
                Evidence::Says("Written"),
                "The token of Written: the position of this very write in the log, or a later one that is on the disk.",
            ),
            Clue::Look(
                Evidence::Says("would go back"),
                "The token of the answer is lower than the client's own: it is so much of the log as there is here, which is at least what the client came with.",
            ),
        ],
    },
    Rule {
        name: CAUGHT_UP,
        title: "a replica that has what the token asks for answers by itself, at once",
        why: "Replicas are there to take reads off the primary. If they pass on what they could answer, the primary carries every read again, and when it is down nobody can read at all.",
        look: "on_request, Read: token <= what is here is enough, and then no message is needed. And the reads that wait: an Append that brings what they lack lets them be answered.",
        source: TYULENEV,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("is open here"),
                "Where Ask is sent: for a read that still waits. One that was answered needs nobody any more.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::Says("the log up to")]),
                "What is done with the reads that wait when an Append comes, and with one that finds its token covered when it comes: equal is covered.",
            ),
        ],
    },
    Rule {
        name: BOUNDED,
        title: "every request is answered, once and in time, whatever has become of the primary",
        why: "A read that waits for what a primary behind a cut has will wait as long as the cut lasts, and with it the page, and the thread that serves it. \"Not here yet\" is an answer with which the client can go elsewhere.",
        look: "A timer for every read that waits, set when it comes; when it fires and the read is still open it is answered with Behind. And the primary answers each Ask.",
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
            Clue::Look(Evidence::Says("got no Tell"), "on_message, Ask: the primary has all there is, and answers each time it is asked."),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "The timer of a read that waits: in the end none is set. Each read needs one of its own, set when it comes.",
            ),
        ],
    },
    Rule {
        name: BEHIND,
        title: "Behind is said by a replica that lags, after it has waited for a while",
        why: "A lag is mostly a few milliseconds long. Who refuses at once sends every second click to the primary; who refuses although it has the answer sends them there for nothing.",
        look: "When Behind is said: 60 ms after the read has come or later, and only if neither the log nor a Tell has brought what it lacks.",
        source: TYULENEV,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("has told it"),
                "Which waiting reads a Tell answers: every one of its key whose token is no higher than that of the Tell; equal or lower is covered.",
            ),
            Clue::Look(
                Evidence::Says("has the log up to"),
                "What is done with the reads that wait when an Append comes: those that it covers are answered, and taken out, so that the timer finds nothing.",
            ),
        ],
    },
    Rule {
        name: ORDER,
        title: "every log is the beginning of the primary's: without a gap, nothing twice, nothing lost",
        why: "A position stands for everything before it. If one write is left out, or is there twice, every token from there on stands for something else on this node, and old values come back that nobody wrote again.",
        look: "on_message, Append: `after` says what it follows. What is here already is left out, write by write; what begins beyond the end of the log is of no use yet. At the primary one write is one entry.",
        source: "Ongaro & Ousterhout 2014, In search of an understandable consensus algorithm, section 5.3 (the consistency check of AppendEntries)",
        clues: &[
            Clue::Heard(2),
            Clue::Request,
            Clue::Saved,
            Clue::Crash,
            Clue::Look(Evidence::AtStart, "What `new` makes of what was saved: the whole log goes on from there."),
            Clue::Look(
                Evidence::Says("no client waits"),
                "on_request, Write: each request is one entry at the end of the log, as it was asked for.",
            ),
            Clue::Look(
                Evidence::AtMessage("Have"),
                "on_message, Have: the writes that are sent are those that follow the position that is sent with them.",
            ),
        ],
    },
    Rule {
        name: SAVED,
        title: "what a client or a replica is told is on the disk first",
        why: "A primary that tells of a write and forgets it in a crash gives its position to another write. Tokens that are out there stand for the wrong one, replicas hold what the primary never had, and nobody ever notices.",
        look: "The order of cx.save and of what leaves: Written, Append, Tell and the answer to a read at the primary, Have at a replica. Effects happen in the order in which you call them, and a crash may fall between any two.",
        source: "Gray & Reuter 1993, Transaction Processing (durability before acknowledgement)",
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and of what leaves in the marked step: it leaves first, and a crash may fall between the two.",
            ),
            Clue::Look(Evidence::LeftWithoutSave, "The marked step: something left, and nothing was saved before it."),
        ],
    },
    Rule {
        name: LAG,
        title: "a lag ends: a replica says what it has, again and again, and is sent and saves the rest",
        why: "A message is lost, or a replica was down for a minute. If nobody asks again, it stays behind for ever, and each of its reads is refused or goes to the primary, without a single error in any log.",
        look: "A replica's timer for Have, set in on_start and again each time it fires; at the primary, what a Have is answered with: all that follows.",
        source: TERRY_READS,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not told"), Evidence::NoTimer]),
                "The timer of Have: in the end none is set. It is set in on_start, and again each time it fires.",
            ),
            Clue::Look(
                Evidence::Says("has not told"),
                "The timer of Have: it is set in on_start, again each time it fires, and Have goes to the primary each time.",
            ),
            Clue::Look(Evidence::Says("did not send"), "on_message, Have: Append with all that follows, to whoever said it."),
            Clue::Look(Evidence::Says("told"), "The position in Have: so much as is on the disk now, no less."),
            Clue::Look(
                Evidence::Says("had not saved"),
                "on_message, Append: what follows the log is put into it and saved, however much of the Append is here already.",
            ),
        ],
    },
    Rule {
        name: NEWEST,
        title: "a read shows the newest that this node has of its key",
        why: "The token is the least that must be shown. Who shows no more than that, or another key's value, shows a client without a token the state of last year.",
        look: "Where the value of a key is kept and read: the last write of that key in the log, in its full width; `None` if there is none.",
        source: TERRY_READS,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(Evidence::Says("told it"), "Where a Tell answers a read: value and token go on together, as they came."),
        ],
    },
];
