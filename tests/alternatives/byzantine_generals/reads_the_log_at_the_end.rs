//! Writes everything down as it comes, with the time, and looks at it only when a round is over: what counts is decided by one function of the log.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Entry {
    at: Time,
    from: NodeId,
    message: Message,
}

#[derive(Clone, Debug, Hash)]
struct Begun {
    ticket: Ticket,
    commander: NodeId,
    since: Time,
    order: Option<Order>,
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    log: Vec<Entry>,
    begun: BTreeMap<u64, Begun>,
}

impl General {
    /// What a general has said in a battle, if it did in time. Mail from before the battle is as good as any.
    fn said(&self, number: u64, begun: &Begun, general: NodeId) -> Order {
        let commands = general == begun.commander;
        let end = begun.since + if commands { ROUND } else { ROUND * 2 };
        let says = |entry: &Entry| match entry.message {
            Message::Order { battle, order, .. } if commands && battle == number => Some(order),
            Message::Relay { battle, order, .. } if !commands && battle == number => Some(order),
            _ => None,
        };
        let in_time = self.log.iter().filter(|entry| entry.from == general && entry.at < end);
        in_time.filter_map(says).next().unwrap_or(Order::Retreat)
    }

    fn others(&self, commander: NodeId) -> Vec<NodeId> {
        self.generals.iter().copied().filter(|g| *g != self.me && *g != commander).collect()
    }
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, log: Vec::new(), begun: BTreeMap::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        self.begun.insert(number, Begun { ticket, commander, since: cx.now(), order });
        if commander == self.me {
            for to in self.others(commander) {
                cx.send(to, Message::Order { battle: number, by: self.me, order: order.unwrap_or_default() });
            }
        } else {
            cx.set_timer(Timer::First(number), ROUND);
        }
        cx.set_timer(Timer::Second(number), ROUND * 2);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ByzantineGenerals>) {
        self.log.push(Entry { at: cx.now(), from, message });
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        match timer {
            Timer::First(battle) => {
                let Some(begun) = self.begun.get(&battle) else { return };
                let order = self.said(battle, begun, begun.commander);
                for to in self.others(begun.commander) {
                    cx.send(to, Message::Relay { battle, by: self.me, order });
                }
            }
            Timer::Second(battle) => {
                let Some(begun) = self.begun.get(&battle) else { return };
                let decision = match begun.order {
                    Some(order) => order,
                    None => {
                        let voters = [vec![begun.commander], self.others(begun.commander)].concat();
                        let votes: Vec<Order> = voters.iter().map(|general| self.said(battle, begun, *general)).collect();
                        let pairs = [(0, 1), (0, 2), (1, 2)];
                        pairs.iter().find(|(i, j)| votes[*i] == votes[*j]).map_or(Order::Retreat, |(i, _)| votes[*i])
                    }
                };
                cx.reply(begun.ticket, Response::Decided(decision));
                self.begun.remove(&battle);
                self.log.retain(|entry| !matches!(entry.message, Message::Order { battle: b, .. } | Message::Relay { battle: b, .. } if b == battle));
            }
            Timer::Tick => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
