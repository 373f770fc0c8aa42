//! What could come in: to a service requests, calls and jobs, with and without a header, and answers to its calls, at once, late or never; to a collector the
//! spans of traces that correct services could have made, in any order, some twice and some never, and questions about them.

use super::{Collected, Ghost};
use crate::exercises::trace_context::{CallId, Config, Kind, Message, Request, Span, SpanId, TraceContext, TraceId, Traceparent};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, NodeId, Setting, Storm};
use crate::time::{Time, millis};
use std::collections::BTreeSet;
use std::time::Duration;

#[derive(Clone, Default)]
pub(super) struct Surroundings {
    nodes: usize,
    /// How often it is asked as a collector, and an answer to a call is a failure or late, in millionths.
    collects: u32,
    fails: u32,
    /// Calls that have no answer, the last one at the end; and what came with a header.
    calls: Vec<(NodeId, CallId)>,
    headers: Vec<Traceparent>,
    /// Made-up traces: their spans, and those that have not come.
    traces: Vec<Vec<Span>>,
    coming: Vec<Span>,
    ids: BTreeSet<u64>,
}

/// Ids and numbers from outside are drawn: no scheme that is right has the same.
fn drawn(rng: &mut Rng) -> u64 {
    rng.next_u64().max(1)
}

impl Surroundings {
    pub(super) fn calls(&mut self, to: NodeId, id: CallId) {
        self.calls.push((to, id));
    }

    /// An id that no other one is; sometimes it is near another.
    fn fresh(&mut self, rng: &mut Rng) -> u64 {
        let near = self.ids.iter().next_back().copied().filter(|_| rng.chance(300_000));
        let mut id = if let Some(near) = near { rng.near(near).max(1) } else { drawn(rng) };
        while !self.ids.insert(id) {
            id = id.wrapping_add(1).max(1);
        }
        id
    }

    fn header(&mut self, rng: &mut Rng) -> Option<Traceparent> {
        if rng.chance(250_000) {
            return None;
        }
        // The same trace comes twice, from the same caller or another.
        let old = rng.pick(&self.headers).copied().filter(|_| rng.chance(300_000));
        let sampled = rng.chance(700_000);
        let mut header = old.unwrap_or_else(|| Traceparent { trace: TraceId(self.fresh(rng)), span: SpanId(0), sampled });
        if old.is_none() || rng.chance(500_000) {
            header.span = SpanId(self.fresh(rng));
        }
        self.headers.push(header);
        Some(header)
    }

    fn time(rng: &mut Rng, most_ms: u64) -> u64 {
        // Coarse ones, so that some are equal.
        if rng.chance(600_000) { rng.below(most_ms / 5 + 1) * 5_000 } else { rng.below(most_ms * 1_000 + 1) }
    }

    /// The tree of a trace: children mostly within their parents, sometimes beyond, by other clocks.
    fn grows(&mut self, rng: &mut Rng) {
        let trace = TraceId(self.fresh(rng));
        let many = if rng.chance(100_000) { 60 } else { 10 };
        let count = 1 + rng.below(many);
        let skewed = rng.chance(300_000);
        let begin = Time::from_millis(if skewed { 2_000 } else { rng.below(40) * 5 });
        let mut spans: Vec<Span> = Vec::new();
        let deep = if rng.chance(200_000) { 900_000 } else { 300_000 };
        for i in 0..count {
            let parent = match i {
                0 => None,
                _ if rng.chance(deep) => spans.last().copied(),
                _ => rng.pick(&spans).copied(),
            };
            let at = parent.map_or(begin, |parent| parent.begin);
            let length_ms = parent.map_or(200, |parent| parent.end.since(parent.begin).as_millis() as u64);
            let beyond = if rng.chance(200_000) { 60 } else { 0 };
            let mut from = at + Duration::from_micros(if i == 0 { 0 } else { Self::time(rng, length_ms + beyond) });
            if skewed && rng.chance(400_000) {
                from = Time::from_micros(from.as_micros().saturating_sub(Self::time(rng, 100)));
            }
            let rest_ms = (at + millis(length_ms + beyond)).since(from).as_millis() as u64;
            let mut end = from + Duration::from_micros(Self::time(rng, rest_ms));
            // Often together with another one: who began first, and by which id?
            if let Some(other) = spans.last().filter(|other| parent.is_some_and(|parent| other.parent == Some(parent.id))) {
                let same = rng.below(100);
                from = if same < 12 { other.begin } else { from };
                end = if same < 25 { other.end.max(from) } else { end.max(from) };
            }
            let span = Span {
                trace,
                id: SpanId(self.fresh(rng)),
                parent: parent.map(|parent| parent.id),
                service: NodeId::from_index(rng.below(self.nodes as u64) as usize),
                kind: if rng.chance(650_000) { Kind::Handles } else { Kind::Calls },
                of: CallId(drawn(rng)),
                begin: from,
                end,
                failed: rng.chance(200_000),
            };
            spans.push(span);
            if rng.keeps() {
                self.coming.push(span);
            }
        }
        self.traces.push(spans);
    }

