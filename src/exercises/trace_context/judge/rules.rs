//! The rules of `trace_context`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ONE_TRACE: &str = "one_trace_per_request";
pub(super) const PARENT: &str = "parent_is_the_caller";
pub(super) const UNIQUE: &str = "ids_are_unique";
pub(super) const SURVIVES: &str = "context_survives";
pub(super) const SAMPLING: &str = "sampling_is_decided_once";
pub(super) const ENDS: &str = "every_span_ends";
pub(super) const TREE: &str = "tree_is_rebuilt";
pub(super) const PATH: &str = "critical_path";
pub(super) const PERCENTILE: &str = "percentiles_are_percentiles";
pub(super) const WORK: &str = "the_work_goes_on";

const W3C: &str = "W3C Recommendation, Trace Context: the traceparent header (trace-id, parent-id, trace-flags)";
const DAPPER: &str = "Sigelman et al. 2010, Dapper: trace trees and spans";
const DAPPER_SAMPLING: &str = "Sigelman et al. 2010, Dapper: sampling; W3C Trace Context: the sampled flag";
const DAPPER_COLLECTION: &str = "Sigelman et al. 2010, Dapper: trace collection";
const CRISP: &str = "Zhang et al. 2022, CRISP: critical path analysis of large-scale microservice architectures (USENIX ATC)";
const TAIL: &str = "Dean & Barroso 2013, The Tail at Scale (CACM 56:2)";

