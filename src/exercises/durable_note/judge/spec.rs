//! What one server may do: the ghost of `durable_note`, and what its clients ask in a storm.
//!
//! A note is an atomic register of one copy (Herlihy & Wing 1990), so a read may find every write that no other has surely
//! followed. Group commit, reads from the disk alone, extra saves: all are allowed that keep this.

use super::{ONCE, READS, REMEMBERS, SAVED};
use crate::exercises::durable_note::{DurableNote, Request, Response};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, ClientId, Factory, Input, NodeId, Seen, Setting, Spec, Storm, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};

/// How long an answer may take.
const ANSWER_MS: u64 = 1_000;
/// What a timer that is a little late is forgiven.
const GRACE_MS: u64 = 10;

pub(super) fn storms(factory: Factory<DurableNote>) -> Storms {
    Storms {
        rules: &[READS, ONCE, REMEMBERS, SAVED],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "storm: acknowledged writes",
            "storm: reads",
            "storm: acknowledged notes read after a crash",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<DurableNote, Note>(factory, seed, probe)),
    }
}

/// A write that reached the server. All moments are numbers of steps.
#[derive(Clone)]
struct Write {
    note: u64,
    arrived: u64,
    /// Since when it cannot happen any more: it was answered or found by a read, or a crash cut it off.
    over: Option<u64>,
    /// Since when it is certain that it has happened: it was answered, or a read found it.
    certain: Option<u64>,
    /// Since when it is certain that another came after it, and which: a read found that one when this one was over.
    replaced: Option<(u64, usize)>,
    /// Whether a read showed it before its own answer did.
    read: bool,
}

/// A request that the server has taken in this life and not answered.
#[derive(Clone)]
pub(super) struct Open {
    pub step: u64,
    since: Time,
    pub request: Request,
    /// Of a write, its place among the writes.
    write: Option<usize>,
}

/// The ghost of the server.
#[derive(Clone)]
pub(super) struct Note {
    /// In the order of arrival; first the note that was always there.
    writes: Vec<Write>,
    pub open: BTreeMap<Ticket, Open>,
    answered: BTreeSet<Ticket>,
    /// What is on the disk, and was at the last restart.
    disk: u64,
    began_with: u64,
    restarted: u64,
    promised: bool,
    pub met: Met,
}

/// What it has met.
#[derive(Clone, Default)]
pub(super) struct Met {
    pub taken: u64,
    pub replies: u64,
    pub acked: u64,
    pub reads: u64,
    pub survived: u64,
}

impl Note {
    pub fn new(disk: u64) -> Self {
        Note {
            writes: vec![Write { note: disk, arrived: 0, over: Some(0), certain: Some(0), replaced: None, read: false }],
            open: BTreeMap::new(),
            answered: BTreeSet::new(),
            disk,
            began_with: disk,
            restarted: 0,
            promised: false,
            met: Met::default(),
        }
    }

    /// The latest write that came after `old` was over, and had surely happened before step `until`: then `old` is too old.
    /// Of writes that were under way together, a read tells which came later.
    fn newer(&self, old: &Write, until: u64) -> Option<&Write> {
        let over = old.over?;
        let later = self.writes.iter().rev().find(|w| over < w.arrived && w.certain.is_some_and(|at| at < until));
        later.or_else(|| old.replaced.filter(|(at, _)| *at < until).map(|(_, by)| &self.writes[by]))
    }

    /// A read that arrived at step `asked` is answered with `note`.
    fn found(&mut self, note: u64, asked: u64, step: u64) -> Check {
        self.met.reads += 1;
        let of_it: Vec<usize> = (0..self.writes.len()).filter(|i| self.writes[*i].note == note).collect();
        let Some(last) = of_it.last() else {
            return Err(Broken::new(READS, format!("n1 answered a read with Note({note}), which nobody had written")).at([step]));
        };
        let could: Vec<usize> = of_it.iter().copied().filter(|i| self.newer(&self.writes[*i], asked).is_none()).collect();
        if could.is_empty()
            && let Some(lost) = self.newer(&self.writes[*last], asked)
        {
            return Err(self.lost(lost, note, step));
        }
        // Of two writes of the same note, nobody knows which was found.
        if let [one] = could[..] {
            let restarted = self.restarted;
            let write = &mut self.writes[one];
            self.met.survived += u64::from(one > 0 && write.certain.is_some_and(|at| at < restarted));
            write.certain.get_or_insert(step);
            write.read |= write.over.is_none();
            write.over.get_or_insert(step);
            for (i, other) in self.writes.iter_mut().enumerate() {
                if i != one && other.over.is_some_and(|over| over < asked) {
                    other.replaced.get_or_insert((step, one));
                }
            }
        }
        // Whoever read a note has a right to find it again.
        self.promised = true;
        Ok(())
    }

