//! Scenarios of `raft_election`: whole clusters in fair weather, and clusters of which a minority never comes up.

use super::stuck::Votes;
use super::vectors::{N1, N2, N3, N4, N5, Net, alone, broken, campaign, lead};
use super::{BUDGET, EMERGES, STAYS};
use crate::exercises::raft_election::{ELECTION_TIMEOUT_MS, LogEnd, Message, RaftElection, Role, Term};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Setup, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;

/// Forty times the largest election timeout: how long a cluster may take to find a leader.
const ELECTION_WITHIN_MS: u64 = 40 * *ELECTION_TIMEOUT_MS.end();
/// Twenty times the largest election timeout: how long a quiet cluster must keep it.
const KEEPS_FOR_MS: u64 = 20 * *ELECTION_TIMEOUT_MS.end();
/// Messages in a second and to each other node that an idle cluster, or a lone candidate, may send. Heartbeats of the
/// contract with their answers are 40.
pub(super) const BUDGET_PER_PEER_AND_SECOND: u64 = 100;

pub(super) fn add(suite: &mut Suite, f: Factory<RaftElection>) {
    budgets(suite, f);
    let clusters = [
        ("three start at once", 3, 3),
        ("four start at once", 4, 4),
        ("five start at once", 5, 5),
        ("one of three never comes up", 3, 2),
        ("two of five never come up", 5, 3),
        ("two of two", 2, 2),
    ];
    for (name, nodes, up) in clusters {
        suite.scenario(EMERGES, name, move |p| (0..10).try_for_each(|seed| elect(&mut cluster(f, p, seed, nodes, up)?, up).map(drop)));
    }
    suite.scenario(EMERGES, "the leader dies", move |p| {
        let mut w = cluster(f, p, 3, 5, 5)?;
        let (leader, _) = elect(&mut w, 5)?;
        w.kill(leader)?;
        elect(&mut w, 5).map(|_| ())
    });
    suite.scenario(EMERGES, "only one log is good enough", move |p| {
        let mut logs = vec![LogEnd { index: 3, term: 2 }; 5];
        logs[4] = LogEnd { index: 4, term: 2 };
        logs[3] = LogEnd { index: 9, term: 1 };
        let mut w = World::by_hand(f, Setup::new(5, logs), p);
        // n4 and n5 and one of the others: a majority in which n5 has the best log.
        for n in [N1, N4, N5] {
            w.boot(n)?;
        }
        elect(&mut w, 5).map(|_| ())
    });
    for (name, nodes) in [("three nodes at rest", 3), ("five nodes at rest", 5)] {
        suite.scenario(STAYS, name, move |p| {
            for seed in 0..3 {
                keep(&mut cluster(f, p, seed, nodes, nodes)?, nodes)?;
            }
            Ok(())
        });
    }
}

fn cluster(f: Factory<RaftElection>, probe: &Probe, seed: u64, nodes: usize, up: usize) -> Result<Net, Broken> {
    let mut world = World::by_hand(f, Setup::new(seed, vec![LogEnd { index: 5, term: 3 }; nodes]), probe);
    for i in 0..up {
        world.boot(NodeId::from_index(i))?;
    }
    Ok(world)
}

/// The leader that all nodes that are up agree on, with its term.
fn leader(world: &Net) -> Option<(NodeId, Term)> {
    let up: Vec<_> = (0..world.nodes()).map(NodeId::from_index).filter_map(|n| Some((n, world.view(n)?))).collect();
    let (leader, view) = up.iter().find(|(_, v)| v.role == Role::Leader)?;
    let agreed = up.iter().all(|(n, v)| v.term == view.term && (v.role == Role::Follower || n == leader));
    agreed.then_some((*leader, view.term))
}

/// Fair weather until there is a leader.
fn elect(world: &mut Net, nodes: usize) -> Result<(NodeId, Term), Broken> {
    let start = world.now();
    let mut votes = Votes::default();
    while world.now() < start + millis(ELECTION_WITHIN_MS) {
        world.let_run(millis(10), |l| {
            votes.note(l);
            false
        })?;
        if let Some(found) = leader(world) {
            return Ok(found);
        }
    }
    let roles: Vec<String> = (0..world.nodes())
        .map(NodeId::from_index)
        .map(|n| world.view(n).map_or(format!("{n} is down"), |v| format!("{n} is {:?} of term {}", v.role, v.term)))
        .collect();
    let up: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| world.is_up(*n)).collect();
    let all = world.nodes();
    let cluster = if nodes < all { format!("{nodes} of {all} nodes") } else { format!("{all} nodes") };
    let seen = format!(
        "{cluster}, no message lost, each delayed by 1 ms: after {} s there is no leader ({}); {}",
        ELECTION_WITHIN_MS / 1_000,
        roles.join(", "),
        votes.story(0, world.nodes(), &up)
    );
    Err(broken(world, EMERGES, seen))
}

