//! What the broker may answer: each answer against all that is known of the job that it is about, and what is known after it.

use super::job::{self, End, Job};
use super::{Came, Ghost, Is, enqueued};
use crate::exercises::work_queue::judge::rules::{DEAD, GONE, IN_TIME, LOST, ORDER, POISON, RESTS, ROOM, STALE, SURVIVES, TIMEOUT, TWINS};
use crate::exercises::work_queue::{JobId, Receipt, Request, Response};
use crate::rule::{Broken, Check};
use std::collections::BTreeSet;

impl Ghost {
    /// A request is answered.
    pub(super) fn answers(&mut self, taken: Is<'_>, response: &Response, step: u64) -> Check {
        let came = self.came.remove(&taken.ticket).unwrap_or_default();
        match (&taken.request, response) {
            (Request::Enqueue { job, .. }, Response::Enqueued) => self.accepts(*job, taken, step),
            (Request::Enqueue { job, .. }, Response::Full) => self.is_full(*job, taken, came, step),
            (Request::Take, Response::Work { job, receipt, attempt }) => self.works(*job, *receipt, *attempt, step),
            (Request::Take, Response::Empty) => self.is_empty(step),
            (Request::Ack { job, receipt }, Response::Done) => self.acks(*job, *receipt, taken, came, step),
            (Request::Ack { job, receipt }, Response::Stale) => self.refuses_ack(*job, *receipt, taken, came, step),
            (Request::Fail { job, receipt }, Response::Done) => self.fails(*job, *receipt, taken, came, step),
            (Request::Fail { job, receipt }, Response::Stale) => self.refuses_fail(*job, *receipt, taken, came, step),
            (Request::Dead, Response::Dead(jobs)) => self.lists(jobs, step),
            (request, _) => Err(Broken::new(IN_TIME, format!("n1 answered {request:?} with {response:?}")).at([taken.step, step])),
        }
    }

    fn accepts(&mut self, id: JobId, taken: Is<'_>, step: u64) -> Check {
        self.may_begin_again(id, step);
        let (surely, _) = self.counts(id);
        let (now, capacity) = (self.now, self.config.capacity);
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        self.promised = true;
        if job.accepted.is_some() || job.gone.is_some() || job.doubtful {
            return Ok(());
        }
        (job.accepted, job.told) = (Some(step), step);
        if surely >= capacity && !job.may_be_over(now, &self.config) {
            let seen = format!("n1 accepted {id:?}, but already had {surely} jobs that were not over; its capacity is {capacity}");
            return Err(Broken::new(ROOM, seen).at([taken.step, step]));
        }
        Ok(())
    }

    fn is_full(&mut self, id: JobId, taken: Is<'_>, came: Came, step: u64) -> Check {
        self.may_begin_again(id, step);
        let perhaps = came.fullest.max(self.counts(id).1);
        let (now, config) = (self.now, &self.config);
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        let known = if job.wild || job.accepted.is_none() && job.gone.is_none() {
            None
        } else if job.gone.is_some() {
            Some("was acknowledged, and must be remembered")
        } else if job.is_over(now, config) {
            Some("is a dead letter")
        } else {
            Some("was in the queue")
        };
        if let Some(known) = known {
            let seen = format!("n1 answered {:?} with Full, but {id:?} {known}", taken.request);
            return Err(Broken::new(TWINS, seen).at([job.accepted.unwrap_or(job.asked), taken.step, step]));
        }
        if perhaps < config.capacity {
            let seen = format!(
                "n1 answered {:?} with Full, but had at most {perhaps} jobs that were not over; its capacity is {}",
                taken.request, config.capacity
            );
            return Err(Broken::new(ROOM, seen).at([taken.step, step]));
        }
        self.met.add("queues that were full", 1);
        let is_asked = self.open.of.values().any(|other| enqueued(&other.request) == Some(id));
        job.absent = !is_asked;
        Ok(())
    }

