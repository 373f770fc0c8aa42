//! Built another way: all that happened since the state began is kept, and what is to be known of it is found by going through it. No
//! counters, no window that is moved.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Clone, Copy)]
enum Happened {
    Went(u64),
    /// The number of its ticket, and whether it failed.
    Came(u64, Option<bool>),
}

struct Circuit {
    kind: Kind,
    since: Time,
    events: Vec<(Time, Happened)>,
}

struct Breaker {
    config: Config,
    circuits: BTreeMap<String, Circuit>,
    tickets: u64,
}

impl Circuit {
    fn begins(&mut self, kind: Kind, since: Time) {
        *self = Circuit {
            kind,
            since,
            events: Vec::new(),
        };
    }

    fn went(&self, ticket: u64) -> Option<Time> {
        let of_it = |what: &Happened| matches!(what, Happened::Went(number) if *number == ticket);
        self.events
            .iter()
            .find(|(_, what)| of_it(what))
            .map(|(at, _)| *at)
    }

    /// Results that came in time, if there is a limit, and not before that moment.
    fn results(&self, from: Duration, limit: Option<Duration>) -> (u64, u64) {
        let end = self.events.last().map_or(self.since, |(at, _)| *at);
        let mut counts = (0, 0);
        for (at, what) in self.events.iter().rev() {
            if end.since(*at) >= from {
                break;
            }
            let Happened::Came(ticket, Some(failed)) = what else {
                continue;
            };
            let in_time = |begun: Time| limit.is_none_or(|limit| at.since(begun) < limit);
            if limit.is_none() || self.went(*ticket).is_some_and(in_time) {
                counts.0 += u64::from(*failed);
                counts.1 += 1;
            }
        }
        counts
    }

    fn out(&self, now: Time, lost_after: Duration) -> usize {
        let came = |ticket: u64| {
            self.events
                .iter()
                .any(|(_, what)| matches!(what, Happened::Came(number, _) if *number == ticket))
        };
        let is_out = |(at, what): &&(Time, Happened)| match what {
            Happened::Went(ticket) => now.since(*at) < lost_after && !came(*ticket),
            Happened::Came(..) => false,
        };
        self.events.iter().filter(is_out).count()
    }
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config,
            circuits: BTreeMap::new(),
            tickets: 1 << 33,
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        let Config {
            wait,
            probes,
            lost_after,
            ..
        } = self.config;
        let new = || Circuit {
            kind: Kind::Closed,
            since: Time::ZERO,
            events: Vec::new(),
        };
        let circuit = self
            .circuits
            .entry(dependency.to_owned())
            .or_insert_with(new);
        if circuit.kind == Kind::Open && now.since(circuit.since) >= wait {
            circuit.begins(Kind::HalfOpen, now);
        }
        let succeeded = || circuit.results(Duration::MAX, Some(lost_after)).1;
        let full = match circuit.kind {
            Kind::Closed => false,
            Kind::Open => true,
            Kind::HalfOpen => {
                circuit.out(now, lost_after) as u64 + succeeded() >= u64::from(probes)
            }
        };
        if full {
            return None;
        }
        self.tickets += 1;
        if circuit.kind == Kind::HalfOpen {
            circuit.events.push((now, Happened::Went(self.tickets)));
        } else if circuit.events.is_empty() {
            // The first one of this state: who is older is late.
            circuit.events.push((now, Happened::Went(self.tickets)));
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
        let circuit = self.circuits.get_mut(dependency).expect("a circuit");
        let failed = match outcome {
            Outcome::CallerError => None,
            Outcome::Failure => Some(true),
            Outcome::Success => Some(took >= config.slow),
        };
        let first = match circuit.events.first() {
            Some((_, Happened::Went(first))) => *first,
            _ => u64::MAX,
        };
        match circuit.kind {
            Kind::Closed if ticket.0 >= first && failed.is_some() => {
                circuit.events.push((now, Happened::Came(ticket.0, failed)));
                let (bad, all) = circuit.results(config.window, None);
                let enough = failed == Some(true) && all >= u64::from(config.minimum);
                if enough && bad * 100 >= all * u64::from(config.failure_percent) {
                    circuit.begins(Kind::Open, now);
                }
            }
            Kind::HalfOpen if circuit.went(ticket.0).is_some() => {
                circuit.events.push((now, Happened::Came(ticket.0, failed)));
                let (bad, all) = circuit.results(Duration::MAX, Some(config.lost_after));
                if bad > 0 {
                    circuit.begins(Kind::Open, now);
                } else if all == u64::from(config.probes) {
                    circuit.begins(Kind::Closed, now);
                }
            }
            _ => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
