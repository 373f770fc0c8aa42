//! The random runs of `view_counter`: viewers that watch, faults of every kind on servers and store, books that are
//! compared after every event, and a last phase of fair weather in which views must be shown in time.

use super::books::Books;
use super::{ADDS_UP, BUDGET, FRESH, NO_MORE, NOTHING_LOST, NUMBERS, ONCE, SAFE};
use crate::exercises::view_counter::{Config, Message, Request, Response, Role, ViewCounter};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Clients, Effect, Factory, Fault, NodeId, Plan, Referee, Setup, Step, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, micros, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::collections::VecDeque;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(2_000);
const VIEWERS: usize = 3;
/// So many intervals after the heal everything that was held up must be flushed, and freshness is measured from there on.
const SETTLE_INTERVALS: u32 = 10;
/// A delay, a clock that is a hundredth slow, and the granularity of a server's own clockwork.
const FRESH_SLACK: Duration = millis(60);

pub(super) fn swarm(factory: Factory<ViewCounter>) -> Swarm {
    Swarm {
        rules: &[ADDS_UP, BUDGET, ONCE, NUMBERS, SAFE, NO_MORE, NOTHING_LOST, FRESH],
        must_meet: &[
            "crashes between two effects",
            "partitions",
            "messages repeated",
            "messages lost",
            "views",
            "flushes that arrived again",
            "restarts of the store",
            "restarts of servers",
            "views timed in fair weather",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<ViewCounter>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = rng.range(2..=5) as usize;
    let store = NodeId::from_index(rng.below(nodes as u64) as usize);
    let every = millis(*rng.pick(&[100, 150, 200, 400]).unwrap_or(&200));
    let mut plan = Plan::draw(seed, nodes, &Allowed::everything(millis(400)), QUIET_AT);
    spare_the_store(&mut plan, store);
    let clock_steps =
        plan.faults.iter().filter_map(|(at, f)| if let Fault::ClockStep { node, .. } = f { Some((*at, *node)) } else { None });
    let (clock_steps, popular) = (clock_steps.collect::<Vec<_>>(), rng.below(nodes as u64) as usize);
    let watch = || Watch::new(nodes, store, every, clock_steps.clone(), popular);
    let config = |i| {
        let role = if NodeId::from_index(i) == store { Role::Store } else { Role::Server { store } };
        Config { role, flush_every: every }
    };
    let setup = Setup { plan, end: watch().end_at, ..Setup::new(seed, (0..nodes).map(config).collect()) };
    trial(factory, &setup, probe, watch, |watch, run| {
        run.coverage.add("views", watch.books.taken());
        run.coverage.add("flushes that arrived again", watch.books.repeats);
        run.coverage.add("restarts of the store", watch.books.store_restarts);
        run.coverage.add("restarts of servers", watch.server_restarts);
        run.coverage.add("views timed in fair weather", watch.timed);
    })
}

/// The store may crash like anybody else, but it comes back: without one there is nothing to be seen.
fn spare_the_store(plan: &mut Plan, store: NodeId) {
    for (_, fault) in &mut plan.faults {
        if let Fault::Crash { node, down, .. } = fault
            && *node == store
            && down.is_none()
        {
            *down = Some(millis(200));
        }
    }
    plan.down_for_good &= !(1 << store.index());
}

/// A view of fair weather.
struct Due {
    by: Time,
    /// How many views were taken by then, this one among them.
    required: u64,
    taken_at: Time,
    node: NodeId,
    /// The step in which it was taken.
    step: u64,
}

struct Watch {
    books: Books,
    store: NodeId,
    every: Duration,
    clock_steps: Vec<(Time, NodeId)>,
    /// The server that most views go to.
    popular: usize,
    /// From when on views are timed, until when viewers watch, and when the run ends.
    fair_from: Time,
    fair_until: Time,
    end_at: Time,
    /// Views that the store must show by and by.
    due: VecDeque<Due>,
    /// The first view that was not shown in time. Told at the end: it may turn out to be lost, which is another rule.
    late: Option<Broken>,
    timed: u64,
    server_restarts: u64,
    settled: bool,
}

impl Watch {
    fn new(nodes: usize, store: NodeId, every: Duration, clock_steps: Vec<(Time, NodeId)>, popular: usize) -> Self {
        let fair_from = QUIET_AT + every * SETTLE_INTERVALS + millis(1_000);
        let fair_until = fair_from + every * 2;
        Watch {
            books: Books::new(nodes, micros(every)),
            store,
            every,
            clock_steps,
            popular,
            fair_from,
            fair_until,
            end_at: fair_until + every * 12,
            due: VecDeque::new(),
            late: None,
            timed: 0,
            server_restarts: 0,
            settled: false,
        }
    }

    /// Whether views are made now: under faults, and again when all has settled.
    fn is_watched(&self, now: Time) -> bool {
        now < QUIET_AT || (self.fair_from..self.fair_until).contains(&now)
    }

    fn takes_view(&mut self, at: Time, node: NodeId) {
        self.books.views(node);
        if at >= self.fair_from {
            // Nobody crashes any more; who is down now stays down, and no view reaches it.
            self.timed += 1;
            let required = self.books.taken();
            let by = at + self.every + self.every / 50 + FRESH_SLACK;
            // The step gets its number when it ends.
            self.due.push_back(Due { by, required, taken_at: at, node, step: 0 });
        }
    }

    /// All that must be shown once everybody has had time to flush.
    fn nothing_lost(&self, world: &World<'_, ViewCounter>, when: &str) -> Check {
        let least = self.books.least(|n| world.is_up(n));
        if self.books.shown >= least {
            return Ok(());
        }
        let seen = format!(
            "{when} the store, {}, shows {}; {} had been taken in all, and at least {least} of them by servers that did not crash since, or acknowledged to a server that did",
            self.store,
            self.books.shown,
            counted(self.books.taken(), "view")
        ) + &self.books.missing(|n| world.is_up(n));
        Err(Broken::new(NOTHING_LOST, seen).stuck())
    }

    /// Views of fair weather whose time is over. `step`: the one that runs, if the run is not over.
    fn in_time(&mut self, now: Time, step: Option<u64>, is_up: impl Fn(NodeId) -> bool) {
        while self.due.front().is_some_and(|due| due.by < now) {
            let Some(due) = self.due.pop_front() else { break };
            let required = self.books.least(&is_up) - (self.books.taken() - due.required);
            if self.books.shown < required && self.late.is_none() {
                let seen = format!(
                    "{} took a view at {}, long after the network had healed; at {}, more than a flush interval of {} ms and a delay later, the store, {}, showed {}, and had to show at least {required}: so many of those taken until then must not be lost",
                    due.node,
                    due.taken_at,
                    due.by,
                    self.every.as_millis(),
                    self.store,
                    self.books.shown
                );
                let late = Broken::new(FRESH, seen).late(due.step);
                // What comes after shows only that the view is not lost.
                self.late = Some(late.in_step(step));
            }
        }
    }
}

impl Referee<ViewCounter> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, ViewCounter>) {
        for i in 0..VIEWERS {
            let after = millis(clients.rng.range(1..=100));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    fn wake(&mut self, client: ClientId, _: u64, clients: &mut Clients<'_, ViewCounter>, world: &World<'_, ViewCounter>) -> Check {
        let now = clients.now;
        if now >= self.fair_until {
            return Ok(());
        }
        if now >= self.fair_from && self.timed == 0 {
            self.nothing_lost(world, &format!("{SETTLE_INTERVALS} flush intervals and a second after the network had healed"))?;
        }
        if self.is_watched(now) {
            if clients.rng.chance(60_000) {
                clients.ask(client, self.store, Request::Read);
            }
            let any = clients.rng.below(world.nodes() as u64) as usize;
            let at = NodeId::from_index(if clients.rng.chance(400_000) { self.popular } else { any });
            if at != self.store {
                clients.ask(client, at, Request::View);
            }
            let after = millis(clients.rng.range(2..=30));
            clients.wake(client, after, 0);
        } else {
            clients.wake(client, self.fair_from.since(now) + millis(1), 0);
        }
        Ok(())
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, ViewCounter>) -> Check {
        match cause {
            Cause::Start { again } if node == self.store => self.books.store_starts(again),
            Cause::Start { again } => {
                self.server_restarts += u64::from(again);
                self.books.starts(node, at);
            }
            Cause::Message { from, message: Message::Flush { id, .. }, .. } if node == self.store => self.books.arrives(from, *id),
            Cause::Request { request: Request::View, .. } => self.takes_view(at, node),
            _ => {}
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, ViewCounter>, world: &World<'_, ViewCounter>) -> Check {
        if let Some(due) = self.due.back_mut().filter(|due| due.step == 0) {
            due.step = step.number;
        }
        self.in_time(step.at, Some(step.number), |n| world.is_up(n));
        let clock_steps = self.clock_steps.iter().filter(|(at, n)| *at <= step.at && *n == step.node).count() as u64;
        for effect in step.effects {
            match effect {
                Effect::Send { to, message: Message::Flushed { id } } if step.node == self.store => self.books.acknowledges(*to, *id),
                Effect::Send { message, .. } if step.node != self.store => {
                    self.books.sends(step.node, step.at, clock_steps, step.number)?;
                    if let Message::Flush { id, views } = message {
                        self.books.flushes(step.node, *id, *views, step.number)?;
                    }
                }
                Effect::Reply { response: Response::Views(n), .. } if step.node == self.store => {
                    self.books.shows(self.store, *n, "answered a read with", step.number)?;
                }
                _ => {}
            }
        }
        if let (true, Some(shown)) = (step.node == self.store, step.view) {
            self.books.shows(self.store, shown, "shows", step.number)?;
            self.books.shown = shown;
        }
        self.settled = self.late.is_none()
            && step.at >= self.fair_until
            && self.due.is_empty()
            && self.books.shown >= self.books.least(|n| world.is_up(n));
        Ok(())
    }

    fn done(&self) -> bool {
        self.settled
    }

    fn end(&mut self, world: &World<'_, ViewCounter>) -> Check {
        self.nothing_lost(world, "12 flush intervals after the last view, in fair weather,")?;
        self.in_time(self.end_at, None, |n| world.is_up(n));
        self.late.take().map_or(Ok(()), Err)
    }
}