    /// A job is handed out.
    fn works(&mut self, id: JobId, receipt: Receipt, attempt: u32, step: u64) -> Check {
        if self.open.of.values().any(|taken| enqueued(&taken.request) == Some(id)) {
            self.may_begin_again(id, step);
        }
        let (now, config, late) = (self.now, self.config.clone(), self.late);
        let restarted = self.restarted;
        let work = format!("n1 handed out {id:?} ({receipt:?}, attempt {attempt})");
        let Some(job) = self.jobs.get(&id).filter(|job| !job.absent) else {
            return Err(Broken::new(LOST, format!("{work}, but nobody had put it there")).at([step]));
        };
        let said = |rule, seen: String, at: u64| Err(Broken::new(rule, format!("{work}, {seen}")).at([at, step]));
        if let Some(given) = job.receipts.get(&receipt) {
            return said(STALE, format!("a receipt that it had given before with {id:?}"), given.step);
        }
        let is_twin = |since: u64| job.twin.is_some_and(|twin| twin > since);
        let rule = |since: u64, else_rule| match () {
            () if is_twin(since) => TWINS,
            () if restarted > since => SURVIVES,
            () => else_rule,
        };
        if let Some(end) = job.gone {
            return said(rule(end.step, GONE), format!("which was acknowledged with {:?}", end.receipt), end.step);
        }
        let of_lives = (1..=config.attempts).contains(&attempt);
        if !job.wild {
            let last = job.last_given().map_or(job.asked, |given| given.step);
            if let Some(shown) = job.shown {
                return said(rule(shown, DEAD), "which was among the dead letters".to_owned(), shown);
            }
            if job.attempts >= config.attempts {
                return said(
                    rule(last, DEAD),
                    format!("which has had {} attempts, and may have only {}", job.attempts, config.attempts),
                    last,
                );
            }
            if let Some(given) = job.last_given().filter(|_| now < job.free_from) {
                let (until, at) = (job.free_from, given.step);
                if given.failed {
                    let rests = job::rest(&config, job.attempts);
                    let seen = format!(
                        "which had failed, and rests {rests:?} after attempt {}, until {until} at least; it was {now}",
                        job.attempts
                    );
                    return said(rule(job.told, RESTS), seen, job.told);
                }
                return said(rule(at, TIMEOUT), format!("which a worker had until {until}; it was {now}"), at);
            }
            let of_key = |other: &&Job| other.key == job.key && other.id != id;
            if let Some(other) = self.jobs.values().filter(of_key).find(|other| job.waits_for(other, now, &config)) {
                let seen = format!("but {:?} of the same key {:?} was accepted before it and is not over", other.id, job.key);
                return said(ORDER, seen, other.told);
            }
            let most = job.attempts + 1 + job.maybe;
            if !of_lives || attempt <= job.attempts || attempt > most {
                let must = if most > job.attempts + 1 { format!("{} to {most}", job.attempts + 1) } else { most.to_string() };
                let since = if job.attempts == 0 { job.told } else { last };
                return said(rule(since, DEAD), format!("which must be attempt {must} of it"), last);
            }
        } else if !of_lives {
            return said(DEAD, format!("which may have only {} attempts", config.attempts), job.asked);
        }
        let waited = self.jobs.values().any(|other| other.key == job.key && other.id != id && other.asked < job.asked && !other.absent);
        let failed = job.last_given().map(|given| given.failed);
        for (name, met) in [
            ("jobs handed out", true),
            ("jobs handed out again after a lease", failed == Some(false)),
            ("jobs handed out again after a failure", failed == Some(true)),
            ("jobs handed out again after a restart", failed.is_some() && restarted > job.told),
            ("jobs that waited for another of their key", waited && job.attempts == 0),
        ] {
            self.met.add(name, u64::from(met));
        }
        if let Some(job) = self.jobs.get_mut(&id) {
            job.given(receipt, attempt, step, now, &config, late);
        }
        self.promised = true;
        Ok(())
    }

