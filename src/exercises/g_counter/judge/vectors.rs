//! Vectors and scenarios of `g_counter`: one or two replicas by hand, the others are the script.

use super::{ADDS_UP, BOUNDS, CONVERGES, MERGE_LAWS, READS, RETRY, SURVIVES};
use crate::exercises::g_counter::{Counts, GCounter, Message, OpId, Request, Response};
use crate::exercises::kit::counters::{ANSWER_MS, TELL_MS};
use crate::rule::{Broken, Check};
use crate::sim::{Envelope, Factory, NodeId, Setup, Ticket, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::counted;

const N1: NodeId = NodeId::from_index(0);
const N2: NodeId = NodeId::from_index(1);
const N3: NodeId = NodeId::from_index(2);

type Net = World<'static, GCounter>;

/// Three replicas, of which the first `started` run and the others are whoever the script says.
fn net(factory: Factory<GCounter>, probe: &Probe, started: usize) -> Result<Net, Broken> {
    let mut world = World::by_hand(factory, Setup::new(1, vec![(); 3]), probe);
    for i in 0..started {
        world.boot(NodeId::from_index(i))?;
    }
    Ok(world)
}

fn counts(entries: &[(NodeId, u64)]) -> Message {
    Message::Counts(entries.iter().copied().collect::<Counts>())
}

/// Asks `at` to count, and gives it the time that an answer may take.
fn increment(world: &mut Net, at: NodeId, op: u64) -> Result<Ticket, Broken> {
    let ticket = world.request(at, Request::Increment(OpId(op)))?;
    world.wait_for_answer(ticket, millis(ANSWER_MS))?;
    Ok(ticket)
}

/// The value of a replica must be `expected`; `story` says what came before.
fn value_is(world: &Net, rule: &'static str, at: NodeId, expected: u64, story: &str) -> Check {
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

/// Gives n1 and n2 the time to say all that they know, then delivers what each said to the other, once. Replicas may say it in parts:
/// all of them count.
fn exchange(world: &mut Net) -> Check {
    world.wait(millis(TELL_MS))?;
    let letters: Vec<_> = world.take_sent().into_iter().filter(|l| l.to != N3).collect();
    let same = |a: &Envelope<_>, b: &Envelope<_>| (a.to, &a.message) == (b.to, &b.message);
    let first = |(i, l): &(usize, &Envelope<GCounter>)| !letters[..*i].iter().any(|earlier| same(earlier, l));
    letters.iter().enumerate().filter(first).try_for_each(|(_, l)| world.deliver(l))
}

pub(super) fn add(suite: &mut Suite, f: Factory<GCounter>) {
    suite.vector(ADDS_UP, "an increment raises the value by one", move |p| {
        let mut w = net(f, p, 1)?;
        value_is(&w, ADDS_UP, N1, 0, "nothing was counted yet")?;
        increment(&mut w, N1, 1)?;
        increment(&mut w, N1, 2)?;
        value_is(&w, ADDS_UP, N1, 2, "n1 took two increments")
    });
    suite.vector(ADDS_UP, "counts of others are added to the own", move |p| {
        let mut w = net(f, p, 1)?;
        increment(&mut w, N1, 1)?;
        w.tell(N2, N1, counts(&[(N2, 3)]))?;
        w.tell(N3, N1, counts(&[(N3, 2)]))?;
        value_is(&w, ADDS_UP, N1, 6, "n1 took one increment and was told of three at n2 and two at n3")
    });
    merge_laws(suite, f);
    suite.vector(ADDS_UP, "concurrent increments at two replicas are two", move |p| {
        let mut w = net(f, p, 2)?;
        increment(&mut w, N1, 1)?;
        increment(&mut w, N2, 2)?;
        exchange(&mut w)?;
        value_is(&w, ADDS_UP, N2, 2, "n1 and n2 took one increment each, then each heard what the other had said")
    });
    suite.vector(ADDS_UP, "a replica passes on whose increments they are", move |p| {
        let mut w = net(f, p, 2)?;
        increment(&mut w, N1, 1)?;
        increment(&mut w, N1, 2)?;
        increment(&mut w, N2, 3)?;
        exchange(&mut w)?;
        value_is(&w, ADDS_UP, N1, 3, "n1 took two increments and n2 one, and each heard of the other's")
    });
    reads(suite, f);
    retries(suite, f);
    suite.vector(ADDS_UP, "more increments than 32 bits hold", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 5_000_000_001)]))?;
        value_is(&w, ADDS_UP, N1, 5_000_000_001, "n1 was told of 5000000001 increments at n2")?;
        increment(&mut w, N1, 1)?;
        w.tell(N3, N1, counts(&[(N3, 2_000_000_001)]))?;
        value_is(&w, ADDS_UP, N1, 7_000_000_003, "n1 was told of 5000000001 at n2, took an increment, and was told of 2000000001 at n3")
    });
    suite.vector(BOUNDS, "what no message carried is not counted", move |p| {
        let mut w = net(f, p, 2)?;
        increment(&mut w, N1, 1)?;
        increment(&mut w, N1, 2)?;
        value_is(&w, BOUNDS, N2, 0, "n1 took two increments, and no message reached n2 since")
    });
    suite.scenario(CONVERGES, "a state that was lost is sent again", move |p| {
        let mut w = net(f, p, 2)?;
        increment(&mut w, N1, 1)?;
        w.let_run(millis(3_000), |_| true)?;
        w.let_run(millis(TELL_MS), |_| false)?;
        value_is(&w, CONVERGES, N2, 1, "n1 took an increment; for 3 s all messages were lost, then the network was whole for 12 s")
    });
    suite.scenario(CONVERGES, "a restarted replica goes on telling", move |p| {
        let mut w = net(f, p, 2)?;
        increment(&mut w, N1, 1)?;
        w.let_run(millis(500), |_| true)?;
        w.take_sent();
        w.reboot(N1)?;
        w.let_run(millis(TELL_MS), |_| false)?;
        value_is(&w, CONVERGES, N2, 1, "n1 took an increment that reached nobody, crashed and restarted; the network was whole for 12 s")
    });
}

