//! A ring under test: its calls, what every answer has to be, and how rings and their members are written in a sentence.

use super::why::{Joined, why};
use super::{MEMBERS, OWNED, REPLICAS};
use crate::bench::Calls;
use crate::exercises::hash_ring::HashRing;
use crate::rule::{Broken, Check};
use crate::trace::Probe;
use crate::words::counted;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Makes a learner's ring.
pub(super) type Make = fn() -> Box<dyn HashRing>;

/// A ring under test, and who is in it.
pub(super) struct Bench {
    make: Make,
    ring: Box<dyn HashRing>,
    name: &'static str,
    members: Rc<Members>,
    history: Vec<Joined>,
    calls: Calls,
    /// Whether lookups stay on the tape. Where there are thousands, only joins and leaves do.
    lookups: bool,
}

/// Nodes with their weights.
pub(super) type Members = BTreeMap<String, u32>;

impl Bench {
    /// An empty ring, called `name` where its calls are shown.
    pub fn new(make: Make, probe: &Probe, name: &'static str) -> Self {
        Bench::with(make, Calls::new(probe), name)
    }

    /// One whose calls are a part of others'.
    pub fn with(make: Make, calls: Calls, name: &'static str) -> Self {
        let ring = calls.call(|| format!("let mut {name} = HashRing::new()"), make);
        Bench { make, ring, name, members: Rc::default(), history: Vec::new(), calls, lookups: true }
    }

    /// A ring of these nodes, each of weight 1, joined in this order.
    pub fn of<S: AsRef<str>>(make: Make, probe: &Probe, name: &'static str, nodes: &[S]) -> Self {
        let mut bench = Bench::new(make, probe, name);
        nodes.iter().for_each(|node| bench.add(node.as_ref(), 1));
        bench
    }

    /// For thousands of lookups: they do not stay on the tape.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.lookups = false;
        self
    }

    /// The same for a while.
    pub fn quieter(&mut self, quiet: bool) {
        self.lookups = !quiet;
    }

    pub fn add(&mut self, node: &str, weight: u32) {
        let (name, ring) = (self.name, &mut self.ring);
        self.calls.call(|| format!("{name}.add({}, {weight})", quoted(node)), || ring.add(node, weight));
        self.calls.work(u64::from(weight) * 8);
        Rc::make_mut(&mut self.members).insert(node.to_owned(), weight);
        self.history.push((node.to_owned(), Some(weight)));
    }

    pub fn remove(&mut self, node: &str) {
        let (name, ring) = (self.name, &mut self.ring);
        self.calls.call(|| format!("{name}.remove({})", quoted(node)), || ring.remove(node));
        Rc::make_mut(&mut self.members).remove(node);
        self.history.push((node.to_owned(), None));
    }

    /// All joins and leaves so far.
    pub fn history(&self) -> &[Joined] {
        &self.history
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn make(&self) -> Make {
        self.make
    }

    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    pub fn members(&self) -> &Rc<Members> {
        &self.members
    }

    /// What the ring says, unchecked.
    pub fn asked(&self, key: &str) -> Option<&str> {
        self.ask(|| format!("owner({})", quoted(key)), || self.ring.owner(key), |owner| named(*owner))
    }

    /// What the ring says, unchecked.
    pub fn asked_replicas(&self, key: &str, k: usize) -> Vec<&str> {
        self.ask(|| format!("replicas({}, {})", quoted(key), number(k)), || self.ring.replicas(key, k), |nodes| listed(nodes))
    }

    /// The owner of a key on a ring that has nodes: there is one, and it is a member.
    pub fn owner(&self, key: &str) -> Result<&str, Broken> {
        let owner = self.asked(key);
        if let Some(node) = owner.filter(|node| self.members.contains_key(*node)) {
            return Ok(node);
        }
        let question = format!("owner({})", quoted(key));
        self.caught(&question, || named(owner));
        match owner {
            Some(node) => {
                let seen = format!("{question} is {}, which is not there; the members are {}", quoted(node), self.who());
                Err(Broken::new(MEMBERS, seen))
            }
            None => Err(Broken::new(OWNED, format!("{question} names no node, but there are members: {}", self.who()))),
        }
    }

    /// The owners of all these keys.
    pub fn owners<S: AsRef<str>>(&self, keys: &[S]) -> Result<Vec<String>, Broken> {
        keys.iter().map(|key| self.owner(key.as_ref()).map(str::to_owned)).collect()
    }

    /// The replicas of a key: members, all different, as many as asked for or as there are, the owner first.
    pub fn replicas(&self, key: &str, k: usize) -> Result<Vec<&str>, Broken> {
        let nodes = self.asked_replicas(key, k);
        let fail = |rule, what: String| {
            let question = format!("replicas({}, {})", quoted(key), number(k));
            self.caught(&question, || listed(&nodes));
            Err(Broken::new(rule, format!("{question} is {}, {what}", some_of(&nodes))))
        };
        if let Some(stranger) = nodes.iter().find(|n| !self.members.contains_key(**n)) {
            return fail(MEMBERS, format!("but {} is not there; the members are {}", quoted(stranger), self.who()));
        }
        if let Some(twice) = nodes.iter().enumerate().find(|(i, n)| nodes[..*i].contains(n)) {
            return fail(REPLICAS, format!("and has {} more than once; the members are {}", quoted(twice.1), self.who()));
        }
        let expected = k.min(self.members.len());
        if nodes.len() != expected {
            let count = counted(nodes.len(), "node");
            if k >= self.members.len() && nodes.len() < expected {
                let missing: Vec<&str> = self.members.keys().map(String::as_str).filter(|m| !nodes.contains(m)).collect();
                let missing = some_of(&missing);
                return fail(
                    REPLICAS,
                    format!("that is {count}, but there should be {expected}, as many as there are: {missing} are missing"),
                );
            }
            return fail(REPLICAS, format!("that is {count}, but there should be {expected}; the members are {}", self.who()));
        }
        if let Some(first) = nodes.first() {
            let owner = self.owner(key)?;
            if owner != *first {
                return fail(REPLICAS, format!("but owner({}) is {}: the owner comes first", quoted(key), quoted(owner)));
            }
        }
        Ok(nodes)
    }

    /// The members, as a sentence needs them.
    pub fn who(&self) -> String {
        who(&self.members)
    }

    fn ask<T>(&self, question: impl Fn() -> String, call: impl FnOnce() -> T, gives: impl FnOnce(&T) -> String) -> T {
        let text = || format!("{}.{}", self.name, question());
        if self.lookups { self.calls.ask(text, call, gives) } else { self.calls.ask_quietly(text, call) }
    }

    /// The lookup that gave what may not be stays on the tape, also where the others do not.
    pub fn caught(&self, question: &str, gave: impl FnOnce() -> String) {
        if !self.lookups {
            self.calls.caught(|| format!("{}.{question}", self.name), gave);
        }
    }
}