pub(super) const RULES: [Rule; 10] = [
    Rule {
        name: ONE_TRACE,
        title: "everything that is done for a request is in its trace, and two requests never share a trace",
        why: "Half of a trace is in another one: the slow call is there, and nobody who looks at this request will find it. And two requests in one trace look like one that did everything twice.",
        look: "Where a span begins: with a header the trace is that of the header, without one it is a new id. It is stored with what is being handled, not with the service.",
        source: W3C,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Request,
            Clue::Look(
                Evidence::Says("without a header"),
                "What comes without a header: each request or call gets its own trace, with a new id, even after a restart.",
            ),
        ],
    },
    Rule {
        name: PARENT,
        title: "the parent of a span is the span that it is done for",
        why: "The tree is built from this and nothing else. A service that passes on its caller's span is not in the tree: what it called seems to be called by another service, and its own time disappears.",
        look: "Two places. The span of a try: its parent is the span of what is being handled, and it goes into the Call's header. The span of what is being handled: its parent is the header's span, and it goes into the header of Jobs.",
        source: DAPPER,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("itself"),
                "Where handling begins: it gets its own span, with a new id. The span in the header that came is its parent, and nothing else.",
            ),
            Clue::Look(
                Evidence::Says("caller"),
                "The header that came is not the header that leaves: trace and flag stay the same, the span changes at each hop.",
            ),
        ],
    },
    Rule {
        name: UNIQUE,
        title: "each span has its own id, each try of a call its own span, even after a crash",
        why: "Two spans with one id are one span to the collector: the second overwrites the first, and the children of both end up under one.",
        look: "Where an id is made: drawn from all of 64 bits, or from the node's number, a count of its lives that is saved before it is used, and a counter. The second try, and what is handled again, get a new one.",
        source: W3C,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Restarted,
                "Where a counter starts after a crash: the numbers used before must be on the disk, or another part of the id must differ.",
            ),
            Clue::Look(
                Evidence::Says("each try is"),
                "call: each try begins a span, the second try like the first; a retry does not just make the same span longer.",
            ),
        ],
    },
    Rule {
        name: SURVIVES,
        title: "the header travels on: with each call, each retry, each job, after any wait",
        why: "One hop that forgets the header cuts the trace in two, and everything after it is invisible in this request. This is the usual mistake in tracing, and nobody sees an error.",
        look: "Every place that sends a Call or a Job, and what it still knows there: the span of what is being handled must be kept until then, under the number of that request, call or job, through timers and other requests.",
        source: W3C,
        clues: &[
            Clue::Sent,
            Clue::Look(Evidence::Says("the Job"), "Where a Job is sent: it carries a header, as a Call does."),
            Clue::Look(
                Evidence::Says("again,"),
                "Where a call is tried again, after its timeout: the span of what is being handled must be available there too.",
            ),
            Clue::Heard(2),
        ],
    },
    Rule {
        name: SAMPLING,
        title: "whether a trace is sampled is decided where it begins, and nowhere after that",
        why: "If each of four services keeps a tenth by its own dice, one trace in ten thousand is complete, and all others have holes that look like lost spans.",
        look: "Where the flag comes from: with a header it is the header's. one_in is used only where there is none, once per trace. A span of a trace that is not sampled is not reported, but its calls still carry the header.",
        source: DAPPER_SAMPLING,
        clues: &[Clue::Sent, Clue::Heard(2), Clue::Request],
    },
    Rule {
        name: ENDS,
        title: "every span is reported when it is over, even if it failed, with its own times",
        why: "The failed call is the one that people look for. If only the happy path reports, the tree of every failure lacks exactly what failed. And a wrong begin shows time where none was spent.",
        look: "All paths on which a try, or the handling, ends: answered well, answered with a failure, given up after the timeout, the last try given up. Each of them ends the span, once.",
        source: DAPPER_COLLECTION,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("came at"),
                "Where the clock is read for a span's begin and end: its begin is when it came, before any work; its end is when its answer leaves.",
            ),
            Clue::Look(
                Evidence::Says("the call left at"),
                "Where the clock is read for the begin of a try: where this try leaves, not the one before it, and not the work that it is made for.",
            ),
            Clue::Look(Evidence::Says("the collector is"), "Where reports go: to config.collector, even if that is this same node."),
            Clue::Look(
                Evidence::Says("given up"),
                "The timer of a call: a try that is given up is a span that is over, and has failed, whether or not there is another try.",
            ),
            Clue::Look(Evidence::Says("ok: false"), "A span that ends with ok: false is reported like any other, with failed set."),
        ],
    },
    Rule {
        name: TREE,
        title: "spans may come late, twice, in any order or never: the tree shows what is there",
        why: "A tree that is built while spans come depends on their order, and children come before their parents, because they end first. A tree that drops spans without a place also hides everything under the span whose report was lost.",
        look: "Keep spans by trace and id, and build the tree when it is asked for: the root, the children of each by begin and id, and under the root all spans whose parent is not there.",
        source: DAPPER_COLLECTION,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("(orphan)"),
                "What happens to a span whose parent has not come: depth 1, marked, in its place among the root's children; no longer so when the parent comes.",
            ),
            Clue::Heard(2),
        ],
    },
    Rule {
        name: PATH,
        title: "the critical path is what the answer was waiting for, without a gap",
        why: "The longest span, or the sum of all, says nothing about the time of the answer: work that ran in parallel with something longer costs nothing, and a week spent on making it faster gains nothing.",
        look: "Backwards from the root's end: take the child that ended last, go through it to its begin, then take the last child that had ended by then. The time between is the span's own. Cut times to those of the parent first.",
        source: CRISP,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: PERCENTILE,
        title: "a percentile is one of the durations, by nearest rank, of all of them together",
        why: "The mean of two p99s is the p99 of nothing: a service with ten requests weighs as much as one with a million. And nobody ever waited for a value between two durations.",
        look: "All durations of these services in one list, sorted; then number ⌈p · n⌉, counted from 1. Each span once, of the kind Handles.",
        source: TAIL,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: WORK,
        title: "tracing does not change what the services do",
        why: "The observer must not break what it observes: a shop that is down has perfect traces.",
        look: "What the stub does is right: the numbers of calls, their retries, what is answered and when. Compare your changes with it.",
        source: "Sigelman et al. 2010, Dapper: low overhead, and transparency to applications",
        clues: &[Clue::Heard(2), Clue::Sent, Clue::Request],
    },
];
