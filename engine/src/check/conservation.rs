//! Conservation: a count or a sum of money lies between what is known to have happened and what can have happened.
//!
//! An amount that was added and acknowledged is **certain**; one whose request may have arrived is **possible**; one that
//! failed is neither. What is read must lie between: at least the certain additions less all subtractions that are
//! possible, at most the possible additions less the subtractions that are certain. Knows amounts, not who added them.

use std::fmt;

/// What a total may be. Amounts are counted in `i128`, so that no sum of 64-bit amounts overflows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Additions that certainly happened.
    pub certainly_added: i128,
    /// Additions that may have happened on top of these.
    pub possibly_added: i128,
    /// Subtractions that certainly happened.
    pub certainly_removed: i128,
    /// Subtractions that may have happened on top of these.
    pub possibly_removed: i128,
}

impl Bounds {
    /// Counts a change that certainly happened; a negative one is a subtraction.
    pub fn certain(&mut self, change: i64) {
        let place = if change < 0 { &mut self.certainly_removed } else { &mut self.certainly_added };
        *place += i128::from(change).abs();
    }

    /// Counts a change that may have happened.
    pub fn possible(&mut self, change: i64) {
        let place = if change < 0 { &mut self.possibly_removed } else { &mut self.possibly_added };
        *place += i128::from(change).abs();
    }

    /// A change that was counted as possible turns out to be certain.
    ///
    /// # Panics
    /// If it was not counted as possible: a mistake of the recorder.
    pub fn confirm(&mut self, change: i64) {
        let place = if change < 0 { &mut self.possibly_removed } else { &mut self.possibly_added };
        *place -= i128::from(change).abs();
        assert!(*place >= 0, "a change of {change} was confirmed that was not possible");
        self.certain(change);
    }

    /// The least that the total can be.
    #[must_use]
    pub fn lowest(&self) -> i128 {
        self.certainly_added - self.certainly_removed - self.possibly_removed
    }

    /// The most that the total can be.
    #[must_use]
    pub fn highest(&self) -> i128 {
        self.certainly_added + self.possibly_added - self.certainly_removed
    }

    /// Whether `seen` can be the total.
    ///
    /// # Errors
    /// With how far it is off, if it cannot.
    pub fn check(&self, seen: impl Into<i128>) -> Result<(), OutOfBounds> {
        let seen = seen.into();
        if (self.lowest()..=self.highest()).contains(&seen) { Ok(()) } else { Err(OutOfBounds { seen, bounds: *self }) }
    }
}

/// A total that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    /// What was seen.
    pub seen: i128,
    /// What it can be.
    pub bounds: Bounds,
}

/// `7, but at most 5 can have been counted: 2 too many`.
impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seen, low, high) = (self.seen, self.bounds.lowest(), self.bounds.highest());
        if seen > high {
            write!(f, "{seen}, but at most {high} can have been counted: {} too many", seen - high)
        } else {
            write!(f, "{seen}, but at least {low} must have been counted: {} missing", low - seen)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_lies_between_the_certain_and_the_possible() {
        let mut bounds = Bounds::default();
        bounds.certain(5);
        bounds.possible(3);
        bounds.certain(-1);
        bounds.possible(-2);
        let allowed: Vec<i64> = (-5..15).filter(|&n| bounds.check(n).is_ok()).collect();
        assert_eq!(allowed, [2, 3, 4, 5, 6, 7]);
        bounds.confirm(3);
        bounds.confirm(-2);
        assert_eq!((bounds.lowest(), bounds.highest()), (5, 5));
    }

    #[test]
    fn what_is_off_is_said() {
        let mut bounds = Bounds::default();
        bounds.certain(5);
        let seen = |n: i64| bounds.check(n).expect_err("off").to_string();
        assert_eq!(seen(7), "7, but at most 5 can have been counted: 2 too many");
        assert_eq!(seen(4), "4, but at least 5 must have been counted: 1 missing");
    }

    #[test]
    #[should_panic(expected = "was confirmed that was not possible")]
    fn only_what_was_possible_is_confirmed() {
        Bounds::default().confirm(1);
    }
}
