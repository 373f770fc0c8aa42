//! The hidden tests of `lease_lock`: what one node may do is in `spec` and the three roles beside it, what shows only between nodes in `safety` and
//! `swarm`; here are examples and traps.

mod crowd;
mod model;
mod rules;
mod safety;
mod server;
mod spec;
mod storage;
mod swarm;
mod traps;
mod worker;

use super::{Config, Entry, LeaseLock, Message, Request, Response, TAKES, Token};
use crate::exercises::kit::{N1, N2, N3, N4, Script};
use crate::rule::{Broken, Check};
use crate::sim::{Envelope, Factory, Node, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use rules::{
    DONE, ECHO, FREED, GIVEN, IN_TIME, KEEPS, ONE, RELEASE, RENEWAL, RESTART, RULES, STOPS, STORAGE, TOKENS, TRUTH, TWICE, WAITER,
};
use std::time::Duration;

type Cluster = Script<'static, LeaseLock>;

const LEASE: Duration = millis(400);
const HALF: Duration = millis(200);

/// n1 is the server, n2 the storage, the others are workers.
fn config() -> Config {
    Config { server: N1, storage: N2, lease: LEASE }
}

const fn entry(token: Token, number: u64, value: u64) -> Entry {
    Entry { token, number, value }
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<LeaseLock>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<LeaseLock>) -> Suite {
    let mut suite = Suite::new("lease_lock", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    examples(&mut suite, f);
    crowd::add(&mut suite, f);
    traps::add(&mut suite, f);
    suite
}

fn examples(suite: &mut Suite, f: Factory<LeaseLock>) {
    suite.vector(WAITER, "a client locks, writes and unlocks", move |p| {
        let mut s = Script::up(f, p, vec![config(); 3])?;
        s.wait(LEASE + TAKES)?;
        let token = locks(&mut s, N3)?;
        let written = s.ask(N3, Request::Write(entry(token, 1, 42)))?;
        s.run(millis(50))?;
        s.one_answer(TRUTH, written, "Written", |answer| *answer == Response::Written)?;
        reads(&mut s, TRUTH, 42)?;
        let unlocked = s.call(N3, Request::Unlock)?;
        s.one_answer(IN_TIME, unlocked, "Unlocked", |answer| *answer == Response::Unlocked)
    });
    suite.vector(KEEPS, "a holder that keeps the lock for three leases", move |p| {
        let mut s = Script::up(f, p, vec![config(); 4])?;
        s.wait(LEASE + TAKES)?;
        let token = locks(&mut s, N3)?;
        let other = s.ask(N4, Request::Lock)?;
        s.run(LEASE * 3)?;
        s.expect(ONE, s.answer_to(other).is_none(), || format!("n3 holds {token:?} and renews it, but n4 got the lock too"))?;
        let written = s.ask(N3, Request::Write(entry(token, 1, 1)))?;
        s.run(millis(50))?;
        s.one_answer(KEEPS, written, "Written", |answer| *answer == Response::Written)?;
        s.ask(N3, Request::Unlock)?;
        s.run(millis(100))?;
        s.one_answer(WAITER, other, "Locked with a larger token", |answer| matches!(answer, Response::Locked(next) if *next > token))
    });
    suite.vector(FREED, "a holder that is gone, and a worker that waits", move |p| {
        let mut s = Script::up(f, p, vec![config(); 4])?;
        s.wait(LEASE + TAKES)?;
        let token = locks(&mut s, N3)?;
        s.crash(N3)?;
        let other = s.ask(N4, Request::Lock)?;
        s.run(HALF)?;
        s.expect(ONE, s.answer_to(other).is_none(), || format!("half of the lease {token:?} is left, but n4 got the lock"))?;
        s.run(HALF + millis(100))?;
        s.one_answer(FREED, other, "Locked with a larger token", |answer| matches!(answer, Response::Locked(next) if *next > token))
    });
    suite.vector(STOPS, "writes at 89 and at 99 hundredths of a lease", move |p| {
        let mut s = worker(f, p)?;
        let token = Token(7);
        let (_, since) = granted(&mut s, token)?;
        // Nobody answers what it asks: it cannot know more.
        s.wait(LEASE * 89 / 100 - s.now().since(since))?;
        s.ask(N3, Request::Write(entry(token, 1, 1)))?;
        s.wait(TAKES)?;
        let sent = wrote(&mut s);
        s.expect(KEEPS, sent.contains(&1), || "0.89 of the lease was over, but n3 did not send the write to n2".to_owned())?;
        s.wait(LEASE * 99 / 100 - s.now().since(since))?;
        let late = s.call(N3, Request::Write(entry(token, 2, 2)))?;
        s.say(format!("n3 asked n1 for the lock, got {token:?} for {} ms, and got no answer to its Renews", LEASE.as_millis()));
        let sent = wrote(&mut s);
        s.expect(STOPS, !sent.contains(&2), || "0.99 of the lease was over by its clock, but it sent n2 another write".to_owned())?;
        s.answered(STOPS, late, &[Response::NotHeld])
    });
    suite.vector(STORAGE, "an older lease writes after a newer one", move |p| older(f, p));
    suite.vector(TOKENS, "three hundred and twenty leases of one life", move |p| leases(f, p));
}

/// A client asks the worker for the lock, and gets it.
fn locks(s: &mut Cluster, node: NodeId) -> Result<Token, Broken> {
    let ticket = s.ask(node, Request::Lock)?;
    s.run(millis(100))?;
    s.one_answer(WAITER, ticket, "Locked", |answer| matches!(answer, Response::Locked(_)))?;
    let Some(Response::Locked(token)) = s.answer_to(ticket) else { return Ok(Token(0)) };
    Ok(*token)
}

/// The storage is read, and must answer with this.
fn reads(s: &mut Cluster, rule: &'static str, value: u64) -> Check {
    let ticket = s.call(N2, Request::Read)?;
    s.one_answer(rule, ticket, &format!("Value({value})"), |answer| *answer == Response::Value(value))
}

/// n3 is up, a worker, and the script speaks for the others.
fn worker(f: Factory<LeaseLock>, p: &Probe) -> Result<Cluster, Broken> {
    let mut s = Script::new(f, p, vec![config(); 4]);
    s.start(N3)?;
    Ok(s)
}

/// The number of the last question that n3 has asked the server.
fn question(sent: &[Envelope<LeaseLock>]) -> Option<u64> {
    sent.iter().rev().find_map(|e| match e.message {
        Message::Acquire { asked } | Message::Renew { asked, .. } => Some(asked),
        _ => None,
    })
}

/// n3 is asked for the lock, asks n1 at once, and is granted it 1 ms later. Gives the number of its question, and when it left.
fn granted(s: &mut Cluster, token: Token) -> Result<(u64, crate::time::Time), Broken> {
    let ticket = s.ask(N3, Request::Lock)?;
    let mut since = s.now();
    let mut asked = question(&s.world.take_sent_to(N1));
    for _ in 0..60 {
        if asked.is_none() {
            s.world.wait(millis(1))?;
            since = s.now();
            asked = question(&s.world.take_sent_to(N1));
        }
    }
    let Some(asked) = asked else { return Err(s.broken(WAITER, "n3 was asked for the lock, but did not ask n1 for it")) };
    s.world.wait(millis(1))?;
    s.tell(N1, N3, Message::Granted { token, asked })?;
    s.world.wait(TAKES)?;
    s.one_answer(WAITER, ticket, &format!("{:?}", Response::Locked(token)), |answer| *answer == Response::Locked(token))?;
    Ok((asked, since))
}

/// The numbers of the entries that n3 has sent to the storage.
fn wrote(s: &mut Cluster) -> Vec<u64> {
    let number = |e: &Envelope<LeaseLock>| if let Message::Write(entry) = &e.message { Some(entry.number) } else { None };
    s.world.take_sent_to(N2).iter().filter_map(number).collect()
}

/// The picture that fencing is known by: n3 writes, its write is long under way, and n4 has the lock when it comes. And once more over a restart.
fn older(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![config(); 4]);
    s.start(N2)?;
    let write = |s: &mut Cluster, from, entry: Entry| {
        s.tell(from, N2, Message::Write(entry))?;
        s.wait(TAKES)?;
        Ok::<bool, Broken>(s.world.take_sent_to(from).iter().any(|e| matches!(e.message, Message::Wrote { .. })))
    };
    for (newer, late) in [(Token(34), Token(33)), (Token(300), Token(299))] {
        let yes = write(&mut s, N4, entry(newer, 1, newer.0))?;
        s.expect(STORAGE, yes, || format!("that is later than all before, but n2 did not answer Wrote to the write under {newer:?}"))?;
        let yes = write(&mut s, N3, entry(late, 9, 1))?;
        s.expect(STORAGE, !yes, || format!("n2 accepted a write under {late:?} after a write under {newer:?}"))?;
        reads(&mut s, STORAGE, newer.0)?;
        s.restart(N2)?;
        let yes = write(&mut s, N3, entry(late, 9, 1))?;
        s.expect(STORAGE, !yes, || format!("n2 restarted and accepted a write under {late:?}; it had written under {newer:?} before"))?;
        reads(&mut s, STORAGE, newer.0)?;
    }
    Ok(())
}

/// Tokens rise over bytes and over restarts, and a late Release of each of them changes nothing.
fn leases(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![config(); 4]);
    s.start(N1)?;
    s.wait(LEASE + TAKES)?;
    let mut last = Token(0);
    for i in 0..320_u64 {
        let (worker, other) = if i % 2 == 0 { (N3, N4) } else { (N4, N3) };
        let token = grant(&mut s, worker, i)?;
        let Some(token) = token else { return Err(s.broken(FREED, &format!("{last:?} was given back, but {worker} got no new lease"))) };
        s.say(format!("n1 has given {} leases, and each was given back", i + 1));
        s.expect(TOKENS, token > last, || format!("n1 gave {worker} {token:?}, but had given {last:?} before"))?;
        if i % 8 == 1 {
            s.tell(other, N1, Message::Release(last))?;
            let stolen = grant(&mut s, other, 1_000 + i)?;
            s.expect(RELEASE, stolen.is_none(), || format!("{worker} holds {token:?}, {other} gave {last:?} back, and got {stolen:?}"))?;
        }
        s.tell(worker, N1, Message::Release(token))?;
        last = token;
    }
    s.restart(N1)?;
    s.wait(LEASE + TAKES)?;
    let token = grant(&mut s, N3, 9_999)?;
    s.expect(TOKENS, token.is_some_and(|token| token > last), || format!("n1 had given {last:?}, restarted, and then gave {token:?}"))
}

/// A worker asks for the lock: the token, if it is granted.
fn grant(s: &mut Cluster, worker: NodeId, asked: u64) -> Result<Option<Token>, Broken> {
    s.world.take_sent_to(worker);
    s.tell(worker, N1, Message::Acquire { asked })?;
    s.wait(TAKES)?;
    Ok(s.world
        .take_sent_to(worker)
        .iter()
        .rev()
        .find_map(|e| if let Message::Granted { token, .. } = e.message { Some(token) } else { None }))
}
