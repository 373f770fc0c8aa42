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
        why: "The money has left one account but has not reached the other, and no node knows that anything is wrong: each has a log that says all is well.",
        look: "on Decided: the outcome that it carries is the one that is saved and carried out. And what the coordinator tells each participant.",
        source: BERNSTEIN,
        clues: &[Clue::Heard(2), Clue::Crash, Clue::Saved],
    },
    Rule {
        name: NEEDS,
        title: "Commit needs a Yes from every participant",
        why: "A participant that has not voted may have refused, or may never have heard of the transaction: it will not make its change, but the others have made theirs.",
        look: "What is counted on the way to Commit: the set of participants of this transaction that voted Yes to it, against all of them. A missing vote is not a Yes.",
        source: BERNSTEIN,
        clues: &[
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("had voted No"),
                "What a No does: it decides Abort, at once or later, and no Yes that comes after it counts.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not voted Yes"), Evidence::AtTimer]),
                "The votes timer: a vote that is missing when it fires is not a Yes.",
            ),
        ],
    },
    Rule {
        name: YES,
        title: "a Yes is on the disk before it is sent",
        why: "The coordinator commits because of that Yes. A participant that forgets it in a crash also forgets the change and the lock: half of the transfer is lost.",
        look: "on Prepare: cx.save with Record::Prepared comes before cx.send(…, Voted(tx, Yes)), each time; a crash may fall between any two effects.",
        source: BERNSTEIN,
        clues: &[
            Clue::Heard(1),
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send on Prepare: the vote leaves first, and a crash may fall between the two.",
            ),
            Clue::Look(
                Evidence::AtStart,
                "What `new` does with what was saved: a transaction that is Prepared there is in doubt, and holds its account.",
            ),
        ],
    },
    Rule {
        name: SAVED,
        title: "a decision is on the disk before anybody hears of it",
        why: "A coordinator that has told one participant Commit, and forgets it in a crash, tells the next one Abort: after the restart it knows no such transaction.",
        look: "The order of cx.save with Record::Ended and what leaves: Decided and the client's answer at the coordinator, Done at a participant. Only the coordinator's Abort may leave without a save.",
        source: PRESUMED,
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and what leaves: the message leaves first, and a crash may fall between the two.",
            ),
            Clue::Look(
                Evidence::Says("is done with"),
                "on Decided: Done means that the outcome is on the disk. The coordinator may forget the transaction when it gets Done.",
            ),
        ],
    },
    Rule {
        name: CHANGES,
        title: "a decision never changes, whatever comes later",
        why: "Somebody has already acted on the first decision. A coordinator that decides again after a restart, or a participant that lets a late message overrule its log, splits the transaction in two.",
        look: "What is answered to an Ask, before and after a restart: Commit as long as a participant is not done, Abort where nothing is known. And what a late vote, Prepare or Decided changes where the outcome is already known: nothing.",
        source: PRESUMED,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Says("had voted No"),
                "A No is final: at a participant that said it, the transaction has ended. A repeated Prepare finds that in the log.",
            ),
            Clue::Look(
                Evidence::AtMessage("Ask"),
                "What is answered to an Ask: what the log says. When may the coordinator take a Commit out of it? Only when every participant is done.",
            ),
            Clue::Look(
                Evidence::AtMessage("Decided"),
                "on Decided, where the log already has an outcome: it stays, and the only answer is Done.",
            ),
        ],
    },
    Rule {
        name: WAITS,
        title: "a participant in doubt waits: it neither commits nor aborts on its own",
        why: "Between its Yes and the decision it cannot know what the others do. To abort after a timeout works until the day when the coordinator has committed.",
        look: "What can end a transaction that is Prepared: a Decided, and nothing else. Not a timer, not a restart, not a repeated Prepare, not the silence of the coordinator.",
        source: BLOCKING,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::AtTimer,
                "What the timer does for a transaction that is Prepared: it asks, and sets itself again. It cannot decide.",
            ),
            Clue::Look(Evidence::AtStart, "The restart: what is Prepared in the log stays Prepared. This participant must not end it."),
            Clue::Look(
                Evidence::AtMessage("Prepare"),
                "on Prepare, where the log already says Prepared: the answer is Yes again. No other transaction holds the account: it is this same one.",
            ),
            Clue::Look(
                Evidence::AtMessage("Ask"),
                "What is answered to another participant: only what the log says has ended. Prepared has not ended.",
            ),
        ],
    },
    Rule {
        name: ENDS,
        title: "doubt ends: a participant in doubt asks, and a node that knows the outcome answers",
        why: "If a decision is sent only once and lost, the account is locked for ever: an operator finds it weeks later, and has to guess.",
        look: "A timer from the Yes on, set again each time it fires and after a restart, that asks until the outcome is known; and the coordinator's answer to an Ask: always, unless it still collects votes.",
        source: BERNSTEIN,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked"), Evidence::NoTimer, Evidence::Restarted]),
                "on_start: each Prepared transaction in the log needs its timer again; timers do not survive a crash.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked"), Evidence::NoTimer]),
                "The timer for transactions in doubt: in the end none is set. Each needs one from its Yes on, and again whenever it has fired.",
            ),
            Clue::Look(
                Evidence::Says("got no answer"),
                "on Ask: Commit if the log says so; Abort if the transaction is unknown, and no votes are collected for it (any more).",
            ),
        ],
    },
    Rule {
        name: LOCKS,
        title: "a changed account is locked from the Yes until the outcome is known",
        why: "A client that reads the new balance reads what may never come true. One that reads the old balance may find it gone a moment later, when another account has already changed.",
        look: "Read, and a Prepare of another transaction: an account with a Prepared record is Locked, from the Yes until Ended, even after a restart.",
        source: LOCKING,
        clues: &[
            Clue::Request,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("prepares"),
                "on Prepare: before the Yes, check whether another Prepared transaction changes the same account.",
            ),
        ],
    },
    Rule {
        name: FREES,
        title: "and no longer: once the transaction has ended, the account is free, and stays free",
        why: "Locks that are kept, or taken again by a late message, stop every transaction behind them, and nothing will ever free them.",
        look: "on Decided: the record becomes Ended, for Commit and for Abort, and Done is sent; a Prepare that comes after that locks nothing. And the coordinator tells every participant that it has asked as soon as it has decided.",
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
                "on Decided: answer Done each time, even to a repeated Decided and where nothing was prepared.",
            ),
            Clue::Look(
                Evidence::Says("and prepares it now"),
                "on Decided for a transaction that is not prepared here: save that it has ended. Its Prepare is still under way.",
            ),
        ],
    },
    Rule {
        name: ONCE,
        title: "each participant makes its own change, once",
        why: "Decisions come twice, and are sent again after a crash. Money that moves twice is as wrong as money that does not move.",
        look: "on Decided: the change is made where the record turns from Prepared to Ended, and nowhere else; balance and record go to the disk in one save. And what Prepare tells each participant.",
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
                "Record::Prepared: it has exactly the change of the Prepare, every field in its full width.",
            ),
        ],
    },
    Rule {
        name: TRUTH,
        title: "the client hears how its own transaction ended",
        why: "The client tells its user so. If it says Aborted and the money is gone, or Committed and the money comes back, nobody will believe the next answer.",
        look: "Where the request is answered: with the number and the outcome of the transaction that this ticket began.",
        source: BERNSTEIN,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: VOTES,
        title: "a participant votes Yes only to what it can keep",
        why: "A Yes is a promise that nothing here can prevent the commit. If the money is not there, the participant must break its promise when it is too late to abort.",
        look: "on Prepare: the committed balance plus the change must not fall below 0 (checked_add_signed).",
        source: GRAY,
        clues: &[Clue::Heard(1), Clue::Saved],
    },
    Rule {
        name: ABORTS,
        title: "no transaction is refused or given up without a reason",
        why: "A bank that aborts everything is atomic and useless. And a coordinator that gives up before the votes can arrive does so whenever the network is a little slow.",
        look: "A participant has two reasons for a No: another transaction holds the account, or the balance does not cover the change. The coordinator has two: a No, or a vote that is missing 60 ms after it was asked for.",
        source: BERNSTEIN,
        clues: &[
            Clue::Heard(3),
            Clue::Request,
            Clue::Look(
                Evidence::Says("every participant had voted Yes"),
                "Where votes are counted: is the last Yes noticed, whichever node sends it, and does the coordinator wait only for the participants of this transaction?",
            ),
            Clue::Look(
                Evidence::Says("answered with Committed"),
                "Where votes are counted: the participants of this transaction, and no others, are enough.",
            ),
            Clue::Look(
                Evidence::Says("without a reason"),
                "on Prepare, the reasons for a No: another transaction that is Prepared for this same account, or a balance that would fall below 0. 0 itself is enough.",
            ),
        ],
    },
    Rule {
        name: IDS,
        title: "no two transactions share a number",
        why: "Old votes and Asks are still under way. If a number is used again, a Yes to one transaction counts for another, and a participant in doubt is told about the wrong one.",
        look: "Where a number is made: a counter that is saved before the Prepare leaves, or saved at each start with room for the numbers to come; in the full width of its type.",
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
        title: "every request and every Prepare is answered in time; a request only once",
        why: "A client that gets no answer makes its own client wait. A participant that does not answer keeps the locks of all the others.",
        look: "A timer for the votes of each transaction, set when it begins; and on Prepare a vote each time, even on a repeated one.",
        source: BERNSTEIN,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("got none within"),
                "on Prepare: a vote is sent each time, even if the Prepare is repeated (the first vote may be lost).",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "In the end no timer is set, but the request is still open. Each transaction needs its own timer from its beginning; and wherever one is decided, its client is answered.",
            ),
        ],
    },
];
