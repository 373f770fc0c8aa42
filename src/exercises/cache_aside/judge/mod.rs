//! The hidden tests of `cache_aside`: what one server may do is in `spec`, what shows at the cache in `swarm`, the crowds in `crowd`; here are examples,
//! and the race of five events. The cache and the database are services of ours.

mod crowd;
mod rules;
mod services;
mod spec;
mod swarm;

use super::{ANSWERS as ANSWERED, CacheAside, Config, Key, Message, Request, Response, Value};
use crate::exercises::kit::{N1, N2, Script};
use crate::rule::{Broken, Check};
use crate::sim::{Envelope, Factory, Node, NodeId, Role, Service, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use rules::{ANSWERS, DOWN, FILLS, INVALIDATES, NEGATIVE, RULES, STALE_SET, TRUTH, TTL};
use services::{Cache, Database};
use std::cell::{Cell, RefCell};
use std::time::Duration;

static SERVICES: [Service<CacheAside>; 2] = [Service::of::<Cache>(Role::Cache), Service::of::<Database>(Role::Database)];

/// Behind so many servers.
fn cache(servers: usize) -> NodeId {
    NodeId::service(Role::Cache, servers)
}

fn database(servers: usize) -> NodeId {
    NodeId::service(Role::Database, servers + 1)
}

fn config(servers: usize) -> Config {
    Config { cache: cache(servers), database: database(servers), ttl: millis(10_000), negative_ttl: millis(500), loads: 8 }
}

/// One for each server, and those of the services.
fn configs(servers: usize) -> Vec<Config> {
    vec![config(servers); servers + 2]
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<CacheAside>>() -> Suite {
    suite(Factory::of::<N>().with(&SERVICES))
}

fn suite(f: Factory<CacheAside>) -> Suite {
    let mut suite = Suite::new("cache_aside", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    suite.vector(FILLS, "a read that misses, and one that does not", move |p| {
        let mut s = Script::up(f, p, configs(1))?;
        puts(&mut s, N1, 1, V7)?;
        reads(&mut s, TRUTH, N1, V7)?;
        let loads = reads(&mut s, TRUTH, N1, V7)?;
        s.expect(FILLS, loads == 0, || "the second time n1 read k1 from the database again".to_owned())
    });
    suite.vector(INVALIDATES, "a write at one server, and a read at another", move |p| {
        let mut s = Script::up(f, p, configs(2))?;
        puts(&mut s, N1, 1, V7)?;
        reads(&mut s, TRUTH, N2, V7)?;
        puts(&mut s, N1, 2, V8)?;
        reads(&mut s, INVALIDATES, N2, V8).map(drop)
    });
    suite.vector(NEGATIVE, "a row that is not there", move |p| {
        let mut s = Script::up(f, p, configs(1))?;
        reads(&mut s, TRUTH, N1, None)?;
        let loads = reads(&mut s, TRUTH, N1, None)?;
        s.expect(NEGATIVE, loads == 0, || "the second time n1 asked the database again".to_owned())?;
        s.run(config(1).negative_ttl)?;
        let loads = reads(&mut s, TRUTH, N1, None)?;
        s.expect(NEGATIVE, loads == 1, || {
            format!("{} ms later, which is negative_ttl, the cache still had it", config(1).negative_ttl.as_millis())
        })
    });
    suite.vector(DOWN, "reads and a write without the cache", move |p| {
        let mut s = Script::new(f, p, configs(1));
        [N1, database(1)].into_iter().try_for_each(|place| s.start(place))?;
        let ticket = s.ask(N1, Request::Put { id: 1, key: K1, value: V7 })?;
        s.run(ANSWERED)?;
        s.one_answer(TRUTH, ticket, "Stale", |answer| *answer == Response::Stale)?;
        (0..2).try_for_each(|_| reads(&mut s, DOWN, N1, V7).map(drop))
    });
    suite.vector(TRUTH, "a write and a read without the database", move |p| {
        let mut s = Script::new(f, p, configs(1));
        [N1, cache(1)].into_iter().try_for_each(|place| s.start(place))?;
        let put = s.ask(N1, Request::Put { id: 1, key: K1, value: V7 })?;
        let get = s.ask(N1, Request::Get(K1))?;
        s.run(ANSWERED)?;
        s.one_answer(TRUTH, put, "Unknown", |answer| *answer == Response::Unknown)?;
        s.one_answer(ANSWERS, get, "Failed", |answer| *answer == Response::Failed)
    });
    suite.scenario(STALE_SET, "a reader that holds the old row, while a writer writes and deletes", move |p| race(f, p));
    suite.scenario(INVALIDATES, "a reader between the delete and the write", move |p| between(f, p));
    suite.scenario(TTL, "an invalidation that is lost", move |p| lost(f, p));
    crowd::add(&mut suite, f);
    suite
}

type Servers = Script<'static, CacheAside>;

const K1: Key = Key(1);
const V7: Option<Value> = Some(Value(7));
const V8: Option<Value> = Some(Value(8));

/// Fair weather for so long, in which some is lost. How many reads came to the database.
fn passes(s: &mut Servers, span: Duration, lose: impl Fn(&Envelope<CacheAside>) -> bool) -> Result<usize, Broken> {
    let loads = Cell::new(0);
    s.run_losing(span, |envelope| {
        let is_lost = lose(envelope);
        loads.set(loads.get() + usize::from(!is_lost && matches!(envelope.message, Message::Read { .. })));
        is_lost
    })?;
    Ok(loads.get())
}

/// The same until a request is answered.
fn until_answered(s: &mut Servers, ticket: Ticket, lose: impl Fn(&Envelope<CacheAside>) -> bool) -> Result<usize, Broken> {
    let end = s.now() + ANSWERED;
    let mut loads = 0;
    while s.answer_to(ticket).is_none() && s.now() < end {
        loads += passes(s, millis(1), &lose)?;
    }
    Ok(loads)
}

/// A read of k1 that must give that. How many reads came to the database.
fn reads(s: &mut Servers, rule: &'static str, server: NodeId, value: Option<Value>) -> Result<usize, Broken> {
    let ticket = s.ask(server, Request::Get(K1))?;
    let loads = until_answered(s, ticket, |_| false)?;
    // What follows the answer is done as well.
    let more = passes(s, millis(5), |_| false)?;
    s.one_answer(rule, ticket, &format!("{:?}", Response::Value(value)), |answer| *answer == Response::Value(value))?;
    Ok(loads + more)
}

/// A write of k1 in fair weather.
fn puts(s: &mut Servers, server: NodeId, id: u64, value: Option<Value>) -> Check {
    let ticket = s.ask(server, Request::Put { id, key: K1, value })?;
    until_answered(s, ticket, |_| false)?;
    s.one_answer(TRUTH, ticket, "Written", |answer| *answer == Response::Written)
}

/// Miss, Read, and the old row is under way; the write, the delete; the row comes. What does the next one read?
fn race(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(2))?;
    puts(&mut s, N1, 1, V7)?;
    let slow = RefCell::new(None);
    let first = s.ask(N1, Request::Get(K1))?;
    passes(&mut s, millis(45), |envelope| {
        let is_row = matches!(envelope.message, Message::Row { .. });
        is_row.then(|| slow.borrow_mut().get_or_insert_with(|| envelope.clone()).id).is_some()
    })?;
    puts(&mut s, N2, 2, V8)?;
    if let Some(row) = slow.into_inner() {
        s.world.deliver(&row)?;
    }
    passes(&mut s, millis(10), |_| false)?;
    s.say("k1 was v7; n1 missed, and the row with v7 was on its way to n1 when n2 wrote v8 and got it confirmed; then the row came to n1");
    s.answered(TRUTH, first, &[Response::Value(V7), Response::Value(V8)])?;
    reads(&mut s, STALE_SET, N2, V8).map(drop)
}

/// A reader comes at every moment of a write; once the write is sent for the first time in vain.
fn between(f: Factory<CacheAside>, p: &Probe) -> Check {
    for (after, slow) in (0..8).map(|after| (after, 0)).chain([(25, 30)]) {
        let mut s = Script::up(f, p, configs(2))?;
        puts(&mut s, N1, 1, V7)?;
        reads(&mut s, TRUTH, N2, V7)?;
        let comes = s.now() + millis(slow);
        let put = s.ask(N1, Request::Put { id: 2, key: K1, value: V8 })?;
        passes(&mut s, millis(after), |envelope| matches!(envelope.message, Message::Write { .. }) && slow > 0)?;
        let get = s.ask(N2, Request::Get(K1))?;
        let left = comes.since(s.now());
        passes(&mut s, left, |envelope| matches!(envelope.message, Message::Write { .. }))?;
        until_answered(&mut s, put, |_| false)?;
        until_answered(&mut s, get, |_| false)?;
        passes(&mut s, millis(10), |_| false)?;
        s.say(format!(
            "k1 was v7, in the cache as well; n1 was asked to write v8, {after} ms later n2 was asked for k1, and both were answered"
        ));
        s.answered(TRUTH, put, &[Response::Written])?;
        reads(&mut s, INVALIDATES, N2, V8)?;
    }
    Ok(())
}

/// No delete reaches the cache: the old value is there until its time is over, and no longer. The lesson.
fn lost(f: Factory<CacheAside>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs(2))?;
    puts(&mut s, N1, 1, V7)?;
    reads(&mut s, TRUTH, N2, V7)?;
    let is_delete = |envelope: &Envelope<CacheAside>| matches!(envelope.message, Message::Delete { .. });
    let put = s.ask(N1, Request::Put { id: 2, key: K1, value: V8 })?;
    until_answered(&mut s, put, is_delete)?;
    s.one_answer(TRUTH, put, "Stale", |answer| *answer == Response::Stale)?;
    let (since, ttl) = (s.now(), config(2).ttl);
    let mut seen = 0;
    while s.now() < since + ttl {
        let get = s.ask(N2, Request::Get(K1))?;
        until_answered(&mut s, get, is_delete)?;
        s.answered(TRUTH, get, &[Response::Value(V7), Response::Value(V8)])?;
        seen += u64::from(s.answer_to(get) == Some(&Response::Value(V7)));
        passes(&mut s, ttl / 20, is_delete)?;
    }
    s.say(format!("n1 wrote v8, no delete reached the cache, which had v7, and {} ms passed, which is ttl", ttl.as_millis()));
    reads(&mut s, TTL, N2, V8)?;
    p.remark(format!(
        "A lost invalidation. n1 wrote v8, which the database confirmed, but no delete reached the cache: the client got Stale. Of 20 \
         reads in the {} s after that {seen} still saw v7. The time to live ended it, and nothing else could: that is what ttl is for, and how to choose it.",
        ttl.as_secs()
    ));
    Ok(())
}
