//! What a node of `trace_context` may do: its ghost, kept from what others can observe. Which call is made for what is told by its number ([`Message::Call`]'s
//! `within`), never by the headers: these are what is judged. Any ids, reports one by one or in batches, ticks in place of timers: all are allowed. What may leave
//! is in `leaves`, what is reported in `reports`, what is late in `overdue`, what the collector must answer in `collected`, and what could come in in `inputs`.

mod collected;
mod inputs;
mod leaves;
mod overdue;
mod reports;

use super::rules::{ENDS, ONE_TRACE, PARENT, PATH, PERCENTILE, SAMPLING, SURVIVES, TREE, UNIQUE, WORK};
use crate::exercises::kit::Open;
use crate::exercises::trace_context::{CallId, Config, Message, Request, SpanId, TIMEOUT, TRIES, TraceContext, TraceId, Traceparent};
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, Effect, Factory, NodeId, Seen, Spec, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use collected::Collected;
use inputs::Surroundings;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// A clock that drifts rounds.
const A_LITTLE: Duration = millis(1);

pub(super) fn storms(factory: Factory<TraceContext>) -> Storms {
    Storms {
        rules: &[ONE_TRACE, PARENT, UNIQUE, SURVIVES, SAMPLING, ENDS, TREE, PATH, PERCENTILE, WORK],
        must_meet: &[
            "storm crashes between two effects",
            "requests without a header",
            "calls given up",
            "jobs",
            "headers that are not sampled",
            "spans of a failure",
            "trees with an orphan",
            "parents that came after their children",
            "spans that came twice",
            "critical paths through a child",
            "percentiles of several services",
        ],
        count: 4_000,
        run: Box::new(move |seed, probe| storm::<TraceContext, Ghost>(factory, seed, probe)),
    }
}

/// Who waits for what is handled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Client(Ticket),
    Caller(NodeId),
    Nobody,
}

/// Whose an id is.
#[derive(Clone, Copy)]
enum Whose {
    Work(CallId),
    Try(CallId, NodeId),
    Trace(CallId),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Work(id) => write!(f, "of {id:?}, which it handles"),
            Whose::Try(id, to) => write!(f, "of the Call {id:?} to {to}"),
            Whose::Trace(id) => write!(f, "the trace of {id:?}"),
        }
    }
}

/// Something that it handles, or has handled.
#[derive(Clone)]
struct Work {
    id: CallId,
    whom: Whom,
    came: Time,
    step: u64,
    header: Option<Traceparent>,
    /// What it has shown of its span: nothing, at first.
    trace: Option<TraceId>,
    sampled: Option<bool>,
    span: Option<SpanId>,
    /// Whether a header of it has left that was right.
    led: bool,
    /// The tries of its calls, and when its jobs have left.
    tries: BTreeMap<NodeId, Vec<usize>>,
    jobs: BTreeMap<NodeId, Time>,
    /// When it was answered, how, and in which step.
    over: Option<(Time, bool, u64)>,
    reported: Option<super::super::Span>,
    /// A copy came when nobody can know whether it was still being handled.
    blurred: bool,
}

/// One try of a call.
#[derive(Clone)]
struct Try {
    id: CallId,
    to: NodeId,
    work: usize,
    left: Time,
    step: u64,
    span: SpanId,
    /// Its answer: when, what, and in which step. If it came after the timeout it may have been given up before.
    answer: Option<(Time, bool, u64)>,
    /// When the next one left.
    given_up: Option<Time>,
    reported: Option<super::super::Span>,
}

impl Try {
    /// Whether it may have been given up, now or before.
    fn may_be_given_up(&self, now: Time) -> bool {
        let until = self.answer.map_or(now, |(at, ..)| at);
        self.given_up.is_some() || until + A_LITTLE >= self.left + TIMEOUT
    }
}

/// The ghost of a node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    config: Config,
    open: Open<TraceContext>,
    works: Vec<Work>,
    tries: Vec<Try>,
    /// Of this life, by number: what is being handled, what was handled, and the tries.
    handled: BTreeMap<CallId, usize>,
    known: BTreeMap<CallId, Vec<usize>>,
    tried: BTreeMap<CallId, usize>,
    /// Of this life: whose span may still have to be reported.
    owing_works: Vec<usize>,
    owing_tries: Vec<usize>,
    /// Of all lives: the ids and numbers that it has made, and in which step; and the traces that came in.
    spans: BTreeMap<SpanId, (Whose, u64)>,
    traces: BTreeMap<TraceId, (CallId, u64)>,
    numbers: BTreeSet<CallId>,
    foreign: BTreeMap<TraceId, u64>,
    /// When it is time to see what is late.
    looks_at: Time,
    collected: Collected,
    around: Surroundings,
    met: Coverage,
}

fn broken(rule: &'static str, seen: String, steps: impl IntoIterator<Item = u64>) -> Broken {
    Broken::new(rule, seen).at(steps)
}

impl Ghost {
    pub fn new(me: NodeId, config: Config) -> Self {
        Ghost {
            me,
            config,
            open: Open::new(WORK, me),
            works: Vec::new(),
            tries: Vec::new(),
            handled: BTreeMap::new(),
            known: BTreeMap::new(),
            tried: BTreeMap::new(),
            owing_works: Vec::new(),
            owing_tries: Vec::new(),
            spans: BTreeMap::new(),
            traces: BTreeMap::new(),
            numbers: BTreeSet::new(),
            foreign: BTreeMap::new(),
            looks_at: Time::ZERO,
            collected: Collected::default(),
            around: Surroundings::default(),
            met: Coverage::default(),
        }
    }

