//! The picture of this exercise: one booking that failed, as a table of what was asked, answered and compensated, and when.

use super::rules::{ALL, RETRIED};
use super::{B1, HOTEL, PAYMENTS, configs};
use crate::exercises::kit::{N1, Script};
use crate::exercises::saga::{Call, Key, Message, Request, Response, Saga, Step};
use crate::rule::Check;
use crate::sim::{Cause, Effect, Factory, NodeId, Referee, Setup, World};
use crate::time::{Time, millis};
use crate::trace::Probe;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// What happened to one step: when it was called, what was heard; and the same of its Cancel.
#[derive(Default)]
struct Row {
    key: Option<Key>,
    does: Vec<Time>,
    answer: Option<(&'static str, Time)>,
    cancels: Vec<Time>,
    cancelled: Option<Time>,
}

#[derive(Default)]
struct Diary(RefCell<BTreeMap<Step, Row>>);

impl Diary {
    fn notes(&self, call: &Call, note: impl FnOnce(&mut Row)) {
        let mut rows = self.0.borrow_mut();
        let row = rows.entry(call.step).or_default();
        row.key = Some(call.key);
        note(row);
    }
}

impl Referee<Saga> for &Diary {
    fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, Saga>) -> Check {
        if let (N1, Cause::Message { message, .. }) = (node, cause) {
            match message {
                Message::Done(call) => self.notes(call, |row| row.answer = row.answer.or(Some(("Done", at)))),
                Message::Refused(call) => self.notes(call, |row| row.answer = row.answer.or(Some(("Refused", at)))),
                Message::Cancelled(call) => self.notes(call, |row| row.cancelled = row.cancelled.or(Some(at))),
                Message::Do(_) | Message::Cancel(_) => {}
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &crate::sim::Step<'_, Saga>, _: &World<'_, Saga>) -> Check {
        for effect in step.effects {
            match effect {
                Effect::Send { message: Message::Do(call), .. } => self.notes(call, |row| row.does.push(step.at)),
                Effect::Send { message: Message::Cancel(call), .. } => self.notes(call, |row| row.cancels.push(step.at)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// `3 ms`, or `3, 103 ms`.
fn at(times: &[Time]) -> String {
    let ms = |time: &Time| time.since(Time::ZERO).as_millis().to_string();
    match times {
        [] => "-".to_owned(),
        [.., last] if times.len() > 3 => format!("{} … {} ms ({} times)", ms(&times[0]), ms(last), times.len()),
        _ => format!("{} ms", times.iter().map(ms).collect::<Vec<_>>().join(", ")),
    }
}

fn table(rows: &BTreeMap<Step, Row>) -> String {
    let mut text = format!("  {:<9}{:<6}{:<19}{:<17}{:<19}cancelled", "step", "key", "Do sent", "answered", "Cancel sent");
    for step in Step::ALL {
        let nothing = Row::default();
        let row = rows.get(&step).unwrap_or(&nothing);
        let key = row.key.map_or_else(|| "-".to_owned(), |key| format!("{key:?}"));
        let answer = row.answer.map_or_else(|| "-".to_owned(), |(what, time)| format!("{what}, {}", at(&[time])));
        let (does, cancels, cancelled) = (at(&row.does), at(&row.cancels), at(row.cancelled.as_slice()));
        text.push_str(&format!("\n  {:<9}{key:<6}{does:<19}{answer:<17}{cancels:<19}{cancelled}", format!("{step:?}")));
    }
    text
}

/// The hotel's first answer is lost, to the Do and to the Cancel; and payments refuse.
pub(super) fn shown(f: Factory<Saga>, p: &Probe) -> Check {
    let diary = Diary::default();
    let mut watch = &diary;
    let mut s = Script::of(World::by_hand_watched(f, Setup::new(1, configs()), p, Some(&mut watch)));
    [N1].into_iter().chain(super::SERVICES_AT).try_for_each(|place| s.start(place))?;
    s.ask_by(2, PAYMENTS, Request::Refuse(true))?;
    let ticket = s.ask(N1, Request::Book(B1))?;
    let (lost_do, lost_cancel) = (Cell::new(false), Cell::new(false));
    s.run_until_answered(ticket, millis(4_000), |envelope| match envelope.message {
        Message::Done(_) => envelope.from == HOTEL && !lost_do.replace(true),
        Message::Cancelled(_) => envelope.from == HOTEL && !lost_cancel.replace(true),
        _ => false,
    })?;
    s.one_answer(RETRIED, ticket, "Failed", |answer| *answer == Response::Failed)?;
    let books: Vec<super::desk::Book> = super::SERVICES_AT.into_iter().filter_map(|service| s.saved(service)).map(super::book).collect();
    let seen = super::swarm::in_part(&super::swarm::stands(books.iter())?);
    s.expect(ALL, seen.is_none(), || seen.unwrap_or_default())?;
    p.remark(format!(
        "A booking that failed, as your node played it. Payments refused; the hotel's first answer was lost, once to Do and once to Cancel.\n{}\n\
         Read it down to the refusal and then up again. For some time others could see a seat and a room taken that nobody has paid for: a saga has no isolation. \
         The room was cancelled under the same key under which it was booked, and the lost answers cost only time.",
        table(&diary.0.borrow())
    ));
    Ok(())
}
