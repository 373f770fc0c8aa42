//! What may leave: calls, jobs and answers, and with which headers.

use super::{A_LITTLE, Ghost, Try, Whom, Whose, Work, broken};
use crate::exercises::kit::Taken;
use crate::exercises::trace_context::judge::rules::{ENDS, ONE_TRACE, PARENT, SAMPLING, SURVIVES, UNIQUE, WORK};
use crate::exercises::trace_context::{CallId, Message, Request, Response, SpanId, TIMEOUT, TRIES, TraceContext, TraceId, Traceparent};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen};
use std::fmt;

/// What carries a header: which, to whom.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Call(CallId, NodeId),
    /// The second try or the third, of which one before.
    Retry(CallId, NodeId, CallId),
    Job(CallId, NodeId),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Call(id, to) => write!(f, "the Call {id:?} to {to}"),
            Way::Retry(id, to, before) => write!(f, "the Call {id:?} to {to}, which tries {before:?} again,"),
            Way::Job(id, to) => write!(f, "the Job {id:?} to {to}"),
        }
    }
}

impl Ghost {
    pub(super) fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, TraceContext>) -> Check {
        match message {
            Message::Call { id, within, header } => self.calls(to, *id, *within, *header, seen),
            Message::Job { id, within, header } => {
                let at = self.is_handled(*within, message, seen)?;
                self.is_new(*id, message, seen)?;
                if !self.works[at].blurred {
                    self.is_due(&self.config.jobs, at, to, message, self.works[at].jobs.contains_key(&to), seen)?;
                }
                let way = Way::Job(*id, to);
                let header = self.heads(at, *header, way, seen)?;
                self.is_span_of(at, header.span, || format!("{way} has the header {header:?}"), seen)?;
                self.works[at].jobs.insert(to, seen.now);
                Ok(())
            }
            Message::Done { id, ok } => self.answers(to, *id, *ok, seen),
            Message::Report(spans) => spans.iter().try_for_each(|span| self.reports(to, span, seen)),
        }
    }

    fn is_handled(&self, within: CallId, message: &Message, seen: &Seen<'_, TraceContext>) -> Result<usize, Broken> {
        let at = self.handled.get(&within).copied();
        at.ok_or_else(|| broken(WORK, format!("{} sent {message:?}, but was not handling {within:?}", self.me), [seen.number]))
    }

    fn is_new(&mut self, id: CallId, message: &Message, seen: &Seen<'_, TraceContext>) -> Check {
        if self.numbers.insert(id) {
            return Ok(());
        }
        Err(broken(WORK, format!("{} sent {message:?}, under a number that it had used before", self.me), [seen.number]))
    }

    /// That service is to be called, or to get a job, now.
    fn is_due(&self, all: &[NodeId], at: usize, to: NodeId, message: &Message, again: bool, seen: &Seen<'_, TraceContext>) -> Check {
        let work = &self.works[at];
        let due = work.came + self.config.works;
        let why = match () {
            () if !all.contains(&to) => format!("which is not one of {all:?} in its Config"),
            () if again => "which has one already".to_owned(),
            () if seen.now + A_LITTLE < due => format!("before its own work was done, which takes {:?}", self.config.works),
            () => return Ok(()),
        };
        Err(broken(WORK, format!("{} sent {message:?} to {to}, {why}", self.me), [work.step, seen.number]))
    }

    fn calls(&mut self, to: NodeId, id: CallId, within: CallId, header: Option<Traceparent>, seen: &Seen<'_, TraceContext>) -> Check {
        let (me, now) = (self.me, seen.now);
        let message = Message::Call { id, within, header };
        let at = self.is_handled(within, &message, seen)?;
        self.is_new(id, &message, seen)?;
        let last = self.works[at].tries.get(&to).and_then(|tries| tries.last()).copied();
        if !self.works[at].blurred {
            self.is_due(&self.config.calls, at, to, &message, false, seen)?;
            if let Some((last, tries)) = self.last(&self.works[at], to) {
                let why = match last.answer {
                    Some((answered, ok, _)) if answered + A_LITTLE < last.left + TIMEOUT => format!("which had answered ok: {ok}"),
                    _ if now + A_LITTLE < last.left + TIMEOUT => format!("{} ms after the try before", now.since(last.left).as_millis()),
                    _ if tries as u32 >= TRIES => format!("for the {}th time", tries + 1),
                    _ => String::new(),
                };
                if !why.is_empty() {
                    return Err(broken(WORK, format!("{me} called {to} again for {within:?}, {why}"), [last.step, seen.number]));
                }
            }
        }
        let what = match last {
            Some(last) => Way::Retry(id, to, self.tries[last].id),
            None => Way::Call(id, to),
        };
        let header = self.heads(at, header, what, seen)?;
        let span = header.span;
        let work = &self.works[at];
        if work.header.is_some_and(|came| came.span == span) {
            let said = format!(
                "{me} handled {:?}, which came with {}, but {what} has {header:?}: the span of {me}'s caller",
                work.id,
                header_of(work)
            );
            return Err(broken(PARENT, said, [work.step, seen.number]));
        }
        if let Some((whose, step)) = self.spans.get(&span) {
            let said = format!("{me} gave {what} the span {span:?}, but that is the span {whose}; each try is a span of its own");
            return Err(broken(UNIQUE, said, [*step, seen.number]));
        }
        self.is_an_id(span.0, what, seen)?;
        self.spans.insert(span, (Whose::Try(id, to), seen.number));
        if let Some(last) = last {
            self.met.add("calls given up", 1);
            self.tries[last].given_up.get_or_insert(now);
        }
        let new = self.tries.len();
        self.tries.push(Try { id, to, work: at, left: now, step: seen.number, span, answer: None, given_up: None, reported: None });
        self.tried.insert(id, new);
        self.owing_tries.push(new);
        self.works[at].tries.entry(to).or_default().push(new);
        self.around.calls(to, id);
        Ok(())
    }

    fn is_an_id(&self, number: u64, what: impl fmt::Display, seen: &Seen<'_, TraceContext>) -> Check {
        if number != 0 {
            return Ok(());
        }
        Err(broken(UNIQUE, format!("{} gave {what} the id 0, which is not an id", self.me), [seen.number]))
    }

    /// What a header says of the trace.
    fn heads(&mut self, at: usize, header: Option<Traceparent>, what: Way, seen: &Seen<'_, TraceContext>) -> Result<Traceparent, Broken> {
        let (me, work) = (self.me, &self.works[at]);
        let Some(header) = header else {
            let said = format!("{me} handled {:?}, which came with {}, but {what} has no header", work.id, header_of(work));
            return Err(broken(SURVIVES, said, [work.step, seen.number]));
        };
        // Of a job that may have come anew, and begun another trace, nobody knows more.
        if work.blurred && work.header.is_none() {
            return Ok(header);
        }
        if let Some(trace) = work.trace.filter(|trace| *trace != header.trace) {
            let rule = if matches!(what, Way::Call(..)) && !work.led { ONE_TRACE } else { SURVIVES };
            let said = format!("{me} handled {:?} in the trace {trace:?}, but {what} has the header {header:?}: another trace", work.id);
            return Err(broken(rule, said, [work.step, seen.number]));
        }
        self.traces(at, header.trace, header.sampled, seen)?;
        if let Some(sampled) = self.works[at].sampled.filter(|sampled| *sampled != header.sampled) {
            let work = &self.works[at];
            let is = |sampled| if sampled { "sampled" } else { "not sampled" };
            let said = format!("{me} handled {:?} in a trace that is {}, but {what} says {}", work.id, is(sampled), is(header.sampled));
            return Err(broken(SAMPLING, said, [work.step, seen.number]));
        }
        self.works[at].led = true;
        Ok(header)
    }

    /// The first that is seen of a trace that begins here.
    pub(super) fn traces(&mut self, at: usize, trace: TraceId, sampled: bool, seen: &Seen<'_, TraceContext>) -> Check {
        let (me, id) = (self.me, self.works[at].id);
        if self.works[at].trace.is_none() {
            self.is_an_id(trace.0, Whose::Trace(id), seen)?;
            if let Some((other, step)) = self.traces.insert(trace, (id, seen.number)) {
                let said =
                    format!("{me} began the trace {trace:?} for {other:?}, but used the same one for {id:?}, which came without a header");
                return Err(broken(ONE_TRACE, said, [step, self.works[at].step, seen.number]));
            }
            if let Some(step) = self.foreign.get(&trace) {
                let said = format!(
                    "{id:?} came to {me} without a header, but {me} put it into {trace:?}, a trace that another header had brought"
                );
                return Err(broken(ONE_TRACE, said, [*step, self.works[at].step, seen.number]));
            }
            self.works[at].trace = Some(trace);
        }
        self.works[at].sampled.get_or_insert(sampled);
        Ok(())
    }

    /// It says that this is the span of what is handled.
    pub(super) fn is_span_of(&mut self, at: usize, span: SpanId, says: impl Fn() -> String, seen: &Seen<'_, TraceContext>) -> Check {
        let (me, work) = (self.me, &self.works[at]);
        if work.span == Some(span) || work.blurred {
            return Ok(());
        }
        let id = work.id;
        let wrong =
            |what: String, step| Err(broken(PARENT, format!("{me} handled {id:?}; {}: {what}", says()), [work.step, step, seen.number]));
        if work.header.is_some_and(|came| came.span == span) {
            return wrong(format!("{span:?} is the span of {me}'s caller, not that of {id:?} itself"), work.step);
        }
        if let Some(own) = work.span {
            return wrong(format!("the span of {id:?} is {own:?}, as it had said before"), work.step);
        }
        if let Some((whose, step)) = self.spans.get(&span) {
            return wrong(format!("{span:?} is the span {whose}"), *step);
        }
        self.is_an_id(span.0, Whose::Work(id), seen)?;
        self.spans.insert(span, (Whose::Work(id), seen.number));
        self.works[at].span = Some(span);
        Ok(())
    }

    fn answers(&mut self, to: NodeId, id: CallId, ok: bool, seen: &Seen<'_, TraceContext>) -> Check {
        let at = self.handled.get(&id).copied().filter(|at| self.works[*at].whom == Whom::Caller(to));
        let Some(at) = at else {
            let said = format!("{} sent Done {{ id: {id:?}, ok: {ok} }} to {to}, but was not handling a Call {id:?} from {to}", self.me);
            return Err(broken(WORK, said, [seen.number]));
        };
        self.ends(at, ok, seen)
    }

    /// What is handled is answered so.
    fn ends(&mut self, at: usize, ok: bool, seen: &Seen<'_, TraceContext>) -> Check {
        let work = &self.works[at];
        if !self.may_end(work, ok, seen.now) {
            let said = format!("{} answered {:?} with ok: {ok}; of its calls, {}", self.me, work.id, self.calls_of(work));
            return Err(broken(WORK, said, [work.step, seen.number]));
        }
        if let Some(span) = work.reported.filter(|span| span.end != seen.now || span.failed == ok) {
            let said = format!("{} reported {span:?}, but answered ok: {ok} at {}", self.me, seen.now);
            return Err(broken(ENDS, said, [work.step, seen.number]));
        }
        self.handled.remove(&work.id);
        self.works[at].over = Some((seen.now, ok, seen.number));
        Ok(())
    }

    pub(super) fn replies(&mut self, taken: &Taken<TraceContext>, response: &Response, seen: &Seen<'_, TraceContext>) -> Check {
        match (&taken.request, response) {
            (Request::Do { id, .. }, Response::Done { ok }) => match self.handled.get(id).copied() {
                Some(at) => self.ends(at, *ok, seen),
                None => Ok(()),
            },
            (Request::Do { id, .. }, other) => {
                Err(broken(WORK, format!("{} answered {id:?} with {other:?}", self.me), [taken.step, seen.number]))
            }
            (request, response) => self.collected.answered(self.me, request, response, seen.number, &mut self.met),
        }
    }
}

fn header_of(work: &Work) -> String {
    work.header.map_or_else(|| "no header".to_owned(), |header| format!("the header {header:?}"))
}
