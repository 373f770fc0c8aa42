//! What a node's peers and clients could say: the inputs of a storm, drawn near what the ghost knows, and wild.

use super::*;

/// What comes in, as bits of a storm's kinds.
const KINDS: u64 = 6;
/// Numbers stay below this, so that there is always a next one.
const NUMBERS: u64 = 1 << 62;

impl Ghost {
    fn peer(&self, rng: &mut Rng) -> Option<NodeId> {
        let others: Vec<NodeId> = (0..self.nodes).map(NodeId::from_index).filter(|n| *n != self.me).collect();
        rng.pick(&others).copied()
    }

    fn value(&self, rng: &mut Rng) -> Value {
        Value(match rng.below(6) {
            0 => 0,
            1 => rng.below(4),
            2 | 3 => rng.near(self.saved.value.0),
            _ => rng.wild(),
        })
    }

    /// What a peer could have written: near what is there, and wild.
    fn write(&mut self, rng: &mut Rng) -> Option<Held> {
        let number = match rng.below(6) {
            0..=3 => rng.near(self.saved.at.number),
            4 => rng.wild(),
            _ => rng.below(5),
        };
        let at = Timestamp { number: (number % NUMBERS).max(1), writer: self.peer(rng)? };
        let value = self.value(rng);
        Some(Held { at, value: self.writes.entry(at).or_insert((value, None)).0 })
    }

    /// Something that is at least as new, and that a peer can have.
    fn any(&mut self, rng: &mut Rng, at_least: Timestamp) -> Option<Held> {
        if rng.chance(300_000)
            && let Some(held) = self.write(rng).filter(|held| held.at >= at_least)
        {
            return Some(held);
        }
        let can = |at: &Timestamp| at.writer != self.me || *at == Held::INITIAL.at || self.sent.contains(at);
        let known = self.writes.range(at_least..).filter(|(at, _)| can(at)).map(|(at, (value, _))| Held { at: *at, value: *value });
        let known: Vec<Held> = known.collect();
        if rng.chance(500_000) { known.first().copied() } else { rng.pick(&known).copied() }
    }

    /// One of the last few questions of a kind, or any.
    fn question(&mut self, rng: &mut Rng, store: bool) -> Option<(NodeId, OpId)> {
        let of_kind = if store { &self.stores } else { &self.queries };
        let n = of_kind.len() as u64;
        if n == 0 {
            return None;
        }
        let back = if rng.chance(850_000) { rng.below(n.min(((self.nodes - 1) * self.open.len().max(1)) as u64)) } else { rng.below(n) };
        let (peer, id, step) = of_kind[(n - 1 - back) as usize];
        if self.neglects && self.open.values().map(|open| open.step).min() == Some(step) {
            return None;
        }
        self.met.late += u64::from(step < self.began);
        Some((peer, id))
    }
}

impl Storm<QuorumRegister> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<QuorumRegister>) {
        let nodes = [1, 2, 2, 3, 3, 3, 4, 5][rng.below(8) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 60, 200], &[2, 100, 700]];
        let most_open = [1, 1, 2, 2, 4, 12][rng.below(6) as usize];
        let mut setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            // Who gives up does so late, and a second answer may come late.
            rest_ms: if most_open <= 2 && rng.chance(30_000) { 20_000 } else { 500 },
            // Numbers may be times: those of a true clock are large.
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            ..Setting::new(nodes, me, ())
        };
        let kinds = if rng.chance(500_000) { u64::MAX } else { 1 + rng.below((1 << KINDS) - 1) };
        let neglects = nodes > 1 && rng.chance(100_000);
        if neglects {
            // One waits, and others come, and are answered, for longer than it may wait.
            setting.waits_ms = &[100, 240];
            return (Ghost { neglects, kinds: 0b11_1100, most_open: 8, ..Ghost::new(me, nodes) }, setting);
        }
        (Ghost { kinds, most_open, ..Ghost::new(me, nodes) }, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<QuorumRegister>> {
        self.drains = !self.neglects && self.most_open > 4 && (self.open.len() >= self.most_open || self.drains && self.open.len() > 1);
        let kind = loop {
            let kind = rng.below(KINDS);
            if self.kinds >> kind & 1 == 1 {
                break kind;
            }
        };
        // Nothing new while enough are open: their answers instead.
        let full = self.drains || self.open.len() >= self.most_open;
        let kind = if full && kind >= 4 && self.kinds >> 2 & 3 == 3 { 2 + rng.below(2) } else { kind };
        let foreign = |rng: &mut Rng, queries: &[(NodeId, OpId, u64)]| match queries.last() {
            Some((_, id, _)) if rng.chance(300_000) => OpId(rng.near(id.0)),
            _ => OpId(rng.wild()),
        };
        let client = ClientId::from_index(rng.below(3) as usize);
        let (from, message) = match kind {
            0 => (self.peer(rng)?, Message::Query(foreign(rng, &self.queries))),
            1 => {
                let (peer, id) = (self.peer(rng)?, foreign(rng, &self.queries));
                let held = if rng.chance(800_000) { self.write(rng)? } else { self.any(rng, Held::INITIAL.at)? };
                // A number is one operation's.
                if self.told.get(&(peer, id)).is_some_and(|at| *at != held.at) {
                    return None;
                }
                (peer, Message::Store(id, held))
            }
            2 => {
                let (peer, id) = self.question(rng, false)?;
                (peer, Message::Answer(id, self.any(rng, self.peers[peer.index()])?))
            }
            3 => {
                let (peer, id) = self.question(rng, true)?;
                (peer, Message::Stored(id))
            }
            _ if full => return None,
            4 => return Some(Input::Request(client, Request::Write(self.value(rng)))),
            _ => return Some(Input::Request(client, Request::Read)),
        };
        Some(Input::Message(from, message))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// What does it hold, under which number does it ask now, and which timestamp does it choose?
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<QuorumRegister>> {
        let request = if rng.chance(500_000) { Request::Read } else { Request::Write(Value(rng.wild())) };
        match self.peer(rng) {
            Some(peer) if rng.chance(500_000) => Some(Input::Message(peer, Message::Query(OpId(rng.wild())))),
            _ => Some(Input::Request(ClientId::from_index(0), request)),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("storm: Stores acknowledged", self.met.stored);
        coverage.add("storm: timestamps chosen", self.met.chosen);
        coverage.add("storm: writes that ended", self.met.written);
        coverage.add("storm: reads that ended", self.met.reads);
        coverage.add("storm: answers to operations of an earlier life", self.met.late);
    }
}
