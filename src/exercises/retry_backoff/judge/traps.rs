//! What a learner should see first, and the textbook traps.

use super::client::{Client, Make, endless, patient, wait_of};
use super::crowd::{self, Crowd};
use super::{BUDGET, DEADLINE, DOUBLES, JITTER, KEY, NO_OVERFLOW, ONLY, RESETS, RETRY_AFTER};
use crate::bench::Calls;
use crate::exercises::kit::rows;
use crate::exercises::retry_backoff::{CallId, Config, Decision, Failure, Key, Request};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::time::Duration;

const C1: CallId = CallId(1);
const CONFIG: Config = Config { base: millis(200), cap: Duration::from_secs(10) };
/// Between the two lie 25 doublings. The base is even, so that a shift pushes all of it out of its word before the shift itself is too far.
const WIDE: Config = Config { base: millis(4), cap: Duration::from_secs(24 * 60 * 60) };
const LONG: Config = Config { cap: Duration::from_secs(60), ..CONFIG };

const FAILURES: [(&str, Failure); 5] = [
    ("a timeout", Failure::Timeout),
    ("an error of the server", Failure::ServerError),
    ("a service that cannot be reached", Failure::Unavailable),
    ("a service that refuses", Failure::Overloaded { retry_after: None }),
    ("an error of the caller", Failure::CallerError),
];

/// A hundred callers, each for the so manieth time.
const CROWDS: [(&str, u32); 7] = [
    ("the second failure of a hundred callers", 2),
    ("the third failure of a hundred callers", 3),
    ("the fourth failure of a hundred callers", 4),
    ("the fifth failure of a hundred callers", 5),
    ("the sixth failure of a hundred callers", 6),
    ("the seventh failure of a hundred callers", 7),
    ("the eighth failure of a hundred callers", 8),
];

pub(super) fn add(suite: &mut Suite, make: Make) {
    rows(suite, ONLY, FAILURES, move |p, failure| {
        for (idempotent, key) in [(true, None), (false, Some(Key(7))), (false, None)] {
            let mut client = Client::new(make, CONFIG, Calls::new(p));
            client.begin(C1, Request { idempotent, key, ..patient() });
            client.fails_after(millis(50), C1, *failure, &mut Rng::new(1))?;
        }
        Ok(())
    });
    suite.vector(KEY, "a key through four tries", move |p| {
        let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(2));
        client.begin(C1, Request { key: Some(Key(41)), idempotent: false, ..patient() });
        client.begin(CallId(2), Request { key: Some(Key(42)), ..patient() });
        for call in [C1, C1, CallId(2), C1] {
            client.fails_after(millis(50), call, Failure::Timeout, dice)?;
        }
        Ok(())
    });
    rows(suite, DEADLINE, [("a deadline that is far", 60_000), ("a deadline that is near", 250), ("a deadline that is over", 40)], {
        move |p, deadline| {
            (0..20).try_for_each(|dice| {
                let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(dice));
                client.begin(C1, Request { deadline: Time::from_millis(*deadline), ..patient() });
                while client.ghost.open.contains_key(&C1) && client.ghost.owed() > 0 {
                    client.fails_after(millis(50), C1, Failure::Unavailable, dice)?;
                }
                Ok(())
            })
        }
    });
    rows(suite, RETRY_AFTER, [("retry after 3 s", 3), ("retry after longer than the cap", 30)], move |p, seconds| {
        let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(4));
        let failure = Failure::Overloaded { retry_after: Some(Duration::from_secs(*seconds)) };
        client.begin(C1, patient());
        client.begin(CallId(2), Request { deadline: Time::from_millis(2_000), ..patient() });
        client.fails_after(millis(50), C1, failure, dice)?;
        client.fails(CallId(2), failure, dice)?;
        client.fails_after(millis(50), C1, failure, dice).map(drop)
    });
    suite.vector(RESETS, "an id that comes again", move |p| comes_again(make, p));
    suite.scenario(JITTER, "a hundred callers that failed together", move |p| {
        (0..8).try_for_each(|seed| crowd::crowd(make, Crowd::new(CONFIG, 1, Failure::Timeout), &Calls::new(p), seed))
    });
    for (name, failures) in CROWDS {
        suite.scenario(DOUBLES, name, move |p| {
            let crowd = Crowd::new(LONG, failures, Failure::Unavailable);
            (0..2).try_for_each(|mixed| crowd::crowd(make, Crowd { mixed: mixed == 1, ..crowd }, &Calls::new(p), mixed))
        });
    }
    suite.scenario(JITTER, "ten calls of one client that fail together", move |p| {
        let mut client = Client::new(make, CONFIG, Calls::new(p));
        (0..3).try_for_each(|seed| crowd::together(&mut client, &mut Rng::new(seed)))
    });
    suite.scenario(NO_OVERFLOW, "300 failures of one call", move |p| crowd::many_failures(make, WIDE, &Calls::new(p), 300));
    suite.scenario(BUDGET, "an outage of a minute", move |p| outage(make, p));
    rows_of(suite, make);
    suite.scenario(BUDGET, "what is spent stays spent for ten seconds", move |p| {
        (0..5).try_for_each(|turn| stays_spent(make, p, Duration::from_secs(2 * turn)))
    });
    suite.scenario(BUDGET, "an outage after a good hour", move |p| {
        after_good_times(make, p, false)?;
        after_good_times(make, p, true)
    });
}

