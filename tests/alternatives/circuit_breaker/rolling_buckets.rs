//! Built another way: ten buckets of a tenth of the window roll on, the one that is filled just now among them; so a result leaves when it is
//! nine to ten tenths old. Tickets are a generation and a number in one.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

const BUCKETS: u64 = 10;

#[derive(Clone, Copy, Default)]
struct Bucket {
    number: u64,
    good: u64,
    bad: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Closed,
    Open(Time),
    HalfOpen,
}

struct Circuit {
    phase: Phase,
    generation: u64,
    issued: u64,
    buckets: [Bucket; BUCKETS as usize],
    probes: Vec<Option<Time>>,
    succeeded: u32,
}

impl Circuit {
    fn new() -> Self {
        Circuit {
            phase: Phase::Closed,
            generation: 0,
            issued: 0,
            buckets: [Bucket::default(); BUCKETS as usize],
            probes: Vec::new(),
            succeeded: 0,
        }
    }

    fn becomes(&mut self, phase: Phase) {
        let generation = self.generation + 1;
        *self = Circuit {
            phase,
            generation,
            ..Circuit::new()
        };
    }

    fn counts(&mut self, number: u64, failed: bool) -> (u64, u64) {
        let bucket = &mut self.buckets[(number % BUCKETS) as usize];
        if bucket.number != number {
            *bucket = Bucket {
                number,
                ..Bucket::default()
            };
        }
        if failed {
            bucket.bad += 1;
        } else {
            bucket.good += 1;
        }
        let live = self
            .buckets
            .iter()
            .filter(|bucket| bucket.number + BUCKETS > number);
        live.fold((0, 0), |(bad, all), bucket| {
            (bad + bucket.bad, all + bucket.bad + bucket.good)
        })
    }
}

struct Breaker {
    config: Config,
    circuits: BTreeMap<String, Circuit>,
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: BTreeMap::new(),
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let config = &self.config;
        let circuit = self
            .circuits
            .entry(dependency.to_owned())
            .or_insert_with(Circuit::new);
        if let Phase::Open(until) = circuit.phase {
            if now < until {
                return None;
            }
            circuit.becomes(Phase::HalfOpen);
        }
        if circuit.phase == Phase::HalfOpen {
            let out = circuit.probes.iter().flatten();
            let out = out
                .filter(|begun| now.since(**begun) < config.lost_after)
                .count() as u32;
            if out + circuit.succeeded >= config.probes {
                return None;
            }
            circuit.probes.push(Some(now));
        }
        circuit.issued += 1;
        Some(Ticket(circuit.generation << 40 | (circuit.issued - 1)))
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        Ticket(ticket): Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        let config = self.config;
        let circuit = self
            .circuits
            .get_mut(dependency)
            .expect("it gave the ticket");
        let (generation, number) = (ticket >> 40, (ticket & ((1 << 40) - 1)) as usize);
        if generation != circuit.generation {
            return;
        }
        let failed = match outcome {
            Outcome::CallerError => {
                circuit.probes.get_mut(number).map(Option::take);
                return;
            }
            Outcome::Failure => true,
            Outcome::Success => took >= config.slow,
        };
        if circuit.phase == Phase::Closed {
            let width = (config.window / BUCKETS as u32).as_micros() as u64;
            let (bad, all) = circuit.counts(now.as_micros() / width, failed);
            if failed
                && all >= u64::from(config.minimum)
                && bad * 100 >= all * u64::from(config.failure_percent)
            {
                circuit.becomes(Phase::Open(now + config.wait));
            }
            return;
        }
        let Some(begun) = circuit.probes[number].take() else {
            return;
        };
        if now.since(begun) >= config.lost_after {
            return;
        }
        circuit.succeeded += u32::from(!failed);
        if failed {
            circuit.becomes(Phase::Open(now + config.wait));
        } else if circuit.succeeded == config.probes {
            circuit.becomes(Phase::Closed);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
