//! What the scripted tests of `quorum_write` share: a cluster in the script's hands, and peers that it plays.

use crate::exercises::quorum_write::{ClientId, Config, GRACE, Held, Message, QuorumWrite, Request, Response, Value, Version};
use crate::rule::{Broken, Check};
use crate::sim::{Envelope, Factory, NodeId, Setup, Ticket, World};
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

pub(super) const N1: NodeId = NodeId::from_index(0);
pub(super) const N2: NodeId = NodeId::from_index(1);
pub(super) const N3: NodeId = NodeId::from_index(2);

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
pub(super) fn play(w: &mut Net, span: Duration, peer: impl FnMut(&Envelope<QuorumWrite>) -> Vec<Message>) -> Check {
    w.play(span, |_| Duration::ZERO, peer)
}

/// A peer that acknowledges every Store and has nothing to show.
pub(super) fn willing(letter: &Envelope<QuorumWrite>) -> Vec<Message> {
    match &letter.message {
        Message::Store(held) => vec![Message::Stored(held.version)],
        Message::Fetch(id) => vec![Message::Fetched(*id, None)],
        _ => Vec::new(),
    }
}

/// A peer to whom nothing gets through.
pub(super) fn silent(_: &Envelope<QuorumWrite>) -> Vec<Message> {
    Vec::new()
}

/// Until a request that was just made must have been answered.
pub(super) fn until_answered() -> Duration {
    DEADLINE + GRACE + millis(2)
}

pub(super) fn write(w: &mut Net, at: NodeId, held: Held) -> Result<Ticket, Broken> {
    w.request(at, Request::Write(held))
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
