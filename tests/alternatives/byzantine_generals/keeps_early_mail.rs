//! A table entry comes into being with the first word of a battle, whether the herald has spoken or a message was faster: early words count. It ends its
//! rounds as late as it may.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, GRACE, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, Hash)]
struct Battle {
    begun: Option<(Ticket, NodeId)>,
    closed: bool,
    /// Orders and relays apart: who commands may not be known yet.
    orders: BTreeMap<NodeId, Order>,
    relays: BTreeMap<NodeId, Order>,
    own: Option<Order>,
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    battles: BTreeMap<u64, Battle>,
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, battles: BTreeMap::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        let battle = self.battles.entry(number).or_default();
        battle.begun = Some((ticket, commander));
        battle.own = order;
        for to in self.generals {
            if let Some(order) = order.filter(|_| to != self.me) {
                cx.send(to, Message::Order { battle: number, by: self.me, order });
            }
        }
        cx.set_timer(Timer::First(number), ROUND + GRACE);
        cx.set_timer(Timer::Second(number), ROUND * 2 + GRACE);
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, ByzantineGenerals>) {
        match message {
            Message::Order { battle, order, .. } => {
                let battle = self.battles.entry(battle).or_default();
                if !battle.closed {
                    battle.orders.entry(from).or_insert(order);
                }
            }
            Message::Relay { battle, order, .. } => {
                self.battles.entry(battle).or_default().relays.entry(from).or_insert(order);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        let me = self.me;
        let (Timer::First(number) | Timer::Second(number)) = timer else { return };
        let Some(battle) = self.battles.get_mut(&number) else { return };
        let Some((ticket, commander)) = battle.begun else { return };
        let others: Vec<NodeId> = self.generals.into_iter().filter(|g| *g != me && *g != commander).collect();
        if matches!(timer, Timer::First(_)) {
            battle.closed = true;
            if commander == me {
                return;
            }
            battle.own = battle.orders.get(&commander).copied();
            if let Some(order) = battle.own {
                others.iter().for_each(|to| cx.send(*to, Message::Relay { battle: number, by: me, order }));
            }
            return;
        }
        let own = battle.own.unwrap_or_default();
        let decision = if commander == me {
            own
        } else {
            let votes: Vec<Order> = others.iter().map(|g| battle.relays.get(g).copied().unwrap_or_default()).collect();
            match votes[..] {
                [a, b] if a == b => a,
                _ if votes.contains(&own) => own,
                _ => Order::Retreat,
            }
        };
        cx.reply(ticket, Response::Decided(decision));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
