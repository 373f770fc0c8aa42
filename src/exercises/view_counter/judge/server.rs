//! Vectors and scenarios of the servers of `view_counter`. The store is a ledger in the script's hands, or the learner's.

use super::store::{N1, N2, Net, STORE, net, shows};
use super::{ADDS_UP, BUDGET, FRESH, KEPT, NO_MORE, NOTHING_LOST, NUMBERS};
use crate::exercises::view_counter::{FlushId, Message, Request, ViewCounter};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::counted;
use std::collections::BTreeMap;

/// The flush interval of most scripted tests.
const EVERY_MS: u64 = 200;

/// What a store would know: the views of each flush that was sent.
#[derive(Default)]
struct Ledger(BTreeMap<FlushId, u64>);

impl Ledger {
    /// Takes what n1 has sent to the store. One id must mean one batch. The ids of these flushes.
    fn take(&mut self, world: &mut Net) -> Result<Vec<FlushId>, Broken> {
        let mut ids = Vec::new();
        for letter in world.take_sent_to(STORE) {
            let Message::Flush { id, views } = letter.message else { continue };
            let first = *self.0.entry(id).or_insert(views);
            if first != views {
                let seen = format!(
                    "n1 flushed {} under incarnation {}, number {}, under which it had flushed {first} before",
                    counted(views, "view"),
                    id.incarnation,
                    id.number
                );
                let step = world.sent_in(letter.id);
                return Err(Broken::new(NUMBERS, seen).at(step).in_step(step));
            }
            ids.push(id);
        }
        Ok(ids)
    }

    /// Lets time pass in fair weather: each flush is acknowledged within 10 ms.
    fn fair(&mut self, world: &mut Net, span_ms: u64) -> Check {
        for _ in 0..span_ms / 10 {
            world.wait(millis(10))?;
            for id in self.take(world)? {
                world.tell(STORE, N1, Message::Flushed { id })?;
            }
        }
        Ok(())
    }

    fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// All flushes together must hold `expected` views.
    fn holds(&self, less: &'static str, expected: u64, story: &str) -> Check {
        let sum = self.sum();
        if sum == expected {
            return Ok(());
        }
        let rule = if sum > expected { NO_MORE } else { less };
        Err(Broken::new(
            rule,
            format!(
                "{story}: all its different flushes to the store, {STORE}, should hold {} together, and hold {sum}",
                counted(expected, "view")
            ),
        ))
    }
}

fn server(f: Factory<ViewCounter>, probe: &Probe, flush_ms: u64) -> Result<(Net, Ledger), Broken> {
    let mut world = net(f, probe, flush_ms);
    world.boot(N1)?;
    Ok((world, Ledger::default()))
}

fn views(world: &mut Net, at: NodeId, n: u64) -> Check {
    (0..n).try_for_each(|_| world.request(at, Request::View).map(drop))
}

pub(super) fn basics(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.vector(ADDS_UP, "views are flushed", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        views(&mut w, N1, 3)?;
        ledger.fair(&mut w, 3 * EVERY_MS)?;
        ledger.holds(ADDS_UP, 3, "n1 took three views and had three flush intervals")
    });
    suite.vector(ADDS_UP, "views go on being flushed", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        let mut sum = 0;
        for n in [2, 1, 0, 4, 1] {
            sum += n;
            views(&mut w, N1, n)?;
            ledger.fair(&mut w, 6 * EVERY_MS)?;
            ledger.holds(
                ADDS_UP,
                sum,
                &format!("n1 took {} in all, the last {n} of them six flush intervals ago", counted(sum, "view")),
            )?;
        }
        Ok(())
    });
    suite.vector(ADDS_UP, "a restarted server flushes", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        w.wait(millis(20))?;
        w.kill(N1)?;
        w.wait(millis(20))?;
        w.boot(N1)?;
        views(&mut w, N1, 2)?;
        ledger.fair(&mut w, 6 * EVERY_MS)?;
        ledger.holds(ADDS_UP, 2, "n1 crashed before it had taken any view, restarted, and took two views six flush intervals ago")
    });
    for (name, every, acked) in
        [("a hundred views in an interval", 200, true), ("a slow flush interval", 1_000, true), ("the store is silent", 200, false)]
    {
        suite.vector(BUDGET, name, move |p| {
            let (mut w, mut ledger) = server(f, p, every)?;
            let mut sent = 0;
            for tenth in 1..=100 {
                views(&mut w, N1, 10)?;
                w.wait(millis(every / 10))?;
                for id in ledger.take(&mut w)? {
                    sent += 1;
                    if acked {
                        w.tell(STORE, N1, Message::Flushed { id })?;
                    }
                }
                if sent > 3 * ((tenth - 1) / 10 + 2) {
                    let silent = if acked { "" } else { ", while nothing was acknowledged" };
                    let seen = format!(
                        "n1 took {} views in {} ms, with a flush interval of {every} ms{silent}, and sent {sent} messages; three for each interval that has begun are allowed, and three more",
                        10 * tenth,
                        every / 10 * tenth
                    );
                    return Err(Broken::new(BUDGET, seen));
                }
            }
            Ok(())
        });
    }
}

