//! What one node of `raft_log` may do: its ghost, kept from what others can observe. It is held to what is on its disk, to what leaders have sent it and
//! followers have told it. Saving more often, sending again, no-ops, sending before saving (Ongaro 2014, section 10.2.1), counting ticks, silence
//! towards an old leader, hints or none: all are allowed that keep this. What a save may change is in `saves`, what may leave in `says`, what
//! it lets be seen in `shows`, what is late in `overdue`, and what could come in in `inputs`.

mod inputs;
mod overdue;
mod saves;
mod says;
mod shows;

use super::rules::{ACKED, ANSWERS, APPEND, BUDGET, CATCHES, CONFLICT, COUNTS, ELECTION, LOWER, MACHINE, MATCHING, OWN, REPLICATES, SAVED};
use crate::exercises::raft_log::{Entry, Message, RaftLog, Request, Saved, TAKES, Term, Timer, View};
use crate::rule::{Check, Coverage};
use crate::sim::{Cause, Effect, Factory, NodeId, Seen, Spec, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use inputs::Surroundings;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What those are forgiven who count ticks, and those who answer a little later.
const GRACE: Duration = millis(25);
/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);

pub(super) fn storms(factory: Factory<RaftLog>) -> Storms {
    Storms {
        rules: &[ELECTION, MATCHING, CONFLICT, APPEND, SAVED, LOWER, COUNTS, OWN, MACHINE, ACKED, CATCHES, REPLICATES, BUDGET, ANSWERS],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "elections won",
            "entries acknowledged to clients",
            "entries applied as a follower",
            "conflicts",
            "appends that do not fit",
            "appends of an older term",
            "refusals heard",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<RaftLog, Ghost>(factory, seed, probe)),
    }
}

/// What is known of the log of one term's leader: which terms stand where, and the entries that it has sent.
#[derive(Clone, Default)]
struct Heard {
    terms: BTreeMap<usize, Term>,
    entries: BTreeMap<usize, Entry>,
    commit: usize,
    step: u64,
}

/// An AppendEntries that is to be answered.
#[derive(Clone)]
struct Owed {
    to: NodeId,
    term: Term,
    prev: usize,
    end: usize,
    fits: bool,
    by: Time,
    step: u64,
}

/// What a leader knows of one follower, and has said to it, in its term.
#[derive(Clone)]
struct Follower {
    matched: usize,
    /// The `prev` that was sent last, and one that was refused since and must not come again.
    last_prev: Option<usize>,
    refused: Option<(usize, u64)>,
    /// The largest index that it has told this node as the leader of an older term, since it leads this one; and in which step.
    stale: Option<(usize, u64)>,
    /// When anything was sent, and since when nothing that helps it.
    beaten: Option<Time>,
    helped: Time,
}

/// What it does as the leader of the term, in this life.
#[derive(Clone)]
struct Lead {
    term: Term,
    since: Time,
    step: u64,
    /// Its log: what is on its disk, and what it has sent beyond that.
    log: Vec<Entry>,
    followers: BTreeMap<NodeId, Follower>,
    /// Entries of clients that are not answered yet; and since when they must be.
    open: BTreeSet<usize>,
    ripe: BTreeMap<usize, (Time, u64)>,
}

/// A write that was asked for in this life.
#[derive(Clone)]
struct Asked {
    value: u64,
    since: Time,
    step: u64,
    /// In which term it led then.
    term: Option<Term>,
    led_for: Duration,
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    nodes: usize,
    pub disk: Saved,
    pub view: Option<View>,
    // Of this life.
    asked: BTreeMap<Ticket, Asked>,
    answered: BTreeSet<Ticket>,
    /// The entries of this life, by index and term, whose clients were not answered.
    put: BTreeMap<(usize, Term), u64>,
    /// How many entries of each value clients have asked for and nobody has been answered for or put into the log.
    free: BTreeMap<u64, usize>,
    grants: BTreeMap<Term, BTreeSet<NodeId>>,
    ran_in: Option<Term>,
    lead: Option<Lead>,
    /// What it was the leader of last: it may have in memory what it has not saved.
    was: Option<Lead>,
    /// So much may be taken for committed. And so much must be: what stood in an append that fits, or was counted; and since when there is more of that
    /// than is applied.
    known: usize,
    due: usize,
    /// That much of it was applied when it was looked at last.
    settled: usize,
    unapplied: Option<(Time, u64)>,
    owed: Vec<Owed>,
    /// When the election timer may have been set last.
    quiet_since: (Time, u64),
    /// The commit index that it knew some time ago, as a leader.
    knew: Vec<(Time, usize)>,
    // Of all lives.
    heard: BTreeMap<Term, Heard>,
    promised: bool,
    around: Surroundings,
    met: Coverage,
}

/// `1 entry`, `3 entries`.
fn entries(n: usize) -> String {
    crate::words::counted(n, "entry")
}

