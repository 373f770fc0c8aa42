//! How tests wait: until they see what they wait for, however long that takes. This is the one place with spans of real time
//! in it; `tidy` refuses clocks and sleeps in all others. That nothing happens is seen from something that happens later, and
//! how fast something is, a bench says.

use std::time::{Duration, Instant};

/// When a wait is given up: nothing takes so long, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A wait that has begun.
pub struct Wait(Instant);

impl Wait {
    pub fn begin() -> Wait {
        Wait(Instant::now())
    }

    pub fn taken(&self) -> Duration {
        self.0.elapsed()
    }

    /// How long it may still take; nothing if it is to be given up.
    pub fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.taken())
    }
}

/// Looks until it is so. False if it is given up.
#[must_use]
pub fn comes(mut so: impl FnMut() -> bool) -> bool {
    let wait = Wait::begin();
    while !so() {
        if wait.left().is_zero() {
            return false;
        }
        pause(BETWEEN);
    }
    true
}

/// From one look to the next.
pub const BETWEEN: Duration = Duration::from_millis(10);

/// Lets that much time pass. What is tested does not depend on it.
pub fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// A moment drawn by chance, of no more milliseconds than that: for when something happens, never for whether it has.
pub fn some_moment(rng: &mut splitbrain::rng::Rng, most_ms: u64) -> Duration {
    Duration::from_millis(rng.below(most_ms))
}
