//! The picture of this exercise: one request as a waterfall, from the tree and the critical path that the learner's collector has answered.

use super::rules::{PATH, TREE};
use super::shop;
use crate::exercises::kit::{N1, N3, N5, Script};
use crate::exercises::trace_context::{CallId, Kind, Leg, Message, Request, Response, Row, Span, TraceContext};
use crate::rule::Check;
use crate::sim::{Effect, Factory, Referee, Setup, World};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::cell::{Cell, RefCell};

/// So many columns are the time of the root.
const WIDE: u64 = 60;

/// What the services have reported.
#[derive(Default)]
struct Diary(RefCell<Vec<Span>>);

impl Referee<TraceContext> for &Diary {
    fn step(&mut self, step: &crate::sim::Step<'_, TraceContext>, _: &World<'_, TraceContext>) -> Check {
        for effect in step.effects {
            if let Effect::Send { message: Message::Report(spans), .. } = effect {
                let mut all = self.0.borrow_mut();
                let new: Vec<Span> = spans.iter().filter(|span| !all.contains(span)).copied().collect();
                all.extend(new);
            }
        }
        Ok(())
    }
}

/// A column of the picture: where that time is between the begin and the end of the root.
fn column(root: &Span, at: Time) -> u64 {
    let whole = root.end.since(root.begin).as_micros().max(1) as u64;
    (at.clamp(root.begin, root.end).since(root.begin).as_micros() as u64 * WIDE).div_ceil(whole)
}

fn line(root: &Span, row: &Row, span: &Span, legs: &[Leg]) -> String {
    let what = match span.kind {
        Kind::Handles => format!("{} handles", span.service),
        Kind::Calls => format!("{} calls", span.service),
    };
    let label = format!("{}{what}{}", "  ".repeat(row.depth as usize), if span.failed { ", failed" } else { "" });
    let is_critical = |at: u64| legs.iter().any(|leg| leg.span == span.id && (column(root, leg.from)..column(root, leg.to)).contains(&at));
    let (from, to) = (column(root, span.begin), column(root, span.end));
    let bar = |at: u64| match at {
        at if is_critical(at) => '#',
        at if (from..to.max(from + 1)).contains(&at) => '-',
        _ => ' ',
    };
    format!("  {label:<32}|{}| {} ms", (0..WIDE).map(bar).collect::<String>(), span.end.since(span.begin).as_millis())
}

/// The first answer of n3 is lost: n1 calls it twice. The last service gets a job as well.
pub(super) fn shown(f: Factory<TraceContext>, p: &Probe) -> Check {
    let diary = Diary::default();
    let mut watch = &diary;
    let configs = (0..5).map(|node| shop(node, 5)).collect();
    let mut s = Script::of(World::by_hand_watched(f, Setup::new(1, configs), p, Some(&mut watch)));
    (0..5).map(crate::sim::NodeId::from_index).try_for_each(|node| s.start(node))?;
    s.ask(N1, Request::Do { id: CallId(1), header: None })?;
    let lost = Cell::new(false);
    s.run_losing(millis(900), |envelope| {
        matches!(envelope.message, Message::Done { .. }) && (envelope.from, envelope.to) == (N3, N1) && !lost.replace(true)
    })?;
    let spans = diary.0.borrow().clone();
    let root = spans.iter().find(|span| span.parent.is_none()).copied();
    s.say("n1 handled a request without a header, through n2, n3 and n4; the first answer of n3 was lost, but no report was".to_owned());
    let Some(root) = root else { return Err(s.broken(TREE, "no span without a parent was reported")) };
    let ticket = s.call(N5, Request::Tree(root.trace))?;
    let rows = if let Some(Response::Tree(rows)) = s.answer_to(ticket) { rows.clone() } else { Vec::new() };
    let all = || spans.iter().all(|span| rows.iter().any(|row| row.span == span.id && !row.orphan)) && rows.len() == spans.len();
    s.expect(TREE, all(), || format!("{} spans were reported, but the tree is {rows:?}", spans.len()))?;
    let ticket = s.call(N5, Request::CriticalPath(root.trace))?;
    let legs = if let Some(Response::CriticalPath(legs)) = s.answer_to(ticket) { legs.clone() } else { Vec::new() };
    let first = legs.first().map(|leg| leg.from);
    s.expect(PATH, first == Some(root.begin), || {
        format!("the critical path must begin with the root, at {}, but is {legs:?}", root.begin)
    })?;
    let lines: Vec<String> =
        rows.iter().filter_map(|row| spans.iter().find(|span| span.id == row.span).map(|span| line(&root, row, span, &legs))).collect();
    p.remark(format!(
        "A request through four services, as your collector has it. The first answer of n3 to n1 was lost, so n1 called it a second time. # is the critical path.\n{}\n\
         Read down the #: wherever the answer was waiting for a span, there is one, and only one in each column. The try that was given up took most of the time; \
         without its own span there would be a hole in its place. The job of n4 is in the tree, but the answer did not wait for it.",
        lines.join("\n")
    ));
    Ok(())
}
