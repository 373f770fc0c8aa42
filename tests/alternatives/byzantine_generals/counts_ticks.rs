//! One timer for all, every 10 ms from the start: a battle counts the ticks that it has seen. Its rounds end up to 10 ms late, as the grace allows.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, GRACE, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;

const TICKS: u32 = (ROUND.as_millis() / GRACE.as_millis()) as u32;

#[derive(Clone, Debug, Hash)]
struct Battle {
    number: u64,
    ticket: Ticket,
    commander: NodeId,
    ticks: u32,
    order: Option<Order>,
    relays: [Option<Order>; 4],
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    battles: Vec<Battle>,
}

impl General {
    fn place(&self, general: NodeId) -> Option<usize> {
        self.generals.iter().position(|g| *g == general)
    }

    fn decision(&self, battle: &Battle) -> Order {
        let own = battle.order.unwrap_or_default();
        if battle.commander == self.me {
            return own;
        }
        let mut votes = vec![own];
        for (general, relay) in self.generals.iter().zip(battle.relays) {
            if *general != self.me && *general != battle.commander {
                votes.push(relay.unwrap_or_default());
            }
        }
        votes.sort_unstable();
        // Of three in order the middle one is equal to a neighbour if any two are equal.
        if votes[1] == votes[0] || votes[1] == votes[2] { votes[1] } else { Order::Retreat }
    }
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, battles: Vec::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ByzantineGenerals>) {
        cx.set_timer(Timer::Tick, GRACE);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, _: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        self.battles.push(Battle { number, ticket, commander, ticks: 0, order, relays: [None; 4] });
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, ByzantineGenerals>) {
        let place = self.place(from);
        match message {
            Message::Order { battle, order, .. } => {
                if let Some(state) = self.battles.iter_mut().find(|b| b.number == battle)
                    && state.commander == from
                    && state.ticks <= TICKS
                    && state.order.is_none()
                {
                    state.order = Some(order);
                }
            }
            Message::Relay { battle, order, .. } => {
                if let (Some(state), Some(place)) = (self.battles.iter_mut().find(|b| b.number == battle), place)
                    && state.relays[place].is_none()
                {
                    state.relays[place] = Some(order);
                }
            }
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        cx.set_timer(Timer::Tick, GRACE);
        self.battles.iter_mut().for_each(|battle| battle.ticks += 1);
        for state in &self.battles {
            let (battle, by, commands) = (state.number, self.me, state.commander == self.me);
            let Some(order) = state.order else { continue };
            for to in self.generals.into_iter().filter(|g| *g != self.me && *g != state.commander) {
                match state.ticks {
                    1 if commands => cx.send(to, Message::Order { battle, by, order }),
                    // One tick more than the round has: it began between two.
                    ticks if ticks == TICKS + 1 && !commands => cx.send(to, Message::Relay { battle, by, order }),
                    _ => {}
                }
            }
        }
        let (over, open) = self.battles.drain(..).partition::<Vec<_>, _>(|battle| battle.ticks == TICKS * 2 + 1);
        self.battles = open;
        over.iter().for_each(|battle| cx.reply(battle.ticket, Response::Decided(self.decision(battle))));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
