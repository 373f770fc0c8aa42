//! One tick for all, that looks at the clock; calls are repeated with back-off; keys are numbers of a counter that is saved first. A step that is silent
//! for long is asked once more before it is cancelled, so that the service is spared a cancellation that it does not need.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, Saga>;

const TICK: Duration = Duration::from_millis(20);
const FIRST: Duration = Duration::from_millis(40);
const MOST: Duration = Duration::from_millis(350);

#[derive(Clone, Debug, Hash)]
struct Pace {
    next: Time,
    gap: Duration,
    since: Time,
}

#[derive(Clone, Debug, Hash)]
struct Ticker {
    config: Config,
    saved: Saved,
    pace: BTreeMap<BookingId, Pace>,
    clients: BTreeMap<BookingId, Vec<Ticket>>,
}

impl Ticker {
    /// Due at once, and slower after that.
    fn fresh(&mut self, id: BookingId, cx: &Cx<'_>) {
        let now = cx.now();
        self.pace.insert(
            id,
            Pace {
                next: now,
                gap: FIRST,
                since: now,
            },
        );
    }

    fn is_open(mark: &Mark) -> bool {
        matches!(mark, Mark::Asked | Mark::Done)
    }

    /// Makes all calls that are due.
    fn work(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let due: Vec<BookingId> = self
            .pace
            .iter()
            .filter(|(_, p)| p.next <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let (Some(record), Some(pace)) = (self.saved.bookings.get(&id), self.pace.get_mut(&id))
            else {
                continue;
            };
            let found = match record.course {
                Course::Forward => record.steps.iter().next_back(),
                _ => record
                    .steps
                    .iter()
                    .rev()
                    .find(|(_, (_, mark))| Self::is_open(mark)),
            };
            let Some((step, (key, _))) = found else {
                continue;
            };
            let call = Call {
                booking: id,
                step: *step,
                key: *key,
            };
            let message = if record.course == Course::Forward {
                Message::Do(call)
            } else {
                Message::Cancel(call)
            };
            cx.send(self.config.service(*step), message);
            pace.next = now + pace.gap;
            pace.gap = (pace.gap * 2).min(MOST);
        }
    }

    fn give_up(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let mut late = Vec::new();
        for (id, pace) in &self.pace {
            let Some(record) = self.saved.bookings.get(id) else {
                continue;
            };
            let is_early = record.steps.keys().all(|step| *step < Step::Payment);
            if record.course == Course::Forward
                && is_early
                && now >= pace.since + Duration::from_millis(500)
            {
                late.push(*id);
            }
        }
        for id in late {
            if let Some(record) = self.saved.bookings.get_mut(&id) {
                record.course = Course::Back;
            }
            cx.save(self.saved.clone());
            self.fresh(id, cx);
        }
    }

    fn next(&mut self, id: BookingId, cx: &mut Cx<'_>) {
        let counter = self.saved.counter;
        let Some(record) = self.saved.bookings.get_mut(&id) else {
            return;
        };
        let mut end = None;
        match record.course {
            Course::Forward if record.steps.len() == 4 => {
                record.course = Course::Booked;
                end = Some(Response::Booked);
            }
            Course::Forward => {
                let step = Step::ALL[record.steps.len()];
                record.steps.insert(step, (Key(counter), Mark::Asked));
                self.saved.counter += 1;
            }
            _ if !record.steps.values().any(|(_, mark)| Self::is_open(mark)) => {
                record.course = Course::Failed;
                end = Some(Response::Failed);
            }
            _ => {}
        }
        cx.save(self.saved.clone());
        match end {
            Some(response) => {
                self.pace.remove(&id);
                for ticket in self.clients.remove(&id).unwrap_or_default() {
                    cx.reply(ticket, response);
                }
            }
            None => {
                self.fresh(id, cx);
                self.work(cx);
            }
        }
    }
}

impl Node<Saga> for Ticker {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Ticker {
            config: config.clone(),
            saved,
            pace: BTreeMap::new(),
            clients: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        let open = |record: &&Record| matches!(record.course, Course::Forward | Course::Back);
        let ids: Vec<BookingId> = self
            .saved
            .bookings
            .iter()
            .filter(|(_, r)| open(r))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.fresh(id, cx);
        }
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let (call, said) = match message {
            Message::Done(call) => (call, Mark::Done),
            Message::Refused(call) => (call, Mark::Refused),
            Message::Cancelled(call) => (call, Mark::Cancelled),
            _ => return,
        };
        let Some(record) = self.saved.bookings.get_mut(&call.booking) else {
            return;
        };
        let course = record.course;
        let Some((_, mark)) = record.steps.get_mut(&call.step) else {
            return;
        };
        let goes_on = match (course, *mark, said) {
            (Course::Forward, Mark::Asked, Mark::Done | Mark::Refused) => true,
            (Course::Back, Mark::Asked | Mark::Done, Mark::Refused | Mark::Cancelled) => true,
            _ => false,
        };
        if goes_on {
            *mark = said;
            if said == Mark::Refused {
                record.course = Course::Back;
            }
            self.next(call.booking, cx);
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Cx<'_>) {
        self.give_up(cx);
        self.work(cx);
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Book(id) = request else { return };
        match self.saved.bookings.get(&id).map(|record| record.course) {
            Some(Course::Booked) => cx.reply(ticket, Response::Booked),
            Some(Course::Failed) => cx.reply(ticket, Response::Failed),
            Some(_) => self.clients.entry(id).or_default().push(ticket),
            None => {
                self.clients.entry(id).or_default().push(ticket);
                self.saved.bookings.insert(
                    id,
                    Record {
                        course: Course::Forward,
                        steps: BTreeMap::new(),
                    },
                );
                self.next(id, cx);
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Ticker>)
}
