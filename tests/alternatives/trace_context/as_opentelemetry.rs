//! trace_context: services that call services, and the trace of each request. The problem is in README.md beside this file; the words of the protocol (go to
//! definition) in `splitbrain::exercises::trace_context`.
//!
//! In OpenTelemetry's way: an id generator, a sampler that counts, a batch processor that exports at the latest after a while, a store by trace.

use splitbrain::exercises::trace_context::{
    CallId, Config, Kind, Leg, Message, Request, Response, Row, Saved, Span, SpanId, TIMEOUT,
    TRIES, Timer, TraceContext, TraceId, Traceparent, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, TraceContext>;

/// A batch of spans leaves at the latest so long after its first ...
const DELAY: Duration = millis(100);
/// ... and at once when it has so many.
const BATCH: usize = 64;

/// Who waits for what is being handled.
#[derive(Clone, Copy, Debug, Hash)]
enum Whom {
    Client(Ticket),
    Caller(NodeId),
    Nobody,
}

/// A span that is not over yet.
#[derive(Clone, Copy, Debug, Hash)]
struct Open {
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    sampled: bool,
    begin: Time,
}

impl Open {
    /// What travels with whatever is done for this span.
    fn header(&self) -> Traceparent {
        Traceparent {
            trace: self.trace,
            span: self.id,
            sampled: self.sampled,
        }
    }
}

/// Something that is being handled: a request, a call or a job.
#[derive(Clone, Debug, Hash)]
struct Work {
    whom: Whom,
    failed: bool,
    open: Open,
}

/// A try of a call that is not answered yet.
#[derive(Clone, Debug, Hash)]
struct Attempt {
    within: CallId,
    to: NodeId,
    tries: u32,
    open: Open,
}

#[derive(Clone, Debug, Hash)]
struct Service {
    config: Config,
    works: BTreeMap<CallId, Work>,
    attempts: BTreeMap<CallId, Attempt>,
    /// How often this node has been started.
    life: u64,
    /// Of the ids of this life.
    counter: u64,
    /// Traces begun here.
    begun: u64,
    /// Spans that are over and not reported yet.
    batch: Vec<Span>,
    store: BTreeMap<TraceId, BTreeMap<SpanId, Span>>,
}

// Tracing: where do spans begin, what travels with calls and jobs, where do spans end?
impl Service {
    /// The node's number, that of its life, and a counter.
    fn new_id(&mut self, cx: &Cx<'_>) -> u64 {
        self.counter += 1;
        ((cx.me().index() as u64) << 56) | (self.life << 32) | self.counter
    }

    /// One in `one_in` of the traces that begin here.
    fn sample(&mut self) -> bool {
        self.begun += 1;
        self.begun % self.config.one_in == 0
    }

    /// What came with this header is handled now, or a call is tried for this span.
    fn begin(&mut self, header: Option<Traceparent>, cx: &mut Cx<'_>) -> Open {
        let (trace, sampled) = match header {
            Some(header) => (header.trace, header.sampled),
            None => (TraceId(self.new_id(cx)), self.sample()),
        };
        Open {
            trace,
            id: SpanId(self.new_id(cx)),
            parent: header.map(|header| header.span),
            sampled,
            begin: cx.now(),
        }
    }

    /// It is over.
    fn end(&mut self, open: Open, kind: Kind, of: CallId, failed: bool, cx: &mut Cx<'_>) {
        if !open.sampled {
            return;
        }
        if self.batch.is_empty() {
            cx.set_timer(Timer::Report, DELAY);
        }
        self.batch.push(Span {
            trace: open.trace,
            id: open.id,
            parent: open.parent,
            service: cx.me(),
            kind,
            of,
            begin: open.begin,
            end: cx.now(),
            failed,
        });
        if self.batch.len() >= BATCH {
            cx.cancel_timer(Timer::Report);
            self.export(cx);
        }
    }

    fn export(&mut self, cx: &mut Cx<'_>) {
        let batch = std::mem::take(&mut self.batch);
        cx.send(self.config.collector, Message::Report(batch));
    }
}

// What the service does.
impl Service {
    fn handle(&mut self, id: CallId, whom: Whom, header: Option<Traceparent>, cx: &mut Cx<'_>) {
        if self.works.contains_key(&id) {
            return;
        }
        let failed = false;
        let open = self.begin(header, cx);
        self.works.insert(id, Work { whom, failed, open });
        cx.set_timer(Timer::Work(id), self.config.works);
    }

    /// Its own work is done: the others are called, and given their jobs.
    fn go_on(&mut self, id: CallId, cx: &mut Cx<'_>) {
        let Some(work) = self.works.get(&id) else {
            return;
        };
        let header = work.open.header();
        for to in self.config.jobs.clone() {
            let job = Message::Job {
                id: CallId(cx.random(1..=u64::MAX)),
                within: id,
                header: Some(header),
            };
            cx.send(to, job);
        }
        for to in self.config.calls.clone() {
            self.call(id, to, 1, header, cx);
        }
        self.answer(id, cx);
    }

    fn call(
        &mut self,
        within: CallId,
        to: NodeId,
        tries: u32,
        parent: Traceparent,
        cx: &mut Cx<'_>,
    ) {
        let id = CallId(cx.random(1..=u64::MAX));
        let open = self.begin(Some(parent), cx);
        let header = Some(open.header());
        cx.send(to, Message::Call { id, within, header });
        cx.set_timer(Timer::Call(id), TIMEOUT);
        let attempt = Attempt {
            within,
            to,
            tries,
            open,
        };
        self.attempts.insert(id, attempt);
    }

    /// A try was answered, or given up.
    fn over(&mut self, id: CallId, ok: Option<bool>, cx: &mut Cx<'_>) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        cx.cancel_timer(Timer::Call(id));
        self.end(attempt.open, Kind::Calls, id, ok != Some(true), cx);
        let Some(work) = self.works.get_mut(&attempt.within) else {
            return;
        };
        if ok.is_none() && attempt.tries < TRIES {
            let parent = work.open.header();
            self.call(attempt.within, attempt.to, attempt.tries + 1, parent, cx);
            return;
        }
        work.failed |= ok != Some(true);
        self.answer(attempt.within, cx);
    }

    /// If all calls are over, so is what they were made for.
    fn answer(&mut self, id: CallId, cx: &mut Cx<'_>) {
        if self.attempts.values().any(|attempt| attempt.within == id) {
            return;
        }
        let Some(Work { whom, failed, open }) = self.works.remove(&id) else {
            return;
        };
        match whom {
            Whom::Client(ticket) => cx.reply(ticket, Response::Done { ok: !failed }),
            Whom::Caller(caller) => cx.send(caller, Message::Done { id, ok: !failed }),
            Whom::Nobody => {}
        }
        self.end(open, Kind::Handles, id, failed, cx);
    }
}

/// The spans of one trace: those whose parent has come, those whose parent has not, and the one without a parent.
#[derive(Default)]
struct Tree<'a> {
    root: Option<&'a Span>,
    children: BTreeMap<SpanId, Vec<&'a Span>>,
    orphans: Vec<&'a Span>,
}

