//! The rules of `two_phase_commit`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ATOMIC: &str = "atomic";
pub(super) const NEEDS: &str = "commit_needs_every_yes";
pub(super) const YES: &str = "yes_is_saved_first";
pub(super) const SAVED: &str = "decision_is_saved_first";
pub(super) const CHANGES: &str = "decision_never_changes";
pub(super) const WAITS: &str = "in_doubt_waits";
pub(super) const ENDS: &str = "in_doubt_ends";
pub(super) const LOCKS: &str = "locks_until_the_end";
pub(super) const FREES: &str = "locks_no_longer";
pub(super) const ONCE: &str = "makes_each_change_once";
pub(super) const TRUTH: &str = "client_hears_the_truth";
pub(super) const VOTES: &str = "yes_can_be_kept";
pub(super) const ABORTS: &str = "aborts_for_a_reason";
pub(super) const IDS: &str = "numbers_are_used_once";
pub(super) const IN_TIME: &str = "answers_once_in_time";

const GRAY: &str = "Gray 1978, Notes on data base operating systems: two phase commit";
const BERNSTEIN: &str = "Bernstein, Hadzilacos & Goodman 1987, Concurrency Control and Recovery in Database Systems, section 7.4 (the two phase commit protocol)";
const BLOCKING: &str =
    "Bernstein, Hadzilacos & Goodman 1987, Concurrency Control and Recovery in Database Systems, section 7.3 (uncertainty, blocking)";
const PRESUMED: &str =
    "Mohan, Lindsay & Obermarck 1986, Transaction management in the R* distributed database management system: presumed abort";
const LOCKING: &str = "Gray & Reuter 1993, Transaction Processing, section 7.6 (two-phase locking)";

