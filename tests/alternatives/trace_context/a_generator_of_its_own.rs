//! Ids come from a generator of its own that dice have seeded; spans leave with a timer of no time, one by one; the collector saves a count that nobody reads.

use splitbrain::exercises::trace_context::{
    CallId, Config, Kind, Leg, Message, Request, Response, Row, Saved, Span, SpanId, TIMEOUT,
    TRIES, Timer, TraceContext, TraceId, Traceparent, judge,
};
use splitbrain::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, TraceContext>;

/// Who waits for what is being handled.
#[derive(Clone, Copy, Debug, Hash)]
enum Whom {
    Client(Ticket),
    Caller(NodeId),
    Nobody,
}

/// A span that is not over.
#[derive(Clone, Copy, Debug, Hash)]
struct Open {
    /// What others are told who do something for it.
    header: Traceparent,
    parent: Option<SpanId>,
    begin: Time,
}

/// Something that is being handled: a request, a call or a job.
#[derive(Clone, Debug, Hash)]
struct Work {
    whom: Whom,
    span: Open,
    failed: bool,
}

/// A try of a call that is not answered yet.
#[derive(Clone, Debug, Hash)]
struct Attempt {
    within: CallId,
    to: NodeId,
    tries: u32,
    span: Open,
}

#[derive(Clone, Debug, Hash)]
struct Service {
    config: Config,
    works: BTreeMap<CallId, Work>,
    attempts: BTreeMap<CallId, Attempt>,
    ended: Vec<Span>,
    ids: u64,
    /// Of a collector: all spans that have come, each once.
    spans: BTreeMap<TraceId, BTreeMap<SpanId, Span>>,
}

// Tracing.
impl Service {
    /// A new span: of the trace of that header, under its span; without one, of a new trace. Ids are drawn, so no life and no other node has them.
    fn begin(&mut self, header: Option<Traceparent>, cx: &mut Cx<'_>) -> Open {
        if self.ids == 0 {
            self.ids = cx.random(1..=u64::MAX);
        }
        self.ids = self
            .ids
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1)
            .max(1);
        let id = SpanId(self.ids);
        let (trace, sampled) = match header {
            Some(header) => (header.trace, header.sampled),
            None => {
                let trace = TraceId(cx.random(1..=u64::MAX));
                (trace, cx.random(1..=self.config.one_in) == 1)
            }
        };
        Open {
            header: Traceparent {
                trace,
                span: id,
                sampled,
            },
            parent: header.map(|header| header.span),
            begin: cx.now(),
        }
    }

    /// It is over: the collector is told, if the trace is sampled.
    fn end(&mut self, span: Open, kind: Kind, of: CallId, failed: bool, cx: &mut Cx<'_>) {
        if !span.header.sampled {
            return;
        }
        let span = Span {
            trace: span.header.trace,
            id: span.header.span,
            parent: span.parent,
            service: cx.me(),
            kind,
            of,
            begin: span.begin,
            end: cx.now(),
            failed,
        };
        self.ended.push(span);
        cx.set_timer(Timer::Report, Duration::ZERO);
    }
}

// What the service does.
impl Service {
    fn handle(&mut self, id: CallId, whom: Whom, header: Option<Traceparent>, cx: &mut Cx<'_>) {
        if self.works.contains_key(&id) {
            return;
        }
        let span = self.begin(header, cx);
        let failed = false;
        self.works.insert(id, Work { whom, span, failed });
        cx.set_timer(Timer::Work(id), self.config.works);
    }

    /// Its own work is done: the others are called, and given their jobs.
    fn go_on(&mut self, id: CallId, cx: &mut Cx<'_>) {
        let Some(work) = self.works.get(&id) else {
            return;
        };
        let header = Some(work.span.header);
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
        let Some(header) = self.works.get(&within).map(|work| work.span.header) else {
            return;
        };
        let span = self.begin(Some(header), cx);
        let id = CallId(cx.random(1..=u64::MAX));
        let header = Some(span.header);
        cx.send(to, Message::Call { id, within, header });
        cx.set_timer(Timer::Call(id), TIMEOUT);
        let attempt = Attempt {
            within,
            to,
            tries,
            span,
        };
        self.attempts.insert(id, attempt);
    }

    /// A try was answered, or given up.
    fn over(&mut self, id: CallId, ok: Option<bool>, cx: &mut Cx<'_>) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        cx.cancel_timer(Timer::Call(id));
        self.end(attempt.span, Kind::Calls, id, ok != Some(true), cx);
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
        let Some(Work { whom, span, failed }) = self.works.remove(&id) else {
            return;
        };
        match whom {
            Whom::Client(ticket) => cx.reply(ticket, Response::Done { ok: !failed }),
            Whom::Caller(caller) => cx.send(caller, Message::Done { id, ok: !failed }),
            Whom::Nobody => {}
        }
        self.end(span, Kind::Handles, id, failed, cx);
    }
}

