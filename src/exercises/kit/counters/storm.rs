//! What clients and peers of one replica could say, small and wild: the storms of the counters.

use super::kind::NODES_MAX;
use super::{ANSWER_MS, Counts, Ghost, Op, RETRIES_MS, State, Words};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, NodeId, Setting, Storm};
use crate::time::{Time, millis};
use std::collections::BTreeSet;

/// What a storm is like.
#[derive(Clone, Default)]
pub(super) struct Weather {
    /// How often it is asked for something new, for something again, and for the value, and how often it hears a peer.
    weights: [u64; 4],
    /// How ids are drawn: one after the other, small, near others, or wild.
    ids: u64,
    /// How large the peers' counts are.
    counts: u64,
    /// What each replica can have counted at most: together less than 2⁶³.
    caps: [u64; NODES_MAX],
    /// How many inputs are left: a run that is long in time has few, so that it stays short to tell.
    left: u32,
    /// Whether it is left in peace for long at the end.
    rests: bool,
    /// How many operations in a million are of the first kind.
    up_ppm: u32,
    /// The ids in the order in which they came.
    known: Vec<u64>,
}

/// What a count can be, up to a cap.
fn wild(rng: &mut Rng, cap: u64) -> u64 {
    if cap < 1 << 62 {
        return rng.wild() % (cap + 1);
    }
    match rng.below(4) {
        0 => {
            let most = cap - rng.below(3);
            rng.or_less(most)
        }
        1 => {
            let half = (1 << 62) - 1 + rng.below(3);
            rng.or_less(half)
        }
        2 => rng.next_u64() % (cap + 1),
        _ => rng.wild() % (cap + 1),
    }
}

/// In some storms one replica has counted nearly as much as can be, and in the others each a share of it.
fn caps(rng: &mut Rng, nodes: usize) -> [u64; NODES_MAX] {
    if !rng.chance(100_000) {
        return [(1 << 59) - 1; NODES_MAX];
    }
    let mut caps = [(1 << 37) - 1; NODES_MAX];
    caps[rng.below(nodes as u64) as usize] = (1 << 63) - (1 << 41);
    caps
}

/// How time passes in a storm: mostly in moments. Long ones are few: a replica that ticks every 100 ms is called 600 times in a minute.
fn pace<P: Words>(rng: &mut Rng, setting: Setting<P>) -> Setting<P> {
    let (waits_ms, rest_ms): (&'static [u64], u64) = match rng.below(4_000) {
        // Clients that ask again after ten minutes; or after a few, while others come and minutes pass.
        0..5 => return Setting { waits_ms: &[20, 596_000], whole: true, waits_until_ms: 600_000, rest_ms: 1_100, ..setting },
        5..12 => return Setting { waits_ms: &[20, 200_000], whole: true, rest_ms: 1_100, ..setting },
        12 => (&[20, 200], 900_000),
        13..19 => (&[20, 20, 20, 20, 20, 200_000], 100_000),
        19..33 => (&[20, 200, 2_000, 16_000], 30_000),
        33..49 => return Setting { waits_ms: &[20, 200, 2_000, 16_000], stalls_ms: 9_000, rest_ms: 30_000, ..setting },
        // Something comes in all the time.
        49..79 => {
            let steady_ms = [30, 100, 300, 900][rng.below(4) as usize];
            return Setting { waits_ms: &[20, 16_000], whole: true, steady_ms, rest_ms: 1_100, ..setting };
        }
        79..105 => (&[20, 200], 28_000),
        105..505 => (&[1, 20, 1_200], 1_100),
        _ => (&[2, 20, 150], 1_100),
    };
    Setting { waits_ms, rest_ms, ..setting }
}

