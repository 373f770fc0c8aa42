//! The collector sorts the spans once and works on their places, with stacks of its own. A service reports before it answers.

use splitbrain::exercises::trace_context::{
    CallId, Config, Kind, Leg, Message, Request, Response, Row, Saved, Span, SpanId, TIMEOUT,
    TRIES, Timer, TraceContext, TraceId, Traceparent, judge,
};
use splitbrain::prelude::*;
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
    /// Of a collector: all spans that have come, each once.
    spans: BTreeMap<TraceId, BTreeMap<SpanId, Span>>,
}

// Tracing.
impl Service {
    /// A new span: of the trace of that header, under its span; without one, of a new trace. Ids are drawn, so no life and no other node has them.
    fn begin(&self, header: Option<Traceparent>, cx: &mut Cx<'_>) -> Open {
        let id = SpanId(cx.random(1..=u64::MAX));
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
    fn end(&self, span: Open, kind: Kind, of: CallId, failed: bool, cx: &mut Cx<'_>) {
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
        cx.send(self.config.collector, Message::Report(vec![span]));
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
        let Some(work) = self.works.get(&within) else {
            return;
        };
        // Each try is a span of its own: the callee may handle two of them.
        let span = self.begin(Some(work.span.header), cx);
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
        self.end(span, Kind::Handles, id, failed, cx);
        match whom {
            Whom::Client(ticket) => cx.reply(ticket, Response::Done { ok: !failed }),
            Whom::Caller(caller) => cx.send(caller, Message::Done { id, ok: !failed }),
            Whom::Nobody => {}
        }
    }
}

/// What hangs under whom, and what is asked of that. Nothing here calls itself.
struct Tree {
    spans: Vec<Span>,
    /// Of each span, by its place in `spans`: where it hangs. The root, and without a root all orphans, hang nowhere.
    place: Vec<Option<usize>>,
    orphan: Vec<bool>,
}

impl Tree {
    fn of(spans: &BTreeMap<SpanId, Span>) -> Tree {
        let mut spans: Vec<Span> = spans.values().copied().collect();
        spans.sort_by_key(|span| (span.begin, span.id));
        let find = |id: SpanId| spans.iter().position(|span| span.id == id);
        let root = spans.iter().position(|span| span.parent.is_none());
        let parents: Vec<Option<usize>> = spans
            .iter()
            .map(|span| span.parent.and_then(find))
            .collect();
        let orphan: Vec<bool> = spans
            .iter()
            .zip(&parents)
            .map(|(span, parent)| span.parent.is_some() && parent.is_none())
            .collect();
        let place = (0..spans.len())
            .map(|at| if orphan[at] { root } else { parents[at] })
            .collect();
        Tree {
            spans,
            place,
            orphan,
        }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        // Later ones first, as the last of the stack comes next.
        let under = |at: Option<usize>| {
            (0..self.spans.len())
                .rev()
                .filter(move |child| self.place[*child] == at)
        };
        let mut stack: Vec<(usize, u32)> = under(None)
            .map(|at| (at, u32::from(self.orphan[at])))
            .collect();
        while let Some((at, depth)) = stack.pop() {
            rows.push(Row {
                span: self.spans[at].id,
                depth,
                orphan: self.orphan[at],
            });
            stack.extend(under(Some(at)).map(|child| (child, depth + 1)));
        }
        rows
    }

    /// Forwards in the end: each piece that is still to be divided is on a stack, with the span whose it is.
    fn critical_path(&self) -> Vec<Leg> {
        let mut legs: Vec<Leg> = Vec::new();
        let Some(root) = (0..self.spans.len()).find(|at| self.spans[*at].parent.is_none()) else {
            return legs;
        };
        // A span, its cut begin and end, and until when it is still to be looked at.
        let mut stack = vec![(
            root,
            self.spans[root].begin,
            self.spans[root].end,
            self.spans[root].end,
        )];
        while let Some((at, begin, end, to)) = stack.pop() {
            let mut best: Option<(Time, Time, usize)> = None;
            for child in (0..self.spans.len()).filter(|child| self.place[*child] == Some(at)) {
                let from = self.spans[child].begin.clamp(begin, end);
                let ended = self.spans[child].end.clamp(begin, end);
                if from >= ended || ended > to {
                    continue;
                }
                let better = match best {
                    None => true,
                    Some((other, began, who)) => {
                        ended > other
                            || ended == other
                                && (from < began
                                    || from == began && self.spans[child].id < self.spans[who].id)
                    }
                };
                if better {
                    best = Some((ended, from, child));
                }
            }
            let own_from = best.map_or(begin, |(ended, ..)| ended);
            if own_from < to {
                legs.push(Leg {
                    span: self.spans[at].id,
                    from: own_from,
                    to,
                });
            }
            if let Some((ended, from, child)) = best {
                stack.push((at, begin, end, from));
                stack.push((child, from, ended, ended));
            }
        }
        legs.sort_by_key(|leg| leg.from);
        legs
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
        let rank = (durations.len() as u64 * per_mille).div_ceil(1_000);
        durations.get((rank as usize).checked_sub(1)?).copied()
    }
}

impl Node<TraceContext> for Service {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<Saved>) -> Self {
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
            Timer::Report | Timer::Tick => {}
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
