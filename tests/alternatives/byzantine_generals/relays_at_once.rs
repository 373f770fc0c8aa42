//! Relays an order in the moment in which it comes, and has one timer a battle: whether the first round is over is for the clock to say.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Siege {
    ticket: Ticket,
    commander: NodeId,
    since: Time,
    own: Option<Order>,
    relays: BTreeMap<NodeId, Order>,
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    sieges: BTreeMap<u64, Siege>,
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, sieges: BTreeMap::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        if let Some(order) = order {
            for to in self.generals {
                if to != self.me {
                    cx.send(to, Message::Order { battle: number, by: self.me, order });
                }
            }
        }
        self.sieges.insert(number, Siege { ticket, commander, since: cx.now(), own: order, relays: BTreeMap::new() });
        cx.set_timer(Timer::Second(number), ROUND * 2);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ByzantineGenerals>) {
        let me = self.me;
        match message {
            Message::Order { battle, order, .. } => {
                let Some(siege) = self.sieges.get_mut(&battle) else { return };
                if from != siege.commander || siege.own.is_some() || cx.now() >= siege.since + ROUND {
                    return;
                }
                siege.own = Some(order);
                for to in self.generals.into_iter().filter(|g| *g != me && *g != from) {
                    cx.send(to, Message::Relay { battle, by: me, order });
                }
            }
            Message::Relay { battle, order, .. } => {
                let Some(siege) = self.sieges.get_mut(&battle).filter(|siege| siege.commander != from) else { return };
                siege.relays.entry(from).or_insert(order);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        let Timer::Second(battle) = timer else { return };
        let Some(siege) = self.sieges.remove(&battle) else { return };
        let own = siege.own.unwrap_or(Order::Retreat);
        let decision = if siege.commander == self.me {
            own
        } else {
            // Two others, so at most two relays; whoever is silent retreats.
            let mut votes: Vec<Order> = siege.relays.into_values().chain([own]).collect();
            votes.resize(3, Order::Retreat);
            let twice = |order: &&Order| votes.iter().filter(|vote| vote == order).count() >= 2;
            votes.iter().find(twice).copied().unwrap_or(Order::Retreat)
        };
        cx.reply(siege.ticket, Response::Decided(decision));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
