//! What the others could say: candidates, the leaders of other terms, this node's followers, and clients. It is kept so that all of it could be said by
//! nodes that are right: what is committed is in every later leader's log, and equal index and term are equal logs.

use super::{Ghost, term_at};
use crate::exercises::raft_log::{Ballot, Entry, EntryId, Message, RaftLog, Request, Saved, Term};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, NodeId, Setting, Storm};
use std::collections::{BTreeMap, BTreeSet};

/// The leader of a term that is not the node that is tried, or a candidate.
#[derive(Clone)]
struct Reign {
    leader: NodeId,
    log: Vec<Entry>,
    /// What it began with, and what it has committed.
    start: usize,
    commit: usize,
}

#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// How far terms jump.
    far: u64,
    /// Whether this node, once it leads, is seldom disturbed: then its log grows, and all its followers come to have some of it.
    calm: bool,
    /// What is committed anywhere.
    committed: Vec<Entry>,
    /// Candidates and leaders by term; whose log may grow is a leader.
    candidates: BTreeMap<(Term, NodeId), Vec<Entry>>,
    reigns: BTreeMap<Term, Reign>,
    /// Terms that are somebody's already, and those of leaders of whom nothing is known but entries.
    taken: BTreeSet<Term>,
    unseen: BTreeSet<Term>,
    /// For whom each has voted.
    votes: BTreeMap<(Term, NodeId), NodeId>,
    /// The last term in which anybody has voted for this node: who has does nothing more in an older one.
    granted: Term,
    /// In which terms this node asked each; which appends it sent to each; how much of its log each has.
    asked: BTreeMap<NodeId, Vec<Term>>,
    sent: BTreeMap<(Term, NodeId), Vec<(EntryId, usize)>>,
    has: BTreeMap<(Term, NodeId), usize>,
    /// What it has told leaders that it has.
    told: BTreeMap<Term, usize>,
}

impl Surroundings {
    pub fn asks(&mut self, to: NodeId, term: Term) {
        self.asked.entry(to).or_default().push(term);
        self.taken.insert(term);
    }

    pub fn ships(&mut self, to: NodeId, term: Term, prev: EntryId, end: usize) {
        let sent = self.sent.entry((term, to)).or_default();
        if sent.last() != Some(&(prev, end)) {
            sent.push((prev, end));
        }
    }

    pub fn told(&mut self, term: Term, index: usize) {
        let told = self.told.entry(term).or_default();
        *told = (*told).max(index);
    }

    fn latest(&self) -> Term {
        self.reigns.keys().next_back().copied().unwrap_or(0)
    }
}

type In = Option<Input<RaftLog>>;

fn value(rng: &mut Rng) -> u64 {
    if rng.chance(150_000) { rng.wild() } else { rng.below(4) }
}

fn command(rng: &mut Rng) -> Option<u64> {
    (!rng.chance(150_000)).then(|| value(rng))
}

impl Ghost {
    fn peer(&self, rng: &mut Rng) -> NodeId {
        NodeId::from_index((self.me.index() + 1 + rng.below(self.nodes as u64 - 1) as usize) % self.nodes)
    }

    /// What it has committed by now, or could have, is in every log from now on.
    fn settles(&mut self) {
        let known = self.known.max(self.due).min(self.log().len());
        if known > self.around.committed.len() {
            self.around.committed = self.log()[..known].to_vec();
        }
    }

    fn next_term(&self, rng: &mut Rng) -> Term {
        let term = self.term().max(self.around.latest());
        let up = match (self.around.far, rng.below(8)) {
            (0, _) | (_, 0..=5) => 1 + rng.below(2),
            (1, _) => 1 + rng.below(300),
            _ => 1 << (4 + rng.below(44)),
        };
        term.saturating_add(rng.or_less(up).max(1))
    }

