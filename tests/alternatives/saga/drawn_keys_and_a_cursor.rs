//! Keys are drawn and written down; a booking is a stack of them and a direction. All open calls are made together, on each tick of 45 ms: also the first
//! one, and after a restart. Clients hear Booked at the payment.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Event, Key, Mark, Message, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

const TICK: Duration = Duration::from_millis(45);

#[derive(Clone, Debug, Hash, Default)]
struct Trip {
    /// The keys of the steps that were called and are not undone.
    stack: Vec<Key>,
    /// Whether the last one has answered.
    back: bool,
    over: Option<Response>,
    ticks: u32,
    tickets: Vec<Ticket>,
}

#[derive(Clone, Debug, Hash)]
struct Stacks {
    config: Config,
    trips: BTreeMap<BookingId, Trip>,
}

impl Stacks {
    fn save(&self, cx: &mut Cx<'_>) {
        let mut events = Vec::new();
        for (id, trip) in &self.trips {
            for (key, step) in trip.stack.iter().zip(Step::ALL) {
                let call = Call {
                    booking: *id,
                    step,
                    key: *key,
                };
                events.push(Event::Step(call, Mark::Asked));
            }
            events.push(Event::Takes(
                *id,
                match (trip.over, trip.back) {
                    (Some(Response::Booked), _) => Course::Booked,
                    (Some(_), _) => Course::Failed,
                    (None, true) => Course::Back,
                    (None, false) => Course::Forward,
                },
            ));
        }
        cx.save(Saved {
            events,
            ..Saved::default()
        });
    }
}

impl Node<Saga> for Stacks {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut trips: BTreeMap<BookingId, Trip> = BTreeMap::new();
        for event in saved.unwrap_or_default().events {
            match event {
                Event::Step(call, _) => {
                    trips.entry(call.booking).or_default().stack.push(call.key);
                }
                Event::Takes(id, course) => {
                    let trip = trips.entry(id).or_default();
                    trip.back = course == Course::Back;
                    trip.over = match course {
                        Course::Booked => Some(Response::Booked),
                        Course::Failed => Some(Response::Failed),
                        _ => None,
                    };
                }
            }
        }
        Stacks {
            config: config.clone(),
            trips,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Done(call) | Message::Refused(call) | Message::Cancelled(call)) = message
        else {
            return;
        };
        let key = Key(cx.random(0..=u64::MAX));
        let Some(trip) = self.trips.get_mut(&call.booking) else {
            return;
        };
        if trip.over.is_some() || trip.stack.last() != Some(&call.key) {
            return;
        }
        match message {
            Message::Done(_) if trip.back => return,
            Message::Done(_) => {
                trip.ticks = 0;
                if trip.stack.len() == 4 {
                    trip.over = Some(Response::Booked);
                } else {
                    trip.stack.push(key);
                }
            }
            _ => {
                trip.back = true;
                trip.stack.pop();
                if trip.stack.is_empty() {
                    trip.over = Some(Response::Failed);
                }
            }
        }
        let paid = trip.stack.len() == 4;
        let told = if paid {
            Some(Response::Booked)
        } else {
            trip.over
        };
        let tickets = match told {
            Some(_) => std::mem::take(&mut trip.tickets),
            None => Vec::new(),
        };
        self.save(cx);
        for ticket in tickets {
            cx.reply(ticket, told.unwrap_or(Response::Failed));
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Cx<'_>) {
        let mut turned = false;
        for trip in self.trips.values_mut().filter(|trip| trip.over.is_none()) {
            trip.ticks += 1;
            if trip.ticks > 7 && trip.stack.len() < 3 && !trip.back {
                trip.back = true;
                turned = true;
            }
        }
        if turned {
            self.save(cx);
        }
        for (id, trip) in self.trips.iter().filter(|(_, trip)| trip.over.is_none()) {
            let Some(key) = trip.stack.last() else {
                continue;
            };
            let step = Step::ALL[trip.stack.len() - 1];
            let call = Call {
                booking: *id,
                step,
                key: *key,
            };
            let message = if trip.back {
                Message::Cancel(call)
            } else {
                Message::Do(call)
            };
            cx.send(self.config.service(step), message);
        }
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(id) = request else { return };
        let key = Key(cx.random(0..=u64::MAX));
        let is_new = !self.trips.contains_key(&id);
        let trip = self.trips.entry(id).or_default();
        if is_new {
            trip.stack.push(key);
        }
        match trip.over {
            Some(over) => cx.reply(ticket, over),
            None if trip.stack.len() == 4 => cx.reply(ticket, Response::Booked),
            None => trip.tickets.push(ticket),
        }
        if is_new {
            self.save(cx);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Stacks>)
}
