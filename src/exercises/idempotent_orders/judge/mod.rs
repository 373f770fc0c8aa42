//! The hidden tests of `idempotent_orders`: what happens at the services and at the clients is kept in `books`, which watch storms (`spec`), whole systems
//! (`swarm`) and explorations; here are examples and traps. The database and the payment provider are ours.

mod books;
mod exploration;
mod rules;
mod scripts;
mod services;
mod spec;
mod swarm;

pub(super) use services::Kept;

use super::{Config, IdempotentOrders};
use crate::sim::{Factory, Node, NodeId, Role, Service};
use crate::suite::Suite;
use rules::RULES;
use services::{Database, Provider, Served};
use std::time::Duration;

static SERVICES: [Service<IdempotentOrders>; 2] =
    [Service::of::<Served<Database>>(Role::Database), Service::of::<Served<Provider>>(Role::Payments)];

/// Behind so many servers.
fn database(nodes: usize) -> NodeId {
    NodeId::service(Role::Database, nodes)
}

/// Behind that.
fn provider(nodes: usize) -> NodeId {
    NodeId::service(Role::Payments, nodes + 1)
}

/// One for each server, and those of the services.
fn configs(nodes: usize, keeps: Duration, forgets: Duration) -> Vec<Config> {
    vec![Config { database: database(nodes), provider: provider(nodes), keeps, forgets }; nodes + 2]
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<IdempotentOrders>>() -> Suite {
    suite(Factory::of::<N>().with(&SERVICES))
}

fn suite(f: Factory<IdempotentOrders>) -> Suite {
    let mut suite = Suite::new("idempotent_orders", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    scripts::add(&mut suite, f);
    exploration::add(&mut suite, f);
    suite
}
