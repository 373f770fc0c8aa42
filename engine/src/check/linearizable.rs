//! Linearizability: every operation seems to take effect at one instant between its call and its return (Herlihy & Wing
//! 1990). Knows histories and models; the search itself is in `search`.
//!
//! Keys are checked one by one: a history is linearizable if and only if it is for each key (Herlihy & Wing, theorem 1).
//! Only ties in time within a client, see [`history`](super::history), are not carried across keys: that may miss a
//! violation between two keys at one instant, and never raises a false alarm.

use super::history::{History, OpId, Outcome};
use super::model::Model;
use super::search::{Call, Found, search};
use super::table::{Class, Numbering, Table, ask};
use super::{Limit, Verdict};
use std::collections::BTreeMap;
use std::fmt;

/// A budget that settles the histories of a few hundred operations that judges record, and at worst takes about a fifth of a
/// second and 100 MiB.
pub const DEFAULT_STEPS: u64 = 2_000_000;

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The key ([`Model::key`]) whose operations have no order.
    pub key: u64,
    /// The first return that no order explains: up to just before it, the key's history is linearizable; with it, and with what
    /// the operations then in flight answered later, it is not.
    pub blocked: OpId,
    /// An order that got as far as any does.
    pub linearized: Vec<OpId>,
    /// What was invoked by the time `blocked` returned and has no place in `linearized`: `blocked` first, then by invocation.
    pub unplaced: Vec<OpId>,
}

impl Evidence {
    /// What was seen, in a sentence, when nothing shorter ([`explain`](super::explain)) is known.
    #[must_use]
    pub fn sentence<O: fmt::Debug, R: fmt::Debug>(&self, history: &History<O, R>) -> String {
        let blocked = history.get(self.blocked);
        match self.linearized.last() {
            None => format!("{blocked} fits nowhere: not even first"),
            Some(&last) => format!(
                "{blocked} fits nowhere: the best of all orders places {} operations, the last of them {}",
                self.linearized.len(),
                history.get(last)
            ),
        }
    }
}

/// Whether `history` is linearizable as `model`. At most `steps` transitions are tried for each key.
///
/// A violation of one key is a violation, also if another key's search ran out of steps.
///
/// ```
/// use splitbrain_engine::check::{History, Register, RegisterOp, RegisterRet, Verdict, explain, linearizable};
/// use splitbrain_engine::time::Time;
///
/// let mut history = History::new();
/// let write = history.invoke(0, RegisterOp::Write(1), Time::from_millis(1));
/// history.ok(write, RegisterRet::Written, Time::from_millis(7));
/// let read = history.invoke(1, RegisterOp::Read, Time::from_millis(8));
/// history.ok(read, RegisterRet::Value(0), Time::from_millis(9));
///
/// let register = Register { initial: 0 };
/// match linearizable::check(&register, &history, linearizable::DEFAULT_STEPS) {
///     Verdict::Holds => unreachable!("the read is stale"),
///     Verdict::Unknown(limit) => panic!("{limit}"),
///     Verdict::Violated(evidence) => assert_eq!(
///         explain::sentence(&history, &0, &evidence),
///         "c2's read [8.000 ms, 9.000 ms] returned 0, but c1's write 1 had ended at 7.000 ms"
///     ),
/// }
/// ```
pub fn check<M: Model>(model: &M, history: &History<M::Op, M::Ret>, steps: u64) -> Verdict<Evidence> {
    let mut keys: BTreeMap<u64, Vec<OpId>> = BTreeMap::new();
    for (id, operation) in history.iter() {
        let dropped = match &operation.outcome {
            Outcome::Ok { .. } => false,
            Outcome::Fail { .. } => true,
            Outcome::Info => model.only_reads(&operation.op, None),
        };
        if !dropped {
            keys.entry(model.key(&operation.op)).or_default().push(id);
        }
    }
    let mut verdict = Verdict::Holds;
    for (key, ids) in keys {
        match check_key(model, history, &ids, steps) {
            Found::Linearization => {}
            Found::OutOfSteps => verdict = Verdict::Unknown(Limit::Steps(steps)),
            Found::DeadEnd { placed, blocked } => {
                return Verdict::Violated(evidence(history, key, &ids, &placed, blocked));
            }
        }
    }
    verdict
}

