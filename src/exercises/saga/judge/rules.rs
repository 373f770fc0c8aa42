//! The rules of `saga`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ALL: &str = "all_or_compensated";
pub(super) const ORDER: &str = "steps_in_order";
pub(super) const REVERSE: &str = "reverse_order";
pub(super) const ONLY: &str = "only_what_was_done";
pub(super) const MAYBE: &str = "what_may_have_been_done_too";
pub(super) const EACH_ONCE: &str = "each_once";
pub(super) const RETRIED: &str = "compensation_is_retried_until_done";
pub(super) const RESUMES: &str = "resumes_after_a_crash";
pub(super) const TURNS: &str = "never_forward_again";
pub(super) const FORWARD: &str = "forward_after_the_pivot";
pub(super) const REASON: &str = "gives_up_for_a_reason";
pub(super) const ENDS: &str = "ends";
pub(super) const TRUTH: &str = "client_hears_the_truth";
pub(super) const IN_TIME: &str = "answers_once_in_time";

const SAGAS: &str = "Garcia-Molina & Salem 1987, Sagas: the definition of a saga, T1 … Tn or T1 … Tj, Cj … C1";
const BACKWARD: &str = "Garcia-Molina & Salem 1987, Sagas: backward recovery";
const FORWARD_RECOVERY: &str = "Garcia-Molina & Salem 1987, Sagas: forward recovery";
const PIVOT: &str = "Richardson 2018, Microservices Patterns, chapter 4: compensatable, pivot and retriable transactions";
const HELLAND: &str = "Helland 2007, Life beyond Distributed Transactions: an Apostate's Opinion, on repeated messages and on uncertainty";

