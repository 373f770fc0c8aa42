//! One tick for everything: what is due is looked up every 15 ms, by deadlines in a list. All that is under way of one request is in one place; spans are reported
//! at the next tick. The collector keeps its tree up to date as spans come, and a histogram of durations.

use splitbrain::exercises::trace_context::{
    CallId, Config, Kind, Leg, Message, Request, Response, Row, Saved, Span, SpanId, TIMEOUT,
    TRIES, Timer, TraceContext, TraceId, Traceparent, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, TraceContext>;

const TICK: Duration = Duration::from_millis(15);

#[derive(Clone, Debug, Hash)]
struct Try {
    to: NodeId,
    id: CallId,
    span: SpanId,
    left: Time,
    tries: u32,
    /// How it came out, when it is over.
    ok: Option<bool>,
}

#[derive(Clone, Debug, Hash)]
struct Job {
    id: CallId,
    client: Option<Ticket>,
    caller: Option<NodeId>,
    parent: Option<SpanId>,
    header: Traceparent,
    came: Time,
    /// Nothing, until its own work is done.
    calls: Option<Vec<Try>>,
}

#[derive(Clone, Debug, Default, Hash)]
struct Known {
    spans: BTreeMap<SpanId, Span>,
    root: Option<SpanId>,
    /// Whoever names somebody as parent, whether that one has come or not.
    named: BTreeMap<SpanId, BTreeSet<(Time, SpanId)>>,
}

#[derive(Clone, Debug, Hash)]
struct Shop {
    me: NodeId,
    config: Config,
    jobs: Vec<Job>,
    out: Vec<Span>,
    traces: BTreeMap<TraceId, Known>,
    histogram: BTreeMap<NodeId, BTreeMap<Duration, u64>>,
}

impl Shop {
    fn takes(
        &mut self,
        id: CallId,
        client: Option<Ticket>,
        caller: Option<NodeId>,
        header: Option<Traceparent>,
        cx: &mut Cx<'_>,
    ) {
        if self.jobs.iter().any(|job| job.id == id) {
            return;
        }
        let span = SpanId(cx.random(1..=u64::MAX));
        let header_of_mine = match header {
            Some(header) => Traceparent { span, ..header },
            None => Traceparent {
                trace: TraceId(cx.random(1..=u64::MAX)),
                span,
                sampled: cx.random(0..=self.config.one_in - 1) == 0,
            },
        };
        self.jobs.push(Job {
            id,
            client,
            caller,
            parent: header.map(|header| header.span),
            header: header_of_mine,
            came: cx.now(),
            calls: None,
        });
    }

    fn send_try(job: &Job, to: NodeId, tries: u32, cx: &mut Cx<'_>) -> Try {
        let (id, span) = (
            CallId(cx.random(1..=u64::MAX)),
            SpanId(cx.random(1..=u64::MAX)),
        );
        let header = Some(Traceparent { span, ..job.header });
        let within = job.id;
        cx.send(to, Message::Call { id, within, header });
        Try {
            to,
            id,
            span,
            left: cx.now(),
            tries,
            ok: None,
        }
    }

    fn span_of_try(&self, job: &Job, of: &Try, failed: bool, end: Time) -> Option<Span> {
        job.header.sampled.then_some(Span {
            trace: job.header.trace,
            id: of.span,
            parent: Some(job.header.span),
            service: self.me,
            kind: Kind::Calls,
            of: of.id,
            begin: of.left,
            end,
            failed,
        })
    }

    /// All that has come due, of all that is under way.
    fn look(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        for mut job in std::mem::take(&mut self.jobs) {
            if job.calls.is_none() && now >= job.came + self.config.works {
                let header = Some(job.header);
                for to in &self.config.jobs {
                    let id = CallId(cx.random(1..=u64::MAX));
                    let within = job.id;
                    cx.send(*to, Message::Job { id, within, header });
                }
                let calls = self.config.calls.clone();
                let tries = calls.into_iter().map(|to| Self::send_try(&job, to, 1, cx));
                job.calls = Some(tries.collect());
            }
            let mut calls = job.calls.take();
            for call in calls.iter_mut().flatten() {
                if call.ok.is_some() || now < call.left + TIMEOUT {
                    continue;
                }
                self.out.extend(self.span_of_try(&job, call, true, now));
                if call.tries < TRIES {
                    *call = Self::send_try(&job, call.to, call.tries + 1, cx);
                } else {
                    call.ok = Some(false);
                }
            }
            job.calls = calls;
            if let Some(job) = self.answers(job, cx) {
                self.jobs.push(job);
            }
        }
        if !self.out.is_empty() {
            cx.send(
                self.config.collector,
                Message::Report(std::mem::take(&mut self.out)),
            );
        }
    }

    /// Gives it back if it is not over.
    fn answers(&mut self, job: Job, cx: &mut Cx<'_>) -> Option<Job> {
        let over = job
            .calls
            .as_ref()
            .is_some_and(|calls| calls.iter().all(|call| call.ok.is_some()));
        if !over {
            return Some(job);
        }
        let ok = job.calls.iter().flatten().all(|call| call.ok == Some(true));
        if let Some(ticket) = job.client {
            cx.reply(ticket, Response::Done { ok });
        }
        if let Some(caller) = job.caller {
            cx.send(caller, Message::Done { id: job.id, ok });
        }
        if job.header.sampled {
            self.out.push(Span {
                trace: job.header.trace,
                id: job.header.span,
                parent: job.parent,
                service: self.me,
                kind: Kind::Handles,
                of: job.id,
                begin: job.came,
                end: cx.now(),
                failed: !ok,
            });
        }
        None
    }

    fn hears(&mut self, id: CallId, ok: bool, cx: &mut Cx<'_>) {
        for mut job in std::mem::take(&mut self.jobs) {
            let mut calls = job.calls.take();
            for call in calls.iter_mut().flatten() {
                if call.id == id && call.ok.is_none() {
                    call.ok = Some(ok);
                    self.out.extend(self.span_of_try(&job, call, !ok, cx.now()));
                }
            }
            job.calls = calls;
            if let Some(job) = self.answers(job, cx) {
                self.jobs.push(job);
            }
        }
    }

    fn collects(&mut self, span: Span) {
        let known = self.traces.entry(span.trace).or_default();
        if known.spans.insert(span.id, span).is_some() {
            return;
        }
        match span.parent {
            None => known.root = Some(span.id),
            Some(parent) => {
                known
                    .named
                    .entry(parent)
                    .or_default()
                    .insert((span.begin, span.id));
            }
        }
        if span.kind == Kind::Handles {
            let of_it = self.histogram.entry(span.service).or_default();
            *of_it.entry(span.end.since(span.begin)).or_default() += 1;
        }
    }

    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        let mut all: BTreeMap<Duration, u64> = BTreeMap::new();
        for (duration, count) in services
            .iter()
            .filter_map(|s| self.histogram.get(s))
            .flatten()
        {
            *all.entry(*duration).or_default() += count;
        }
        let total: u64 = all.values().sum();
        let mut below = 0;
        all.into_iter().find_map(|(duration, count)| {
            below += count;
            (below * 1_000 >= total * per_mille).then_some(duration)
        })
    }
}

