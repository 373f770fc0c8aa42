//! `trace_context`: services that call services, and the trace of each request: ids that travel with every call, spans that are reported to a collector, and what
//! the collector makes of them.
//!
//! The header is that of W3C Trace Context, the spans are those of Dapper (Sigelman et al. 2010). This page is the contract; the problem is described in the exercise's
//! README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use crate::time::Time;
use std::fmt;
use std::time::Duration;

/// A call that has no answer after this has failed, and is tried again.
pub const TIMEOUT: Duration = Duration::from_millis(100);
/// How often a call is tried in all.
pub const TRIES: u32 = 3;
/// How long a service may take to do what is due: a call, a job, the next try, an answer.
pub const TAKES: Duration = Duration::from_millis(50);
/// Within this time after its end, a span must be reported.
pub const REPORTED: Duration = Duration::from_millis(500);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct TraceContext;

/// What a service does for each request, call and job that it handles, and where its spans go. Each service has its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// First it works for this long; it may be zero.
    pub works: Duration,
    /// Then it calls all of these at once, and waits for their answers. No node is in it twice.
    pub calls: Vec<NodeId>,
    /// And at the same time it gives each of these a job, and does not wait. No node is in it twice.
    pub jobs: Vec<NodeId>,
    /// Which node gets the spans: any of them. It may be this one.
    pub collector: NodeId,
    /// Of the traces that begin here, one in this many is sampled: 1 means all of them. At least 1.
    pub one_in: u64,
}

/// A number as it is shown: in hexadecimal, its middle left out if it is long.
fn short(f: &mut fmt::Formatter<'_>, letter: char, number: u64) -> fmt::Result {
    let digits = format!("{number:x}");
    match digits.len() {
        0..=8 => write!(f, "{letter}{digits}"),
        n => write!(f, "{letter}{}…{}", &digits[..4], &digits[n - 2..]),
    }
}

/// Numbers with a name, short when shown.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                short(f, $letter, self.0)
            }
        }
    )*};
}

numbers! {
    /// The number of a request, a call or a job, chosen by its sender. No two have the same. `x7` when shown; a long one `x9f3a…1c`, in hexadecimal.
    CallId 'x';
    /// Which trace: any number but 0. `t7` when shown.
    TraceId 't';
    /// Which span: any number but 0. `s7` when shown.
    SpanId 's';
}

/// The header that travels with every call and every job: `traceparent` in W3C Trace Context. `t7 s8 sampled` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traceparent {
    /// The trace that all of this belongs to.
    pub trace: TraceId,
    /// The span that this is done for: the parent of the one that the receiver begins.
    pub span: SpanId,
    /// Whether the spans of this trace are reported.
    pub sampled: bool,
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {}", self.trace, self.span, if self.sampled { "sampled" } else { "not sampled" })
    }
}

/// What a span measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A request, call or job that this service handled: from when it came until it was answered; for a job, until it would have been.
    Handles,
    /// One try of a call that this service made: from when it left until its answer came, or until it was given up.
    Calls,
}

/// A span that is over. `s8 of t7 under s3: n2 Handles x5, 10 ms to 30 ms, failed` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Its trace.
    pub trace: TraceId,
    /// Its own id.
    pub id: SpanId,
    /// The span for which it was done; `None` if the trace begins with it.
    pub parent: Option<SpanId>,
    /// The service that did it.
    pub service: NodeId,
    /// What it measures ...
    pub kind: Kind,
    /// ... by its number.
    pub of: CallId,
    /// When it began, by the clock of that service.
    pub begin: Time,
    /// When it ended, by the clock of that service: not before `begin`.
    pub end: Time,
    /// Whether that has failed.
    pub failed: bool,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { trace, id, parent, service, kind, of, begin, end, failed } = self;
        write!(f, "{id:?} of {trace:?}")?;
        if let Some(parent) = parent {
            write!(f, " under {parent:?}")?;
        }
        write!(f, ": {service} {kind:?} {of:?}, {begin} to {end}{}", if *failed { ", failed" } else { "" })
    }
}

/// A line of a tree. `s8 at 2` when shown, or `s8 at 1 (orphan)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// Which span.
    pub span: SpanId,
    /// How deep it is in the tree: the root at 0, its children at 1.
    pub depth: u32,
    /// Whether it is under the root because its parent has not come.
    pub orphan: bool,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}{}", self.span, self.depth, if self.orphan { " (orphan)" } else { "" })
    }
}

/// A piece of a critical path. `s8 10 ms to 30 ms` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leg {
    /// The span whose time it is.
    pub span: SpanId,
    /// The start of the piece.
    pub from: Time,
    /// The end of the piece: later than its start.
    pub to: Time,
}

impl fmt::Debug for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} to {}", self.span, self.from, self.to)
    }
}

/// Between nodes. Any of them may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Handle this, and answer with [`Message::Done`]. While it is being handled a second copy changes nothing; after that it is handled again.
    Call {
        /// Its number. Each try has a different one.
        id: CallId,
        /// The number of the request, call or job for which it is made: what the sender is handling.
        within: CallId,
        /// `None` if the sender does not trace.
        header: Option<Traceparent>,
    },
    /// The answer to a call.
    Done {
        /// Its number.
        id: CallId,
        /// Whether all of it went well.
        ok: bool,
    },
    /// Handle this in your own time; nobody waits for an answer. It may have been in a queue for a long time.
    Job {
        /// Its number.
        id: CallId,
        /// As in [`Message::Call`].
        within: CallId,
        /// As in [`Message::Call`].
        header: Option<Traceparent>,
    },
    /// To the collector: these spans are over.
    Report(Vec<Span>),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The work for what has this number is done.
    Work(CallId),
    /// The call with this number was not answered.
    Call(CallId),
    /// Yours to use.
    Report,
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Handle this: answered [`Response::Done`].
    Do {
        /// Its number.
        id: CallId,
        /// `None` if the client does not trace.
        header: Option<Traceparent>,
    },
    /// To the collector: the tree of this trace, of the spans that have come so far. Answered [`Response::Tree`].
    Tree(TraceId),
    /// To the collector: where the time of this trace went. Answered [`Response::CriticalPath`].
    CriticalPath(TraceId),
    /// To the collector: a percentile of the durations of all spans that have come, of the kind [`Kind::Handles`] and of these services. Answered
    /// [`Response::Percentile`].
    Percentile {
        /// Of which services; no service is in it twice.
        services: Vec<NodeId>,
        /// Which, in thousandths: 1 to 1,000. 990 is p99.
        per_mille: u64,
    },
}

/// To a client: exactly one to each request, unless the node crashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is done.
    Done {
        /// Whether all of it went well.
        ok: bool,
    },
    /// The rows of the tree from top to bottom: each span, then what is under it.
    Tree(Vec<Row>),
    /// The legs of the path, the earliest first.
    CriticalPath(Vec<Leg>),
    /// The duration, if there is any.
    Percentile(Option<Duration>),
}

/// What survives a crash: a number, if you need one. `None` at the first start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Saved(pub u64);

impl Protocol for TraceContext {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages and answers.
impl<N: Node<TraceContext>> Observe<N> for TraceContext {
    fn view(_: &N) {}
}
