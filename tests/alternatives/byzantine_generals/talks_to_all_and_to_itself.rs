//! Sends everything to everybody, itself and the commander too, and lets the receivers sort it out: its own order comes to it like a relay.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Battle {
    ticket: Ticket,
    commander: NodeId,
    heard: Option<Order>,
    is_open: bool,
    /// Who says that the commander said what: this node, too.
    sayings: BTreeMap<NodeId, Order>,
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
        self.battles.insert(number, Battle { ticket, commander, heard: order, is_open: true, sayings: BTreeMap::new() });
        if let Some(order) = order {
            cx.broadcast(Message::Order { battle: number, by: self.me, order });
        }
        cx.set_timer(Timer::First(number), ROUND);
        cx.set_timer(Timer::Second(number), ROUND * 2);
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, ByzantineGenerals>) {
        match message {
            Message::Order { battle, order, .. } => {
                let Some(battle) = self.battles.get_mut(&battle) else { return };
                if battle.is_open && from == battle.commander && battle.heard.is_none() {
                    battle.heard = Some(order);
                }
            }
            Message::Relay { battle, order, .. } => {
                let Some(battle) = self.battles.get_mut(&battle) else { return };
                if from != battle.commander {
                    battle.sayings.entry(from).or_insert(order);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        match timer {
            Timer::First(number) => {
                let Some(battle) = self.battles.get_mut(&number) else { return };
                battle.is_open = false;
                let order = battle.heard.unwrap_or_default();
                self.generals.into_iter().for_each(|to| cx.send(to, Message::Relay { battle: number, by: self.me, order }));
            }
            Timer::Second(number) => {
                let Some(battle) = self.battles.remove(&number) else { return };
                let decision = if battle.commander == self.me {
                    battle.heard.unwrap_or_default()
                } else {
                    let mut tally: BTreeMap<Order, u32> = BTreeMap::new();
                    for general in self.generals.into_iter().filter(|g| *g != battle.commander) {
                        *tally.entry(battle.sayings.get(&general).copied().unwrap_or_default()).or_default() += 1;
                    }
                    tally.into_iter().find(|(_, votes)| *votes > 1).map_or(Order::Retreat, |(order, _)| order)
                };
                cx.reply(battle.ticket, Response::Decided(decision));
            }
            Timer::Tick => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
