//! What one node of `primary_replica` may do: its ghost, kept from what others can observe. It is held to what is on its disk, to what it has
//! heard, and to what it was named. Saving several things at once, sending more often, asking from further back, saying less than it
//! has: all are allowed that keep this. What a save may change is in `saves`, what may leave in `says`, what is late in `overdue`, and what
//! could come in in `inputs`.

mod inputs;
mod overdue;
mod saves;
mod says;

use super::rules::{ACKED, ANSWERS, BY_K, CATCHES, CLIENT, DIVERGED, LEADS, PREFIX, READS, SEALED, SHIPS, STOPS, TRUTH};
use crate::exercises::kit::Open;
use crate::exercises::primary_replica::{Config, Epoch, Message, PrimaryReplica, Request, Saved, TAKES};
use crate::rule::{Check, Coverage};
use crate::sim::{Cause, Effect, Factory, NodeId, Seen, Spec, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use inputs::Surroundings;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);

pub(super) fn storms(factory: Factory<PrimaryReplica>) -> Storms {
    Storms {
        rules: &[ACKED, BY_K, SEALED, TRUTH, PREFIX, DIVERGED, SHIPS, READS, CATCHES, STOPS, LEADS, CLIENT, ANSWERS],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "epochs sealed",
            "writes acknowledged",
            "suffixes that went",
            "appends after a gap",
            "appends of an older epoch",
            "reads of what a primary has told",
            "primaries that were replaced",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<PrimaryReplica, Ghost>(factory, seed, probe)),
    }
}

/// `1 entry`, `3 entries`.
pub(super) fn entries(n: usize) -> String {
    crate::words::counted(n, "entry")
}

/// So many entries K replicas have.
fn kth(haves: &BTreeMap<NodeId, usize>, k: usize) -> Option<usize> {
    let mut haves: Vec<usize> = haves.values().copied().collect();
    haves.sort_unstable_by(|a, b| b.cmp(a));
    haves.get(k - 1).copied()
}

/// What is known of one epoch.
#[derive(Clone, Default)]
struct Heard {
    /// Entries of its primary's log that came here, by how many stand before each.
    known: BTreeMap<usize, u64>,
    /// Where the shortest of its appends ended, and in which step it came.
    shortest: Option<(usize, u64)>,
    /// The most entries that its primary said were acknowledged.
    committed: usize,
    /// As its primary: how much each replica has. And the steps in which the arbiter said so first.
    haves: BTreeMap<NodeId, usize>,
    named: Option<u64>,
}

/// What is owed to somebody.
#[derive(Clone)]
struct Owed {
    what: Due,
    to: NodeId,
    since: Time,
    step: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Report(Epoch),
    /// Of the append that ended there, if it fits what is on the disk, and told that so many are acknowledged.
    Have {
        epoch: Epoch,
        end: usize,
        fits: bool,
        committed: usize,
    },
}

impl Due {
    fn epoch(self) -> Epoch {
        match self {
            Due::Report(epoch) | Due::Have { epoch, .. } => epoch,
        }
    }
}

