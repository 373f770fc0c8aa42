//! What is watched in the random runs of `quorum_register`: after every step, what each replica has saved, what each message
//! can have told its receiver, and what each answer promises. Plays no client and knows no history: see `swarm`.

use super::{ABOVE, BACK, BUDGET, ENDS, KEEPS, MAJORITY, ONCE, SAVES, UNIQUE};
use crate::exercises::quorum_register::{ASK_AGAIN_AFTER, Held, Message, OpId, QuorumRegister, Request, Response, Timestamp, Value};
use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, NodeId, Step, Ticket};
use crate::time::{Time, micros};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// A request that a node has taken and must answer.
#[derive(Clone)]
struct Open {
    node: NodeId,
    taken: Time,
    /// What it writes; `None` for a read.
    write: Option<Value>,
}

/// A write, from the moment at which its request was taken.
#[derive(Clone)]
struct Write {
    /// The newest timestamp of an operation that had been answered by then: its own must be above, and `by` says whose.
    floor: Timestamp,
    floor_by: String,
    /// Its own, once a message or a disk showed it.
    held: Option<(Held, u64)>,
}

/// What the watch remembers of one node, across its crashes.
#[derive(Clone)]
struct Place {
    saved: Held,
    /// For each replica, the newest that it had saved when it sent something that has arrived here.
    heard: Vec<Timestamp>,
    /// The Stores that have arrived here: from whom, under which number; of several under one the oldest.
    stores: BTreeMap<(NodeId, OpId), Timestamp>,
    /// Queries and Stores that it sent and that its finished operations allow.
    asked: u64,
    allowed: u64,
    /// Answers that it sent, and Queries and Stores that reached it.
    answers: u64,
    questions: u64,
}

#[derive(Clone)]
pub(super) struct Watch {
    /// While states are explored: messages bear no numbers, so what a node can know is taken for what is true, which is more;
    /// and time stands still, so nothing is counted that is allowed by time.
    explored: bool,
    places: Vec<Place>,
    open: BTreeMap<Ticket, Open>,
    answered: BTreeMap<Ticket, u64>,
    writes: BTreeMap<u64, Write>,
    values: BTreeMap<Timestamp, (Value, u64)>,
    /// The newest timestamp that an answer has promised, and which answer.
    done: (Timestamp, String),
    /// What each message's sender had saved when it left, by the message's number.
    carried: Vec<Timestamp>,
    pub written: u64,
    pub reads: u64,
    /// Reads that found a majority without the newest value, so that they had to write back.
    pub concurrent: u64,
}

impl Watch {
    pub fn new(nodes: usize) -> Self {
        let place = || Place {
            saved: Held::INITIAL,
            heard: vec![Held::INITIAL.at; nodes],
            stores: BTreeMap::new(),
            asked: 0,
            allowed: 0,
            answers: 0,
            questions: 0,
        };
        Watch {
            explored: false,
            places: (0..nodes).map(|_| place()).collect(),
            open: BTreeMap::new(),
            answered: BTreeMap::new(),
            writes: BTreeMap::new(),
            values: BTreeMap::new(),
            done: (Held::INITIAL.at, String::new()),
            carried: vec![Held::INITIAL.at],
            written: 0,
            reads: 0,
            concurrent: 0,
        }
    }

    /// A watch over an exploration.
    pub fn exploring(nodes: usize) -> Self {
        Watch { explored: true, ..Watch::new(nodes) }
    }

    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// An operation that has not ended although nothing goes wrong any more.
    pub fn unfinished(&self, now: Time, quiet_at: Time) -> Check {
        let Some((ticket, open)) = self.open.iter().next() else { return Ok(()) };
        let what = open.write.map_or_else(|| "a read".to_owned(), |v| format!("a write of {}", v.0));
        let seen = format!(
            "{} took request {ticket:?}, {what}, at {} and has not crashed since; {} ms after everything worked again, with a majority up, \
             it had not answered",
            open.node,
            open.taken,
            now.since(quiet_at.max(open.taken)).as_millis()
        );
        Err(Broken::new(ENDS, seen).timed().unanswered())
    }

    /// What an operation may send in `open_us`: each phase to everybody, twice over, and everybody again every 20 ms in two phases.
    fn allowance(&self, open_us: u64) -> u64 {
        let n = self.places.len() as u64;
        4 * n + 2 * n * (open_us / micros(ASK_AGAIN_AFTER))
    }

    /// Forgets what a crash takes with it.
    fn crashes(&mut self, node: NodeId, at: Time) {
        let gone: Vec<Ticket> = self.open.iter().filter(|(_, o)| o.node == node).map(|(t, _)| *t).collect();
        for ticket in gone {
            self.closes(ticket, at);
        }
    }

    fn closes(&mut self, ticket: Ticket, at: Time) -> Option<Open> {
        let open = self.open.remove(&ticket)?;
        self.places[open.node.index()].allowed += self.allowance(micros(at.since(open.taken)));
        Some(open)
    }

