//! The last sixteen orders are remembered in memory, and answered from there. Calls back off, with jitter; a deadline for each ticket, not for the run. The run
//! goes on without its tickets for a second or two, so that who asks again finds it done.

use splitbrain::exercises::idempotent_orders::{
    Asked, Body, Charge, ChargeKey, Config, Disk, IdempotentOrders, Message, Order, OrderId,
    Outcome, Record, Request, Response, Row, Stage, Timer, Version, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

type Cx<'a> = Context<'a, IdempotentOrders>;

#[derive(Clone, Debug, Hash)]
enum State {
    Begins { order: OrderId },
    Asks(Row),
    Charges(Row),
    Places(Row),
    Ends(Row, Stage),
}

#[derive(Clone, Debug, Hash)]
struct Flow {
    body: Body,
    state: State,
    nonce: u64,
    tries: u32,
    began: Time,
}

#[derive(Clone, Debug, Hash)]
struct Front {
    config: Config,
    flows: BTreeMap<Asked, Flow>,
    tickets: Vec<(Ticket, Asked)>,
    recent: VecDeque<(Asked, Body, OrderId)>,
}

impl Front {
    fn to(&mut self, by: Asked, state: State, cx: &mut Cx<'_>) {
        if let Some(flow) = self.flows.get_mut(&by) {
            (flow.state, flow.tries) = (state, 0);
            flow.nonce = cx.random(0..=u64::MAX);
            self.asks(by, cx);
        }
    }

    fn asks(&mut self, by: Asked, cx: &mut Cx<'_>) {
        let Some(flow) = self.flows.get_mut(&by) else {
            return;
        };
        let (call, body) = (flow.nonce, flow.body);
        let keep = Some(self.config.keeps + Duration::from_millis(1));
        let write = |record, expects| Message::Write {
            call,
            at: by,
            record,
            expects,
            keep,
        };
        let message = match flow.state {
            State::Begins { order } => write(
                Record {
                    body,
                    order,
                    ..Record::default()
                },
                Version(0),
            ),
            State::Asks(row) => Message::Find {
                call,
                order: row.record.order,
            },
            State::Charges(row) => {
                let order = row.record.order;
                let charge = Charge {
                    order,
                    by,
                    amount: body.amount,
                };
                Message::Charge {
                    call,
                    key: ChargeKey(!order.0),
                    charge,
                }
            }
            State::Places(row) => Message::Place {
                call,
                id: row.record.order,
                order: Order { by, body },
            },
            State::Ends(row, stage) => write(
                Record {
                    stage,
                    ..row.record
                },
                row.version,
            ),
        };
        let to = match message {
            Message::Find { .. } | Message::Charge { .. } => self.config.provider,
            _ => self.config.database,
        };
        let wait = (20 << flow.tries.min(3)) + cx.random(0..=20);
        flow.tries += 1;
        cx.send(to, message);
        cx.set_timer(Timer::Of(by), Duration::from_millis(wait));
    }

    fn tell(&mut self, by: Asked, response: Response, cx: &mut Cx<'_>) {
        cx.cancel_timer(Timer::Of(by));
        let body = self.flows.remove(&by).map(|flow| flow.body);
        if let (Some(body), Response::Created(order)) = (body, response) {
            self.recent.push_back((by, body, order));
            if self.recent.len() > 16 {
                self.recent.pop_front();
            }
        }
        self.tickets.retain(|(ticket, of)| {
            if *of == by {
                cx.cancel_timer(Timer::Ticket(ticket.number()));
                cx.reply(*ticket, response);
            }
            *of != by
        });
    }
}

impl Node<IdempotentOrders> for Front {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<Disk>) -> Self {
        Front {
            config: config.clone(),
            flows: BTreeMap::new(),
            tickets: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Post { by, body } = request;
        if let Some((.., order)) = self.recent.iter().rfind(|(a, b, _)| (*a, *b) == (by, body)) {
            return cx.reply(ticket, Response::Created(*order));
        }
        if self.flows.get(&by).is_some_and(|flow| flow.body != body) {
            return cx.reply(ticket, Response::TryAgain);
        }
        self.tickets.push((ticket, by));
        cx.set_timer(Timer::Ticket(ticket.number()), Duration::from_millis(600));
        if !self.flows.contains_key(&by) {
            let order = OrderId(cx.random(0..=u64::MAX));
            let state = State::Begins { order };
            let flow = Flow {
                body,
                state: state.clone(),
                nonce: 0,
                tries: 0,
                began: cx.now(),
            };
            self.flows.insert(by, flow);
            self.to(by, state, cx);
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let nonce = match message {
            Message::Row { call, .. }
            | Message::Placed { call, .. }
            | Message::Charged { call, .. }
            | Message::Found { call, .. } => call,
            _ => return,
        };
        let Some((by, flow)) = self.flows.iter().find(|(_, flow)| flow.nonce == nonce) else {
            return;
        };
        let (by, flow) = (*by, flow.clone());
        match (message, flow.state) {
            (Message::Row { row: Some(row), .. }, state) => match row.record.stage {
                _ if row.record.body != flow.body => self.tell(by, Response::Conflict, cx),
                Stage::Created => self.tell(by, Response::Created(row.record.order), cx),
                Stage::Declined => self.tell(by, Response::Declined, cx),
                _ => match state {
                    // Another order's record, if this one's has expired: of that nothing is known.
                    State::Ends(mine, stage) if mine.record.order == row.record.order => {
                        self.to(by, State::Ends(row, stage), cx);
                    }
                    _ => self.to(by, State::Asks(row), cx),
                },
            },
            (Message::Row { row: None, .. }, _) => self.tell(by, Response::TryAgain, cx),
            (
                Message::Found {
                    charge: Some(_), ..
                },
                State::Asks(row),
            ) => {
                self.to(by, State::Places(row), cx);
            }
            (Message::Found { .. }, State::Asks(row)) => self.to(by, State::Charges(row), cx),
            (Message::Charged { outcome, .. }, State::Charges(row)) => match outcome {
                Outcome::Paid => self.to(by, State::Places(row), cx),
                Outcome::Declined => self.to(by, State::Ends(row, Stage::Declined), cx),
                _ => self.tell(by, Response::TryAgain, cx),
            },
            (Message::Placed { .. }, State::Places(row)) => {
                self.to(by, State::Ends(row, Stage::Created), cx);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Of(by) => match self.flows.get(&by) {
                Some(flow) if cx.now().since(flow.began) > Duration::from_secs(3) => {
                    self.tell(by, Response::TryAgain, cx);
                }
                // After a while nothing that the provider has said before is worth anything.
                Some(Flow {
                    state: State::Charges(row),
                    tries: 8..,
                    ..
                }) => {
                    let row = *row;
                    self.to(by, State::Asks(row), cx);
                }
                _ => self.asks(by, cx),
            },
            Timer::Ticket(number) => {
                self.tickets.retain(|(ticket, _)| {
                    if ticket.number() == number {
                        cx.reply(*ticket, Response::TryAgain);
                    }
                    ticket.number() != number
                });
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Front>)
}
