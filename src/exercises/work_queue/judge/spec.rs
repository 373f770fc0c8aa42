//! What the broker of `work_queue` may do: its ghost, kept from requests and answers alone. It knows of each job what may be and what must be (`job`); what is
//! on the disk is the broker's own; what it may answer is in `answers`. Waiting Takes or empty answers, leases that go on over a restart or begin again, jitter, any order of keys, ids that are kept for
//! longer, late acknowledgements that are accepted where nobody else has the job: all are allowed. What could come in is in `inputs`.

mod answers;
mod inputs;
mod job;

use super::rules::{DEAD, GONE, IN_TIME, LOST, ORDER, POISON, RESTS, ROOM, STALE, SURVIVES, TIMEOUT, TWINS};
use crate::exercises::kit::{N1, Open, Taken};
use crate::exercises::work_queue::{ANSWERS, Config, JobId, LATE, Request, WorkQueue};
use crate::rule::{Check, Coverage};
use crate::sim::{Cause, Factory, Ghosts, NodeId, Referee, Seen, Spec, Step, Ticket, World, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
pub(super) use job::rest;
use job::{End, Job};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const ALL: &[&str] = &[LOST, TIMEOUT, GONE, STALE, DEAD, RESTS, ORDER, POISON, TWINS, ROOM, SURVIVES, IN_TIME];

pub(super) fn storms(factory: Factory<WorkQueue>) -> Storms {
    Storms {
        rules: ALL,
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "jobs handed out",
            "jobs handed out again after a lease",
            "jobs handed out again after a failure",
            "jobs handed out again after a restart",
            "acknowledgements within the lease",
            "late acknowledgements that were refused",
            "repeated acknowledgements",
            "dead letters",
            "twins",
            "twins of acknowledged jobs",
            "ids that may be forgotten",
            "queues that were full",
            "jobs that waited for another of their key",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<WorkQueue, Ghost>(factory, seed, probe)),
    }
}

/// What a request came upon.
#[derive(Clone, Copy, Default)]
struct Came {
    /// Of an Ack or a Fail: within the lease; and of a job that was a dead letter.
    held: bool,
    dead: bool,
    /// Of an Ack after one that may have been accepted: until when that one is remembered. Of a Fail: whether one with this receipt came before.
    forgets: Option<Time>,
    again: bool,
    /// Of an Enqueue: how many other jobs there may have been at most, at some time since.
    fullest: usize,
}

/// The ghost of the broker.
#[derive(Clone)]
pub(super) struct Ghost {
    config: Config,
    late: Duration,
    open: Open<WorkQueue>,
    came: BTreeMap<Ticket, Came>,
    jobs: BTreeMap<JobId, Job>,
    /// Whether anything was saved since a Take came that is open.
    saved: bool,
    now: Time,
    /// In which step it restarted last.
    restarted: u64,
    promised: bool,
    habits: inputs::Habits,
    pub met: Coverage,
}

type Is<'a> = &'a Taken<WorkQueue>;

impl Ghost {
    /// With so much more time for what is due.
    pub fn new(config: Config, more: Duration) -> Self {
        Ghost {
            config,
            late: LATE + millis(1) + more,
            open: Open::new(IN_TIME, N1),
            came: BTreeMap::new(),
            jobs: BTreeMap::new(),
            saved: false,
            now: Time::ZERO,
            restarted: 0,
            promised: false,
            habits: inputs::Habits::default(),
            met: Coverage::default(),
        }
    }

    /// A restart came after that.
    fn restarted_since(&self, step: u64) -> bool {
        self.restarted > step
    }

    /// A job that is surely in the queue, since before that step.
    pub fn left(&self, before: u64) -> Option<JobId> {
        let is_left = |job: &&Job| {
            let is_there = job.accepted.is_some_and(|accepted| accepted < before) && job.maybe_gone.is_none() && !job.wild;
            is_there && !job.is_over(self.now, &self.config)
        };
        self.jobs.values().find(is_left).map(|job| job.id)
    }

    fn counts(&self, job: JobId) -> (usize, usize) {
        let others = || self.jobs.values().filter(|other| other.id != job);
        let surely = others().filter(|other| !other.may_be_over(self.now, &self.config)).count();
        let perhaps = others().filter(|other| !other.is_over(self.now, &self.config)).count();
        (surely, perhaps)
    }

