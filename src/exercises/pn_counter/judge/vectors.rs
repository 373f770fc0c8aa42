//! Vectors of `pn_counter`: one or two replicas by hand, the others are the script. The levers here serve the scenarios too.

use super::{ADDS_UP, BOUNDS, CONVERGES, MERGE_LAWS, NEGATIVE, READS, RETRY};
use crate::exercises::kit::counters::{ANSWER_MS, TELL_MS};
use crate::exercises::pn_counter::{Counts, Message, OpId, PnCounter, Request, Response};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Setup, Ticket, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::counted;

pub(super) const N1: NodeId = NodeId::from_index(0);
pub(super) const N2: NodeId = NodeId::from_index(1);
pub(super) const N3: NodeId = NodeId::from_index(2);

pub(super) type Net = World<'static, PnCounter>;
type Entries<'a> = &'a [(NodeId, u64)];

/// Three replicas, of which the first `started` run and the others are whoever the script says.
pub(super) fn net(factory: Factory<PnCounter>, probe: &Probe, started: usize) -> Result<Net, Broken> {
    let mut world = World::by_hand(factory, Setup::new(1, vec![(); 3]), probe);
    for i in 0..started {
        world.boot(NodeId::from_index(i))?;
    }
    Ok(world)
}

pub(super) fn counts(increments: Entries<'_>, decrements: Entries<'_>) -> Message {
    let map = |entries: Entries<'_>| entries.iter().copied().collect::<Counts>();
    Message::Counts { increments: map(increments), decrements: map(decrements) }
}

/// Asks `at` to count up or down, and gives it the time that an answer may take.
pub(super) fn count(world: &mut Net, at: NodeId, up: bool, op: u64) -> Result<Ticket, Broken> {
    let ticket = world.request(at, if up { Request::Increment(OpId(op)) } else { Request::Decrement(OpId(op)) })?;
    world.wait_for_answer(ticket, millis(ANSWER_MS))?;
    Ok(ticket)
}

pub(super) fn up(world: &mut Net, at: NodeId, op: u64) -> Result<Ticket, Broken> {
    count(world, at, true, op)
}

pub(super) fn down(world: &mut Net, at: NodeId, op: u64) -> Result<Ticket, Broken> {
    count(world, at, false, op)
}

/// The value of a replica must be `expected`; `story` says what came before.
pub(super) fn value_is(world: &Net, rule: &'static str, at: NodeId, expected: i64, story: &str) -> Check {
    match world.view(at) {
        Some(v) if v == expected => Ok(()),
        v => {
            let seen = format!("{story}: {at}'s value should be {expected}, and is {}", v.unwrap_or(0));
            if rule == CONVERGES {
                return Err(Broken::new(rule, seen).at([world.steps()]).stuck());
            }
            // What it did by itself since does not change its value.
            let step = world.reached_in(at);
            Err(Broken::new(rule, seen).at([step]).in_step(step))
        }
    }
}

pub(super) fn done(world: &Net, ticket: Ticket, story: &str) -> Check {
    match world.answer_to(ticket) {
        Some(Response::Done) => Ok(()),
        Some(other) => Err(Broken::new(RETRY, format!("{story}: the request should be answered with Done, and got {other:?}"))),
        None => {
            let seen = format!("{story}: the request should be answered with Done, and was not answered within a second");
            Err(Broken::new(RETRY, seen).unanswered())
        }
    }
}

/// Twelve seconds of fair weather among those that are up.
pub(super) fn talk(world: &mut Net) -> Check {
    world.let_run(millis(TELL_MS), |_| false)
}

