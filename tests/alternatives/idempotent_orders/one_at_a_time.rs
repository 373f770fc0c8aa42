//! A worker with a queue: one request is worked on at a time, those behind it wait, and a tick every 30 ms looks after both. Whoever waits for too long is
//! told to try again.

use splitbrain::exercises::idempotent_orders::{
    Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId, Outcome,
    Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

const TICK: Duration = Duration::from_millis(30);

#[derive(Clone, Debug, Hash)]
enum Doing {
    Nothing,
    Reading,
    Beginning,
    Asking,
    Charging,
    Placing,
    Ending(Stage),
}

#[derive(Clone, Debug, Hash)]
struct Worker {
    config: Config,
    queue: VecDeque<(Ticket, Request, u32)>,
    doing: Doing,
    row: Option<Row>,
    call: u64,
}

impl Worker {
    fn sends(&mut self, doing: Doing, cx: &mut Cx<'_>) {
        self.doing = doing;
        self.call = cx.random(0..=u64::MAX);
        self.repeats(cx);
    }

    fn repeats(&mut self, cx: &mut Cx<'_>) {
        let Some((_, Request::Post { by, body }, _)) = self.queue.front().copied() else {
            return;
        };
        let call = self.call;
        let row = self.row.unwrap_or(Row {
            record: Record {
                body,
                order: OrderId(call),
                ..Record::default()
            },
            version: Version(0),
            created: Time::ZERO,
            written: Time::ZERO,
        });
        let (record, expects) = (row.record, row.version);
        let (order, keep) = (record.order, Some(self.config.keeps));
        let write = |record| Message::Write {
            call,
            at: by,
            record,
            expects,
            keep,
        };
        let charge = Charge {
            order,
            by,
            amount: body.amount,
        };
        let message = match self.doing {
            Doing::Nothing => return,
            Doing::Reading => Message::Read { call, at: by },
            Doing::Beginning => write(record),
            Doing::Asking => Message::Find { call, order },
            Doing::Charging => Message::Charge {
                call,
                key: ChargeKey(order.0),
                charge,
            },
            Doing::Placing => Message::Place {
                call,
                id: order,
                order: Order { by, body },
            },
            Doing::Ending(stage) => write(Record { stage, ..record }),
        };
        let to = match self.doing {
            Doing::Asking | Doing::Charging => self.config.provider,
            _ => self.config.database,
        };
        cx.send(to, message);
    }

    fn next(&mut self, response: Response, cx: &mut Cx<'_>) {
        if let Some((ticket, ..)) = self.queue.pop_front() {
            cx.reply(ticket, response);
        }
        self.row = None;
        self.begins(cx);
    }

    fn begins(&mut self, cx: &mut Cx<'_>) {
        match self.queue.is_empty() {
            true => self.doing = Doing::Nothing,
            false => self.sends(Doing::Reading, cx),
        }
    }

    fn stands(&mut self, row: Option<Row>, wants: Body, cx: &mut Cx<'_>) {
        let had_one = self.row.is_some();
        self.row = row;
        let Some(Row { record, .. }) = row else {
            return match had_one {
                true => self.next(Response::TryAgain, cx),
                false => self.sends(Doing::Beginning, cx),
            };
        };
        match (record.stage, self.doing.clone()) {
            _ if record.body != wants => self.next(Response::Conflict, cx),
            (Stage::Created, _) => self.next(Response::Created(record.order), cx),
            (Stage::Declined, _) => self.next(Response::Declined, cx),
            (_, Doing::Ending(stage)) => self.sends(Doing::Ending(stage), cx),
            _ => self.sends(Doing::Asking, cx),
        }
    }
}

impl Node<IdempotentOrders> for Worker {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        let config = config.clone();
        Worker {
            config,
            queue: VecDeque::new(),
            doing: Doing::Nothing,
            row: None,
            call: 0,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        self.queue.push_back((ticket, request, 0));
        if let Doing::Nothing = self.doing {
            self.begins(cx);
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let Some((_, Request::Post { body, .. }, _)) = self.queue.front().copied() else {
            return;
        };
        match message {
            Message::Row { call, row, .. } if call == self.call => self.stands(row, body, cx),
            Message::Found { call, charge, .. } if call == self.call => match charge {
                Some(_) => self.sends(Doing::Placing, cx),
                None => self.sends(Doing::Charging, cx),
            },
            Message::Charged { call, outcome, .. } if call == self.call => match outcome {
                Outcome::Paid => self.sends(Doing::Placing, cx),
                Outcome::Declined => self.sends(Doing::Ending(Stage::Declined), cx),
                _ => self.next(Response::TryAgain, cx),
            },
            Message::Placed { call, .. } if call == self.call => {
                self.sends(Doing::Ending(Stage::Created), cx);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
        self.queue.iter_mut().for_each(|(.., ticks)| *ticks += 1);
        let late = |entry: &(Ticket, Request, u32)| entry.2 > 31;
        for (ticket, ..) in self.queue.iter().skip(1).filter(|entry| late(entry)) {
            cx.reply(*ticket, Response::TryAgain);
        }
        let mut behind: VecDeque<_> = self
            .queue
            .iter()
            .skip(1)
            .filter(|e| !late(e))
            .copied()
            .collect();
        if let Some(first) = self.queue.front().copied() {
            behind.push_front(first);
            self.queue = behind;
            match late(&first) {
                true => self.next(Response::TryAgain, cx),
                false => self.repeats(cx),
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Worker>)
}
