//! What a node's peers and clients could say: the inputs of a storm, drawn near what the ghost knows, and wild.

use super::{Ghost, version};
use crate::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Value, Version};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, NodeId, Setting, Storm};
use crate::time::millis;

/// What comes in, as bits of a storm's kinds.
const KINDS: u64 = 6;
/// In so many storms, in millionths, requests come in crowds: what goes wrong when ten or thirty-three are open at once is seen.
const CROWDS: u32 = 15_000;

impl Ghost {
    fn peer(&self, rng: &mut Rng) -> Option<NodeId> {
        let others: Vec<NodeId> = (0..self.nodes).map(NodeId::from_index).filter(|n| *n != self.me).collect();
        rng.pick(&others).copied()
    }

    /// A write of some client, near what is there and wild.
    fn write(&mut self, rng: &mut Rng) -> Held {
        let known: Vec<Version> = self.writes.keys().copied().collect();
        let near = if rng.chance(600_000) { version(self.saved) } else { rng.pick(&known).copied() };
        let number = match (near, rng.below(6)) {
            (Some(near), 0..=3) => rng.near(near.number),
            (_, 4) => rng.wild(),
            _ => rng.below(4),
        };
        let writer = match rng.below(8) {
            0 => [127, 128, 253, 254][rng.below(4) as usize],
            1 | 2 => near.map_or(0, |near| near.writer.index()),
            _ => rng.below(4) as usize,
        };
        let value = match rng.below(6) {
            0 => 0,
            1 => rng.below(4),
            2 | 3 => self.saved.map_or(1, |held| rng.near(held.value.0)),
            _ => rng.wild(),
        };
        let version = Version { number, writer: ClientId::from_index(writer) };
        Held { version, value: *self.writes.entry(version).or_insert(Value(value)) }
    }

    /// One that there is, or a new one.
    fn any_write(&mut self, rng: &mut Rng, at_least: Option<Version>) -> Option<Held> {
        if rng.chance(300_000) {
            let write = self.write(rng);
            if Some(write.version) >= at_least {
                return Some(write);
            }
        }
        let from = |least: Version| self.writes.range(least..).map(|(v, value)| Held { version: *v, value: *value });
        let known: Vec<Held> = match at_least {
            Some(least) => from(least).collect(),
            None => from(Version { number: 0, writer: ClientId::from_index(0) }).collect(),
        };
        if at_least.is_none() && rng.chance(250_000) {
            return None;
        }
        if rng.chance(400_000) { known.first().copied() } else { rng.pick(&known).copied() }
    }

    /// One of the last few, or any.
    fn recent<T: Copy>(rng: &mut Rng, all: &[T], few: u64) -> Option<T> {
        let n = all.len() as u64;
        if n == 0 {
            return None;
        }
        let back = if rng.chance(800_000) { rng.below(n.min(few)) } else { rng.below(n) };
        all.get((n - 1 - back) as usize).copied()
    }

    /// A write that was asked for before, or another.
    fn asks_to_write(&mut self, rng: &mut Rng) -> Held {
        let known: Vec<Held> = self.writes.iter().map(|(v, value)| Held { version: *v, value: *value }).collect();
        match rng.pick(&known) {
            Some(held) if rng.chance(250_000) => *held,
            _ => self.write(rng),
        }
    }
}

impl Storm<QuorumWrite> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<QuorumWrite>) {
        let nodes = [1, 2, 3, 3, 3, 4, 5, 5][rng.below(8) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let quorum = |rng: &mut Rng| 1 + rng.below(nodes as u64) as usize;
        let config = Config { w: quorum(rng), r: quorum(rng), deadline: millis([100, 150, 200, 200, 450][rng.below(5) as usize]) };
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 60, 200], &[2, 100, 500]];
        let setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            // A second answer may come late.
            rest_ms: if rng.chance(50_000) { 60_000 } else { 600 },
            // Numbers may be times: those of a true clock are large.
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            ..Setting::new(nodes, me, config.clone())
        };
        let kinds = if rng.chance(500_000) { u64::MAX } else { 1 + rng.below((1 << KINDS) - 1) };
        if nodes > 1 && rng.chance(CROWDS) {
            // Quorums that no node is alone, and time enough for them to pile up.
            let config = Config { w: config.w.max(2), r: config.r.max(2), deadline: millis(450) };
            let crowd = [850_000, 950_000, 980_000][rng.below(3) as usize];
            let setting = Setting { config: config.clone(), waits_ms: &[60, 200], waits_until_ms: 1_000, steady_ms: 1, ..setting };
            return (Ghost { crowd, ..Ghost::new(me, nodes, config) }, setting);
        }
        (Ghost { kinds, ..Ghost::new(me, nodes, config) }, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<QuorumWrite>> {
        let kind = loop {
            let kind = if self.crowd > 0 && rng.chance(self.crowd) { 4 + rng.below(2) } else { rng.below(KINDS) };
            if self.kinds >> kind & 1 == 1 {
                break kind;
            }
        };
        let (from, message) = match kind {
            0 => {
                let held = if rng.chance(700_000) { self.write(rng) } else { self.any_write(rng, None)? };
                (self.peer(rng)?, Message::Store(held))
            }
            1 => {
                let own: Vec<ReadId> = self.fetches.iter().map(|(_, id, _)| *id).collect();
                let id = match Self::recent(rng, &own, 4) {
                    Some(ReadId(id)) if rng.chance(500_000) => rng.near(id),
                    _ => rng.wild(),
                };
                (self.peer(rng)?, Message::Fetch(ReadId(id)))
            }
            2 => {
                let (peer, version) = Self::recent(rng, &self.stores, 2 * self.nodes as u64)?;
                let said = if rng.chance(700_000) { version } else { self.any_write(rng, Some(version))?.version };
                (peer, Message::Stored(said))
            }
            3 => {
                let (peer, id, asked) = Self::recent(rng, &self.fetches, 2 * self.nodes as u64)?;
                self.met.late += u64::from(asked < self.began);
                (peer, Message::Fetched(id, self.any_write(rng, self.peers[peer.index()])))
            }
            4 => {
                let held = self.asks_to_write(rng);
                return Some(Input::Request(held.version.writer, Request::Write(held)));
            }
            _ => return Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Read)),
        };
        Some(Input::Message(from, message))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// What does it hold, and under which number does it ask now?
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<QuorumWrite>> {
        match self.peer(rng) {
            Some(peer) if rng.chance(500_000) => Some(Input::Message(peer, Message::Fetch(ReadId(rng.wild())))),
            _ => Some(Input::Request(ClientId::from_index(0), Request::Read)),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("storm: Stores acknowledged", self.met.stored);
        coverage.add("storm: acknowledged writes", self.met.written);
        coverage.add("storm: writes without a quorum", self.met.unsure);
        coverage.add("storm: reads", self.met.reads);
        coverage.add("storm: reads without a quorum", self.met.unavailable);
        coverage.add("storm: answers to reads of an earlier life", self.met.late);
    }
}
