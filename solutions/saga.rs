//! The reference: a state for each booking, which is on the disk before anything that rests on it leaves. Which call is open follows from that
//! state alone; so a first call, a retry and a restart are the same few lines.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

/// How often an open call is made again, and how often a flight or a hotel is asked before the booking is given up.
const RETRY: Duration = Duration::from_millis(100);
const TRIES: u32 = 3;

/// What a crash may forget.
#[derive(Clone, Debug, Hash, Default)]
struct Waiting {
    clients: Vec<Ticket>,
    tries: u32,
}

#[derive(Clone, Debug, Hash)]
struct Orchestrator {
    config: Config,
    /// As it is on the disk, whenever anything is said to others.
    bookings: BTreeMap<BookingId, Record>,
    waiting: BTreeMap<BookingId, Waiting>,
}

/// Made from what it is for: the same at each try, after a crash too, and no other call's.
fn key(booking: BookingId, step: Step) -> Key {
    Key(booking.0 * 4 + step as u64)
}

/// The step that must be called now: forward the last one, which was asked for; back the last one that was done or may have been, or may
/// yet be, as no answer says that it will not.
fn open(record: &Record) -> Option<Step> {
    let mut last = record.steps.iter().rev();
    let step = match record.course {
        Course::Forward => last.next(),
        Course::Back => last.find(|(_, (_, mark))| matches!(mark, Mark::Asked | Mark::Done)),
        Course::Booked | Course::Failed => None,
    };
    step.map(|(step, _)| *step)
}

impl Orchestrator {
    /// Something has become known: what comes next is on the disk before it is said.
    fn go_on(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(record) = self.bookings.get_mut(&booking) else {
            return;
        };
        match record.course {
            Course::Forward => match Step::ALL.get(record.steps.len()) {
                Some(step) => {
                    let asked = (key(booking, *step), Mark::Asked);
                    record.steps.insert(*step, asked);
                }
                None => record.course = Course::Booked,
            },
            Course::Back if open(record).is_none() => record.course = Course::Failed,
            _ => {}
        }
        self.waiting.entry(booking).or_default().tries = 0;
        cx.save(Saved {
            bookings: self.bookings.clone(),
            ..Saved::default()
        });
        self.call(booking, cx);
    }

    /// Makes the open call, for the first time or again. At the end there is none, and the clients hear which end it is.
    fn call(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(record) = self.bookings.get(&booking) else {
            return;
        };
        let waiting = self.waiting.entry(booking).or_default();
        if let Some(step) = open(record) {
            let key = key(booking, step);
            let call = Call { booking, step, key };
            let message = match record.course {
                Course::Forward => Message::Do(call),
                _ => Message::Cancel(call),
            };
            waiting.tries += 1;
            cx.send(self.config.service(step), message);
            cx.set_timer(Timer::Again(booking), RETRY);
        } else {
            let booked = record.course == Course::Booked;
            for ticket in waiting.clients.drain(..) {
                let response = if booked {
                    Response::Booked
                } else {
                    Response::Failed
                };
                cx.reply(ticket, response);
            }
            cx.cancel_timer(Timer::Again(booking));
        }
    }

    /// A service has answered. It changes something if that is the step that is open: all else is late, or comes again.
    fn answered(&mut self, call: Call, mark: Mark, cx: &mut Cx<'_>) {
        let Some(record) = self.bookings.get_mut(&call.booking) else {
            return;
        };
        // A Done that comes while the booking goes back changes nothing: the step is to be cancelled anyway.
        let is_back = record.course == Course::Back;
        if open(record) != Some(call.step) || is_back && mark == Mark::Done {
            return;
        }
        record.steps.insert(call.step, (call.key, mark));
        if mark == Mark::Refused {
            record.course = Course::Back;
        }
        self.go_on(call.booking, cx);
    }
}

impl Node<Saga> for Orchestrator {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Orchestrator {
            config: config.clone(),
            bookings: saved.unwrap_or_default().bookings,
            waiting: BTreeMap::new(),
        }
    }

    /// Each booking goes on where it was: its open call is made again, as nobody knows whether it had left.
    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let is_open = |(booking, record): (&BookingId, &Record)| open(record).map(|_| *booking);
        let bookings: Vec<BookingId> = self.bookings.iter().filter_map(is_open).collect();
        for booking in bookings {
            self.call(booking, cx);
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Done(call) => self.answered(call, Mark::Done, cx),
            Message::Refused(call) => self.answered(call, Mark::Refused, cx),
            Message::Cancelled(call) => self.answered(call, Mark::Cancelled, cx),
            Message::Do(_) | Message::Cancel(_) => {}
        }
    }

    /// Calls again. A flight or a hotel that has not answered several calls is given up: it may be booked, and is cancelled like
    /// one that is. A payment is not: money that was taken stays taken, so its answer must be heard.
    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Again(booking) = timer else { return };
        let Some(record) = self.bookings.get_mut(&booking) else {
            return;
        };
        let tries = self.waiting.entry(booking).or_default().tries;
        let can_go_back = matches!(open(record), Some(Step::Flight | Step::Hotel));
        if record.course == Course::Forward && can_go_back && tries >= TRIES {
            record.course = Course::Back;
            self.go_on(booking, cx);
        } else {
            self.call(booking, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(booking) = request else {
            return;
        };
        let waiting = self.waiting.entry(booking).or_default();
        waiting.clients.push(ticket);
        match self.bookings.get(&booking) {
            Some(record) if open(record).is_some() => {}
            Some(_) => self.call(booking, cx),
            None => {
                let steps = BTreeMap::new();
                let course = Course::Forward;
                self.bookings.insert(booking, Record { course, steps });
                self.go_on(booking, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Orchestrator>)
}
