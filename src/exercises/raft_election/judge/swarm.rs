//! The random runs of `raft_election`. The safety rules are history variables that are checked after every step; a term, a
//! vote or a lead counts once it was saved or left in a message: what a crash cut off before that never happened.

use super::scenarios::BUDGET_PER_PEER_AND_SECOND;
use super::{BUDGET, EMERGES, HIGHER, LOWER, MAJORITY, ONE_LEADER, ONE_VOTE, STAYS, TERMS, UP_TO_DATE};
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Role, Saved, Term, View};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, Effect, Factory, NODES_MAX, NodeId, Plan, Referee, Setup, Step, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;

const QUIET_AT: Time = Time::from_millis(2_500);
/// By then every message from before the heal has arrived or is lost.
const OLD_MESSAGES_GONE: Time = Time::from_millis(3_700);
/// Forty times the largest timeout after the heal.
const LEADER_BY: Time = Time::from_millis(2_500 + 40 * 300);
/// Agreement that has lasted this long is no accident of the moment.
const SETTLED_MS: u64 = 300;
/// Twenty times the largest timeout.
const KEEPS_MS: u64 = 20 * 300;
const END: Time = Time::from_millis(2_500 + 40 * 300 + 2_000 + KEEPS_MS);

pub(super) fn swarm(factory: Factory<RaftElection>) -> Swarm {
    Swarm {
        rules: &[UP_TO_DATE, ONE_VOTE, TERMS, MAJORITY, HIGHER, LOWER, ONE_LEADER, EMERGES, STAYS, BUDGET],
        must_meet: &[
            "elections won",
            "votes granted",
            "leaders replaced",
            "quiet leaders watched for 6 s",
            "crashes between two effects",
            "restarts",
            "partitions",
            "pauses",
            "messages repeated",
            "messages lost",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<RaftElection>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [3, 3, 4, 5, 5][rng.below(5) as usize];
    let alike = rng.chance(500_000);
    let mut log = || if alike { LogEnd { index: 5, term: 3 } } else { LogEnd { index: rng.below(4), term: rng.below(3) } };
    let logs: Vec<LogEnd> = (0..nodes).map(|_| log()).map(|l| if l.index == 0 { LogEnd::default() } else { l }).collect();
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(400)), QUIET_AT);
    let setup = Setup { plan, end: END, ..Setup::new(seed, logs.clone()) };
    // Watching a quiet leader is most of the work: every fourth run does it to the end.
    trial(
        factory,
        &setup,
        probe,
        || Watch::new(logs.clone(), seed.is_multiple_of(4)),
        |watch, run| {
            run.coverage.add("elections won", watch.leaders.len() as u64);
            run.coverage.add("votes granted", watch.grants);
            run.coverage.add("leaders replaced", (watch.leaders.len() as u64).saturating_sub(1));
            run.coverage.add("quiet leaders watched for 6 s", u64::from(watch.kept));
        },
    )
}

/// Something that was observed, with the step in which it was.
#[derive(Clone, Copy)]
struct Seen {
    node: NodeId,
    step: u64,
}

/// A leader on whom all agree, since when.
#[derive(Clone, Copy, PartialEq)]
struct Agreed {
    leader: NodeId,
    term: Term,
    since: Time,
}

struct Watch {
    logs: Vec<LogEnd>,
    /// The latest term that each node has saved or sent.
    observed: Vec<(Term, u64)>,
    /// Who each node voted for in each term.
    votes: BTreeMap<(Term, NodeId), Seen>,
    /// Whose grants have reached a candidate, as bits.
    grants_of: BTreeMap<(Term, NodeId), u16>,
    /// The logs that candidates claimed in requests that reached a node.
    claims: BTreeMap<(Term, NodeId, NodeId), LogEnd>,
    leaders: BTreeMap<Term, Seen>,
    views: Vec<Option<View>>,
    /// What the running handler was called for: the term of a message, with what to call it.
    message: Option<(Term, NodeId, &'static str)>,
    agreed: Option<Agreed>,
    watch_to_the_end: bool,
    settled: bool,
    kept: bool,
    messages: u64,
    messages_at: u64,
    elections_since_heal: u64,
    quiet: bool,
    grants: u64,
}

impl Watch {
    fn new(logs: Vec<LogEnd>, watch_to_the_end: bool) -> Self {
        let n = logs.len();
        assert!(n <= NODES_MAX);
        Watch {
            logs,
            observed: vec![(0, 0); n],
            votes: BTreeMap::new(),
            grants_of: BTreeMap::new(),
            claims: BTreeMap::new(),
            leaders: BTreeMap::new(),
            views: vec![None; n],
            message: None,
            agreed: None,
            watch_to_the_end,
            settled: false,
            kept: false,
            messages: 0,
            messages_at: 0,
            elections_since_heal: 0,
            quiet: false,
            grants: 0,
        }
    }

