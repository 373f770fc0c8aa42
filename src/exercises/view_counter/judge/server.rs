//! Vectors and scenarios of the servers of `view_counter`, watched by their ghost: what storms seldom reach.
//! The long ones are for what is counted in a byte, kept in a ring, or given up after a while.

use super::spec::{Batch, Ghost, SETTLE_INTERVALS, SETTLE_MORE_MS, Server};
use super::{ADDS_UP, BUDGET, KEPT, NO_MORE, NOTHING_LOST, NUMBERS};
use crate::exercises::view_counter::{Config, FlushId, Message, Request, Role, ViewCounter};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Factory, Ghosts, NodeId, Referee, Setup, Step, World};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::cell::{Ref, RefCell};
use std::rc::Rc;

const N1: NodeId = NodeId::from_index(0);
const N2: NodeId = NodeId::from_index(1);
const STORE: NodeId = NodeId::from_index(2);
/// So many flushes of one life, and so many lives: more than a byte counts.
const MANY: u64 = 300;
/// More than 16 bits count; and what a life takes in which so many flushes leave, of a server that ticks every few milliseconds.
const HUGE: u64 = 65_600;
const STEPS_MAX: u64 = 8_000_000;
/// The flush interval of most scripted tests.
const EVERY_MS: u64 = 200;
const DELAY_MS: u64 = 5;
const OUTAGE_MS: u64 = 60_000;

/// Two servers, n1 and n2, and the store, n3. None is started.
fn setup(flush_ms: u64) -> Setup<ViewCounter> {
    let config = |role| Config { role, flush_every: millis(flush_ms) };
    let server = config(Role::Server { store: STORE });
    Setup::new(1, vec![server.clone(), server, config(Role::Store)])
}

struct Watch(Rc<RefCell<Ghosts<ViewCounter, Ghost>>>);

impl Referee<ViewCounter> for Watch {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, ViewCounter>) -> Check {
        self.0.borrow_mut().cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, ViewCounter>, world: &World<'_, ViewCounter>) -> Check {
        self.0.borrow_mut().step(step, world)
    }
}

/// n1, whose store is the script.
struct Watched<'w> {
    world: World<'w, ViewCounter>,
    ghosts: Rc<RefCell<Ghosts<ViewCounter, Ghost>>>,
    every_ms: u64,
    /// Flushes of which the acknowledgement is under way.
    arrived: Vec<FlushId>,
}