pub(super) const RULES: [Rule; 15] = [
    Rule {
        name: ATOMIC,
        title: "a transaction ends the same way everywhere",
        why: "The money has left one account and has not come to the other, and no node knows that anything is wrong: each has a log that says all is well.",
        look: "The message Decided: the outcome that it brings is the one that is written down, and made. And what the coordinator tells whom.",
        source: BERNSTEIN,
        clues: &[Clue::Heard(2), Clue::Crash, Clue::Saved],
    },
    Rule {
        name: NEEDS,
        title: "Commit needs a Yes from every participant",
        why: "A participant that has not voted may have refused, or may never have heard of the transaction: it will not make its change, and the others have made theirs.",
        look: "What is counted on the way to Commit: the set of participants of this transaction that voted Yes to it, against all of them. A vote that is missing is no Yes.",
        source: BERNSTEIN,
        clues: &[
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("had voted No"),
                "What a No does: it decides, at once or later, and no Yes that comes after it counts.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not voted Yes"), Evidence::AtTimer]),
                "The timer of the votes: what is missing when it fires is no Yes.",
            ),
        ],
    },
    Rule {
        name: YES,
        title: "a Yes is on the disk before it is sent",
        why: "The coordinator commits on the strength of that Yes. A participant that has forgotten it after a crash has forgotten the change as well, and its lock: half of the transfer is lost.",
        look: "on Prepare: cx.save with Record::Prepared comes before cx.send(…, Voted(tx, Yes)), each time; a crash may fall between any two effects.",
        source: BERNSTEIN,
        clues: &[
            Clue::Heard(1),
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send on Prepare: the vote leaves first, and a crash may fall between the two.",
            ),
            Clue::Look(Evidence::AtStart, "What `new` makes of what was saved: what is Prepared there is in doubt, and holds its account."),
        ],
    },
    Rule {
        name: SAVED,
        title: "a decision is on the disk before anybody hears of it",
        why: "A coordinator that has told one participant Commit and has forgotten it after a crash tells the next one Abort: for it there is no such transaction.",
        look: "The order of cx.save with Record::Ended and of what leaves: Decided and the client's answer at the coordinator, Done at a participant. Only the coordinator's Abort may go without.",
        source: PRESUMED,
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and what leaves: it leaves first, and a crash may fall between the two.",
            ),
            Clue::Look(
                Evidence::Says("is done with"),
                "on Decided: Done means that the outcome is on the disk. The coordinator may forget the transaction when it hears it.",
            ),
        ],
    },
    Rule {
        name: CHANGES,
        title: "a decision never changes, whatever comes later",
        why: "Somebody has acted on the first one. A coordinator that decides anew after a restart, or a participant that lets a late message overrule its log, splits the transaction in two.",
        look: "What is answered to an Ask, before and after a restart: Commit as long as a participant is not done, Abort where nothing is known. And what a late vote, Prepare or Decided can still change where the end is known: nothing.",
        source: PRESUMED,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Says("had voted No"),
                "A No is final: where it was said, the transaction has ended. A Prepare that comes again finds that in the log.",
            ),
            Clue::Look(
                Evidence::AtMessage("Ask"),
                "What is answered to an Ask: what the log says. When may the coordinator take a Commit out of it? Only when every participant is done.",
            ),
            Clue::Look(
                Evidence::AtMessage("Decided"),
                "on Decided, where the log has an end already: it stays, and Done is all that is to be said.",
            ),
        ],
    },
    Rule {
        name: WAITS,
        title: "in doubt a participant waits: it neither commits nor aborts alone",
        why: "Between its Yes and the decision it cannot know what the others do. To abort after a timeout is right until the day on which the coordinator has committed.",
        look: "What can end a transaction that is Prepared: a Decided, and nothing else. Not a timer, not a restart, not a Prepare that comes again, not the silence of the coordinator.",
        source: BLOCKING,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::AtTimer,
                "What the timer does for a transaction that is Prepared: it asks, and sets itself again. It cannot decide.",
            ),
            Clue::Look(Evidence::AtStart, "The restart: what is Prepared in the log stays so. It is not for this participant to end it."),
            Clue::Look(
                Evidence::AtMessage("Prepare"),
                "on Prepare, where the log says Prepared already: the answer is Yes again. Nobody else holds the account: it is this very transaction.",
            ),
            Clue::Look(
                Evidence::AtMessage("Ask"),
                "What is answered to another participant: only what the log says has ended. Prepared is no end.",
            ),
        ],
    },
    Rule {
        name: ENDS,
        title: "doubt ends: who is in doubt asks, and who knows answers",
        why: "A decision that is sent once is lost once, and the account is locked for ever: an operator finds it weeks later, and has to guess.",
        look: "A timer from the Yes on, set again each time it fires and after a restart, that asks until the end is known; and the coordinator's answer to an Ask: always, unless it still collects votes.",
        source: BERNSTEIN,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked"), Evidence::NoTimer, Evidence::Restarted]),
                "on_start: what is Prepared in the log needs its timer again; a crash takes timers with it.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked"), Evidence::NoTimer]),
                "The timer of those in doubt: in the end none is set. Each needs one from its Yes on, and again whenever it has fired.",
            ),
            Clue::Look(
                Evidence::Says("got no answer"),
                "on Ask: Commit if the log says so; Abort if nothing is known of it, and no votes are collected for it (any more).",
            ),
        ],
    },
    Rule {
        name: LOCKS,
        title: "a changed account is locked until the end is known",
        why: "Whoever reads the new balance reads what may never be; whoever reads the old one may find it gone a moment later while another account has changed already.",
        look: "Read, and a Prepare of another transaction: an account with a Prepared record is Locked, from the Yes until Ended, after a restart too.",
        source: LOCKING,
        clues: &[
            Clue::Request,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("prepares"),
                "on Prepare: before the Yes, look whether another transaction that is Prepared changes the same account.",
            ),
        ],
    },
    Rule {
        name: FREES,
        title: "and no longer: at the end it is free, and stays so",
        why: "Locks that are kept, or taken again by a message that comes late, stop every transaction behind them; nothing will ever come to free them.",
        look: "on Decided: the record becomes Ended, for Commit and for Abort, and Done is sent; a Prepare that comes after that locks nothing. And the coordinator tells everybody whom it has asked as soon as it has decided.",
        source: PRESUMED,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("did not tell"),
                "Where the coordinator decides: Decided goes to every participant, whatever the outcome.",
            ),
            Clue::Look(
                Evidence::Says("got no Done"),
                "on Decided: Done is answered each time, also to one that comes again and where nothing was prepared.",
            ),
            Clue::Look(
                Evidence::Says("and prepares it now"),
                "on Decided for a transaction that is not prepared here: write down that it has ended. Its Prepare is still under way.",
            ),
        ],
    },
    Rule {
        name: ONCE,
        title: "each participant makes its own change, once",
        why: "Decisions come twice, and are told again after a crash. Money that moves twice is as wrong as money that does not move.",
        look: "on Decided: the change is made where the record turns from Prepared to Ended, and nowhere else; balance and record go to the disk in one save. And what Prepare says to whom.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Says("no client had asked for"),
                "What Prepare carries: to each participant its own change, and the participants of this transaction.",
            ),
            Clue::Look(Evidence::Says("such transactions"), "on_request: one request begins one transaction."),
            Clue::Look(
                Evidence::Says("was asked to prepare"),
                "Record::Prepared: it has the very change of the Prepare, every field in its full width.",
            ),
        ],
    },
    Rule {
        name: TRUTH,
        title: "the client hears how its own transaction ended",
        why: "It tells its user so. Aborted, and the money is gone; Committed, and it comes back: nobody will believe the next answer.",
        look: "Where the request is answered: with the number and the outcome of the transaction that this very ticket began.",
        source: BERNSTEIN,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: VOTES,
        title: "a participant votes Yes only to what it can keep",
        why: "A Yes is a promise that nothing here can prevent the commit. If the money is not there, it must break its word when it is too late to abort.",
        look: "on Prepare: the balance that is committed and the change together may not fall below 0 (checked_add_signed).",
        source: GRAY,
        clues: &[Clue::Heard(1), Clue::Saved],
    },
    Rule {
        name: ABORTS,
        title: "nothing is refused or given up without a reason",
        why: "A bank that aborts everything is atomic and useless. And who gives up before the votes can be there does so whenever the network is a little slow.",
        look: "A participant has two reasons for a No: another transaction holds the account, or the balance does not cover the change. The coordinator has two: a No, or a vote that is missing 60 ms after it was asked for.",
        source: BERNSTEIN,
        clues: &[
            Clue::Heard(3),
            Clue::Request,
            Clue::Look(
                Evidence::Says("every participant had voted Yes"),
                "Where votes are counted: is the last Yes noticed, whoever sends it, and only those of this transaction waited for?",
            ),
            Clue::Look(
                Evidence::Says("answered with Committed"),
                "Where votes are counted: the participants of this transaction, and no others, are enough.",
            ),
            Clue::Look(
                Evidence::Says("without a reason"),
                "on Prepare, the reasons for a No: another transaction that is Prepared for this very account, or a balance that would fall below 0. 0 itself is enough.",
            ),
        ],
    },
    Rule {
        name: IDS,
        title: "no two transactions share a number",
        why: "Old votes and questions are still under way. A number that is used again counts the Yes to one transaction for another, and tells a participant in doubt about the wrong one.",
        look: "Where a number is made: a counter that is saved before the Prepare leaves, or saved at each start with room for what comes after; as wide as its type.",
        source: PRESUMED,
        clues: &[
            Clue::Saved,
            Clue::Crash,
            Clue::Look(
                Evidence::AtRequest("Transact"),
                "on Transact: the counter moves, and goes to the disk before the first Prepare does.",
            ),
        ],
    },
    Rule {
        name: IN_TIME,
        title: "every request and every Prepare is answered, in time; a request once",
        why: "A client that hears nothing holds its own client up. A participant that says nothing holds up everybody else's locks.",
        look: "A timer for the votes of each transaction, set when it begins; and on Prepare a vote each time, a repeated one too.",
        source: BERNSTEIN,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("got none within"),
                "on Prepare: a vote is sent each time, also to one that comes again (the first vote may be lost).",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "In the end no timer is set, and the request is open. Each transaction needs a timer of its own from its beginning; and wherever one is decided, its client is answered.",
            ),
        ],
    },
];
