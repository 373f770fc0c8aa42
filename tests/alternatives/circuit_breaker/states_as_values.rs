//! Built another way: a state is a value that is taken and given back changed; each state is a type, and knows its own tickets.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Closed {
    results: Vec<(Time, bool)>,
    out: BTreeSet<u64>,
}

struct Open(Time);

struct HalfOpen {
    out: BTreeMap<u64, Time>,
    missing: u32,
}

enum State {
    Closed(Closed),
    Open(Open),
    HalfOpen(HalfOpen),
}

impl Closed {
    fn hears(mut self, now: Time, config: &Config, ticket: u64, failed: Option<bool>) -> State {
        let (true, Some(failed)) = (self.out.remove(&ticket), failed) else {
            return State::Closed(self);
        };
        self.results.retain(|(came, _)| *came + config.window > now);
        self.results.push((now, failed));
        let bad = self.results.iter().filter(|(_, failed)| *failed).count();
        let enough = self.results.len() >= config.minimum as usize;
        if failed && enough && bad * 100 >= self.results.len() * config.failure_percent as usize {
            return State::Open(Open(now));
        }
        State::Closed(self)
    }
}

impl HalfOpen {
    fn hears(mut self, now: Time, config: &Config, ticket: u64, failed: Option<bool>) -> State {
        let in_time = |begun: &Time| now.since(*begun) < config.lost_after;
        match (self.out.remove(&ticket).filter(in_time), failed) {
            (Some(_), Some(true)) => return State::Open(Open(now)),
            (Some(_), Some(false)) if self.missing == 1 => return State::Closed(Closed::default()),
            (Some(_), Some(false)) => self.missing -= 1,
            _ => {}
        }
        State::HalfOpen(self)
    }

    fn lets(&mut self, now: Time, config: &Config, ticket: u64) -> bool {
        self.out
            .retain(|_, begun| now.since(*begun) < config.lost_after);
        let lets = self.out.len() < self.missing as usize;
        if lets {
            self.out.insert(ticket, now);
        }
        lets
    }
}

struct Breaker {
    config: Config,
    circuits: BTreeMap<String, State>,
    asked: u64,
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: BTreeMap::new(),
            asked: 0,
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        self.asked += 1;
        let state = self
            .circuits
            .remove(dependency)
            .unwrap_or(State::Closed(Closed::default()));
        let mut state = match state {
            State::Open(Open(since)) if now.since(since) >= self.config.wait => {
                State::HalfOpen(HalfOpen {
                    out: BTreeMap::new(),
                    missing: self.config.probes,
                })
            }
            other => other,
        };
        let lets = match &mut state {
            State::Closed(closed) => closed.out.insert(self.asked),
            State::Open(_) => false,
            State::HalfOpen(half) => half.lets(now, &self.config, self.asked),
        };
        self.circuits.insert(dependency.to_owned(), state);
        lets.then_some(Ticket(self.asked))
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        let failed = (outcome != Outcome::CallerError)
            .then_some(outcome == Outcome::Failure || took >= self.config.slow);
        if let Some(state) = self.circuits.remove(dependency) {
            let state = match state {
                State::Closed(closed) => closed.hears(now, &self.config, ticket.0, failed),
                State::HalfOpen(half) => half.hears(now, &self.config, ticket.0, failed),
                open @ State::Open(_) => open,
            };
            self.circuits.insert(dependency.to_owned(), state);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
