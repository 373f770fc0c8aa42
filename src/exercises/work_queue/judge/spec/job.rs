//! What is known of one job by those who see requests and answers alone. What a crash leaves open is kept as two bounds: what may be, and what must be.

use crate::exercises::work_queue::{Config, JobId, Key, Receipt};
use crate::time::{Time, micros};
use std::collections::BTreeMap;
use std::time::Duration;

/// It was handed out.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub step: u64,
    /// When its lease ends.
    pub until: Time,
    /// Whether a Fail has come, and whether one was accepted.
    pub fail_came: bool,
    pub failed: bool,
    /// When the Ack came that was accepted.
    pub done: Option<Time>,
}

/// An Ack that was accepted, or may have been.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub receipt: Receipt,
    pub came: Time,
    pub step: u64,
}

#[derive(Clone)]
pub(super) struct Job {
    pub id: JobId,
    pub key: Key,
    /// Surely not in the queue, nor remembered.
    pub absent: bool,
    /// In which step it was first asked for, and since which one it is surely in the queue.
    pub asked: u64,
    pub accepted: Option<u64>,
    /// The id may be forgotten, or still be known: nobody can tell whether it is a job now.
    pub doubtful: bool,
    /// The same, and it may also be in the queue from before.
    pub wild: bool,
    /// The attempt that was seen last, and how many more a crash may have used up.
    pub attempts: u32,
    pub maybe: u32,
    pub receipts: BTreeMap<Receipt, Given>,
    pub last: Option<Receipt>,
    /// It may be handed out from then on; it can be, for sure, after that.
    pub free_from: Time,
    pub due: Time,
    /// After its last attempt: it may be a dead letter from then on; it is one, for sure, after that.
    pub dead_from: Time,
    pub dead_by: Time,
    /// In which step it was among the dead letters.
    pub shown: Option<u64>,
    pub gone: Option<End>,
    pub maybe_gone: Option<End>,
    /// In which step it was asked for again last, when it was there.
    pub twin: Option<u64>,
    /// In which step it was last answered something that rests on it.
    pub told: u64,
}

impl Job {
    pub fn new(id: JobId, key: Key) -> Self {
        Job {
            id,
            key,
            absent: true,
            asked: 0,
            accepted: None,
            doubtful: false,
            wild: false,
            attempts: 0,
            maybe: 0,
            receipts: BTreeMap::new(),
            last: None,
            free_from: Time::ZERO,
            due: Time::ZERO,
            dead_from: Time::ZERO,
            dead_by: Time::ZERO,
            shown: None,
            gone: None,
            maybe_gone: None,
            twin: None,
            told: 0,
        }
    }

    /// It is asked for, and was not there, or may not be there any more: from now on it may be.
    pub fn begins(&mut self, step: u64) {
        let receipts = std::mem::take(&mut self.receipts);
        let doubtful = self.gone.is_some() || self.doubtful;
        *self = Job { receipts, absent: false, asked: step, doubtful, ..Job::new(self.id, self.key) };
    }

    /// Whether an Ack was accepted, or may have been, so long ago that its id may be forgotten.
    pub fn is_forgotten(&self, now: Time, config: &Config) -> bool {
        self.gone.or(self.maybe_gone).is_some_and(|end| now >= end.came + config.remembers)
    }

    /// Surely in nobody's way any more.
    pub fn is_over(&self, now: Time, config: &Config) -> bool {
        let is_there = self.accepted.is_some() && !self.wild;
        self.absent || self.gone.is_some() || self.shown.is_some() || is_there && self.attempts >= config.attempts && now > self.dead_by
    }

    pub fn may_be_over(&self, now: Time, config: &Config) -> bool {
        let is_unsure = self.accepted.is_none() || self.wild || self.maybe_gone.is_some();
        let may_be_dead = self.attempts + self.maybe >= config.attempts && now >= self.dead_from;
        is_unsure || may_be_dead || self.is_over(now, config)
    }

    /// Whether it can be handed out for sure, as far as it goes by itself.
    pub fn is_free(&self, now: Time, config: &Config) -> bool {
        !self.may_be_over(now, config) && now >= self.due && self.attempts + self.maybe < config.attempts
    }

    pub fn last_given(&self) -> Option<Given> {
        self.receipts.get(&self.last?).copied()
    }