    /// There is nothing to do, it says.
    fn is_empty(&mut self, step: u64) -> Check {
        let (now, config) = (self.now, &self.config);
        let of_key = |job: &Job| {
            let (key, id) = (job.key, job.id);
            self.jobs.values().filter(move |other| other.key == key && other.id != id)
        };
        let is_free = |job: &&Job| job.is_free(now, config) && of_key(job).all(|other| job.goes_before(other, now, config));
        let Some(job) = self.jobs.values().find(is_free) else { return Ok(()) };
        let id = job.id;
        let before = of_key(job).find(|other| other.is_over(now, config) && !other.absent && other.asked < job.asked);
        let busy = self.jobs.values().find(|other| other.key != job.key && other.attempts > 0 && !other.is_over(now, config));
        let (rule, seen, at) = if let Some(given) = job.last_given() {
            let ended = if given.failed { "had failed, and had rested long enough" } else { "was handed out, and whose lease had ended" };
            let rule = if given.failed { RESTS } else { TIMEOUT };
            (rule, format!("{id:?} was there, which {ended}: it could be handed out from {} at the latest", job.due), job.told)
        } else if let Some(before) = before {
            (
                ORDER,
                format!("{id:?} of {:?} was there, and {:?}, which came before it, was over", job.key, before.id),
                before.told.max(job.told),
            )
        } else if let Some(busy) = busy {
            let what = if busy.last_given().is_some_and(|given| given.failed) { "rested" } else { "was with a worker" };
            (POISON, format!("{id:?} of {:?} was there; {:?} of {:?} {what}", job.key, busy.id, busy.key), job.told)
        } else {
            (LOST, format!("{id:?} was there: it was accepted, and nobody has had it"), job.told)
        };
        let rule = if self.restarted_since(job.told) { SURVIVES } else { rule };
        Err(Broken::new(rule, format!("n1 answered Take with Empty, but {seen}")).at([at, step]))
    }

    fn acks(&mut self, id: JobId, receipt: Receipt, taken: Is<'_>, came: Came, step: u64) -> Check {
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        let Some(given) = job.receipts.get_mut(&receipt) else { return Ok(()) };
        if given.done.is_some() {
            self.met.add("repeated acknowledgements", 1);
            return Ok(());
        }
        if job.last == Some(receipt) && job.gone.is_none() && job.shown.is_none() && !came.dead {
            // One that a crash cut off may have come before.
            let came_first = job.maybe_gone.filter(|end| end.receipt == receipt).map_or(taken.since, |end| end.came);
            given.done = Some(came_first);
            job.gone = Some(End { receipt, came: came_first, step });
            job.told = step;
            self.promised = true;
            self.met.add("acknowledgements within the lease", u64::from(came.held));
            return Ok(());
        }
        Err(late(job, &taken.request, self.restarted, step))
    }

    fn refuses_ack(&mut self, id: JobId, receipt: Receipt, taken: Is<'_>, came: Came, step: u64) -> Check {
        let (restarted, remembers) = (self.restarted, self.config.remembers);
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        let Some(given) = job.receipts.get(&receipt) else { return Ok(()) };
        let request = &taken.request;
        let may_be_forgotten = came.forgets.is_some_and(|until| self.now >= until);
        if came.held && !may_be_forgotten {
            let seen =
                format!("n1 answered {request:?} with Stale, within the lease: it lasts until {}, and it was {}", given.until, taken.since);
            let rule = if restarted > given.step { SURVIVES } else { GONE };
            return Err(Broken::new(rule, seen).at([given.step, taken.step, step]));
        }
        let end = job.gone.filter(|end| given.done.is_some() && end.receipt == receipt);
        if let Some(end) = end.filter(|end| self.now < end.came + remembers) {
            let seen = format!(
                "n1 answered {request:?} with Done, but the same once more with Stale, {:?} after it first came",
                self.now - end.came
            );
            let rule = if restarted > end.step { SURVIVES } else { STALE };
            return Err(Broken::new(rule, seen).at([end.step, taken.step, step]));
        }
        if job.maybe_gone.is_some_and(|end| end.receipt == receipt && self.now < end.came + remembers) {
            job.maybe_gone = None;
        }
        self.met.add("late acknowledgements that were refused", u64::from(job.last != Some(receipt)));
        Ok(())
    }

