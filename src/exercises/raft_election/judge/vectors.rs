//! Vectors of `raft_election`: one node, the others are the script. They look at what the node says, saves and is, not at
//! which timers it sets or how it counts.

use super::{AGAIN, AT_ONCE, HIGHER, LOWER, MAJORITY, ONE_VOTE, TERMS, TIMER, UP_TO_DATE, YIELDS};
use crate::exercises::raft_election::{LogEnd, Message, RaftElection, Role, Saved, Term, View};
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
    Ok(granted(world, candidate, term))
}

/// Whether a vote of `term` for `candidate` is among what n1 has sent since it was last looked at.
fn granted(world: &mut Net, candidate: NodeId, term: Term) -> bool {
    world.take_sent_to(candidate).iter().any(|l| l.message == Message::RequestVoteReply { term, granted: true })
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
        format!("n1 heard nothing for {} s and did not ask for votes in a term above {above}", PATIENCE.as_millis() / 1_000),
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
            format!("n1 of five has its own vote and those of n2 and n3 in term {term}, and is {:?}", view(world).role),
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
    suite.vector(YIELDS, "a heartbeat of the own term", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = campaign(&mut w, 0)?;
        w.tell(N2, N1, Message::AppendEntries { term })?;
        match view(&w) {
            View { role: Role::Follower, term: t } if t == term => Ok(()),
            v => Err(broken(
                &w,
                YIELDS,
                format!("n1 was a candidate of term {term}, heard n2, the leader of term {term}, and is {:?} of term {}", v.role, v.term),
            )),
        }
    });
    timers(suite, f);
    suite.vector(AT_ONCE, "the deciding vote", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = lead(&mut w)?;
        // A tick of grace for those who count ticks.
        w.wait(millis(20))?;
        let sent = w.take_sent();
        let told = |n: NodeId| sent.iter().any(|l| l.to == n && l.message == Message::AppendEntries { term });
        match [N2, N3, N4, N5].into_iter().find(|n| !told(*n)) {
            None => Ok(()),
            Some(n) => {
                Err(broken(&w, AT_ONCE, format!("n1 became leader of term {term}, and 20 ms later had sent no AppendEntries to {n}")))
            }
        }
    });
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
                "n1's log ends at index {} of term {}, n2's at index {} of term {}, n1 had not voted in term 7 and {did} n2 its vote",
                LOG.index, LOG.term, log.index, log.term
            );
            Err(broken(&w, UP_TO_DATE, seen))
        });
    }
    suite.vector(UP_TO_DATE, "two empty logs", move |p| {
        let mut w = World::by_hand(f, Setup::new(1, vec![LogEnd::default(); 3]), p);
        w.boot(N1)?;
        match asks(&mut w, N2, 1, LogEnd::default())? {
            true => Ok(()),
            false => Err(broken(&w, UP_TO_DATE, "both logs are empty, n1 had not voted in term 1 and did not grant n2 its vote")),
        }
    });
    suite.vector(UP_TO_DATE, "a candidate says where its log ends", move |p| {
        let mut w = alone(f, p, 3)?;
        let until = w.now() + (PATIENCE - Time::ZERO);
        while w.now() < until {
            w.wait(millis(1))?;
            for letter in w.take_sent() {
                if let Message::RequestVote { log, .. } = letter.message {
                    let seen = format!(
                        "n1's log ends at index {} of term {}, and it asked {} for a vote with index {} of term {}",
                        LOG.index, LOG.term, letter.to, log.index, log.term
                    );
                    return if log == LOG { Ok(()) } else { Err(broken(&w, UP_TO_DATE, seen)) };
                }
            }
        }
        Err(broken(&w, AGAIN, "n1 heard nothing for 2 s and did not ask for votes"))
    });
}

