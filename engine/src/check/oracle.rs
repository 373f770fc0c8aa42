//! The checkers' examiner: slow, obvious, and sharing no code with them. It decides small histories of registers by trying
//! every set of operations that may have happened and every order that the rules allow; and it makes such histories.

use super::history::{History, Outcome};
use super::register::{RegisterOp as Op, RegisterRet as Ret};
use crate::rng::Rng;
use crate::time::Time;
use std::collections::BTreeMap;

pub(super) type Small = History<(u64, Op<u8>), Ret<u8>>;

/// Which operations must come before which: the rule that tells linearizability from sequential consistency.
type Before = fn(&Small, usize, usize) -> bool;

/// `a` returned before `b` was invoked; at one instant only if one client did both.
fn in_real_time(h: &Small, a: usize, b: usize) -> bool {
    let (x, y) = (&h.operations()[a], &h.operations()[b]);
    match x.outcome {
        Outcome::Ok { at, .. } => at < y.invoked || (at == y.invoked && x.client == y.client && a < b),
        Outcome::Fail { .. } | Outcome::Info => false,
    }
}

/// `a` returned and its client invoked `b` later.
fn in_program_order(h: &Small, a: usize, b: usize) -> bool {
    let (x, y) = (&h.operations()[a], &h.operations()[b]);
    x.client == y.client && matches!(x.outcome, Outcome::Ok { .. }) && (x.invoked, a) < (y.invoked, b)
}

pub(super) fn is_linearizable(h: &Small) -> bool {
    let keys: std::collections::BTreeSet<u64> = h.operations().iter().map(|o| o.op.0).collect();
    keys.into_iter().all(|key| some_order(h, Some(key), in_real_time))
}

pub(super) fn is_sequential(h: &Small) -> bool {
    some_order(h, None, in_program_order)
}

/// Tries every subset of the operations that never returned, together with all that did.
fn some_order(h: &Small, key: Option<u64>, before: Before) -> bool {
    let of_key: Vec<usize> = (0..h.len()).filter(|&i| key.is_none_or(|k| h.operations()[i].op.0 == k)).collect();
    let with = |wanted: fn(&Outcome<Ret<u8>>) -> bool| -> Vec<usize> {
        of_key.iter().copied().filter(|&i| wanted(&h.operations()[i].outcome)).collect()
    };
    let returned = with(|o| matches!(o, Outcome::Ok { .. }));
    let open = with(|o| matches!(o, Outcome::Info));
    (0..1usize << open.len()).any(|subset| {
        let mut chosen = returned.clone();
        chosen.extend(open.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1).map(|(_, &i)| i));
        permute(h, &mut chosen, 0, &mut BTreeMap::new(), before)
    })
}

/// Every permutation of `ops[done..]` that keeps to `before` and in which every answer is right.
fn permute(h: &Small, ops: &mut [usize], done: usize, state: &mut BTreeMap<u64, u8>, before: Before) -> bool {
    if done == ops.len() {
        return true;
    }
    for next in done..ops.len() {
        let candidate = ops[next];
        if ops[done..].iter().any(|&other| other != candidate && before(h, other, candidate)) {
            continue;
        }
        let (key, op) = &h.operations()[candidate].op;
        let old = state.get(key).copied().unwrap_or(0);
        if let Some(new) = apply(old, op, h.operations()[candidate].ret()) {
            ops.swap(done, next);
            state.insert(*key, new);
            let found = permute(h, ops, done + 1, state, before);
            state.insert(*key, old);
            ops.swap(done, next);
            if found {
                return true;
            }
        }
    }
    false
}

fn apply(old: u8, op: &Op<u8>, ret: Option<&Ret<u8>>) -> Option<u8> {
    let (new, answer) = match *op {
        Op::Write(v) => (v, Ret::Written),
        Op::Read => (old, Ret::Value(old)),
        Op::Cas { from, to } if from == old => (to, Ret::Swapped),
        Op::Cas { .. } => (old, Ret::NotSwapped),
    };
    ret.is_none_or(|r| *r == answer).then_some(new)
}

