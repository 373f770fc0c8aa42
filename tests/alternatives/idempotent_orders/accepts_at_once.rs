//! Nobody waits: a request starts the work, if nobody works on it here, and is told at once to ask again; only an end that stands in the database is told. The work
//! goes on without its client, for a while.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

#[derive(Clone, Debug, Hash)]
struct Api {
    config: Config,
    /// Who waits for the first look into the database.
    looks: BTreeMap<Ticket, (Asked, Body, u64)>,
    /// Orders that are worked on: what was sent last, and how often anything was.
    work: BTreeMap<OrderId, (Asked, Row, Message, u32)>,
}

impl Api {
    fn look(&self, ticket: Ticket, cx: &mut Cx<'_>) {
        let (at, body, call) = self.looks[&ticket];
        let record = Record {
            body,
            order: OrderId(call | 1),
            ..Record::default()
        };
        let keep = Some(self.config.keeps + self.config.keeps / 4);
        let write = Message::Write {
            call,
            at,
            record,
            expects: Version(0),
            keep,
        };
        cx.send(self.config.database, write);
        cx.set_timer(Timer::Ticket(ticket.number()), Duration::from_millis(200));
    }

    fn does(&mut self, order: OrderId, message: Message, cx: &mut Cx<'_>) {
        let Some(work) = self.work.get_mut(&order) else {
            return;
        };
        let to = match message {
            Message::Charge { .. } | Message::Find { .. } => self.config.provider,
            _ => self.config.database,
        };
        work.2 = message.clone();
        work.3 += 1;
        if work.3 > 30 {
            self.work.remove(&order);
            return;
        }
        cx.send(to, message);
        cx.set_timer(Timer::Call(order.0), Duration::from_millis(100));
    }

    fn finish(&mut self, order: OrderId, stage: Stage, cx: &mut Cx<'_>) {
        let Some((at, row, ..)) = self.work.get(&order) else {
            return;
        };
        let record = Record {
            stage,
            ..row.record
        };
        let write = Message::Write {
            call: order.0 | 1,
            at: *at,
            record,
            expects: row.version,
            keep: Some(self.config.keeps),
        };
        self.does(order, write, cx);
    }
}

impl Node<IdempotentOrders> for Api {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Api {
            config: config.clone(),
            looks: BTreeMap::new(),
            work: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        let call = cx.random(0..=u64::MAX >> 1) << 1;
        self.looks.insert(ticket, (by, body, call));
        self.look(ticket, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Row { call, at, row, .. } if call & 1 == 0 => {
                let of = |(_, look): &(&Ticket, &(Asked, Body, u64))| look.2 == call;
                let Some((ticket, (_, body, _))) = self.looks.iter().find(of) else {
                    return;
                };
                let (ticket, body) = (*ticket, *body);
                let response = match row {
                    None => return,
                    Some(row) if row.record.body != body => Response::Conflict,
                    Some(row) => match row.record.stage {
                        Stage::Created => Response::Created(row.record.order),
                        Stage::Declined => Response::Declined,
                        _ => {
                            let order = row.record.order;
                            if !self.work.contains_key(&order) {
                                let find = Message::Find {
                                    call: cx.random(0..=u64::MAX),
                                    order,
                                };
                                self.work.insert(order, (at, row, find.clone(), 0));
                                self.does(order, find, cx);
                            }
                            Response::TryAgain
                        }
                    },
                };
                self.looks.remove(&ticket);
                cx.cancel_timer(Timer::Ticket(ticket.number()));
                cx.reply(ticket, response);
            }
            Message::Row { call, .. } => {
                // Ours is written, or somebody else's is: it is at its end.
                self.work.remove(&OrderId(call));
                cx.cancel_timer(Timer::Call(call));
            }
            Message::Found {
                call: of,
                order,
                charge,
            } => {
                let Some((by, row, Message::Find { call, .. }, _)) = self.work.get(&order) else {
                    return;
                };
                if of != *call {
                    return;
                }
                let (by, body) = (*by, row.record.body);
                let call = cx.random(0..=u64::MAX);
                let next = match charge {
                    Some(_) => Message::Place {
                        call,
                        id: order,
                        order: Order { by, body },
                    },
                    None => Message::Charge {
                        call,
                        key: ChargeKey(order.0),
                        charge: Charge {
                            order,
                            by,
                            amount: body.amount,
                        },
                    },
                };
                self.does(order, next, cx);
            }
            Message::Charged {
                call: of,
                key,
                outcome,
            } => {
                let order = OrderId(key.0);
                let Some((by, row, Message::Charge { call, .. }, _)) = self.work.get(&order) else {
                    return;
                };
                // An answer of a former life says what was so then.
                if of != *call {
                    return;
                }
                let (by, body) = (*by, row.record.body);
                match outcome {
                    Outcome::Paid => {
                        let place = Message::Place {
                            call: order.0,
                            id: order,
                            order: Order { by, body },
                        };
                        self.does(order, place, cx);
                    }
                    Outcome::Declined => self.finish(order, Stage::Declined, cx),
                    _ => drop(self.work.remove(&order)),
                }
            }
            Message::Placed { id, .. } => {
                if matches!(self.work.get(&id), Some((_, _, Message::Place { .. }, _))) {
                    self.finish(id, Stage::Created, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Ticket(number) => {
                let of = |t: &&Ticket| t.number() == number;
                if let Some(ticket) = self.looks.keys().find(of).copied() {
                    self.looks.remove(&ticket);
                    cx.reply(ticket, Response::TryAgain);
                }
            }
            Timer::Call(number) => {
                let order = OrderId(number);
                if let Some((.., message, _)) = self.work.get(&order).cloned() {
                    self.does(order, message, cx);
                }
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Api>)
}
