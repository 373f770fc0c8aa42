//! Built another way: the times of failures and of all results in two sorted lists, counted by halving; a state is two moments, and
//! which of them there are says which it is. A ticket is the number of the state, and a second one tells probes apart.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;

#[derive(Default)]
struct Circuit {
    name: String,
    all: Vec<Time>,
    failures: Vec<Time>,
    opened: Option<Time>,
    half_open: bool,
    succeeded: u32,
    probes: Vec<(u64, Time)>,
    state: u64,
    number: u64,
}

struct Breaker {
    config: Config,
    /// In the order of their names.
    circuits: Vec<Circuit>,
}

fn younger(times: &[Time], now: Time, window: Duration) -> u128 {
    (times.len() - times.partition_point(|came| now.since(*came) >= window)) as u128
}

impl Circuit {
    fn next_state(&mut self) {
        self.state += 1;
        self.all.clear();
        self.failures.clear();
        self.probes.clear();
        self.succeeded = 0;
        self.half_open = false;
    }

    fn open(&mut self, now: Time) {
        self.next_state();
        self.opened = Some(now);
    }
}

impl Breaker {
    fn circuit(&mut self, name: &str) -> &mut Circuit {
        let place = self
            .circuits
            .binary_search_by(|circuit| circuit.name.as_str().cmp(name));
        let place = place.unwrap_or_else(|place| {
            self.circuits.insert(
                place,
                Circuit {
                    name: name.to_owned(),
                    ..Circuit::default()
                },
            );
            place
        });
        &mut self.circuits[place]
    }
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: Vec::new(),
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let Config {
            wait,
            probes,
            lost_after,
            ..
        } = self.config;
        let circuit = self.circuit(dependency);
        circuit.number += 1;
        if let Some(opened) = circuit.opened {
            if now.since(opened) < wait {
                return None;
            }
            if !circuit.half_open {
                circuit.next_state();
                circuit.half_open = true;
            }
            circuit
                .probes
                .retain(|(_, begun)| now.since(*begun) < lost_after);
            if circuit.probes.len() + circuit.succeeded as usize >= probes as usize {
                return None;
            }
            circuit.probes.push((circuit.number, now));
        }
        Some(Ticket(
            circuit.state * 1_000_000 + circuit.number % 1_000_000,
        ))
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        let config = self.config;
        let circuit = self.circuit(dependency);
        if ticket.0 / 1_000_000 != circuit.state {
            return;
        }
        let failed =
            outcome == Outcome::Failure || outcome == Outcome::Success && took >= config.slow;
        if circuit.half_open {
            let number = ticket.0 % 1_000_000;
            let probe = circuit
                .probes
                .iter()
                .position(|(n, _)| n % 1_000_000 == number);
            let Some(probe) = probe else { return };
            let (_, begun) = circuit.probes.remove(probe);
            if now.since(begun) >= config.lost_after || outcome == Outcome::CallerError {
                return;
            }
            circuit.succeeded += 1;
            if failed {
                circuit.open(now);
            } else if circuit.succeeded >= config.probes {
                circuit.next_state();
                circuit.opened = None;
            }
        } else if circuit.opened.is_none() && outcome != Outcome::CallerError {
            circuit.all.push(now);
            if failed {
                circuit.failures.push(now);
            }
            let all = younger(&circuit.all, now, config.window);
            let failures = younger(&circuit.failures, now, config.window);
            let share = all * u128::from(config.failure_percent);
            if all >= u128::from(config.minimum) && failed && failures * 100 >= share {
                circuit.open(now);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
