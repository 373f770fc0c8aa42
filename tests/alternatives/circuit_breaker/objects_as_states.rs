//! Built another way: the pattern of that name, with an object for each state and a trait for what they all can do. Tickets are moments: of
//! two calls at once each has one of its own, as a counter makes up the lowest digits.

use splitbrain::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket, judge};
use splitbrain::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

trait State {
    /// Another state, if time alone leads to one.
    fn at(&self, now: Time) -> Option<Box<dyn State>>;
    fn lets(&mut self, now: Time, number: u64) -> bool;
    fn hears(&mut self, now: Time, number: u64, failed: Option<bool>) -> Option<Box<dyn State>>;
}

struct Closed {
    config: Rc<Config>,
    mine: Vec<u64>,
    good: Vec<Time>,
    bad: Vec<Time>,
}

struct Open {
    config: Rc<Config>,
    until: Time,
}

struct HalfOpen {
    config: Rc<Config>,
    out: Vec<(Time, u64)>,
    good: u32,
}

fn open(config: &Rc<Config>, now: Time) -> Box<dyn State> {
    Box::new(Open {
        config: Rc::clone(config),
        until: now + config.wait,
    })
}

fn closed(config: &Rc<Config>) -> Box<dyn State> {
    Box::new(Closed {
        config: Rc::clone(config),
        mine: Vec::new(),
        good: Vec::new(),
        bad: Vec::new(),
    })
}

impl Closed {
    fn looks(&mut self, now: Time) -> bool {
        let window = self.config.window;
        self.good.retain(|came| now.since(*came) < window);
        self.bad.retain(|came| now.since(*came) < window);
        let (bad, all) = (self.bad.len(), self.bad.len() + self.good.len());
        bad > 0
            && all >= self.config.minimum as usize
            && bad * 100 >= all * self.config.failure_percent as usize
    }
}

impl State for Closed {
    fn at(&self, _: Time) -> Option<Box<dyn State>> {
        None
    }

    fn lets(&mut self, _: Time, number: u64) -> bool {
        self.mine.push(number);
        true
    }

    fn hears(&mut self, now: Time, number: u64, failed: Option<bool>) -> Option<Box<dyn State>> {
        let place = self.mine.iter().rposition(|own| *own == number)?;
        self.mine.swap_remove(place);
        match failed? {
            true => self.bad.push(now),
            false => self.good.push(now),
        }
        self.looks(now).then(|| open(&self.config, now))
    }
}

impl State for Open {
    fn at(&self, now: Time) -> Option<Box<dyn State>> {
        let config = Rc::clone(&self.config);
        (now >= self.until).then(|| {
            Box::new(HalfOpen {
                config,
                out: Vec::new(),
                good: 0,
            }) as Box<dyn State>
        })
    }

    fn lets(&mut self, _: Time, _: u64) -> bool {
        false
    }

    fn hears(&mut self, _: Time, _: u64, _: Option<bool>) -> Option<Box<dyn State>> {
        None
    }
}

impl State for HalfOpen {
    fn at(&self, _: Time) -> Option<Box<dyn State>> {
        None
    }

    fn lets(&mut self, now: Time, number: u64) -> bool {
        let lost_after = self.config.lost_after;
        self.out.retain(|(begun, _)| now.since(*begun) < lost_after);
        let room = self.config.probes - self.good > self.out.len() as u32;
        if room {
            self.out.push((now, number));
        }
        room
    }

    fn hears(&mut self, now: Time, number: u64, failed: Option<bool>) -> Option<Box<dyn State>> {
        let (begun, _) = self
            .out
            .remove(self.out.iter().position(|(_, own)| *own == number)?);
        if now.since(begun) >= self.config.lost_after {
            return None;
        }
        if failed? {
            return Some(open(&self.config, now));
        }
        self.good += 1;
        (self.good == self.config.probes).then(|| closed(&self.config))
    }
}

struct Breaker {
    config: Rc<Config>,
    circuits: BTreeMap<String, RefCell<Box<dyn State>>>,
    count: u64,
}

impl CircuitBreaker for Breaker {
    fn new(config: Config) -> Self {
        Breaker {
            config: Rc::new(config),
            circuits: BTreeMap::new(),
            count: 0,
        }
    }

    fn permit(&mut self, now: Time, dependency: &str) -> Option<Ticket> {
        self.count += 1;
        let config = &self.config;
        let new = || RefCell::new(closed(config));
        let circuit = self
            .circuits
            .entry(dependency.to_owned())
            .or_insert_with(new);
        let other = circuit.borrow().at(now);
        if let Some(other) = other {
            circuit.replace(other);
        }
        let number = now.as_micros().wrapping_shl(10) ^ self.count;
        circuit
            .borrow_mut()
            .lets(now, number)
            .then_some(Ticket(number))
    }

    fn record(
        &mut self,
        now: Time,
        dependency: &str,
        ticket: Ticket,
        outcome: Outcome,
        took: Duration,
    ) {
        let failed = match outcome {
            Outcome::CallerError => None,
            Outcome::Success if took < self.config.slow => Some(false),
            _ => Some(true),
        };
        let circuit = &self.circuits[dependency];
        let other = circuit.borrow_mut().hears(now, ticket.0, failed);
        if let Some(other) = other {
            circuit.replace(other);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Breaker>)
}
