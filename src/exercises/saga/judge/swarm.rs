//! The random runs of `saga`: the node and the three services with every fault, clients who book, and one who tells services to refuse. What is seen
//! here and nowhere else is what the services have on their disks in the end.

use super::desk::{Book, book};
use super::rules::{ALL, EACH_ONCE, ENDS, FORWARD, MAYBE, ONLY, ORDER, REASON, RESUMES, REVERSE, TRUTH, TURNS};
use super::spec::Ghost;
use super::{PLACES, SERVICES_AT, configs};
use crate::exercises::kit::{Game, N1, Play};
use crate::exercises::saga::{BookingId, Mark, Request, Response, Saga, Step as Part};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(800);
/// Room for eight calls of 400 ms each, and what is late.
const END: Time = Time::from_millis(5_000);

pub(super) fn swarm(factory: Factory<Saga>) -> Swarm {
    Swarm {
        rules: &[ALL, ORDER, REVERSE, ONLY, MAYBE, EACH_ONCE, RESUMES, TURNS, FORWARD, REASON, ENDS, TRUTH],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "bookings that were booked",
            "bookings that failed",
            "calls without an answer for 200 ms",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<Saga>, seed: u64, probe: &Probe) -> Run {
    let allowed = Allowed { down_for_good: false, services: PLACES - 1, ..Allowed::everything(millis(250)) };
    let setup = Setup { plan: Plan::draw(seed, PLACES, &allowed, QUIET_AT), end: END, ..Setup::new(seed, configs()) };
    let watch = || Watch {
        ghosts: Ghosts::of(N1, Ghost::new(N1)).patient(),
        books: BTreeMap::new(),
        known: Vec::new(),
        to: None,
        in_part: None,
        waits: BTreeMap::new(),
    };
    trial(factory, &setup, probe, || Play::new(watch()), |play, run| play.game.ghosts.seen(N1).counts(&mut run.coverage))
}

/// What stands on the disks of all services: for each step of each booking.
pub(super) type Stands = BTreeMap<BookingId, BTreeMap<Part, Mark>>;

/// Puts together what the services have.
///
/// # Errors
/// A step that was done twice; or that is undone, of a booking that was paid for.
pub(super) fn stands<'a>(books: impl Iterator<Item = &'a Book>) -> Result<Stands, Broken> {
    let mut stands = Stands::new();
    for (call, mark) in books.flat_map(BTreeMap::values) {
        let parts = stands.entry(call.booking).or_default();
        if let (Some(Mark::Done), Mark::Done) = (parts.get(&call.step), *mark) {
            return Err(Broken::new(EACH_ONCE, format!("{:?} of {:?} was done twice, under two keys", call.step, call.booking)));
        }
        if *mark == Mark::Done || parts.get(&call.step) != Some(&Mark::Done) {
            parts.insert(call.step, *mark);
        }
    }
    for (id, parts) in &stands {
        let undone = parts.iter().find(|(step, mark)| **step < Part::Payment && **mark != Mark::Done);
        if let (Some(Mark::Done), Some((step, mark))) = (parts.get(&Part::Payment), undone) {
            return Err(Broken::new(ALL, format!("{id:?} is paid for, but its {step:?} is {mark:?}")));
        }
    }
    Ok(stands)
}

/// The first booking of which a part is booked and another is not.
pub(super) fn in_part(stands: &Stands) -> Option<String> {
    let done = |parts: &BTreeMap<Part, Mark>| parts.values().filter(|mark| **mark == Mark::Done).count();
    let (id, parts) = stands.iter().find(|(_, parts)| !matches!(done(parts), 0 | 4))?;
    let said = |step: &Part| match parts.get(step) {
        Some(mark) => format!("{step:?} {mark:?}"),
        None => format!("no {step:?}"),
    };
    Some(format!("of {id:?} the services have {}", Part::ALL.iter().map(said).collect::<Vec<_>>().join(", ")))
}

struct Watch {
    ghosts: Ghosts<Saga, Ghost>,
    books: BTreeMap<NodeId, Book>,
    known: Vec<BookingId>,
    /// The service that the next request is for.
    to: Option<NodeId>,
    /// The first booking of which the services have a part alone.
    in_part: Option<String>,
    /// What was asked when the network had healed and is not answered.
    waits: BTreeMap<Ticket, BookingId>,
}

impl Game<Saga> for Watch {
    /// All bookings are saved whole each time.
    const PAUSE_MS: RangeInclusive<u64> = 10..=80;
    const ALWAYS_IMPATIENT: bool = false;

    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        if duty >= Some(1) {
            return None;
        }
        self.to = rng.pick(&SERVICES_AT).copied().filter(|_| duty.is_none() && client.index() == 2 && rng.chance(600_000));
        if self.to.is_some() {
            return Some(Request::Refuse(rng.chance(600_000)));
        }
        let again = rng.pick(&self.known).copied().filter(|_| rng.chance(250_000));
        let id = again.unwrap_or(BookingId(self.known.len() as u64 + 1));
        if again.is_none() {
            self.known.push(id);
        }
        Some(Request::Book(id))
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(60..=400))
    }

    fn whom(&mut self, _: &Request, _: &[NodeId], _: &mut Rng) -> Option<NodeId> {
        self.to.or(Some(N1))
    }

    fn asked(&mut self, at: Time, _: u64, _: NodeId, ticket: Ticket, request: &Request) {
        if let (true, Request::Book(id)) = (at > QUIET_AT, request) {
            self.waits.insert(ticket, *id);
        }
    }

    fn heard(&mut self, _: NodeId, ticket: Ticket, _: &Response, _: Time, _: u64) -> Check {
        self.waits.remove(&ticket);
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, Saga>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, Saga>, world: &World<'_, Saga>) -> Check {
        if step.node == N1 {
            return self.ghosts.step(step, world);
        }
        let Some(saved) = step.saved() else { return Ok(()) };
        self.books.insert(step.node, book(saved));
        let stands = stands(self.books.values()).map_err(|broken| broken.at([step.number]))?;
        self.in_part = if step.at > QUIET_AT { in_part(&stands) } else { None };
        Ok(())
    }

    fn quiet(&mut self, _: &World<'_, Saga>) {
        self.in_part = stands(self.books.values()).ok().and_then(|stands| in_part(&stands));
    }

    fn done(&self, asked: bool) -> bool {
        asked && self.in_part.is_none()
    }

    fn end(&mut self, _: &World<'_, Saga>) -> Check {
        let since = format!("{} ms after the network healed, with every node up", END.since(QUIET_AT).as_millis());
        if let Some(seen) = &self.in_part {
            return Err(Broken::new(ALL, format!("{seen}, {since}")).stuck());
        }
        match self.waits.values().next() {
            Some(id) => {
                Err(Broken::new(ENDS, format!("a client asked for {id:?} when the network had healed, but has no answer {since}")).stuck())
            }
            None => Ok(()),
        }
    }
}
