//! What the others could say: the arbiter, the primaries of other epochs, the replicas of this node's own, and clients. It is kept so that all
//! of it could be said by nodes that are right: what was acknowledged is in every later log.

use super::{Ghost, Heard};
use crate::exercises::primary_replica::{Config, Epoch, Message, PrimaryReplica, Request, Saved};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, NodeId, Role, Setting, Storm};
use std::collections::{BTreeMap, BTreeSet};

/// An epoch whose primary is certain.
#[derive(Clone)]
struct Reign {
    /// `None`: the node that is tried.
    primary: Option<NodeId>,
    /// Of another primary: its log, how long that was at the beginning, how much of it is acknowledged, and how much was told here that it has.
    log: Vec<u64>,
    start: usize,
    committed: usize,
    told: usize,
}

#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// What is acknowledged anywhere.
    acked: Vec<u64>,
    /// Every epoch of which there was talk.
    epochs: BTreeSet<Epoch>,
    reigns: BTreeMap<Epoch, Reign>,
    /// Of its own epochs: what each replica was sent, and how much it has.
    sent: BTreeMap<(Epoch, NodeId), Vec<(usize, usize)>>,
    have: BTreeMap<(Epoch, NodeId), usize>,
    /// Whether many writes come at once, before any replica has them.
    crowd: bool,
}

/// So many writes of a crowd are open at once.
const CROWD: usize = 36;

impl Surroundings {
    /// It told a primary how much it has.
    pub fn told(&mut self, epoch: Epoch, length: usize) {
        if let Some(reign) = self.reigns.get_mut(&epoch) {
            reign.told = reign.told.max(length);
        }
    }

    /// It sent an append.
    pub fn shipped(&mut self, epoch: Epoch, to: NodeId, from: usize, end: usize) {
        let sent = self.sent.entry((epoch, to)).or_default();
        if sent.last() != Some(&(from, end)) {
            sent.push((from, end));
        }
    }

    fn newest(&self) -> Option<Epoch> {
        self.epochs.last().copied()
    }

    /// The newest epoch whose primary is certain.
    fn latest(&self) -> Option<Epoch> {
        self.reigns.keys().next_back().copied()
    }
}

type In = Option<Input<PrimaryReplica>>;

fn value(rng: &mut Rng) -> u64 {
    if rng.chance(150_000) { rng.wild() } else { rng.below(4) }
}

impl Ghost {
    fn arbiter(&self, message: Message) -> In {
        Some(Input::Message(self.config.arbiter, message))
    }

    fn peer(&self, rng: &mut Rng) -> NodeId {
        NodeId::from_index((self.me.index() + 1 + rng.below(self.nodes as u64 - 1) as usize) % self.nodes)
    }

    /// What it has acknowledged by now, or could have, is in every log from now on.
    fn settles(&mut self) {
        let all = self.acknowledged(self.disk.agreed).min(self.disk.log.len());
        if all > self.around.acked.len() {
            self.around.acked = self.disk.log[..all].to_vec();
        }
    }

    fn next_epoch(&mut self, rng: &mut Rng) -> Option<Epoch> {
        let last = self.around.newest().unwrap_or(Epoch(0)).0;
        let next = match rng.below(12) {
            0 => rng.wild(),
            1 => last.saturating_add(1 + rng.below(300)),
            _ => last.saturating_add(1 + rng.below(2)),
        };
        let epoch = Epoch(next.max(last.checked_add(1)?));
        self.around.epochs.insert(epoch);
        Some(epoch)
    }

    /// Write after write, as soon as it leads; nothing when there are enough, so that all that ends them comes too.
    fn crowds(&mut self, rng: &mut Rng) -> In {
        if self.lead.is_some() {
            let open = self.ours.iter().filter(|ticket| self.writes.contains_key(ticket)).count();
            return (open < CROWD).then(|| self.asks(rng));
        }
        match self.is_named(rng) {
            None => {
                let epoch = self.next_epoch(rng)?;
                self.arbiter(Message::Seal(epoch))
            }
            named => named,
        }
    }

