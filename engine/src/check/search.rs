//! The search for a linearization of one key's operations. Knows operations as intervals and numbers, not the model.
//!
//! After Wing & Gong 1993 ("Testing and verifying concurrent objects", section 4) with Lowe's cache of configurations (2017,
//! "Testing for linearizability"): place one operation after the other; a configuration (which are placed, and the state) that was
//! tried before is not tried again. What is ours, and why each is sound:
//!
//! * **A configuration is small.** Sort the operations that returned by their return; `round` is the first of them that is not
//!   placed yet. All that returned before it are placed, none invoked after it can be (it would precede the round's operation).
//!   So only the operations in flight at that return need a bit, in a slot that is reused: one word in practice.
//! * **What only reads is placed as soon as it fits.** It changes no state and everything that must precede it is placed, so
//!   any linearization that places it later can be changed to place it now.
//! * **The search ends once all that returned are placed.** What never returned may as well not have happened.
//! * **Of equal operations that never returned, the earliest is tried first.** They are alike, and whoever may use the later
//!   one may use the earlier one instead.
//! * **One that never returned is not placed for nothing**: not if it leaves the state as it is, nor if the operation placed
//!   right after it leads to the state that it would have led to without. The linearization without it is tried too.

use super::table::{Id, Table};
use crate::hash::FastSet;
use crate::time::Time;
use std::hash::Hash;

/// One operation of the key, in the order of the history. Reads that never returned and failures are left out already.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub class: Id,
    pub client: u32,
    pub invoked: Time,
    /// `None`: never returned.
    pub returned: Option<Time>,
    pub only_reads: bool,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A linearization exists.
    Linearization,
    /// None does. The longest attempt, as indices of calls in order; and the call that returned first without a place in it.
    DeadEnd { placed: Vec<u32>, blocked: u32 },
    /// So many steps were not enough.
    OutOfSteps,
}

/// Searches for a linearization, from state 0.
#[inline]
pub(super) fn search(calls: &[Call], table: &mut Table<'_>, steps: u64) -> Found {
    let rounds = Rounds::new(calls);
    if rounds.slots <= 64 {
        Search::<u64>::new(calls, &rounds, table, steps).run()
    } else {
        Search::<Vec<u64>>::new(calls, &rounds, table, steps).run()
    }
}

/// The order of returns, and who can be placed when.
struct Rounds {
    /// The operation that returns in each round.
    due: Vec<u32>,
    /// The returned operations that can be placed in round `r` are `candidates[starts[r]..starts[r + 1]]`, soonest due first.
    candidates: Vec<u32>,
    starts: Vec<u32>,
    /// Those that never returned, by invocation; the first `open_in[r]` of them can be placed in round `r`.
    open: Vec<u32>,
    open_in: Vec<u32>,
    /// By operation: its bit while it is in flight, the round in which it is due, and what its own client did just before.
    slot: Vec<u32>,
    round_of: Vec<u32>,
    after: Vec<Vec<u32>>,
    /// By operation that never returned: an equal one to be used before it.
    twin: Vec<Option<u32>>,
    ties: bool,
    slots: usize,
}

const NEVER: u32 = u32::MAX;

impl Rounds {
    #[inline]
    fn new(calls: &[Call]) -> Self {
        let due = sorted((0..).zip(calls).filter_map(|(i, call)| Some((call.returned?, i))));
        let by_invocation = sorted((0..).zip(calls).map(|(i, call)| (call.invoked, i)));
        let open: Vec<u32> = by_invocation.iter().copied().filter(|&i| calls[i as usize].returned.is_none()).collect();
        let mut round_of = vec![NEVER; calls.len()];
        for (round, &i) in (0..).zip(&due) {
            round_of[i as usize] = round;
        }
        let ties = some_return_meets_an_invocation(calls, &due, &by_invocation);
        let after = if ties { ties_within_clients(calls) } else { vec![Vec::new(); calls.len()] };
        let twin = twins(calls, &open, &after);
        let mut rounds = Rounds {
            candidates: Vec::with_capacity(due.len() * 6),
            starts: Vec::with_capacity(due.len() + 1),
            open_in: Vec::with_capacity(due.len()),
            slot: vec![0; calls.len()],
            due,
            open,
            round_of,
            after,
            twin,
            ties,
            slots: 0,
        };
        rounds.sweep(calls, &by_invocation);
        rounds
    }

