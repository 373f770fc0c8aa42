//! Sequential consistency: one order of all operations that keeps each client's own (Lamport 1979). Clients do not share a
//! clock, so a client may see the past; but all must agree on one story. Knows histories and models, and no times except to
//! order one client's operations.
//!
//! Unlike linearizability this is not local: two keys can be fine alone and have no common order. So keys are searched
//! together, and the search is exponential in the number of clients at worst: keep histories small, and mind the budget.
//!
//! The client's order is that of its invocations. What never returned comes after what its client had done before, and holds up
//! nothing that the client does next.

use super::history::{History, OpId, Outcome};
use super::model::Model;
use super::table::{Class, Id, Numbering, Table, ask};
use super::{Limit, Verdict};
use crate::hash::FastSet;
use std::collections::BTreeMap;
use std::fmt;

/// Why a history is not sequentially consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// An order that got as far as any does.
    pub ordered: Vec<OpId>,
    /// The next operation of each client that is not through: none of them can come next.
    pub stuck: Vec<OpId>,
}

impl Evidence {
    /// What was seen, in a sentence.
    #[must_use]
    pub fn sentence<O: fmt::Debug, R: fmt::Debug>(&self, history: &History<O, R>) -> String {
        let stuck: Vec<String> = self.stuck.iter().map(|&id| history.get(id).to_string()).collect();
        let placed = self.ordered.len();
        format!("no order explains all: the best places {placed} operations, then none of these can be next: {}", stuck.join("; "))
    }
}

/// Whether `history` is sequentially consistent as `model`. At most `steps` transitions are tried.
pub fn check<M: Model>(model: &M, history: &History<M::Op, M::Ret>, steps: u64) -> Verdict<Evidence> {
    let mut classes: Numbering<Class<'_, M>> = Numbering::new();
    let mut keys: Numbering<u64> = Numbering::new();
    let plan = Plan::new(model, history, &mut classes, &mut keys);
    let mut states = Numbering::new();
    states.id(model.initial());
    let mut ask = |state, class| ask(model, &mut states, &classes, state, class);
    let table = Table::new(classes.len(), &mut ask);
    Search { plan: &plan, table, left: steps, order: Vec::new(), best: None }.run(keys.len(), steps)
}

/// One operation, in numbers.
struct Call {
    id: OpId,
    class: Id,
    key: usize,
    only_reads: bool,
}

/// What never returned: it can be placed once its client has done so many of its operations, and its twin is placed.
struct Open {
    call: Call,
    client: usize,
    needs: u32,
    twin: Option<usize>,
}

#[derive(Default)]
struct Plan {
    /// What returned, by client, in its order.
    clients: Vec<Vec<Call>>,
    open: Vec<Open>,
}

impl Plan {
    fn new<'h, M: Model>(
        model: &M,
        history: &'h History<M::Op, M::Ret>,
        classes: &mut Numbering<Class<'h, M>>,
        keys: &mut Numbering<u64>,
    ) -> Self {
        let mut by_client: BTreeMap<u32, Vec<OpId>> = BTreeMap::new();
        for (id, operation) in history.iter() {
            by_client.entry(operation.client).or_default().push(id);
        }
        let mut plan = Plan::default();
        let mut last_twin: BTreeMap<(Id, Option<usize>), usize> = BTreeMap::new();
        for (client, mut ids) in by_client.into_values().enumerate() {
            ids.sort_by_key(|&id| (history.get(id).invoked, id));
            let mut returned = Vec::new();
            for id in ids {
                let operation = history.get(id);
                let only_reads = model.only_reads(&operation.op, operation.ret());
                let mut call = || Call {
                    id,
                    class: classes.id((&operation.op, operation.ret())),
                    key: keys.id(model.key(&operation.op)) as usize,
                    only_reads,
                };
                match operation.outcome {
                    Outcome::Ok { .. } => returned.push(call()),
                    Outcome::Info if !only_reads => {
                        // An equal one that is bound to less may be used instead: of the same client, or bound to nothing.
                        let (call, needs) = (call(), returned.len() as u32);
                        let twin = last_twin.insert((call.class, (needs > 0).then_some(client)), plan.open.len());
                        plan.open.push(Open { call, client, needs, twin });
                    }
                    Outcome::Info | Outcome::Fail { .. } => {}
                }
            }
            plan.clients.push(returned);
        }
        plan
    }
}