    fn asks(&self, rng: &mut Rng) -> Input<PrimaryReplica> {
        Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Write(value(rng)))
    }

    /// It is named the primary of an epoch that it has reported: its log has all that is acknowledged, or the arbiter would not.
    fn is_named(&mut self, rng: &mut Rng) -> In {
        let latest = self.around.latest();
        let may = |epoch: &&Epoch| latest.is_none_or(|latest| **epoch > latest);
        let undecided = self.reported.iter().rev().find(may).copied();
        if let Some(epoch) = undecided.filter(|epoch| *epoch == self.disk.epoch || rng.chance(200_000))
            && self.disk.log.starts_with(&self.around.acked)
        {
            let reign = Reign { primary: None, log: Vec::new(), start: 0, committed: 0, told: 0 };
            self.around.reigns.insert(epoch, reign);
        }
        let own: Vec<Epoch> = self.around.reigns.iter().filter(|(_, reign)| reign.primary.is_none()).map(|(epoch, _)| *epoch).collect();
        let epoch = if rng.chance(800_000) { own.last() } else { rng.pick(&own) };
        self.arbiter(Message::Lead(*epoch?))
    }

    /// The primary of another epoch sends what it has.
    fn append(&mut self, rng: &mut Rng) -> In {
        let foreign = |around: &Surroundings| {
            let theirs = around.reigns.iter().filter(|(_, reign)| reign.primary.is_some());
            theirs.map(|(epoch, _)| *epoch).collect::<Vec<_>>()
        };
        let known = foreign(&self.around);
        let old = rng.pick(&known).copied().filter(|_| rng.chance(200_000));
        let begins = self.around.newest().filter(|newest| self.around.latest().is_none_or(|latest| *newest > latest));
        let current = known.last().copied().filter(|epoch| Some(*epoch) == self.around.latest());
        let epoch = match (old, begins, current) {
            (Some(old), ..) => old,
            (_, Some(begins), current) if current.is_none() || rng.chance(700_000) => self.reign(begins, rng),
            (_, _, Some(current)) => current,
            // Its own reign ends: an epoch of which it hears first by an append.
            _ => {
                let next = self.next_epoch(rng)?;
                self.reign(next, rng)
            }
        };
        let is_current = Some(epoch) == self.around.latest();
        let free = self.config.acks + 2 <= self.nodes;
        let disk = &self.disk;
        let certain = if disk.agreed == epoch { disk.log.len() } else { disk.committed };
        let reign = self.around.reigns.get_mut(&epoch)?;
        for _ in 0..[0, 0, 1, 1, 2, 3][rng.below(6) as usize] {
            let entry = value(rng);
            if rng.keeps() {
                reign.log.push(entry);
            }
        }
        if is_current && rng.chance(500_000) {
            let most = if free { reign.log.len() } else { reign.told.min(reign.log.len()) };
            if most > reign.committed {
                reign.committed += 1 + rng.below((most - reign.committed) as u64) as usize;
            }
            if reign.committed > self.around.acked.len() {
                self.around.acked = reign.log[..reign.committed].to_vec();
            }
        }
        // Seldom an older one, which was overtaken.
        let all = reign.log.len();
        let end = if rng.chance(150_000) { reign.start + rng.below((all - reign.start) as u64 + 1) as usize } else { all };
        let from = match rng.below(8) {
            0 => 0,
            1 => rng.below(end as u64 + 1) as usize,
            2 => certain + 1,
            3 => certain.saturating_sub(1),
            4 => disk.log.len(),
            5 => end,
            _ => certain,
        };
        let from = from.min(end);
        let committed = reign.committed.min(end);
        let committed = if rng.chance(200_000) { rng.below(committed as u64 + 1) as usize } else { committed };
        let message = Message::Append { epoch, from, entries: reign.log[from..end].to_vec(), committed };
        Some(Input::Message(reign.primary?, message))
    }

    /// An epoch gets another primary. Its log has all that is acknowledged; what came after that it may share with this node or not.
    fn reign(&mut self, epoch: Epoch, rng: &mut Rng) -> Epoch {
        let mut log = self.around.acked.clone();
        let shared = log.len();
        if self.disk.log.starts_with(&log) && rng.chance(600_000) {
            let more = self.disk.log.len() - shared;
            let take = if rng.chance(500_000) { more } else { rng.below(more as u64 + 1) as usize };
            log.extend_from_slice(&self.disk.log[shared..shared + take]);
        }
        for _ in 0..rng.below(4) {
            let entry = value(rng);
            if rng.keeps() {
                log.push(entry);
            }
        }
        let reign = Reign { primary: Some(self.peer(rng)), start: log.len(), committed: shared, told: shared, log };
        self.around.reigns.insert(epoch, reign);
        epoch
    }

    /// A replica says how much it has of an append that it was sent.
    fn have(&mut self, rng: &mut Rng) -> In {
        let epoch = self.around.latest()?;
        let is_own = self.around.reigns.get(&epoch)?.primary.is_none();
        let from = self.peer(rng);
        let sent = self.around.sent.get(&(epoch, from)).filter(|_| is_own)?;
        let acked = self.around.acked.len() as u64;
        let began = if rng.chance(500_000) { acked } else { rng.below(acked + 1) } as usize;
        let had = *self.around.have.entry((epoch, from)).or_insert(began);
        // Of those that it could take, in any order, the newest mostly.
        let mut has = had;
        for (at, end) in sent {
            if *at <= has && *end > has && rng.chance(800_000) {
                has = *end;
            }
        }
        self.around.have.insert((epoch, from), has);
        let length = if rng.chance(150_000) { had } else { has };
        Some(Input::Message(from, Message::Have { epoch, length }))
    }
}