/// What it does as the primary of the epoch, in this life.
#[derive(Clone)]
struct Lead {
    epoch: Epoch,
    since: Time,
    step: u64,
    /// Since when each replica was sent nothing that helps it.
    silent: BTreeMap<NodeId, Time>,
    /// How much each has told in this life that it has.
    told: BTreeMap<NodeId, usize>,
    /// The same, of those that told it after an append had left in this life, so that nobody can say that it did not lead yet. And how much K of
    /// them have by that, and since when: a little later it knows.
    counted: BTreeMap<NodeId, usize>,
    knows: Vec<(usize, Time)>,
    has_shipped: bool,
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    nodes: usize,
    config: Config,
    pub disk: Saved,
    open: Open<PrimaryReplica>,
    /// The writes of this life that wait, and where they stand in the log.
    writes: BTreeMap<Ticket, u64>,
    places: BTreeMap<Ticket, usize>,
    /// Those that it put there in the epoch of now. And what must be answered: since when enough replicas have it.
    ours: BTreeSet<Ticket>,
    /// What was open when a newer epoch came need not be answered.
    excused: BTreeSet<Ticket>,
    ripe: BTreeMap<Ticket, (Time, u64)>,
    /// What an open read must show at least.
    floors: BTreeMap<Ticket, usize>,
    heard: BTreeMap<Epoch, Heard>,
    /// The highest epoch that anybody spoke of, and when it wrote its own.
    told: Epoch,
    sealed_in: u64,
    lead: Option<Lead>,
    owed: Vec<Owed>,
    /// What reads have shown, and in which step; and what this life must show.
    shown: (usize, u64),
    fresh: usize,
    reported: BTreeSet<Epoch>,
    promised: bool,
    around: Surroundings,
    met: Coverage,
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize, config: Config) -> Self {
        Ghost {
            me,
            nodes,
            config,
            disk: Saved::default(),
            open: Open::new(ANSWERS, me),
            writes: BTreeMap::new(),
            places: BTreeMap::new(),
            ours: BTreeSet::new(),
            excused: BTreeSet::new(),
            ripe: BTreeMap::new(),
            floors: BTreeMap::new(),
            heard: BTreeMap::new(),
            told: Epoch(0),
            sealed_in: 0,
            lead: None,
            owed: Vec::new(),
            shown: (0, 0),
            fresh: 0,
            reported: BTreeSet::new(),
            promised: false,
            around: Surroundings::default(),
            met: Coverage::default(),
        }
    }

    /// What stands there in the log of this epoch's primary, as far as it was told: by that primary, or acknowledged by an older one.
    fn brought(&self, epoch: Epoch, at: usize) -> Option<u64> {
        let of = |(_, heard): (&Epoch, &Heard)| heard.known.get(&at).copied().filter(|_| heard.committed > at);
        let known = self.heard.get(&epoch).and_then(|heard| heard.known.get(&at).copied());
        known.or_else(|| self.heard.range(..epoch).find_map(of))
    }

    fn named(&self, epoch: Epoch) -> bool {
        self.heard.get(&epoch).is_some_and(|heard| heard.named.is_some())
    }

    /// So many entries of a log that is agreed with this epoch are acknowledged, as far as can be known here: what an epoch has acknowledged
    /// is in the log of every later one.
    fn acknowledged(&self, agreed: Epoch) -> usize {
        let of = |heard: &Heard| heard.committed.max(kth(&heard.haves, self.config.acks).unwrap_or(0));
        let most = self.heard.range(..=agreed).map(|(_, heard)| of(heard)).max();
        most.unwrap_or(0).max(self.disk.committed)
    }

    /// So many entries on its disk are those of the primary of this epoch, for certain.
    fn certain(&self, epoch: Epoch) -> usize {
        let all = self.disk.log.len();
        if self.disk.agreed == epoch { all } else { all.min(self.acknowledged(self.disk.agreed)) }
    }

    /// Somebody spoke of an epoch. If it is newer, what came of this one a moment ago may be dropped.
    fn is_told(&mut self, epoch: Epoch) {
        self.told = self.told.max(epoch);
        if let Some(lead) = self.lead.as_mut().filter(|lead| lead.epoch < epoch) {
            lead.knows.clear();
        }
    }

    /// What K replicas have told a while ago it knows to be acknowledged, whether a client of its own waits for that or not.
    fn learns(&mut self, now: Time) {
        let Some(lead) = &mut self.lead else { return };
        let fresh = &mut self.fresh;
        lead.knows.retain(|(length, since)| {
            let is_due = now > *since + TAKES + LATE;
            *fresh = if is_due { *length.max(fresh) } else { *fresh };
            !is_due
        });
    }

    fn hears(&mut self, from: NodeId, message: &Message, seen: &Seen<'_, PrimaryReplica>) {
        let (now, step) = (seen.now, seen.number);
        let owes = |what| Owed { what, to: from, since: now, step };
        match message {
            Message::Seal(epoch) => {
                self.is_told(*epoch);
                if *epoch >= self.disk.epoch {
                    self.owed.push(owes(Due::Report(*epoch)));
                }
            }
            Message::Lead(epoch) => {
                if *epoch == self.disk.epoch {
                    self.heard.entry(*epoch).or_default().named.get_or_insert(step);
                    if self.lead.as_ref().is_none_or(|lead| lead.epoch != *epoch) {
                        let peers = (0..self.nodes).map(NodeId::from_index).filter(|node| *node != self.me);
                        let silent = peers.map(|node| (node, now)).collect();
                        let (told, counted) = (BTreeMap::new(), BTreeMap::new());
                        self.lead =
                            Some(Lead { epoch: *epoch, since: now, step, silent, told, counted, knows: Vec::new(), has_shipped: false });
                    }
                }
            }
            Message::Append { epoch, from: at, entries, committed } => {
                self.is_told(*epoch);
                // What it must know, not all that it could.
                let must = if self.disk.agreed == *epoch { usize::MAX } else { self.fresh.max(self.disk.committed) };
                let (end, fits) = (at + entries.len(), *at <= must.min(self.disk.log.len()));
                let heard = self.heard.entry(*epoch).or_default();
                heard.known.extend((*at..).zip(entries.iter().copied()));
                heard.committed = heard.committed.max(*committed);
                if heard.shortest.is_none_or(|(shortest, _)| end < shortest) {
                    heard.shortest = Some((end, step));
                }
                if *epoch < self.disk.epoch {
                    self.met.add("appends of an older epoch", 1);
                } else {
                    self.met.add("appends after a gap", u64::from(!fits));
                    self.owed.push(owes(Due::Have { epoch: *epoch, end, fits, committed: *committed }));
                }
            }
            Message::Have { epoch, length } => {
                if *epoch != self.disk.epoch || !self.named(*epoch) {
                    return;
                }
                let have = self.heard.entry(*epoch).or_default().haves.entry(from).or_insert(*length);
                *have = (*have).max(*length);
                if let Some(lead) = &mut self.lead {
                    let told = lead.told.entry(from).or_insert(*length);
                    *told = (*told).max(*length);
                    if lead.has_shipped && self.told <= *epoch {
                        let counted = lead.counted.entry(from).or_insert(*length);
                        *counted = (*counted).max(*length);
                        if let Some(length) = kth(&lead.counted, self.config.acks) {
                            lead.knows.push((length, now));
                        }
                    }
                    let acknowledged = self.acknowledged(*epoch);
                    for (ticket, _) in self.places.iter().filter(|(_, place)| **place <= acknowledged) {
                        if self.ours.contains(ticket) && self.writes.contains_key(ticket) {
                            self.ripe.entry(*ticket).or_insert((now, step));
                        }
                    }
                }
            }
            Message::Report { .. } => {}
        }
    }

    fn forgets(&mut self) {
        self.owed.clear();
        self.writes.clear();
        self.places.clear();
        self.ours.clear();
        self.excused.clear();
        self.ripe.clear();
        self.floors.clear();
        self.lead = None;
        self.fresh = self.disk.committed;
    }

    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}

impl Spec<PrimaryReplica> for Ghost {
    fn step(&mut self, seen: &Seen<'_, PrimaryReplica>) -> Check {
        self.promised = false;
        if seen.is_start() {
            self.forgets();
        }
        self.learns(seen.now);
        let answers = self.open.step(seen)?;
        match seen.cause {
            Cause::Message { from, message, .. } => self.hears(from, message, seen),
            Cause::Request { ticket, request: Request::Write(value) } => {
                self.writes.insert(ticket, *value);
            }
            Cause::Request { ticket, request: Request::Read } => {
                self.floors.insert(ticket, self.fresh.max(self.disk.committed));
            }
            _ => {}
        }
        let mut answers = answers.iter();
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(saved, seen)?,
                Effect::Send { to, message } => {
                    self.promised = true;
                    self.sends(*to, message, seen)?;
                }
                Effect::Reply { .. } => {
                    self.promised = true;
                    if let Some((taken, response)) = answers.next() {
                        self.replies(taken, response, seen)?;
                    }
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.forgets();
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.overdue(now)
    }
}