pub(super) fn add(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.vector(ADDS_UP, "increments and decrements at one replica", move |p| {
        let mut w = net(f, p, 1)?;
        value_is(&w, ADDS_UP, N1, 0, "nothing was counted yet")?;
        up(&mut w, N1, 1)?;
        up(&mut w, N1, 2)?;
        up(&mut w, N1, 3)?;
        value_is(&w, ADDS_UP, N1, 3, "n1 took three increments")?;
        down(&mut w, N1, 4)?;
        value_is(&w, ADDS_UP, N1, 2, "n1 took three increments and one decrement")
    });
    suite.vector(ADDS_UP, "increments of others are added to the own", move |p| {
        let mut w = net(f, p, 1)?;
        up(&mut w, N1, 1)?;
        w.tell(N2, N1, counts(&[(N2, 3)], &[]))?;
        w.tell(N3, N1, counts(&[(N3, 2)], &[]))?;
        value_is(&w, ADDS_UP, N1, 6, "n1 took one increment and was told of three at n2 and two at n3")
    });
    suite.vector(ADDS_UP, "decrements of others are taken off", move |p| {
        let mut w = net(f, p, 1)?;
        for op in 1..=5 {
            up(&mut w, N1, op)?;
        }
        w.tell(N2, N1, counts(&[(N2, 4)], &[(N2, 1)]))?;
        w.tell(N3, N1, counts(&[(N3, 3)], &[(N3, 2)]))?;
        value_is(&w, ADDS_UP, N1, 9, "n1 took five increments, was told of four less one at n2 and of three less two at n3")
    });
    negative(suite, f);
    merge_laws(suite, f);
    between_replicas(suite, f);
    reads(suite, f);
    large(suite, f);
    suite.vector(BOUNDS, "what no message carried is not counted", move |p| {
        let mut w = net(f, p, 2)?;
        up(&mut w, N1, 1)?;
        up(&mut w, N1, 2)?;
        down(&mut w, N1, 3)?;
        value_is(&w, BOUNDS, N2, 0, "n1 took two increments and a decrement, and no message reached n2 since")
    });
    suite.vector(BOUNDS, "what was told is kept", move |p| {
        let mut w = net(f, p, 1)?;
        up(&mut w, N1, 1)?;
        down(&mut w, N1, 2)?;
        w.tell(N2, N1, counts(&[(N2, 5)], &[(N2, 1)]))?;
        w.tell(N3, N1, counts(&[(N3, 3)], &[(N3, 2)]))?;
        w.tell(N2, N1, counts(&[], &[]))?;
        let story =
            "n1 took an increment and a decrement, was told of five less one at n2, of three less two at n3, and then of nothing new";
        value_is(&w, BOUNDS, N1, 5, story)
    });
}

fn negative(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.vector(NEGATIVE, "a decrement of nothing", move |p| {
        let mut w = net(f, p, 1)?;
        let ticket = down(&mut w, N1, 1)?;
        value_is(&w, NEGATIVE, N1, -1, "n1 took one decrement")?;
        done(&w, ticket, "n1 took one decrement")?;
        up(&mut w, N1, 2)?;
        value_is(&w, NEGATIVE, N1, 0, "n1 took a decrement, then an increment")
    });
    suite.vector(NEGATIVE, "others have taken off more than was ever there", move |p| {
        let mut w = net(f, p, 1)?;
        up(&mut w, N1, 1)?;
        w.tell(N2, N1, counts(&[(N2, 1)], &[(N2, 5)]))?;
        value_is(&w, NEGATIVE, N1, -3, "n1 took an increment and was told of one increment and five decrements at n2")?;
        w.tell(N3, N1, counts(&[(N3, 5)], &[]))?;
        value_is(&w, NEGATIVE, N1, 2, "n1 took an increment and was told of one less five at n2, then of five at n3")
    });
}

/// Numbers for which 32 bits are too few.
fn large(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.vector(ADDS_UP, "more increments than 32 bits hold", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 5_000_000_001)], &[]))?;
        value_is(&w, ADDS_UP, N1, 5_000_000_001, "n1 was told of 5000000001 increments at n2")?;
        up(&mut w, N1, 1)?;
        w.tell(N3, N1, counts(&[(N3, 2_000_000_001)], &[(N3, 1)]))?;
        value_is(
            &w,
            ADDS_UP,
            N1,
            7_000_000_002,
            "n1 was told of 5000000001 at n2, took an increment, and was told of 2000000001 less one at n3",
        )
    });
    suite.vector(NEGATIVE, "more decrements than 32 bits hold", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[], &[(N2, 5_000_000_001)]))?;
        value_is(&w, NEGATIVE, N1, -5_000_000_001, "n1 was told of 5000000001 decrements at n2")?;
        down(&mut w, N1, 1)?;
        w.tell(N3, N1, counts(&[(N3, 1)], &[(N3, 2_000_000_001)]))?;
        value_is(
            &w,
            NEGATIVE,
            N1,
            -7_000_000_002,
            "n1 was told of 5000000001 decrements at n2, took a decrement, and was told of one less 2000000001 at n3",
        )
    });
}

