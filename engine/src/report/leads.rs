//! Which of several broken rules leads: the one whose run a reader takes in soonest. It decides what is shown
//! first, and whether the whole is said to fail or to crash where both happened.

use super::{Layer, Report, Test, Verdict};
use crate::rule::DETERMINISTIC;

/// A vector of so many steps is looked through at once; a run of more than `LONG` is harder to follow than a shorter one of something that did
/// not happen; so many `FOLDED` steps make it as hard to follow as one more that is shown.
const NEAR: u64 = 12;
const LONG: u64 = 64;
const FOLDED: u64 = 200;

/// A step more or less makes no run nearer to the cause: 1 to 4 steps are as many, so are 5 to 8, 9 to 16.
fn about(steps: u64) -> u64 {
    steps.max(4).next_power_of_two()
}

impl Report {
    /// The test to work on of those that do not pass: the one whose run is nearest to the cause. A node that is not
    /// deterministic comes before all: nothing else that was seen of it can be relied on. Then a rule that is broken or code
    /// that dies before code that is not written yet; then a vector (one node and one message have few causes), what must not
    /// happen before what did not (the first often explains the second), unless its run is long; the shorter run; and among equals the order of layers and of the
    /// runs that were made.
    #[must_use]
    pub fn first_problem(&self) -> Option<&Test> {
        let rank = |t: &Test| match t.verdict {
            Verdict::Passed => 4,
            Verdict::Unknown => 3,
            // That all together took too long may come of anything else that was found.
            Verdict::TimedOut if t.finding.as_ref().is_none_or(|f| f.steps() == 0) => 2,
            Verdict::Unfinished => 1,
            _ => 0,
        };
        self.tests.iter().filter(|t| t.verdict != Verdict::Passed).min_by_key(|t| {
            let deterministic = t.name != DETERMINISTIC || t.verdict != Verdict::Failed;
            let found = t.finding.as_ref();
            let (late, runs) = found.map_or((false, 0), |f| (f.late, f.runs));
            // Without a run to show, how long it is says nothing; of one of thousands most is left out of the picture, which is hard to follow.
            let steps = found.map_or(0, |f| f.steps() + f.trace.last_step() / FOLDED);
            let (steps, near) = if steps == 0 { (u64::MAX, true) } else { (about(steps), steps <= NEAR) };
            // A picture that leaves most of its run out is not looked through at once, however few rows it has.
            let near = near && t.layer == Layer::Vector && found.is_none_or(|f| f.trace.last_step() <= LONG);
            // What is shown may be of another layer than what was found.
            let instead = found.and_then(|f| f.instead_of.as_ref());
            let layer = instead.map_or(t.layer, |i| i.layer);
            let seed = instead.map_or(found.and_then(|f| f.seed), |i| i.unit.strip_prefix("seed:").and_then(|n| n.parse().ok()));
            let far = late || steps != u64::MAX && steps > LONG;
            (deterministic, rank(t), !near, far, steps, layer, seed.unwrap_or(0), runs)
        })
    }
}
