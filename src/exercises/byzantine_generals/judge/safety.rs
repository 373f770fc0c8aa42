//! What holds between the loyal generals, and for which runs it is asked: those in which the battle began for all in the same moment, and everything that
//! a loyal one sent came in time. When a run is made smaller to be shown, some of that may be left out, and then nothing is promised.

use super::book::name;
use super::rules::{AGREE, OBEY};
use crate::exercises::byzantine_generals::{ByzantineGenerals, Message, Order, Request, Response, UNDER_WAY};
use crate::rule::Broken;
use crate::sim::{Cause, Effect, NodeId, Step, Ticket};
use crate::time::Time;
use std::collections::BTreeMap;

struct Sent {
    battle: u64,

    at: Time,
}

#[derive(Default)]
pub(super) struct Fought {
    commander: Option<NodeId>,
    order: Option<Order>,
    began: BTreeMap<NodeId, Time>,
    /// What each decided, and in which step.
    pub decided: BTreeMap<NodeId, (Order, u64)>,
    /// A message of a loyal one was late.
    late: bool,
}

/// Watches the learner's nodes; the traitor is none of them.
pub(super) struct Safety {
    loyal: Vec<NodeId>,
    fought: BTreeMap<u64, Fought>,
    tickets: BTreeMap<(NodeId, Ticket), u64>,
    under_way: BTreeMap<u64, Sent>,
    /// Battles of which it was asked.
    pub judged: u64,
}

/// Decisions that contradict each other, or the order.
pub(super) struct Contradiction {
    pub rule: &'static str,
    said: String,
    /// Who decided what, and in which step.
    deciders: Vec<(NodeId, Order, u64)>,
}

/// The first contradiction among the decisions of one battle.
pub(super) fn contradiction(
    number: u64,
    commander: NodeId,
    order: Option<Order>,
    decided: &BTreeMap<NodeId, (Order, u64)>,
) -> Option<Contradiction> {
    let mut lieutenants = decided.iter().filter(|(node, _)| **node != commander).map(|(node, (order, step))| (*node, *order, *step));
    if let Some(order) = order.filter(|_| commander.role().is_none()) {
        let disobeys = lieutenants.find(|(_, did, _)| *did != order)?;
        let said = format!("in battle {number} the loyal commander {commander} ordered {order:?}");
        return Some(Contradiction { rule: OBEY, said, deciders: vec![disobeys] });
    }
    let one = lieutenants.next()?;
    let other = lieutenants.find(|(_, otherwise, _)| *otherwise != one.1)?;
    let said = format!("in battle {number} {} commands", name(commander));
    Some(Contradiction { rule: AGREE, said, deciders: vec![one, other] })
}

impl Contradiction {
    /// As it is told: `book` is what a general has heard of the battle.
    pub fn broken(&self, before: &str, book: impl Fn(NodeId) -> Option<String>) -> Broken {
        let decider = |(node, order, _): &(NodeId, Order, u64)| {
            let had = book(*node).map_or_else(String::new, |had| format!(", and had {had}"));
            format!("; {node} decided {order:?}{had}")
        };
        let deciders: String = self.deciders.iter().map(decider).collect();
        let marks = self.deciders.iter().map(|(.., step)| *step);
        Broken::new(self.rule, format!("{before}{}{deciders}", self.said)).at(marks).in_step(Some(self.step()))
    }

    /// Its last step.
    pub fn step(&self) -> u64 {
        self.deciders.iter().map(|(.., step)| *step).max().unwrap_or(0)
    }
}

impl Safety {
    pub fn new(loyal: Vec<NodeId>) -> Self {
        Safety { loyal, fought: BTreeMap::new(), tickets: BTreeMap::new(), under_way: BTreeMap::new(), judged: 0 }
    }

    pub fn comes(&mut self, at: Time, node: NodeId, cause: &Cause<'_, ByzantineGenerals>) {
        match cause {
            Cause::Message { id, .. } => {
                if let Some(sent) = self.under_way.remove(id)
                    && at > sent.at + UNDER_WAY
                {
                    self.fought.entry(sent.battle).or_default().late = true;
                }
            }
            Cause::Request { ticket, request: Request::Battle { number, commander, order } } => {
                let fought = self.fought.entry(*number).or_default();
                fought.commander = Some(*commander);
                fought.order = fought.order.or(*order);
                fought.began.insert(node, at);
                self.tickets.insert((node, *ticket), *number);
            }
            _ => {}
        }
    }

    /// Whether all that was promised to the generals was kept in a battle.
    fn is_judged(&self, number: u64, now: Time) -> bool {
        let Some(fought) = self.fought.get(&number) else { return false };
        let mut began = self.loyal.iter().map(|node| fought.began.get(node));
        let first = began.next().flatten();
        let lost = |sent: &Sent| sent.battle == number && now > sent.at + UNDER_WAY;
        first.is_some() && began.all(|at| at == first) && !fought.late && !self.under_way.values().any(lost)
    }

    pub fn watches(&mut self, step: &Step<'_, ByzantineGenerals>) -> Option<(u64, Contradiction)> {
        if step.node.role().is_some() {
            return None;
        }
        for (id, to, message) in step.sent() {
            let (Message::Order { battle, .. } | Message::Relay { battle, .. }) = message;
            if to.role().is_none() && to != step.node {
                self.under_way.insert(id, Sent { battle: *battle, at: step.at });
            }
        }
        for effect in step.effects {
            let Effect::Reply { ticket, response: Response::Decided(order) } = effect else { continue };
            let Some(number) = self.tickets.get(&(step.node, *ticket)).copied() else { continue };
            let fought = self.fought.entry(number).or_default();
            fought.decided.insert(step.node, (*order, step.number));
            let (Some(commander), order) = (fought.commander, fought.order) else { continue };
            let contradiction = contradiction(number, commander, order, &fought.decided);
            if !self.is_judged(number, step.at) {
                continue;
            }
            self.judged += 1;
            if let Some(contradiction) = contradiction {
                return Some((number, contradiction));
            }
        }
        None
    }

    /// Battles in which every loyal general has decided.
    pub fn over(&self) -> usize {
        self.fought.values().filter(|fought| self.loyal.iter().all(|node| fought.decided.contains_key(node))).count()
    }

    /// Battles that the traitor commanded, and others, of those that are over.
    pub fn commanded(&self) -> (u64, u64) {
        let over = self.fought.values().filter(|fought| self.loyal.iter().all(|node| fought.decided.contains_key(node)));
        over.fold((0, 0), |(traitor, loyal), fought| match fought.commander.and_then(NodeId::role) {
            Some(_) => (traitor + 1, loyal),
            None => (traitor, loyal + 1),
        })
    }
}