fn merge_laws(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.vector(MERGE_LAWS, "the same state twice", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 3)], &[(N2, 1)]))?;
        w.tell(N2, N1, counts(&[(N2, 3)], &[(N2, 1)]))?;
        value_is(&w, MERGE_LAWS, N1, 2, "n1 received increments {n2: 3}, decrements {n2: 1}, twice")
    });
    suite.vector(MERGE_LAWS, "a stale state after a newer one", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 3), (N3, 1)], &[(N2, 2)]))?;
        w.tell(N2, N1, counts(&[(N2, 1)], &[]))?;
        w.tell(N2, N1, counts(&[(N2, 2)], &[(N2, 1)]))?;
        value_is(
            &w,
            MERGE_LAWS,
            N1,
            2,
            "n1 received increments {n2: 3, n3: 1}, decrements {n2: 2}, then two older states of n2: {n2: 1}, {} and {n2: 2}, {n2: 1}",
        )
    });
    // The trap of one net number in each entry: what was taken off looks like an older state.
    suite.vector(MERGE_LAWS, "a decrement is news, not an old state", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 3)], &[]))?;
        w.tell(N2, N1, counts(&[(N2, 3)], &[(N2, 2)]))?;
        value_is(&w, MERGE_LAWS, N1, 1, "n1 received increments {n2: 3}, then increments {n2: 3} with decrements {n2: 2}")
    });
    suite.vector(MERGE_LAWS, "entries are merged one by one", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 9), (N3, 1)], &[(N2, 1), (N3, 3)]))?;
        w.tell(N3, N1, counts(&[(N2, 4), (N3, 6)], &[(N2, 2), (N3, 1)]))?;
        value_is(
            &w,
            MERGE_LAWS,
            N1,
            10,
            "n1 received increments {n2: 9, n3: 1}, decrements {n2: 1, n3: 3}, then {n2: 4, n3: 6}, {n2: 2, n3: 1}: 9 + 6 - 2 - 3",
        )
    });
    suite.vector(MERGE_LAWS, "an echo of the own state changes nothing", move |p| {
        let mut w = net(f, p, 1)?;
        up(&mut w, N1, 1)?;
        up(&mut w, N1, 2)?;
        down(&mut w, N1, 3)?;
        w.tell(N3, N1, counts(&[(N1, 2)], &[(N1, 1)]))?;
        w.tell(N2, N1, counts(&[(N1, 1)], &[]))?;
        let story = "n1 took two increments and a decrement, then heard of all three from n3, and of the first increment alone from n2";
        value_is(&w, MERGE_LAWS, N1, 1, story)
    });
    suite.vector(MERGE_LAWS, "the whole exchange, every message repeated", move |p| {
        let mut w = net(f, p, 2)?;
        for op in 1..=4 {
            count(&mut w, N1, op != 2, op)?;
            w.wait(millis(TELL_MS))?;
        }
        let letters = w.take_sent_to(N2);
        letters.iter().try_for_each(|l| w.deliver(l))?;
        let once = w.view(N2).unwrap_or(0);
        letters.iter().rev().try_for_each(|l| w.deliver(l))?;
        value_is(&w, MERGE_LAWS, N2, once, "n1 took three increments and a decrement; all it sent reached n2, and again in reverse order")
    });
}

