//! Each message leaves twice, at once. A record is read before one is written, and the end is read once more, before the client is told.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

/// A call that was not answered is made again after this, and so often.
const AGAIN: Duration = Duration::from_millis(60);
const CALLS_MAX: u32 = 12;

/// What a run waits for. Until the record is known, nothing else is.
#[derive(Clone, Copy, Debug, PartialEq, Hash)]
enum Step {
    /// What stands there.
    Look,
    /// That mine stands, or that of whoever was first.
    Claim,
    /// That what stands there is read back, before anybody is told.
    Check,
    /// Whether the provider has taken the money already, for a twin or before a crash.
    Find(Row),
    /// That it takes it.
    Charge(Row),
    /// That the order stands.
    Place(Row),
    /// That the end stands in the record.
    Finish(Row, Stage),
}

#[derive(Clone, Debug, Hash)]
struct Run {
    body: Body,
    tickets: Vec<Ticket>,
    step: Step,
    call: u64,
    calls: u32,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    /// The runs under way, by whose they are.
    runs: BTreeMap<Asked, Run>,
}

impl Server {
    /// Goes on to a step, whose call gets a number that no other one had, in no life.
    fn go(&mut self, by: Asked, step: Step, cx: &mut Cx<'_>) {
        let Some(run) = self.runs.get_mut(&by) else {
            return;
        };
        run.step = step;
        run.call = cx.random(0..=u64::MAX);
        self.call(by, cx);
    }

    fn call(&mut self, by: Asked, cx: &mut Cx<'_>) {
        let Some(run) = self.runs.get_mut(&by) else {
            return;
        };
        run.calls += 1;
        let (body, call) = (run.body, run.call);
        let keep = Some(self.config.keeps);
        let (to, message) = match run.step {
            Step::Look | Step::Check => (self.config.database, Message::Read { call, at: by }),
            // The number of the order is written down before anything is done for it. If a record stands there, the database says which.
            Step::Claim => {
                let order = OrderId(call);
                let record = Record {
                    body,
                    order,
                    ..Record::default()
                };
                let write = Message::Write {
                    call,
                    at: by,
                    record,
                    expects: Version(0),
                    keep,
                };
                (self.config.database, write)
            }
            Step::Find(row) => {
                let order = row.record.order;
                (self.config.provider, Message::Find { call, order })
            }
            Step::Charge(row) => {
                let order = row.record.order;
                let charge = Charge {
                    order,
                    by,
                    amount: body.amount,
                };
                let key = ChargeKey(order.0);
                (self.config.provider, Message::Charge { call, key, charge })
            }
            Step::Place(row) => {
                let id = row.record.order;
                let order = Order { by, body };
                (self.config.database, Message::Place { call, id, order })
            }
            Step::Finish(row, stage) => {
                let record = Record {
                    stage,
                    ..row.record
                };
                let write = Message::Write {
                    call,
                    at: by,
                    record,
                    expects: row.version,
                    keep,
                };
                (self.config.database, write)
            }
        };
        cx.send(to, message.clone());
        cx.send(to, message);
        cx.set_timer(Timer::Of(by), AGAIN);
    }

    /// All who wait for this run are told, and it is over. What it has done stands where the next one finds it.
    fn end(&mut self, by: Asked, response: Response, cx: &mut Cx<'_>) {
        cx.cancel_timer(Timer::Of(by));
        for ticket in self
            .runs
            .remove(&by)
            .into_iter()
            .flat_map(|run| run.tickets)
        {
            cx.reply(ticket, response);
        }
    }

    /// The database says what stands in the record.
    fn reads(&mut self, by: Asked, run: &Run, row: Option<Row>, cx: &mut Cx<'_>) {
        match (row, run.step) {
            (Some(row), _) if row.record.body != run.body => self.end(by, Response::Conflict, cx),
            (None, Step::Look) => self.go(by, Step::Claim, cx),
            (Some(row), Step::Finish(..)) if row.record.stage != Stage::Started => {
                self.go(by, Step::Check, cx);
            }
            (Some(row), _) if row.record.stage == Stage::Created => {
                self.end(by, Response::Created(row.record.order), cx);
            }
            (Some(row), _) if row.record.stage == Stage::Declined => {
                self.end(by, Response::Declined, cx);
            }
            (Some(row), Step::Look | Step::Claim) => self.go(by, Step::Find(row), cx),
            (Some(row), Step::Finish(mine, stage)) if mine.record.order == row.record.order => {
                self.go(by, Step::Finish(row, stage), cx);
            }
            // The record has expired under our hands: whoever asks again begins anew.
            _ => self.end(by, Response::TryAgain, cx),
        }
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
        match self.runs.get_mut(&by) {
            Some(run) if run.body == body => run.tickets.push(ticket),
            // Which of the two bodies was first the database knows, and nobody here yet.
            Some(_) => cx.reply(ticket, Response::TryAgain),
            None => {
                let run = Run {
                    body,
                    tickets: vec![ticket],
                    step: Step::Look,
                    call: 0,
                    calls: 0,
                };
                self.runs.insert(by, run);
                self.go(by, Step::Look, cx);
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Row { call, .. }
        | Message::Placed { call, .. }
        | Message::Charged { call, .. }
        | Message::Found { call, .. }) = message
        else {
            return;
        };
        // An answer to an earlier step, or to an earlier life, says nothing of now.
        let waits = |(_, run): &(&Asked, &Run)| run.call == call;
        let Some((by, run)) = self.runs.iter().find(waits) else {
            return;
        };
        let (by, run) = (*by, run.clone());
        match (message, run.step) {
            (Message::Row { row, .. }, _) => self.reads(by, &run, row, cx),
            (Message::Found { charge, .. }, Step::Find(row)) => match charge {
                Some(_) => self.go(by, Step::Place(row), cx),
                None => self.go(by, Step::Charge(row), cx),
            },
            (Message::Charged { outcome, .. }, Step::Charge(row)) => match outcome {
                Outcome::Paid => self.go(by, Step::Place(row), cx),
                Outcome::Declined => self.go(by, Step::Finish(row, Stage::Declined), cx),
                Outcome::Failed | Outcome::KeyReused => self.end(by, Response::TryAgain, cx),
            },
            (Message::Placed { .. }, Step::Place(row)) => {
                self.go(by, Step::Finish(row, Stage::Created), cx);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Of(by) = timer else { return };
        match self.runs.get(&by) {
            Some(run) if run.calls < CALLS_MAX => self.call(by, cx),
            _ => self.end(by, Response::TryAgain, cx),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
