//! What is reported: which span it is, and whether all of it is true.

use super::{A_LITTLE, Ghost, Try, Whom, broken};
use crate::exercises::trace_context::judge::rules::{ENDS, ONE_TRACE, PARENT, SAMPLING, UNIQUE};
use crate::exercises::trace_context::{Kind, Span, TIMEOUT, TraceContext};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen};

impl Ghost {
    pub(super) fn reports(&mut self, to: NodeId, span: &Span, seen: &Seen<'_, TraceContext>) -> Check {
        let (me, collector) = (self.me, self.config.collector);
        let wrong = |why: String| Err(broken(ENDS, format!("{me} reported {span:?}, {why}"), [seen.number]));
        if to != collector {
            return wrong(format!("to {to}; the collector is {collector}"));
        }
        if span.service != me {
            return wrong(format!("as a span of {}", span.service));
        }
        if span.end < span.begin || span.end > seen.now {
            return wrong(format!("at {}: it ends before its begin, or after now", seen.now));
        }
        match span.kind {
            Kind::Calls => self.reports_try(span, seen),
            Kind::Handles => self.reports_work(span, seen),
        }
    }

    fn reports_try(&mut self, span: &Span, seen: &Seen<'_, TraceContext>) -> Check {
        let me = self.me;
        let Some(at) = self.tried.get(&span.of).copied() else {
            return Err(broken(ENDS, format!("{me} reported {span:?}, but had made no call {:?} in this life", span.of), [seen.number]));
        };
        let Try { to, work, left, step, span: own, .. } = self.tries[at];
        let said = |rule, why: String| Err(broken(rule, format!("{me} reported {span:?}, but {why}"), [step, seen.number]));
        match self.tries[at].reported {
            Some(before) if before == *span => return Ok(()),
            Some(before) => return said(ENDS, format!("had reported {before:?} before")),
            None => {}
        }
        if span.id != own {
            return said(PARENT, format!("the Call {:?} to {to} carried the span {own:?}: what {to} does for it is under that", span.of));
        }
        self.is_of_its_trace(work, span, step, seen)?;
        match span.parent {
            Some(parent) => self.is_span_of(work, parent, || format!("it reported {span:?}"), seen)?,
            None => return said(PARENT, format!("it was made for {:?}: its parent is that span", self.works[work].id)),
        }
        if span.begin != left {
            return said(ENDS, format!("the call left at {left}"));
        }
        let attempt = &self.tries[at];
        let answered = attempt.answer.is_some_and(|(at, ok, _)| span.end == at && span.failed != ok);
        let after = span.end + A_LITTLE >= left + TIMEOUT && attempt.given_up.is_none_or(|next| span.end <= next);
        let given_up = span.failed && after && attempt.may_be_given_up(seen.now);
        if !answered && !given_up {
            let came = match attempt.answer {
                Some((at, ok, _)) => format!("it was answered ok: {ok} at {at}"),
                None => format!("no answer had come; it left at {left}, and must wait {} ms for one", TIMEOUT.as_millis()),
            };
            return said(ENDS, came);
        }
        self.met.add("spans of a failure", u64::from(span.failed));
        self.tries[at].reported = Some(*span);
        Ok(())
    }

    fn reports_work(&mut self, span: &Span, seen: &Seen<'_, TraceContext>) -> Check {
        let me = self.me;
        let works = self.known.get(&span.of).map_or(&[][..], Vec::as_slice);
        if works.iter().any(|at| self.works[*at].reported == Some(*span)) {
            return Ok(());
        }
        let open = |at: &&usize| self.works[**at].reported.is_none();
        let fits = |at: &&usize| self.works[**at].span.is_none_or(|own| own == span.id) && self.works[**at].came == span.begin;
        let found = works.iter().filter(open).find(fits).or_else(|| works.iter().find(open)).or(works.last()).copied();
        let Some(at) = found else {
            return Err(broken(ENDS, format!("{me} reported {span:?}, but had handled no {:?} in this life", span.of), [seen.number]));
        };
        let work = &self.works[at];
        let (step, blurred, came) = (work.step, work.blurred, work.came);
        let said = |rule, why: String| Err(broken(rule, format!("{me} reported {span:?}, but {why}"), [step, seen.number]));
        if let Some(before) = work.reported.filter(|_| !blurred) {
            let rule = if before.id == span.id { ENDS } else { UNIQUE };
            return said(rule, format!("had reported {before:?} before, and had handled {:?} only once", span.of));
        }
        let parent = work.header.map(|header| header.span);
        if span.parent != parent {
            let came = parent.map_or_else(|| "without a header: it has no parent".to_owned(), |parent| format!("for the span {parent:?}"));
            return said(PARENT, format!("{:?} came {came}", span.of));
        }
        if !blurred
            && work.span.is_none()
            && let Some((whose, first)) = self.spans.get(&span.id)
        {
            let seen_twice = format!("{me} reported {span:?}, but {:?} is the span {whose}", span.id);
            return Err(broken(UNIQUE, seen_twice, [*first, step, seen.number]));
        }
        self.is_of_its_trace(at, span, step, seen)?;
        if blurred {
            return Ok(());
        }
        if parent == Some(span.id) {
            return said(UNIQUE, format!("{:?} is the span of its caller", span.id));
        }
        self.is_span_of(at, span.id, || format!("it reported {span:?}"), seen)?;
        if span.begin != came {
            return said(ENDS, format!("{:?} came at {came}", span.of));
        }
        let work = &self.works[at];
        let calls = || self.calls_of(work);
        match (work.whom, work.over) {
            (_, Some((over, ok, _))) if span.end != over || span.failed == ok => {
                return said(ENDS, format!("{:?} was answered ok: {ok} at {over}", span.of));
            }
            // It may be reported in the step in which it is answered, before that.
            (Whom::Client(_) | Whom::Caller(_), None) if span.end != seen.now || !self.may_end(work, !span.failed, seen.now) => {
                return said(ENDS, format!("{:?} was not answered yet; of its calls, {}", span.of, calls()));
            }
            (Whom::Nobody, None) if !self.may_end(work, !span.failed, span.end) => {
                return said(ENDS, format!("{:?} came at {came}; of its calls, {}", span.of, calls()));
            }
            _ => {}
        }
        self.met.add("spans of a failure", u64::from(span.failed));
        self.works[at].reported = Some(*span);
        if self.works[at].whom == Whom::Nobody && self.handled.get(&span.of) == Some(&at) {
            self.handled.remove(&span.of);
        }
        Ok(())
    }

    /// The trace that a span says, of what is handled.
    fn is_of_its_trace(&mut self, at: usize, span: &Span, step: u64, seen: &Seen<'_, TraceContext>) -> Result<(), Broken> {
        let (me, work) = (self.me, &self.works[at]);
        if work.blurred && work.header.is_none() {
            return Ok(());
        }
        if let Some(trace) = work.trace.filter(|trace| *trace != span.trace) {
            let said = format!("{me} reported {span:?}, but {:?} belongs to the trace {trace:?}", work.id);
            return Err(broken(ONE_TRACE, said, [work.step, step, seen.number]));
        }
        self.traces(at, span.trace, true, seen)?;
        if self.works[at].sampled == Some(false) {
            let said = format!("{me} reported {span:?}, but {:?} is not sampled", span.trace);
            return Err(broken(SAMPLING, said, [self.works[at].step, seen.number]));
        }
        Ok(())
    }
}