fn check_key<M: Model>(model: &M, history: &History<M::Op, M::Ret>, ids: &[OpId], steps: u64) -> Found {
    let mut classes: Numbering<Class<'_, M>> = Numbering::new();
    let calls: Vec<Call> = ids
        .iter()
        .map(|&id| {
            let operation = history.get(id);
            Call {
                class: classes.id((&operation.op, operation.ret())),
                client: operation.client,
                invoked: operation.invoked,
                returned: operation.returned(),
                only_reads: model.only_reads(&operation.op, operation.ret()),
            }
        })
        .collect();
    let mut states = Numbering::new();
    states.id(model.initial());
    let mut ask = |state, class| ask(model, &mut states, &classes, state, class);
    search(&calls, &mut Table::new(classes.len(), &mut ask), steps)
}

fn evidence<O, R>(history: &History<O, R>, key: u64, ids: &[OpId], placed: &[u32], blocked: u32) -> Evidence {
    let linearized: Vec<OpId> = placed.iter().map(|&i| ids[i as usize]).collect();
    let blocked = ids[blocked as usize];
    let deadline = history.get(blocked).returned();
    let mut is_placed = vec![false; history.len()];
    linearized.iter().for_each(|id| is_placed[id.index()] = true);
    let mut unplaced: Vec<OpId> =
        ids.iter().copied().filter(|id| !is_placed[id.index()] && Some(history.get(*id).invoked) <= deadline).collect();
    unplaced.sort_by_key(|&id| (id != blocked, history.get(id).invoked, id));
    Evidence { key, blocked, linearized, unplaced }
}

#[cfg(test)]
mod tests {
    use super::super::oracle::{self, Shape};
    use super::super::{Keyed, Register, RegisterOp as Op, RegisterRet as Ret};
    use super::*;
    use crate::rng::Rng;
    use crate::time::Time;

    const REGISTER: Register<u8> = Register { initial: 0 };

    fn ms(n: u64) -> Time {
        Time::from_millis(n)
    }

    /// (client, from, to, op, answer), in milliseconds.
    type Line = (u32, u64, u64, Op<u8>, Ret<u8>);

    fn history(lines: &[Line]) -> History<Op<u8>, Ret<u8>> {
        let mut h = History::new();
        for (client, from, to, op, ret) in lines {
            let id = h.invoke(*client, op.clone(), ms(*from));
            h.ok(id, ret.clone(), ms(*to));
        }
        h
    }

    fn is_linearizable(h: &History<Op<u8>, Ret<u8>>) -> bool {
        match check(&REGISTER, h, DEFAULT_STEPS) {
            Verdict::Holds => true,
            Verdict::Violated(_) => false,
            Verdict::Unknown(limit) => panic!("{limit}"),
        }
    }

    #[test]
    fn agrees_with_the_oracle_on_random_histories() {
        let (mut good, mut bad) = (0, 0);
        for seed in 0..20_000 {
            let mut rng = Rng::stream(seed, 11);
            let mut shape = Shape::any(&mut rng);
            shape.altered += seed % 4;
            let h = oracle::random(&mut rng, &shape);
            let expected = oracle::is_linearizable(&h);
            let verdict = check(&Keyed(REGISTER), &h, DEFAULT_STEPS);
            assert!(!matches!(verdict, Verdict::Unknown(_)));
            assert_eq!(verdict.holds(), expected, "seed {seed}: {:#?}", h.operations());
            if expected {
                good += 1
            } else {
                bad += 1
            }
            assert!(expected || shape.altered > 0, "seed {seed}: nothing was altered, so it has an order");
        }
        assert!(good > 5_000 && bad > 5_000, "{good} good, {bad} bad: both kinds must be common");
    }

