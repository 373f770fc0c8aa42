//! As in Eventuate Tram: a table of steps with their participants, of which each booking is at one, executing or compensating. It never gives up before it was
//! refused; keys are counted; one clock ticks for all; a client hears Booked as soon as it is paid for.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

const TICK: Duration = Duration::from_millis(50);
/// So many ticks after a call it is made again.
const ROUNDS: u8 = 3;

#[derive(Clone, Debug, Hash)]
struct Orchestrator {
    config: Config,
    saved: Saved,
    waiting: BTreeMap<BookingId, Vec<Ticket>>,
    /// Those that are under way, and ticks since the last call.
    open: BTreeMap<BookingId, u8>,
}

impl Orchestrator {
    fn executing(record: &Record) -> Option<Step> {
        let open = |mark: Mark| match record.course {
            Course::Forward => mark == Mark::Asked,
            Course::Back => mark == Mark::Done,
            Course::Booked | Course::Failed => false,
        };
        Step::ALL
            .into_iter()
            .rev()
            .find(|step| record.steps.get(step).is_some_and(|(_, mark)| open(*mark)))
    }

    fn start_step(&mut self, booking: BookingId, step: Step) {
        self.saved.counter += 1;
        let key = Key(self.saved.counter);
        if let Some(record) = self.saved.bookings.get_mut(&booking) {
            record.steps.insert(step, (key, Mark::Asked));
        }
    }

    fn tell(&mut self, booking: BookingId, response: Response, cx: &mut Cx<'_>) {
        for ticket in self.waiting.remove(&booking).unwrap_or_default() {
            cx.reply(ticket, response);
        }
    }

    fn command(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(record) = self.saved.bookings.get(&booking) else {
            return;
        };
        let Some(step) = Self::executing(record) else {
            self.open.remove(&booking);
            return;
        };
        let call = Call {
            booking,
            step,
            key: record.steps[&step].0,
        };
        let message = if record.course == Course::Back {
            Message::Cancel(call)
        } else {
            Message::Do(call)
        };
        cx.send(self.config.service(step), message);
        if self.open.is_empty() {
            cx.set_timer(Timer::Tick, TICK);
        }
        self.open.insert(booking, 0);
    }

    /// A service has answered a call: `Done`, `Refused` or `Cancelled`.
    fn answered(&mut self, call: Call, mark: Mark, cx: &mut Cx<'_>) {
        let booking = call.booking;
        let Some(record) = self.saved.bookings.get_mut(&booking) else {
            return;
        };
        let Some(step) = Self::executing(record) else {
            return;
        };
        let back = record.course == Course::Back;
        if step != call.step
            || record.steps[&step].0 != call.key
            || back != (mark == Mark::Cancelled)
        {
            return;
        }
        record.steps.insert(step, (call.key, mark));
        match (mark, step) {
            (Mark::Done, Step::Flight) => self.start_step(booking, Step::Hotel),
            (Mark::Done, Step::Hotel) => self.start_step(booking, Step::Payment),
            (Mark::Done, Step::Payment) => self.start_step(booking, Step::Ticket),
            (Mark::Done, Step::Ticket) => record.course = Course::Booked,
            _ => record.course = Course::Back,
        }
        let Some(record) = self.saved.bookings.get_mut(&booking) else {
            return;
        };
        if record.course == Course::Back && Self::executing(record).is_none() {
            record.course = Course::Failed;
        }
        let failed = record.course == Course::Failed;
        cx.save(self.saved.clone());
        if failed {
            self.tell(booking, Response::Failed, cx);
        } else if !back && mark == Mark::Done && step == Step::Payment {
            self.tell(booking, Response::Booked, cx);
        }
        self.command(booking, cx);
    }
}

impl Node<Saga> for Orchestrator {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Orchestrator {
            config: config.clone(),
            saved,
            waiting: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let all: Vec<BookingId> = self.saved.bookings.keys().copied().collect();
        for booking in all {
            self.command(booking, cx);
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

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let mut due = Vec::new();
        for (booking, ticks) in &mut self.open {
            *ticks += 1;
            if *ticks >= ROUNDS {
                due.push(*booking);
            }
        }
        for booking in due {
            self.command(booking, cx);
        }
        if !self.open.is_empty() {
            cx.set_timer(Timer::Tick, TICK);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(booking) = request else {
            return;
        };
        let Some(record) = self.saved.bookings.get(&booking) else {
            let record = Record {
                course: Course::Forward,
                steps: BTreeMap::new(),
            };
            self.saved.bookings.insert(booking, record);
            self.start_step(booking, Step::Flight);
            cx.save(self.saved.clone());
            self.waiting.entry(booking).or_default().push(ticket);
            return self.command(booking, cx);
        };
        let paid = record
            .steps
            .get(&Step::Payment)
            .is_some_and(|(_, mark)| *mark == Mark::Done);
        if paid {
            cx.reply(ticket, Response::Booked);
        } else if record.course == Course::Failed {
            cx.reply(ticket, Response::Failed);
        } else {
            self.waiting.entry(booking).or_default().push(ticket);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Orchestrator>)
}