impl Known {
    fn children(&self, of: SpanId) -> Vec<(Time, SpanId)> {
        let mut all: Vec<(Time, SpanId)> =
            self.named.get(&of).into_iter().flatten().copied().collect();
        if self.root == Some(of) {
            all.extend(self.orphans());
            all.sort_unstable();
        }
        all
    }

    fn orphans(&self) -> Vec<(Time, SpanId)> {
        let missing = self
            .named
            .iter()
            .filter(|(parent, _)| !self.spans.contains_key(parent));
        let mut all: Vec<(Time, SpanId)> = missing.flat_map(|(_, of)| of).copied().collect();
        all.sort_unstable();
        all
    }

    fn rows(&self, id: SpanId, depth: u32) -> Vec<Row> {
        let parent = self.spans[&id].parent;
        let orphan = parent.is_some_and(|parent| !self.spans.contains_key(&parent));
        let own = Row {
            span: id,
            depth,
            orphan,
        };
        let under = self
            .children(id)
            .into_iter()
            .flat_map(|(_, child)| self.rows(child, depth + 1));
        [own].into_iter().chain(under).collect()
    }

    fn tree(&self) -> Vec<Row> {
        match self.root {
            Some(root) => self.rows(root, 0),
            None => self
                .orphans()
                .into_iter()
                .flat_map(|(_, id)| self.rows(id, 1))
                .collect(),
        }
    }

    fn path(&self, id: SpanId, begin: Time, end: Time) -> Vec<Leg> {
        let mut cut: Vec<(Time, Time, SpanId)> = self
            .children(id)
            .into_iter()
            .map(|(_, child)| {
                let span = &self.spans[&child];
                (
                    span.end.min(end).max(begin),
                    span.begin.min(end).max(begin),
                    child,
                )
            })
            .filter(|(to, from, _)| from < to)
            .collect();
        cut.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let (mut at, mut pieces) = (end, Vec::new());
        for (to, from, child) in cut {
            if to > at {
                continue;
            }
            pieces.push(vec![Leg {
                span: id,
                from: to,
                to: at,
            }]);
            pieces.push(self.path(child, from, to));
            at = from;
        }
        pieces.push(vec![Leg {
            span: id,
            from: begin,
            to: at,
        }]);
        pieces
            .into_iter()
            .rev()
            .flatten()
            .filter(|leg| leg.from < leg.to)
            .collect()
    }
}

impl Node<TraceContext> for Shop {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<Saved>) -> Self {
        Shop {
            me,
            config: config.clone(),
            jobs: Vec::new(),
            out: Vec::new(),
            traces: BTreeMap::new(),
            histogram: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Call { id, header, .. } => self.takes(id, None, Some(from), header, cx),
            Message::Job { id, header, .. } => self.takes(id, None, None, header, cx),
            Message::Done { id, ok } => self.hears(id, ok, cx),
            Message::Report(spans) => spans.into_iter().for_each(|span| self.collects(span)),
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Cx<'_>) {
        self.look(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let nothing = Known::default();
        match request {
            Request::Do { id, header } => self.takes(id, Some(ticket), None, header, cx),
            Request::Tree(trace) => {
                let known = self.traces.get(&trace).unwrap_or(&nothing);
                cx.reply(ticket, Response::Tree(known.tree()));
            }
            Request::CriticalPath(trace) => {
                let known = self.traces.get(&trace).unwrap_or(&nothing);
                let root = known.root.map(|root| known.spans[&root]);
                let legs = root.map(|root| known.path(root.id, root.begin, root.end));
                cx.reply(ticket, Response::CriticalPath(legs.unwrap_or_default()));
            }
            Request::Percentile {
                services,
                per_mille,
            } => {
                let answer = self.percentile(&services, per_mille);
                cx.reply(ticket, Response::Percentile(answer));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Shop>)
}
