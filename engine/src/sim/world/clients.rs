//! The way between clients and nodes: requests, answers, and what the referee lets clients do.

use super::referee::{Action, Clients, Referee};
use super::{Incoming, World};
use crate::rule::Check;
use crate::sim::decision::{Asked, Choice};
use crate::sim::engine::Due;
use crate::sim::node::{ClientId, NodeId, Protocol, Ticket};
use crate::trace::What;
use crate::words::shown;

impl<'r, P: Protocol> World<'r, P> {
    /// A run with these requests at these times, and no others: clients neither wake nor act on an answer.
    #[must_use]
    pub(in crate::sim) fn with_requests(mut self, asked: Vec<Asked<P>>) -> Self {
        self.asked = Some(asked);
        self
    }

    /// The requests that were made in this run, if its decisions were recorded.
    pub(in crate::sim) fn requests_made(&mut self) -> Vec<Asked<P>> {
        let asked = |d: crate::sim::decision::Decision<P>| match d.choice {
            Choice::Ask { ticket, to, request } => Some(Asked { at: d.at, ticket, to, request }),
            _ => None,
        };
        self.take_log().into_iter().filter_map(asked).collect()
    }

    /// Lets the clients begin; or the listed requests be made in their place.
    pub(super) fn begin(&mut self) -> Check {
        for (tag, asked) in (0..).zip(self.asked.iter().flatten()) {
            self.engine.schedule(asked.at, Due::Wake { client: asked.ticket.client.0, tag });
        }
        self.with_clients(|referee, clients, _| {
            referee.begin(clients);
            Ok(())
        })
    }

    pub(super) fn wakes(&mut self, client: ClientId, tag: u64) -> Check {
        if let Some(asked) = &self.asked {
            if let Some(Asked { ticket, to, request, .. }) = asked.get(tag as usize).cloned() {
                self.act(Action::Ask { to, ticket, request });
            }
            return Ok(());
        }
        self.with_clients(|referee, clients, world| referee.wake(client, tag, clients, world))
    }

    pub(super) fn request_arrives(&mut self, slot: u32, due: Due) -> Check {
        let Some((to, ticket, request)) = self.requests.take(slot) else { return Ok(()) };
        let place = &mut self.slots[to.index()];
        if place.node.is_none() {
            return Ok(());
        }
        if place.paused {
            debug_assert!(matches!(due, Due::Request { .. }));
            let slot = self.requests.put((to, ticket, request));
            place.deferred.push(Due::Request { slot });
            return Ok(());
        }
        self.log(|_| Choice::Take(ticket));
        self.call(to, Incoming::Request { ticket, request })
    }

    pub(super) fn answer(&mut self, from: NodeId, ticket: Ticket, response: P::Response) {
        if self.held.is_some() {
            self.answers.push((ticket, response, self.steps));
        } else if let Some(at) = self.engine.client_arrival() {
            let slot = self.responses.put((from, ticket, response));
            self.engine.schedule(at, Due::Response { slot });
        } else {
            self.record(from.lane(), || What::Loses { to: ticket.client.lane(), id: ticket.number.into() });
        }
    }

    pub(super) fn with_clients(&mut self, f: impl FnOnce(&mut dyn Referee<P>, &mut Clients<'_, P>, &World<'r, P>) -> Check) -> Check {
        let Some(referee) = self.referee.take() else { return Ok(()) };
        let (mut rng, mut next_ticket) = (self.client_dice.clone(), self.next_ticket);
        let mut clients =
            Clients { now: self.engine.now, step: self.steps, rng: &mut rng, next_ticket: &mut next_ticket, actions: Vec::new() };
        let check = f(referee, &mut clients, self);
        let actions = clients.actions;
        (self.client_dice, self.next_ticket) = (rng, next_ticket);
        self.referee = Some(referee);
        if self.asked.is_none() {
            actions.into_iter().for_each(|action| self.act(action));
        }
        check
    }

    pub(super) fn act(&mut self, action: Action<P>) {
        match action {
            Action::Ask { to, ticket, request } => {
                let (lane, id) = (ticket.client.lane(), u64::from(ticket.number));
                self.log(|_| Choice::Ask { ticket, to, request: request.clone() });
                self.record_step(lane, || What::Asks { to: to.lane(), id, text: shown(&request) });
                let (at, step) = (self.engine.now, self.steps);
                let _ = self.with_referee(|referee, _| {
                    referee.asked(at, step, to, ticket, &request);
                    Ok(())
                });
                if let Some(at) = self.engine.client_arrival() {
                    let slot = self.requests.put((to, ticket, request));
                    self.engine.schedule(at, Due::Request { slot });
                } else {
                    self.record(lane, || What::Loses { to: to.lane(), id });
                }
            }
            Action::Wake { client, after, tag } => self.engine.schedule(self.engine.now + after, Due::Wake { client: client.0, tag }),
            Action::GiveUp { ticket, text } => {
                self.record_step(ticket.client.lane(), || What::GivesUp { id: ticket.number.into(), text: text.to_owned() });
            }
        }
    }

    pub(in crate::sim) fn ticket(&mut self, client: ClientId) -> Ticket {
        self.next_ticket += 1;
        Ticket { client, number: self.next_ticket - 1 }
    }
}
