//! Without a lock: each request walks on its own from what stands in the database, and whoever else walks there takes the same steps. One order number for each
//! record, which is the provider's key, too: two that charge at once are one charge. Whoever comes late looks first (Find).

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

/// A request is answered after this time, if only with TryAgain; and nothing is done for it any more.
const LIFE: Duration = Duration::from_millis(800);
/// A call that has no answer is made again.
const AGAIN: Duration = Duration::from_millis(60);

/// One request on its way.
#[derive(Clone, Debug, Hash)]
struct Run {
    ticket: Ticket,
    by: Asked,
    body: Body,
    began: Time,
    /// The call that is waited for: its number, to whom, and what.
    call: u64,
    to: NodeId,
    message: Option<Message>,
    /// What stood there last.
    row: Option<Row>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    /// By number of ticket.
    runs: BTreeMap<u32, Run>,
}

impl Server {
    /// Makes a call for this request, in place of the one before it.
    fn call(&mut self, id: u32, to: NodeId, make: impl FnOnce(u64) -> Message, cx: &mut Cx<'_>) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        cx.cancel_timer(Timer::Call(run.call));
        run.call = cx.random(1..=u64::MAX);
        run.to = to;
        let message = make(run.call);
        run.message = Some(message.clone());
        cx.send(to, message);
        cx.set_timer(Timer::Call(run.call), AGAIN);
    }

    fn answer(&mut self, id: u32, response: Response, cx: &mut Cx<'_>) {
        if let Some(run) = self.runs.remove(&id) {
            cx.cancel_timer(Timer::Call(run.call));
            cx.cancel_timer(Timer::Ticket(id));
            cx.reply(run.ticket, response);
        }
    }

    /// Whose answer is that? Nobody's, if it comes again, or too late: then the request is answered.
    fn waits(&mut self, call: u64, cx: &mut Cx<'_>) -> Option<u32> {
        let run = self.runs.values().find(|run| run.call == call)?;
        let id = run.ticket.number();
        if cx.now().since(run.began) >= LIFE {
            self.answer(id, Response::TryAgain, cx);
            return None;
        }
        Some(id)
    }

    fn write(&mut self, id: u32, record: Record, expects: Version, cx: &mut Cx<'_>) {
        let at = self.runs[&id].by;
        let keep = Some(self.config.keeps * 2);
        let write = |call| Message::Write {
            call,
            at,
            record,
            expects,
            keep,
        };
        self.call(id, self.config.database, write, cx);
    }

    /// This stands there now, whoever wrote it: what is next?
    fn next(&mut self, id: u32, row: Option<Row>, now: Time, cx: &mut Cx<'_>) {
        let (by, body) = (self.runs[&id].by, self.runs[&id].body);
        let Some(row) = row else {
            let order = OrderId(cx.random(1..=u64::MAX));
            let record = Record {
                body,
                order,
                stage: Stage::Started,
                ..Record::default()
            };
            return self.write(id, record, Version(0), cx);
        };
        if row.record.body != body {
            return self.answer(id, Response::Conflict, cx);
        }
        match row.record.stage {
            Stage::Created => return self.answer(id, Response::Created(row.record.order), cx),
            Stage::Declined => return self.answer(id, Response::Declined, cx),
            Stage::Started | Stage::Charging | Stage::Paid => {}
        }
        if now.since(row.written) > self.config.keeps {
            // It must not be deleted while this goes on.
            return self.write(id, row.record, row.version, cx);
        }
        if let Some(run) = self.runs.get_mut(&id) {
            run.row = Some(row);
        }
        let order = row.record.order;
        self.call(
            id,
            self.config.provider,
            |call| Message::Find { call, order },
            cx,
        );
    }

    fn charge(&mut self, id: u32, cx: &mut Cx<'_>) {
        let run = &self.runs[&id];
        let Some(row) = run.row else { return };
        let order = row.record.order;
        let charge = Charge {
            order,
            by: run.by,
            amount: run.body.amount,
        };
        let key = ChargeKey(order.0);
        self.call(
            id,
            self.config.provider,
            |call| Message::Charge { call, key, charge },
            cx,
        );
    }

    fn place(&mut self, id: u32, cx: &mut Cx<'_>) {
        let run = &self.runs[&id];
        let Some(row) = run.row else { return };
        let order = Order {
            by: run.by,
            body: run.body,
        };
        let place = |call| Message::Place {
            call,
            id: row.record.order,
            order,
        };
        self.call(id, self.config.database, place, cx);
    }

    /// Writes down that this is the end.
    fn end(&mut self, id: u32, stage: Stage, cx: &mut Cx<'_>) {
        let Some(row) = self.runs[&id].row else {
            return;
        };
        let record = Record {
            stage,
            ..row.record
        };
        self.write(id, record, row.version, cx);
    }
}

impl Node<IdempotentOrders> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Server {
            config: config.clone(),
            runs: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        let id = ticket.number();
        let to = self.config.database;
        let began = cx.now();
        let run = Run {
            ticket,
            by,
            body,
            began,
            call: 0,
            to,
            message: None,
            row: None,
        };
        self.runs.insert(id, run);
        cx.set_timer(Timer::Ticket(id), LIFE);
        self.call(id, to, |call| Message::Read { call, at: by }, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Row {
                call,
                at,
                written,
                row,
                now,
            } => {
                let Some(id) = self.waits(call, cx) else {
                    return;
                };
                self.next(id, row, now, cx);
            }
            Message::Found {
                call,
                order,
                charge,
            } => {
                let Some(id) = self.waits(call, cx) else {
                    return;
                };
                match charge {
                    Some(_) => self.place(id, cx),
                    None => self.charge(id, cx),
                }
            }
            Message::Charged { call, key, outcome } => {
                let Some(id) = self.waits(call, cx) else {
                    return;
                };
                match outcome {
                    Outcome::Paid => self.place(id, cx),
                    Outcome::Declined => self.end(id, Stage::Declined, cx),
                    // The timer of this call makes it again.
                    Outcome::Failed => {}
                    Outcome::KeyReused => self.answer(id, Response::TryAgain, cx),
                }
            }
            Message::Placed {
                call,
                id: number,
                order,
            } => {
                let Some(id) = self.waits(call, cx) else {
                    return;
                };
                let run = &self.runs[&id];
                if order
                    == (Order {
                        by: run.by,
                        body: run.body,
                    })
                {
                    self.end(id, Stage::Created, cx);
                } else {
                    self.answer(id, Response::TryAgain, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Call(call) => {
                let Some(id) = self.waits(call, cx) else {
                    return;
                };
                let run = &self.runs[&id];
                if let Some(message) = run.message.clone() {
                    cx.send(run.to, message);
                    cx.set_timer(Timer::Call(call), AGAIN);
                }
            }
            Timer::Ticket(id) => self.answer(id, Response::TryAgain, cx),
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
