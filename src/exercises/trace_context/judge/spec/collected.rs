//! What the collector must answer, from the spans that have come: the naive model, in which there is no choice.

use super::broken;
use crate::exercises::trace_context::judge::rules::{PATH, PERCENTILE, TREE, WORK};
use crate::exercises::trace_context::{Kind, Leg, Request, Response, Row, Span, SpanId, TraceId};
use crate::rule::{Check, Coverage};
use crate::sim::NodeId;
use crate::time::Time;
use crate::words::shown;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

/// The spans of a trace, each with the step in which it came.
type Spans = BTreeMap<SpanId, (Span, u64)>;

#[derive(Clone, Default)]
pub(super) struct Collected(BTreeMap<TraceId, Spans>);

impl Collected {
    pub(super) fn forgets(&mut self) {
        self.0.clear();
    }

    pub(super) fn comes(&mut self, span: &Span, step: u64, met: &mut Coverage) {
        let spans = self.0.entry(span.trace).or_default();
        let is_parent = spans.values().any(|(child, _)| child.parent == Some(span.id));
        let again = spans.contains_key(&span.id);
        spans.entry(span.id).or_insert((*span, step));
        met.add("spans that came twice", u64::from(again));
        met.add("parents that came after their children", u64::from(is_parent && !again));
    }

    pub(super) fn answered(&self, me: NodeId, request: &Request, response: &Response, step: u64, met: &mut Coverage) -> Check {
        let nothing = Spans::new();
        let of = |trace: &TraceId| self.0.get(trace).unwrap_or(&nothing);
        match (request, response) {
            (Request::Tree(trace), Response::Tree(rows)) => {
                let due = tree(of(trace));
                met.add("trees with an orphan", u64::from(due.iter().any(|row| row.orphan)));
                compare(TREE, "row", &due, rows, of(trace), &format!("{me} was asked for the tree of {trace:?}"), step)
            }
            (Request::CriticalPath(trace), Response::CriticalPath(legs)) => {
                let due = critical_path(of(trace));
                met.add("critical paths through a child", u64::from(due.len() > 1));
                compare(PATH, "leg", &due, legs, of(trace), &format!("{me} was asked for the critical path of {trace:?}"), step)
            }
            (Request::Percentile { services, per_mille }, Response::Percentile(answer)) => {
                let durations = self.durations(services);
                let (rank, due) = nearest_rank(&durations, *per_mille);
                met.add("percentiles of several services", u64::from(durations.len() > 1 && services.len() > 1));
                if *answer == due {
                    return Ok(());
                }
                let all: Vec<String> = durations.iter().map(|duration| format!("{duration:?}")).collect();
                let said = format!(
                    "{me} was asked for the {per_mille} per mille of {services:?}, which is number {rank} of {} durations: {}; it answered {}",
                    durations.len(),
                    due.map_or("none".to_owned(), |due| format!("{due:?}")),
                    answer.map_or("none".to_owned(), |answer| format!("{answer:?}")),
                );
                let listed = if all.len() <= 12 { format!(". They are {}", all.join(", ")) } else { String::new() };
                Err(broken(PERCENTILE, said + &listed, [step]))
            }
            (request, response) => Err(broken(WORK, format!("{me} was asked {request:?}, but answered {}", shown(response)), [step])),
        }
    }

    fn durations(&self, services: &[NodeId]) -> Vec<Duration> {
        let spans = self.0.values().flat_map(Spans::values).map(|(span, _)| span);
        let handled = spans.filter(|span| span.kind == Kind::Handles && services.contains(&span.service));
        let mut durations: Vec<Duration> = handled.map(|span| span.end.since(span.begin)).collect();
        durations.sort_unstable();
        durations
    }
}

/// Which one, counted from 1, and the duration itself.
fn nearest_rank(durations: &[Duration], per_mille: u64) -> (u64, Option<Duration>) {
    let n = durations.len() as u64;
    // The smallest rank that at least so many thousandths are at or below.
    let rank = (1..=n).find(|rank| rank * 1_000 >= per_mille * n).unwrap_or(0);
    (rank, rank.checked_sub(1).and_then(|at| durations.get(at as usize)).copied())
}

