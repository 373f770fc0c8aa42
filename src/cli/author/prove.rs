//! The one door from the program to the checkers, for the quiz linter.
//!
//! A quiz scenario may carry a machine-readable history and claim something about it ("not linearizable, but sequentially
//! consistent"). The linter asks here whether that is so, in the linter's own plain words, so that neither side learns the
//! other's types. Nothing else in `cli` may use the checkers.

use crate::check::{self, Keyed, Register, RegisterOp, RegisterRet, Verdict, linearizable, sequential};
use crate::cli::quiz::history::{Action, History, Op};
use crate::time::Time;

/// What the checkers found out about a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Each operation can be placed at one instant between its call and its answer.
    pub linearizable: bool,
    /// One order of all operations explains them, if every client's own order is kept and real time is not.
    pub sequential: bool,
}

/// Something that decides a history, or cannot (`None`: it gave up, or no checker is there).
pub type Prover<'a> = &'a dyn Fn(&History) -> Option<Proof>;

/// No checker: claims stay unproved, and the linter says so.
#[must_use]
pub fn unproved(_: &History) -> Option<Proof> {
    None
}

/// What the core's checkers say about a history; `None` when their budget ran out, or the history is no history.
#[must_use]
pub fn prove(history: &History) -> Option<Proof> {
    let history = translate(history)?;
    let registers = Keyed(Register { initial: 0 });
    Some(Proof {
        linearizable: decided(&linearizable::check(&registers, &history, linearizable::DEFAULT_STEPS))?,
        sequential: decided(&sequential::check(&registers, &history, linearizable::DEFAULT_STEPS))?,
    })
}

fn decided<E>(verdict: &Verdict<E>) -> Option<bool> {
    match verdict {
        Verdict::Holds => Some(true),
        Verdict::Violated(_) => Some(false),
        Verdict::Unknown(_) => None,
    }
}

/// A history of registers by number.
type Registers = check::History<(u64, RegisterOp<i64>), RegisterRet<i64>>;

/// The same history in the checkers' words: clients and keys by number, one tick of the file as one microsecond.
fn translate(history: &History) -> Option<Registers> {
    let mut ops: Vec<&Op> = history.ops.iter().collect();
    // A client's own order is that in which it called.
    ops.sort_by_key(|op| op.start);
    let (mut clients, mut keys) = (Vec::new(), Vec::new());
    let mut translated = check::History::new();
    for op in ops {
        let client = u32::try_from(number(&mut clients, &op.client)).ok()?;
        let action = match op.action {
            Action::Read => RegisterOp::Read,
            Action::Write => RegisterOp::Write(op.value),
        };
        let id = translated.invoke(client, (number(&mut keys, &op.key) as u64, action), Time::from_micros(op.start));
        let returned = match op.action {
            Action::Read => RegisterRet::Value(op.value),
            Action::Write => RegisterRet::Written,
        };
        match op.end {
            Some(end) if end <= op.start => return None,
            Some(end) => translated.ok(id, returned, Time::from_micros(end)),
            None => translated.info(id),
        }
    }
    Some(translated)
}

/// The number of a name, a new one if it is new.
fn number<'a>(names: &mut Vec<&'a str>, name: &'a str) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(client: &str, action: Action, key: &str, value: i64, start: u64, end: Option<u64>) -> Op {
        Op { client: client.into(), action, key: key.into(), value, start, end }
    }

    #[test]
    fn keys_are_registers_of_their_own_and_clients_keep_their_order() {
        use Action::{Read, Write};
        // Each key alone has an order; together, with each client's own, they have none.
        let ops = vec![
            op("A", Write, "x", 1, 0, Some(2)),
            op("A", Read, "y", 0, 3, Some(4)),
            op("B", Write, "y", 1, 0, Some(2)),
            op("B", Read, "x", 0, 3, Some(4)),
        ];
        assert_eq!(prove(&History { ops: ops.clone() }), Some(Proof { linearizable: false, sequential: false }));
        let without_b = History { ops: ops[..2].to_vec() };
        assert_eq!(prove(&without_b), Some(Proof { linearizable: true, sequential: true }));
    }

    #[test]
    fn a_write_without_an_answer_may_have_happened() {
        use Action::{Read, Write};
        let read = |value| History { ops: vec![op("A", Write, "x", 1, 0, None), op("B", Read, "x", value, 5, Some(6))] };
        for value in [0, 1] {
            assert_eq!(prove(&read(value)), Some(Proof { linearizable: true, sequential: true }));
        }
        assert_eq!(prove(&read(2)), Some(Proof { linearizable: false, sequential: false }));
    }

    #[test]
    fn an_operation_that_ends_before_it_starts_is_no_history() {
        assert_eq!(prove(&History { ops: vec![op("A", Action::Read, "x", 0, 5, Some(3))] }), None);
    }
}