/// The term of an entry; 0 before the first, `None` beyond the end.
fn term_at(log: &[Entry], index: usize) -> Option<Term> {
    if index == 0 { Some(0) } else { log.get(index - 1).map(|entry| entry.term) }
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize) -> Self {
        Ghost {
            me,
            nodes,
            disk: Saved::default(),
            view: None,
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            put: BTreeMap::new(),
            free: BTreeMap::new(),
            grants: BTreeMap::new(),
            ran_in: None,
            lead: None,
            was: None,
            known: 0,
            due: 0,
            settled: 0,
            unapplied: None,
            owed: Vec::new(),
            quiet_since: (Time::ZERO, 0),
            knew: Vec::new(),
            heard: BTreeMap::new(),
            promised: false,
            around: Surroundings::default(),
            met: Coverage::default(),
        }
    }

    fn majority(&self) -> usize {
        self.nodes / 2 + 1
    }

    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.me;
        (0..self.nodes).map(NodeId::from_index).filter(move |peer| *peer != me)
    }

    fn term(&self) -> Term {
        self.disk.ballot.term
    }

    /// Up to there the log on its disk is that of this term's leader, as far as that leader has said: equal index and term are equal logs.
    fn certain(&self, term: Term) -> usize {
        let Some(heard) = self.heard.get(&term) else { return 0 };
        let same = |(index, term): &(&usize, &Term)| term_at(&self.disk.log, **index) == Some(**term);
        heard.terms.iter().rev().find(same).map_or(0, |(index, _)| *index)
    }

    /// The largest index that a majority has on its disk, as far as this leader can know.
    fn counted(&self) -> usize {
        let Some(lead) = &self.lead else { return 0 };
        let mut has: Vec<usize> = lead.followers.values().map(|follower| follower.matched).collect();
        has.push(self.disk.log.len());
        has.sort_unstable_by(|a, b| b.cmp(a));
        has[self.majority() - 1]
    }

    /// The log that it speaks of: on its disk, or as a leader also what it has sent.
    fn log(&self) -> &[Entry] {
        self.lead.as_ref().map_or(&self.disk.log, |lead| &lead.log)
    }

    /// What is known to be committed after what it has heard and saved.
    fn learns(&mut self, now: Time, step: u64) {
        let mut known = 0;
        for (term, heard) in &self.heard {
            // Once more than that is known nothing older says more.
            if heard.commit > self.known {
                known = known.max(heard.commit.min(self.certain(*term)));
            }
        }
        let counted = self.counted();
        if let Some(lead) = &self.lead
            && counted > self.known
            && term_at(&lead.log, counted) == Some(lead.term)
        {
            known = known.max(counted);
        }
        self.known = self.known.max(known);
        if let Some(lead) = &self.lead
            && term_at(&lead.log, counted) == Some(lead.term)
        {
            self.must_know(counted, now, step);
        }
    }

    fn must_know(&mut self, index: usize, now: Time, step: u64) {
        if index <= self.due {
            return;
        }
        self.due = index;
        self.unapplied.get_or_insert((now, step));
        self.knew.push((now, index));
        if let Some(lead) = &mut self.lead {
            for index in lead.open.iter().filter(|open| **open <= index) {
                lead.ripe.entry(*index).or_insert((now, step));
            }
        }
    }

    /// How many commands must be applied.
    fn commands_due(&self) -> usize {
        self.log().iter().take(self.due).filter(|entry| entry.command.is_some()).count()
    }

    fn hears(&mut self, from: NodeId, message: &Message, seen: &Seen<'_, RaftLog>) {
        let (now, step) = (seen.now, seen.number);
        match message {
            Message::RequestVoteReply { term, granted: true } if self.ran_in == Some(*term) && *term == self.term() => {
                self.grants.entry(*term).or_default().insert(from);
            }
            Message::AppendEntries { term, prev, entries, commit } => {
                let heard = self.heard.entry(*term).or_default();
                heard.terms.insert(prev.index, prev.term);
                for (index, entry) in (prev.index + 1..).zip(entries) {
                    heard.terms.insert(index, entry.term);
                    heard.entries.insert(index, *entry);
                }
                heard.commit = heard.commit.max(*commit);
                heard.step = step;
                if *term >= self.term() {
                    self.quiet_since = (now, step);
                    let fits = term_at(&self.disk.log, prev.index) == Some(prev.term);
                    let end = prev.index + entries.len();
                    self.owed.push(Owed { to: from, term: *term, prev: prev.index, end, fits, by: now + TAKES, step });
                    self.met.add("appends that do not fit", u64::from(!fits));
                    // One that begins before what is committed may be met with that.
                    if fits && prev.index >= self.known {
                        self.must_know(end.min(*commit), now, step);
                    }
                } else {
                    self.met.add("appends of an older term", 1);
                }
            }
            Message::Matches { term, index } => {
                if let Some(lead) = self.lead.as_mut().filter(|lead| lead.term > *term)
                    && let Some(follower) = lead.followers.get_mut(&from)
                    && follower.stale.is_none_or(|(stale, _)| stale < *index)
                {
                    follower.stale = Some((*index, step));
                }
                if let Some(follower) = self.follower(*term, from)
                    && *index > follower.matched
                {
                    follower.matched = *index;
                    follower.refused = follower.refused.filter(|(prev, _)| *prev > *index);
                    follower.helped = now;
                }
            }
            Message::Refused { term, prev, .. } => {
                if let Some(follower) = self.follower(*term, from)
                    && follower.last_prev == Some(*prev)
                    && *prev > follower.matched
                {
                    follower.refused = Some((*prev, step));
                    self.met.add("refusals heard", 1);
                }
            }
            _ => {}
        }
        if message.term() > self.term() {
            self.was = self.lead.take().or(self.was.take());
            self.ran_in = None;
            self.quiet_since = (now, step);
            self.turns();
        }
    }

    /// A new term: what it was told in the old one and has not read yet need not be read any more.
    fn turns(&mut self) {
        (self.due, self.unapplied) = (self.settled, None);
        let settled = self.settled;
        self.knew.retain(|(_, knew)| *knew <= settled);
    }

    fn follower(&mut self, term: Term, node: NodeId) -> Option<&mut Follower> {
        self.lead.as_mut().filter(|lead| lead.term == term)?.followers.get_mut(&node)
    }

    /// A majority has voted for it in the term in which it asked for that: from now on it leads.
    fn wins(&mut self, seen: &Seen<'_, RaftLog>) {
        let term = self.term();
        let voters = self.grants.get(&term).map_or(0, BTreeSet::len);
        if self.lead.is_some() || self.ran_in != Some(term) || voters + 1 < self.majority() || self.heard.contains_key(&term) {
            return;
        }
        let fresh = Follower { matched: 0, last_prev: None, refused: None, stale: None, beaten: None, helped: seen.now };
        self.lead = Some(Lead {
            term,
            since: seen.now,
            step: seen.number,
            log: self.disk.log.clone(),
            followers: self.others().map(|peer| (peer, fresh.clone())).collect(),
            open: BTreeSet::new(),
            ripe: BTreeMap::new(),
        });
        self.met.add("elections won", 1);
    }

    /// A new life: what was not on the disk is gone.
    fn forgets(&mut self, now: Time, step: u64) {
        (self.asked, self.put, self.free, self.grants) = Default::default();
        (self.ran_in, self.lead, self.was, self.view) = (None, None, None, None);
        (self.known, self.due, self.settled, self.unapplied) = (0, 0, 0, None);
        self.heard.values_mut().for_each(|heard| heard.commit = 0);
        (self.owed, self.knew) = Default::default();
        self.quiet_since = (now, step);
    }
}

