//! The reference: a circuit is a state machine, and a result belongs to the state in which its call began. Tickets rise, so a state needs
//! to know only its first one to tell who is late.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

enum State {
    /// The results in the window, and the first ticket of this state.
    Closed {
        results: VecDeque<(Time, bool)>,
        first: u64,
    },
    Open {
        since: Time,
    },
    /// The probes of which nothing was heard so far, and when they went out.
    HalfOpen {
        probes: BTreeMap<u64, Time>,
        successes: u32,
    },
}

struct Circuit {
    state: State,
    next: u64,
}

struct Breaker {
    config: Config,
    circuits: BTreeMap<String, Circuit>,
}

impl Circuit {
    fn new() -> Self {
        Circuit {
            state: State::Closed {
                results: VecDeque::new(),
                first: 0,
            },
            next: 0,
        }
    }

    fn permit(&mut self, config: &Config, now: Time) -> Option<Ticket> {
        // Nothing happens when the wait is over: the first call that comes then finds it half-open.
        if let State::Open { since } = self.state
            && now.since(since) >= config.wait
        {
            self.state = State::HalfOpen {
                probes: BTreeMap::new(),
                successes: 0,
            };
        }
        match &mut self.state {
            State::Closed { .. } => {}
            State::Open { .. } => return None,
            State::HalfOpen { probes, successes } => {
                // Somebody who died with a probe must not keep its place for ever.
                probes.retain(|_, begun| now.since(*begun) < config.lost_after);
                if probes.len() as u32 + *successes >= config.probes {
                    return None;
                }
                probes.insert(self.next, now);
            }
        }
        self.next += 1;
        Some(Ticket(self.next - 1))
    }

    fn record(
        &mut self,
        config: &Config,
        now: Time,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        // What the caller did wrong says nothing about the dependency.
        let failed = match outcome {
            Outcome::Success => Some(took >= config.slow),
            Outcome::Failure => Some(true),
            Outcome::CallerError => None,
        };
        match &mut self.state {
            State::Closed { results, first } if ticket.0 >= *first => {
                let Some(failed) = failed else { return };
                results.push_back((now, failed));
                while results
                    .front()
                    .is_some_and(|(came, _)| now.since(*came) >= config.window)
                {
                    results.pop_front();
                }
                let failures = results.iter().filter(|(_, failed)| *failed).count() as u64;
                let all = results.len() as u64;
                if all >= u64::from(config.minimum)
                    && failures * 100 >= all * u64::from(config.failure_percent)
                {
                    self.state = State::Open { since: now };
                }
            }
            State::HalfOpen { probes, successes } => {
                let Some(begun) = probes.remove(&ticket.0) else {
                    return;
                };
                if now.since(begun) >= config.lost_after {
                    return;
                }
                match failed {
                    // Its place is free again.
                    None => {}
                    Some(true) => self.state = State::Open { since: now },
                    Some(false) => {
                        *successes += 1;
                        if *successes == config.probes {
                            self.state = State::Closed {
                                results: VecDeque::new(),
                                first: self.next,
                            };
                        }
                    }
                }
            }
            // Late: its call began before the state that is now.
            State::Closed { .. } | State::Open { .. } => {}
        }
    }
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: BTreeMap::new(),
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let circuit = self
            .circuits
            .entry(dependency.to_owned())
            .or_insert_with(Circuit::new);
        circuit.permit(&self.config, now)
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        if let Some(circuit) = self.circuits.get_mut(dependency) {
            circuit.record(&self.config, now, ticket, outcome, took);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
