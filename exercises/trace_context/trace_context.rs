//! trace_context: services that call services, and the trace of each request. The problem is in README.md beside this file; the types (go to
//! definition) in `splitbrain::exercises::trace_context`.
//!
//! What the service does is already there, and right, but nobody can see it. You make it visible.
#![allow(unused_imports, unused_variables, dead_code)]

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

/// Something that is being handled: a request, a call or a job.
#[derive(Clone, Debug, Hash)]
struct Work {
    whom: Whom,
    failed: bool,
    // Its span.
}

/// A try of a call that is not answered yet.
#[derive(Clone, Debug, Hash)]
struct Attempt {
    within: CallId,
    to: NodeId,
    tries: u32,
    // Its span.
}

#[derive(Clone, Debug, Hash)]
struct Service {
    config: Config,
    works: BTreeMap<CallId, Work>,
    attempts: BTreeMap<CallId, Attempt>,
    // For a collector: the spans that have come.
}

// Tracing: where do spans begin, what travels with calls and jobs, where do spans end?
impl Service {
    /// The handling of what came with this header begins, or a try of a call for the span in this header.
    fn begin(&self, header: Option<Traceparent>, cx: &mut Cx<'_>) {
        todo!("a new span: its id, its trace, its parent, whether it is sampled, when it begins")
    }

    /// That span is over.
    fn end(&self, kind: Kind, of: CallId, failed: bool, cx: &mut Cx<'_>) {
        todo!("tell the collector, if the trace is sampled")
    }
}

// What the service does. It is right as it is, except for the headers.
impl Service {
    fn handle(&mut self, id: CallId, whom: Whom, header: Option<Traceparent>, cx: &mut Cx<'_>) {
        if self.works.contains_key(&id) {
            return;
        }
        let failed = false;
        self.works.insert(id, Work { whom, failed });
        cx.set_timer(Timer::Work(id), self.config.works);
    }

    /// Its own work is done: the others are called, and given their jobs.
    fn go_on(&mut self, id: CallId, cx: &mut Cx<'_>) {
        if !self.works.contains_key(&id) {
            return;
        }
        for to in self.config.jobs.clone() {
            let job = Message::Job {
                id: CallId(cx.random(1..=u64::MAX)),
                within: id,
                header: None,
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
        let header = None;
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
        if ok.is_none() && attempt.tries < TRIES {
            self.call(attempt.within, attempt.to, attempt.tries + 1, cx);
            return;
        }
        if let Some(work) = self.works.get_mut(&attempt.within) {
            work.failed |= ok != Some(true);
        }
        self.answer(attempt.within, cx);
    }

    /// If all calls are over, the work for which they were made is over too.
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
    }
}

// What the collector answers.
impl Service {
    fn tree(&self, trace: TraceId) -> Vec<Row> {
        todo!("each span, then what hangs under it; what has no place hangs under the root")
    }

    fn critical_path(&self, trace: TraceId) -> Vec<Leg> {
        todo!("from the end of the root backwards: which child ended last?")
    }

    fn percentile(&self, services: &[NodeId], per_mille: u64) -> Option<Duration> {
        todo!("of all durations together, the nearest rank")
    }
}

impl Node<TraceContext> for Service {
    /// Every start, the first (`saved` is `None`) and those after a crash.
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Service {
            config: config.clone(),
            works: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Call { id, header, .. } => self.handle(id, Whom::Caller(from), header, cx),
            Message::Job { id, header, .. } => self.handle(id, Whom::Nobody, header, cx),
            Message::Done { id, ok } => self.over(id, Some(ok), cx),
            Message::Report(spans) => todo!("they come in any order, and perhaps twice"),
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
