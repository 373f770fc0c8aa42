//! The hidden tests of `saga`: what the node may do is in `spec`, what the services have in the end in `swarm`; here are examples and traps, and in
//! `lesson` a booking that failed, as a table. The services are ours (`desk`).

mod desk;
mod lesson;
mod plots;
mod rules;
mod spec;
mod swarm;

use super::{BookingId, Config, Request, Saga};
use crate::exercises::kit::{N1, Script, crash_sweep};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Node, NodeId, Role, Service};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use desk::{Desk, book};
use rules::{ALL, RETRIED, RULES};

static SERVICES: [Service<Saga>; 3] =
    [Service::of::<Desk>(Role::Flight), Service::of::<Desk>(Role::Hotel), Service::of::<Desk>(Role::Payments)];

/// The node, and behind it the services.
const PLACES: usize = 4;
const FLIGHT: NodeId = NodeId::service(Role::Flight, 1);
const HOTEL: NodeId = NodeId::service(Role::Hotel, 2);
const PAYMENTS: NodeId = NodeId::service(Role::Payments, 3);
const SERVICES_AT: [NodeId; 3] = [FLIGHT, HOTEL, PAYMENTS];

const B1: BookingId = BookingId(1);

fn config() -> Config {
    Config { flight: FLIGHT, hotel: HOTEL, payments: PAYMENTS }
}

fn configs() -> Vec<Config> {
    vec![config(); PLACES]
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<Saga>>() -> Suite {
    suite(Factory::of::<N>().with(&SERVICES))
}

fn suite(f: Factory<Saga>) -> Suite {
    let mut suite = Suite::new("saga", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    plots::add(&mut suite, f);
    suite.scenario(ALL, "a crash between any two effects of a new booking", move |p| {
        for swept in crash_sweep(N1, || up(f, p, None), |s| s.ask(N1, Request::Book(B1))) {
            ends(&mut swept?.0)?;
        }
        Ok(())
    });
    for (name, refuses) in [("a crash between any two effects when the hotel refuses", HOTEL), ("the same when payments refuse", PAYMENTS)]
    {
        suite.scenario(ALL, name, move |p| {
            // In each of the steps that the node makes on the way.
            for step in 0..6 {
                let before = || {
                    let mut s = up(f, p, Some(refuses))?;
                    s.ask(N1, Request::Book(B1))?;
                    s.run(millis(2 * step))?;
                    Ok(s)
                };
                for swept in crash_sweep(N1, before, |s| s.run(millis(3))) {
                    ends(&mut swept?.0)?;
                }
            }
            Ok(())
        });
    }
    suite.scenario(RETRIED, "a booking that failed, as a table", move |p| lesson::shown(f, p));
    suite
}

/// Everybody is up, and one service refuses.
fn up(f: Factory<Saga>, p: &Probe, refuses: Option<NodeId>) -> Result<Script<'static, Saga>, Broken> {
    let mut s = Script::up(f, p, configs())?;
    if let Some(service) = refuses {
        s.ask_by(2, service, Request::Refuse(true))?;
    }
    Ok(s)
}

/// In fair weather from now on, the booking is whole in the end, or nothing is left of it.
fn ends(s: &mut Script<'static, Saga>) -> Check {
    s.run(millis(3_000))?;
    let books: Vec<desk::Book> = SERVICES_AT.into_iter().filter_map(|service| s.saved(service)).map(book).collect();
    let stands = swarm::stands(books.iter()).map_err(|broken| s.broken(broken.rule, &broken.seen))?;
    let seen = swarm::in_part(&stands);
    s.expect(ALL, seen.is_none(), || seen.unwrap_or_default())
}
