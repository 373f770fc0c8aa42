//! The simulation: events in the order of their times. No floats, no clock, no chance but from the seed of the world.

use super::record::Record;
use super::{Call, How, Outcome, Policy, World};
use crate::rng::{self, Rng};
use crate::rule::Check;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How long a refusal takes.
const REFUSAL_US: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The next call of a load, and the one after it is planned.
    Comes(usize),
    /// So many calls of a load at once.
    Burst(usize, u64),
    /// A call is tried (again).
    Tries(usize),
    /// A worker of a server is done with an attempt.
    Serves(usize, usize, Kind),
    /// An answer that needed no worker.
    Refuses(usize),
    /// The patience with an attempt is over.
    Ends(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Answer,
    Failure,
    Mistake,
}

struct Attempt<T> {
    call: usize,
    /// Its number among those of the call, from 1.
    nth: u32,
    sent_us: u64,
    /// Taken when the caller hears, or stops waiting.
    ticket: Option<T>,
    /// Its caller has died: nobody hears anything.
    lost: bool,
}

#[derive(Default)]
struct Place {
    busy: usize,
    waits: VecDeque<usize>,
}

struct Run<'a, P: Policy> {
    world: &'a World,
    policy: &'a mut P,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
    arrivals: Vec<Rng>,
    calls: Vec<Call>,
    attempts: Vec<Attempt<P::Ticket>>,
    places: Vec<Place>,
    record: Record,
}

/// Runs a world under a policy. What there is to see so far is given also if the policy broke a rule.
pub(crate) fn run<P: Policy>(world: &World, policy: &mut P) -> (Record, Check) {
    let stream = |load: usize| Rng::stream(world.seed, 60 + load as u64 % 40);
    let mut run = Run {
        world,
        policy,
        now: 0,
        events: BinaryHeap::new(),
        planned: 0,
        arrivals: (0..world.loads.len()).map(stream).collect(),
        calls: Vec::new(),
        attempts: Vec::new(),
        places: world.servers.iter().map(|_| Place::default()).collect(),
        record: Record::new(world),
    };
    for (load, what) in world.loads.iter().enumerate() {
        if what.per_second > 0 {
            run.plan(what.from_us, Event::Comes(load));
        }
        what.bursts.iter().for_each(|(at, calls)| run.plan(*at, Event::Burst(load, *calls)));
    }
    let check = run.all();
    (run.record, check)
}

