use super::*;
use crate::check::oracle::{self, Shape};
use crate::check::{Register, linearizable};
use crate::rng::Rng;
use crate::time::Time;

type Registers = History<Op<u8>, Ret<u8>>;
/// (client, from, to, what: `w1` or `r1`), in milliseconds; `to` 0: never returned.
type Line = (u32, u64, u64, &'static str);

fn history(lines: &[Line]) -> Registers {
    let mut h = History::new();
    for &(client, from, to, what) in lines {
        let value: u8 = what[1..].parse().expect("a digit");
        let (op, ret) = if what.starts_with('w') { (Op::Write(value), Ret::Written) } else { (Op::Read, Ret::Value(value)) };
        let id = h.invoke(client, op, Time::from_millis(from));
        if to > 0 {
            h.ok(id, ret, Time::from_millis(to));
        }
    }
    h
}

fn explained(lines: &[Line]) -> (Vec<u32>, String) {
    let h = history(lines);
    assert!(!linearizable::check(&Register { initial: 0 }, &h, 1_000_000).holds());
    let explanation = register(&h, &0).expect("an explanation");
    (explanation.operations().iter().map(|id| id.0).collect(), explanation.sentence(&h))
}

#[test]
fn a_missed_write_is_named() {
    let lines = [(0, 1, 7, "w1"), (2, 2, 6, "r0"), (1, 8, 9, "r0")];
    let (ids, sentence) = explained(&lines);
    assert_eq!(ids, [2, 0]);
    assert_eq!(sentence, "c2's read [8.000 ms, 9.000 ms] returned 0, but c1's write 1 had ended at 7.000 ms");
    let (ids, sentence) = explained(&[(0, 1, 2, "w1"), (0, 3, 4, "w2"), (0, 5, 6, "w3"), (1, 7, 8, "r1")]);
    assert_eq!(ids, [3, 2, 0], "the last write that was missed");
    assert!(
        sentence.ends_with("c1's write 3 had ended at 6.000 ms; c1's write 1 had ended at 2.000 ms, and c1's write 3 began at 5.000 ms")
    );
    let (ids, sentence) = explained(&[(0, 1, 20, "w1"), (1, 2, 3, "r1"), (2, 4, 5, "w2"), (1, 6, 7, "r1")]);
    assert_eq!(ids, [3, 2, 1], "1 is older than 2: it was read before 2 was written");
    assert!(sentence.contains("c2's read [2.000 ms, 3.000 ms] returned 1 before c3's write 2 began at 4.000 ms"), "{sentence}");
}

#[test]
fn a_new_old_inversion_is_named() {
    let lines = [(0, 1, 9, "w1"), (1, 2, 3, "r1"), (2, 4, 5, "r0")];
    let (ids, sentence) = explained(&lines);
    assert_eq!(ids, [1, 2, 0]);
    assert_eq!(
        sentence,
        "c2's read [2.000 ms, 3.000 ms] returned 1, and only then c3's read [4.000 ms, 5.000 ms] returned 0, which is older"
    );
    let (ids, _) = explained(&[(0, 1, 2, "w5"), (0, 3, 0, "w1"), (1, 4, 5, "r1"), (2, 6, 7, "r5")]);
    assert_eq!(ids, [2, 3, 1, 0], "also if the newer write never returned");
}

#[test]
fn a_value_that_comes_back_is_named() {
    let writes = [(0, 1, 90, "w1"), (1, 1, 90, "w2")];
    let (ids, sentence) = explained(&[&writes[..], &[(2, 2, 3, "r1"), (2, 4, 5, "r2"), (2, 6, 7, "r1")]].concat());
    assert_eq!(ids, [2, 3, 4]);
    assert!(sentence.ends_with("a value came back that was written once"));
    // Two readers that see two writes in different orders, each pair overlapping.
    let crossed = [(2, 2, 3, "r1"), (3, 2, 3, "r2"), (2, 4, 5, "r2"), (3, 4, 5, "r1")];
    let (mut ids, _) = explained(&[&writes[..], &crossed[..]].concat());
    ids.sort_unstable();
    assert_eq!(ids, [2, 3, 4, 5]);
}

#[test]
fn a_value_without_a_write_is_named() {
    assert_eq!(explained(&[(0, 1, 2, "r7")]), (vec![0], "c1's read [1.000 ms, 2.000 ms] returned 7, which nobody wrote".into()));
    let (ids, sentence) = explained(&[(0, 1, 2, "r7"), (1, 3, 4, "w7")]);
    assert_eq!((ids.as_slice(), sentence.ends_with("but c2's write 7 began only at 3.000 ms")), (&[0, 1][..], true));
    let mut h = history(&[]);
    let write = h.invoke(0, Op::Write(7), Time::from_millis(1));
    h.fail(write, Time::from_millis(2));
    let read = h.invoke(1, Op::Read, Time::from_millis(3));
    h.ok(read, Ret::Value(7), Time::from_millis(4));
    assert_eq!(register(&h, &0), Some(Explanation::FailedWrite { read, write }));
}

#[test]
fn an_explanation_is_never_wrong() {
    let mut explained = 0;
    for seed in 0..20_000 {
        let mut rng = Rng::stream(seed, 31);
        let mut shape = Shape::any(&mut rng);
        shape.altered += seed % 3;
        let h = oracle::random(&mut rng, &shape);
        for key in 0..shape.keys {
            let (one, ids) = h.of_key(key);
            let Some(explanation) = register(&one, &0) else { continue };
            explained += 1;
            assert!(!oracle::is_linearizable(&only(&h, key, |id| ids.contains(&id))), "seed {seed}: {explanation:?}");
            assert!(named_operations_suffice(&h, key, &one, &ids, &explanation), "seed {seed}: {explanation:?}");
        }
    }
    assert!(explained > 3_000, "{explained}");
}

/// The named operations, with the other writes of the values that they had, have no order on their own.
fn named_operations_suffice(h: &oracle::Small, key: u64, one: &Registers, ids: &[OpId], found: &Explanation) -> bool {
    let named = found.operations();
    let values: Vec<u8> = named
        .iter()
        .flat_map(|&id| match (&one.get(id).op, one.get(id).ret()) {
            (Op::Write(v), _) | (Op::Read, Some(Ret::Value(v))) => vec![*v],
            (Op::Cas { from, to }, _) => vec![*from, *to],
            (Op::Read, _) => vec![],
        })
        .collect();
    let writes_one = |op: &Op<u8>| matches!(op, Op::Write(v) | Op::Cas { to: v, .. } if values.contains(v));
    // A swap needs its value from elsewhere: without it, the part says nothing about the whole.
    let swaps = one.operations().iter().any(|o| matches!(o.op, Op::Cas { .. }));
    let keep = |id: OpId| {
        let n = ids.iter().position(|&other| other == id);
        n.is_some_and(|n| named.contains(&OpId(n as u32)) || writes_one(&one.operations()[n].op))
    };
    swaps || !oracle::is_linearizable(&only(h, key, keep))
}

fn only(h: &oracle::Small, key: u64, keep: impl Fn(OpId) -> bool) -> oracle::Small {
    let mut part = History::new();
    for (_, operation) in h.iter().filter(|(id, operation)| operation.op.0 == key && keep(*id)) {
        let id = part.invoke(operation.client, operation.op.clone(), operation.invoked);
        match &operation.outcome {
            Outcome::Ok { ret, at } => part.ok(id, ret.clone(), *at),
            Outcome::Fail { at } => part.fail(id, *at),
            Outcome::Info => part.info(id),
        }
    }
    part
}

#[test]
fn every_violation_of_values_written_once_is_explained() {
    let mut bad = 0;
    for seed in 0..20_000 {
        let mut rng = Rng::stream(seed, 32);
        let mut shape = Shape::any(&mut rng);
        (shape.keys, shape.cas, shape.values) = (1, 0, 1);
        shape.altered += seed % 3;
        let h = distinct(&oracle::random(&mut rng, &shape), &mut rng);
        let linearizable = linearizable::check(&Register { initial: 0 }, &h, 1_000_000).holds();
        bad += u32::from(!linearizable);
        assert_eq!(register(&h, &0).is_none(), linearizable, "seed {seed}: {:#?}", h.operations());
    }
    assert!(bad > 3_000, "{bad}");
}

/// The same history with every write of a value of its own, and reads of any of them; each by a client of its own, so that
/// there are no ties but concurrent ones.
fn distinct(h: &oracle::Small, rng: &mut Rng) -> Registers {
    let mut one = History::new();
    for (id, operation) in h.iter() {
        let op = if matches!(operation.op.1, Op::Read) { Op::Read } else { Op::Write(id.0 as u8 + 1) };
        let written: Vec<u8> = h.iter().filter(|(_, o)| o.op.1 != Op::Read).map(|(id, _)| id.0 as u8 + 1).chain([0]).collect();
        let ret = if op == Op::Read { Ret::Value(*rng.pick(&written).unwrap_or(&0)) } else { Ret::Written };
        let copy = one.invoke(id.0, op, operation.invoked);
        match &operation.outcome {
            Outcome::Ok { at, .. } => one.ok(copy, ret, *at),
            Outcome::Fail { at } => one.fail(copy, *at),
            Outcome::Info => one.info(copy),
        }
    }
    one
}
