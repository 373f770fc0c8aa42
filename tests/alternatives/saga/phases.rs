//! A state machine with a name for each phase, and a table of what leads where. It waits for Cancelled alone, and hears nothing else while it
//! cancels. The phase is all that it writes down; it fits into a record.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    Seat,
    Room,
    Money,
    Paper,
    NoRoom,
    NoSeat,
    Happy,
    Sad,
}

use Phase::{Happy, Money, NoRoom, NoSeat, Paper, Room, Sad, Seat};

impl Phase {
    /// Whether it is a Do, and of which step.
    fn call(self) -> Option<(bool, Step)> {
        Some(match self {
            Seat => (true, Step::Flight),
            Room => (true, Step::Hotel),
            Money => (true, Step::Payment),
            Paper => (true, Step::Ticket),
            NoRoom => (false, Step::Hotel),
            NoSeat => (false, Step::Flight),
            Happy | Sad => return None,
        })
    }

    fn after(self, step: Step, mark: Mark) -> Option<Phase> {
        Some(match (self, step, mark) {
            (Seat, Step::Flight, Mark::Done) => Room,
            (Seat, Step::Flight, Mark::Refused) => Sad,
            (Room, Step::Hotel, Mark::Done) => Money,
            (Room, Step::Hotel, Mark::Refused) => NoSeat,
            (Money, Step::Payment, Mark::Done) => Paper,
            (Money, Step::Payment, Mark::Refused) => NoRoom,
            (Paper, Step::Ticket, Mark::Done) => Happy,
            (NoRoom, Step::Hotel, Mark::Cancelled) => NoSeat,
            (NoSeat, Step::Flight, Mark::Cancelled) => Sad,
            _ => return None,
        })
    }

    fn written(self) -> Record {
        let course = match self {
            Seat | Room | Money | Paper => Course::Forward,
            NoRoom | NoSeat => Course::Back,
            Happy => Course::Booked,
            Sad => Course::Failed,
        };
        let step = self.call().map(|(_, step)| (step, (Key(0), Mark::Asked)));
        Record {
            course,
            steps: step.into_iter().collect(),
        }
    }

    fn read(record: &Record) -> Phase {
        let all = [Seat, Room, Money, Paper, NoRoom, NoSeat, Happy, Sad];
        let found = all.into_iter().find(|phase| phase.written() == *record);
        found.unwrap_or(Sad)
    }
}

#[derive(Clone, Debug, Hash)]
struct Machine {
    config: Config,
    phases: BTreeMap<BookingId, Phase>,
    tickets: BTreeMap<BookingId, Vec<Ticket>>,
}

impl Machine {
    fn enter(&mut self, id: BookingId, phase: Phase, cx: &mut Cx<'_>) {
        self.phases.insert(id, phase);
        let written = self.phases.iter().map(|(id, phase)| (*id, phase.written()));
        cx.save(Saved {
            bookings: written.collect(),
            ..Saved::default()
        });
        cx.cancel_timer(Timer::Late(id));
        if phase < Money {
            cx.set_timer(Timer::Late(id), Duration::from_millis(300));
        }
        self.act(id, cx);
    }

    fn act(&mut self, id: BookingId, cx: &mut Cx<'_>) {
        let Some(phase) = self.phases.get(&id).copied() else {
            return;
        };
        let Some((does, step)) = phase.call() else {
            cx.cancel_timer(Timer::Again(id));
            for ticket in self.tickets.remove(&id).unwrap_or_default() {
                cx.reply(
                    ticket,
                    if phase == Happy {
                        Response::Booked
                    } else {
                        Response::Failed
                    },
                );
            }
            return;
        };
        let call = Call {
            booking: id,
            step,
            key: Key(u64::MAX - id.0 * 16 - step as u64),
        };
        let message = if does {
            Message::Do(call)
        } else {
            Message::Cancel(call)
        };
        cx.send(self.config.service(step), message);
        cx.set_timer(Timer::Again(id), Duration::from_millis(380));
    }
}

impl Node<Saga> for Machine {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let bookings = saved.unwrap_or_default().bookings;
        Machine {
            config: config.clone(),
            phases: bookings
                .iter()
                .map(|(id, record)| (*id, Phase::read(record)))
                .collect(),
            tickets: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        for id in self.phases.keys().copied().collect::<Vec<_>>() {
            self.act(id, cx);
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (call, mark) = match message {
            Message::Done(call) => (call, Mark::Done),
            Message::Refused(call) => (call, Mark::Refused),
            Message::Cancelled(call) => (call, Mark::Cancelled),
            Message::Do(_) | Message::Cancel(_) => return,
        };
        let phase = self.phases.get(&call.booking);
        if let Some(next) = phase.and_then(|phase| phase.after(call.step, mark)) {
            self.enter(call.booking, next, cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Again(id) => self.act(id, cx),
            Timer::Late(id) => match self.phases.get(&id) {
                Some(Seat) => self.enter(id, NoSeat, cx),
                Some(Room) => self.enter(id, NoRoom, cx),
                _ => {}
            },
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if let Request::Book(id) = request {
            self.tickets.entry(id).or_default().push(ticket);
            match self.phases.get(&id) {
                None => self.enter(id, Seat, cx),
                Some(Happy | Sad) => self.act(id, cx),
                Some(_) => {}
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Machine>)
}
