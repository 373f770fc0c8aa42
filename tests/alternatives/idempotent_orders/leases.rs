//! One server at a time works on a key: it holds a lease, written in the record, by the clock of the database. Twins read the record again and again, and
//! take over when the lease has run out; only then is the provider asked what it has taken.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

const LEASE_US: u64 = 700_000;

#[derive(Clone, Debug, Hash)]
struct Job {
    by: Asked,
    body: Body,
    me: u64,
    row: Option<Row>,
    taken_over: bool,
    /// What was sent last, and may be sent again.
    sent: Option<(NodeId, Message)>,
}

#[derive(Clone, Debug, Hash)]
struct Api {
    config: Config,
    /// One job a ticket: twins in one process are no different from twins in two.
    jobs: BTreeMap<Ticket, Job>,
}

impl Api {
    fn send(&mut self, ticket: Ticket, to: NodeId, message: Message, cx: &mut Cx<'_>) {
        if let Some(job) = self.jobs.get_mut(&ticket) {
            job.sent = Some((to, message.clone()));
            cx.send(to, message);
            cx.set_timer(Timer::Ticket(ticket.number()), Duration::from_millis(70));
        }
    }

    fn done(&mut self, ticket: Ticket, response: Response, cx: &mut Cx<'_>) {
        if self.jobs.remove(&ticket).is_some() {
            cx.cancel_timer(Timer::Ticket(ticket.number()));
            cx.cancel_timer(Timer::Call(u64::from(ticket.number())));
            cx.reply(ticket, response);
        }
    }

    fn write(&mut self, ticket: Ticket, record: Record, expects: Version, cx: &mut Cx<'_>) {
        let at = self.jobs[&ticket].by;
        let keep = Some(self.config.keeps + Duration::from_secs(5));
        let call = cx.random(0..=u64::MAX);
        let to = self.config.database;
        self.send(
            ticket,
            to,
            Message::Write {
                call,
                at,
                record,
                expects,
                keep,
            },
            cx,
        );
    }

    fn row(&mut self, ticket: Ticket, row: Option<Row>, now: Time, cx: &mut Cx<'_>) {
        let job = self.jobs.get_mut(&ticket).unwrap();
        job.row = row;
        let until = now.as_micros() + LEASE_US;
        let Some(row) = row else {
            let record = Record {
                body: job.body,
                order: OrderId(cx.random(0..=u64::MAX)),
                owner: job.me,
                note: until,
                ..Record::default()
            };
            return self.write(ticket, record, Version(0), cx);
        };
        let record = row.record;
        if record.body != job.body {
            return self.done(ticket, Response::Conflict, cx);
        }
        match record.stage {
            Stage::Created => self.done(ticket, Response::Created(record.order), cx),
            Stage::Declined => self.done(ticket, Response::Declined, cx),
            Stage::Paid if record.owner == job.me => self.place(ticket, cx),
            _ if record.owner == job.me && job.taken_over => {
                let call = cx.random(0..=u64::MAX);
                let to = self.config.provider;
                let order = record.order;
                self.send(ticket, to, Message::Find { call, order }, cx);
            }
            _ if record.owner == job.me => self.charge(ticket, cx),
            _ if now.as_micros() > record.note => {
                job.taken_over = true;
                let record = Record {
                    owner: job.me,
                    note: until,
                    ..record
                };
                self.write(ticket, record, row.version, cx);
            }
            _ => {
                job.sent = None;
                let wait = Duration::from_millis(25);
                cx.set_timer(Timer::Ticket(ticket.number()), wait);
            }
        }
    }

    fn charge(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let job = &self.jobs[&ticket];
        let order = job.row.unwrap().record.order;
        let charge = Charge {
            order,
            by: job.by,
            amount: job.body.amount,
        };
        let call = cx.random(0..=u64::MAX);
        let key = ChargeKey(order.0 ^ 0x5a5a);
        let to = self.config.provider;
        self.send(ticket, to, Message::Charge { call, key, charge }, cx);
    }

    fn place(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let job = &self.jobs[&ticket];
        let (id, by, body) = (job.row.unwrap().record.order, job.by, job.body);
        let call = cx.random(0..=u64::MAX);
        let to = self.config.database;
        let order = Order { by, body };
        self.send(ticket, to, Message::Place { call, id, order }, cx);
    }

    fn stage(&mut self, ticket: Ticket, stage: Stage, cx: &mut Cx<'_>) {
        let row = self.jobs[&ticket].row.unwrap();
        let record = Record {
            stage,
            ..row.record
        };
        self.write(ticket, record, row.version, cx);
    }
}

fn call_of(message: &Message) -> u64 {
    match message {
        Message::Read { call, .. }
        | Message::Write { call, .. }
        | Message::Row { call, .. }
        | Message::Place { call, .. }
        | Message::Placed { call, .. }
        | Message::Charge { call, .. }
        | Message::Charged { call, .. }
        | Message::Find { call, .. }
        | Message::Found { call, .. } => *call,
    }
}

impl Node<IdempotentOrders> for Api {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Api {
            config: config.clone(),
            jobs: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        let me = cx.random(1..=u64::MAX);
        let job = Job {
            by,
            body,
            me,
            row: None,
            taken_over: false,
            sent: None,
        };
        self.jobs.insert(ticket, job);
        cx.set_timer(
            Timer::Call(u64::from(ticket.number())),
            Duration::from_millis(950),
        );
        let call = cx.random(0..=u64::MAX);
        let to = self.config.database;
        self.send(ticket, to, Message::Read { call, at: by }, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let call = call_of(&message);
        let sent = |job: &Job| matches!(&job.sent, Some((_, message)) if call_of(message) == call);
        let Some(ticket) = self.jobs.iter().find(|(_, job)| sent(job)).map(|(t, _)| *t) else {
            return;
        };
        match message {
            Message::Row { row, now, .. } => self.row(ticket, row, now, cx),
            Message::Found { charge: None, .. } => self.charge(ticket, cx),
            Message::Found { .. } => self.stage(ticket, Stage::Paid, cx),
            Message::Charged { outcome, .. } => match outcome {
                Outcome::Paid => self.stage(ticket, Stage::Paid, cx),
                Outcome::Declined => self.stage(ticket, Stage::Declined, cx),
                _ => {
                    // Let the next one go on at once: the lease is given up.
                    let row = self.jobs[&ticket].row.unwrap();
                    let record = Record {
                        note: 0,
                        ..row.record
                    };
                    let at = self.jobs[&ticket].by;
                    let write = Message::Write {
                        call: 0,
                        at,
                        record,
                        expects: row.version,
                        keep: Some(self.config.keeps),
                    };
                    cx.send(self.config.database, write);
                    self.done(ticket, Response::TryAgain, cx);
                }
            },
            Message::Placed { .. } => self.stage(ticket, Stage::Created, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Call(number) => {
                let late = |t: &&Ticket| u64::from(t.number()) == number;
                if let Some(ticket) = self.jobs.keys().find(late).copied() {
                    self.done(ticket, Response::TryAgain, cx);
                }
            }
            Timer::Ticket(number) => {
                let of = |t: &&Ticket| t.number() == number;
                let Some(ticket) = self.jobs.keys().find(of).copied() else {
                    return;
                };
                let (to, message) = match self.jobs[&ticket].sent.clone() {
                    Some(sent) => sent,
                    None => {
                        let at = self.jobs[&ticket].by;
                        let call = cx.random(0..=u64::MAX);
                        (self.config.database, Message::Read { call, at })
                    }
                };
                self.send(ticket, to, message, cx);
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Api>)
}
