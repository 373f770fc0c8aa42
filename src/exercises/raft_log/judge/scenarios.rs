//! Examples and traps of `raft_log`: one node, with the script in the place of the others; and clusters in fair weather.

use super::rules::{
    ACKED, ANSWERS, BUDGET, CATCHES, CONFLICT, COUNTS, ELECTION, LOWER, MACHINE, MATCHING, OWN, PROGRESS, REPLICATES, SAVED,
};
use crate::exercises::kit::{N1, N2, N3, N4, N5, Script, crash_sweep};
use crate::exercises::raft_log::{Ballot, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Request, Response, Role, Saved, TAKES, Term};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

pub(super) type Scene = Script<'static, RaftLog>;

/// Messages in a second and to each other node that an idle cluster may send. Heartbeats of the contract with their answers are 40.
const BUDGET_PER_PEER_AND_SECOND: usize = 100;
/// In so many messages a leader must have found out where another log differs, and mended it.
const CATCHES_UP_IN: usize = 20;
/// Long enough for elections, several of which may have no winner.
const LONG: Duration = millis(6_000);

pub(super) fn entries(of: &[(u64, Term)]) -> Vec<Entry> {
    of.iter().map(|(command, term)| Entry { term: *term, command: Some(*command) }).collect()
}

pub(super) fn saved(term: Term, log: &[(u64, Term)]) -> Saved {
    Saved { ballot: Ballot { term, voted_for: None }, log: entries(log) }
}

fn append(term: Term, prev: (usize, Term), of: &[(u64, Term)], commit: usize) -> Message {
    Message::AppendEntries { term, prev: EntryId { index: prev.0, term: prev.1 }, entries: entries(of), commit }
}

/// n1 of so many is up, with that on its disk, and the script speaks for the others.
pub(super) fn alone(f: Factory<RaftLog>, p: &Probe, nodes: usize, disk: Option<Saved>) -> Result<Scene, Broken> {
    let mut s = Script::new(f, p, vec![(); nodes]);
    if let Some(disk) = disk {
        s.world.on_disk(N1, disk);
    }
    s.start(N1)?;
    Ok(s)
}

/// n1 stands for election, and these vote for it.
pub(super) fn elected(s: &mut Scene, voters: &[NodeId]) -> Result<Term, Broken> {
    let end = s.now() + millis(1_000);
    while s.now() < end {
        s.world.wait(millis(5))?;
        let asked =
            s.world.take_sent().into_iter().find_map(|e| if let Message::RequestVote { term, .. } = e.message { Some(term) } else { None });
        if let Some(term) = asked {
            voters.iter().try_for_each(|voter| s.tell(*voter, N1, Message::RequestVoteReply { term, granted: true }))?;
            return Ok(term);
        }
    }
    Err(s.broken(ELECTION, "n1 hears nobody, but has not started an election within a second"))
}

/// How far what n1 sends to another node within an interval of its heartbeat reaches.
fn shipped(s: &mut Scene, to: NodeId) -> Result<usize, Broken> {
    s.world.wait(HEARTBEAT_EVERY + millis(5))?;
    let end = |m: &Message| if let Message::AppendEntries { prev, entries, .. } = m { prev.index + entries.len() } else { 0 };
    Ok(s.world.take_sent_to(to).iter().map(|e| end(&e.message)).max().unwrap_or(0))
}

/// What n1 has on its disk must be this.
fn has(s: &Scene, rule: &'static str, log: &[(u64, Term)]) -> Check {
    let is = s.saved(N1).map_or(&[][..], |disk| &disk.log);
    let rule = if is.is_empty() { SAVED } else { rule };
    s.expect(rule, is == entries(log), || format!("n1 must have {:?} on its disk, but has {is:?}", entries(log)))
}

fn applied(s: &Scene, rule: &'static str, node: NodeId, commands: &[u64]) -> Check {
    let is = s.view(node).map_or(Vec::new(), |view| view.applied);
    let only = if is.len() < commands.len() { "only " } else { "" };
    s.expect(rule, is == commands, || format!("{node} must have applied {commands:?}, but has applied {only}{is:?}"))
}

