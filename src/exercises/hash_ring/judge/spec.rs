//! What holds of a ring whatever positions its nodes have, and storms of joins, leaves and lookups that hold it to that.
//!
//! Positions are the learner's, so no model can say who owns a key. But *which of two nodes comes first on a key's list depends
//! on these two alone*: it is as in a ring of the two, as it was before others came and went, and as in any other ring that
//! has both. All of a list is held to that, and so are all lists that a key ever had.

use super::bench::{Bench, Make, Members, listed, quoted, some_of, who};
use super::twins::{KINDS, SHORT, twins};
use super::why::{Two, why};
use super::{BALANCE, MEMBERS, MOVES, OWNED, REPLICAS, SAME, TAKEOVER, names};
use crate::bench::{Calls, Life, storm};
use crate::hash;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::suite::Storms;
use crate::words::counted;
use std::rc::Rc;

/// Names that a storm draws from.
const POOL: usize = 6;
/// Lists that are remembered of a key.
const KNOWN: usize = 6;
/// Keys of which each of two equal nodes has some: the chance that a fair ring gives none to one of them is 10⁻¹².
const SOME: u64 = 40;
/// Pairs of keys that differ in one respect, of which not all may have one list: with four nodes the chance is 10⁻¹¹.
const PAIRS: usize = 8;

pub(super) fn storms(make: Make) -> Storms {
    Storms {
        rules: &[OWNED, MEMBERS, MOVES, SAME, REPLICAS, TAKEOVER, BALANCE],
        must_meet: &[
            "joins",
            "leaves",
            "changed weights",
            "heavy nodes",
            "leaves of a stranger",
            "keys that changed hands",
            "keys whose owner left",
            "empty rings",
            "more replicas asked for than nodes",
            "other rings of all",
            "rings of two that differ little",
            "keys that differ little",
        ],
        count: 2_000,
        run: Box::new(move |seed, probe| storm(seed, probe, |rng, calls| Router::begin(make, rng, calls))),
    }
}

/// A list of all nodes that a key had, and who was there.
#[derive(Clone)]
struct Known {
    members: Rc<Members>,
    /// After how many joins and leaves.
    after: usize,
    list: Vec<String>,
}

/// A router with its ring.
struct Router {
    make: Make,
    calls: Calls,
    ring: Bench,
    pool: Vec<String>,
    weights: Vec<u32>,
    keys: Vec<String>,
    known: Vec<Vec<Known>>,
    /// How likely each kind of event is: join, leave, look, another ring, keys that differ little.
    odds: [u64; 5],
    met: Coverage,
    fingerprints: Vec<u64>,
}

impl Life for Router {
    fn event(&mut self, rng: &mut Rng) -> Check {
        let all: u64 = self.odds.iter().sum();
        let mut left = rng.below(all);
        let kind = self.odds.iter().position(|odds| {
            let here = left < *odds;
            left = left.saturating_sub(*odds);
            here
        });
        match kind {
            Some(0) => self.join(rng),
            Some(1) => self.leave(rng),
            Some(3) => self.other(rng, false)?,
            Some(4) => self.keys_that_differ_little(rng)?,
            _ => self.look(rng)?,
        }
        Ok(())
    }

    fn end(&mut self, rng: &mut Rng) -> Check {
        self.other(rng, true)
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }

    fn fingerprints(&self) -> Vec<u64> {
        self.fingerprints.clone()
    }
}