/// How far each client is, which open operations are placed, and the state of each key.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Config {
    done: Vec<u32>,
    open: Vec<bool>,
    states: Vec<Id>,
}

struct Frame {
    config: Config,
    next: usize,
    order: usize,
}

struct Search<'a, 't> {
    plan: &'a Plan,
    table: Table<'t>,
    left: u64,
    order: Vec<OpId>,
    best: Option<Evidence>,
}

impl<'a> Search<'a, '_> {
    #[inline]
    fn run(mut self, keys: usize, steps: u64) -> Verdict<Evidence> {
        let (clients, open) = (self.plan.clients.len(), self.plan.open.len());
        let mut root = Config { done: vec![0; clients], open: vec![false; open], states: vec![0; keys] };
        let mut tried: FastSet<Config> = FastSet::default();
        let mut stack = Vec::new();
        if !self.place_reads(&mut root) {
            return Verdict::Unknown(Limit::Steps(steps));
        }
        if self.is_complete(&root) {
            return Verdict::Holds;
        }
        stack.push(Frame { config: root, next: 0, order: self.order.len() });
        while let Some(frame) = stack.last_mut() {
            self.order.truncate(frame.order);
            if frame.next == clients + open {
                self.note_dead_end(&frame.config);
                stack.pop();
                continue;
            }
            let candidate = frame.next;
            frame.next += 1;
            let Some((call, open)) = self.candidate(&frame.config, candidate) else { continue };
            if self.left == 0 {
                return Verdict::Unknown(Limit::Steps(steps));
            }
            self.left -= 1;
            let state = frame.config.states[call.key];
            let Some(next) = self.table.step(state, call.class).filter(|&next| open.is_none() || next != state) else { continue };
            let mut config = frame.config.clone();
            config.states[call.key] = next;
            match open {
                Some(open) => config.open[open] = true,
                None => config.done[candidate] += 1,
            }
            self.order.push(call.id);
            if !self.place_reads(&mut config) {
                return Verdict::Unknown(Limit::Steps(steps));
            }
            if self.is_complete(&config) {
                return Verdict::Holds;
            }
            if tried.insert(config.clone()) {
                stack.push(Frame { config, next: 0, order: self.order.len() });
            }
        }
        Verdict::Violated(self.best.expect("the first configuration was a dead end"))
    }

    #[inline]
    fn is_complete(&self, config: &Config) -> bool {
        config.done.iter().zip(&self.plan.clients).all(|(&done, calls)| done as usize == calls.len())
    }

    /// The `n`th choice: the next operation of a client (reads are placed already, if they fit), or one that never returned.
    #[inline]
    fn candidate(&self, config: &Config, n: usize) -> Option<(&'a Call, Option<usize>)> {
        let plan = self.plan;
        if let Some(calls) = plan.clients.get(n) {
            return calls.get(config.done[n] as usize).filter(|call| !call.only_reads).map(|call| (call, None));
        }
        let n = n - plan.clients.len();
        let Open { call, client, needs, twin } = &plan.open[n];
        let is_free = !config.open[n] && config.done[*client] >= *needs && twin.is_none_or(|twin| config.open[twin]);
        is_free.then_some((call, Some(n)))
    }

    /// Places whatever only reads, is its client's next, and fits: it changes nothing, so nothing is lost. False if the steps
    /// ran out.
    #[inline]
    fn place_reads(&mut self, config: &mut Config) -> bool {
        for (done, calls) in config.done.iter_mut().zip(&self.plan.clients) {
            while let Some(call) = calls.get(*done as usize).filter(|call| call.only_reads) {
                if self.left == 0 {
                    return false;
                }
                self.left -= 1;
                if self.table.step(config.states[call.key], call.class).is_none() {
                    break;
                }
                self.order.push(call.id);
                *done += 1;
            }
        }
        true
    }

    #[inline]
    fn note_dead_end(&mut self, config: &Config) {
        if self.best.as_ref().is_none_or(|best| best.ordered.len() < self.order.len()) {
            let heads = config.done.iter().zip(&self.plan.clients);
            let stuck = heads.filter_map(|(&done, calls)| Some(calls.get(done as usize)?.id)).collect();
            self.best = Some(Evidence { ordered: self.order.clone(), stuck });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::oracle::{self, Shape, Small};
    use super::super::{Keyed, Register, RegisterOp as Op, RegisterRet as Ret, linearizable};
    use super::*;
    use crate::rng::Rng;
    use crate::time::Time;

    const MODEL: Keyed<Register<u8>> = Keyed(Register { initial: 0 });
    const STEPS: u64 = 1_000_000;

    #[test]
    fn agrees_with_the_oracle_on_random_histories() {
        let (mut good, mut bad, mut not_linearizable) = (0, 0, 0);
        for seed in 0..12_000 {
            let mut rng = Rng::stream(seed, 21);
            let mut shape = Shape::any(&mut rng);
            shape.altered += seed % 6;
            let h = oracle::random(&mut rng, &shape);
            let expected = oracle::is_sequential(&h);
            let verdict = check(&MODEL, &h, STEPS);
            assert!(!matches!(verdict, Verdict::Unknown(_)));
            assert_eq!(verdict.holds(), expected, "seed {seed}: {:#?}", h.operations());
            if expected {
                good += 1
            } else {
                bad += 1
            }
            let linearizable = linearizable::check(&MODEL, &h, STEPS).holds();
            not_linearizable += u32::from(expected && !linearizable);
        }
        assert!(good > 3_000 && bad > 3_000, "{good} good, {bad} bad: both kinds must be common");
        assert!(not_linearizable > 150, "{not_linearizable}: the two properties must differ often");
    }

    #[test]
    fn a_tiny_budget_is_unknown_and_never_wrong() {
        let mut unknown = 0;
        for seed in 0..1_000 {
            let mut rng = Rng::stream(seed, 22);
            let shape = Shape::any(&mut rng);
            let h = oracle::random(&mut rng, &shape);
            let full = check(&MODEL, &h, STEPS).holds();
            for steps in [0, 1, 3, 9] {
                match check(&MODEL, &h, steps) {
                    Verdict::Unknown(_) => unknown += 1,
                    verdict => assert_eq!(verdict.holds(), full, "seed {seed}, {steps} steps"),
                }
            }
        }
        assert!(unknown > 500, "{unknown}");
    }

    /// One operation after the other in time, as (client, key, op, answer).
    fn one_by_one(lines: &[(u32, u64, Op<u8>, Ret<u8>)]) -> Small {
        let mut h = History::new();
        for (at, (client, key, op, ret)) in (0..).zip(lines) {
            let id = h.invoke(*client, (*key, op.clone()), Time::from_millis(at * 2));
            h.ok(id, ret.clone(), Time::from_millis(at * 2 + 1));
        }
        h
    }

    #[test]
    fn a_stale_read_is_allowed_and_two_stories_are_not() {
        let write = |client, key, v| (client, key, Op::Write(v), Ret::Written);
        let read = |client, key, v| (client, key, Op::Read, Ret::Value(v));
        assert!(check(&MODEL, &one_by_one(&[write(0, 0, 1), read(1, 0, 0)]), STEPS).holds(), "the past is a fair view");
        assert!(!check(&MODEL, &one_by_one(&[write(0, 0, 1), read(0, 0, 0)]), STEPS).holds(), "not of one's own writes");
        let two = [write(0, 0, 1), write(1, 0, 2), read(2, 0, 1), read(2, 0, 2), read(3, 0, 2), read(3, 0, 1)];
        let h = one_by_one(&two);
        let evidence = check(&MODEL, &h, STEPS).violation().expect("clients 2 and 3 saw the writes in different orders");
        assert!(!evidence.stuck.is_empty() && evidence.ordered.len() < 6);
        assert!(evidence.sentence(&h).contains("none of these can be next"), "{}", evidence.sentence(&h));
    }

    #[test]
    fn keys_that_are_fine_alone_can_have_no_common_order() {
        // Dekker: each writes its own flag and does not see the other's.
        let dekker = [
            (0, 0, Op::Write(1), Ret::Written),
            (1, 1, Op::Write(1), Ret::Written),
            (0, 1, Op::Read, Ret::Value(0)),
            (1, 0, Op::Read, Ret::Value(0)),
        ];
        assert!(!check(&MODEL, &one_by_one(&dekker), STEPS).holds());
        for key in [0, 1] {
            let alone: Vec<_> = dekker.iter().filter(|line| line.1 == key).cloned().collect();
            assert!(check(&MODEL, &one_by_one(&alone), STEPS).holds());
        }
    }
}
