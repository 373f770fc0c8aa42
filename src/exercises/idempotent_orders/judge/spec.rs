//! What one server of `idempotent_orders` may do: the books hold what it does at the services and tells its clients, and each request is answered
//! once, in time. In a storm the services are run by hand: what is sent to them arrives, at once or later, twice or never, and so do their answers.

use super::books::Books;
use super::rules::{ANSWERS_IN_TIME, BOUNDED, CHARGED, CONFLICT, PER_CLIENT, SAME, SOON, SURVIVES, TWINS};
use super::services::{Database, Machine, Provider};
use super::{database, provider};
use crate::exercises::idempotent_orders::{
    ANSWERS, Account, Asked, Body, Config, IdempotentOrders, Key, Message, Outcome, Request, UNDER_WAY,
};
use crate::exercises::kit::Open;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, ClientId, Effect, Factory, Input, NodeId, Seen, Setting, Spec, Storm, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(5);
const DAY: u64 = 86_400_000;

pub(super) fn storms(factory: Factory<IdempotentOrders>) -> Storms {
    Storms {
        rules: &[CHARGED, SAME, TWINS, CONFLICT, PER_CLIENT, SURVIVES, SOON, BOUNDED, ANSWERS_IN_TIME],
        must_meet: &[
            "storm crashes between two effects",
            "charges",
            "charges declined",
            "charges whose answer was lost",
            "charges that failed",
            "orders placed",
            "the same answer again",
            "concurrent twins",
            "keys with another body",
            "conflicts",
            "keys used again after they expired",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<IdempotentOrders, Ghost>(factory, seed, probe)),
    }
}

/// On its way to a service, or from it.
#[derive(Clone)]
struct Letter {
    service: NodeId,
    is_answer: bool,
    message: Message,
    since: Time,
    step: u64,
}

/// The services, and what is under way to and from them.
#[derive(Clone)]
struct Surroundings {
    database: Database,
    provider: Provider,
    /// How far the clocks of the two are ahead of the node's, and how far that is ahead of the true one.
    ahead: [Duration; 2],
    behind: Duration,
    post: Vec<Letter>,
    wishes: Vec<(Asked, Body)>,
    /// For how long the node will be down when it crashes next. Days cost nothing so, as it ticks through none of them.
    away: Duration,
    broken: Option<Broken>,
}

/// The ghost of one server.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    config: Config,
    open: Open<IdempotentOrders>,
    books: Books,
    around: Surroundings,
    now: Time,
    step: u64,
    /// When something was asked last.
    asked: Time,
}

impl Ghost {
    pub fn new(me: NodeId, config: Config) -> Self {
        let around = Surroundings {
            database: Database::default(),
            provider: Provider::new(config.forgets),
            ahead: [Duration::ZERO; 2],
            behind: Duration::ZERO,
            post: Vec::new(),
            wishes: Vec::new(),
            away: Duration::ZERO,
            broken: None,
        };
        Ghost {
            me,
            open: Open::new(ANSWERS_IN_TIME, me),
            books: Books::new(config.keeps),
            around,
            now: Time::ZERO,
            step: 0,
            asked: Time::ZERO,
            config,
        }
    }

    /// What the clock of a service says.
    fn clock(&self, service: usize) -> Time {
        Time::ZERO + self.now.since(Time::ZERO + self.around.behind) + self.around.ahead[service]
    }

    /// A letter comes to its service, and that answers.
    fn serves(&mut self, letter: &Letter) -> Option<Letter> {
        let is_database = letter.service == self.config.database;
        let now = self.clock(usize::from(!is_database));
        let (answer, did) = if is_database {
            (self.around.database.handle(&letter.message, now), self.around.database.did())
        } else {
            (self.around.provider.handle(&letter.message, now), self.around.provider.did())
        };
        let by_database = self.clock(0);
        if let Err(broken) = self.books.did(did, by_database, letter.step) {
            self.around.broken.get_or_insert(broken.in_step(self.step));
        }
        let failed = matches!(answer, Some(Message::Charged { outcome: Outcome::Failed, .. }));
        self.books.met.add("charges that failed", u64::from(failed));
        answer.map(|message| Letter { is_answer: true, message, since: self.now, ..letter.clone() })
    }

    /// One of those that are under way: it is lost, comes later, or now.
    fn carries(&mut self, rng: &mut Rng) -> Option<Input<IdempotentOrders>> {
        let now = self.now;
        self.around.post.retain(|letter| letter.is_answer || now <= letter.since + UNDER_WAY);
        let n = self.around.post.len() as u64;
        if n == 0 {
            return None;
        }
        let at = if rng.chance(700_000) { n - 1 } else { rng.below(n) };
        let letter = self.around.post.remove(at as usize);
        let fate = rng.below(100);
        if fate < 6 {
            return None;
        }
        if fate < 14 {
            self.around.post.insert(0, letter.clone());
        }
        let letter = if letter.is_answer { letter } else { self.serves(&letter)? };
        let fate = rng.below(100);
        if fate < 18 {
            let took = matches!(letter.message, Message::Charged { outcome: Outcome::Paid, .. });
            self.books.met.add("charges whose answer was lost", u64::from(took));
        }
        match fate {
            0..10 => return None,
            10..18 => {
                self.around.post.insert(0, letter);
                return None;
            }
            18..24 => self.around.post.insert(0, letter.clone()),
            _ => {}
        }
        Some(Input::Message(letter.service, letter.message))
    }

