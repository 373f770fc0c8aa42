//! `work_queue`: a broker between producers and workers, one node with a disk. It loses no job, and a bad job holds up only its own
//! key.
//!
//! Bernstein, Hsu & Mann 1990 ("Implementing recoverable requests using queues"). This page is the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, Observe, Protocol};
use crate::time::Time;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long an answer may take. You may let a worker wait for a job, but only this long.
pub const ANSWERS: Duration = Duration::from_millis(200);
/// How late you may notice that a time is over: the end of a lease, or of a rest.
pub const LATE: Duration = Duration::from_millis(50);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct WorkQueue;

/// The settings of this queue. They never change, not even across a restart.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Config {
    /// How long a worker has a job: the visibility timeout.
    pub lease: Duration,
    /// How many attempts a job has, 1 to 100. Then it is a dead letter.
    pub attempts: u32,
    /// How long a job rests at least after its first attempt has failed; twice as long after each further one ...
    pub pause: Duration,
    /// ... but no longer than this.
    pub most: Duration,
    /// How many jobs that are not over the queue holds, 1 to 1,000.
    pub capacity: usize,
    /// How long the id of an acknowledged job is remembered at least.
    pub remembers: Duration,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { lease, attempts, pause, most, capacity, remembers } = self;
        write!(
            f,
            "Config {{ lease {lease:?}, {attempts} attempts, pause {pause:?} to {most:?}, capacity {capacity}, remembers {remembers:?} }}"
        )
    }
}

/// The id of a job, chosen by its producer. Any 64-bit number; no two jobs share one. `j7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "j{}", self.0)
    }
}

/// What a job belongs to, a customer perhaps: jobs with the same key run one after the other. Any 64-bit number; a job always has the same key. `k7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// What a worker shows when it has done a job, or failed: made by you, a different one each time that the job is handed out. `#7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub u64);

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Between nodes: there is only one, so there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {}

/// Timers. Use those that you like; a good solution needs none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Yours to use for each job: its lease ends, or its rest.
    Of(JobId),
    /// Yours to use for a request that waits.
    Waits(crate::sim::Ticket),
    /// Yours to use.
    Tick,
}

/// From a producer, a worker, or an operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A producer: make sure that this is done. Answer [`Response::Enqueued`] or [`Response::Full`]. The same id again is the same job.
    Enqueue {
        /// Which.
        job: JobId,
        /// It runs after earlier jobs with the same key.
        key: Key,
    },
    /// A worker: I want a job. Answer [`Response::Work`] or [`Response::Empty`].
    Take,
    /// A worker: I have done it. Answer [`Response::Done`] or [`Response::Stale`].
    Ack {
        /// Which.
        job: JobId,
        /// The receipt that came with the job.
        receipt: Receipt,
    },
    /// A worker: I cannot do it now. Answer [`Response::Done`] or [`Response::Stale`].
    Fail {
        /// Which.
        job: JobId,
        /// The receipt that came with the job.
        receipt: Receipt,
    },
    /// An operator: which are the dead letters? Answer [`Response::Dead`].
    Dead,
}

/// To a client: exactly one to each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is in the queue now, or was already: only an acknowledgement or its last attempt removes it.
    Enqueued,
    /// It is not in the queue, because there is no room. Ask again later.
    Full,
    /// Do this: it is yours for [`Config::lease`] from now on.
    Work {
        /// Which.
        job: JobId,
        /// To show when it is done, or failed.
        receipt: Receipt,
        /// Which attempt this is, from 1.
        attempt: u32,
    },
    /// There is nothing to do now.
    Empty,
    /// Accepted.
    Done,
    /// Refused: the job is not yours any more.
    Stale,
    /// The dead letters, each once, in any order.
    Dead(Vec<JobId>),
}

/// What you may record about where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It can be handed out: at once, or when it has rested.
    Waiting,
    /// A worker has it.
    Taken,
    /// It is a dead letter.
    Dead,
    /// It was acknowledged.
    Done,
}

/// What you may record about a job. `k1 place 3 attempt 2 #7 Taken until 250.000 ms` when shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its key.
    pub key: Key,
    /// Its place in the order in which jobs were accepted.
    pub place: u64,
    /// How many attempts have begun.
    pub attempts: u32,
    /// The receipt with which it was last handed out.
    pub receipt: Receipt,
    /// Where it is ...
    pub state: State,
    /// ... until when, if that ends.
    pub until: Time,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { key, place, attempts, receipt, state, until } = self;
        write!(f, "{key:?} place {place} attempt {attempts} {receipt:?} {state:?} until {until}")
    }
}

/// A line of a log of events, if you write one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It was accepted.
    Accepted(JobId, Key),
    /// It was handed out under this receipt, until then.
    Taken(JobId, Receipt, Time),
    /// The attempt has failed; it rests until then.
    Rests(JobId, Time),
    /// It is a dead letter.
    Died(JobId),
    /// It was acknowledged under this receipt, at that time.
    Done(JobId, Receipt, Time),
}

/// What survives a crash: `None` at the first start. All of it is yours: save what you need, in any way you like. What is empty is not shown.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// A record of each job ...
    pub jobs: BTreeMap<JobId, Record>,
    /// ... or a log of events.
    pub events: Vec<Event>,
    /// A number, if you need one.
    pub counter: u64,
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut saved = f.debug_struct("Saved");
        if !self.jobs.is_empty() {
            saved.field("jobs", &self.jobs);
        }
        if !self.events.is_empty() {
            saved.field("events", &self.events);
        }
        if self.counter > 0 {
            saved.field("counter", &self.counter);
        }
        saved.finish()
    }
}

impl Protocol for WorkQueue {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at answers.
impl<N: Node<WorkQueue>> Observe<N> for WorkQueue {
    fn view(_: &N) {}
}