    #[test]
    fn evidence_is_the_first_return_that_no_order_explains() {
        let mut seen = 0;
        for seed in 0..3_000 {
            let mut rng = Rng::stream(seed, 12);
            let mut shape = Shape::any(&mut rng);
            (shape.keys, shape.altered) = (1, 2);
            let h = oracle::random(&mut rng, &shape);
            let Some(evidence) = check(&Keyed(REGISTER), &h, DEFAULT_STEPS).violation() else { continue };
            seen += 1;
            let end = h.get(evidence.blocked).returned();
            // A swap that has not answered yet could still go either way, and the search knows how it went.
            assert!(shape.cas > 0 || !oracle::is_linearizable(&until(&h, |at| Some(at) <= end)), "seed {seed}");
            assert!(oracle::is_linearizable(&until(&h, |at| Some(at) < end)), "seed {seed}");
            assert_eq!(evidence.unplaced.first(), Some(&evidence.blocked));
            assert!(evidence.linearized.iter().all(|id| !evidence.unplaced.contains(id)));
            let mut state = 0;
            for &id in &evidence.linearized {
                let operation = h.get(id);
                state = REGISTER.step(&state, &operation.op.1, operation.ret()).expect("what was placed fits");
            }
        }
        assert!(seen > 500, "{seen}");
    }

    /// The history as it was known at some instant: later invocations are left out, later returns are open.
    fn until(h: &oracle::Small, known: impl Fn(Time) -> bool) -> oracle::Small {
        let mut cut = History::new();
        for operation in h.operations().iter().filter(|o| known(o.invoked)) {
            let id = cut.invoke(operation.client, operation.op.clone(), operation.invoked);
            match &operation.outcome {
                Outcome::Ok { ret, at } if known(*at) => cut.ok(id, ret.clone(), *at),
                Outcome::Fail { at } => cut.fail(id, *at),
                Outcome::Ok { .. } | Outcome::Info => cut.info(id),
            }
        }
        cut
    }

    #[test]
    fn a_tiny_budget_is_unknown_and_never_wrong() {
        let (mut unknown, mut known) = (0, 0);
        for seed in 0..3_000 {
            let mut rng = Rng::stream(seed, 13);
            let shape = Shape::any(&mut rng);
            let h = oracle::random(&mut rng, &shape);
            let full = check(&Keyed(REGISTER), &h, DEFAULT_STEPS);
            for steps in [0, 1, 2, 4, 8, 16] {
                match check(&Keyed(REGISTER), &h, steps) {
                    Verdict::Unknown(limit) => {
                        assert_eq!(limit, Limit::Steps(steps));
                        unknown += 1;
                    }
                    verdict => {
                        assert_eq!(verdict.holds(), full.holds(), "seed {seed}, {steps} steps");
                        known += 1;
                    }
                }
            }
        }
        assert!(unknown > 3_000 && known > 3_000, "{unknown} unknown, {known} known");
    }

    #[test]
    fn textbook_histories() {
        let stale = [(0, 1, 2, Op::Write(1), Ret::Written), (1, 3, 4, Op::Read, Ret::Value(0))];
        assert!(!is_linearizable(&history(&stale)), "a read misses a write that had ended");
        let overlapping = [(0, 1, 9, Op::Write(1), Ret::Written), (1, 3, 4, Op::Read, Ret::Value(0))];
        assert!(is_linearizable(&history(&overlapping)));
        let inversion = [(0, 1, 9, Op::Write(1), Ret::Written), (1, 2, 3, Op::Read, Ret::Value(1)), (2, 4, 5, Op::Read, Ret::Value(0))];
        assert!(!is_linearizable(&history(&inversion)), "new, then old, while the write goes on");
        let both_ways = [
            (0, 1, 9, Op::Write(1), Ret::Written),
            (1, 1, 9, Op::Write(2), Ret::Written),
            (2, 2, 3, Op::Read, Ret::Value(1)),
            (2, 4, 5, Op::Read, Ret::Value(2)),
            (2, 6, 7, Op::Read, Ret::Value(1)),
        ];
        assert!(!is_linearizable(&history(&both_ways)), "1, 2 and 1 again, each written once");
        assert!(is_linearizable(&history(&both_ways[..4])));
        assert!(is_linearizable(&history(&[])));
        let wrong_answer = [(0, 1, 2, Op::Write(1), Ret::Value(1))];
        assert!(!is_linearizable(&history(&wrong_answer)), "no register answers a write so");
    }

    #[test]
    fn intervals_are_closed() {
        // The example of check/history.rs, in both orders of recording.
        let write = (0, 1, 5, Op::Write(1), Ret::Written);
        let read = (1, 5, 5, Op::Read, Ret::Value(0));
        assert!(is_linearizable(&history(&[write.clone(), read.clone()])));
        assert!(is_linearizable(&history(&[read, write.clone()])));
        // But a client knows what it did itself …
        assert!(!is_linearizable(&history(&[write.clone(), (0, 5, 5, Op::Read, Ret::Value(0))])));
        // … and an instant later everybody does.
        assert!(!is_linearizable(&history(&[write, (1, 6, 6, Op::Read, Ret::Value(0))])));
    }

