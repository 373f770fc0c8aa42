//! The operations of one kind, by the replica that took them: what one replica must know of them, and what it can know.

use super::{Counts, GRACE_MS, TELL_MS};
use crate::sim::NodeId;
use crate::time::{Time, millis};
use crate::words::counted;

/// What is known of one replica's entry.
#[derive(Clone, Copy, Default)]
struct Entry {
    /// What was told since the last start.
    told: u64,
    /// What was ever heard.
    heard: u64,
    /// So much of it others are to be told, and since when.
    owed: (u64, Time),
}

impl Entry {
    /// There is more of it. What is owed of it stays owed, from the moment on from which it was.
    fn grows(&mut self, n: u64, now: Time) {
        if self.owed.0 == 0 {
            self.owed = (n, now);
        }
    }
}

/// Replicas of a counter, at most.
pub(super) const NODES_MAX: usize = 5;

#[derive(Clone)]
pub(super) struct Kind {
    me: NodeId,
    nodes: usize,
    /// An array: ghosts are copied often.
    all: [Entry; NODES_MAX],
    /// What it found of its own on its first disk.
    pub base: u64,
    /// Of its own since then: what counts and is safe, and what can count.
    pub certain: u64,
    pub arrived: u64,
    /// The most that it told others of its own.
    pub said: u64,
    /// How many requests were retries.
    pub again: u64,
    /// Whether the last message brought news.
    pub news: bool,
}

impl Kind {
    pub fn new(nodes: usize, me: NodeId) -> Self {
        Kind { me, nodes, all: [Entry::default(); NODES_MAX], base: 0, certain: 0, arrived: 0, said: 0, again: 0, news: false }
    }

    pub fn nodes(&self) -> usize {
        self.nodes
    }

    fn entries(&self) -> &[Entry] {
        &self.all[..self.nodes]
    }

    fn entry_of(&mut self, of: NodeId) -> Option<&mut Entry> {
        self.all[..self.nodes].get_mut(of.index())
    }

    /// It finds counts on its first disk.
    pub fn finds(&mut self, counts: &Counts) {
        for (of, n) in counts {
            if *of == self.me {
                (self.base, self.said) = (*n, *n);
            } else {
                self.all[of.index()].heard = *n;
            }
        }
    }

    /// What others said may be learned again: from now on it need not be known, and all else is to be told.
    pub fn starts(&mut self, now: Time) {
        for entry in &mut self.all {
            (entry.told, entry.owed) = (0, (0, now));
        }
        let own = self.acked().max(self.said);
        self.all[self.me.index()].owed.0 = own;
    }

    /// It could not tell anybody until now.
    pub fn resumes(&mut self, now: Time) {
        self.all.iter_mut().for_each(|entry| entry.owed.1 = now);
    }

    pub fn hears(&mut self, counts: Option<&Counts>, now: Time) {
        self.news = false;
        let me = self.me;
        for (of, n) in counts.into_iter().flatten().filter(|(of, _)| **of != me) {
            let Some(entry) = self.entry_of(*of) else { continue };
            entry.heard = entry.heard.max(*n);
            if *n > entry.told {
                entry.told = *n;
                entry.grows(*n, now);
                self.news = true;
            }
        }
    }

    pub fn is_certain(&mut self, now: Time) {
        self.certain += 1;
        let own = self.acked();
        self.all[self.me.index()].grows(own, now);
    }

    /// Of what it tells others: the entry of which it can know less than that, with what it said and what it can know.
    pub fn says(&mut self, counts: Option<&Counts>, now: Time) -> Result<(), (NodeId, u64, u64)> {
        for (of, n) in counts.into_iter().flatten() {
            let (least, most) = self.entry(of.index());
            if *n > most {
                return Err((*of, *n, most));
            }
            if *of == self.me && *n > self.said {
                self.said = *n;
            }
            if let Some(entry) = self.entry_of(*of).filter(|entry| *n >= entry.owed.0) {
                entry.owed = (least, now);
            }
        }
        Ok(())
    }

    pub fn acked(&self) -> u64 {
        self.base + self.certain
    }

    /// What it told others of its own, and was not safe.
    pub fn told_unsafe(&self) -> u64 {
        self.said.saturating_sub(self.acked())
    }

    /// What it must know of one entry, and what it can know.
    fn entry(&self, i: usize) -> (u64, u64) {
        match self.entries().get(i) {
            Some(_) if i == self.me.index() => (self.acked().max(self.said), self.base + self.arrived),
            Some(entry) => (entry.told, entry.heard),
            None => (0, 0),
        }
    }

    /// The same of all of them together.
    pub fn range(&self) -> (i128, i128) {
        (0..self.nodes).map(|i| self.entry(i)).fold((0, 0), |sum, (l, m)| (sum.0 + i128::from(l), sum.1 + i128::from(m)))
    }

    /// What counts for certain: what was acknowledged, and what was told of others.
    pub fn surely(&self) -> i128 {
        i128::from(self.acked()) + self.entries().iter().map(|entry| i128::from(entry.told)).sum::<i128>()
    }

    pub fn others_are_exact(&self) -> bool {
        self.entries().iter().all(|entry| entry.told == entry.heard)
    }

    /// The most that anybody can have said of a replica.
    pub fn most_of(&self, of: NodeId) -> u64 {
        if of == self.me { self.said } else { self.all[of.index()].heard }
    }

    /// An entry that others should have been told of by now: whose, how much, since when.
    pub fn untold(&self, now: Time) -> Option<(NodeId, u64, Time)> {
        self.entries().iter().enumerate().find_map(|(i, entry)| {
            let (n, since) = entry.owed;
            (n > 0 && now > since + millis(TELL_MS + GRACE_MS)).then_some((NodeId::from_index(i), n, since))
        })
    }

    /// Whether nothing was ever counted.
    pub fn is_empty(&self) -> bool {
        self.range().1 == 0
    }

    /// What it must know, and may know, for the reader.
    pub fn story(&self, me: NodeId, name: &str, restarted: bool) -> String {
        let mut parts = Vec::new();
        if self.base > 0 {
            parts.push(format!("found {} of its own on its first disk", counted(self.base, name)));
        }
        if self.certain > 0 || self.base == 0 {
            parts.push(format!("acknowledged {}", counted(self.certain, name)));
        }
        if self.told_unsafe() > 0 {
            parts.push(format!("told others of {} of its own", self.said));
        }
        if self.arrived > self.certain {
            parts.push(format!("was asked for {} more", self.arrived - self.certain));
        }
        let told = self.entries().iter().enumerate().filter(|(_, e)| e.told > 0);
        let told: Vec<String> = told.map(|(i, e)| format!("{} at {}", e.told, NodeId::from_index(i))).collect();
        if !told.is_empty() {
            parts.push(format!("was told of {}{}", told.join(", "), if restarted { " since its restart" } else { "" }));
        }
        let forgotten = self.entries().iter().map(|entry| entry.heard - entry.told).sum::<u64>();
        if forgotten > 0 {
            parts.push(format!("may have forgotten {forgotten} of others that it knew before it started"));
        }
        format!("{me} {}", parts.join(", "))
    }
}