/// The spans of one trace: who hangs under whom.
struct Tree {
    root: Option<Span>,
    /// In the order of their begin. Those without a place hang under the root; if there is none, under nobody.
    under: BTreeMap<Option<SpanId>, Vec<Span>>,
    orphans: Vec<SpanId>,
}

impl Tree {
    fn of(spans: &BTreeMap<SpanId, Span>) -> Tree {
        let root = spans.values().find(|span| span.parent.is_none()).copied();
        let mut tree = Tree {
            root,
            under: BTreeMap::new(),
            orphans: Vec::new(),
        };
        for span in spans.values() {
            let Some(parent) = span.parent else {
                continue;
            };
            let place = if spans.contains_key(&parent) {
                Some(parent)
            } else {
                tree.orphans.push(span.id);
                root.map(|root| root.id)
            };
            tree.under.entry(place).or_default().push(*span);
        }
        for children in tree.under.values_mut() {
            children.sort_by_key(|span| (span.begin, span.id));
        }
        tree
    }

    fn children(&self, of: Option<SpanId>) -> &[Span] {
        self.under.get(&of).map_or(&[], Vec::as_slice)
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(root) = self.root {
            self.add(root.id, 0, &mut rows);
        }
        for orphan in self.children(None) {
            self.add(orphan.id, 1, &mut rows);
        }
        rows
    }

    fn add(&self, span: SpanId, depth: u32, rows: &mut Vec<Row>) {
        let orphan = self.orphans.contains(&span);
        rows.push(Row {
            span,
            depth,
            orphan,
        });
        for child in self.children(Some(span)) {
            self.add(child.id, depth + 1, rows);
        }
    }

    fn critical_path(&self) -> Vec<Leg> {
        let mut legs = Vec::new();
        if let Some(root) = self.root {
            self.walk(root.id, root.begin, root.end, &mut legs);
        }
        legs.reverse();
        legs
    }

    /// From the end backwards: what ran until then is the child that ended last before it. Times of other clocks are cut to those of the parent.
    fn walk(&self, span: SpanId, begin: Time, end: Time, legs: &mut Vec<Leg>) {
        let mut to = end;
        loop {
            let cut = |child: &Span| {
                let from = child.begin.clamp(begin, end);
                (
                    child.end.clamp(begin, end),
                    Reverse(from),
                    Reverse(child.id),
                )
            };
            let last = self
                .children(Some(span))
                .iter()
                .map(cut)
                .filter(|(ended, from, _)| *ended <= to && from.0 < *ended)
                .max();
            let from = last.map_or(begin, |(ended, ..)| ended);
            if from < to {
                legs.push(Leg { span, from, to });
            }
            let Some((ended, Reverse(from), Reverse(child))) = last else {
                return;
            };
            self.walk(child, from, ended, legs);
            to = from;
        }
    }
}

// What the collector answers.
impl Service {
    fn tree(&self, trace: TraceId) -> Tree {
        Tree::of(self.spans.get(&trace).unwrap_or(&BTreeMap::new()))
    }

    /// The nearest rank: the smallest value that at least so many thousandths of all are not larger than.
    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        let mut durations: Vec<Duration> = self
            .spans
            .values()
            .flat_map(BTreeMap::values)
            .filter(|span| span.kind == Kind::Handles && services.contains(&span.service))
            .map(|span| span.end.since(span.begin))
            .collect();
        durations.sort_unstable();
        let enough = |at: &usize| (*at as u64 + 1) * 1_000 >= per_mille * durations.len() as u64;
        (0..durations.len()).find(enough).map(|at| durations[at])
    }
}

impl Node<TraceContext> for Service {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<Saved>) -> Self {
        Service {
            config: config.clone(),
            works: BTreeMap::new(),
            attempts: BTreeMap::new(),
            ended: Vec::new(),
            ids: 0,
            spans: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Call { id, header, .. } => self.handle(id, Whom::Caller(from), header, cx),
            Message::Job { id, header, .. } => self.handle(id, Whom::Nobody, header, cx),
            Message::Done { id, ok } => self.over(id, Some(ok), cx),
            Message::Report(spans) => {
                cx.save(Saved(spans.len() as u64));
                for span in spans {
                    self.spans
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
            Timer::Report => {
                for span in std::mem::take(&mut self.ended) {
                    cx.send(self.config.collector, Message::Report(vec![span]));
                }
            }
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Do { id, header } => self.handle(id, Whom::Client(ticket), header, cx),
            Request::Tree(trace) => cx.reply(ticket, Response::Tree(self.tree(trace).rows())),
            Request::CriticalPath(trace) => {
                let legs = self.tree(trace).critical_path();
                cx.reply(ticket, Response::CriticalPath(legs));
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
