//! What a participant's peers and clients could say: the inputs of a storm.

use super::{Disk, Participant};
use crate::exercises::two_phase_commit::judge::spec::Base;
use crate::exercises::two_phase_commit::{Account, Change, Message, Outcome, Request, TwoPhaseCommit, TxId};
use crate::rng::Rng;
use crate::sim::{ClientId, Input, NodeId};
use std::collections::BTreeSet;

impl Participant {
    pub fn input(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        let coordinator = base.config.coordinator;
        let known: Vec<TxId> = self.parts.keys().copied().collect();
        let held: Vec<TxId> = self.holds.values().copied().collect();
        let some =
            |rng: &mut Rng| if rng.chance(500_000) && !held.is_empty() { rng.pick(&held).copied() } else { rng.pick(&known).copied() };
        let from_coordinator = |message| Some(Input::Message(coordinator, message));
        match rng.below(10) {
            0..=2 => {
                let tx = self.number(rng);
                let message = self.prepare(base, tx, rng);
                from_coordinator(message)
            }
            3 => {
                // What was refused once may have become possible.
                let refused: Vec<TxId> = self.parts.iter().filter(|(_, part)| part.no.is_some()).map(|(tx, _)| *tx).collect();
                let tx = rng.pick(&refused).copied().filter(|_| rng.chance(400_000));
                // What has ended comes again, too, however long ago that was.
                let tx = tx.or_else(|| rng.pick(&known).copied().filter(|_| rng.chance(400_000))).or_else(|| some(rng))?;
                let message = self.prepare(base, tx, rng);
                from_coordinator(message)
            }
            4 | 5 => {
                let tx = some(rng)?;
                let outcome = self.outcome(tx, rng);
                let part = self.parts.get_mut(&tx)?;
                if let Disk::Ended(_) = part.disk
                    && rng.chance(100_000)
                    && part.asks.contains(&coordinator)
                {
                    // An old question, and a coordinator that has forgotten what all were done with.
                    return from_coordinator(Message::Decided(tx, Outcome::Abort));
                }
                let others: Vec<NodeId> = part.asks.iter().copied().filter(|node| *node != coordinator && *node != base.me).collect();
                let from = rng.pick(&others).copied().filter(|_| rng.chance(300_000)).unwrap_or(coordinator);
                Some(Input::Message(from, Message::Decided(tx, outcome)))
            }
            6 => {
                // An abort overtakes its Prepare.
                let tx = self.number(rng);
                self.prepare(base, tx, rng);
                let part = self.parts.entry(tx).or_default();
                if part.asked.is_none() && part.truth.is_none_or(|truth| truth == Outcome::Abort) {
                    base.met.add("aborts that came before their Prepare", 1);
                    part.truth = Some(Outcome::Abort);
                    return from_coordinator(Message::Decided(tx, Outcome::Abort));
                }
                None
            }
            7 => {
                let tx = some(rng)?;
                let (_, participants) = self.parts.get(&tx)?.plan.clone()?;
                let others: Vec<NodeId> = participants.into_iter().filter(|node| *node != base.me).collect();
                Some(Input::Message(*rng.pick(&others)?, Message::Ask(tx)))
            }
            _ => {
                let held: Vec<Account> = self.holds.keys().copied().collect();
                let account = if rng.chance(500_000) { rng.pick(&held).copied() } else { None };
                if account.is_some() {
                    base.met.add("reads of a locked account", 1);
                }
                let account = account.unwrap_or_else(|| self.account(rng));
                Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Read(account)))
            }
        }
    }

    /// What is asked of one that has restarted after a promise.
    pub fn betray(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        let coordinator = base.config.coordinator;
        let (tx, (change, participants)) = self.last.and_then(|tx| Some((tx, self.parts.get(&tx)?.plan.clone()?)))?;
        match rng.below(5) {
            0 | 1 => Some(Input::Message(coordinator, self.prepare(base, tx, rng))),
            2 => Some(Input::Request(ClientId::from_index(0), Request::Read(change.account))),
            3 => {
                let others: Vec<NodeId> = participants.into_iter().filter(|node| *node != base.me).collect();
                Some(Input::Message(*rng.pick(&others)?, Message::Ask(tx)))
            }
            _ => Some(Input::Message(coordinator, Message::Decided(tx, self.outcome(tx, rng)))),
        }
    }

    /// The number of a transaction, perhaps of a new one.
    fn number(&self, rng: &mut Rng) -> TxId {
        let last = self.parts.keys().next_back().map_or(0, |tx| tx.0);
        TxId(if rng.chance(600_000) { rng.near(last) } else { rng.wild() })
    }

    /// One of a few, so that they are wanted twice; in some storms one of many.
    fn account(&self, rng: &mut Rng) -> Account {
        let known: Vec<Account> = self.balances.keys().copied().collect();
        match rng.below(8) {
            0 => Account(rng.wild()),
            1 | 2 => rng.pick(&known).copied().unwrap_or(Account(0)),
            3 => Account(rng.pick(&known).map_or(0, |account| rng.near(account.0))),
            _ => Account(rng.below(self.accounts.max(3))),
        }
    }

    /// The Prepare of this transaction: each says the same, however often it comes.
    fn prepare(&mut self, base: &Base, tx: TxId, rng: &mut Rng) -> Message {
        let part = self.parts.get(&tx).and_then(|part| part.plan.clone());
        let (change, participants) = part.unwrap_or_else(|| {
            let account = self.account(rng);
            let balance = self.balance(base, account);
            let most = |number: u64| number.min((1 << 62) - 1) as i64;
            let by = match rng.below(9) {
                0 => 0,
                1 => -most(balance),
                2 => -most(balance.saturating_add(1)),
                3 => most(rng.wild()),
                4 => -most(rng.wild()),
                5 => most((u64::MAX - balance).saturating_add(rng.below(2))),
                _ => rng.below(7) as i64 - 3,
            };
            let mut participants: BTreeSet<NodeId> = base.participants().into_iter().filter(|_| rng.chance(600_000)).collect();
            participants.insert(base.me);
            (Change { account, by }, participants)
        });
        self.parts.entry(tx).or_default().plan.get_or_insert((change, participants.clone()));
        Message::Prepare { tx, change, participants }
    }

    /// How it ends: commit only if this participant has voted Yes.
    fn outcome(&mut self, tx: TxId, rng: &mut Rng) -> Outcome {
        let Some(part) = self.parts.get_mut(&tx) else { return Outcome::Abort };
        let may_commit = part.yes.is_some() && part.no.is_none() && part.disk != Disk::Ended(Outcome::Abort);
        let drawn = if may_commit && rng.chance(600_000) { Outcome::Commit } else { Outcome::Abort };
        *part.truth.get_or_insert(drawn)
    }
}
