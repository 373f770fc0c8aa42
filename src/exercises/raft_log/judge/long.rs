//! A node of `raft_log` that lives long, with the script in the place of the others: it leads again and again, and is replaced each time; and it leads
//! four that are differently far.

use super::rules::{ACKED, CATCHES, CONFLICT, MACHINE, REPLICATES};
use super::scenarios::{Scene, alone, elected};
use crate::exercises::kit::{N1, N2, N3, N4, N5};
use crate::exercises::raft_log::{Ballot, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Request, Response, Saved, TAKES};
use crate::rule::Check;
use crate::sim::{Factory, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::collections::BTreeMap;

/// So often it leads in one life, and so many entries three of four followers have: more than any small number.
const OFTEN: u64 = 36;

pub(super) fn add(suite: &mut Suite, f: Factory<RaftLog>) {
    suite.vector(ACKED, "leads again and again, and is replaced each time", move |p| again_and_again(f, p));
    suite.vector(REPLICATES, "forty entries, of which one of four followers has none", move |p| one_has(f, p, &[]));
    let others: Vec<Entry> = (0..40).map(|i| Entry { term: 2, command: Some(i) }).collect();
    suite.vector(CATCHES, "forty entries, and one of four followers has forty different ones", move |p| one_has(f, p, &others));
}

/// A follower that does what Figure 2 says, without hints.
fn follows(log: &mut Vec<Entry>, message: &Message) -> Vec<Message> {
    let Message::AppendEntries { term, prev, entries, .. } = message else { return Vec::new() };
    let (term, fits) = (*term, prev.index == 0 || log.get(prev.index - 1).is_some_and(|entry| entry.term == prev.term));
    if !fits {
        let hint = (log.len() < prev.index).then_some(EntryId { index: log.len() + 1, term: 0 });
        return vec![Message::Refused { term, prev: prev.index, hint }];
    }
    let same = log[prev.index..].iter().zip(entries).take_while(|(a, b)| a.term == b.term).count();
    if same < entries.len() {
        log.truncate(prev.index + same);
        log.extend(&entries[same..]);
    }
    vec![Message::Matches { term, index: prev.index + entries.len() }]
}

/// What n1 has on its disk, and has applied.
fn same(s: &Scene, log: &[Entry]) -> Check {
    let is = s.saved(N1).map_or(&[][..], |disk| &disk.log);
    s.expect(CONFLICT, is == log, || format!("n1 must have the log of that leader, {log:?}, but has {is:?}"))?;
    let commands: Vec<u64> = log.iter().filter_map(|entry| entry.command).collect();
    let applied = s.view(N1).map_or(Vec::new(), |view| view.applied);
    s.expect(MACHINE, applied == commands, || {
        format!("all of it is committed: n1 must have applied {commands:?}, but has applied {applied:?}")
    })
}

/// Three nodes. n2 and n3 have the same log all along. In every third term of n1 they take what it sends, and in the others they hear nothing of it.
fn again_and_again(f: Factory<RaftLog>, p: &Probe) -> Check {
    let mut s = alone(f, p, 3, None)?;
    let mut theirs: Vec<Entry> = Vec::new();
    for time in 0..OFTEN {
        let other = if time % 2 == 0 { N2 } else { N3 };
        let term = elected(&mut s, &[other])?;
        let ticket = s.ask(N1, Request::Write(1_000 + time))?;
        s.say(format!(
            "n1 was elected for the {}. time since it started, in term {term}, and was asked for Write({})",
            time + 1,
            1_000 + time
        ));
        if time % 3 == 0 {
            s.play(HEARTBEAT_EVERY + HEARTBEAT_EVERY, |e| follows(&mut theirs, &e.message))?;
            s.wait(TAKES)?;
            s.one_answer(REPLICATES, ticket, "Applied", |answer| matches!(answer, Response::Applied { .. }))?;
        } else {
            s.wait(TAKES)?;
        }
        let (term, last) = (term + 1, EntryId::last(&theirs));
        match time % 4 {
            0 => s.tell(other, N1, Message::RequestVote { term, last })?,
            1 => s.tell(other, N1, Message::Refused { term, prev: last.index, hint: None })?,
            _ => s.tell(other, N1, Message::AppendEntries { term, prev: last, entries: Vec::new(), commit: last.index })?,
        }
        let later = s.call(N1, Request::Write(2_000 + time))?;
        s.one_answer(ACKED, later, "NotLeader", |answer| *answer == Response::NotLeader)?;
        let entry = Entry { term, command: Some(3_000 + time) };
        theirs.push(entry);
        s.tell(other, N1, Message::AppendEntries { term, prev: last, entries: vec![entry], commit: theirs.len() })?;
        s.wait(TAKES)?;
        s.say(format!("n1 led for the {}. time since it started; then {other} led term {term}, and sent it {entry:?}", time + 1));
        same(&s, &theirs)?;
        if time % 3 > 0 {
            let lost = s.answer_to(ticket).is_none_or(|answer| *answer == Response::NotLeader);
            s.expect(ACKED, lost, || format!("Write({}) is in no log, but was answered {:?}", 1_000 + time, s.answer_to(ticket)))?;
        }
    }
    Ok(())
}

/// n1 leads five; n2, n3 and n5 take what it sends from the first write on, n4 is away until there are forty, and comes back with that log.
fn one_has(f: Factory<RaftLog>, p: &Probe, has: &[Entry]) -> Check {
    let mut s = alone(f, p, 5, Some(Saved { ballot: Ballot { term: 2, voted_for: None }, log: Vec::new() }))?;
    elected(&mut s, &[N2, N3])?;
    let mut logs: BTreeMap<NodeId, Vec<Entry>> = [N2, N3, N4, N5].map(|node| (node, Vec::new())).into();
    logs.insert(N4, has.to_vec());
    let mut tickets = Vec::new();
    for value in 0..40 {
        tickets.push(s.ask(N1, Request::Write(value))?);
        if value % 8 == 7 {
            s.play(HEARTBEAT_EVERY + HEARTBEAT_EVERY, |e| match logs.get_mut(&e.to) {
                Some(log) if e.to != N4 => follows(log, &e.message),
                _ => Vec::new(),
            })?;
        }
    }
    s.play(millis(2_200), |e| match logs.get_mut(&e.to) {
        Some(log) if e.to != N4 => follows(log, &e.message),
        _ => Vec::new(),
    })?;
    s.wait(TAKES)?;
    s.say(format!("n1 led five nodes and took forty writes; n4 was away meanwhile, and is back with {} entries", has.len()));
    for ticket in tickets {
        s.one_answer(REPLICATES, ticket, "Applied", |answer| matches!(answer, Response::Applied { .. }))?;
    }
    s.play(millis(2_200), |e| logs.get_mut(&e.to).map_or(Vec::new(), |log| follows(log, &e.message)))?;
    let leads = s.saved(N1).map_or(Vec::new(), |disk| disk.log.clone());
    let (rule, is) = (if has.is_empty() { REPLICATES } else { CATCHES }, logs.get(&N4).cloned().unwrap_or_default());
    s.expect(rule, is == leads, || format!("2.2 s later n4 must have its {} entries, but has {is:?}", leads.len()))
}