fn said(s: &mut Scene, rule: &'static str, to: NodeId, what: &str, fits: impl Fn(&Message) -> bool) -> Check {
    let sent = s.world.take_sent_to(to);
    let answers: Vec<&Message> =
        sent.iter().map(|e| &e.message).filter(|m| matches!(m, Message::Matches { .. } | Message::Refused { .. })).collect();
    s.expect(rule, answers.iter().any(|m| fits(m)), || format!("n1 must tell {to} {what}, but told it {answers:?}"))
}

pub(super) fn add(suite: &mut Suite, f: Factory<RaftLog>) {
    follower(suite, f);
    leader(suite, f);
    clusters(suite, f);
    suite.scenario(SAVED, "a crash between any two effects of an append that replaces an old tail", move |p| {
        let behind = || alone(f, p, 3, Some(saved(1, &[(7, 1), (8, 1)])));
        for swept in crash_sweep(N1, behind, |s| s.tell(N2, N1, append(2, (1, 1), &[(9, 2)], 1))) {
            let (mut s, ()) = swept?;
            let told = s.world.take_sent_to(N2).iter().any(|e| matches!(e.message, Message::Matches { index: 2, .. }));
            if told {
                has(&s, SAVED, &[(7, 1), (9, 2)])?;
            }
        }
        Ok(())
    });
}

fn follower(suite: &mut Suite, f: Factory<RaftLog>) {
    suite.vector(MATCHING, "an append after a gap", move |p| {
        let mut s = alone(f, p, 3, Some(saved(1, &[(7, 1)])))?;
        s.tell(N2, N1, append(1, (2, 1), &[(9, 1)], 3))?;
        s.wait(TAKES)?;
        has(&s, MATCHING, &[(7, 1)])?;
        said(&mut s, ANSWERS, N2, "Refused, with prev 2", |m| matches!(m, Message::Refused { prev: 2, .. }))
    });
    suite.vector(MATCHING, "an append after an entry of another term", move |p| {
        let mut s = alone(f, p, 3, Some(saved(2, &[(7, 1), (8, 1)])))?;
        s.tell(N2, N1, append(3, (2, 2), &[(9, 3)], 0))?;
        s.wait(TAKES)?;
        said(&mut s, MATCHING, N2, "Refused, with prev 2: its entry 2 is of term 1", |m| matches!(m, Message::Refused { prev: 2, .. }))
    });
    suite.vector(CONFLICT, "an append that is overtaken by a longer one", move |p| {
        let mut s = alone(f, p, 3, None)?;
        s.tell(N2, N1, append(1, (0, 0), &[(7, 1), (8, 1)], 0))?;
        s.tell(N2, N1, append(1, (0, 0), &[(7, 1)], 0))?;
        s.wait(TAKES)?;
        has(&s, CONFLICT, &[(7, 1), (8, 1)])
    });
    suite.vector(CONFLICT, "a tail of three that only an old leader had", move |p| {
        let mut s = alone(f, p, 3, Some(saved(1, &[(7, 1), (8, 1), (8, 1), (8, 1)])))?;
        s.tell(N2, N1, append(2, (1, 1), &[(9, 2)], 0))?;
        s.wait(TAKES)?;
        has(&s, CONFLICT, &[(7, 1), (9, 2)])
    });
    suite.vector(MACHINE, "a commit index beyond what is known to be the same", move |p| {
        let mut s = alone(f, p, 3, Some(saved(1, &[(7, 1), (8, 1)])))?;
        s.tell(N2, N1, append(2, (1, 1), &[], 2))?;
        s.wait(TAKES)?;
        applied(&s, MACHINE, N1, &[7])
    });
    suite.vector(LOWER, "an append of a leader that was replaced", move |p| {
        let mut s = alone(f, p, 3, Some(saved(1, &[(7, 1)])))?;
        s.tell(N3, N1, append(3, (1, 1), &[], 0))?;
        s.tell(N2, N1, append(2, (1, 1), &[(8, 2)], 0))?;
        s.wait(TAKES)?;
        has(&s, LOWER, &[(7, 1)])
    });
    suite.vector(MACHINE, "three hundred entries, and more, of a leader and the next", move |p| many_come(f, p));
}

