//! No record until the end is known: the number of the order is made from account and key, the provider's key from that, and whoever comes later finds
//! the same charge and the same order. Another body shows at the provider or in the table of orders. A key is never used for a second order.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum Phase {
    Look,
    Ask,
    Charge,
    Place,
    Note(Response),
}

#[derive(Clone, Debug, Hash)]
struct Work {
    by: Asked,
    body: Body,
    ticket: Ticket,
    phase: Phase,
}

#[derive(Clone, Debug, Hash)]
struct Api {
    config: Config,
    work: BTreeMap<u64, Work>,
}

fn mixed(a: u64, b: u64) -> u64 {
    let mut x = a
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(31)
        .wrapping_add(b.wrapping_mul(0xc2b2_ae3d_27d4_eb4f));
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}

fn order_of(by: Asked) -> OrderId {
    OrderId(mixed(by.account.0, by.key.0))
}

impl Api {
    fn send(&self, call: u64, cx: &mut Cx<'_>) {
        let Work {
            by, body, phase, ..
        } = self.work[&call];
        let id = order_of(by);
        let (database, provider) = (self.config.database, self.config.provider);
        match phase {
            Phase::Look => cx.send(database, Message::Read { call, at: by }),
            Phase::Ask => cx.send(provider, Message::Find { call, order: id }),
            Phase::Charge => {
                let charge = Charge {
                    order: id,
                    by,
                    amount: body.amount,
                };
                let key = ChargeKey(id.0);
                cx.send(provider, Message::Charge { call, key, charge });
            }
            Phase::Place => {
                let order = Order { by, body };
                cx.send(database, Message::Place { call, id, order });
            }
            Phase::Note(response) => {
                let stage = match response {
                    Response::Declined => Stage::Declined,
                    _ => Stage::Created,
                };
                let record = Record {
                    body,
                    order: id,
                    stage,
                    ..Record::default()
                };
                let write = Message::Write {
                    call,
                    at: by,
                    record,
                    expects: Version(0),
                    keep: Some(self.config.keeps * 3 / 2),
                };
                cx.send(database, write);
            }
        }
        cx.set_timer(Timer::Call(call), Duration::from_millis(80));
    }

    /// Each step has a call of its own, so that what is answered late is not taken for what is asked now.
    fn next(&mut self, call: u64, phase: Phase, cx: &mut Cx<'_>) {
        let Some(mut work) = self.work.remove(&call) else {
            return;
        };
        cx.cancel_timer(Timer::Call(call));
        work.phase = phase;
        let call = cx.random(0..=u64::MAX);
        self.work.insert(call, work);
        self.send(call, cx);
    }

    fn over(&mut self, call: u64, response: Response, cx: &mut Cx<'_>) {
        if let Some(work) = self.work.remove(&call) {
            cx.cancel_timer(Timer::Call(call));
            cx.cancel_timer(Timer::Ticket(work.ticket.number()));
            cx.reply(work.ticket, response);
        }
    }
}

impl Node<IdempotentOrders> for Api {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Api {
            config: config.clone(),
            work: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        let call = cx.random(0..=u64::MAX);
        let work = Work {
            by,
            body,
            ticket,
            phase: Phase::Look,
        };
        cx.set_timer(Timer::Ticket(ticket.number()), Duration::from_millis(900));
        self.work.insert(call, work);
        self.send(call, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Row { call, .. }
        | Message::Placed { call, .. }
        | Message::Charged { call, .. }
        | Message::Found { call, .. }) = message
        else {
            return;
        };
        let Some(Work { body, phase, .. }) = self.work.get(&call).cloned() else {
            return;
        };
        match (phase, message) {
            (Phase::Look | Phase::Note(_), Message::Row { row, .. }) => match (row, phase) {
                (Some(row), _) if row.record.body != body => {
                    self.over(call, Response::Conflict, cx);
                }
                (Some(row), _) if row.record.stage == Stage::Declined => {
                    self.over(call, Response::Declined, cx);
                }
                (Some(row), _) => self.over(call, Response::Created(row.record.order), cx),
                (None, Phase::Look) => self.next(call, Phase::Ask, cx),
                (None, _) => self.over(call, Response::TryAgain, cx),
            },
            (Phase::Ask, Message::Found { charge, .. }) => match charge {
                None => self.next(call, Phase::Charge, cx),
                Some(charge) if charge.amount == body.amount => self.next(call, Phase::Place, cx),
                Some(_) => self.over(call, Response::Conflict, cx),
            },
            (Phase::Charge, Message::Charged { outcome, .. }) => match outcome {
                Outcome::Paid => self.next(call, Phase::Place, cx),
                Outcome::Declined => self.next(call, Phase::Note(Response::Declined), cx),
                Outcome::Failed => self.over(call, Response::TryAgain, cx),
                Outcome::KeyReused => self.over(call, Response::Conflict, cx),
            },
            (Phase::Place, Message::Placed { id, order, .. }) => {
                if order.body == body {
                    self.next(call, Phase::Note(Response::Created(id)), cx);
                } else {
                    self.over(call, Response::Conflict, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Call(call) if self.work.contains_key(&call) => self.send(call, cx),
            Timer::Ticket(number) => {
                let of = |(_, work): &(&u64, &Work)| work.ticket.number() == number;
                if let Some(call) = self.work.iter().find(of).map(|(call, _)| *call) {
                    self.over(call, Response::TryAgain, cx);
                }
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Api>)
}
