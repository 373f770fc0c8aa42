//! trace_context: services that call services, and the trace of each request. The problem is in README.md beside this file; the words of the protocol (go to
//! definition) in `splitbrain::exercises::trace_context`.
//!
//! In Dapper's way: what is open stands in a table beside the work, a local log is emptied at each tick; the collector has a plain list, and its path is made forwards.

use splitbrain::exercises::trace_context::{
    CallId, Config, Kind, Leg, Message, Request, Response, Row, Saved, Span, SpanId, TIMEOUT,
    TRIES, Timer, TraceContext, TraceId, Traceparent, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, TraceContext>;

/// The log is emptied so often.
const EVERY: Duration = millis(150);

/// Who waits for what is being handled.
#[derive(Clone, Copy, Debug, Hash)]
enum Whom {
    Client(Ticket),
    Caller(NodeId),
    Nobody,
}

/// Something that is being handled: a request, a call or a job.
#[derive(Clone, Debug, Hash)]
struct Work {
    whom: Whom,
    failed: bool,
}

/// A try of a call that is not answered yet.
#[derive(Clone, Debug, Hash)]
struct Attempt {
    within: CallId,
    to: NodeId,
    tries: u32,
}

#[derive(Clone, Debug, Hash)]
struct Service {
    config: Config,
    works: BTreeMap<CallId, Work>,
    attempts: BTreeMap<CallId, Attempt>,
    /// Spans that are not over, and whether they are sampled.
    open: BTreeMap<(Kind, CallId), (Span, bool)>,
    /// Spans that are over, until the next tick.
    log: Vec<Span>,
    /// Of a collector: the spans that have come, and their ids.
    spans: Vec<Span>,
    ids: BTreeSet<SpanId>,
}

// Tracing: where do spans begin, what travels with calls and jobs, where do spans end?
impl Service {
    /// What is done for this open span travels with this header.
    fn header(&self, kind: Kind, of: CallId) -> Option<Traceparent> {
        let (span, sampled) = self.open.get(&(kind, of))?;
        Some(Traceparent {
            trace: span.trace,
            span: span.id,
            sampled: *sampled,
        })
    }

    /// What came with this header is handled now, or a call is tried for this span.
    fn begin(&mut self, header: Option<Traceparent>, kind: Kind, of: CallId, cx: &mut Cx<'_>) {
        let parent = header.map(|header| header.span);
        let header = header.unwrap_or_else(|| Traceparent {
            trace: TraceId(cx.random(1..=u64::MAX)),
            span: SpanId(0),
            sampled: cx.random(0..=self.config.one_in - 1) == 0,
        });
        let now = cx.now();
        let span = Span {
            trace: header.trace,
            id: SpanId(cx.random(1..=u64::MAX)),
            parent,
            service: cx.me(),
            kind,
            of,
            begin: now,
            end: now,
            failed: false,
        };
        self.open.insert((kind, of), (span, header.sampled));
    }

    /// It is over.
    fn end(&mut self, kind: Kind, of: CallId, failed: bool, cx: &mut Cx<'_>) {
        if let Some((span, true)) = self.open.remove(&(kind, of)) {
            let end = cx.now();
            self.log.push(Span {
                end,
                failed,
                ..span
            });
        }
    }
}

// What the service does.
impl Service {
    fn handle(&mut self, id: CallId, whom: Whom, header: Option<Traceparent>, cx: &mut Cx<'_>) {
        if self.works.contains_key(&id) {
            return;
        }
        let failed = false;
        self.begin(header, Kind::Handles, id, cx);
        self.works.insert(id, Work { whom, failed });
        cx.set_timer(Timer::Work(id), self.config.works);
    }

    /// Its own work is done: the others are called, and given their jobs.
    fn go_on(&mut self, id: CallId, cx: &mut Cx<'_>) {
        if !self.works.contains_key(&id) {
            return;
        }
        let header = self.header(Kind::Handles, id);
        for to in self.config.jobs.clone() {
            let job = Message::Job {
                id: CallId(cx.random(1..=u64::MAX)),
                within: id,
                header,
            };
            cx.send(to, job);
        }
        for to in self.config.calls.clone() {
            self.call(id, to, 1, cx);
        }
        self.answer(id, cx);
    }

    fn call(&mut self, within: CallId, to: NodeId, tries: u32, cx: &mut Cx<'_>) {
        let id = CallId(cx.random(1..=u64::MAX));
        self.begin(self.header(Kind::Handles, within), Kind::Calls, id, cx);
        let header = self.header(Kind::Calls, id);
        cx.send(to, Message::Call { id, within, header });
        cx.set_timer(Timer::Call(id), TIMEOUT);
        self.attempts.insert(id, Attempt { within, to, tries });
    }

    /// A try was answered, or given up.
    fn over(&mut self, id: CallId, ok: Option<bool>, cx: &mut Cx<'_>) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        cx.cancel_timer(Timer::Call(id));
        self.end(Kind::Calls, id, ok != Some(true), cx);
        if ok.is_none() && attempt.tries < TRIES {
            self.call(attempt.within, attempt.to, attempt.tries + 1, cx);
            return;
        }
        if let Some(work) = self.works.get_mut(&attempt.within) {
            work.failed |= ok != Some(true);
        }
        self.answer(attempt.within, cx);
    }

    /// If all calls are over, so is what they were made for.
    fn answer(&mut self, id: CallId, cx: &mut Cx<'_>) {
        if self.attempts.values().any(|attempt| attempt.within == id) {
            return;
        }
        let Some(Work { whom, failed }) = self.works.remove(&id) else {
            return;
        };
        match whom {
            Whom::Client(ticket) => cx.reply(ticket, Response::Done { ok: !failed }),
            Whom::Caller(caller) => cx.send(caller, Message::Done { id, ok: !failed }),
            Whom::Nobody => {}
        }
        self.end(Kind::Handles, id, failed, cx);
    }
}

// What the collector answers.
impl Service {
    /// All of this trace, in the order in which siblings stand.
    fn of(&self, trace: TraceId) -> Vec<Span> {
        let of = self.spans.iter().filter(|span| span.trace == trace);
        let mut of: Vec<Span> = of.copied().collect();
        of.sort_by_key(|span| (span.begin, span.id));
        of
    }

    fn tree(&self, trace: TraceId) -> Vec<Row> {
        let all = self.of(trace);
        let mut rows = Vec::new();
        match all.iter().find(|span| span.parent.is_none()) {
            Some(root) => rows_of(&all, root, 0, &mut rows),
            None => {
                for span in all.iter().filter(|span| is_orphan(&all, span)) {
                    rows_of(&all, span, 1, &mut rows);
                }
            }
        }
        rows
    }

    fn critical_path(&self, trace: TraceId) -> Vec<Leg> {
        let all = self.of(trace);
        match all.iter().find(|span| span.parent.is_none()) {
            Some(root) => legs_of(&all, root, root.begin, root.end),
            None => Vec::new(),
        }
    }

    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        // How often each duration is there.
        let mut times: BTreeMap<Duration, u64> = BTreeMap::new();
        for span in &self.spans {
            if span.kind == Kind::Handles && services.contains(&span.service) {
                *times.entry(span.end - span.begin).or_default() += 1;
            }
        }
        let n: u64 = times.values().sum();
        let mut seen = 0;
        for (duration, count) in times {
            seen += count;
            // The first of which at least so many thousandths are not longer.
            if seen * 1_000 >= per_mille * n {
                return Some(duration);
            }
        }
        None
    }
}