impl<'a> Tree<'a> {
    fn of(spans: &'a BTreeMap<SpanId, Span>) -> Self {
        let mut tree = Tree::default();
        for span in spans.values() {
            match span.parent {
                None => tree.root = Some(span),
                Some(parent) if spans.contains_key(&parent) => {
                    tree.children.entry(parent).or_default().push(span);
                }
                Some(_) => tree.orphans.push(span),
            }
        }
        tree.orphans.sort_by_key(|span| (span.begin, span.id));
        if let Some(root) = tree.root {
            let orphans = tree.orphans.iter().copied();
            tree.children.entry(root.id).or_default().extend(orphans);
        }
        for children in tree.children.values_mut() {
            children.sort_by_key(|span| (span.begin, span.id));
        }
        tree
    }

    fn children(&self, span: SpanId) -> &[&'a Span] {
        self.children.get(&span).map_or(&[][..], Vec::as_slice)
    }

    fn is_orphan(&self, span: SpanId) -> bool {
        self.orphans.iter().any(|orphan| orphan.id == span)
    }

    fn rows(&self, span: &Span, depth: u32, rows: &mut Vec<Row>) {
        let orphan = depth == 1 && self.is_orphan(span.id);
        rows.push(Row {
            span: span.id,
            depth,
            orphan,
        });
        for child in self.children(span.id) {
            self.rows(child, depth + 1, rows);
        }
    }

