//! What a cluster did instead of electing a leader: the few sentences that a list of four thousand events does not say.

use crate::exercises::raft_election::{Message, RaftElection, Term};
use crate::sim::{Envelope, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// Who voted for whom, as others could know it; and whom each candidate ever asked.
#[derive(Default)]
pub(super) struct Votes(BTreeMap<(Term, NodeId), NodeId>, BTreeMap<NodeId, BTreeSet<NodeId>>);

impl Votes {
    /// Only the votes, where nothing more is known.
    pub fn of(votes: BTreeMap<(Term, NodeId), NodeId>) -> Self {
        Votes(votes, BTreeMap::new())
    }

    /// Takes down the vote that a message shows: a candidate has voted for itself.
    pub fn note(&mut self, letter: &Envelope<RaftElection>) {
        match letter.message {
            Message::RequestVote { term, .. } => {
                self.1.entry(letter.from).or_default().insert(letter.to);
                self.0.insert((term, letter.from), letter.from)
            }
            Message::RequestVoteReply { term, granted: true } => self.0.insert((term, letter.from), letter.to),
            _ => None,
        };
    }

    /// What came of the elections after term `since` in a cluster of `nodes`, of which `up` are up.
    pub fn story(&self, since: Term, nodes: usize, up: &[NodeId]) -> String {
        let mut terms: BTreeMap<Term, Vec<(NodeId, NodeId)>> = BTreeMap::new();
        for ((term, voter), candidate) in self.0.range((since + 1, NodeId::from_index(0))..) {
            terms.entry(*term).or_default().push((*voter, *candidate));
        }
        let Some((last, _)) = terms.last_key_value() else {
            return "nobody asked for a vote".to_owned();
        };
        let candidates = |votes: &[(NodeId, NodeId)]| votes.iter().map(|(_, c)| *c).collect::<BTreeSet<_>>();
        let most =
            |votes: &[(NodeId, NodeId)]| candidates(votes).iter().map(|c| votes.iter().filter(|(_, v)| v == c).count()).max().unwrap_or(0);
        let enough = |votes: &[(NodeId, NodeId)]| most(votes) * 2 > nodes;
        let (won, lost): (Vec<_>, Vec<_>) = terms.iter().partition(|(_, votes)| enough(votes));
        let (split, alone): (Vec<_>, Vec<_>) = lost.into_iter().partition(|(_, votes)| candidates(votes).len() > 1);
        let mut parts = vec![format!("terms rose from {since} to {last}")];
        if let Some((term, votes)) = split.last() {
            let voted: Vec<String> =
                votes.iter().map(|(v, c)| if v == c { format!("{v} for itself") } else { format!("{v} for {c}") }).collect();
            parts.push(format!("in {} of them the votes were split (term {term}: {})", split.len(), voted.join(", ")));
        }
        if let Some((term, votes)) = alone.last() {
            let who = votes.first().map_or(NodeId::from_index(0), |(_, c)| *c);
            parts.push(format!("in {} one candidate got too few votes (term {term}: {who} had {} of {nodes})", alone.len(), votes.len()));
        }
        if let Some((term, votes)) = won.last() {
            let who = candidates(votes).into_iter().max_by_key(|c| votes.iter().filter(|(_, v)| v == c).count());
            let voters: Vec<String> = votes.iter().filter(|(_, c)| Some(*c) == who).map(|(voter, _)| voter.to_string()).collect();
            let who = who.map_or_else(String::new, |w| w.to_string());
            parts.push(format!(
                "in {} a majority voted for one candidate, who did not lead, or did not stay (term {term}: {who} had {})",
                won.len(),
                voters.join(", ")
            ));
        }
        let silent: Vec<String> =
            up.iter().filter(|n| !terms.values().flatten().any(|(v, c)| v == *n && c == *n)).map(ToString::to_string).collect();
        if !silent.is_empty() && silent.len() < up.len() {
            parts.push(format!("{} never asked", silent.join(" and ")));
        }
        let forgotten = |(candidate, asked): (&NodeId, &BTreeSet<NodeId>)| {
            let left_out = (0..nodes).map(NodeId::from_index).filter(|n| n != candidate && !asked.contains(n));
            let left_out: Vec<String> = left_out.map(|n| n.to_string()).collect();
            (!left_out.is_empty()).then(|| format!("{candidate} never asked {}", left_out.join(" and ")))
        };
        parts.extend(self.1.iter().find_map(forgotten));
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N1: NodeId = NodeId::from_index(0);
    const N2: NodeId = NodeId::from_index(1);
    const N3: NodeId = NodeId::from_index(2);

    fn votes(all: &[(Term, NodeId, NodeId)]) -> Votes {
        Votes::of(all.iter().map(|(t, v, c)| ((*t, *v), *c)).collect())
    }

    #[test]
    fn split_votes_are_told_from_lone_candidates() {
        let v = votes(&[(1, N1, N1), (4, N1, N1), (4, N2, N2), (4, N3, N1), (5, N1, N1), (5, N2, N2), (6, N2, N2)]);
        let story = v.story(3, 4, &[N1, N2, N3]);
        assert_eq!(
            story,
            "terms rose from 3 to 6; in 2 of them the votes were split (term 5: n1 for itself, n2 for itself); in 1 one candidate got too few votes (term 6: n2 had 1 of 4); n3 never asked"
        );
    }

    #[test]
    fn whom_a_candidate_leaves_out_is_said() {
        let mut v = votes(&[(1, N1, N1)]);
        v.1.insert(N1, [N2].into());
        assert!(v.story(0, 4, &[N1, N2, N3]).ends_with("; n1 never asked n3 and n4"));
        v.1.insert(N1, [N2, N3, NodeId::from_index(3)].into());
        assert!(!v.story(0, 4, &[N1, N2, N3]).contains("n1 never asked"));
    }

    #[test]
    fn silence_is_said() {
        assert_eq!(votes(&[(3, N1, N1)]).story(3, 3, &[N1]), "nobody asked for a vote");
    }

    #[test]
    fn a_majority_that_came_to_nothing_is_said() {
        let story = votes(&[(1, N1, N1), (1, N2, N1)]).story(0, 3, &[N1, N2]);
        assert_eq!(
            story,
            "terms rose from 0 to 1; in 1 a majority voted for one candidate, who did not lead, or did not stay (term 1: n1 had n1, n2); n2 never asked"
        );
    }
}