/// Where all numbers are beyond 255: what comes at once, what comes after that, and another leader.
fn many_come(f: Factory<RaftLog>, p: &Probe) -> Check {
    let mut s = alone(f, p, 3, None)?;
    let log: Vec<(u64, Term)> = (0..300).map(|i| (i, 300)).collect();
    let commands: Vec<u64> = (0..301).collect();
    s.tell(N2, N1, append(300, (0, 0), &log, 299))?;
    s.wait(TAKES)?;
    s.say("n1 was sent a log of 300 entries by n2, of which 299 are committed");
    said(&mut s, ANSWERS, N2, "Matches up to 300", |m| *m == Message::Matches { term: 300, index: 300 })?;
    applied(&s, MACHINE, N1, &commands[..299])?;
    s.tell(N2, N1, append(300, (300, 300), &[(300, 300), (301, 300)], 301))?;
    s.wait(TAKES)?;
    applied(&s, MACHINE, N1, &commands)?;
    s.say("n1 was sent a log of 300 entries by n2, and two more");
    let has = s.saved(N1).map_or(0, |disk| disk.log.len());
    s.expect(SAVED, has == 302, || format!("n1 had told n2 that it has 302 entries, but has {has} on its disk"))?;
    s.restart(N1)?;
    s.tell(N3, N1, append(301, (301, 300), &[(9, 301)], 302))?;
    s.wait(TAKES)?;
    s.say("n1 had 302 entries of term 300, of which 301 were committed; it restarted, and n3, the leader of term 301, has a different entry after 301");
    said(&mut s, ANSWERS, N3, "Matches up to 302", |m| *m == Message::Matches { term: 301, index: 302 })?;
    applied(&s, MACHINE, N1, &[&commands[..], &[9]].concat())
}

fn leader(suite: &mut Suite, f: Factory<RaftLog>) {
    suite.vector(ACKED, "a write at a follower", move |p| {
        let mut s = alone(f, p, 3, None)?;
        s.tell(N2, N1, append(1, (0, 0), &[], 0))?;
        let ticket = s.call(N1, Request::Write(7))?;
        s.one_answer(ACKED, ticket, "NotLeader", |answer| *answer == Response::NotLeader)
    });
    suite.vector(COUNTS, "a write that one of four has", move |p| {
        let mut s = alone(f, p, 5, None)?;
        let term = elected(&mut s, &[N2, N3])?;
        let ticket = s.ask(N1, Request::Write(7))?;
        let index = shipped(&mut s, N2)?;
        s.tell(N2, N1, Message::Matches { term, index })?;
        s.tell(N2, N1, Message::Matches { term, index })?;
        s.wait(TAKES)?;
        s.expect(COUNTS, s.answer_to(ticket).is_none(), || {
            format!("n1 and n2 have entry {index}, which is two of five, but Write(7) was answered: {:?}", s.answer_to(ticket))
        })?;
        s.tell(N3, N1, Message::Matches { term, index })?;
        s.wait(TAKES)?;
        s.one_answer(ACKED, ticket, &format!("Applied at {index}"), |answer| *answer == Response::Applied { index })
    });
    suite.vector(OWN, "a majority has an entry of an older term", move |p| {
        let mut s = alone(f, p, 5, Some(saved(3, &[(1, 1), (2, 2)])))?;
        let term = elected(&mut s, &[N2, N3])?;
        for follower in [N2, N3, N4] {
            s.tell(follower, N1, Message::Matches { term, index: 2 })?;
        }
        s.wait(TAKES)?;
        let is = s.view(N1).map_or(Vec::new(), |view| view.applied);
        s.expect(OWN, is.is_empty(), || {
            format!(
                "n1 leads term {term} and has applied {is:?}; 4 of 5 have its entry 2, of term 2, and n5, whose log may end with an entry of term 3, could \
                 still be elected and overwrite it"
            )
        })
    });
    suite.vector(COUNTS, "led before, was overwritten, and leads again", move |p| {
        let mut s = alone(f, p, 5, Some(saved(1, &[(7, 1)])))?;
        let term = elected(&mut s, &[N2, N3])?;
        for value in [1, 2, 3] {
            s.ask(N1, Request::Write(value))?;
        }
        let index = shipped(&mut s, N2)?;
        s.tell(N2, N1, Message::Matches { term, index })?;
        // n5 was elected by n3 and n4, and has none of these.
        s.tell(N5, N1, append(term + 1, (1, 1), &[(9, term + 1)], 0))?;
        let term = elected(&mut s, &[N3, N4])?;
        let ticket = s.ask(N1, Request::Write(4))?;
        let index = shipped(&mut s, N3)?;
        s.tell(N3, N1, Message::Matches { term, index })?;
        s.wait(TAKES)?;
        s.expect(COUNTS, s.answer_to(ticket).is_none(), || {
            format!(
                "in term {term} only n3 has said that it has entry {index}: two of five have it. But Write(4) was answered: {:?}",
                s.answer_to(ticket)
            )
        })
    });
    suite.vector(REPLICATES, "three hundred writes, a few of them under way at once", move |p| many_go(f, p));
}