pub(super) fn subtle(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.vector(KEPT, "a flush that was lost is sent again", move |p| {
        let (mut w, _) = server(f, p, EVERY_MS)?;
        views(&mut w, N1, 3)?;
        w.wait(millis(3 * EVERY_MS))?;
        w.take_sent();
        let mut ledger = Ledger::default();
        ledger.fair(&mut w, 12 * EVERY_MS)?;
        ledger.holds(
            KEPT,
            3,
            "n1 took three views; all it sent in three flush intervals was lost, then the store could be reached for twelve",
        )
    });
    suite.vector(KEPT, "flushes are lost while views come in", move |p| {
        let (mut w, _) = server(f, p, EVERY_MS)?;
        for n in [3, 2, 4] {
            views(&mut w, N1, n)?;
            w.wait(millis(2 * EVERY_MS))?;
        }
        w.take_sent();
        let mut ledger = Ledger::default();
        ledger.fair(&mut w, 12 * EVERY_MS)?;
        let story =
            "n1 took 3, 2 and 4 views, and all it sent meanwhile was lost; then the store could be reached for twelve flush intervals";
        ledger.holds(KEPT, 9, story)
    });
    suite.vector(NUMBERS, "views that come while a flush is out", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        for n in [3, 2, 4] {
            views(&mut w, N1, n)?;
            w.wait(millis(2 * EVERY_MS))?;
            ledger.take(&mut w)?;
        }
        ledger.fair(&mut w, 12 * EVERY_MS)?;
        ledger.holds(KEPT, 9, "n1 took 3, 2 and 4 views while nothing was acknowledged; then everything was, for twelve flush intervals")
    });
    suite.vector(KEPT, "the acknowledgement of an older flush again", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        views(&mut w, N1, 3)?;
        ledger.fair(&mut w, 3 * EVERY_MS)?;
        let old: Vec<FlushId> = ledger.0.keys().copied().collect();
        // Just after a flush, which is lost.
        views(&mut w, N1, 2)?;
        for _ in 0..3 * EVERY_MS {
            w.wait(millis(1))?;
            if !w.take_sent_to(STORE).is_empty() {
                break;
            }
        }
        old.iter().try_for_each(|id| w.tell(STORE, N1, Message::Flushed { id: *id }))?;
        ledger.fair(&mut w, 12 * EVERY_MS)?;
        let story = "n1 flushed 3 views, which were acknowledged; its flush of 2 more was lost, the old acknowledgement came again, and then the store could be reached for twelve flush intervals";
        ledger.holds(KEPT, 5, story)
    });
    suite.vector(NO_MORE, "what was acknowledged is not flushed again", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        views(&mut w, N1, 3)?;
        // Its first acknowledgement is lost, and its second comes twice.
        w.wait(millis(3 * EVERY_MS))?;
        ledger.take(&mut w)?;
        ledger.fair(&mut w, 4 * EVERY_MS)?;
        let ids: Vec<FlushId> = ledger.0.keys().copied().collect();
        ids.iter().try_for_each(|id| w.tell(STORE, N1, Message::Flushed { id: *id }))?;
        views(&mut w, N1, 1)?;
        ledger.fair(&mut w, 12 * EVERY_MS)?;
        ledger.holds(
            KEPT,
            4,
            "n1 took 3 views, whose acknowledgement was lost once and came twice, then 1 more; then twelve flush intervals passed",
        )
    });
}

/// Views come in every 10 ms for `span_ms`, so that no tick is without new ones.
fn steady(w: &mut Net, ledger: &mut Ledger, span_ms: u64) -> Check {
    for _ in 0..span_ms / 10 {
        views(w, N1, 1)?;
        ledger.fair(w, 10)?;
    }
    Ok(())
}

