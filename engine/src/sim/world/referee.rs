//! What watches a run and plays its clients: one per exercise, in its judge.

use super::World;
use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::node::{ClientId, NodeId, Protocol, Ticket};
use crate::sim::step::{Cause, Step};
use crate::time::Time;
use std::time::Duration;

/// What a referee may do when a client wakes or gets an answer.
pub struct Clients<'w, P: Protocol> {
    /// The time.
    pub now: Time,
    /// The step that runs, for marks.
    pub step: u64,
    /// The clients' own random stream.
    pub rng: &'w mut Rng,
    pub(crate) next_ticket: &'w mut u32,
    pub(crate) actions: Vec<Action<P>>,
}

pub(crate) enum Action<P: Protocol> {
    Ask { to: NodeId, ticket: Ticket, request: P::Request },
    Wake { client: ClientId, after: Duration, tag: u64 },
    GiveUp { ticket: Ticket, text: &'static str },
}

impl<P: Protocol> Clients<'_, P> {
    /// Client `client` sends a request to node `to`. Request and response may be lost or late; if the node is down when
    /// the request arrives it is lost.
    pub fn ask(&mut self, client: ClientId, to: NodeId, request: P::Request) -> Ticket {
        let ticket = Ticket { client, number: *self.next_ticket };
        *self.next_ticket += 1;
        self.actions.push(Action::Ask { to, ticket, request });
        ticket
    }

    /// Wakes the client after a while: [`Referee::wake`] gets the tag back.
    pub fn wake(&mut self, client: ClientId, after: Duration, tag: u64) {
        self.actions.push(Action::Wake { client, after, tag });
    }

    /// Puts on record that the client stopped waiting. (The answer may still come.)
    pub fn give_up(&mut self, ticket: Ticket, text: &'static str) {
        self.actions.push(Action::GiveUp { ticket, text });
    }
}

/// Watches every step of a run, and plays the clients. All methods do nothing by default.
pub trait Referee<P: Protocol> {
    /// Before the run: let the clients wake for the first time.
    fn begin(&mut self, clients: &mut Clients<'_, P>) {
        let _ = clients;
    }

    /// A client wakes.
    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, P>, world: &World<'_, P>) -> Check {
        let _ = (client, tag, clients, world);
        Ok(())
    }

    /// A client's request leaves. Whatever a rule needs to know of requests is taken down here and not in
    /// [`Referee::wake`]: when a run is shrunk, requests are made again without asking the client.
    fn asked(&mut self, at: Time, step: u64, to: NodeId, ticket: Ticket, request: &P::Request) {
        let _ = (at, step, to, ticket, request);
    }

    /// An answer reaches its client. There may be several to one ticket, late, and from a node that crashed since.
    fn response(&mut self, from: NodeId, ticket: Ticket, response: &P::Response, clients: &mut Clients<'_, P>) -> Check {
        let _ = (from, ticket, response, clients);
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

    /// The quiet phase begins: nothing new goes wrong from here on. Late messages are still under way.
    fn quiet(&mut self, world: &World<'_, P>) -> Check {
        let _ = world;
        Ok(())
    }

    /// Whether all that was to be seen has been seen, so that the run may end early.
    fn done(&self) -> bool {
        false
    }

    /// Safety over the whole run, wherever it is cut off: the linearizability of a history, say. Asked once, at the end of
    /// a run before [`Referee::end`], and at the end of each shorter run that shrinking tries.
    fn verdict(&mut self, world: &World<'_, P>) -> Check {
        let _ = world;
        Ok(())
    }

    /// The run has ended, by [`Referee::done`] or by time: liveness.
    fn end(&mut self, world: &World<'_, P>) -> Check {
        let _ = world;
        Ok(())
    }
}

/// A referee that watches nothing.
pub struct NoReferee;
impl<P: Protocol> Referee<P> for NoReferee {}
