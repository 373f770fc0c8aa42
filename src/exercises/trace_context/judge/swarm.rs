//! The random runs of `trace_context`: a shop of three or four services and its collector, with every fault. What is seen here and nowhere else is whether two
//! nodes give out the same id.

use super::rules::{ENDS, ONE_TRACE, PARENT, PATH, PERCENTILE, SAMPLING, SURVIVES, TREE, UNIQUE, WORK};
use super::shop;
use super::spec::Ghost;
use crate::exercises::kit::{Game, Play};
use crate::exercises::trace_context::{CallId, Kind, Message, Request, SpanId, TraceContext, TraceId, Traceparent};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Effect, Factory, Ghosts, NodeId, Plan, Setup, Step, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(500);
const END: Time = Time::from_millis(1_500);

pub(super) fn swarm(factory: Factory<TraceContext>) -> Swarm {
    Swarm {
        rules: &[ONE_TRACE, PARENT, UNIQUE, SURVIVES, SAMPLING, ENDS, TREE, PATH, PERCENTILE, WORK],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "calls given up",
            "jobs",
            "trees with an orphan",
            "spans that came twice",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<TraceContext>, seed: u64, probe: &Probe) -> Run {
    let nodes = 4 + Rng::stream(seed, 10).below(2) as usize;
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(200)), QUIET_AT);
    let setup = Setup { plan, end: END, ..Setup::new(seed, (0..nodes).map(|node| shop(node, nodes)).collect()) };
    let all = || (0..nodes).map(NodeId::from_index);
    let ghosts = || Ghosts::new(all().map(|node| Ghost::new(node, shop(node.index(), nodes)))).patient();
    let watch = || Watch { ghosts: ghosts(), nodes, spans: BTreeMap::new(), traces: BTreeMap::new() };
    let counts = |play: &Play<TraceContext, Watch>, run: &mut Run| all().for_each(|n| play.game.ghosts.seen(n).counts(&mut run.coverage));
    trial(factory, &setup, probe, || Play::new(watch()), counts)
}

struct Watch {
    ghosts: Ghosts<TraceContext, Ghost>,
    nodes: usize,
    /// Whose they are, and in which step that was said first.
    spans: BTreeMap<SpanId, (NodeId, u64)>,
    traces: BTreeMap<TraceId, (NodeId, u64)>,
}

impl Watch {
    fn is_of(&mut self, node: NodeId, span: SpanId, step: u64) -> Check {
        let (first, when) = *self.spans.entry(span).or_insert((node, step));
        if first == node {
            return Ok(());
        }
        let said = format!("{first} has a span {span:?}, but {node} used the same id for one of its own");
        Err(Broken::new(UNIQUE, said).at([when, step]))
    }

    fn begins(&mut self, node: NodeId, trace: TraceId, step: u64) -> Check {
        let (first, when) = *self.traces.entry(trace).or_insert((node, step));
        if first == node {
            return Ok(());
        }
        Err(Broken::new(UNIQUE, format!("{first} began the trace {trace:?}, but {node} began one with the same id")).at([when, step]))
    }
}

impl Game<TraceContext> for Watch {
    const CLIENTS: usize = 2;
    const PAUSE_MS: RangeInclusive<u64> = 10..=80;

    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        if duty >= Some(3) {
            return None;
        }
        let known: Vec<TraceId> = self.traces.keys().copied().collect();
        let trace = rng.pick(&known).copied().unwrap_or(TraceId(1));
        let mut some = || rng.next_u64().max(1);
        let (id, header) = (CallId(some()), Traceparent { trace: TraceId(some()), span: SpanId(some()), sampled: true });
        let kind = rng.below(10);
        Some(match kind {
            0 | 1 => Request::Tree(trace),
            2 => Request::CriticalPath(trace),
            3 => Request::Percentile { services: (0..self.nodes).map(NodeId::from_index).collect(), per_mille: rng.range(1..=1_000) },
            _ => Request::Do { id, header: (kind > 6).then_some(header) },
        })
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(50..=300))
    }

    fn whom(&mut self, request: &Request, there: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
        let collector = there.iter().copied().find(|node| node.index() + 1 == self.nodes);
        if matches!(request, Request::Do { .. }) { rng.pick(there).copied() } else { collector }
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, TraceContext>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, TraceContext>, world: &World<'_, TraceContext>) -> Check {
        self.ghosts.step(step, world)?;
        for effect in step.effects {
            let Effect::Send { message, .. } = effect else { continue };
            match message {
                Message::Call { header: Some(header), .. } | Message::Job { header: Some(header), .. } => {
                    self.is_of(step.node, header.span, step.number)?;
                }
                Message::Report(spans) => {
                    for span in spans.iter().filter(|span| span.kind == Kind::Handles) {
                        self.is_of(step.node, span.id, step.number)?;
                        if span.parent.is_none() {
                            self.begins(step.node, span.trace, step.number)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
