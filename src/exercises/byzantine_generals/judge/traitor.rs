//! The traitor: a service, the fourth general. It never crashes.
//!
//! What it promises, and README repeats: nothing. Of each battle it draws for each of the others and each round what it says to that one: the truth, something
//! else, two things, nothing, in time, late or early, in its own name or in another's. It cannot send from another's address, and cannot
//! touch what others send.

use crate::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer};
use crate::sim::{Context, Node, NodeId, Ticket};
use crate::time::millis;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, ByzantineGenerals>;

#[derive(Clone, Debug, Hash)]
pub(super) struct Traitor {
    me: NodeId,
    generals: [NodeId; 4],
    /// Words that wait for their time.
    later: BTreeMap<u64, (NodeId, Message)>,
    numbered: u64,
}

impl Traitor {
    fn order(cx: &mut Cx<'_>) -> Order {
        match cx.random(0..=2) {
            0 => Order::Retreat,
            hour => Order::Attack(hour as u8),
        }
    }

    /// One word to one general, at a time of its choice.
    fn lies(&mut self, to: NodeId, battle: u64, is_order: bool, truth: Option<Order>, cx: &mut Cx<'_>) {
        let order = match truth {
            Some(truth) if cx.random(0..=3) == 0 => truth,
            _ => Traitor::order(cx),
        };
        let by = if cx.random(0..=5) == 0 { self.generals[cx.random(0..=3) as usize] } else { self.me };
        let is_order = if cx.random(0..=9) == 0 { !is_order } else { is_order };
        let message = if is_order { Message::Order { battle, by, order } } else { Message::Relay { battle, by, order } };
        let round = ROUND.as_millis() as u64;
        let after = match cx.random(0..=5) {
            0 | 1 => 0,
            2 => round - 12 + cx.random(0..=30),
            3 => round * 2 - 12 + cx.random(0..=30),
            _ => cx.random(0..=round * 2),
        };
        self.numbered += 1;
        self.later.insert(self.numbered, (to, message));
        cx.set_timer(Timer::First(self.numbered), millis(after));
    }
}

impl Node<ByzantineGenerals> for Traitor {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Traitor { me, generals: config.generals, later: BTreeMap::new(), numbered: 0 }
    }

    fn on_message(&mut self, _: NodeId, _: Message, _: &mut Cx<'_>) {}

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if let Timer::First(number) = timer
            && let Some((to, message)) = self.later.remove(&number)
        {
            cx.send(to, message);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Battle { number, commander, order } = request;
        let commands = commander == self.me;
        let me = self.me;
        for to in self.generals.into_iter().filter(|to| *to != me) {
            for _ in 0..[0, 1, 1, 1, 2][cx.random(0..=4) as usize] {
                self.lies(to, number, commands, order, cx);
            }
        }
        cx.reply(ticket, Response::Decided(Order::Retreat));
    }
}