fn watched(f: Factory<ViewCounter>, p: &Probe, every_ms: u64, run: impl FnOnce(&mut Watched<'_>) -> Check) -> Check {
    let ghost = Ghost::Server(Server::new(N1, STORE, millis(every_ms), true));
    let ghosts = Rc::new(RefCell::new(Ghosts::of(N1, ghost)));
    let mut watch = Watch(Rc::clone(&ghosts));
    let mut world = World::by_hand_watched(f, setup(every_ms), p, Some(&mut watch));
    // Whatever a tick takes, it is a script's length.
    world.allow_steps(STEPS_MAX);
    world.boot(N1)?;
    run(&mut Watched { world, ghosts, every_ms, arrived: Vec::new() })
}

impl Watched<'_> {
    fn ghost(&self) -> Ref<'_, Server> {
        Ref::map(self.ghosts.borrow(), |ghosts| match ghosts.seen(N1) {
            Ghost::Server(server) => server,
            Ghost::Store(_) => unreachable!("n1 is a server"),
        })
    }

    fn views(&mut self, n: u64) -> Check {
        views(&mut self.world, N1, n)
    }

    /// Views come in every 10 ms, so that no tick is without new ones.
    fn steady(&mut self, intervals: u64) -> Check {
        (0..self.every_ms * intervals / 10).try_for_each(|_| {
            self.views(1)?;
            self.fair_for(10)
        })
    }

    /// Waits, at most three intervals, until a new flush is out, which is lost; so many views come in at each step.
    fn until_lost(&mut self, step_ms: u64, views: u64) -> Result<Vec<FlushId>, Broken> {
        let before: Vec<FlushId> = self.ghost().batches.keys().copied().collect();
        for _ in 0..3 * self.every_ms / step_ms {
            self.views(views)?;
            self.silent_for(step_ms)?;
            let new = |(id, batch): (&FlushId, &Batch)| (batch.views > 0 && !before.contains(id)).then_some(*id);
            let lost: Vec<FlushId> = self.ghost().batches.iter().filter_map(new).collect();
            if !lost.is_empty() {
                return Ok(lost);
            }
        }
        Ok(Vec::new())
    }

    /// Lets so many intervals pass, in which each flush is acknowledged within two delays.
    fn fair(&mut self, intervals: u64) -> Check {
        self.fair_for(self.every_ms * intervals)
    }

    fn fair_for(&mut self, span_ms: u64) -> Check {
        for _ in 0..span_ms / DELAY_MS {
            self.world.wait(millis(DELAY_MS))?;
            let sent = self.world.take_sent_to(STORE).into_iter();
            let flushes = sent.filter_map(|letter| if let Message::Flush { id, .. } = letter.message { Some(id) } else { None });
            for id in std::mem::replace(&mut self.arrived, flushes.collect()) {
                self.world.tell(STORE, N1, Message::Flushed { id })?;
            }
        }
        self.ghosts.borrow_mut().time(N1, &self.world)
    }

    /// Lets an interval pass, and what was sent in it be acknowledged then: for long lives.
    fn acknowledge_at_once(&mut self) -> Check {
        self.world.wait(millis(self.every_ms))?;
        for letter in self.world.take_sent_to(STORE) {
            if let Message::Flush { id, .. } = letter.message {
                self.world.tell(STORE, N1, Message::Flushed { id })?;
            }
        }
        Ok(())
    }

    /// Lets time pass in which nothing arrives.
    fn silent_for(&mut self, span_ms: u64) -> Check {
        self.world.wait(millis(span_ms))?;
        drop(self.world.take_sent());
        Ok(())
    }

    fn restart(&mut self) -> Check {
        self.world.kill(N1)?;
        self.world.wait(millis(20))?;
        self.world.boot(N1)
    }

    /// Everything that n1 took in this life must have been flushed and acknowledged.
    fn through(&self, rule: &'static str, story: &str) -> Check {
        let ghost = self.ghost();
        let through: u64 = ghost.batches.values().filter(|b| b.acknowledged.is_some() && b.life == ghost.life).map(|b| b.views).sum();
        if through >= ghost.taken_now {
            return Ok(());
        }
        let seen = format!(
            "{story}; n1 has taken {} since it started, but the flushes that could be acknowledged hold only {through}",
            counted(ghost.taken_now, "view")
        );
        Err(Broken::new(rule, seen).stuck())
    }
}

pub(super) fn vectors(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.vector(ADDS_UP, "more views in an interval than 8 or 16 bits hold", move |p| {
        [MANY, HUGE].into_iter().try_for_each(|n| {
            watched(f, p, 200, |w| {
                w.views(n)?;
                w.fair(3)?;
                w.through(ADDS_UP, &format!("{n} views came in at once, three intervals ago"))
            })
        })
    });
    for (name, every_ms, acked) in
        [("a hundred views in an interval", 200, true), ("a slow flush interval", 1_000, true), ("the store is silent", 200, false)]
    {
        suite.vector(BUDGET, name, move |p| {
            watched(f, p, every_ms, |w| {
                (0..100).try_for_each(|_| {
                    w.views(10)?;
                    if acked { w.fair_for(every_ms / 10) } else { w.silent_for(every_ms / 10) }
                })
            })
        });
    }
    for (name, views) in [("a view comes before each acknowledgement", 1), ("hundreds come before each acknowledgement", 300)] {
        suite.vector(BUDGET, name, move |p| {
            watched(f, p, 1_000, |w| {
                w.views(1)?;
                w.fair(1)?;
                (0..100).try_for_each(|_| {
                    w.views(views)?;
                    w.fair_for(2 * DELAY_MS)
                })
            })
        });
    }
}