impl<P: Words> Ghost<P> {
    /// A first disk: of a counter that has counted for long, and whose oldest ids may be gone.
    fn disk(&mut self, rng: &mut Rng) -> Option<P::Durable> {
        if rng.chance(450_000) {
            return None;
        }
        let ids = [0, 1, 3, 3, 3, 20][rng.below(6) as usize];
        let ids = if rng.chance(8_000) { 200 + rng.below(1_000) } else { ids };
        let mut counts = [Counts::new(), Counts::new()];
        let (mut taken, mut all) = ([0; 2], BTreeSet::new());
        for _ in 0..ids {
            let (id, kind) = (self.fresh(rng), self.draw_kind(rng));
            let keeps = rng.keeps();
            if self.ops.contains_key(&id) {
                continue;
            }
            self.weather.known.push(id);
            if !keeps {
                continue;
            }
            self.ops.insert(id, Op { kind, state: State::Certain, first: Time::ZERO });
            all.insert(id);
            taken[kind] += 1;
        }
        let old = rng.chance(400_000);
        let others = rng.chance(300_000);
        for (kind, counts) in counts.iter_mut().enumerate().take(P::KINDS.len()) {
            let own = taken[kind] + if old { wild(rng, self.weather.caps[self.me.index()]) } else { 0 };
            if own > 0 || rng.chance(500_000) {
                counts.insert(self.me, own);
            }
            for of in self.others().filter(|_| others) {
                let count = if self.weather.counts > 0 { wild(rng, self.weather.caps[of.index()]) } else { rng.below(5) };
                if rng.keeps() {
                    counts.insert(of, count);
                }
            }
            self.kinds[kind].finds(counts);
        }
        Some(P::disk(counts, all))
    }

    fn others(&self) -> impl Iterator<Item = NodeId> + use<P> {
        let me = self.me;
        (0..self.kinds[0].nodes()).map(NodeId::from_index).filter(move |of| *of != me)
    }

    fn draw_kind(&self, rng: &mut Rng) -> usize {
        if P::KINDS.len() > 1 { usize::from(!rng.chance(self.weather.up_ppm)) } else { 0 }
    }

    fn fresh(&self, rng: &mut Rng) -> u64 {
        let known = &self.weather.known;
        let last = known.last().copied().unwrap_or(0);
        match self.weather.ids {
            0 => last.wrapping_add(1),
            1 => rng.below(30),
            2 => {
                let near = rng.pick(known).copied().unwrap_or(0);
                rng.near(near)
            }
            _ => rng.wild(),
        }
    }

    /// An operation that was asked for before: one of the last, or any, the first and those of the ends above all.
    fn again(&self, rng: &mut Rng) -> Option<u64> {
        let known = &self.weather.known;
        let n = known.len() as u64;
        let id = match rng.below(4) {
            0 => known.get((n - n.min(1 + rng.below(3))) as usize).copied(),
            1 => self.ops.keys().find(|id| self.may_come_again(**id)).copied(),
            2 => self.ops.keys().rfind(|id| self.may_come_again(**id)).copied(),
            _ => rng.pick(known).copied(),
        };
        id.filter(|id| self.may_come_again(*id))
    }

    /// Whether a client may still ask for it, new or again.
    fn may_come_again(&self, id: u64) -> bool {
        self.ops.get(&id).is_none_or(|op| self.now <= op.first.max(self.born) + millis(RETRIES_MS))
    }

    /// What a peer says of a replica: any number can have been true once, of others.
    fn count(&self, rng: &mut Rng, kind: usize, of: NodeId) -> u64 {
        let most = self.kinds[kind].most_of(of);
        if of == self.me {
            return if rng.chance(600_000) { most } else { rng.below(most + 1) };
        }
        let cap = self.weather.caps[of.index()];
        match rng.below(8) {
            0 | 1 => most,
            2 => rng.below(most + 1),
            3 | 4 => (most + 1 + rng.below(3)).min(cap),
            5 => most.saturating_sub(1),
            _ if self.weather.counts == 0 => rng.below(6),
            6 => rng.near(most) % (cap + 1),
            _ => wild(rng, cap),
        }
    }

    /// All that a peer says, or a part.
    fn told(&self, rng: &mut Rng, from: NodeId) -> P::Message {
        let part = rng.below(4);
        let mut counts = [Counts::new(), Counts::new()];
        for (kind, counts) in counts.iter_mut().enumerate().take(P::KINDS.len()) {
            for of in (0..self.kinds[0].nodes()).map(NodeId::from_index) {
                let said = match part {
                    0 => of == from,
                    1 => true,
                    _ => rng.chance(500_000),
                };
                if said {
                    let count = self.count(rng, kind, of);
                    if rng.keeps() {
                        counts.insert(of, count);
                    }
                }
            }
        }
        P::message(counts)
    }
}