/// A log that grows in one life, with forty open at once at the end; the other node is a follower that answers after every third.
fn many_go(f: Factory<RaftLog>, p: &Probe) -> Check {
    let mut s = alone(f, p, 2, Some(saved(299, &[])))?;
    let term = elected(&mut s, &[N2])?;
    let mut open = Vec::new();
    for i in 0..340_u64 {
        let ticket = s.ask(N1, Request::Write(i))?;
        open.push((ticket, i));
        if i % 3 > 0 || (300..339).contains(&i) {
            continue;
        }
        let mut end = 0;
        // In pieces, each of which is answered.
        for _ in 0..40 {
            end = shipped(&mut s, N2)?.max(end);
            s.tell(N2, N1, Message::Matches { term, index: end })?;
            if end as u64 > i {
                break;
            }
        }
        s.say(format!("n1 is at its write {i} in term {term}, and n2 answers everything that it is sent"));
        s.expect(REPLICATES, end as u64 > i, || format!("n2 must be sent all of them, but was sent {end} entries"))?;
        s.wait(TAKES)?;
        for (ticket, i) in std::mem::take(&mut open) {
            s.one_answer(ANSWERS, ticket, "Applied", |answer| matches!(answer, Response::Applied { .. }))?;
            let is = s.view(N1).map_or(0, |view| view.applied.len()) as u64;
            s.expect(MACHINE, is > i, || format!("n1 must have applied its write {i}, but has applied {is}"))?;
        }
    }
    Ok(())
}

/// Whoever leads the newest term, once a write is acknowledged there: the leader, and how many entries there are.
pub(super) fn leads(s: &mut Scene, rule: &'static str, value: u64) -> Result<(NodeId, usize), Broken> {
    let end = s.now() + LONG;
    while s.now() < end {
        let Some(node) = leader_of(s) else {
            s.run_losing(millis(5), |_| false)?;
            continue;
        };
        let ticket = s.ask(node, Request::Write(value))?;
        s.run_until_answered(ticket, millis(300), |_| false)?;
        if let Some(Response::Applied { index }) = s.answer_to(ticket) {
            return Ok((node, *index));
        }
    }
    let up: Vec<NodeId> = nodes(s).filter(|node| s.is_up(*node)).collect();
    let text = format!("{up:?} are up and no message is lost, but no write was acknowledged within {} s", LONG.as_secs());
    Err(s.broken(rule, &text).stuck())
}

pub(super) fn nodes(s: &Scene) -> impl Iterator<Item = NodeId> + use<> {
    (0..s.nodes()).map(NodeId::from_index)
}

pub(super) fn leader_of(s: &Scene) -> Option<NodeId> {
    let views = nodes(s).filter_map(|node| Some((node, s.view(node)?)));
    views.filter(|(_, view)| view.role == Role::Leader).max_by_key(|(_, view)| view.ballot.term).map(|(node, _)| node)
}