    /// Goes through the rounds once: who is in flight in each, and in which slot.
    #[inline]
    fn sweep(&mut self, calls: &[Call], by_invocation: &[u32]) {
        let mut in_flight: Vec<u32> = Vec::new(); // soonest due first
        let mut free: Vec<u32> = Vec::new();
        let mut returned_slots = 0;
        let (mut next, mut open) = (0, 0);
        for &due in &self.due {
            let deadline = calls[due as usize].returned;
            while let Some(&i) = by_invocation.get(next).filter(|&&i| Some(calls[i as usize].invoked) <= deadline) {
                next += 1;
                if calls[i as usize].returned.is_none() {
                    open += 1;
                    continue;
                }
                self.slot[i as usize] = free.pop().unwrap_or_else(|| {
                    returned_slots += 1;
                    returned_slots - 1
                });
                let place = in_flight.partition_point(|&j| self.round_of[j as usize] < self.round_of[i as usize]);
                in_flight.insert(place, i);
            }
            self.starts.push(self.candidates.len() as u32);
            self.candidates.extend_from_slice(&in_flight);
            self.open_in.push(open);
            // The round's own operation is the soonest due; with it placed, its slot is free for the next.
            free.push(self.slot[in_flight.remove(0) as usize]);
        }
        self.starts.push(self.candidates.len() as u32);
        for (i, &call) in (returned_slots..).zip(&self.open) {
            self.slot[call as usize] = i;
        }
        self.slots = returned_slots as usize + self.open.len();
    }

    #[inline]
    fn candidates(&self, round: u32) -> &[u32] {
        let range = self.starts[round as usize] as usize..self.starts[round as usize + 1] as usize;
        &self.candidates[range]
    }
}

/// The operations by time, those of one instant in the order of the history.
#[inline]
fn sorted(times: impl Iterator<Item = (Time, u32)>) -> Vec<u32> {
    let mut times: Vec<(Time, u32)> = times.collect();
    times.sort_unstable();
    times.into_iter().map(|(_, i)| i).collect()
}

/// Whether any operation returned at the very instant at which another was invoked: without that there is no tie to settle.
#[inline]
fn some_return_meets_an_invocation(calls: &[Call], due: &[u32], by_invocation: &[u32]) -> bool {
    let mut returns = due.iter().filter_map(|&i| calls[i as usize].returned).peekable();
    by_invocation.iter().any(|&i| {
        let invoked = calls[i as usize].invoked;
        while returns.next_if(|&at| at < invoked).is_some() {}
        returns.peek() == Some(&invoked)
    })
}

/// For each call, the earlier ones of the same client that returned at the very instant at which it was invoked: they come
/// before it although the times do not say so (see [`super::history`]).
#[inline]
fn ties_within_clients(calls: &[Call]) -> Vec<Vec<u32>> {
    let mut returns: Vec<(u32, Time, u32)> = (0..).zip(calls).filter_map(|(i, call)| Some((call.client, call.returned?, i))).collect();
    returns.sort_unstable();
    let before = |(i, call): (u32, &Call)| {
        let instant = (call.client, call.invoked);
        let from = returns.partition_point(|&(client, at, _)| (client, at) < instant);
        let same = returns[from..].iter().take_while(|&&(client, at, _)| (client, at) == instant);
        same.map(|&(_, _, j)| j).filter(|&j| j < i).collect()
    };
    (0..).zip(calls).map(before).collect()
}

/// For each call that never returned, the latest equal one that may take its place in any linearization: invoked before it,
/// or at the same instant and bound to nothing.
#[inline]
fn twins(calls: &[Call], open: &[u32], after: &[Vec<u32>]) -> Vec<Option<u32>> {
    let mut twin = vec![None; calls.len()];
    let mut last: std::collections::BTreeMap<Id, u32> = std::collections::BTreeMap::new();
    for &i in open {
        let call = &calls[i as usize];
        twin[i as usize] = last.insert(call.class, i).filter(|&j| calls[j as usize].invoked < call.invoked || after[j as usize].is_empty());
    }
    twin
}

/// The set of operations placed and still in flight: a bit each.
trait Bits: Clone + Eq + Hash {
    fn empty(slots: usize) -> Self;
    fn has(&self, slot: u32) -> bool;
    fn set(&mut self, slot: u32);
    fn clear(&mut self, slot: u32);
}

