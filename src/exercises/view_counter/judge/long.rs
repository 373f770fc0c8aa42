//! Long scenarios of a server, watched by its ghost: what is counted in a byte, kept in a ring, or given up after a while.

use super::spec::{Ghost, SETTLE_INTERVALS, SETTLE_MORE_MS, Server};
use super::store::{N1, STORE, setup};
use super::{ADDS_UP, BUDGET, KEPT, NUMBERS};
use crate::exercises::view_counter::{FlushId, Message, Request, ViewCounter};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Factory, Ghosts, NodeId, Referee, Step, World};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::cell::{Ref, RefCell};
use std::rc::Rc;

/// So many flushes of one life, and so many lives: more than a byte counts.
const MANY: u64 = 300;
const DELAY_MS: u64 = 5;
const OUTAGE_MS: u64 = 60_000;

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
        (0..n).try_for_each(|_| self.world.request(N1, Request::View).map(drop))
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

    /// Everything that n1 took in this life must have been flushed and acknowledged.
    fn through(&self, rule: &'static str, story: &str) -> Check {
        let ghost = self.ghost();
        let through: u64 = ghost.batches.values().filter(|b| b.acknowledged.is_some() && b.life == ghost.life).map(|b| b.views).sum();
        if through >= ghost.taken_now {
            return Ok(());
        }
        let seen = format!(
            "{story}; n1 has taken {} since it started, and the flushes that could be acknowledged hold {through}",
            counted(ghost.taken_now, "view")
        );
        Err(Broken::new(rule, seen).stuck())
    }
}

pub(super) fn add(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.vector(ADDS_UP, "more views in an interval than 8 bits hold", move |p| {
        watched(f, p, 200, |w| {
            w.views(MANY)?;
            w.fair(3)?;
            w.through(ADDS_UP, &format!("{MANY} views came in at once, three intervals ago"))
        })
    });
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
    suite.scenario(NUMBERS, "hundreds of flushes of one life", move |p| {
        watched(f, p, 100, |w| {
            for n in 1..=MANY {
                w.views(1 + n % 7)?;
                w.fair(1)?;
            }
            w.fair(2)?;
            w.through(NUMBERS, &format!("views came in in each of {MANY} intervals, and every flush was acknowledged"))
        })
    });
    suite.scenario(NUMBERS, "hundreds of lives", move |p| {
        watched(f, p, 100, |w| {
            for n in 1..=MANY {
                w.views(1 + n % 7)?;
                w.fair(3)?;
                w.through(NUMBERS, &format!("n1 is in its life number {n}, and took views three intervals ago"))?;
                w.world.kill(N1)?;
                w.world.wait(millis(20))?;
                w.world.boot(N1)?;
            }
            Ok(())
        })
    });
    for (name, every_ms) in [("the store is away for a minute", 100), ("the same, with a slower interval", 1_000)] {
        suite.scenario(KEPT, name, move |p| {
            watched(f, p, every_ms, |w| {
                for n in 1..=OUTAGE_MS / every_ms {
                    w.views(1 + n % 3)?;
                    w.world.wait(millis(every_ms))?;
                    drop(w.world.take_sent());
                }
                // As long as it was away, for those who have many flushes under way.
                w.fair(OUTAGE_MS / every_ms + u64::from(SETTLE_INTERVALS) + SETTLE_MORE_MS / every_ms)?;
                w.through(KEPT, "for a minute, in which views came in, nothing that n1 sent arrived; then everything did, for a minute and ten intervals")
            })
        });
    }
}
