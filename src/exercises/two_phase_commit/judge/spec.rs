//! What one node of `two_phase_commit` may do: its ghost, kept from what others can observe. What a coordinator may do is in `coordinator`, a
//! participant in `participant`; both say what their peers and clients could say in a storm.

use super::coordinator::Coordinator;
use super::participant::Participant;
use super::{ABORTS, ATOMIC, CHANGES, ENDS, FREES, IDS, IN_TIME, LOCKS, NEEDS, ONCE, SAVED, TRUTH, VOTES, WAITS, YES};
use crate::exercises::kit::Open;
use crate::exercises::two_phase_commit::{ANSWERS, Config, Saved, TAKES, TwoPhaseCommit, TxId};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Factory, Input, NodeId, Seen, Setting, Spec, Storm, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
pub(super) const LATE: Duration = millis(5);

pub(super) fn storms(factory: Factory<TwoPhaseCommit>) -> Storms {
    Storms {
        rules: &[ATOMIC, NEEDS, YES, SAVED, CHANGES, WAITS, ENDS, LOCKS, FREES, ONCE, TRUTH, VOTES, ABORTS, IDS, IN_TIME],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "votes for Yes",
            "votes for No",
            "commits of a participant",
            "aborts of a participant in doubt",
            "aborts that came before their Prepare",
            "reads of a locked account",
            "commits of a coordinator",
            "aborts of a coordinator",
            "questions about a transaction of an earlier life",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<TwoPhaseCommit, Ghost>(factory, seed, probe)),
    }
}

/// What a node owes another one, because of something that came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    Vote,
    Done,
    /// The decision, as it was made.
    Decision,
    /// The decision, as somebody asked.
    Answer,
}

#[derive(Clone)]
struct Owed {
    due: Due,
    tx: TxId,
    to: NodeId,
    since: Time,
    step: u64,
}

/// What both roles know.
#[derive(Clone)]
pub(super) struct Base {
    pub me: NodeId,
    pub nodes: usize,
    pub config: Config,
    owed: Vec<Owed>,
    pub promised: bool,
    pub met: Coverage,
}

impl Base {
    /// The participants.
    pub fn participants(&self) -> Vec<NodeId> {
        (0..self.nodes).map(NodeId::from_index).filter(|node| *node != self.config.coordinator).collect()
    }

    pub fn owes(&mut self, due: Due, tx: TxId, to: NodeId, seen: &Seen<'_, TwoPhaseCommit>) {
        if !self.owed.iter().any(|o| (o.due, o.tx, o.to) == (due, tx, to)) {
            self.owed.push(Owed { due, tx, to, since: seen.now, step: seen.number });
        }
    }

    pub fn pays(&mut self, due: Due, tx: TxId, to: NodeId) {
        self.owed.retain(|o| (o.due, o.tx, o.to) != (due, tx, to));
    }

    fn overdue(&self, now: Time) -> Check {
        let Some(owed) = self.owed.iter().find(|o| now > o.since + TAKES + LATE) else { return Ok(()) };
        let Owed { due, tx, to, step, .. } = owed;
        let me = self.me;
        let (rule, seen) = match due {
            Due::Vote => (IN_TIME, format!("{me} was asked for its vote on {tx:?}, but {to} got none within {} ms", TAKES.as_millis())),
            Due::Done => (FREES, format!("{to} told {me} how {tx:?} ended, but got no Done within {} ms", TAKES.as_millis())),
            Due::Decision => (FREES, format!("{me} had decided {tx:?}, but did not tell {to} within {} ms", TAKES.as_millis())),
            Due::Answer => (ENDS, format!("{to} asked {me} how {tx:?} ended, but got no answer within {} ms", TAKES.as_millis())),
        };
        Err(Broken::new(rule, seen).at([*step]).unanswered())
    }
}

#[derive(Clone)]
enum Role {
    Coordinator(Coordinator),
    Participant(Participant),
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    base: Base,
    role: Role,
    open: Open<TwoPhaseCommit>,
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize, config: Config) -> Self {
        let role =
            if me == config.coordinator { Role::Coordinator(Coordinator::default()) } else { Role::Participant(Participant::default()) };
        let base = Base { me, nodes, config, owed: Vec::new(), promised: false, met: Coverage::default() };
        Ghost { base, role, open: Open::new(IN_TIME, me) }
    }

    /// As a participant: the transactions about whose end it does not know, since which step each.
    pub fn in_doubt(&self) -> Vec<(TxId, u64)> {
        if let Role::Participant(participant) = &self.role { participant.in_doubt().collect() } else { Vec::new() }
    }
}

impl Spec<TwoPhaseCommit> for Ghost {
    fn step(&mut self, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let base = &mut self.base;
        base.promised = false;
        if seen.is_start() {
            base.owed.clear();
        }
        let answers = self.open.step(seen)?;
        match &mut self.role {
            Role::Coordinator(coordinator) => coordinator.step(base, seen, &answers)?,
            Role::Participant(participant) => participant.step(base, seen, &answers)?,
        }
        if seen.crashed {
            base.owed.clear();
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.base.overdue(now)?;
        match &self.role {
            Role::Coordinator(_) => self.open.in_time(now, ANSWERS + LATE),
            Role::Participant(participant) => {
                participant.asks(&self.base, now)?;
                self.open.in_time(now, TAKES + LATE)
            }
        }
    }
}

impl Storm<TwoPhaseCommit> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<TwoPhaseCommit>) {
        let nodes = [2, 3, 3, 3, 4, 5][rng.below(6) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let other = NodeId::from_index((me.index() + 1 + rng.below(nodes as u64 - 1) as usize) % nodes);
        let coordinator = if rng.chance(450_000) { me } else { other };
        let opening = match rng.below(5) {
            0 => 0,
            1 => rng.below(4),
            2 => rng.wild(),
            _ => 100,
        };
        let config = Config { coordinator, opening };
        let waits: [&'static [u64]; 3] = [&[1, 5, 20, 60], &[2, 20, 60, 100, 200], &[2, 100, 500]];
        let mut ghost = Ghost::new(me, nodes, config.clone());
        let mut setting = Setting {
            waits_ms: waits[rng.below(3) as usize],
            clock_ahead_us: 2_000_000_000 + rng.below(1 << 40),
            rest_ms: 400,
            ..Setting::new(nodes, me, config)
        };
        match &mut ghost.role {
            Role::Participant(participant) => {
                participant.accounts = if rng.chance(100_000) { 80 } else { 3 };
                if rng.chance(40_000) {
                    // Minutes: doubt lasts as long as the coordinator is down, and what has ended is known after them, too.
                    (setting.waits_ms, setting.whole, setting.waits_until_ms) = (&[20, 500, 65_000], true, 140_000);
                }
            }
            Role::Coordinator(coordinator) => {
                // A disk that is years old, as README says.
                setting.saved = rng.chance(300_000).then(|| Saved { counter: rng.wild() >> 2, ..Saved::default() });
                coordinator.crowd = rng.chance(30_000);
                if coordinator.crowd {
                    setting.waits_ms = &[1, 2];
                }
            }
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        match &mut self.role {
            Role::Coordinator(coordinator) => coordinator.input(&mut self.base, rng),
            Role::Participant(participant) => participant.input(&mut self.base, rng),
        }
    }

    fn promised(&self) -> bool {
        self.base.promised
    }

    fn betray(&mut self, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        match &mut self.role {
            Role::Coordinator(coordinator) => coordinator.betray(&mut self.base, rng),
            Role::Participant(participant) => participant.betray(&mut self.base, rng),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.base.met);
    }
}
