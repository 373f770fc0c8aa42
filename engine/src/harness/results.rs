//! What a judging gives: failures, what was done and what was left, and the runs that are shown.

use super::options::Unit;
use super::run::{Outcome, Panicked};
use crate::rule::{Broken, Coverage};
use crate::suite::Shrunk;
use crate::trace::{Extent, Regression, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Something that did not hold.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub index: u64,
    pub unit: Unit,
    pub outcome: Outcome,
    pub micros: u64,
    /// Not the whole run of the seed breaks, but what was kept of it.
    pub regression: Option<Arc<Regression>>,
}

/// Work that was not done, and why.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub cases: BTreeSet<usize>,
    pub storms: u64,
    pub seeds: u64,
    /// Ends a sentence that begins with "not decided: ".
    pub why: String,
}

/// What the units gave, up to the last one that counts.
#[derive(Default)]
pub(super) struct Results {
    /// The first failure of each rule, in the order of units.
    pub failures: BTreeMap<&'static str, Failure>,
    /// Others of the same rule, in the same order: all cases, and some seeds.
    pub others: BTreeMap<&'static str, Vec<Failure>>,
    pub cases_done: BTreeSet<usize>,
    /// The cases in which something did not hold.
    pub cases_broken: BTreeSet<usize>,
    /// How far explorations went, by case.
    pub extents: BTreeMap<usize, Extent>,
    pub storms_done: u64,
    pub seeds_done: u64,
    pub coverage: Coverage,
    pub lessons: Vec<String>,
    /// What was not done, if the judging was stopped: nothing passes on what was not tried.
    pub left: Option<Left>,
}

/// How many failing seeds of a rule are remembered beyond the first failure.
const OTHER_SEEDS: usize = 8;

impl Results {
    pub fn add(&mut self, rule: &'static str, failure: Failure) {
        let Some(first) = self.failures.get(rule) else {
            self.failures.insert(rule, failure);
            return;
        };
        // Of a unit that breaks a rule twice (in itself, and by differing from its twin) the first is enough.
        let others = self.others.entry(rule).or_default();
        let is_seed = |f: &Failure| !matches!(f.unit, Unit::Case(_));
        if first.unit != failure.unit && (!is_seed(&failure) || others.iter().filter(|f| is_seed(f)).count() < OTHER_SEEDS) {
            others.push(failure);
        }
    }
}

/// The run to show for a failure.
#[derive(Clone, Default)]
pub(super) struct Show {
    pub trace: Trace,
    /// How the shorter run breaks the rule, if there is one.
    pub broken: Option<Broken>,
    /// With what in the place of what nothing is broken.
    pub contrast: Option<String>,
    /// How the shorter run panics, if it does.
    pub panicked: Option<Panicked>,
    pub raw_steps: u64,
    /// Of the shortest run that was looked at, if others were.
    pub shortest_steps: u64,
    pub shrink_micros: u64,
    /// The exploration that it comes from, if that is not what found the failure, and the steps of what did.
    pub instead: Option<(usize, u64)>,
}

impl Show {
    /// What was recorded, folded.
    pub fn of(trace: &Trace, shrunk: Option<&Shrunk>, marks: &[u64]) -> Show {
        let folded = trace.folded(marks);
        let whole = if folded.events.len() == trace.events.len() { folded.shown_steps() } else { trace.last_step() };
        let raw_steps = shrunk.map_or(whole, |s| s.raw_steps.max(whole));
        let (broken, contrast) = (shrunk.map(|s| s.broken.clone()), shrunk.and_then(|s| s.contrast.clone()));
        Show { trace: folded, broken, contrast, raw_steps, ..Show::default() }
    }
}
