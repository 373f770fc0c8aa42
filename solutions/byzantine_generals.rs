//! The reference: OM(1). A lieutenant has three votes of each battle: what the commander told it, and what each of the two others says that the
//! commander told *them*. All loyal lieutenants come to have the same three, whoever lies; so they decide the same.

use splitbrain::exercises::byzantine_generals::{
    ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Battle {
    ticket: Ticket,
    commander: NodeId,
    first_round: bool,
    /// One vote of each sender, under the name that the network vouches for: the commander's order, and the relays of the two others.
    votes: BTreeMap<NodeId, Order>,
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    battles: BTreeMap<u64, Battle>,
}

impl General {
    /// The lieutenants of a commander, without this node.
    fn lieutenants(&self, commander: NodeId) -> impl Iterator<Item = NodeId> {
        let me = self.me;
        self.generals
            .into_iter()
            .filter(move |g| *g != commander && *g != me)
    }
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<()>) -> Self {
        General {
            me,
            generals: config.generals,
            battles: BTreeMap::new(),
        }
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, ByzantineGenerals>,
    ) {
        let Request::Battle {
            number,
            commander,
            order,
        } = request;
        let mut votes = BTreeMap::new();
        if let Some(order) = order {
            for to in self.lieutenants(commander) {
                let (battle, by) = (number, self.me);
                cx.send(to, Message::Order { battle, by, order });
            }
            votes.insert(self.me, order);
        }
        let battle = Battle {
            ticket,
            commander,
            first_round: true,
            votes,
        };
        self.battles.insert(number, battle);
        cx.set_timer(Timer::First(number), ROUND);
        cx.set_timer(Timer::Second(number), ROUND * 2);
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        _cx: &mut Context<'_, ByzantineGenerals>,
    ) {
        let (Message::Order { battle, order, .. } | Message::Relay { battle, order, .. }) = message;
        let Some(state) = self.battles.get_mut(&battle) else {
            return;
        };
        // From the commander an order counts, and only while its round lasts; from a lieutenant a relay.
        let is_order = matches!(message, Message::Order { .. });
        let counts = if from == state.commander {
            is_order && state.first_round
        } else {
            !is_order
        };
        if counts {
            // The first word of each. What a second one says is nobody's vote.
            state.votes.entry(from).or_insert(order);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        match timer {
            Timer::First(battle) => {
                let Some(state) = self.battles.get_mut(&battle) else {
                    return;
                };
                state.first_round = false;
                let commander = state.commander;
                // Silence is an order, too: Retreat. The others take no relay for the same, so it need not be said.
                let told = state.votes.get(&commander).copied();
                if let Some(order) = told.filter(|_| commander != self.me) {
                    for to in self.lieutenants(commander) {
                        let by = self.me;
                        cx.send(to, Message::Relay { battle, by, order });
                    }
                }
            }
            Timer::Second(battle) => {
                let Some(state) = self.battles.remove(&battle) else {
                    return;
                };
                let vote = |general: NodeId| state.votes.get(&general).copied().unwrap_or_default();
                let own = vote(state.commander);
                let mut others = self.lieutenants(state.commander);
                let decision = match (others.next(), others.next()) {
                    // A lieutenant has two others.
                    (Some(a), Some(b)) if self.me != state.commander => {
                        majority(own, vote(a), vote(b))
                    }
                    _ => own,
                };
                cx.reply(state.ticket, Response::Decided(decision));
            }
            Timer::Tick => {}
        }
    }
}

/// What two of the three say, else Retreat.
fn majority(a: Order, b: Order, c: Order) -> Order {
    if a == b || a == c {
        a
    } else if b == c {
        b
    } else {
        Order::Retreat
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
