//! Built another way: as many slots as there may be probes, each free, taken or done; time in whole microseconds; hundredths of the window,
//! with running sums; and a clock that is moved on first at each call, whichever it is.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Free,
    Taken { ticket: u64, begun: u64 },
    Done,
}

#[derive(Default)]
struct Circuit {
    cells: VecDeque<(u64, u64, u64)>,
    bad: u64,
    all: u64,
    open_until: Option<u64>,
    slots: Vec<Slot>,
    since: u64,
}

struct Breaker {
    config: Config,
    circuits: BTreeMap<String, Circuit>,
    last: u64,
}

fn us(span: Duration) -> u64 {
    span.as_micros() as u64
}

impl Circuit {
    /// What time alone does.
    fn moves_on(&mut self, now: u64, config: &Config) {
        let width = us(config.window) / 10;
        while let Some((cell, bad, all)) = self.cells.front().copied()
            && cell + 10 * width + width / 2 <= now
        {
            self.cells.pop_front();
            self.bad -= bad;
            self.all -= all;
        }
        for slot in &mut self.slots {
            if let Slot::Taken { begun, .. } = slot
                && now - *begun >= us(config.lost_after)
            {
                *slot = Slot::Free;
            }
        }
        if self.open_until.is_some_and(|until| until <= now) {
            self.open_until = None;
            self.slots = vec![Slot::Free; config.probes as usize];
        }
    }

    fn opens(&mut self, now: u64, config: &Config) {
        *self = Circuit {
            open_until: Some(now + us(config.wait)),
            ..Circuit::default()
        };
    }
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: BTreeMap::new(),
            last: 0,
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let now = now.as_micros();
        if !self.circuits.contains_key(dependency) {
            self.circuits
                .insert(dependency.to_owned(), Circuit::default());
        }
        let circuit = self.circuits.get_mut(dependency)?;
        circuit.moves_on(now, &self.config);
        self.last += 1;
        if circuit.open_until.is_some() {
            return None;
        }
        if !circuit.slots.is_empty() {
            let free = circuit.slots.iter_mut().find(|slot| **slot == Slot::Free)?;
            *free = Slot::Taken {
                ticket: self.last,
                begun: now,
            };
        }
        Some(Ticket(self.last))
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        let (now, config, last) = (now.as_micros(), self.config, self.last);
        let circuit = self
            .circuits
            .get_mut(dependency)
            .expect("known by its ticket");
        circuit.moves_on(now, &config);
        if circuit.open_until.is_some() {
            return;
        }
        let failed = outcome == Outcome::Failure || took >= config.slow;
        if circuit.slots.is_empty() {
            if ticket.0 <= circuit.since || outcome == Outcome::CallerError {
                return;
            }
            let cell = now - now % (us(config.window) / 10).div_ceil(10);
            match circuit.cells.back_mut() {
                Some((at, bad, all)) if *at == cell => {
                    *bad += u64::from(failed);
                    *all += 1;
                }
                _ => circuit.cells.push_back((cell, u64::from(failed), 1)),
            }
            circuit.bad += u64::from(failed);
            circuit.all += 1;
            let enough = circuit.all >= u64::from(config.minimum) && circuit.bad > 0;
            if enough && 100 * circuit.bad >= circuit.all * u64::from(config.failure_percent) {
                circuit.opens(now, &config);
            }
            return;
        }
        let own =
            |slot: &&mut Slot| matches!(slot, Slot::Taken { ticket: own, .. } if *own == ticket.0);
        let Some(slot) = circuit.slots.iter_mut().find(own) else {
            return;
        };
        *slot = if outcome == Outcome::CallerError {
            Slot::Free
        } else {
            Slot::Done
        };
        if outcome != Outcome::CallerError && failed {
            circuit.opens(now, &config);
        } else if circuit.slots.iter().all(|slot| *slot == Slot::Done) {
            *circuit = Circuit {
                since: last,
                ..Circuit::default()
            };
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
