//! What an object does when one operation after the other is applied to it: the specification that histories are held against.

use std::hash::Hash;

/// A sequential object.
pub trait Model {
    /// What the object remembers, for one key.
    type State: Clone + Eq + Hash;
    /// What can be asked. Equal operations have equal effects.
    type Op: Eq + Hash;
    /// What can be answered.
    type Ret: Eq + Hash;

    /// The state of every key before the first operation.
    fn initial(&self) -> Self::State;

    /// Applies `op`. `ret` is what it answered, `None` if it never did (then any answer is possible).
    /// The state afterwards, or `None` if the object, in this state, could not have answered so.
    fn step(&self, state: &Self::State, op: &Self::Op, ret: Option<&Self::Ret>) -> Option<Self::State>;

    /// The independent part of the object that `op` belongs to. Parts are checked one by one, which is far cheaper.
    fn key(&self, op: &Self::Op) -> u64 {
        let _ = op;
        0
    }

    /// Whether `op`, answered by `ret` (or never), **cannot change any state**. Such an operation is dropped if it never
    /// returned, and placed as soon as it fits; claiming it of an operation that can change the state makes verdicts wrong.
    fn only_reads(&self, op: &Self::Op, ret: Option<&Self::Ret>) -> bool {
        let _ = (op, ret);
        false
    }
}

/// Many independent copies of an object, by key: operations are `(key, op)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed<M>(pub M);

impl<M: Model> Model for Keyed<M> {
    type State = M::State;
    type Op = (u64, M::Op);
    type Ret = M::Ret;

    fn initial(&self) -> M::State {
        self.0.initial()
    }

    fn step(&self, state: &M::State, (_, op): &Self::Op, ret: Option<&M::Ret>) -> Option<M::State> {
        self.0.step(state, op, ret)
    }

    fn key(&self, op: &Self::Op) -> u64 {
        op.0
    }

    fn only_reads(&self, (_, op): &Self::Op, ret: Option<&M::Ret>) -> bool {
        self.0.only_reads(op, ret)
    }
}
