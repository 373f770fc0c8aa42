//! `retry_backoff`: whether a call that failed is tried again, and when, so that a service that is down for a moment is not kept down.
//!
//! Brooker 2015, "Exponential Backoff And Jitter" (AWS Architecture Blog), and Beyer et al. 2016, "Site Reliability Engineering", chapters 21
//! and 22. There is no network here: the hidden tests call a policy directly, and say what time it is and how its calls went. This page is
//! the contract; the problem is described in the exercise's README.

mod judge;

pub use judge::judge;

use crate::rng::Rng;
use crate::time::{Time, micros};
use std::fmt;
use std::time::Duration;

/// How far back the budget looks.
pub const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// How many retries a window has in any case.
pub const BUDGET_LEAST: u32 = 10;

/// Beyond these, one retry for this many calls.
pub const CALLS_FOR_A_RETRY: u32 = 10;

/// How long to wait, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The longest wait after the first failure of a call: 1 ms or more.
    pub base: Duration,
    /// The longest wait of all: `base` or more, up to a day.
    pub cap: Duration,
}

/// The id of a call. Ids come again: when a call is over, because it succeeded or was given up, another call can have its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// An idempotency key: the service executes a request with this key once, however often it is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

/// The request of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Whether doing it twice is the same as doing it once: a read, a PUT, a DELETE.
    pub idempotent: bool,
    /// The key that the caller sends along, if there is one: then the request may be sent twice, too.
    pub key: Option<Key>,
    /// From this time on, nobody waits for the answer.
    pub deadline: Time,
}

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No answer in time: the service may have done it, or may do it still.
    Timeout,
    /// It went wrong inside the service, perhaps half-way.
    ServerError,
    /// The service could not be reached: it did nothing.
    Unavailable,
    /// The service refused it before it did anything. It may ask for no new try before a certain time has passed, however long.
    Overloaded {
        /// How long, from now.
        retry_after: Option<Duration>,
    },
    /// The request itself is wrong, and stays wrong.
    CallerError,
}

/// What happens to a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It is tried again.
    Retry {
        /// When.
        at: Time,
        /// The key that is sent along.
        key: Option<Key>,
    },
    /// It is not tried again: the caller is told. The call is over.
    GiveUp,
}

/// Where chance comes from. Each client has its own.
#[derive(Debug)]
pub struct Dice<'a>(&'a mut Rng);

impl Dice<'_> {
    /// A number below `n`, each as likely as the others; 0, if `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0.below(n)
    }

    /// A duration from zero up to `most`, in whole microseconds, each as likely as the others.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.0.below(micros(most).saturating_add(1)))
    }
}

/// The retry policy of one client, for all its calls to one service.
///
/// The time that it is told never goes back. A call has its first try at once when it begins; each later try is at the time that the policy decided.
/// Each try has one result, which the policy is told, unless the caller leaves.
pub trait RetryPolicy: 'static {
    /// A policy that has seen nothing yet.
    fn new(config: Config) -> Self
    where
        Self: Sized;

    /// A call begins, with its first try.
    fn begin(&mut self, now: Time, call: CallId, request: Request);

    /// A try of this call succeeded. The call is over.
    fn succeeded(&mut self, now: Time, call: CallId);

    /// A try of this call failed: whether there is another try, and when.
    fn failed(&mut self, now: Time, call: CallId, failure: Failure, dice: &mut Dice<'_>) -> Decision;
}