/// Which calls there are of which one in twenty-five fails: their id and their request, and how many others are open.
const FEW: [(&str, u64, bool, Option<u64>, u64); 6] = [
    ("one call in twenty-five fails", 0, true, None, 0),
    ("one order in twenty-five fails", u64::MAX, false, Some(0), 1),
    ("one call in twenty-five fails, and two others are open", 5, false, Some(5), 2),
    ("one call in twenty-five fails, and twelve others are open", (1 << 32) + 2, true, Some((1 << 53) + 2), 12),
    ("one call in twenty-five fails, and forty others are open", 256, true, Some(u64::MAX), 40),
    ("one read in twenty-five fails, and three others are open", (1 << 53) + 3, true, None, 3),
];

fn rows_of(suite: &mut Suite, make: Make) {
    for (name, id, idempotent, key, others) in FEW {
        let request = Request { idempotent, key: key.map(Key), ..endless() };
        suite.scenario(BUDGET, name, move |p| few_fail(make, p, CallId(id), request, others));
    }
}

/// One id, first of a call that fails four times and succeeds, then of one that is given up, then of a third.
fn comes_again(make: Make, p: &Probe) -> Check {
    (0..20).try_for_each(|dice| {
        let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(dice));
        client.begin(C1, Request { key: Some(Key(41)), ..patient() });
        for _ in 0..4 {
            client.fails_after(millis(50), C1, Failure::Timeout, dice)?;
        }
        client.comes_to(C1, millis(50));
        client.succeeds(C1);
        client.begin(C1, Request { key: Some(Key(42)), ..patient() });
        client.fails_after(millis(50), C1, Failure::Timeout, dice)?;
        client.fails_after(millis(50), C1, Failure::Timeout, dice)?;
        client.fails_after(millis(50), C1, Failure::CallerError, dice)?;
        client.begin(C1, patient());
        client.fails_after(millis(50), C1, Failure::Timeout, dice).map(drop)
    })
}

