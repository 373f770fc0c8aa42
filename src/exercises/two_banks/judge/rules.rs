//! The rules of `two_banks`, and where to look when one is broken.

use super::{AVAILABLE, BOOK, BOTH, EQUAL, HONEST, LINEAR, MERGES, ONCE, ORDER, OVERDRAWN, SENDS, SERVES, SUFFICES};
use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

const GILBERT: &str =
    "Gilbert & Lynch 2002, Brewer's conjecture and the feasibility of consistent, available, partition-tolerant web services";
const BREWER: &str = "Brewer 2012, CAP twelve years later: how the \"rules\" have changed (partition mode and partition recovery)";
const HERLIHY: &str = "Herlihy & Wing 1990, Linearizability: a correctness condition for concurrent objects";
const WALDO: &str = "Waldo, Wyant, Wollrath & Kendall 1994, A note on distributed computing (partial failure)";

pub(super) const RULES: [Rule; 13] = [
    Rule {
        name: BOTH,
        title: "CP: Done means that the change is on both servers",
        why: "An entry that only one server has is invisible to clients of the other, and is lost with that server's disk.",
        look: "Where Done is answered: only when Have has come for this very entry, not when the entry is sent.",
        source: GILBERT,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: LINEAR,
        title: "CP: everything that clients are told fits one order: the home of an account alone says what is in it, and counts only what is on both servers",
        why: "One customer sees the new balance at one branch, and then another customer sees the old one at the other branch: nobody can say what is in the account.",
        look: "What a read is answered with: at the home, the balance of the confirmed entries; at the other server, what the home answers when asked.",
        source: HERLIHY,
        clues: &[
            Clue::Request,
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("has not said Have"),
                "When a server adds its own entry to the balance: when Have comes for it, not when it is sent.",
            ),
            Clue::Look(
                Evidence::Says("'s copy says"),
                "The request at the server that is not the account's home: it has a copy, but must still ask the home (Ask). The copy may hold an entry that nobody has been told of yet, and may lack the newest.",
            ),
            Clue::Look(Evidence::Says("had said"), "What is done with an Answer from the home: the client gets exactly that."),
            Clue::Look(
                Evidence::Says("whose home is the other server"),
                "Which requests are decided here under CP: those whose account's home() is this server. For the others it asks the home.",
            ),
        ],
    },
    Rule {
        name: HONEST,
        title: "CP: Refused and Unavailable mean never; Unknown is said where nobody can know",
        why: "A client that is told \"not done\" pays by other means. If the change happens after all, the client has paid twice.",
        look: "What is answered when patience runs out: Unavailable if the change has not begun (and then it must never begin), Unknown if its Entry is under way, or if the home was asked but has not answered.",
        source: WALDO,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("which means never"),
                "What is left of a change that was answered with Refused or Unavailable: remove it from the queue, so that it does not begin when the link is back.",
            ),
            Clue::Look(
                Evidence::Says("had not begun it"),
                "The change that was still waiting for its turn when patience ran out: it has no entry; once it is removed from the queue, the server knows that it never happens.",
            ),
            Clue::Look(
                Evidence::Says("and had given"),
                "What a repeated Ask is answered with: the Answer that was given before, kept under its RequestId, also if it was Refused or Unavailable.",
            ),
        ],
    },
    Rule {
        name: ORDER,
        title: "CP: an account's home makes one change after the other: the next entry when the last is on both servers",
        why: "While an entry is under way, the balance is not decided: what is refused or paid out on its basis may turn out wrong.",
        look: "Where a change begins: if an entry is unconfirmed, the change waits in a queue; when Have has come, the next one begins.",
        source: HERLIHY,
        clues: &[Clue::Inputs(2)],
    },
    Rule {
        name: SERVES,
        title: "CP: a server gives up only when it cannot hear the other: it begins, asks, answers and asks again in time, and after the heal it serves as before",
        why: "Consistency costs availability only while the link is cut. A bank that stays closed after that has given up availability for nothing.",
        look: "What happens when the link is back: the entry that is under way is sent again, Have lets the next change begin, and an Ask is sent again until it is answered, and is answered each time it comes.",
        source: BREWER,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("before it gives up"),
                "When a request is given up: not sooner than PATIENCE after it was taken, by a timer of its own.",
            ),
            Clue::Look(
                Evidence::Says("has not begun it"),
                "What begins the next change: a request when nothing is under way; Have for the entry that was under way; and also a refused withdrawal, because others may wait behind it.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("did not ask again"), Evidence::PutOff]),
                "When the timer that asks again is set: each arrival sets it again and so delays it. Set it only when it is not running, and each time it fires.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("did not ask again"), Evidence::NoTimer]),
                "The timer that asks again: in the end none is set. Set it at the start, or with the first Ask, and each time it fires while something is unanswered.",
            ),
            Clue::Look(
                Evidence::Says("did not ask"),
                "A request whose account's home is the other server: send Ask at once, and again by a timer until the Answer has come.",
            ),
            Clue::Look(
                Evidence::Says("did not give its Answer"),
                "The Ask that comes again after its Answer, which may have been lost: answer it again, from what was kept under its RequestId.",
            ),
            Clue::Look(
                Evidence::Says("got no Answer within"),
                "The Ask from the other server: it is decided like a client's request, with its own PATIENCE, and its Answer goes to the other server.",
            ),
        ],
    },
    Rule {
        name: AVAILABLE,
        title: "AP: every request is answered at once, from what this server knows",
        why: "That is the A in AP: a server that waits for the other side, or says that it cannot answer, has given up availability and got nothing for it.",
        look: "The request under Choice::Ap: decide, write, send and reply in one call; nothing waits for Have.",
        source: GILBERT,
        clues: &[Clue::Request],
    },
    Rule {
        name: SUFFICES,
        title: "a withdrawal is Done if the balance suffices, and Refused if not: the balance of the account (CP), or what is known here (AP)",
        why: "Otherwise the bank pays out money that is not there, or refuses money that is.",
        look: "The comparison of the amount with the balance: the whole balance may be withdrawn, down to 0; and it is the balance of this account at the moment of the decision.",
        source: BREWER,
        clues: &[Clue::Inputs(3)],
    },
    Rule {
        name: MERGES,
        title: "each entry counts once in a server's copies: the other server's from when it comes, its own from when it is decided (AP) or confirmed (CP)",
        why: "Merging balances instead of operations loses one side's payments; an entry that is counted twice pays twice.",
        look: "Message::Entry: remember it by its request, and count it if that is new; answer Have in any case.",
        source: BREWER,
        clues: &[
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("that is on both servers, and counts"),
                "Message::Have: the entry that it names counts from now on, once, also if its client was told Unknown in the meantime: what was sent cannot be taken back.",
            ),
            Clue::Look(
                Evidence::AtRequest(""),
                "A request under AP: a change that is Done counts here at once, with the amount that was asked for; a Refused one does not count.",
            ),
            Clue::Look(
                Evidence::Says("did not say Have"),
                "Message::Entry: answer Have each time, also to an entry that has come before: the first Have may have been lost.",
            ),
            Clue::Look(Evidence::Says("that it has the entry of"), "The id in Have: it must be that of the entry which has come."),
        ],
    },
    Rule {
        name: OVERDRAWN,
        title: "AP: an account that both sides have overdrawn is reported as Overdrawn, and by how much",
        why: "Two sides that decide on their own can pay out more than there was. Under AP that cannot be prevented, only detected and made good: so it must not be hidden.",
        look: "Request::Read with a balance below 0: Overdrawn(how much is missing).",
        source: BREWER,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: SENDS,
        title: "every entry is sent to the other server, again and again until the other says Have",
        why: "An entry that is sent only once is lost with one message, and then the two servers never agree again.",
        look: "The timer that sends again: all entries that the other has not confirmed, each at least every 50 ms, for as long as it takes.",
        source: BREWER,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("as it did with"),
                "Which entries the timer sends: all that are not confirmed. Each entry is among them from when it is written until the Have that names it.",
            ),
            Clue::Look(
                Evidence::NoTimer,
                "The timer that sends again: in the end none is set. Set it at the start, or with the first entry, and each time it fires while something is unconfirmed.",
            ),
            Clue::Look(
                Evidence::PutOff,
                "When the timer that sends again is set: each arrival sets it again and so delays it. Set it only when it is not running, and each time it fires.",
            ),
            Clue::Look(
                Evidence::Fired,
                "What the timer does when it fires: it must send each entry that is not confirmed, and set itself again. And Have removes only the entry that it names.",
            ),
        ],
    },
    Rule {
        name: BOOK,
        title: "an entry is a change exactly as it was requested; what was not done has no entry",
        why: "The book is what both sides believe, and what auditors read: money that moves without an order, or in another amount, is gone.",
        look: "Where an entry is written: with the id of its request, its account and its amount, which is below 0 for a withdrawal.",
        source: BREWER,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: EQUAL,
        title: "when the link is back, both servers end with the same balances",
        why: "Both choices promise that in the end. Copies that differ for ever are two banks.",
        look: "What one server counts and the other never hears of: each counted change must be in the book, and each entry is sent until it is confirmed.",
        source: BREWER,
        clues: &[Clue::Heard(2)],
    },
    Rule {
        name: ONCE,
        title: "every request is answered once, with an answer of its kind, and under CP within 200 ms",
        why: "A client that hears nothing waits for ever; a client that hears twice takes the second answer for the answer to its next question.",
        look: "What is left of a request after its answer: a later Have, Answer or timer must find nothing. And the timer that gives up is set for each request.",
        source: WALDO,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "The timer that gives up: in the end none is set. Each request that has to wait needs a timer of its own, set when it comes.",
            ),
            Clue::Look(
                Evidence::Says("had not answered it"),
                "The timer that gives up: each request that has to wait needs one of its own, set when it comes, also while others wait.",
            ),
            Clue::Look(
                Evidence::Says("a second time"),
                "What is left of a request after its answer: a later Have, Answer or timer must find nothing to answer.",
            ),
        ],
    },
];
