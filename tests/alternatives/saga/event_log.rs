//! An event log: what is known of a booking is read from its lines, each time. It never gives a step up: it asks until it is answered,
//! and so always knows what was done when it goes back.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Event, Key, Mark, Message, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

#[derive(Clone, Debug, Hash)]
struct Log {
    config: Config,
    events: Vec<Event>,
    clients: Vec<(BookingId, Ticket)>,
}

impl Log {
    fn mark(&self, id: BookingId, step: Step) -> Option<(Key, Mark)> {
        let of = |event: &&Event| match event {
            Event::Step(call, _) => call.booking == id && call.step == step,
            Event::Takes(..) => false,
        };
        match self.events.iter().rev().find(of) {
            Some(Event::Step(call, mark)) => Some((call.key, *mark)),
            _ => None,
        }
    }

    fn course(&self, id: BookingId) -> Option<Course> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Takes(of, course) if *of == id => Some(*course),
            _ => None,
        })
    }

    fn append(&mut self, event: Event, cx: &mut Cx<'_>) {
        self.events.push(event);
        cx.save(Saved {
            events: self.events.clone(),
            ..Saved::default()
        });
    }

    fn drive(&mut self, id: BookingId, cx: &mut Cx<'_>) {
        match self.course(id) {
            Some(Course::Forward) => {
                for step in Step::ALL {
                    match self.mark(id, step) {
                        Some((_, Mark::Done)) => continue,
                        Some((_, Mark::Refused)) => {
                            self.append(Event::Takes(id, Course::Back), cx);
                            return self.drive(id, cx);
                        }
                        Some((key, _)) => return self.send(id, step, key, true, cx),
                        None => {
                            // A line of the log that no other has the number of.
                            let key = Key(self.events.len() as u64);
                            let call = Call {
                                booking: id,
                                step,
                                key,
                            };
                            self.append(Event::Step(call, Mark::Asked), cx);
                            return self.send(id, step, key, true, cx);
                        }
                    }
                }
                self.append(Event::Takes(id, Course::Booked), cx);
                self.tell(id, Response::Booked, cx);
            }
            Some(Course::Back) => {
                for step in Step::ALL.into_iter().rev() {
                    if let Some((key, Mark::Done)) = self.mark(id, step) {
                        return self.send(id, step, key, false, cx);
                    }
                }
                self.append(Event::Takes(id, Course::Failed), cx);
                self.tell(id, Response::Failed, cx);
            }
            Some(Course::Booked) => self.tell(id, Response::Booked, cx),
            Some(Course::Failed) => self.tell(id, Response::Failed, cx),
            None => {}
        }
    }

    fn send(&self, booking: BookingId, step: Step, key: Key, forward: bool, cx: &mut Cx<'_>) {
        let call = Call { booking, step, key };
        let message = if forward {
            Message::Do(call)
        } else {
            Message::Cancel(call)
        };
        cx.send(self.config.service(step), message);
        cx.set_timer(Timer::Again(booking), Duration::from_millis(250));
    }

    fn tell(&mut self, id: BookingId, response: Response, cx: &mut Cx<'_>) {
        cx.cancel_timer(Timer::Again(id));
        self.clients.retain(|(of, ticket)| {
            if *of == id {
                cx.reply(*ticket, response);
            }
            *of != id
        });
    }
}

impl Node<Saga> for Log {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let events = saved.unwrap_or_default().events;
        Log {
            config: config.clone(),
            events,
            clients: Vec::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let all: BTreeSet<BookingId> = self
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Takes(id, _) => Some(*id),
                Event::Step(..) => None,
            })
            .collect();
        for id in all {
            if matches!(self.course(id), Some(Course::Forward | Course::Back)) {
                self.drive(id, cx);
            }
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (call, mark) = match message {
            Message::Done(call) => (call, Mark::Done),
            Message::Refused(call) => (call, Mark::Refused),
            Message::Cancelled(call) => (call, Mark::Cancelled),
            Message::Do(_) | Message::Cancel(_) => return,
        };
        let news = match self.mark(call.booking, call.step) {
            Some((_, Mark::Asked)) => mark != Mark::Cancelled,
            Some((_, Mark::Done)) => mark == Mark::Cancelled,
            _ => false,
        };
        if !news {
            return;
        }
        self.append(Event::Step(call, mark), cx);
        self.drive(call.booking, cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if let Timer::Again(id) = timer {
            self.drive(id, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(id) = request else { return };
        self.clients.push((id, ticket));
        if self.course(id).is_none() {
            self.append(Event::Takes(id, Course::Forward), cx);
        }
        // If it is under way its call is made once more.
        self.drive(id, cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Log>)
}
