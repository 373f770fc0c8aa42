//! Examples: one service, and the script in the place of all others; one collector, and what it is told. The ghost watches, and says what is wrong.

use super::rules::{ENDS, ONE_TRACE, PARENT, PATH, PERCENTILE, SAMPLING, SURVIVES, TREE, UNIQUE, WORK};
use super::spec::Ghost;
use crate::exercises::kit::{N1, N2, N3, N4, Script, rows};
use crate::exercises::trace_context::{CallId, Config, Kind, Message, Request, Span, SpanId, TraceContext, TraceId, Traceparent};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Factory, Ghosts, NodeId, Referee, Setup, Step, World};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use Comes::{Asked, Called, Given};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How something comes to n1.
#[derive(Clone, Copy)]
enum Comes {
    Asked,
    Called,
    Given,
}

/// The ghost of n1, for the script as well.
#[derive(Clone)]
struct Watch(Rc<RefCell<Ghosts<TraceContext, Ghost>>>);

impl Referee<TraceContext> for Watch {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, TraceContext>) -> Check {
        self.0.borrow_mut().cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, TraceContext>, world: &World<'_, TraceContext>) -> Check {
        self.0.borrow_mut().step(step, world)
    }
}

/// n1, watched; `does` is the script. What is late at its end is seen.
fn watched(f: Factory<TraceContext>, p: &Probe, config: &Config, does: impl FnOnce(&mut Script<'_, TraceContext>) -> Check) -> Check {
    let watch = Watch(Rc::new(RefCell::new(Ghosts::of(N1, Ghost::new(N1, config.clone())))));
    let mut referee = watch.clone();
    let world = World::by_hand_watched(f, Setup::new(1, vec![config.clone(); 4]), p, Some(&mut referee));
    let mut s = Script::of(world);
    s.start(N1)?;
    does(&mut s)?;
    watch.0.borrow_mut().time(N1, &s.world)
}

/// n1 works for 5 ms, calls so many of n2 and n3, gives a job to n2 if there are two, and reports to n4.
fn service(calls: usize) -> Config {
    let jobs = if calls > 1 { vec![N2] } else { Vec::new() };
    Config { works: millis(5), calls: [N2, N3][..calls].to_vec(), jobs, collector: N4, one_in: 1 }
}

const fn header(trace: u64, sampled: bool) -> Option<Traceparent> {
    Some(Traceparent { trace: TraceId(trace), span: SpanId(0xa0 + trace), sampled })
}

fn comes(s: &mut Script<'_, TraceContext>, how: Comes, id: u64, header: Option<Traceparent>) -> Check {
    let (id, within) = (CallId(id), CallId(0xc0));
    match how {
        Asked => s.ask(N1, Request::Do { id, header }).map(drop),
        Called => s.tell(N3, N1, Message::Call { id, within, header }),
        Given => s.tell(N3, N1, Message::Job { id, within, header }),
    }
}

/// What others answer to a call: this, at once; or nothing.
fn answers(message: &Message, ok: Option<bool>) -> Vec<Message> {
    match (message, ok) {
        (Message::Call { id, .. }, Some(ok)) => vec![Message::Done { id: *id, ok }],
        _ => Vec::new(),
    }
}

/// Longer than what begins now has time to end, and to be reported.
fn passes(s: &mut Script<'_, TraceContext>, ok: Option<bool>) -> Check {
    s.play(millis(1_300), |envelope| answers(&envelope.message, ok))
}

pub(super) fn add(suite: &mut Suite, f: Factory<TraceContext>) {
    let mut plays = |rule, name, calls, how, header, ok| {
        let row = (calls, how, header, ok);
        rows(suite, rule, [(name, row)], move |p: &Probe, (calls, how, header, ok)| {
            watched(f, p, &service(*calls), |s| {
                comes(s, *how, 1, *header)?;
                passes(s, *ok)
            })
        });
    };
    let sampled = header(7, true);
    plays(ONE_TRACE, "a call that comes with a header", 1, Called, sampled, Some(true));
    plays(ONE_TRACE, "a request that comes without one", 1, Asked, None, Some(true));
    plays(PARENT, "a job that makes a call", 1, Given, sampled, Some(true));
    plays(SURVIVES, "two calls and a job", 2, Asked, sampled, Some(true));
    plays(UNIQUE, "a call that is never answered", 1, Asked, sampled, None);
    plays(SAMPLING, "a trace that is not sampled", 2, Called, header(7, false), Some(true));
    plays(ENDS, "a call that fails", 1, Called, sampled, Some(false));
    plays(ENDS, "a service that makes no calls", 0, Called, sampled, None);
    plays(WORK, "two calls that nobody answers", 2, Asked, sampled, None);
    suite.vector(ONE_TRACE, "two requests at once", move |p| {
        watched(f, p, &service(2), |s| {
            (1..=2).try_for_each(|id| comes(s, Asked, id, None))?;
            passes(s, Some(true))
        })
    });
    suite.vector(UNIQUE, "the same call, when it was already answered", move |p| {
        watched(f, p, &service(1), |s| (0..2).try_for_each(|_| comes(s, Called, 1, sampled).and_then(|()| passes(s, Some(true)))))
    });
    suite.vector(UNIQUE, "a request, a restart and a request", move |p| {
        watched(f, p, &service(1), |s| {
            comes(s, Asked, 1, None)?;
            passes(s, Some(true))?;
            s.restart(N1)?;
            comes(s, Asked, 2, None)?;
            passes(s, Some(true))
        })
    });
    suite.vector(SURVIVES, "a hundred and fifty requests at once", move |p| {
        watched(f, p, &service(2), |s| {
            (1..=150).try_for_each(|id| comes(s, Asked, id, header(id, true)))?;
            passes(s, Some(true))
        })
    });
    suite.vector(UNIQUE, "three hundred requests, one after the other", move |p| {
        watched(f, p, &service(1), |s| {
            (1..=300).try_for_each(|id| {
                comes(s, Asked, id, None)?;
                s.play(millis(60), |envelope| answers(&envelope.message, Some(true)))
            })?;
            passes(s, Some(true))
        })
    });
    collectors(suite, f);
    suite.scenario(SAMPLING, "two thousand requests, of which one in ten is sampled", move |p| share(f, p));
}

/// A span of n1's, from and to in milliseconds.
fn span(trace: u64, id: u64, parent: u64, [begin, end]: [u64; 2]) -> Span {
    Span {
        trace: TraceId(trace),
        id: SpanId(id),
        parent: (parent > 0).then_some(SpanId(parent)),
        service: [N2, N3][usize::from(trace > 1)],
        kind: Kind::Handles,
        of: CallId(id),
        begin: Time::from_millis(begin),
        end: Time::from_millis(end),
        failed: false,
    }
}

const TREE_OF: fn(u64) -> Request = |trace| Request::Tree(TraceId(trace));
const PATH_OF: fn(u64) -> Request = |trace| Request::CriticalPath(TraceId(trace));

fn collectors(suite: &mut Suite, f: Factory<TraceContext>) {
    let of = |spans: &[(u64, u64, [u64; 2])]| spans.iter().map(|(id, parent, at)| span(1, *id, *parent, *at)).collect::<Vec<Span>>();
    let mut told = |rule, name, spans: Vec<Span>, asks: Vec<Request>| {
        let row = (spans, asks);
        rows(suite, rule, [(name, row)], move |p: &Probe, (spans, asks)| {
            watched(f, p, &service(0), |s| {
                // For a tree one by one, and the question after each of them.
                for spans in spans.chunks(if rule == TREE && spans.len() < 10 { 1 } else { 50 }) {
                    s.tell(N2, N1, Message::Report(spans.to_vec()))?;
                    asks.iter().try_for_each(|request| s.call(N1, request.clone()).map(drop))?;
                }
                s.wait(millis(100))
            })
        });
    };
    let root = (1, 0, [0, 100]);
    told(TREE, "a root and two children", of(&[root, (3, 1, [50, 60]), (2, 1, [10, 20])]), vec![TREE_OF(1)]);
    told(TREE, "children that come before their parents", of(&[(3, 2, [20, 30]), (2, 1, [10, 40]), root]), vec![TREE_OF(1)]);
    told(TREE, "a parent that never comes", of(&[root, (4, 3, [20, 30]), (2, 1, [30, 40]), (5, 4, [22, 25])]), vec![TREE_OF(1)]);
    told(TREE, "a span that comes twice", of(&[root, (2, 1, [10, 20]), (2, 1, [10, 20])]), vec![TREE_OF(1)]);
    told(TREE, "a child that began before its parent, by another clock", of(&[(1, 0, [50, 90]), (2, 1, [10, 20])]), vec![TREE_OF(1)]);
    told(PATH, "one child after the other", of(&[root, (2, 1, [10, 30]), (3, 1, [40, 90])]), vec![PATH_OF(1)]);
    told(PATH, "two children in parallel", of(&[root, (2, 1, [10, 70]), (3, 1, [20, 90]), (4, 2, [30, 60])]), vec![PATH_OF(1)]);
    told(PATH, "a job that outlives the request", of(&[root, (2, 1, [10, 50]), (3, 1, [60, 400])]), vec![PATH_OF(1)]);
    told(PATH, "children that end together", of(&[root, (2, 1, [30, 80]), (3, 1, [20, 80]), (4, 1, [5, 20])]), vec![PATH_OF(1)]);
    told(
        PATH,
        "children that began before their parent, by another clock",
        of(&[(1, 0, [50, 100]), (3, 1, [10, 80]), (2, 1, [20, 80])]),
        vec![PATH_OF(1)],
    );
    let calls: Vec<Span> = (0..40).map(|i| span(1, 42 - i, 1, [10 * i, 10 * i + 5])).chain([span(1, 1, 0, [0, 400])]).collect();
    told(PATH, "forty children, one after the other", calls.clone(), vec![PATH_OF(1)]);
    told(TREE, "forty children, and no root", calls[..40].to_vec(), vec![TREE_OF(1)]);
    let p = |per_mille: u64, services: &[NodeId]| Request::Percentile { services: services.to_vec(), per_mille };
    let four: Vec<Span> = (1..=4).map(|i| span(1, i, i - 1, [0, 10 * i])).collect();
    told(PERCENTILE, "of one to four durations", four.clone(), vec![p(500, &[N2]), p(990, &[N2]), p(1_000, &[N2])]);
    // 0.28 * 25.0 is a little more than 7.
    let many: Vec<Span> = (1..=25).map(|i| span(1, i, i - 1, [0, 10 * i])).collect();
    told(PERCENTILE, "28 and 56 per cent of twenty-five", many, vec![p(280, &[N2]), p(560, &[N2])]);
    let both = four.into_iter().chain([span(2, 9, 0, [0, 900])]).collect();
    told(PERCENTILE, "of two services together", both, vec![p(500, &[N2, N3]), p(750, &[N2, N3])]);
}

/// So many of two thousand that begin here: 200, and six standard deviations.
fn share(f: Factory<TraceContext>, p: &Probe) -> Check {
    const MANY: u64 = 2_000;
    const RIGHT: std::ops::RangeInclusive<usize> = 120..=290;
    // Nobody reads two thousand of them: they are not on the tape.
    let many = begun(f, &Probe::default(), MANY)?.len();
    if RIGHT.contains(&many) {
        return Ok(());
    }
    let shown = begun(f, p, 3)?.len();
    let said = format!(
        "{MANY} requests without a header came to n1, with one_in 10, and spans of {many} traces were reported, but {} to {} are right; of the first three, {shown}",
        RIGHT.start(),
        RIGHT.end()
    );
    Err(Broken::new(SAMPLING, said))
}

/// The traces of so many requests that were reported.
fn begun(f: Factory<TraceContext>, p: &Probe, many: u64) -> Result<BTreeSet<TraceId>, Broken> {
    let config = Config { one_in: 10, works: millis(0), ..service(0) };
    let mut s = Script::new(f, p, vec![config; 4]);
    s.start(N1)?;
    for id in 1..=many {
        s.world.request(N1, Request::Do { id: CallId(id), header: None })?;
        s.world.wait(millis(20))?;
    }
    s.world.wait(millis(600))?;
    let sent = s.world.take_sent();
    let spans = sent.iter().filter_map(|envelope| if let Message::Report(spans) = &envelope.message { Some(spans) } else { None });
    Ok(spans.flatten().map(|span| span.trace).collect())
}
