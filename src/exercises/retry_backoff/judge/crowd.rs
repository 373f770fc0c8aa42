//! What many decisions together tell: callers that failed together do not come back together, and waits grow as their ceiling does.
//!
//! README allows every even draw from a stretch of waits that is half of the ceiling or longer and reaches up to it: full jitter, equal jitter
//! and all between, in steps of 1 ms or finer. Each bound is one that such a draw misses less often than once in 10⁹ judgings, all crowds
//! together. The tails, exact binomial sums, for 100 waits under a ceiling of 200 ms or more; the narrowest draw is the worst case, and
//! a step of 1 ms adds a value to a window:
//!
//! | bound | for one crowd | |
//! |---|---|---|
//! | a twentieth of the ceiling holds 45 at most | 100 · P(Bin(99, 0.11) ≥ 45) = 5 · 10⁻¹⁶ | the window begins at any of the waits |
//! | a fifth of it holds 80 at most | 100 · P(Bin(99, 0.41) ≥ 80) = 6 · 10⁻¹⁴ | |
//! | 10 at least are longer than half of it | P(Bin(100, 0.5) ≤ 9) = 2 · 10⁻¹⁸ | full jitter is the worst case |
//! | of 40 waits the longest is longer than half of it | 2⁻⁴⁰ = 9 · 10⁻¹³ | at each of 293 places of a call that fails 300 times |
//! | of five waits under a ceiling of 1 s or more one is longer than a thousandth of it | 0.002⁵ = 3 · 10⁻¹⁴ | at each of 300 places |
//! | ten calls of one client do not all wait equally long | 100⁻⁹ = 10⁻¹⁸ | |
//!
//! A judging has fewer than 400 crowds: that is 3 · 10⁻¹⁰ together.

use super::client::{Client, Make, endless, wait_of};
use super::ghost::{Ghost, MANY, nth_failure, span};
use super::{DOUBLES, JITTER, NO_OVERFLOW, ONLY};
use crate::bench::Calls;
use crate::exercises::retry_backoff::{CallId, Config, Failure, Key, Request};
use crate::rng::{self, Rng};
use crate::rule::{Broken, Check};
use crate::time::millis;
use std::time::Duration;

const CALLERS: usize = 100;
/// Forty waits: so many clients, and so many failures in a row.
const CALLERS_OF_MANY: u64 = 5;
const IN_A_ROW: usize = 8;
/// Below this ceiling a step of 1 ms is too coarse to say anything.
pub(super) const LEAST_CEILING: Duration = millis(200);

/// The longest failures in a row of one caller that the fresh budget is good for.
pub(super) const MOST_FAILURES: u32 = 10;

/// The service says how long to stay away.
const AWAY: Failure = Failure::Overloaded { retry_after: Some(Duration::from_secs(1)) };

/// A hundred callers in one situation.
#[derive(Clone, Copy)]
pub(super) struct Crowd {
    pub config: Config,
    /// The call that fails, and how often before it is looked at.
    pub id: CallId,
    pub failures: u32,
    pub failure: Failure,
    /// Whether it failed in other ways before, one of which said how long to stay away: each is a failure of that call.
    pub mixed: bool,
    pub key: Option<Key>,
    /// So many others are open, and the first of them has failed so often.
    pub others: u64,
    pub of_the_first: u32,
}

impl Crowd {
    pub fn new(config: Config, failures: u32, failure: Failure) -> Self {
        Crowd { config, id: CallId(1), failures, failure, mixed: false, key: None, others: 0, of_the_first: 0 }
    }

    /// One of them, until its call has failed so often: how long it waits then.
    fn one(&self, make: Make, calls: &Calls, dice: &mut Rng) -> Result<Duration, Broken> {
        let mut client = Client::of_many(make, self.config, calls);
        // From 0 on, where the one that is looked at is none of them.
        let first = CallId(if self.id.0 >= self.others { 0 } else { self.id.0 + 1 });
        (0..self.others).for_each(|other| client.begin(CallId(first.0 + other), endless()));
        for _ in 0..self.of_the_first.min(self.others as u32 * MOST_FAILURES) {
            client.fails_after(millis(20), first, Failure::Unavailable, dice)?;
        }
        if self.of_the_first > 0 {
            client.rests();
        }
        client.begin(self.id, Request { key: self.key, ..endless() });
        let mut wait = Duration::ZERO;
        let ways = [self.failure, AWAY, Failure::Timeout, Failure::Unavailable];
        for left in (0..self.failures as usize).rev() {
            let failure = if self.mixed { ways[left % ways.len()] } else { self.failure };
            let decision = client.fails_after(millis(20), self.id, failure, dice)?;
            wait = wait_of(&client, decision, ONLY)?;
        }
        Ok(wait)
    }
}

