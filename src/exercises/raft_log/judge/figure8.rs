//! Figure 8 of the paper, played by whoever is elected, and drawn.

use super::rules::{COMPLETE, MACHINE, PROGRESS};
use super::scenarios::{Scene, entries, leader_of, leads, nodes, saved};
use crate::exercises::kit::Script;
use crate::exercises::raft_log::{Entry, RaftLog, Request, Role};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId};
use crate::time::millis;
use crate::trace::Probe;

/// The command that a majority has, and that is not committed; the one that takes its place; and one at the end.
const X: u64 = 20;
const Y: u64 = 30;
const Z: u64 = 40;

/// The logs at one moment, a line each.
fn drawn(s: &Scene, title: &str) -> String {
    let mut text = format!("\n  {title}");
    for node in nodes(s) {
        let log = s.saved(node).map_or(&[][..], |disk| &disk.log);
        let cells: String = log.iter().map(|entry| format!("│{:^7}", format!("{entry:?}"))).collect();
        let is = match s.view(node) {
            None => "down".to_owned(),
            Some(view) if view.role == Role::Leader => format!("leads term {}", view.ballot.term),
            Some(_) => String::new(),
        };
        text.push_str(format!("\n    {node} {cells}│ {is}").trim_end());
    }
    text
}

/// Until somebody leads, of those who may hear each other.
fn elects(s: &mut Scene) -> Result<NodeId, Broken> {
    let end = s.now() + millis(6_000);
    while s.now() < end {
        s.run_losing(millis(1), |_| false)?;
        if let Some(leader) = leader_of(s) {
            return Ok(leader);
        }
    }
    Err(s.broken(PROGRESS, "a majority of the nodes are up and hear each other, but none was elected in 6 s").stuck())
}

fn has(s: &Scene, node: NodeId, command: u64) -> bool {
    s.saved(node).is_some_and(|disk| disk.log.iter().any(|entry| entry.command == Some(command)))
}

/// An entry of an older term comes to a majority, and a node without it is elected all the same.
pub(super) fn shown(f: Factory<RaftLog>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![(); 5]);
    for node in nodes(&s) {
        s.world.on_disk(node, saved(1, &[(10, 1)]));
    }
    nodes(&s).try_for_each(|node| s.start(node))?;
    // (a) A leader puts X into its log, and one other node has it when the leader crashes.
    let first = elects(&mut s)?;
    let second = nodes(&s).find(|node| *node != first).unwrap_or(first);
    let others: Vec<NodeId> = nodes(&s).filter(|node| *node != first && *node != second).collect();
    s.cut(&others);
    s.ask(first, Request::Write(X))?;
    while !has(&s, second, X) {
        let late = s.now() > crate::time::Time::ZERO + millis(8_000);
        s.expect(PROGRESS, !late, || format!("{second} must have been sent what {first} has, but was not"))?;
        s.run_losing(millis(1), |_| false)?;
    }
    s.crash(first)?;
    let a = drawn(&s, &format!("(a) {first} led, put {X} into its log, and crashed; {second} has it too."));
    // (b) One of the other three is elected without it, puts Y there, and crashes before anybody has that.
    let third = loop {
        let leader = elects(&mut s)?;
        if others.contains(&leader) {
            break leader;
        }
        s.run_losing(millis(5), |_| false)?;
    };
    s.cut(&[third]);
    s.ask(third, Request::Write(Y))?;
    let until = s.now() + millis(100);
    while !has(&s, third, Y) && s.now() < until {
        s.run_losing(millis(1), |_| false)?;
    }
    // What it has sent is lost.
    s.run_losing(millis(3), |_| false)?;
    s.crash(third)?;
    let b = drawn(&s, &format!("(b) {third} was elected by nodes that lack it, put {Y} there, and crashed."));
    // (c) Who has X is elected, and X comes to a majority.
    s.heal();
    s.start(first)?;
    let fourth = elects(&mut s)?;
    let until = s.now() + millis(1_000);
    while nodes(&s).any(|node| node != third && !has(&s, node, X)) && s.now() < until {
        s.run_losing(millis(1), |_| false)?;
    }
    s.run_losing(millis(100), |_| false)?;
    let c = drawn(&s, &format!("(c) {fourth} leads a later term; {X} is on four of five now, as an entry of an older term."));
    let applied = nodes(&s).find(|node| s.view(*node).is_some_and(|view| view.applied.contains(&X)));
    let committed = applied.and_then(|node| s.saved(node)).map(|disk| disk.log.clone()).unwrap_or_default();
    let is_own = nodes(&s).any(|node| s.saved(node).is_some_and(|disk| disk.log.last().is_some_and(|last| last.command.is_none())));
    // (d) Both who had it first are down; who has Y is back, and can be elected.
    s.crash(first)?;
    s.crash(second)?;
    s.start(third)?;
    let (last, _) = leads(&mut s, PROGRESS, Z)?;
    let d = drawn(&s, &format!("(d) {first} and {second} are down, {third} is back; {last} leads and has acknowledged {Z}."));
    let log = s.saved(last).map_or(Vec::new(), |disk| disk.log.clone());
    s.say(format!(
        "Figure 8: {first} put {X} into its log as an entry of an older term, and it reached four of five nodes when {fourth} led; then {third}, which has {Y} there, \
         came back, and {last} leads"
    ));
    let lost = |entry: &&Entry| !log.contains(entry) && entry.command.is_some();
    if let (Some(node), Some(entry)) = (applied, committed.iter().take_while(|entry| entry.command != Some(Z)).find(lost)) {
        return Err(s.broken(COMPLETE, &format!("{node} had applied {entry:?}, and {last} has acknowledged {Z} with the log {log:?}")));
    }
    let differ = nodes(&s).filter_map(|node| Some((node, s.view(node)?.applied))).find(|(_, view)| view.contains(&X) && view.contains(&Y));
    s.expect(MACHINE, differ.is_none(), || format!("one node applied both {X} and {Y}, of which only one can be entry 2: {differ:?}"))?;
    let gone = !log.contains(&entries(&[(X, 2)])[0]) && !log.iter().any(|entry| entry.command == Some(X));
    let end = match (gone, is_own) {
        (true, _) => format!(
            "Four of five had {X}, and now it is gone: so it was not committed in (c), and no client may have been told that it was. If {fourth} had put one entry of its own term \
             after it, and a majority had saved that, {third} could no longer have been elected."
        ),
        (false, true) => format!(
            "{fourth} put an entry of its own term after {X} as soon as it led; a majority had that, so {X} was committed with it, and {third} could no longer be elected."
        ),
        (false, false) => format!("Another node than {third} was elected here, so {X} is still there. Nobody could know that in (c)."),
    };
    p.remark(format!("Figure 8, as your nodes played it.{a}{b}{c}{d}\n{end}"));
    Ok(())
}