impl<P: Policy> Run<'_, P> {
    fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event)));
    }

    fn all(&mut self) -> Check {
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            if at >= self.world.until_us {
                break;
            }
            self.now = at;
            self.happens(event);
            if let Err(broken) = self.policy.check() {
                self.record.stopped(self.now);
                return Err(broken);
            }
        }
        Ok(())
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Comes(load) => {
                let what = &self.world.loads[load];
                if self.now >= what.until_us {
                    return;
                }
                let mean = super::SECOND / what.per_second;
                let next = self.now + 1 + self.arrivals[load].below(mean * 2 - 1);
                self.plan(next, Event::Comes(load));
                self.comes(load);
            }
            Event::Burst(load, calls) => (0..calls).for_each(|_| self.comes(load)),
            Event::Tries(call) => self.tries(call),
            Event::Serves(server, attempt, kind) => {
                self.places[server].busy -= 1;
                self.next(server);
                let outcome = match kind {
                    Kind::Answer => Outcome::Success,
                    Kind::Failure => Outcome::Failed,
                    Kind::Mistake => Outcome::Mistake,
                };
                self.heard(attempt, outcome);
            }
            Event::Refuses(attempt) => {
                let server = self.calls[self.attempts[attempt].call].server;
                self.heard(attempt, Outcome::Refused { retry_after_us: self.world.servers[server].retry_after_us });
            }
            Event::Ends(attempt) => self.heard(attempt, Outcome::TimedOut),
        }
    }

    fn comes(&mut self, load: usize) {
        let what = &self.world.loads[load];
        let call = Call {
            number: self.calls.len() as u64,
            load,
            server: what.server,
            begun_us: self.now,
            deadline_us: self.now + what.deadline_us,
            attempts: 0,
            rejected: 0,
        };
        self.record.offered(self.now, load);
        self.calls.push(call);
        self.tries(self.calls.len() - 1);
    }

    /// What is drawn for an attempt: it hangs on the call and on the number of the attempt, not on what else happened.
    fn dice(&self, call: usize, nth: u32) -> Rng {
        Rng::stream(rng::mix(self.world.seed ^ ((call as u64) << 8)) ^ u64::from(nth), 50)
    }

    fn tries(&mut self, number: usize) {
        let Some(ticket) = self.policy.may(self.now, &self.calls[number]) else {
            self.calls[number].rejected += 1;
            self.record.rejected(self.now, self.calls[number].load);
            return self.again(number, Outcome::Rejected);
        };
        self.calls[number].attempts += 1;
        let call = &self.calls[number];
        let (load, server) = (&self.world.loads[call.load], call.server);
        self.record.sent(self.now, call);
        let nth = call.attempts;
        let lost = self.dice(number, nth).chance(load.lost_ppm);
        let waits = load.timeout_us.min(call.deadline_us.saturating_sub(self.now)).max(1);
        let attempt = self.attempts.len();
        self.attempts.push(Attempt { call: number, nth, sent_us: self.now, ticket: Some(ticket), lost });
        if !lost {
            self.plan(self.now + waits, Event::Ends(attempt));
        }
        if self.is_dark(server) {
            return;
        }
        let place = &mut self.places[server];
        if place.busy < self.world.servers[server].workers {
            self.serves(server, attempt);
        } else if place.waits.len() < self.world.servers[server].queue {
            place.waits.push_back(attempt);
            self.record.waits(self.now, server, place.waits.len() as u64);
        } else {
            self.plan(self.now + REFUSAL_US, Event::Refuses(attempt));
        }
    }

    fn is_dark(&self, server: usize) -> bool {
        self.world.servers[server].at(self.now).any(|how| matches!(how, How::Dark))
    }

    /// A worker takes what waits longest, whether or not its caller still does.
    fn next(&mut self, server: usize) {
        let place = &mut self.places[server];
        let Some(attempt) = place.waits.pop_front() else { return };
        let waiting = place.waits.len() as u64;
        self.record.waits(self.now, server, waiting);
        self.serves(server, attempt);
    }

    fn serves(&mut self, server: usize, attempt: usize) {
        self.places[server].busy += 1;
        let Attempt { call, nth, .. } = self.attempts[attempt];
        let (what, mut dice) = (&self.world.servers[server], self.dice(call, nth));
        let call = &self.calls[call];
        // Whether its caller died was drawn first.
        dice.chance(0);
        let mut takes = dice.range(what.service_us.clone());
        let is_mistake = Rng::stream(self.world.seed ^ call.number, 51).chance(self.world.loads[call.load].mistakes_ppm);
        let mut kind = if is_mistake { Kind::Mistake } else { Kind::Answer };
        for how in what.at(self.now) {
            match how {
                How::Slow { times } => takes *= times,
                How::Fails { ppm, after_us } if dice.chance(*ppm) => (takes, kind) = (*after_us, Kind::Failure),
                How::Fails { .. } | How::Dark => {}
            }
        }
        self.plan(self.now + takes, Event::Serves(server, attempt, kind));
    }

    /// The caller of an attempt hears what became of it, if it still waits.
    fn heard(&mut self, attempt: usize, outcome: Outcome) {
        let Attempt { call: number, sent_us, lost, .. } = self.attempts[attempt];
        let ticket = self.attempts[attempt].ticket.take();
        let call = &self.calls[number];
        let in_time = ticket.is_some() && !lost;
        if outcome == Outcome::Success {
            self.record.answered(self.now, call, in_time && self.now <= call.deadline_us);
        }
        let Some(ticket) = ticket.filter(|_| in_time) else { return };
        self.policy.came(self.now, call, ticket, outcome, self.now - sent_us);
        if outcome != Outcome::Success {
            self.again(number, outcome);
        }
    }

    fn again(&mut self, number: usize, outcome: Outcome) {
        match self.policy.again(self.now, &self.calls[number], outcome) {
            Some(after) => self.plan(self.now.saturating_add(after), Event::Tries(number)),
            None => self.record.failed(self.now, self.calls[number].load),
        }
    }
}

impl super::Server {
    /// What is wrong with it at a moment.
    fn at(&self, now_us: u64) -> impl Iterator<Item = &How> {
        self.ills.iter().filter(move |ill| ill.from_us <= now_us && now_us < ill.until_us).map(|ill| &ill.how)
    }
}
