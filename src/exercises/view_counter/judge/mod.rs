//! The hidden tests of `view_counter`.

mod server;
mod spec;
mod swarm;

use super::Counter;
use crate::rule::Rule;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ADDS_UP: &str = "views_add_up";
pub(super) const BUDGET: &str = "one_message_an_interval";
pub(super) const ONCE: &str = "flush_counts_once";
pub(super) const KEPT: &str = "kept_until_acknowledged";
pub(super) const NUMBERS: &str = "id_names_one_batch";
pub(super) const SAFE: &str = "acknowledged_flush_is_safe";
pub(super) const NO_MORE: &str = "never_more_than_viewed";
pub(super) const NOTHING_LOST: &str = "nothing_lost_after_heal";
pub(super) const FRESH: &str = "fresh_within_an_interval";

/// Of a flush that the store took for a known one.
const REPEAT: &str =
    "Where the store recognises a repeat: by the whole id, incarnation and number. A lower number of a higher incarnation is new.";

/// Of a timer that is set anew before it fires.
const PUT_OFF: &str = "What sets the timer again before it has fired: no request and no message may delay what is due.";

const RULES: [Rule; 9] = [
    Rule {
        name: ADDS_UP,
        title: "every view that a server takes is flushed, and the store shows the sum over all servers",
        why: "If a view is in no flush, or one server's views replace another's, an author loses money.",
        look: "What goes into a flush (all views since the last one), whether the timer is set again each time, also after a restart, and what the store does with a flush: it must add the views of each server, and show the sum.",
        source: "Kleppmann 2017, Designing Data-Intensive Applications, chapter 11 (stream analytics)",
        clues: &[
            Clue::Inputs(3),
            Clue::Sent,
            Clue::Look(Evidence::All(&[Evidence::Says("its flushes hold"), Evidence::PutOff]), PUT_OFF),
            Clue::Look(
                Evidence::Says("was not acknowledged"),
                "What the store answers: it must send Flushed for every flush that it has taken, with the flush's own id, also for an empty flush and for one that it knows already.",
            ),
            Clue::Look(Evidence::Says("a read"), "The store's answer to a read: one answer, at once, with the sum over all servers."),
            Clue::Look(
                Evidence::Says("the store,"),
                "What the store does with the flush at which the rule breaks: it must add exactly its views if its id is new. And a server must not send a new flush that can overtake an old one: only a Flushed with exactly the old one's id says that it has arrived.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("its flushes hold"), Evidence::NoTimer]),
                "The flush timer: in the end none is set. Set it when the server starts, also after a restart, and each time it fires.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("its flushes hold"), Evidence::Fired]),
                "What the flush timer does when it fires: if there are views to send and no flush is out, it must send all of them, however long ago they came.",
            ),
            Clue::Look(
                Evidence::Says("its flushes hold"),
                "What goes into a flush (all views since the last one), and what is subtracted from the count when the flush leaves.",
            ),
        ],
    },
    Rule {
        name: BUDGET,
        title: "a server sends about one message per interval, not one per view, also while the store is silent",
        why: "The counter exists because the store cannot take a write for every view. One message per view, or a storm of repeats while the store is down, is the outage that it was built to prevent.",
        look: "What makes a server send: the timer alone, not a view; and how many unacknowledged flushes it sends again at each tick (at most three messages per interval in all).",
        source: "Nygard 2018, Release It!, second edition, chapter 4 (dogpile)",
        clues: &[Clue::Sent],
    },
    Rule {
        name: ONCE,
        title: "a flush that arrives twice counts once, and is acknowledged each time",
        why: "When only the acknowledgement was lost, the server has to send the flush again. A store that adds it again counts views that never happened; a store that does not answer leaves the server stuck with it.",
        look: "Where the store looks up the flush's id (server, incarnation and number) before it adds, whether a repeat is answered like the first, and whether the store still knows the id after a crash.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3 (call identifiers); Saltzer, Reed & Clark 1984, duplicate message suppression",
        clues: &[Clue::Twice],
    },
    Rule {
        name: KEPT,
        title: "a server keeps the views of a flush, and sends them again, until the store has acknowledged this very flush",
        why: "Sent is not received. Views that are forgotten when their flush leaves are lost with the packet, a late acknowledgement of an older flush says nothing about this one, and no acknowledgement says anything about views that came in since.",
        look: "What is cleared, and when: on Flushed, if both incarnation and number are those of the flush that is out; and then only the views of that flush.",
        source: "Saltzer, Reed & Clark 1984, End-to-end arguments in system design (delivery guarantees: the acknowledgement that matters is that of the end)",
        clues: &[
            Clue::Sent,
            Clue::Inputs(2),
            Clue::Look(
                Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::Says("it got Flushed(")]),
                "When a flush counts as acknowledged: only on a Flushed with exactly its id, incarnation and number. A Flushed of an earlier life, or with an earlier number, says nothing about it.",
            ),
            Clue::Look(Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::PutOff]), PUT_OFF),
            Clue::Look(
                Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::NoTimer]),
                "The flush timer: in the end none is set. Set it again each time it fires, as long as the server runs.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::Fired]),
                "What the timer does while a flush is unacknowledged: it must send the same flush again, each time. And what removes a flush: only a Flushed with its own id.",
            ),
        ],
    },
    Rule {
        name: NUMBERS,
        title: "a flush id stands for the same views for ever, and the flushes of a restarted server get new ids",
        why: "The store tells repeats by the id. If new views are sent under an old id, after a restart or because they were added to a repeat, the store takes them for a repeat, drops them, and acknowledges.",
        look: "What a server remembers across a restart, and when it saves that: the new incarnation must be on disk before its first flush is sent. And a repeat: it carries what the first one carried; views that came since wait for the next number. At the store: it must compare whole ids, incarnation and number.",
        source: "Birrell & Nelson 1984, section 3 (conversation identifiers that survive a restart)",
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Look(Evidence::Says("reached the store"), REPEAT),
            Clue::Look(Evidence::Says("the store,"), REPEAT),
            Clue::Look(
                Evidence::Says("before a crash"),
                "What a server remembers across a restart, and when it saves that: the new incarnation must be on disk before its first flush is sent.",
            ),
            Clue::Look(
                Evidence::Says("restarted"),
                "What a server remembers across a restart, and when it saves that: the new incarnation must be on disk before its first flush is sent, and larger each time.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("under which it had flushed"), Evidence::NeverRestarted]),
                "Where a flush gets its number, and what a repeat carries: each new batch has a number of its own, kept in its full width; a repeat has the number and the views of the first send, and views that came since wait for the next number.",
            ),
        ],
    },
    Rule {
        name: SAFE,
        title: "what the store has acknowledged survives its crash, and is not counted again after it",
        why: "After the acknowledgement the server forgets: the store's disk is the only place where these views exist.",
        look: "The order of save and Flushed, and what is saved: the total and the ids, in one save. A crash can fall between any two effects.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Twice,
            Clue::Look(Evidence::Says("that had not reached it"), "The id in Flushed: it must be that of the flush that is answered."),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of save and Flushed: the answer leaves first. A crash can fall between any two effects.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "The store's handling of the flush in the marked step: it was acknowledged, but nothing was saved.",
            ),
        ],
    },
    Rule {
        name: NO_MORE,
        title: "the store never shows more than was viewed",
        why: "Too many is worse than too few: authors are paid, and advertisers billed, for views that never happened.",
        look: "Every path by which a view can get into two flushes: a repeat under a new number, a batch that is built again after a crash, a count that is not cleared.",
        source: "Saltzer, Reed & Clark 1984, End-to-end arguments in system design (duplicate message suppression)",
        clues: &[
            Clue::Twice,
            Clue::Inputs(2),
            Clue::Look(
                Evidence::Says("the different flushes of"),
                "Where a flush is built: subtract the views that are in it from the count, and do not flush them under a second number.",
            ),
            Clue::Look(
                Evidence::Says("restarted with no views"),
                "What a server keeps across a restart: views that were not on its disk are gone, and views that were flushed before must not come back as new ones.",
            ),
        ],
    },
    Rule {
        name: NOTHING_LOST,
        title: "once the network heals, no view of a server that did not crash is missing, nor any view that was acknowledged",
        why: "Losing what a crashed server had in memory is the agreed price. Losing anything else is a bug.",
        look: "Whether a flush can be given up, overtaken or dropped as a repeat while it holds views that the store does not have; whether a restarted server or store goes on where it was.",
        source: "Saltzer, Reed & Clark 1984, End-to-end arguments in system design (delivery guarantees)",
        clues: &[Clue::Lost, Clue::Crash],
    },
    Rule {
        name: FRESH,
        title: "in fair weather, a view is shown within one flush interval and one delay",
        why: "An author watches the number after publishing. If a flush waits for a second interval, or for many views, the counter stands still.",
        look: "Which timer is set when, also after a restart, after an acknowledgement, and after a time without views; and whether a flush waits for anything but the interval: a timer that every view sets again does not fire while views come.",
        source: "Kleppmann 2017, Designing Data-Intensive Applications, chapter 11 (microbatching and checkpointing)",
        clues: &[Clue::Inputs(1), Clue::Fired],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Counter>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<super::ViewCounter>) -> Suite {
    let mut suite = Suite::new("view_counter", &RULES, swarm::swarm(factory)).with_storms(spec::storms(factory));
    server::vectors(&mut suite, factory);
    server::scenarios(&mut suite, factory);
    suite
}