/// A service is down for a minute, and 50 calls begin each second.
fn outage(make: Make, p: &Probe) -> Check {
    let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(6));
    client.succeed_in_turn(500, millis(20), CallId(9_999), patient());
    client.is_quiet = true;
    client.tells(|| "then every call fails: 50 begin each second, and each try fails when its time has come".to_owned());
    for call in 1..=3_000 {
        client.now = client.now + millis(20);
        client.begin(CallId(call), Request { deadline: client.now + Duration::from_secs(20), ..patient() });
        // Whoever is due has failed again.
        let due: Vec<CallId> = client.ghost.open.iter().filter(|(_, open)| open.ready <= client.now).map(|(id, _)| *id).collect();
        due.into_iter().try_for_each(|id| client.fails(id, Failure::Unavailable, dice).map(drop))?;
    }
    Ok(())
}

/// One call in twenty-five fails, once, at 100 calls a second: each of these is tried again, as the budget is made for that.
fn few_fail(make: Make, p: &Probe, id: CallId, request: Request, others: u64) -> Check {
    let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(7));
    let other = |number: u64| CallId(id.0.wrapping_add(number));
    (1..=others).for_each(|number| client.begin(other(number), request));
    for _ in 0..others % 4 {
        client.fails_after(millis(5), other(1), Failure::Unavailable, dice)?;
    }
    client.rests();
    for failed in 1..=150 {
        client.succeed_in_turn(24, millis(10), id, request);
        client.now = client.now + millis(5);
        client.begin(id, request);
        client.now = client.now + millis(5);
        let decision = client.fails(id, Failure::Timeout, dice)?;
        if decision == Decision::GiveUp {
            let seen = format!(
                "one call in 25 fails, once, at 100 calls a second: after {}, the call with the {} was given up; 4 % of retries are within the budget",
                counted(failed * 25, "call"),
                super::ghost::nth_failure(failed)
            );
            return Err(Broken::new(BUDGET, seen));
        }
        wait_of(&client, decision, BUDGET)?;
        client.comes_to(id, millis(5));
        client.succeeds(id);
    }
    Ok(())
}

/// What a long good time has earned may not all be spent at once.
fn after_good_times(make: Make, p: &Probe, in_turn: bool) -> Check {
    let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(8));
    client.succeed_in_turn(3_500, Duration::from_secs(1), CallId(9_999), patient());
    client.now = client.now + Duration::from_secs(20);
    client.is_quiet = true;
    client.tells(|| {
        let how = if in_turn { ", each when the one before has succeeded at its second try" } else { "" };
        format!("60 calls begin and fail from {} on, one after the other{how}", client.now)
    });
    for call in 1..=60 {
        client.begin(CallId(call), patient());
        client.fails(CallId(call), Failure::Unavailable, dice)?;
        if in_turn && client.ghost.open.contains_key(&CallId(call)) {
            client.comes_to(CallId(call), Duration::ZERO);
            client.succeeds(CallId(call));
        }
    }
    Ok(())
}

/// Calls earn retries, these are spent nine seconds later, and two seconds after that the client wants more: a window that begins anew in
/// between has forgotten what was spent. It may begin at any time, so the story does.
fn stays_spent(make: Make, p: &Probe, begin: Duration) -> Check {
    let (mut client, dice) = (Client::new(make, CONFIG, Calls::new(p)), &mut Rng::new(9));
    client.now = client.now + begin;
    let (first, last) = (Duration::from_millis(9_500), Duration::from_millis(12_500));
    let since = client.now;
    client.is_quiet = true;
    client.tells(|| format!("130 calls begin at {since}, CallId(1) to CallId(130)"));
    (1..=130).for_each(|call| client.begin(CallId(call), patient()));
    client.is_quiet = false;
    client.succeed_in_turn(1_000, Duration::from_micros(100), CallId(9_999), patient());
    client.is_quiet = true;
    for (after, calls) in [(first, 1..=100), (last, 101..=130)] {
        client.now = since + after;
        client.tells(|| format!("CallId({}) to CallId({}) fail at {}, Unavailable", calls.start(), calls.end(), client.now));
        for call in calls {
            client.fails(CallId(call), Failure::Unavailable, dice)?;
        }
    }
    Ok(())
}
