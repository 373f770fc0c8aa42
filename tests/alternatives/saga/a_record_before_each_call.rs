//! A record of each booking is saved before each call; the last step of a record that is Asked is the one that is called. A flight or a hotel that is silent for five
//! rounds is given up, and cancelled with the rest.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

const AGAIN: Duration = Duration::from_millis(120);
/// So many silent rounds, and the flight or the hotel is given up. One of them may be short, if the clock steps.
const PATIENCE: u32 = 5;

#[derive(Clone, Debug, Hash)]
struct Orchestrator {
    config: Config,
    saved: Saved,
    /// Who waits for the end of a booking.
    waiting: BTreeMap<BookingId, Vec<Ticket>>,
    /// How many rounds the step that is called now has been silent.
    silent: BTreeMap<BookingId, u32>,
}

fn key(booking: BookingId, step: Step) -> Key {
    Key(booking.0 << 2 | step as u64)
}

impl Orchestrator {
    /// The step that is called now.
    fn current(record: &Record) -> Option<(Step, Key)> {
        match record.course {
            Course::Forward => record
                .steps
                .iter()
                .rev()
                .find(|(_, (_, mark))| *mark == Mark::Asked),
            Course::Back => record
                .steps
                .iter()
                .rev()
                .find(|(_, (_, mark))| matches!(mark, Mark::Asked | Mark::Done)),
            Course::Booked | Course::Failed => None,
        }
        .map(|(step, (key, _))| (*step, *key))
    }

    /// Makes the call that a booking waits for.
    fn call(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(record) = self.saved.bookings.get(&booking) else {
            return;
        };
        let Some((step, key)) = Self::current(record) else {
            return;
        };
        let call = Call { booking, step, key };
        let message = match record.course {
            Course::Forward => Message::Do(call),
            _ => Message::Cancel(call),
        };
        cx.send(self.config.service(step), message);
        cx.set_timer(Timer::Again(booking), AGAIN);
    }

    /// Writes down what was decided, and goes on.
    fn go_on(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        self.silent.remove(&booking);
        let Some(record) = self.saved.bookings.get_mut(&booking) else {
            return;
        };
        if record.course == Course::Back && Self::current(record).is_none() {
            record.course = Course::Failed;
        }
        let response = match record.course {
            Course::Booked => Some(Response::Booked),
            Course::Failed => Some(Response::Failed),
            _ => None,
        };
        cx.save(self.saved.clone());
        match response {
            Some(response) => {
                cx.cancel_timer(Timer::Again(booking));
                for ticket in self.waiting.remove(&booking).unwrap_or_default() {
                    cx.reply(ticket, response);
                }
            }
            None => self.call(booking, cx),
        }
    }

    /// A service has answered a call: `Done`, `Refused` or `Cancelled`.
    fn answered(&mut self, call: Call, mark: Mark, cx: &mut Cx<'_>) {
        let Some(record) = self.saved.bookings.get_mut(&call.booking) else {
            return;
        };
        if Self::current(record) != Some((call.step, call.key)) {
            return;
        }
        let Some(entry) = record.steps.get_mut(&call.step) else {
            return;
        };
        match (record.course, mark) {
            (Course::Forward, Mark::Done) => {
                entry.1 = Mark::Done;
                let next = match call.step {
                    Step::Flight => Some(Step::Hotel),
                    Step::Hotel => Some(Step::Payment),
                    Step::Payment => Some(Step::Ticket),
                    Step::Ticket => None,
                };
                match next {
                    Some(step) => {
                        record
                            .steps
                            .insert(step, (key(call.booking, step), Mark::Asked));
                    }
                    None => record.course = Course::Booked,
                }
            }
            (Course::Forward, Mark::Refused) => {
                entry.1 = Mark::Refused;
                record.course = Course::Back;
            }
            (Course::Back, Mark::Cancelled) => entry.1 = Mark::Cancelled,
            (Course::Back, Mark::Refused) if entry.1 == Mark::Asked => entry.1 = Mark::Refused,
            _ => return,
        }
        self.go_on(call.booking, cx);
    }
}

impl Node<Saga> for Orchestrator {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Orchestrator {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            waiting: BTreeMap::new(),
            silent: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let all: Vec<BookingId> = self.saved.bookings.keys().copied().collect();
        for booking in all {
            self.call(booking, cx);
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Done(call) => self.answered(call, Mark::Done, cx),
            Message::Refused(call) => self.answered(call, Mark::Refused, cx),
            Message::Cancelled(call) => self.answered(call, Mark::Cancelled, cx),
            // These are for services.
            Message::Do(_) | Message::Cancel(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Again(booking) = timer else { return };
        let Some(record) = self.saved.bookings.get_mut(&booking) else {
            return;
        };
        let Some((step, _)) = Self::current(record) else {
            return;
        };
        if record.course == Course::Forward && matches!(step, Step::Flight | Step::Hotel) {
            let silent = self.silent.entry(booking).or_default();
            *silent += 1;
            if *silent >= PATIENCE {
                // It may have been done: it stays Asked, and is cancelled first.
                record.course = Course::Back;
                return self.go_on(booking, cx);
            }
        }
        self.call(booking, cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(booking) = request else {
            return;
        };
        match self
            .saved
            .bookings
            .get(&booking)
            .map(|record| record.course)
        {
            Some(Course::Booked) => cx.reply(ticket, Response::Booked),
            Some(Course::Failed) => cx.reply(ticket, Response::Failed),
            Some(Course::Forward | Course::Back) => {
                self.waiting.entry(booking).or_default().push(ticket)
            }
            None => {
                let steps =
                    BTreeMap::from([(Step::Flight, (key(booking, Step::Flight), Mark::Asked))]);
                self.saved.bookings.insert(
                    booking,
                    Record {
                        course: Course::Forward,
                        steps,
                    },
                );
                self.waiting.entry(booking).or_default().push(ticket);
                self.go_on(booking, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Orchestrator>)
}
