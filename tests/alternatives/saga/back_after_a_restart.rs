//! After a crash whatever is not paid for goes back. It writes down only which steps were called, and that a booking goes back: what was heard it asks for
//! again, or cancels once more. Clients hear Booked as soon as it is paid for.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

#[derive(Clone, Debug, Hash)]
struct Careful {
    config: Config,
    disk: BTreeMap<BookingId, Record>,
    /// Of each booking that goes back: what is not cancelled yet.
    left: BTreeMap<BookingId, BTreeSet<Step>>,
    clients: BTreeMap<BookingId, BTreeSet<Ticket>>,
    began: BTreeMap<BookingId, Time>,
}

impl Careful {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(Saved {
            bookings: self.disk.clone(),
            ..Saved::default()
        });
    }

    fn call(&self, booking: BookingId, step: Step) -> Call {
        Call {
            booking,
            step,
            key: Key(booking.0 << 3 | step as u64),
        }
    }

    fn last(&self, id: BookingId) -> Option<Step> {
        self.disk.get(&id)?.steps.keys().next_back().copied()
    }

    fn ask(&mut self, id: BookingId, step: Step, cx: &mut Cx<'_>) {
        let call = self.call(id, step);
        if let Some(record) = self.disk.get_mut(&id) {
            record.steps.insert(step, (call.key, Mark::Asked));
        }
        self.save(cx);
        self.began.insert(id, cx.now());
        self.repeat(id, cx);
    }

    fn turn(&mut self, id: BookingId, without: Option<Step>, cx: &mut Cx<'_>) {
        if let Some(record) = self.disk.get_mut(&id) {
            record.course = Course::Back;
            if let Some(step) = without {
                record.steps.remove(&step);
            }
            self.left.insert(id, record.steps.keys().copied().collect());
        }
        self.save(cx);
        self.repeat(id, cx);
    }

    fn ends(&mut self, id: BookingId, course: Course, cx: &mut Cx<'_>) {
        if let Some(record) = self.disk.get_mut(&id) {
            record.course = course;
        }
        self.left.remove(&id);
        self.save(cx);
        let booked = course == Course::Booked;
        self.tell(
            id,
            if booked {
                Response::Booked
            } else {
                Response::Failed
            },
            cx,
        );
        cx.cancel_timer(Timer::Again(id));
    }

    fn tell(&mut self, id: BookingId, response: Response, cx: &mut Cx<'_>) {
        for ticket in self.clients.remove(&id).unwrap_or_default() {
            cx.reply(ticket, response);
        }
    }

    fn repeat(&mut self, id: BookingId, cx: &mut Cx<'_>) {
        if let Some(left) = self.left.get(&id) {
            match left.iter().next_back() {
                Some(step) => cx.send(
                    self.config.service(*step),
                    Message::Cancel(self.call(id, *step)),
                ),
                None => return self.ends(id, Course::Failed, cx),
            }
        } else if let Some(step) = self.last(id) {
            cx.send(self.config.service(step), Message::Do(self.call(id, step)));
        }
        let jitter = cx.random(0..=60);
        cx.set_timer(Timer::Again(id), Duration::from_millis(120 + jitter));
    }
}

impl Node<Saga> for Careful {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Careful {
            config: config.clone(),
            disk: saved.unwrap_or_default().bookings,
            left: BTreeMap::new(),
            clients: BTreeMap::new(),
            began: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let ids: Vec<BookingId> = self.disk.keys().copied().collect();
        for id in ids {
            match self.disk[&id].course {
                Course::Booked | Course::Failed => {}
                Course::Forward if self.last(id) >= Some(Step::Payment) => self.repeat(id, cx),
                _ => self.turn(id, None, cx),
            }
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Done(call) | Message::Refused(call) | Message::Cancelled(call)) = message
        else {
            return;
        };
        let id = call.booking;
        if let Some(left) = self.left.get_mut(&id) {
            // Only the last one was called.
            let is_over = !matches!(message, Message::Done(_)) && left.last() == Some(&call.step);
            if is_over {
                left.remove(&call.step);
                self.repeat(id, cx);
            }
            return;
        }
        let course = self.disk.get(&id).map(|record| record.course);
        if course != Some(Course::Forward) || self.last(id) != Some(call.step) {
            return;
        }
        match message {
            Message::Done(_) => match call.step {
                Step::Flight => self.ask(id, Step::Hotel, cx),
                Step::Hotel => self.ask(id, Step::Payment, cx),
                Step::Payment => {
                    self.ask(id, Step::Ticket, cx);
                    self.tell(id, Response::Booked, cx);
                }
                Step::Ticket => self.ends(id, Course::Booked, cx),
            },
            _ => self.turn(id, Some(call.step), cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Again(id) = timer else { return };
        let early = self.last(id) < Some(Step::Payment) && !self.left.contains_key(&id);
        let began = self.began.get(&id).copied().unwrap_or_default();
        if early && cx.now() >= began + Duration::from_millis(220) {
            self.turn(id, None, cx);
        } else {
            self.repeat(id, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(id) = request else { return };
        match self.disk.get(&id).map(|record| record.course) {
            Some(Course::Booked) => cx.reply(ticket, Response::Booked),
            Some(Course::Failed) => cx.reply(ticket, Response::Failed),
            Some(Course::Forward) if self.last(id) == Some(Step::Ticket) => {
                cx.reply(ticket, Response::Booked)
            }
            Some(_) => drop(self.clients.entry(id).or_default().insert(ticket)),
            None => {
                self.clients.entry(id).or_default().insert(ticket);
                self.disk.insert(
                    id,
                    Record {
                        course: Course::Forward,
                        steps: BTreeMap::new(),
                    },
                );
                self.ask(id, Step::Flight, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Careful>)
}
