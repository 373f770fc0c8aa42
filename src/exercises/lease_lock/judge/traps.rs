//! The textbook traps of `lease_lock`, with the script in the place of peers that would hide them.

use super::{
    DONE, GIVEN, LEASE, Message, ONE, RELEASE, RENEWAL, RESTART, Request, Response, STOPS, STORAGE, TAKES, TOKENS, TRUTH, TWICE, Token,
    WAITER, config, entry, grant, granted, question, reads, worker, wrote,
};
use crate::exercises::kit::{N1, N2, N3, N4, Script, crash_sweep};
use crate::exercises::lease_lock::LeaseLock;
use crate::rule::Check;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;

pub(super) fn add(suite: &mut Suite, f: Factory<LeaseLock>) {
    suite.scenario(TOKENS, "a crash between any two effects of a grant", move |p| {
        let set = || {
            let mut s = Script::new(f, p, vec![config(); 4]);
            s.start(N1)?;
            s.wait(LEASE + TAKES)?;
            Ok(s)
        };
        for swept in crash_sweep(N1, set, |s| grant(s, N3, 1)) {
            let (mut s, first) = swept?;
            let Some(first) = first else { continue };
            let early = grant(&mut s, N4, 2)?;
            s.expect(RESTART, early.is_none(), || format!("n3 holds {first:?}, granted before the restart, but n4 got {early:?}"))?;
            s.wait(LEASE + TAKES)?;
            let next = grant(&mut s, N4, 3)?;
            s.expect(TOKENS, next.is_none_or(|next| next > first), || format!("n3 had been given {first:?}, but n4 got {next:?}"))?;
        }
        Ok(())
    });
    suite.scenario(STORAGE, "a crash between any two effects of a write", move |p| {
        let set = || {
            let mut s = Script::new(f, p, vec![config(); 4]);
            s.start(N2)?;
            Ok(s)
        };
        for swept in crash_sweep(N2, set, |s| s.tell(N4, N2, Message::Write(entry(Token(9), 1, 5)))) {
            let (mut s, ()) = swept?;
            let wrote = s.world.take_sent_to(N4).iter().any(|e| matches!(e.message, Message::Wrote { .. }));
            if wrote {
                reads(&mut s, STORAGE, 5)?;
            }
        }
        Ok(())
    });
    suite.scenario(TWICE, "a request that comes twice because its answer was lost", move |p| twice(f, p));
    suite.scenario(RENEWAL, "a Renew that comes when the lease is over", move |p| late_renewal(f, p));
    suite.scenario(GIVEN, "a lease that was given back before a restart, granted again", move |p| given_back(f, p));
    suite.scenario(STOPS, "a grant of the last life", move |p| last_life(f, p));
    suite.scenario(DONE, "a grant that comes after the Unlock", move |p| unwanted(f, p));
    suite.scenario(TRUTH, "a write that is refused when a copy of it was written", move |p| refused(f, p));
}

fn twice(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![config(); 4]);
    s.start(N1)?;
    s.wait(LEASE + TAKES)?;
    let first = grant(&mut s, N3, 5)?;
    let again = grant(&mut s, N3, 5)?;
    s.expect(TWICE, again == first, || format!("n3 got {first:?}, sent the same request again, and got {again:?}: it must be one lease"))?;
    let other = grant(&mut s, N3, 6)?;
    s.expect(TWICE, other == first, || format!("n3 got {first:?}, asked again, and got {other:?}: it must be one lease"))
}

fn late_renewal(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![config(); 4]);
    s.start(N1)?;
    s.wait(LEASE + TAKES)?;
    let Some(token) = grant(&mut s, N3, 1)? else { return Ok(()) };
    s.wait(LEASE + TAKES)?;
    s.world.take_sent_to(N3);
    s.tell(N3, N1, Message::Renew { token, asked: 2 })?;
    s.wait(TAKES)?;
    let granted = s.world.take_sent_to(N3).iter().any(|e| matches!(e.message, Message::Granted { .. }));
    s.expect(RENEWAL, !granted, || format!("{token:?} was over, but n1 granted n3 that it goes on"))?;
    let next = grant(&mut s, N4, 3)?;
    s.expect(ONE, next.is_some_and(|next| next > token), || format!("{token:?} was over, and n4 asked for the lock and got {next:?}"))
}

/// The Release is lost, and the server knows of nothing.
fn given_back(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let token = Token(5);
    granted(&mut s, token)?;
    s.call(N3, Request::Unlock)?;
    s.wait(TAKES)?;
    s.restart(N3)?;
    let ticket = s.ask(N3, Request::Lock)?;
    s.wait(TAKES * 3)?;
    let Some(asked) = question(&s.world.take_sent_to(N1)) else {
        return Err(s.broken(WAITER, "n3 was asked for the lock, but did not ask n1 for it"));
    };
    s.tell(N1, N3, Message::Granted { token, asked })?;
    s.wait(TAKES)?;
    s.expect(GIVEN, s.answer_to(ticket).is_none(), || {
        format!("n3 had given {token:?} back before it restarted (that Release may still come to n1), but took it again")
    })
}

/// What was asked in the last life counts from then, whatever numbers a new life begins with.
fn last_life(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let (asked, since) = granted(&mut s, Token(5))?;
    s.crash(N3)?;
    s.wait(LEASE * 95 / 100 - s.now().since(since))?;
    s.start(N3)?;
    let ticket = s.ask(N3, Request::Lock)?;
    s.world.take_sent_to(N1);
    s.wait(LEASE * 4 / 100)?;
    // It comes once more, late: by now 0.99 of that lease are over.
    s.tell(N1, N3, Message::Granted { token: Token(5), asked })?;
    s.wait(TAKES)?;
    s.expect(STOPS, s.answer_to(ticket).is_none(), || {
        format!("the grant answers a request of its last life ({asked}), 0.99 of a lease ago, but n3 took it for an answer to a new one")
    })
}

fn unwanted(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    s.ask(N3, Request::Lock)?;
    s.wait(TAKES * 3)?;
    let asked = question(&s.world.take_sent_to(N1));
    let Some(asked) = asked else { return Err(s.broken(WAITER, "n3 was asked for the lock, but did not ask n1 for it")) };
    s.call(N3, Request::Unlock)?;
    s.wait(millis(1))?;
    s.world.take_sent_to(N1);
    s.tell(N1, N3, Message::Granted { token: Token(5), asked })?;
    s.wait(TAKES)?;
    let released = s.world.take_sent_to(N1).iter().any(|e| e.message == Message::Release(Token(5)));
    s.expect(DONE, released, || "nobody at n3 wants the lock any more, but it did not give t5 back".to_owned())?;
    let late = s.call(N3, Request::Write(entry(Token(5), 1, 1)))?;
    let sent = wrote(&mut s);
    s.expect(RELEASE, sent.is_empty(), || "n3 sent n2 a write under the lease that it had given back".to_owned())?;
    s.answered(TRUTH, late, &[Response::NotHeld])
}

/// The copy that was written was answered with Wrote, and that answer is late.
fn refused(f: Factory<LeaseLock>, p: &Probe) -> Check {
    let mut s = worker(f, p)?;
    let token = Token(5);
    granted(&mut s, token)?;
    let ticket = s.ask(N3, Request::Write(entry(token, 1, 1)))?;
    s.wait(TAKES)?;
    s.tell(N2, N3, Message::Refused { token, number: 1 })?;
    s.wait(crate::exercises::lease_lock::ANSWERS)?;
    s.one_answer(TRUTH, ticket, "Unknown", |answer| *answer == Response::Unknown)
}