    /// A log that another node could have when it stands for election in this term: with all that is committed.
    fn another_log(&mut self, term: Term, rng: &mut Rng) -> Vec<Entry> {
        let mut log = self.around.committed.clone();
        let others: Vec<Term> = self.around.reigns.range(..term).map(|(term, _)| *term).collect();
        let source = match rng.below(5) {
            0 => None,
            1 => rng.pick(&others).and_then(|of| self.around.reigns.get(of)).map(|reign| &reign.log),
            _ => Some(&self.disk.log),
        };
        if let Some(source) = source.filter(|source| source.starts_with(&log)) {
            let more = source.len() - log.len();
            let take = if rng.chance(400_000) { more } else { rng.below(more as u64 + 1) as usize };
            log.extend_from_slice(&source[log.len()..][..take]);
        }
        log.retain(|entry| entry.term < term);
        // The leader of a term of which nobody here has heard left these.
        let last = log.last().map_or(0, |entry| entry.term);
        for _ in 0..rng.below(3) {
            let between = last.max(log.last().map_or(0, |entry| entry.term));
            let unseen = match term.saturating_sub(between) {
                0 | 1 => continue,
                room => between + 1 + rng.below((room - 1).min(3)),
            };
            if !self.around.taken.insert(unseen) {
                continue;
            }
            self.around.unseen.insert(unseen);
            for _ in 0..=rng.below(3) {
                let entry = Entry { term: unseen, command: command(rng) };
                if rng.keeps() {
                    log.push(entry);
                }
            }
        }
        log
    }

    /// Another node stands for election.
    fn candidate(&mut self, rng: &mut Rng) -> In {
        let known: Vec<(Term, NodeId)> = self.around.candidates.keys().copied().collect();
        let (term, from) = match rng.pick(&known).copied().filter(|_| rng.chance(300_000)) {
            Some(again) => again,
            None => {
                let (term, from) = (if rng.chance(200_000) { self.term().max(1) } else { self.next_term(rng) }, self.peer(rng));
                if *self.around.votes.entry((term, from)).or_insert(from) != from
                    || self.around.reigns.contains_key(&term)
                    || self.around.unseen.contains(&term)
                {
                    return None;
                }
                self.around.taken.insert(term);
                let log = self.another_log(term, rng);
                self.around.candidates.insert((term, from), log);
                (term, from)
            }
        };
        let last = EntryId::last(self.around.candidates.get(&(term, from))?);
        Some(Input::Message(from, Message::RequestVote { term, last }))
    }

    /// Somebody else wins a term that is newer than all others.
    fn reign(&mut self, rng: &mut Rng) -> Option<Term> {
        let newest = self.around.latest().max(self.around.granted);
        let stand: Vec<(Term, NodeId)> = self.around.candidates.keys().filter(|(term, _)| *term > newest).copied().collect();
        let (term, leader) = match rng.pick(&stand).copied().filter(|_| self.nodes == 2 || rng.chance(600_000)) {
            Some(stands) => stands,
            None if self.nodes == 2 => return None,
            None => (self.next_term(rng), self.peer(rng)),
        };
        let is_mine = self.disk.ballot.term == term && self.disk.ballot.voted_for == Some(leader);
        let free: Vec<NodeId> = self.others().filter(|peer| self.around.votes.get(&(term, *peer)).is_none_or(|of| *of == leader)).collect();
        if term <= newest
            || self.around.unseen.contains(&term)
            || !free.contains(&leader)
            || free.len() + usize::from(is_mine) < self.majority()
        {
            return None;
        }
        let log = match self.around.candidates.get(&(term, leader)) {
            Some(log) if log.starts_with(&self.around.committed) => log.clone(),
            Some(_) => return None,
            None => self.another_log(term, rng),
        };
        for voter in free {
            self.around.votes.insert((term, voter), leader);
        }
        self.around.taken.insert(term);
        let commit = self.around.committed.len();
        self.around.reigns.insert(term, Reign { leader, start: log.len(), commit, log });
        Some(term)
    }

