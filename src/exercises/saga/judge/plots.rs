//! Examples: what the services say, step by step, and what must leave then. The script speaks for them, and the ghost watches: what may not leave it
//! says better.

use super::rules::{EACH_ONCE, ENDS, FORWARD, IN_TIME, MAYBE, ONLY, ORDER, RESUMES, RETRIED, REVERSE, TRUTH, TURNS};
use super::spec::Watch;
use super::{B1, config, configs};
use crate::exercises::kit::{N1, Script, rows};
use crate::exercises::saga::{AGAIN, BookingId, Call, Key, Mark, Message, Request, Response, Saga, Step, TAKES};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Setup, Ticket, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use Act::{Asks, Book, Calls, Cancels, Does, Ends, Hears, Restarts, Says};
use Mark::{Cancelled, Done, Refused};
use Response::{Booked, Failed};
use Step::{Flight, Hotel, Payment, Ticket as Issue};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Copy)]
enum Act {
    /// A client asks for b1.
    Book,
    /// This Do must leave now, and no other call.
    Does(Step),
    /// The same of a Cancel.
    Cancels(Step),
    /// Its service says so.
    Says(Step, Mark),
    /// It says nothing for a long time: this Do must leave again, and no other call.
    Asks(Step),
    /// The same, and a Cancel of this step may leave as well.
    Calls(Step),
    /// Its service says that it will not be: Refused, or if a Cancel has left, Cancelled.
    Ends(Step),
    Restarts,
    /// The client that asked last must have heard this by now.
    Hears(Response),
}

const TO_HOTEL: [Act; 4] = [Book, Does(Flight), Says(Flight, Done), Does(Hotel)];
const TO_PAYMENT: [Act; 2] = [Says(Hotel, Done), Does(Payment)];
const TO_TICKET: [Act; 2] = [Says(Payment, Done), Does(Issue)];

struct Play<'r> {
    s: Script<'r, Saga>,
    rule: &'static str,
    keys: BTreeMap<Step, Key>,
    asked: Option<Ticket>,
    /// Whether the last call was a Cancel.
    cancelled: bool,
}

pub(super) fn add(suite: &mut Suite, f: Factory<Saga>) {
    let mut plot =
        |rule, name, acts: Vec<Act>| rows(suite, rule, [(name, acts)], move |p: &Probe, acts: &Vec<Act>| played(f, p, rule, acts));
    let plots = |parts: &[&[Act]]| parts.concat();
    plot(ORDER, "a booking, step by step", plots(&[&TO_HOTEL, &TO_PAYMENT, &TO_TICKET, &[Says(Issue, Done), Hears(Booked)]]));
    plot(ONLY, "the flight is refused", vec![Book, Does(Flight), Says(Flight, Refused), Hears(Failed)]);
    plot(
        RETRIED,
        "the hotel is refused",
        plots(&[&TO_HOTEL, &[Says(Hotel, Refused), Cancels(Flight), Says(Flight, Cancelled), Hears(Failed)]]),
    );
    let back = [Cancels(Hotel), Says(Hotel, Cancelled), Cancels(Flight), Says(Flight, Cancelled), Hears(Failed)];
    plot(REVERSE, "the payment is refused", plots(&[&TO_HOTEL, &TO_PAYMENT, &[Says(Payment, Refused)], &back]));
    plot(EACH_ONCE, "the flight says nothing for a while", vec![Book, Does(Flight), Calls(Flight)]);
    plot(
        MAYBE,
        "the hotel says nothing for a while, and then that it is full",
        plots(&[&TO_HOTEL, &[Calls(Hotel), Ends(Hotel), Cancels(Flight), Says(Flight, Cancelled), Hears(Failed)]]),
    );
    let silent = [Asks(Payment), Says(Payment, Done), Does(Issue), Says(Issue, Done), Hears(Booked)];
    plot(FORWARD, "payments say nothing for a while", plots(&[&TO_HOTEL, &TO_PAYMENT, &silent]));
    let refused = [Asks(Payment), Says(Payment, Refused)];
    plot(FORWARD, "payments say nothing for a while, and then no", plots(&[&TO_HOTEL, &TO_PAYMENT, &refused, &back]));
    let silent = [Asks(Issue), Says(Issue, Done), Hears(Booked)];
    plot(ENDS, "the ticket takes its time", plots(&[&TO_HOTEL, &TO_PAYMENT, &TO_TICKET, &silent]));
    let crash = [Restarts, Does(Issue), Says(Issue, Done), Book, Hears(Booked)];
    plot(RESUMES, "a crash after the payment", plots(&[&TO_HOTEL, &TO_PAYMENT, &TO_TICKET, &crash]));
    let crash = [Says(Payment, Refused), Cancels(Hotel), Restarts, Cancels(Hotel), Says(Hotel, Cancelled), Cancels(Flight)];
    plot(TURNS, "a crash on the way back", plots(&[&TO_HOTEL, &TO_PAYMENT, &crash]));
    plot(TRUTH, "the same booking is asked for again", vec![Book, Does(Flight), Says(Flight, Refused), Hears(Failed), Book, Hears(Failed)]);
    suite.vector(IN_TIME, "two clients ask for one booking, and there is no seat", move |p| two(f, p));
    suite.vector(ENDS, "three hundred bookings, one after the other", move |p| many(f, p));
    suite.vector(ENDS, "a hundred bookings at once", move |p| crowd(f, p));
}

