//! The random runs of `raft_election`. The safety rules are those of [`Safety`], checked after every step; liveness is
//! checked in the quiet phase.

use super::safety::Safety;
use super::scenarios::BUDGET_PER_PEER_AND_SECOND;
use super::stuck::Votes;
use super::{BUDGET, EMERGES, HIGHER, LOWER, MAJORITY, ONE_LEADER, ONE_VOTE, STAYS, TERMS, UP_TO_DATE};
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Role, Term};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, Factory, Invariant, NodeId, Plan, Referee, Setup, Step, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;

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
            run.coverage.add("elections won", watch.safety.leaders.len() as u64);
            run.coverage.add("votes granted", watch.grants);
            run.coverage.add("leaders replaced", (watch.safety.leaders.len() as u64).saturating_sub(1));
            run.coverage.add("quiet leaders watched for 6 s", u64::from(watch.kept));
        },
    )
}

/// A leader on whom all agree, since when.
#[derive(Clone, Copy, PartialEq)]
struct Agreed {
    leader: NodeId,
    term: Term,
    since: Time,
}

struct Watch {
    safety: Safety,
    agreed: Option<Agreed>,
    watch_to_the_end: bool,
    settled: bool,
    kept: bool,
    messages: u64,
    messages_at: u64,
    /// The latest term in which somebody had voted when the network healed.
    term_at_heal: Term,
    quiet: bool,
    grants: u64,
}

impl Watch {
    fn new(logs: Vec<LogEnd>, watch_to_the_end: bool) -> Self {
        Watch {
            safety: Safety::new(logs),
            agreed: None,
            watch_to_the_end,
            settled: false,
            kept: false,
            messages: 0,
            messages_at: 0,
            term_at_heal: 0,
            quiet: false,
            grants: 0,
        }
    }

    /// What is counted, before the step becomes part of the history.
    fn count(&mut self, step: &Step<'_, RaftElection>) {
        for (_, _, message) in step.sent() {
            self.messages += 1;
            self.grants += u64::from(matches!(message, Message::RequestVoteReply { granted: true, .. }));
        }
    }

    /// The leader on whom all nodes that are up agree.
    fn agreement(&self, world: &World<'_, RaftElection>) -> Option<(NodeId, Term)> {
        let up = || {
            (0..world.nodes()).map(NodeId::from_index).filter(|n| world.is_up(*n)).filter_map(|n| Some((n, self.safety.views[n.index()]?)))
        };
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
                        self.safety.views[n.index()].filter(|_| world.is_up(n)).map(|v| format!("{n} is {:?} of term {}", v.role, v.term))
                    })
                    .collect();
                let seen = format!(
                    "{} led term {} from {} on, nothing was lost or late since the network healed at {QUIET_AT}, but at {at} {}",
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
        let peers = self.safety.logs.len() as u64 - 1;
        let most = BUDGET_PER_PEER_AND_SECOND * peers * KEEPS_MS / 1_000;
        if sent > most {
            let seen = format!(
                "{} nodes with a leader and nothing to do sent {sent} messages in {} s; {most} are allowed",
                self.safety.logs.len(),
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
        let votes = Votes::of(self.safety.votes.iter().map(|(key, seen)| (*key, seen.node)).collect());
        let up: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| world.is_up(*n)).collect();
        let seen = format!(
            "the network healed at {QUIET_AT}; at {} there is no leader that all follow ({}). Since the network healed, {}",
            world.now(),
            roles.join(", "),
            votes.story(self.term_at_heal, world.nodes(), &up)
        );
        Broken::new(EMERGES, seen)
    }
}

impl Referee<RaftElection> for Watch {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, RaftElection>) -> Check {
        self.safety.cause(node, cause)
    }

    fn step(&mut self, step: &Step<'_, RaftElection>, world: &World<'_, RaftElection>) -> Check {
        self.count(step);
        self.safety.step(step)?;
        if self.quiet && step.at >= OLD_MESSAGES_GONE {
            self.progress(step.at, step.number, world)?;
            if !self.settled && step.at > LEADER_BY {
                return Err(self.no_leader(world));
            }
        }
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, RaftElection>) -> Check {
        self.quiet = true;
        self.term_at_heal = self.safety.votes.last_key_value().map_or(0, |((term, _), _)| *term);
        Ok(())
    }

    fn done(&self) -> bool {
        self.settled && (self.kept || !self.watch_to_the_end)
    }

    fn end(&mut self, world: &World<'_, RaftElection>) -> Check {
        if self.settled { Ok(()) } else { Err(self.no_leader(world)) }
    }
}