/// A hundred callers, each with a policy and dice of its own, whose calls fail together, so many times.
pub(super) fn crowd(make: Make, crowd: Crowd, calls: &Calls, seed: u64) -> Check {
    let Crowd { config, failures, .. } = crowd;
    let ceiling = Ghost::new(config).ceiling(failures);
    if ceiling < LEAST_CEILING {
        return Ok(());
    }
    calls.work(CALLERS as u64);
    let mut waits = Vec::with_capacity(CALLERS);
    for caller in 0..CALLERS as u64 {
        waits.push(crowd.one(make, calls, &mut Rng::stream(rng::mix(seed ^ caller), 20))?);
    }
    waits.sort_unstable();
    let told = || {
        let story = || {
            let (base, cap, ordinal) = (span(config.base), span(config.cap), ordinal(failures));
            format!("100 clients (base {base}, cap {cap}), at one moment: failed(…) for a call of each, for the {ordinal}")
        };
        calls.caught(story, || format!("waits from {} to {}", span(waits[0]), span(waits[CALLERS - 1])));
    };
    for (part, most) in [(20, 45), (5, 80)] {
        let window = ceiling / part;
        let (first, most_there) = fullest(&waits, window);
        if most_there > most {
            told();
            let seen = format!(
                "100 callers failed together, each for the {}, and may wait up to {}: {most_there} of their retries fall within the same {}, from {} on; at most {most} are allowed",
                ordinal(failures),
                span(ceiling),
                span(window),
                span(first)
            );
            return Err(Broken::new(JITTER, seen));
        }
    }
    let long = waits.iter().filter(|wait| **wait > ceiling / 2).count();
    if long < 10 {
        told();
        let seen = format!(
            "100 callers failed, each for the {}, and may wait up to {}: {long} of them wait longer than half of that, but at least 10 must; the longest wait is {}",
            ordinal(failures),
            span(ceiling),
            span(waits[CALLERS - 1])
        );
        return Err(Broken::new(DOUBLES, seen));
    }
    Ok(())
}

fn ordinal(failures: u32) -> String {
    let nth = nth_failure(failures);
    nth.split(' ').next().unwrap_or_default().to_owned() + " time"
}

/// Of sorted waits, the most that lie within a window that begins at one of them.
fn fullest(waits: &[Duration], window: Duration) -> (Duration, usize) {
    let held = |(i, first): (usize, &Duration)| (*first, waits[i..].partition_point(|wait| *wait < *first + window));
    waits.iter().enumerate().map(held).max_by_key(|(_, held)| *held).unwrap_or_default()
}

/// Ten calls of one client that fail at one moment: their waits differ.
pub(super) fn together(client: &mut Client, rng: &mut Rng) -> Check {
    let ceiling = client.ghost.ceiling(1);
    if ceiling < LEAST_CEILING {
        return Ok(());
    }
    let free = (100..).map(CallId).filter(|id| !client.ghost.open.contains_key(id)).take(10);
    let ids: Vec<CallId> = free.collect();
    client.rests();
    ids.iter().for_each(|id| client.begin(*id, endless()));
    client.now = client.now + millis(5);
    let mut waits = Vec::new();
    for id in &ids {
        let decision = client.fails(*id, Failure::Unavailable, rng)?;
        waits.push(wait_of(client, decision, ONLY)?);
    }
    ids.iter().for_each(|id| {
        client.comes_to(*id, millis(1));
        client.succeeds(*id);
    });
    if waits.iter().all(|wait| *wait == waits[0]) {
        let seen = format!("10 calls of one client failed at one moment, and all of them wait {}: they come back together", span(waits[0]));
        return Err(Broken::new(JITTER, seen));
    }
    Ok(())
}

/// Callers whose calls fail again and again: however many tries there were, some wait longer than half of the ceiling.
pub(super) fn many_failures(make: Make, config: Config, calls: &Calls, failures: u32) -> Check {
    let mut longest = vec![Duration::ZERO; failures as usize];
    for caller in 0..CALLERS_OF_MANY {
        let (mut client, dice) = (Client::of_many(make, config, calls), &mut Rng::stream(caller, 19));
        client.begin(CallId(1), endless());
        for longest in &mut longest {
            if client.ghost.owed() == 0 {
                client.rests();
            }
            let decision = client.fails_after(millis(20), CallId(1), Failure::Timeout, dice)?;
            *longest = wait_of(&client, decision, NO_OVERFLOW)?.max(*longest);
        }
    }
    let ghost = Ghost::new(config);
    for (nth, longest) in (1..).zip(&longest) {
        let ceiling = ghost.ceiling(nth);
        if ceiling >= LEAST_CEILING * 5 && *longest <= ceiling / 1_000 {
            let seen = format!(
                "a call failed {nth} times, for each of {CALLERS_OF_MANY} clients: after its {} it may wait up to {}, but the longest of their waits is {}",
                nth_failure(nth),
                span(ceiling),
                span(*longest)
            );
            calls.caught(|| format!("{CALLERS_OF_MANY} × failed, {nth} times in a row"), || format!("{} at most", span(*longest)));
            return Err(Broken::new(if nth < MANY { DOUBLES } else { NO_OVERFLOW }, seen));
        }
    }
    for (nth, waits) in (1..).zip(longest.windows(IN_A_ROW)) {
        let (ceiling, last) = (ghost.ceiling(nth), nth + IN_A_ROW as u32 - 1);
        let longest = waits.iter().max().copied().unwrap_or_default();
        if ceiling >= LEAST_CEILING && longest <= ceiling / 2 {
            let seen = format!(
                "a call failed {last} times, for each of {CALLERS_OF_MANY} clients: after its {} it may wait up to {}, and after that not less; of the {} waits from there on, the longest is {}, but at least one must be longer than half of that",
                nth_failure(nth),
                span(ceiling),
                CALLERS_OF_MANY * IN_A_ROW as u64,
                span(longest)
            );
            calls.caught(|| format!("{CALLERS_OF_MANY} × failed, {last} times in a row"), || format!("{} at most", span(longest)));
            return Err(Broken::new(if nth < MANY { DOUBLES } else { NO_OVERFLOW }, seen));
        }
    }
    Ok(())
}
