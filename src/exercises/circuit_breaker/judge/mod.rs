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
        title: "opens when the window has enough results and failures reach their share of them, and not before",
        why: "A breaker that never opens lets every caller wait for an answer that will not come; one that opens at two failures of two takes a healthy service down at three in the morning.",
        look: "What is counted, and over which time: results that came in the last `window`, failures among all of them, in whole numbers (failures × 100 >= percent × all), and only from `minimum` results on. Decide when a result comes in, after you have counted it.",
        source: NYGARD,
        clues: &[Clue::Look(
            Evidence::Says("no result of this state is in the window"),
            "What is counted although it has left the window, or came before this state began.",
        )],
    },
    Rule {
        name: OPEN,
        title: "open lets no call out before the wait is over",
        why: "Each call that goes out to a dead service holds a thread for a whole timeout, and keeps the service from recovering.",
        look: "What permit asks first: whether the circuit is open, and since when. No result, of any call, ends the wait or shortens it.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: HALF,
        title: "half-open lets out as many probes as are allowed, no more, and a lost probe frees its place",
        why: "If all callers rush to a service that has just come back, that is the next outage; and if a lost probe keeps its place, one dead caller keeps the circuit half-open until somebody restarts the process.",
        look: "Which calls count as probes: those that are out and those that succeeded, together at most `probes`. A probe with a result frees its place or has succeeded; a probe without a result for `lost_after` is lost, and another may go. Find all this out when permit is called: there is no timer.",
        source: NYGARD,
        clues: &[Clue::Look(
            Evidence::Says("lost after"),
            "Probes that never come back. Remember when each went out; when permit is called, probes that are as old as `lost_after` or older do not count any more.",
        )],
    },
    Rule {
        name: CLOSES,
        title: "closes when all its probes have succeeded, and starts with an empty window",
        why: "A circuit that does not close prolongs an outage that is over; one that closes with the old failures in its window opens again at the first hiccup.",
        look: "What a probe's success does: count it, and close at the last one. And what is thrown away of the old state then: the earlier results must not count again.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: REOPENS,
        title: "one failed probe opens it again, for a full wait from that moment",
        why: "If a failed probe changes nothing, or the wait still counts from the first outage, the probes become a steady stream of calls to a dead service.",
        look: "What a probe's failure does: it opens the circuit from now on. One is enough, whatever the others did; and the next wait counts from its result, not from when the circuit first opened.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: LATE,
        title: "the result of a call that began in an earlier state does not count, nor does that of a lost probe",
        why: "When a service hangs, the last calls before the circuit opened time out much later: they would count as failed probes that never went out, or open a circuit that has just closed.",
        look: "What record knows of the call: its ticket must say in which state it began (a generation, or the first number of the state). If the state has changed since, if this is another outage, or if the probe was given up as lost, count nothing.",
        source: "sony/gobreaker, its generation counter",
        clues: &[],
    },
    Rule {
        name: SLOW,
        title: "a success that took `slow` or longer is a failure",
        why: "A slow dependency is worse than a dead one: nobody gets an error, and all threads wait. A breaker that counts only errors never notices it.",
        look: "Where an outcome becomes a failure or a success: took >= slow, in every state, so also for a probe.",
        source: "resilience4j, CircuitBreaker, slow call rate",
        clues: &[],
    },
    Rule {
        name: CALLER,
        title: "a caller's own error is neither a failure nor a success, however long it took",
        why: "One client that asks a thousand times for what is not there must not block a healthy service for everybody; nor may its errors hide that half of the other calls fail.",
        look: "CallerError in both states: when closed, it is not among the results at all; when half-open, it frees the place of its probe, and nothing else.",
        source: "resilience4j, CircuitBreaker, ignored exceptions",
        clues: &[],
    },
    Rule {
        name: EACH,
        title: "each dependency has a circuit of its own",
        why: "If nobody can pay because the mail server is down, the breaker has turned a small outage into a large one.",
        look: "What is shared by all dependencies but should be kept for each: state, window, probes, and the tickets by which a late result is recognised.",
        source: NYGARD,
        clues: &[],
    },
    Rule {
        name: DOMINOES,
        title: "a collapse ends with its cause: 15 s after a slow-down, callers have their answers again",
        why: "Callers that try again keep the queue full of requests that nobody waits for: a slow-down of 20 seconds becomes an outage that lasts until somebody turns the callers off. A breaker is there to end it.",
        look: "What the plot shows: attempts (all that goes out), queue, and answers in time. While the dependency is slow, attempts must fall to a few probes; when it is well, the first probes must close the circuit.",
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
