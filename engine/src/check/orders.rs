//! Linearizability of one register, watched while the history grows: what is kept is not the history but every order of it
//! that is still possible, as far as the rest can depend on it. So two histories about which nothing different can ever be
//! said are equal, which is what makes it fit for a state that is explored. Knows a register and few operations at a time: the
//! orders of *n* open operations are as many as they have permutations. For whole histories there is [`super::linearizable`].
//!
//! The idea is that of Wing & Gong 1993 ("Testing and verifying concurrent objects"), turned round: instead of searching one
//! order once all is known, all orders are kept, and each answer strikes out those that it contradicts.

use std::collections::{BTreeMap, BTreeSet};

/// One possible order so far.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Order<V> {
    /// What the register holds after it.
    value: V,
    /// Operations that were not answered and took their effect in it: reads with what they saw.
    done: BTreeMap<u32, Option<V>>,
}

/// A register's open operations, and all orders that explain the answers so far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Orders<V> {
    /// What each open operation writes; `None` if it reads.
    open: BTreeMap<u32, Option<V>>,
    possible: BTreeSet<Order<V>>,
}

impl<V: Clone + Ord> Orders<V> {
    /// Nobody has asked anything of a register that holds `initial`.
    pub fn new(initial: V) -> Self {
        Orders { open: BTreeMap::new(), possible: [Order { value: initial, done: BTreeMap::new() }].into() }
    }

    /// An operation begins: it writes a value, or reads. Its number must not be that of another open one.
    pub fn begins(&mut self, number: u32, write: Option<V>) {
        self.open.insert(number, write);
        self.complete();
    }

    /// An operation was answered: with a value, if it reads. Whether any order explains that; if not, nothing does from here
    /// on. The answer to an operation that is not open explains itself.
    pub fn ends(&mut self, number: u32, read: Option<&V>) -> bool {
        if self.open.remove(&number).is_none() {
            return !self.possible.is_empty();
        }
        let fits = |mut order: Order<V>| (order.done.remove(&number)?.as_ref() == read).then_some(order);
        self.possible = std::mem::take(&mut self.possible).into_iter().filter_map(fits).collect();
        !self.possible.is_empty()
    }

    /// Every open operation may take its effect at any moment: adds all orders in which some did.
    fn complete(&mut self) {
        let mut todo: Vec<Order<V>> = self.possible.iter().cloned().collect();
        while let Some(order) = todo.pop() {
            for (number, write) in self.open.iter().filter(|(n, _)| !order.done.contains_key(n)) {
                let mut next = order.clone();
                match write {
                    Some(value) => {
                        next.value = value.clone();
                        next.done.insert(*number, None);
                    }
                    None => {
                        next.done.insert(*number, Some(order.value.clone()));
                    }
                }
                if self.possible.insert(next.clone()) {
                    todo.push(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{History, Register, RegisterOp, RegisterRet, linearizable};
    use crate::rng::Rng;
    use crate::time::Time;

    #[test]
    fn a_value_that_was_read_is_not_unread() {
        let mut orders = Orders::new(0);
        orders.begins(1, Some(7));
        orders.begins(2, None);
        assert!(orders.ends(2, Some(&7)));
        orders.begins(3, None);
        assert!(!orders.clone().ends(3, Some(&0)), "new, then old");
        assert!(orders.clone().ends(3, Some(&7)));
        // A read that began before the first one ended may still be the earlier one.
        let mut orders = Orders::new(0);
        orders.begins(1, Some(7));
        orders.begins(2, None);
        orders.begins(3, None);
        assert!(orders.ends(2, Some(&7)) && orders.ends(3, Some(&0)));
    }

    #[test]
    fn what_cannot_matter_any_more_is_forgotten() {
        let written = |first, second| {
            let mut orders = Orders::new(0);
            orders.begins(1, Some(first));
            assert!(orders.ends(1, None));
            orders.begins(2, Some(second));
            assert!(orders.ends(2, None));
            orders
        };
        assert_eq!(written(1, 9), written(2, 9));
        assert_ne!(written(1, 9), written(9, 1));
    }

    /// Random histories, mostly wrong ones, answer by answer: the same verdict as the search over the whole history.
    #[test]
    fn it_agrees_with_the_search() {
        let mut counts = [0, 0];
        for seed in 0..4_000 {
            let mut rng = Rng::new(seed);
            let (mut orders, mut log, mut open) = (Orders::new(0), History::new(), Vec::new());
            let mut next = 0;
            for tick in 1..=10 {
                let at = Time::from_millis(tick);
                if open.len() < 3 && rng.chance(550_000) {
                    next += 1;
                    let write = rng.chance(400_000).then(|| rng.range(1..=2));
                    let op = write.map_or(RegisterOp::Read, RegisterOp::Write);
                    orders.begins(next, write);
                    open.push((next, log.invoke(next, op, at), write));
                } else if !open.is_empty() {
                    let (number, id, write) = open.swap_remove(rng.below(open.len() as u64) as usize);
                    let read = write.is_none().then(|| rng.below(3));
                    log.ok(id, read.map_or(RegisterRet::Written, RegisterRet::Value), at);
                    let searched = linearizable::check(&Register { initial: 0 }, &log, linearizable::DEFAULT_STEPS).holds();
                    assert_eq!(orders.ends(number, read.as_ref()), searched, "seed {seed}: {log:?}");
                    counts[usize::from(searched)] += 1;
                    if !searched {
                        break;
                    }
                }
            }
        }
        assert!(counts.iter().all(|n| *n > 1_000), "{counts:?}");
    }
}
