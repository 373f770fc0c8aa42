//! Many at once: a stampede on one key, a loader that dies, a cache that restarts empty, and two hundred keys that were filled together.

use super::rules::{ANSWERS, FILLS, FLOOD, INVALIDATES, JITTER, ONE, TRUTH};
use super::{ANSWERED, K1, Servers, V7, cache, config, configs, database, passes, puts, until_answered};
use crate::exercises::cache_aside::{CacheAside, Config, Key, LEASE, Lease, Message, Request, Response, TAKES, Value};
use crate::exercises::kit::{N1, N2, N3, Script};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

const SERVERS: [NodeId; 3] = [N1, N2, N3];

pub(super) fn add(suite: &mut Suite, f: Factory<CacheAside>) {
    suite.scenario(ONE, "a hundred readers of one key at three servers", move |p| stampede(f, p));
    suite.scenario(ONE, "the server that loads crashes, and others wait", move |p| dies(f, p));
    suite.scenario(FLOOD, "the cache restarts empty", move |p| empty(f, p));
    suite.scenario(FLOOD, "forty keys at one server without the cache", move |p| without(f, p));
    suite.scenario(JITTER, "two hundred keys that are filled together", move |p| together(f, p));
    suite.scenario(ONE, "a lease that ends in the queue", move |p| ends(f, p));
    suite.scenario(ONE, "two hundred leases that come twice", move |p| twice(f, p));
    suite.vector(INVALIDATES, "three hundred writes and reads in one life", move |p| many(f, p));
}

fn all_answered(s: &Servers, rule: &'static str, tickets: &[(Ticket, Option<Value>)]) -> Check {
    tickets.iter().try_for_each(|(ticket, value)| {
        s.one_answer(rule, *ticket, &format!("{:?}", Response::Value(*value)), |answer| *answer == Response::Value(*value))
    })
}

fn crowd(s: &mut Servers, servers: &[NodeId]) -> Result<Vec<(Ticket, Option<Value>)>, Broken> {
    (0..100).map(|i| Ok((s.ask_by(i % 7, servers[i % servers.len()], Request::Get(K1))?, V7))).collect()
}

/// Counted at the database: one.
fn stampede(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(3))?;
    puts(&mut s, N1, 1, V7)?;
    let tickets = crowd(&mut s, &SERVERS)?;
    let loads = passes(&mut s, LEASE / 2, |_| false)?;
    s.say("k1 was v7 and not in the cache, and a hundred clients asked n1, n2 and n3 for it");
    s.expect(ONE, loads == 1, || format!("the database was read {loads} times"))?;
    passes(&mut s, ANSWERED, |_| false)?;
    all_answered(&s, ANSWERS, &tickets)
}

/// The next one loads when the lease ends.
fn dies(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(3))?;
    puts(&mut s, N1, 1, V7)?;
    s.ask(N1, Request::Get(K1))?;
    // The question, Miss, and the read, which is lost with its server.
    let mut loads = passes(&mut s, millis(3), |envelope| matches!(envelope.message, Message::Row { .. }))?;
    s.crash(N1)?;
    let tickets = crowd(&mut s, &[N2, N3])?;
    loads += passes(&mut s, LEASE - millis(20), |_| false)?;
    s.say("k1 was v7 and not in the cache; n1 was given the lease and crashed; then a hundred clients asked n2 and n3 for it");
    s.expect(ONE, loads <= 1, || format!("before the lease had ended the database was read {loads} times"))?;
    loads += passes(&mut s, ANSWERED, |_| false)?;
    s.expect(ONE, loads <= 2, || format!("the database was read {loads} times"))?;
    all_answered(&s, ANSWERS, &tickets)
}

/// The most reads that one server had under way; all of the messages are read before they arrive.
fn most(s: &mut Servers, span: Duration) -> Result<(usize, usize), Broken> {
    let under_way: RefCell<BTreeMap<NodeId, usize>> = RefCell::default();
    let most = RefCell::new(0);
    let loads = passes(s, span, |envelope| {
        let mut under_way = under_way.borrow_mut();
        match envelope.message {
            Message::Read { .. } => {
                let of = under_way.entry(envelope.from).or_default();
                *of += 1;
                let so_far = *most.borrow();
                *most.borrow_mut() = so_far.max(*of);
            }
            Message::Row { .. } => *under_way.entry(envelope.to).or_default() -= 1,
            _ => {}
        }
        false
    })?;
    Ok((loads, most.into_inner()))
}

