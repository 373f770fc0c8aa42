//! The hidden tests of `primary_replica`: what one node may do is in `spec`, what shows only between nodes in `safety`, `swarm` and `exploration`;
//! here are examples, traps, and the old primary that does not know, which is shown. The arbiter is a service of ours.

mod arbiter;
mod exploration;
mod rules;
mod safety;
mod spec;
mod swarm;

use super::{BEAT, Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, TAKES};
use crate::exercises::kit::{N1, N2, N3, Script, crash_sweep};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Node, NodeId, Role, Service};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use arbiter::Arbiter;
use rules::{ACKED, ANSWERS, BY_K, CATCHES, CLIENT, DIVERGED, LEADS, PREFIX, READS, RULES, SEALED, SHIPS, STOPS, TRUTH};

static SERVICES: [Service<PrimaryReplica>; 1] = [Service::of::<Arbiter>(Role::Arbiter)];

/// Behind so many nodes.
fn arbiter(nodes: usize) -> NodeId {
    NodeId::service(Role::Arbiter, nodes)
}

/// One for each node, and the arbiter's.
fn configs(nodes: usize, acks: usize) -> Vec<Config> {
    vec![Config { arbiter: arbiter(nodes), acks }; nodes + 1]
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<PrimaryReplica>>() -> Suite {
    suite(Factory::of::<N>().with(&SERVICES))
}

fn suite(f: Factory<PrimaryReplica>) -> Suite {
    let mut suite = Suite::new("primary_replica", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    examples(&mut suite, f);
    suite.scenario(TRUTH, "a crash between any two effects of an append that replaces an old suffix", move |p| {
        let behind = || {
            let mut s = Script::new(f, p, configs(3, 1));
            s.world.on_disk(N1, saved(E1, E1, &[7, 8], 1));
            s.start(N1)?;
            Ok(s)
        };
        for swept in crash_sweep(N1, behind, |s| s.tell(N2, N1, append(E2, 1, &[9], 1))) {
            let (mut s, ()) = swept?;
            let have = s.world.take_sent_to(N2).iter().any(|e| e.message == Message::Have { epoch: E2, length: 2 });
            let (agreed, length) = report(&mut s, E3)?;
            // Only what has left binds.
            s.expect(TRUTH, !have || (agreed, length) == (E2, 2), || {
                format!("n1 had told n2 that it has 2 entries of e2's log, but now reports {length}, agreed with {agreed:?}")
            })?;
        }
        Ok(())
    });
    suite.scenario(SHIPS, "a crash between any two effects of a write", move |p| {
        let leads = || {
            let mut s = Script::new(f, p, configs(2, 1));
            s.start(N1)?;
            s.tell(arbiter(2), N1, Message::Seal(E1))?;
            s.tell(arbiter(2), N1, Message::Lead(E1))?;
            s.world.take_sent();
            Ok(s)
        };
        for swept in crash_sweep(N1, leads, |s| s.ask(N1, Request::Write(7))) {
            let (mut s, _) = swept?;
            let carries = |message: &Message| matches!(message, Message::Append { entries, .. } if !entries.is_empty());
            let shipped = s.world.take_sent_to(N2).iter().any(|e| carries(&e.message));
            let (_, length) = report(&mut s, E2)?;
            s.expect(SHIPS, !shipped || length == 1, || format!("n1 had sent entry 1 to n2, but now reports {length} entries"))?;
        }
        Ok(())
    });
    suite.scenario(ACKED, "an old primary with a longer log", move |p| longer(f, p));
    suite.scenario(STOPS, "a primary that does not know that it was replaced", move |p| does_not_know(f, p));
    exploration::add(&mut suite, f);
    suite
}

const E1: Epoch = Epoch(1);
const E2: Epoch = Epoch(2);
const E3: Epoch = Epoch(3);

fn saved(epoch: Epoch, agreed: Epoch, log: &[u64], committed: usize) -> Saved {
    Saved { epoch, agreed, log: log.to_vec(), committed }
}

fn append(epoch: Epoch, from: usize, entries: &[u64], committed: usize) -> Message {
    Message::Append { epoch, from, entries: entries.to_vec(), committed }
}

/// n1 of three is up, and the script speaks for the others.
fn replica(f: Factory<PrimaryReplica>, p: &Probe, disk: Option<Saved>) -> Result<Script<'static, PrimaryReplica>, Broken> {
    let mut s = Script::new(f, p, configs(3, 1));
    if let Some(disk) = disk {
        s.world.on_disk(N1, disk);
    }
    s.start(N1)?;
    Ok(s)
}

/// What n1 reports when an epoch is sealed: nothing, if it does not.
fn report(s: &mut Script<'static, PrimaryReplica>, epoch: Epoch) -> Result<(Epoch, usize), Broken> {
    let arbiter = arbiter(s.nodes());
    s.tell(arbiter, N1, Message::Seal(epoch))?;
    s.wait(TAKES)?;
    let sent = s.world.take_sent_to(arbiter);
    let report = sent.iter().find_map(|e| match e.message {
        Message::Report { epoch: of, agreed, length } if of == epoch => Some((agreed, length)),
        _ => None,
    });
    report.ok_or_else(|| {
        s.broken(ANSWERS, &format!("n1 must report that it has sealed {epoch:?}, but has not within {} ms", TAKES.as_millis()))
    })
}

/// The arbiter is asked to replace the primary: who leads then. It takes the reports that come first.
fn fails_over(s: &mut Script<'static, PrimaryReplica>) -> Result<NodeId, Broken> {
    let arbiter = arbiter(s.nodes());
    let ticket = s.ask(arbiter, Request::FailOver)?;
    s.run_until_answered(ticket, BEAT * 2, |_| false)?;
    let Some(Response::Leads(_, primary)) = s.answer_to(ticket).cloned() else {
        return Err(s.broken(ANSWERS, "the arbiter must have had N − K reports, but has not").unanswered());
    };
    s.run(millis(2))?;
    Ok(primary)
}

/// A node is read, and must know of so many entries, the last of them this.
fn reads(s: &mut Script<'static, PrimaryReplica>, rule: &'static str, node: NodeId, length: usize, last: Option<u64>) -> Check {
    let ticket = s.call(node, Request::Read)?;
    s.one_answer(rule, ticket, &format!("{:?}", Response::Known(length, last)), |answer| *answer == Response::Known(length, last))
}

fn writes(s: &mut Script<'static, PrimaryReplica>, rule: &'static str, node: NodeId, value: u64, length: usize) -> Check {
    let ticket = s.ask(node, Request::Write(value))?;
    s.run(BEAT * 2)?;
    s.one_answer(rule, ticket, &format!("{:?}", Response::Written(length)), |answer| *answer == Response::Written(length))
}

fn examples(suite: &mut Suite, f: Factory<PrimaryReplica>) {
    suite.vector(LEADS, "a write at the primary, and a read at each node", move |p| {
        let mut s = Script::up(f, p, configs(3, 1))?;
        let primary = fails_over(&mut s)?;
        writes(&mut s, LEADS, primary, 7, 1)?;
        [N1, N2, N3].into_iter().try_for_each(|node| reads(&mut s, CATCHES, node, 1, Some(7)))
    });
    suite.vector(CLIENT, "a write at a replica", move |p| {
        let mut s = Script::up(f, p, configs(3, 1))?;
        let primary = fails_over(&mut s)?;
        let ticket = s.call(if primary == N1 { N2 } else { N1 }, Request::Write(7))?;
        s.one_answer(CLIENT, ticket, "NotPrimary", |answer| *answer == Response::NotPrimary)
    });
    suite.vector(BY_K, "a read of what is not acknowledged yet", move |p| {
        let mut s = replica(f, p, None)?;
        s.tell(N2, N1, append(E1, 0, &[7, 8], 1))?;
        s.wait(TAKES)?;
        reads(&mut s, BY_K, N1, 1, Some(7))
    });
    suite.vector(READS, "a restart after a read", move |p| {
        let mut s = replica(f, p, None)?;
        s.tell(N2, N1, append(E1, 0, &[7, 8], 2))?;
        s.wait(TAKES)?;
        reads(&mut s, CATCHES, N1, 2, Some(8))?;
        s.restart(N1)?;
        reads(&mut s, READS, N1, 2, Some(8))
    });
    suite.vector(PREFIX, "an append after a gap", move |p| {
        let mut s = replica(f, p, Some(saved(E1, E1, &[7], 1)))?;
        s.tell(N2, N1, append(E1, 2, &[9], 3))?;
        s.wait(TAKES)?;
        reads(&mut s, PREFIX, N1, 1, Some(7))
    });
    suite.vector(DIVERGED, "a suffix that only the old primary had", move |p| {
        let mut s = replica(f, p, Some(saved(E1, E1, &[7, 8], 1)))?;
        s.tell(N2, N1, append(E2, 1, &[9], 2))?;
        s.wait(TAKES)?;
        reads(&mut s, DIVERGED, N1, 2, Some(9))
    });
    suite.vector(DIVERGED, "an old suffix, and nothing in its place", move |p| {
        let mut s = replica(f, p, Some(saved(E1, E1, &[7, 8], 1)))?;
        s.tell(N2, N1, append(E2, 1, &[], 1))?;
        s.wait(TAKES)?;
        let had = report(&mut s, E3)?;
        s.expect(DIVERGED, had == (E2, 1), || format!("n1 must have e2's log, 1 entry, but reports {}, agreed with {:?}", had.1, had.0))
    });
    suite.vector(SEALED, "an append of the old primary after the seal", move |p| {
        let mut s = replica(f, p, Some(saved(E1, E1, &[7], 1)))?;
        report(&mut s, E2)?;
        s.tell(N2, N1, append(E1, 1, &[8], 2))?;
        s.wait(TAKES)?;
        let had = report(&mut s, E3)?;
        s.expect(SEALED, had == (E1, 1), || format!("n1 must have what it reported for e2, 1 entry, but reports {} for e3", had.1))
    });
    suite.vector(CATCHES, "a replica of three hundred entries", move |p| follows(f, p));
    suite.vector(CATCHES, "three hundred writes, an epoch after every fifth", move |p| many(f, p));
}

/// Where all numbers are beyond 255: what comes at once, what comes after that, and another primary.
fn follows(f: Factory<PrimaryReplica>, p: &Probe) -> Check {
    let mut s = replica(f, p, None)?;
    let log: Vec<u64> = (0..300).collect();
    let have = |s: &mut Script<'static, PrimaryReplica>, epoch, from: usize, entries: &[u64], committed, least, most| {
        s.tell(N2, N1, append(epoch, from, entries, committed))?;
        s.wait(TAKES)?;
        let end = from + entries.len();
        s.say(format!("n1 was sent a log of 300 entries, and more after that; the last append was of {epoch:?}, from {from} to {end}"));
        let fits =
            |message: &Message| matches!(message, Message::Have { epoch: of, length } if *of == epoch && (least..=most).contains(length));
        let says = s.world.take_sent_to(N2).iter().any(|e| fits(&e.message));
        s.expect(CATCHES, says, || {
            format!("n1 must tell n2 that it has {most} entries of {epoch:?}'s log, but has not within {} ms", TAKES.as_millis())
        })
    };
    have(&mut s, E1, 0, &log, 299, 300, 300)?;
    reads(&mut s, CATCHES, N1, 299, Some(298))?;
    have(&mut s, E1, 300, &[300, 301], 301, 302, 302)?;
    have(&mut s, E1, 290, &[290, 291], 250, 292, 302)?;
    reads(&mut s, CATCHES, N1, 301, Some(300))?;
    s.restart(N1)?;
    have(&mut s, E2, 302, &[], 302, 301, 301)?;
    have(&mut s, E2, 301, &[9], 302, 302, 302)?;
    reads(&mut s, DIVERGED, N1, 302, Some(9))
}

