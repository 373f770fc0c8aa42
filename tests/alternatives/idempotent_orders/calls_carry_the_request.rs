//! One table of calls under way: each call carries all of its request with it, and its answer is the only thing that leads on. An order's number is the version of
//! the first record: the database gives it to nobody else. The provider's key is that number, too.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

const LIFE: Duration = Duration::from_millis(750);
const AGAIN: Duration = Duration::from_millis(50);

/// A request, and what is known for it.
#[derive(Clone, Copy, Debug, Hash)]
struct Job {
    ticket: Ticket,
    by: Asked,
    body: Body,
    until: Time,
    /// The record that has the number of the order.
    row: Option<Row>,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    /// What is under way, by the number of the call.
    calls: BTreeMap<u64, (Job, Message)>,
}

impl Server {
    fn to(&self, message: &Message) -> NodeId {
        match message {
            Message::Charge { .. } | Message::Find { .. } => self.config.provider,
            _ => self.config.database,
        }
    }

    fn call(&mut self, job: Job, call: u64, message: Message, cx: &mut Cx<'_>) {
        cx.send(self.to(&message), message.clone());
        cx.set_timer(Timer::Call(call), AGAIN);
        self.calls.insert(call, (job, message));
    }

    /// The job whose call that is, which is over with it; `None` if its time is over, too.
    fn over(&mut self, call: u64, cx: &mut Cx<'_>) -> Option<Job> {
        let (job, _) = self.calls.remove(&call)?;
        cx.cancel_timer(Timer::Call(call));
        if cx.now() >= job.until {
            cx.reply(job.ticket, Response::TryAgain);
            return None;
        }
        Some(job)
    }

    fn write(&mut self, job: Job, record: Record, expects: Version, cx: &mut Cx<'_>) {
        let call = cx.random(0..=u64::MAX);
        let keep = Some(self.config.keeps.saturating_mul(2));
        self.call(
            job,
            call,
            Message::Write {
                call,
                at: job.by,
                record,
                expects,
                keep,
            },
            cx,
        );
    }

    fn stands(&mut self, mut job: Job, row: Option<Row>, now: Time, cx: &mut Cx<'_>) {
        let Some(row) = row else {
            let record = Record {
                body: job.body,
                ..Record::default()
            };
            return self.write(job, record, Version(0), cx);
        };
        let Record {
            body, order, stage, ..
        } = row.record;
        if body != job.body {
            return cx.reply(job.ticket, Response::Conflict);
        }
        match stage {
            Stage::Created => cx.reply(job.ticket, Response::Created(order)),
            Stage::Declined => cx.reply(job.ticket, Response::Declined),
            Stage::Started => {
                let order = OrderId(row.version.0);
                let record = Record {
                    order,
                    stage: Stage::Charging,
                    ..row.record
                };
                self.write(job, record, row.version, cx);
            }
            // Half of its life is over: before anything is done for it, it is made to last.
            _ if now.since(row.written) > self.config.keeps => {
                self.write(job, row.record, row.version, cx)
            }
            Stage::Charging | Stage::Paid => {
                job.row = Some(row);
                let call = cx.random(0..=u64::MAX);
                self.call(job, call, Message::Find { call, order }, cx);
            }
        }
    }

    fn end(&mut self, job: Job, stage: Stage, cx: &mut Cx<'_>) {
        if let Some(row) = job.row {
            self.write(
                job,
                Record {
                    stage,
                    ..row.record
                },
                row.version,
                cx,
            );
        }
    }

    fn charge(&mut self, job: Job, cx: &mut Cx<'_>) {
        let Some(row) = job.row else { return };
        let order = row.record.order;
        let call = cx.random(0..=u64::MAX);
        let charge = Charge {
            order,
            by: job.by,
            amount: job.body.amount,
        };
        self.call(
            job,
            call,
            Message::Charge {
                call,
                key: ChargeKey(order.0),
                charge,
            },
            cx,
        );
    }

    fn place(&mut self, job: Job, cx: &mut Cx<'_>) {
        let Some(row) = job.row else { return };
        let call = cx.random(0..=u64::MAX);
        let order = Order {
            by: job.by,
            body: job.body,
        };
        self.call(
            job,
            call,
            Message::Place {
                call,
                id: row.record.order,
                order,
            },
            cx,
        );
    }
}

impl Node<IdempotentOrders> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Server {
            config: config.clone(),
            calls: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        let job = Job {
            ticket,
            by,
            body,
            until: cx.now() + LIFE,
            row: None,
        };
        let call = cx.random(0..=u64::MAX);
        self.call(job, call, Message::Read { call, at: by }, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Row { call, row, now, .. } => {
                if let Some(job) = self.over(call, cx) {
                    self.stands(job, row, now, cx);
                }
            }
            Message::Found { call, charge, .. } => {
                if let Some(job) = self.over(call, cx) {
                    match charge {
                        Some(_) => self.place(job, cx),
                        None => self.charge(job, cx),
                    }
                }
            }
            // Not known yet: the timer asks again, if nothing better comes before.
            Message::Charged {
                outcome: Outcome::Failed | Outcome::KeyReused,
                ..
            } => {}
            Message::Charged { call, outcome, .. } => {
                if let Some(job) = self.over(call, cx) {
                    match outcome {
                        Outcome::Paid => self.place(job, cx),
                        _ => self.end(job, Stage::Declined, cx),
                    }
                }
            }
            Message::Placed { call, .. } => {
                if let Some(job) = self.over(call, cx) {
                    self.end(job, Stage::Created, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Call(call) = timer else { return };
        let Some((_, message)) = self.calls.get(&call).cloned() else {
            return;
        };
        if let Some(job) = self.over(call, cx) {
            self.call(job, call, message, cx);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
