//! Examples and traps: what producers and workers say, one after the other. The ghost watches, and says what is wrong.

use super::config;
use super::rules::{DEAD, GONE, IN_TIME, LOST, ORDER, POISON, RESTS, ROOM, STALE, SURVIVES, TIMEOUT, TWINS};
use super::spec::{Watch, rest};
use crate::exercises::kit::{N1, Script, rows};
use crate::exercises::work_queue::{Config, JobId, Key, LATE, Receipt, Request, Response, WorkQueue};
use crate::rule::Check;
use crate::sim::{Factory, Setup, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use Act::{Ack, CrashAfter, Dead, Fail, First, Forget, Put, Restart, Take, Wait};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Copy)]
enum Act {
    /// A producer has this job, of this key.
    Put(u64, u64),
    Take,
    /// Whoever had this job last has done it.
    Ack(u64),
    /// Whoever had it first has done it.
    First(u64),
    Fail(u64),
    Dead,
    Wait(u64),
    Restart,
    /// In the next handler, after so many effects.
    CrashAfter(usize),
    /// Longer than ids are remembered.
    Forget,
}

struct Play<'r> {
    s: Script<'r, WorkQueue>,
    receipts: BTreeMap<JobId, Vec<Receipt>>,
}

pub(super) fn add(suite: &mut Suite, f: Factory<WorkQueue>) {
    let mut plot =
        |rule, name, acts: Vec<Act>| rows(suite, rule, [(name, acts)], move |p: &Probe, acts: &Vec<Act>| played(f, p, config(), acts));
    plot(LOST, "a job is put on the queue, and taken", vec![Take, Put(7, 1), Take]);
    plot(GONE, "a job is done", vec![Put(7, 1), Take, Ack(7), Wait(400), Take]);
    plot(TIMEOUT, "a worker that no longer answers", vec![Put(7, 1), Take, Wait(50), Take, Wait(600), Take]);
    plot(STALE, "the first worker comes when the second has the job", vec![Put(7, 1), Take, Wait(600), Take, First(7), Wait(600), Take]);
    plot(STALE, "the same acknowledgement once more", vec![Put(7, 1), Take, Ack(7), Wait(300), Ack(7), Wait(2_000), Ack(7)]);
    plot(RESTS, "a job fails, and rests", vec![Put(7, 1), Take, Fail(7), Take, Wait(300), Take, Fail(7), Wait(150), Take, Wait(400), Take]);
    plot(DEAD, "three attempts fail", [&[Put(7, 1)][..], &FAILS, &FAILS, &FAILS, &[Dead, Take, Wait(900), Take, Dead]].concat());
    plot(DEAD, "three workers die with it", [&[Put(7, 1)][..], &DIES, &DIES, &DIES, &[Dead, Take]].concat());
    plot(ORDER, "the first of two fails, and rests", vec![Put(7, 1), Put(8, 1), Take, Take, Fail(7), Take, Wait(300), Take, Ack(7), Take]);
    plot(ORDER, "the first of two is a dead letter", [&[Put(7, 1), Put(8, 1)][..], &FAILS, &FAILS, &FAILS, &[Take]].concat());
    plot(POISON, "a job of another key", vec![Put(7, 1), Take, Fail(7), Put(8, 2), Take, Put(9, 3), Take]);
    plot(TWINS, "a producer asks twice", vec![Put(7, 1), Put(7, 1), Take, Put(7, 1), Take, Ack(7), Put(7, 1), Wait(400), Take]);
    plot(TWINS, "an id that may be forgotten", vec![Put(7, 1), Take, Ack(7), Forget, Put(7, 1), Take, First(7)]);
    plot(ROOM, "a fifth job, when there is room for four", vec![Put(1, 1), Put(2, 2), Put(3, 3), Put(4, 4), Put(5, 5), Put(2, 2)]);
    plot(ROOM, "room again", vec![Put(1, 1), Put(2, 2), Put(3, 3), Put(4, 4), Take, Put(5, 5), Ack(1), Ack(2), Ack(3), Ack(4), Put(5, 5)]);
    plot(SURVIVES, "a restart while a worker has the job", vec![Put(7, 1), Take, Restart, Take, Ack(7), Wait(400), Take]);
    suite.scenario(SURVIVES, "a crash between any two effects of each request", move |p| {
        let befores: [&[Act]; 4] = [&[], &[Put(7, 1)], &[Put(7, 1), Take], &[Put(7, 1), Put(8, 1), Take]];
        let after = [Restart, Take, Put(7, 1), Take, Wait(900), Take, Dead];
        for (before, act) in befores.into_iter().zip([Put(7, 1), Take, Ack(7), Fail(7)]) {
            for effects in 0..4 {
                played(f, p, config(), &[before, &[CrashAfter(effects), act], &after].concat())?;
            }
        }
        Ok(())
    });
    suite.scenario(SURVIVES, "a restart late in a long life", move |p| {
        for jobs in [9, 40, 140] {
            let done: Vec<Act> =
                (0..jobs).flat_map(|job| [Put(job, job), Take, if job < 40 { Fail(job) } else { Ack(job) }, Ack(job)]).collect();
            for last in [vec![Put(900, 1)], vec![Put(900, 1), Take], vec![Put(900, 1), Take, Ack(900)], vec![Put(900, 1), Take, Fail(900)]]
            {
                played(f, p, config(), &[&done[..], &last, &[Restart, Take, Wait(270), Take, Wait(200), Take]].concat())?;
            }
        }
        let waiting: Vec<Act> = (0..40).map(|job| Put(job, job)).collect();
        let config = Config { capacity: 300, ..config() };
        played(f, p, config, &[&waiting[..], &[Restart], &[Take; 41]].concat())
    });
    suite.scenario(RESTS, "a hundred attempts", move |p| patient(f, p));
    suite.scenario(ROOM, "three hundred jobs", move |p| many(f, p));
    suite.scenario(POISON, "three hundred jobs, all but one of one key", move |p| {
        let config = Config { capacity: 300, ..config() };
        let puts: Vec<Act> = (0..299).map(|job| Put(job, 1)).chain([Put(299, 2)]).collect();
        played(f, p, config, &[&puts[..], &[Take, Take, Take]].concat())
    });
    suite.scenario(IN_TIME, "many workers, and few jobs", move |p| crowd(f, p));
}

