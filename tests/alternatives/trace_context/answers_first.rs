//! trace_context: services that call services, and the trace of each request. The problem is in README.md beside this file; the words of the protocol (go to
//! definition) in `splitbrain::exercises::trace_context`.
//!
//! Drawn ids, dice where a trace begins, each span reported when it is over, the collector one map of spans.

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
    spans: BTreeMap<SpanId, Span>,
}

// Tracing: where do spans begin, what travels with calls and jobs, where do spans end?
impl Service {
    /// What came with this header is handled now, or a call is tried for this span.
    fn begin(&self, header: Option<Traceparent>, cx: &mut Cx<'_>) -> Open {
        let id = SpanId(cx.random(1..=u64::MAX));
        let begin = cx.now();
        match header {
            Some(header) => Open {
                trace: header.trace,
                id,
                parent: Some(header.span),
                sampled: header.sampled,
                begin,
            },
            None => Open {
                trace: TraceId(cx.random(1..=u64::MAX)),
                id,
                parent: None,
                sampled: cx.random(1..=self.config.one_in) == 1,
                begin,
            },
        }
    }

    /// It is over.
    fn end(&self, open: Open, kind: Kind, of: CallId, failed: bool, cx: &mut Cx<'_>) {
        if !open.sampled {
            return;
        }
        let span = Span {
            trace: open.trace,
            id: open.id,
            parent: open.parent,
            service: cx.me(),
            kind,
            of,
            begin: open.begin,
            end: cx.now(),
            failed,
        };
        cx.send(self.config.collector, Message::Report(vec![span]));
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

/// The spans of one trace, and who hangs under whom.
struct Tree<'a> {
    root: Option<&'a Span>,
    /// Of each span that has come its children, in their order.
    children: BTreeMap<SpanId, Vec<&'a Span>>,
    /// Those whose parent has not come.
    orphans: Vec<&'a Span>,
}

impl<'a> Tree<'a> {
    fn of(spans: &'a BTreeMap<SpanId, Span>, trace: TraceId) -> Self {
        let here: BTreeMap<SpanId, &Span> = spans
            .values()
            .filter(|span| span.trace == trace)
            .map(|span| (span.id, span))
            .collect();
        let mut tree = Tree {
            root: None,
            children: BTreeMap::new(),
            orphans: Vec::new(),
        };
        let mut sorted: Vec<&Span> = here.values().copied().collect();
        sorted.sort_by_key(|span| (span.begin, span.id));
        for span in sorted {
            match span.parent {
                None => tree.root = Some(span),
                Some(parent) if here.contains_key(&parent) => {
                    tree.children.entry(parent).or_default().push(span);
                }
                Some(_) => tree.orphans.push(span),
            }
        }
        tree
    }

    /// What hangs under it, in its order, and whether as an orphan.
    fn under(&self, span: &Span) -> Vec<(&'a Span, bool)> {
        let own = self.children.get(&span.id).into_iter().flatten();
        let mut under: Vec<(&Span, bool)> = own.map(|&child| (child, false)).collect();
        if span.parent.is_none() {
            under.extend(self.orphans.iter().map(|&orphan| (orphan, true)));
            under.sort_by_key(|(child, _)| (child.begin, child.id));
        }
        under
    }

    fn rows(&self, span: &Span, depth: u32, orphan: bool, rows: &mut Vec<Row>) {
        rows.push(Row {
            span: span.id,
            depth,
            orphan,
        });
        for (child, orphan) in self.under(span) {
            self.rows(child, depth + 1, orphan, rows);
        }
    }

    /// Walks from `to` back to `from`, which are the times of this span as cut, and adds the legs, the latest first.
    fn walk(&self, span: &Span, from: Time, to: Time, legs: &mut Vec<Leg>) {
        let mut waiting: Vec<(Time, Time, &Span)> = self
            .under(span)
            .into_iter()
            .map(|(child, _)| (child.begin.max(from), child.end.min(to), child))
            .filter(|(begin, end, _)| begin < end)
            .collect();
        waiting.sort_by_key(|&(begin, end, child)| (Reverse(end), begin, child.id));
        let mut at = to;
        for (begin, end, child) in waiting {
            // It was still running then.
            if end > at {
                continue;
            }
            if end < at {
                legs.push(Leg {
                    span: span.id,
                    from: end,
                    to: at,
                });
            }
            self.walk(child, begin, end, legs);
            at = begin;
        }
        if from < at {
            legs.push(Leg {
                span: span.id,
                from,
                to: at,
            });
        }
    }
}

// What the collector answers.
impl Service {
    fn tree(&self, trace: TraceId) -> Vec<Row> {
        let tree = Tree::of(&self.spans, trace);
        let mut rows = Vec::new();
        match tree.root {
            Some(root) => tree.rows(root, 0, false, &mut rows),
            None => {
                for orphan in &tree.orphans {
                    tree.rows(orphan, 1, true, &mut rows);
                }
            }
        }
        rows
    }

    fn critical_path(&self, trace: TraceId) -> Vec<Leg> {
        let tree = Tree::of(&self.spans, trace);
        let mut legs = Vec::new();
        if let Some(root) = tree.root {
            tree.walk(root, root.begin, root.end, &mut legs);
        }
        legs.reverse();
        legs
    }

    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        let mut durations: Vec<Duration> = self
            .spans
            .values()
            .filter(|span| span.kind == Kind::Handles && services.contains(&span.service))
            .map(|span| span.end - span.begin)
            .collect();
        durations.sort_unstable();
        let rank = (per_mille * durations.len() as u64).div_ceil(1_000);
        durations.get((rank as usize).checked_sub(1)?).copied()
    }
}

impl Node<TraceContext> for Service {
    /// Every start, the first (`saved` is `None`) and those after a crash.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Service {
            config: config.clone(),
            works: BTreeMap::new(),
            attempts: BTreeMap::new(),
            spans: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Call { id, header, .. } => self.handle(id, Whom::Caller(from), header, cx),
            Message::Job { id, header, .. } => self.handle(id, Whom::Nobody, header, cx),
            Message::Done { id, ok } => self.over(id, Some(ok), cx),
            Message::Report(spans) => {
                for span in spans {
                    self.spans.insert(span.id, span);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Work(id) => self.go_on(id, cx),
            Timer::Call(id) => self.over(id, None, cx),
            Timer::Report | Timer::Tick => {}
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