    /// A term that a node has saved or sent is one that it may never fall below.
    fn term(&mut self, node: NodeId, term: Term, how: &str, step: u64) -> Check {
        let (known, when) = self.observed[node.index()];
        if term < known {
            return Err(Broken::new(TERMS, format!("{node} was in term {known}, as others could know, and then {how} term {term}"))
                .at([when, step]));
        }
        if term > known {
            self.observed[node.index()] = (term, step);
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
        self.grants += 1;
        self.vote(voter, term, candidate, step)?;
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
                    "{voter} gave {candidate} a vote of term {term}, for which {candidate} had not asked it: its request was of another term"
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
                    self.messages += 1;
                    self.term(node, message.term(), "sent a message of", number)?;
                    match *message {
                        Message::RequestVote { term, .. } => {
                            if self.quiet && !self.votes.contains_key(&(term, node)) {
                                self.elections_since_heal += 1;
                            }
                            self.vote(node, term, node, number)?;
                        }
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

    /// The leader on whom all nodes that are up agree.
    fn agreement(&self, world: &World<'_, RaftElection>) -> Option<(NodeId, Term)> {
        let up =
            || (0..world.nodes()).map(NodeId::from_index).filter(|n| world.is_up(*n)).filter_map(|n| Some((n, self.views[n.index()]?)));
        let (leader, view) = up().find(|(_, v)| v.role == Role::Leader)?;
        up().all(|(n, v)| v.term == view.term && (v.role == Role::Follower || n == leader)).then_some((leader, view.term))
    }

    /// Liveness, in the quiet phase and once every older message is gone.
    fn progress(&mut self, at: Time, step: u64, world: &World<'_, RaftElection>) -> Check {
        let now = self.agreement(world);
        match (now, self.agreed) {
            (Some((leader, term)), Some(agreed)) if (leader, term) == (agreed.leader, agreed.term) => {
                let lasted = (at - agreed.since).as_millis() as u64;
                if !self.settled && lasted >= SETTLED_MS {
                    self.settled = true;
                    self.messages_at = self.messages;
                }
                if self.settled && lasted >= SETTLED_MS + KEEPS_MS && !self.kept {
                    self.kept = true;
                    return self.idle_budget(step);
                }
                Ok(())
            }
            (_, Some(agreed)) if self.settled => {
                let terms: Vec<String> = (0..world.nodes())
                    .map(NodeId::from_index)
                    .filter_map(|n| {
                        self.views[n.index()].filter(|_| world.is_up(n)).map(|v| format!("{n} is {:?} of term {}", v.role, v.term))
                    })
                    .collect();
                let seen = format!(
                    "{} led term {} from {} on, nothing was lost or late since the network healed at {QUIET_AT}, and at {at} {}",
                    agreed.leader,
                    agreed.term,
                    agreed.since,
                    terms.join(", ")
                );
                Err(Broken::new(STAYS, seen).at([step]))
            }
            (found, _) => {
                self.agreed = found.map(|(leader, term)| Agreed { leader, term, since: at });
                Ok(())
            }
        }
    }

    fn idle_budget(&self, step: u64) -> Check {
        let sent = self.messages - self.messages_at;
        let peers = self.logs.len() as u64 - 1;
        let most = BUDGET_PER_PEER_AND_SECOND * peers * KEEPS_MS / 1_000;
        if sent > most {
            let seen = format!(
                "{} nodes with a leader and nothing to do sent {sent} messages in {} s; {most} are allowed",
                self.logs.len(),
                KEEPS_MS / 1_000
            );
            return Err(Broken::new(BUDGET, seen).at([step]));
        }
        Ok(())
    }

    fn no_leader(&self, world: &World<'_, RaftElection>) -> Broken {
        let roles: Vec<String> = (0..world.nodes())
            .map(NodeId::from_index)
            .map(|n| match world.view(n) {
                Some(v) => format!("{n} is {:?} of term {}", v.role, v.term),
                None => format!("{n} is down"),
            })
            .collect();
        let seen = format!(
            "the network healed at {QUIET_AT}; at {} there is no leader whom all follow ({}); {} elections were started since the heal",
            world.now(),
            roles.join(", "),
            self.elections_since_heal
        );
        Broken::new(EMERGES, seen)
    }
}

impl Referee<RaftElection> for Watch {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, RaftElection>) -> Check {
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

    fn step(&mut self, step: &Step<'_, RaftElection>, world: &World<'_, RaftElection>) -> Check {
        let (node, number) = (step.node, step.number);
        self.effects(step)?;
        let before = std::mem::replace(&mut self.views[node.index()], step.view);
        if let Some(after) = step.view {
            let (known, when) = self.observed[node.index()];
            let known = before.map_or(known, |b| b.term.max(known));
            if after.term < known {
                let seen = format!("{node} was in term {known}, and is now in term {}", after.term);
                return Err(Broken::new(TERMS, seen).at([when, number]));
            }
            if let Some(before) = before {
                self.reaction(before, after, node, number)?;
            }
            if after.role == Role::Leader {
                self.leads(node, after.term, number)?;
            }
        }
        if self.quiet && step.at >= OLD_MESSAGES_GONE {
            self.progress(step.at, number, world)?;
            if !self.settled && step.at > LEADER_BY {
                return Err(self.no_leader(world));
            }
        }
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, RaftElection>) -> Check {
        self.quiet = true;
        Ok(())
    }

    fn done(&self) -> bool {
        self.settled && (self.kept || !self.watch_to_the_end)
    }

    fn end(&mut self, world: &World<'_, RaftElection>) -> Check {
        if self.settled { Ok(()) } else { Err(self.no_leader(world)) }
    }
}
