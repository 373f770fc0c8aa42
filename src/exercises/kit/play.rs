//! The swarm's referee, as most exercises want it. Clients ask, wait as long as they have patience, ask again or go on, and have some
//! duties left when the network has healed; the judge says what they ask ([`Game`]), and watches. [`Guarded`] is the game in which one
//! ghost a node is all that watches.

use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::{Cause, ClientId, Clients, NodeId, Protocol, Referee, Step, Ticket, World};
use crate::time::{Time, millis};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a judge says of its random runs. All but the first two does nothing by default.
pub(crate) trait Game<P: Protocol> {
    /// How many clients there are.
    const CLIENTS: usize = 3;
    /// How long a client does nothing at the beginning, and after an answer, in milliseconds.
    const BEGIN_MS: RangeInclusive<u64> = 1..=50;
    /// See [`Game::BEGIN_MS`].
    const PAUSE_MS: RangeInclusive<u64> = 5..=40;
    /// Whether clients still run out of patience when the network has healed. If not, a duty that is not answered keeps the run from being done:
    /// [`Game::end`] says what that breaks.
    const ALWAYS_IMPATIENT: bool = true;

    /// What a client asks next. `duty`: `None` while faults come; then how many it has asked for since the network healed. `None`: nothing
    /// more.
    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<P::Request>;

    /// How long it waits for the answer before it goes on. (The answer may still come.)
    fn patience(&mut self, rng: &mut Rng) -> Duration;

    /// Whom it asks, of those that are there: of all while faults come, then of those that are up.
    fn whom(&mut self, request: &P::Request, there: &[NodeId], rng: &mut Rng) -> Option<NodeId> {
        let _ = request;
        rng.pick(there).copied()
    }

    /// Whether it asks the same once more, after this answer or after none.
    fn again(&mut self, request: &P::Request, answer: Option<&P::Response>, rng: &mut Rng) -> bool {
        let _ = (request, answer, rng);
        false
    }

    /// A request leaves its client: see [`Referee::asked`].
    fn asked(&mut self, at: Time, step: u64, to: NodeId, ticket: Ticket, request: &P::Request) {
        let _ = (at, step, to, ticket, request);
    }

    /// An answer reaches its client: see [`Referee::response`].
    fn heard(&mut self, from: NodeId, ticket: Ticket, response: &P::Response, at: Time, step: u64) -> Check {
        let _ = (from, ticket, response, at, step);
        Ok(())
    }

    /// Time has passed: a client wakes, or a node is about to make a step.
    fn time(&mut self, now: Time, world: &World<'_, P>) -> Check {
        let _ = (now, world);
        Ok(())
    }

    /// A node's handler is about to run.
    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        let _ = (at, node, cause);
        Ok(())
    }

    /// It has run.
    fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        let _ = (step, world);
        Ok(())
    }

    /// The network has healed.
    fn quiet(&mut self, world: &World<'_, P>) {
        let _ = world;
    }

    /// Whether all has been seen; `asked`: whether the clients have done their duties.
    fn done(&self, asked: bool) -> bool {
        asked
    }

    /// See [`Referee::verdict`].
    fn verdict(&mut self, world: &World<'_, P>) -> Check {
        let _ = world;
        Ok(())
    }

    /// See [`Referee::end`].
    fn end(&mut self, world: &World<'_, P>) -> Check {
        let _ = world;
        Ok(())
    }
}

/// A client. Its duties are counted from the moment at which the network healed.
struct Client<P: Protocol> {
    waits: Option<(Ticket, P::Request)>,
    again: Option<P::Request>,
    duties: u32,
    done: bool,
}

/// The referee of a game.
pub(crate) struct Play<P: Protocol, G> {
    pub game: G,
    clients: Vec<Client<P>>,
    quiet: bool,
    /// How often a client ran out of patience, and asked for the same again.
    pub given_up: u64,
    pub again: u64,
}

