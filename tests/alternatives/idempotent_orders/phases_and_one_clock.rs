//! A table of requests and one ticking clock: what a request waits for follows from its phase, and a phase begins with a new number of a call. Answers that are final
//! and young are kept for three seconds, a few of them, so that impatient clients do not reach the database.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

const LIFE: Duration = Duration::from_millis(800);
const TICK: Duration = Duration::from_millis(40);
const CACHED: Duration = Duration::from_millis(3_000);
const CACHE: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Reads,
    Writes(Record, Version),
    Finds,
    Charges,
    Places,
}

#[derive(Clone, Debug, Hash)]
struct Run {
    ticket: Ticket,
    by: Asked,
    body: Body,
    began: Time,
    phase: Phase,
    call: u64,
    /// The last record that was seen, and its version.
    record: Record,
    version: Version,
}

#[derive(Clone, Debug, Hash)]
struct Server {
    config: Config,
    runs: Vec<Run>,
    /// The oldest first: until when, for whom, and what.
    cache: Vec<(Time, Asked, Body, Response)>,
}

impl Server {
    fn ask(config: &Config, run: &Run, cx: &mut Cx<'_>) {
        let Run {
            by,
            body,
            call,
            record,
            ..
        } = *run;
        let order = record.order;
        let at = by;
        match run.phase {
            Phase::Reads => cx.send(config.database, Message::Read { call, at }),
            Phase::Writes(record, expects) => {
                let keep = Some(config.keeps * 2);
                cx.send(
                    config.database,
                    Message::Write {
                        call,
                        at,
                        record,
                        expects,
                        keep,
                    },
                );
            }
            Phase::Finds => cx.send(config.provider, Message::Find { call, order }),
            Phase::Charges => {
                let charge = Charge {
                    order,
                    by,
                    amount: body.amount,
                };
                cx.send(
                    config.provider,
                    Message::Charge {
                        call,
                        key: ChargeKey(order.0),
                        charge,
                    },
                );
            }
            Phase::Places => {
                let place = Message::Place {
                    call,
                    id: order,
                    order: Order { by, body },
                };
                cx.send(config.database, place);
            }
        }
    }

    /// Ends the run: its ticket is answered.
    fn answer(&mut self, place: usize, response: Response, cx: &mut Cx<'_>) {
        let run = self.runs.remove(place);
        cx.reply(run.ticket, response);
    }

    fn enter(&mut self, place: usize, phase: Phase, cx: &mut Cx<'_>) {
        let run = &mut self.runs[place];
        run.phase = phase;
        run.call = cx.random(0..=u64::MAX);
        Self::ask(&self.config, run, cx);
    }

    fn reaches(&mut self, place: usize, stage: Stage, cx: &mut Cx<'_>) {
        let run = &self.runs[place];
        let phase = Phase::Writes(
            Record {
                stage,
                ..run.record
            },
            run.version,
        );
        self.enter(place, phase, cx);
    }

    fn row(&mut self, place: usize, row: Option<Row>, now: Time, cx: &mut Cx<'_>) {
        let body = self.runs[place].body;
        let Some(Row {
            record,
            version,
            written,
            ..
        }) = row
        else {
            let order = OrderId(cx.random(0..=u64::MAX));
            let record = Record {
                body,
                order,
                ..Record::default()
            };
            return self.enter(place, Phase::Writes(record, Version::default()), cx);
        };
        let old = now.since(written) > self.config.keeps;
        let run = &mut self.runs[place];
        (run.record, run.version) = (record, version);
        if record.body != body {
            return self.answer(place, Response::Conflict, cx);
        }
        let response = match record.stage {
            Stage::Created => Response::Created(record.order),
            Stage::Declined => Response::Declined,
            stage if old => return self.reaches(place, stage, cx),
            Stage::Started => return self.reaches(place, Stage::Charging, cx),
            Stage::Charging => return self.enter(place, Phase::Finds, cx),
            Stage::Paid => return self.enter(place, Phase::Places, cx),
        };
        if !old {
            // Nothing changes there for the next ten seconds.
            let entry = (cx.now() + CACHED, run.by, body, response);
            self.cache.push(entry);
            if self.cache.len() > CACHE {
                self.cache.remove(0);
            }
        }
        self.answer(place, response, cx);
    }
}

impl Node<IdempotentOrders> for Server {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Server {
            config: config.clone(),
            runs: Vec::new(),
            cache: Vec::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        let now = cx.now();
        self.cache.retain(|(until, ..)| now < *until);
        if let Some((.., response)) = self
            .cache
            .iter()
            .find(|(_, b, o, _)| *b == by && *o == body)
        {
            return cx.reply(ticket, *response);
        }
        if self.runs.is_empty() {
            cx.set_timer(Timer::Tick, TICK);
        }
        let (record, version) = (Record::default(), Version::default());
        self.runs.push(Run {
            ticket,
            by,
            body,
            began: now,
            phase: Phase::Reads,
            call: 0,
            record,
            version,
        });
        self.enter(self.runs.len() - 1, Phase::Reads, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Row { call, .. }
        | Message::Found { call, .. }
        | Message::Charged { call, .. }
        | Message::Placed { call, .. }) = message
        else {
            return;
        };
        let Some(place) = self.runs.iter().position(|run| run.call == call) else {
            return;
        };
        if cx.now().since(self.runs[place].began) >= LIFE {
            return self.answer(place, Response::TryAgain, cx);
        }
        match message {
            Message::Row { row, now, .. } => self.row(place, row, now, cx),
            Message::Found {
                charge: Some(_), ..
            } => self.reaches(place, Stage::Paid, cx),
            Message::Found { charge: None, .. } => self.enter(place, Phase::Charges, cx),
            Message::Charged { outcome, .. } => match outcome {
                Outcome::Paid => self.reaches(place, Stage::Paid, cx),
                Outcome::Declined => self.reaches(place, Stage::Declined, cx),
                Outcome::Failed | Outcome::KeyReused => self.answer(place, Response::TryAgain, cx),
            },
            Message::Placed { .. } => self.reaches(place, Stage::Created, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let now = cx.now();
        for place in (0..self.runs.len()).rev() {
            if now.since(self.runs[place].began) >= LIFE {
                self.answer(place, Response::TryAgain, cx);
            } else {
                Self::ask(&self.config, &self.runs[place], cx);
            }
        }
        if !self.runs.is_empty() {
            cx.set_timer(Timer::Tick, TICK);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
