//! What Figure 2 and the README allow one node to do, and what its peers could say: the ghost of `raft_election`.
//!
//! Votes, terms and leads are those of [`Safety`]. What is added here is what a node owes: a vote that is free, a campaign
//! when nothing was heard, heartbeats. Two clocks do for all ways of counting time: the election timer *must* have been
//! restarted at one moment, and *may* have been at a later one. Allowed beyond Figure 2: silence where a refusal would do,
//! asking again, more saves, mail to oneself, a candidate that gives up once a majority refused, a leader that abdicates
//! once no majority answers (Ongaro 2014, section 6.2).

mod inputs;

use super::safety::Safety;
use super::{AGAIN, AT_ONCE, HIGHER, LOWER, MAJORITY, ONE_LEADER, ONE_VOTE, STAYS, TERMS, TIMER, UP_TO_DATE, YIELDS};
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Role, Saved, Term, View};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Invariant as _, NodeId, Seen, Spec, Step, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What those are forgiven who count ticks, and those who answer a little later.
const GRACE_MS: u64 = 25;
/// The same for election timeouts: a tick of 50 ms is a right one.
const TICK_MS: u64 = 55;
/// So many waits between two tries that differ by less than 3 ms are no accident, even where four lengths are possible.
const SAME_WAITS: usize = 24;

pub(super) fn storms(factory: Factory<RaftElection>) -> Storms {
    Storms {
        rules: &[UP_TO_DATE, ONE_VOTE, TERMS, MAJORITY, HIGHER, LOWER, YIELDS, TIMER, AGAIN, AT_ONCE, ONE_LEADER, STAYS],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "storm pauses",
            "storm: votes granted",
            "storm: elections won",
            "storm: candidacies",
            "storm: leaders heard",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<RaftElection, Ghost>(factory, seed, probe)),
    }
}

/// A vote that is free and was asked for.
#[derive(Clone, Copy)]
struct Owed {
    by: Time,
    term: Term,
    to: NodeId,
    step: u64,
}

/// What the peers have said, so that they say nothing that correct nodes could not.
#[derive(Clone)]
struct Peers {
    logs: Vec<LogEnd>,
    /// Which kinds of message this storm has, as bits, and how far its terms jump.
    kinds: u64,
    far: u64,
    /// Whether it stays in one term for the most part.
    stays: bool,
    /// In which terms the node asked each of them for a vote, and sent it a heartbeat.
    asked: BTreeMap<NodeId, Vec<Term>>,
    beaten: BTreeMap<NodeId, Vec<Term>>,
    leaders: BTreeMap<Term, NodeId>,
    /// For whom each of them voted.
    gave: BTreeMap<(Term, NodeId), NodeId>,
}

#[derive(Clone)]
pub(super) struct Ghost {
    safety: Safety,
    me: NodeId,
    peers: Peers,
    disk: Term,
    // Its present life.
    view: Option<View>,
    born: Term,
    gave_now: BTreeSet<(Term, NodeId)>,
    led_by: BTreeSet<Term>,
    /// The last term in which it was a candidate.
    ran_in: Option<Term>,
    refused: BTreeMap<Term, BTreeSet<NodeId>>,
    answered: BTreeMap<NodeId, Time>,
    /// When the election timer must have been restarted last, and when it may have been.
    must: Time,
    may: Time,
    /// The step of that, and of the last message of a lower term since.
    may_step: u64,
    stale: Option<u64>,
    /// Whether it has heard anything of its own term since.
    heard_own: bool,
    candidate_at: Time,
    waits_ms: Vec<u64>,
    to_ask: BTreeSet<NodeId>,
    /// When each peer was told last that this node leads; `None` if not yet.
    beats: BTreeMap<NodeId, Option<Time>>,
    led_since: (Time, u64),
    owed: Vec<Owed>,
    promised: Option<Term>,
    won: u64,
    candidacies: u64,
    grants: u64,
}

fn fine(log: LogEnd, own: LogEnd) -> bool {
    (log.term, log.index) >= (own.term, own.index)
}

