//! It works in rounds: what comes in is noted, and every 15 ms all of it is written down in one save and all calls leave. A node of few lines: the booking's course
//! is computed from its marks.

use splitbrain::exercises::saga::{
    BookingId, Call, Config, Course, Key, Mark, Message, Record, Request, Response, Saga, Saved,
    Step, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ROUND: Duration = Duration::from_millis(15);

#[derive(Clone, Debug, Hash)]
struct Rounds {
    config: Config,
    books: BTreeMap<BookingId, Record>,
    /// When each booking's call is due again, and how often it was made.
    due: BTreeMap<BookingId, (Time, u32)>,
    clients: BTreeSet<(BookingId, Ticket)>,
    dirty: bool,
}

fn ended(record: &Record) -> Option<Response> {
    match record.course {
        Course::Booked => Some(Response::Booked),
        Course::Failed => Some(Response::Failed),
        _ => None,
    }
}

impl Rounds {
    fn plan(record: &mut Record, id: BookingId) -> Option<Message> {
        let marks: Vec<(Step, Key, Mark)> = record
            .steps
            .iter()
            .map(|(s, (k, m))| (*s, *k, *m))
            .collect();
        if record.course == Course::Forward && marks.iter().all(|(.., mark)| *mark == Mark::Done) {
            match Step::ALL.get(marks.len()) {
                Some(step) => {
                    let key = Key(1 + id.0 * 5 + marks.len() as u64);
                    record.steps.insert(*step, (key, Mark::Asked));
                }
                None => record.course = Course::Booked,
            }
        }
        if marks.iter().any(|(.., mark)| *mark == Mark::Refused) && ended(record).is_none() {
            record.course = Course::Back;
        }
        let open =
            |(_, (_, mark)): &(&Step, &(Key, Mark))| matches!(mark, Mark::Asked | Mark::Done);
        let last = record.steps.iter().rev().find(open);
        let call = last.map(|(step, (key, _))| Call {
            booking: id,
            step: *step,
            key: *key,
        });
        match (record.course, call) {
            (Course::Forward, Some(call)) => Some(Message::Do(call)),
            (Course::Back, Some(call)) => Some(Message::Cancel(call)),
            (Course::Back, None) => {
                record.course = Course::Failed;
                None
            }
            _ => None,
        }
    }
}

impl Node<Saga> for Rounds {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Rounds {
            config: config.clone(),
            books: saved.unwrap_or_default().bookings,
            due: BTreeMap::new(),
            clients: BTreeSet::new(),
            dirty: false,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, Saga>) {
        cx.set_timer(Timer::Tick, ROUND);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, Saga>) {
        let (call, said) = match message {
            Message::Done(call) => (call, Mark::Done),
            Message::Refused(call) => (call, Mark::Refused),
            Message::Cancelled(call) => (call, Mark::Cancelled),
            Message::Do(_) | Message::Cancel(_) => return,
        };
        let Some(record) = self.books.get_mut(&call.booking) else {
            return;
        };
        let forward = record.course == Course::Forward;
        let Some((_, mark)) = record.steps.get_mut(&call.step) else {
            return;
        };
        let is_news = match (*mark, said) {
            (Mark::Asked, Mark::Done) => forward,
            (Mark::Asked, _) => true,
            (Mark::Done, Mark::Cancelled | Mark::Refused) => !forward,
            _ => false,
        };
        if is_news {
            *mark = said;
            self.due.remove(&call.booking);
            self.dirty = true;
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, Saga>) {
        let now = cx.now();
        let mut leaves = Vec::new();
        for (id, record) in self
            .books
            .iter_mut()
            .filter(|(_, record)| ended(record).is_none())
        {
            let (due, tries) = self.due.get(id).copied().unwrap_or((now, 0));
            if due > now {
                continue;
            }
            let before = record.clone();
            let is_early = record.steps.keys().all(|step| *step < Step::Payment);
            if record.course == Course::Forward && is_early && tries == 4 {
                record.course = Course::Back;
            }
            if let Some(message) = Self::plan(record, *id) {
                leaves.push(message);
                // 60, 120, 180, 240 ms, and so on up to 390.
                let gap = Duration::from_millis(60) * (tries + 1).min(6);
                self.due.insert(*id, (now + gap, tries + 1));
            }
            self.dirty |= before != *record;
        }
        if std::mem::take(&mut self.dirty) {
            cx.save(Saved {
                bookings: self.books.clone(),
                ..Saved::default()
            });
        }
        for message in leaves {
            let (Message::Do(call) | Message::Cancel(call)) = message else {
                continue;
            };
            cx.send(self.config.service(call.step), message);
        }
        for (id, ticket) in std::mem::take(&mut self.clients) {
            match self.books.get(&id).and_then(ended) {
                Some(response) => cx.reply(ticket, response),
                None => drop(self.clients.insert((id, ticket))),
            }
        }
        cx.set_timer(Timer::Tick, ROUND);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, _cx: &mut Context<'_, Saga>) {
        if let Request::Book(id) = request {
            self.clients.insert((id, ticket));
            self.books.entry(id).or_insert(Record {
                course: Course::Forward,
                steps: BTreeMap::new(),
            });
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Rounds>)
}
