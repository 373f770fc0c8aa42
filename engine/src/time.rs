//! Virtual time: a point in whole microseconds since the start of a run. Spans are [`std::time::Duration`].
//!
//! No clock of the machine is ever read in the core: a run takes as long as its events, not as its seconds.

#![warn(clippy::missing_inline_in_public_items)]

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in virtual time, in microseconds since the start of the run.
///
/// To a node ([`Context::now`](crate::sim::Context::now)) it is what the node's own clock says, and clocks may be off.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);

    /// The point `us` microseconds after the start.
    #[must_use]
    #[inline]
    pub const fn from_micros(us: u64) -> Self {
        Time(us)
    }

    /// The point `ms` milliseconds after the start.
    #[must_use]
    #[inline]
    pub const fn from_millis(ms: u64) -> Self {
        Time(ms * 1_000)
    }

    /// Whole microseconds since the start.
    #[must_use]
    #[inline]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the start, rounded down.
    #[must_use]
    #[inline]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    #[inline]
    pub const fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A duration in whole microseconds, at most about 580,000 years.
#[must_use]
#[inline]
pub const fn micros(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000).saturating_add(span.subsec_micros() as u64)
}

/// A span of `ms` milliseconds: short for `Duration::from_millis`.
#[must_use]
#[inline]
pub const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Add<Duration> for Time {
    type Output = Time;
    #[inline]
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(micros(span)))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;
    #[inline]
    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Time {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:03} ms", self.0 / 1_000, self.0 % 1_000);
        f.pad(&text)
    }
}

impl fmt::Debug for Time {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_shown_in_milliseconds_to_the_microsecond() {
        assert_eq!(Time::from_micros(12_045).to_string(), "12.045 ms");
        assert_eq!(format!("{:>12}", Time::from_millis(3)), "    3.000 ms");
    }

    #[test]
    fn arithmetic_does_not_wrap() {
        let t = Time::from_millis(5) + millis(2);
        assert_eq!(t.as_micros(), 7_000);
        assert_eq!(Time::ZERO - t, Duration::ZERO);
        assert_eq!(Time::from_micros(u64::MAX) + millis(1), Time::from_micros(u64::MAX));
    }
}
