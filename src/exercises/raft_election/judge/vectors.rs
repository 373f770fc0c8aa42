//! Vectors of `raft_election`: one node, the others are the script. The storms find all that these find; where one of these
//! does, the numbers are small and the story is short.

use super::{AGAIN, HIGHER, LOWER, MAJORITY, ONE_VOTE, UP_TO_DATE};
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Role, Term, View};
use crate::rule::Broken;
use crate::sim::{Factory, NodeId, Setup, World};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;

pub(super) const N1: NodeId = NodeId::from_index(0);
pub(super) const N2: NodeId = NodeId::from_index(1);
pub(super) const N3: NodeId = NodeId::from_index(2);
pub(super) const N4: NodeId = NodeId::from_index(3);
pub(super) const N5: NodeId = NodeId::from_index(4);

/// Long enough for any election timeout of the contract, and for those who are slower than it says.
const PATIENCE: Time = Time::from_millis(2_000);
const LOG: LogEnd = LogEnd { index: 5, term: 3 };

pub(super) type Net = World<'static, RaftElection>;

/// A cluster of `nodes`, of which only n1 runs. All logs end alike.
pub(super) fn alone(factory: Factory<RaftElection>, probe: &Probe, nodes: usize) -> Result<Net, Broken> {
    let mut world = World::by_hand(factory, Setup::new(1, vec![LOG; nodes]), probe);
    world.boot(N1)?;
    Ok(world)
}

pub(super) fn view(world: &Net) -> View {
    world.view(N1).unwrap_or(View { role: Role::Follower, term: 0 })
}

pub(super) fn broken(world: &Net, rule: &'static str, seen: impl Into<String>) -> Broken {
    Broken::new(rule, seen).at([world.steps()])
}

fn request(term: Term, log: LogEnd) -> Message {
    Message::RequestVote { term, log }
}

/// Asks n1 for its vote in the name of `candidate`. True if it granted.
fn asks(world: &mut Net, candidate: NodeId, term: Term, log: LogEnd) -> Result<bool, Broken> {
    world.take_sent();
    world.tell(candidate, N1, request(term, log))?;
    Ok(world.take_sent_to(candidate).iter().any(|l| l.message == Message::RequestVoteReply { term, granted: true }))
}

/// Waits until n1 asks for votes in a term above `above`, and gives the term.
pub(super) fn campaign(world: &mut Net, above: Term) -> Result<Term, Broken> {
    let until = world.now() + (PATIENCE - Time::ZERO);
    while world.now() < until {
        world.wait(millis(1))?;
        for letter in world.take_sent() {
            if let Message::RequestVote { term, .. } = letter.message
                && term > above
            {
                return Ok(term);
            }
        }
    }
    Err(broken(
        world,
        AGAIN,
        format!("n1 heard nothing for {} s, but did not ask for votes in a term above {above}", PATIENCE.as_millis() / 1_000),
    ))
}

/// Makes n1 the leader of a cluster of five; gives its term.
pub(super) fn lead(world: &mut Net) -> Result<Term, Broken> {
    let term = campaign(world, 0)?;
    for voter in [N2, N3] {
        world.tell(voter, N1, Message::RequestVoteReply { term, granted: true })?;
    }
    if view(world).role != Role::Leader {
        return Err(broken(
            world,
            MAJORITY,
            format!("n1 of five has its own vote and those of n2 and n3 in term {term}, but is {:?}", view(world).role),
        ));
    }
    Ok(term)
}

pub(super) fn add(suite: &mut Suite, f: Factory<RaftElection>) {
    logs(suite, f);
    votes(suite, f);
    majorities(suite, f);
    higher_terms(suite, f);
    lower_terms(suite, f);
}

fn logs(suite: &mut Suite, f: Factory<RaftElection>) {
    let cases = [
        ("an equal log", LOG, true),
        ("a longer log of the same last term", LogEnd { index: 6, term: 3 }, true),
        ("a shorter log of the same last term", LogEnd { index: 4, term: 3 }, false),
        ("a longer log of an older last term", LogEnd { index: 9, term: 2 }, false),
        ("a shorter log of a newer last term", LogEnd { index: 1, term: 4 }, true),
        ("an equally long log of an older last term", LogEnd { index: 5, term: 2 }, false),
    ];
    for (name, log, should) in cases {
        suite.vector(UP_TO_DATE, name, move |p| {
            let mut w = alone(f, p, 3)?;
            let did = asks(&mut w, N2, 7, log)?;
            if did == should {
                return Ok(());
            }
            let did = if did { "granted" } else { "did not grant" };
            let seen = format!(
                "n1's log ends at index {} of term {}, n2's at index {} of term {}, n1 had not voted in term 7, and {did} n2 its vote",
                LOG.index, LOG.term, log.index, log.term
            );
            Err(broken(&w, UP_TO_DATE, seen))
        });
    }
}

