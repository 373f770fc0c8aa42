//! What the peers of a node could say: the inputs of a storm, drawn near what the ghost knows.

use super::{Ghost, Peers, fine};
use crate::exercises::raft_election::judge::safety::Safety;
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Saved, Term};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{Input, NodeId, Setting, Storm};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// The kind of input that is a heartbeat.
const HEARTBEAT: u64 = 1;
/// In so many storms, in millionths, one kind of message comes all the time, and little else.
const STEADY: u32 = 30_000;
/// Which, as bits, and every how many milliseconds. Heartbeats come so far apart that a follower which misses one of many has run out
/// of patience before the next; what may not soothe it, answers and requests, in a dense row.
const STREAMS: [(u64, u64); 4] = [(1 << HEARTBEAT, 145), (0b1_1000, 40), (0b1_1100, 40), (0b1, 40)];

impl Ghost {
    fn peer(&self, rng: &mut Rng) -> NodeId {
        let i = rng.below(self.all() as u64 - 1) as usize;
        NodeId::from_index(i + usize::from(i >= self.me.index()))
    }

    /// A term near the node's.
    fn near(&self, rng: &mut Rng) -> Term {
        let term = self.view.map_or(self.disk, |v| v.term);
        let up = match self.peers.far {
            0 => [1, 1, 2, 1],
            1 => [1, 2, 5, 1 + rng.below(200)],
            _ => [1, 1 + rng.below(300), 1 << 16, 1 << (8 + rng.below(40))],
        };
        match rng.below(10) {
            1..=8 if self.peers.stays => term,
            0..=3 => term,
            4 | 5 => {
                let up = up[rng.below(4) as usize];
                term.saturating_add(rng.or_less(up).max(1))
            }
            6 => term.saturating_add(1),
            7 | 8 => term.saturating_sub(1),
            _ => rng.below(term.saturating_add(1)),
        }
    }

    /// The term of an answer to something of `term`.
    fn answer(&self, rng: &mut Rng, term: Term) -> Term {
        match rng.below(6) {
            0..=2 => term,
            3 => term.saturating_add(1),
            _ => self.near(rng).max(term),
        }
    }

    fn vote_request(&mut self, term: Term, from: NodeId) -> Option<Message> {
        let own = *self.peers.gave.entry((term, from)).or_insert(from) == from;
        own.then(|| Message::RequestVote { term, log: self.peers.logs[from.index()] })
    }

    /// A heartbeat of the one leader of a term: if there is none yet, of `from`, if a majority can have voted for it.
    fn heartbeat(&mut self, term: Term, from: NodeId) -> Option<(NodeId, Message)> {
        if let Some(leader) = self.peers.leaders.get(&term) {
            return (*leader != self.me).then_some((*leader, Message::AppendEntries { term }));
        }
        let free: Vec<NodeId> = self.others().filter(|p| self.peers.gave.get(&(term, *p)).is_none_or(|v| *v == from)).collect();
        let need = self.majority() - usize::from(self.safety.voted_for(term, self.me) == Some(from));
        if self.safety.led(term, self.me) || !free.contains(&from) || free.len() < need {
            return None;
        }
        for voter in std::iter::once(from).chain(free.into_iter().filter(|p| *p != from).take(need.saturating_sub(1))) {
            self.peers.gave.insert((term, voter), from);
        }
        self.peers.leaders.insert(term, from);
        Some((from, Message::AppendEntries { term }))
    }
}