    /// A new wish, or an old one: the same, of another, under another key, with another body.
    fn wishes(&mut self, rng: &mut Rng) -> (Asked, Body) {
        let some = |rng: &mut Rng| {
            let number = if rng.chance(200_000) { rng.wild() } else { rng.range(1..=4) };
            rng.or_less(number)
        };
        let n = self.around.wishes.len() as u64;
        // After a long time it is what was asked before that tells something.
        let is_long_ago = self.asked == Time::ZERO || self.now > self.asked + millis(3_000);
        let kind = if is_long_ago && rng.chance(700_000) { 0 } else { rng.below(100) };
        self.asked = self.now + millis(1);
        let back = if rng.chance(700_000) { rng.below(n.clamp(1, 2)) } else { rng.below(n.max(1)) };
        let old = self.around.wishes.len().checked_sub(1 + back as usize).map(|at| self.around.wishes[at]);
        let new = |rng: &mut Rng| {
            let by = Asked { account: Account(some(rng)), key: Key(some(rng)) };
            let amount = if rng.chance(800_000) { rng.below(16) } else { rng.wild() };
            (by, Body { item: some(rng), amount: rng.or_less(amount) })
        };
        let wish = match (old, kind) {
            (Some(old), 0..55) => old,
            (Some((by, body)), 55..62) => (by, Body { item: rng.near(body.item), ..body }),
            (Some((by, body)), 62..69) => (by, Body { amount: rng.near(body.amount), ..body }),
            (Some((by, body)), 69..77) => (Asked { account: Account(rng.near(by.account.0)), ..by }, body),
            (Some((by, body)), 77..82) => (Asked { key: Key(rng.near(by.key.0)), ..by }, body),
            (Some((by, body)), 82..85) => (Asked { account: Account(by.key.0), key: Key(by.account.0) }, body),
            _ => new(rng),
        };
        if !self.around.wishes.contains(&wish) {
            self.around.wishes.push(wish);
        }
        wish
    }
}

impl Spec<IdempotentOrders> for Ghost {
    fn step(&mut self, seen: &Seen<'_, IdempotentOrders>) -> Check {
        self.now = seen.now;
        if let Some(broken) = self.around.broken.take() {
            return Err(broken);
        }
        let (server, step) = (self.me, seen.number);
        self.step = step;
        if seen.is_start() {
            self.books.starts(server, step);
            let away = std::mem::take(&mut self.around.away);
            if matches!(seen.cause, Cause::Start { again: true }) && !away.is_zero() {
                self.around.post.retain(|letter| letter.is_answer);
                self.around.ahead.iter_mut().for_each(|ahead| *ahead += away);
                self.asked = Time::ZERO;
            }
        }
        let now = self.clock(0);
        let mut answers = self.open.step(seen)?.into_iter();
        if let Some((ticket, Request::Post { by, body })) = seen.request() {
            self.books.asks(ticket, server, *by, *body, step);
        }
        for effect in seen.effects {
            match effect {
                Effect::Send { to, message } if to.role().is_some() => {
                    let letter = Letter { service: *to, is_answer: false, message: message.clone(), since: self.now, step };
                    self.around.post.push(letter);
                }
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = answers.next() {
                        self.books.answers(taken.ticket, *response, now, step)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.now = now;
        if let Some(broken) = self.around.broken.take() {
            return Err(broken);
        }
        self.open.in_time(now, ANSWERS + LATE)
    }
}

impl Storm<IdempotentOrders> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<IdempotentOrders>) {
        let nodes = rng.range(1..=3) as usize;
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let is_short = rng.chance(500_000);
        let span = |rng: &mut Rng| match (is_short, rng.below(3)) {
            (true, _) => millis(rng.range(10_000..=16_000)),
            (false, 0) => millis(10_000 + rng.wild() % (3_650 * DAY)),
            _ => millis(DAY),
        };
        let (keeps, forgets) = (span(rng), span(rng));
        let config = Config { database: database(nodes), provider: provider(nodes), keeps, forgets };
        let mut ghost = Ghost::new(me, config.clone());
        let ahead = |rng: &mut Rng| if rng.chance(500_000) { rng.below(20_000_000) } else { 0 };
        let clock_ahead_us = ahead(rng);
        ghost.around.behind = Duration::from_micros(clock_ahead_us);
        ghost.around.ahead = [Duration::from_micros(ahead(rng)), Duration::from_micros(ahead(rng))];
        let waits_ms: &[u64] = if is_short { &[2, 20, 60, 200, 4_000, 12_000] } else { &[2, 20, 60, 60, 200] };
        (ghost, Setting { clock_ahead_us, waits_ms, rest_ms: 1_200, ..Setting::new(nodes, me, config) })
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<IdempotentOrders>> {
        if rng.chance(150_000) {
            let Config { keeps, forgets, .. } = self.config;
            let spans = [Duration::ZERO, forgets + millis(1_000), keeps * 9 / 10, keeps + millis(6_000)];
            self.around.away = rng.pick(&spans).copied().unwrap_or_default();
        }
        if !self.around.post.is_empty() && rng.chance(750_000) {
            return self.carries(rng);
        }
        let (by, body) = self.wishes(rng);
        Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Post { by, body }))
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.merge(&self.books.met);
    }
}