fn votes(suite: &mut Suite, f: Factory<RaftElection>) {
    suite.vector(ONE_VOTE, "two candidates of one term", move |p| {
        let mut w = alone(f, p, 5)?;
        let first = asks(&mut w, N2, 7, LOG)?;
        let second = asks(&mut w, N3, 7, LOG)?;
        if first && second { Err(broken(&w, ONE_VOTE, "n1 granted its vote of term 7 to n2, and then to n3 too")) } else { Ok(()) }
    });
    suite.vector(ONE_VOTE, "a restart between two candidates", move |p| {
        let mut w = alone(f, p, 5)?;
        let first = asks(&mut w, N2, 7, LOG)?;
        w.reboot(N1)?;
        let second = asks(&mut w, N3, 7, LOG)?;
        if first && second {
            Err(broken(&w, ONE_VOTE, "n1 granted its vote of term 7 to n2, crashed, restarted, and granted the vote of term 7 to n3 too"))
        } else {
            Ok(())
        }
    });
    // How n1 came to the term before it votes in it: a save that looks like it is there may hang on that.
    type Prelude = fn(&mut Net) -> Result<Term, Broken>;
    let preludes: [(&str, Prelude); 3] = [
        ("a restart after a vote in term 1", |_| Ok(1)),
        ("a restart after a vote in a term that was known already", |w| {
            w.tell(N2, N1, request(7, LogEnd { index: 1, term: 1 }))?;
            Ok(7)
        }),
        ("a restart after a vote in the term after an own candidacy", |w| {
            let term = campaign(w, 0)? + 1;
            w.tell(N2, N1, Message::RequestVoteReply { term, granted: false })?;
            Ok(term)
        }),
    ];
    for (name, prelude) in preludes {
        suite.vector(ONE_VOTE, name, move |p| {
            let mut w = alone(f, p, 5)?;
            let term = prelude(&mut w)?;
            let first = asks(&mut w, N3, term, LOG)?;
            w.reboot(N1)?;
            let second = asks(&mut w, N4, term, LOG)?;
            if first && second {
                let seen =
                    format!("n1 granted its vote of term {term} to n3, crashed, restarted, and granted the vote of term {term} to n4 too");
                return Err(broken(&w, ONE_VOTE, seen));
            }
            Ok(())
        });
    }
    // The crash falls after each number of effects in turn, so that the answer is out before or after the save.
    suite.vector(ONE_VOTE, "a crash between any two effects of a vote", move |p| {
        for effects in 0..8 {
            let mut w = alone(f, p, 5)?;
            w.kill_after(N1, effects);
            let first = asks(&mut w, N2, 7, LOG)?;
            w.boot(N1)?;
            let second = asks(&mut w, N3, 7, LOG)?;
            if first && second {
                let seen = format!("n1 granted n2 its vote of term 7, and crashed after {} of that handler, with the answer already out; restarted, it granted the vote of term 7 to n3 too", counted(effects, "effect"));
                return Err(broken(&w, ONE_VOTE, seen));
            }
        }
        Ok(())
    });
    suite.vector(ONE_VOTE, "a candidate has voted", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = campaign(&mut w, 0)?;
        if asks(&mut w, N2, term, LOG)? {
            return Err(broken(
                &w,
                ONE_VOTE,
                format!("n1 asked for votes in term {term}, so it has voted for itself, and then granted its vote of term {term} to n2"),
            ));
        }
        Ok(())
    });
    suite.vector(ONE_VOTE, "a candidate has voted, also after a restart", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = campaign(&mut w, 0)?;
        w.reboot(N1)?;
        if asks(&mut w, N2, term, LOG)? {
            let seen = format!("n1 asked for votes in term {term}, so it has voted for itself; it crashed, restarted, and granted its vote of term {term} to n2");
            return Err(broken(&w, ONE_VOTE, seen));
        }
        Ok(())
    });
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
    suite.vector(TERMS, "a restart keeps the term", move |p| {
        let mut w = alone(f, p, 5)?;
        w.tell(N2, N1, Message::AppendEntries { term: 7 })?;
        let known = view(&w).term;
        let said = w.take_sent().iter().map(|l| l.message.term()).max().unwrap_or(0);
        w.reboot(N1)?;
        let after = view(&w).term;
        if after < said {
            return Err(broken(&w, TERMS, format!("n1 (term {known}) told others of term {said}, crashed, and restarted in term {after}")));
        }
        Ok(())
    });
    suite.vector(TERMS, "what was saved is taken up again", move |p| {
        let mut w = World::by_hand(f, Setup::new(1, vec![LOG; 5]), p);
        w.on_disk(N1, Saved { term: 9, voted_for: Some(N2) });
        w.boot(N1)?;
        let v = view(&w);
        if v.term != 9 || v.role != Role::Follower {
            return Err(broken(&w, TERMS, format!("n1 had saved term 9 and a vote for n2, and starts as {:?} of term {}", v.role, v.term)));
        }
        if asks(&mut w, N3, 9, LOG)? {
            return Err(broken(&w, ONE_VOTE, "n1 had saved its vote of term 9 for n2, restarted, and granted the vote of term 9 to n3"));
        }
        Ok(())
    });
}