    /// The leader of another term sends what it has.
    fn append(&mut self, rng: &mut Rng) -> In {
        let known: Vec<Term> = self.around.reigns.keys().copied().collect();
        let own = self.around.granted;
        let term = match (rng.pick(&known).copied().filter(|_| rng.chance(150_000)), known.last().copied()) {
            (Some(old), _) => old,
            (_, Some(latest)) if latest > own && !rng.chance(120_000) => latest,
            _ => self.reign(rng)?,
        };
        let is_latest = term == self.around.latest() && term > own;
        let told = self.around.told.get(&term).copied().unwrap_or(0);
        let free = self.nodes > 2;
        let disk = self.disk.log.len();
        let certain = self.certain(term);
        let reign = self.around.reigns.get_mut(&term)?;
        if is_latest {
            for _ in 0..[0, 0, 1, 1, 2, 3][rng.below(6) as usize] {
                let entry = Entry { term, command: command(rng) };
                if rng.keeps() {
                    reign.log.push(entry);
                }
            }
            // Only what is of its own term is committed by counting.
            let most = if free { reign.log.len() } else { told.min(reign.log.len()) };
            if rng.chance(500_000) && most > reign.start.max(reign.commit) {
                let least = reign.start.max(reign.commit);
                reign.commit = least + 1 + rng.below((most - least) as u64) as usize;
                if reign.commit > self.around.committed.len() {
                    self.around.committed = reign.log[..reign.commit].to_vec();
                }
            }
        }
        // Sometimes an older one, which was overtaken.
        let all = reign.log.len();
        let end = if rng.chance(250_000) { rng.below(all as u64 + 1) as usize } else { all };
        let prev = match rng.below(9) {
            0 => 0,
            1 => rng.below(end as u64 + 1) as usize,
            2 => disk + 1,
            3 => disk.saturating_sub(1),
            4 => disk,
            5 => end,
            6 => certain.saturating_sub(1),
            _ => certain,
        };
        let prev = prev.min(end);
        let commit = if rng.chance(200_000) { rng.below(reign.commit as u64 + 1) as usize } else { reign.commit };
        let id = EntryId { index: prev, term: term_at(&reign.log, prev)? };
        let message = Message::AppendEntries { term, prev: id, entries: reign.log[prev..end].to_vec(), commit };
        Some(Input::Message(reign.leader, message))
    }

    /// One of those whom it asked for a vote.
    fn vote(&mut self, rng: &mut Rng) -> In {
        let from = self.peer(rng);
        let asked = self.around.asked.get(&from)?;
        let term = if rng.chance(850_000) { *asked.last()? } else { *rng.pick(asked)? };
        let mut granted = rng.chance(850_000);
        let was = self.around.votes.get(&(term, from)).copied();
        // Anew only in a term that is newer than what others have, and to whom has all that is committed.
        let may = term > self.around.latest() && self.disk.log.starts_with(&self.around.committed);
        granted &= was == Some(self.me) || was.is_none() && may;
        if !granted && was == Some(self.me) {
            return None;
        }
        self.around.votes.entry((term, from)).or_insert(if granted { self.me } else { from });
        if granted {
            self.around.granted = self.around.granted.max(term);
        }
        let term = if granted || rng.chance(700_000) { term } else { self.next_term(rng) };
        Some(Input::Message(from, Message::RequestVoteReply { term, granted }))
    }

    /// One of its followers answers an append.
    fn replica(&mut self, rng: &mut Rng) -> In {
        let own = self.lead.as_ref()?;
        let (from, term) = (self.peer(rng), own.term);
        let key = if rng.chance(900_000) { (term, from) } else { *rng.pick(&self.around.sent.keys().copied().collect::<Vec<_>>())? };
        let sent = self.around.sent.get(&key)?;
        let (prev, end) = if rng.chance(700_000) { *sent.last()? } else { *rng.pick(sent)? };
        // Once somebody else leads a newer term nobody takes more.
        let is_over = key.0 != term || self.around.latest() > term;
        if rng.chance(20_000) {
            let term = self.next_term(rng);
            self.around.taken.insert(term);
            return Some(Input::Message(key.1, Message::Refused { term, prev: prev.index, hint: None }));
        }
        let log = &own.log;
        let start = if rng.chance(500_000) { log.len() } else { rng.below(log.len() as u64 + 1) as usize };
        let has = *self.around.has.entry(key).or_insert(if is_over { 0 } else { start.min(end) });
        let (term, from) = key;
        if prev.index <= has {
            let index = if is_over { end.min(has) } else { end };
            self.around.has.insert(key, has.max(index));
            return Some(Input::Message(from, Message::Matches { term, index }));
        }
        let least = has + 1;
        let at = least + rng.below((prev.index - least) as u64 + 1) as usize;
        if is_over {
            // A refusal of an earlier term that was under way all along.
            let hint = rng.chance(500_000).then_some(EntryId { index: at, term: 0 });
            return (key.0 < own.term).then_some(Input::Message(from, Message::Refused { term, prev: prev.index, hint }));
        }
        let (low, high) = (term_at(log, has)?.max(1), term);
        let hint = match rng.below(4) {
            0 | 1 => None,
            2 => Some(EntryId { index: at, term: 0 }),
            _ if high - low > 1 => {
                let other = low + 1 + rng.below(high - low - 1);
                (at..=prev.index).all(|i| term_at(log, i) != Some(other)).then_some(EntryId { index: at, term: other })
            }
            _ => None,
        };
        Some(Input::Message(from, Message::Refused { term, prev: prev.index, hint }))
    }

