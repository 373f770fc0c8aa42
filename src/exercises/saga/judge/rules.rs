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
        title: "in the end all of a booking is booked, or nothing of it",
        why: "A customer pays for a trip with no room, or a seat flies empty that nobody will ever pay for. No service sees it: each has done what it was asked for.",
        look: "What leads from each answer to the next call: after Done the next step, after Refused the Cancel of the one before it, and so on to the first.",
        source: SAGAS,
        clues: &[Clue::Heard(3), Clue::Crash, Clue::Saved],
    },
    Rule {
        name: ORDER,
        title: "a step is called when the one before it is done, and not before",
        why: "The steps that can be undone come first, so that the one that cannot is taken when nothing can stop the booking any more. Money that is taken before there is a room is not given back.",
        look: "Where the next Do leaves: the step before it has answered Done, to this booking's own call. Nothing else opens it: no Refused, no timer, no answer of another booking.",
        source: SAGAS,
        clues: &[
            Clue::Heard(3),
            Clue::Look(Evidence::AtTimer, "The timer: it calls again what is open. It cannot take silence for Done."),
            Clue::Look(Evidence::Says("is for"), "Config::service(step): the address that the call goes to."),
            Clue::Look(
                Evidence::Says("no client had asked"),
                "Which booking a call is for: one that a Book has named, with its number whole.",
            ),
            Clue::Look(
                Evidence::Says("had been called"),
                "An answer that comes again, or late: the step that it is about is not the open one any more, and nothing may come of it.",
            ),
        ],
    },
    Rule {
        name: REVERSE,
        title: "compensation goes in reverse order, one step after the other",
        why: "A later step rests on the earlier ones: as long as the room may still be booked, the seat is what it is booked for. Whoever undoes both at once does not know where it stands after a crash.",
        look: "Which Cancel leaves first: that of the last step that was called. The next one when Cancelled (or Refused) of this one is there.",
        source: BACKWARD,
        clues: &[Clue::Heard(3), Clue::Sent],
    },
    Rule {
        name: ONLY,
        title: "what was refused or never called is not cancelled",
        why: "A cancellation costs a fee, and some things cannot be undone at all. A compensation is for a step that was done, or may have been.",
        look: "Which steps are cancelled: those that were called, without the one that was refused. Payment and Ticket have no Cancel.",
        source: BACKWARD,
        clues: &[Clue::Heard(3), Clue::Sent],
    },
    Rule {
        name: MAYBE,
        title: "what may have been done is cancelled as well: a timeout is no refusal",
        why: "Only the answer was lost: the room is booked, or the call is still under way and will book it tomorrow. Nobody will ever cancel it.",
        look: "A step that was called and has not answered counts as done when the booking goes back: its Cancel leaves before that of the step before it, and is answered before a client hears Failed.",
        source: HELLAND,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Restarted,
                "What the disk says after a restart of a step that was called and had not answered: that it was called must be there before the call leaves.",
            ),
        ],
    },
    Rule {
        name: EACH_ONCE,
        title: "each step has one key, and each key one step",
        why: "A service knows a repeated call by its key alone. A new key is a second room, and a second payment; a key that was used for something else does nothing, and answers as if it had.",
        look: "Where a key is made: from the booking and the step, or from a counter, then saved before the call leaves. The retry, the Cancel, and the call after a restart take the same.",
        source: HELLAND,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("under which"),
                "Where a key is made: what makes two steps of one booking, or two bookings, share one? Flight and Ticket are the same service's.",
            ),
        ],
    },
    Rule {
        name: RETRIED,
        title: "a compensation is retried until it is done, then comes the next",
        why: "There is no way back from the way back: a Cancel that is lost, or a booking that stops half way, leaves a seat that nobody will use and nobody will cancel.",
        look: "Each Cancel has a timer that sends it again, as often as it takes; and each Cancelled leads to the next Cancel.",
        source: BACKWARD,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("could go back further"),
                "What comes of Refused and of Cancelled: the Cancel of the step before, if there is one.",
            ),
            Clue::Look(Evidence::NoTimer, "The timer of a Cancel: in the end none is set. Each needs one until it is answered."),
        ],
    },
    Rule {
        name: RESUMES,
        title: "after a crash each booking goes on by itself, from where it was",
        why: "Its client has gone, and nobody asks again. And who begins from the start calls services for what they did long ago: a key is not kept for ever, and without it the call is a new one.",
        look: "on_start: every booking on the disk that has not ended makes its open call. And what is on the disk: what an answer has told, before the next call leaves.",
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
                "What was saved before the later step was called: that the earlier one is done must be on the disk by then.",
            ),
            Clue::Look(
                Evidence::Says("started again"),
                "on_start: the bookings that have not ended make their open call again; a crash took their timers, and perhaps the call.",
            ),
        ],
    },
    Rule {
        name: TURNS,
        title: "once a Cancel has left a booking never goes forward again",
        why: "The Cancel may still be under way. If the booking goes on meanwhile, it arrives after the payment: a paid trip, and no room.",
        look: "That a booking goes back is on the disk before its first Cancel leaves, and nothing takes it away: not a Done that comes late, not a restart, not a client that asks again.",
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
                "on Done of a booking that goes back: it changes nothing. The step will be cancelled anyway.",
            ),
        ],
    },
    Rule {
        name: FORWARD,
        title: "from the payment on only its refusal leads back",
        why: "It is the pivot: money that was taken stays taken. A seat that is cancelled after it, or while nobody knows whether it was made, is a paid trip without a seat.",
        look: "What a payment without an answer leads to: the same call again, under the same key, until there is one. And after its Done: the Ticket, again and again.",
        source: PIVOT,
        clues: &[
            Clue::Heard(3),
            Clue::Crash,
            Clue::Look(
                Evidence::AtTimer,
                "The timer that gives a booking up: not when its payment was called. That step has no timeout, only retries.",
            ),
            Clue::Look(
                Evidence::AtStart,
                "on_start: a booking whose payment was called cannot go back; only the payment's answer says where it goes.",
            ),
        ],
    },
    Rule {
        name: REASON,
        title: "a booking is given up for a reason, and not for a slow answer",
        why: "Whoever cancels everything is always consistent, and sells no trip.",
        look: "Reasons are a Refused, a flight or a hotel that was silent for 200 ms, and a restart. A payment or a ticket without an answer is none.",
        source: SAGAS,
        clues: &[Clue::Heard(3), Clue::Fired],
    },
    Rule {
        name: ENDS,
        title: "every booking ends: what has no answer is called again, and each Done leads on",
        why: "A call that was lost once is lost for good if nobody repeats it. The seat is held for a trip that never comes about, and after the payment the customer waits for a ticket.",
        look: "Each Do has a timer that sends it again until there is an answer, also after the pivot; and each Done leads to the next step.",
        source: FORWARD_RECOVERY,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("was asked for it"),
                "on_request: a Book of a new number begins with the Flight, whatever other bookings wait for.",
            ),
            Clue::Look(Evidence::Says("could go on"), "What comes of Done: the next step is called, whatever else is open."),
            Clue::Look(Evidence::NoTimer, "The timer of a call: in the end none is set. Each needs one until it is answered."),
        ],
    },
    Rule {
        name: TRUTH,
        title: "a client hears Booked or Failed when that is true, and stays true",
        why: "It tells its user so. With Failed the user books another trip, and pays for two rooms; with Booked the user goes to the airport.",
        look: "Where requests are answered: Booked from the payment's Done on; Failed when every step that was called is refused or cancelled, for this very booking. What has ended is remembered.",
        source: SAGAS,
        clues: &[Clue::Request, Clue::Heard(3)],
    },
    Rule {
        name: IN_TIME,
        title: "each request is answered once, when its booking has ended",
        why: "A client that hears nothing asks again, or books elsewhere.",
        look: "Every ticket of a booking is kept until it ends, not the last one alone; it is answered then, once, and at once if it has ended before.",
        source: SAGAS,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::AtRequest("Book"),
                "on_request: a booking that has ended is answered at once, one that is under way when it ends.",
            ),
        ],
    },
];
