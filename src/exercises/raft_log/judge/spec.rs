//! What one node of `raft_log` may do: its ghost, kept from what others can observe. It is held to what is on its disk, to what leaders have sent it and
//! followers have told it. Saving more often, sending again, no-ops, sending before saving (Ongaro 2014, section 10.2.1), counting ticks, silence
//! towards an old leader, hints or none: all are allowed that keep this. What a save may change is in `saves`, what may leave in `says`, what
//! is late in `overdue`, and what could come in in `inputs`.

mod inputs;
mod overdue;
mod saves;
mod says;

use super::rules::{ACKED, ANSWERS, APPEND, BUDGET, CATCHES, CONFLICT, COUNTS, ELECTION, LOWER, MACHINE, MATCHING, OWN, REPLICATES, SAVED};
use crate::exercises::raft_log::{Entry, Message, RaftLog, Request, Role, Saved, TAKES, Term, Timer, View};
use crate::rule::{Broken, Check, Coverage};
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

    /// What it shows itself to be must follow from what it has heard: its election is ours, and knows.
    fn shows(&mut self, seen: &Seen<'_, RaftLog>) -> Check {
        let Some(view) = seen.view else { return Ok(()) };
        let (me, step) = (self.me, seen.number);
        let broken = |text: String| Err(Broken::new(ELECTION, text).at([step]));
        if view.ballot != self.disk.ballot {
            let (is, has) = (view.ballot, self.disk.ballot);
            let what = if seen.is_start() { "starts with" } else { "has" };
            return broken(format!("{me}'s election {what} {is:?}, and on its disk there is {has:?}"));
        }
        if let Some((from, message)) = seen.message() {
            let term = message.term();
            if term > view.ballot.term {
                return broken(format!("{me} heard {message:?} from {from}, and its election is still in term {}", view.ballot.term));
            }
            let is_vote = matches!(message, Message::RequestVote { .. });
            let answered = seen.sent().any(|(to, m)| to == from && matches!(m, Message::RequestVoteReply { .. }));
            if is_vote && !answered {
                return broken(format!("{me} was asked by {from} for its vote, and its election did not answer: it was not told"));
            }
            let is_append = matches!(message, Message::AppendEntries { .. }) && term == view.ballot.term;
            if is_append && view.role != Role::Follower {
                return broken(format!("{me} heard {from}, the leader of term {term}, and its election is still {:?}", view.role));
            }
        }
        match &self.lead {
            Some(lead) if view.role != Role::Leader => {
                let text =
                    format!("a majority has voted for {me} in term {}, and its election is {:?}: it was not told", lead.term, view.role);
                broken(text)
            }
            None if view.role == Role::Leader => broken(format!("{me} leads term {}, and no majority has voted for it", view.ballot.term)),
            _ => Ok(()),
        }
    }

    /// What it has applied: the commands of the log, from the first on, as far as that is known to be committed.
    fn applies(&mut self, seen: &Seen<'_, RaftLog>) -> Check {
        let Some(view) = seen.view else { return Ok(()) };
        let (me, step) = (self.me, seen.number);
        let before = self.view.as_ref().map_or(&[][..], |view| &view.applied);
        if view.applied == before {
            return Ok(());
        }
        if !view.applied.starts_with(before) {
            let text = format!("{me} had applied {before:?}, and now shows {:?}: what was applied is not undone", view.applied);
            return Err(Broken::new(MACHINE, text).at([step]));
        }
        let at = before.len();
        let now = &view.applied[at..];
        let commands = self.disk.log.iter().enumerate().filter_map(|(i, entry)| Some((i + 1, entry.command?)));
        let mut should = commands.skip(at);
        for (done, is) in (at + 1..).zip(now) {
            let Some((index, command)) = should.next() else {
                let text = format!("{me} applied {is} as command {done}, and its log on the disk has only {} of them", done - 1);
                return Err(Broken::new(MACHINE, text).at([step]));
            };
            if index > self.known {
                return Err(self.too_far(index, &format!("{me} applied entry {index}"), step));
            }
            if command != *is {
                let entry = self.disk.log[index - 1];
                let text = format!("{me} applied {is} as command {done}; the next that is not applied yet is entry {index}, {entry:?}");
                return Err(Broken::new(MACHINE, text).at([step]));
            }
        }
        if self.lead.is_none() {
            self.met.add("entries applied as a follower", now.len() as u64);
        }
        Ok(())
    }

    /// It takes something for committed that is not, as far as it can know: which rule that breaks, and why.
    fn too_far(&self, index: usize, did: &str, step: u64) -> Broken {
        let known = self.known;
        let Some(lead) = &self.lead else {
            let certain = self.certain(self.term());
            let said = self.heard.get(&self.term()).map_or(0, |heard| heard.commit);
            let text = if said >= index {
                format!(
                    "{did}; the leader of term {} says that {said} are committed, but of its log only the first {certain} are known to be on this disk",
                    self.term()
                )
            } else {
                format!("{did}; all that it has been told to be committed ends at {known}")
            };
            return Broken::new(MACHINE, text).at([self.heard.get(&self.term()).map_or(step, |heard| heard.step), step]);
        };
        let counted = self.counted();
        let has: Vec<String> = lead.followers.iter().map(|(node, f)| format!("{node} has {}", f.matched)).collect();
        let own = format!("on its own disk there are {}", self.disk.log.len());
        if index <= counted
            && let Some(of) = term_at(&lead.log, counted)
        {
            let text = format!(
                "{did} and leads term {}; a majority has the first {counted} ({}), but entry {counted} is of term {of}: only an entry of its own term is \
                 committed by counting, and what stands before it with it",
                lead.term,
                has.join(", ")
            );
            return Broken::new(OWN, text).at([lead.step, step]);
        }
        let stale = lead.followers.iter().filter_map(|(node, follower)| Some((node, follower.stale?)));
        if let Some((node, (stale, when))) = stale.max_by_key(|(_, stale)| *stale).filter(|(_, (stale, _))| *stale >= index) {
            let text = format!(
                "{did}; in term {} its followers have said so much: {}; {node} has said {stale}, but of an older term, which says nothing of now",
                lead.term,
                has.join(", ")
            );
            return Broken::new(LOWER, text).at([when, step]);
        }
        let text = format!(
            "{did}; in term {} its followers have said so much: {}; {own}; {} of {} must have it, and {known} are known to be committed",
            lead.term,
            has.join(", "),
            self.majority(),
            self.nodes
        );
        Broken::new(COUNTS, text).at([lead.step, step])
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
        self.learns(now, step);
        let is_timer = matches!(seen.cause, Cause::Timer(Timer::Election));
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => {
                    self.saves(saved, seen)?;
                    self.learns(now, step);
                }
                Effect::Send { to, message } => {
                    self.promised = true;
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
        self.view = seen.view.cloned();
        if self.unapplied.is_some() && self.view.as_ref().is_some_and(|view| view.applied.len() >= self.commands_due()) {
            (self.unapplied, self.settled) = (None, self.due);
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.overdue(now)
    }
}