impl<P: Words> Storm<P> for Ghost<P>
where
    P::Config: Default,
{
    fn setting(rng: &mut Rng) -> (Self, Setting<P>) {
        let nodes = 2 + rng.below(4) as usize;
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let mut ghost = Ghost::new(nodes, me);
        ghost.weather = Weather {
            weights: [[8, 3, 2, 6], [10, 4, 2, 0], [2, 1, 2, 10], [20, 2, 1, 1], [40, 3, 1, 0], [3, 8, 2, 2]][rng.below(6) as usize],
            ids: rng.below(4),
            counts: rng.below(3),
            caps: caps(rng, nodes),
            left: [150, 150, 700][rng.below(3) as usize],
            rests: false,
            up_ppm: [500_000, 500_000, 800_000, 200_000][rng.below(4) as usize],
            known: Vec::new(),
        };
        let saved = ghost.disk(rng);
        let drifts = rng.chance(300_000);
        let setting = Setting {
            saved,
            clock_ahead_us: if rng.chance(100_000) { rng.below(1 << 40) } else { 0 },
            drift_ppm: if drifts { rng.below(2_001) as i32 - 1_000 } else { 0 },
            ..Setting::new(nodes, me, P::Config::default())
        };
        let setting = pace(rng, setting);
        if setting.whole && setting.steady_ms == 0 {
            (ghost.weather.weights, ghost.weather.left) = ([8, 6, 1, 1], 40);
        }
        ghost.weather.rests = setting.rest_ms > ANSWER_MS + 100;
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<P>> {
        self.weather.left = self.weather.left.checked_sub(1)?;
        let weights = self.weather.weights;
        let mut left = rng.below(weights.iter().sum());
        let which = weights.iter().position(|w| left < *w || (left -= w, false).1);
        let client = ClientId::from_index(rng.below(2) as usize);
        let id = match which {
            Some(0) => self.fresh(rng),
            Some(1) => self.again(rng)?,
            Some(2) => return Some(Input::Request(client, P::request(None))),
            _ => {
                let peers: Vec<NodeId> = self.others().collect();
                let from = *rng.pick(&peers)?;
                return Some(Input::Message(from, self.told(rng, from)));
            }
        };
        let kind = match self.ops.get(&id) {
            Some(_) if !self.may_come_again(id) => return None,
            Some(op) => op.kind,
            None => {
                self.weather.known.push(id);
                self.draw_kind(rng)
            }
        };
        Some(Input::Request(client, P::request(Some((kind, id)))))
    }

    fn owes(&self) -> bool {
        self.weather.rests || !self.open.is_empty()
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// The client did not hear the answer, and asks again.
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<P>> {
        let id = self.again(rng)?;
        let kind = self.ops.get(&id)?.kind;
        Some(Input::Request(ClientId::from_index(0), P::request(Some((kind, id)))))
    }

    fn tally(&self, coverage: &mut Coverage) {
        for (acked, name) in self.met.acked.iter().zip(["storm: acknowledged", "storm: acknowledged decrements"]).take(P::KINDS.len()) {
            coverage.add(name, *acked);
        }
        coverage.add("storm: retries", self.met.retries);
        coverage.add("storm: retries after a crash", self.met.after_a_crash);
        coverage.add("storm: reads", self.met.reads);
        coverage.add("storm: messages of others", self.met.heard);
        if P::NEGATIVE.is_some() {
            coverage.add("storm: values below zero", self.met.below_zero);
        }
    }
}

/// What the storms of every counter must have met.
pub(crate) const MUST_MEET: [&str; 8] = [
    "storm crashes between two effects",
    "storm shadows",
    "storm repeats",
    "storm: acknowledged",
    "storm: retries",
    "storm: retries after a crash",
    "storm: reads",
    "storm: messages of others",
];
