//! What a participant may do. It is held to what is on its disk, to what it has said, and to what it has heard; group commit, asking other
//! participants, telling them, asking more often: all are allowed that keep this.

use super::spec::{Base, Due, LATE};
use super::{ABORTS, ATOMIC, CHANGES, ENDS, FREES, IN_TIME, LOCKS, NEEDS, ONCE, SAVED, VOTES, WAITS, YES};
use crate::exercises::kit::Taken;
use crate::exercises::two_phase_commit::{
    ASKS, Account, Change, Message, Outcome, Record, Request, Response, Saved, TwoPhaseCommit, TxId, Vote,
};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Input, NodeId, Seen, Ticket};
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

    fn saves(&mut self, base: &mut Base, saved: &Saved, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let step = seen.number;
        // One save may end a transaction and prepare the next one of the same account.
        for (tx, record) in &saved.log {
            let before = self.parts.get(tx).map_or(Disk::Nothing, |part| part.disk);
            if let Record::Ended(outcome, _) = record
                && before != Disk::Ended(*outcome)
            {
                self.ends(base, *tx, *outcome, step)?;
            }
        }
        // Whoever knows that it must not prepare it again may leave the record out.
        let gone: Vec<TxId> = self.holds.values().filter(|tx| !saved.log.contains_key(tx)).copied().collect();
        for tx in gone {
            match self.parts[&tx].heard {
                Some((outcome, _)) => self.ends(base, tx, outcome, step)?,
                None => {
                    let seen = format!("{} had voted Yes to {tx:?}, has not heard how it ends, and its log has lost it", base.me);
                    return Err(Broken::new(WAITS, seen).at([self.parts[&tx].wrote, step]));
                }
            }
        }
        for (tx, record) in &saved.log {
            if let Record::Prepared(change, _) = record
                && self.parts.get(tx).is_none_or(|part| part.disk != Disk::Prepared)
            {
                self.prepares(base, *tx, *change, seen)?;
            }
        }
        let accounts: BTreeSet<Account> = self.balances.keys().chain(saved.balances.keys()).copied().collect();
        for account in accounts {
            let is = saved.balances.get(&account).copied().unwrap_or(base.config.opening);
            let should = self.balance(base, account);
            if is != should {
                let of = |part: &Part| {
                    part.asked.as_ref().map(|a| a.0).filter(|c| c.account == account && part.disk == Disk::Ended(Outcome::Commit))
                };
                let made: Vec<String> = self.parts.iter().filter_map(|(tx, part)| Some(format!("{tx:?}: {:+}", of(part)?.by))).collect();
                let made = if made.is_empty() { "nothing has committed there".to_owned() } else { made.join(", ") };
                let seen = format!(
                    "{} wrote {is} for {account:?}, which opened with {}: {made}. That makes {should}",
                    base.me, base.config.opening
                );
                return Err(Broken::new(ONCE, seen).at([step]));
            }
        }
        Ok(())
    }

    fn prepares(&mut self, base: &mut Base, tx: TxId, change: Change, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let (me, step) = (base.me, seen.number);
        let holder = self.holds.get(&change.account).copied();
        let covers = self.covers(base, change);
        let has = self.balance(base, change.account);
        let part = self.parts.entry(tx).or_default();
        let broken = |rule, seen: String, marks: &[u64]| Err(Broken::new(rule, seen).at(marks.iter().copied()).at([step]));
        let Some((asked, _)) = &part.asked else {
            return broken(VOTES, format!("{me} wrote down that it is prepared for {tx:?}, and no Prepare has brought that"), &[]);
        };
        if let Disk::Ended(outcome) = part.disk {
            return broken(FREES, format!("{tx:?} had ended at {me} ({outcome:?}), and it prepares it again"), &[part.wrote]);
        }
        if *asked != change {
            return broken(ONCE, format!("{me} was asked to prepare {asked:?} for {tx:?}, and wrote down {change:?}"), &[part.came]);
        }
        if let Some(when) = part.no {
            return broken(CHANGES, format!("{me} had voted No to {tx:?}, and prepares it now"), &[when]);
        }
        if let Some((outcome, when)) = part.heard {
            return broken(FREES, format!("{me} had been told that {tx:?} ended ({outcome:?}), and prepares it now"), &[when]);
        }
        if let Some(other) = holder {
            let when = self.parts[&other].wrote;
            return broken(LOCKS, format!("{me} prepares {tx:?}, which changes {:?}, while {other:?} holds it", change.account), &[when]);
        }
        if !covers {
            return broken(
                VOTES,
                format!("{me} prepares {change:?} for {tx:?}, and there is {has} in it: it could never commit that"),
                &[part.came],
            );
        }
        (part.disk, part.wrote, part.yes, part.spoke) = (Disk::Prepared, step, Some(step), seen.now);
        self.holds.insert(change.account, tx);
        Ok(())
    }

    fn ends(&mut self, base: &mut Base, tx: TxId, outcome: Outcome, step: u64) -> Check {
        let me = base.me;
        let part = self.parts.entry(tx).or_default().clone();
        let refuses = part.asked.as_ref().is_some_and(|(change, _)| self.may_refuse(base, tx, *change));
        let was = part.disk;
        match (was, part.heard) {
            (Disk::Ended(before), _) => {
                let seen = format!("{tx:?} had ended at {me} with {before:?}, and it wrote {outcome:?} over that");
                return Err(Broken::new(CHANGES, seen).at([part.wrote, step]));
            }
            (Disk::Prepared, None) => {
                let seen = format!("{me} had voted Yes to {tx:?}, nobody has told it how that ends, and it wrote down {outcome:?}");
                return Err(Broken::new(WAITS, seen).at([part.wrote, step]));
            }
            (Disk::Prepared, Some((heard, when))) if heard != outcome => {
                let seen = format!("{me} was told that {tx:?} ends with {heard:?}, and wrote down {outcome:?}");
                return Err(Broken::new(ATOMIC, seen).at([when, step]));
            }
            (Disk::Nothing, _) if outcome == Outcome::Commit => {
                return Err(Broken::new(NEEDS, format!("{me} commits {tx:?}, to which it has never voted Yes")).at([step]));
            }
            (Disk::Nothing, None) if !(refuses || part.refusable || part.no.is_some() || part.questioned) => {
                return Err(Broken::new(ABORTS, self.no_reason(base, tx, "ended", &part)).at([part.came, step]));
            }
            _ => {}
        }
        let change = part.asked.as_ref().map(|asked| asked.0).filter(|_| was == Disk::Prepared);
        self.parts.entry(tx).and_modify(|part| (part.disk, part.wrote) = (Disk::Ended(outcome), step));
        self.waiting.remove(&tx);
        (base.promised, self.last) = (true, Some(tx));
        if let Some(change) = change {
            self.holds.remove(&change.account);
            base.met.add(if outcome == Outcome::Commit { "commits of a participant" } else { "aborts of a participant in doubt" }, 1);
            if outcome == Outcome::Commit {
                let after = self.balance(base, change.account).saturating_add_signed(change.by);
                self.balances.insert(change.account, after);
            }
        }
        Ok(())
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
                    return broken(VOTES, format!("{me} voted {vote:?} on {tx:?}, and no Prepare has brought that"), None);
                };
                match (vote, part.disk) {
                    (Vote::Yes, Disk::Prepared | Disk::Ended(Outcome::Commit)) | (Vote::No, Disk::Ended(Outcome::Abort)) => {}
                    // The Yes was given, and the abort came before it left: it binds nobody.
                    (Vote::Yes, Disk::Ended(Outcome::Abort)) if part.heard.is_some() => {}
                    (_, Disk::Ended(outcome)) => {
                        return broken(
                            CHANGES,
                            format!("{tx:?} had ended at {me} with {outcome:?}, and it voted {vote:?}"),
                            Some(part.wrote),
                        );
                    }
                    (Vote::No, Disk::Prepared) => {
                        return broken(WAITS, format!("{me} had voted Yes to {tx:?}, and now votes No"), Some(part.wrote));
                    }
                    (Vote::Yes, Disk::Nothing) => match part.no {
                        Some(no) => return broken(CHANGES, format!("{me} had voted No to {tx:?}, and now votes Yes"), Some(no)),
                        None => return broken(YES, format!("{me} voted Yes to {tx:?}, and its log does not say so yet"), Some(part.came)),
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
                            format!("{tx:?} had ended at {me} with {ended:?}, and it told {to} {outcome:?}"),
                            Some(part.wrote),
                        );
                    }
                    Disk::Prepared if part.heard.is_none() => {
                        return broken(
                            WAITS,
                            format!("{me} is in doubt about {tx:?}, and told {to} that it ends with {outcome:?}"),
                            Some(part.wrote),
                        );
                    }
                    _ => {
                        return broken(
                            SAVED,
                            format!("{me} told {to} that {tx:?} ends with {outcome:?}, and its log does not say so yet"),
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
                        format!("{me} told {to} that it is done with {tx:?}, and its log does not say how that ended"),
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
                    "{me} {did} {tx:?} without a reason: it was asked for {change:?}, has {has} there, and no other transaction held that"
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
            (Response::Locked, _) => (FREES, format!("{me} answered a read of {account:?} with Locked, and no transaction holds it"), None),
            (Response::Balance(_), Some((tx, when))) => {
                (LOCKS, format!("{me} answered a read of {account:?} with {response:?}, while {tx:?} holds it"), Some(when))
            }
            (Response::Balance(_), None) => (
                ONCE,
                format!("{me} answered a read of {account:?} with {response:?}, and what committed makes {}", self.balance(base, account)),
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
                    "{} is in doubt about {tx:?}, and has not asked {} for {} ms",
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

// What could come in.
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
                let tx = some(rng)?;
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

    fn account(&self, rng: &mut Rng) -> Account {
        let known: Vec<Account> = self.balances.keys().copied().collect();
        match rng.below(8) {
            0 => Account(rng.wild()),
            1 | 2 => rng.pick(&known).copied().unwrap_or(Account(0)),
            3 => Account(rng.pick(&known).map_or(0, |account| rng.near(account.0))),
            _ => Account(rng.below(3)),
        }
    }

    /// The Prepare of this transaction: each says the same, however often it comes.
    fn prepare(&mut self, base: &Base, tx: TxId, rng: &mut Rng) -> Message {
        let part = self.parts.get(&tx).and_then(|part| part.plan.clone());
        let (change, participants) = part.unwrap_or_else(|| {
            let account = self.account(rng);
            let has = self.balance(base, account).min(1 << 62) as i64;
            let by = match rng.below(8) {
                0 => 0,
                1 => -has,
                2 => -has - 1,
                3 => (rng.wild() % (1 << 40)) as i64,
                4 => -((rng.wild() % (1 << 61)) as i64),
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