fn merge_laws(suite: &mut Suite, f: Factory<GCounter>) {
    suite.vector(MERGE_LAWS, "the same state twice", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 1)]))?;
        w.tell(N2, N1, counts(&[(N2, 1)]))?;
        value_is(&w, MERGE_LAWS, N1, 1, "n1 received {n2: 1} twice")
    });
    suite.vector(MERGE_LAWS, "a stale state after a newer one", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 3), (N3, 1)]))?;
        w.tell(N2, N1, counts(&[(N2, 1)]))?;
        value_is(&w, MERGE_LAWS, N1, 4, "n1 received {n2: 3, n3: 1}, then the older {n2: 1}")
    });
    suite.vector(MERGE_LAWS, "entries are merged one by one", move |p| {
        let mut w = net(f, p, 1)?;
        w.tell(N2, N1, counts(&[(N2, 5), (N3, 1)]))?;
        w.tell(N3, N1, counts(&[(N2, 2), (N3, 4)]))?;
        value_is(&w, MERGE_LAWS, N1, 9, "n1 received {n2: 5, n3: 1}, then {n2: 2, n3: 4}")
    });
    suite.vector(MERGE_LAWS, "an echo of the own state changes nothing", move |p| {
        let mut w = net(f, p, 1)?;
        increment(&mut w, N1, 1)?;
        increment(&mut w, N1, 2)?;
        w.tell(N2, N1, counts(&[(N1, 1)]))?;
        w.tell(N3, N1, counts(&[(N1, 2)]))?;
        value_is(&w, MERGE_LAWS, N1, 2, "n1 took two increments, then heard {n1: 1} and {n1: 2} from others")
    });
    suite.vector(MERGE_LAWS, "the whole exchange, every message repeated", move |p| {
        let mut w = net(f, p, 2)?;
        for op in 1..=3 {
            increment(&mut w, N1, op)?;
            w.wait(millis(TELL_MS))?;
        }
        let letters: Vec<_> = w.take_sent().into_iter().filter(|l| l.to == N2).collect();
        letters.iter().try_for_each(|l| w.deliver(l))?;
        let once = w.view(N2).unwrap_or(0);
        letters.iter().rev().try_for_each(|l| w.deliver(l))?;
        value_is(&w, MERGE_LAWS, N2, once, "n1 took three increments; all it sent reached n2, and again in reverse order")
    });
}