/// A log that grows, over many epochs; the other node is a replica that has all of it, or lags by one.
fn many(f: Factory<PrimaryReplica>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, configs(2, 1));
    s.start(N1)?;
    let mut epoch = Epoch(0);
    for i in 0..300_usize {
        s.say(format!("n1 is at its write {i}"));
        if i % 5 == 0 {
            epoch = Epoch(epoch.0 + 1);
            let reported = report(&mut s, epoch)?;
            s.expect(TRUTH, reported == (Epoch(epoch.0 - 1), i), || format!("its log has {i} entries, but it reported {reported:?}"))?;
            leads(&mut s, epoch)?;
        }
        let ticket = s.ask(N1, Request::Write(i as u64))?;
        s.wait(BEAT)?;
        let ends = |message: &Message| match message {
            Message::Append { epoch: of, from, entries, committed } => *of == epoch && from + entries.len() == i + 1 && *committed == i,
            _ => false,
        };
        let shipped = s.world.take_sent_to(N2).iter().any(|e| ends(&e.message));
        s.expect(CATCHES, shipped, || {
            format!("n1 must send n2 entry {} within {} ms, and that {i} are acknowledged, but has not", i + 1, BEAT.as_millis())
        })?;
        s.tell(N2, N1, Message::Have { epoch, length: i })?;
        s.expect(BY_K, s.answer_to(ticket).is_none(), || format!("n2 has {i} entries, but entry {} was acknowledged", i + 1))?;
        s.tell(N2, N1, Message::Have { epoch, length: i + 1 })?;
        s.wait(TAKES)?;
        s.one_answer(ANSWERS, ticket, &format!("Written({})", i + 1), |answer| *answer == Response::Written(i + 1))?;
        reads(&mut s, CATCHES, N1, i + 1, Some(i as u64))?;
        // The first life has many epochs; and there are several lives.
        if matches!(i, 199 | 249 | 274) {
            s.restart(N1)?;
            reads(&mut s, READS, N1, i + 1, Some(i as u64))?;
            leads(&mut s, epoch)?;
        }
    }
    Ok(())
}

