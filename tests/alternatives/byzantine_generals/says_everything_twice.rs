//! Trusts no wire: each order and each relay goes out a second time, some milliseconds later. A battle is a small machine with three states.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, GRACE, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug, Hash)]
enum State {
    Commands(Order),
    Listens { order: Option<Order> },
    Collects { order: Option<Order> },
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    battles: BTreeMap<u64, (Ticket, NodeId, State)>,
    relays: BTreeMap<(u64, NodeId), Order>,
    again: VecDeque<(NodeId, Message)>,
}

impl General {
    fn says(&mut self, to: NodeId, message: Message, cx: &mut Context<'_, ByzantineGenerals>) {
        cx.send(to, message.clone());
        self.again.push_back((to, message));
        cx.set_timer(Timer::Tick, GRACE / 2);
    }
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, battles: BTreeMap::new(), relays: BTreeMap::new(), again: VecDeque::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        let state = match order {
            Some(order) if commander == self.me => State::Commands(order),
            _ => State::Listens { order: None },
        };
        if let State::Commands(order) = state {
            for to in self.generals.into_iter().filter(|g| *g != commander) {
                self.says(to, Message::Order { battle: number, by: commander, order }, cx);
            }
        }
        self.battles.insert(number, (ticket, commander, state));
        cx.set_timer(Timer::First(number), ROUND);
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, ByzantineGenerals>) {
        match message {
            Message::Order { battle, order: said, .. } => {
                if let Some((_, commander, State::Listens { order })) = self.battles.get_mut(&battle)
                    && *commander == from
                {
                    order.get_or_insert(said);
                }
            }
            Message::Relay { battle, order, .. } => {
                if self.battles.get(&battle).is_some_and(|(_, commander, _)| *commander != from) {
                    self.relays.entry((battle, from)).or_insert(order);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        match timer {
            Timer::Tick => self.again.drain(..).for_each(|(to, message)| cx.send(to, message)),
            Timer::First(number) => {
                cx.set_timer(Timer::Second(number), ROUND);
                let Some((_, commander, state)) = self.battles.get_mut(&number) else { return };
                let State::Listens { order } = *state else { return };
                *state = State::Collects { order };
                let commander = *commander;
                let Some(order) = order else { return };
                let me = self.me;
                for to in self.generals.into_iter().filter(|g| *g != commander && *g != me) {
                    self.says(to, Message::Relay { battle: number, by: me, order }, cx);
                }
            }
            Timer::Second(number) => {
                let Some((ticket, commander, state)) = self.battles.remove(&number) else { return };
                let decision = match state {
                    State::Commands(order) => order,
                    State::Listens { order } | State::Collects { order } => {
                        let own = order.unwrap_or_default();
                        let others = self.generals.into_iter().filter(|g| *g != commander && *g != self.me);
                        let said: Vec<Order> = others.map(|g| self.relays.remove(&(number, g)).unwrap_or_default()).collect();
                        if said.iter().any(|order| *order == own) {
                            own
                        } else if said.windows(2).all(|pair| pair[0] == pair[1]) {
                            said.first().copied().unwrap_or(own)
                        } else {
                            Order::Retreat
                        }
                    }
                };
                cx.reply(ticket, Response::Decided(decision));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