    /// All that was under way is gone.
    fn starts(&mut self) {
        self.looks_at = Time::ZERO;
        self.handled.clear();
        self.known.clear();
        self.tried.clear();
        self.owing_works.clear();
        self.owing_tries.clear();
        self.collected.forgets();
    }

    fn comes(&mut self, id: CallId, whom: Whom, header: Option<Traceparent>, seen: &Seen<'_, TraceContext>) {
        self.met.add("requests without a header", u64::from(header.is_none()));
        self.met.add("headers that are not sampled", u64::from(header.is_some_and(|header| !header.sampled)));
        self.met.add("jobs", u64::from(whom == Whom::Nobody));
        if let Some(at) = self.handled.get(&id).copied() {
            let work = &self.works[at];
            // Nobody sees when a job is over, but by its report.
            let may_be_over = work.whom == Whom::Nobody && self.over_from(work).is_some_and(|over| seen.now + A_LITTLE >= over);
            if work.reported.is_none() || work.blurred {
                self.works[at].blurred |= may_be_over;
                return;
            }
        }
        if let Some(header) = header {
            self.foreign.entry(header.trace).or_insert(seen.number);
        }
        let begins = header.is_none() && self.config.one_in == 1;
        let work = Work {
            id,
            whom,
            came: seen.now,
            step: seen.number,
            header,
            trace: header.map(|header| header.trace),
            sampled: header.map(|header| header.sampled).or(begins.then_some(true)),
            span: None,
            led: false,
            tries: BTreeMap::new(),
            jobs: BTreeMap::new(),
            over: None,
            reported: None,
            blurred: false,
        };
        let at = self.works.len();
        self.works.push(work);
        self.handled.insert(id, at);
        self.known.entry(id).or_default().push(at);
        self.owing_works.push(at);
    }

    /// The answer to a try. One that was given up is of no interest any more.
    fn hears(&mut self, id: CallId, ok: bool, seen: &Seen<'_, TraceContext>) {
        let Some(at) = self.tried.get(&id) else { return };
        let attempt = &mut self.tries[*at];
        if attempt.given_up.is_none() {
            attempt.answer.get_or_insert((seen.now, ok, seen.number));
        }
    }

    fn last(&self, work: &Work, to: NodeId) -> Option<(&Try, usize)> {
        let tries = work.tries.get(&to)?;
        Some((&self.tries[*tries.last()?], tries.len()))
    }

    /// From when on it may be over, if all of its calls may be.
    fn over_from(&self, work: &Work) -> Option<Time> {
        let mut from = work.came + self.config.works;
        for to in &self.config.jobs {
            from = from.max(*work.jobs.get(to)?);
        }
        for to in &self.config.calls {
            let (last, tries) = self.last(work, *to)?;
            // The answer to the last try may have come when that was given up.
            let given_up = (tries as u32 == TRIES).then_some(last.left + TIMEOUT);
            let answered = last.answer.map(|(at, ..)| at);
            let over = answered.into_iter().chain(given_up).min()?;
            from = from.max(over);
        }
        Some(from)
    }

    /// Whether it may be over with this end, now.
    fn may_end(&self, work: &Work, ok: bool, now: Time) -> bool {
        let fails =
            |(last, tries): (&Try, usize)| last.answer.is_some_and(|(_, ok, _)| !ok) || tries as u32 == TRIES && last.may_be_given_up(now);
        let last = || self.config.calls.iter().filter_map(|to| self.last(work, *to));
        self.over_from(work).is_some_and(|from| now + A_LITTLE >= from)
            && if ok { last().all(|(last, _)| last.answer.is_some_and(|(_, ok, _)| ok)) } else { last().any(fails) }
    }

    /// What became of its calls, for a finding.
    fn calls_of(&self, work: &Work) -> String {
        let each = |to: &NodeId| match self.last(work, *to) {
            None => format!("{to} was not called"),
            Some((Try { answer: Some((_, ok, _)), .. }, _)) => format!("{to} answered ok: {ok}"),
            Some((_, tries)) => format!("{to} did not answer {}", if tries == 1 { "yet".to_owned() } else { format!("{tries} tries") }),
        };
        let all: Vec<String> = self.config.calls.iter().map(each).collect();
        if all.is_empty() { "it calls nobody".to_owned() } else { all.join(", ") }
    }

    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}

impl Spec<TraceContext> for Ghost {
    fn step(&mut self, seen: &Seen<'_, TraceContext>) -> Check {
        if seen.is_start() {
            self.starts();
        }
        let mut answers = self.open.step(seen)?.into_iter();
        match seen.cause {
            Cause::Message { from, message, .. } => match message {
                Message::Call { id, header, .. } => self.comes(*id, Whom::Caller(from), *header, seen),
                Message::Job { id, header, .. } => self.comes(*id, Whom::Nobody, *header, seen),
                Message::Done { id, ok } => self.hears(*id, *ok, seen),
                Message::Report(spans) => spans.iter().for_each(|span| self.collected.comes(span, seen.number, &mut self.met)),
            },
            Cause::Request { ticket, request: Request::Do { id, header } } => self.comes(*id, Whom::Client(ticket), *header, seen),
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Send { to, message } => self.sends(*to, message, seen)?,
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = answers.next() {
                        self.replies(&taken, response, seen)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.overdue(now)
    }
}