    pub fn cause(&mut self, at: Time, node: NodeId, cause: Cause<'_, QuorumRegister>) {
        match cause {
            Cause::Crash => self.crashes(node, at),
            Cause::Message { from, id, message } => {
                let place = &mut self.places[node.index()];
                if let Some(carried) = self.carried.get(id as usize) {
                    let heard = &mut place.heard[from.index()];
                    *heard = (*heard).max(*carried);
                }
                place.questions += u64::from(matches!(message, Message::Query(_) | Message::Store(..)));
                if let Message::Store(op, held) = message {
                    let oldest = place.stores.entry((from, *op)).or_insert(held.at);
                    *oldest = (*oldest).min(held.at);
                }
            }
            Cause::Request { ticket, request } => {
                let write = if let Request::Write(value) = request { Some(*value) } else { None };
                if let Some(value) = write {
                    let (floor, floor_by) = self.done.clone();
                    self.writes.insert(value.0, Write { floor, floor_by, held: None });
                }
                self.open.insert(ticket, Open { node, taken: at, write });
            }
            _ => {}
        }
    }

    pub fn step(&mut self, step: &Step<'_, QuorumRegister>) -> Check {
        for effect in step.effects {
            match effect {
                Effect::Save(saved) => self.saves(step, saved.held)?,
                Effect::Send { to, message } => self.sends(step, *to, message)?,
                Effect::Reply { ticket, response } => self.replies(step, *ticket, response)?,
                _ => {}
            }
        }
        if step.crashed {
            self.crashes(step.node, step.at);
        }
        if self.explored { Ok(()) } else { self.within_budget(step) }
    }

    /// A message or a disk shows `held`: one timestamp for one value, above what was complete when it was asked for.
    fn shows(&mut self, step: &Step<'_, QuorumRegister>, held: Held) -> Check {
        if held == Held::INITIAL {
            return Ok(());
        }
        let (value, when) = *self.values.entry(held.at).or_insert((held.value, step.number));
        if value != held.value {
            let seen = format!("{:?} is the timestamp of {} and now also of {}, as {} shows", held.at, value.0, held.value.0, step.node);
            return Err(Broken::new(UNIQUE, seen).at([when, step.number]));
        }
        let Some(write) = self.writes.get_mut(&held.value.0) else { return Ok(()) };
        let (first, when) = *write.held.get_or_insert((held, step.number));
        if first.at != held.at {
            let seen = format!(
                "{} was written once, but is stored as {:?} and, by {}, as {:?}: once overwritten, it would come back",
                held.value.0, first.at, step.node, held.at
            );
            return Err(Broken::new(UNIQUE, seen).at([when, step.number]));
        }
        if held.at <= write.floor {
            let seen = format!(
                "{} gives the write of {} the timestamp {:?}, although {} before that write was asked for",
                step.node, held.value.0, held.at, write.floor_by
            );
            return Err(Broken::new(ABOVE, seen).at([step.number]));
        }
        Ok(())
    }

    fn saves(&mut self, step: &Step<'_, QuorumRegister>, held: Held) -> Check {
        let before = self.places[step.node.index()].saved;
        if held.at < before.at {
            let seen = format!("{} saved {:?} over {:?}, which is newer", step.node, held.at, before.at);
            return Err(Broken::new(KEEPS, seen).at([step.number]));
        }
        self.shows(step, held)?;
        self.places[step.node.index()].saved = held;
        Ok(())
    }

    fn sends(&mut self, step: &Step<'_, QuorumRegister>, to: NodeId, message: &Message) -> Check {
        let node = step.node;
        let place = &mut self.places[node.index()];
        let saved = place.saved;
        if !self.explored {
            self.carried.push(saved.at);
        }
        match message {
            Message::Query(_) | Message::Store(..) => place.asked += 1,
            Message::Answer(..) | Message::Stored(_) => place.answers += 1,
        }
        match message {
            Message::Store(_, held) => self.shows(step, *held),
            Message::Stored(op) => {
                let asked = self.places[node.index()].stores.get(&(to, *op)).copied();
                let seen = match asked {
                    Some(at) if at <= saved.at => return Ok(()),
                    Some(at) => format!("{node} told {to} that it had saved {at:?}, but by then it had saved only {:?}", saved.at),
                    None => format!("{node} acknowledged to {to} a Store {op:?} that had never reached it"),
                };
                Err(Broken::new(SAVES, seen).at([step.number]))
            }
            Message::Answer(_, held) => {
                if held.at < saved.at {
                    let seen = format!("{node} answered {to}'s Query with {:?}, but had saved {:?}, which is newer", held.at, saved.at);
                    return Err(Broken::new(KEEPS, seen).at([step.number]));
                }
                self.shows(step, *held)
            }
            Message::Query(_) => Ok(()),
        }
    }

