//! The random runs of `work_queue`: the broker with every fault, producers who ask until they are heard, and workers who do their work, fail, hang, come late and die. When
//! the network has healed they do what is left, and then nothing is.

use super::rules::{IN_TIME, LOST};
use super::spec::{ALL, Ghost};
use crate::exercises::kit::{Game, N1, Play};
use crate::exercises::work_queue::{Config, JobId, Key, Receipt, Request, Response, WorkQueue};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::collections::BTreeMap;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(1_000);
const END: Time = Time::from_millis(7_000);
/// The node pauses, and its clock steps: what was due meanwhile comes later, nobody can say by how much. That it comes is seen when the network has healed.
const PAUSES: Duration = Duration::from_secs(1_000);
const CLIENTS: usize = 4;
const PRODUCERS: usize = 2;
/// What is left when the network heals must come to its end in time, one after the other.
const JOBS: usize = 16;

pub(super) fn swarm(factory: Factory<WorkQueue>) -> Swarm {
    Swarm {
        rules: ALL,
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "pauses",
            "jobs handed out",
            "jobs handed out again after a lease",
            "jobs handed out again after a failure",
            "late acknowledgements that were refused",
            "dead letters",
            "twins",
            "queues that were full",
            "queues that ran empty",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<WorkQueue>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let config = Config {
        lease: millis(rng.range(60..=200)),
        attempts: rng.range(1..=4) as u32,
        pause: millis(rng.range(5..=40)),
        most: millis(rng.range(40..=80)),
        capacity: rng.range(2..=5) as usize,
        remembers: millis(rng.range(200..=2_000)),
    };
    let from = if rng.chance(300_000) { rng.wild() >> 1 } else { 1 };
    let allowed = Allowed { down_for_good: false, ..Allowed::everything(millis(200)) };
    let setup = Setup { plan: Plan::draw(seed, 1, &allowed, QUIET_AT), end: END, ..Setup::new(seed, vec![config.clone()]) };
    // A clock that drifts rounds: all may end a little early.
    let less = |span: Duration| span - millis(1);
    let (lease, pause, most, remembers) = (less(config.lease), less(config.pause), less(config.most), less(config.remembers));
    let short = Config { lease, pause, most, remembers, ..config };
    let watch = || Watch {
        ghosts: Ghosts::of(N1, Ghost::new(short.clone(), PAUSES)).patient(),
        rests: config.lease + config.most * 2 + millis(200),
        nothing_left: None,
        from,
        wanted: Vec::new(),
        tickets: BTreeMap::new(),
        workers: vec![Worker::default(); CLIENTS],
        waits: BTreeMap::new(),
        now: Time::ZERO,
    };
    trial(
        factory,
        &setup,
        probe,
        || Play::new(watch()),
        |play, run| {
            run.coverage.merge(&play.game.ghosts.seen(N1).met);
            run.coverage.add("queues that ran empty", u64::from(play.game.nothing_left.is_some()));
        },
    )
}

#[derive(Clone, Default)]
struct Worker {
    has: Option<(JobId, Receipt)>,
    /// What it had.
    had: Vec<(JobId, Receipt)>,
    /// Since when it has heard nothing but Empty, since the network healed; and whether it has looked at the dead letters.
    idle: Option<(Time, u64)>,
    looked: bool,
}

struct Watch {
    ghosts: Ghosts<WorkQueue, Ghost>,
    /// After so much time everything can be handed out; and since which step a worker has heard nothing but Empty for so long, when the network had healed.
    rests: Duration,
    nothing_left: Option<u64>,
    /// The first id, and the first key.
    from: u64,
    /// The jobs that producers want done, and whether they have heard so.
    wanted: Vec<(JobId, bool)>,
    tickets: BTreeMap<Ticket, Request>,
    workers: Vec<Worker>,
    /// What was asked when the network had healed and is not answered.
    waits: BTreeMap<Ticket, Request>,
    now: Time,
}

impl Watch {
    fn enqueue(&self, job: JobId) -> Request {
        Request::Enqueue { job, key: Key(self.from + job.0 % 3) }
    }

    fn produces(&mut self, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let unheard = self.wanted.iter().find(|(_, heard)| !heard).map(|(job, _)| *job);
        let job = if duty.is_some() {
            unheard?
        } else if self.wanted.len() < JOBS && rng.chance(600_000) {
            let job = JobId(self.from + self.wanted.len() as u64);
            self.wanted.push((job, false));
            job
        } else {
            unheard.filter(|_| rng.chance(500_000)).or_else(|| rng.pick(&self.wanted).map(|(job, _)| *job)).unwrap_or(JobId(self.from))
        };
        Some(self.enqueue(job))
    }

    /// Every fourth job fails each time, until the network heals.
    fn works(&mut self, client: usize, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        let worker = &mut self.workers[client];
        if let Some((job, receipt)) = worker.has.take() {
            worker.had.push((job, receipt));
            let fails = duty.is_none() && (job.0 % 4 == 0 || rng.chance(200_000));
            if duty.is_some() || rng.chance(700_000) {
                return Some(if fails { Request::Fail { job, receipt } } else { Request::Ack { job, receipt } });
            }
        }
        if duty.is_none() && rng.chance(200_000) {
            // Late, or once more.
            let late = rng.pick(&worker.had).copied().map(|(job, receipt)| Request::Ack { job, receipt });
            return late.or(Some(Request::Dead));
        }
        if worker.looked {
            return None;
        }
        worker.looked = duty.is_some() && worker.idle.is_some_and(|(since, _)| self.now >= since + self.rests);
        Some(if worker.looked { Request::Dead } else { Request::Take })
    }
}

impl Game<WorkQueue> for Watch {
    const CLIENTS: usize = CLIENTS;
    const ALWAYS_IMPATIENT: bool = false;

    fn next(&mut self, client: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        if client.index() < PRODUCERS { self.produces(duty, rng) } else { self.works(client.index(), duty, rng) }
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(30..=400))
    }

    fn whom(&mut self, _: &Request, _: &[NodeId], _: &mut Rng) -> Option<NodeId> {
        Some(N1)
    }

    fn again(&mut self, request: &Request, answer: Option<&Response>, rng: &mut Rng) -> bool {
        answer.is_none() && !matches!(request, Request::Take | Request::Enqueue { .. }) && rng.chance(600_000)
    }

    fn asked(&mut self, at: Time, _: u64, _: NodeId, ticket: Ticket, request: &Request) {
        self.tickets.insert(ticket, request.clone());
        if at > QUIET_AT && at + millis(1_000) < END {
            self.waits.insert(ticket, request.clone());
        }
    }

    fn heard(&mut self, _: NodeId, ticket: Ticket, response: &Response, at: Time, step: u64) -> Check {
        self.waits.remove(&ticket);
        let worker = &mut self.workers[ticket.client().index()];
        match (self.tickets.remove(&ticket), response) {
            (Some(Request::Enqueue { job, .. }), Response::Enqueued) => {
                self.wanted.iter_mut().filter(|(wanted, _)| *wanted == job).for_each(|(_, heard)| *heard = true);
            }
            (Some(Request::Take), Response::Work { job, receipt, .. }) => {
                worker.has = Some((*job, *receipt));
                worker.idle = None;
            }
            (Some(Request::Take), Response::Empty) if at > QUIET_AT => worker.idle = worker.idle.or(Some((at, step))),
            (Some(Request::Dead), _) => {
                let idle = worker.idle.filter(|(since, _)| at >= *since + self.rests);
                self.nothing_left = idle.map(|(_, step)| step).or(self.nothing_left);
            }
            _ => {}
        }
        Ok(())
    }

    fn time(&mut self, now: Time, _: &World<'_, WorkQueue>) -> Check {
        self.now = now;
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, WorkQueue>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, WorkQueue>, world: &World<'_, WorkQueue>) -> Check {
        self.ghosts.step(step, world)
    }

    /// All that was accepted is over.
    fn end(&mut self, _: &World<'_, WorkQueue>) -> Check {
        if let Some(request) = self.waits.values().next() {
            let seen = format!("a client asked {request:?} when the network had healed, but has no answer more than a second later");
            return Err(Broken::new(IN_TIME, seen).stuck());
        }
        let Some(job) = self.nothing_left.and_then(|before| self.ghosts.seen(N1).left(before)) else { return Ok(()) };
        let seen = format!(
            "{job:?} was accepted, and is neither done nor a dead letter, but a worker that asked again and again got Empty for {:?}",
            self.rests
        );
        Err(Broken::new(LOST, seen).stuck())
    }
}