fn majorities(suite: &mut Suite, f: Factory<RaftElection>) {
    // (name, cluster, answers as (voter, granted), whether n1 must lead)
    type Votes = &'static [(NodeId, bool)];
    let cases: [(&str, usize, Votes, bool); 9] = [
        ("one vote of three besides the own", 3, &[(N2, true)], true),
        ("one vote of four besides the own", 4, &[(N2, true)], false),
        ("two votes of four besides the own", 4, &[(N2, true), (N3, true)], true),
        ("one vote of five besides the own", 5, &[(N2, true)], false),
        ("two votes of five besides the own", 5, &[(N2, true), (N4, true)], true),
        ("one vote that arrives three times", 5, &[(N3, true), (N3, true), (N3, true)], false),
        ("four refusals", 5, &[(N2, false), (N3, false), (N4, false), (N5, false)], false),
        ("a vote and three refusals", 5, &[(N2, true), (N3, false), (N4, false), (N5, false)], false),
        ("no answer at all", 3, &[], false),
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
            let votes = &votes[..heard];
            let said = if votes.is_empty() {
                "nobody answered".to_owned()
            } else {
                votes.iter().map(|(n, g)| format!("{n} {}", if *g { "granted" } else { "refused" })).collect::<Vec<_>>().join(", ")
            };
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
    let check = |w: &Net, was: &str, term: Term, kind: &str| {
        let v = view(w);
        if v.role == Role::Follower && v.term == term + 5 {
            return Ok(());
        }
        Err(broken(
            w,
            HIGHER,
            format!("n1 was {was} of term {term}, received {kind} of term {} from n4, and is {:?} of term {}", term + 5, v.role, v.term),
        ))
    };
    suite.vector(HIGHER, "a leader, and each kind of message", move |p| {
        for k in 0..4 {
            let mut w = alone(f, p, 5)?;
            let term = lead(&mut w)?;
            let (kind, message) = each_kind(term + 5)[k].clone();
            w.tell(N4, N1, message)?;
            check(&w, "leader", term, kind)?;
        }
        Ok(())
    });
    suite.vector(HIGHER, "a candidate, and each kind of message", move |p| {
        for k in 0..4 {
            let mut w = alone(f, p, 5)?;
            let term = campaign(&mut w, 0)?;
            let (kind, message) = each_kind(term + 5)[k].clone();
            w.tell(N4, N1, message)?;
            check(&w, "a candidate", term, kind)?;
        }
        Ok(())
    });
    suite.vector(HIGHER, "a leader that stepped down is silent", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = lead(&mut w)?;
        w.tell(N4, N1, Message::AppendEntries { term: term + 5 })?;
        w.take_sent();
        // Less than an election timeout: whatever it sends now, it sends as the leader that it was.
        w.wait(millis(120))?;
        match w.take_sent().iter().find(|l| matches!(l.message, Message::AppendEntries { .. })) {
            None => Ok(()),
            Some(l) => Err(broken(
                &w,
                HIGHER,
                format!("n1 led term {term}, heard of term {}, and went on: it sent {:?} to {}", term + 5, l.message, l.to),
            )),
        }
    });
    suite.vector(AGAIN, "a leader that stepped down tries again", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = lead(&mut w)?;
        w.tell(N4, N1, Message::AppendEntriesReply { term: term + 5 })?;
        campaign(&mut w, term + 5).map(|_| ())
    });
}

fn lower_terms(suite: &mut Suite, f: Factory<RaftElection>) {
    let unchanged = |w: &Net, before: View, story: &str| {
        let after = view(w);
        if after == before {
            return Ok(());
        }
        Err(broken(
            w,
            LOWER,
            format!("n1 was {:?} of term {}, {story}, and is {:?} of term {}", before.role, before.term, after.role, after.term),
        ))
    };
    suite.vector(LOWER, "a vote is not given in a past term", move |p| {
        let mut w = alone(f, p, 5)?;
        w.tell(N2, N1, Message::AppendEntries { term: 7 })?;
        w.take_sent();
        w.tell(N3, N1, request(6, LOG))?;
        let granted = w.take_sent().iter().any(|l| matches!(l.message, Message::RequestVoteReply { granted: true, .. }));
        match granted {
            true => Err(broken(&w, LOWER, "n1 was in term 7, n3 asked for a vote of term 6, and n1 granted it a vote")),
            false => unchanged(&w, View { role: Role::Follower, term: 7 }, "was asked for a vote of term 6"),
        }
    });
    suite.vector(LOWER, "a candidate, and each kind of message", move |p| {
        for k in 0..4 {
            let mut w = World::by_hand(f, Setup::new(1, vec![LOG; 5]), p);
            w.on_disk(N1, Saved { term: 7, voted_for: None });
            w.boot(N1)?;
            let term = campaign(&mut w, 7)?;
            let (kind, message) = each_kind(term - 1)[k].clone();
            let before = view(&w);
            w.tell(N4, N1, message)?;
            unchanged(&w, before, &format!("received {kind} of term {} from n4", term - 1))?;
        }
        Ok(())
    });
    suite.vector(LOWER, "votes of a past election", move |p| {
        let mut w = alone(f, p, 5)?;
        let old = campaign(&mut w, 0)?;
        let new = campaign(&mut w, old)?;
        let before = view(&w);
        for (late, voter) in (1..).zip([N2, N3, N4, N5]) {
            w.tell(voter, N1, Message::RequestVoteReply { term: old, granted: true })?;
            let votes = if late == 1 { "a late vote".to_owned() } else { format!("{late} late votes") };
            unchanged(&w, before, &format!("asked for votes in term {old}, then in term {new}, and received {votes} of term {old}"))?;
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
            "n1 was in term 7 and for 2 s heard nothing but heartbeats of n3, the leader of term 6: it never started an election",
        ))
    });
}

