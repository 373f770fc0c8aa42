//! The random runs of `durable_note`: clients that write and read, requests and answers that are lost, crashes anywhere.

use super::{ONCE, READS, REMEMBERS, SAVED};
use crate::exercises::durable_note::{DurableNote, Request, Response};
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Clients, Effect, Factory, NodeId, Plan, Referee, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::{BTreeMap, BTreeSet};

const QUIET_AT: Time = Time::from_millis(600);
/// An answer may take a second.
const END: Time = Time::from_millis(2_600);
const CLIENTS: usize = 2;

pub(super) fn swarm(factory: Factory<DurableNote>) -> Swarm {
    Swarm {
        rules: &[READS, ONCE, REMEMBERS, SAVED],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "pauses",
            "requests lost",
            "answers lost",
            "acknowledged writes",
            "reads",
            "acknowledged notes read after a crash",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<DurableNote>, seed: u64, probe: &Probe) -> Run {
    // There are no links to cut: the only ones are those to the clients.
    let allowed = Allowed { partitions: false, slow: false, ..Allowed::everything(millis(100)) };
    let setup = Setup { plan: Plan::draw(seed, 1, &allowed, QUIET_AT), end: END, ..Setup::new(seed, vec![()]) };
    trial(factory, &setup, probe, Watch::new, |watch, run| {
        run.coverage.add("requests lost", watch.asked - watch.taken);
        run.coverage.add("answers lost", watch.replies - watch.heard);
        run.coverage.add("acknowledged writes", watch.acked);
        run.coverage.add("reads", watch.reads);
        run.coverage.add("acknowledged notes read after a crash", watch.survived);
    })
}

/// A write that reached the server. All moments are numbers of steps.
struct Write {
    note: u64,
    arrived: u64,
    /// Since when it is certain that it has happened: it was acknowledged, or a read found it.
    certain: Option<u64>,
}

impl Write {
    /// Whether it had surely happened before `other` began.
    fn before(&self, other: u64) -> bool {
        self.certain.is_some_and(|at| at < other)
    }
}

struct Watch {
    /// In the order of arrival; first the note 0, which was always there.
    writes: Vec<Write>,
    /// Requests that the server has taken in this life and not answered: the step, and of a write its place in `writes`.
    open: BTreeMap<Ticket, (u64, Option<usize>)>,
    answered: BTreeSet<Ticket>,
    /// The request whose handler runs.
    taking: Option<(Ticket, Request)>,
    last_step: u64,
    /// What is on the disk, and was at the last restart.
    disk: u64,
    began_with: u64,
    restarted: u64,
    next_note: u64,
    /// How many clients have asked for the last time.
    finished: usize,
    quiet: bool,
    asked: u64,
    taken: u64,
    replies: u64,
    heard: u64,
    acked: u64,
    reads: u64,
    survived: u64,
}

impl Watch {
    fn new() -> Self {
        Watch {
            writes: vec![Write { note: 0, arrived: 0, certain: Some(0) }],
            open: BTreeMap::new(),
            answered: BTreeSet::new(),
            taking: None,
            last_step: 0,
            disk: 0,
            began_with: 0,
            restarted: 0,
            next_note: 1,
            finished: 0,
            quiet: false,
            asked: 0,
            taken: 0,
            replies: 0,
            heard: 0,
            acked: 0,
            reads: 0,
            survived: 0,
        }
    }

    fn write_of(&self, note: u64) -> Option<usize> {
        self.writes.iter().position(|w| w.note == note)
    }

    /// The latest write that surely came after that of `note`, and surely before step `until`: then `note` is too old.
    fn newer(&self, note: u64, until: u64) -> Option<&Write> {
        let old = &self.writes[self.write_of(note)?];
        self.writes.iter().rev().find(|w| old.before(w.arrived) && w.before(until))
    }

    /// A read that arrived at step `asked` is answered with `note`.
    fn found(&mut self, note: u64, asked: u64, step: u64) -> Check {
        self.reads += 1;
        let Some(index) = self.write_of(note) else {
            return Err(Broken::new(READS, format!("n1 answered a read with Note({note}), which nobody had written")).at([step]));
        };
        if let Some(lost) = self.newer(note, asked) {
            let Write { note: expected, arrived, certain } = *lost;
            let certain = certain.unwrap_or(arrived);
            let story = format!("Write({expected}) had been acknowledged or read, and nothing was written after it");
            let (rule, how) = if certain >= self.restarted {
                (READS, format!("{story}; then n1 answered a read with Note({note})"))
            } else if self.began_with != expected && self.newer(self.began_with, self.restarted).is_some() {
                (
                    SAVED,
                    format!(
                        "{story}; then n1 crashed and restarted with {} on its disk, and answered a read with Note({note})",
                        self.began_with
                    ),
                )
            } else {
                (
                    REMEMBERS,
                    format!(
                        "{story}; n1 crashed and restarted, with {} on its disk; and it answered a read with Note({note})",
                        self.began_with
                    ),
                )
            };
            return Err(Broken::new(rule, how).at([arrived, step]));
        }
        let write = &mut self.writes[index];
        self.survived += u64::from(index > 0 && write.before(self.restarted));
        write.certain = Some(write.certain.map_or(step, |at| at.min(step)));
        Ok(())
    }

    fn reply(&mut self, ticket: Ticket, response: &Response, step: u64) -> Check {
        self.replies += 1;
        if !self.answered.insert(ticket) {
            let seen = format!("n1 answered {:?}'s request {ticket:?} a second time, with {response:?}", ticket.client());
            return Err(Broken::new(ONCE, seen).at([step]));
        }
        match (self.open.remove(&ticket), response) {
            (Some((_, Some(index))), Response::Written) => {
                self.acked += 1;
                self.writes[index].certain.get_or_insert(step);
                Ok(())
            }
            (Some((asked, None)), Response::Note(note)) => self.found(*note, asked, step),
            (Some((asked, write)), _) => {
                let request = write.map_or(Request::Read, |i| Request::Write(self.writes[i].note));
                Err(Broken::new(ONCE, format!("n1 answered {request:?} with {response:?}")).at([asked, step]))
            }
            (None, _) => Ok(()),
        }
    }
}

impl Referee<DurableNote> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, DurableNote>) {
        for i in 0..CLIENTS {
            let after = millis(clients.rng.range(1..=40));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    /// A client waits for nothing: what it hears no answer to is lost or late, and it asks for something else. Tag 1: the
    /// network has healed, and this client has only to read.
    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, DurableNote>, _: &World<'_, DurableNote>) -> Check {
        let server = NodeId::from_index(0);
        if tag == 1 || (!self.quiet && clients.rng.chance(500_000)) {
            clients.ask(client, server, Request::Read);
        } else {
            clients.ask(client, server, Request::Write(self.next_note));
            self.next_note += 1;
        }
        let after = millis(clients.rng.range(5..=60));
        if tag == 1 {
            self.finished += 1;
        } else {
            clients.wake(client, after, u64::from(self.quiet));
        }
        Ok(())
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, _: Ticket, _: &Request) {
        self.asked += 1;
    }

