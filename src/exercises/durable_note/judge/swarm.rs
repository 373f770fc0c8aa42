//! The random runs of `durable_note`: clients that write and read, requests and answers that are lost, crashes anywhere.

use super::spec::Note;
use super::{ONCE, READS, REMEMBERS, SAVED};
use crate::exercises::durable_note::{DurableNote, Request, Response};
use crate::exercises::kit::{Game, Play};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(600);
/// An answer may take a second.
const END: Time = Time::from_millis(2_600);
const SERVER: NodeId = NodeId::from_index(0);

pub(super) fn swarm(factory: Factory<DurableNote>) -> Swarm {
    Swarm {
        rules: &[READS, ONCE, REMEMBERS, SAVED],
        // Whether a note is read after a crash hangs on how long the answers take: the storms see to that.
        must_meet: &["crashes between two effects", "restarts", "pauses", "requests lost", "answers lost", "acknowledged writes", "reads"],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<DurableNote>, seed: u64, probe: &Probe) -> Run {
    // There are no links to cut: the only ones are those to the clients.
    let allowed = Allowed { partitions: false, slow: false, ..Allowed::everything(millis(100)) };
    let setup = Setup { plan: Plan::draw(seed, 1, &allowed, QUIET_AT), end: END, ..Setup::new(seed, vec![()]) };
    trial(
        factory,
        &setup,
        probe,
        || Play::new(Notes::new()),
        |play, run| {
            let watch = &play.game;
            run.coverage.add("requests lost", watch.asked - watch.note().met.taken);
            run.coverage.add("answers lost", watch.note().met.replies - watch.heard);
            run.coverage.add("acknowledged writes", watch.note().met.acked);
            run.coverage.add("reads", watch.note().met.reads);
            run.coverage.add("acknowledged notes read after a crash", watch.note().met.survived);
        },
    )
}

struct Notes {
    ghosts: Ghosts<DurableNote, Note>,
    next_note: u64,
    asked: u64,
    heard: u64,
}

impl Notes {
    fn new() -> Self {
        // Where a server pauses, an answer may be late.
        Notes { ghosts: Ghosts::new([Note::new(0)]).patient(), next_note: 1, asked: 0, heard: 0 }
    }

    fn note(&self) -> &Note {
        self.ghosts.seen(SERVER)
    }
}

impl Game<DurableNote> for Notes {
    const CLIENTS: usize = 2;

    /// In the quiet phase a write, then a read.
    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let reads = match duty {
            Some(2..) => return None,
            Some(nth) => nth == 1,
            None => rng.chance(500_000),
        };
        self.next_note += u64::from(!reads);
        Some(if reads { Request::Read } else { Request::Write(self.next_note) })
    }

    /// It waits for hardly anything: what it hears no answer to is lost or late, and it asks for something else.
    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(5..=60))
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, _: Ticket, _: &Request) {
        self.asked += 1;
    }

    fn heard(&mut self, _: NodeId, _: Ticket, _: &Response, _: Time, _: u64) -> Check {
        self.heard += 1;
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, DurableNote>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, DurableNote>, world: &World<'_, DurableNote>) -> Check {
        self.ghosts.step(step, world)
    }

    fn done(&self, asked: bool) -> bool {
        // Two requests of each client, in fair weather, and whatever came before: none is open, none under way.
        asked && self.note().open.is_empty() && self.note().met.taken == self.asked
    }

    fn end(&mut self, world: &World<'_, DurableNote>) -> Check {
        // The last requests were made well over a second ago.
        let Some((ticket, open)) = self.note().open.iter().next() else { return Ok(()) };
        let request = &open.request;
        let seen = format!(
            "{request:?} of {:?} reached n1, which did not crash after that, but had not answered it by the end of the run at {}",
            ticket.client(),
            world.now()
        );
        Err(Broken::new(ONCE, seen).at([open.step]).unanswered())
    }
}