impl Storm<RaftElection> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<RaftElection>) {
        let n = [3, 3, 4, 5, 5, 2, 6, 7][rng.below(8) as usize];
        let me = NodeId::from_index(rng.below(n as u64) as usize);
        let base: [(u64, u64); 10] =
            [(0, 0), (5, 3), (9, 3), (3, 9), (255, 9), (1, 1), (1 << 20, 7), (1 << 33, 1 << 33), (u64::MAX, 7), (7, u64::MAX)];
        let base = base[rng.below(base.len() as u64) as usize];
        let base = LogEnd { index: rng.or_less(base.0), term: rng.or_less(base.1) };
        // An empty log has neither.
        let end = |end: LogEnd| if end.index == 0 || end.term == 0 { LogEnd::default() } else { end };
        let mut log = |i: usize| {
            if rng.chance(600_000) || i == me.index() {
                return end(base);
            }
            let mut around = |x: u64| match rng.below(7) {
                0 | 1 => x,
                2 => x.saturating_add(1),
                3 => x.saturating_sub(1),
                4 => x.saturating_sub(1 + rng.below(40)),
                5 => x.saturating_add(rng.below(40)),
                _ => {
                    let far = 1 << rng.below(34);
                    x.saturating_add(rng.or_less(far))
                }
            };
            end(LogEnd { index: around(base.index), term: around(base.term) })
        };
        let logs: Vec<LogEnd> = (0..n).map(&mut log).collect();
        let far = rng.below(3);
        let own = logs[me.index()];
        let saved = (!rng.chance(500_000)).then(|| {
            let voted_for = NodeId::from_index(rng.below(n as u64) as usize);
            // Beyond 2⁵³ a float forgets the last bit.
            let term = [rng.below(12), rng.below(300), [1 << 40, 1 << 53][rng.below(2) as usize]][far as usize];
            let term = 1 + rng.or_less(term);
            Saved { term, voted_for: Some(voted_for).filter(|v| fine(logs[v.index()], own) && rng.chance(700_000)) }
        });
        let mut safety = Safety::new(logs.clone());
        let disk = saved.as_ref().map_or(0, |s| s.term);
        if let Some(Saved { term, voted_for }) = &saved {
            safety.found_on_disk(me, *term, *voted_for);
        }
        let kinds = if rng.chance(400_000) { 31 } else { 1 + rng.below(31) };
        let peers = Peers {
            logs,
            kinds,
            far,
            stays: rng.chance(300_000),
            asked: BTreeMap::new(),
            beaten: BTreeMap::new(),
            leaders: BTreeMap::new(),
            gave: BTreeMap::new(),
        };
        let ghost = Ghost {
            safety,
            me,
            peers,
            disk,
            view: None,
            born: disk,
            gave_now: BTreeSet::new(),
            led_by: BTreeSet::new(),
            ran_in: None,
            heard_own: false,
            refused: BTreeMap::new(),
            answered: BTreeMap::new(),
            must: Time::ZERO,
            may: Time::ZERO,
            may_step: 0,
            stale: None,
            candidate_at: Time::ZERO,
            waits_ms: Vec::new(),
            to_ask: BTreeSet::new(),
            beats: BTreeMap::new(),
            led_since: (Time::ZERO, 0),
            owed: Vec::new(),
            promised: None,
            won: 0,
            candidacies: 0,
            grants: 0,
        };
        // Some stand still now and then.
        let stalls_ms = if rng.chance(700_000) { 400 } else { 0 };
        let setting = Setting { saved, stalls_ms, ..Setting::new(n, me, own) };
        if rng.chance(STEADY) {
            let (kinds, steady_ms) = STREAMS[rng.below(4) as usize];
            let peers = Peers { kinds, stays: true, ..ghost.peers.clone() };
            return (Ghost { peers, ..ghost }, Setting { waits_ms: &[600, 2_000], steady_ms, stalls_ms: 0, ..setting });
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<RaftElection>> {
        let peer = self.peer(rng);
        let kind = loop {
            let kind = rng.below(5);
            if self.peers.kinds >> kind & 1 == 1 {
                break kind;
            }
        };
        let (from, message) = match kind {
            0 => {
                let term = self.near(rng).max(1);
                (peer, self.vote_request(term, peer)?)
            }
            HEARTBEAT => {
                let term = self.near(rng).max(1);
                self.heartbeat(term, peer)?
            }
            2 | 3 => {
                let asked = self.peers.asked.get(&peer)?;
                let back = if rng.chance(700_000) { 0 } else { rng.below(asked.len() as u64) as usize };
                let (mut term, granted) = (asked[asked.len() - 1 - back], kind == 2);
                if granted {
                    if *self.peers.gave.entry((term, peer)).or_insert(self.me) != self.me {
                        return None;
                    }
                } else {
                    term = self.answer(rng, term);
                    if *self.peers.gave.entry((term, peer)).or_insert(peer) == self.me {
                        return None;
                    }
                }
                (peer, Message::RequestVoteReply { term, granted })
            }
            _ => {
                let term = *rng.pick(self.peers.beaten.get(&peer)?)?;
                (peer, Message::AppendEntriesReply { term: self.answer(rng, term) })
            }
        };
        Some(Input::Message(from, message))
    }

    fn promised(&self) -> bool {
        self.promised.is_some()
    }

    /// Somebody else asks for the vote of that term.
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<RaftElection>> {
        let term = self.view?.term.max(self.disk);
        let own = self.own_log();
        let good: Vec<NodeId> = self.others().filter(|p| fine(self.peers.logs[p.index()], own)).collect();
        let from = *rng.pick(&good)?;
        Some(Input::Message(from, self.vote_request(term, from)?))
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("storm: votes granted", self.grants);
        coverage.add("storm: elections won", self.won);
        coverage.add("storm: candidacies", self.candidacies);
        coverage.add("storm: leaders heard", self.led_by.len() as u64);
    }
}