impl Router {
    fn begin(make: Make, rng: &mut Rng, calls: Calls) -> (Self, u64) {
        let heavy = rng.below(300) == 0;
        let long = !heavy && rng.below(400) == 0;
        let mut pool = match rng.below(8) {
            _ if heavy => names::beginning_alike(rng),
            0 if rng.chance(300_000) => names::shortest(rng, POOL),
            0 => names::ALIKE[..POOL].iter().map(|&n| n.to_owned()).collect(),
            1 | 2 => names::nodes(rng, POOL),
            _ => {
                let kinds = if rng.below(12) == 0 { KINDS } else { SHORT.end };
                let pairs = (0..POOL / 2).map(|_| twins(rng.below(kinds as u64) as usize, rng.chance(150_000), rng));
                pairs.flat_map(|(a, b, _)| [a, b]).collect()
            }
        };
        // Joins are what a storm costs.
        pool.truncate(if long { 2 } else { [3, 4, 4, POOL][rng.below(4) as usize] });
        let weights = match (heavy, rng.below(5)) {
            (true, _) => vec![1, 2, 64, 79, 90, 100],
            (false, 0) => vec![1, 1, 1, 2, 3],
            (false, _) => vec![1],
        };
        let few = rng.chance(500_000);
        let mut keys = names::keys(rng, if few { 2 } else { 6 });
        keys.push(twins(rng.below(SHORT.end as u64) as usize, false, rng).0);
        if !few {
            keys.extend([String::new(), pool[0].clone()]);
            keys.extend(rng.pick(&names::odd_keys(&pool[..1])).cloned());
        }
        let odds = [[3, 5], [1, 3], [12, 25], [0, 1], [0, 1]].map(|choice: [u64; 2]| choice[rng.below(2) as usize]);
        let (known, ring) = (vec![Vec::new(); keys.len()], Bench::with(make, calls.clone(), "ring"));
        let router = Router { make, calls, ring, pool, weights, keys, known, odds, met: Coverage::default(), fingerprints: Vec::new() };
        (router, if long { 600 } else { 8 + rng.below(24) })
    }

    fn join(&mut self, rng: &mut Rng) {
        let (Some(node), Some(weight)) = (rng.pick(&self.pool).cloned(), rng.pick(&self.weights).copied()) else { return };
        let before = self.ring.members().get(&node).copied();
        let weight =
            before.filter(|_| rng.chance(300_000)).map_or(weight, |before| (before + rng.below(3) as u32).saturating_sub(1).clamp(1, 100));
        self.met.add(if before.is_some() { "changed weights" } else { "joins" }, 1);
        self.met.add("heavy nodes", u64::from(weight > 63));
        self.ring.add(&node, weight);
    }

    fn leave(&mut self, rng: &mut Rng) {
        let Some(node) = rng.pick(&self.pool).cloned() else { return };
        self.met.add(if self.ring.members().contains_key(&node) { "leaves" } else { "leaves of a stranger" }, 1);
        self.ring.remove(&node);
    }

    /// Looks at one key.
    fn look(&mut self, rng: &mut Rng) -> Check {
        let at = rng.below(self.keys.len() as u64) as usize;
        let key = self.keys[at].clone();
        let n = self.ring.members().len();
        let k = match rng.below(4) {
            0 => rng.below(n as u64 + 3) as usize,
            1 => rng.near(n as u64) as usize,
            2 => rng.wild() as usize,
            _ => usize::MAX,
        };
        if n == 0 {
            self.met.add("empty rings", 1);
            if let Some(node) = self.ring.asked(&key) {
                return Err(Broken::new(MEMBERS, format!("no node is there, but owner({}) is {}", quoted(&key), quoted(node))));
            }
            return self.ring.replicas(&key, k).map(drop);
        }
        self.met.add("more replicas asked for than nodes", u64::from(k > n));
        if rng.chance(500_000) {
            self.ring.owner(&key)?;
        }
        let some: Vec<String> = self.ring.replicas(&key, k)?.into_iter().map(str::to_owned).collect();
        let list: Vec<String> = if some.len() == n { some.clone() } else { self.all(&key)? };
        if !list.starts_with(&some) {
            let seen = format!("replicas({}, {k}) is {}, but the list of all nodes is {}", quoted(&key), listed(&some), listed(&list));
            return Err(Broken::new(REPLICAS, seen));
        }
        self.fingerprints.push(hash::of(&list));
        let now = Known { members: Rc::clone(self.ring.members()), after: self.ring.history().len(), list };
        for before in &self.known[at] {
            agree(&key, (before, "earlier"), (&now, "now")).map_err(|broken| {
                let of = [&self.ring.history()[..before.after], self.ring.history()];
                let two = Two { make: self.make, calls: &self.calls, of, called: ["it did earlier", "it does now"] };
                broken.because(two.why(&key, [&before.list, &now.list]))
            })?;
            self.met.add("keys that changed hands", u64::from(before.list[0] != now.list[0]));
            self.met.add("keys whose owner left", u64::from(!now.members.contains_key(&before.list[0])));
        }
        let known = &mut self.known[at];
        if known.last().is_none_or(|last| last.members != now.members) {
            if known.len() == KNOWN {
                known.remove(1);
            }
            known.push(now);
        }
        Ok(())
    }