/// A name or a key as a sentence needs it: whole, if it is not long.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    if text.len() <= MOST {
        return format!("{text:?}");
    }
    let short: String = text.chars().take(MOST / 2).collect();
    format!("{short:?}… ({} bytes)", text.len())
}

/// How many are asked for.
fn number(k: usize) -> String {
    if k == usize::MAX { "usize::MAX".to_owned() } else { k.to_string() }
}

/// Nodes as a list.
pub(super) fn listed(nodes: &[impl AsRef<str>]) -> String {
    format!("[{}]", nodes.iter().map(|node| quoted(node.as_ref())).collect::<Vec<_>>().join(", "))
}

/// An owner as a sentence needs it: its name, or that there is none.
pub(super) fn named(owner: Option<&str>) -> String {
    owner.map_or_else(|| "no node".to_owned(), quoted)
}

/// Nodes as a sentence needs them: of many the first.
pub(super) fn some_of(nodes: &[impl AsRef<str>]) -> String {
    const MOST: usize = 12;
    match nodes.get(..MOST) {
        Some(first) if nodes.len() > MOST => format!("{} and {} more", listed(first), nodes.len() - MOST),
        _ => listed(nodes),
    }
}

/// Members with their weights, those above 1 named: `"a", "b" (weight 3)`.
pub(super) fn who(members: &BTreeMap<String, u32>) -> String {
    const MOST: usize = 12;
    let one = |(node, weight): (&String, &u32)| if *weight == 1 { quoted(node) } else { format!("{} (weight {weight})", quoted(node)) };
    let mut text = members.iter().take(MOST).map(one).collect::<Vec<_>>().join(", ");
    if members.len() > MOST {
        text += &format!(" and {} more", members.len() - MOST);
    }
    text
}

/// The same question must have the same answer on both rings.
pub(super) fn agree(a: &Bench, b: &Bench, keys: &[impl AsRef<str>], story: &str) -> Check {
    for key in keys {
        let key = key.as_ref();
        let (one, other) = (a.owner(key)?, b.owner(key)?);
        let (some, others) = (a.asked_replicas(key, 3), b.asked_replicas(key, 3));
        let (question, one, other) = if one != other {
            (format!("owner({})", quoted(key)), quoted(one), quoted(other))
        } else if some != others {
            (format!("replicas({}, 3)", quoted(key)), listed(&some), listed(&others))
        } else {
            continue;
        };
        let why = why(a, b, key, [&a.asked_replicas(key, usize::MAX), &b.asked_replicas(key, usize::MAX)]);
        let (on, there, members) = (a.name, b.name, a.who());
        let seen = format!("{story}: {question} is {one} on `{on}` and {other} on `{there}`; the members of both are {members}");
        return Err(Broken::new(super::SAME, seen).because(why));
    }
    Ok(())
}
