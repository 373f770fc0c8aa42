//! Three hundred at once, and forty times in one life: a worker has no limit of its own on who waits for the lock, on what is under way to the storage, or
//! on how often it takes the lock. Whatever else it does goes on meanwhile.

use super::{
    Cluster, DONE, GIVEN, HALF, IN_TIME, KEEPS, LEASE, Message, Request, Response, TAKES, TRUTH, Token, WAITER, entry, granted, question,
    worker, wrote,
};
use crate::exercises::kit::{N1, N2, N3};
use crate::exercises::lease_lock::{ANSWERS, ASKS, LeaseLock};
use crate::rule::{Broken, Check};
use crate::sim::{Envelope, Factory, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::collections::BTreeSet;
use std::time::Duration;

const MANY: u64 = 300;
/// A little longer than a worker may let pass between two questions.
const SOON: Duration = millis(55);

pub(super) fn add(suite: &mut Suite, f: Factory<LeaseLock>) {
    suite.vector(WAITER, "three hundred clients wait for the lock", move |p| waiting(f, p));
    suite.vector(TRUTH, "three hundred writes at once", move |p| writing(f, p));
    suite.vector(TRUTH, "three hundred writes of a lease that has since been given back", move |p| left_open(f, p));
    suite.vector(GIVEN, "forty leases in one life", move |p| leases(f, p));
}

/// What it has said to the server since the last look.
fn told_server(s: &mut Cluster) -> Vec<Envelope<LeaseLock>> {
    s.world.take_sent_to(N1)
}

fn asks(sent: &[Envelope<LeaseLock>]) -> usize {
    sent.iter().filter(|e| matches!(e.message, Message::Acquire { .. })).count()
}

fn renews(sent: &[Envelope<LeaseLock>]) -> usize {
    sent.iter().filter(|e| matches!(e.message, Message::Renew { .. })).count()
}

fn releases(sent: &[Envelope<LeaseLock>], token: Token) -> bool {
    sent.iter().any(|e| matches!(e.message, Message::Release(back) if back == token))
}

fn locks(s: &mut Cluster) -> Result<Vec<Ticket>, Broken> {
    (0..MANY).map(|_| s.ask(N3, Request::Lock)).collect()
}

fn all(s: &Cluster, rule: &'static str, tickets: &[Ticket], expected: Response) -> Check {
    tickets.iter().try_for_each(|ticket| s.one_answer(rule, *ticket, &format!("{expected:?}"), |answer| *answer == expected))
}

/// They wait, it goes on asking, a write is told that nothing is held; an Unlock sends all of them away, and the grant that comes then is given back. The next
/// ones get it.
fn waiting(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let tickets = locks(&mut s)?;
    s.say(format!("{MANY} clients wait for the lock at n3"));
    let mut asked = None;
    for _ in 0..2 {
        s.wait(SOON)?;
        let sent = told_server(&mut s);
        s.expect(WAITER, asks(&sent) > 0, || format!("but it has not asked n1 for it for {} ms", ASKS.as_millis()))?;
        asked = question(&sent);
    }
    let early = s.call(N3, Request::Write(entry(Token(700), 1, 1)))?;
    s.one_answer(IN_TIME, early, "NotHeld", |answer| *answer == Response::NotHeld)?;
    let unlocked = s.call(N3, Request::Unlock)?;
    s.wait(TAKES)?;
    s.one_answer(IN_TIME, unlocked, "Unlocked", |answer| *answer == Response::Unlocked)?;
    all(&s, IN_TIME, &tickets, Response::NotHeld)?;
    told_server(&mut s);
    s.tell(N1, N3, Message::Granted { token: Token(700), asked: asked.unwrap_or_default() })?;
    s.wait(TAKES)?;
    let sent = told_server(&mut s);
    s.expect(DONE, releases(&sent, Token(700)), || "nobody wants it any more, but it did not give t700 back".to_owned())?;
    let tickets = locks(&mut s)?;
    granted(&mut s, Token(701))?;
    s.say(format!("{MANY} clients waited for the lock at n3, and n1 granted it t701"));
    all(&s, WAITER, &tickets, Response::Locked(Token(701)))
}

/// They are sent, the lease is renewed meanwhile, and each is answered for itself: by Wrote, by Refused, or by nothing at all.
fn writing(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let token = Token(700);
    let (_, since) = granted(&mut s, token)?;
    s.wait(millis(150) - s.now().since(since))?;
    told_server(&mut s);
    let numbers: Vec<u64> = (0..MANY).map(|i| i * i * 50).collect();
    let tickets: Vec<Ticket> =
        numbers.iter().map(|number| s.ask(N3, Request::Write(entry(token, *number, 1)))).collect::<Result<_, _>>()?;
    s.wait(TAKES)?;
    s.say(format!("n3 holds t700, and was asked for {MANY} writes at once"));
    let sent: BTreeSet<u64> = wrote(&mut s).into_iter().collect();
    let missing = numbers.iter().find(|number| !sent.contains(number));
    s.expect(KEEPS, missing.is_none(), || format!("it did not send n2 the write with number {}", missing.unwrap_or(&0)))?;
    let again = s.call(N3, Request::Lock)?;
    s.one_answer(WAITER, again, "Locked(t700)", |answer| *answer == Response::Locked(token))?;
    let other = s.call(N3, Request::Write(entry(Token(699), 1, 1)))?;
    s.one_answer(TRUTH, other, "NotHeld", |answer| *answer == Response::NotHeld)?;
    for (i, number) in numbers.iter().enumerate().rev() {
        match i % 7 {
            3 => {}
            5 => s.tell(N2, N3, Message::Refused { token, number: *number })?,
            _ => s.tell(N2, N3, Message::Wrote { token, number: *number })?,
        }
    }
    let mut asked = question(&told_server(&mut s));
    for _ in 0..2 {
        let to_half = (HALF + millis(5)).saturating_sub(s.now().since(since));
        s.wait(to_half.max(SOON))?;
        let sent = told_server(&mut s);
        s.expect(KEEPS, renews(&sent) > 0, || "half of the lease was over, but it did not ask n1 to renew it".to_owned())?;
        asked = question(&sent).or(asked);
    }
    s.tell(N1, N3, Message::Granted { token, asked: asked.unwrap_or_default() })?;
    s.wait(ANSWERS - millis(100))?;
    s.say(format!("n3 holds t700, and was asked for {MANY} writes at once; n2 answered all except every seventh with Wrote or Refused"));
    for (i, ticket) in tickets.into_iter().enumerate() {
        let expected = if matches!(i % 7, 3 | 5) { Response::Unknown } else { Response::Written };
        s.one_answer(TRUTH, ticket, &format!("{expected:?}"), |answer| *answer == expected)?;
    }
    s.wait((LEASE + millis(20)).saturating_sub(s.now().since(since)))?;
    let late = s.call(N3, Request::Lock)?;
    s.one_answer(KEEPS, late, "Locked(t700), which was renewed", |answer| *answer == Response::Locked(token))
}

/// The lease is given back while its writes are under way; three hundred clients wait for the next one. The answers of the storage are for the writes of
/// the old lease, and for none of the new one with the same number.
fn left_open(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let (old, new) = (Token(700), Token(701));
    granted(&mut s, old)?;
    let tickets: Vec<Ticket> = (0..MANY).map(|number| s.ask(N3, Request::Write(entry(old, number, 1)))).collect::<Result<_, _>>()?;
    told_server(&mut s);
    let unlocked = s.ask(N3, Request::Unlock)?;
    s.wait(TAKES)?;
    s.say(format!("n3 held t700, sent n2 {MANY} writes, and was asked to unlock"));
    s.one_answer(IN_TIME, unlocked, "Unlocked", |answer| *answer == Response::Unlocked)?;
    let sent = told_server(&mut s);
    s.expect(DONE, releases(&sent, old), || "it did not give t700 back".to_owned())?;
    let waiting = locks(&mut s)?;
    s.wait(SOON)?;
    s.say(format!("n3 gave t700 back while {MANY} writes were under way, and {MANY} clients wait for the lock"));
    let sent = told_server(&mut s);
    s.expect(WAITER, asks(&sent) > 1, || format!("it has not asked n1 for it again within {} ms", ASKS.as_millis()))?;
    let first = sent.iter().find_map(|e| question(std::slice::from_ref(e))).unwrap_or_default();
    let asked = question(&sent).unwrap_or_default();
    // n1 has not heard of the Release.
    s.tell(N1, N3, Message::Granted { token: old, asked: first })?;
    for number in (0..MANY).filter(|number| number % 4 != 3) {
        s.tell(N2, N3, if number % 4 == 2 { Message::Refused { token: old, number } } else { Message::Wrote { token: old, number } })?;
    }
    s.wait(TAKES)?;
    let sent = told_server(&mut s);
    s.expect(GIVEN, releases(&sent, old), || "n1 granted t700 once more, but n3 did not give it back".to_owned())?;
    s.tell(N1, N3, Message::Granted { token: new, asked })?;
    s.wait(TAKES)?;
    all(&s, WAITER, &waiting, Response::Locked(new))?;
    let one = s.ask(N3, Request::Write(entry(new, 3, 2)))?;
    let two = s.ask(N3, Request::Write(entry(new, 1, 2)))?;
    s.wait(TAKES)?;
    s.say("n3 holds t701 and has sent n2 two writes under it; t700 had writes with the same numbers".to_owned());
    // Once more, late.
    s.tell(N2, N3, Message::Wrote { token: old, number: 1 })?;
    s.wait(TAKES)?;
    s.expect(TRUTH, s.answer_to(two).is_none(), || {
        "n2 answered Wrote for entry 1 of t700, but n3 took that for an answer about entry 1 of t701".to_owned()
    })?;
    s.tell(N2, N3, Message::Wrote { token: new, number: 3 })?;
    s.tell(N2, N3, Message::Wrote { token: new, number: 1 })?;
    s.wait(ANSWERS)?;
    for ticket in [one, two] {
        s.one_answer(TRUTH, ticket, "Written", |answer| *answer == Response::Written)?;
    }
    for (number, ticket) in tickets.into_iter().enumerate() {
        let expected = if number % 4 < 2 { Response::Written } else { Response::Unknown };
        s.one_answer(TRUTH, ticket, &format!("{expected:?}"), |answer| *answer == expected)?;
    }
    Ok(())
}

/// Each is given back, and the last of them is not used again by the next life.
fn leases(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let last = Token(839);
    for token in (800..=last.0).map(Token) {
        granted(&mut s, token)?;
        told_server(&mut s);
        let unlocked = s.ask(N3, Request::Unlock)?;
        s.wait(TAKES)?;
        s.say(format!("n3 took the lock {} times", token.0 - 799));
        s.one_answer(IN_TIME, unlocked, "Unlocked", |answer| *answer == Response::Unlocked)?;
        let sent = told_server(&mut s);
        s.expect(DONE, releases(&sent, token), || format!("a client was done with it, but it did not give {token:?} back"))?;
    }
    s.restart(N3)?;
    let ticket = s.ask(N3, Request::Lock)?;
    s.wait(SOON)?;
    let asked = question(&told_server(&mut s)).unwrap_or_default();
    s.tell(N1, N3, Message::Granted { token: last, asked })?;
    s.wait(TAKES)?;
    s.say("n3 took the lock forty times and gave it back, restarted, and was asked for it once more".to_owned());
    s.expect(GIVEN, s.answer_to(ticket).is_none(), || format!("n1 said that n3 still has {last:?}, and it took it"))?;
    let sent = told_server(&mut s);
    s.expect(GIVEN, releases(&sent, last), || format!("n1 said that n3 still has {last:?}, but it did not give it back"))
}
