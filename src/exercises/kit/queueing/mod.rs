//! Callers, servers and the queues between them: what a policy of the callers (a circuit breaker, retries with a budget) does to all
//! of them together. It knows no exercise: a [`Policy`] is an adapter around the learner's code.
//!
//! | file | what is there |
//! |---|---|
//! | `mod.rs` | what is simulated: a [`World`] of [`Load`]s and [`Server`]s, with what goes wrong when |
//! | `policy.rs` | whom each caller asks: [`Policy`]; [`Naive`], who tries again at once, is what there is without one |
//! | `run.rs` | the simulation: [`run`] |
//! | `record.rs` | what came of it, over time and in total: [`Record`]; as plots in a finding and in a lesson |
//! | `dominoes.rs` | the scenario of both exercises: a collapse that outlives its cause |
//!
//! Events happen in virtual time, whole microseconds, in the order of their times and then in that in which they were planned. All chance
//! comes from the seed of the world, and what is drawn for a call hangs on the call alone: with another policy the same calls come at the same
//! moments, and take a server as long.
//!
//! A server goes on with what its caller has given up: nobody tells it. That is what makes a collapse stay when its cause has gone
//! (Bronson et al. 2021, "Metastable failures in distributed systems", HotOS).

mod dominoes;
mod policy;
mod record;
mod run;

pub(crate) use dominoes::{CAUSE, DEPENDENCY, dominoes};
pub(crate) use policy::{Naive, Policy};
pub(crate) use record::{Record, side_by_side};
pub(crate) use run::run;

use std::ops::RangeInclusive;

pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;

/// What is simulated.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub seed: u64,
    /// When the simulation ends.
    pub until_us: u64,
    /// The width of a bucket of what is recorded.
    pub per_us: u64,
    pub loads: Vec<Load>,
    pub servers: Vec<Server>,
}

/// Callers of one class: who they ask, how many come, and how long each waits.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// How the class is called in a plot.
    pub class: &'static str,
    /// Which of the servers they ask.
    pub server: usize,
    /// Calls a second, between these two moments.
    pub per_second: u64,
    pub from_us: u64,
    pub until_us: u64,
    /// And so many more at once, at these moments.
    pub bursts: Vec<(u64, u64)>,
    /// For how long a caller waits for the answer to one attempt.
    pub timeout_us: u64,
    /// After how long an answer is of no use any more. An attempt is waited for no longer than that.
    pub deadline_us: u64,
    /// Of a million calls so many are the caller's own mistake: the server refuses them, and does so well.
    pub mistakes_ppm: u32,
    /// Of a million attempts so many are never heard of again: their caller died.
    pub lost_ppm: u32,
}

/// A dependency: workers before a queue with a bound.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub name: &'static str,
    pub workers: usize,
    /// How many may wait; who comes when there are more is refused at once.
    pub queue: usize,
    /// How long a worker takes for a call.
    pub service_us: RangeInclusive<u64>,
    /// What a refusal says of when to come again.
    pub retry_after_us: Option<u64>,
    pub ills: Vec<Ill>,
}

/// What is wrong with a server, and when.
#[derive(Clone, Debug)]
pub(crate) struct Ill {
    pub from_us: u64,
    pub until_us: u64,
    pub how: How,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    /// It takes so many times as long.
    Slow { times: u64 },
    /// Of a million calls so many fail, after that time with a worker.
    Fails { ppm: u32, after_us: u64 },
    /// No answer comes, not even a refusal.
    Dark,
}

/// A call, as a policy is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// From 0, in the order in which they come.
    pub number: u64,
    /// Which of the loads, and which server it asks.
    pub load: usize,
    pub server: usize,
    pub begun_us: u64,
    pub deadline_us: u64,
    /// How many attempts went out so far, and how many were held back.
    pub attempts: u32,
    pub rejected: u32,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer.
    Success,
    /// The server failed.
    Failed,
    /// The server's queue was full.
    Refused { retry_after_us: Option<u64> },
    /// The caller waited for as long as it would.
    TimedOut,
    /// The call was wrong, and always will be.
    Mistake,
    /// It did not go out: the policy held it back.
    Rejected,
}

impl Server {
    /// How many calls a second it can answer when nothing is wrong.
    pub fn capacity(&self) -> u64 {
        let mean = (self.service_us.start() + self.service_us.end()) / 2;
        self.workers as u64 * SECOND / mean.max(1)
    }
}

#[cfg(test)]
mod tests;
