//! How the nemesis' plan happens to the world: crashes and restarts, pauses, cuts, and the quiet phase after them.

use super::World;
use crate::rule::Check;
use crate::sim::decision::Choice;
use crate::sim::engine::{Due, LinkFaults, NODES_MAX};
use crate::sim::fault::Fault;
use crate::sim::node::{Effect, NodeId, Protocol};
use crate::sim::step::Cause;
use crate::time::micros;
use crate::trace::{Lane, What};
use std::time::Duration;

impl<'r, P: Protocol> World<'r, P> {
    /// Takes a node down between two handler calls.
    pub(in crate::sim) fn crash(&mut self, id: NodeId, down: Option<Duration>) -> Check {
        if self.slots[id.index()].node.is_none() {
            return Ok(());
        }
        self.log(|_| Choice::Crash(id));
        self.count_step();
        let at = self.engine.now;
        self.with_referee(|referee, _| referee.cause(at, id, Cause::Crash))?;
        self.goes_down(id, 0, 0, down);
        Ok(())
    }

    /// If a crash waits for this node: after how many effects it falls, and how long the node stays down.
    #[cold]
    pub(super) fn falls_now(&mut self, id: NodeId) -> Option<(usize, Option<Duration>)> {
        let crash = self.falls_after(id);
        if let Some((done, _)) = crash {
            self.log_crash_after(done);
        }
        crash
    }

    fn falls_after(&mut self, id: NodeId) -> Option<(usize, Option<Duration>)> {
        let slot = &mut self.slots[id.index()];
        if let Some(done) = slot.crash_after.take() {
            slot.gone_for_good = false;
            return Some((done.min(self.effects.len()), None));
        }
        if slot.crash_before_save
            && let Some(said) = self.effects.iter().position(|effect| effect.is_heard_beside(id))
            && let Some(more) = self.effects[said..].iter().position(|effect| matches!(effect, Effect::Save(_)))
        {
            (slot.crash_before_save, slot.gone_for_good) = (false, false);
            return Some((said + more, None));
        }
        // A handler that does nothing has no between; the crash waits for the next one.
        if slot.crash_armed.is_none() || self.effects.is_empty() {
            return None;
        }
        let down = slot.crash_armed.take()?;
        slot.gone_for_good = down.is_none();
        Some((self.dice.below(self.effects.len() as u64 + 1) as usize, down))
    }

    pub(super) fn goes_down(&mut self, id: NodeId, done: usize, of: usize, down: Option<Duration>) {
        self.counts.crashes += 1;
        let slot = &mut self.slots[id.index()];
        slot.node = None;
        slot.timers.clear();
        slot.crash_armed = None;
        slot.paused = false;
        slot.epoch += 1;
        let for_good = slot.gone_for_good;
        for due in std::mem::take(&mut slot.deferred) {
            match due {
                Due::Message { slot } => drop(self.messages.take(slot)),
                Due::Request { slot } => drop(self.requests.take(slot)),
                _ => {}
            }
        }
        self.record(id.lane(), || What::Crashes { done: done as u32, of: of as u32, for_good });
        if let Some(down) = down {
            self.engine.schedule(self.engine.now + down, Due::Restart { node: id.index() as u8 });
        }
    }

    pub(super) fn apply_fault(&mut self, index: usize) -> Check {
        let Some((_, fault)) = self.plan.faults.get(index).cloned() else { return Ok(()) };
        match fault {
            Fault::Cut(cuts) => {
                self.counts.partitions += 1;
                self.engine.set_cuts(cuts.rows);
                let text = self.by_name(&cuts.text);
                self.record_step(Lane::Network, || What::Splits { text });
            }
            Fault::Heal => {
                self.engine.set_cuts([0; NODES_MAX]);
                self.record_step(Lane::Network, || What::Heals);
            }
            Fault::Crash { node, mid_handler, down } => {
                let node = self.slots[node.index()].id;
                let slot = &mut self.slots[node.index()];
                if slot.node.is_none() {
                    slot.gone_for_good |= down.is_none();
                } else if mid_handler {
                    slot.crash_armed = Some(down);
                } else {
                    slot.gone_for_good |= down.is_none();
                    return self.crash(node, down);
                }
            }
            Fault::Pause { node, span } => {
                let node = self.slots[node.index()].id;
                if self.pause(node, span) {
                    let epoch = self.slots[node.index()].epoch;
                    self.engine.schedule(self.engine.now + span, Due::Resume { node: node.index() as u8, epoch });
                }
            }
            Fault::ClockStep { node, by } => {
                self.counts.clock_steps += 1;
                self.slots[node.index()].clock_ahead_us += micros(by);
            }
        }
        Ok(())
    }

    /// A partition's words, with services by their names: whoever drew it knew places alone.
    fn by_name(&self, text: &str) -> String {
        let name = |word: &str| {
            let place = word.strip_prefix('n').and_then(|n| n.parse::<usize>().ok()).and_then(|n| self.slots.get(n.checked_sub(1)?));
            place.map_or_else(|| word.to_owned(), |slot| slot.id.to_string())
        };
        text.split(' ').map(name).collect::<Vec<_>>().join(" ")
    }

    /// Stops a node, if it is up and runs.
    pub(in crate::sim) fn pause(&mut self, id: NodeId, span: Duration) -> bool {
        let slot = &mut self.slots[id.index()];
        if slot.node.is_none() || slot.paused {
            return false;
        }
        self.counts.pauses += 1;
        slot.paused = true;
        self.record_step(id.lane(), || What::Pauses { for_us: micros(span) });
        true
    }

    pub(in crate::sim) fn resume(&mut self, id: NodeId) {
        let slot = &mut self.slots[id.index()];
        slot.paused = false;
        slot.epoch += 1;
        for due in std::mem::take(&mut slot.deferred) {
            self.engine.schedule(self.engine.now, due);
        }
    }

    /// The quiet phase: links are whole and lose nothing, everybody who is not down for good is back.
    pub(super) fn quiet(&mut self) -> Check {
        self.engine.set_faults(LinkFaults::none());
        self.engine.set_cuts([0; NODES_MAX]);
        self.record_step(Lane::Network, || What::Heals);
        for i in 0..self.slots.len() {
            let id = self.slots[i].id;
            if self.slots[i].paused {
                self.resume(id);
            }
            if self.slots[i].crash_armed.take() == Some(None) {
                self.slots[i].gone_for_good = true;
                self.crash(id, None)?;
            }
            self.start(id)?;
        }
        self.with_referee(|referee, world| referee.quiet(world))
    }

    pub(in crate::sim) fn arm_crash_after(&mut self, id: NodeId, effects: usize) {
        self.slots[id.index()].crash_after = Some(effects);
    }

    /// The node falls in its next call that saves when others have heard something of it already: just before that save.
    pub(in crate::sim) fn arm_crash_before_save(&mut self, id: NodeId) {
        self.slots[id.index()].crash_before_save = true;
    }

    pub(in crate::sim) fn plant(&mut self, id: NodeId, durable: P::Durable) {
        self.slots[id.index()].saved = Some(durable);
    }
}
