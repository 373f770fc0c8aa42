//! It writes down what it has heard, and not what it calls: a call under way is the one after the last Done, whoever restarts. It says everything twice,
//! and saves whatever comes in.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

#[derive(Clone, Debug, Hash)]
struct Twice {
    config: Config,
    heard: BTreeMap<BookingId, Record>,
    clients: Vec<(Ticket, BookingId)>,
}

fn key(id: BookingId, step: Step) -> Key {
    Key(match step {
        Step::Ticket => id.0 | 1 << 63,
        _ => id.0,
    })
}

enum Next {
    Do(Step),
    Cancel(Step),
    End(Response),
}

fn next(record: &Record) -> Next {
    let mark = |step: Step| record.steps.get(&step).map(|(_, mark)| *mark);
    let mut steps = Step::ALL.into_iter();
    match record.course {
        Course::Booked => Next::End(Response::Booked),
        Course::Failed => Next::End(Response::Failed),
        Course::Forward => steps
            .find(|step| mark(*step).is_none())
            .map_or(Next::End(Response::Booked), Next::Do),
        Course::Back => {
            // The first one that is not known to be done is the last that may have been called.
            let called = steps
                .position(|step| mark(step) != Some(Mark::Done))
                .unwrap_or(0);
            let open = |step: &Step| !matches!(mark(*step), Some(Mark::Refused | Mark::Cancelled));
            let all = &Step::ALL[..=called.min(1)];
            all.iter()
                .rev()
                .copied()
                .find(open)
                .map_or(Next::End(Response::Failed), Next::Cancel)
        }
    }
}

impl Twice {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(Saved {
            bookings: self.heard.clone(),
            ..Saved::default()
        });
    }

    fn go(&mut self, booking: BookingId, cx: &mut Cx<'_>) {
        let Some(record) = self.heard.get_mut(&booking) else {
            return;
        };
        let (step, message): (Step, fn(Call) -> Message) = match next(record) {
            Next::Do(step) => (step, Message::Do),
            Next::Cancel(step) => (step, Message::Cancel),
            Next::End(response) => {
                record.course = if response == Response::Booked {
                    Course::Booked
                } else {
                    Course::Failed
                };
                self.save(cx);
                for (ticket, _) in self.clients.extract_if(.., |(_, id)| *id == booking) {
                    cx.reply(ticket, response);
                }
                return;
            }
        };
        let call = Call {
            booking,
            step,
            key: key(booking, step),
        };
        for _ in 0..2 {
            cx.send(self.config.service(step), message(call));
        }
        cx.set_timer(Timer::Again(booking), Duration::from_millis(90));
        if record.course == Course::Forward && step < Step::Payment {
            cx.set_timer(Timer::Late(booking), Duration::from_millis(390));
        } else {
            cx.cancel_timer(Timer::Late(booking));
        }
    }
}

impl Node<Saga> for Twice {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Twice {
            config: config.clone(),
            heard: saved.unwrap_or_default().bookings,
            clients: Vec::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        for id in self.heard.keys().copied().collect::<Vec<_>>() {
            self.go(id, cx);
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (call, mark) = match message {
            Message::Done(call) => (call, Mark::Done),
            Message::Refused(call) => (call, Mark::Refused),
            Message::Cancelled(call) => (call, Mark::Cancelled),
            Message::Do(_) | Message::Cancel(_) => return,
        };
        let Some(record) = self.heard.get_mut(&call.booking) else {
            return;
        };
        let is_open = match next(record) {
            Next::Do(step) => step == call.step,
            Next::Cancel(step) => step == call.step && mark != Mark::Done,
            Next::End(_) => false,
        };
        if is_open {
            record.steps.insert(call.step, (call.key, mark));
            if mark == Mark::Refused {
                record.course = Course::Back;
            }
        }
        self.save(cx);
        if is_open {
            self.go(call.booking, cx);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Again(id) => {
                let late = Timer::Late(id);
                let Some(record) = self.heard.get(&id) else {
                    return;
                };
                // Not to be put off by calling again.
                let (step, message): (Step, fn(Call) -> Message) = match next(record) {
                    Next::Do(step) => (step, Message::Do),
                    Next::Cancel(step) => (step, Message::Cancel),
                    Next::End(_) => return cx.cancel_timer(late),
                };
                cx.send(
                    self.config.service(step),
                    message(Call {
                        booking: id,
                        step,
                        key: key(id, step),
                    }),
                );
                cx.set_timer(Timer::Again(id), Duration::from_millis(90));
            }
            Timer::Late(id) => {
                if let Some(record) = self.heard.get_mut(&id) {
                    record.course = Course::Back;
                    self.save(cx);
                    self.go(id, cx);
                }
            }
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(id) = request else { return };
        self.clients.push((ticket, id));
        self.heard.entry(id).or_insert(Record {
            course: Course::Forward,
            steps: BTreeMap::new(),
        });
        self.save(cx);
        self.go(id, cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Twice>)
}