impl Storm<PrimaryReplica> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<PrimaryReplica>) {
        let nodes = [2, 3, 3, 3, 4, 5][rng.below(6) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let acks = 1 + rng.below(nodes as u64 - 1) as usize;
        let config = Config { arbiter: NodeId::service(Role::Arbiter, nodes), acks };
        let waits: [&'static [u64]; 3] = [&[1, 5, 20], &[2, 20, 60, 100, 200], &[2, 100, 500]];
        let mut ghost = Ghost::new(me, nodes, config.clone());
        let mut setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            rest_ms: 250,
            ..Setting::new(nodes, me, config)
        };
        ghost.around.crowd = rng.chance(10_000);
        if ghost.around.crowd {
            (setting.waits_ms, setting.steady_ms) = (&[2, 20, 60], 1);
        }
        if rng.chance(if ghost.around.crowd { 700_000 } else { 250_000 }) {
            let agreed = Epoch(1 + if rng.chance(300_000) { rng.wild() >> 2 } else { rng.below(300) });
            let epoch = if rng.chance(500_000) { agreed } else { Epoch(agreed.0 + rng.below(3)) };
            let few = rng.below(7);
            // So that among the open writes of a crowd is the 256th.
            let length = if ghost.around.crowd && rng.chance(500_000) { rng.or_less(230 + few) } else { few };
            let mut log: Vec<u64> = (0..length).map(|_| value(rng)).collect();
            log.retain(|_| rng.keeps());
            let committed = rng.below(log.len() as u64 + 1) as usize;
            ghost.around.acked = log[..committed].to_vec();
            ghost.around.epochs.extend([agreed, epoch]);
            let reign = Reign { primary: Some(ghost.peer(rng)), start: log.len(), committed, told: log.len(), log: log.clone() };
            ghost.around.reigns.insert(agreed, reign);
            ghost.heard.insert(agreed, Heard { committed, ..Heard::default() });
            ghost.disk = Saved { epoch, agreed, log, committed };
            setting.saved = Some(ghost.disk.clone());
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> In {
        self.settles();
        if self.around.crowd
            && rng.chance(950_000)
            && let Some(input) = self.crowds(rng)
        {
            return Some(input);
        }
        match rng.below(20) {
            0 | 1 => {
                let epoch = self.next_epoch(rng)?;
                self.arbiter(Message::Seal(epoch))
            }
            2 => {
                let epochs: Vec<Epoch> = self.around.epochs.iter().copied().collect();
                let epoch = if rng.chance(600_000) { epochs.last() } else { rng.pick(&epochs) };
                self.arbiter(Message::Seal(*epoch?))
            }
            3 | 4 => self.is_named(rng),
            5..=8 => self.append(rng).filter(|_| self.lead.is_none() || rng.chance(300_000)),
            9..=12 => self.have(rng),
            13..=16 => Some(self.asks(rng)),
            _ => Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Read)),
        }
    }

    fn promised(&self) -> bool {
        self.promised
    }

    fn betray(&mut self, rng: &mut Rng) -> In {
        self.settles();
        match rng.below(5) {
            0 | 1 => Some(Input::Request(ClientId::from_index(0), Request::Read)),
            2 => self.arbiter(Message::Seal(*self.around.epochs.last()?)),
            3 => self.append(rng),
            _ => self.input(rng),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        self.counts(coverage);
    }
}
