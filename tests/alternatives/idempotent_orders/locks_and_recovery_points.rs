//! As in Leach's "Implementing Stripe-like Idempotency Keys in Postgres": a record is locked for a while by who works on it, and walks through recovery points
//! (Started, Paid, Created); whoever finds a lock that is too old takes it over, and looks (Find) before it charges.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

/// A run ends after this time: whoever waits is told to try again.
const LIFE: Duration = Duration::from_millis(800);
/// A lock is good for so long after it was written, by the clock of the database.
const LOCK: Duration = Duration::from_millis(1_200);
const AGAIN: Duration = Duration::from_millis(60);

/// Work on one key.
#[derive(Clone, Debug, Hash)]
struct Run {
    body: Body,
    waiting: Vec<Ticket>,
    began: Time,
    /// A number that nobody else has: it stands in the record when the lock is ours.
    me: u64,
    call: u64,
    to: NodeId,
    message: Option<Message>,
    /// The record with our lock.
    row: Option<Row>,
    /// Whether another one may have charged for this order before.
    looks: bool,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    runs: BTreeMap<Asked, Run>,
}

impl Server {
    fn call(&mut self, by: Asked, to: NodeId, make: impl FnOnce(u64) -> Message, cx: &mut Cx<'_>) {
        let Some(run) = self.runs.get_mut(&by) else {
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

    fn write(&mut self, by: Asked, record: Record, expects: Version, cx: &mut Cx<'_>) {
        let keep = Some(self.config.keeps * 2);
        let database = self.config.database;
        self.call(
            by,
            database,
            |call| Message::Write {
                call,
                at: by,
                record,
                expects,
                keep,
            },
            cx,
        );
    }

    /// The run ends with that answer for all who wait.
    fn end(&mut self, by: Asked, response: Response, cx: &mut Cx<'_>) {
        if let Some(run) = self.runs.remove(&by) {
            cx.cancel_timer(Timer::Call(run.call));
            cx.cancel_timer(Timer::Of(by));
            for ticket in run.waiting {
                cx.reply(ticket, response);
            }
        }
    }

    /// Whose call was that? An answer that comes too late ends the run.
    fn whose(&mut self, call: u64, cx: &mut Cx<'_>) -> Option<Asked> {
        let (by, run) = self.runs.iter().find(|(_, run)| run.call == call)?;
        let by = *by;
        if cx.now().since(run.began) >= LIFE {
            self.end(by, Response::TryAgain, cx);
            return None;
        }
        Some(by)
    }

    fn row(&mut self, by: Asked, row: Option<Row>, now: Time, cx: &mut Cx<'_>) {
        let Some(run) = self.runs.get_mut(&by) else {
            return;
        };
        let (me, body) = (run.me, run.body);
        let Some(row) = row else {
            // Atomic phase 1: the key, and the lock with it. Nobody can have charged for a number that did not exist.
            run.looks = false;
            let order = OrderId(cx.random(1..=u64::MAX));
            let record = Record {
                body,
                order,
                stage: Stage::Started,
                owner: me,
                note: 0,
            };
            return self.write(by, record, Version(0), cx);
        };
        if row.record.body != body {
            return self.end(by, Response::Conflict, cx);
        }
        match row.record.stage {
            Stage::Created => return self.end(by, Response::Created(row.record.order), cx),
            Stage::Declined => return self.end(by, Response::Declined, cx),
            Stage::Started | Stage::Charging | Stage::Paid => {}
        }
        if row.record.owner != me {
            if now.since(row.written) < LOCK {
                return self.end(by, Response::TryAgain, cx);
            }
            run.looks = true;
            let record = Record {
                owner: me,
                ..row.record
            };
            return self.write(by, record, row.version, cx);
        }
        run.row = Some(row);
        if row.record.stage == Stage::Paid {
            let id = row.record.order;
            let order = Order { by, body };
            let database = self.config.database;
            return self.call(by, database, |call| Message::Place { call, id, order }, cx);
        }
        if run.looks {
            let order = row.record.order;
            let provider = self.config.provider;
            return self.call(by, provider, |call| Message::Find { call, order }, cx);
        }
        self.charge(by, cx);
    }

    fn charge(&mut self, by: Asked, cx: &mut Cx<'_>) {
        let Some(run) = self.runs.get(&by) else {
            return;
        };
        let Some(row) = run.row else { return };
        let order = row.record.order;
        let charge = Charge {
            order,
            by,
            amount: run.body.amount,
        };
        let key = ChargeKey(order.0);
        let provider = self.config.provider;
        self.call(
            by,
            provider,
            |call| Message::Charge { call, key, charge },
            cx,
        );
    }

    /// The next recovery point; the lock is ours still, and fresh.
    fn reached(&mut self, by: Asked, stage: Stage, cx: &mut Cx<'_>) {
        let Some(row) = self.runs.get(&by).and_then(|run| run.row) else {
            return;
        };
        self.write(
            by,
            Record {
                stage,
                ..row.record
            },
            row.version,
            cx,
        );
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
        if let Some(run) = self.runs.get_mut(&by) {
            if run.body == body {
                run.waiting.push(ticket);
            } else {
                // Which of them is first stands in the database, and is not known here yet.
                cx.reply(ticket, Response::TryAgain);
            }
            return;
        }
        let me = cx.random(1..=u64::MAX);
        let to = self.config.database;
        let began = cx.now();
        let waiting = vec![ticket];
        let run = Run {
            body,
            waiting,
            began,
            me,
            call: 0,
            to,
            message: None,
            row: None,
            looks: true,
        };
        self.runs.insert(by, run);
        cx.set_timer(Timer::Of(by), LIFE);
        self.call(by, to, |call| Message::Read { call, at: by }, cx);
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
                let Some(by) = self.whose(call, cx) else {
                    return;
                };
                self.row(by, row, now, cx);
            }
            Message::Found {
                call,
                order,
                charge,
            } => {
                let Some(by) = self.whose(call, cx) else {
                    return;
                };
                match charge {
                    Some(_) => self.reached(by, Stage::Paid, cx),
                    None => self.charge(by, cx),
                }
            }
            Message::Charged { call, key, outcome } => {
                let Some(by) = self.whose(call, cx) else {
                    return;
                };
                match outcome {
                    Outcome::Paid => self.reached(by, Stage::Paid, cx),
                    Outcome::Declined => self.reached(by, Stage::Declined, cx),
                    // Asked again by the timer.
                    Outcome::Failed | Outcome::KeyReused => {}
                }
            }
            Message::Placed { call, .. } => {
                let Some(by) = self.whose(call, cx) else {
                    return;
                };
                self.reached(by, Stage::Created, cx);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Call(call) => {
                let Some(by) = self.whose(call, cx) else {
                    return;
                };
                let run = &self.runs[&by];
                if let Some(message) = run.message.clone() {
                    cx.send(run.to, message);
                    cx.set_timer(Timer::Call(call), AGAIN);
                }
            }
            Timer::Of(by) => self.end(by, Response::TryAgain, cx),
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
