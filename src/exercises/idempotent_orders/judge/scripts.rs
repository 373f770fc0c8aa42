//! Examples and traps of `idempotent_orders`, with both services as they are.

use super::rules::{ANSWERS_IN_TIME, BOUNDED, CHARGED, CONFLICT, PER_CLIENT, SAME, SOON, SURVIVES, TWINS};
use super::services::{Database, Kept, Machine, Provider};
use super::{configs, database, provider};
use crate::exercises::idempotent_orders::{
    ANSWERS, Account, Asked, Body, Disk, FINAL, IdempotentOrders, Key, Message, Request, Response, Size, UNDER_WAY,
};
use crate::exercises::kit::{N1, N2, Script};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

type S = Script<'static, IdempotentOrders>;

const DAY: Duration = Duration::from_secs(86_400);
/// As short as they come.
const SHORT: Duration = Duration::from_secs(10);
/// A card that is good; declined at first; failing at first; failing, then declined.
const GOOD: u64 = 80;
const DECLINED: u64 = 81;
const FAILS: u64 = 83;
const FAILS_AND_DECLINES: u64 = 84;
/// How many bytes more than at its start a server may have when all is long answered.
const SPARE: usize = 4_096;

fn post(account: u64, key: u64, item: u64, amount: u64) -> Request {
    Request::Post { by: Asked { account: Account(account), key: Key(key) }, body: Body { item, amount } }
}

fn up(f: Factory<IdempotentOrders>, p: &Probe, nodes: usize, keeps: Duration, forgets: Duration) -> Result<S, Broken> {
    Ok(Script::up(f, p, configs(nodes, keeps, forgets))?.patient(ANSWERS))
}

/// In fair weather, asked again and again: the ticket of the answer that is final, or of the last one.
fn asks(s: &mut S, node: NodeId, request: Request) -> Result<Ticket, Broken> {
    let since = s.now();
    for times in 1.. {
        let ticket = s.ask(node, request)?;
        s.run_until_answered(ticket, ANSWERS, |_| false)?;
        match s.answer_to(ticket) {
            Some(Response::TryAgain) if s.now() < since + FINAL => s.run_losing(millis(100), |_| false)?,
            Some(Response::TryAgain) => {
                let waited = FINAL.as_secs();
                s.say(format!("{node} was asked the same again and again, {times} times in {waited} s, and said TryAgain each time"));
                return Ok(ticket);
            }
            _ => return Ok(ticket),
        }
    }
    unreachable!("it returns within three seconds of virtual time");
}

/// The same, and the answer must be Created: of which order.
fn created(s: &mut S, rule: &'static str, node: NodeId, request: Request) -> Result<Response, Broken> {
    let ticket = asks(s, node, request)?;
    s.one_answer(in_time(s, rule, ticket), ticket, "Created, after at most 3 s of asking again", |answer| {
        matches!(answer, Response::Created(_))
    })?;
    Ok(s.answer_to(ticket).copied().unwrap_or(Response::TryAgain))
}