    /// What was asked may have come so late that the id was forgotten.
    fn may_begin_again(&mut self, id: JobId, step: u64) {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.is_forgotten(self.now, &self.config)) else { return };
        self.met.add("ids that may be forgotten", 1);
        if job.gone.is_some() {
            job.begins(step);
        } else {
            job.wild = true;
        }
    }

    fn comes(&mut self, ticket: Ticket, request: &Request, step: u64) {
        let mut came = Came::default();
        match request {
            Request::Enqueue { job: id, key } => {
                self.may_begin_again(*id, step);
                let job = self.jobs.entry(*id).or_insert_with(|| Job::new(*id, *key));
                if job.absent {
                    job.begins(step);
                } else {
                    job.twin = Some(step);
                    let (is_gone, is_there) = (job.gone.is_some(), job.accepted.is_some());
                    self.met.add("twins", u64::from(is_there));
                    self.met.add("twins of acknowledged jobs", u64::from(is_gone));
                }
            }
            Request::Ack { job: id, receipt } | Request::Fail { job: id, receipt } => {
                let acknowledged = Request::Ack { job: *id, receipt: *receipt };
                let is_acknowledged = self.open.of.values().any(|taken| taken.request == acknowledged);
                let Some(job) = self.jobs.get_mut(id) else { return };
                came.held = job.is_held(*receipt, self.now);
                came.forgets = job.maybe_gone.map(|end| end.came + self.config.remembers);
                came.again = job.receipts.get(receipt).is_some_and(|given| given.fail_came);
                came.dead = job.is_over(self.now, &self.config) && job.gone.is_none() && job.maybe_gone.is_none();
                if matches!(request, Request::Fail { .. }) && came.held {
                    job.fail_comes(*receipt, self.now, &self.config);
                    // After an Ack that was accepted, or may have been, there is nothing to give back.
                    came.held = job.maybe_gone.is_none() && !is_acknowledged;
                }
            }
            Request::Take | Request::Dead => {}
        }
        self.came.insert(ticket, came);
    }

    /// How full it may be counts for every Enqueue that is open.
    fn look_at_room(&mut self) {
        let open: Vec<(Ticket, JobId)> = self.open.of.iter().filter_map(|(t, taken)| Some((*t, enqueued(&taken.request)?))).collect();
        for (ticket, job) in open {
            let perhaps = self.counts(job).1;
            if let Some(came) = self.came.get_mut(&ticket) {
                came.fullest = came.fullest.max(perhaps);
            }
        }
    }

    /// A crash cut off what is open: it has happened, or not.
    fn cut_off(&mut self, cut: &[Taken<WorkQueue>], step: u64) {
        let takes = cut.iter().filter(|taken| taken.request == Request::Take).map(|taken| taken.since).min();
        if let Some(since) = takes.filter(|_| self.saved) {
            for job in self.jobs.values_mut() {
                job.may_be_given(since, self.now, &self.config, self.late);
            }
        }
        for taken in cut {
            match taken.request {
                Request::Enqueue { job, .. } => self.may_begin_again(job, step),
                Request::Ack { job, receipt } => {
                    if let Some(job) = self.jobs.get_mut(&job).filter(|job| job.last == Some(receipt) && job.gone.is_none()) {
                        job.maybe_gone.get_or_insert(End { receipt, came: taken.since, step: taken.step });
                    }
                }
                Request::Fail { job, receipt } => {
                    if let Some(job) = self.jobs.get_mut(&job).filter(|job| job.last == Some(receipt)) {
                        let due = self.now + job::rest(&self.config, job.attempts + job.maybe) * 2 + self.late;
                        job.due = job.due.max(due);
                    }
                }
                Request::Take | Request::Dead => {}
            }
        }
        self.saved = false;
    }
}

fn enqueued(request: &Request) -> Option<JobId> {
    if let Request::Enqueue { job, .. } = request { Some(*job) } else { None }
}

impl Spec<WorkQueue> for Ghost {
    fn step(&mut self, seen: &Seen<'_, WorkQueue>) -> Check {
        self.promised = false;
        self.now = seen.now;
        if seen.is_start() {
            let cut: Vec<Taken<WorkQueue>> = self.open.of.values().cloned().collect();
            self.cut_off(&cut, seen.number);
            self.restarted = seen.number;
            for job in self.jobs.values_mut() {
                job.restarts(seen.now, &self.config, self.late);
            }
        }
        let mut cut: Vec<Taken<WorkQueue>> =
            if seen.crashed && !seen.is_start() { self.open.of.values().cloned().collect() } else { Vec::new() };
        if let Some((ticket, request)) = seen.request() {
            self.comes(ticket, request, seen.number);
            if seen.crashed {
                cut.push(Taken { ticket, step: seen.number, since: seen.now, request: request.clone() });
            }
        }
        let answers = self.open.step(seen)?;
        let waits = |taken: Is<'_>| taken.request == Request::Take;
        let takes = self.open.of.values().chain(&cut).any(waits) || answers.iter().any(|(taken, _)| waits(taken));
        self.saved = takes && (self.saved || seen.saves().next().is_some());
        self.look_at_room();
        for (taken, response) in &answers {
            self.answers(taken, response, seen.number)?;
            self.look_at_room();
        }
        cut.retain(|taken| answers.iter().all(|(answered, _)| answered.ticket != taken.ticket));
        if seen.crashed {
            self.cut_off(&cut, seen.number);
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.now = now;
        self.open.in_time(now, ANSWERS + millis(5))
    }
}

/// The ghost of a script.
pub(super) struct Watch(Ghosts<WorkQueue, Ghost>);

impl Watch {
    pub fn new(config: Config, more: Duration) -> Self {
        Watch(Ghosts::of(N1, Ghost::new(config, more)))
    }
}

impl Referee<WorkQueue> for Watch {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, WorkQueue>) -> Check {
        self.0.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, WorkQueue>, world: &World<'_, WorkQueue>) -> Check {
        self.0.step(step, world)
    }
}