    #[test]
    fn instants_can_be_ordered_as_needed_between_clients_only() {
        let swap = |x: u32, y: u32| {
            history(&[(x, 5, 5, Op::Read, Ret::Value(1)), (y, 5, 5, Op::Write(1), Ret::Written), (x, 5, 5, Op::Read, Ret::Value(1))])
        };
        assert!(is_linearizable(&swap(0, 1)));
        assert!(!is_linearizable(&swap(0, 0)), "one client read 1 before it wrote it");
    }

    #[test]
    fn what_never_returned_may_have_happened_or_not_and_a_failure_did_not() {
        let ask = |how: fn(&mut History<Op<u8>, Ret<u8>>, OpId), answers: &[u8]| {
            let mut h = History::new();
            let write = h.invoke(0, Op::Write(1), ms(1));
            how(&mut h, write);
            for (i, answer) in (0..).zip(answers) {
                let read = h.invoke(1, Op::Read, ms(10 + 2 * i));
                h.ok(read, Ret::Value(*answer), ms(11 + 2 * i));
            }
            is_linearizable(&h)
        };
        let info = |h: &mut History<Op<u8>, Ret<u8>>, id: OpId| h.info(id);
        let fail = |h: &mut History<Op<u8>, Ret<u8>>, id: OpId| h.fail(id, ms(2));
        assert!(ask(info, &[0, 0]) && ask(info, &[0, 1]) && ask(info, &[1, 1]), "it may take effect late, too");
        assert!(!ask(info, &[1, 0]), "but not be undone");
        assert!(ask(fail, &[0, 0]) && !ask(fail, &[0, 1]) && !ask(fail, &[1, 1]));
    }

    #[test]
    fn of_equal_open_operations_one_that_is_bound_does_not_hold_up_one_that_is_free() {
        // At 5 ms client 0 has read 1 and writes 1; so does client 1, and that is the write that was read.
        let mut h = History::new();
        let read = h.invoke(0, Op::Read, ms(1));
        h.ok(read, Ret::Value(1), ms(5));
        h.invoke(0, Op::Write(1), ms(5));
        assert!(!is_linearizable(&h));
        h.invoke(1, Op::Write(1), ms(5));
        assert!(is_linearizable(&h));
    }

    #[test]
    fn many_open_operations_need_more_than_one_word_of_bits() {
        // 150 writes that never returned, each of a value of its own; reads see them in some order, each once.
        let build = |last: u8| {
            let mut h = History::new();
            for i in 0..150 {
                h.invoke(i, Op::Write(i as u8 + 1), ms(0));
            }
            for (i, value) in (0..20u64).map(|i| (i, (i * 7 + 1) as u8)).chain([(20, last)]) {
                let read = h.invoke(200, Op::Read, ms(10 * i + 1));
                h.ok(read, Ret::Value(value), ms(10 * i + 5));
            }
            h
        };
        assert!(is_linearizable(&build(150)));
        assert!(!is_linearizable(&build(8)), "8 was read, overwritten, and is read again though written once");
    }

    #[test]
    fn a_violation_in_one_key_counts_though_another_ran_out_of_steps() {
        let mut h: oracle::Small = History::new();
        for client in 0..8 {
            let id = h.invoke(client, (0, Op::Write(client as u8)), ms(1));
            h.ok(id, Ret::Written, ms(9));
        }
        let hard = h.invoke(9, (0, Op::Read), ms(10));
        h.ok(hard, Ret::Value(99), ms(11));
        assert_eq!(check(&Keyed(REGISTER), &h, 20), Verdict::Unknown(Limit::Steps(20)));
        let wrong = h.invoke(9, (1, Op::Read), ms(10));
        h.ok(wrong, Ret::Value(1), ms(11));
        let evidence = check(&Keyed(REGISTER), &h, 20).violation().expect("key 1 is violated");
        assert_eq!((evidence.key, evidence.blocked), (1, wrong));
        assert!(evidence.sentence(&h).contains("fits nowhere: not even first"), "{}", evidence.sentence(&h));
    }
}