    /// A read was answered with `note`, though `lost` had surely been written after it.
    fn lost(&self, lost: &Write, note: u64, step: u64) -> Broken {
        let Write { note: expected, arrived, certain, read, .. } = *lost;
        let how = if read {
            format!("a read had been answered with Note({expected})")
        } else {
            format!("Write({expected}) had been acknowledged")
        };
        let story = format!("{how}, and nothing was written after it");
        let (rule, how) = if certain.unwrap_or(arrived) >= self.restarted {
            (READS, format!("{story}; then n1 answered a read with Note({note})"))
        } else if self.began_with != expected {
            (
                SAVED,
                format!(
                    "{story}; then n1 crashed and restarted with {} on its disk, and answered a read with Note({note})",
                    self.began_with
                ),
            )
        } else {
            (REMEMBERS, format!("{story}; n1 crashed and restarted with {expected} on its disk, but answered a read with Note({note})"))
        };
        Broken::new(rule, how).at([arrived, step])
    }

    fn reply(&mut self, ticket: Ticket, response: &Response, step: u64) -> Check {
        self.met.replies += 1;
        if !self.answered.insert(ticket) {
            let seen = format!("n1 answered {:?}'s request {ticket:?} a second time, with {response:?}", ticket.client());
            return Err(Broken::new(ONCE, seen).at([step]));
        }
        match (self.open.remove(&ticket), response) {
            (Some(Open { write: Some(index), .. }), Response::Written) => {
                self.met.acked += 1;
                self.promised = true;
                let write = &mut self.writes[index];
                write.certain.get_or_insert(step);
                write.over.get_or_insert(step);
                Ok(())
            }
            (Some(Open { write: None, step: asked, .. }), Response::Note(note)) => self.found(*note, asked, step),
            (Some(Open { step: asked, request, .. }), _) => {
                Err(Broken::new(ONCE, format!("n1 answered {request:?} with {response:?}")).at([asked, step]))
            }
            (None, _) => Ok(()),
        }
    }

    /// A crash cuts off what is open: it has happened by now, or never will.
    fn cut_off(&mut self, step: u64) {
        for open in std::mem::take(&mut self.open).into_values() {
            if let Some(index) = open.write {
                self.writes[index].over.get_or_insert(step);
            }
        }
    }
}

impl Spec<DurableNote> for Note {
    fn step(&mut self, seen: &Seen<'_, DurableNote>) -> Check {
        self.promised = false;
        match seen.cause {
            Cause::Start { again: true } => {
                self.cut_off(seen.number);
                (self.began_with, self.restarted) = (self.disk, seen.number);
            }
            Cause::Request { ticket, request } => {
                self.met.taken += 1;
                let write = if let Request::Write(note) = request {
                    self.writes.push(Write { note: *note, arrived: seen.number, over: None, certain: None, replaced: None, read: false });
                    Some(self.writes.len() - 1)
                } else {
                    None
                };
                self.open.insert(ticket, Open { step: seen.number, since: seen.now, request: request.clone(), write });
            }
            _ => {}
        }
        for save in seen.saves() {
            self.disk = *save;
        }
        for (ticket, response) in seen.replies() {
            self.reply(ticket, response, seen.number)?;
        }
        if seen.crashed {
            self.cut_off(seen.number);
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        let Some(open) = self.open.values().next().filter(|open| now > open.since + millis(ANSWER_MS + GRACE_MS)) else { return Ok(()) };
        let seen = format!("n1 took {:?} at {}, and did not answer it within a second", open.request, open.since);
        Err(Broken::new(ONCE, seen).at([open.step]).unanswered())
    }
}

impl Storm<DurableNote> for Note {
    fn setting(rng: &mut Rng) -> (Self, Setting<DurableNote>) {
        let saved = if rng.chance(500_000) { None } else { Some(rng.wild()) };
        let waits: [&'static [u64]; 4] = [&[2, 20, 150], &[20, 400], &[1, 1_200], &[10, 30]];
        let setting = Setting {
            saved,
            waits_ms: waits[rng.below(4) as usize],
            // A second answer may come late.
            rest_ms: if rng.chance(50_000) { 60_000 } else { 1_200 },
            ..Setting::new(1, NodeId::from_index(0), ())
        };
        (Note::new(saved.unwrap_or(0)), setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<DurableNote>> {
        let client = ClientId::from_index(rng.below(2) as usize);
        if rng.chance(500_000) {
            return Some(Input::Request(client, Request::Read));
        }
        // Notes that were there before, the one on the disk among them, and others that are easily taken for them.
        let back = rng.below(self.writes.len().min(3) as u64) as usize;
        let known = self.writes[self.writes.len() - 1 - back].note;
        let note = match rng.below(5) {
            0 => rng.below(4),
            1 => rng.wild(),
            2 => self.disk,
            3 => known,
            _ => rng.near(known),
        };
        Some(Input::Request(client, Request::Write(note)))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    fn betray(&mut self, rng: &mut Rng) -> Option<Input<DurableNote>> {
        let _ = rng;
        Some(Input::Request(ClientId::from_index(0), Request::Read))
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("storm: acknowledged writes", self.met.acked);
        coverage.add("storm: reads", self.met.reads);
        coverage.add("storm: acknowledged notes read after a crash", self.met.survived);
    }
}
