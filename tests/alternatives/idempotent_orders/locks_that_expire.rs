//! A lock for a little more than a second, and an answer for as long as a key is good, in one record: the lock may go while the work is under way, and after a crash it does. That is right
//! only as nothing rests on it: the number of the order is made from account and key, so whoever comes next finds the charge and the order.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum Phase {
    Lock,
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
    version: Version,
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
            by,
            body,
            ticket,
            phase,
            version,
        } = self.work[&call];
        let id = order_of(by);
        let (database, provider) = (self.config.database, self.config.provider);
        match phase {
            Phase::Lock => {
                let record = Record {
                    body,
                    owner: call,
                    ..Record::default()
                };
                let keep = Some(Duration::from_millis(1_200));
                let expects = Version(0);
                cx.send(
                    database,
                    Message::Write {
                        call,
                        at: by,
                        record,
                        expects,
                        keep,
                    },
                );
            }
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
                    expects: version,
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
            phase: Phase::Lock,
            version: Version(0),
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
            (Phase::Lock, Message::Row { written, row, .. }) => match row {
                // A lock says nothing of which body was first, only an end does.
                Some(Row { record, .. }) if record.body != body => {
                    let is_lock = record.stage == Stage::Started;
                    let response = if is_lock {
                        Response::TryAgain
                    } else {
                        Response::Conflict
                    };
                    self.over(call, response, cx);
                }
                Some(row) if row.record.stage == Stage::Created => {
                    self.over(call, Response::Created(row.record.order), cx);
                }
                Some(row) if row.record.stage == Stage::Declined => {
                    self.over(call, Response::Declined, cx);
                }
                Some(row) if written || row.record.owner == call => {
                    if let Some(work) = self.work.get_mut(&call) {
                        work.version = row.version;
                    }
                    self.next(call, Phase::Ask, cx);
                }
                // Somebody else has the lock, or had it and is dead: it will go.
                _ => self.over(call, Response::TryAgain, cx),
            },
            (Phase::Note(response), Message::Row { written, row, .. }) => match row {
                _ if written => self.over(call, response, cx),
                Some(row) if row.record.body != body => self.over(call, Response::TryAgain, cx),
                Some(row) if row.record.stage == Stage::Created => {
                    self.over(call, Response::Created(row.record.order), cx);
                }
                Some(row) if row.record.stage == Stage::Declined => {
                    self.over(call, Response::Declined, cx);
                }
                // The lock has gone, or is another's now: what was done is found again.
                _ => self.over(call, Response::TryAgain, cx),
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
