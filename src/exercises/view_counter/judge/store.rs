//! Vectors of the store of `view_counter`: the servers are the script.

use super::{ADDS_UP, FRESH, NO_MORE, NOTHING_LOST, NUMBERS, ONCE, SAFE};
use crate::exercises::view_counter::{Config, FlushId, Message, Request, Response, Role, ViewCounter};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Setup, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::counted;

pub(super) const N1: NodeId = NodeId::from_index(0);
pub(super) const N2: NodeId = NodeId::from_index(1);
/// The store of the scripted tests.
pub(super) const STORE: NodeId = NodeId::from_index(2);

pub(super) type Net = World<'static, ViewCounter>;

/// Two servers, n1 and n2, and the store, n3. None is started.
pub(super) fn net(factory: Factory<ViewCounter>, probe: &Probe, flush_ms: u64) -> Net {
    World::by_hand(factory, setup(flush_ms), probe)
}

pub(super) fn setup(flush_ms: u64) -> Setup<ViewCounter> {
    let config = |role| Config { role, flush_every: millis(flush_ms) };
    let server = config(Role::Server { store: STORE });
    Setup::new(1, vec![server.clone(), server, config(Role::Store)])
}

fn store(factory: Factory<ViewCounter>, probe: &Probe) -> Result<Net, Broken> {
    let mut world = net(factory, probe, 200);
    world.boot(STORE)?;
    Ok(world)
}

/// A flush reaches the store, which has 200 ms. Whether it was acknowledged.
fn flush(world: &mut Net, from: NodeId, (incarnation, number): (u64, u64), views: u64) -> Result<bool, Broken> {
    let id = FlushId { incarnation, number };
    world.take_sent();
    world.tell(from, STORE, Message::Flush { id, views })?;
    world.wait(millis(200))?;
    Ok(world.take_sent_to(from).iter().any(|l| l.message == Message::Flushed { id }))
}

/// What the store shows must be `expected`.
pub(super) fn shows(world: &Net, rule: &'static str, expected: u64, story: &str) -> Check {
    match world.view(STORE) {
        Some(v) if v == expected => Ok(()),
        v => {
            // More than was viewed is not late: something counted twice.
            let rule = if rule == FRESH && v.is_some_and(|v| v > expected) { NO_MORE } else { rule };
            let seen = format!("{story}: the store, {STORE}, should show {expected}, and shows {}", v.unwrap_or(0));
            if [NOTHING_LOST, FRESH].contains(&rule) {
                let broken = Broken::new(rule, seen).at([world.steps()]);
                return Err(if rule == NOTHING_LOST { broken.stuck() } else { broken });
            }
            // What the store did by itself since does not change what it shows.
            let step = world.reached_in(STORE);
            Err(Broken::new(rule, seen).at([step]).in_step(step))
        }
    }
}

fn acknowledged(rule: &'static str, yes: bool, story: &str) -> Check {
    if yes {
        Ok(())
    } else {
        Err(Broken::new(rule, format!("{story}: the store did not answer it with Flushed and the same id within 200 ms")))
    }
}

pub(super) fn basics(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.vector(ADDS_UP, "the store adds up the flushes of a server", move |p| {
        let mut w = store(f, p)?;
        shows(&w, ADDS_UP, 0, "nothing was flushed yet")?;
        let first = flush(&mut w, N1, (1, 1), 5)?;
        shows(&w, ADDS_UP, 5, "n1 flushed 5 views")?;
        acknowledged(ADDS_UP, first, "n1 flushed 5 views")?;
        flush(&mut w, N1, (1, 2), 3)?;
        shows(&w, ADDS_UP, 8, "n1 flushed 5 views, then 3 under the next number")
    });
    suite.vector(ADDS_UP, "two servers with the same numbers", move |p| {
        let mut w = store(f, p)?;
        flush(&mut w, N1, (1, 1), 5)?;
        let second = flush(&mut w, N2, (1, 1), 3)?;
        shows(&w, ADDS_UP, 8, "n1 flushed 5 views and n2 flushed 3, each under incarnation 1, number 1")?;
        acknowledged(ADDS_UP, second, "n2 flushed 3 views after n1 had flushed under the same number")?;
        flush(&mut w, N1, (1, 2), 1)?;
        shows(&w, ADDS_UP, 9, "n1 flushed 5 views and n2 flushed 3, then n1 flushed 1")
    });
    suite.vector(ADDS_UP, "a read is answered with what is shown", move |p| {
        let mut w = store(f, p)?;
        flush(&mut w, N1, (1, 1), 5)?;
        let ticket = w.request(STORE, Request::Read)?;
        w.wait(millis(200))?;
        match w.answer_to(ticket) {
            Some(Response::Views(5)) => Ok(()),
            Some(other) => Err(Broken::new(ADDS_UP, format!("n1 flushed 5 views; the store answered a read with {other:?}"))),
            None => Err(Broken::new(ADDS_UP, "n1 flushed 5 views; the store did not answer a read within 200 ms").unanswered()),
        }
    });
    suite.vector(ONCE, "the same flush twice", move |p| {
        let mut w = store(f, p)?;
        flush(&mut w, N1, (1, 1), 5)?;
        let again = flush(&mut w, N1, (1, 1), 5)?;
        shows(&w, ONCE, 5, "n1's flush of 5 views arrived twice")?;
        acknowledged(ONCE, again, "n1's flush of 5 views arrived a second time")
    });
    suite.vector(ONCE, "an old flush again, after newer ones", move |p| {
        let mut w = store(f, p)?;
        for (from, number, views) in [(N1, 1, 5), (N2, 1, 2), (N1, 2, 3), (N1, 1, 5), (N1, 2, 3), (N2, 1, 2)] {
            flush(&mut w, from, (1, number), views)?;
        }
        shows(&w, ONCE, 10, "n1 flushed 5 and 3 views and n2 flushed 2; then copies of all three arrived")
    });
    suite.vector(NUMBERS, "the numbers of a restarted server begin again at 1", move |p| {
        let mut w = store(f, p)?;
        flush(&mut w, N1, (1, 1), 5)?;
        flush(&mut w, N1, (1, 2), 3)?;
        let new = flush(&mut w, N1, (2, 1), 4)?;
        shows(&w, NUMBERS, 12, "n1 flushed 5 and 3 views in incarnation 1, then 4 in incarnation 2, under number 1")?;
        acknowledged(NUMBERS, new, "n1 flushed 4 views in its new incarnation 2")
    });
    suite.vector(ONCE, "a flush of an earlier incarnation again", move |p| {
        let mut w = store(f, p)?;
        for (incarnation, number, views) in [(1, 1, 5), (1, 2, 3), (2, 1, 4), (1, 2, 3), (2, 1, 4), (1, 1, 5)] {
            flush(&mut w, N1, (incarnation, number), views)?;
        }
        shows(&w, ONCE, 12, "n1 flushed 5 and 3 views in incarnation 1 and 4 in incarnation 2; then copies of all three arrived")
    });
    many(suite, f);
}