impl Bits for u64 {
    #[inline]
    fn empty(_: usize) -> Self {
        0
    }
    #[inline]
    fn has(&self, slot: u32) -> bool {
        self >> slot & 1 == 1
    }
    #[inline]
    fn set(&mut self, slot: u32) {
        *self |= 1 << slot;
    }
    #[inline]
    fn clear(&mut self, slot: u32) {
        *self &= !(1 << slot);
    }
}

impl Bits for Vec<u64> {
    #[inline]
    fn empty(slots: usize) -> Self {
        vec![0; slots.div_ceil(64)]
    }
    #[inline]
    fn has(&self, slot: u32) -> bool {
        self[slot as usize / 64] >> (slot % 64) & 1 == 1
    }
    #[inline]
    fn set(&mut self, slot: u32) {
        self[slot as usize / 64] |= 1 << (slot % 64);
    }
    #[inline]
    fn clear(&mut self, slot: u32) {
        self[slot as usize / 64] &= !(1 << (slot % 64));
    }
}

/// Where a search stands.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Config<B> {
    round: u32,
    state: Id,
    placed: B,
}

/// A configuration that is being tried: the next candidate, and how many operations were placed to get there.
struct Frame<B> {
    config: Config<B>,
    next: u32,
    order: u32,
    /// The state before the operation that was placed last, if that one never returned.
    without: Option<Id>,
}

struct Search<'a, 't, B> {
    calls: &'a [Call],
    rounds: &'a Rounds,
    table: &'a mut Table<'t>,
    steps: u64,
    order: Vec<u32>,
    tried: FastSet<Config<B>>,
    best: Option<(u32, Vec<u32>)>,
}

impl<'a, 't, B: Bits> Search<'a, 't, B> {
    fn new(calls: &'a [Call], rounds: &'a Rounds, table: &'a mut Table<'t>, steps: u64) -> Self {
        let order = Vec::with_capacity(calls.len());
        let tried = FastSet::with_capacity_and_hasher(calls.len() * 2, Default::default());
        Search { calls, rounds, table, steps, order, tried, best: None }
    }

    fn run(mut self) -> Found {
        let mut config = Config { round: 0, state: 0, placed: B::empty(self.rounds.slots) };
        if !self.place_reads(&mut config) {
            return Found::OutOfSteps;
        }
        if self.is_complete(&config) {
            return Found::Linearization;
        }
        let mut stack = vec![Frame { config, next: 0, order: self.order.len() as u32, without: None }];
        while let Some(frame) = stack.last_mut() {
            self.order.truncate(frame.order as usize);
            let Some(call) = self.next_candidate(frame) else {
                self.note_dead_end(frame.config.round);
                stack.pop();
                continue;
            };
            if self.steps == 0 {
                return Found::OutOfSteps;
            }
            self.steps -= 1;
            let Some((mut config, without)) = self.place(frame, call) else { continue };
            let placed = self.order.len();
            if !self.place_reads(&mut config) {
                return Found::OutOfSteps;
            }
            // A read that fits now was what the operation was for.
            let without = without.filter(|_| self.order.len() == placed);
            if self.is_complete(&config) {
                return Found::Linearization;
            }
            if self.tried.insert(config.clone()) {
                stack.push(Frame { config, next: 0, order: self.order.len() as u32, without });
            }
        }
        let (round, placed) = self.best.expect("the first configuration was a dead end");
        Found::DeadEnd { placed, blocked: self.rounds.due[round as usize] }
    }

    fn is_complete(&self, config: &Config<B>) -> bool {
        config.round as usize == self.rounds.due.len()
    }

    /// The next operation worth placing from here: those in flight that will return, then those that never will.
    fn next_candidate(&self, frame: &mut Frame<B>) -> Option<u32> {
        let round = frame.config.round;
        let returned = self.rounds.candidates(round);
        let open = &self.rounds.open[..self.rounds.open_in[round as usize] as usize];
        loop {
            let n = frame.next as usize;
            frame.next += 1;
            let call = *returned.get(n).or_else(|| open.get(n - returned.len()))?;
            let slot = |i: u32| self.rounds.slot[i as usize];
            let placed = &frame.config.placed;
            let waits_for_twin = self.rounds.twin[call as usize].is_some_and(|twin| !placed.has(slot(twin)));
            // What only reads was placed on arrival, if it fits at all.
            if !placed.has(slot(call)) && !self.calls[call as usize].only_reads && !waits_for_twin && self.is_free(&frame.config, call) {
                return Some(call);
            }
        }
    }

