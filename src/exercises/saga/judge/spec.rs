//! What the node of `saga` may do: its ghost, kept from what others can observe. It is held to what it has called, to what it has heard, and to
//! what it has told clients; what is on its disk is its own. Other keys, other spans between calls, giving up or never giving up, going back after each
//! restart that allows it, asking once more before a Cancel: all are allowed that keep this. What may leave is in `says`, what is late in
//! `overdue`, and what could come in in `inputs`.

mod inputs;
mod overdue;
mod says;

use super::config;
use super::rules::{EACH_ONCE, ENDS, FORWARD, IN_TIME, MAYBE, ONLY, ORDER, REASON, RESUMES, RETRIED, REVERSE, TRUTH, TURNS};
use crate::exercises::kit::{N1, Open};
use crate::exercises::saga::{BookingId, Config, Key, Message, Request, Response, Saga, Step, WAITS};
use crate::rule::{Check, Coverage};
use crate::sim::{Cause, Effect, Factory, Ghosts, NodeId, Referee, Seen, Spec, World, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use inputs::Surroundings;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// A clock that drifts rounds.
const A_LITTLE: Duration = millis(1);

pub(super) fn storms(factory: Factory<Saga>) -> Storms {
    Storms {
        rules: &[ORDER, REVERSE, ONLY, MAYBE, EACH_ONCE, RETRIED, RESUMES, TURNS, FORWARD, REASON, ENDS, TRUTH, IN_TIME],
        must_meet: &[
            "storm crashes between two effects",
            "storm shadows",
            "bookings that were booked",
            "bookings that failed",
            "payments refused",
            "calls without an answer for 200 ms",
            "late answers",
            "crashes while a booking goes back",
            "crashes after the pivot",
        ],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<Saga, Ghost>(factory, seed, probe)),
    }
}

/// What a service has said of a call. Each later one says more, and the last two are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Done,
    Refused,
    Cancelled,
}

/// One step of a booking, from its first call on.
#[derive(Clone)]
struct Part {
    key: Key,
    /// In which step of the run it was called first, in which life; and since when its answer is waited for in this life.
    asked: u64,
    life: u32,
    since: Option<Time>,
    /// The life of its last call; and what was heard since then, in that life: what comes before a call is made again nobody has to understand.
    called: u32,
    told: Option<Answer>,
    /// What was heard that says most, and in which step.
    heard: Option<(Answer, u64)>,
    /// In which step Done was heard first, whatever came later.
    done: Option<u64>,
    cancel: Option<u64>,
}

impl Part {
    fn new(key: Key, asked: u64, life: u32) -> Self {
        Part { key, asked, life, since: None, called: life, told: None, heard: None, done: None, cancel: None }
    }

    /// Nothing is booked under its key, nor ever will be, and the node has heard so.
    fn is_settled(&self) -> bool {
        self.heard.is_some_and(|(answer, _)| answer != Answer::Done)
    }
}

#[derive(Clone, Default)]
pub(super) struct Booking {
    parts: BTreeMap<Step, Part>,
    /// In which step a client asked for it first.
    asked: u64,
    /// In which step the first Cancel left, and in which life.
    turned: Option<(u64, u32)>,
    /// Whether it was there before a restart, and whether a flight or hotel has let it wait too long.
    restarted: bool,
    waited: bool,
    told: Option<(Response, u64)>,
    /// In this life: since when the next call is due, if any is; in which step that began; and when the last one left.
    due: Option<(Time, u64)>,
    called: Option<Time>,
    /// When it ended, by what was heard in this life.
    ended: Option<Time>,
    /// Whether it has ended, as far as anybody can know who has seen all that the node has heard.
    over: bool,
}

impl Booking {
    fn heard(&self, step: Step) -> Option<Answer> {
        self.parts.get(&step)?.heard.map(|(answer, _)| answer)
    }

    /// Something was called, or heard.
    fn changed(&mut self) {
        let settled = !self.parts.is_empty() && self.parts.values().all(Part::is_settled);
        self.over = settled || self.heard(Step::Ticket) == Some(Answer::Done);
    }

    /// The call whose answer decides what comes next: the last one that is not settled.
    fn last(&self) -> Option<(Step, &Part)> {
        self.parts.iter().rev().find(|(_, part)| !part.is_settled()).map(|(step, part)| (*step, part))
    }

    /// How it stands, for a finding: each step that was called, and what came of it.
    fn table(&self) -> String {
        let mut table = String::new();
        for (step, part) in &self.parts {
            let came = match (part.heard, part.cancel) {
                (None, None) => "called and not answered".to_owned(),
                (None, Some(_)) | (Some((Answer::Done, _)), Some(_)) => "being cancelled".to_owned(),
                (Some((answer, _)), _) => format!("{answer:?}"),
            };
            let _ = write!(table, "{}{step:?} {came}", if table.is_empty() { "" } else { ", " });
        }
        if table.is_empty() { "nothing was called".to_owned() } else { table }
    }
}

/// The ghost of the node.
#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    config: Config,
    life: u32,
    /// In which step this life began.
    born: u64,
    open: Open<Saga>,
    bookings: BTreeMap<BookingId, Booking>,
    /// Who has each key, at each service.
    keys: BTreeMap<(NodeId, Key), (BookingId, Step)>,
    last: Option<BookingId>,
    promised: bool,
    around: Surroundings,
    met: Coverage,
}

