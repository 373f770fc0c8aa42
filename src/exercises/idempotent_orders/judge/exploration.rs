//! Every order of what can come to two servers that are asked the same at once, and to one that crashes.

use super::books::Books;
use super::configs;
use super::rules::{CHARGED, SURVIVES, TWINS};
use super::swarm::{Came, watches};
use crate::exercises::idempotent_orders::{Account, Asked, Body, IdempotentOrders, Key, Request};
use crate::exercises::kit::{N1, N2};
use crate::rule::Check;
use crate::sim::{Cause, ClientId, Factory, Invariant, NodeId, Scope, Step, explored};
use crate::suite::Suite;
use crate::time::Time;
use crate::trace::Probe;
use std::hash::{Hash, Hasher};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// The books of an exploration, in which no time passes.
#[derive(Clone)]
struct Safety(Books, Came);

impl Hash for Safety {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Invariant<IdempotentOrders> for Safety {
    fn cause(&mut self, _: NodeId, cause: Cause<'_, IdempotentOrders>) -> Check {
        self.1 = Came::of(&cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, IdempotentOrders>) -> Check {
        watches(&mut self.0, &self.1, step, Time::ZERO)
    }
}

pub(super) fn add(suite: &mut Suite, f: Factory<IdempotentOrders>) {
    suite.explored = &[CHARGED, TWINS, SURVIVES];
    let by = Asked { account: Account(1), key: Key(1) };
    let post = move |client, node, item| (ClientId::from_index(client), node, Request::Post { by, body: Body { item, amount: 8 } });
    let mut scope = |rule, name, nodes, crashes, requests: Vec<(ClientId, NodeId, Request)>, usual| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { 300_000 } else { usual };
            let requests = requests.clone();
            let scope = Scope { crashes, requests, dice_go_on: true, states_max, ..Scope::new(configs(nodes, DAY, DAY)) };
            explored(f, &scope, &Safety(Books::new(DAY), Came::default()), p)
        });
    };
    scope(TWINS, "every order of two clients that ask the same at two servers", 2, 0, vec![post(0, N1, 1), post(1, N2, 1)], 4_000);
    scope(SURVIVES, "every order of a crash and the same request again", 1, 1, vec![post(0, N1, 1), post(1, N1, 1)], 3_000);
}
