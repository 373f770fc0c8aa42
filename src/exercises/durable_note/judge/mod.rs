//! The hidden tests of `durable_note`.

mod spec;
mod swarm;
mod vectors;

use super::DurableNote;
use crate::rule::Rule;
use crate::sim::{Factory, Node};
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const READS: &str = "read_your_note";
pub(super) const ONCE: &str = "one_answer";
pub(super) const REMEMBERS: &str = "restart_remembers";
pub(super) const SAVED: &str = "acknowledged_is_saved";

const RULES: [Rule; 4] = [
    Rule {
        name: READS,
        title: "a read returns the note that was written last",
        why: "Somebody writes a note, reads it, and gets a different one: everything that is built on this server works with a wrong value.",
        look: "What a write puts into the server's field, and whether Read answers with that field as it is now.",
        source: "Herlihy & Wing 1990, Linearizability: a correctness condition for concurrent objects, section 2",
        clues: &[
            Clue::Inputs(2),
            Clue::Look(
                Evidence::All(&[Evidence::Says("which nobody had written"), Evidence::SavedOther]),
                "What a write passes to cx.save and keeps in its field: it must be the note as it came, in its full width. Something else was saved.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("which nobody had written"), Evidence::Fired]),
                "What happens to the note between the write and the read: only a write may change it, no timer and no other read.",
            ),
            Clue::Look(
                Evidence::Says("which nobody had written"),
                "What Node::new does with what it finds on the disk, and whether Read answers with the field as it is: every number is a note, also 0 and the largest.",
            ),
        ],
    },
    Rule {
        name: ONCE,
        title: "every request is answered, and only once",
        why: "A client that hears nothing waits, gives up and asks again: for it, the server is down. A client that hears twice takes the second answer for the answer to another request.",
        look: "Each arm of the match on the request must reach cx.reply(ticket, …) once, whatever the note was before.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3",
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("a second time"),
                "What you keep of a request after its answer: a ticket that was answered must not reach cx.reply again, whatever comes in or fires later.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("did not answer"), Evidence::AtTimer]),
                "The handler of the request, and what answers in its place: an answer that waits for a timer, or for the next request, comes too late or never; and a timer that answers for several requests must answer each of them.",
            ),
            Clue::Look(
                Evidence::Says("did not answer"),
                "Each arm of the match on the request, and each condition in it: one of them ends without cx.reply(ticket, …).",
            ),
            Clue::Look(Evidence::Says("n1 answered"), "Which answer each arm of the match gives: Written to a write, the note to a read."),
        ],
    },
    Rule {
        name: REMEMBERS,
        title: "a restart begins with what was saved",
        why: "The disk has the note, but the server says that there is none: the client takes it for lost, and the next write really destroys it.",
        look: "Node::new: after a crash it is called again, and `saved` holds what you saved last. Nothing else is left.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7",
        clues: &[Clue::Saved, Clue::Crash],
    },
    Rule {
        name: SAVED,
        title: "a note that was acknowledged survives a crash",
        why: "The client was told that the note is safe, and throws its own copy away. A server that answers before it saves breaks that promise at its next crash.",
        look: "The handler of a write: whether it saves the right note, and does so before it answers. Effects happen in the order in which you call them, and a crash can fall between any two.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Unsaved,
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::All(&[Evidence::Says("a read had been answered"), Evidence::LeftWithoutSave]),
                "Where a read is handled: it returned a note that was not on the disk yet. A client that has read it relies on it: answer with what is saved, or save first.",
            ),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order in the handler of a write: cx.reply comes before cx.save in one step. Effects happen in the order in which you call them, and a crash can fall between any two.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "Where the write of the marked step is handled: it was answered, but nothing was saved. What decides whether cx.save is called? It must be called for every write, whatever is on the disk, was there at the start, or was written before.",
            ),
        ],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<DurableNote>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<DurableNote>) -> Suite {
    let mut suite = Suite::new("durable_note", &RULES, swarm::swarm(factory)).with_storms(spec::storms(factory));
    vectors::add(&mut suite, factory);
    suite
}
