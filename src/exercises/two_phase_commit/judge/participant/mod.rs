//! What a participant may do. It is held to what is on its disk, to what it has said, and to what it has heard; group commit, asking other
//! participants, telling them, asking more often: all are allowed that keep this.

mod inputs;
mod saves;

use super::spec::{Base, Due, LATE};
use super::{ABORTS, CHANGES, ENDS, FREES, IN_TIME, LOCKS, ONCE, SAVED, VOTES, WAITS, YES};
use crate::exercises::kit::Taken;
use crate::exercises::two_phase_commit::{ASKS, Account, Change, Message, Outcome, Request, Response, TwoPhaseCommit, TxId, Vote};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, NodeId, Seen, Ticket};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What its disk says of a transaction, or said last.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Disk {
    #[default]
    Nothing,
    Prepared,
    Ended(Outcome),
}

/// Its part of a transaction.
#[derive(Clone, Default)]
struct Part {
    /// What a Prepare brought, and in which step first.
    asked: Option<(Change, BTreeSet<NodeId>)>,
    came: u64,
    /// Whether there was a reason to vote No when it came, or at any time since.
    refusable: bool,
    /// Whether another participant has asked about it: who has not voted yet may abort it then.
    questioned: bool,
    disk: Disk,
    /// In which step the disk came to that.
    wrote: u64,
    yes: Option<u64>,
    /// In this life.
    no: Option<u64>,
    heard: Option<(Outcome, u64)>,
    /// When it asked the coordinator last, or voted Yes or started after that.
    spoke: Time,
    /// Storms: what its Prepare says; how the others end it, once that is certain; and whom it has asked.
    plan: Option<(Change, BTreeSet<NodeId>)>,
    truth: Option<Outcome>,
    asks: BTreeSet<NodeId>,
}

#[derive(Clone, Default)]
pub(super) struct Participant {
    parts: BTreeMap<TxId, Part>,
    /// Prepares that came in this life, and there was no vote since.
    waiting: BTreeSet<TxId>,
    /// Those that are prepared on the disk, by account.
    holds: BTreeMap<Account, TxId>,
    /// What was committed, where it is not what the account opened with.
    balances: BTreeMap<Account, u64>,
    /// What each open read may be answered with.
    reads: BTreeMap<Ticket, (Account, Vec<Response>)>,
    /// Storms: what it made a promise of last.
    last: Option<TxId>,
    /// Storms: of how many accounts one is drawn.
    pub accounts: u64,
}

impl Participant {
    pub fn in_doubt(&self) -> impl Iterator<Item = (TxId, u64)> {
        self.holds.values().map(|tx| (*tx, self.parts[tx].wrote))
    }

    fn balance(&self, base: &Base, account: Account) -> u64 {
        self.balances.get(&account).copied().unwrap_or(base.config.opening)
    }

    /// Whether another transaction than this one waits for its vote, or waited for it, and changes the account.
    fn is_wanted(&self, tx: Option<TxId>, account: Account) -> bool {
        let wants = |other: &TxId| self.parts[other].asked.as_ref().is_some_and(|asked| asked.0.account == account);
        self.waiting.iter().any(|other| Some(*other) != tx && wants(other))
    }

    /// Whether it has a reason to vote No: another transaction holds the account, or is about to, or the account does not cover the change.
    fn may_refuse(&self, base: &Base, tx: TxId, change: Change) -> bool {
        let is_held = self.holds.get(&change.account).is_some_and(|other| *other != tx);
        is_held || !self.covers(base, change) || self.is_wanted(Some(tx), change.account)
    }

    fn covers(&self, base: &Base, change: Change) -> bool {
        self.balance(base, change.account).checked_add_signed(change.by).is_some()
    }