fn reads(suite: &mut Suite, f: Factory<GCounter>) {
    let read = |w: &mut Net, expected: u64, story: &str| {
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
        increment(&mut w, N1, 1)?;
        read(&mut w, 1, "n1 took one increment")
    });
    suite.vector(READS, "a read after a merge", move |p| {
        let mut w = net(f, p, 1)?;
        increment(&mut w, N1, 1)?;
        read(&mut w, 1, "n1 took one increment")?;
        w.tell(N2, N1, counts(&[(N2, 4)]))?;
        read(&mut w, 5, "n1 took one increment, was asked, and was then told of four at n2")?;
        w.tell(N3, N1, counts(&[(N2, 6)]))?;
        read(&mut w, 7, "n1 took one increment and was told of four at n2, then of six")
    });
}

fn retries(suite: &mut Suite, f: Factory<GCounter>) {
    let acknowledged = |w: &Net, ticket: Ticket, story: &str| match w.answer_to(ticket) {
        Some(Response::Done) => Ok(()),
        Some(other) => Err(Broken::new(RETRY, format!("{story}: the request should be answered with Done, and got {other:?}"))),
        None => Err(Broken::new(RETRY, format!("{story}: the request should be answered with Done, and was not answered")).unanswered()),
    };
    suite.vector(RETRY, "a retry is answered and counts once", move |p| {
        let mut w = net(f, p, 1)?;
        let first = increment(&mut w, N1, 7)?;
        let second = increment(&mut w, N1, 7)?;
        acknowledged(&w, first, "a client asked n1 for increment 7")?;
        acknowledged(&w, second, "a client asked n1 for increment 7 a second time")?;
        value_is(&w, RETRY, N1, 1, "increment 7 was asked for twice")
    });
    suite.vector(RETRY, "an old retry after newer increments", move |p| {
        let mut w = net(f, p, 1)?;
        for op in [7, 9, 8, 7, 9] {
            increment(&mut w, N1, op)?;
        }
        value_is(&w, RETRY, N1, 3, "increments 7, 9, 8 were asked for, then 7 and 9 again")
    });
    suite.vector(RETRY, "retries after hundreds of newer increments", move |p| {
        let mut w = net(f, p, 1)?;
        (1..=300).try_for_each(|op| increment(&mut w, N1, op).map(drop))?;
        value_is(&w, ADDS_UP, N1, 300, "n1 took 300 increments")?;
        (1..=300).try_for_each(|op| {
            increment(&mut w, N1, op)?;
            value_is(&w, RETRY, N1, 300, &format!("n1 took increments 1 to 300; then {op} was asked for again"))
        })
    });
    suite.scenario(RETRY, "the answer is lost in a crash, and the retry comes after it", move |p| {
        let mut w = net(f, p, 1)?;
        let ticket = increment(&mut w, N1, 7)?;
        acknowledged(&w, ticket, "a client asked n1 for increment 7")?;
        w.reboot(N1)?;
        value_is(&w, SURVIVES, N1, 1, "increment 7 was acknowledged, then n1 crashed and restarted")?;
        increment(&mut w, N1, 7)?;
        value_is(&w, RETRY, N1, 1, "increment 7 was counted and saved, n1 crashed, and the client asked again")
    });
    // The crash falls after each number of effects in turn, so that the answer is out before or after the save.
    suite.scenario(SURVIVES, "a crash between any two effects of an increment", move |p| {
        for effects in 0..6 {
            let mut w = net(f, p, 1)?;
            w.kill_after(N1, effects);
            let ticket = increment(&mut w, N1, 7)?;
            let told = w.answer_to(ticket).is_some();
            w.boot(N1)?;
            let story = format!(
                "a crash fell after {} of the handler that took increment 7, and Done was out by then; after the restart",
                counted(effects, "effect")
            );
            if told {
                value_is(&w, SURVIVES, N1, 1, &story)?;
            }
        }
        Ok(())
    });
    suite.scenario(SURVIVES, "three increments and two crashes", move |p| {
        let mut w = net(f, p, 1)?;
        for op in 1..=3 {
            let ticket = increment(&mut w, N1, op)?;
            acknowledged(&w, ticket, &format!("a client asked n1 for increment {op}"))?;
            w.reboot(N1)?;
            value_is(&w, SURVIVES, N1, op, &format!("increment {op} was acknowledged, then n1 crashed and restarted"))?;
        }
        Ok(())
    });
}
