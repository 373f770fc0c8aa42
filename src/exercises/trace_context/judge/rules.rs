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
        title: "all that is done for a request is of its trace, and of two requests never",
        why: "Half of a trace is in another one: the slow call is there, and nobody who looks at this request will find it. And two requests in one trace look like one that did everything twice.",
        look: "Where a span begins: with a header the trace is that of the header, without one it is a new id. It is kept with what is handled, not with the service.",
        source: W3C,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Request,
            Clue::Look(
                Evidence::Says("without a header"),
                "What comes without a header: each gets a trace of its own, with a new id, also after a restart.",
            ),
        ],
    },
    Rule {
        name: PARENT,
        title: "the parent of a span is the span that it is done for",
        why: "The tree is built from this and nothing else. A service that hands on its caller's span is not in the tree: what it called seems to be called by somebody else, and its time is nobody's.",
        look: "Two hand-overs: the span of a try has what is handled for its parent, and goes into the Call's header; the span of what is handled has the header's span for its parent, and goes into the header of Jobs.",
        source: DAPPER,
        clues: &[
            Clue::Sent,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("itself"),
                "Where something begins to be handled: it is a span of its own, with a new id. The span in the header that came is its parent, and nothing else.",
            ),
            Clue::Look(
                Evidence::Says("caller"),
                "The header that came is not the header that leaves: its trace and its flag stay, its span is another at each hop.",
            ),
        ],
    },
    Rule {
        name: UNIQUE,
        title: "each span has its own id, each try of a call its own span, also after a crash",
        why: "Two spans with one id are one to the collector: the second overwrites the first, and what hangs under both hangs under one.",
        look: "Where an id is made: drawn from all of 64 bits, or from the node's number, a count of its lives that is saved before it is used, and a counter. The second try, and what is handled again, get a new one.",
        source: W3C,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Restarted,
                "What a counter starts with after a crash: what was given out before must be on the disk, or in another part of the id.",
            ),
            Clue::Look(
                Evidence::Says("each try is"),
                "call: each try begins a span, the second as the first; a retry is not the same span for longer.",
            ),
        ],
    },
    Rule {
        name: SURVIVES,
        title: "the header travels on: with each call, each retry, each job, after any wait",
        why: "One hop that forgets the header cuts the trace in two, and everything behind it is invisible in this request. It is the usual fault of tracing, and nobody sees an error.",
        look: "Every place that sends a Call or a Job, and what it still knows there: the span of what is handled must be kept until then, by the number of that, through timers and other requests.",
        source: W3C,
        clues: &[
            Clue::Sent,
            Clue::Look(Evidence::Says("the Job"), "Where a Job is sent: it carries a header as a Call does."),
            Clue::Look(
                Evidence::Says("again,"),
                "Where a call is tried again, after its timeout: the span of what is handled must be at hand there, too.",
            ),
            Clue::Heard(2),
        ],
    },
    Rule {
        name: SAMPLING,
        title: "whether a trace is sampled is decided where it begins, and by nobody after that",
        why: "If each of four services keeps a tenth by its own dice, one trace in ten thousand is whole, and all others have holes that look like lost spans.",
        look: "Where the flag comes from: with a header it is the header's. one_in is asked only where there is none, once for the trace. A span of a trace that is not sampled is not reported, and its calls still carry the header.",
        source: DAPPER_SAMPLING,
        clues: &[Clue::Sent, Clue::Heard(2), Clue::Request],
    },
    Rule {
        name: ENDS,
        title: "every span is reported when it is over, also when it failed, with its own times",
        why: "The failed call is the one that is looked for. If only the happy path reports, the tree of every failure lacks just what failed; and a begin that is wrong shows time where none was spent.",
        look: "All ways on which a try or what is handled ends: answered well, answered with a failure, given up after the timeout, the last try given up. Each of them ends the span, once.",
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
                "Where the clock is read for the begin of a try: where this try leaves, and not the one before it, nor what it is made for.",
            ),
            Clue::Look(Evidence::Says("the collector is"), "Whom reports go to: config.collector, also if that is this very node."),
            Clue::Look(
                Evidence::Says("given up"),
                "The timer of a call: a try that is given up is a span that is over, and has failed, whether or not there is another try.",
            ),
            Clue::Look(Evidence::Says("ok: false"), "What is over with ok: false is reported as any other, with failed set."),
        ],
    },
    Rule {
        name: TREE,
        title: "spans may come late, twice, in any order or never: the tree shows what is there",
        why: "A tree that is built as spans come depends on their order, and children come before their parents, as they end first. One that drops what has no place hides the very service whose report was lost.",
        look: "Keep spans by trace and id, and build the tree when it is asked for: the root, the children of each by begin and id, and under the root all whose parent is not there.",
        source: DAPPER_COLLECTION,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("(orphan)"),
                "What becomes of a span whose parent has not come: depth 1, marked, in its place among the root's children; and no longer when the parent comes.",
            ),
            Clue::Heard(2),
        ],
    },
    Rule {
        name: PATH,
        title: "the critical path is what the answer was waiting for, without a gap",
        why: "The longest span, or the sum of all, says nothing of the answer's time: what ran beside something longer costs nothing, and a week's work on it gains nothing.",
        look: "Backwards from the root's end: the child that ended last, through it to its begin, then the child that had ended by then. What is between is the span's own; times are cut to those of the parent first.",
        source: CRISP,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: PERCENTILE,
        title: "a percentile is one of the durations, by nearest rank, of all of them together",
        why: "The mean of two p99s is the p99 of nothing: a service with ten requests weighs as much as one with a million. And a value between two was nobody's wait.",
        look: "All durations of these services in one list, sorted; then number ⌈p · n⌉, counted from 1. Each span once, of the kind Handles.",
        source: TAIL,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: WORK,
        title: "tracing changes nothing of what the services do",
        why: "What observes must not break what is observed: a shop that is down has perfect traces.",
        look: "What the stub does is right: the numbers of calls, their retries, what is answered and when. Compare with it what you have changed.",
        source: "Sigelman et al. 2010, Dapper: low overhead, and transparency to applications",
        clues: &[Clue::Heard(2), Clue::Sent, Clue::Request],
    },
];
