//! The hidden tests of `circuit_breaker`: what a circuit may do is in `spec`, what calls it in `storm`, `examples` and `crowd`.

mod crowd;
mod desk;
mod examples;
mod spec;
mod storm;
mod why;

use super::CircuitBreaker;
use crate::rule::Rule;
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;
use desk::Make;

pub(super) const OPENS: &str = "opens_on_failures";
pub(super) const OPEN: &str = "open_calls_nothing";
pub(super) const HALF: &str = "half_open_probes";
pub(super) const CLOSES: &str = "closes_on_success";
pub(super) const REOPENS: &str = "reopens_with_a_full_wait";
pub(super) const LATE: &str = "late_results_count_for_nothing";
pub(super) const SLOW: &str = "slow_is_failing";
pub(super) const CALLER: &str = "caller_errors_do_not_count";
pub(super) const EACH: &str = "each_dependency_its_own";
pub(super) const DOMINOES: &str = "a_collapse_ends_with_its_cause";

const NYGARD: &str = "Nygard 2018, Release It!, second edition, chapter 5, Circuit Breaker";
const BRONSON: &str = "Bronson et al. 2021, Metastable failures in distributed systems, HotOS";

const RULES: [Rule; 10] = [
    Rule {
        name: OPENS,
        title: "opens when failures reach their share of the results in the window, from the minimum on, and not before",
        why: "A breaker that never opens lets every caller wait for what will not come; one that opens for two failures of two takes a healthy service down at three in the morning.",
        look: "What is counted, and over which time: results that came in the last `window`, failures among all of them, in whole numbers (failures × 100 >= percent × all), and only from `minimum` results on. Look where a result comes in, after it was counted.",
        source: NYGARD,
        clues: &[Clue::Look(
            Evidence::Says("no result of this state is in the window"),
            "What is counted although it has left the window, or came before this state began.",
        )],
    },
    Rule {
        name: OPEN,
        title: "open lets no call out before the wait is over",
        why: "Each call that goes out to what is down holds a thread for a timeout, and keeps what tries to recover from recovering.",
        look: "What permit asks first: whether the circuit is open, and since when. No result, of whichever call, ends the wait or shortens it.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: HALF,
        title: "half-open lets out as many probes as there may be, no more, and a lost one leaves its place",
        why: "All callers at once on a service that has just come back are the next outage; and one probe whose caller died keeps the circuit open until somebody restarts the process.",
        look: "Who counts as a probe: those that are out and those that succeeded, together at most `probes`. A probe that is heard of frees its place or has succeeded; one of which nothing was heard for `lost_after` is lost, and another may go. All this is found out when permit is called: there is no timer.",
        source: NYGARD,
        clues: &[Clue::Look(
            Evidence::Says("lost after"),
            "Probes of which nothing comes back. Remember when each went out; when permit is called, those that are older than `lost_after` do not count any more.",
        )],
    },
    Rule {
        name: CLOSES,
        title: "closes when all its probes have succeeded, and begins with an empty window",
        why: "A circuit that does not close keeps an outage alive that is over; one that closes with the old failures in its window opens again at the first hiccup.",
        look: "What a probe's success does: count it, and close at the last one. And what of the old state is thrown away then: the results from before must not count again.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: REOPENS,
        title: "one failed probe opens it again, for a full wait from then on",
        why: "If a failed probe changes nothing, or the wait still counts from the first outage, the probes become a steady stream of calls to what is down.",
        look: "What a probe's failure does: open, since now. One is enough, whatever the others did; and the next wait counts from its result, not from when the circuit opened first.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: LATE,
        title: "the result of a call that began in an earlier state counts for nothing, nor does that of a lost probe",
        why: "When a service hangs, the last calls before the circuit opened time out long after: they would fail probes that never went out, or open a circuit that has just closed.",
        look: "What record knows of the call: its ticket must say in which state it began (a generation, or the first number of the state). Another state now, another outage, or a probe that was given up: nothing is counted.",
        source: "sony/gobreaker, its generation counter",
        clues: &[],
    },
    Rule {
        name: SLOW,
        title: "a success that took `slow` or longer is a failure",
        why: "A slow dependency is worse than a dead one: nobody gets an error, and all threads wait. A breaker that counts errors alone never sees it.",
        look: "Where an outcome becomes a failure or a success: took >= slow, in every state, so for a probe, too.",
        source: "resilience4j, CircuitBreaker, slow call rate",
        clues: &[],
    },
    Rule {
        name: CALLER,
        title: "a caller's own error is neither a failure nor a success, however long it took",
        why: "One client that asks for what is not there a thousand times must not shut a healthy service for everybody; nor may its errors hide that half of the others fail.",
        look: "CallerError in both states: when closed it is not among the results at all; when half-open it frees the place of its probe, and that is all.",
        source: "resilience4j, CircuitBreaker, ignored exceptions",
        clues: &[],
    },
    Rule {
        name: EACH,
        title: "each dependency has a circuit of its own",
        why: "If the mail server is down and nobody can pay, the breaker has made a small outage a large one.",
        look: "What is kept for all that should be kept for each: state, window, probes, and the tickets by which a late result is known.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: DOMINOES,
        title: "a collapse ends with its cause: 15 s after a slow-down callers have their answers again",
        why: "Callers that try again keep a queue full with what nobody waits for: the slow-down of 20 seconds becomes an outage until somebody turns the callers off. To end it is what a breaker is for.",
        look: "What the crowd sees in the plot: attempts (all that goes out), queue, and answers in time. While the dependency is slow, attempts must fall to a few probes; when it is well, the first probes must close the circuit.",
        source: BRONSON,
        clues: &[],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<T: CircuitBreaker>() -> Suite {
    suite(|config| Box::new(T::new(config)))
}

fn suite(make: Make) -> Suite {
    let mut suite = Suite::plain("circuit_breaker", &RULES, storm::storms(make));
    examples::add(&mut suite, make);
    crowd::add(&mut suite, make);
    suite
}
