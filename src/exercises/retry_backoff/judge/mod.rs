//! The hidden tests of `retry_backoff`: what each decision may be is in `ghost`, what many together tell in `crowd`, storms in `spec`; here
//! are the rules and what a learner should see first.

mod client;
mod crowd;
mod dominoes;
mod ghost;
mod spec;
mod traps;

use super::RetryPolicy;
use crate::rule::Rule;
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;
use client::Make;

pub(super) const DOUBLES: &str = "doubles_up_to_the_cap";
pub(super) const JITTER: &str = "jitter_spreads";
pub(super) const ONLY: &str = "only_what_can_be_retried";
pub(super) const DEADLINE: &str = "deadline_is_kept";
pub(super) const BUDGET: &str = "budget_is_kept";
pub(super) const KEY: &str = "same_key_on_every_try";
pub(super) const RETRY_AFTER: &str = "retry_after_is_honoured";
pub(super) const RESETS: &str = "success_resets";
pub(super) const NO_OVERFLOW: &str = "no_overflow";

const BROOKER: &str = "Brooker 2015, Exponential Backoff And Jitter (AWS Architecture Blog)";
const SRE_OVERLOAD: &str = "Beyer et al. 2016, Site Reliability Engineering, chapter 21 (Handling Overload)";
const SRE_CASCADES: &str = "Beyer et al. 2016, Site Reliability Engineering, chapter 22 (Addressing Cascading Failures), Retries";

const RULES: [Rule; 9] = [
    Rule {
        name: DOUBLES,
        title: "the n-th wait of a call is at most base × 2ⁿ⁻¹, never more than the cap, and not far below that",
        why: "Waits that do not grow are a second load test of a service that is down; waits without a cap leave users in front of an empty page for an hour after the service is back.",
        look: "The ceiling: base at the first failure of a call, doubled with each further one, with the cap applied after that. Jitter is subtracted from it, not added.",
        source: BROOKER,
        clues: &[
            Clue::Look(
                Evidence::Says("longer than half of that"),
                "Whether the ceiling grows with every failure: how the failures of a call are counted, where the exponent begins (n − 1), and whether the cap is the only limit. And whether the jitter reaches up to the ceiling.",
            ),
            Clue::Look(Evidence::Says("before that"), "The time of the next try: it must be counted from now."),
        ],
    },
    Rule {
        name: JITTER,
        title: "callers that failed together do not come back together: no 10 ms holds more than 45 of 100 retries",
        why: "A service that falls over fails all its callers in the same millisecond. Without jitter all of them come back in the same millisecond, after 1, 2 and 4 s, and it falls over again.",
        look: "What the wait is drawn from: a new draw for each failure, uniform over at least half of the ceiling. A few per cent of jitter spread nothing.",
        source: BROOKER,
        clues: &[Clue::Look(
            Evidence::Says("of one client"),
            "Where the dice are used: once for each failure, not once per client or per moment.",
        )],
    },
    Rule {
        name: ONLY,
        title: "a call that may be repeated is tried again, and no other call is",
        why: "A payment that timed out may have been made: if it is tried again, it is made twice. A wrong request stays wrong, and only adds load.",
        look: "The two questions: was it perhaps done (Timeout, ServerError), and is twice the same as once (idempotent, or a key)? A refusal did nothing; a caller's error is final. And only the deadline and the budget limit the number of tries.",
        source: SRE_CASCADES,
        clues: &[
            Clue::Calls,
            Clue::Look(
                Evidence::Says("wrong again"),
                "CallerError: whatever the request is, it will be just as wrong the next time it is sent.",
            ),
            Clue::Look(
                Evidence::Says("may be done twice"),
                "What decides after Timeout and ServerError: the request, and the failure of this try; an earlier harmless failure does not count.",
            ),
            Clue::Look(
                Evidence::Says("was given up"),
                "What may be repeated after this failure: a refusal (Unavailable, Overloaded) did nothing, so any call may; after Timeout and ServerError, calls that are idempotent or have a key. Only the deadline and the budget limit the number of tries, and a budget has its 10 retries even if few calls were made.",
            ),
        ],
    },
    Rule {
        name: DEADLINE,
        title: "no try begins at or after the deadline of its call",
        why: "The caller has left: the service does the work, but nobody reads the answer. An overloaded service is busy with just such work.",
        look: "What is compared with the deadline: the time of the next try, including the whole wait (also for Retry-After), not now.",
        source: SRE_CASCADES,
        clues: &[Clue::Calls],
    },
    Rule {
        name: BUDGET,
        title: "retries are at most 10 % of calls, plus 10 in 10 s in any case: an outage is not amplified",
        why: "Three tries for each call are three times the load, just when the service can bear it least; three layers of that make it 27 times.",
        look: "What a budget counts: retries granted and calls begun in the last seconds, for the whole client.",
        source: SRE_OVERLOAD,
        clues: &[
            Clue::Look(
                Evidence::Says("the policy granted"),
                "What limits the retries of the whole client: all of its calls together, also retries of retries. What was saved up in good times must have a limit (a bucket of 10), or what is old must no longer count (a window).",
            ),
            Clue::Look(
                Evidence::Says("in the budget"),
                "What takes from the budget and never gives back: a retry that is not made must cost nothing, old retries are forgotten, and calls that succeed earn new ones, one for each ten.",
            ),
        ],
    },
    Rule {
        name: KEY,
        title: "each try of a call carries the key that its caller gave it",
        why: "From the key, the service knows that it has done this already. A retry with another key, or without one, is a second order.",
        look: "Where the key of a retry comes from: from the request of that call, as it was when the call began.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3.2",
        clues: &[Clue::Calls],
    },
    Rule {
        name: RETRY_AFTER,
        title: "a service that says when it wants the call again is not called sooner",
        why: "The service knows its queue, the caller does not. A call that comes sooner is turned away again, and that costs the service, too.",
        look: "Overloaded with retry_after: the next try is at now + retry_after or later, also when that wait is longer than the cap. If it is too late for the deadline, give up instead of coming sooner.",
        source: "Fielding, Nottingham & Reschke 2022, RFC 9110: HTTP Semantics, section 10.2.3 (Retry-After)",
        clues: &[Clue::Calls],
    },
    Rule {
        name: RESETS,
        title: "a new call starts from zero: nothing is left of an earlier call with its id, whether it succeeded or was given up",
        why: "Otherwise, after one bad minute, every call waits for the whole cap at its first hiccup, as long as the process lives.",
        look: "What is removed when a call succeeds, and when it is given up; and what begin puts in its place.",
        source: BROOKER,
        clues: &[Clue::Calls],
    },
    Rule {
        name: NO_OVERFLOW,
        title: "however often a call has failed, its waits stay at the cap",
        why: "2⁶⁴ does not fit: the shift wraps, the wait is 0, and after a night of failures, every client calls without a pause.",
        look: "How base × 2ⁿ⁻¹ is computed: saturating or checked, with the cap applied to the result; an overflow means the cap, not zero.",
        source: BROOKER,
        clues: &[],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<P: RetryPolicy>() -> Suite {
    suite(|config| Box::new(P::new(config)))
}

fn suite(make: Make) -> Suite {
    let mut suite = Suite::plain("retry_backoff", &RULES, spec::storms(make));
    traps::add(&mut suite, make);
    dominoes::add(&mut suite, make);
    suite
}