/// An attempt fails, and the job rests as long as it may.
const FAILS: [Act; 3] = [Take, Fail(7), Wait(900)];
/// A lease ends, and the job rests as long as it may.
const DIES: [Act; 2] = [Take, Wait(1_200)];

fn played(f: Factory<WorkQueue>, p: &Probe, config: Config, acts: &[Act]) -> Check {
    let mut watch = Watch::new(config.clone(), Duration::ZERO);
    let s = Script::of(World::by_hand_watched(f, Setup::new(1, vec![config.clone()]), p, Some(&mut watch)));
    let mut play = Play { s, receipts: BTreeMap::new() };
    play.s.start(N1)?;
    acts.iter().try_for_each(|act| play.act(*act, &config))
}

impl Play<'_> {
    fn act(&mut self, act: Act, config: &Config) -> Check {
        let shows = |play: &Self, job: u64, first: bool| {
            let of_job = play.receipts.get(&JobId(job))?;
            if first { of_job.first() } else { of_job.last() }.map(|receipt| (JobId(job), *receipt))
        };
        match act {
            Put(job, key) => self.asks(Request::Enqueue { job: JobId(job), key: Key(key) }),
            Take => self.asks(Request::Take),
            Ack(job) | First(job) => match shows(self, job, matches!(act, First(_))) {
                Some((job, receipt)) => self.asks(Request::Ack { job, receipt }),
                None => Ok(()),
            },
            Fail(job) => match shows(self, job, false) {
                Some((job, receipt)) => self.asks(Request::Fail { job, receipt }),
                None => Ok(()),
            },
            Dead => self.asks(Request::Dead),
            Wait(ms) => self.s.wait(millis(ms)),
            Forget => self.s.wait(config.remembers),
            Restart => self.s.restart(N1),
            CrashAfter(effects) => {
                self.s.crash_after(N1, effects);
                Ok(())
            }
        }
    }

    fn asks(&mut self, request: Request) -> Check {
        let ticket = self.s.call(N1, request)?;
        if self.s.is_up(N1) {
            self.s.one_answer(IN_TIME, ticket, "an answer", |_| true)?;
        }
        if let Some(Response::Work { job, receipt, .. }) = self.s.answer_to(ticket) {
            self.receipts.entry(*job).or_default().push(*receipt);
        }
        Ok(())
    }
}

