//! Balance and movement: how evenly keys are spread over owners, and how many change hands when the owners change. Knows
//! who owns what, not how it was decided.

use std::collections::BTreeMap;

/// How many keys each owner has. Owners without keys count, so name them all.
///
/// A key whose owner is not among `owners` is counted for it all the same: it shows in [`Load::counts`].
#[must_use]
pub fn load<O: Ord + Clone>(owners: impl IntoIterator<Item = O>, assignment: impl IntoIterator<Item = O>) -> Load<O> {
    let mut counts: BTreeMap<O, u64> = owners.into_iter().map(|owner| (owner, 0)).collect();
    for owner in assignment {
        *counts.entry(owner).or_default() += 1;
    }
    Load { counts }
}

/// How many keys each owner has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load<O> {
    /// By owner.
    pub counts: BTreeMap<O, u64>,
}

impl<O: Ord> Load<O> {
    /// All keys together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The keys of the fullest owner over those of the mean one: 1 is perfect. `None` without keys or owners.
    #[must_use]
    pub fn fullest_over_mean(&self) -> Option<f64> {
        let (_, fullest) = self.fullest()?;
        let total = self.total();
        (total > 0).then(|| fullest as f64 * self.counts.len() as f64 / total as f64)
    }

    /// The fullest owner and its keys; of equals the first by name.
    #[must_use]
    pub fn fullest(&self) -> Option<(&O, u64)> {
        self.counts.iter().rev().max_by_key(|(_, n)| **n).map(|(owner, n)| (owner, *n))
    }

    /// The emptiest owner and its keys; of equals the first by name.
    #[must_use]
    pub fn emptiest(&self) -> Option<(&O, u64)> {
        self.counts.iter().min_by_key(|(_, n)| **n).map(|(owner, n)| (owner, *n))
    }

    /// The part of all keys that `owner` has, 0 to 1. `None` without keys.
    #[must_use]
    pub fn share(&self, owner: &O) -> Option<f64> {
        let total = self.total();
        (total > 0).then(|| self.counts.get(owner).copied().unwrap_or(0) as f64 / total as f64)
    }
}

/// What changed hands between two assignments of the same keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement<O> {
    /// How many keys there are.
    pub keys: usize,
    /// Which of them (by position) changed hands, from whom, to whom.
    pub moved: Vec<(usize, O, O)>,
}

/// What changed hands from `before` to `after`, the owners of the same keys in the same order.
///
/// # Panics
/// If the two are of different length: a mistake of the judge.
#[must_use]
pub fn movement<O: PartialEq + Clone>(before: &[O], after: &[O]) -> Movement<O> {
    assert_eq!(before.len(), after.len(), "both assignments are of the same keys");
    let pairs = before.iter().zip(after).enumerate();
    let moved = pairs.filter(|(_, (old, new))| old != new).map(|(i, (old, new))| (i, old.clone(), new.clone())).collect();
    Movement { keys: before.len(), moved }
}

impl<O: PartialEq> Movement<O> {
    /// The part of all keys that changed hands, 0 to 1; 0 without keys.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.keys == 0 { 0.0 } else { self.moved.len() as f64 / self.keys as f64 }
    }

    /// The first key that changed hands without need when only `changed` joined or left: from one owner to another that were
    /// both there before and after.
    #[must_use]
    pub fn needless(&self, changed: &O) -> Option<&(usize, O, O)> {
        self.moved.iter().find(|(_, from, to)| from != changed && to != changed)
    }
}

/// The median of the samples: of an even number, the mean of the two in the middle. `None` of no sample.
#[must_use]
pub fn median(samples: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = samples.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_without_keys_count() {
        let load = load(["a", "b", "c", "d"], ["a", "a", "b", "a"]);
        assert_eq!(load.fullest(), Some((&"a", 3)));
        assert_eq!(load.emptiest(), Some((&"c", 0)));
        assert_eq!(load.fullest_over_mean(), Some(3.0));
        assert_eq!((load.share(&"b"), load.share(&"d")), (Some(0.25), Some(0.0)));
    }

    #[test]
    fn nothing_is_neither_even_nor_uneven() {
        assert_eq!(load(["a"], []).fullest_over_mean(), None);
        assert_eq!(load::<u8>([], []).fullest_over_mean(), None);
        assert_eq!(load(["a"], []).share(&"a"), None);
    }

    #[test]
    fn of_equals_the_first_by_name() {
        let load = load(["a", "b"], ["b", "a"]);
        assert_eq!((load.fullest(), load.emptiest()), (Some((&"a", 1)), Some((&"a", 1))));
    }

    #[test]
    fn keys_may_move_only_from_or_to_the_node_that_changed() {
        let joined = movement(&["a", "b", "a", "b"], &["a", "c", "a", "b"]);
        assert_eq!((joined.share(), joined.needless(&"c")), (0.25, None));
        let rehashed = movement(&["a", "b", "a", "b"], &["b", "c", "a", "b"]);
        assert_eq!(rehashed.needless(&"c"), Some(&(0, "a", "b")));
        assert_eq!(movement::<u8>(&[], &[]).share(), 0.0);
    }

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }
}