    /// Whether this receipt's lease has not ended, for sure.
    pub fn is_held(&self, receipt: Receipt, now: Time) -> bool {
        let given = self.receipts.get(&receipt).filter(|_| self.last == Some(receipt) && self.gone.is_none() && self.shown.is_none());
        given.is_some_and(|given| now < given.until && !given.fail_came)
    }

    /// It is handed out.
    pub fn given(&mut self, receipt: Receipt, attempt: u32, step: u64, now: Time, config: &Config, late: Duration) {
        let until = now + config.lease;
        let given = Given { step, until, fail_came: false, failed: false, done: None };
        self.receipts.insert(receipt, given);
        (self.last, self.attempts, self.maybe) = (Some(receipt), attempt, 0);
        // The end of the lease may be seen late, and after that the end of a rest.
        (self.free_from, self.due) = (until, until + rest(config, attempt) * 2 + late * 2);
        (self.dead_from, self.dead_by) = (until, until + late);
        (self.absent, self.wild, self.doubtful, self.maybe_gone) = (false, false, false, None);
        self.accepted.get_or_insert(step);
        self.told = step;
    }

    /// A Fail comes within the lease: from now on the lease may be over.
    pub fn fail_comes(&mut self, receipt: Receipt, now: Time, config: &Config) {
        self.free_from = self.free_from.min(now + rest(config, self.attempts));
        self.dead_from = self.dead_from.min(now);
        if let Some(given) = self.receipts.get_mut(&receipt) {
            given.fail_came = true;
        }
    }

    /// A Fail that came at `came` is accepted; `held`: it came within the lease.
    pub fn fails(&mut self, receipt: Receipt, held: bool, came: Time, now: Time, config: &Config, late: Duration) {
        let Some(given) = self.receipts.get_mut(&receipt).filter(|given| !given.failed) else { return };
        (given.failed, given.fail_came) = (true, true);
        let due = now + rest(config, self.attempts + self.maybe) * 2 + late;
        if held {
            (self.free_from, self.due, self.dead_by) = (came + rest(config, self.attempts), due, now);
        } else {
            self.due = self.due.max(due);
        }
    }

    /// A crash cut off an answer that may have handed it out, to whoever asked at `since`.
    pub fn may_be_given(&mut self, since: Time, now: Time, config: &Config, late: Duration) {
        let is_free = !self.absent && self.gone.is_none() && self.shown.is_none() && now >= self.free_from;
        if !is_free || self.attempts + self.maybe >= config.attempts {
            return;
        }
        self.maybe += 1;
        self.due = self.due.max(now + config.lease + rest(config, self.attempts + self.maybe) * 2 + late * 2);
        if self.attempts + self.maybe >= config.attempts {
            self.dead_from = since + config.lease;
        }
    }

    /// The broker has restarted: what it counts anew it counts from now.
    pub fn restarts(&mut self, now: Time, config: &Config, late: Duration) {
        if self.attempts + self.maybe == 0 {
            return;
        }
        let rests = rest(config, self.attempts + self.maybe) * 2 + late;
        if self.maybe == 0 && self.last_given().is_some_and(|given| given.failed) {
            self.due = self.due.max(now + rests);
        } else {
            self.due = self.due.max(now + config.lease + rests + late);
            self.dead_by = self.dead_by.max(now + config.lease + late);
        }
    }

    /// Whether no job of its key can be before this one, for sure, of which `other` is one.
    pub fn goes_before(&self, other: &Job, now: Time, config: &Config) -> bool {
        let is_later = self.accepted.is_some_and(|accepted| accepted < other.asked) && other.attempts + other.maybe == 0;
        self.attempts > 0 || other.is_over(now, config) || is_later
    }

    /// Whether it must wait for `other`, of the same key.
    pub fn waits_for(&self, other: &Job, now: Time, config: &Config) -> bool {
        let was_before = other.accepted.is_some_and(|accepted| accepted < self.asked) || other.attempts > 0;
        was_before && !other.may_be_over(now, config)
    }
}

/// How long a job rests at least whose so many attempts have failed.
pub(in crate::exercises::work_queue::judge) fn rest(config: &Config, attempts: u32) -> Duration {
    let times = 1u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_micros(micros(config.pause).saturating_mul(times).min(micros(config.most)))
}
