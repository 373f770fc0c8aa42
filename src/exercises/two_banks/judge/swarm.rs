//! The random runs of `two_banks`: both servers, a link that is cut, loses and repeats, clients at both; what must hold when it has healed; and
//! under CP whether all that the clients were told has one order.

use super::spec::{ACCOUNTS, Ghost};
use super::{AVAILABLE, BOOK, BOTH, EQUAL, HONEST, LINEAR, MERGES, ONCE, ORDER, OVERDRAWN, SENDS, SERVES, SUFFICES};
use crate::check::{Model, Verdict, linearizable};
use crate::exercises::kit::{Game, Log, Play};
use crate::exercises::two_banks::{Account, Choice, Config, Request, Response, TwoBanks};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, ClientId, Factory, Ghosts, NodeId, Plan, Setup, Step, Storm, Ticket, World, trial};
use crate::suite::{Run, Swarm};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::time::Duration;

const QUIET_AT: Time = Time::from_millis(1_000);
const END: Time = Time::from_millis(2_500);
/// After the heal: until here answers may still be late.
const SERVES_AT: Time = Time::from_millis(1_400);
/// Histories are short; one that is harder is left to the ghosts.
const STEPS: u64 = 50_000;

pub(super) fn swarm(factory: Factory<TwoBanks>) -> Swarm {
    Swarm {
        rules: &[ONCE, SENDS, MERGES, BOOK, SUFFICES, BOTH, LINEAR, HONEST, ORDER, SERVES, AVAILABLE, OVERDRAWN, EQUAL],
        must_meet: &[
            "partitions",
            "messages repeated",
            "messages lost",
            "changes done",
            "changes that never happen",
            "changes that may have happened",
            "requests of which the home was not heard",
            "requests that the other asked again",
            "overdrawn accounts read",
            "histories checked",
        ],
        run: Box::new(move |seed, probe| run(factory, seed, probe)),
    }
}

fn run(factory: Factory<TwoBanks>, seed: u64, probe: &Probe) -> Run {
    let mut rng = Rng::stream(seed, 10);
    let choice = if rng.chance(600_000) { Choice::Cp } else { Choice::Ap };
    let config = Config { choice, opening: [5, 100, 1_000][rng.below(3) as usize] };
    let allowed = Allowed { crashes: false, down_for_good: false, ..Allowed::everything(millis(300)) };
    let setup = Setup { plan: Plan::draw(seed, 2, &allowed, QUIET_AT), end: END, ..Setup::new(seed, vec![config.clone(); 2]) };
    let all = || (0..2).map(NodeId::from_index);
    let watch = || Watch {
        ghosts: Ghosts::new(all().map(|node| Ghost::new(node, config.clone()))).patient(),
        config: config.clone(),
        log: Log::default(),
        late: Vec::new(),
        checked: 0,
    };
    trial(
        factory,
        &setup,
        probe,
        || Play::new(watch()),
        |play, run| {
            all().for_each(|node| play.game.ghosts.seen(node).tally(&mut run.coverage));
            run.coverage.add("histories checked", play.game.checked);
        },
    )
}

struct Watch {
    ghosts: Ghosts<TwoBanks, Ghost>,
    config: Config,
    log: Log<Request, Response>,
    /// Requests that were made when the network had been whole for a while.
    late: Vec<Ticket>,
    checked: u64,
}

impl Watch {
    /// When everything has been said again: both copies of both accounts are the same.
    fn is_equal(&self, world: &World<'_, TwoBanks>) -> Check {
        let [one, two] = [0, 1].map(|i| world.view(NodeId::from_index(i)).unwrap_or_default());
        let Some(account) = ACCOUNTS.into_iter().find(|account| one[*account as usize] != two[*account as usize]) else { return Ok(()) };
        let quiet = world.now().since(QUIET_AT).as_millis();
        let seen = format!(
            "{quiet} ms after the network healed, n1's copy of {account:?}'s account says {}, and n2's {}",
            one[account as usize], two[account as usize]
        );
        Err(Broken::new(EQUAL, seen).stuck())
    }
}