/// Fair weather, in which the leader must stay.
fn keep(world: &mut Net, nodes: usize) -> Check {
    elect(world, nodes)?;
    // The first heartbeat must have reached everybody.
    world.let_run(millis(300), |_| false)?;
    let (who, term) = elect(world, nodes)?;
    let until = world.now() + millis(KEEPS_FOR_MS);
    while world.now() < until {
        world.let_run(millis(10), |_| false)?;
        for n in (0..world.nodes()).map(NodeId::from_index) {
            if let Some(v) = world.view(n)
                && v.term != term
            {
                let seen = format!(
                    "{who} led term {term}, no message was lost, each was delayed by 1 ms, but at {} {n} is {:?} of term {}",
                    world.now(),
                    v.role,
                    v.term
                );
                return Err(broken(world, STAYS, seen));
            }
        }
    }
    Ok(())
}

fn budgets(suite: &mut Suite, f: Factory<RaftElection>) {
    suite.scenario(BUDGET, "an idle cluster of five", move |p| {
        let mut w = cluster(f, p, 4, 5, 5)?;
        elect(&mut w, 5)?;
        let mut messages = 0;
        w.let_run(millis(1_000), |_| {
            messages += 1;
            false
        })?;
        let most = BUDGET_PER_PEER_AND_SECOND * 4;
        if messages > most {
            return Err(broken(&w, BUDGET, format!("five nodes with a leader and nothing to do sent {messages} messages in a second; {most} are allowed; heartbeats every 50 ms and their answers are 160")));
        }
        Ok(())
    });
    suite.scenario(BUDGET, "a candidate that nobody answers", move |p| {
        let mut w = alone(f, p, 5)?;
        lone_candidate(&mut w, |_, _, _| Ok(()))
    });
    suite.scenario(BUDGET, "a candidate that everybody refuses", move |p| {
        let mut w = alone(f, p, 5)?;
        lone_candidate(&mut w, |w, from, term| w.tell(from, N1, Message::RequestVoteReply { term, granted: false }))
    });
    suite.scenario(BUDGET, "a leader whose heartbeats are answered", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = lead(&mut w)?;
        let (start, most) = (w.now(), BUDGET_PER_PEER_AND_SECOND * 4);
        let mut sent = 0u64;
        while w.now() < start + millis(1_000) {
            w.wait(millis(1))?;
            for letter in w.take_sent() {
                sent += 1;
                if sent > most {
                    let ms = (w.now() - start).as_millis();
                    let seen = format!(
                        "n1 led term {term} and sent {sent} messages to four followers in {ms} ms; {most} are allowed in a second; heartbeats every 50 ms are 80"
                    );
                    return Err(broken(&w, BUDGET, seen));
                }
                if matches!(letter.message, Message::AppendEntries { .. }) {
                    w.tell(letter.to, N1, Message::AppendEntriesReply { term })?;
                }
            }
        }
        Ok(())
    });
}

/// Runs a candidate for three seconds against peers that answer as `answer` does.
fn lone_candidate(w: &mut Net, mut answer: impl FnMut(&mut Net, NodeId, Term) -> Check) -> Check {
    campaign(w, 0)?;
    let start = w.now();
    let mut sent = 0u64;
    let most = BUDGET_PER_PEER_AND_SECOND * 4 * 3;
    while w.now() < start + millis(3_000) {
        w.wait(millis(1))?;
        for letter in w.take_sent() {
            sent += 1;
            if let Message::RequestVote { term, .. } = letter.message
                && [N2, N3, N4, N5].contains(&letter.to)
            {
                answer(w, letter.to, term)?;
            }
        }
        if sent > most {
            let seen = format!(
                "n1 asked four others for votes, won none, and sent {sent} messages in {} ms; {most} are allowed in three seconds",
                (w.now() - start).as_millis()
            );
            return Err(broken(w, BUDGET, seen));
        }
    }
    Ok(())
}
