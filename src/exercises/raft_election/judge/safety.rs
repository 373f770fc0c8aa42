//! The safety rules of `raft_election` as history variables, which random runs and exploration share. A term, a vote or a
//! lead counts once it was saved or left in a message: what a crash cut off before that never happened.

use super::{HIGHER, LOWER, MAJORITY, ONE_LEADER, ONE_VOTE, TERMS, UP_TO_DATE};
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Role, Saved, Term, View};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, Invariant, NODES_MAX, NodeId, Step};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// Something that was observed, with the step in which it was. The step is only for showing: two histories that differ in
/// nothing else are the same.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub node: NodeId,
    step: u64,
}

impl Hash for Seen {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.node.hash(state);
    }
}

/// The latest term that a node has saved or sent, and when.
#[derive(Clone, Copy, Default)]
struct Observed {
    term: Term,
    step: u64,
}

impl Hash for Observed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.term.hash(state);
    }
}

#[derive(Clone, Hash)]
pub(super) struct Safety {
    pub logs: Vec<LogEnd>,
    observed: Vec<Observed>,
    /// Who each node voted for in each term.
    pub votes: BTreeMap<(Term, NodeId), Seen>,
    /// Whose grants have reached a candidate, as bits.
    grants_of: BTreeMap<(Term, NodeId), u16>,
    /// The logs that candidates claimed in requests that reached a node.
    claims: BTreeMap<(Term, NodeId, NodeId), LogEnd>,
    pub leaders: BTreeMap<Term, Seen>,
    pub views: Vec<Option<View>>,
    /// What the running handler was called for: the term of a message, with what to call it.
    message: Option<(Term, NodeId, &'static str)>,
}

impl Safety {
    pub fn new(logs: Vec<LogEnd>) -> Self {
        let n = logs.len();
        assert!(n <= NODES_MAX);
        Safety {
            logs,
            observed: vec![Observed::default(); n],
            votes: BTreeMap::new(),
            grants_of: BTreeMap::new(),
            claims: BTreeMap::new(),
            leaders: BTreeMap::new(),
            views: vec![None; n],
            message: None,
        }
    }

    /// For whom a node voted in a term.
    pub fn voted_for(&self, term: Term, voter: NodeId) -> Option<NodeId> {
        self.votes.get(&(term, voter)).map(|seen| seen.node)
    }

    /// Whether a candidate's request of that term has reached a node.
    pub fn claimed(&self, term: Term, voter: NodeId, candidate: NodeId) -> bool {
        self.claims.contains_key(&(term, voter, candidate))
    }

    /// Whether it voted for anybody in an earlier term.
    pub fn has_voted_before(&self, term: Term, voter: NodeId) -> bool {
        self.votes.keys().any(|(earlier, who)| *earlier < term && *who == voter)
    }

    /// How many have voted for a candidate, itself included, as far as it has heard.
    pub fn voters(&self, term: Term, candidate: NodeId) -> usize {
        let voters = self.grants_of.get(&(term, candidate)).copied().unwrap_or(0) | 1 << candidate.index();
        voters.count_ones() as usize
    }

    /// Whether it has led that term.
    pub fn led(&self, term: Term, node: NodeId) -> bool {
        self.leaders.get(&term).is_some_and(|leader| leader.node == node)
    }

    /// Somebody who is not watched leads a term.
    pub fn leader_is(&mut self, term: Term, node: NodeId, step: u64) {
        self.leaders.entry(term).or_insert(Seen { node, step });
    }

    /// What a node finds on its disk at its first start.
    pub fn found_on_disk(&mut self, node: NodeId, term: Term, voted_for: Option<NodeId>) {
        self.observed[node.index()] = Observed { term, step: 0 };
        if let Some(candidate) = voted_for {
            self.votes.insert((term, node), Seen { node: candidate, step: 0 });
        }
    }

    /// A term that a node has saved or sent is one that it may never fall below.
    fn term(&mut self, node: NodeId, term: Term, how: &str, step: u64) -> Check {
        let Observed { term: known, step: when } = self.observed[node.index()];
        if term < known {
            return Err(Broken::new(TERMS, format!("{node} was in term {known}, as others could know, but then {how} term {term}"))
                .at([when, step]));
        }
        if term > known {
            self.observed[node.index()] = Observed { term, step };
        }
        Ok(())
    }

    fn vote(&mut self, voter: NodeId, term: Term, candidate: NodeId, step: u64) -> Check {
        match self.votes.get(&(term, voter)) {
            None => {
                self.votes.insert((term, voter), Seen { node: candidate, step });
                Ok(())
            }
            Some(first) if first.node == candidate => Ok(()),
            Some(first) => {
                let for_whom = |n: NodeId| if n == voter { "itself".to_owned() } else { n.to_string() };
                let seen = format!(
                    "{voter} voted for {} in term {term}, and then for {} in the same term",
                    for_whom(first.node),
                    for_whom(candidate)
                );
                Err(Broken::new(ONE_VOTE, seen).at([first.step, step]))
            }
        }
    }