/// No final answer at all is late, whatever else it is.
fn in_time(s: &S, rule: &'static str, ticket: Ticket) -> &'static str {
    if s.answer_to(ticket).is_none_or(|answer| *answer == Response::TryAgain) { ANSWERS_IN_TIME } else { rule }
}

fn must_be(s: &mut S, rule: &'static str, node: NodeId, request: Request, expected: Response) -> Check {
    let ticket = asks(s, node, request)?;
    s.one_answer(in_time(s, rule, ticket), ticket, &format!("{expected:?}"), |answer| *answer == expected)
}

/// So often the provider has taken money, and so many orders stand.
fn stands(s: &S, rule: &'static str, charges: u64, orders: usize) -> Check {
    let times = match s.saved(provider(s.nodes())) {
        Some(Disk(Kept::Provider(provider))) => provider.times,
        _ => 0,
    };
    let stand = match s.saved(database(s.nodes())) {
        Some(Disk(Kept::Database(database))) => database.orders(),
        _ => 0,
    };
    s.expect(rule, times == charges, || format!("the provider must have taken money {charges} times, but has {times} times"))?;
    s.expect(rule, stand == orders, || format!("{orders} orders must exist, but {stand} do"))
}

pub(super) fn add(suite: &mut Suite, f: Factory<IdempotentOrders>) {
    suite.vector(SAME, "an order, and the same request again", move |p| {
        let mut s = up(f, p, 1, DAY, DAY)?;
        let first = created(&mut s, SAME, N1, post(1, 7, 1, GOOD))?;
        must_be(&mut s, SAME, N1, post(1, 7, 1, GOOD), first)?;
        stands(&s, CHARGED, 1, 1)
    });
    suite.vector(SAME, "a refusal, and the same request again", move |p| {
        let mut s = up(f, p, 1, DAY, DAY)?;
        for _ in 0..2 {
            must_be(&mut s, SAME, N1, post(1, 7, 1, DECLINED), Response::Declined)?;
        }
        stands(&s, CHARGED, 0, 0)
    });
    suite.vector(SAME, "a provider that fails at first", move |p| {
        let mut s = up(f, p, 1, DAY, DAY)?;
        created(&mut s, SAME, N1, post(1, 7, 1, FAILS))?;
        must_be(&mut s, SAME, N1, post(1, 8, 1, FAILS_AND_DECLINES), Response::Declined)?;
        stands(&s, CHARGED, 1, 1)
    });
    for (name, item, amount) in [("the same key with another item", 2, GOOD), ("the same key with another amount", 1, GOOD + 8)] {
        suite.vector(CONFLICT, name, move |p| {
            let mut s = up(f, p, 1, DAY, DAY)?;
            let first = created(&mut s, CONFLICT, N1, post(1, 7, 1, GOOD))?;
            must_be(&mut s, CONFLICT, N1, post(1, 7, item, amount), Response::Conflict)?;
            must_be(&mut s, SAME, N1, post(1, 7, 1, GOOD), first)
        });
    }
    suite.vector(PER_CLIENT, "the same key of another account", move |p| {
        let mut s = up(f, p, 1, DAY, DAY)?;
        let first = created(&mut s, PER_CLIENT, N1, post(1, 7, 1, GOOD))?;
        let second = created(&mut s, PER_CLIENT, N1, post(2, 7, 1, GOOD))?;
        s.expect(PER_CLIENT, first != second, || "two accounts were told of the same order".to_owned())?;
        stands(&s, PER_CLIENT, 2, 2)
    });
    for (name, nodes) in [("two at once at one server", 1), ("two at once at two servers", 2)] {
        suite.scenario(TWINS, name, move |p| twins(f, p, nodes));
    }
    suite.scenario(SURVIVES, "a crash at each moment of a request", move |p| crashes(f, p));
    suite.scenario(SAME, "server and database crash at each moment of a request, and the provider forgets it", move |p| forgotten(f, p));
    suite.scenario(SURVIVES, "a crash after a second server has taken over", move |p| {
        let mut s = up(f, p, 2, DAY, DAY)?;
        s.ask(N1, post(1, 7, 1, GOOD))?;
        s.run(millis(6))?;
        s.crash(N1)?;
        let first = created(&mut s, SURVIVES, N2, post(1, 7, 1, GOOD))?;
        s.start(N1)?;
        must_be(&mut s, SURVIVES, N1, post(1, 7, 1, GOOD), first)?;
        stands(&s, SURVIVES, 1, 1)
    });
    suite.scenario(CHARGED, "a charge whose answer is lost, and a provider that has forgotten its key", move |p| {
        let mut s = up(f, p, 1, DAY, SHORT)?;
        let charged = |message: &Message| matches!(message, Message::Charged { .. } | Message::Found { charge: Some(_), .. });
        s.ask(N1, post(1, 7, 1, GOOD))?;
        s.run_losing(ANSWERS, |e| charged(&e.message))?;
        s.world.take_sent();
        s.wait(SHORT + millis(1_000))?;
        s.world.take_sent();
        created(&mut s, CHARGED, N1, post(1, 7, 1, GOOD))?;
        s.say("n1 asked the provider to take the money, which it did; its answer was lost. 11 s later the provider had forgotten the key, and the client asked again");
        stands(&s, CHARGED, 1, 1)
    });
    suite.scenario(SAME, "a refusal, and a provider that has forgotten it", move |p| {
        let mut s = up(f, p, 1, DAY, SHORT)?;
        must_be(&mut s, SAME, N1, post(1, 7, 1, DECLINED), Response::Declined)?;
        s.wait(SHORT + millis(1_000))?;
        must_be(&mut s, SAME, N1, post(1, 7, 1, DECLINED), Response::Declined)?;
        stands(&s, SAME, 0, 0)
    });
    suite.scenario(SOON, "a key that is valid for longer than the provider remembers its own", move |p| {
        let mut s = up(f, p, 1, SHORT * 3, SHORT)?;
        let first = created(&mut s, SOON, N1, post(1, 7, 1, GOOD))?;
        s.wait(SHORT * 2)?;
        must_be(&mut s, SOON, N1, post(1, 7, 1, GOOD), first)?;
        stands(&s, SOON, 1, 1)
    });
    suite.scenario(SOON, "a month later, on a server that was down meanwhile", move |p| {
        let mut s = up(f, p, 1, DAY * 31, DAY)?;
        let first = created(&mut s, SOON, N1, post(1, 7, 1, GOOD))?;
        s.crash(N1)?;
        s.wait(DAY * 30)?;
        s.start(N1)?;
        must_be(&mut s, SOON, N1, post(1, 7, 1, GOOD), first)?;
        stands(&s, SOON, 1, 1)
    });
    suite.scenario(ANSWERS_IN_TIME, "services that are away for a while", move |p| {
        for service in [database(1), provider(1)] {
            let mut s = up(f, p, 1, DAY, DAY)?;
            s.crash(service)?;
            let ticket = s.ask(N1, post(1, 7, 1, GOOD))?;
            s.run_until_answered(ticket, ANSWERS, |_| false)?;
            s.one_answer(ANSWERS_IN_TIME, ticket, "TryAgain", |answer| *answer == Response::TryAgain)?;
            s.start(service)?;
            created(&mut s, ANSWERS_IN_TIME, N1, post(1, 7, 1, GOOD))?;
            stands(&s, CHARGED, 1, 1)?;
        }
        Ok(())
    });
    suite.scenario(SOON, "asked again shortly before the key expires, and long after", move |p| expires(f, p));
    suite.scenario(BOUNDED, "three hundred orders, and what is left of them in memory", move |p| many(f, p));
}

fn twins(f: Factory<IdempotentOrders>, p: &Probe, nodes: usize) -> Check {
    for apart in 0..8 {
        let mut s = up(f, p, nodes, DAY, DAY)?;
        let (other, wish) = (if nodes > 1 { N2 } else { N1 }, post(1, 7, 1, GOOD));
        let first = s.ask(N1, wish)?;
        s.run(millis(apart))?;
        let second = s.ask_by(1, other, wish)?;
        s.run_until_answered(first, ANSWERS, |_| false)?;
        s.run_until_answered(second, ANSWERS, |_| false)?;
        let answer = created(&mut s, TWINS, N1, wish)?;
        stands(&s, TWINS, 1, 1)?;
        for ticket in [first, second] {
            s.answered(TWINS, ticket, &[answer, Response::TryAgain])?;
        }
        must_be(&mut s, TWINS, other, wish, answer)?;
    }
    Ok(())
}

/// A message is 1 ms under way: at each of these moments something else has been done, or not.
fn crashes(f: Factory<IdempotentOrders>, p: &Probe) -> Check {
    for amount in [GOOD, DECLINED] {
        for moment in 0..16 {
            let mut s = up(f, p, 1, DAY, DAY)?;
            let wish = post(1, 7, 1, amount);
            s.ask(N1, wish)?;
            s.run(millis(moment))?;
            s.restart(N1)?;
            if amount == GOOD {
                created(&mut s, SURVIVES, N1, wish)?;
                stands(&s, SURVIVES, 1, 1)?;
            } else {
                must_be(&mut s, SURVIVES, N1, wish, Response::Declined)?;
                stands(&s, SURVIVES, 0, 0)?;
            }
        }
    }
    Ok(())
}

/// What has not reached the database by then never does: an answer that was told before it stood is gone, and nobody else remembers it.
fn forgotten(f: Factory<IdempotentOrders>, p: &Probe) -> Check {
    for amount in [GOOD, DECLINED] {
        for moment in 0..16 {
            let mut s = up(f, p, 1, DAY, SHORT)?;
            let wish = post(1, 7, 1, amount);
            let ticket = s.ask(N1, wish)?;
            s.run(millis(moment))?;
            s.crash(N1)?;
            s.crash(database(1))?;
            s.run_losing(UNDER_WAY, |_| true)?;
            s.wait(SHORT)?;
            s.start(database(1))?;
            s.start(N1)?;
            match s.answer_to(ticket).copied().filter(|told| *told != Response::TryAgain) {
                Some(told) => must_be(&mut s, SAME, N1, wish, told)?,
                None if amount == GOOD => drop(created(&mut s, SURVIVES, N1, wish)?),
                None => {
                    let again = asks(&mut s, N1, wish)?;
                    let is_final = |answer: &Response| matches!(answer, Response::Created(_) | Response::Declined);
                    s.one_answer(in_time(&s, SURVIVES, again), again, "Created or Declined", is_final)?;
                }
            }
            if amount == GOOD {
                stands(&s, SURVIVES, 1, 1)?;
            }
        }
    }
    Ok(())
}

/// What holds until then, and the lesson of what may come after it.
fn expires(f: Factory<IdempotentOrders>, p: &Probe) -> Check {
    let keeps = SHORT * 2;
    let mut s = up(f, p, 1, keeps, keeps)?;
    let first = created(&mut s, SOON, N1, post(1, 7, 1, GOOD))?;
    s.wait(keeps - millis(1_000))?;
    must_be(&mut s, SOON, N1, post(1, 7, 1, GOOD), first)?;
    stands(&s, SOON, 1, 1)?;
    s.wait(keeps * 4)?;
    let again = created(&mut s, ANSWERS_IN_TIME, N1, post(1, 7, 1, GOOD))?;
    let so = if again == first { "the same order again" } else { "a second order, and paid for that too" };
    p.remark(format!(
        "A key that has expired. A client asked for an order, was told Created, and asked the same again 100 s later, although the key was valid for only 20 s: it \
         got {so}. Both are right by the contract. A client that may be away for longer than a key is valid must not ask again under it; it must first look at \
         what it has: GET /orders."
    ));
    Ok(())
}

/// Both services are run by the script here: what they save for each of so many orders would take longest.
fn many(f: Factory<IdempotentOrders>, p: &Probe) -> Check {
    let mut s = S::new(f, p, configs(1, SHORT, SHORT)).patient(ANSWERS);
    s.start(N1)?;
    let (mut database, mut provider) = (Database::default(), Provider::new(SHORT));
    let size = |s: &S| s.view(N1).unwrap_or(Size(0)).0;
    let before = size(&s);
    for i in 0..300 {
        s.say(format!("n1 is at order {i}"));
        let ticket = s.ask(N1, post(1, i, 1, GOOD))?;
        let until = s.now() + FINAL;
        let mut last = ticket;
        while s.now() < until {
            let now = s.now();
            s.play(millis(1), |e| database.handle(&e.message, now).or_else(|| provider.handle(&e.message, now)).into_iter().collect())?;
            match s.answer_to(last) {
                Some(Response::TryAgain) => last = s.ask(N1, post(1, i, 1, GOOD))?,
                Some(_) => break,
                None => {}
            }
        }
        s.one_answer(ANSWERS_IN_TIME, last, "Created", |answer| matches!(answer, Response::Created(_)))?;
    }
    let (times, stand) = (provider.times, database.orders());
    s.expect(CHARGED, (times, stand) == (300, 300), || {
        format!("300 orders were answered with Created; the provider has taken money {times} times, and {stand} orders exist")
    })?;
    s.wait(SHORT * 2)?;
    s.say(format!("n1 took 300 orders, one after the other, and {} s passed", SHORT.as_secs() * 2));
    let after = size(&s);
    s.expect(BOUNDED, after <= before + SPARE, || {
        format!("its fields have about {after} bytes, and had {before} when it started: {SPARE} more are allowed")
    })
}