pub(super) fn scenarios(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.scenario(KEPT, "one flush is lost, and there are always new views", move |p| {
        watched(f, p, EVERY_MS, |w| {
            w.steady(5)?;
            let lost = w.until_lost(10, 1)?;
            w.steady(20)?;
            let ghost = w.ghost();
            let Some((id, batch)) = lost.iter().find_map(|id| ghost.batches.get_key_value(id).filter(|(_, b)| b.acknowledged.is_none()))
            else {
                return Ok(());
            };
            let seen = format!(
                "n1's flush of {}, incarnation {}, number {}, was lost once; in the 20 flush intervals after that, views came in all the time, every other flush was acknowledged, but this one was not sent again",
                counted(batch.views, "view"),
                id.incarnation,
                id.number
            );
            Err(Broken::new(KEPT, seen).at([w.world.steps()]))
        })
    });
    for (name, intervals, arrives) in [
        ("for a time nothing is acknowledged", 10, true),
        ("for a hundred intervals nothing is acknowledged", 100, true),
        ("for a hundred intervals nothing arrives", 100, false),
    ] {
        suite.scenario(NOTHING_LOST, name, move |p| {
            let mut w = World::by_hand(f, setup(EVERY_MS), p);
            [STORE, N1, N2].into_iter().try_for_each(|n| w.boot(n))?;
            views(&mut w, N2, 1)?;
            for _ in 0..intervals {
                views(&mut w, N1, 1)?;
                w.let_run(millis(EVERY_MS), |l| !arrives || l.from == STORE)?;
            }
            views(&mut w, N1, 1)?;
            w.let_run(millis((intervals + 2) * EVERY_MS), |_| false)?;
            let lost = if arrives { "flushes reached the store, but its acknowledgements were lost" } else { "flushes were lost" };
            let story = format!(
                "n1 took a view in each of {intervals} flush intervals and n2 took one; {lost}; then n1 took one more, and the network was whole for {} intervals",
                intervals + 2
            );
            let (shown, all) = (w.view(STORE).unwrap_or(0), intervals + 2);
            if shown == all {
                return Ok(());
            }
            let seen = format!("{story}: the store, {STORE}, should show {all}, but shows {shown}");
            Err(if shown > all {
                Broken::new(NO_MORE, seen).at([w.reached_in(STORE)]).in_step(w.reached_in(STORE))
            } else {
                Broken::new(NOTHING_LOST, seen).at([w.steps()]).stuck()
            })
        })
    }
    suite.scenario(KEPT, "a large flush is lost, and as many views come after it", move |p| {
        // As long as what was held up may take.
        let settle = u64::from(SETTLE_INTERVALS) + SETTLE_MORE_MS / EVERY_MS;
        [MANY, HUGE].into_iter().try_for_each(|n| {
            watched(f, p, EVERY_MS, |w| {
                w.views(n)?;
                w.silent_for(2 * EVERY_MS)?;
                w.views(n)?;
                w.fair(settle)?;
                w.views(1)?;
                w.fair(settle)?;
                let story = format!(
                    "{n} views came in at once, and what n1 sent was lost; two intervals later as many came in again; from then on every flush was acknowledged, and {settle} intervals later the last view came"
                );
                w.through(KEPT, &story)
            })
        })
    });
    long(suite, f);
}

fn views(world: &mut World<'_, ViewCounter>, at: NodeId, n: u64) -> Check {
    (0..n).try_for_each(|_| world.request(at, Request::View).map(drop))
}

fn long(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.scenario(NUMBERS, "hundreds of flushes of one life", move |p| {
        watched(f, p, 100, |w| {
            for n in 1..=MANY {
                w.views(1 + n % 7)?;
                w.fair(1)?;
            }
            w.fair(2)?;
            w.through(NUMBERS, &format!("views came in during each of {MANY} intervals, and every flush was acknowledged"))
        })
    });
    suite.scenario(NUMBERS, "two hours of flushes", move |p| {
        watched(f, p, 100, |w| {
            for n in 1..=HUGE {
                w.views(1 + n % 3)?;
                w.acknowledge_at_once()?;
            }
            w.fair(2)?;
            w.through(NUMBERS, &format!("views came in during each of {HUGE} intervals, and every flush was acknowledged"))
        })
    });
    suite.scenario(NUMBERS, "hundreds of lives", move |p| {
        watched(f, p, 100, |w| {
            for n in 1..=MANY {
                w.views(1 + n % 7)?;
                w.fair(3)?;
                w.through(NUMBERS, &format!("n1 is in its life number {n}, and took views three intervals ago"))?;
                w.restart()?;
            }
            Ok(())
        })
    });
    for (name, every_ms) in [("the store is away for a minute", 100), ("the same, with a slower interval", 1_000)] {
        suite.scenario(KEPT, name, move |p| {
            watched(f, p, every_ms, |w| {
                for n in 1..=OUTAGE_MS / every_ms {
                    w.views(1 + n % 3)?;
                    w.silent_for(every_ms)?;
                }
                // As long as it was away, for those who have many flushes under way.
                w.fair(OUTAGE_MS / every_ms + u64::from(SETTLE_INTERVALS) + SETTLE_MORE_MS / every_ms)?;
                w.through(KEPT, "for a minute, in which views came in, nothing that n1 sent arrived; then everything did, for a minute and ten intervals")
            })
        });
    }
}
