//! What the scripted tests of `quorum_register` share: a cluster in the script's hands, peers that it plays, and clients
//! whose history is checked.

use super::{ENDS, LINEAR};
use crate::check::{History, Register, RegisterOp, RegisterRet, Verdict, explain, linearizable};
use crate::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, REPLICA_TAKES, Request, Response, Timestamp, Value};
use crate::rule::{Broken, Check};
use crate::sim::{ClientId, Envelope, Factory, NodeId, Setup, Ticket, World};
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

pub(super) const N1: NodeId = NodeId::from_index(0);
pub(super) const N2: NodeId = NodeId::from_index(1);
pub(super) const N3: NodeId = NodeId::from_index(2);
pub(super) const N4: NodeId = NodeId::from_index(3);
pub(super) const N5: NodeId = NodeId::from_index(4);

pub(super) type Net = World<'static, QuorumRegister>;
pub(super) type Post = Envelope<QuorumRegister>;
pub(super) type Log = History<RegisterOp<u64>, RegisterRet<u64>>;

/// `n` nodes, of which the first `started` run and the others are whoever the script says.
pub(super) fn net(f: Factory<QuorumRegister>, probe: &Probe, n: usize, started: usize) -> Result<Net, Broken> {
    let mut world = World::by_hand(f, Setup::new(1, vec![(); n]), probe);
    for i in 0..started {
        world.boot(NodeId::from_index(i))?;
    }
    Ok(world)
}

/// The value that node `writer` (from 1) wrote under `number`.
pub(super) const fn held(number: u64, writer: usize, value: u64) -> Held {
    Held { at: Timestamp { number, writer: NodeId::from_index(writer - 1) }, value: Value(value) }
}

/// `5.n2 = 50`.
pub(super) fn text(held: Held) -> String {
    format!("{:?} = {}", held.at, held.value.0)
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

/// Lets `span` pass while the script plays the peers, who answer at once.
pub(super) fn play(w: &mut Net, span: Duration, peer: impl FnMut(&Post) -> Vec<Message>) -> Check {
    w.play(span, |_| Duration::ZERO, peer)
}

/// Tells n1 a message in n2's name, and gathers what it says to n2 in the time that a replica may take.
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
    let id = OpId(800_000 + w.steps());
    Ok(ask_replica(w, Message::Store(id, held))?.contains(&Message::Stored(id)))
}

/// n1 must hold `expected`, by its own answer.
pub(super) fn holds_now(w: &mut Net, rule: &'static str, expected: Held, story: &str) -> Check {
    let id = OpId(900_000 + w.steps());
    let said = ask_replica(w, Message::Query(id))?;
    let answer = said.iter().find_map(|m| if let Message::Answer(i, held) = m { (*i == id).then_some(*held) } else { None });
    let seen = match answer {
        Some(found) if found == expected => return Ok(()),
        Some(found) => format!("{story}: n1 should hold {}, and answered {}", text(expected), text(found)),
        None => {
            let seen = format!("{story}; then n2 sent n1 Query({id:?}), and n1 did not answer under that number within 20 ms");
            return Err(Broken::new(ENDS, seen).at([w.steps()]));
        }
    };
    Err(Broken::new(rule, seen).at([w.steps()]))
}

/// A broken rule: what came before, what was expected, and what the request was answered with.
pub(super) fn wrong(w: &Net, rule: &'static str, story: &str, ticket: Ticket, expected: &str) -> Broken {
    let got = match w.answer_to(ticket) {
        Some(Response::Read(value)) => format!("it was answered Read({})", value.0),
        Some(Response::Written) => "it was answered Written".to_owned(),
        None => "it was not answered".to_owned(),
    };
    let broken = Broken::new(rule, format!("{story}: {expected}, and {got}"));
    // What came after the answer has nothing to do with it.
    match w.answered_in(ticket, 0) {
        Some(step) => broken.at([step]).in_step(step),
        None => broken.at([w.steps()]).unanswered(),
    }
}

/// Clients of a scripted cluster, and what they saw.
#[derive(Default)]
pub(super) struct Desk {
    log: Log,
}

impl Desk {
    /// Client `client` (from 1) asks `at`, and waits for up to `patience` while letters that `lose` names are lost. Whether it
    /// was answered. One that was not may still happen: the history knows.
    pub fn does(
        &mut self,
        w: &mut Net,
        client: u32,
        at: NodeId,
        request: Request,
        patience: Duration,
        lose: impl Fn(&Post) -> bool,
    ) -> Result<Option<Response>, Broken> {
        let op = match &request {
            Request::Write(value) => RegisterOp::Write(value.0),
            Request::Read => RegisterOp::Read,
        };
        // Operations of a script follow each other; a moment between them lets their order be seen.
        w.let_run(millis(1), &lose)?;
        let id = self.log.invoke(client - 1, op, w.now());
        let ticket = w.request_of(ClientId::from_index(client as usize - 1), at, request)?;
        let end = w.now() + patience;
        while w.now() < end && w.answer_to(ticket).is_none() {
            w.let_run(millis(1), &lose)?;
        }
        let answer = w.answer_to(ticket).cloned();
        match &answer {
            Some(Response::Written) => self.log.ok(id, RegisterRet::Written, w.now()),
            Some(Response::Read(value)) => self.log.ok(id, RegisterRet::Value(value.0), w.now()),
            None => {}
        }
        Ok(answer)
    }

    /// Whether what the clients saw is linearizable.
    pub fn check(&self, w: &Net, story: &str) -> Check {
        match violation(&self.log) {
            Some(seen) => Err(Broken::new(LINEAR, format!("{story}: {seen}")).at([w.steps()])),
            None => Ok(()),
        }
    }
}

/// Why a history is not linearizable, if it is not, in a sentence.
pub(super) fn violation(log: &Log) -> Option<String> {
    match linearizable::check(&Register { initial: 0 }, log, linearizable::DEFAULT_STEPS) {
        Verdict::Violated(evidence) => Some(explain::sentence(log, &0, &evidence)),
        Verdict::Holds | Verdict::Unknown(_) => None,
    }
}
