//! Built another way: a ring of results with running totals, as a sliding window of calls has it, but each result with its time; what is too
//! old is taken off when one looks, at a permit and at a result alike, and both may open it.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::{HashMap, VecDeque};

#[derive(Default)]
struct Window {
    ring: VecDeque<(Time, bool)>,
    failures: u32,
}

impl Window {
    fn add(&mut self, now: Time, failed: bool) {
        self.ring.push_back((now, failed));
        self.failures += u32::from(failed);
    }

    fn is_bad(&mut self, now: Time, config: &Config) -> bool {
        while let Some((came, failed)) = self.ring.front().copied() {
            if now.since(came) <= config.window {
                break;
            }
            self.ring.pop_front();
            self.failures -= u32::from(failed);
        }
        let all = self.ring.len() as u64;
        let enough = all >= u64::from(config.minimum) && self.failures > 0;
        enough && u64::from(self.failures) * 100 >= u64::from(config.failure_percent) * all
    }
}

#[derive(Default)]
struct Circuit {
    window: Window,
    /// When the wait is over, if it is not closed.
    half_open_at: Option<Time>,
    probes: Vec<(u64, Time)>,
    succeeded: u32,
    /// Tickets of which the result may count.
    valid: std::collections::BTreeSet<u64>,
}

impl Circuit {
    fn opens(&mut self, now: Time, config: &Config) {
        *self = Circuit {
            half_open_at: Some(now + config.wait),
            ..Circuit::default()
        };
    }
}

struct Breaker {
    config: Config,
    circuits: HashMap<String, Circuit>,
    tickets: u64,
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: HashMap::new(),
            tickets: 7,
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let config = self.config;
        let circuit = self.circuits.entry(dependency.into()).or_default();
        if circuit.half_open_at.is_none() && circuit.window.is_bad(now, &config) {
            circuit.opens(now, &config);
        }
        self.tickets += 3;
        if let Some(at) = circuit.half_open_at {
            circuit
                .probes
                .retain(|(_, begun)| *begun + config.lost_after > now);
            let taken = circuit.probes.len() as u64 + u64::from(circuit.succeeded);
            if now < at || taken >= u64::from(config.probes) {
                return None;
            }
            circuit.probes.push((self.tickets, now));
        } else {
            circuit.valid.insert(self.tickets);
        }
        Some(Ticket(self.tickets))
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
        let Some(circuit) = self.circuits.get_mut(dependency) else {
            return;
        };
        let failed = outcome == Outcome::Failure || took >= config.slow;
        let ignored = outcome == Outcome::CallerError;
        if circuit.half_open_at.is_none() {
            if circuit.valid.remove(&ticket.0) && !ignored {
                circuit.window.add(now, failed);
                if circuit.window.is_bad(now, &config) {
                    circuit.opens(now, &config);
                }
            }
            return;
        }
        let Some(place) = circuit
            .probes
            .iter()
            .position(|(number, _)| *number == ticket.0)
        else {
            return;
        };
        let (_, begun) = circuit.probes.swap_remove(place);
        if ignored || begun + config.lost_after <= now {
            return;
        }
        if failed {
            circuit.opens(now, &config);
            return;
        }
        circuit.succeeded += 1;
        if circuit.succeeded == config.probes {
            *circuit = Circuit::default();
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