    fn all(&self, key: &str) -> Result<Vec<String>, Broken> {
        Ok(self.ring.replicas(key, usize::MAX)?.into_iter().map(str::to_owned).collect())
    }

    /// Another ring, of some of the nodes or of all, that came to them in another way.
    fn other(&mut self, rng: &mut Rng, all: bool) -> Check {
        let mut nodes: Vec<(String, u32)> = self.ring.members().iter().map(|(node, weight)| (node.clone(), *weight)).collect();
        if nodes.is_empty() {
            return Ok(());
        }
        let first = rng.below(nodes.len() as u64) as usize;
        let alike = nodes.get(first + 1).map(|next| next.0.clone()).filter(|_| !all);
        if let (Some(next), true) = (alike, rng.chance(600_000)) {
            // What differs little is side by side.
            let one = nodes[first].0.clone();
            nodes.retain(|(node, _)| *node == one || *node == next);
        } else if !all {
            nodes.retain(|_| rng.chance(600_000));
        }
        rng.shuffle(&mut nodes);
        let mut other = Bench::with(self.make, self.calls.clone(), "other");
        if rng.chance(300_000) && !nodes.is_empty() {
            // One with another weight at first, or one that does not stay.
            let detour = if rng.chance(500_000) { nodes[0].0.clone() } else { self.pool[0].clone() };
            other.add(&detour, 1);
            if !nodes.iter().any(|(node, _)| *node == detour) {
                other.remove(&detour);
            }
        }
        nodes.iter().for_each(|(node, weight)| other.add(node, *weight));
        if nodes.is_empty() {
            return other.replicas(&self.keys[0], 3).map(drop);
        }
        self.met.add("other rings of all", u64::from(nodes.len() == self.ring.members().len()));
        let mut other = other.quiet();
        self.ring.quieter(true);
        let more = (0..if all { 8 } else { 0 }).map(|i| format!("k{i}"));
        self.keys.iter().cloned().chain(more).try_for_each(|key| same_order(&key, &self.ring, &other))?;
        self.ring.quieter(false);
        if nodes.len() == 2 && nodes.iter().all(|(_, weight)| *weight == 1) {
            self.met.add("rings of two that differ little", 1);
            other.quieter(true);
            return both_have_some(&other);
        }
        Ok(())
    }

    /// Keys that differ in one respect are different keys.
    fn keys_that_differ_little(&mut self, rng: &mut Rng) -> Check {
        if self.ring.members().len() < 4 {
            return Ok(());
        }
        self.met.add("keys that differ little", 1);
        let (kind, numbers) = (rng.below(KINDS as u64) as usize, rng.chance(300_000));
        self.ring.quieter(true);
        let mut last = None;
        for _ in 0..PAIRS {
            let (a, b, what) = twins(kind, numbers, rng);
            let list = self.all(&a)?;
            if list != self.all(&b)? {
                self.ring.quieter(false);
                return Ok(());
            }
            last = Some((a, b, what, list));
        }
        let (a, b, what, list) = last.unwrap_or_default();
        Err(taken_for_one((&a, &b), &what, PAIRS, &list))
    }
}