/// Its parent has not come.
fn is_orphan(all: &[Span], span: &Span) -> bool {
    let has_come = |parent| all.iter().any(|other| other.id == parent);
    span.parent.is_some_and(|parent| !has_come(parent))
}

/// Whether it hangs under this one.
fn hangs_under(all: &[Span], span: &Span, above: &Span) -> bool {
    span.parent == Some(above.id) || above.parent.is_none() && is_orphan(all, span)
}

fn rows_of(all: &[Span], span: &Span, depth: u32, rows: &mut Vec<Row>) {
    rows.push(Row {
        span: span.id,
        depth,
        orphan: is_orphan(all, span),
    });
    for child in all.iter().filter(|child| hangs_under(all, child, span)) {
        rows_of(all, child, depth + 1, rows);
    }
}

/// The legs of this span and of what hangs under it, between the two, the earliest first.
fn legs_of(all: &[Span], span: &Span, from: Time, to: Time) -> Vec<Leg> {
    let cut = |child: &Span| (child.begin.max(from), child.end.min(to));
    let children = all.iter().filter(|child| hangs_under(all, child, span));
    let children: Vec<&Span> = children
        .filter(|child| cut(child).0 < cut(child).1)
        .collect();
    // Those that are waited for, the last first.
    let mut waited: Vec<&Span> = Vec::new();
    let mut at = to;
    loop {
        let mut ended: Vec<&Span> = children
            .iter()
            .copied()
            .filter(|child| cut(child).1 <= at)
            .collect();
        ended.sort_by(|a, b| {
            let ((a_begin, a_end), (b_begin, b_end)) = (cut(a), cut(b));
            b_end
                .cmp(&a_end)
                .then(a_begin.cmp(&b_begin))
                .then(a.id.cmp(&b.id))
        });
        let Some(&last) = ended.first() else {
            break;
        };
        at = cut(last).0;
        waited.push(last);
    }
    let mut legs = Vec::new();
    let mut at = from;
    let own = |from: Time, to: Time, legs: &mut Vec<Leg>| {
        let span = span.id;
        if from < to {
            legs.push(Leg { span, from, to });
        }
    };
    for child in waited.into_iter().rev() {
        let (begin, end) = cut(child);
        own(at, begin, &mut legs);
        legs.extend(legs_of(all, child, begin, end));
        at = end;
    }
    own(at, to, &mut legs);
    legs
}

impl Node<TraceContext> for Service {
    /// Every start, the first (`saved` is `None`) and those after a crash.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Service {
            config: config.clone(),
            works: BTreeMap::new(),
            attempts: BTreeMap::new(),
            open: BTreeMap::new(),
            log: Vec::new(),
            spans: Vec::new(),
            ids: BTreeSet::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, EVERY);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Call { id, header, .. } => self.handle(id, Whom::Caller(from), header, cx),
            Message::Job { id, header, .. } => self.handle(id, Whom::Nobody, header, cx),
            Message::Done { id, ok } => self.over(id, Some(ok), cx),
            Message::Report(spans) => {
                for span in spans {
                    if self.ids.insert(span.id) {
                        self.spans.push(span);
                    }
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Work(id) => self.go_on(id, cx),
            Timer::Call(id) => self.over(id, None, cx),
            Timer::Report => {}
            Timer::Tick => {
                if !self.log.is_empty() {
                    let spans = std::mem::take(&mut self.log);
                    cx.send(self.config.collector, Message::Report(spans));
                }
                cx.set_timer(Timer::Tick, EVERY);
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Do { id, header } => self.handle(id, Whom::Client(ticket), header, cx),
            Request::Tree(trace) => cx.reply(ticket, Response::Tree(self.tree(trace))),
            Request::CriticalPath(trace) => {
                cx.reply(ticket, Response::CriticalPath(self.critical_path(trace)));
            }
            Request::Percentile {
                services,
                per_mille,
            } => {
                let duration = self.percentile(&services, per_mille);
                cx.reply(ticket, Response::Percentile(duration));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Service>)
}
