//! The random runs of `quorum_write`: quorums of every size, clients with their own idea of the next version who ask again
//! elsewhere, and faults of every kind.

use super::watch::Watch;
use super::{ANSWERS, ENOUGH, FAILED, GENUINE, KEEPS, NEWEST, SAVES, WRITTEN};
use crate::exercises::quorum_write::{Config, Held, QuorumWrite, Request, Response, Value, Version};
use crate::rng::Rng;
use crate::rule::Check;
use crate::sim::{Allowed, Cause, ClientId, Clients, Factory, NodeId, Plan, Referee, Setup, Step, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;

const QUIET_AT: Time = Time::from_millis(1_500);
const END: Time = Time::from_millis(4_500);
const CLIENTS: usize = 3;
/// How long after the deadline a client goes on waiting, in milliseconds.
const PATIENCE_MS: u64 = 60;

pub(super) fn swarm(factory: Factory<QuorumWrite>) -> Swarm {
    Swarm {
        rules: &[KEEPS, SAVES, WRITTEN, FAILED, ANSWERS, ENOUGH, NEWEST, GENUINE],
        must_meet: &[
            "crashes between two effects",
            "partitions",
            "messages repeated",
            "messages lost",
            "pauses",
            "acknowledged writes",
            "writes asked for again",
            "reads",
            "reads after an acknowledged write, W + R > N",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<QuorumWrite>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let nodes = [1, 2, 3, 3, 3, 4, 5, 5, 5][rng.below(9) as usize];
    let all = nodes as u64;
    let w = rng.range(1..=all);
    // Two runs of three have quorums that meet.
    let r = if rng.chance(667_000) { rng.range(all + 1 - w..=all) } else { rng.range(1..=all) };
    let config = Config { w: w as usize, r: r as usize, deadline: millis(rng.range(120..=200)) };
    let plan = Plan::draw(seed, nodes, &Allowed::everything(millis(250)), QUIET_AT);
    let play = || Play::new(Watch::new(nodes, config.clone(), &plan), config.clone());
    let setup = Setup { plan: plan.clone(), end: END, ..Setup::new(seed, vec![config.clone(); nodes]) };
    trial(factory, &setup, probe, play, |play, run| {
        let watch = &play.watch;
        run.coverage.add("acknowledged writes", watch.written);
        run.coverage.add("requests answered with Unknown or Unavailable", watch.unsure);
        run.coverage.add("reads", watch.reads);
        run.coverage.add("reads after an acknowledged write, W + R > N", watch.overlaps);
        run.coverage.add("writes asked for again", play.again);
        run.coverage.add("stale reads that W + R <= N allows", u64::from(watch.lesson.is_some()));
        run.lessons.extend(watch.lesson.clone());
    })
}

/// What one client does.
#[derive(Clone, Copy, Default)]
struct Client {
    /// The request that it waits for, and the write if it is one.
    waits: Option<(Ticket, Option<Held>)>,
    /// A write to ask for once more.
    again: Option<Held>,
    last_number: u64,
    /// What it still has to do in the quiet phase: a write, then a read.
    duties: u8,
    done: bool,
}

struct Play {
    watch: Watch,
    config: Config,
    clients: [Client; CLIENTS],
    next_value: u64,
    newest_number: u64,
    quiet: bool,
    again: u64,
}

impl Play {
    fn new(watch: Watch, config: Config) -> Self {
        let client = Client { duties: 2, ..Client::default() };
        Play { watch, config, clients: [client; CLIENTS], next_value: 1, newest_number: 0, quiet: false, again: 0 }
    }

    /// Clients' ideas of the next number differ: most have heard of the newest, some count by themselves.
    fn next_write(&mut self, client: ClientId, rng: &mut Rng) -> Held {
        let own = self.clients[client.index()].last_number;
        let number = if rng.chance(700_000) { self.newest_number.max(own) + 1 } else { own + 1 + rng.below(2) };
        self.newest_number = self.newest_number.max(number);
        self.clients[client.index()].last_number = number;
        self.next_value += 1;
        Held { version: Version { number, writer: client }, value: Value(self.next_value) }
    }

    fn ask(&mut self, client: ClientId, write: Option<Held>, clients: &mut Clients<'_, QuorumWrite>, world: &World<'_, QuorumWrite>) {
        let up: Vec<NodeId> = (0..world.nodes()).map(NodeId::from_index).filter(|n| !self.quiet || world.is_up(*n)).collect();
        let Some(&at) = clients.rng.pick(&up) else { return };
        let request = write.map_or(Request::Read, Request::Write);
        let ticket = clients.ask(client, at, request);
        self.clients[client.index()].waits = Some((ticket, write));
        let patience = self.config.deadline + millis(PATIENCE_MS);
        clients.wake(client, patience, ticket_tag(ticket));
    }

    /// After an answer, or none: what next? A write that may not have happened is sometimes asked for again.
    fn go_on(&mut self, client: ClientId, unsure: Option<Held>, clients: &mut Clients<'_, QuorumWrite>) {
        let again = unsure.filter(|_| clients.rng.chance(400_000));
        let state = &mut self.clients[client.index()];
        (state.waits, state.again) = (None, again);
        self.again += u64::from(again.is_some());
        let after = millis(clients.rng.range(5..=40));
        clients.wake(client, after, 0);
    }
}

/// Tag 0 means "do something new".
fn ticket_tag(ticket: Ticket) -> u64 {
    u64::from(ticket.number()) + 1
}

impl Referee<QuorumWrite> for Play {
    fn begin(&mut self, clients: &mut Clients<'_, QuorumWrite>) {
        for i in 0..CLIENTS {
            let after = millis(clients.rng.range(1..=50));
            clients.wake(ClientId::from_index(i), after, 0);
        }
    }

    fn wake(&mut self, client: ClientId, tag: u64, clients: &mut Clients<'_, QuorumWrite>, world: &World<'_, QuorumWrite>) -> Check {
        self.watch.overdue(clients.now)?;
        let state = self.clients[client.index()];
        match state.waits {
            Some((ticket, write)) if tag == ticket_tag(ticket) => {
                clients.give_up(ticket, "no answer by the deadline");
                self.go_on(client, write, clients);
            }
            None if tag == 0 && state.again.is_some() => {
                self.clients[client.index()].again = None;
                self.ask(client, state.again, clients, world);
            }
            None if tag == 0 && !state.done => {
                let writes = if self.quiet {
                    if state.duties == 0 {
                        self.clients[client.index()].done = true;
                        return Ok(());
                    }
                    self.clients[client.index()].duties -= 1;
                    state.duties == 2
                } else {
                    clients.rng.chance(500_000)
                };
                let write = writes.then(|| self.next_write(client, clients.rng));
                self.ask(client, write, clients, world);
            }
            _ => {}
        }
        Ok(())
    }

    fn asked(&mut self, _: Time, _: u64, _: NodeId, _: Ticket, request: &Request) {
        if let Request::Write(held) = request {
            self.watch.asks(*held);
        }
    }

    fn response(&mut self, _: NodeId, ticket: Ticket, response: &Response, clients: &mut Clients<'_, QuorumWrite>) -> Check {
        let client = ticket.client();
        if let Some((waits, write)) = self.clients[client.index()].waits
            && waits == ticket
        {
            let unsure = matches!(response, Response::Unknown);
            self.go_on(client, write.filter(|_| unsure), clients);
        }
        Ok(())
    }

    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumWrite>) -> Check {
        self.watch.cause(at, node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, QuorumWrite>, world: &World<'_, QuorumWrite>) -> Check {
        self.watch.step(step, world)
    }

    fn quiet(&mut self, world: &World<'_, QuorumWrite>) -> Check {
        self.quiet = true;
        self.watch.up = Some((0..world.nodes()).filter(|i| world.is_up(NodeId::from_index(*i))).count());
        Ok(())
    }

    fn done(&self) -> bool {
        self.clients.iter().all(|c| c.done)
    }

    fn end(&mut self, world: &World<'_, QuorumWrite>) -> Check {
        self.watch.overdue(world.now())
    }
}
