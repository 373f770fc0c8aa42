//! The random runs of `hash_ring`: nodes join, leave, come back and change their weight, in any order; after every change all
//! the rules that can be checked exactly.

use super::bench::{Bench, Make, agree};
use super::{MEMBERS, MOVES, OWNED, REPLICAS, SAME, TAKEOVER, names, vectors};
use crate::hash;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::suite::{Run, Swarm};
use crate::trace::Probe;
use crate::words::counted;

/// Names that a run draws from.
const POOL: usize = 6;
const KEYS: usize = 10;

pub(super) fn swarm(make: Make) -> Swarm {
    Swarm {
        rules: &[OWNED, MEMBERS, MOVES, SAME, REPLICAS, TAKEOVER],
        must_meet: &[
            "joins",
            "leaves",
            "returns",
            "changed weights",
            "leaves of a stranger",
            "keys that changed hands",
            "keys whose owner left",
            "empty rings",
            "more replicas asked for than nodes",
        ],
        run: Box::new(move |seed, probe| run(make, seed, probe)),
    }
}

fn run(make: Make, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let mut history = History::new(make, probe, &mut rng);
    let check = history.play(&mut rng);
    let History { coverage, fingerprints, .. } = history;
    Run { check, coverage, lessons: Vec::new(), fingerprints, shrunk: None }
}

struct History<'p> {
    make: Make,
    probe: &'p Probe,
    ring: Bench<'p>,
    pool: Vec<String>,
    left: Vec<String>,
    keys: Vec<String>,
    coverage: Coverage,
    fingerprints: Vec<u64>,
}

/// What is known of the keys at one time; nothing on an empty ring.
#[derive(Default)]
struct Known {
    owners: Vec<String>,
    /// Who takes over, where there is somebody.
    seconds: Vec<Option<String>>,
}

impl<'p> History<'p> {
    fn new(make: Make, probe: &'p Probe, rng: &mut Rng) -> Self {
        let pool = match rng.below(3) {
            0 => names::ALIKE[..POOL].iter().map(|&n| n.to_owned()).collect(),
            _ => names::nodes(rng, POOL),
        };
        let mut keys = names::keys(rng, KEYS - 2);
        let odd = names::odd_keys(&pool[..1]);
        keys.extend((0..2).filter_map(|_| rng.pick(&odd).cloned()));
        let ring = Bench::new(make, probe, "ring");
        History { make, probe, ring, pool, left: Vec::new(), keys, coverage: Coverage::default(), fingerprints: Vec::new() }
    }

    fn play(&mut self, rng: &mut Rng) -> Check {
        let mut known = Known::default();
        for _ in 0..rng.range(3..=7) {
            let node = rng.pick(&self.pool).cloned().unwrap_or_default();
            let there = self.ring.members().contains_key(&node);
            let (story, left) = self.change(&node, there, rng);
            let now = self.look(rng)?;
            if !known.owners.is_empty() && !now.owners.is_empty() {
                vectors::moved_only(&self.keys, &known.owners, &now.owners, &node, &story)?;
                let moved = known.owners.iter().zip(&now.owners).filter(|(a, b)| a != b).count();
                self.coverage.add("keys that changed hands", moved as u64);
                if left {
                    self.inherited(&known, &now, &node)?;
                }
            }
            known = now;
        }
        // A quarter of the runs: it costs as much as all the rest.
        if rng.chance(250_000) { self.rebuilt(rng) } else { Ok(()) }
    }

    /// One change of the membership. What happened, and whether a member left.
    fn change(&mut self, node: &String, there: bool, rng: &mut Rng) -> (String, bool) {
        let weight = if rng.chance(200_000) { rng.range(2..=3) as u32 } else { 1 };
        let n = self.ring.members().len();
        if there && rng.chance(650_000) || !there && rng.chance(100_000) {
            self.ring.remove(node);
            self.coverage.add(if there { "leaves" } else { "leaves of a stranger" }, 1);
            self.left.push(node.clone());
            return (format!("{node:?} left a ring of {}", counted(n, "node")), there);
        }
        let what = match (there, self.left.contains(node)) {
            (true, _) => "changed weights",
            (false, true) => "returns",
            (false, false) => "joins",
        };
        self.coverage.add(what, 1);
        self.ring.add(node, weight);
        let story =
            if there { format!("{node:?} was given the weight {weight}") } else { format!("{node:?} joined {}", counted(n, "node")) };
        (story, false)
    }

    /// Looks at every key, and at the replicas of some.
    fn look(&mut self, rng: &mut Rng) -> Result<Known, Broken> {
        let n = self.ring.members().len();
        if n == 0 {
            self.coverage.add("empty rings", 1);
            if let Some(node) = self.ring.asked(&self.keys[0]) {
                return Err(Broken::new(MEMBERS, format!("every node has left, and owner({:?}) is {node:?}", self.keys[0])));
            }
            self.ring.replicas(&self.keys[0], 2)?;
            return Ok(Known::default());
        }
        let owners = self.ring.owners(&self.keys)?;
        self.fingerprints.push(hash::of(&owners));
        let mut seconds = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let k = rng.range(1..=POOL as u64 + 1) as usize;
            if k > n {
                self.coverage.add("more replicas asked for than nodes", 1);
            }
            seconds.push(self.ring.replicas(key, k)?.get(1).map(|&node| node.to_owned()));
        }
        Ok(Known { owners, seconds })
    }

    /// What `node` had, its second replicas have now.
    fn inherited(&mut self, before: &Known, now: &Known, node: &String) -> Check {
        for (i, key) in self.keys.iter().enumerate().filter(|(i, _)| before.owners[*i] == *node) {
            self.coverage.add("keys whose owner left", 1);
            if let Some(heir) = &before.seconds[i]
                && now.owners[i] != *heir
            {
                let seen = format!(
                    "replicas({key:?}, …) began with {node:?}, {heir:?}; then {node:?} left, and owner({key:?}) is {:?} instead of {heir:?}",
                    now.owners[i]
                );
                return Err(Broken::new(TAKEOVER, seen));
            }
        }
        Ok(())
    }

    /// The members of the end, joined anew in another order, give the same owners.
    fn rebuilt(&mut self, rng: &mut Rng) -> Check {
        let mut members: Vec<(String, u32)> = self.ring.members().iter().map(|(node, weight)| (node.clone(), *weight)).collect();
        if members.is_empty() {
            return Ok(());
        }
        rng.shuffle(&mut members);
        let mut fresh = Bench::new(self.make, self.probe, "fresh");
        members.iter().for_each(|(node, weight)| fresh.add(node, *weight));
        let order: Vec<&str> = members.iter().map(|(node, _)| node.as_str()).collect();
        agree(
            &self.ring,
            &fresh,
            &self.keys,
            &format!("`ring` came to its members by joins and leaves, `fresh` by joins in the order {order:?}"),
        )
    }
}