impl Ghost {
    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}

impl Spec<RaftLog> for Ghost {
    fn step(&mut self, seen: &Seen<'_, RaftLog>) -> Check {
        let (now, step) = (seen.now, seen.number);
        self.promised = false;
        if seen.is_start() {
            self.forgets(now, step);
        }
        match seen.cause {
            Cause::Message { from, message, .. } => self.hears(from, message, seen),
            Cause::Request { ticket, request: Request::Write(value) } => {
                let lead = self.lead.as_ref();
                let led_for = lead.map_or(Duration::ZERO, |lead| now - lead.since);
                self.asked.insert(ticket, Asked { value: *value, since: now, step, term: lead.map(|lead| lead.term), led_for });
                *self.free.entry(*value).or_default() += 1;
            }
            _ => {}
        }
        self.wins(seen);
        if seen.message().is_some() {
            self.learns(now, step);
        }
        let is_timer = matches!(seen.cause, Cause::Timer(Timer::Election));
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => {
                    self.saves(saved, seen)?;
                    self.learns(now, step);
                }
                Effect::Send { to, message } => {
                    // What it has sent as a leader it need not have saved.
                    self.promised |= !matches!(message, Message::AppendEntries { .. } | Message::Refused { .. });
                    self.sends(*to, message, is_timer, seen)?;
                }
                Effect::Reply { ticket, response } => {
                    self.promised = true;
                    self.replies(*ticket, response, seen)?;
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.forgets(now, step);
            return Ok(());
        }
        self.shows(seen)?;
        self.applies(seen)?;
        if self.view.as_ref() != seen.view {
            self.view = seen.view.cloned();
        }
        if self.unapplied.is_some() && self.view.as_ref().is_some_and(|view| view.applied.len() >= self.commands_due()) {
            (self.unapplied, self.settled) = (None, self.due);
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.overdue(now)
    }
}