    fn granted(&mut self, voter: NodeId, term: Term, candidate: NodeId, step: u64) -> Check {
        self.vote(voter, term, candidate, step)?;
        // Nobody has to ask itself: its vote may be mail to itself.
        if voter == candidate {
            return Ok(());
        }
        let own = self.logs[voter.index()];
        match self.claims.get(&(term, voter, candidate)) {
            Some(log) if (log.term, log.index) < (own.term, own.index) => {
                let seen = format!(
                    "{voter}, whose log ends at index {} of term {}, voted in term {term} for {candidate}, whose log ends at index {} of term {}",
                    own.index, own.term, log.index, log.term
                );
                Err(Broken::new(UP_TO_DATE, seen).at([step]))
            }
            None => {
                let seen = format!(
                    "{voter} gave {candidate} its vote of term {term}, but {candidate} had not asked for it: its request was of another term"
                );
                Err(Broken::new(LOWER, seen).at([step]))
            }
            _ => Ok(()),
        }
    }

    fn leads(&mut self, node: NodeId, term: Term, step: u64) -> Check {
        match self.leaders.get(&term) {
            Some(first) if first.node == node => Ok(()),
            other => {
                let voters = self.grants_of.get(&(term, node)).copied().unwrap_or(0) | 1 << node.index();
                let (n, all) = (voters.count_ones() as usize, self.logs.len());
                if n * 2 <= all {
                    let names: Vec<String> = (0..all).filter(|i| voters >> i & 1 == 1).map(|i| NodeId::from_index(i).to_string()).collect();
                    let seen = format!("{node} leads term {term} with {n} of {all} votes ({})", names.join(", "));
                    return Err(Broken::new(MAJORITY, seen).at([step]));
                }
                if let Some(first) = other {
                    let seen = format!("{} and {node} both lead term {term}", first.node);
                    let votes = self.votes.range((term, NodeId::from_index(0))..=(term, NodeId::from_index(15))).map(|(_, v)| v.step);
                    return Err(Broken::new(ONE_LEADER, seen).at([first.step, step].into_iter().chain(votes)));
                }
                self.leaders.insert(term, Seen { node, step });
                Ok(())
            }
        }
    }

    fn effects(&mut self, step: &Step<'_, RaftElection>) -> Check {
        let (node, number) = (step.node, step.number);
        for effect in step.effects {
            match effect {
                Effect::Save(Saved { term, voted_for }) => {
                    self.term(node, *term, "saved", number)?;
                    if let Some(candidate) = voted_for {
                        self.vote(node, *term, *candidate, number)?;
                    }
                }
                Effect::Send { to, message } => {
                    self.term(node, message.term(), "sent a message of", number)?;
                    match *message {
                        Message::RequestVote { term, .. } => self.vote(node, term, node, number)?,
                        Message::RequestVoteReply { term, granted: true } => self.granted(node, term, *to, number)?,
                        Message::AppendEntries { term } => self.leads(node, term, number)?,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What the handler made of the term of its message.
    fn reaction(&self, before: View, after: View, node: NodeId, step: u64) -> Check {
        let Some((term, from, kind)) = self.message else { return Ok(()) };
        let story = || {
            format!(
                "{node} was {:?} of term {}, received {kind} of term {term} from {from}, and is {:?} of term {}",
                before.role, before.term, after.role, after.term
            )
        };
        if term > before.term && (after.term < term || after.term == term && after.role != Role::Follower) {
            return Err(Broken::new(HIGHER, story()).at([step]));
        }
        if term < before.term && after != before {
            return Err(Broken::new(LOWER, story()).at([step]));
        }
        Ok(())
    }
}

impl Invariant<RaftElection> for Safety {
    fn cause(&mut self, node: NodeId, cause: Cause<'_, RaftElection>) -> Check {
        self.message = None;
        match cause {
            Cause::Message { from, message, .. } => {
                let kind = match *message {
                    Message::RequestVote { term, log } => {
                        self.claims.insert((term, node, from), log);
                        "a RequestVote"
                    }
                    Message::RequestVoteReply { term, granted } => {
                        if granted {
                            *self.grants_of.entry((term, node)).or_default() |= 1 << from.index();
                        }
                        "a RequestVoteReply"
                    }
                    Message::AppendEntries { .. } => "an AppendEntries",
                    Message::AppendEntriesReply { .. } => "an AppendEntriesReply",
                };
                self.message = Some((message.term(), from, kind));
            }
            Cause::Start { .. } | Cause::Crash => self.views[node.index()] = None,
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, RaftElection>) -> Check {
        let (node, number) = (step.node, step.number);
        self.effects(step)?;
        let before = std::mem::replace(&mut self.views[node.index()], step.view);
        if let Some(after) = step.view {
            let Observed { term: known, step: when } = self.observed[node.index()];
            let known = before.map_or(known, |b| b.term.max(known));
            if after.term < known {
                let seen = format!("{node} was in term {known}, but is now in term {}", after.term);
                return Err(Broken::new(TERMS, seen).at([when, number]));
            }
            if let Some(before) = before {
                self.reaction(before, after, node, number)?;
            }
            if after.role == Role::Leader {
                self.leads(node, after.term, number)?;
            }
        }
        // It is of this step alone, and no part of the history.
        self.message = None;
        Ok(())
    }
}
