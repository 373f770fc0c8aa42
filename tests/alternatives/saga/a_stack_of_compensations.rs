//! A stack of compensations, as in Temporal's `Saga`: before a step is called its compensation is pushed; whoever fails pops them one by one. Keys are drawn and
//! written down. A node that restarts gives up what has not come to its payment.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

const AGAIN: Duration = Duration::from_millis(200);

/// Where a booking is; what is below is the stack of what is to be compensated, if it comes to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Doing(Call),
    Undoing(Call),
    Ended(Response),
}

#[derive(Clone, Debug, Hash)]
struct Orchestrator {
    config: Config,
    saved: Saved,
    waiting: BTreeMap<BookingId, Vec<Ticket>>,
}

impl Orchestrator {
    fn at(&self, booking: BookingId) -> Option<At> {
        let record = self.saved.bookings.get(&booking)?;
        let call = |step: Step, key: Key| Call { booking, step, key };
        Some(match record.course {
            Course::Booked => At::Ended(Response::Booked),
            Course::Failed => At::Ended(Response::Failed),
            Course::Forward => {
                let (step, (key, _)) = record.steps.last_key_value()?;
                At::Doing(call(*step, *key))
            }
            // The stack: what is not compensated yet stands in the record, and nothing else.
            Course::Back => match record.steps.last_key_value() {
                Some((step, (key, _))) => At::Undoing(call(*step, *key)),
                None => At::Ended(Response::Failed),
            },
        })
    }

    /// Pushes a step, which is about to be called.
    fn push(&mut self, booking: BookingId, step: Step, cx: &mut Cx<'_>) {
        // The step is in the key, so that no two steps of one service can share one.
        let key = Key(cx.random(0..=(1 << 61) - 1) * 4 + step as u64);
        let new = Record {
            course: Course::Forward,
            steps: BTreeMap::new(),
        };
        let record = self.saved.bookings.entry(booking).or_insert(new);
        record.steps.insert(step, (key, Mark::Asked));
    }

    fn save_and_go(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        if let Some(record) = self.saved.bookings.get_mut(&booking) {
            if record.course == Course::Back && record.steps.is_empty() {
                record.course = Course::Failed;
            }
        }
        cx.save(self.saved.clone());
        self.go(booking, cx);
    }

    fn go(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        match self.at(booking) {
            Some(At::Doing(call)) => {
                cx.send(self.config.service(call.step), Message::Do(call));
                cx.set_timer(Timer::Again(booking), AGAIN);
            }
            Some(At::Undoing(call)) => {
                cx.send(self.config.service(call.step), Message::Cancel(call));
                cx.set_timer(Timer::Again(booking), AGAIN);
            }
            Some(At::Ended(response)) => {
                cx.cancel_timer(Timer::Again(booking));
                for ticket in self.waiting.remove(&booking).into_iter().flatten() {
                    cx.reply(ticket, response);
                }
            }
            None => {}
        }
    }
}

impl Node<Saga> for Orchestrator {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Orchestrator {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            waiting: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let mut open = Vec::new();
        for (booking, record) in &mut self.saved.bookings {
            if record.course == Course::Forward && !record.steps.contains_key(&Step::Payment) {
                record.course = Course::Back;
            }
            if matches!(record.course, Course::Forward | Course::Back) {
                open.push(*booking);
            }
        }
        if !open.is_empty() {
            cx.save(self.saved.clone());
        }
        for booking in open {
            self.go(booking, cx);
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (Message::Done(call) | Message::Refused(call) | Message::Cancelled(call)) = message
        else {
            return;
        };
        let booking = call.booking;
        let at = self.at(booking);
        let Some(record) = self.saved.bookings.get_mut(&booking) else {
            return;
        };
        match message {
            Message::Done(_) if at == Some(At::Doing(call)) => match call.step {
                Step::Flight => self.push(booking, Step::Hotel, cx),
                Step::Hotel => self.push(booking, Step::Payment, cx),
                Step::Payment => self.push(booking, Step::Ticket, cx),
                Step::Ticket => record.course = Course::Booked,
            },
            Message::Refused(_) if at == Some(At::Doing(call)) => {
                record.steps.remove(&call.step);
                record.course = Course::Back;
            }
            Message::Cancelled(_) if at == Some(At::Undoing(call)) => {
                record.steps.remove(&call.step);
            }
            _ => return,
        }
        self.save_and_go(booking, cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if let Timer::Again(booking) = timer {
            self.go(booking, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(booking) = request else {
            return;
        };
        match self.at(booking) {
            Some(At::Ended(response)) => cx.reply(ticket, response),
            Some(_) => self.waiting.entry(booking).or_default().push(ticket),
            None => {
                self.waiting.entry(booking).or_default().push(ticket);
                self.push(booking, Step::Flight, cx);
                self.save_and_go(booking, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Orchestrator>)
}
