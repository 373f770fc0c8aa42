//! The picture of this exercise: a poison job on its way to the dead letters, and what the others did meanwhile.

use super::config;
use super::rules::{DEAD, POISON};
use super::spec::Watch;
use crate::exercises::kit::{N1, Script};
use crate::exercises::work_queue::{Config, JobId, Key, Receipt, Request, Response, WorkQueue};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Setup, World};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::time::Duration;

const POISONED: JobId = JobId(1);
const NEXT: JobId = JobId(2);
const KEY: Key = Key(1);
/// The worker of this attempt says nothing at all.
const HANGS: u32 = 2;

/// One attempt of the poison job.
struct Attempt {
    at: Time,
    ended: Option<(&'static str, Time)>,
    /// So many jobs of other keys were done until the next one.
    others: u32,
}

pub(super) fn add(suite: &mut Suite, f: Factory<WorkQueue>) {
    suite.scenario(POISON, "a poison job, and what the others did meanwhile", move |p| shown(f, p));
}

type Broker<'r> = Script<'r, WorkQueue>;

fn asks(s: &mut Broker<'_>, request: Request) -> Result<Option<Response>, Broken> {
    let ticket = s.call(N1, request)?;
    Ok(s.answer_to(ticket).cloned())
}

fn table(attempts: &[Attempt], lease: Duration) -> String {
    let mut text = format!("  {:<9}{:<12}{:<26}{:<10}done of other keys meanwhile", "attempt", "handed out", "ended", "rested");
    for (i, attempt) in attempts.iter().enumerate() {
        let (how, at) = attempt.ended.unwrap_or(("lease over", attempt.at + lease));
        let rested = attempts.get(i + 1).map_or("for ever".to_owned(), |next| format!("{} ms", (next.at - at).as_millis()));
        let ended = format!("{how}, {} ms", at.as_millis());
        text.push_str(&format!(
            "\n  {:<9}{:<12}{ended:<26}{rested:<10}{}",
            i + 1,
            format!("{} ms", attempt.at.as_millis()),
            attempt.others
        ));
    }
    text
}

/// One worker. j1 kills it, or makes it fail, each time; j2 has the same key; a job of another key comes every 100 ms.
fn shown(f: Factory<WorkQueue>, p: &Probe) -> Check {
    let config = Config { attempts: 4, capacity: 8, ..config() };
    let mut watch = Watch::new(config.clone(), Duration::ZERO);
    let mut s = Script::of(World::by_hand_watched(f, Setup::new(1, vec![config.clone()]), p, Some(&mut watch)));
    s.start(N1)?;
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut next: Option<Time> = None;
    for job in [POISONED, NEXT] {
        asks(&mut s, Request::Enqueue { job, key: KEY })?;
    }
    let end = s.now() + millis(9_000);
    let mut others = 2;
    while next.is_none() && s.now() < end {
        if s.now() >= Time::ZERO + millis(100 * (others - 1)) {
            others += 1;
            asks(&mut s, Request::Enqueue { job: JobId(others), key: Key(others) })?;
        }
        let (job, receipt): (JobId, Receipt) = match asks(&mut s, Request::Take)? {
            Some(Response::Work { job, receipt, .. }) => (job, receipt),
            _ => {
                s.wait(millis(10))?;
                continue;
            }
        };
        let now = s.now();
        s.wait(millis(10))?;
        if job == POISONED {
            attempts.push(Attempt { at: now, ended: None, others: 0 });
            if attempts.len() as u32 != HANGS {
                asks(&mut s, Request::Fail { job, receipt })?;
                if let Some(attempt) = attempts.last_mut() {
                    attempt.ended = Some(("Fail", s.now()));
                }
            }
            continue;
        }
        asks(&mut s, Request::Ack { job, receipt })?;
        match attempts.last_mut() {
            _ if job == NEXT => next = Some(now),
            Some(attempt) => attempt.others += 1,
            None => {}
        }
    }
    let dead = asks(&mut s, Request::Dead)?;
    s.expect(DEAD, dead == Some(Response::Dead(vec![POISONED])), || format!("then n1 answered Dead with {dead:?}"))?;
    let next = next.map_or("never".to_owned(), |at| format!("at {} ms", at.as_millis()));
    p.remark(format!(
        "A poison job at your broker: j1 of k1 failed each time, and its second worker hung. A job of another key came every 100 ms; one worker did everything.\n{}\n\
         j2 has the key of j1: it was handed out {next}, when j1 was a dead letter, and not before. All others went on. \
         Nobody knows what the second worker did before it hung: it may have done all of the work, and then the work was done again. That is at-least-once.",
        table(&attempts, config.lease)
    ));
    Ok(())
}
