//! Where to look in a replica that keeps the newest of what it is told: the two quorums' replicas fail in the same ways.

use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

/// Saved where a read came: the node's state of some time ago.
pub(crate) const STATE_OF_THE_START: Clue = Clue::Look(
    Evidence::All(&[Evidence::Says(" over "), Evidence::AtRequest("Read")]),
    "What else is saved by whoever only changes a counter: all of the state as it is now, not as it was when the node started, and with all that was on the disk.",
);

/// Saved without what was there.
pub(crate) const NOTHING_OVER: Clue = Clue::Look(
    Evidence::Says("saved nothing over"),
    "What else is saved by whoever changes something else (a counter): the state as it is now, whole, not as it was at the start.",
);

/// Acknowledged, then saved.
pub(crate) const STORED_BEFORE_SAVE: Clue = Clue::Look(
    Evidence::All(&[Evidence::Says("told"), Evidence::LeftBeforeSave]),
    "The order of cx.save and cx.send(…, Stored): the answer leaves first. A crash may fall between any two effects.",
);

/// Held before a restart, and not after it.
pub(crate) const LOST_BY_NEW: Clue =
    Clue::Look(Evidence::Says("before its last restart"), "What `new` makes of what was saved: all of it is to come back, as it was.");

/// Acknowledged, and never asked for.
pub(crate) const STORED_SOMETHING_ELSE: Clue = Clue::Look(
    Evidence::Says("that had never reached it"),
    "The number in Stored: that of the Store which is answered, and after what was saved for it.",
);
