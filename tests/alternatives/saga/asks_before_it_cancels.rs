//! A step that is given up is asked for until it answers, and cancelled only if it was done. After a restart all Cancels are sent once more, in their order:
//! of the way back nothing is written down but its direction.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

#[derive(Clone, Debug, Hash)]
struct Open {
    message: Message,
    step: Step,
    next: Time,
    late: Time,
    hopeless: bool,
    tickets: VecDeque<Ticket>,
}

#[derive(Clone, Debug, Hash)]
struct Asker {
    config: Config,
    disk: Saved,
    open: BTreeMap<BookingId, Open>,
}

impl Asker {
    fn step(&mut self, id: BookingId, step: Step, does: bool, cx: &mut Cx<'_>) {
        let call = Call {
            booking: id,
            step,
            key: Key(id.0.rotate_left(3) ^ step as u64),
        };
        let now = cx.now();
        let message = if does {
            Message::Do(call)
        } else {
            Message::Cancel(call)
        };
        let old = self.open.remove(&id);
        cx.send(self.config.service(step), message.clone());
        let fresh = Open {
            message,
            step,
            next: now + Duration::from_millis(150),
            late: now + Duration::from_millis(260),
            hopeless: false,
            tickets: old.map(|old| old.tickets).unwrap_or_default(),
        };
        self.open.insert(id, fresh);
        cx.set_timer(Timer::Again(id), Duration::from_millis(30));
    }

    fn write(
        &mut self,
        id: BookingId,
        course: Course,
        step: Option<(Step, Mark)>,
        cx: &mut Cx<'_>,
    ) {
        let record = self.disk.bookings.entry(id).or_insert(Record {
            course,
            steps: BTreeMap::new(),
        });
        record.course = course;
        if let Some((step, mark)) = step {
            record.steps.insert(step, (Key(0), mark));
        }
        cx.save(self.disk.clone());
    }

    fn end(&mut self, id: BookingId, course: Course, cx: &mut Cx<'_>) {
        self.write(id, course, None, cx);
        cx.cancel_timer(Timer::Again(id));
        let tickets = self.open.remove(&id).map(|open| open.tickets);
        for ticket in tickets.unwrap_or_default() {
            cx.reply(ticket, answer(course));
        }
    }

    /// Cancels the last of these steps that is done.
    fn back(&mut self, id: BookingId, below: Step, cx: &mut Cx<'_>) {
        let record = &self.disk.bookings[&id];
        let done =
            |(step, (_, mark)): &(&Step, &(Key, Mark))| **step < below && *mark == Mark::Done;
        match record.steps.iter().rev().find(done).map(|(step, _)| *step) {
            Some(step) => self.step(id, step, false, cx),
            None => self.end(id, Course::Failed, cx),
        }
    }
}

fn answer(course: Course) -> Response {
    match course {
        Course::Booked => Response::Booked,
        _ => Response::Failed,
    }
}

impl Node<Saga> for Asker {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Asker {
            config: config.clone(),
            disk: saved.unwrap_or_default(),
            open: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let records: Vec<(BookingId, Record)> = self.disk.bookings.clone().into_iter().collect();
        for (id, record) in records {
            match record.course {
                Course::Forward => {
                    if let Some((step, _)) = record.steps.last_key_value() {
                        self.step(id, *step, true, cx);
                    }
                }
                Course::Back => self.back(id, Step::Payment, cx),
                Course::Booked | Course::Failed => {}
            }
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Done(call) | Message::Refused(call) | Message::Cancelled(call)) = message
        else {
            return;
        };
        let id = call.booking;
        let Some(open) = self.open.get(&id).filter(|open| open.step == call.step) else {
            return;
        };
        let (hopeless, does) = (open.hopeless, matches!(open.message, Message::Do(_)));
        match (does, message) {
            (true, Message::Refused(_)) => {
                self.write(id, Course::Back, Some((call.step, Mark::Refused)), cx);
                self.back(id, call.step, cx);
            }
            (true, Message::Done(_)) if hopeless => {
                self.write(id, Course::Back, Some((call.step, Mark::Done)), cx);
                self.step(id, call.step, false, cx);
            }
            (true, Message::Done(_)) => {
                if let Some(record) = self.disk.bookings.get_mut(&id) {
                    record.steps.insert(call.step, (Key(0), Mark::Done));
                }
                let next = Step::ALL.into_iter().find(|next| *next > call.step);
                match next {
                    Some(next) => {
                        self.write(id, Course::Forward, Some((next, Mark::Asked)), cx);
                        self.step(id, next, true, cx);
                    }
                    None => self.end(id, Course::Booked, cx),
                }
            }
            (false, Message::Cancelled(_)) => self.back(id, call.step, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let Timer::Again(id) = timer else { return };
        let now = cx.now();
        let Some(open) = self.open.get_mut(&id) else {
            return;
        };
        if now >= open.late && open.step < Step::Payment {
            open.hopeless = true;
        }
        if now >= open.next {
            open.next = now + Duration::from_millis(150);
            cx.send(self.config.service(open.step), open.message.clone());
        }
        cx.set_timer(Timer::Again(id), Duration::from_millis(30));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(id) = request else { return };
        match self.disk.bookings.get(&id).map(|record| record.course) {
            Some(course @ (Course::Booked | Course::Failed)) => cx.reply(ticket, answer(course)),
            Some(_) => {}
            None => {
                self.write(id, Course::Forward, Some((Step::Flight, Mark::Asked)), cx);
                self.step(id, Step::Flight, true, cx);
            }
        }
        if let Some(open) = self.open.get_mut(&id) {
            open.tickets.push_back(ticket);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Asker>)
}
