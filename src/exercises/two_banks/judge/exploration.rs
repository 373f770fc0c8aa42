//! Every order of a few messages between the two servers, under either choice. A message that is still under way is one that a cut keeps back.

use super::spec::Ghost;
use super::{AVAILABLE, BOOK, BOTH, HONEST, LINEAR, MERGES, ONCE, ORDER, OVERDRAWN, SUFFICES, config};
use crate::exercises::kit::{N1, N2};
use crate::exercises::two_banks::{Account, Choice, Config, Request, TwoBanks};
use crate::rule::Check;
use crate::sim::{Cause, ClientId, Factory, Ghosts, Invariant, NodeId, Scope, Step, explored};
use crate::suite::Suite;
use crate::time::Time;
use crate::trace::Probe;
use std::hash::{Hash, Hasher};

/// A client, from 0; whom it asks, and what.
type Ask = (usize, NodeId, Request);

const INVERSION: &[Ask] =
    &[(0, N1, Request::Withdraw(Account::Alice, 60)), (1, N2, Request::Read(Account::Alice)), (2, N1, Request::Read(Account::Alice))];
const TWO_CHANGES: &[Ask] = &[
    (0, N1, Request::Withdraw(Account::Alice, 60)),
    (1, N2, Request::Withdraw(Account::Alice, 60)),
    (2, N1, Request::Read(Account::Alice)),
];
const TWO_SIDES: &[Ask] = &[
    (0, N1, Request::Withdraw(Account::Alice, 60)),
    (1, N2, Request::Withdraw(Account::Alice, 60)),
    (0, N1, Request::Read(Account::Alice)),
    (1, N2, Request::Read(Account::Alice)),
];

pub(super) fn add(suite: &mut Suite, f: Factory<TwoBanks>) {
    suite.explored = &[ONCE, MERGES, BOOK, SUFFICES, BOTH, LINEAR, HONEST, ORDER, AVAILABLE, OVERDRAWN];
    let mut scope = |rule, name, choice, asks: &'static [Ask], firings: u8, repeats| {
        suite.exploration(rule, name, move |p: &Probe| {
            let states_max = if p.thorough { 1_000_000 } else { 10_000 };
            let requests = asks.iter().map(|(client, node, request)| (ClientId::from_index(*client), *node, *request)).collect();
            let firings = vec![firings; 2];
            let scope = Scope { firings, repeats, requests, states_max, ..Scope::new(vec![config(choice); 2]) };
            explored(f, &scope, &Watched::new(&config(choice)), p)
        });
    };
    scope(LINEAR, "every order of a withdrawal and a read at each server, CP", Choice::Cp, INVERSION, 0, 0);
    scope(
        ORDER,
        "every order of a withdrawal at each server and a read, CP, with a message that comes twice",
        Choice::Cp,
        TWO_CHANGES,
        0,
        1,
    );
    scope(
        MERGES,
        "every order of a withdrawal and a read at each server, AP, with a message that comes twice",
        Choice::Ap,
        TWO_SIDES,
        0,
        1,
    );
}

#[derive(Clone)]
struct Watched(Ghosts<TwoBanks, Ghost>);

impl Watched {
    fn new(config: &Config) -> Self {
        Watched(Ghosts::new([N1, N2].map(|node| Ghost::new(node, config.clone()))).patient())
    }
}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        [N1, N2].into_iter().for_each(|node| self.0.seen(node).hash(state));
    }
}

impl Invariant<TwoBanks> for Watched {
    fn cause(&mut self, node: NodeId, cause: Cause<'_, TwoBanks>) -> Check {
        self.0.cause(node, cause);
        Ok(())
    }

    /// There is no time in an exploration: nobody gives up too soon.
    fn step(&mut self, step: &Step<'_, TwoBanks>) -> Check {
        self.0.step_at(step, Time::ZERO)
    }
}
