//! What one node of `lamport_clock` may do: a ghost of it, kept from what others can observe; and what its peers and clients could say
//! in a storm.

use super::{ANSWERS, BEFORE, MINIMAL, RECEIVE, SURVIVES, TOTAL, UNIQUE};
use crate::exercises::kit::Open;
use crate::exercises::lamport_clock::{LEAP, LamportClock, Message, Request, Response, Saved, Stamp};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, ClientId, Factory, Input, NodeId, Seen, Setting, Spec, Storm, Ticket, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};
use std::collections::BTreeMap;

/// No clock of a storm comes near the end of the numbers.
const FAR: u64 = 1 << 62;

pub(super) fn storms(factory: Factory<LamportClock>) -> Storms {
    Storms {
        rules: &[RECEIVE, MINIMAL, BEFORE, UNIQUE, SURVIVES, TOTAL, ANSWERS],
        must_meet: &["storm crashes between two effects", "storm shadows", "events", "receipts", "messages sent", "stamps put in order"],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<LamportClock, Ghost>(factory, seed, probe)),
    }
}

#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    nodes: usize,
    open: Open<LamportClock>,
    /// The latest time that it has shown or given out, and in which step.
    last: (u64, u64),
    /// The latest that it can have come to without showing it: a crash cut that off.
    unseen: u64,
    /// The stamps of messages that came, in all its lives.
    heard: Vec<Stamp>,
    /// The stamps of events whose answers are open.
    stamps: BTreeMap<Ticket, Stamp>,
    is_new: bool,
    promised: bool,
    met: [u64; 4],
}

impl Ghost {
    pub fn new(me: NodeId, nodes: usize, saved: Option<&Saved>) -> Self {
        let open = Open::new(ANSWERS, me);
        let last = (saved.map_or(0, |saved| saved.clock), 0);
        Ghost {
            me,
            nodes,
            open,
            last,
            unseen: 0,
            heard: Vec::new(),
            stamps: BTreeMap::new(),
            is_new: saved.is_none(),
            promised: false,
            met: [0; 4],
        }
    }

    /// What its clock shows after a start.
    fn started(&mut self, clock: u64, step: u64) -> Check {
        let (me, (last, when)) = (self.me, self.last);
        if clock < last {
            return Err(Broken::new(SURVIVES, format!("{me}'s clock had reached {last}, but started again at {clock}")).at([when, step]));
        }
        let leap = if self.is_new { 0 } else { LEAP };
        if clock > last.max(self.unseen) + leap {
            let seen = format!("{me}'s clock had reached {last}, but started at {clock}: at most {leap} more are allowed there");
            return Err(Broken::new(MINIMAL, seen).at([step]));
        }
        self.last = (clock, step);
        Ok(())
    }

    /// What its clock shows after any other step, in which it heard of time `came`, or had an event of its own, or none.
    fn moved(&mut self, clock: u64, event: bool, came: Option<Stamp>, step: u64) -> Check {
        let (me, (last, when)) = (self.me, self.last);
        let expected = last.max(came.map_or(0, |stamp| stamp.time)) + u64::from(event);
        if clock == expected {
            self.heard.extend(came);
            self.last = (clock, step);
            return Ok(());
        }
        let rule = match came {
            Some(stamp) if clock <= stamp.time => RECEIVE,
            Some(_) if clock <= last => BEFORE,
            None if event && clock <= last => UNIQUE,
            _ => MINIMAL,
        };
        let why = match (event, came) {
            (_, Some(sent)) => {
                let again = if self.heard.contains(&sent) { " (and had come before: each arrival is an event)" } else { "" };
                format!("{me}'s clock was at {last}, and a message came that was sent at {sent:?}{again}")
            }
            (true, None) => format!("{me}'s clock was at {last}, and it had an event"),
            (false, None) => format!("{me}'s clock was at {last}, and it had no event"),
        };
        Err(Broken::new(rule, format!("{why}: it must be at {expected}, but is at {clock}")).at([when, step]))
    }

    /// Whether an answer has these stamps in their order: by time, and of equal times by node.
    fn in_order(&self, mut stamps: Vec<Stamp>, ordered: &[Stamp], step: u64) -> Check {
        stamps.sort_by_key(|stamp| (stamp.time, stamp.node));
        if stamps == ordered {
            return Ok(());
        }
        let me = self.me;
        let seen = match stamps.iter().zip(ordered).enumerate().find(|(_, (should, is))| should != is) {
            Some((place, (should, is))) => {
                format!("{me} was to put {} in order: {should:?} belongs in place {}, but {is:?} is there", many(&stamps), place + 1)
            }
            None => format!("{me} was to put {} in order, but answered with {}", many(&stamps), many(ordered)),
        };
        Err(Broken::new(TOTAL, seen).at([step]))
    }

    /// Stamps that leave in this step: `own`, if the step is an event of which others may hear.
    fn leaves(&mut self, stamp: Stamp, expected: Option<Stamp>, how: &str, step: u64) -> Check {
        if expected == Some(stamp) {
            self.last.0 = self.last.0.max(stamp.time);
            self.promised = true;
            return Ok(());
        }
        let should = expected.map_or_else(|| "nothing had happened".to_owned(), |own| format!("the stamp of that event is {own:?}"));
        let rule = if stamp.node != self.me || expected.is_some_and(|own| stamp.time < own.time) { UNIQUE } else { MINIMAL };
        Err(Broken::new(rule, format!("{} {how} {stamp:?}, but {should}", self.me)).at([step]))
    }
}