fn timers(suite: &mut Suite, f: Factory<RaftElection>) {
    suite.vector(AGAIN, "a new term frees the vote", move |p| {
        let mut w = alone(f, p, 5)?;
        asks(&mut w, N2, 7, LOG)?;
        match asks(&mut w, N3, 8, LOG)? {
            true => Ok(()),
            false => Err(broken(&w, AGAIN, "n1 was asked by n2 in term 7 and then by n3, whose log is as good, in term 8: it did not grant the vote of term 8, though it had not voted in that term")),
        }
    });
    suite.vector(AGAIN, "a candidacy of the past does not bind the vote", move |p| {
        let mut w = alone(f, p, 5)?;
        let term = campaign(&mut w, 0)?;
        match asks(&mut w, N3, term + 1, LOG)? {
            true => Ok(()),
            false => Err(broken(
                &w,
                AGAIN,
                format!("n1 was a candidate of term {term}; n3, whose log is as good, asked in term {}, and n1 did not grant", term + 1),
            )),
        }
    });
    suite.vector(AGAIN, "nobody answers", move |p| {
        let mut w = alone(f, p, 5)?;
        let mut term = 0;
        for _ in 0..4 {
            term = campaign(&mut w, term)?;
        }
        Ok(())
    });
    suite.vector(TIMER, "heartbeats in time", move |p| {
        let mut w = alone(f, p, 5)?;
        for beat in 1..=40 {
            w.tell(N2, N1, Message::AppendEntries { term: 7 })?;
            w.wait(millis(50))?;
            let v = view(&w);
            if v.term != 7 || v.role != Role::Follower {
                return Err(broken(
                    &w,
                    TIMER,
                    format!(
                        "n2 led term 7 and sent n1 a heartbeat every 50 ms; after {beat} of these n1 is {:?} of term {}",
                        v.role, v.term
                    ),
                ));
            }
        }
        Ok(())
    });
    suite.vector(TIMER, "a vote granted just before the deadline", move |p| {
        let deadline = {
            let mut w = alone(f, &Probe { tape: None, ..p.clone() }, 5)?;
            campaign(&mut w, 0)?;
            w.now()
        };
        let mut w = alone(f, p, 5)?;
        w.wait_until(Time::from_micros(deadline.as_micros() - 2_000))?;
        if !asks(&mut w, N2, 7, LOG)? {
            return Ok(());
        }
        w.wait(millis(100))?;
        match view(&w) {
            View { role: Role::Follower, term: 7 } => Ok(()),
            v => Err(broken(&w, TIMER, format!("n1 granted n2 its vote of term 7 at {}, about 2 ms before its own election timeout, and 100 ms later is {:?} of term {}", Time::from_micros(deadline.as_micros() - 2_000), v.role, v.term))),
        }
    });
    suite.vector(TIMER, "a heartbeat just before the deadline", move |p| {
        let deadline = {
            let mut w = alone(f, &Probe { tape: None, ..p.clone() }, 5)?;
            campaign(&mut w, 0)?;
            w.now()
        };
        let mut w = alone(f, p, 5)?;
        w.wait_until(Time::from_micros(deadline.as_micros() - 2_000))?;
        w.tell(N2, N1, Message::AppendEntries { term: 7 })?;
        w.wait(millis(100))?;
        match view(&w) {
            View { role: Role::Follower, term: 7 } => Ok(()),
            v => Err(broken(&w, TIMER, format!("n1 heard a heartbeat of n2, leader of term 7, about 2 ms before its own election timeout, and 100 ms later is {:?} of term {}", v.role, v.term))),
        }
    });
}
