//! The dominoes: a dependency is slow for twenty seconds, and its callers try again.
//!
//! 80 calls a second come, and it could answer 133. For 20 s it takes ten times as long: answers come too late, each call is tried three times,
//! and the queue fills with what nobody waits for any more. When the cause has gone 240 attempts come each second, each waits longer
//! than its caller, and every answer is wasted: without a policy it stays like that for as long as calls come.

use super::{How, Ill, Load, MS, SECOND, Server, World};
use std::ops::Range;

/// When the dependency is slow.
pub(crate) const CAUSE: Range<u64> = 10 * SECOND..30 * SECOND;
/// The dependency's number among the servers, and its callers' among the loads.
pub(crate) const DEPENDENCY: usize = 0;

/// The world of one seed: calls come for 60 s.
pub(crate) fn dominoes(seed: u64) -> World {
    let slow = Ill { from_us: CAUSE.start, until_us: CAUSE.end, how: How::Slow { times: 10 } };
    let server = Server { name: "stock", workers: 8, queue: 160, service_us: 40 * MS..=80 * MS, retry_after_us: None, ills: vec![slow] };
    let load = Load {
        class: "orders",
        server: DEPENDENCY,
        per_second: 80,
        from_us: 0,
        until_us: 60 * SECOND,
        bursts: Vec::new(),
        timeout_us: 500 * MS,
        deadline_us: 3 * SECOND,
        mistakes_ppm: 0,
        lost_ppm: 0,
    };
    World { seed, until_us: 60 * SECOND, per_us: SECOND, loads: vec![load], servers: vec![server] }
}