fn played(f: Factory<Saga>, p: &Probe, rule: &'static str, acts: &[Act]) -> Check {
    let mut watch = Watch::default();
    let mut s = Script::of(World::by_hand_watched(f, Setup::new(1, configs()), p, Some(&mut watch)));
    s.start(N1)?;
    let mut play = Play { s, rule, keys: BTreeMap::new(), asked: None, cancelled: false };
    acts.iter().try_for_each(|act| play.act(*act))
}

impl Play<'_> {
    fn act(&mut self, act: Act) -> Check {
        match act {
            Book => self.asked = Some(self.s.ask(N1, Request::Book(B1))?),
            Does(step) => self.leaves(step, TAKES, true, false)?,
            Cancels(step) => self.leaves(step, TAKES, false, true)?,
            Asks(step) => self.leaves(step, AGAIN * 3, true, false)?,
            Calls(step) => self.leaves(step, AGAIN * 3, true, true)?,
            Ends(step) => return self.act(Says(step, if self.cancelled { Cancelled } else { Refused })),
            Says(step, mark) => {
                self.s.world.take_sent();
                let call = Call { booking: B1, step, key: self.keys.get(&step).copied().unwrap_or(Key(0)) };
                let message = match mark {
                    Done => Message::Done(call),
                    Cancelled => Message::Cancelled(call),
                    _ => Message::Refused(call),
                };
                self.s.tell(config().service(step), N1, message)?;
            }
            Restarts => {
                self.s.world.take_sent();
                self.s.restart(N1)?;
            }
            Hears(response) => {
                let Some(ticket) = self.asked else { return Ok(()) };
                self.until(TAKES, |play| play.s.answer_to(ticket).is_some())?;
                let kind = format!("{response:?}");
                self.s.one_answer(self.rule, ticket, &kind, |answer| *answer == response)?;
            }
        }
        Ok(())
    }

    /// Time passes until it is so, and no longer than that. Not told.
    fn until(&mut self, most: Duration, so: impl Fn(&Self) -> bool) -> Check {
        let end = self.s.now() + most;
        while !so(self) && self.s.now() < end {
            self.s.world.wait(millis(1))?;
        }
        Ok(())
    }

    /// Within this time such a call of the step must leave, under the key that it had before, and no other call. A retry is waited for to the end.
    fn leaves(&mut self, step: Step, within: Duration, does: bool, cancels: bool) -> Check {
        let end = self.s.now() + within;
        let mut left = false;
        loop {
            for envelope in self.s.world.take_sent() {
                let (call, fits) = match &envelope.message {
                    Message::Do(call) => (*call, does),
                    Message::Cancel(call) => (*call, cancels),
                    _ => continue,
                };
                self.s.expect(self.rule, fits && call.step == step, || format!("then n1 sent {:?}", envelope.message))?;
                self.keys.insert(step, call.key);
                self.cancelled = matches!(envelope.message, Message::Cancel(_));
                left = true;
            }
            if self.s.now() >= end || left && within == TAKES {
                break;
            }
            self.s.world.wait(millis(1))?;
        }
        let what = match (does, cancels) {
            (_, false) => "called",
            (false, true) => "cancelled",
            (true, true) => "called again or cancelled",
        };
        let ms = within.as_millis();
        self.s.expect(self.rule, left, || format!("{step:?} must be {what} within {ms} ms, but was not"))
    }
}

/// Each of the clients is told.
fn two(f: Factory<Saga>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, configs());
    s.start(N1)?;
    let tickets = [s.ask(N1, Request::Book(B1))?, s.ask_by(1, N1, Request::Book(B1))?];
    s.wait(TAKES)?;
    let call =
        s.world.take_sent().into_iter().find_map(|envelope| if let Message::Do(call) = envelope.message { Some(call) } else { None });
    let Some(call) = call else { return Err(s.broken(ENDS, "the Flight must be called, but was not")) };
    s.tell(config().flight, N1, Message::Refused(call))?;
    s.wait(TAKES)?;
    tickets.into_iter().try_for_each(|ticket| s.one_answer(IN_TIME, ticket, "Failed", |answer| *answer == Failed))
}

/// A long life: every third is refused by the hotel, and now and then the node restarts.
fn many(f: Factory<Saga>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs())?;
    for i in 1..=300 {
        let refuses = i % 3 == 0;
        s.ask_by(2, config().hotel, Request::Refuse(refuses))?;
        let ticket = s.ask(N1, Request::Book(BookingId(i)))?;
        s.say(format!("n1 is at booking {i}, and the hotel {}", if refuses { "refuses it" } else { "has rooms" }));
        s.run_until_answered(ticket, millis(1_000), |_| false)?;
        let is = if refuses { Failed } else { Booked };
        s.one_answer(ENDS, ticket, &format!("{is:?}"), |answer| *answer == is)?;
        if i % 70 == 0 {
            s.restart(N1)?;
        }
    }
    Ok(())
}

/// All of them are open before the first answer comes.
fn crowd(f: Factory<Saga>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, configs())?;
    let tickets = (1..=100).map(|id| s.ask(N1, Request::Book(BookingId(id)))).collect::<Result<Vec<_>, Broken>>()?;
    s.run(AGAIN)?;
    s.say("n1 was asked for a hundred bookings at once, and no service refuses".to_owned());
    tickets.into_iter().try_for_each(|ticket| s.one_answer(ENDS, ticket, "Booked", |answer| *answer == Booked))
}
