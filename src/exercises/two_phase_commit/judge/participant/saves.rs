//! What a participant may write down, and when.

use super::{Disk, Part, Participant};
use crate::exercises::two_phase_commit::judge::rules::{ABORTS, ATOMIC, CHANGES, FREES, LOCKS, NEEDS, ONCE, VOTES, WAITS};
use crate::exercises::two_phase_commit::judge::spec::Base;
use crate::exercises::two_phase_commit::{Change, Outcome, Record, Saved, TwoPhaseCommit, TxId};
use crate::rule::{Broken, Check};
use crate::sim::Seen;

impl Participant {
    pub(super) fn saves(&mut self, base: &mut Base, saved: &Saved, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
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
                    let seen = format!("{} had voted Yes to {tx:?}, has not heard how it ends, but its log has lost it", base.me);
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
        if saved.balances == self.balances { Ok(()) } else { self.adds_up(base, saved, step) }
    }

    /// What has committed is in the balances, once; an account may be left out that is as it opened.
    fn adds_up(&self, base: &Base, saved: &Saved, step: u64) -> Check {
        let opening = base.config.opening;
        for account in self.balances.keys().chain(saved.balances.keys()) {
            let is = saved.balances.get(account).copied().unwrap_or(opening);
            let should = self.balance(base, *account);
            if is == should {
                continue;
            }
            let commits = |part: &Part| part.disk == Disk::Ended(Outcome::Commit);
            let by = |part: &Part| Some(part.asked.as_ref()?.0).filter(|change| change.account == *account && commits(part));
            let made: Vec<String> = self.parts.iter().filter_map(|(tx, part)| Some(format!("{tx:?}: {:+}", by(part)?.by))).collect();
            let made = if made.is_empty() { "nothing has committed there".to_owned() } else { made.join(", ") };
            let seen = format!("{} saved {is} for {account:?}, which opened with {opening}: {made}. That makes {should}", base.me);
            return Err(Broken::new(ONCE, seen).at([step]));
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
            return broken(VOTES, format!("{me} saved that it is prepared for {tx:?}, but no Prepare has brought that"), &[]);
        };
        if let Disk::Ended(outcome) = part.disk {
            return broken(FREES, format!("{tx:?} had ended at {me} ({outcome:?}), but it prepares it again"), &[part.wrote]);
        }
        if *asked != change {
            return broken(ONCE, format!("{me} was asked to prepare {asked:?} for {tx:?}, but saved {change:?}"), &[part.came]);
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
                format!("{me} prepares {change:?} for {tx:?}, but there is {has} in it: it could never commit that"),
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
                let seen = format!("{tx:?} had ended at {me} with {before:?}, but it saved {outcome:?} over that");
                return Err(Broken::new(CHANGES, seen).at([part.wrote, step]));
            }
            (Disk::Prepared, None) => {
                let seen = format!("{me} had voted Yes to {tx:?}, nobody has told it how that ends, but it saved {outcome:?}");
                return Err(Broken::new(WAITS, seen).at([part.wrote, step]));
            }
            (Disk::Prepared, Some((heard, when))) if heard != outcome => {
                let seen = format!("{me} was told that {tx:?} ends with {heard:?}, but saved {outcome:?}");
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
}