/// Twenty-four keys, of each server each one.
fn empty(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(3))?;
    puts(&mut s, N1, 1, V7)?;
    let ask = |s: &mut Servers| -> Result<Vec<(Ticket, Option<Value>)>, Broken> {
        let mut tickets = Vec::new();
        for key in 1..=24 {
            for server in SERVERS {
                tickets.push((s.ask(server, Request::Get(Key(key)))?, V7.filter(|_| key == 1)));
            }
        }
        Ok(tickets)
    };
    for when in ["for the first time", "after the cache had restarted empty"] {
        let tickets = ask(&mut s)?;
        let (loads, most) = most(&mut s, ANSWERED)?;
        s.say(format!("n1, n2 and n3 were each asked for 24 keys, {when}"));
        let room = config(3).loads;
        s.expect(FLOOD, most <= room, || format!("one of them had {most} reads under way at the database, but {room} are allowed"))?;
        all_answered(&s, ANSWERS, &tickets)?;
        s.expect(ONE, loads <= 24, || format!("the database was read {loads} times"))?;
        s.restart(cache(3))?;
    }
    Ok(())
}

fn without(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, configs(1));
    [N1, database(1)].into_iter().try_for_each(|place| s.start(place))?;
    let tickets: Vec<(Ticket, Option<Value>)> =
        (1..=40).map(|key| Ok((s.ask(N1, Request::Get(Key(key)))?, None))).collect::<Result<_, Broken>>()?;
    let (loads, most) = most(&mut s, ANSWERED)?;
    s.say("there was no cache, and n1 was asked for forty keys at once");
    let room = config(1).loads;
    s.expect(FLOOD, most <= room, || format!("it had {most} reads under way at the database, but {room} are allowed"))?;
    s.expect(ONE, loads <= 40, || format!("the database was read {loads} times"))?;
    all_answered(&s, ANSWERS, &tickets)
}

/// So many keys …
const KEYS: usize = 200;
/// … of which no more than so many may end within a fiftieth of ttl. Who draws evenly from a tenth of ttl or more has more of them there once in
/// 10¹¹ judgings or more seldom: in a fiftieth that begins with one of the 200 another one lies with 0.2 (0.21, if it is counted in whole milliseconds), so
/// it is 200 × P(Bin(199, 0.21) ≥ 90) = 4 × 10⁻¹², and with 0.2 it is 2 × 10⁻¹³.
const TOGETHER: usize = 90;

/// In which a server does what it does at once, ticks and all.
const STEP: Duration = millis(25);

/// One server, and the script says what cache and database say.
fn together(f: Factory<CacheAside>, p: &Probe) -> Check {
    let ttl = millis(100_000);
    let mut s = Script::new(f, p, vec![Config { ttl, negative_ttl: ttl / 20, loads: KEYS, ..config(1) }; 3]);
    s.start(N1)?;
    let mut ends: Vec<Duration> = Vec::new();
    for i in 1..=KEYS as u64 {
        s.ask(N1, Request::Get(Key(i)))?;
        s.wait(STEP)?;
        s.tell(cache(1), N1, Message::Miss { key: Key(i), lease: Lease(i) })?;
        s.wait(STEP)?;
        let read = s.world.take_sent_to(database(1)).into_iter().find_map(|envelope| match envelope.message {
            Message::Read { key, tag } if key == Key(i) => Some(tag),
            _ => None,
        });
        let Some(tag) = read else { continue };
        s.tell(database(1), N1, Message::Row { key: Key(i), tag, value: V7 })?;
        s.wait(STEP)?;
        ends.extend(s.world.take_sent_to(cache(1)).into_iter().find_map(|envelope| match envelope.message {
            Message::Set { ttl, .. } => Some(ttl),
            _ => None,
        }));
    }
    ends.sort_unstable();
    let within = |from: &Duration| ends.iter().filter(|end| **end >= *from && **end <= *from + ttl / 50).count();
    let (most, from) = ends.iter().map(|from| (within(from), *from)).max().unwrap_or_default();
    s.say(format!("n1 filled {KEYS} keys, one after the other, for a ttl of {} s at most", ttl.as_secs()));
    s.expect(FILLS, ends.len() == KEYS, || format!("only {} of them were put into the cache", ends.len()))?;
    s.expect(JITTER, most <= TOGETHER, || {
        let (from, to) = (from.as_millis(), (from + ttl / 50).as_millis());
        format!("{most} of them were cached for {from} to {to} ms, but no more than {TOGETHER} may expire within a fiftieth of ttl")
    })
}

/// What n1 has read from the database since: keys and tags.
fn reads_of(s: &mut Servers) -> Vec<(Key, u64)> {
    let read = |message| if let Message::Read { key, tag } = message { Some((key, tag)) } else { None };
    s.world.take_sent_to(database(1)).into_iter().filter_map(|envelope| read(envelope.message)).collect()
}