/// n1, one of two, is named, and says so to the other node, which it may before it has a write to send.
fn leads(s: &mut Script<'static, PrimaryReplica>, epoch: Epoch) -> Check {
    s.tell(arbiter(2), N1, Message::Lead(epoch))?;
    s.wait(BEAT)?;
    let is_append = |message: &Message| matches!(message, Message::Append { epoch: of, .. } if *of == epoch);
    let sent = s.world.take_sent_to(N2).iter().any(|e| is_append(&e.message));
    s.expect(LEADS, sent, || format!("n1 was named for {epoch:?}, but has not sent n2 an append of it within {} ms", BEAT.as_millis()))?;
    let agreed = s.saved(N1).map(|disk| disk.agreed);
    s.expect(TRUTH, agreed == Some(epoch), || format!("n1 leads {epoch:?}, but on its disk its log agrees with {agreed:?}"))
}

/// The first primary is cut off with writes that nobody else has; the second one acknowledges something, which the third node has as well. Then the
/// second is down and the first is back: its log is longer, and older.
fn longer(f: Factory<PrimaryReplica>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(3, 1))?;
    let first = fails_over(&mut s)?;
    s.cut(&[first]);
    for value in [1, 2, 3] {
        s.ask(first, Request::Write(value))?;
    }
    let second = fails_over(&mut s)?;
    writes(&mut s, LEADS, second, 9, 1)?;
    s.crash(second)?;
    s.heal();
    let third = fails_over(&mut s)?;
    s.say(format!(
        "{first} led, was cut off and wrote 1, 2 and 3, which nobody else has; {second} led, acknowledged 9, which a replica has, and crashed; \
         {first} came back, and {third} leads now"
    ));
    writes(&mut s, ACKED, third, 5, 2)?;
    [N1, N2, N3].into_iter().filter(|node| *node != second).try_for_each(|node| reads(&mut s, DIVERGED, node, 2, Some(5)))
}