fn votes(suite: &mut Suite, f: Factory<RaftElection>) {
    for (name, between) in [("two candidates of one term", ""), ("a restart between two candidates", "crashed, restarted, ")] {
        suite.vector(ONE_VOTE, name, move |p| {
            let mut w = alone(f, p, 5)?;
            let first = asks(&mut w, N2, 7, LOG)?;
            if !between.is_empty() {
                w.reboot(N1)?;
            }
            if first && asks(&mut w, N3, 7, LOG)? {
                let seen = format!("n1 granted its vote of term 7 to n2, {between}and granted its vote of term 7 to n3 as well");
                return Err(broken(&w, ONE_VOTE, seen));
            }
            Ok(())
        });
    }
    suite.vector(ONE_VOTE, "a crash between any two effects of a candidacy", move |p| {
        let start = {
            let mut w = alone(f, &Probe { tape: None, ..p.clone() }, 5)?;
            campaign(&mut w, 0)?;
            w.now()
        };
        for effects in 0..10 {
            let mut w = alone(f, p, 5)?;
            // The node is deterministic: it will campaign within the last millisecond before `start` again.
            w.wait_until(Time::from_micros(start.as_micros() - 1_000))?;
            w.take_sent();
            w.kill_after(N1, effects);
            w.wait(millis(1))?;
            let asked = w.take_sent().iter().find_map(|l| if let Message::RequestVote { term, .. } = l.message { Some(term) } else { None });
            w.kill(N1)?;
            w.boot(N1)?;
            if let Some(term) = asked
                && asks(&mut w, N2, term, LOG)?
            {
                let seen = format!("n1 asked for votes in term {term} and crashed after {} of that handler; restarted, it granted its vote of term {term} to n2", counted(effects, "effect"));
                return Err(broken(&w, ONE_VOTE, seen));
            }
        }
        Ok(())
    });
}

fn majorities(suite: &mut Suite, f: Factory<RaftElection>) {
    // (name, cluster, answers as (voter, granted), whether n1 must lead)
    type Votes = &'static [(NodeId, bool)];
    let cases: [(&str, usize, Votes, bool); 5] = [
        ("one vote of three besides its own", 3, &[(N2, true)], true),
        ("one vote of four besides its own", 4, &[(N2, true)], false),
        ("two votes of five besides its own", 5, &[(N2, true), (N4, true)], true),
        ("one vote that arrives three times", 5, &[(N3, true), (N3, true), (N3, true)], false),
        ("four refusals", 5, &[(N2, false), (N3, false), (N4, false), (N5, false)], false),
    ];
    for (name, cluster, votes, leads) in cases {
        suite.vector(MAJORITY, name, move |p| {
            let mut w = alone(f, p, cluster)?;
            let term = campaign(&mut w, 0)?;
            let mut heard = 0;
            for (voter, granted) in votes {
                w.tell(*voter, N1, Message::RequestVoteReply { term, granted: *granted })?;
                heard += 1;
                // The vote that made it a leader too early.
                if !leads && view(&w).role == Role::Leader {
                    break;
                }
            }
            let is = view(&w).role;
            if (is == Role::Leader) == leads {
                return Ok(());
            }
            let said: Vec<_> = votes[..heard].iter().map(|(n, g)| format!("{n} {}", if *g { "granted" } else { "refused" })).collect();
            let said = said.join(", ");
            Err(broken(&w, MAJORITY, format!("n1 of {cluster} asked for votes in term {term}, {said}, and n1 is {is:?}")))
        });
    }
}

/// Every kind of message, of that term.
fn each_kind(term: Term) -> [(&'static str, Message); 4] {
    [
        ("a RequestVote", request(term, LogEnd { index: 1, term: 1 })),
        ("an AppendEntries", Message::AppendEntries { term }),
        ("a RequestVoteReply", Message::RequestVoteReply { term, granted: false }),
        ("an AppendEntriesReply", Message::AppendEntriesReply { term }),
    ]
}

fn higher_terms(suite: &mut Suite, f: Factory<RaftElection>) {
    for (name, leads) in [("a leader, and each kind of message", true), ("a candidate, and each kind of message", false)] {
        suite.vector(HIGHER, name, move |p| {
            for k in 0..4 {
                let mut w = alone(f, p, 5)?;
                let term = if leads { lead(&mut w)? } else { campaign(&mut w, 0)? };
                let was = view(&w);
                let (kind, message) = each_kind(term + 5)[k].clone();
                w.tell(N4, N1, message)?;
                let is = view(&w);
                if is != (View { role: Role::Follower, term: term + 5 }) {
                    let seen = format!(
                        "n1 was {:?} of term {term}, received {kind} of term {} from n4, and is {:?} of term {}",
                        was.role,
                        term + 5,
                        is.role,
                        is.term
                    );
                    return Err(broken(&w, HIGHER, seen));
                }
            }
            Ok(())
        });
    }
}

fn lower_terms(suite: &mut Suite, f: Factory<RaftElection>) {
    suite.vector(LOWER, "votes of a past election", move |p| {
        let mut w = alone(f, p, 5)?;
        let old = campaign(&mut w, 0)?;
        let new = campaign(&mut w, old)?;
        let before = view(&w);
        for (late, voter) in (1..).zip([N2, N3, N4, N5]) {
            w.tell(voter, N1, Message::RequestVoteReply { term: old, granted: true })?;
            let votes = if late == 1 { "a late vote".to_owned() } else { format!("{late} late votes") };
            let after = view(&w);
            if after != before {
                let seen = format!(
                    "n1 was {:?} of term {}, asked for votes in term {old}, then in term {new}, and received {votes} of term {old}, and is {:?} of term {}",
                    before.role, before.term, after.role, after.term
                );
                return Err(broken(&w, LOWER, seen));
            }
        }
        Ok(())
    });
    suite.vector(LOWER, "a deposed leader's heartbeats quiet nobody", move |p| {
        let mut w = alone(f, p, 5)?;
        w.tell(N2, N1, Message::AppendEntries { term: 7 })?;
        for _ in 0..100 {
            w.wait(millis(20))?;
            w.tell(N3, N1, Message::AppendEntries { term: 6 })?;
            if view(&w).term > 7 {
                return Ok(());
            }
        }
        Err(broken(
            &w,
            LOWER,
            "n1 was in term 7 and for 2 s heard only heartbeats of n3, the leader of term 6, but it never started an election",
        ))
    });
}