    fn fails(&mut self, id: JobId, receipt: Receipt, taken: Is<'_>, came: Came, step: u64) -> Check {
        let (now, config, more) = (self.now, self.config.clone(), self.late);
        let Some(job) = self.jobs.get_mut(&id) else { return Ok(()) };
        let Some(given) = job.receipts.get(&receipt) else { return Ok(()) };
        if given.failed || given.done.is_some() {
            return Ok(());
        }
        if job.last == Some(receipt) && job.gone.is_none() && job.shown.is_none() && !came.dead {
            job.fails(receipt, came.held, taken.since, now, &config, more);
            (job.told, self.promised) = (step, true);
            return Ok(());
        }
        if came.again { Ok(()) } else { Err(late(job, &taken.request, self.restarted, step)) }
    }

    fn refuses_fail(&mut self, id: JobId, receipt: Receipt, taken: Is<'_>, came: Came, step: u64) -> Check {
        let given = self.jobs.get(&id).and_then(|job| job.receipts.get(&receipt)).filter(|_| came.held);
        let Some(given) = given else { return Ok(()) };
        let seen = format!(
            "n1 answered {:?} with Stale, within the lease: it lasts until {}, and it was {}",
            taken.request, given.until, taken.since
        );
        let rule = if self.restarted_since(given.step) { SURVIVES } else { STALE };
        Err(Broken::new(rule, seen).at([given.step, taken.step, step]))
    }

    /// The dead letters, it says.
    fn lists(&mut self, listed: &[JobId], step: u64) -> Check {
        let (now, config) = (self.now, self.config.clone());
        let mut seen = BTreeSet::new();
        for id in listed {
            let said = |what: String| Err(Broken::new(DEAD, format!("n1 has {id:?} among its dead letters, {what}")).at([step]));
            if !seen.insert(*id) {
                return said("twice".to_owned());
            }
            let Some(job) = self.jobs.get_mut(id).filter(|job| !job.absent) else {
                return said("but nobody had put it there".to_owned());
            };
            if job.gone.is_some() {
                return said("which was acknowledged".to_owned());
            }
            if job.attempts + job.maybe < config.attempts && !job.wild {
                return said(format!("after {} of {} attempts", job.attempts + job.maybe, config.attempts));
            }
            if now < job.dead_from && !job.wild {
                return said(format!("but its last attempt ends at {}; it is {now}", job.dead_from));
            }
            self.met.add("dead letters", u64::from(job.shown.is_none()));
            if job.shown.is_none() {
                (job.shown, job.told) = (Some(step), step);
            }
            job.accepted.get_or_insert(step);
            (job.maybe_gone, job.wild, job.doubtful) = (None, false, false);
        }
        let must = |job: &&Job| {
            job.gone.is_none() && job.maybe_gone.is_none() && !job.absent && job.is_over(now, &config) && !seen.contains(&job.id)
        };
        let Some(job) = self.jobs.values().find(must) else { return Ok(()) };
        let what = match job.shown {
            Some(_) => "which was there before",
            None => "whose last attempt is over",
        };
        let rule = if self.restarted_since(job.told) { SURVIVES } else { DEAD };
        Err(Broken::new(rule, format!("n1 does not have {:?} among its dead letters, {what}", job.id)).at([job.told, step]))
    }
}

/// An answer Done to a worker whose job it is not any more; the broker restarted last in that step.
fn late(job: &Job, request: &Request, restarted: u64, step: u64) -> Broken {
    let (what, at) = match (job.gone, job.last_given(), job.last) {
        (Some(end), ..) => (format!("was acknowledged with {:?}", end.receipt), end.step),
        (_, Some(given), Some(last)) if job.shown.is_none() && !asks_with(request, last) => {
            (format!("had been handed out again, with {last:?}"), given.step)
        }
        (_, Some(given), _) if given.failed => ("was a dead letter, because its last attempt had failed".to_owned(), job.told),
        _ => ("was a dead letter, because its last attempt was over".to_owned(), job.told),
    };
    let rule = if restarted > at { SURVIVES } else { STALE };
    Broken::new(rule, format!("n1 answered {request:?} with Done, but {:?} {what}", job.id)).at([at, step])
}

fn asks_with(request: &Request, receipt: Receipt) -> bool {
    matches!(request, Request::Ack { receipt: r, .. } | Request::Fail { receipt: r, .. } if *r == receipt)
}