/// Two keys that differ little have one list of nodes, and so have all such pairs that were tried.
pub(super) fn taken_for_one((a, b): (&str, &str), what: &str, pairs: usize, list: &[impl AsRef<str>]) -> Broken {
    let seen = format!(
        "two keys that differ only in {what}, {} and {}, have one list, {}, and so had all {pairs} such pairs that were tested",
        quoted(a),
        quoted(b),
        listed(list)
    );
    Broken::new(BALANCE, seen)
}

/// Of two nodes of equal weight each has some of many keys.
pub(super) fn both_have_some(ring: &Bench) -> Check {
    let first = ring.owner("k0")?;
    for i in 1..SOME {
        if ring.owner(&format!("k{i}"))? != first {
            return Ok(());
        }
    }
    let other = ring.members().keys().find(|node| *node != first).map_or("", String::as_str);
    let seen = format!(
        "{} and {} differ little, and have the same weight: all of {} belong to {}, as if the tokens of both were the same",
        quoted(first),
        quoted(other),
        counted(SOME as usize, "key"),
        quoted(first)
    );
    Err(Broken::new(BALANCE, seen))
}

/// The list of a key on two rings.
pub(super) fn same_order(key: &str, ring: &Bench, other: &Bench) -> Check {
    let known = |bench: &Bench| -> Result<Known, Broken> {
        let list = bench.replicas(key, usize::MAX)?.into_iter().map(str::to_owned).collect();
        Ok(Known { members: Rc::clone(bench.members()), after: bench.history().len(), list })
    };
    let (here, there) = (known(ring)?, known(other)?);
    agree(key, (&here, "on `ring`"), (&there, "on `other`")).map_err(|broken| {
        let question = format!("replicas({}, usize::MAX)", quoted(key));
        ring.caught(&question, || listed(&here.list));
        other.caught(&question, || listed(&there.list));
        broken.because(why(ring, other, key, [&here.list, &there.list]))
    })
}

/// Two lists of a key: the nodes that were there both times, with the same weight, come in the same order.
fn agree(key: &str, (one, then): (&Known, &str), (other, now): (&Known, &str)) -> Check {
    let stays = |node: &&String| one.members.get(*node).is_some_and(|weight| other.members.get(*node) == Some(weight));
    let mut pairs = one.list.iter().filter(stays).zip(other.list.iter().filter(stays));
    let Some((x, y)) = pairs.find(|(a, b)| a != b) else { return Ok(()) };
    let (owner, heir) = (&one.list[0], &other.list[0]);
    let quoted_key = quoted(key);
    let lists = || format!("replicas({quoted_key}, usize::MAX) is {} {then} and {} {now}", some_of(&one.list), some_of(&other.list));
    if one.members == other.members {
        return Err(Broken::new(SAME, format!("{}, with the same members: {}", lists(), who(&one.members))));
    }
    let members = format!("the members are {} {then} and {} {now}", who(&one.members), who(&other.members));
    if stays(&owner) && stays(&heir) && owner != heir {
        let seen = format!(
            "owner({quoted_key}) is {} {then} and {} {now}, but both are there each time, with the same weight; {members}",
            quoted(owner),
            quoted(heir)
        );
        return Err(Broken::new(MOVES, seen));
    }
    if !other.members.contains_key(owner) && heir == y {
        let seen =
            format!("{}: {} is no longer there, so {} must take over, not {}; {members}", lists(), quoted(owner), quoted(x), quoted(heir));
        return Err(Broken::new(TAKEOVER, seen));
    }
    let seen = format!(
        "{}: {then} {} comes before {}, {now} after it, but which of two takes over first depends only on these two; {members}",
        lists(),
        quoted(x),
        quoted(y)
    );
    Err(Broken::new(TAKEOVER, seen))
}