    fn write(rng: &mut Rng) -> In {
        Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Write(value(rng))))
    }
}

impl Storm<RaftLog> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<RaftLog>) {
        let nodes = [2, 3, 3, 3, 4, 5, 5][rng.below(7) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let waits: [&'static [u64]; 3] = [&[1, 5, 20], &[2, 20, 60, 100, 300], &[2, 100, 400]];
        let mut ghost = Ghost::new(me, nodes);
        ghost.around.far = rng.below(3);
        ghost.around.calm = rng.chance(300_000);
        let mut setting = Setting { waits_ms: waits[rng.below(3) as usize], rest_ms: 380, ..Setting::new(nodes, me, ()) };
        if rng.chance(600_000) {
            let mut term = 1 + if ghost.around.far == 0 {
                rng.below(3)
            } else {
                let wild = rng.wild() >> 8;
                rng.or_less(wild)
            };
            let mut log = Vec::new();
            let long = if rng.chance(40_000) { 254 + rng.below(6) } else { 0 };
            let long = rng.or_less(long);
            for i in 0..long + rng.below(7) {
                let entry = Entry { term, command: command(rng) };
                if i < long || rng.keeps() {
                    log.push(entry);
                }
                if rng.chance(400_000) {
                    term += 1 + rng.below(2);
                }
            }
            let committed = rng.below(log.len() as u64 + 1) as usize;
            ghost.around.committed = log[..committed].to_vec();
            ghost.around.taken.extend(log.iter().map(|entry| entry.term));
            ghost.around.unseen.extend(log.iter().map(|entry| entry.term));
            let term = term + rng.below(3);
            let voted_for = rng.chance(500_000).then(|| NodeId::from_index(rng.below(nodes as u64) as usize));
            if let Some(leader) = voted_for.filter(|leader| *leader != me) {
                ghost.around.votes.insert((term, leader), leader);
            }
            ghost.around.taken.insert(term);
            ghost.disk = Saved { ballot: Ballot { term, voted_for }, log };
            setting.saved = Some(ghost.disk.clone());
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> In {
        self.settles();
        let stands = self.lead.is_none() && self.ran_in == Some(self.term()) && !self.heard.contains_key(&self.term());
        if stands && rng.chance(700_000) {
            return self.vote(rng);
        }
        let lasts = self.around.calm && self.lead.is_some() && !rng.chance(40_000);
        match rng.below(20) {
            0 | 1 | 15 if lasts => Ghost::write(rng),
            2..=8 if lasts => self.replica(rng),
            0 | 1 => self.candidate(rng),
            2..=8 => self.append(rng).filter(|_| self.lead.is_none() || rng.chance(150_000)),
            9..=14 => self.replica(rng),
            15 => self.vote(rng),
            _ => Ghost::write(rng),
        }
    }

    fn promised(&self) -> bool {
        self.promised
    }

    fn betray(&mut self, rng: &mut Rng) -> In {
        self.settles();
        if rng.chance(500_000) { self.append(rng) } else { self.input(rng) }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}
