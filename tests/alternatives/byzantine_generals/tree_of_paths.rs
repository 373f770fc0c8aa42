//! OM(m) as it is mostly programmed: a tree of what came over which path of generals, filled round by round and reduced from the leaves by
//! majority. The depth is 1 here, and nothing but that number would change for more. One schedule of deadlines, one timer for the next of them.

use splitbrain::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, ROUND, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

const DEPTH: usize = 1;

type Path = Vec<NodeId>;

#[derive(Clone, Debug, Hash)]
struct Tree {
    ticket: Ticket,
    commander: NodeId,
    rounds_over: usize,
    values: BTreeMap<Path, Order>,
}

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    trees: BTreeMap<u64, Tree>,
    due: BTreeMap<(Time, u64), usize>,
}

impl General {
    /// The value of a node of the tree: a leaf has what came, any other the majority of its own and its children's.
    fn value(&self, tree: &Tree, path: &Path) -> Order {
        let came = tree.values.get(path).copied().unwrap_or(Order::Retreat);
        if path.len() > DEPTH {
            return came;
        }
        let children = self.generals.iter().filter(|g| !path.contains(g) && **g != self.me);
        let mut values = vec![came];
        for child in children {
            let below = [path.clone(), vec![*child]].concat();
            values.push(self.value(tree, &below));
        }
        let needed = values.len() / 2;
        let count = |order: &Order| values.iter().filter(|value| *value == order).count();
        values.iter().find(|order| count(order) > needed).copied().unwrap_or(Order::Retreat)
    }

    fn wake(&self, cx: &mut Context<'_, ByzantineGenerals>) {
        if let Some(((at, _), _)) = self.due.first_key_value() {
            cx.set_timer(Timer::Tick, at.since(cx.now()));
        }
    }

    fn round_ends(&mut self, number: u64, round: usize, cx: &mut Context<'_, ByzantineGenerals>) {
        let Some(tree) = self.trees.get_mut(&number) else { return };
        tree.rounds_over = round;
        let root = vec![tree.commander];
        if round <= DEPTH {
            if let Some(order) = tree.values.get(&root).copied().filter(|_| !root.contains(&self.me)) {
                for to in self.generals.into_iter().filter(|g| *g != self.me && !root.contains(g)) {
                    cx.send(to, Message::Relay { battle: number, by: self.me, order });
                }
            }
            return;
        }
        let Some(tree) = self.trees.remove(&number) else { return };
        let decision = if tree.commander == self.me { tree.values.get(&root).copied().unwrap_or_default() } else { self.value(&tree, &root) };
        cx.reply(tree.ticket, Response::Decided(decision));
    }
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        General { me, generals: config.generals, trees: BTreeMap::new(), due: BTreeMap::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ByzantineGenerals>) {
        let Request::Battle { number, commander, order } = request;
        let values = order.map(|order| (vec![commander], order)).into_iter().collect();
        self.trees.insert(number, Tree { ticket, commander, rounds_over: 0, values });
        if let Some(order) = order {
            for to in self.generals.into_iter().filter(|g| *g != self.me) {
                cx.send(to, Message::Order { battle: number, by: self.me, order });
            }
        }
        for round in 1..=DEPTH + 1 {
            self.due.insert((cx.now() + ROUND * round as u32, number), round);
        }
        self.wake(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, ByzantineGenerals>) {
        let (number, is_order, order) = match message {
            Message::Order { battle, order, .. } => (battle, true, order),
            Message::Relay { battle, order, .. } => (battle, false, order),
        };
        let Some(tree) = self.trees.get_mut(&number) else { return };
        let path = if is_order { vec![from] } else { vec![tree.commander, from] };
        let is_true = path[0] == tree.commander && (is_order || from != tree.commander);
        if is_true && tree.rounds_over < path.len() {
            tree.values.entry(path).or_insert(order);
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= cx.now()) {
            let ((_, number), round) = entry.remove_entry();
            self.round_ends(number, round, cx);
        }
        self.wake(cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