impl Ghost {
    fn all(&self) -> usize {
        self.peers.logs.len()
    }

    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.me;
        (0..self.all()).map(NodeId::from_index).filter(move |p| *p != me)
    }

    fn majority(&self) -> usize {
        self.all() / 2 + 1
    }

    fn own_log(&self) -> LogEnd {
        self.peers.logs[self.me.index()]
    }

    /// A new life.
    fn starts(&mut self, seen: &Seen<'_, RaftElection>) -> Check {
        let now = seen.now;
        (self.view, self.ran_in, self.heard_own) = (None, None, false);
        (self.gave_now, self.led_by, self.refused, self.answered) = Default::default();
        (self.waits_ms, self.owed, self.to_ask, self.stale) = (Vec::new(), Vec::new(), BTreeSet::new(), None);
        (self.must, self.may, self.may_step) = (now, now, seen.number);
        let Some(view) = seen.view else { return Ok(()) };
        self.born = view.term;
        let Ghost { me, disk, .. } = self;
        let text = match view.role {
            Role::Follower if view.term == *disk => String::new(),
            Role::Follower => format!("{me} starts in term {}, but has term {disk} on its disk", view.term),
            role => format!("{me} starts as {role:?} of term {}, but a node starts as a follower", view.term),
        };
        if !text.is_empty() {
            return Err(Broken::new(TERMS, text).at([seen.number]));
        }
        self.view = Some(*view);
        Ok(())
    }

    /// A vote that it saves must be one that it may give.
    fn spends(&self, seen: &Seen<'_, RaftElection>) -> Check {
        for Saved { term, voted_for } in seen.saves() {
            let Some(candidate) = voted_for.filter(|_| self.safety.voted_for(*term, self.me).is_none()) else { continue };
            if candidate == self.me {
                if seen.view.is_some_and(|view| view.term == *term && view.role == Role::Follower) {
                    let text = format!(
                        "{} saved a vote for itself in term {term}, in which it is not a candidate: no candidate can have that vote",
                        self.me
                    );
                    return Err(Broken::new(AGAIN, text).at([seen.number]));
                }
            } else if !self.safety.claimed(*term, self.me, candidate) && self.peers.leaders.get(term) != Some(&candidate) {
                let text = format!("{} saved a vote for {candidate}, which had not asked for one in term {term}", self.me);
                return Err(Broken::new(LOWER, text).at([seen.number]));
            }
        }
        Ok(())
    }

    /// What it says, held against what it is.
    fn speaks(&mut self, seen: &Seen<'_, RaftElection>) -> Check {
        let broken = |rule, text| Err(Broken::new(rule, text).at([seen.number]));
        for (to, message) in seen.sent() {
            match *message {
                Message::RequestVote { term, log } => {
                    if log != self.own_log() {
                        let own = self.own_log();
                        let text = format!(
                            "{}'s log ends at index {} of term {}, and it asked {to} for a vote with index {} of term {}",
                            self.me, own.index, own.term, log.index, log.term
                        );
                        return broken(UP_TO_DATE, text);
                    }
                    self.peers.asked.entry(to).or_default().push(term);
                    if let Some(view) = seen.view.filter(|v| v.term != term || v.role == Role::Follower) {
                        return broken(
                            TERMS,
                            format!(
                                "{} asked {to} for a vote in term {term}, and shows itself as {:?} of term {}",
                                self.me, view.role, view.term
                            ),
                        );
                    }
                }
                Message::AppendEntries { term } => {
                    self.peers.beaten.entry(to).or_default().push(term);
                    if let Some(view) = seen.view.filter(|v| v.term != term || v.role != Role::Leader) {
                        return broken(
                            HIGHER,
                            format!("{} sent {to} a heartbeat of term {term}, but is {:?} of term {}", self.me, view.role, view.term),
                        );
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn votes(&self, term: Term) -> usize {
        self.safety.voters(term, self.me)
    }

    /// Whether the role that it has now may follow from the one before.
    fn becomes(&self, before: View, after: View, seen: &Seen<'_, RaftElection>) -> Check {
        let story = || format!("{} was {:?} of term {}, and is {:?} of term {}", self.me, before.role, before.term, after.role, after.term);
        let same_term = before.term == after.term;
        if let Some((from, Message::AppendEntries { term })) = seen.message()
            && before.role == Role::Candidate
            && *term == before.term
            && same_term
            && after.role != Role::Follower
        {
            return Err(Broken::new(YIELDS, format!("{}: it heard {from}, the leader of that term", story())).at([seen.number]));
        }
        if same_term && before.role == Role::Leader && after.role != Role::Leader && !self.is_alone(seen.now) {
            return Err(
                Broken::new(STAYS, format!("{}: it gave up its lead, although it had heard of no higher term", story())).at([seen.number])
            );
        }
        let refused = self.refused.get(&after.term).map_or(0, BTreeSet::len);
        let candidacy = same_term && (before.role == Role::Candidate || self.ran_in == Some(after.term));
        if candidacy
            && self.safety.voted_for(after.term, self.me) == Some(self.me)
            && !self.safety.led(after.term, self.me)
            && after.role != Role::Leader
            && self.votes(after.term) >= self.majority()
            && !self.led_by.contains(&after.term)
            && refused * 2 < self.all()
            && seen.message().is_some_and(|(from, m)| from != self.me && matches!(m, Message::RequestVoteReply { granted: true, .. }))
        {
            let text = format!(
                "{} of {} voted for {} in term {}, but it is {:?}",
                self.votes(after.term),
                self.all(),
                self.me,
                after.term,
                after.role
            );
            return Err(Broken::new(MAJORITY, text).at([seen.number]));
        }
        Ok(())
    }

    /// Whether no majority has answered it lately: then a leader may give up.
    fn is_alone(&self, now: Time) -> bool {
        self.answered.values().filter(|at| **at + millis(100) > now).count() + 1 < self.majority()
    }

    fn campaigns(&mut self, before: View, seen: &Seen<'_, RaftElection>) -> Check {
        let now = seen.now;
        self.candidacies += 1;
        if now + millis(TICK_MS) < self.must + millis(150) {
            let waited = (now - self.must).as_millis();
            let text = format!(
                "{} started an election {waited} ms after it had to restart its timer, at {}; it must wait at least 150 ms",
                self.me, self.must
            );
            return Err(Broken::new(TIMER, text).at([self.may_step, seen.number]));
        }
        if self.may == self.candidate_at && before.role == Role::Candidate {
            self.waits_ms.push((now - self.may).as_millis() as u64);
        } else {
            self.waits_ms.clear();
        }
        let last = &self.waits_ms[self.waits_ms.len().saturating_sub(SAME_WAITS)..];
        if last.len() == SAME_WAITS
            && let (Some(least), Some(most)) = (last.iter().min(), last.iter().max())
            && most - least < 3
        {
            let text = format!(
                "{} tried {SAME_WAITS} times in a row, each time {least} to {most} ms after the last: the wait is to be drawn anew",
                self.me
            );
            return Err(Broken::new(AGAIN, text).at([seen.number]));
        }
        self.restarts(now, seen.number);
        (self.must, self.candidate_at, self.ran_in) = (now, now, seen.view.map(|view| view.term));
        self.to_ask = self.others().collect();
        Ok(())
    }

    /// Keeps the clocks and what is owed.
    fn counts(&mut self, before: View, after: View, seen: &Seen<'_, RaftElection>) {
        let now = seen.now;
        let message = seen.message();
        match message {
            Some((_, m)) if m.term() < before.term => self.stale = Some(seen.number),
            Some(_) => self.heard_own = true,
            None => {}
        }
        for (to, m) in seen.sent() {
            match *m {
                Message::RequestVote { .. } => drop(self.to_ask.remove(&to)),
                Message::AppendEntries { .. } if after.role == Role::Leader => drop(self.beats.insert(to, Some(now))),
                Message::RequestVoteReply { term, granted: true } if to != self.me => {
                    self.grants += 1;
                    self.restarts(now, seen.number);
                    if self.gave_now.insert((term, to)) && term > self.born {
                        self.must = now;
                    }
                    self.owed.retain(|o| (o.term, o.to) != (term, to));
                }
                _ => {}
            }
        }
        if after.role == Role::Leader && before.role != Role::Leader {
            self.won += 1;
            self.led_since = (now, seen.number);
            let told: BTreeSet<NodeId> =
                seen.sent().filter(|(_, m)| matches!(m, Message::AppendEntries { .. })).map(|(to, _)| to).collect();
            self.beats = self.others().map(|p| (p, told.contains(&p).then_some(now))).collect();
        }
        if after.role != Role::Leader
            && (before.role == Role::Leader || before.role != after.role && after.role == Role::Follower || after.term > before.term)
        {
            self.restarts(now, seen.number);
        }
        let Some((from, m)) = message.filter(|(_, m)| m.term() == after.term) else { return };
        match m {
            Message::AppendEntries { .. } => {
                self.restarts(now, seen.number);
                self.must = now;
            }
            Message::RequestVote { log, term } if after.role == Role::Follower && from != self.me => {
                let voted = self.safety.voted_for(*term, self.me);
                // A vote that it saves now for who asks is given, and to be told.
                let gives = seen.saves().any(|saved| (saved.term, saved.voted_for) == (*term, Some(from)));
                let free = self.gave_now.contains(&(*term, from)) || (voted.is_none() || gives) && *term > self.born;
                let given = seen.sent().any(|(to, m)| to == from && *m == Message::RequestVoteReply { term: *term, granted: true });
                if free && !given && !self.led_by.contains(term) && fine(*log, self.own_log()) {
                    self.owed.push(Owed { by: now + millis(GRACE_MS), term: *term, to: from, step: seen.number });
                }
            }
            _ => {}
        }
    }

    /// The election timer may have been restarted now.
    fn restarts(&mut self, now: Time, step: u64) {
        (self.may, self.may_step, self.stale, self.heard_own) = (now, step, None, false);
    }
}

impl Spec<RaftElection> for Ghost {
    fn step(&mut self, seen: &Seen<'_, RaftElection>) -> Check {
        let before = if seen.is_start() { None } else { self.view };
        self.promised = None;
        self.safety.cause(self.me, seen.cause)?;
        match seen.message() {
            Some((from, Message::RequestVoteReply { term, granted: false })) => drop(self.refused.entry(*term).or_default().insert(from)),
            Some((from, Message::AppendEntries { term })) => {
                self.led_by.insert(*term);
                self.peers.leaders.insert(*term, from);
                self.safety.leader_is(*term, from, seen.number);
            }
            // An answer of an older term says nothing of this lead.
            Some((from, Message::AppendEntriesReply { term })) if self.view.is_some_and(|view| view.term == *term) => {
                self.answered.insert(from, seen.now);
            }
            _ => {}
        }
        self.spends(seen)?;
        let Seen { number, effects, crashed, .. } = *seen;
        let step = Step { number, at: seen.now, node: self.me, effects, first_message: 0, crashed, view: seen.view.copied() };
        self.safety.step(&step)?;
        for saved in seen.saves() {
            (self.disk, self.promised) = (saved.term, Some(saved.term));
        }
        for (_, m) in seen.sent() {
            if let Message::RequestVote { term, .. } | Message::RequestVoteReply { term, granted: true } = m {
                self.promised = Some(*term);
            }
        }
        if seen.is_start() {
            return self.starts(seen);
        }
        self.speaks(seen)?;
        let (Some(before), Some(after)) = (before, seen.view.copied()) else {
            self.view = None;
            return Ok(());
        };
        self.view = Some(after);
        if after.term > self.disk {
            // Whoever sees it would see it fall.
            self.promised = Some(after.term);
        }
        self.becomes(before, after, seen)?;
        let heard = seen.message().map_or(0, |(_, m)| m.term());
        if after.term > before.term && after.term > heard {
            self.campaigns(before, seen)?;
        }
        self.counts(before, after, seen);
        Ok(())
    }

    fn resumes(&mut self, _: Time, span: Duration) {
        // `must` stays: who looks at a clock may act at once.
        for at in [&mut self.may, &mut self.candidate_at, &mut self.led_since.0] {
            *at = *at + span;
        }
        self.beats.values_mut().flatten().for_each(|at| *at = *at + span);
        self.owed.iter_mut().for_each(|owed| owed.by = owed.by + span);
        self.waits_ms.clear();
    }

    fn time(&mut self, now: Time) -> Check {
        let (Some(view), me) = (self.view, self.me) else { return Ok(()) };
        if view.role == Role::Leader {
            let (since, step) = self.led_since;
            if let Some((peer, _)) = self.beats.iter().find(|(_, at)| at.is_none() && now > since + millis(GRACE_MS)) {
                let text = format!("{me} became leader of term {} at {since}, but by {now} had sent no AppendEntries to {peer}", view.term);
                return Err(Broken::new(AT_ONCE, text).at([step]).stuck());
            }
            if let Some((peer, Some(at))) = self.beats.iter().find(|(_, at)| at.is_some_and(|at| now > at + millis(50 + GRACE_MS))) {
                let text = format!(
                    "{me} leads term {}, and last told {peer} so at {at}; it is {now}, and a heartbeat is due every 50 ms",
                    view.term
                );
                return Err(Broken::new(STAYS, text).at([step]).stuck());
            }
        } else if now > self.may + millis(300 + TICK_MS) {
            let (rule, why) = match self.stale {
                Some(_) if !self.heard_own => (LOWER, ", and it has since heard only messages of lower terms"),
                _ => (AGAIN, ""),
            };
            let text = format!(
                "{me} is {:?} of term {}; the last thing that restarts its election timer was at {}{why}; it is {now}, but it has not started an election",
                view.role, view.term, self.may
            );
            return Err(Broken::new(rule, text).at(std::iter::once(self.may_step).chain(self.stale)).stuck());
        }
        if view.role == Role::Candidate
            && now > self.candidate_at + millis(GRACE_MS)
            && let Some(peer) = self.to_ask.first()
        {
            let text = format!(
                "{me} has been a candidate of term {} since {}, but by {now} has not asked {peer} for its vote",
                view.term, self.candidate_at
            );
            return Err(Broken::new(AGAIN, text).at([self.may_step]).stuck());
        }
        self.owed.retain(|o| o.term == view.term);
        let Some(owed) = self.owed.iter().find(|o| now > o.by) else { return Ok(()) };
        let log = self.peers.logs[owed.to.index()];
        let text = format!(
            "{me} was asked by {}, whose log ends at index {} of term {}, for its vote in term {}, in which it had voted for no other node; its own log ends at index {} of term {}; but it did not grant the vote",
            owed.to,
            log.index,
            log.term,
            owed.term,
            self.own_log().index,
            self.own_log().term
        );
        let rule = if self.safety.has_voted_before(owed.term, me) { AGAIN } else { UP_TO_DATE };
        Err(Broken::new(rule, text).at([owed.step]))
    }
}