impl Spec<LamportClock> for Ghost {
    fn step(&mut self, seen: &Seen<'_, LamportClock>) -> Check {
        self.promised = false;
        let request = seen.request();
        let event = request.filter(|(_, request)| !matches!(request, Request::Order(_)));
        let own = Stamp { time: self.last.0 + 1, node: self.me };
        if seen.is_start() {
            self.stamps.clear();
        }
        self.stamps.extend(event.map(|(ticket, _)| (ticket, own)));
        let came = seen.message().map(|(_, message)| message.sent);
        // What a crash cut off before anybody heard of it did not happen.
        if let Some(clock) = seen.view {
            match seen.cause {
                Cause::Start { .. } => self.started(*clock, seen.number)?,
                _ => self.moved(*clock, event.is_some() || came.is_some(), came, seen.number)?,
            }
            self.is_new = false;
            self.promised |= came.is_some();
        }
        if seen.crashed {
            let known = self.last.0.max(self.unseen).max(came.map_or(0, |stamp| stamp.time));
            self.unseen = known + if seen.is_start() && !self.is_new { LEAP } else { 1 };
        }
        let to = if let Some((_, Request::Send(to))) = event { Some(*to) } else { None };
        let mut sent = 0;
        for (whom, message) in seen.sent() {
            if Some(whom) != to || sent > 0 {
                return Err(Broken::new(ANSWERS, format!("{} sent {whom} a message that nobody had asked for", self.me)).at([seen.number]));
            }
            sent += 1;
            self.leaves(message.sent, Some(own), "sent a message with", seen.number)?;
        }
        if let Some(to) = to.filter(|_| sent == 0 && !seen.crashed) {
            return Err(Broken::new(ANSWERS, format!("{} was asked to send {to} a message, but sent none", self.me)).at([seen.number]));
        }
        for (taken, response) in self.open.step(seen)? {
            match (taken.request, response) {
                (Request::Order(stamps), Response::Ordered(ordered)) => {
                    self.met[3] += 1;
                    self.in_order(stamps, ordered, seen.number)?;
                }
                (Request::Happen | Request::Send(_), Response::Stamped(stamp)) => {
                    self.met[0] += 1;
                    let expected = self.stamps.remove(&taken.ticket);
                    self.leaves(*stamp, expected, "answered with", seen.number)?;
                }
                (request, response) => {
                    return Err(Broken::new(ANSWERS, format!("{} answered {request:?} with {response:?}", self.me)).at([seen.number]));
                }
            }
        }
        self.met[1] += u64::from(came.is_some());
        self.met[2] += sent;
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        // A timer may be a little late.
        self.open.in_time(now, millis(105))
    }
}

impl Storm<LamportClock> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<LamportClock>) {
        let nodes = rng.range(1..=5) as usize;
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let saved = rng.chance(500_000).then(|| Saved { clock: rng.wild() % FAR });
        (Ghost::new(me, nodes, saved.as_ref()), Setting { saved, ..Setting::new(nodes, me, ()) })
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<LamportClock>> {
        let node = |rng: &mut Rng| NodeId::from_index(rng.below(self.nodes as u64) as usize);
        let time = |rng: &mut Rng| (if rng.chance(800_000) { rng.near(self.last.0) } else { rng.wild() } % FAR).max(1);
        let request = match rng.below(4) {
            0 => Request::Happen,
            1 => Request::Send(node(rng)),
            2 => {
                // No clock comes there, and an order has to do with any number.
                let any = |rng: &mut Rng| if rng.chance(300_000) { rng.wild().max(1) } else { time(rng) };
                let few = [any(rng), any(rng)];
                let nodes = if rng.chance(300_000) { u64::from(u8::MAX) } else { 16 };
                let stamp = |rng: &mut Rng| Stamp { time: few[rng.below(2) as usize], node: NodeId::from_index(rng.below(nodes) as usize) };
                let most = match rng.below(400) {
                    0 => 3_000,
                    1..20 => 50,
                    _ => 6,
                };
                Request::Order((0..rng.below(most)).map(|_| stamp(rng)).collect())
            }
            _ => {
                let from = Some(node(rng)).filter(|from| *from != self.me)?;
                return Some(Input::Message(from, Message { sent: Stamp { time: time(rng), node: from } }));
            }
        };
        Some(Input::Request(ClientId::from_index(rng.below(3) as usize), request))
    }

    /// A stamp that was given out, or a message that was read, is a promise: a copy that restarts from the disk shows where it goes on.
    fn promised(&self) -> bool {
        self.promised
    }

    fn tally(&self, coverage: &mut Coverage) {
        for (name, met) in ["events", "receipts", "messages sent", "stamps put in order"].into_iter().zip(self.met) {
            coverage.add(name, met);
        }
    }
}

/// The stamps, or how many they are.
fn many(stamps: &[Stamp]) -> String {
    if stamps.len() > 8 { format!("{} stamps", stamps.len()) } else { format!("{stamps:?}") }
}
