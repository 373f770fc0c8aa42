//! After Garcia-Molina & Salem 1987: a log of events, and nothing else on the disk. What a booking is at follows from its events; the same function reads them
//! after a crash and takes each new one.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Event, Key, Mark, Message, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

const AGAIN: Duration = Duration::from_millis(100);

/// What the log says of one booking.
#[derive(Clone, Debug, Hash)]
struct Trip {
    course: Course,
    steps: Vec<(Step, Key, Mark)>,
    /// Not of the log: how often the last call was made in this life.
    calls: u32,
    waiting: Vec<Ticket>,
}

#[derive(Clone, Debug, Hash)]
struct Orchestrator {
    config: Config,
    saved: Saved,
    trips: BTreeMap<BookingId, Trip>,
}

impl Trip {
    /// What is to be called now: forward, the last step; back, the last one that may stand.
    fn due(&self) -> Option<(Step, Key, Mark)> {
        match self.course {
            Course::Forward => self
                .steps
                .last()
                .copied()
                .filter(|(_, _, mark)| *mark == Mark::Asked),
            Course::Back => self
                .steps
                .iter()
                .rev()
                .copied()
                .find(|(_, _, mark)| matches!(mark, Mark::Asked | Mark::Done)),
            Course::Booked | Course::Failed => None,
        }
    }
}

impl Orchestrator {
    fn apply(&mut self, event: Event) {
        match event {
            Event::Takes(booking, course) => {
                let new = Trip {
                    course,
                    steps: Vec::new(),
                    calls: 0,
                    waiting: Vec::new(),
                };
                let trip = self.trips.entry(booking).or_insert(new);
                trip.course = course;
                trip.calls = 0;
            }
            Event::Step(call, mark) => {
                let Some(trip) = self.trips.get_mut(&call.booking) else {
                    return;
                };
                match trip
                    .steps
                    .iter_mut()
                    .find(|(step, _, _)| *step == call.step)
                {
                    Some(known) => known.2 = mark,
                    None => trip.steps.push((call.step, call.key, mark)),
                }
                trip.calls = 0;
            }
        }
    }

    fn write(&mut self, event: Event) {
        self.saved.events.push(event);
        self.apply(event);
    }

    fn ask(&mut self, booking: BookingId, step: Step) {
        let key = Key(booking.0 * 4 + step as u64);
        self.write(Event::Step(Call { booking, step, key }, Mark::Asked));
    }

    /// All that was written is on disk; then the next call is made, or whoever waits is answered.
    fn flush(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(trip) = self.trips.get(&booking) else {
            return;
        };
        if trip.course == Course::Back && trip.due().is_none() {
            self.write(Event::Takes(booking, Course::Failed));
        }
        cx.save(self.saved.clone());
        self.call(booking, cx);
    }

    fn call(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(trip) = self.trips.get_mut(&booking) else {
            return;
        };
        let response = match trip.course {
            Course::Booked => Response::Booked,
            Course::Failed => Response::Failed,
            Course::Forward | Course::Back => {
                let Some((step, key, _)) = trip.due() else {
                    return;
                };
                let call = Call { booking, step, key };
                let back = trip.course == Course::Back;
                trip.calls += 1;
                cx.send(
                    self.config.service(step),
                    if back {
                        Message::Cancel(call)
                    } else {
                        Message::Do(call)
                    },
                );
                return cx.set_timer(Timer::Again(booking), AGAIN);
            }
        };
        cx.cancel_timer(Timer::Again(booking));
        for ticket in std::mem::take(&mut trip.waiting) {
            cx.reply(ticket, response);
        }
    }

    /// A service has answered a call: `Done`, `Refused` or `Cancelled`.
    fn answered(&mut self, call: Call, mark: Mark, cx: &mut Cx<'_>) {
        let booking = call.booking;
        let Some(trip) = self.trips.get(&booking) else {
            return;
        };
        let Some((step, key, was)) = trip.due() else {
            return;
        };
        if (step, key) != (call.step, call.key) {
            return;
        }
        match (trip.course, mark) {
            (Course::Forward, Mark::Done) => {
                self.write(Event::Step(call, mark));
                match Step::ALL.iter().find(|next| **next > step) {
                    Some(next) => self.ask(booking, *next),
                    None => self.write(Event::Takes(booking, Course::Booked)),
                }
            }
            (Course::Forward, Mark::Refused) if step != Step::Ticket => {
                self.write(Event::Step(call, mark));
                self.write(Event::Takes(booking, Course::Back));
            }
            (Course::Back, Mark::Cancelled) => self.write(Event::Step(call, mark)),
            (Course::Back, Mark::Refused) if was == Mark::Asked => {
                self.write(Event::Step(call, mark))
            }
            _ => return,
        }
        self.flush(booking, cx);
    }
}

impl Node<Saga> for Orchestrator {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let events = saved.events.clone();
        let mut node = Orchestrator {
            config: config.clone(),
            saved,
            trips: BTreeMap::new(),
        };
        for event in events {
            node.apply(event);
        }
        node
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let all: Vec<BookingId> = self.trips.keys().copied().collect();
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
        let Some(trip) = self.trips.get(&booking) else {
            return;
        };
        let early = trip.due().is_some_and(|(step, _, _)| step <= Step::Hotel);
        if trip.course == Course::Forward && early && trip.calls > 8 {
            self.write(Event::Takes(booking, Course::Back));
            return self.flush(booking, cx);
        }
        self.call(booking, cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(booking) = request else {
            return;
        };
        let known = self.trips.contains_key(&booking);
        if !known {
            self.write(Event::Takes(booking, Course::Forward));
            self.ask(booking, Step::Flight);
        }
        let Some(trip) = self.trips.get_mut(&booking) else {
            return;
        };
        trip.waiting.push(ticket);
        match trip.course {
            Course::Booked | Course::Failed => self.call(booking, cx),
            Course::Forward | Course::Back if known => {}
            Course::Forward | Course::Back => self.flush(booking, cx),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Orchestrator>)
}