    fn response(&mut self, _: NodeId, _: Ticket, _: &Response, _: &mut Clients<'_, DurableNote>) -> Check {
        self.heard += 1;
        Ok(())
    }

    fn cause(&mut self, _: Time, _: NodeId, cause: Cause<'_, DurableNote>) -> Check {
        self.taking = None;
        match cause {
            Cause::Start { again: true } => {
                self.open.clear();
                self.began_with = self.disk;
                self.restarted = self.last_step + 1;
            }
            Cause::Request { ticket, request } => self.taking = Some((ticket, request.clone())),
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, DurableNote>, _: &World<'_, DurableNote>) -> Check {
        self.last_step = step.number;
        if let Some((ticket, request)) = self.taking.take() {
            self.taken += 1;
            let write = match request {
                Request::Write(note) => {
                    self.writes.push(Write { note, arrived: step.number, certain: None });
                    Some(self.writes.len() - 1)
                }
                Request::Read => None,
            };
            self.open.insert(ticket, (step.number, write));
        }
        for effect in step.effects {
            match effect {
                Effect::Save(note) => self.disk = *note,
                Effect::Reply { ticket, response } => self.reply(*ticket, response, step.number)?,
                _ => {}
            }
        }
        if step.crashed {
            self.open.clear();
        }
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, DurableNote>) -> Check {
        self.quiet = true;
        Ok(())
    }

    fn done(&self) -> bool {
        // Two requests of each client, in fair weather, and whatever came before: none is open, none under way.
        self.finished == CLIENTS && self.open.is_empty() && self.taken == self.asked
    }

    fn end(&mut self, world: &World<'_, DurableNote>) -> Check {
        // The last requests were made well over a second ago.
        let Some((ticket, (asked, write))) = self.open.iter().next() else { return Ok(()) };
        let request = write.map_or(Request::Read, |i| Request::Write(self.writes[i].note));
        let seen = format!(
            "{request:?} of {:?} reached n1, which did not crash after that, and had not answered it by the end of the run at {}",
            ticket.client(),
            world.now()
        );
        Err(Broken::new(ONCE, seen).at([*asked]).unanswered())
    }
}