/// One job fails each time. It is asked for shortly before it has rested, and when it may rest no longer.
fn patient(f: Factory<WorkQueue>, p: &Probe) -> Check {
    let config = Config { attempts: 100, pause: millis(1), most: millis(200), ..config() };
    let mut watch = Watch::new(config.clone(), Duration::ZERO);
    let s = Script::of(World::by_hand_watched(f, Setup::new(1, vec![config.clone()]), p, Some(&mut watch)));
    let mut play = Play { s, receipts: BTreeMap::new() };
    play.s.start(N1)?;
    [Put(7, 1), Take].into_iter().try_for_each(|act| play.act(act, &config))?;
    for attempt in 1..=config.attempts {
        let rest = rest(&config, attempt);
        play.act(Fail(7), &config)?;
        play.s.wait(rest.saturating_sub(millis(1)))?;
        play.act(Take, &config)?;
        // A Take that waits may have it by now.
        if play.receipts.get(&JobId(7)).is_none_or(|all| all.len() <= attempt as usize) {
            play.s.wait(rest + LATE + millis(5))?;
            play.act(Take, &config)?;
        }
    }
    play.act(Dead, &config)
}

/// The queue is full with so many jobs; then all are done, a round after the other, as three of them have the same key.
fn many(f: Factory<WorkQueue>, p: &Probe) -> Check {
    let config = Config { capacity: 300, lease: millis(60_000), ..config() };
    let mut watch = Watch::new(config.clone(), Duration::ZERO);
    let s = Script::of(World::by_hand_watched(f, Setup::new(1, vec![config.clone()]), p, Some(&mut watch)));
    let mut play = Play { s, receipts: BTreeMap::new() };
    play.s.start(N1)?;
    for job in 0..=300 {
        play.act(Put(job, job % 100), &config)?;
    }
    for _ in 0..3 {
        for _ in 0..=100 {
            play.act(Take, &config)?;
        }
        let jobs: Vec<JobId> = play.receipts.keys().copied().collect();
        for job in jobs {
            play.act(Ack(job.0), &config)?;
        }
        play.receipts.clear();
    }
    Ok(())
}

/// All of them ask before there is anything to do.
fn crowd(f: Factory<WorkQueue>, p: &Probe) -> Check {
    let mut watch = Watch::new(config(), Duration::ZERO);
    let mut s = Script::of(World::by_hand_watched(f, Setup::new(1, vec![config()]), p, Some(&mut watch)));
    s.start(N1)?;
    let mut tickets = Vec::new();
    for round in 0..2 {
        for client in 0..3 {
            tickets.push(s.ask_by(client, N1, Request::Take)?);
        }
        for i in 0..2 {
            let job = round * 2 + i;
            tickets.push(s.ask_by(3, N1, Request::Enqueue { job: JobId(job), key: Key(job) })?);
        }
        s.wait(millis(300))?;
    }
    tickets.into_iter().try_for_each(|ticket| s.one_answer(IN_TIME, ticket, "an answer", |_| true))
}
