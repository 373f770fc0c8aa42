//! Answers as soon as nothing can change the decision: at two equal votes, or at three; and a commander at once. The relays are sent all the same.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Battle {
    /// `None` when it is answered.
    ticket: Option<Ticket>,
    commander: NodeId,
    votes: BTreeMap<NodeId, Order>,
    round: u8,
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    battles: BTreeMap<u64, Battle>,
}

impl Battle {
    fn clear(&self) -> Option<Order> {
        let votes: Vec<Order> = self.votes.values().copied().collect();
        match votes[..] {
            [a, b] | [a, b, _] if a == b => Some(a),
            [a, _, c] if a == c => Some(a),
            [_, b, c] if b == c => Some(b),
            [_, _, _] => Some(Order::Retreat),
            _ => None,
        }
    }

    fn settle(&mut self, cx: &mut Context<'_, ByzantineGenerals>) {
        if let Some(order) = self.clear()
            && let Some(ticket) = self.ticket.take()
        {
            cx.reply(ticket, Response::Decided(order));
        }
    }
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, battles: BTreeMap::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        if let Some(order) = order {
            let rest = self.generals.into_iter().filter(|g| *g != self.me);
            rest.for_each(|to| cx.send(to, Message::Order { battle: number, by: self.me, order }));
            cx.reply(ticket, Response::Decided(order));
            return;
        }
        self.battles.insert(number, Battle { ticket: Some(ticket), commander, votes: BTreeMap::new(), round: 1 });
        cx.set_timer(Timer::First(number), ROUND);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ByzantineGenerals>) {
        let (number, is_order, order) = match message {
            Message::Order { battle, order, .. } => (battle, true, order),
            Message::Relay { battle, order, .. } => (battle, false, order),
        };
        let Some(battle) = self.battles.get_mut(&number) else { return };
        if is_order != (from == battle.commander) || is_order && battle.round > 1 {
            return;
        }
        battle.votes.entry(from).or_insert(order);
        battle.settle(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        match timer {
            Timer::First(number) => {
                let Some(battle) = self.battles.get_mut(&number) else { return };
                battle.round = 2;
                // What is silent by now has said Retreat.
                let order = *battle.votes.entry(battle.commander).or_default();
                for to in self.generals {
                    if to != self.me && to != battle.commander {
                        cx.send(to, Message::Relay { battle: number, by: self.me, order });
                    }
                }
                battle.settle(cx);
                cx.set_timer(Timer::Second(number), ROUND);
            }
            Timer::Second(number) => {
                let Some(mut battle) = self.battles.remove(&number) else { return };
                for general in self.generals.into_iter().filter(|g| *g != self.me) {
                    battle.votes.entry(general).or_default();
                }
                battle.settle(cx);
            }
            Timer::Tick => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