pub(super) fn scenarios(suite: &mut Suite, f: Factory<ViewCounter>) {
    restarts(suite, f);
    suite.scenario(KEPT, "one flush is lost, and there are always new views", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        steady(&mut w, &mut ledger, 5 * EVERY_MS)?;
        let mut lost = Ledger::default();
        for _ in 0..3 * EVERY_MS / 10 {
            views(&mut w, N1, 1)?;
            w.wait(millis(10))?;
            lost.take(&mut w)?;
            lost.0.retain(|_, views| *views > 0);
            if !lost.0.is_empty() {
                break;
            }
        }
        steady(&mut w, &mut ledger, 20 * EVERY_MS)?;
        let Some((id, views)) = lost.0.iter().find(|(id, _)| !ledger.0.contains_key(id)) else { return Ok(()) };
        let seen = format!(
            "n1's flush of {}, incarnation {}, number {}, was lost once; in the 20 flush intervals after that views came in all the time, every other flush was acknowledged, and this one was not sent again",
            counted(views, "view"),
            id.incarnation,
            id.number
        );
        Err(Broken::new(KEPT, seen).at([w.steps()]))
    });
    suite.scenario(NOTHING_LOST, "for a time nothing is acknowledged", move |p| {
        let mut w = net(f, p, EVERY_MS);
        [STORE, N1, N2].into_iter().try_for_each(|n| w.boot(n))?;
        views(&mut w, N2, 1)?;
        for _ in 0..10 {
            views(&mut w, N1, 1)?;
            w.let_run(millis(EVERY_MS), |l| l.from == STORE)?;
        }
        w.let_run(millis(12 * EVERY_MS), |_| false)?;
        let story = "n1 took a view in each of ten flush intervals and n2 took one; flushes reached the store and its acknowledgements were lost; then the network was whole for twelve intervals";
        let rule = if w.view(STORE).unwrap_or(0) > 11 { NO_MORE } else { NOTHING_LOST };
        shows(&w, rule, 11, story)
    });
    suite.scenario(NOTHING_LOST, "the store is down for a time, and restarts", move |p| {
        let mut w = net(f, p, EVERY_MS);
        [STORE, N1, N2].into_iter().try_for_each(|n| w.boot(n))?;
        for n in 1..=6 {
            views(&mut w, N1, n)?;
            views(&mut w, N2, 1)?;
            w.let_run(millis(EVERY_MS + 7), |_| false)?;
            if n == 2 {
                w.kill(STORE)?;
            } else if n == 4 {
                w.boot(STORE)?;
            }
        }
        w.let_run(millis(12 * EVERY_MS), |_| false)?;
        let story = "n1 took 21 views and n2 took 6, while the store crashed and came back after two flush intervals; then twelve passed";
        let rule = if w.view(STORE).unwrap_or(0) > 27 { NO_MORE } else { NOTHING_LOST };
        shows(&w, rule, 27, story)
    });
    suite.scenario(FRESH, "views come all the time", move |p| {
        let mut w = net(f, p, 500);
        [STORE, N1].into_iter().try_for_each(|n| w.boot(n))?;
        views(&mut w, N1, 1)?;
        let first = w.steps();
        for _ in 0..2 {
            w.let_run(millis(200), |_| false)?;
            views(&mut w, N1, 1)?;
        }
        w.let_run(millis(160), |_| false)?;
        match w.view(STORE).unwrap_or(0) {
            0 => {
                let seen = format!("n1 took three views by 400 ms, the first at once; in fair weather, with a flush interval of 500 ms, the store, {STORE}, shows none of them at 560 ms");
                Err(Broken::new(FRESH, seen).late(first))
            }
            1..=3 => Ok(()),
            _ => shows(&w, NO_MORE, 3, "n1 took three views"),
        }
    });
    suite.scenario(FRESH, "views at odd moments", move |p| {
        let mut w = net(f, p, 500);
        [STORE, N1, N2].into_iter().try_for_each(|n| w.boot(n))?;
        for n in 1..=6 {
            let at = if n % 2 == 0 { N1 } else { N2 };
            views(&mut w, at, 1)?;
            let (taken, story) = (w.steps(), taken_at(at, &w));
            w.let_run(millis(560), |_| false)?;
            in_time(&w, taken, n, &story)?;
            w.let_run(millis(170 * n), |_| false)?;
        }
        w.reboot(N1)?;
        views(&mut w, N1, 1)?;
        let (taken, story) = (w.steps(), taken_at(N1, &w));
        w.let_run(millis(560), |_| false)?;
        in_time(&w, taken, 7, &format!("n1 restarted; {story}"))
    });
}

