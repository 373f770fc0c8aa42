//! What holds between the loyal generals, and for which runs it is asked: those in which the battle began for all in the same moment, and everything that
//! a loyal one sent came in time. When a run is made smaller to be shown, some of that may be left out, and then nothing is promised.

use super::rules::{AGREE, OBEY};
use crate::exercises::byzantine_generals::{ByzantineGenerals, Message, Order, ROUND, Request, Response, UNDER_WAY};
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
}

/// A decision that contradicts another one: the rule, the sentence, and the steps.
pub(super) fn contradiction(
    number: u64,
    commander: NodeId,
    order: Option<Order>,
    decided: &BTreeMap<NodeId, (Order, u64)>,
) -> Option<(&'static str, String, Vec<u64>)> {
    let mut lieutenants = decided.iter().filter(|(node, _)| **node != commander);
    if let Some(order) = order.filter(|_| commander.role().is_none()) {
        let (node, (did, step)) = lieutenants.find(|(_, (did, _))| *did != order)?;
        let said = format!("in battle {number} the loyal commander {commander} ordered {order:?}, and {node} decided {did:?}");
        return Some((OBEY, said, vec![*step]));
    }
    let (one, (did, step)) = lieutenants.next()?;
    let (other, (otherwise, when)) = lieutenants.find(|(_, (otherwise, _))| otherwise != did)?;
    let said = format!("in battle {number}, in which {commander} commands, {one} decided {did:?} and {other} {otherwise:?}");
    Some((AGREE, said, vec![*step, *when]))
}

impl Safety {
    pub fn new(loyal: Vec<NodeId>) -> Self {
        Safety { loyal, fought: BTreeMap::new(), tickets: BTreeMap::new(), under_way: BTreeMap::new() }
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

    pub fn watches(&mut self, step: &Step<'_, ByzantineGenerals>) -> Option<Broken> {
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
            if let Some((rule, said, marks)) = contradiction.filter(|_| self.is_judged(number, step.at)) {
                return Some(Broken::new(rule, said).at(marks));
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

/// How long a battle lasts, with all that may come late.
pub(super) const LASTS: std::time::Duration = ROUND.saturating_mul(3);
