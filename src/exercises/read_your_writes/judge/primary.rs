//! What the primary may do. It is held to its disk: what clients and replicas are told must be there before. Group commit in any order, several at
//! once, sending without being asked: all are allowed that keep this.

use super::known::{Known, Shown};
use super::spec::{Answered, Base, LATE, key, write};
use super::{BOUNDED, LAG, ORDER, SAVED, TAKES, TOKEN};
use crate::exercises::kit::Taken;
use crate::exercises::read_your_writes::{Key, Message, Position, ReadYourWrites, Request, Response, Value, Write};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Input, NodeId, Seen, Ticket};
use crate::time::Time;
use crate::words::shown;
use std::collections::BTreeMap;

/// A replica that said what it has, and what it must then be sent.
#[derive(Clone)]
struct Owed {
    to: NodeId,
    has: u64,
    upto: u64,
    since: Time,
    step: u64,
}

/// A replica that asked for a value.
#[derive(Clone)]
struct Question {
    to: NodeId,
    key: Key,
    token: Position,
    since: Time,
    step: u64,
}

#[derive(Clone, Default)]
pub(super) struct Primary {
    known: Known,
    pub disk: u64,
    /// What clients have asked for in this life that is not on the disk.
    unsaved: Vec<Write>,
    /// What has come to the disk in this life, and no client was told yet.
    untold: BTreeMap<u64, Write>,
    /// How much was on the disk when each open request came.
    low: BTreeMap<Ticket, u64>,
    owed: Vec<Owed>,
    questions: Vec<Question>,
}

