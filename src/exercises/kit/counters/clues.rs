//! Which steps led to a broken rule of a counter, and where to look in its code: the rules of both exercises fail in the same ways.

use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

/// Of an operation that was answered and left no trace.
const TAKEN_FOR_KNOWN: &str = "Where an operation's id is looked up before it counts: this one had never been asked for, was answered, and nothing was counted or saved, as if its id were known. Ids have 64 bits, and every one of them is an id.";
/// Of a request without an answer.
const NO_ANSWER: &str = "The handler of this request: it returned, and cx.reply was not called. On what does it depend whether it is: the id, the sign of the value, what was saved before? An answer needs nobody else, and a retry gets one, too, at once.";

/// What every replica counts is in the value.
pub(crate) const ADDS_UP: &[Clue] = &[
    Clue::Inputs(4),
    Clue::Look(Evidence::All(&[Evidence::AtRequest("Increment"), Evidence::LeftWithoutSave]), TAKEN_FOR_KNOWN),
    Clue::Look(Evidence::All(&[Evidence::AtRequest("Decrement"), Evidence::LeftWithoutSave]), TAKEN_FOR_KNOWN),
];

/// A state that comes twice, late or in another order.
pub(crate) const MERGE_LAWS: &[Clue] = &[Clue::Heard(3)];

/// A read needs nobody.
pub(crate) const READS: &[Clue] = &[Clue::Request, Clue::Inputs(1)];

/// An operation that is asked for again.
pub(crate) const RETRY: &[Clue] = &[
    Clue::Twice,
    Clue::Crash,
    Clue::Look(Evidence::Says("did not answer"), NO_ANSWER),
    Clue::Look(Evidence::Says("a second time"), "What is left of a request after its answer: a ticket is answered once."),
    Clue::Look(
        Evidence::Says("it had told others"),
        "The order of save and send: a count leaves before it is saved, and after a crash the same operation counts again.",
    ),
    Clue::Look(
        Evidence::All(&[Evidence::Says("asked for again"), Evidence::Restarted]),
        "Where the ids are saved, and what `new` makes of them: every cx.save hands over all of them, with the count, for as long as a retry may come. Look at the step in which the id left the disk (`ops -…`), or never came there.",
    ),
    Clue::Look(
        Evidence::All(&[Evidence::Says("asked for again"), Evidence::NeverRestarted]),
        "Where an operation's id is looked up before it counts: every id, whatever its size, and for how long it is remembered.",
    ),
];

/// What was acknowledged is there after a crash.
pub(crate) const SURVIVES: &[Clue] = &[
    Clue::Unsaved,
    Clue::Promise,
    Clue::Crash,
    Clue::Look(Evidence::LeftBeforeSave, "The order of save and reply: the answer leaves first. A crash may fall between any two effects."),
    Clue::Look(Evidence::LeftWithoutSave, "Where the operation of the marked step is handled: it was answered and nothing was saved."),
    Clue::Look(Evidence::AtStart, "What is saved, and what `new` makes of it: every count in its full width, and the ids."),
];

/// Nothing made up, nothing dropped.
pub(crate) const BOUNDS: &[Clue] = &[
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
];

/// All come to the same value.
pub(crate) const CONVERGES: &[Clue] = &[
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
];