fn clusters(suite: &mut Suite, f: Factory<RaftLog>) {
    suite.vector(PROGRESS, "a write in a cluster of three", move |p| {
        let mut s = Script::up(f, p, vec![(); 3])?;
        leads(&mut s, PROGRESS, 7)?;
        s.run(millis(200))?;
        [N1, N2, N3].into_iter().try_for_each(|node| applied(&s, PROGRESS, node, &[7]))
    });
    suite.scenario(PROGRESS, "two of five never come up", move |p| {
        let mut s = Script::new(f, p, vec![(); 5]);
        [N2, N4, N5].into_iter().try_for_each(|node| s.start(node))?;
        leads(&mut s, PROGRESS, 7)?;
        leads(&mut s, PROGRESS, 8)?;
        s.run(millis(200))?;
        [N2, N4, N5].into_iter().try_for_each(|node| applied(&s, PROGRESS, node, &[7, 8]))
    });
    let old = |terms: &[Term]| -> Vec<(u64, Term)> {
        let each = 50 / terms.len();
        std::iter::once((1, 1)).chain(terms.iter().flat_map(|term| (0..each).map(|i| (i as u64, *term)))).collect()
    };
    let rows = [
        ("fifty conflicting entries of one old leader", old(&[2])),
        ("fifty conflicting entries of five old leaders", old(&[2, 3, 4, 5, 6])),
        ("fifty entries behind", vec![(1, 1)]),
    ];
    for (name, behind) in rows {
        let ahead: Vec<(u64, Term)> = std::iter::once((1, 1)).chain((0..50).map(|i| (i, 9))).collect();
        suite.scenario(CATCHES, name, move |p| catches(f, p, &behind, &ahead));
    }
    suite.scenario(BUDGET, "a second without writes, and fifty writes", move |p| paced(f, p));
}

/// n1 was away, with that log; the others have another one.
fn catches(f: Factory<RaftLog>, p: &Probe, behind: &[(u64, Term)], ahead: &[(u64, Term)]) -> Check {
    let mut s = Script::new(f, p, vec![(); 3]);
    s.world.on_disk(N1, saved(7, behind));
    for node in [N2, N3] {
        s.world.on_disk(node, saved(9, ahead));
        s.start(node)?;
    }
    let (leader, _) = leads(&mut s, PROGRESS, 7)?;
    s.run(millis(100))?;
    s.start(N1)?;
    let start = s.now();
    let mut sent = 0;
    let same = |s: &Scene| s.saved(N1).map(|disk| &disk.log) == s.saved(leader).map(|disk| &disk.log);
    while !same(&s) && s.now() < start + millis(3_000) {
        let count = std::cell::Cell::new(0);
        s.run_losing(millis(1), |e| {
            count.set(count.get() + usize::from(e.to == N1 && matches!(e.message, Message::AppendEntries { .. })));
            false
        })?;
        sent += count.get();
    }
    let ms = s.now().since(start).as_millis();
    s.say(format!(
        "n1 comes back with {} entries; {leader} leads, and has {}, of which the first is the same",
        behind.len(),
        s.saved(leader).map_or(0, |disk| disk.log.len())
    ));
    if !same(&s) {
        return Err(s.broken(CATCHES, &format!("{ms} ms and {sent} AppendEntries later n1 does not have the leader's log")).stuck());
    }
    s.expect(CATCHES, sent <= CATCHES_UP_IN, || {
        format!("it took {sent} AppendEntries to n1, in {ms} ms, until its log was the same; {CATCHES_UP_IN} are allowed")
    })
}

fn paced(f: Factory<RaftLog>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, vec![(); 3])?;
    let (leader, _) = leads(&mut s, PROGRESS, 7)?;
    s.run(millis(300))?;
    let count = |s: &mut Scene, time| -> Result<usize, Broken> {
        let count = std::cell::Cell::new(0);
        s.run_losing(time, |_| {
            count.set(count.get() + 1);
            false
        })?;
        Ok(count.get())
    };
    let most = BUDGET_PER_PEER_AND_SECOND * 2;
    let idle = count(&mut s, millis(1_000))?;
    s.expect(BUDGET, idle <= most, || {
        format!("three nodes with a leader and nothing to do sent {idle} messages in a second; {most} are allowed; heartbeats every 50 ms and their answers are 80")
    })?;
    let mut busy = 0;
    for value in 0..50 {
        s.ask(leader, Request::Write(value))?;
        busy += count(&mut s, millis(20))?;
    }
    let most = most + 50 * 2 * 6;
    s.say(format!("{leader} leads three nodes, and took fifty writes in a second, one every 20 ms"));
    s.expect(BUDGET, busy <= most, || {
        format!("they sent {busy} messages; {most} are allowed: for each write an append to each follower, its answer, the commit index, and as many again")
    })
}