impl Primary {
    /// Its first disk.
    pub fn found(&mut self, log: &[Write]) {
        (1..).zip(log).for_each(|(at, write)| self.known.insert(at, *write));
        self.disk = log.len() as u64;
    }

    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, ReadYourWrites>, answered: &Answered) -> Check {
        match seen.cause {
            Cause::Start { .. } => self.forgets(),
            Cause::Message { from, message: Message::Have(has), .. } if has.0 < self.disk => {
                base.met.add("replicas that were behind the primary", 1);
                self.owed.push(Owed { to: from, has: has.0, upto: self.disk, since: seen.now, step: seen.number });
            }
            Cause::Message { from, message: Message::Ask { key, token }, .. } => {
                self.questions.push(Question { to: from, key: *key, token: *token, since: seen.now, step: seen.number });
            }
            Cause::Request { ticket, request } => {
                self.low.insert(ticket, self.disk);
                if let Request::Write(write) = request {
                    self.unsaved.push(*write);
                }
            }
            _ => {}
        }
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => self.saves(base, &saved.log, seen.number)?,
                Effect::Send { to, message } if *to != base.me => self.sends(base, *to, message, seen.number)?,
                Effect::Reply { ticket, response } => {
                    if let Some(taken) = answered.get(ticket) {
                        self.answers(base, taken, response, seen.number)?;
                    }
                }
                _ => {}
            }
        }
        if seen.crashed {
            self.forgets();
        }
        Ok(())
    }

    fn forgets(&mut self) {
        self.unsaved.clear();
        self.untold.clear();
        self.low.clear();
        self.owed.clear();
        self.questions.clear();
    }

    fn saves(&mut self, base: &Base, log: &[Write], step: u64) -> Check {
        let me = base.me;
        let broken = |seen: String| Err(Broken::new(ORDER, seen).at([step]));
        let length = log.len() as u64;
        if length < self.disk {
            return broken(format!(
                "{me} had the log up to {:?} on its disk, but saved one that ends at {:?}",
                Position(self.disk),
                Position(length)
            ));
        }
        for (at, write) in (1..).zip(log) {
            if at <= self.disk {
                if let Some(had) = self.known.get(at).filter(|had| had != write) {
                    return broken(format!("{me} had {had:?} at {:?} of its log, but saved {write:?} there", Position(at)));
                }
                continue;
            }
            let Some(i) = self.unsaved.iter().position(|wanted| wanted == write) else {
                return broken(format!("{me} put {write:?} into its log at {:?}, but no client waits for that", Position(at)));
            };
            self.unsaved.remove(i);
            self.known.insert(at, *write);
            self.untold.insert(at, *write);
        }
        self.disk = length;
        Ok(())
    }

    fn sends(&mut self, base: &mut Base, to: NodeId, message: &Message, step: u64) -> Check {
        let me = base.me;
        let broken = |rule, seen: String| Err(Broken::new(rule, seen).at([step]));
        match message {
            Message::Append { after, writes } => {
                let end = after.0.saturating_add(writes.len() as u64);
                if end > self.disk {
                    let on_disk = Position(self.disk);
                    return broken(
                        SAVED,
                        format!("{me} sent {to} the log up to {:?}, but its disk has it only up to {on_disk:?}", Position(end)),
                    );
                }
                for (at, write) in (after.0 + 1..).zip(writes) {
                    if let Some(is) = self.known.get(at).filter(|is| is != write) {
                        return broken(
                            ORDER,
                            format!("{me} told {to} that {write:?} is at {:?} of the log, but {is:?} is there", Position(at)),
                        );
                    }
                }
                for owed in self.owed.iter_mut().filter(|owed| owed.to == to && after.0 <= owed.has) {
                    owed.has = owed.has.max(end);
                }
                self.owed.retain(|owed| owed.has < owed.upto);
                base.promised |= !writes.is_empty();
            }
            Message::Tell { key, value, token } => {
                let shown = self.shown(*key, (Position(0), 0), *value, *token);
                if let Some((rule, why)) = self.known.judge(&shown) {
                    return broken(rule, format!("{me} told {to} {}: {why}", text(*key, *value, *token)));
                }
                self.questions.retain(|q| (q.to, q.key) != (to, *key) || q.token > *token);
                (base.promised, base.last) = (true, Some((*key, *token)));
            }
            _ => {}
        }
        Ok(())
    }

    fn shown(&self, key: Key, (asked, low): (Position, u64), value: Option<Value>, token: Position) -> Shown {
        Shown { key, asked, low, has: self.disk, value, token, unsaved: self.unsaved.clone(), is_primary: true }
    }

    fn answers(&mut self, base: &mut Base, taken: &Taken<ReadYourWrites>, response: &Response, step: u64) -> Check {
        let low = self.low.remove(&taken.ticket).unwrap_or(0);
        let broken = |rule, seen: String| Err(Broken::new(rule, format!("{} {seen}", base.me)).at([taken.step, step]));
        match (&taken.request, response) {
            (Request::Write(write), Response::Written(token)) => {
                let mut untold = self.untold.iter().rev().filter(|(at, saved)| **at > low && *saved == write).map(|(at, _)| *at);
                let newest = untold.clone().next();
                let Some(newest) = newest else {
                    return broken(SAVED, format!("answered Written({token:?}) to {write:?}, but that is not on its disk"));
                };
                let Some(at) = untold.find(|at| *at <= token.0) else {
                    let at = Position(newest);
                    return broken(
                        TOKEN,
                        format!("answered Written({token:?}) to {write:?}, which is at {at:?}: the token does not cover it"),
                    );
                };
                if token.0 > self.disk {
                    let on_disk = Position(self.disk);
                    return broken(SAVED, format!("answered Written({token:?}) to {write:?}, but its disk has the log up to {on_disk:?}"));
                }
                self.untold.remove(&at);
                base.met.add("writes of the primary", 1);
                (base.promised, base.last) = (true, Some((write.key, *token)));
                Ok(())
            }
            (Request::Read { key, token: asked }, Response::Value { value, token }) => {
                let shown = self.shown(*key, (*asked, low), *value, *token);
                if let Some((rule, why)) = self.known.judge(&shown) {
                    return broken(rule, format!("answered a read of {key:?} with {}: {why}", text(*key, *value, *token)));
                }
                base.met.add("reads of the primary", 1);
                (base.promised, base.last) = (true, Some((*key, *token)));
                Ok(())
            }
            (Request::Read { .. }, Response::Behind) => {
                broken(super::BEHIND, "answered a read with Behind, but is the primary: it has everything".to_owned())
            }
            (request, response) => broken(BOUNDED, format!("answered {} with {}", shown(request), shown(response))),
        }
    }

    pub fn overdue(&self, base: &Base, now: Time) -> Check {
        let me = base.me;
        let ms = TAKES.as_millis();
        if let Some(owed) = self.owed.iter().find(|owed| now > owed.since + TAKES + LATE) {
            let (to, has, upto) = (owed.to, Position(owed.has), Position(owed.upto));
            let seen = format!(
                "{to} has the log up to {has:?}, {me} had it up to {upto:?} when it heard that, but did not send the rest within {ms} ms"
            );
            return Err(Broken::new(LAG, seen).at([owed.step]).unanswered());
        }
        if let Some(q) = self.questions.iter().find(|q| now > q.since + TAKES + LATE) {
            let (to, key, token) = (q.to, q.key, q.token);
            let seen =
                format!("{to} asked {me} for {key:?} with token {token:?}, but got no Tell with that token or a higher one within {ms} ms");
            return Err(Broken::new(BOUNDED, seen).at([q.step]).unanswered());
        }
        Ok(())
    }

    /// A position that is on the disk.
    fn position(&self, rng: &mut Rng) -> u64 {
        match rng.below(4) {
            0 => 0,
            1 => rng.below(self.disk + 1),
            2 => rng.near(self.disk).min(self.disk),
            _ => self.disk,
        }
    }

    pub fn input(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<ReadYourWrites>> {
        let replicas: Vec<NodeId> = (0..base.nodes).map(NodeId::from_index).filter(|node| *node != base.me).collect();
        let from = *rng.pick(&replicas)?;
        let client = ClientId::from_index(rng.below(3) as usize);
        Some(match rng.below(10) {
            0..=3 => {
                // The same write twice is two writes.
                let again = rng.pick(&self.unsaved).copied().filter(|_| rng.chance(300_000));
                Input::Request(client, Request::Write(again.unwrap_or_else(|| write(base.keys, rng))))
            }
            4 | 5 => Input::Request(client, Request::Read { key: key(base.keys, rng), token: Position(self.position(rng)) }),
            6 | 7 => Input::Message(from, Message::Have(Position(self.position(rng)))),
            _ => Input::Message(from, Message::Ask { key: key(base.keys, rng), token: Position(self.position(rng)) }),
        })
    }

    /// A primary that has forgotten what it gave out a token for.
    pub fn betray(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<ReadYourWrites>> {
        let replica = NodeId::from_index((base.me.index() + 1) % base.nodes);
        let (key, token) = base.last?;
        Some(match rng.below(4) {
            0 => Input::Message(replica, Message::Have(Position(self.position(rng)))),
            1 => Input::Message(replica, Message::Ask { key, token }),
            2 => Input::Request(ClientId::from_index(1), Request::Write(write(base.keys, rng))),
            _ => Input::Request(ClientId::from_index(0), Request::Read { key, token }),
        })
    }
}

/// `k1 = v7 @3`, `k1 = nothing @0`.
pub(super) fn text(key: Key, value: Option<Value>, token: Position) -> String {
    match value {
        Some(value) => format!("{key:?} = {value:?} under token {token:?}"),
        None => format!("{key:?} = nothing under token {token:?}"),
    }
}
