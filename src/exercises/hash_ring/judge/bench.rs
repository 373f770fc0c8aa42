//! The bench on which a ring is tried: every call of the learner's code goes through here, so that a panic or a call that
//! never returns is seen as theirs, and the calls of the case that is shown are on its tape.

use super::{MEMBERS, OWNED, REPLICAS};
use crate::exercises::hash_ring::HashRing;
use crate::rule::{Broken, Check};
use crate::time::Time;
use crate::trace::{Event, Lane, Probe, What};
use crate::words::counted;
use std::collections::BTreeMap;

/// Makes a learner's ring.
pub(super) type Make = fn() -> Box<dyn HashRing>;

/// A ring under test, and who is in it.
pub(super) struct Bench<'p> {
    ring: Box<dyn HashRing>,
    name: &'static str,
    members: BTreeMap<String, u32>,
    probe: &'p Probe,
    /// Whether lookups stay on the tape. Where there are thousands, only joins and leaves do.
    lookups: bool,
}

impl<'p> Bench<'p> {
    /// An empty ring, called `name` where its calls are shown.
    pub fn new(make: Make, probe: &'p Probe, name: &'static str) -> Self {
        let ring = calling(probe, || format!("let mut {name} = HashRing::new()"), make);
        Bench { ring, name, members: BTreeMap::new(), probe, lookups: true }
    }

