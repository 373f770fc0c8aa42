//! What one node of `lease_lock` may do: its ghost, kept from what others can observe. Each role has a file of its own: `server`, `worker`, `storage`;
//! they say what others could say in a storm, too.

use super::server::Server;
use super::storage::Storage;
use super::worker::Worker;
use super::{DONE, ECHO, FREED, GIVEN, IN_TIME, KEEPS, ONE, RELEASE, RENEWAL, RESTART, STOPS, STORAGE, TOKENS, TRUTH, TWICE, WAITER};
use crate::exercises::kit::{Open, Taken};
use crate::exercises::lease_lock::{Config, LeaseLock, Response, Saved, TAKES, Token};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Factory, Input, NodeId, Seen, Setting, Spec, Storm, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
pub(super) const LATE: Duration = millis(5);
/// A clock that drifts rounds.
pub(super) const A_LITTLE: Duration = millis(1);

pub(super) const ALL: &[&str] =
    &[ONE, RESTART, TOKENS, TWICE, RENEWAL, FREED, RELEASE, ECHO, STOPS, GIVEN, KEEPS, WAITER, DONE, STORAGE, TRUTH, IN_TIME];

pub(super) fn storms(factory: Factory<LeaseLock>) -> Storms {
    Storms {
        rules: ALL,
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "leases given",
            "leases that went on",
            "leases that ended by themselves",
            "leases after a restart",
            "releases that came late",
            "locks held",
            "leases given back",
            "grants that came too late",
            "grants that nobody wants",
            "writes under a lease that is held",
            "writes under a lease that may be over",
            "writes that were refused",
            "entries written",
            "entries that were too late",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<LeaseLock, Ghost>(factory, seed, probe)),
    }
}

/// What all roles know.
#[derive(Clone)]
pub(super) struct Base {
    pub me: NodeId,
    pub nodes: usize,
    pub config: Config,
    pub promised: bool,
    pub met: Coverage,
}

impl Base {
    pub fn workers(&self) -> Vec<NodeId> {
        let others = [self.config.server, self.config.storage];
        (0..self.nodes).map(NodeId::from_index).filter(|node| !others.contains(node)).collect()
    }

    /// An answer to another question.
    pub fn mismatch(&self, taken: &Taken<LeaseLock>, response: Response, step: u64) -> Broken {
        Broken::new(IN_TIME, format!("{} answered {:?} with {response:?}", self.me, taken.request)).at([taken.step, step])
    }
}

#[derive(Clone)]
enum Role {
    Server(Server),
    Worker(Box<Worker>),
    Storage(Storage),
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    base: Base,
    role: Role,
    open: Open<LeaseLock>,
    /// What its clock said last.
    now: Time,
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize, config: Config, disk: Option<&Saved>) -> Self {
        let role = if me == config.server {
            Role::Server(Server::with_disk(disk.map_or(Token(0), |saved| saved.token)))
        } else if me == config.storage {
            Role::Storage(Storage::default())
        } else {
            Role::Worker(Box::default())
        };
        let base = Base { me, nodes, config, promised: false, met: Coverage::default() };
        Ghost { base, role, open: Open::new(IN_TIME, me), now: Time::ZERO }
    }
}

impl Spec<LeaseLock> for Ghost {
    fn step(&mut self, seen: &Seen<'_, LeaseLock>) -> Check {
        let base = &mut self.base;
        base.promised = false;
        self.now = seen.now;
        let answers = self.open.step(seen)?;
        match &mut self.role {
            Role::Server(server) => match answers.first() {
                Some((taken, response)) => Err(base.mismatch(taken, **response, seen.number)),
                None => server.step(base, seen),
            },
            Role::Worker(worker) => worker.step(base, seen, &answers),
            Role::Storage(storage) => storage.step(base, seen, &answers),
        }
    }

    fn time(&mut self, now: Time) -> Check {
        self.now = now;
        match &self.role {
            Role::Server(server) => server.time(&self.base, now),
            Role::Worker(worker) => worker.time(&self.base, &self.open, now),
            Role::Storage(storage) => {
                storage.time(&self.base, now)?;
                self.open.in_time(now, TAKES + LATE)
            }
        }
    }

    fn resumes(&mut self, now: Time, after: Duration) {
        self.now = now;
        for taken in self.open.of.values_mut() {
            taken.since = taken.since + after;
        }
        if let Role::Worker(worker) = &mut self.role {
            worker.resumes(now, after);
        }
    }
}

impl Storm<LeaseLock> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<LeaseLock>) {
        let nodes = [3, 4, 4, 5][rng.below(4) as usize];
        let mut all: Vec<NodeId> = (0..nodes).map(NodeId::from_index).collect();
        rng.shuffle(&mut all);
        let minute = rng.chance(40_000);
        let lease = if minute { millis(60_000) } else { millis(400) };
        let config = Config { server: all[0], storage: all[1], lease };
        let me = [all[0], all[0], all[2], all[2], all[2], all[1]][rng.below(6) as usize];
        let is_server = me == config.server;
        // A disk that is years old, as README says.
        let old = (is_server && rng.chance(400_000)).then(|| match rng.below(3) {
            0 => rng.wild() >> 2,
            1 => 250 + rng.below(6),
            _ => 65_530 + rng.below(6),
        });
        let saved = old.map(|token| Saved { token: Token(token), ..Saved::default() });
        let mut ghost = Ghost::new(me, nodes, config.clone(), saved.as_ref());
        let mut setting = Setting {
            saved, // The clock may be set to any year.
            clock_ahead_us: 2_000_000_000 + if rng.chance(200_000) { rng.wild() >> 2 } else { rng.below(1 << 40) },
            rest_ms: 450,
            ..Setting::new(nodes, me, config)
        };
        let waits: &[(&'static [u64], bool)] = match &mut ghost.role {
            Role::Server(server) => {
                server.bits = [0, 2, 8, 64][rng.below(4) as usize];
                &[(&[1, 20, 200, 450], false), (&[100, 300, 399, 400], true), (&[5, 450], false)]
            }
            Role::Worker(worker) => {
                let model = &mut worker.model;
                model.leaps = rng.chance(400_000);
                model.crowd = rng.chance(200_000);
                model.top = Token([0, 0, 253, 65_533][rng.below(4) as usize]);
                &[(&[1, 20, 60, 200], false), (&[1, 40, 394, 362], true), (&[1, 5, 393], true), (&[5, 20], false)]
            }
            Role::Storage(_) => &[(&[2, 20, 60], false)],
        };
        (setting.waits_ms, setting.whole) = waits[rng.below(waits.len() as u64) as usize];
        if minute {
            (setting.waits_ms, setting.whole, setting.rest_ms) = (&[20, 5_000, 59_000], true, 70_000);
            setting.waits_until_ms = 150_000;
        }
        if matches!(ghost.role, Role::Worker(_)) && rng.chance(200_000) {
            setting.stalls_ms = 480;
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<LeaseLock>> {
        match &mut self.role {
            Role::Server(server) => server.input(&mut self.base, rng),
            Role::Worker(worker) => worker.input(&mut self.base, rng, self.now),
            Role::Storage(storage) => storage.input(&mut self.base, rng),
        }
    }

    fn promised(&self) -> bool {
        self.base.promised
    }

    fn betray(&mut self, rng: &mut Rng) -> Option<Input<LeaseLock>> {
        match &mut self.role {
            Role::Server(server) => server.betray(&mut self.base, rng),
            Role::Worker(worker) => worker.input(&mut self.base, rng, self.now),
            Role::Storage(storage) => storage.betray(&mut self.base, rng),
        }
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.base.met);
    }
}
