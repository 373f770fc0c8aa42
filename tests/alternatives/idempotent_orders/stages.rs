//! A state machine in the row: each stage is written before the next effect, and read back from what stands there, as in the recovery points of a payment
//! API over a relational database. The number of the order is the version of the first writing, so the database gives it out. One tick moves everything.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

const TICK: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, Hash)]
struct Waiting {
    ticket: Ticket,
    by: Asked,
    body: Body,
    ticks: u32,
    /// What the row was when we looked last; what of the provider is known since.
    row: Option<Row>,
    asked: bool,
    call: u64,
    sent: Option<(NodeId, Message)>,
}

#[derive(Clone, Debug, Hash)]
struct Api {
    config: Config,
    waiting: Vec<Waiting>,
}

impl Api {
    fn look(&mut self, i: usize, cx: &mut Cx<'_>) {
        let call = cx.random(0..=u64::MAX);
        let at = self.waiting[i].by;
        self.send(
            i,
            call,
            self.config.database,
            Message::Read { call, at },
            cx,
        );
    }

    fn send(&mut self, i: usize, call: u64, to: NodeId, message: Message, cx: &mut Cx<'_>) {
        cx.send(to, message.clone());
        self.waiting[i].call = call;
        self.waiting[i].sent = Some((to, message));
    }

    fn write(&mut self, i: usize, record: Record, expects: Version, cx: &mut Cx<'_>) {
        let call = cx.random(0..=u64::MAX);
        let at = self.waiting[i].by;
        let keep = Some(self.config.keeps * 2);
        let message = Message::Write {
            call,
            at,
            record,
            expects,
            keep,
        };
        self.send(i, call, self.config.database, message, cx);
    }

    fn answer(&mut self, i: usize, response: Response, cx: &mut Cx<'_>) {
        let waiting = self.waiting.swap_remove(i);
        cx.reply(waiting.ticket, response);
    }

    fn go_on(&mut self, i: usize, cx: &mut Cx<'_>) {
        let Waiting { by, body, row, .. } = self.waiting[i].clone();
        let call = cx.random(0..=u64::MAX);
        let Some(row) = row else {
            let record = Record {
                body,
                ..Record::default()
            };
            return self.write(i, record, Version(0), cx);
        };
        let record = row.record;
        if record.body != body {
            return self.answer(i, Response::Conflict, cx);
        }
        match record.stage {
            Stage::Created => self.answer(i, Response::Created(record.order), cx),
            Stage::Declined => self.answer(i, Response::Declined, cx),
            Stage::Started => {
                let record = Record {
                    order: OrderId(row.version.0),
                    stage: Stage::Charging,
                    ..record
                };
                self.write(i, record, row.version, cx);
            }
            Stage::Charging if !self.waiting[i].asked => {
                let order = record.order;
                let find = Message::Find { call, order };
                self.send(i, call, self.config.provider, find, cx);
            }
            Stage::Charging => {
                let order = record.order;
                let amount = body.amount;
                let charge = Charge { order, by, amount };
                let key = ChargeKey(order.0);
                let message = Message::Charge { call, key, charge };
                self.send(i, call, self.config.provider, message, cx);
            }
            Stage::Paid => {
                let id = record.order;
                let order = Order { by, body };
                let place = Message::Place { call, id, order };
                self.send(i, call, self.config.database, place, cx);
            }
        }
    }

    fn to_stage(&mut self, i: usize, stage: Stage, cx: &mut Cx<'_>) {
        if let Some(row) = self.waiting[i].row {
            let record = Record {
                stage,
                ..row.record
            };
            self.write(i, record, row.version, cx);
        }
    }
}

impl Node<IdempotentOrders> for Api {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Api {
            config: config.clone(),
            waiting: Vec::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        self.waiting.push(Waiting {
            ticket,
            by,
            body,
            ticks: 0,
            row: None,
            asked: false,
            call: 0,
            sent: None,
        });
        self.look(self.waiting.len() - 1, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Row { call, .. }
        | Message::Placed { call, .. }
        | Message::Charged { call, .. }
        | Message::Found { call, .. }) = message
        else {
            return;
        };
        let Some(i) = self.waiting.iter().position(|waiting| waiting.call == call) else {
            return;
        };
        match message {
            Message::Row { row, .. } => {
                let had_one = self.waiting[i].row.is_some();
                if had_one && row.is_none() {
                    return self.answer(i, Response::TryAgain, cx);
                }
                self.waiting[i].row = row;
                self.go_on(i, cx);
            }
            Message::Found { charge: None, .. } => {
                self.waiting[i].asked = true;
                self.go_on(i, cx);
            }
            Message::Found { .. } => self.to_stage(i, Stage::Paid, cx),
            Message::Charged { outcome, .. } => match outcome {
                Outcome::Paid => self.to_stage(i, Stage::Paid, cx),
                Outcome::Declined => self.to_stage(i, Stage::Declined, cx),
                Outcome::Failed => self.answer(i, Response::TryAgain, cx),
                Outcome::KeyReused => unreachable!("no two orders have one number"),
            },
            Message::Placed { .. } => self.to_stage(i, Stage::Created, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
        for i in (0..self.waiting.len()).rev() {
            self.waiting[i].ticks += 1;
            if self.waiting[i].ticks > 46 {
                self.answer(i, Response::TryAgain, cx);
            } else if self.waiting[i].ticks.is_multiple_of(4)
                && let Some((to, message)) = self.waiting[i].sent.clone()
            {
                cx.send(to, message);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Api>)
}
