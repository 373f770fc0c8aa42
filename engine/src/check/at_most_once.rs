//! At most once: a request that is sent again, or arrives twice, takes effect once. Knows ids and effects, not messages.

use crate::words::times;
use std::collections::BTreeMap;
use std::fmt;

/// Counts the effects of each request. Feed it as they happen, or all at the end.
#[derive(Clone, Debug)]
pub struct Effects<Id, Place> {
    seen: BTreeMap<Id, Vec<Place>>,
}

impl<Id, Place> Default for Effects<Id, Place> {
    fn default() -> Self {
        Effects { seen: BTreeMap::new() }
    }
}

impl<Id: Ord + Clone, Place: Clone> Effects<Id, Place> {
    /// No effect so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Request `id` took effect at `place` (a time, a step, a node: whatever the finding should name).
    ///
    /// # Errors
    /// With all its effects so far, if it is not the first.
    pub fn record(&mut self, id: Id, place: Place) -> Result<(), Repeated<Id, Place>> {
        let places = self.seen.entry(id.clone()).or_default();
        places.push(place);
        if places.len() == 1 { Ok(()) } else { Err(Repeated { id, places: places.clone() }) }
    }

    /// How often request `id` took effect.
    #[must_use]
    pub fn count(&self, id: &Id) -> usize {
        self.seen.get(id).map_or(0, Vec::len)
    }

    /// The first of `ids` that took no effect: with at-most-once, this makes exactly-once.
    pub fn missing<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) -> Option<&'a Id>
    where
        Id: 'a,
    {
        ids.into_iter().find(|id| self.count(id) == 0)
    }
}

/// A request that took effect more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated<Id, Place> {
    /// Which.
    pub id: Id,
    /// Where or when, in the order of recording: two at least.
    pub places: Vec<Place>,
}

/// `request 7 took effect twice: n1, n3`.
impl<Id: fmt::Display, Place: fmt::Display> fmt::Display for Repeated<Id, Place> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<String> = self.places.iter().map(ToString::to_string).collect();
        write!(f, "request {} took effect {}: {}", self.id, times(places.len()), places.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_effect_is_named_with_the_first() {
        let mut effects = Effects::new();
        assert_eq!(effects.record(7, "n1"), Ok(()));
        assert_eq!(effects.record(8, "n1"), Ok(()));
        let repeated = effects.record(7, "n3").expect_err("twice");
        assert_eq!(repeated.to_string(), "request 7 took effect twice: n1, n3");
        assert_eq!((effects.count(&7), effects.count(&9)), (2, 0));
    }

    #[test]
    fn what_never_happened_is_missing() {
        let mut effects = Effects::new();
        effects.record(1, "n1").expect("first");
        assert_eq!(effects.missing(&[1, 2, 3]), Some(&2));
        assert_eq!(effects.missing(&[1]), None);
    }
}