/// What nobody can prevent, and what it may not do: the lesson.
fn does_not_know(f: Factory<PrimaryReplica>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(3, 1))?;
    let old = fails_over(&mut s)?;
    writes(&mut s, LEADS, old, 7, 1)?;
    s.cut(&[old]);
    let new = fails_over(&mut s)?;
    writes(&mut s, LEADS, new, 8, 2)?;
    let lost = s.ask(old, Request::Write(9))?;
    s.run(BEAT * 3)?;
    reads(&mut s, READS, old, 1, Some(7))?;
    reads(&mut s, CATCHES, new, 2, Some(8))?;
    s.heal();
    let since = s.now();
    let knows = |s: &Script<'static, PrimaryReplica>| s.saved(old).is_some_and(|disk| disk.log == [7, 8] && disk.committed == 2);
    while !knows(&s) && s.now() < since + BEAT * 3 {
        s.run_losing(millis(1), |_| false)?;
    }
    let away = s.now().since(since).as_millis();
    let answer = s.answer_to(lost).cloned();
    s.expect(STOPS, answer.is_none(), || format!("{old}, which was replaced, got Write(9), which is lost, and answered {answer:?}"))?;
    reads(&mut s, CATCHES, old, 2, Some(8))?;
    p.remark(format!(
        "The primary that does not know. {old} led and was cut off; then {new} led, and acknowledged 8. A reader at {old} was still told that the log \
         ends with 7, and a writer there got no answer: it could reach no replica, and only that kept it from acknowledging a write that was \
         lost. {away} ms after the network healed it had dropped 9, and had 8. A reader that must not see stale data needs a lease, or must ask \
         K replicas first: this exercise does not require that."
    ));
    Ok(())
}