/// Many flushes. Each server sends its next one only after the last was acknowledged, and all else are late copies: a store
/// that keeps one mark for each server knows them as well as one that keeps all ids.
fn many(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.vector(ONCE, "flushes again, after hundreds of newer ones", move |p| {
        let mut w = store(f, p)?;
        let sum = hundreds(&mut w)?;
        for number in 1..=HUNDREDS {
            for from in [N1, N2] {
                flush(&mut w, from, (1, number), number)?;
                let story = format!(
                    "n1 and n2 made {HUNDREDS} flushes each in incarnation 1, each acknowledged; then a late copy of {from}'s number {number} arrived"
                );
                shows(&w, ONCE, sum, &story)?;
            }
        }
        Ok(())
    });
}

const HUNDREDS: u64 = 300;

/// n1 and n2 flush in turn, under each number as many views as the number says. The sum.
fn hundreds(w: &mut Net) -> Result<u64, Broken> {
    for number in 1..=HUNDREDS {
        flush(w, N1, (1, number), number)?;
        flush(w, N2, (1, number), number)?;
    }
    let sum = HUNDREDS * (HUNDREDS + 1);
    shows(w, ADDS_UP, sum, &format!("n1 and n2 flushed 1, 2, 3 … {HUNDREDS} views each"))?;
    Ok(sum)
}

pub(super) fn crashes(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.scenario(SAFE, "the store crashes after each acknowledgement", move |p| {
        let mut w = store(f, p)?;
        for (from, number, views, sum) in [(N1, 1, 5, 5), (N2, 1, 3, 8), (N1, 2, 2, 10)] {
            let story = format!("{from}'s flush of {views} views was acknowledged");
            let yes = flush(&mut w, from, (1, number), views)?;
            acknowledged(ADDS_UP, yes, &format!("{from} flushed {views} views"))?;
            w.reboot(STORE)?;
            shows(&w, SAFE, sum, &format!("{story}, then the store crashed and restarted"))?;
            flush(&mut w, from, (1, number), views)?;
            shows(&w, SAFE, sum, &format!("{story}, the store crashed and restarted, and the same flush came again"))?;
        }
        for (from, number, views) in [(N1, 1, 5), (N2, 1, 3), (N1, 2, 2)] {
            flush(&mut w, from, (1, number), views)?;
        }
        shows(
            &w,
            SAFE,
            10,
            "three flushes of 5, 3 and 2 views were acknowledged, each followed by a crash; then copies of all three arrived",
        )
    });
    suite.scenario(SAFE, "the store crashes between any two effects", move |p| {
        (0..6).try_for_each(|effects| {
            let mut w = store(f, p)?;
            flush(&mut w, N2, (1, 1), 2)?;
            w.kill_after(STORE, effects);
            let out = flush(&mut w, N1, (1, 1), 5)?;
            w.boot(STORE)?;
            let when = if out { "and Flushed was out by then" } else { "before Flushed was out" };
            let story = format!("the store crashed after {} of the handler that took a flush of 5 views, {when}; 2 views had been flushed before. After its restart", counted(effects, "effect"));
            if out {
                shows(&w, SAFE, 7, &story)?;
            }
            let again = flush(&mut w, N1, (1, 1), 5)?;
            shows(&w, SAFE, 7, &format!("{story} the flush came again"))?;
            acknowledged(ONCE, again, &format!("{story} the flush came again"))
        })
    });
}