    /// What a read of this account may be answered with now.
    fn allowed(&self, base: &Base, account: Account) -> Vec<Response> {
        let balance = self.balance(base, account);
        let Some(part) = self.holds.get(&account).map(|tx| &self.parts[tx]) else {
            let mut allowed = vec![Response::Balance(balance)];
            allowed.extend(self.is_wanted(None, account).then_some(Response::Locked));
            return allowed;
        };
        let mut allowed = vec![Response::Locked];
        if let (Some((outcome, _)), Some((change, _))) = (part.heard, &part.asked) {
            let by = if outcome == Outcome::Commit { change.by } else { 0 };
            allowed.push(Response::Balance(balance.saturating_add_signed(by)));
        }
        allowed
    }

    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, TwoPhaseCommit>, answers: &[(Taken<TwoPhaseCommit>, &Response)]) -> Check {
        match seen.cause {
            Cause::Start { .. } => self.forgets(seen.now),
            Cause::Message { from, message, .. } => self.hears(base, from, message, seen),
            Cause::Request { ticket, request: Request::Read(account) } => {
                self.reads.insert(ticket, (*account, Vec::new()));
            }
            _ => {}
        }
        // What an open read may see of this moment is its to answer later.
        let now: Vec<(Ticket, Vec<Response>)> =
            self.reads.iter().map(|(ticket, (account, _))| (*ticket, self.allowed(base, *account))).collect();
        for (ticket, allowed) in now {
            self.reads.entry(ticket).and_modify(|(_, known)| known.extend(allowed));
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(base, saved, seen)?,
                Effect::Send { to, message } => self.sends(base, *to, message, seen)?,
                _ => {}
            }
        }
        for (taken, response) in answers {
            let Some((account, mut allowed)) = self.reads.remove(&taken.ticket) else { continue };
            allowed.extend(self.allowed(base, account));
            self.answers(base, account, **response, &allowed, taken.step, seen.number)?;
        }
        for tx in self.waiting.clone() {
            let refuses = self.parts[&tx].asked.as_ref().is_some_and(|(change, _)| self.may_refuse(base, tx, *change));
            self.parts.entry(tx).and_modify(|part| part.refusable |= refuses);
        }
        if seen.crashed {
            self.forgets(seen.now);
        }
        Ok(())
    }

    /// A crash takes with it what is not on the disk.
    fn forgets(&mut self, now: Time) {
        self.reads.clear();
        self.waiting.clear();
        for part in self.parts.values_mut() {
            (part.no, part.spoke) = (None, now);
            if !matches!(part.disk, Disk::Ended(_)) {
                part.heard = None;
            }
        }
    }

    fn hears(&mut self, base: &mut Base, from: NodeId, message: &Message, seen: &Seen<'_, TwoPhaseCommit>) {
        match message {
            Message::Prepare { tx, change, participants } => {
                let refusable = self.may_refuse(base, *tx, *change);
                let part = self.parts.entry(*tx).or_default();
                if part.asked.is_none() {
                    (part.asked, part.came) = (Some((*change, participants.clone())), seen.number);
                }
                if part.disk == Disk::Nothing && part.heard.is_none() {
                    part.refusable = refusable || (part.refusable && !self.waiting.insert(*tx));
                    self.waiting.insert(*tx);
                }
                if !matches!(part.disk, Disk::Ended(_)) && part.heard.is_none() {
                    base.owes(Due::Vote, *tx, from, seen);
                }
            }
            Message::Ask(tx) => self.parts.entry(*tx).or_default().questioned = true,
            Message::Decided(tx, outcome) => {
                let part = self.parts.entry(*tx).or_default();
                part.heard.get_or_insert((*outcome, seen.number));
                self.waiting.remove(tx);
                base.pays(Due::Vote, *tx, base.config.coordinator);
                if from == base.config.coordinator {
                    base.owes(Due::Done, *tx, from, seen);
                }
            }
            _ => {}
        }
    }

    fn sends(&mut self, base: &mut Base, to: NodeId, message: &Message, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let (me, step) = (base.me, seen.number);
        let broken = |rule, seen: String, mark: Option<u64>| Err(Broken::new(rule, seen).at(mark).at([step]));
        match message {
            Message::Voted(tx, vote) => {
                base.pays(Due::Vote, *tx, to);
                let refuses =
                    self.parts.get(tx).and_then(|part| part.asked.as_ref()).is_some_and(|(change, _)| self.may_refuse(base, *tx, *change));
                let Some(part) = self.parts.get(tx).filter(|part| part.asked.is_some()) else {
                    return broken(VOTES, format!("{me} voted {vote:?} on {tx:?}, but no Prepare has brought that"), None);
                };
                match (vote, part.disk) {
                    (Vote::Yes, Disk::Prepared | Disk::Ended(Outcome::Commit)) | (Vote::No, Disk::Ended(Outcome::Abort)) => {}
                    // The Yes was given, and the abort came before it left: it binds nobody.
                    (Vote::Yes, Disk::Ended(Outcome::Abort)) if part.heard.is_some() => {}
                    (_, Disk::Ended(outcome)) => {
                        return broken(
                            CHANGES,
                            format!("{tx:?} had ended at {me} with {outcome:?}, but it voted {vote:?}"),
                            Some(part.wrote),
                        );
                    }
                    (Vote::No, Disk::Prepared) => {
                        return broken(WAITS, format!("{me} had voted Yes to {tx:?}, but now votes No"), Some(part.wrote));
                    }
                    (Vote::Yes, Disk::Nothing) => match part.no {
                        Some(no) => return broken(CHANGES, format!("{me} had voted No to {tx:?}, but now votes Yes"), Some(no)),
                        None => return broken(YES, format!("{me} voted Yes to {tx:?}, but its log does not say so yet"), Some(part.came)),
                    },
                    (Vote::No, Disk::Nothing) => {
                        if !(refuses || part.refusable || part.no.is_some() || part.heard.is_some() || part.questioned) {
                            return broken(ABORTS, self.no_reason(base, *tx, "voted No to", part), Some(part.came));
                        }
                    }
                }
                self.waiting.remove(tx);
                (base.promised, self.last) = (true, Some(*tx));
                base.met.add(if *vote == Vote::Yes { "votes for Yes" } else { "votes for No" }, 1);
                self.parts.entry(*tx).and_modify(|part| match vote {
                    Vote::No => part.no = part.no.or(Some(step)),
                    Vote::Yes => part.spoke = seen.now,
                });
            }
            Message::Decided(tx, outcome) => {
                let part = self.parts.entry(*tx).or_default();
                match part.disk {
                    Disk::Ended(ended) if ended == *outcome => base.promised = true,
                    Disk::Ended(ended) => {
                        return broken(
                            CHANGES,
                            format!("{tx:?} had ended at {me} with {ended:?}, but it told {to} {outcome:?}"),
                            Some(part.wrote),
                        );
                    }
                    Disk::Prepared if part.heard.is_none() => {
                        return broken(
                            WAITS,
                            format!("{me} is in doubt about {tx:?}, but told {to} that it ends with {outcome:?}"),
                            Some(part.wrote),
                        );
                    }
                    _ => {
                        return broken(
                            SAVED,
                            format!("{me} told {to} that {tx:?} ends with {outcome:?}, but its log does not say so yet"),
                            None,
                        );
                    }
                }
            }
            Message::Done(tx) => {
                base.pays(Due::Done, *tx, to);
                let part = self.parts.entry(*tx).or_default();
                if !matches!(part.disk, Disk::Ended(_)) {
                    let heard = part.heard.map(|(_, step)| step);
                    return broken(
                        SAVED,
                        format!("{me} told {to} that it is done with {tx:?}, but its log does not say how that ended"),
                        heard,
                    );
                }
                base.promised = true;
            }
            Message::Ask(tx) => {
                if let Some(part) = self.parts.get_mut(tx) {
                    part.asks.insert(to);
                    if to == base.config.coordinator {
                        part.spoke = seen.now;
                    }
                }
            }
            Message::Prepare { .. } => {}
        }
        Ok(())
    }

    fn no_reason(&self, base: &Base, tx: TxId, did: &str, part: &Part) -> String {
        let me = base.me;
        match &part.asked {
            Some((change, _)) => {
                let has = self.balance(base, change.account);
                format!(
                    "{me} {did} {tx:?} without a reason: it was asked for {change:?}, has {has} in that account, and no other transaction held it"
                )
            }
            None => format!("{me} {did} {tx:?}, of which it had not heard"),
        }
    }

    fn answers(&self, base: &Base, account: Account, response: Response, allowed: &[Response], asked: u64, step: u64) -> Check {
        if allowed.contains(&response) {
            return Ok(());
        }
        let me = base.me;
        let holder = self.holds.get(&account).map(|tx| (tx, self.parts[tx].wrote));
        let (rule, seen, mark) = match (response, holder) {
            (Response::Locked, _) => (FREES, format!("{me} answered a read of {account:?} with Locked, but no transaction holds it"), None),
            (Response::Balance(_), Some((tx, when))) => {
                (LOCKS, format!("{me} answered a read of {account:?} with {response:?}, while {tx:?} holds it"), Some(when))
            }
            (Response::Balance(_), None) => (
                ONCE,
                format!(
                    "{me} answered a read of {account:?} with {response:?}, but the committed changes make {}",
                    self.balance(base, account)
                ),
                None,
            ),
            _ => (IN_TIME, format!("{me} answered a read with {response:?}"), None),
        };
        Err(Broken::new(rule, seen).at(mark).at([asked, step]))
    }

    /// Whoever is in doubt asks.
    pub fn asks(&self, base: &Base, now: Time) -> Check {
        for tx in self.holds.values() {
            let part = &self.parts[tx];
            if part.heard.is_none() && now > part.spoke + ASKS + LATE {
                let seen = format!(
                    "{} is in doubt about {tx:?}, but has not asked {} for {} ms",
                    base.me,
                    base.config.coordinator,
                    ASKS.as_millis()
                );
                return Err(Broken::new(ENDS, seen).at([part.wrote]).stuck());
            }
        }
        Ok(())
    }
}