fn taken_at(server: NodeId, w: &Net) -> String {
    format!("{server} took a view at {}, in fair weather and with a flush interval of 500 ms; 560 ms later", w.now())
}

/// The store must show `expected` by now, with the view that was taken in that step.
fn in_time(w: &Net, taken: u64, expected: u64, story: &str) -> Check {
    shows(w, FRESH, expected, story).map_err(|broken| if broken.rule == FRESH { broken.late(taken) } else { broken })
}

fn restarts(suite: &mut Suite, f: Factory<ViewCounter>) {
    suite.scenario(NUMBERS, "a server flushes, restarts, and flushes again", move |p| {
        let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
        let mut sum = 0;
        for (life, n) in (1..).zip([3, 1, 2, 2, 5, 4, 6, 7]) {
            sum += n;
            views(&mut w, N1, n)?;
            ledger.fair(&mut w, 4 * EVERY_MS)?;
            ledger.holds(
                NUMBERS,
                sum,
                &format!("n1 took {} in its life number {life}, and {sum} in all, and its flushes were acknowledged", counted(n, "view")),
            )?;
            w.kill(N1)?;
            w.wait(millis(20))?;
            w.boot(N1)?;
        }
        Ok(())
    });
    suite.scenario(KEPT, "an acknowledgement from before the crash", move |p| {
        let (mut w, mut before) = server(f, p, EVERY_MS)?;
        views(&mut w, N1, 3)?;
        w.wait(millis(2 * EVERY_MS))?;
        before.take(&mut w)?;
        w.kill(N1)?;
        w.wait(millis(20))?;
        w.boot(N1)?;
        views(&mut w, N1, 2)?;
        w.wait(millis(2 * EVERY_MS))?;
        // What it sent since is lost, but must not look like anything from before.
        Ledger(before.0.clone()).take(&mut w)?;
        for id in before.0.keys() {
            w.tell(STORE, N1, Message::Flushed { id: *id })?;
        }
        before.fair(&mut w, 12 * EVERY_MS)?;
        let story = "n1 flushed 3 views and crashed; back again it flushed 2, which were lost; then the acknowledgement of the 3 arrived, and the store could be reached for twelve flush intervals";
        before.holds(KEPT, 5, story)
    });
    suite.scenario(NUMBERS, "a crash between any two effects of a start", move |p| {
        (0..5).try_for_each(|effects| {
            let mut w = net(f, p, EVERY_MS);
            let mut ledger = Ledger::default();
            for n in [3, 2] {
                w.kill_after(N1, effects);
                w.boot(N1)?;
                w.wait(millis(20))?;
                w.boot(N1)?;
                views(&mut w, N1, n)?;
                ledger.fair(&mut w, 4 * EVERY_MS)?;
                w.kill(N1)?;
                w.wait(millis(20))?;
            }
            let story = format!(
                "each start of n1 was cut off by a crash after {} and made again; then it took 3 views, and in its next life 2",
                counted(effects, "effect")
            );
            ledger.holds(NUMBERS, 5, &story)
        })
    });
    suite.scenario(NUMBERS, "a crash between any two effects of a flush", move |p| {
        (0..5).try_for_each(|effects| {
            let (mut w, mut ledger) = server(f, p, EVERY_MS)?;
            views(&mut w, N1, 3)?;
            w.kill_after(N1, effects);
            w.wait(millis(3 * EVERY_MS))?;
            w.kill(N1)?;
            ledger.take(&mut w)?;
            let out = ledger.sum();
            w.boot(N1)?;
            views(&mut w, N1, 2)?;
            ledger.fair(&mut w, 12 * EVERY_MS)?;
            let story = format!(
                "n1 took 3 views and crashed after {} of its next handler, when flushes with {out} of them were out; then it took 2 more",
                counted(effects, "effect")
            );
            let least = if ledger.sum() == 5 { 5 } else { out + 2 };
            ledger.holds(NUMBERS, least, &story)
        })
    });
}
