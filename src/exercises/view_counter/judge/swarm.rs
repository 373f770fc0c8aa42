//! The random runs of `view_counter`: viewers that watch, faults of every kind on servers and store, books that are
//! compared after every event, and a last phase of fair weather in which views must be shown in time.

use super::spec::{Ghost, SETTLE_INTERVALS, SETTLE_MORE_MS, SLACK_MS, Server, Store};
use super::{ADDS_UP, BUDGET, FRESH, NO_MORE, NOTHING_LOST, NUMBERS, ONCE, SAFE};
use crate::exercises::view_counter::{Config, Request, Role, ViewCounter};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Clients, Factory, Fault, Ghosts, NodeId, Plan, Referee, Setup, Step, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use crate::words::counted;
use std::collections::VecDeque;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(2_000);
const VIEWERS: usize = 3;
/// A delay, a clock that is a hundredth slow, and the granularity of a server's own clockwork.
const FRESH_SLACK: Duration = millis(SLACK_MS);

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
    let popular = rng.below(nodes as u64) as usize;
    let watch = || Watch::new(nodes, store, every, popular);
    let config = |i| {
        let role = if NodeId::from_index(i) == store { Role::Store } else { Role::Server { store } };
        Config { role, flush_every: every }
    };
    let setup = Setup { plan, end: watch().end_at, ..Setup::new(seed, (0..nodes).map(config).collect()) };
    trial(factory, &setup, probe, watch, |watch, run| {
        run.coverage.add("views", watch.taken());
        run.coverage.add("flushes that arrived again", watch.store().repeats);
        run.coverage.add("restarts of the store", watch.store().restarts);
        run.coverage.add("restarts of servers", watch.servers().map(|(_, server)| server.restarted).sum());
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
    ghosts: Ghosts<ViewCounter, Ghost>,
    nodes: usize,
    store: NodeId,
    every: Duration,
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
    settled: bool,
}

impl Watch {
    fn new(nodes: usize, store: NodeId, every: Duration, popular: usize) -> Self {
        let fair_from = QUIET_AT + every * SETTLE_INTERVALS + millis(SETTLE_MORE_MS);
        let fair_until = fair_from + every * 2;
        let ghost = |node| match node == store {
            true => Ghost::Store(Store::new(node)),
            // Where servers pause, late is not wrong: freshness is measured here.
            false => Ghost::Server(Server::new(node, store, every, false)),
        };
        Watch {
            ghosts: Ghosts::new((0..nodes).map(NodeId::from_index).map(ghost)).patient(),
            nodes,
            store,
            every,
            popular,
            fair_from,
            fair_until,
            end_at: fair_until + every * 12,
            due: VecDeque::new(),
            late: None,
            timed: 0,
            settled: false,
        }
    }

    /// Whether views are made now: under faults, and again when all has settled.
    fn is_watched(&self, now: Time) -> bool {
        now < QUIET_AT || (self.fair_from..self.fair_until).contains(&now)
    }

    fn store(&self) -> &Store {
        match self.ghosts.seen(self.store) {
            Ghost::Store(store) => store,
            Ghost::Server(_) => unreachable!("the store's ghost is a store's"),
        }
    }

    fn servers(&self) -> impl Iterator<Item = (NodeId, &Server)> {
        (0..self.nodes).map(NodeId::from_index).filter_map(|node| match self.ghosts.seen(node) {
            Ghost::Server(server) => Some((node, server)),
            Ghost::Store(_) => None,
        })
    }

    fn taken(&self) -> u64 {
        self.servers().map(|(_, server)| server.taken).sum()
    }

    /// What must be shown in the end: for each server what was acknowledged to its earlier lives, and all that it has taken
    /// in this one if it is up.
    fn least(&self, is_up: impl Fn(NodeId) -> bool) -> u64 {
        let acknowledged = |node, server: &Server, up: bool| {
            let mine = server.batches.iter().filter(|(id, batch)| {
                (!up || batch.life < server.life) && self.store().flushes.get(&(node, **id)).is_some_and(|flush| flush.safe)
            });
            mine.map(|(_, batch)| batch.views).sum::<u64>()
        };
        let of = |(node, server): (NodeId, &Server)| {
            let up = is_up(node);
            acknowledged(node, server, up) + if up { server.taken_now } else { 0 }
        };
        self.servers().map(of).sum()
    }

    /// Of which server views are missing, if that can be told: of one that is up, and has taken more than ever arrived.
    fn missing(&self, is_up: impl Fn(NodeId) -> bool) -> String {
        let of = |(node, server): (NodeId, &Server)| {
            let mine = server.batches.iter().filter(|(id, b)| b.life == server.life && self.store().flushes.contains_key(&(node, **id)));
            let arrived: u64 = mine.map(|(_, b)| b.views).sum();
            (is_up(node) && arrived < server.taken_now).then(|| {
                format!(
                    "; {node} has taken {} since its last start, but flushes with only {arrived} of them have arrived",
                    counted(server.taken_now, "view")
                )
            })
        };
        self.servers().find_map(of).unwrap_or_default()
    }

    fn takes_view(&mut self, at: Time, node: NodeId) {
        if at >= self.fair_from {
            // Nobody crashes any more; who is down now stays down, and no view reaches it.
            self.timed += 1;
            // With the one that comes now.
            let required = self.taken() + 1;
            let by = at + self.every + self.every / 50 + FRESH_SLACK;
            // The step gets its number when it ends.
            self.due.push_back(Due { by, required, taken_at: at, node, step: 0 });
        }
    }

    /// All that must be shown once everybody has had time to flush.
    fn nothing_lost(&self, world: &World<'_, ViewCounter>, when: &str) -> Check {
        let least = self.least(|n| world.is_up(n));
        if self.store().shown >= least {
            return Ok(());
        }
        let seen = format!(
            "{when} the store, {}, shows {}; {} had been taken in all, at least {least} of them by servers that have not crashed since, or acknowledged to a server that has",
            self.store,
            self.store().shown,
            counted(self.taken(), "view")
        ) + &self.missing(|n| world.is_up(n));
        Err(Broken::new(NOTHING_LOST, seen).stuck())
    }

    /// Views of fair weather whose time is over. `step`: the one that runs, if the run is not over.
    fn in_time(&mut self, now: Time, step: Option<u64>, is_up: impl Fn(NodeId) -> bool) {
        while self.due.front().is_some_and(|due| due.by < now) {
            let Some(due) = self.due.pop_front() else { break };
            let required = self.least(&is_up) - (self.taken() - due.required);
            if self.store().shown < required && self.late.is_none() {
                let seen = format!(
                    "{} took a view at {}, long after the network had healed; at {}, more than a flush interval of {} ms and a delay later, the store, {}, showed {}, but had to show at least {required}: that many of the views taken until then must not be lost",
                    due.node,
                    due.taken_at,
                    due.by,
                    self.every.as_millis(),
                    self.store,
                    self.store().shown
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
        if let Cause::Request { request: Request::View, .. } = cause {
            self.takes_view(at, node);
        }
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, ViewCounter>, world: &World<'_, ViewCounter>) -> Check {
        if let Some(due) = self.due.back_mut().filter(|due| due.step == 0) {
            due.step = step.number;
        }
        // What was shown and taken before this step.
        self.in_time(step.at, Some(step.number), |n| world.is_up(n));
        self.ghosts.step(step, world)?;
        self.settled = self.late.is_none()
            && step.at >= self.fair_until
            && self.due.is_empty()
            && self.store().shown >= self.least(|n| world.is_up(n));
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