/// What kinds of history to make.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub clients: u64,
    pub operations: u64,
    pub keys: u64,
    pub values: u64,
    /// In percent.
    pub cas: u64,
    pub info: u64,
    pub fail: u64,
    /// How many answers are altered afterwards.
    pub altered: u64,
    /// How long an operation takes at most; small numbers make ties, zero makes instants.
    pub longest: u64,
}

impl Shape {
    /// A shape drawn at random, small enough for the oracle.
    pub(super) fn any(rng: &mut Rng) -> Self {
        Shape {
            clients: rng.range(1..=4),
            operations: rng.range(1..=8),
            keys: rng.range(1..=2),
            values: rng.range(2..=4),
            cas: *rng.pick(&[0, 0, 20, 50]).unwrap_or(&0),
            info: *rng.pick(&[0, 10, 30, 60]).unwrap_or(&0),
            fail: *rng.pick(&[0, 0, 20]).unwrap_or(&0),
            altered: rng.below(3),
            longest: *rng.pick(&[0, 1, 3, 8]).unwrap_or(&3),
        }
    }
}

/// A history with a hidden order: each operation takes effect at an instant within its interval; then some answers are altered.
/// One client in ten does not wait for its answer before it goes on.
pub(super) fn random(rng: &mut Rng, shape: &Shape) -> Small {
    struct Plan {
        client: u32,
        op: (u64, Op<u8>),
        invoked: u64,
        effect: Option<u64>,
        returned: u64,
        kind: u64,
    }
    let mut clocks = vec![0; shape.clients as usize];
    let mut plans: Vec<Plan> = Vec::new();
    for _ in 0..shape.operations {
        let client = rng.below(shape.clients) as usize;
        let value = |rng: &mut Rng| rng.below(shape.values) as u8;
        let op = if rng.below(100) < shape.cas {
            Op::Cas { from: value(rng), to: value(rng) }
        } else if rng.below(2) == 0 {
            Op::Write(value(rng))
        } else {
            Op::Read
        };
        let invoked = clocks[client] + rng.below(3);
        let returned = invoked + rng.below(shape.longest + 1);
        clocks[client] = if rng.below(10) == 0 { invoked } else { returned };
        let kind = rng.below(100);
        let effect = if kind < shape.info {
            (rng.below(2) == 0).then(|| invoked + rng.below(10))
        } else {
            (kind >= shape.info + shape.fail).then(|| rng.range(invoked..=returned))
        };
        plans.push(Plan { client: client as u32, op: (rng.below(shape.keys), op), invoked, effect, returned, kind });
    }
    let mut order: Vec<usize> = (0..plans.len()).filter(|&i| plans[i].effect.is_some()).collect();
    order.sort_by_key(|&i| (plans[i].effect, i));
    let mut state: BTreeMap<u64, u8> = BTreeMap::new();
    let mut answers: Vec<Ret<u8>> = plans.iter().map(|_| Ret::Written).collect();
    for i in order {
        let (key, op) = &plans[i].op;
        let old = state.get(key).copied().unwrap_or(0);
        answers[i] = match *op {
            Op::Write(_) => Ret::Written,
            Op::Read => Ret::Value(old),
            Op::Cas { from, .. } => {
                if from == old {
                    Ret::Swapped
                } else {
                    Ret::NotSwapped
                }
            }
        };
        state.insert(*key, apply(old, op, None).unwrap_or(old));
    }
    for _ in 0..shape.altered {
        let i = rng.below(plans.len() as u64) as usize;
        answers[i] = match plans[i].op.1 {
            Op::Write(_) => Ret::Written,
            Op::Read => Ret::Value(rng.below(shape.values + 1) as u8),
            Op::Cas { .. } => {
                if rng.below(2) == 0 {
                    Ret::Swapped
                } else {
                    Ret::NotSwapped
                }
            }
        };
    }
    let mut history = History::new();
    for (plan, answer) in plans.into_iter().zip(answers) {
        let id = history.invoke(plan.client, plan.op, Time::from_micros(plan.invoked));
        match plan.kind {
            k if k < shape.info => history.info(id),
            k if k < shape.info + shape.fail => history.fail(id, Time::from_micros(plan.returned)),
            _ => history.ok(id, answer, Time::from_micros(plan.returned)),
        }
    }
    history
}