    /// A ring of these nodes, each of weight 1, joined in this order.
    pub fn of<S: AsRef<str>>(make: Make, probe: &'p Probe, name: &'static str, nodes: &[S]) -> Self {
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

    pub fn add(&mut self, node: &str, weight: u32) {
        let (name, ring) = (self.name, &mut self.ring);
        calling(self.probe, || format!("{name}.add({node:?}, {weight})"), || ring.add(node, weight));
        self.members.insert(node.to_owned(), weight);
    }

    pub fn remove(&mut self, node: &str) {
        let (name, ring) = (self.name, &mut self.ring);
        calling(self.probe, || format!("{name}.remove({node:?})"), || ring.remove(node));
        self.members.remove(node);
    }

    pub fn members(&self) -> &BTreeMap<String, u32> {
        &self.members
    }

    /// What the ring says, unchecked.
    pub fn asked(&self, key: &str) -> Option<&str> {
        let owner = self.look(|| format!("{}.owner({key:?})", self.name), || self.ring.owner(key));
        self.gives(|| named(owner));
        owner
    }

    /// What the ring says, unchecked.
    pub fn asked_replicas(&self, key: &str, k: usize) -> Vec<&str> {
        let nodes = self.look(|| format!("{}.replicas({key:?}, {k})", self.name), || self.ring.replicas(key, k));
        self.gives(|| format!("{nodes:?}"));
        nodes
    }

    /// The owner of a key on a ring that has nodes: there is one, and it is a member.
    pub fn owner(&self, key: &str) -> Result<&str, Broken> {
        let owner = self.asked(key);
        if let Some(node) = owner.filter(|node| self.members.contains_key(*node)) {
            return Ok(node);
        }
        self.caught(|| format!("owner({key:?})"), || named(owner));
        match owner {
            Some(node) => {
                let seen = format!("owner({key:?}) is {node:?}, which is not there; the members are {}", self.who());
                Err(Broken::new(MEMBERS, seen))
            }
            None => Err(Broken::new(OWNED, format!("owner({key:?}) names no node, but there are members: {}", self.who()))),
        }
    }

    /// The owners of all these keys.
    pub fn owners<S: AsRef<str>>(&self, keys: &[S]) -> Result<Vec<String>, Broken> {
        keys.iter().map(|key| self.owner(key.as_ref()).map(str::to_owned)).collect()
    }

    /// The replicas of a key: members, all different, as many as asked for or as there are, the owner first.
    pub fn replicas(&self, key: &str, k: usize) -> Result<Vec<&str>, Broken> {
        let nodes = self.asked_replicas(key, k);
        let call = || format!("replicas({key:?}, {k}) is {}", some_of(&nodes));
        let fail = |rule, what: String| {
            self.caught(|| format!("replicas({key:?}, {k})"), || format!("{nodes:?}"));
            Err(Broken::new(rule, format!("{}, {what}", call())))
        };
        if let Some(stranger) = nodes.iter().find(|n| !self.members.contains_key(**n)) {
            return fail(MEMBERS, format!("but {stranger:?} is not there; the members are {}", self.who()));
        }
        if let Some(twice) = nodes.iter().enumerate().find(|(i, n)| nodes[..*i].contains(n)) {
            return fail(REPLICAS, format!("and has {:?} more than once; the members are {}", twice.1, self.who()));
        }
        let expected = k.min(self.members.len());
        if nodes.len() != expected {
            let count = counted(nodes.len(), "node");
            if k >= self.members.len() && nodes.len() < expected {
                let missing: Vec<&str> = self.members.keys().map(String::as_str).filter(|m| !nodes.contains(m)).collect();
                let missing = some_of(&missing);
                return fail(
                    REPLICAS,
                    format!("that is {count}, and there should be {expected}, as many as there are: {missing} are missing"),
                );
            }
            return fail(REPLICAS, format!("that is {count}, and there should be {expected}; the members are {}", self.who()));
        }
        if let Some(first) = nodes.first() {
            let owner = self.owner(key)?;
            if owner != *first {
                return fail(REPLICAS, format!("but owner({key:?}) is {owner:?}: the owner comes first"));
            }
        }
        Ok(nodes)
    }

    /// The members, as a sentence needs them.
    pub fn who(&self) -> String {
        who(&self.members)
    }

    fn look<T>(&self, text: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
        if self.lookups {
            return calling(self.probe, text, call);
        }
        if let Some(tape) = &self.probe.tape {
            tape.attempt(event(tape.last_step() + 1, What::Calls { text: text() }));
        }
        self.probe.enter();
        let result = call();
        self.probe.leave();
        if let Some(tape) = &self.probe.tape {
            tape.done();
        }
        result
    }

    /// The lookup that gave what may not be stays on the tape, also where the others do not.
    fn caught(&self, call: impl FnOnce() -> String, gave: impl FnOnce() -> String) {
        if let Some(tape) = self.probe.tape.as_ref().filter(|_| !self.lookups) {
            tape.push(event(tape.last_step() + 1, What::Calls { text: format!("{}.{}", self.name, call()) }));
            tape.push(event(tape.last_step(), What::Gives { text: gave() }));
        }
    }

    fn gives(&self, text: impl FnOnce() -> String) {
        if self.lookups
            && let Some(tape) = &self.probe.tape
        {
            tape.push(event(tape.last_step(), What::Gives { text: text() }));
        }
    }
}

/// An owner as a sentence needs it: its name, or that there is none.
pub(super) fn named(owner: Option<&str>) -> String {
    owner.map_or_else(|| "no node".to_owned(), |name| format!("{name:?}"))
}

/// Nodes as a sentence needs them: of many the first.
fn some_of(nodes: &[&str]) -> String {
    const MOST: usize = 12;
    match nodes.get(..MOST) {
        Some(first) if nodes.len() > MOST => format!("{:?} and {} more", first, nodes.len() - MOST),
        _ => format!("{nodes:?}"),
    }
}

/// Members with their weights, those above 1 named: `"a", "b" (weight 3)`.
pub(super) fn who(members: &BTreeMap<String, u32>) -> String {
    const MOST: usize = 12;
    let one = |(node, weight): (&String, &u32)| if *weight == 1 { format!("{node:?}") } else { format!("{node:?} (weight {weight})") };
    let mut text = members.iter().take(MOST).map(one).collect::<Vec<_>>().join(", ");
    if members.len() > MOST {
        text += &format!(" and {} more", members.len() - MOST);
    }
    text
}

/// Calls the learner's code; `text` says how, for the tape.
fn calling<T>(probe: &Probe, text: impl FnOnce() -> String, call: impl FnOnce() -> T) -> T {
    if let Some(tape) = &probe.tape {
        tape.push(event(tape.last_step() + 1, What::Calls { text: text() }));
    }
    probe.enter();
    let result = call();
    probe.leave();
    result
}

fn event(step: u64, what: What) -> Event {
    Event { step, at: Time::ZERO, lane: Lane::Network, what }
}

/// The same question must have the same answer on both rings.
pub(super) fn agree(a: &Bench<'_>, b: &Bench<'_>, keys: &[impl AsRef<str>], story: &str) -> Check {
    for key in keys {
        let key = key.as_ref();
        let (one, other) = (a.owner(key)?, b.owner(key)?);
        if one != other {
            return Err(differ(format!("{story}: owner({key:?}) is {one:?} on `{}` and {other:?} on `{}`", a.name, b.name), a));
        }
        let (some, others) = (a.asked_replicas(key, 3), b.asked_replicas(key, 3));
        if some != others {
            let seen = format!("{story}: replicas({key:?}, 3) is {some:?} on `{}` and {others:?} on `{}`", a.name, b.name);
            return Err(differ(seen, a));
        }
    }
    Ok(())
}

fn differ(seen: String, ring: &Bench<'_>) -> Broken {
    Broken::new(super::SAME, format!("{seen}; the members of both are {}", ring.who()))
}
