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
const PUT_OFF: &str = "What sets the timer anew although it has not fired yet: no request and no message may put off what is due.";

const RULES: [Rule; 9] = [
    Rule {
        name: ADDS_UP,
        title: "every view that a server takes is flushed, and the store shows the sum over all servers",
        why: "A view that is left out of every flush, or a server whose views replace another's, is money that an author does not get.",
        look: "What goes into a flush (all views since the last one), whether the timer is set again each time, also after a restart, and what the store does with a flush: it adds the views, of each server, and shows the sum.",
        source: "Kleppmann 2017, Designing Data-Intensive Applications, chapter 11 (stream analytics)",
        clues: &[
            Clue::Inputs(3),
            Clue::Sent,
            Clue::Look(Evidence::All(&[Evidence::Says("its flushes hold"), Evidence::PutOff]), PUT_OFF),
            Clue::Look(
                Evidence::Says("was not acknowledged"),
                "What the store answers: Flushed to every flush that it has taken, with the flush's own id, also to one without views and one that it knows.",
            ),
            Clue::Look(Evidence::Says("a read"), "The store's answer to a read: once, at once, the sum over all servers."),
            Clue::Look(
                Evidence::Says("the store,"),
                "What the store makes of the flush at which it breaks: all of its views are added, exactly, if its id is new. And a server sends no new flush that overtakes an old one: only a Flushed with the old one's very id says that it has come.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("its flushes hold"), Evidence::NoTimer]),
                "The flush timer: in the end none is set. It is to be set when the server starts, also after a restart, and each time it fires.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("its flushes hold"), Evidence::Fired]),
                "What the flush timer does when it fires: with views to tell and no flush out, it sends all of them, however long ago they came.",
            ),
            Clue::Look(
                Evidence::Says("its flushes hold"),
                "What goes into a flush (all views since the last one), and what is taken away from the count when it leaves.",
            ),
        ],
    },
    Rule {
        name: BUDGET,
        title: "a server sends about one message an interval, not one a view, also while the store is silent",
        why: "The counter exists because the store cannot take a write for every view. One message a view, or a storm of repeats while the store is down, is the outage it was built to prevent.",
        look: "What makes a server send: the timer alone, not a view; and how much of what is unacknowledged it sends again at each tick (at most three messages an interval in all).",
        source: "Nygard 2018, Release It!, second edition, chapter 4 (dogpile)",
        clues: &[Clue::Sent],
    },
    Rule {
        name: ONCE,
        title: "a flush that arrives twice counts once, and is acknowledged each time",
        why: "When only the acknowledgement was lost, the server sends the flush again: it has to. A store that adds it again counts views that nobody made; one that does not answer leaves the server stuck with it.",
        look: "Where the store looks up the flush's id (server, incarnation and number) before it adds, that a repeat is answered like the first, and whether it still knows the id after its own crash.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3 (call identifiers); Saltzer, Reed & Clark 1984, duplicate message suppression",
        clues: &[Clue::Twice],
    },
    Rule {
        name: KEPT,
        title: "a server keeps the views of a flush, and sends them again, until the store has acknowledged this very flush",
        why: "Sent is not received. Views that are forgotten when their flush leaves are lost with the packet, a late acknowledgement of an older flush says nothing about this one, and none says anything about views that came in since.",
        look: "What is cleared, and when: on Flushed, if both incarnation and number are those of the flush that is out; and then the views of that flush alone.",
        source: "Saltzer, Reed & Clark 1984, End-to-end arguments in system design (delivery guarantees: the acknowledgement that matters is that of the end)",
        clues: &[
            Clue::Sent,
            Clue::Inputs(2),
            Clue::Look(
                Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::Says("it got Flushed(")]),
                "What takes a flush for acknowledged: a Flushed with its very id, incarnation and number. One of an earlier life, or of an earlier number, says nothing about it.",
            ),
            Clue::Look(Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::PutOff]), PUT_OFF),
            Clue::Look(
                Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::NoTimer]),
                "The flush timer: in the end none is set. It is to be set again each time it fires, as long as the server lives.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("it sent nothing of this kind"), Evidence::Fired]),
                "What the timer does while a flush is unacknowledged: it sends the same flush again, each time. And what takes a flush away: a Flushed with its own id alone.",
            ),
        ],
    },
    Rule {
        name: NUMBERS,
        title: "a flush's id stands for the same views for ever, and the flushes of a restarted server are new ones",
        why: "The store tells repeats by the id. If new views travel under an old id, after a restart or because a repeat was topped up, the store takes them for a repeat, drops them, and acknowledges.",
        look: "What a server remembers across a restart, and when it saves that: the new incarnation must be on disk before its first flush is sent. And a repeat: it carries what the first one carried, views that came since wait for the next number. At the store: it compares whole ids, incarnation and number.",
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
                "Where a flush gets its number, and what a repeat carries: each new batch has a number of its own, counted in its full width; a repeat has the number and the views of the first, and views that came since wait for the next.",
            ),
        ],
    },
    Rule {
        name: SAFE,
        title: "what the store has acknowledged survives its crash, and is not counted again after it",
        why: "After the acknowledgement the server forgets: the store's disk is the only place where these views exist.",
        look: "The order of save and Flushed, and what is saved: the total and the ids, in one save. A crash may fall between any two effects.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Twice,
            Clue::Look(Evidence::Says("that had not reached it"), "The id in Flushed: that of the flush that is answered."),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of save and Flushed: the answer leaves first. A crash may fall between any two effects.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "The store's handling of the flush in the marked step: it was acknowledged and nothing was saved.",
            ),
        ],
    },
    Rule {
        name: NO_MORE,
        title: "the store never shows more than was viewed",
        why: "Too many is worse than too few: authors are paid, and advertisers billed, for views that nobody made.",
        look: "Every path by which a view can get into two flushes: a repeat under a new number, a batch that is built again after a crash, a count that is not cleared.",
        source: "Saltzer, Reed & Clark 1984, End-to-end arguments in system design (duplicate message suppression)",
        clues: &[
            Clue::Twice,
            Clue::Inputs(2),
            Clue::Look(
                Evidence::Says("the different flushes of"),
                "Where a flush is built: the views that are in it leave the count, and are not flushed under a second number.",
            ),
            Clue::Look(
                Evidence::Says("restarted with no views"),
                "What a server takes with it over a restart: views that were not on its disk are gone, and views that were flushed before must not come back as new ones.",
            ),
        ],
    },
    Rule {
        name: NOTHING_LOST,
        title: "once the network heals, no view is missing of a server that did not crash, nor any that was acknowledged",
        why: "Losing what a crashed server had in memory is the price that was agreed on. Losing anything else is a bug.",
        look: "Whether a flush can be given up, overtaken or dropped as a repeat while it holds views that the store does not have; whether a restarted server or store goes on.",
        source: "Saltzer, Reed & Clark 1984, End-to-end arguments in system design (delivery guarantees)",
        clues: &[Clue::Lost, Clue::Crash],
    },
    Rule {
        name: FRESH,
        title: "in fair weather a view is shown within one flush interval and one delay",
        why: "An author watches the number after publishing. A flush that waits for a second interval, or for many views, makes the counter stand still.",
        look: "Which timer is set when, also after a restart, after an acknowledgement, and after a time without views; and whether a flush waits for anything but the interval: a timer that every view sets anew does not fire while views come.",
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