impl<P: Protocol, G: Game<P>> Play<P, G> {
    pub fn new(game: G) -> Self {
        let client = || Client { waits: None, again: None, duties: 0, done: false };
        Play { game, clients: (0..G::CLIENTS).map(|_| client()).collect(), quiet: false, given_up: 0, again: 0 }
    }

    fn ask(&mut self, client: ClientId, request: P::Request, clients: &mut Clients<'_, P>, world: &World<'_, P>) {
        let there: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| !self.quiet || world.is_up(*n)).collect();
        let Some(to) = self.game.whom(&request, &there, clients.rng) else { return };
        let ticket = clients.ask(client, to, request.clone());
        self.clients[client.index()].waits = Some((ticket, request));
        let patience = self.game.patience(clients.rng);
        clients.wake(client, patience, tag(ticket));
    }

    /// After an answer, or none.
    fn go_on(&mut self, client: ClientId, answer: Option<&P::Response>, clients: &mut Clients<'_, P>) {
        let waited = self.clients[client.index()].waits.take();
        let again = waited.map(|(_, request)| request).filter(|request| self.game.again(request, answer, clients.rng));
        self.again += u64::from(again.is_some());
        self.clients[client.index()].again = again;
        let after = millis(clients.rng.range(G::PAUSE_MS));
        clients.wake(client, after, 0);
    }
}

/// Tag 0 means "do something new".
fn tag(ticket: Ticket) -> u64 {
    u64::from(ticket.number()) + 1
}

impl<P: Protocol, G: Game<P>> Referee<P> for Play<P, G> {
    fn begin(&mut self, clients: &mut Clients<'_, P>) {
        for i in 0..G::CLIENTS {
            let after = millis(clients.rng.range(G::BEGIN_MS));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    fn wake(&mut self, client: ClientId, woken: u64, clients: &mut Clients<'_, P>, world: &World<'_, P>) -> Check {
        self.game.time(clients.now, world)?;
        let state = &mut self.clients[client.index()];
        let waits_for = state.waits.as_ref().map(|(ticket, _)| *ticket);
        match waits_for {
            // A request from before the heal may have been lost on its way to a node, or with one; a duty must end.
            Some(ticket) if woken == tag(ticket) && (G::ALWAYS_IMPATIENT || state.duties == 0) => {
                self.given_up += u64::from(!self.quiet);
                clients.give_up(ticket, "no answer in time");
                self.go_on(client, None, clients);
            }
            None if woken == 0 && !state.done => {
                let next = match state.again.take() {
                    None => {
                        let duty = self.quiet.then_some(state.duties);
                        state.duties += u32::from(self.quiet);
                        self.game.next(client, duty, clients.rng)
                    }
                    again => again,
                };
                match next {
                    Some(request) => self.ask(client, request, clients, world),
                    None => self.clients[client.index()].done = true,
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn asked(&mut self, at: Time, step: u64, to: NodeId, ticket: Ticket, request: &P::Request) {
        self.game.asked(at, step, to, ticket, request);
    }

    fn response(&mut self, from: NodeId, ticket: Ticket, response: &P::Response, clients: &mut Clients<'_, P>) -> Check {
        self.game.heard(from, ticket, response, clients.now, clients.step)?;
        let client = ticket.client();
        if self.clients[client.index()].waits.as_ref().is_some_and(|(waits, _)| *waits == ticket) {
            self.go_on(client, Some(response), clients);
        }
        Ok(())
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, P>) -> Check {
        self.game.cause(at, node, cause)
    }

    fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        self.game.time(step.at, world)?;
        self.game.step(step, world)
    }

    fn quiet(&mut self, world: &World<'_, P>) -> Check {
        self.quiet = true;
        self.game.quiet(world);
        Ok(())
    }

    fn done(&self) -> bool {
        self.game.done(self.clients.iter().all(|c| c.done))
    }

    fn verdict(&mut self, world: &World<'_, P>) -> Check {
        self.game.verdict(world)
    }

    fn end(&mut self, world: &World<'_, P>) -> Check {
        self.game.time(world.now(), world)?;
        self.game.end(world)
    }
}
