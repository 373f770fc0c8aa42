//! Why two rings, or one ring twice, disagree about the order of two nodes: what a reader would try with more rings of the learner's
//! code, tried. Only for the run that is shown, as it costs some thousand lookups.

use super::bench::{Bench, Make, Members, quoted};
use crate::bench::Calls;
use crate::exercises::hash_ring::HashRing;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A join with its weight, or a leave.
pub(super) type Joined = (String, Option<u32>);

/// Two rings, or one at two times, of whose answers one may not be.
pub(super) struct Two<'a> {
    /// Makes a further ring.
    pub make: Make,
    /// How it is called.
    pub calls: &'a Calls,
    /// The joins and leaves of the one that is asked first, and of the other.
    pub of: [&'a [Joined]; 2],
    /// What they are called in the sentence: on `ring`, earlier.
    pub called: [&'a str; 2],
}

/// Why the lists of `key` on two rings have the nodes that are in both in another order, if that is found.
pub(super) fn why(a: &Bench, b: &Bench, key: &str, lists: [&[impl AsRef<str>]; 2]) -> Option<String> {
    let called = [format!("`{}`", a.name()), format!("`{}`", b.name())];
    let two = Two { make: a.make(), calls: a.calls(), of: [a.history(), b.history()], called: [&called[0], &called[1]] };
    two.why(key, lists)
}

/// Two nodes that have nothing in common, names with digits least of all.
const UNLIKE: [&str; 2] = ["left", "right"];
/// So heavy, they clash if positions have 24 bits or fewer.
const HEAVY: u32 = 100;
/// Keys that are asked where any key may show it.
///
/// Few enough for a ring that goes through all of its tokens for each.
const KEYS: usize = 4_000;
/// What a ring may cost that is made to find out, in tokens, all in all.
const WEIGHT_MAX: usize = 3_000;

impl Two<'_> {
    /// Why the nodes that are on both lists stand there in another order, if that is found.
    pub fn why(&self, key: &str, [one, other]: [&[impl AsRef<str>]; 2]) -> Option<String> {
        if !self.calls.are_shown() || self.weight() > WEIGHT_MAX {
            return None;
        }
        let on = |list: &[_], node: &str| list.iter().any(|n: &_| AsRef::<str>::as_ref(n) == node);
        let mut pairs = one.iter().map(AsRef::as_ref).filter(|x| on(other, x)).zip(other.iter().map(AsRef::as_ref).filter(|y| on(one, y)));
        let (x, y) = pairs.find(|(x, y)| x != y)?;
        let found = self.chance(key, x, y).or_else(|| self.left_over(key, x, y)).or_else(|| self.order(key, x, y));
        found.or_else(|| self.others(key, x, y))
    }

    fn weight(&self) -> usize {
        self.of.iter().flat_map(|history| history.iter()).map(|(_, weight)| weight.unwrap_or(0) as usize).sum()
    }

    /// Whether `x` comes before `y` after these joins and leaves.
    fn is_first(&self, history: &[Joined], key: &str, x: &str, y: &str) -> Option<bool> {
        let list: Vec<String> = self.on(history, |ring| ring.replicas(key, usize::MAX).into_iter().map(str::to_owned).collect())?;
        Some(list.iter().position(|node| node == x) < list.iter().position(|node| node == y))
    }

    /// What a new ring says after these joins and leaves. Nothing, if it panics: these calls are no part of the run.
    fn on<T>(&self, history: &[Joined], ask: impl FnOnce(&dyn HashRing) -> T) -> Option<T> {
        self.calls.ask_quietly(
            || "a further ring, to find out why".to_owned(),
            || {
                let asked = catch_unwind(AssertUnwindSafe(|| {
                    let mut ring = (self.make)();
                    for (node, weight) in history {
                        match weight {
                            Some(weight) => ring.add(node, *weight),
                            None => ring.remove(node),
                        }
                    }
                    ask(&*ring)
                }));
                // What it panicked with may panic itself when it is dropped.
                asked.map_err(std::mem::forget).ok()
            },
        )
    }

    /// How often more is tried: less where a ring costs much.
    fn tries(&self) -> usize {
        if self.weight() > 200 { 2 } else { 6 }
    }

    /// The same calls on new rings have different answers.
    fn chance(&self, key: &str, x: &str, y: &str) -> Option<String> {
        self.of.iter().find_map(|history| {
            let first = self.is_first(history, key, x, y)?;
            (0..self.tries()).any(|_| self.is_first(history, key, x, y).is_some_and(|again| again != first)).then(|| {
                "the same joins and leaves on a new ring give now this answer, now that: chance, an address or the time decides".to_owned()
            })
        })
    }

    /// A ring that only ever had its members answers as this one does not.
    fn left_over(&self, key: &str, x: &str, y: &str) -> Option<String> {
        self.of.iter().zip(self.called).find_map(|(history, called)| {
            let (plain, first) = (joins(history), self.is_first(history, key, x, y)?);
            if plain.len() == history.len() || self.is_first(&plain, key, x, y)? == first {
                return None;
            }
            // The last call without which it would answer as the plain one does.
            let without = (0..history.len()).rev().take(4 * self.tries()).find(|at| {
                let rest = [&history[..*at], &history[at + 1..]].concat();
                members(&rest) == members(history) && self.is_first(&rest, key, x, y).is_some_and(|without| without != first)
            });
            // A token that fell on another node's took that one away when it went: then the call is only where it shows.
            let clashing = without.and_then(|at| {
                let (node, weight) = &history[at];
                let all = members(history);
                let other = all.iter().find(|(other, of)| *other != node && self.clash((node, weight.unwrap_or(1)), (other, **of)))?;
                Some(format!(
                    "{} and {} have a token at one position; {}",
                    quoted(node),
                    quoted(other.0),
                    self.same_position(node, other.0)
                ))
            });
            if clashing.is_some() {
                return clashing;
            }
            let which = without.map_or("from earlier members or weights".to_owned(), |at| match &history[at] {
                (node, Some(weight)) => format!("of add({}, {weight})", quoted(node)),
                (node, None) => format!("of remove({})", quoted(node)),
            });
            Some(format!(
                "something is left {which}: a new ring to which only those members were added gives a different answer than {called}"
            ))
        })
    }

    /// Two nodes are told apart by who joined first: these, or two of which one comes before them or not.
    fn order(&self, key: &str, x: &str, y: &str) -> Option<String> {
        let all = members(self.of[1]);
        let mut pairs: Vec<(&str, &str)> =
            all.keys().enumerate().flat_map(|(i, a)| all.keys().take(i).map(move |b| (&**a, &**b))).collect();
        pairs.sort_by_key(|(a, b)| [a, b].into_iter().filter(|node| ![x, y].contains(node)).count());
        let weight = |node: &str| all.get(node).copied().unwrap_or(1);
        // What clashes may be one of the two with a third, whose token is there or not.
        let decides = |a: &str, b: &str| {
            let joined = |nodes: [&str; 2]| {
                let before = [x, y].into_iter().filter(|node| !nodes.contains(node));
                before.chain(nodes).map(|node| (node.to_owned(), Some(weight(node)))).collect::<Vec<Joined>>()
            };
            let one_way = self.is_first(&joined([a, b]), key, x, y);
            one_way.zip(self.is_first(&joined([b, a]), key, x, y)).is_some_and(|(one, other)| one != other)
        };
        let (a, b) = pairs.into_iter().find(|(a, b)| decides(a, b))?;
        let (one, other) = (quoted(a), quoted(b));
        let more = self.same_position(a, b);
        Some(format!("which of {one} and {other} joined first decides it, because both have a token at one position; {more}"))
    }

    /// Whether the order in which two nodes join decides about any key.
    fn clash(&self, a: (&str, u32), b: (&str, u32)) -> bool {
        let [a, b] = [a, b].map(|(node, weight)| (node.to_owned(), Some(weight)));
        let one_way = self.owners(&[a.clone(), b.clone()]);
        one_way.zip(self.owners(&[b, a])).is_some_and(|(one, other)| one != other)
    }

    /// Why two nodes have a token at one position.
    fn same_position(&self, a: &str, b: &str) -> String {
        let [left, right] = UNLIKE;
        if self.clash((left, HEAVY), (right, HEAVY)) {
            format!(
                "{left:?} and {right:?}, which have nothing in common, clash as well at weight {HEAVY}: positions that are cut to few bits"
            )
        } else if self.clash((a, 2), (b, 2)) {
            format!("already at weight 2, and {left:?} and {right:?} do not clash: the labels of two of their tokens are equal")
        } else {
            "not at weight 2: positions that are cut to few bits, or labels that are equal where the numbers are large".to_owned()
        }
    }

    /// Another member decides between the two, though it is neither.
    fn others(&self, key: &str, x: &str, y: &str) -> Option<String> {
        let all = members(self.of[1]);
        let of = |members: &Members| members.iter().map(|(node, weight)| (node.clone(), Some(*weight))).collect::<Vec<Joined>>();
        let first = self.is_first(&of(&all), key, x, y)?;
        all.keys().filter(|node| *node != x && *node != y).find_map(|node| {
            let mut rest = all.clone();
            rest.remove(node);
            (self.is_first(&of(&rest), key, x, y)? != first)
                .then(|| format!("whether {} is there decides it, though it is neither of the two", quoted(node)))
        })
    }

    /// Who owns many keys.
    fn owners(&self, history: &[Joined]) -> Option<Vec<Option<String>>> {
        self.on(history, |ring| (0..KEYS).map(|i| ring.owner(&format!("k{i}")).map(str::to_owned)).collect())
    }
}

/// The joins that made its members what they are, in their order.
fn joins(history: &[Joined]) -> Vec<Joined> {
    let is_last = |at: usize| history[at + 1..].iter().all(|(node, _)| *node != history[at].0);
    (0..history.len()).filter(|at| history[*at].1.is_some() && is_last(*at)).map(|at| history[at].clone()).collect()
}

fn members(history: &[Joined]) -> Members {
    joins(history).into_iter().map(|(node, weight)| (node, weight.unwrap_or(1))).collect()
}
