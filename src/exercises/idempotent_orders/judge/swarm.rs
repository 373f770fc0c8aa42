//! The random runs of `idempotent_orders`: one to three servers, both services, every fault; clients who ask again, of whichever server, until their
//! answer is final; and when the network has healed, all of them have one.

use super::books::Books;
use super::configs;
use super::rules::{ANSWERS_IN_TIME, BOUNDED, CHARGED, CONFLICT, PER_CLIENT, SAME, SOON, SURVIVES, TWINS};
use super::services::{Kept, Machine};
use crate::exercises::idempotent_orders::{Account, Asked, Body, Disk, FINAL, IdempotentOrders, Key, Request, Response};
use crate::exercises::kit::{Game, Play};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Effect, Factory, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(900);
const DAY: Duration = Duration::from_secs(86_400);
/// As short as they come.
const SHORT: Duration = Duration::from_secs(10);

pub(super) fn swarm(factory: Factory<IdempotentOrders>) -> Swarm {
    Swarm {
        rules: &[CHARGED, SAME, TWINS, CONFLICT, PER_CLIENT, SURVIVES, SOON, BOUNDED, ANSWERS_IN_TIME],
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "charges",
            "orders placed",
            "the same answer again",
            "concurrent twins",
            "answers TryAgain",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<IdempotentOrders>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [1, 2, 2, 3][rng.below(4) as usize];
    // Large numbers come to their end as well as small ones.
    let from = [0; 4].map(|_: u64| if rng.chance(400_000) { rng.wild() >> 1 } else { 0 });
    let allowed = Allowed { services: 2, ..Allowed::everything(millis(200)) };
    let plan = Plan::draw(seed, nodes + 2, &allowed, QUIET_AT);
    let end = QUIET_AT + IN_PEACE;
    // Clocks are up to ten seconds apart: who asks a server's how old a record is finds a short one expired that is not.
    let keeps = if rng.chance(300_000) { SHORT } else { DAY };
    let setup = Setup { plan, end, ..Setup::new(seed, configs(nodes, keeps, DAY)) };
    let watch = || Watch {
        books: Books::new(keeps),
        wishes: Vec::new(),
        want: [None; CLIENTS],
        asked: BTreeMap::new(),
        nodes,
        came: Came::default(),
        from,
    };
    trial(factory, &setup, probe, || Play::new(watch()), |play, run| run.coverage.merge(&play.game.books.met))
}

const CLIENTS: usize = 4;
/// Twice as long as one who asks alone may need: here others use the same key with other bodies, and locks may have to run out one after the other.
const IN_PEACE: Duration = millis(FINAL.as_millis() as u64 * 2);

struct Watch {
    books: Books,
    wishes: Vec<Request>,
    /// What each client wants an answer to that is final, and what was asked. An answer that comes late is one, too.
    want: [Option<Request>; CLIENTS],
    asked: BTreeMap<Ticket, Request>,
    nodes: usize,
    came: Came,
    /// From where on its numbers are: accounts, keys, items and amounts.
    from: [u64; 4],
}

/// Why a server's handler runs, for its step.
#[derive(Clone, Default)]
pub(super) struct Came {
    starts: bool,
    request: Option<(Ticket, Asked, Body)>,
}

impl Came {
    pub fn of(cause: &Cause<'_, IdempotentOrders>) -> Self {
        let request = match cause {
            Cause::Request { ticket, request: Request::Post { by, body } } => Some((*ticket, *by, *body)),
            _ => None,
        };
        Came { starts: matches!(cause, Cause::Start { again: true }), request }
    }
}

/// What a server or a service did, for the books.
pub(super) fn watches(books: &mut Books, came: &Came, step: &Step<'_, IdempotentOrders>, now: Time) -> Check {
    let (node, number) = (step.node, step.number);
    let is_service = node.role().is_some();
    if came.starts && !is_service {
        books.starts(node, number);
    }
    if let Some((ticket, by, body)) = came.request {
        books.asks(ticket, node, by, body, number);
    }
    for effect in step.effects {
        match effect {
            Effect::Save(Disk(Kept::Database(database))) => books.did(database.did(), now, number)?,
            Effect::Save(Disk(Kept::Provider(provider))) => books.did(provider.did(), now, number)?,
            Effect::Reply { ticket, response } => books.answers(*ticket, *response, now, number)?,
            _ => {}
        }
    }
    Ok(())
}

impl Game<IdempotentOrders> for Watch {
    const CLIENTS: usize = CLIENTS;

    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let wants = &mut self.want[client.index()];
        // What is not answered for good is asked again, now and then something else in between.
        if wants.is_none() || duty.is_none() && rng.chance(60_000) {
            if duty > Some(0) {
                return None;
            }
            let old = rng.pick(&self.wishes).copied();
            *wants = Some(match (old, rng.below(10)) {
                (Some(old), 0..4) => old,
                (Some(Request::Post { by, body }), 4) => Request::Post { by, body: Body { amount: body.amount + 1, ..body } },
                (Some(Request::Post { by, body }), 5) => Request::Post { by: Asked { account: Account(by.account.0 + 1), ..by }, body },
                _ => {
                    let [account, key, item, amount] = self.from;
                    let by = Asked { account: Account(account + rng.below(2)), key: Key(key + rng.below(6)) };
                    Request::Post { by, body: Body { item: item + rng.below(3), amount: amount + rng.below(16) } }
                }
            });
        }
        self.wishes.extend(wants.filter(|wish| !self.wishes.contains(wish)));
        *wants
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        // Some ask again before the first is through: these are the twins.
        millis(if rng.chance(400_000) { rng.range(3..=30) } else { rng.range(100..=400) })
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, ticket: Ticket, request: &Request) {
        self.asked.insert(ticket, *request);
    }

    fn heard(&mut self, _: NodeId, ticket: Ticket, response: &Response, _: Time, _: u64) -> Check {
        let wants = &mut self.want[ticket.client().index()];
        if *response != Response::TryAgain && *wants == self.asked.get(&ticket).copied() {
            *wants = None;
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, _: NodeId, cause: Cause<'_, IdempotentOrders>) -> Check {
        self.came = Came::of(&cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, IdempotentOrders>, world: &World<'_, IdempotentOrders>) -> Check {
        watches(&mut self.books, &self.came, step, world.clock(super::database(self.nodes)))
    }

    fn done(&self, asked: bool) -> bool {
        asked && self.want.iter().all(Option::is_none)
    }

    fn end(&mut self, _: &World<'_, IdempotentOrders>) -> Check {
        let Some(open) = self.want.iter().position(Option::is_some) else { return Ok(()) };
        let Some(Request::Post { by, body }) = self.want[open] else { return Ok(()) };
        let seen = format!(
            "{:?} has asked for {by:?}, {body:?}, again and again, but had no final answer {} ms after the network healed, with every node up",
            ClientId::from_index(open),
            IN_PEACE.as_millis()
        );
        Err(Broken::new(ANSWERS_IN_TIME, seen).stuck())
    }
}
