//! The hidden tests of `lamport_clock`: what one node may do is in `spec`, what shows only between nodes in `swarm`; here are examples and
//! traps.

mod spec;
mod swarm;

use super::{Clock, LamportClock, Message, Request, Response, Stamp};
use crate::exercises::kit::{N1, N2, Script, crash_sweep, rows};
use crate::rule::{Broken, Rule};
use crate::sim::{Factory, NodeId};
use crate::suite::Suite;
use crate::trace::Probe;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const RECEIVE: &str = "receive_follows_send";
pub(super) const MINIMAL: &str = "clock_is_minimal";
pub(super) const BEFORE: &str = "happened_before_is_ordered";
pub(super) const UNIQUE: &str = "stamps_are_unique";
pub(super) const SURVIVES: &str = "clock_survives_restart";
pub(super) const TOTAL: &str = "order_is_total";
pub(super) const ANSWERS: &str = "answers_once_in_time";

const LAMPORT: &str = "Lamport 1978, Time, clocks, and the ordering of events in a distributed system, Logical clocks (IR1, IR2)";

const RULES: [Rule; 7] = [
    Rule {
        name: RECEIVE,
        title: "a message arrives later than it was sent, also by the clocks",
        why: "An answer is stamped before its question: an engineer who merges the two logs reads the effect first and looks for its cause in the wrong place.",
        look: "on_message: take the larger of the stamp that came and the node's own clock, then add one, whoever sent it, also if it was the node itself.",
        source: LAMPORT,
        clues: &[Clue::Heard(1)],
    },
    Rule {
        name: MINIMAL,
        title: "the clock moves to one more than the larger of what it knew and what came, and only for an event",
        why: "Clocks that run ahead for nothing pull all others with them: every message passes the lead on, and counters that should last for years run out.",
        look: "Where the clock moves: by exactly one for each event, from the larger of the two values; not when stamps are put in order, and not on a timer.",
        source: LAMPORT,
        clues: &[
            Clue::Inputs(2),
            Clue::Look(
                Evidence::Says("are allowed there"),
                "What `new` adds to what was saved: a clock that saves ahead may go on from there, but no further ahead than the README allows.",
            ),
        ],
    },
    Rule {
        name: BEFORE,
        title: "if one event happened before another, its stamp is smaller",
        why: "This is what the clock is for. Locks and queues that serve the smallest stamp first would serve an answer before the question that led to it.",
        look: "The chain of events named above: in one of its steps, within a node or from a sender to a receiver, the stamp does not grow.",
        source: LAMPORT,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Says("a message came"),
                "on_message: every arrival is an event and moves the clock, also if the message is from a clock that is behind, came before, or is the node's own.",
            ),
        ],
    },
    Rule {
        name: UNIQUE,
        title: "no two events have the same stamp",
        why: "Two events cannot be told apart: one replaces the other in every table that has stamps as keys, and nodes break the tie differently.",
        look: "Each event, a send too, moves the clock before it takes its stamp, and the stamp names the node that gives it. The message carries the stamp of its own send event, not the clock from before it.",
        source: "Lamport 1978, section Ordering the events totally",
        clues: &[Clue::Inputs(2), Clue::Crash],
    },
    Rule {
        name: SURVIVES,
        title: "after a restart, the clock goes on above everything that it has shown",
        why: "A node that counts on from an old value gives out stamps again that others have already: its new events look old, and updates with these stamps are thrown away as stale.",
        look: "cx.save before the stamp leaves, in an answer or in a message, at every event, also when a message arrives; and what `new` does with what was saved.",
        source: "Gray & Reuter 1993, Transaction Processing, section 3.7 (durability before acknowledgement)",
        clues: &[
            Clue::Saved,
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and the effect that shows the stamp: the stamp leaves first, in an answer or in a message. A crash can fall between any two effects.",
            ),
            Clue::Look(Evidence::LeftWithoutSave, "Where the event of the marked step is handled: its stamp left, but nothing was saved."),
            Clue::Look(Evidence::AtStart, "What `new` does with what was saved: the clock goes on from there, in its full width."),
        ],
    },
    Rule {
        name: TOTAL,
        title: "all nodes put stamps in the same order: by time, and equal times by node",
        why: "Two replicas that execute the same requests in different orders end in different states, and each is sure that it is right.",
        look: "Request::Order: compare the time first and the node second. The order in which stamps came, or a node's own stamp first, differs from node to node.",
        source: "Lamport 1978, section Ordering the events totally",
        clues: &[Clue::Request],
    },
    Rule {
        name: ANSWERS,
        title: "every request is answered, once, within 100 ms; Send sends one message",
        why: "A client that hears nothing holds up its own callers; a client that hears twice takes the second answer for the answer to its next request.",
        look: "Each arm of the match on the request reaches cx.reply(ticket, …) once, and the arm of Send reaches cx.send once.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3",
        clues: &[Clue::Request],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Clock>() -> Suite {
    suite(Factory::of::<N>())
}

/// The times that come in messages of n2, and what n1's clock must then show.
const ARRIVALS: [(&str, (&[u64], u64)); 4] = [
    ("a message from a clock that is ahead", (&[7], 8)),
    ("a message from a clock that is behind", (&[7, 2], 9)),
    ("a message from a clock that is equal", (&[7, 8], 9)),
    ("the same message twice", (&[7, 7], 9)),
];

fn suite(f: Factory<LamportClock>) -> Suite {
    let mut suite = Suite::new("lamport_clock", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    rows(&mut suite, MINIMAL, ARRIVALS, move |p, (times, clock)| {
        let mut s = up(f, p, 1)?;
        times.iter().try_for_each(|time| s.tell(N2, N1, Message { sent: Stamp { time: *time, node: N2 } }))?;
        // Not above what came is the other rule's.
        let rule = if s.view(N1) <= times.last().copied() { RECEIVE } else { MINIMAL };
        s.shows(rule, N1, clock)
    });
    suite.vector(MINIMAL, "three thousand events of one life", move |p| {
        let mut s = up(f, p, 1)?;
        for time in 1..=3_000 {
            let ticket = s.call(N1, Request::Happen)?;
            s.answered(MINIMAL, ticket, &[Response::Stamped(Stamp { time, node: N1 })])?;
        }
        Ok(())
    });
    suite.vector(TOTAL, "equal times, in both orders", move |p| {
        let stamp = |time, node: usize| Stamp { time, node: NodeId::from_index(node - 1) };
        let sorted = [stamp(1, 3), stamp(2, 1), stamp(2, 2)];
        for given in [[2, 1, 0], [1, 2, 0]] {
            let mut s = up(f, p, 2)?;
            let ticket = s.call(N2, Request::Order(given.map(|i| sorted[i]).to_vec()))?;
            s.answered(TOTAL, ticket, &[Response::Ordered(sorted.to_vec())])?;
        }
        Ok(())
    });
    suite.scenario(SURVIVES, "a crash between any two effects of an event", move |p| {
        for request in [Request::Happen, Request::Send(N2)] {
            for swept in crash_sweep(N1, || up(f, p, 2), |s| s.ask(N1, request.clone())) {
                let (s, ticket) = swept?;
                let least = if let Some(Response::Stamped(stamp)) = s.answer_to(ticket) { stamp.time } else { 0 };
                let clock = s.view(N1).unwrap_or(0);
                s.expect(SURVIVES, clock >= least, || format!("its clock must go on from {least} or later, but is at {clock}"))?;
            }
        }
        Ok(())
    });
    suite
}

/// Two nodes, of which the first so many run; the script may speak for the other.
fn up(f: Factory<LamportClock>, p: &Probe, started: usize) -> Result<Script<'static, LamportClock>, Broken> {
    let mut s = Script::new(f, p, vec![(); 2]);
    (0..started).try_for_each(|i| s.start(NodeId::from_index(i)))?;
    Ok(s)
}