    fn replies(&mut self, step: &Step<'_, QuorumRegister>, ticket: Ticket, response: &Response) -> Check {
        let node = step.node;
        let Some(open) = self.closes(ticket, step.at) else {
            return match self.answered.get(&ticket) {
                Some(first) => {
                    let seen = format!("{node} answered request {ticket:?} a second time, with {response:?}");
                    Err(Broken::new(ONCE, seen).at([*first, step.number]))
                }
                None => Ok(()),
            };
        };
        self.answered.insert(ticket, step.number);
        match (open.write, response) {
            (Some(value), Response::Written) => self.has_majority(step, value, true),
            (None, Response::Read(value)) => self.has_majority(step, *value, false),
            (_, other) => {
                let what = open.write.map_or_else(|| "a read".to_owned(), |v| format!("a write of {}", v.0));
                Err(Broken::new(ONCE, format!("{node} answered {what} with {other:?}")).at([step.number]))
            }
        }
    }

    /// At an answer: a majority must have saved the value, or something newer, as far as messages can have told `node`.
    fn has_majority(&mut self, step: &Step<'_, QuorumRegister>, value: Value, is_write: bool) -> Check {
        let node = step.node.index();
        let kind = if is_write { "the write" } else { "a read" };
        *(if is_write { &mut self.written } else { &mut self.reads }) += 1;
        let unseen = Write { floor: Held::INITIAL.at, floor_by: String::new(), held: None };
        let write = match self.writes.get(&value.0) {
            Some(write) => write,
            None if value == Held::INITIAL.value => &unseen,
            None => {
                let seen = format!("{} answered {kind} of {}, which nobody has written", step.node, value.0);
                return Err(Broken::new(if is_write { MAJORITY } else { BACK }, seen).at([step.number]));
            }
        };
        // Several values may be saved at once, as the newest of them: then no Store and no disk ever names an overwritten one's
        // timestamp. It is above what was complete when it was asked for, and so must be whatever a majority has saved.
        let (at, exact) = match write.held {
            Some((held, _)) => (held.at, true),
            None => (write.floor, value == Held::INITIAL.value),
        };
        let covers = |t: Timestamp| if exact { t >= at } else { t > at };
        let saved = |i: usize| covers(self.places[i].saved.at);
        let told = |i: usize| if i == node || self.explored { saved(i) } else { covers(self.places[node].heard[i]) };
        let names = |f: &dyn Fn(usize) -> bool| -> Vec<String> {
            (0..self.places.len()).filter(|i| f(*i)).map(|i| NodeId::from_index(i).to_string()).collect()
        };
        let known = (0..self.places.len()).filter(|i| told(*i)).count();
        if known * 2 <= self.places.len() {
            let really = names(&saved);
            let by = if really.len() * 2 <= self.places.len() {
                format!(
                    "had been saved by {} of {} then",
                    if really.is_empty() { "nobody".to_owned() } else { really.join(" and ") },
                    self.places.len()
                )
            } else {
                format!(
                    "had been saved, as far as any message could have told it, by {} of {}",
                    names(&told).join(" and "),
                    self.places.len()
                )
            };
            let what = if is_write { "Written to the write" } else { "a read" };
            let stamp = if exact { format!("{at:?}") } else { format!("never stored anywhere, and above {at:?}") };
            let seen = format!("{} answered {what} of {} ({stamp}), which {by}: not a majority", step.node, value.0);
            return Err(Broken::new(if is_write { MAJORITY } else { BACK }, seen).at([step.number]));
        }
        self.concurrent += u64::from(!is_write && known < self.places.len());
        if exact && at > self.done.0 {
            self.done = (at, format!("{} had answered {kind} of {} ({at:?})", step.node, value.0));
        }
        Ok(())
    }

    fn within_budget(&self, step: &Step<'_, QuorumRegister>) -> Check {
        let place = &self.places[step.node.index()];
        let slack = 4 * self.places.len() as u64;
        if place.asked > place.allowed {
            let open = self.open.values().filter(|o| o.node == step.node);
            let now: u64 = open.map(|o| self.allowance(micros(step.at.since(o.taken)))).sum();
            if place.asked > place.allowed + now {
                let seen = format!(
                    "{} has sent {} Queries and Stores by now; its operations so far allow {}: four to each node per operation, and two more for every 20 ms",
                    step.node,
                    place.asked,
                    place.allowed + now
                );
                return Err(Broken::new(BUDGET, seen).timed().at([step.number]));
            }
        }
        if place.answers > 2 * place.questions + slack {
            let seen = format!(
                "{} has sent {} Answers and Stored, but only {} Queries and Stores had reached it",
                step.node, place.answers, place.questions
            );
            return Err(Broken::new(BUDGET, seen).timed().at([step.number]));
        }
        Ok(())
    }
}

/// What rules other than the budget rest on. Steps are only for showing, and whose promise a floor is only for telling.
impl Hash for Watch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for place in &self.places {
            (place.saved, &place.stores).hash(state);
        }
        for (ticket, open) in &self.open {
            (ticket, open.node, open.write).hash(state);
        }
        for ticket in self.answered.keys() {
            ticket.hash(state);
        }
        for (value, write) in &self.writes {
            (value, write.floor, write.held.map(|(held, _)| held)).hash(state);
        }
        for (at, (value, _)) in &self.values {
            (at, value).hash(state);
        }
        self.done.0.hash(state);
    }
}