    /// Whether all that its own client did just before is placed.
    fn is_free(&self, config: &Config<B>, call: u32) -> bool {
        !self.rounds.ties
            || self.rounds.after[call as usize].iter().all(|&earlier| {
                self.rounds.round_of[earlier as usize] < config.round || config.placed.has(self.rounds.slot[earlier as usize])
            })
    }

    /// Where placing `call` leads, unless the model refuses or nothing is gained by it.
    fn place(&mut self, frame: &Frame<B>, call: u32) -> Option<(Config<B>, Option<Id>)> {
        let Call { class, returned, .. } = self.calls[call as usize];
        let state = frame.config.state;
        let next = self.table.step(state, class)?;
        let is_open = returned.is_none();
        if is_open && next == state {
            return None;
        }
        if let Some(without) = frame.without
            && self.table.step(without, class) == Some(next)
        {
            return None;
        }
        let mut config = frame.config.clone();
        config.state = next;
        self.put(&mut config, call);
        Some((config, is_open.then_some(state)))
    }

    /// Marks `call` as placed; if it was the one that is due, goes on to the next that is not placed.
    fn put(&mut self, config: &mut Config<B>, call: u32) {
        self.order.push(call);
        config.placed.set(self.rounds.slot[call as usize]);
        while let Some(&due) = self.rounds.due.get(config.round as usize) {
            let slot = self.rounds.slot[due as usize];
            if !config.placed.has(slot) {
                break;
            }
            config.placed.clear(slot);
            config.round += 1;
        }
    }

    /// Places everything that only reads and fits. False if the steps ran out.
    fn place_reads(&mut self, config: &mut Config<B>) -> bool {
        'again: while !self.is_complete(config) {
            let round = config.round;
            for &call in self.rounds.candidates(round) {
                let Call { class, only_reads, .. } = self.calls[call as usize];
                if !only_reads || config.placed.has(self.rounds.slot[call as usize]) || !self.is_free(config, call) {
                    continue;
                }
                if self.steps == 0 {
                    return false;
                }
                self.steps -= 1;
                let Some(next) = self.table.step(config.state, class) else { continue };
                debug_assert_eq!(next, config.state, "the model says only_reads of an operation that changes the state");
                self.put(config, call);
                if config.round != round || self.rounds.ties {
                    continue 'again;
                }
            }
            break;
        }
        true
    }

    /// Keeps the attempt that got furthest: by round, so that what is due there is the first return that no order explains.
    fn note_dead_end(&mut self, round: u32) {
        let better = self.best.as_ref().is_none_or(|(r, order)| (*r, order.len()) < (round, self.order.len()));
        if better {
            self.best = Some((round, self.order.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// A register of four values: class `v` writes `v`, class `4 + v` reads it.
    fn step(state: Id, class: Id) -> Option<Id> {
        if class < 4 { Some(class) } else { (class - 4 == state).then_some(state) }
    }

    #[test]
    fn one_word_of_bits_and_many_give_the_same_answer() {
        let (mut dead_ends, mut found) = (0, 0);
        for seed in 0..2_000 {
            let mut rng = Rng::stream(seed, 41);
            let mut clocks = [0; 4];
            let calls: Vec<Call> = (0..rng.range(1..=30))
                .map(|_| {
                    let (client, class) = (rng.below(4) as u32, rng.below(8) as u32);
                    let invoked = clocks[client as usize] + rng.below(3);
                    clocks[client as usize] = invoked + rng.below(20);
                    let returned = (class >= 4 || rng.below(4) > 0).then(|| Time::from_micros(clocks[client as usize]));
                    Call { class, client, invoked: Time::from_micros(invoked), returned, only_reads: class >= 4 }
                })
                .collect();
            let rounds = Rounds::new(&calls);
            let (mut ask, mut ask_again) = (step, step);
            let one = Search::<u64>::new(&calls, &rounds, &mut Table::new(8, &mut ask), 100_000).run();
            let many = Search::<Vec<u64>>::new(&calls, &rounds, &mut Table::new(8, &mut ask_again), 100_000).run();
            assert_eq!(one, many, "seed {seed}");
            match one {
                Found::Linearization => found += 1,
                Found::DeadEnd { .. } => dead_ends += 1,
                Found::OutOfSteps => panic!("seed {seed}: out of steps"),
            }
        }
        assert!(found > 200 && dead_ends > 200, "{found} found, {dead_ends} dead ends");
    }
}
