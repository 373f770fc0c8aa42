//! What judges of several exercises share: it knows the simulator, and of exercises only what they tell it.
//!
//! | module | what it is for |
//! |---|---|
//! | [`script`] | a cluster in a script's hands, whose levers tell afterwards what they did; crash sweeps; tables of rows |
//! | [`play`] | the swarm's referee: clients with patience, retries and duties after the heal; ghosts of all nodes |
//! | [`guarded`] | the simplest swarm: one ghost a node is all that watches |
//! | [`log`] | what the clients saw, as the checkers want it |
//! | [`open`] | a ghost's book of requests: each is answered once, and in time |
//! | [`replica_clues`] | where to look in a replica that keeps the newest: of both quorums |
//! | [`calls`] | exercises without a network: the bench, and storms of calls against a model |
//! | [`counters`] | all of the two counters' judges that is not their own |
//! | [`queueing`] | callers, servers and the queues between them, under a policy of the learner's: how a collapse outlives its cause |

// A check compiles one judge, and no judge needs all of it.
#![allow(dead_code, unused_imports)]

pub(crate) mod calls;
#[cfg(any(feature = "g_counter", feature = "pn_counter"))]
pub(crate) mod counters;
pub(crate) mod guarded;
pub(crate) mod log;
pub(crate) mod open;
pub(crate) mod play;
#[cfg(any(feature = "circuit_breaker", feature = "retry_backoff"))]
pub(crate) mod queueing;
#[cfg(any(feature = "quorum_write", feature = "quorum_register"))]
pub(crate) mod replica_clues;
pub(crate) mod script;
mod story;

pub(crate) use calls::{Bench, Model};
pub(crate) use guarded::{Between, Guarded};
pub(crate) use log::Log;
pub(crate) use open::{Open, Taken};
pub(crate) use play::{Game, Play};
pub(crate) use script::{N1, N2, N3, N4, N5, Script, crash_sweep, rows};

#[cfg(test)]
mod tests;
