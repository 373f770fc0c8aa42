//! What the scripted tests of `quorum_write` share: a cluster in the script's hands, and peers that it plays.

use super::{ENOUGH, GENUINE};
use crate::exercises::quorum_write::{
    ClientId, Config, GRACE, Held, Message, QuorumWrite, REPLICA_TAKES, ReadId, Request, Response, Value, Version,
};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Letter, NodeId, Setup, Ticket, World};
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

pub(super) const N1: NodeId = NodeId::from_index(0);
pub(super) const N2: NodeId = NodeId::from_index(1);
pub(super) const N3: NodeId = NodeId::from_index(2);
pub(super) const N4: NodeId = NodeId::from_index(3);
pub(super) const N5: NodeId = NodeId::from_index(4);

pub(super) const DEADLINE: Duration = millis(200);

pub(super) type Net = World<'static, QuorumWrite>;

/// How large the cluster is, and its quorums.
#[derive(Clone, Copy)]
pub(super) struct Nwr(pub usize, pub usize, pub usize);

/// A cluster of which the first `started` nodes run; the others are whoever the script says.
pub(super) fn net(f: Factory<QuorumWrite>, probe: &Probe, Nwr(n, w, r): Nwr, started: usize) -> Result<Net, Broken> {
    let config = Config { w, r, deadline: DEADLINE };
    let mut world = World::by_hand(f, Setup::new(1, vec![config; n]), probe);
    for i in 0..started {
        world.boot(NodeId::from_index(i))?;
    }
    Ok(world)
}

/// The write number.c<client> of a value.
pub(super) const fn held(number: u64, client: usize, value: u64) -> Held {
    Held { version: Version { number, writer: ClientId::from_index(client - 1) }, value: Value(value) }
}

/// Lets `span` pass. What n1 sends to itself arrives; what it sends to others goes to `peer`, which says what comes back.
pub(super) fn play(w: &mut Net, span: Duration, peer: impl FnMut(&Letter<QuorumWrite>) -> Vec<Message>) -> Check {
    play_late(w, span, |_| 0, peer)
}

/// As [`play`]; what comes back from a peer takes it so many milliseconds.
pub(super) fn play_late(
    w: &mut Net,
    span: Duration,
    lag_ms: impl Fn(NodeId) -> u64,
    peer: impl FnMut(&Letter<QuorumWrite>) -> Vec<Message>,
) -> Check {
    w.play(span, |n| millis(lag_ms(n)), peer)
}

/// A peer that acknowledges every Store and has nothing to show.
pub(super) fn willing(letter: &Letter<QuorumWrite>) -> Vec<Message> {
    match &letter.message {
        Message::Store(held) => vec![Message::Stored(held.version)],
        Message::Fetch(id) => vec![Message::Fetched(*id, None)],
        _ => Vec::new(),
    }
}

/// A peer that holds `held`, and whose Stores are lost.
pub(super) fn holds(letter: &Letter<QuorumWrite>, held: Option<Held>) -> Vec<Message> {
    match &letter.message {
        Message::Fetch(id) => vec![Message::Fetched(*id, held)],
        _ => Vec::new(),
    }
}

/// A peer to whom nothing gets through.
pub(super) fn silent(_: &Letter<QuorumWrite>) -> Vec<Message> {
    Vec::new()
}

/// Until a request that was just made must have been answered.
pub(super) fn until_answered() -> Duration {
    DEADLINE + GRACE + millis(2)
}

pub(super) fn write(w: &mut Net, at: NodeId, held: Held) -> Result<Ticket, Broken> {
    w.request(at, Request::Write(held))
}

/// Tells n1 a message in n2's name, and gathers what it answers to n2 in the time that a replica may take.
pub(super) fn ask_replica(w: &mut Net, message: Message) -> Result<Vec<Message>, Broken> {
    w.tell(N2, N1, message)?;
    let mut said = Vec::new();
    play(w, REPLICA_TAKES + millis(2), |letter| {
        if letter.to == N2 {
            said.push(letter.message.clone());
        }
        Vec::new()
    })?;
    Ok(said)
}

/// Has n1 store something for n2, and says whether it acknowledged.
pub(super) fn store(w: &mut Net, held: Held) -> Result<bool, Broken> {
    let said = ask_replica(w, Message::Store(held))?;
    Ok(said.iter().any(|m| matches!(m, Message::Stored(v) if *v >= held.version)))
}

/// What n1 holds, by its own answer.
pub(super) fn fetch(w: &mut Net, story: &str) -> Result<Option<Held>, Broken> {
    let id = ReadId(900_000 + w.steps());
    let said = ask_replica(w, Message::Fetch(id))?;
    let answer = said.iter().find_map(|m| if let Message::Fetched(i, held) = m { (*i == id).then_some(*held) } else { None });
    answer.ok_or_else(|| {
        let seen = format!("{story}; then n2 sent n1 Fetch({id:?}), and n1 did not answer Fetched under that number within 20 ms");
        Broken::new(ENOUGH, seen).at([w.steps()])
    })
}

/// n1 must hold `expected`.
pub(super) fn holds_now(w: &mut Net, rule: &'static str, expected: Option<Held>, story: &str) -> Check {
    let found = fetch(w, story)?;
    if found == expected {
        return Ok(());
    }
    // The right version with another value is nobody's write.
    let mixed = found.is_some_and(|f| expected.is_some_and(|e| e.version == f.version));
    let rule = if mixed { GENUINE } else { rule };
    Err(Broken::new(rule, format!("{story}: n1 should hold {}, and answered {}", text(expected), text(found))).at([w.steps()]))
}

/// `2.c1 = 20`, or `nothing`.
pub(super) fn text(held: Option<Held>) -> String {
    held.map_or_else(|| "nothing".to_owned(), |h| format!("{:?} = {}", h.version, h.value.0))
}

/// A broken rule: what came before, what was expected, and what the request was answered with.
pub(super) fn wrong(w: &Net, rule: &'static str, story: &str, ticket: Ticket, expected: &str) -> Broken {
    let got = match w.answer_to(ticket) {
        Some(Response::Read(held)) => format!("was answered Read({})", text(*held)),
        Some(response) => format!("was answered {response:?}"),
        None => format!("was not answered within {} ms", DEADLINE.as_millis() + GRACE.as_millis()),
    };
    let broken = Broken::new(rule, format!("{story}: {expected}, and it {got}"));
    // What came after the answer has nothing to do with it.
    match w.answered_in(ticket, 0) {
        Some(step) => broken.at([step]).in_step(step),
        None => broken.at([w.steps()]).unanswered(),
    }
}

/// A story with its numbers first.
pub(super) fn story(Nwr(n, w, r): Nwr, what: &str) -> String {
    format!("N = {n}, W = {w}, R = {r}; {what}")
}
