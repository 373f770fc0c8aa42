//! What holds between the nodes of `primary_replica`: what was acknowledged is in every later primary's log, and two nodes that have agreed in
//! one epoch have the same log, as far as it goes. Watches the random runs and the explorations; it has no clock, and steps are for marks
//! alone.

use super::rules::{ACKED, PREFIX, TRUTH};
use crate::exercises::primary_replica::{Epoch, Message, PrimaryReplica, Response, Saved};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, Invariant, NodeId, Step};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

#[derive(Clone, Default)]
pub(super) struct Safety {
    /// What is acknowledged anywhere, in which epoch that was, who wrote it down first, and in which step.
    acked: Vec<u64>,
    told: Vec<(Epoch, NodeId, u64)>,
    disks: BTreeMap<NodeId, Saved>,
    /// The longest log that agreed in each epoch.
    logs: BTreeMap<Epoch, (Vec<u64>, NodeId, u64)>,
    named: Option<(NodeId, Epoch)>,
    /// Who was named last, for clients that look for the primary.
    pub primary: Option<NodeId>,
}

/// Steps tell nothing of what may come.
impl Hash for Safety {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.acked, &self.disks).hash(state);
        self.told.iter().for_each(|(epoch, ..)| epoch.hash(state));
        self.logs.iter().for_each(|(epoch, (log, ..))| (epoch, log).hash(state));
    }
}

impl Safety {
    /// The log that a node has on its disk.
    pub fn disk(&self, node: NodeId) -> Saved {
        self.disks.get(&node).cloned().unwrap_or_default()
    }

    pub fn comes(&mut self, node: NodeId, cause: &Cause<'_, PrimaryReplica>) {
        self.named = None;
        if let Cause::Message { message: Message::Lead(epoch), .. } = cause {
            self.named = Some((node, *epoch));
            self.primary = Some(node);
        }
    }

    pub fn watches(&mut self, step: &Step<'_, PrimaryReplica>) -> Check {
        let (me, number) = (step.node, step.number);
        if me.role().is_some() {
            return Ok(());
        }
        if let Some((node, epoch)) = self.named.take().filter(|(node, _)| *node == me) {
            let disk = self.disk(node);
            let has = disk.log.iter().zip(&self.acked).take_while(|(is, acked)| is == acked).count();
            // One that comes late names a primary of a time when that was not acknowledged yet.
            if disk.epoch == epoch && self.told.get(has).is_some_and(|(then, ..)| *then < epoch) {
                let (_, who, when) = self.told[has];
                let value = self.acked[has];
                let seen =
                    format!("{who} acknowledged {value} as entry {}, but {node}, which leads {epoch:?} now, has {:?}", has + 1, disk.log);
                return Err(Broken::new(ACKED, seen).at([when, number]));
            }
        }
        for effect in step.effects {
            match effect {
                Effect::Save(saved) => self.saves(me, saved, number)?,
                Effect::Send { message: Message::Have { epoch, length }, .. } => {
                    let disk = self.disk(me);
                    if *length > disk.log.len() || disk.epoch < *epoch {
                        let seen = format!("{me} said that it has {length} entries of {epoch:?}'s log, but has {disk:?} on its disk");
                        return Err(Broken::new(TRUTH, seen).at([number]));
                    }
                }
                Effect::Reply { response: Response::Written(length), .. } => {
                    let Saved { log, agreed: epoch, .. } = self.disk(me);
                    self.acknowledges(me, epoch, log.get(..*length).unwrap_or(&log), number)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn acknowledges(&mut self, me: NodeId, epoch: Epoch, log: &[u64], step: u64) -> Check {
        if let Some(at) = log.iter().zip(&self.acked).position(|(is, acked)| is != acked) {
            let ((_, who, when), acked, is) = (self.told[at], self.acked[at], log[at]);
            let seen = format!("{who} acknowledged {acked} as entry {}, but now {me} has {is} there as acknowledged", at + 1);
            return Err(Broken::new(ACKED, seen).at([when, step]));
        }
        for value in log.iter().skip(self.acked.len()) {
            self.acked.push(*value);
            self.told.push((epoch, me, step));
        }
        Ok(())
    }

    fn saves(&mut self, me: NodeId, saved: &Saved, step: u64) -> Check {
        let (known, who, when) = self.logs.entry(saved.agreed).or_insert_with(|| (saved.log.clone(), me, step));
        if let Some(at) = known.iter().zip(&saved.log).position(|(a, b)| a != b) {
            let (other, is) = (known[at], saved.log[at]);
            let seen = format!(
                "{me} and {who} have both agreed with the primary of {:?}, but entry {} is {is} at {me} and {other} at {who}",
                saved.agreed,
                at + 1
            );
            return Err(Broken::new(PREFIX, seen).at([*when, step]));
        }
        if saved.log.len() > known.len() {
            (*known, *who, *when) = (saved.log.clone(), me, step);
        }
        self.disks.insert(me, saved.clone());
        self.acknowledges(me, saved.agreed, saved.log.get(..saved.committed).unwrap_or(&saved.log), step)
    }
}

impl Invariant<PrimaryReplica> for Safety {
    fn cause(&mut self, node: NodeId, cause: Cause<'_, PrimaryReplica>) -> Check {
        self.comes(node, &cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, PrimaryReplica>) -> Check {
        self.watches(step)
    }
}
