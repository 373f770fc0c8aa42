//! What holds between the nodes of `raft_log`, looked at after every step: one name, one entry; what is applied anywhere is applied everywhere, and is
//! in the log of every later leader.

use super::rules::{COMPLETE, ELECTION, MACHINE, MATCHING};
use crate::exercises::raft_log::{Entry, EntryId, RaftLog, Role, Saved, Term};
use crate::rule::{Broken, Check};
use crate::sim::{Effect, NodeId, Step};
use std::collections::BTreeMap;

/// What was first seen of something, by whom, and in which step.
type First<T> = (T, NodeId, u64);

#[derive(Clone, Default)]
pub(super) struct Safety {
    /// Each entry by its name, with the term of the one before it.
    entries: BTreeMap<(usize, Term), First<(Entry, Term)>>,
    /// What was applied anywhere, in order, with the index of its entry.
    applied: Vec<First<(usize, u64)>>,
    /// The entries that these are, and all before them; each with the term of the node that was the first to apply it, which is that in which it
    /// was committed, or a later one.
    committed: Vec<(Entry, Term)>,
    leaders: BTreeMap<Term, (NodeId, u64)>,
    disks: BTreeMap<NodeId, Saved>,
    shown: BTreeMap<NodeId, usize>,
    /// Who leads the newest term, and which one that is.
    pub leader: Option<NodeId>,
    pub term: Term,
}

impl Safety {
    /// The log that a node has on its disk.
    pub fn log(&self, node: NodeId) -> &[Entry] {
        self.disks.get(&node).map_or(&[], |disk| &disk.log)
    }

    /// How many commands it has applied in this life.
    pub fn applied(&self, node: NodeId) -> usize {
        self.shown.get(&node).copied().unwrap_or(0)
    }

    pub fn watches(&mut self, step: &Step<'_, RaftLog>) -> Check {
        let (me, number) = (step.node, step.number);
        for effect in step.effects {
            if let Effect::Save(saved) = effect {
                self.saves(me, saved, number)?;
            }
        }
        let Some(view) = &step.view else {
            self.shown.remove(&me);
            return Ok(());
        };
        if view.role == Role::Leader && self.leaders.get(&view.ballot.term).is_none_or(|(leader, _)| *leader != me) {
            self.leads(me, view.ballot.term, number)?;
        }
        let before = self.shown.insert(me, view.applied.len()).unwrap_or(0).min(view.applied.len());
        for (at, is) in view.applied.iter().enumerate().skip(before) {
            if let Some(((_, was), who, when)) = self.applied.get(at) {
                if was != is {
                    let text = format!("{who} applied {was} as command {}, but now {me} has applied {is} there", at + 1);
                    return Err(Broken::new(MACHINE, text).at([*when, number]));
                }
                continue;
            }
            let log = self.disks.get(&me).map_or(&[][..], |disk| &disk.log);
            let index = log.iter().enumerate().filter(|(_, entry)| entry.command.is_some()).nth(at).map_or(0, |(i, _)| i + 1);
            self.applied.push(((index, *is), me, number));
            if index > self.committed.len() {
                let new = &log[self.committed.len()..index];
                self.committed.extend(new.iter().map(|entry| (*entry, view.ballot.term)));
            }
        }
        Ok(())
    }

    fn leads(&mut self, me: NodeId, term: Term, step: u64) -> Check {
        if let Some((other, when)) = self.leaders.insert(term, (me, step)) {
            let text = format!("{me} leads term {term}, and so does {other}: one of them was elected with a vote that was given twice");
            return Err(Broken::new(ELECTION, text).at([when, step]));
        }
        if self.leaders.range(term + 1..).next().is_none() {
            (self.leader, self.term) = (Some(me), term);
        }
        let log = self.log(me);
        // One who wins an old term late need not have what was committed in a newer one (Figure 3: "of all higher-numbered terms"); an entry of an
        // old term may be committed in a new one, by what stands behind it.
        let lost = |(at, (entry, committed_in)): (usize, &(Entry, Term))| *committed_in < term && log.get(at) != Some(entry);
        if let Some(at) = self.committed.iter().enumerate().position(lost) {
            let (entry, _) = self.committed[at];
            let of = self.applied.iter().find(|((index, _), ..)| *index > at);
            let (who, when) = of.map_or((me, step), |(_, who, when)| (*who, *when));
            let text = format!(
                "{entry:?} is entry {} and committed ({who} has applied up to it), but {me}, which leads term {term} now, has {log:?}",
                at + 1
            );
            return Err(Broken::new(COMPLETE, text).at([when, step]));
        }
        Ok(())
    }

    fn saves(&mut self, me: NodeId, saved: &Saved, step: u64) -> Check {
        let old = self.disks.entry(me).or_default();
        let same = old.log.iter().zip(&saved.log).take_while(|(a, b)| a == b).count();
        for (at, entry) in saved.log.iter().enumerate().skip(same) {
            let before = EntryId::last(&saved.log[..at]).term;
            let (known, who, when) = self.entries.entry((at + 1, entry.term)).or_insert(((*entry, before), me, step));
            if *known != (*entry, before) {
                let (had, had_before) = *known;
                let text = if had == *entry {
                    format!(
                        "{me} and {who} both have {entry:?} as entry {}, but the entry before it is of term {before} at {me} and of term {had_before} at {who}",
                        at + 1
                    )
                } else {
                    format!("entry {} of term {} is {entry:?} at {me}, but {had:?} at {who}", at + 1, entry.term)
                };
                return Err(Broken::new(MATCHING, text).at([*when, step]));
            }
        }
        old.clone_from(saved);
        Ok(())
    }
}
