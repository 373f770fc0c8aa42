//! Built another way: whole tenths and the one that is filled just now, eleven in all, so that nothing leaves too early; in a map by their
//! number. A success may open it as well as a failure. One table of tickets for all dependencies.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

enum State {
    Closed { tenths: BTreeMap<u64, [u64; 2]> },
    Open { until: Time },
    HalfOpen { left: u32 },
}

struct Circuit {
    state: State,
    /// Changes with the state.
    age: u64,
}

struct Known {
    dependency: String,
    age: u64,
    begun: Time,
}

struct Breaker {
    config: Config,
    circuits: BTreeMap<String, Circuit>,
    tickets: BTreeMap<u64, Known>,
    next: u64,
}

impl Circuit {
    fn goes_to(&mut self, state: State) {
        self.state = state;
        self.age += 1;
    }
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: BTreeMap::new(),
            tickets: BTreeMap::new(),
            next: u64::MAX,
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let new = || Circuit {
            state: State::Closed {
                tenths: BTreeMap::new(),
            },
            age: 0,
        };
        let circuit = self
            .circuits
            .entry(dependency.to_owned())
            .or_insert_with(new);
        if matches!(circuit.state, State::Open { until } if until <= now) {
            circuit.goes_to(State::HalfOpen {
                left: self.config.probes,
            });
        }
        let age = circuit.age;
        match circuit.state {
            State::Open { .. } => return None,
            State::HalfOpen { left } => {
                let lost_after = self.config.lost_after;
                let of_it = |known: &Known| known.dependency == dependency && known.age == age;
                let is_out = |known: &&Known| of_it(known) && now.since(known.begun) < lost_after;
                if self.tickets.values().filter(is_out).count() >= left as usize {
                    return None;
                }
            }
            State::Closed { .. } => {}
        }
        self.next -= 1;
        self.tickets.insert(
            self.next,
            Known {
                dependency: dependency.to_owned(),
                age,
                begun: now,
            },
        );
        Some(Ticket(self.next))
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        let Some(known) = self.tickets.remove(&ticket.0) else {
            return;
        };
        let circuit = self.circuits.get_mut(dependency).expect("there is one");
        if known.age != circuit.age || outcome == Outcome::CallerError {
            return;
        }
        let failed = usize::from(outcome == Outcome::Failure || took >= self.config.slow);
        match &mut circuit.state {
            State::Closed { tenths } => {
                let tenth = now.as_micros() / (self.config.window.as_micros() as u64 / 10);
                tenths.entry(tenth).or_default()[failed] += 1;
                tenths.retain(|number, _| number + 10 >= tenth);
                let [good, bad] = tenths
                    .values()
                    .fold([0, 0], |[g, b], [x, y]| [g + x, b + y]);
                let share = (good + bad) * u64::from(self.config.failure_percent);
                if good + bad >= u64::from(self.config.minimum) && bad > 0 && bad * 100 >= share {
                    circuit.goes_to(State::Open {
                        until: now + self.config.wait,
                    });
                }
            }
            State::HalfOpen { left } if now.since(known.begun) < self.config.lost_after => {
                *left -= 1;
                if failed == 1 {
                    circuit.goes_to(State::Open {
                        until: now + self.config.wait,
                    });
                } else if *left == 0 {
                    circuit.goes_to(State::Closed {
                        tenths: BTreeMap::new(),
                    });
                }
            }
            State::HalfOpen { .. } | State::Open { .. } => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