impl Game<TwoBanks> for Watch {
    fn next(&mut self, _: ClientId, duty: Option<u32>, rng: &mut Rng) -> Option<Request> {
        if duty >= Some(12) {
            return None;
        }
        let account = if rng.chance(600_000) { Account::Alice } else { Account::Bob };
        let amount = 1 + rng.below(self.config.opening / 2 + 1);
        Some(match rng.below(6) {
            0 | 1 => Request::Read(account),
            2 => Request::Deposit(account, amount),
            _ => Request::Withdraw(account, amount),
        })
    }

    fn patience(&mut self, rng: &mut Rng) -> Duration {
        millis(rng.range(100..=400))
    }

    fn asked(&mut self, at: Time, step: u64, _: NodeId, ticket: Ticket, request: &Request) {
        self.log.asks(ticket, *request, at, step);
        if at >= SERVES_AT {
            self.late.push(ticket);
        }
    }

    fn heard(&mut self, from: NodeId, ticket: Ticket, response: &Response, at: Time, step: u64) -> Check {
        match response {
            Response::Unavailable => self.log.fails(ticket, at, step),
            // It has no answer, for ever.
            Response::Unknown => {}
            _ => drop(self.log.returns(ticket, *response, at, step)),
        }
        if self.late.contains(&ticket) && matches!(response, Response::Unavailable | Response::Unknown) {
            let since = SERVES_AT.since(QUIET_AT).as_millis();
            let seen = format!(
                "{from} answered {response:?} to a request that was made {since} ms or more after the network had healed, with nothing lost since"
            );
            return Err(Broken::new(SERVES, seen).at([step]));
        }
        Ok(())
    }

    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, TwoBanks>) -> Check {
        self.ghosts.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, TwoBanks>, world: &World<'_, TwoBanks>) -> Check {
        self.ghosts.step(step, world)
    }

    /// What is under way may still make them equal.
    fn done(&self, asked: bool) -> bool {
        asked && (0..2).map(|i| self.ghosts.seen(NodeId::from_index(i))).all(|ghost| ghost.pending().is_none() && ghost.undone.is_empty())
    }

    fn verdict(&mut self, _: &World<'_, TwoBanks>) -> Check {
        if self.config.choice == Choice::Ap {
            return Ok(());
        }
        match linearizable::check(&Accounts { opening: self.config.opening as i64 }, &self.log.history, STEPS) {
            Verdict::Holds => self.checked += 1,
            Verdict::Unknown(_) => {}
            Verdict::Violated(evidence) => {
                let seen = format!("no order of requests explains the answers to clients: {}", evidence.sentence(&self.log.history));
                return Err(Broken::new(LINEAR, seen).at(self.log.marks([evidence.blocked])));
            }
        }
        Ok(())
    }

    fn end(&mut self, world: &World<'_, TwoBanks>) -> Check {
        self.is_equal(world)
    }
}

/// The two accounts of a bank on one machine.
pub(super) struct Accounts {
    pub opening: i64,
}

impl Model for Accounts {
    type State = i64;
    type Op = Request;
    type Ret = Response;

    fn initial(&self) -> i64 {
        self.opening
    }

    fn step(&self, state: &i64, op: &Request, ret: Option<&Response>) -> Option<i64> {
        let by = op.by().unwrap_or(0);
        let suffices = by >= 0 || state + by >= 0;
        match ret {
            Some(Response::Balance(balance)) => (u64::try_from(*state) == Ok(*balance)).then_some(*state),
            Some(Response::Refused) => (!suffices).then_some(*state),
            Some(Response::Done) => suffices.then_some(state + by),
            // It was never answered: it may have happened.
            _ => Some(if suffices { state + by } else { *state }),
        }
    }

    fn key(&self, op: &Request) -> u64 {
        op.account() as u64
    }

    fn only_reads(&self, op: &Request, ret: Option<&Response>) -> bool {
        op.by().is_none() || matches!(ret, Some(Response::Refused))
    }
}