/// Time passes, in which the cache says Wait to whatever it is asked.
fn waits(s: &mut Servers, span: Duration) -> Check {
    let end = s.now() + span;
    while s.now() < end {
        s.wait(millis(5))?;
        for envelope in s.world.take_sent_to(cache(1)) {
            if let Message::Get(key) = envelope.message {
                s.tell(cache(1), N1, Message::Wait(key))?;
            }
        }
    }
    Ok(())
}

/// Room for one, and the read that has it takes 250 ms.
fn ends(f: Factory<CacheAside>, p: &Probe) -> Check {
    const K2: Key = Key(2);
    let mut s = Script::new(f, p, vec![Config { loads: 1, ..config(1) }; 3]);
    s.start(N1)?;
    let first = s.ask(N1, Request::Get(K1))?;
    s.tell(cache(1), N1, Message::Miss { key: K1, lease: Lease(1) })?;
    let second = s.ask(N1, Request::Get(K2))?;
    s.tell(cache(1), N1, Message::Miss { key: K2, lease: Lease(2) })?;
    waits(&mut s, LEASE + STEP * 2)?;
    let reads = reads_of(&mut s);
    s.say("n1 was asked for k1 and k2, was given l1 and l2 for them, and may read one key at a time");
    let slow = reads.last().copied();
    s.expect(FLOOD, reads.iter().all(|(key, _)| Some(*key) == slow.map(|(key, _)| key)), || "it read both".to_owned())?;
    s.expect(FILLS, slow.is_some(), || "it read none of them".to_owned())?;
    let (read, tag) = slow.unwrap_or((K1, 0));
    let (left, lease, tickets) = if read == K1 { (K2, 2, [first, second]) } else { (K1, 1, [second, first]) };
    s.tell(database(1), N1, Message::Row { key: read, tag, value: V7 })?;
    waits(&mut s, STEP)?;
    s.say(format!(
        "n1 was given l{lease} for {left:?} while it read {read:?}, whose row came 250 ms later; to everything else the cache answered Wait"
    ));
    let early = reads_of(&mut s);
    s.expect(ONE, early.is_empty(), || format!("then n1 read {left:?}, but l{lease} had ended, and another server may hold the next"))?;
    s.answered(ANSWERS, tickets[0], &[Response::Value(V7)])?;
    s.tell(cache(1), N1, Message::Miss { key: left, lease: Lease(3) })?;
    s.wait(STEP)?;
    let tag = reads_of(&mut s).first().map(|(_, tag)| *tag);
    s.say(format!("n1 was given l3 for {left:?}, after l{lease} had ended while it waited for room"));
    s.expect(FILLS, tag.is_some(), || format!("it has not read {left:?} from the database"))?;
    s.tell(database(1), N1, Message::Row { key: left, tag: tag.unwrap_or_default(), value: None })?;
    s.wait(STEP)?;
    s.answered(ANSWERS, tickets[1], &[Response::Value(None)])
}

/// A Miss that comes again is no leave to read again: not of the first of many keys, and not of the last.
fn twice(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![Config { loads: KEYS, ..config(1) }; 3]);
    s.start(N1)?;
    (1..=KEYS as u64).try_for_each(|i| s.ask(N1, Request::Get(Key(i))).map(drop))?;
    for span in [STEP, TAKES] {
        (1..=KEYS as u64).try_for_each(|i| s.tell(cache(1), N1, Message::Miss { key: Key(i), lease: Lease(i) }))?;
        s.wait(span)?;
    }
    let reads = reads_of(&mut s).len();
    s.say(format!(
        "n1 was asked for {KEYS} keys and given a lease for each, and {} ms later each Miss came a second time",
        STEP.as_millis()
    ));
    s.expect(FILLS, reads >= KEYS, || format!("it sent only {reads} reads to the database"))?;
    s.expect(ONE, reads == KEYS, || format!("it sent {reads} reads to the database, all of them within 50 ms"))
}

/// Where all numbers are beyond 255.
fn many(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(1))?;
    for i in 0..300_u64 {
        let (key, value) = (Key(i), Some(Value(i)));
        let put = s.ask(N1, Request::Put { id: i, key, value })?;
        until_answered(&mut s, put, |_| false)?;
        s.say(format!("n1 is at its write {i}"));
        s.one_answer(TRUTH, put, "Written", |answer| *answer == Response::Written)?;
        let get = s.ask(N1, Request::Get(key))?;
        until_answered(&mut s, get, |_| false)?;
        s.one_answer(ANSWERS, get, &format!("{:?}", Response::Value(value)), |answer| *answer == Response::Value(value))?;
    }
    Ok(())
}