impl Ghost {
    pub fn new(me: NodeId) -> Self {
        Ghost {
            me,
            config: config(),
            life: 0,
            born: 0,
            open: Open::new(IN_TIME, me),
            bookings: BTreeMap::new(),
            keys: BTreeMap::new(),
            last: None,
            promised: false,
            around: Surroundings::default(),
            met: Coverage::default(),
        }
    }

    fn starts(&mut self, seen: &Seen<'_, Saga>) {
        self.life += 1;
        self.born = seen.number;
        for booking in self.bookings.values_mut() {
            let goes_on = !booking.over && !booking.parts.is_empty();
            if goes_on && booking.turned.is_some() {
                self.met.add("crashes while a booking goes back", 1);
            }
            if goes_on && booking.heard(Step::Payment) == Some(Answer::Done) {
                self.met.add("crashes after the pivot", 1);
            }
            booking.restarted = true;
            booking.due = goes_on.then_some((seen.now, seen.number));
            (booking.called, booking.ended) = (None, None);
            booking.parts.values_mut().for_each(|part| (part.since, part.told) = (None, None));
        }
    }

    fn hears(&mut self, message: &Message, seen: &Seen<'_, Saga>) {
        let (call, answer) = match message {
            Message::Done(call) => (call, Answer::Done),
            Message::Refused(call) => (call, Answer::Refused),
            Message::Cancelled(call) => (call, Answer::Cancelled),
            Message::Do(_) | Message::Cancel(_) => return,
        };
        let life = self.life;
        let Some(booking) = self.bookings.get_mut(&call.booking) else { return };
        // What was heard in another life it may have forgotten: then it waits for something else than it could.
        let forgot = booking.parts.iter().rev().take_while(|(step, _)| **step > call.step).any(|(_, part)| part.told.is_none());
        let waits_for = booking.last().map(|(step, _)| step).filter(|_| !forgot);
        let Some(part) = booking.parts.get_mut(&call.step).filter(|part| part.key == call.key) else { return };
        if part.heard.is_some_and(|(before, _)| answer <= before) {
            self.met.add("late answers", 1);
        }
        // A Refused of what is being cancelled says as much as Cancelled; but one may wait for that.
        let binds = part.called == life && (answer != Answer::Refused || part.cancel.is_none());
        let news = binds && part.told.is_none_or(|told| answer > told);
        if news {
            part.told = Some(answer);
        }
        let more = part.heard.is_none_or(|(before, _)| answer > before);
        if more {
            part.heard = Some((answer, seen.number));
        }
        if answer == Answer::Done {
            part.done.get_or_insert(seen.number);
        }
        booking.changed();
        if more && call.step == Step::Payment && answer == Answer::Refused {
            self.met.add("payments refused", 1);
        }
        // A Done of what is being cancelled leads nowhere.
        let is_final = answer != Answer::Done;
        let leads_on = news && waits_for == Some(call.step) && (booking.turned.is_none() || is_final);
        if booking.over {
            // The step that is undone last, or done last.
            let decides = call.step == Step::Ticket || call.step == Step::Flight && is_final;
            if decides && news && !forgot {
                booking.ended.get_or_insert(seen.now);
            }
            if leads_on {
                self.met.add(if is_final { "bookings that failed" } else { "bookings that were booked" }, 1);
            }
            booking.due = None;
        } else if leads_on {
            booking.due = Some((seen.now, seen.number));
        }
    }

    /// Whose flight or hotel has not answered for so long that it may be given up.
    fn waits(&mut self, now: Time) {
        for booking in self.bookings.values_mut().filter(|booking| !booking.over && !booking.waited && booking.turned.is_none()) {
            let is_late = |part: &Part| part.told.is_none() && part.since.is_some_and(|since| now + A_LITTLE >= since + WAITS);
            booking.waited = [Step::Flight, Step::Hotel].iter().filter_map(|step| booking.parts.get(step)).any(is_late);
            if booking.waited {
                self.met.add("calls without an answer for 200 ms", 1);
            }
        }
    }

    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        coverage.merge(&self.met);
    }
}

/// Where the script speaks for the services: the ghost of the node watches.
pub(super) struct Watch(Ghosts<Saga, Ghost>);

impl Default for Watch {
    fn default() -> Self {
        Watch(Ghosts::of(N1, Ghost::new(N1)))
    }
}

impl Referee<Saga> for Watch {
    fn cause(&mut self, _: Time, node: NodeId, cause: Cause<'_, Saga>) -> Check {
        self.0.cause(node, cause);
        Ok(())
    }

    fn step(&mut self, step: &crate::sim::Step<'_, Saga>, world: &World<'_, Saga>) -> Check {
        self.0.step(step, world)
    }
}

impl Spec<Saga> for Ghost {
    fn step(&mut self, seen: &Seen<'_, Saga>) -> Check {
        self.promised = false;
        if seen.is_start() {
            self.starts(seen);
        }
        self.waits(seen.now);
        let answers = self.open.step(seen)?;
        match seen.cause {
            Cause::Message { message, .. } => self.hears(message, seen),
            Cause::Request { request: Request::Book(id), .. } => {
                let booking = self.bookings.entry(*id).or_insert_with(|| Booking { asked: seen.number, ..Booking::default() });
                if booking.due.is_none() && booking.called.is_none() && !booking.over && booking.told.is_none() {
                    booking.due = Some((seen.now, seen.number));
                }
                self.last = Some(*id);
            }
            _ => {}
        }
        let mut answers = answers.iter();
        for effect in seen.effects {
            match effect {
                Effect::Send { to, message } => self.sends(*to, message, seen)?,
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = answers.next() {
                        self.replies(taken, **response, seen)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        self.overdue(now)
    }
}
