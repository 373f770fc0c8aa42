//! What holds between the nodes of `two_phase_commit`: each transaction ends the same way everywhere, and nobody says more than is on its
//! disk. Watches the random runs and the explorations; it has no clock, and steps are for marks alone.

use super::{ATOMIC, CHANGES, NEEDS, ONCE, SAVED, YES};
use crate::exercises::two_phase_commit::{Account, Change, Message, Outcome, Record, Response, Saved, TwoPhaseCommit, TxId, Vote};
use crate::rule::{Broken, Check};
use crate::sim::{Effect, Invariant, NodeId, Step};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

#[derive(Clone, Default)]
struct Tx {
    /// Who has a part in it.
    parts: BTreeMap<NodeId, Change>,
    prepared: BTreeMap<NodeId, u64>,
    /// What each node wrote down, the coordinator among them, and in which step.
    ended: BTreeMap<NodeId, (Outcome, u64)>,
}

#[derive(Clone)]
pub(super) struct Safety {
    coordinator: NodeId,
    opening: u64,
    txs: BTreeMap<TxId, Tx>,
}

/// Steps tell nothing of what may come.
impl Hash for Safety {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (id, tx) in &self.txs {
            id.hash(state);
            tx.parts.iter().for_each(|part| part.hash(state));
            tx.prepared.keys().for_each(|node| node.hash(state));
            tx.ended.iter().for_each(|(node, (outcome, _))| (node, outcome).hash(state));
        }
    }
}

impl Safety {
    pub fn new(coordinator: NodeId, opening: u64) -> Self {
        Safety { coordinator, opening, txs: BTreeMap::new() }
    }

    /// How a participant has ended a transaction, if it has.
    pub fn outcome(&self, tx: TxId, node: NodeId) -> Option<Outcome> {
        Some(self.txs.get(&tx)?.ended.get(&node)?.0)
    }

    pub fn watches(&mut self, step: &Step<'_, TwoPhaseCommit>) -> Check {
        let (me, number) = (step.node, step.number);
        for effect in step.effects {
            match effect {
                Effect::Save(saved) => self.saves(me, saved, number)?,
                Effect::Send { to, message: Message::Prepare { tx, change, .. } } => {
                    self.txs.entry(*tx).or_default().parts.insert(*to, *change);
                }
                Effect::Send { message: Message::Voted(tx, Vote::Yes), .. } => {
                    let known = self.txs.entry(*tx).or_default();
                    if !known.prepared.contains_key(&me) && !known.ended.contains_key(&me) {
                        let seen = format!("{me} voted Yes to {tx:?}, but its log does not say so yet");
                        return Err(Broken::new(YES, seen).at([number]));
                    }
                }
                Effect::Send { message: Message::Decided(tx, Outcome::Commit), .. }
                | Effect::Reply { response: Response::Committed(tx), .. }
                    if self.outcome(*tx, me) != Some(Outcome::Commit) && !self.is_over(*tx, me) =>
                {
                    let seen = format!("{me} said that {tx:?} commits, but its log does not say so yet");
                    return Err(Broken::new(SAVED, seen).at([number]));
                }
                Effect::Reply { response: Response::Aborted(tx), .. } => {
                    self.is_one(me, *tx, Outcome::Abort, "answered that it aborts", number)?
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What all are done with a coordinator may have forgotten: what it says when it is asked once more changes nothing.
    fn is_over(&self, tx: TxId, me: NodeId) -> bool {
        let all = |known: &Tx| !known.parts.is_empty() && known.parts.keys().all(|node| known.ended.contains_key(node));
        me == self.coordinator && self.txs.get(&tx).is_some_and(all)
    }

    /// Nobody has ended it otherwise.
    fn is_one(&self, me: NodeId, tx: TxId, outcome: Outcome, how: &str, step: u64) -> Check {
        let Some(known) = self.txs.get(&tx) else { return Ok(()) };
        match known.ended.iter().find(|(_, (other, _))| *other != outcome) {
            Some((node, (other, when))) => {
                let seen = format!("{node} ended {tx:?} with {other:?}, but {me} {how}");
                Err(Broken::new(ATOMIC, seen).at([*when, step]))
            }
            None => Ok(()),
        }
    }

    fn saves(&mut self, me: NodeId, saved: &Saved, step: u64) -> Check {
        for (tx, record) in &saved.log {
            match record {
                Record::Prepared(..) => {
                    self.txs.entry(*tx).or_default().prepared.entry(me).or_insert(step);
                }
                Record::Ended(outcome, _) => {
                    if self.outcome(*tx, me) == Some(*outcome) || self.is_over(*tx, me) {
                        continue;
                    }
                    if let Some((before, when)) = self.txs.get(tx).and_then(|known| known.ended.get(&me)) {
                        let seen = format!("{tx:?} had ended at {me} with {before:?}, but it saved {outcome:?} over that");
                        return Err(Broken::new(CHANGES, seen).at([*when, step]));
                    }
                    self.is_one(me, *tx, *outcome, &format!("has saved {outcome:?}"), step)?;
                    let known = self.txs.entry(*tx).or_default();
                    if let Some(missing) = known.parts.keys().find(|node| *outcome == Outcome::Commit && !known.prepared.contains_key(node))
                    {
                        let seen = format!("{me} saved Commit for {tx:?}, but {missing}, which has a part in it, has not voted Yes");
                        return Err(Broken::new(NEEDS, seen).at([step]));
                    }
                    known.ended.insert(me, (*outcome, step));
                }
                Record::Begun(_) => {}
            }
        }
        Ok(())
    }

    /// What has committed is in the balances, once.
    fn adds_up(&self, me: NodeId, saved: &Saved, step: u64) -> Check {
        let mut balances: BTreeMap<Account, u64> = BTreeMap::new();
        let committed = self.txs.values().filter(|tx| tx.ended.get(&me).is_some_and(|(outcome, _)| *outcome == Outcome::Commit));
        for change in committed.filter_map(|tx| tx.parts.get(&me)) {
            let balance = balances.entry(change.account).or_insert(self.opening);
            *balance = balance.wrapping_add_signed(change.by);
        }
        for (account, is) in &saved.balances {
            let should = balances.get(account).copied().unwrap_or(self.opening);
            if *is != should {
                let seen = format!("{me} saved {is} for {account:?}, but the committed changes there make {should}");
                return Err(Broken::new(ONCE, seen).at([step]));
            }
        }
        Ok(())
    }
}

impl Invariant<TwoPhaseCommit> for Safety {
    fn step(&mut self, step: &Step<'_, TwoPhaseCommit>) -> Check {
        self.watches(step)?;
        // In random runs the ghosts see that.
        step.saved().filter(|_| step.node != self.coordinator).map_or(Ok(()), |saved| self.adds_up(step.node, saved, step.number))
    }
}