fn between_replicas(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.vector(ADDS_UP, "what is told is what was counted", move |p| {
        let mut w = net(f, p, 1)?;
        for op in 1..=3 {
            w.request(N1, Request::Increment(OpId(op)))?;
        }
        w.request(N1, Request::Decrement(OpId(4)))?;
        w.wait(millis(TELL_MS + ANSWER_MS))?;
        let letters = w.take_sent();
        let (mut ups, mut downs) = (0, 0);
        for letter in &letters {
            let Message::Counts { increments, decrements } = &letter.message;
            ups = ups.max(increments.get(&N1).copied().unwrap_or(0));
            downs = downs.max(decrements.get(&N1).copied().unwrap_or(0));
        }
        if letters.is_empty() || (ups, downs) == (3, 1) {
            return Ok(());
        }
        let seen = format!(
            "n1 took three increments and one decrement, and in the 13 s after told the others of at most {} and {} of its own",
            counted(ups, "increment"),
            counted(downs, "decrement")
        );
        Err(Broken::new(ADDS_UP, seen))
    });
    suite.vector(ADDS_UP, "concurrent increments at two replicas", move |p| {
        let mut w = net(f, p, 2)?;
        w.request(N1, Request::Increment(OpId(1)))?;
        w.request(N2, Request::Increment(OpId(2)))?;
        talk(&mut w)?;
        let story = "n1 and n2 took an increment each, then talked for 12 s";
        value_is(&w, ADDS_UP, N2, 2, story)?;
        value_is(&w, ADDS_UP, N1, 2, story)
    });
    suite.vector(ADDS_UP, "concurrent increments and decrements at two replicas", move |p| {
        let mut w = net(f, p, 2)?;
        for (at, op) in [(N1, 1), (N2, 2)] {
            w.request(at, Request::Increment(OpId(op)))?;
            w.request(at, Request::Increment(OpId(op + 10)))?;
            w.request(at, Request::Decrement(OpId(op + 20)))?;
        }
        talk(&mut w)?;
        let story = "n1 and n2 took two increments and one decrement each, then talked for 12 s";
        value_is(&w, ADDS_UP, N2, 2, story)?;
        value_is(&w, ADDS_UP, N1, 2, story)
    });
}

fn reads(suite: &mut Suite, f: Factory<PnCounter>) {
    let read = |w: &mut Net, expected: i64, story: &str| {
        let ticket = w.request(N1, Request::Read)?;
        w.wait_for_answer(ticket, millis(ANSWER_MS))?;
        match w.answer_to(ticket) {
            Some(Response::Value(v)) if *v == expected => Ok(()),
            Some(other) => {
                let seen = format!("{story}: n1 should answer a read with {expected}, and answered {other:?}");
                Err(Broken::new(READS, seen).in_step(w.answered_in(ticket, 0)))
            }
            None => {
                Err(Broken::new(READS, format!("{story}: n1 did not answer a read within a second while nobody else could be reached"))
                    .unanswered())
            }
        }
    };
    suite.vector(READS, "a read alone", move |p| {
        let mut w = net(f, p, 1)?;
        up(&mut w, N1, 1)?;
        read(&mut w, 1, "n1 took one increment")?;
        down(&mut w, N1, 2)?;
        read(&mut w, 0, "n1 took one increment and one decrement")
    });
    suite.vector(READS, "a read after a merge", move |p| {
        let mut w = net(f, p, 1)?;
        up(&mut w, N1, 1)?;
        read(&mut w, 1, "n1 took one increment")?;
        w.tell(N2, N1, counts(&[(N2, 4)], &[]))?;
        read(&mut w, 5, "n1 took one increment, was asked, and was then told of four at n2")?;
        w.tell(N3, N1, counts(&[], &[(N3, 3)]))?;
        read(&mut w, 2, "n1 took one increment and was told of four at n2, then of three decrements at n3")
    });
    suite.vector(NEGATIVE, "a read below zero", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 1)], &[(N2, 3)]))?;
        let ticket = w.request(N1, Request::Read)?;
        w.wait_for_answer(ticket, millis(ANSWER_MS))?;
        match w.answer_to(ticket) {
            Some(Response::Value(-2)) | None => Ok(()),
            Some(other) => {
                let seen = format!("n1 was told of one increment and three decrements at n2, and answered a read with {other:?}");
                Err(Broken::new(NEGATIVE, seen).in_step(w.answered_in(ticket, 0)))
            }
        }
    });
}
