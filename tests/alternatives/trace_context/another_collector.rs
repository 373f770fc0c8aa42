//! trace_context: services that call services, and the trace of each request. The problem is in README.md beside this file; the words of the protocol (go to
//! definition) in `splitbrain::exercises::trace_context`.
//!
//! Ids from saved blocks (hi/lo), sampling by the drawn id of the trace, spans that end by value, and a collector without recursion: one list of rows, of which the
//! critical path is made, too.

use splitbrain::exercises::trace_context::{
    CallId, Config, Kind, Leg, Message, Request, Response, Row, Saved, Span, SpanId, TIMEOUT,
    TRIES, Timer, TraceContext, TraceId, Traceparent, judge,
};
use splitbrain::prelude::*;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, TraceContext>;

/// So many ids are taken with one write.
const BLOCK: u64 = 50;

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
    /// The last id that was used, and the last that may be.
    used: u64,
    reserved: u64,
    spans: BTreeMap<(TraceId, SpanId), Span>,
}

// Tracing: where do spans begin, what travels with calls and jobs, where do spans end?
impl Service {
    /// Ids of this node, each once: a block is written down before the first of it is used.
    fn span_id(&mut self, cx: &mut Cx<'_>) -> SpanId {
        if self.used >= self.reserved {
            self.reserved = self.used + BLOCK;
            cx.save(Saved(self.reserved));
        }
        self.used += 1;
        SpanId(((cx.me().index() as u64 + 1) << 48) | self.used)
    }

    /// What came with this header is handled now, or a call is tried for this span.
    fn begin(&mut self, header: Option<Traceparent>, cx: &mut Cx<'_>) -> Open {
        let id = self.span_id(cx);
        let begin = cx.now();
        let Some(header) = header else {
            let trace = TraceId(cx.random(1..=u64::MAX));
            return Open {
                trace,
                id,
                parent: None,
                sampled: trace.0 % self.config.one_in == 0,
                begin,
            };
        };
        Open {
            trace: header.trace,
            id,
            parent: Some(header.span),
            sampled: header.sampled,
            begin,
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

/// A span in its place.
#[derive(Clone, Copy)]
struct Placed<'a> {
    span: &'a Span,
    depth: u32,
    orphan: bool,
}

// What the collector answers.
impl Service {
    /// From top to bottom.
    fn placed(&self, trace: TraceId) -> Vec<Placed<'_>> {
        let range = (trace, SpanId(0))..=(trace, SpanId(u64::MAX));
        let mut spans: Vec<&Span> = self.spans.range(range).map(|(_, span)| span).collect();
        // The last of them is put on the stack last, and taken first.
        spans.sort_by_key(|span| Reverse((span.begin, span.id)));
        let known = |id: SpanId| self.spans.contains_key(&(trace, id));
        let root = spans.iter().find(|span| span.parent.is_none()).copied();
        let mut under: BTreeMap<SpanId, Vec<Placed<'_>>> = BTreeMap::new();
        let mut stack: Vec<Placed<'_>> = Vec::new();
        for &span in &spans {
            let (depth, orphan) = (0, false);
            match span.parent {
                None => {}
                Some(parent) if known(parent) => {
                    let placed = Placed {
                        span,
                        depth,
                        orphan,
                    };
                    under.entry(parent).or_default().push(placed);
                }
                Some(_) => {
                    let (depth, orphan) = (1, true);
                    let placed = Placed {
                        span,
                        depth,
                        orphan,
                    };
                    match root {
                        Some(root) => under.entry(root.id).or_default().push(placed),
                        None => stack.push(placed),
                    }
                }
            }
        }
        if let Some(span) = root {
            let (depth, orphan) = (0, false);
            stack.push(Placed {
                span,
                depth,
                orphan,
            });
        }
        let mut placed = Vec::new();
        while let Some(next) = stack.pop() {
            placed.push(next);
            for child in under.remove(&next.span.id).unwrap_or_default() {
                let depth = next.depth + 1;
                stack.push(Placed { depth, ..child });
            }
        }
        placed
    }

    fn tree(&self, trace: TraceId) -> Vec<Row> {
        let row = |placed: Placed<'_>| Row {
            span: placed.span.id,
            depth: placed.depth,
            orphan: placed.orphan,
        };
        self.placed(trace).into_iter().map(row).collect()
    }

    fn critical_path(&self, trace: TraceId) -> Vec<Leg> {
        let placed = self.placed(trace);
        if placed.first().is_none_or(|first| first.depth > 0) {
            return Vec::new();
        }
        // Of each row its time as cut, and the rows of its children.
        let mut cut: Vec<(Time, Time)> = Vec::new();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); placed.len()];
        let mut above: Vec<usize> = Vec::new();
        for (row, Placed { span, depth, .. }) in placed.iter().enumerate() {
            above.truncate(*depth as usize);
            let (mut begin, mut end) = (span.begin, span.end);
            if let Some(&parent) = above.last() {
                let (from, to) = cut[parent];
                begin = begin.max(from);
                end = end.min(to);
                // What has no length keeps none, and so has nothing that hangs under it.
                if begin < end {
                    children[parent].push(row);
                }
            }
            cut.push((begin, end));
            above.push(row);
        }
        for children in &mut children {
            children.sort_by_key(|&row| {
                (
                    cut[row].1,
                    Reverse(cut[row].0),
                    Reverse(placed[row].span.id),
                )
            });
        }
        let mut legs = Vec::new();
        let mut stack = vec![0];
        let mut at = cut[0].1;
        while let Some(&row) = stack.last() {
            let mut next = None;
            while let Some(child) = children[row].pop() {
                if cut[child].1 <= at {
                    next = Some(child);
                    break;
                }
            }
            let from = next.map_or(cut[row].0, |child| cut[child].1);
            if from < at {
                legs.push(Leg {
                    span: placed[row].span.id,
                    from,
                    to: at,
                });
            }
            at = from;
            match next {
                Some(child) => stack.push(child),
                None => drop(stack.pop()),
            }
        }
        legs.reverse();
        legs
    }

    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        let counts = |span: &&Span| span.kind == Kind::Handles && services.contains(&span.service);
        let durations = self
            .spans
            .values()
            .filter(counts)
            .map(|span| span.end - span.begin);
        let mut durations: Vec<Duration> = durations.collect();
        let rank = (durations.len() * per_mille as usize).div_ceil(1_000);
        let index = rank.checked_sub(1)?;
        Some(*durations.select_nth_unstable(index).1)
    }
}

impl Node<TraceContext> for Service {
    /// Every start, the first (`saved` is `None`) and those after a crash.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Service {
            config: config.clone(),
            works: BTreeMap::new(),
            attempts: BTreeMap::new(),
            used: saved.unwrap_or_default().0,
            reserved: saved.unwrap_or_default().0,
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
                    self.spans.entry((span.trace, span.id)).or_insert(span);
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