fn root(spans: &Spans) -> Option<Span> {
    spans.values().map(|(span, _)| *span).find(|span| span.parent.is_none())
}

/// What hangs under this span, in order; under nothing: what would hang under the root, if it had come.
fn under(spans: &Spans, place: Option<SpanId>) -> Vec<Span> {
    let root = root(spans).map(|root| root.id);
    let hangs = |span: &Span| span.parent.is_some_and(|parent| if spans.contains_key(&parent) { Some(parent) } else { root } == place);
    let mut children: Vec<Span> = spans.values().map(|(span, _)| *span).filter(|span| hangs(span)).collect();
    children.sort_by_key(|span| (span.begin, span.id));
    children
}

fn tree(spans: &Spans) -> Vec<Row> {
    let mut rows = Vec::new();
    // What is still to be shown, the next one at the end.
    let mut next: Vec<(Span, u32)> = match root(spans) {
        Some(root) => vec![(root, 0)],
        None => under(spans, None).into_iter().rev().map(|orphan| (orphan, 1)).collect(),
    };
    while let Some((span, depth)) = next.pop() {
        rows.push(Row { span: span.id, depth, orphan: span.parent.is_some_and(|parent| !spans.contains_key(&parent)) });
        next.extend(under(spans, Some(span.id)).into_iter().rev().map(|child| (child, depth + 1)));
    }
    rows
}

fn critical_path(spans: &Spans) -> Vec<Leg> {
    let mut legs = Vec::new();
    if let Some(root) = root(spans) {
        walk(spans, root.id, [root.begin, root.end], &mut legs);
    }
    legs.reverse();
    legs
}

fn walk(spans: &Spans, span: SpanId, [begin, end]: [Time; 2], legs: &mut Vec<Leg>) {
    let cut = |child: Span| (child.end.clamp(begin, end), Reverse(child.begin.clamp(begin, end)), Reverse(child.id));
    let mut children: Vec<_> = under(spans, Some(span)).into_iter().map(cut).filter(|(to, from, _)| from.0 < *to).collect();
    children.sort_unstable();
    let mut at = end;
    while let Some((to, Reverse(from), Reverse(child))) = children.pop() {
        if to > at {
            continue;
        }
        if to < at {
            legs.push(Leg { span, from: to, to: at });
        }
        walk(spans, child, [from, to], legs);
        at = from;
    }
    if begin < at {
        legs.push(Leg { span, from: begin, to: at });
    }
}

/// The first place in which the answer is another.
fn compare<T: Debug + PartialEq>(rule: &'static str, what: &str, due: &[T], is: &[T], spans: &Spans, asked: &str, step: u64) -> Check {
    if due == is {
        return Ok(());
    }
    let at = due.iter().zip(is).take_while(|(due, is)| due == is).count();
    let differs = match (due.get(at), is.get(at)) {
        (None, Some(more)) if due.is_empty() => format!("the answer must be empty, but its {what} {} is {more:?}", at + 1),
        (None, Some(more)) => format!("{what} {} is {more:?}, but there must be only {}", at + 1, due.len()),
        (Some(due), None) => format!("{what} {} must be {due:?}, but there is none", at + 1),
        (Some(due), Some(is)) => format!("{what} {} must be {due:?}, but is {is:?}", at + 1),
        (None, None) => return Ok(()),
    };
    let mut all: Vec<&(Span, u64)> = spans.values().collect();
    all.sort_by_key(|(span, _)| (span.begin, span.id));
    let listed: Vec<String> = all.iter().take(8).map(|(span, _)| line(span)).collect();
    let more = if all.len() > 8 { format!(" and {} more", all.len() - 8) } else { String::new() };
    let came = if all.is_empty() { "no span of it had come".to_owned() } else { format!("it had {}{more}", listed.join("; ")) };
    Err(broken(rule, format!("{asked}: {differs}. Of that trace, {came}"), all.iter().map(|(_, step)| *step).take(8).chain([step])))
}

/// `s8 under s3 from 10.000 ms to 30.000 ms`
fn line(span: &Span) -> String {
    let parent = span.parent.map_or_else(|| "without a parent".to_owned(), |parent| format!("under {parent:?}"));
    format!("{:?} {parent} from {} to {}", span.id, span.begin, span.end)
}
