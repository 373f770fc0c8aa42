//! What the scripted tests of `quorum_register` share: peers that the script plays, and clients whose history is checked.

use super::swarm::not_linearizable;
use super::{ENDS, ONCE};
use crate::check::{Register, RegisterOp, RegisterRet, Verdict, linearizable};
use crate::exercises::kit::{self, N1, N2, Script};
use crate::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, REPLICA_TAKES, Request, Response, Timestamp, Value};
use crate::rule::{Broken, Check};
use crate::sim::{Envelope, Factory, NodeId, Ticket};
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

pub(super) type Net = Script<'static, QuorumRegister>;
pub(super) type Post = Envelope<QuorumRegister>;
pub(super) type Log = kit::Log<RegisterOp<u64>, RegisterRet<u64>>;

/// As the checkers want a request.
pub(super) fn op(request: &Request) -> RegisterOp<u64> {
    if let Request::Write(value) = request { RegisterOp::Write(value.0) } else { RegisterOp::Read }
}

/// As the checkers want an answer.
pub(super) fn ret(response: &Response) -> RegisterRet<u64> {
    if let Response::Read(value) = response { RegisterRet::Value(value.0) } else { RegisterRet::Written }
}

/// `n` nodes, of which the first `started` run and the others are whoever the script says.
pub(super) fn net(f: Factory<QuorumRegister>, probe: &Probe, n: usize, started: usize) -> Result<Net, Broken> {
    let mut script = Script::new(f, probe, vec![(); n]);
    (0..started).try_for_each(|i| script.start(NodeId::from_index(i)))?;
    Ok(script)
}

/// The value that node `writer` (from 1) wrote under `number`.
pub(super) const fn held(number: u64, writer: usize, value: u64) -> Held {
    Held { at: Timestamp { number, writer: NodeId::from_index(writer - 1) }, value: Value(value) }
}

/// A peer that shows `shows` and acknowledges every Store.
pub(super) fn willing(letter: &Post, shows: Held) -> Vec<Message> {
    match letter.message {
        Message::Query(id) => vec![Message::Answer(id, shows)],
        Message::Store(id, _) => vec![Message::Stored(id)],
        _ => Vec::new(),
    }
}

/// A peer that shows `shows`, and to whom no Store gets through.
pub(super) fn shows(letter: &Post, shows: Held) -> Vec<Message> {
    match letter.message {
        Message::Query(id) => vec![Message::Answer(id, shows)],
        _ => Vec::new(),
    }
}

/// What n1 says to n2 in the time that a replica may take.
fn said(s: &mut Net) -> Result<Vec<Message>, Broken> {
    let mut said = Vec::new();
    s.play(REPLICA_TAKES + millis(2), |letter| {
        said.extend((letter.to == N2).then(|| letter.message.clone()));
        Vec::new()
    })?;
    Ok(said)
}

/// Has n1 store something for n2, which it must acknowledge.
pub(super) fn store(s: &mut Net, held: Held) -> Check {
    let id = OpId(800_000 + s.steps());
    s.tell(N2, N1, Message::Store(id, held))?;
    let acknowledged = said(s)?.contains(&Message::Stored(id));
    s.expect(ENDS, acknowledged, || {
        format!("n1 did not answer Stored({id:?}) within 20 ms, though it holds that or something newer: a coordinator that needs this answer waits for ever")
    })
}

/// n1 must hold `expected`, by its own answer.
pub(super) fn holds_now(s: &mut Net, rule: &'static str, expected: Held) -> Check {
    let id = OpId(900_000 + s.steps());
    s.world.tell(N2, N1, Message::Query(id))?;
    let said = said(s)?;
    match said.iter().find_map(|m| if let Message::Answer(i, held) = m { (*i == id).then_some(*held) } else { None }) {
        Some(found) => s.expect(rule, found == expected, || format!("n1 must then hold {expected:?}, but answered {found:?}")),
        None => Err(s.broken(ENDS, &format!("n2 sent n1 Query({id:?}), but n1 did not answer under that number within 20 ms"))),
    }
}

/// A request that must have been answered, once and with an answer of its own kind.
pub(super) fn ended(s: &Net, ticket: Ticket, request: &Request) -> Check {
    let writes = *request != Request::Read;
    if s.answer_to(ticket).is_none() {
        return s.one_answer(ENDS, ticket, "", |_| true);
    }
    s.one_answer(ONCE, ticket, if writes { "Written" } else { "Read" }, |r| (*r == Response::Written) == writes)
}

/// Clients of a scripted cluster, and what they saw.
#[derive(Default)]
pub(super) struct Desk {
    log: Log,
}

impl Desk {
    /// Client `client` (from 1) asks `at`, and waits for up to `patience` while letters that `lose` names are lost. One that was not
    /// answered may still happen: the history knows.
    pub fn does(
        &mut self,
        s: &mut Net,
        client: usize,
        at: NodeId,
        request: Request,
        patience: Duration,
        lose: impl Fn(&Post) -> bool,
    ) -> Result<Ticket, Broken> {
        // Operations of a script follow each other; a moment between them lets their order be seen.
        s.run_losing(millis(1), &lose)?;
        let ticket = s.ask_by(client - 1, at, request.clone())?;
        self.log.asks(ticket, op(&request), s.now(), s.steps());
        s.run_until_answered(ticket, patience, &lose)?;
        if let Some(answer) = s.answer_to(ticket) {
            self.log.returns(ticket, ret(answer), s.now(), s.steps());
        }
        Ok(ticket)
    }

    /// Whether what the clients saw is linearizable.
    pub fn check(&self, s: &Net, story: &str) -> Check {
        match linearizable::check(&Register { initial: 0 }, &self.log.history, linearizable::DEFAULT_STEPS) {
            Verdict::Violated(evidence) => {
                let broken = not_linearizable(&self.log, &evidence);
                Err(Broken { seen: format!("{story}: {}", broken.seen), ..broken }.at([s.steps()]))
            }
            Verdict::Holds | Verdict::Unknown(_) => Ok(()),
        }
    }
}