    fn arrive(&mut self, rng: &mut Rng) -> Input<TraceContext> {
        let mut spans: Vec<Span> = Vec::new();
        let most = if rng.chance(300_000) { 50 } else { 3 };
        for _ in 0..1 + rng.below(most) {
            let old = rng.pick(&self.traces).and_then(|trace| rng.pick(trace)).copied();
            if self.coming.is_empty() || rng.chance(80_000) {
                spans.extend(old);
                continue;
            }
            // The root often comes last.
            let n = self.coming.len() as u64;
            let at = if rng.chance(400_000) { n - 1 } else { rng.below(n) };
            spans.push(self.coming.remove(at as usize));
        }
        let from = NodeId::from_index(rng.below(self.nodes as u64) as usize);
        Input::Message(from, Message::Report(spans))
    }

    fn asks(&mut self, rng: &mut Rng) -> Request {
        let known = rng.pick(&self.traces).and_then(|trace| trace.first()).map(|span| span.trace);
        let trace = known.filter(|_| rng.chance(950_000)).unwrap_or(TraceId(drawn(rng)));
        match rng.below(10) {
            0..4 => Request::Tree(trace),
            4..8 => Request::CriticalPath(trace),
            _ => {
                let mut services: Vec<NodeId> = (0..self.nodes).map(NodeId::from_index).collect();
                rng.shuffle(&mut services);
                services.truncate(1 + rng.below(self.nodes as u64) as usize);
                let often = rng.pick(&[1, 250, 500, 500, 900, 950, 990, 999, 1_000]).copied().unwrap_or(500);
                let per_mille = if rng.chance(300_000) { rng.range(1..=1_000) } else { often };
                Request::Percentile { services, per_mille }
            }
        }
    }
}

fn client(rng: &mut Rng) -> ClientId {
    ClientId::from_index(rng.below(3) as usize)
}

impl Ghost {
    fn collects(&mut self, rng: &mut Rng) -> Input<TraceContext> {
        let is_full = self.around.traces.len() > 5;
        if self.around.traces.is_empty() || !is_full && rng.chance(100_000) {
            self.around.grows(rng);
        }
        let is_asked = rng.chance(if self.around.coming.is_empty() { 900_000 } else { 350_000 });
        if is_asked { Input::Request(client(rng), self.around.asks(rng)) } else { self.around.arrive(rng) }
    }

    fn serves(&mut self, rng: &mut Rng) -> Input<TraceContext> {
        let header = self.around.header(rng);
        let peers: Vec<NodeId> = (0..self.around.nodes).map(NodeId::from_index).filter(|node| *node != self.me).collect();
        let from = rng.pick(&peers).copied().unwrap_or(self.me);
        let (id, within) = (CallId(drawn(rng)), CallId(drawn(rng)));
        match rng.below(10) {
            0..4 => Input::Request(client(rng), Request::Do { id, header }),
            4..7 => Input::Message(from, Message::Call { id, within, header }),
            _ => Input::Message(from, Message::Job { id, within, header }),
        }
    }

    fn responds(&mut self, rng: &mut Rng) -> Input<TraceContext> {
        let n = self.around.calls.len() as u64;
        let at = if rng.chance(600_000) { n - 1 } else { rng.below(n) } as usize;
        let (from, id) = if rng.chance(900_000) { self.around.calls.remove(at) } else { self.around.calls[at] };
        let ok = !rng.chance(self.around.fails);
        Input::Message(from, Message::Done { id, ok })
    }
}

impl Storm<TraceContext> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<TraceContext>) {
        let nodes = rng.range(3..=5) as usize;
        let node = |rng: &mut Rng| NodeId::from_index(rng.below(nodes as u64) as usize);
        let me = node(rng);
        let collects = [0, 0, 500_000, 1_000_000][rng.below(4) as usize];
        let mut peers: Vec<NodeId> = (0..nodes).map(NodeId::from_index).filter(|node| *node != me).collect();
        let mut some = |rng: &mut Rng, most: u64| {
            rng.shuffle(&mut peers);
            peers[..rng.below(most.min(peers.len() as u64) + 1) as usize].to_vec()
        };
        let config = Config {
            works: millis([0, 0, 5, 20, 60][rng.below(5) as usize]),
            calls: {
                let most = [1, 2, 2, 3][rng.below(4) as usize];
                some(rng, most)
            },
            jobs: some(rng, 3),
            collector: if collects > 0 { me } else { node(rng) },
            one_in: [1, 1, 1, 1, 2, 10, 1_000, 1 << 16, 1 << 33, 1 << 55][rng.below(10) as usize],
        };
        let mut ghost = Ghost::new(me, config.clone());
        ghost.collected = Collected::default();
        ghost.around.nodes = nodes;
        ghost.around.collects = collects;
        ghost.around.fails = [0, 100_000, 500_000][rng.below(3) as usize];
        let setting = Setting {
            clock_ahead_us: if rng.chance(300_000) { rng.below(1_000_000) } else { 0 },
            drift_ppm: if rng.chance(300_000) { rng.below(20_001) as i32 - 10_000 } else { 0 },
            waits_ms: [&[2, 10, 30][..], &[2, 20, 60, 120], &[20, 120, 250]][rng.below(3) as usize],
            rest_ms: if collects == 1_000_000 { 100 } else { 1_300 },
            ..Setting::new(nodes, me, config)
        };
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<TraceContext>> {
        if rng.chance(self.around.collects) {
            return Some(self.collects(rng));
        }
        if !self.around.calls.is_empty() && rng.chance(700_000) {
            return Some(self.responds(rng));
        }
        Some(self.serves(rng))
    }

    fn tally(&self, coverage: &mut Coverage) {
        self.counts(coverage);
    }
}
