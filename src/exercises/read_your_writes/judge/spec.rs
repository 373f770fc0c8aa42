//! What one node of `read_your_writes` may do: its ghost, kept from what others can observe. What the primary may do is in `primary`, a replica in
//! `replica`; both say what their peers and clients could say in a storm.

use super::primary::Primary;
use super::replica::Replica;
use super::{BEHIND, BOUNDED, CAUGHT_UP, LAG, NEWEST, ORDER, SAVED, TOKEN, YOURS};
use crate::exercises::kit::{Open, Taken};
use crate::exercises::read_your_writes::{Config, Key, Position, ReadYourWrites, Response, Saved, Value, Write};
use crate::rng::Rng;
use crate::rule::{Check, Coverage};
use crate::sim::{Factory, Input, NodeId, Seen, Setting, Spec, Storm, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a timer that is a little late is forgiven.
pub(super) const LATE: Duration = millis(5);
/// And one that is a little early, by a clock that drifts.
pub(super) const EARLY: Duration = millis(1);

pub(super) const RULES: &[&str] = &[YOURS, TOKEN, CAUGHT_UP, BOUNDED, BEHIND, ORDER, SAVED, LAG, NEWEST];

pub(super) fn storms(factory: Factory<ReadYourWrites>) -> Storms {
    Storms {
        rules: RULES,
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "writes of the primary",
            "reads of the primary",
            "replicas that were behind the primary",
            "reads that a replica could answer",
            "reads that came to a replica that lagged",
            "writes that came to a replica",
            "writes that came to a replica again, or beyond a gap",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<ReadYourWrites, Ghost>(factory, seed, probe)),
    }
}

/// The answers of one step, with what they answer.
pub(super) type Answered = BTreeMap<Ticket, Taken<ReadYourWrites>>;

/// What both roles know.
#[derive(Clone)]
pub(super) struct Base {
    pub me: NodeId,
    pub nodes: usize,
    pub primary: NodeId,
    pub promised: bool,
    pub met: Coverage,
    /// Storms: what was asked about last.
    pub last: Option<(Key, Position)>,
    /// Storms: how many keys most writes are of, and whether many reads come at once that have to wait.
    pub keys: u64,
    pub crowd: bool,
}

#[derive(Clone)]
enum Role {
    Primary(Primary),
    Replica(Replica),
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    base: Base,
    role: Role,
    open: Open<ReadYourWrites>,
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize, primary: NodeId) -> Self {
        let role = if me == primary { Role::Primary(Primary::default()) } else { Role::Replica(Replica::default()) };
        let base = Base { me, nodes, primary, promised: false, met: Coverage::default(), last: None, keys: 3, crowd: false };
        Ghost { base, role, open: Open::new(BOUNDED, me) }
    }

    /// How much of the log is on its disk.
    pub fn disk(&self) -> u64 {
        match &self.role {
            Role::Primary(primary) => primary.disk,
            Role::Replica(replica) => replica.disk,
        }
    }
}

impl Spec<ReadYourWrites> for Ghost {
    fn step(&mut self, seen: &Seen<'_, ReadYourWrites>) -> Check {
        self.base.promised = false;
        let answers = self.open.step(seen)?;
        let answered: Answered = answers.into_iter().map(|(taken, _): (_, &Response)| (taken.ticket, taken)).collect();
        match &mut self.role {
            Role::Primary(primary) => primary.step(&mut self.base, seen, &answered),
            Role::Replica(replica) => replica.step(&mut self.base, seen, &answered),
        }
    }

    fn time(&mut self, now: Time) -> Check {
        match &self.role {
            Role::Primary(primary) => {
                primary.overdue(&self.base, now)?;
                self.open.in_time(now, super::TAKES + LATE)
            }
            Role::Replica(replica) => replica.overdue(&self.base, now),
        }
    }
}

/// One of a few keys, so that they are written again; sometimes any.
pub(super) fn key(keys: u64, rng: &mut Rng) -> Key {
    Key(if rng.chance(80_000) { rng.wild() } else { rng.below(keys) })
}

/// A write that some client could ask for.
pub(super) fn write(keys: u64, rng: &mut Rng) -> Write {
    // Equal ones on purpose: the same write again is another write.
    let value = match rng.below(8) {
        0 => rng.wild(),
        1..=3 => rng.below(2),
        4 => rng.below(8),
        _ => rng.below(1_000),
    };
    Write { key: key(keys, rng), value: Value(value) }
}

impl Storm<ReadYourWrites> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<ReadYourWrites>) {
        let nodes = [2, 3, 3, 4, 5][rng.below(5) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let other = NodeId::from_index((me.index() + 1 + rng.below(nodes as u64 - 1) as usize) % nodes);
        let primary = if rng.chance(400_000) { me } else { other };
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 100, 200], &[2, 100, 500]];
        let mut ghost = Ghost::new(me, nodes, primary);
        ghost.base.keys = if rng.chance(60_000) { 80 } else { 3 };
        ghost.base.crowd = me != primary && rng.chance(40_000);
        let length = match rng.below(20) {
            0 => {
                let long = 250 + rng.below(20);
                rng.or_less(long)
            }
            1..=8 => rng.below(6),
            _ => 0,
        };
        let log: Vec<Write> = (0..length).map(|_| write(ghost.base.keys, rng)).collect();
        match &mut ghost.role {
            Role::Primary(primary) => primary.found(&log),
            Role::Replica(replica) => replica.found(&log),
        }
        let setting = Setting {
            saved: (length > 0).then_some(Saved { log }),
            waits_ms: if ghost.base.crowd { &[1, 20, 60] } else { waits[rng.below(3) as usize] },
            steady_ms: u64::from(ghost.base.crowd),
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            ..Setting::new(nodes, me, Config { primary })
        };
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<ReadYourWrites>> {
        match &mut self.role {
            Role::Primary(primary) => primary.input(&mut self.base, rng),
            Role::Replica(replica) => replica.input(&mut self.base, rng),
        }
    }

    fn promised(&self) -> bool {
        self.base.promised
    }

    fn betray(&mut self, rng: &mut Rng) -> Option<Input<ReadYourWrites>> {
        match &mut self.role {
            Role::Primary(primary) => primary.betray(&mut self.base, rng),
            Role::Replica(replica) => replica.betray(&mut self.base, rng),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.base.met);
    }
}
