//! The hidden tests of `read_your_writes`: what one node may do is in `spec`, what the clients saw in `swarm`; here are examples and traps.

mod known;
mod primary;
mod replica;
mod rules;
mod spec;
mod swarm;

use super::{ANSWERS, ASKS, Config, Key, Message, Position, ReadYourWrites, Request, Response, TAKES, Value, WAITS, Write};
use crate::exercises::kit::{N1, N2, N3, Script, crash_sweep, rows};
use crate::rule::Broken;
use crate::sim::{Factory, Node, NodeId, Ticket};
use crate::suite::Suite;
use crate::trace::Probe;
use rules::{BEHIND, BOUNDED, CAUGHT_UP, LAG, MONOTONIC, NEWEST, ORDER, RULES, SAVED, TOKEN, YOURS};

type Cluster = Script<'static, ReadYourWrites>;

const K1: Key = Key(1);
const K2: Key = Key(2);

/// n1 is the primary.
fn config() -> Config {
    Config { primary: N1 }
}

fn wrote(key: Key, value: u64) -> Write {
    Write { key, value: Value(value) }
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<ReadYourWrites>>() -> Suite {
    suite(Factory::of::<N>())
}

/// What a replica with `k1 = v1, k2 = v2` on its disk is sent, and what it must then have.
type Sent = (&'static [(u64, &'static [Write])], &'static [Write]);

const A: Write = Write { key: K1, value: Value(1) };
const B: Write = Write { key: K2, value: Value(2) };
const C: Write = Write { key: K1, value: Value(3) };
const D: Write = Write { key: K1, value: Value(4) };
const APPENDS: [(&str, Sent); 5] = [
    ("writes that follow the log", (&[(2, &[C]), (3, &[D])], &[A, B, C, D])),
    ("an Append that is half known", (&[(1, &[B, C])], &[A, B, C])),
    ("an Append that comes twice", (&[(2, &[C]), (2, &[C])], &[A, B, C])),
    ("an old Append that comes late", (&[(2, &[C, D]), (2, &[C])], &[A, B, C, D])),
    ("an Append beyond a gap, and then what was missing", (&[(3, &[D]), (2, &[C, D])], &[A, B, C, D])),
];

fn suite(f: Factory<ReadYourWrites>) -> Suite {
    let mut suite = Suite::new("read_your_writes", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    suite.vector(YOURS, "a client reads its own write where it has not come yet", move |p| {
        let mut s = up(f, p)?;
        s.cut(&[N3]);
        let token = writes(&mut s, wrote(K1, 7))?;
        let read = s.call(N3, Request::Read { key: K1, token })?;
        s.answered(YOURS, read, &[Response::Behind])?;
        // The primary is out of reach, and the client hears that.
        s.one_answer(BOUNDED, read, "Value or Behind", |_| true)
    });
    suite.vector(MONOTONIC, "a client reads at one replica, and then at one that lags more", move |p| {
        let mut s = up(f, p)?;
        s.cut(&[N3]);
        writes(&mut s, wrote(K1, 7))?;
        s.run(ASKS * 2)?;
        let ticket = read_by(&mut s, 1, N2, K1, Position(0))?;
        let Some(Response::Value { token, .. }) = s.answer_to(ticket).cloned() else { return Ok(()) };
        s.answered(LAG, ticket, &[Response::Value { value: Some(Value(7)), token }])?;
        let later = read_by(&mut s, 1, N3, K1, token)?;
        s.answered(MONOTONIC, later, &[Response::Behind])
    });
    suite.vector(CAUGHT_UP, "the primary is down, and a replica has what is asked for", move |p| {
        let mut s = up(f, p)?;
        let token = writes(&mut s, wrote(K1, 7))?;
        s.run(ASKS * 2)?;
        s.crash(N1)?;
        let read = s.call(N2, Request::Read { key: K1, token })?;
        s.one_answer(CAUGHT_UP, read, "v7", |answer| matches!(answer, Response::Value { value: Some(Value(7)), .. }))
    });
    suite.vector(BEHIND, "what a read lacks comes while it waits", move |p| {
        let mut s = replica(f, p, &[A, B])?;
        let read = s.ask(N2, Request::Read { key: K1, token: Position(3) })?;
        s.wait(WAITS / 2)?;
        s.answered(YOURS, read, &[])?;
        s.tell(N1, N2, append(2, &[C]))?;
        s.wait(TAKES)?;
        let expected = Response::Value { value: Some(Value(3)), token: Position(3) };
        s.one_answer(CAUGHT_UP, read, "v3", |answer| *answer == expected)
    });
    rows(&mut suite, ORDER, APPENDS, move |p, (sent, expected)| {
        let mut s = replica(f, p, &[A, B])?;
        sent.iter().try_for_each(|(after, writes)| s.tell(N1, N2, append(*after, writes)))?;
        s.wait(TAKES)?;
        let log = s.saved(N2).map(|saved| saved.log.clone()).unwrap_or_default();
        s.expect(ORDER, log == *expected, || format!("n2 must then have {expected:?} on its disk, but has {log:?}"))
    });
    suite.scenario(SAVED, "a crash between any two effects of a write", move |p| {
        for swept in crash_sweep(N1, || up(f, p), |s| s.ask(N1, Request::Write(wrote(K1, 7)))) {
            let (mut s, ticket) = swept?;
            if let Some(Response::Written(token)) = s.answer_to(ticket).cloned() {
                let read = s.call(N1, Request::Read { key: K1, token })?;
                s.one_answer(SAVED, read, "v7", |answer| matches!(answer, Response::Value { value: Some(Value(7)), .. }))?;
            }
        }
        Ok(())
    });
    suite
}

/// Three nodes, all up; a read may wait as long as README says.
fn up(f: Factory<ReadYourWrites>, p: &Probe) -> Result<Cluster, Broken> {
    Ok(Script::up(f, p, vec![config(); 3])?.patient(ANSWERS + TAKES))
}

/// n2 is up, with this on its disk, and the script speaks for the primary.
fn replica(f: Factory<ReadYourWrites>, p: &Probe, log: &[Write]) -> Result<Cluster, Broken> {
    let mut s = Script::new(f, p, vec![config(); 2]);
    s.world.on_disk(N2, super::Saved { log: log.to_vec() });
    s.start(N2)?;
    Ok(s)
}

fn append(after: u64, writes: &[Write]) -> Message {
    Message::Append { after: Position(after), writes: writes.to_vec() }
}

/// The primary takes a write: the token of its answer.
fn writes(s: &mut Cluster, write: Write) -> Result<Position, Broken> {
    let ticket = s.call(N1, Request::Write(write))?;
    s.one_answer(BOUNDED, ticket, "Written", |answer| matches!(answer, Response::Written(_)))?;
    Ok(if let Some(Response::Written(token)) = s.answer_to(ticket) { *token } else { Position(0) })
}

/// Another client reads, and waits for the answer.
fn read_by(s: &mut Cluster, client: usize, node: NodeId, key: Key, token: Position) -> Result<Ticket, Broken> {
    let ticket = s.ask_by(client, node, Request::Read { key, token })?;
    if s.answer_to(ticket).is_none() {
        s.wait(ANSWERS + TAKES)?;
    }
    Ok(ticket)
}