pub(super) const RULES: [Rule; 14] = [
    Rule {
        name: ALL,
        title: "in the end all of a booking is booked, or none of it",
        why: "A customer pays for a trip with no room, or a seat stays empty that nobody will ever pay for. No service notices: each has done what it was asked to do.",
        look: "What leads from each answer to the next call: after Done the next step, after Refused the Cancel of the one before it, and so on to the first.",
        source: SAGAS,
        clues: &[Clue::Heard(3), Clue::Crash, Clue::Saved],
    },
    Rule {
        name: ORDER,
        title: "a step is called when the one before it is done, and not before",
        why: "The steps that can be undone come first, so that the one that cannot be undone is taken when nothing can stop the booking any more. Money that is taken before there is a room is not given back.",
        look: "Where the next Do leaves: the step before it has answered Done, to this booking's own call. Nothing else allows it: no Refused, no timer, no answer to another booking.",
        source: SAGAS,
        clues: &[
            Clue::Heard(3),
            Clue::Look(Evidence::AtTimer, "The timer: it repeats the open call. It must not take silence for Done."),
            Clue::Look(Evidence::Says("is for"), "Config::service(step): the address that the call goes to."),
            Clue::Look(
                Evidence::Says("no client had asked"),
                "Which booking a call is for: one that a Book has named, with its whole number.",
            ),
            Clue::Look(
                Evidence::Says("had been called"),
                "A repeated or late answer: the step that it is about is no longer the open one, so the answer must change nothing.",
            ),
        ],
    },
    Rule {
        name: REVERSE,
        title: "compensation goes in reverse order, one step after the other",
        why: "A later step depends on the earlier ones: as long as the room may still be booked, its seat is needed. A node that undoes both at once does not know after a crash how far it had come.",
        look: "Which Cancel leaves first: that of the last step that was called. The next one leaves when Cancelled (or Refused) has come for this one.",
        source: BACKWARD,
        clues: &[Clue::Heard(3), Clue::Sent],
    },
    Rule {
        name: ONLY,
        title: "a step that was refused or never called is not cancelled",
        why: "A cancellation costs a fee, and some things cannot be undone at all. A compensation is for a step that was done, or may have been.",
        look: "Which steps are cancelled: those that were called, without the one that was refused. Payment and Ticket have no Cancel.",
        source: BACKWARD,
        clues: &[Clue::Heard(3), Clue::Sent],
    },
    Rule {
        name: MAYBE,
        title: "a step that may have been done is cancelled as well: a timeout is not a refusal",
        why: "Perhaps only the answer was lost: the room is booked, or the call is still under way and will book it tomorrow. Nobody will ever cancel it.",
        look: "A step that was called and has not answered counts as done when the booking goes back: its Cancel leaves before that of the step before it, and is answered before a client hears Failed.",
        source: HELLAND,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Restarted,
                "What the disk says, after a restart, about a step that was called and had not answered: that it is called must be saved before the call leaves.",
            ),
        ],
    },
    Rule {
        name: EACH_ONCE,
        title: "each step has one key, and each key one step",
        why: "A service recognises a repeated call only by its key. A new key is a second room, and a second payment. A key that was used for something else does nothing, but answers as if it had.",
        look: "Where a key is made: from the booking and the step, or from a counter, then saved before the call leaves. The retry, the Cancel, and the call after a restart use the same key.",
        source: HELLAND,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("under which"),
                "Where a key is made: why do two steps of one booking, or two bookings, share one? Flight and Ticket are at the same service.",
            ),
        ],
    },
    Rule {
        name: RETRIED,
        title: "a compensation is retried until it is done, and then comes the next",
        why: "Nothing undoes a compensation that stops half way: a lost Cancel, or a booking that stops on the way back, leaves a seat that nobody will use and nobody will cancel.",
        look: "Each Cancel has a timer that sends it again, as often as it takes; and each Cancelled leads to the next Cancel.",
        source: BACKWARD,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("could go back further"),
                "What Refused and Cancelled lead to: the Cancel of the step before, if there is one.",
            ),
            Clue::Look(Evidence::NoTimer, "The timer of a Cancel: in the end none is set. Each needs one until it is answered."),
        ],
    },
    Rule {
        name: RESUMES,
        title: "after a crash each booking goes on by itself, from where it was",
        why: "Its client has gone, and nobody asks again. And a node that starts from the beginning repeats calls that were done long ago: a service does not keep a key for ever, and without it the call is a new one.",
        look: "on_start: every booking on the disk that has not ended makes its open call. And what is on the disk: what each answer said, before the next call leaves.",
        source: "Garcia-Molina & Salem 1987, Sagas: the log, and what is read from it after a crash",
        clues: &[
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send: the call leaves first, and a crash falls between the two.",
            ),
            Clue::Look(
                Evidence::Says("before the restart"),
                "What was saved before the later step was called: by then the disk must say that the earlier one is done.",
            ),
            Clue::Look(
                Evidence::Says("started again"),
                "on_start: the bookings that have not ended make their open call again; a crash took their timers, and perhaps the call.",
            ),
        ],
    },
    Rule {
        name: TURNS,
        title: "once a Cancel has left, a booking never goes forward again",
        why: "The Cancel may still be under way. If the booking goes forward meanwhile, the Cancel arrives after the payment: a paid trip, and no room.",
        look: "Where a booking turns back: that is on the disk before its first Cancel leaves, and nothing reverses it: not a late Done, not a restart, not a client that asks again.",
        source: BACKWARD,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Heard(2),
            Clue::Look(
                Evidence::All(&[Evidence::Says("before the restart"), Evidence::LeftBeforeSave]),
                "The order of cx.save and cx.send where a booking turns back: the Cancel leaves first, and a crash falls between the two.",
            ),
            Clue::Look(
                Evidence::AtMessage("Done"),
                "on Done for a booking that goes back: it changes nothing. The step will be cancelled anyway.",
            ),
        ],
    },
    Rule {
        name: FORWARD,
        title: "once the payment is called, only its refusal leads back",
        why: "The payment is the pivot: money that was taken stays taken. If a seat is cancelled after it, or while nobody knows whether the payment was made, the customer has paid for a trip without a seat.",
        look: "What a payment without an answer leads to: the same call again, under the same key, until there is one. And after its Done: the Ticket, again and again.",
        source: PIVOT,
        clues: &[
            Clue::Heard(3),
            Clue::Crash,
            Clue::Look(
                Evidence::AtTimer,
                "The timer that gives up a booking: it must not do so once the payment was called. That step has no timeout, only retries.",
            ),
            Clue::Look(
                Evidence::AtStart,
                "on_start: a booking whose payment was called cannot go back; only the payment's answer decides which way it goes.",
            ),
        ],
    },
    Rule {
        name: REASON,
        title: "a booking is given up only for a reason, not because an answer is slow",
        why: "A site that cancels everything is always consistent, but sells no trips.",
        look: "Reasons are a Refused, a flight or a hotel that was silent for 200 ms, and a restart. A payment or a ticket without an answer is not a reason.",
        source: SAGAS,
        clues: &[Clue::Heard(3), Clue::Fired],
    },
    Rule {
        name: ENDS,
        title: "every booking ends: a call without an answer is made again, and each Done leads on",
        why: "A call that was lost stays lost if the node does not repeat it. The seat is held for a trip that never takes place; after the payment, the customer waits for a ticket.",
        look: "Each Do has a timer that sends it again until there is an answer, even after the pivot; and each Done leads to the next step.",
        source: FORWARD_RECOVERY,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("was asked for it"),
                "on_request: a Book with a new number starts with the Flight, whatever other bookings wait for.",
            ),
            Clue::Look(Evidence::Says("could go on"), "What Done leads to: the next step is called, whatever else is open."),
            Clue::Look(Evidence::NoTimer, "The timer of a call: in the end none is set. Each needs one until it is answered."),
        ],
    },
    Rule {
        name: TRUTH,
        title: "a client hears Booked or Failed when that is true, and stays true",
        why: "The client tells its user so. After Failed, the user books another trip, and pays for two rooms; after Booked, the user goes to the airport.",
        look: "Where requests are answered: Booked from the payment's Done on; Failed when every step that was called is refused or cancelled, for this same booking. A booking that has ended is remembered.",
        source: SAGAS,
        clues: &[Clue::Request, Clue::Heard(3)],
    },
    Rule {
        name: IN_TIME,
        title: "each request is answered once, when its booking has ended",
        why: "A client that gets no answer asks again, or books elsewhere.",
        look: "Every ticket of a booking is kept until the booking ends, not only the last one; it is answered then, once, and at once if the booking has already ended.",
        source: SAGAS,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(Evidence::AtRequest("Book"), "on_request: a booking that has ended is answered at once, an open one when it ends."),
        ],
    },
];