    /// Of the children of this span, cut to its time, the one that ended last of those that have ended by then.
    fn last(&self, span: &Span, from: Time, to: Time, at: Time) -> Option<(Time, Time, &'a Span)> {
        let mut last: Option<(Time, Time, &Span)> = None;
        for &child in self.children(span.id) {
            let (begin, end) = (child.begin.max(from), child.end.min(to));
            if begin >= end || end > at {
                continue;
            }
            let better = match last {
                None => true,
                Some((b, e, other)) => end > e || end == e && (begin, child.id) < (b, other.id),
            };
            if better {
                last = Some((begin, end, child));
            }
        }
        last
    }

    /// From `to` back to `from`: the time of this span as cut. The latest leg comes first.
    fn walk(&self, span: &Span, from: Time, to: Time, legs: &mut Vec<Leg>) {
        let mut at = to;
        while let Some((begin, end, child)) = self.last(span, from, to, at) {
            legs.push(Leg {
                span: span.id,
                from: end,
                to: at,
            });
            self.walk(child, begin, end, legs);
            at = begin;
        }
        legs.push(Leg {
            span: span.id,
            from,
            to: at,
        });
    }
}

// What the collector answers.
impl Service {
    fn tree(&self, trace: TraceId) -> Vec<Row> {
        let mut rows = Vec::new();
        let Some(spans) = self.store.get(&trace) else {
            return rows;
        };
        let tree = Tree::of(spans);
        if let Some(root) = tree.root {
            tree.rows(root, 0, &mut rows);
        } else {
            for orphan in &tree.orphans {
                tree.rows(orphan, 1, &mut rows);
            }
        }
        rows
    }

    fn critical_path(&self, trace: TraceId) -> Vec<Leg> {
        let mut legs = Vec::new();
        let Some(spans) = self.store.get(&trace) else {
            return legs;
        };
        let tree = Tree::of(spans);
        if let Some(root) = tree.root {
            tree.walk(root, root.begin, root.end, &mut legs);
        }
        legs.retain(|leg| leg.from < leg.to);
        legs.reverse();
        legs
    }

    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        let spans = self.store.values().flat_map(BTreeMap::values);
        let mut durations: Vec<Duration> = spans
            .filter(|span| span.kind == Kind::Handles)
            .filter(|span| services.contains(&span.service))
            .map(|span| span.end.since(span.begin))
            .collect();
        if durations.is_empty() {
            return None;
        }
        durations.sort();
        let rank = (per_mille as usize * durations.len()).div_ceil(1_000);
        Some(durations[rank - 1])
    }
}

impl Node<TraceContext> for Service {
    /// Every start, the first (`saved` is `None`) and those after a crash.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Service {
            config: config.clone(),
            works: BTreeMap::new(),
            attempts: BTreeMap::new(),
            life: saved.map_or(0, |saved| saved.0) + 1,
            counter: 0,
            begun: 0,
            batch: Vec::new(),
            store: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.save(Saved(self.life));
        self.begun = cx.random(0..=self.config.one_in - 1);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Call { id, header, .. } => self.handle(id, Whom::Caller(from), header, cx),
            Message::Job { id, header, .. } => self.handle(id, Whom::Nobody, header, cx),
            Message::Done { id, ok } => self.over(id, Some(ok), cx),
            Message::Report(spans) => {
                for span in spans {
                    self.store
                        .entry(span.trace)
                        .or_default()
                        .insert(span.id, span);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Work(id) => self.go_on(id, cx),
            Timer::Call(id) => self.over(id, None, cx),
            Timer::Report => self.export(cx),
            Timer::Tick => {}
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
