//! A breaker under test: its calls, and the ghosts of its circuits that watch them.

use super::spec::{Act, Ghost, Phase, Seen, at, span};
use super::why::{self, Life};
use crate::bench::Calls;
use crate::exercises::circuit_breaker::{CircuitBreaker, Config, Outcome, Ticket};
use crate::hash;
use crate::rule::{Broken, Check, Coverage};
use crate::time::Time;

/// Makes a learner's breaker.
pub(super) type Make = fn(Config) -> Box<dyn CircuitBreaker>;

/// A call that went out, and has no result yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    pub call: usize,
    pub dependency: usize,
    pub ticket: Ticket,
    pub begun: u64,
}

pub(super) struct Desk {
    make: Make,
    it: Box<dyn CircuitBreaker>,
    pub config: Config,
    calls: Calls,
    names: Vec<&'static str>,
    pub ghosts: Vec<Ghost>,
    log: Vec<Seen>,
    pub now: u64,
    step: u64,
    pub out: Vec<Out>,
    issued: usize,
    pub met: Coverage,
    pub fingerprints: Vec<u64>,
}

impl Desk {
    pub fn new(make: Make, config: Config, names: &[&'static str], calls: &Calls) -> Self {
        let it = calls.call(|| new(config), || make(config));
        Desk {
            make,
            it,
            config,
            calls: calls.clone(),
            names: names.to_vec(),
            ghosts: vec![Ghost::new(config); names.len()],
            log: Vec::new(),
            now: 0,
            step: 1,
            out: Vec::new(),
            issued: 0,
            met: Coverage::default(),
            fingerprints: Vec::new(),
        }
    }

    /// Asks whether a call may go out.
    pub fn permit(&mut self, dependency: usize) -> Result<Option<Out>, Broken> {
        let (now, name, it) = (Time::from_micros(self.now), self.names[dependency], &mut self.it);
        let ticket = self.calls.ask(|| asked(now, name), || it.permit(now, name), |ticket| given(*ticket));
        self.step += 1;
        self.issued += 1;
        self.fingerprints.push(hash::of(&ticket.is_some()));
        let out = ticket.map(|ticket| Out { call: self.issued, dependency, ticket, begun: self.now });
        self.out.extend(out);
        self.happened(dependency, self.issued, Act::Permit { given: ticket.is_some() })?;
        Ok(out)
    }

    /// Tells what became of a call that is out.
    pub fn record(&mut self, out: Out, outcome: Outcome) -> Check {
        self.out.retain(|o| o.call != out.call);
        let (now, name, it) = (Time::from_micros(self.now), self.names[out.dependency], &mut self.it);
        let took = now.since(Time::from_micros(out.begun));
        let text = || told(now, name, out.ticket, outcome, self.now - out.begun);
        self.calls.call(text, || it.record(now, name, out.ticket, outcome, took));
        self.step += 1;
        let late = !self.ghosts[out.dependency].knows(out.call, self.now);
        self.happened(out.dependency, out.call, Act::Record { outcome, took: self.now - out.begun, late })
    }

    /// A call with its result, both now.
    pub fn call(&mut self, dependency: usize, outcome: Outcome) -> Check {
        match self.permit(dependency)? {
            Some(out) => self.record(out, outcome),
            None => Ok(()),
        }
    }

    fn happened(&mut self, dependency: usize, call: usize, act: Act) -> Check {
        let seen = Seen { step: self.step, now: self.now, dependency, call, act };
        self.log.push(seen);
        let ghost = &mut self.ghosts[dependency];
        let it = &ghost.maybe[0];
        let (before, were_out) = (it.phase.clone(), it.out.len());
        if !ghost.take(&seen) {
            return Err(self.broken(&seen));
        }
        let (after, config) = (&ghost.maybe[0], &self.config);
        let met = match (&before, &after.phase, act) {
            (Phase::Closed, Phase::Open { .. }, _) => "opened",
            (Phase::Half { .. }, Phase::Open { .. }, _) => "opened again",
            (Phase::Half { .. }, Phase::Closed, _) => "closed again",
            (_, Phase::Open { .. }, Act::Permit { .. }) => "held back",
            (_, Phase::Half { .. }, Act::Permit { given: true }) => "probes",
            (_, Phase::Half { .. }, Act::Permit { given: false }) => "held back beside probes",
            (_, Phase::Half { .. }, Act::Record { late: true, .. }) => "late results while half-open",
            (_, Phase::Half { .. }, Act::Record { outcome: Outcome::CallerError, .. }) => "caller errors of probes",
            (_, _, Act::Record { late: true, .. }) => "late results",
            (_, _, Act::Record { outcome: Outcome::Success, took, .. }) if took >= crate::time::micros(config.slow) => "slow successes",
            (_, _, Act::Record { outcome: Outcome::CallerError, .. }) => "caller errors",
            _ => "other",
        };
        self.met.add(met, 1);
        self.met.add("lost probes", u64::from(matches!(after.phase, Phase::Half { .. }) && after.out.len() <= were_out && met == "probes"));
        self.met.add("more results than a byte counts", u64::from(after.results.len() > 255));
        self.met.add("two states that it may be in", u64::from(ghost.maybe.len() > 1));
        Ok(())
    }

    /// What was answered could not be: which rule that is, and why.
    fn broken(&self, seen: &Seen) -> Broken {
        let given = matches!(seen.act, Act::Permit { given: true });
        let ghost = &self.ghosts[seen.dependency];
        let (rule, why) = ghost.explain(seen.now, given);
        let life = Life { make: self.make, config: self.config, names: &self.names, calls: &self.calls, log: &self.log };
        let cause = why::cause(&life);
        let answer = if given { "gave a ticket" } else { "gave none" };
        let but = cause.map_or("", |cause| cause.says);
        let text = format!("{} {answer}: {why}{but}", asked(Time::from_micros(seen.now), self.names[seen.dependency]));
        let marks = [Some(ghost.maybe[0].step), cause.and_then(|cause| life.last(cause))];
        let marks = marks.into_iter().flatten().filter(|step| *step > 1 && *step < seen.step);
        Broken::new(cause.map_or(rule, |cause| cause.rule), text).at(marks)
    }
}

/// How a breaker is made.
pub(super) fn new(config: Config) -> String {
    let Config { window, minimum, failure_percent, slow, wait, probes, lost_after } = config;
    format!(
        "new(window {}, minimum {minimum}, failure_percent {failure_percent}, slow {}, wait {}, probes {probes}, lost_after {})",
        span(window),
        span(slow),
        span(wait),
        span(lost_after)
    )
}

pub(super) fn asked(now: Time, name: &str) -> String {
    format!("permit({}, {name:?})", at(now.as_micros()))
}

pub(super) fn told(now: Time, name: &str, ticket: Ticket, outcome: Outcome, took: u64) -> String {
    format!("record({}, {name:?}, {ticket:?}, {outcome:?}, {})", at(now.as_micros()), at(took))
}

fn given(ticket: Option<Ticket>) -> String {
    ticket.map_or_else(|| "None".to_owned(), |ticket| format!("{ticket:?}"))
}
